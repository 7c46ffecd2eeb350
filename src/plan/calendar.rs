//! The `timezone` and `schedule` of a ring or of `defaults`.
//!
//! **Invariant:** an opening or freeze that is refused has noted one problem at the key that
//! causes it.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::civil::Date;

use super::cron;
use super::error::Problems;
use super::fields::{Fields, items, text};
use super::keys::{FREEZE, OPENING, SCHEDULE};
use super::near::{either, nearest};
use super::tree::Node;
use super::values::span;
use crate::schedule::{Freeze, LEAST_OPENING, MAX_FREEZES, MAX_OPENINGS, Opening, ScheduleError, Zone};
use crate::time::Span;

const OPEN_EXAMPLE: &str = "a list, such as - {cron: \"0 9 * * Mon-Thu\", for: 7h}";
const FREEZE_EXAMPLE: &str = "a list, such as - {from: 2026-12-18, until: 2027-01-04, reason: Year end}";

/// Days after which a freeze is more probably a slip in a year or month than meant.
const LONG_FREEZE: i32 = 60;

/// The parts of a schedule that are written; `None` where the key is absent or refused.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) open: Option<Vec<Opening>>,
    pub(super) freeze: Option<Vec<Freeze>>,
    /// Where the freezes are written.
    pub(super) freeze_at: Range<usize>,
}

pub(super) fn zone(node: &Node, problems: &mut Problems) -> Option<Zone> {
    let name = text(node, "`timezone`", problems)?;
    let zone = Zone::new(name).ok();
    if zone.is_none() {
        let instead = match near_zones(name) {
            Some(near) => format!("did you mean {near}?"),
            None => "write an IANA name, such as Europe/Lisbon, America/New_York or UTC".to_owned(),
        };
        problems.wrong(&node.at, "not a time zone", instead);
    }
    if let Some((problem, instead)) = zone.as_ref().and_then(|zone| without_summer(zone.name())) {
        problems.warn(&node.at, problem, instead, None);
    }
    zone
}

/// Names that look like a place's time and stay the same all year.
fn without_summer(name: &str) -> Option<(String, String)> {
    let places = [("EST", "America/New_York"), ("MST", "America/Denver"), ("HST", "Pacific/Honolulu")];
    if let Some((_, place)) = places.iter().find(|(zone, _)| *zone == name) {
        let problem = "this zone has no summer time: its clocks are the same all year".to_owned();
        return Some((problem, format!("write the zone of a place, such as {place}")));
    }
    let hours = name.strip_prefix("Etc/GMT")?;
    let (side, turned) = match hours.chars().next()? {
        '+' => ("behind", '-'),
        '-' => ("ahead of", '+'),
        _ => return None,
    };
    let hours = hours.get(1..).filter(|hours| *hours != "0")?;
    let problem = format!("this zone is {hours}h {side} UTC (UTC{turned}{hours}), and has no summer time");
    Some((
        problem,
        "write the zone of a place, such as Europe/Lisbon; the sign of these names is turned round"
            .to_owned(),
    ))
}

/// The names of the time zone database, which may lie on disk; asked for once.
static ZONES: LazyLock<Vec<String>> =
    LazyLock::new(|| jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect());

fn near_zones(name: &str) -> Option<String> {
    let known = &*ZONES;
    // `CEST` is near to `EST`, and `GMT+2` to `GMT+0`; they mean other places.
    let abbreviation = name.len() <= 4 && name.bytes().all(|byte| byte.is_ascii_uppercase());
    let abbreviation = abbreviation || name.bytes().any(|byte| byte.is_ascii_digit());
    let name = name.replace(' ', "_");
    let whole = nearest(&name, known.iter().map(String::as_str));
    if !whole.is_empty() && !abbreviation {
        return either(&whole);
    }
    // `Lisbon` for `Europe/Lisbon`.
    let city = name.to_lowercase();
    let mut same_city: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|zone| zone.rsplit_once('/').is_some_and(|(_, last)| last.to_lowercase() == city))
        .collect();
    same_city.sort_unstable();
    same_city.truncate(3);
    either(&same_city)
}

pub(super) fn schedule(node: &Node, problems: &mut Problems) -> Parts {
    let Some(fields) = Fields::of(node, &SCHEDULE, problems) else {
        return Parts::default();
    };
    let open = fields.get("open").and_then(|node| {
        let too_many = |found| ScheduleError::TooManyOpenings { found };
        all(node, "`open`", OPEN_EXAMPLE, (MAX_OPENINGS, too_many), opening, problems)
    });
    let freeze_at = fields.get("freeze").map_or(0..0, |node| node.at.clone());
    let freeze = fields.get("freeze").and_then(|node| {
        let too_many = |found| ScheduleError::TooManyFreezes { found };
        all(node, "`freeze`", FREEZE_EXAMPLE, (MAX_FREEZES, too_many), freeze, problems)
    });
    Parts { open, freeze, freeze_at }
}

/// Every item that can be read; the others have noted their problems. Of too many, none is read.
fn all<T>(
    node: &Node,
    what: &str,
    example: &str,
    (most, too_many): (usize, fn(usize) -> ScheduleError),
    reader: fn(&Node, &mut Problems) -> Option<T>,
    problems: &mut Problems,
) -> Option<Vec<T>> {
    let items = items(node, what, example, problems)?;
    if items.len() > most {
        refuse(&node.at, &too_many(items.len()), problems);
        return None;
    }
    Some(items.iter().filter_map(|item| reader(item, problems)).collect())
}

fn opening(node: &Node, problems: &mut Problems) -> Option<Opening> {
    let fields = Fields::of(node, &OPENING, problems)?;
    let cron = fields.require("cron", "write when it opens, such as cron: \"0 9 * * Mon-Thu\"", problems);
    let length = fields.require("for", "write how long it stays open, such as for: 7h", problems);
    // Both are read before either is given up, so that both problems show.
    let line = cron.and_then(|node| Some((node, text(node, "`cron`", problems)?)));
    let why = "a ring is entered only with 15m of the opening left";
    let least = Span::minutes(LEAST_OPENING.as_mins());
    let length = length.and_then(|node| span(node, "`for`", least, why, problems));
    let (node, line) = line?;
    // With any length, so that a bad line shows beside a bad length.
    match Opening::new(line, length.unwrap_or(least)) {
        Ok(opening) => {
            for (problem, instead) in cron::doubts(line, &opening) {
                problems.warn(&node.at, problem, instead, None);
            }
            length.map(|_| opening)
        }
        Err(error) => {
            refuse(&node.at, &error, problems);
            None
        }
    }
}

fn freeze(node: &Node, problems: &mut Problems) -> Option<Freeze> {
    let fields = Fields::of(node, &FREEZE, problems)?;
    let from = fields.require("from", "write the first frozen day, such as from: 2026-12-18", problems);
    let until = fields.require("until", "write the last frozen day, such as until: 2027-01-04", problems);
    let reason = fields.require("reason", "write why, for those who wait", problems);
    let from = from.and_then(|node| date(node, "`from`", problems));
    let last_day = until.and_then(|node| date(node, "`until`", problems));
    let reason = reason.and_then(|node| text(node, "`reason`", problems));
    match Freeze::new(from?, last_day?, reason?) {
        Ok(freeze) => {
            let days = freeze.days();
            if days > LONG_FREEZE {
                let problem = format!("this freeze is {days} days long");
                let instead = "nothing is written for all that time, no fix either; check both days";
                problems.warn(&until?.at, problem, instead, None);
            }
            Some(freeze)
        }
        Err(error) => {
            refuse(&until?.at, &error, problems);
            None
        }
    }
}

/// A day of the calendar, `2026-12-18`; jiff alone would also read a date with a time.
pub(crate) fn date(node: &Node, what: &str, problems: &mut Problems) -> Option<Date> {
    let text = text(node, what, problems)?;
    let shape: Vec<usize> = text.split('-').map(str::len).collect();
    let date = text.parse().ok().filter(|_| shape == [4, 2, 2]);
    if date.is_none() {
        let instead = "write year, month and day of a day that exists, such as 2026-12-18";
        problems.wrong(&node.at, format!("{what} is not a date"), instead);
    }
    date
}

/// More freezes than a ring may have, its own and those of `defaults` together.
pub(super) fn too_many_freezes(found: usize, at: &Range<usize>, problems: &mut Problems) {
    refuse(at, &ScheduleError::TooManyFreezes { found }, problems);
}

/// The schedule's own errors stand alone; here the offending text is shown beside them.
fn refuse(at: &Range<usize>, error: &ScheduleError, problems: &mut Problems) {
    let (problem, instead) = match error {
        ScheduleError::InvalidCron { found, .. } => cron::explain(found),
        ScheduleError::EmptyEntry { found } => cron::explain_empty(found),
        ScheduleError::NeverOpens { .. } => (
            "this opening never comes".to_owned(),
            "name a day, month and weekday that some date has".to_owned(),
        ),
        ScheduleError::EndsBeforeItBegins { from, .. } => (
            format!("this freeze ends before it begins on {from}"),
            "name the last frozen day; both days are frozen".to_owned(),
        ),
        ScheduleError::TooManyOpenings { found } => (
            format!("{found} openings are too many"),
            format!("write at most {MAX_OPENINGS}; one line can name several days, such as Mon-Thu"),
        ),
        ScheduleError::TooManyFreezes { found } => (
            format!("{found} freezes are too many"),
            format!("write at most {MAX_FREEZES}; join neighbouring days and drop past ones"),
        ),
        ScheduleError::TooShort { .. } | ScheduleError::UnknownZone { .. } => {
            (error.to_string(), "correct it".to_owned())
        }
    };
    match error {
        ScheduleError::TooManyOpenings { .. } | ScheduleError::TooManyFreezes { .. } => {
            problems.missing(at, problem, instead);
        }
        _ => problems.wrong(at, problem, instead),
    }
}
