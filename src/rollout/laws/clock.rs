//! The clock: steps of it, and a person's word on it.
//!
//! **Invariant:** time goes back by such a word alone, with answers of Cloudflare that bear it out.

use super::audit::Law;
use super::case::Case;
use crate::rollout::record::Event;
use crate::time::{SignedDuration, since};

/// So many answers, none older and none further off.
const ANSWERS: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_mins(10);
const APART: i64 = 2 * 60 * 1_000;

pub(super) fn check(case: &Case<'_>) {
    match case.event {
        // A step lies before its record, and no time is told twice as not watched.
        Event::ClockStepped { from, to } => {
            case.require(from != to && *from.max(to) <= case.at, || {
                format!("the clock stepped from {from} to {to}, which is no step before this record")
            });
            let again = from < to && case.ledger.watched_from.is_some_and(|watched| *from < watched);
            case.require(!again, || {
                format!("the time from {from} to {to} is on record as not watched already")
            });
        }
        Event::ClockConfirmed { was, now, answers } => {
            let case = case.under(Law::Grounded);
            let goes_back =
                now < was && *now == case.at && case.ledger.last_at.is_none_or(|last| last <= *was);
            case.require(goes_back, || format!("a clock at {now} that was at {was} was not behind the log"));
            let sound = answers.iter().filter(|answer| {
                let age = since(answer.at, *now);
                !age.is_negative() && age <= WITHIN && answer.ahead_ms.abs() <= APART
            });
            let sound = sound.count();
            case.require(sound >= ANSWERS, || {
                format!(
                    "the clock was confirmed on {sound} answers of Cloudflare that agree; {ANSWERS} are needed"
                )
            });
        }
        _ => {}
    }
}
