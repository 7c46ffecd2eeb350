//! The keys of `schedule`: openings and freezes.
//!
//! **Invariant:** a day and an opening have one way to be written, and an opening or freeze that is refused has
//! noted one problem at the key that causes it.

use std::ops::Range;

use jiff::civil::Date;

use crate::plan::cron_doubts::doubts;
use crate::plan::fields::too_many;
use crate::plan::kinds::{CRON, DATE, TEXT};
use crate::plan::typed_key::{Keys as _, keys, span_key, value};
use crate::plan::values::{date, owned_text, reason};
use crate::plan::{Absent, Node, Problems, Takes, TypedKey, Written, cron, items};
use crate::schedule::{
    Freeze, LEAST_OPENING, MAX_FREEZES, MAX_OPENINGS, Opening, Schedule, ScheduleError, Zone,
};
use crate::time::Span;

const OPEN_EXAMPLE: &str = "a list, such as - {cron: \"0 9 * * Mon-Thu\", for: 7h}";
const FREEZE_EXAMPLE: &str = "a list, such as - {from: 2026-12-18, until: 2027-01-04, reason: Year end}";

const LEAST_LENGTH: Span = Span::minutes(LEAST_OPENING.as_mins());
/// Days after which a freeze is more probably a slip in a year or month than meant.
const LONG_FREEZE: i32 = 60;

keys! {
    /// When ringward may write. A freeze always wins over an opening.
    ScheduleKeys("`schedule`", "schedule") {
        /// When a ring may be entered. An empty list means always.
        open: Vec<Opening> = TypedKey {
            takes: Takes::Mappings { item: OpeningKeys::MAPPING, least: 0, most: MAX_OPENINGS, are_distinct: false },
            absent: Absent::Means("the openings of `defaults`; always open if there are none"),
            example: "open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]",
            read: |node, what, problems| {
                let items = items(node, what, OPEN_EXAMPLE, problems)?;
                let hint = "; one line can name several days, such as Mon-Thu";
                if too_many(&node.at, items.len(), MAX_OPENINGS, "openings", hint, problems) {
                    return None;
                }
                Some(items.iter().filter_map(|item| opening(item, problems)).collect())
            },
        },
        /// Days on which nothing is written. A ring's own are added to those of `defaults`; only an empty
        /// list in a ring lifts them.
        freeze: Vec<Freeze> = TypedKey {
            takes: Takes::Mappings { item: FreezeKeys::MAPPING, least: 0, most: MAX_FREEZES, are_distinct: false },
            absent: Absent::Means("the freezes of `defaults`"),
            example: "freeze: [{from: 2026-12-18, until: 2027-01-04, reason: Year-end change freeze}]",
            read: |node, what, problems| {
                let items = items(node, what, FREEZE_EXAMPLE, problems)?;
                if too_many_freezes(&node.at, items.len(), problems) {
                    return None;
                }
                Some(items.iter().filter_map(|item| freeze(item, problems)).collect())
            },
        },
    }
    elsewhere |key| match key {
        "timezone" => Some("write `timezone` next to `schedule`"),
        "cron" | "for" => Some("write it in an opening, such as open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]"),
        _ => None,
    }
}

keys! {
    /// A repeated span of time in which a ring may be entered. It belongs to the moment it opens, also across
    /// midnight and clock changes; a ring is entered only while 15m of it are left, or within 2m of its
    /// start. Where a freeze begins in it, it ends there; where one ends in it, that is its start.
    OpeningKeys("an opening", "opening") {
        /// When it opens.
        cron: String = value(
            &CRON, Absent::Refused("when it opens, such as cron: \"0 9 * * Mon-Thu\""),
            "cron: \"0 9 * * Mon-Thu\"", owned_text,
        ),
        /// How long it stays open, in elapsed time.
        length as "for": Span = span_key!(
            LEAST_LENGTH, "a ring is entered only with 15m of the opening left",
            Absent::Refused("how long it stays open, such as for: 7h"), "for: 7h"
        ),
    }
    elsewhere |key| match key {
        "timezone" => Some("write `timezone` next to `schedule`, for all its openings"),
        "until" => Some("write how long it stays open, such as for: 7h"),
        "from" => Some("write when it opens, such as cron: \"0 9 * * Mon-Thu\""),
        _ => None,
    }
}

keys! {
    /// Whole days in the ring's zone on which nothing is written. Deadlines stand still, soaks go on.
    FreezeKeys("a freeze", "freeze") {
        /// The first frozen day.
        from: Date = value(
            &DATE, Absent::Refused("the first frozen day, such as from: 2026-12-18"),
            "from: 2026-12-18", date,
        ),
        /// The last frozen day.
        until: Date = value(
            &DATE, Absent::Refused("the last frozen day, such as until: 2027-01-04"),
            "until: 2027-01-04", date,
        ),
        /// Why, for those who wait.
        reason: String = value(
            &TEXT, Absent::Refused("why, for those who wait"),
            "reason: Year-end change freeze", reason,
        ),
    }
    elsewhere |key| (key == "to").then_some("write `until`, the last frozen day")
}

fn too_many_freezes(at: &Range<usize>, count: usize, problems: &mut Problems) -> bool {
    too_many(at, count, MAX_FREEZES, "freezes", "; join neighbouring days and drop past ones", problems)
}

fn opening(node: &Node, problems: &mut Problems) -> Option<Opening> {
    let OpeningKeys { cron, length } = OpeningKeys::read(node, "", problems)?;
    let (line, at) = cron.placed()?;
    // With any length, so that a bad line shows beside a bad length.
    let opening = Opening::new(&line, length.value.unwrap_or(LEAST_LENGTH));
    let opening = opening.map_err(|error| refuse(&at, &error, problems)).ok()?;
    for (problem, instead) in doubts(&line, &opening) {
        problems.warn(&at, problem, instead, None);
    }
    length.value.map(|_| opening)
}

fn freeze(node: &Node, problems: &mut Problems) -> Option<Freeze> {
    let FreezeKeys { from, until, reason } = FreezeKeys::read(node, "", problems)?;
    let (last_day, at) = until.placed()?;
    let freeze = Freeze::new(from.value?, last_day, reason.value?);
    let freeze = freeze.map_err(|error| refuse(&at, &error, problems)).ok()?;
    let days = freeze.days();
    if days > LONG_FREEZE {
        let problem = format!("this freeze is {days} days long");
        let instead = "nothing is written for all that time, no fix either; check both days";
        problems.warn(&at, problem, instead, None);
    }
    Some(freeze)
}

/// A ring's, filled from `defaults`. Its own openings stand in place of theirs; its own freezes are added.
pub(super) fn filled(
    zone: Zone,
    own: &Written<ScheduleKeys>,
    defaults: &Written<ScheduleKeys>,
    problems: &mut Problems,
) -> Option<Schedule> {
    let (own, shared) = (own.keys(), defaults.keys());
    let open = own.open.or(&shared.open).unwrap_or_default();
    let mut freeze = shared.freeze.value.unwrap_or_default();
    let at = own.freeze.at.unwrap_or(0..0);
    match own.freeze.value {
        Some(added) if added.is_empty() => {
            if !freeze.is_empty() {
                let lifted: Vec<&str> = freeze.iter().map(Freeze::reason).collect();
                let problem =
                    format!("this lifts the freezes of `defaults` for this ring: {}", lifted.join(", "));
                let instead = "to keep them, leave `freeze` out, or write the ring's own, which are added";
                problems.note(&at, problem, instead);
            }
            freeze.clear();
        }
        Some(added) => {
            let added: Vec<Freeze> = added.into_iter().filter(|one| !freeze.contains(one)).collect();
            freeze.extend(added);
        }
        None => {}
    }
    if too_many_freezes(&at, freeze.len(), problems) {
        return None;
    }
    // Both lists were bounded when they were read, the only way to fail.
    Schedule::new(zone, open, freeze).ok()
}

/// The schedule's own errors stand alone; here the offending text is shown beside them.
fn refuse(at: &Range<usize>, error: &ScheduleError, problems: &mut Problems) {
    let (problem, instead) = match error {
        ScheduleError::NotCron { found, fault } => cron::explain(found, fault),
        ScheduleError::NeverOpens { .. } => {
            ("this opening never comes".to_owned(), "name a day, month and weekday that some date has".into())
        }
        ScheduleError::EndsBeforeItBegins { from, .. } => (
            format!("this freeze ends before it begins on {from}"),
            "name the last frozen day; both days are frozen".into(),
        ),
        // Of one opening or freeze that was read, nothing else is refused.
        ScheduleError::InvalidCron { .. }
        | ScheduleError::TooShort { .. }
        | ScheduleError::UnknownZone { .. }
        | ScheduleError::TooManyOpenings { .. }
        | ScheduleError::TooManyFreezes { .. } => (error.to_string(), "correct it".into()),
    };
    problems.wrong(at, problem, instead);
}
