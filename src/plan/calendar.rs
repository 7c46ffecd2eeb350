//! The `schedule` of a ring or of `defaults`.
//!
//! **Invariant:** an opening or freeze that is refused has noted one problem at the key that
//! causes it.

use std::ops::Range;

use crate::plan::cron;
use crate::plan::error::Problems;
use crate::plan::fields::{Fields, items};
use crate::plan::keys::schedule::{FREEZE, FROM, LENGTH, OPENING, OPENS, REASON, SCHEDULE, UNTIL};
use crate::plan::tree::Node;
use crate::plan::typed_key::Placed;
use crate::schedule::{Freeze, LEAST_OPENING, MAX_FREEZES, MAX_OPENINGS, Opening, ScheduleError};
use crate::time::Span;

const OPEN_EXAMPLE: &str = "a list, such as - {cron: \"0 9 * * Mon-Thu\", for: 7h}";
const FREEZE_EXAMPLE: &str = "a list, such as - {from: 2026-12-18, until: 2027-01-04, reason: Year end}";

/// Days after which a freeze is more probably a slip in a year or month than meant.
const LONG_FREEZE: i32 = 60;

/// A schedule as written; `None` where a key is absent or refused.
#[derive(Debug, Default)]
pub(super) struct ScheduleKeys {
    pub(super) open: Option<Vec<Opening>>,
    pub(super) freeze: Option<Vec<Freeze>>,
    /// Where the freezes are written.
    pub(super) freeze_at: Range<usize>,
}

/// Reads the key `schedule`.
pub(super) fn schedule(fields: &Fields<'_>, problems: &mut Problems) -> ScheduleKeys {
    let Some(fields) = fields.mapping(&SCHEDULE, problems) else { return ScheduleKeys::default() };
    let open = fields.get("open").and_then(|node| {
        let too_many = |found| ScheduleError::TooManyOpenings { found };
        all(node, "`open`", OPEN_EXAMPLE, (MAX_OPENINGS, too_many), opening, problems)
    });
    let freeze_at = fields.get("freeze").map_or(0..0, |node| node.at.clone());
    let freeze = fields.get("freeze").and_then(|node| {
        let too_many = |found| ScheduleError::TooManyFreezes { found };
        all(node, "`freeze`", FREEZE_EXAMPLE, (MAX_FREEZES, too_many), freeze, problems)
    });
    ScheduleKeys { open, freeze, freeze_at }
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
    // Both are read before either is given up, so that both problems show.
    let cron =
        OPENS.needed_placed(&fields, "write when it opens, such as cron: \"0 9 * * Mon-Thu\"", problems);
    let length = LENGTH.needed(&fields, "write how long it stays open, such as for: 7h", problems);
    let Placed { value, at } = cron?;
    let line = value?;
    // With any length, so that a bad line shows beside a bad length.
    match Opening::new(&line, length.unwrap_or(Span::minutes(LEAST_OPENING.as_mins()))) {
        Ok(opening) => {
            for (problem, instead) in cron::doubts(&line, &opening) {
                problems.warn(&at, problem, instead, None);
            }
            length.map(|_| opening)
        }
        Err(error) => {
            refuse(&at, &error, problems);
            None
        }
    }
}

fn freeze(node: &Node, problems: &mut Problems) -> Option<Freeze> {
    let fields = Fields::of(node, &FREEZE, problems)?;
    let from = FROM.needed(&fields, "write the first frozen day, such as from: 2026-12-18", problems);
    let until =
        UNTIL.needed_placed(&fields, "write the last frozen day, such as until: 2027-01-04", problems);
    let reason = REASON.needed(&fields, "write why, for those who wait", problems);
    let Placed { value: last_day, at } = until?;
    match Freeze::new(from?, last_day?, reason?) {
        Ok(freeze) => {
            let days = freeze.days();
            if days > LONG_FREEZE {
                let problem = format!("this freeze is {days} days long");
                let instead = "nothing is written for all that time, no fix either; check both days";
                problems.warn(&at, problem, instead, None);
            }
            Some(freeze)
        }
        Err(error) => {
            refuse(&at, &error, problems);
            None
        }
    }
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
