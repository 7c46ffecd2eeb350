//! How an opening goes on from one start to the next: what its author sees too late when it never closes.
//!
//! **Invariant:** an opening is taken by itself, without freezes and without the others of its schedule.

use crate::schedule::follow::{Follow, HORIZON};
use crate::schedule::{opening::Opening, whole::Schedule};
use crate::time::{SignedDuration, Timestamp, after};

/// So far an opening is followed that begins again before it closes: past a month.
const FOLLOWED: SignedDuration = SignedDuration::from_hours(40 * 24);

/// An opening from a start at which it was closed, up to where it closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpeningRun {
    /// The start.
    pub begins: Timestamp,
    /// The start after it.
    pub begins_again: Option<Timestamp>,
    /// `None`: not within 40 days, or not within some hundred starts.
    pub closes_at: Option<Timestamp>,
}

impl Schedule {
    /// The first run of each opening after an instant, in the order written. `None`: it does not begin within
    /// [`HORIZON`].
    pub fn runs_after(&self, now: Timestamp) -> impl Iterator<Item = Option<OpeningRun>> {
        let alone =
            |opening: &Opening| Self::worked_out(self.zone.clone(), vec![opening.clone()], Vec::new());
        self.open.iter().map(move |opening| alone(opening).run_after(opening, now))
    }

    fn run_after(&self, opening: &Opening, now: Timestamp) -> Option<OpeningRun> {
        let last = after(now, HORIZON);
        // What is open already began at some start before.
        let closed_at = match Follow::from(self, now).reach(now, after(now, FOLLOWED)) {
            None => now,
            Some(reach) => reach.closing().unwrap_or(now),
        };
        let begins = opening.next_start(closed_at, last, &self.zone)?;
        let reach = Follow::from(self, begins).reach(begins, after(begins, FOLLOWED))?;
        let begins_again = opening.next_start(begins, after(begins, HORIZON), &self.zone);
        Some(OpeningRun { begins, begins_again, closes_at: reach.closing() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Zone;

    #[test]
    fn an_opening_is_followed_to_where_it_closes() {
        // From a Wednesday at noon, in UTC.
        let now: Timestamp = "2026-10-14T12:00:00Z".parse().unwrap();
        let rows = [
            ("once a day", "0 9 * * *", "7h", "15T09:00 16T09:00 15T16:00"),
            ("starts that touch", "0 9-16 * * *", "1h", "15T09:00 15T10:00 15T17:00"),
            ("starts that overlap", "0 9-16 * * *", "7h", "15T09:00 15T10:00 15T23:00"),
            ("over midnight", "0 22 * * *", "10h", "14T22:00 15T22:00 15T08:00"),
            ("days on end", "0 9 * * Mon-Thu", "30h", "19T09:00 20T09:00 23T15:00"),
            ("a whole day, each day", "0 9 * * *", "1d", "15T09:00 16T09:00 never"),
            ("a week, several days of it", "0 9 * * Mon-Thu", "7d", "15T09:00 19T09:00 never"),
            ("five days once a week", "0 9 * * Mon", "5d", "19T09:00 26T09:00 24T09:00"),
            ("each minute", "* * * * *", "15m", "14T12:01 14T12:02 never"),
        ];
        for (row, cron, length, expected) in rows {
            let opening = Opening::new(cron, length.parse().unwrap()).unwrap();
            let schedule = Schedule::new(Zone::utc(), vec![opening], Vec::new()).unwrap();
            let run = schedule.runs_after(now).next().unwrap().unwrap();
            let shown = |at: Option<Timestamp>| {
                at.map_or_else(|| "never".to_owned(), |at| at.strftime("%dT%H:%M").to_string())
            };
            let found = [Some(run.begins), run.begins_again, run.closes_at].map(shown).join(" ");
            assert_eq!(found, expected, "{row}");
        }
    }
}
