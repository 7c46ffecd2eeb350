//! What became of a write: only a clear answer, or two agreeing reads, may end it.
//!
//! **Invariant:** every outcome is held against the intent that is open in the books.

use super::audit::Law;
use super::case::Case;
use super::ledger::WriteLine;
use crate::rollout::record::{Cancelled, Event, Finding, Group, WriteId};
use crate::time::{SignedDuration, Timestamp, since};

/// Two reads about a write whose outcome is unknown lie this far apart: it can be applied late, and a list can be stale.
const READS_APART: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn check(case: &Case<'_>) {
    let Some(named) = write_of(case.event) else { return };
    let announced = case.under(Law::IntentFirst);
    let Some(open) = case.ledger.writes.open.as_ref().filter(|open| open.intent.id == named) else {
        return announced.breach(format!("{named} has an outcome, and no intent that is open"));
    };
    let ours = case.plan == Some(open.plan) && case.event.ring() == Some(open.ring);
    announced.require(ours, || format!("{named} belongs to another ring or plan"));
    let ring = case.line.and_then(|line| line.ring(open.ring));
    let doubted =
        ring.is_some_and(|ring| ring.tries(&open.intent.purpose).doubted || open.intent.after_doubt);
    within_limit(&case.under(Law::BlastLimit), open);
    // An answer counts only while the write is not in doubt.
    if !matches!(case.event, Event::DoubtRead { .. } | Event::WriteSettled { .. }) {
        case.require(open.doubted_at.is_none(), || {
            format!("the outcome of {named} is unknown, and only two reads end that")
        });
    }
    match case.event {
        Event::WriteCancelled { why, .. } => {
            case.require(
                !(doubted && *why == Cancelled::RateLimited),
                || "after a write whose outcome is unknown, an error leaves it unknown, a rate limit too",
            );
        }
        Event::WriteRefused { status, .. } => {
            case.require(!doubted, || {
                format!("after a write whose outcome is unknown, an error leaves it unknown, {status} too")
            });
        }
        Event::WriteConfirmed { group, .. } => as_intended(&announced, open, group),
        Event::DoubtRead { read_at, .. } => read(case, open, *read_at),
        Event::WriteSettled { finding, first_read_at: first, second_read_at: second, .. } => {
            read(case, open, *first);
            read(case, open, *second);
            let is_known = open.read == Some((finding, *first));
            case.require(is_known, || "the first of the two reads is not on record with this finding");
            case.require(since(*first, *second) >= READS_APART, || {
                format!("the reads at {first} and {second} lie less than a minute apart")
            });
            if let Finding::Applied { group } = finding {
                as_intended(&announced, open, group);
            }
        }
        _ => {}
    }
}

/// The blast limit, by the count that was taken just before the write was sent. Where one is on record, it
/// was.
fn within_limit(case: &Case<'_>, open: &WriteLine<'_>) {
    let (Event::WriteConfirmed { counted, .. } | Event::WriteDoubted { counted, .. }) = case.event else {
        return;
    };
    if open.intent.purpose.goes_back() {
        return;
    }
    let plan = case.line.and_then(|line| line.ring_plan(open.ring));
    if let (Some(counted), Some(limit)) = (counted, plan.and_then(|plan| plan.max_devices)) {
        case.require(!limit.is_exceeded_by(*counted), || {
            format!(
                "{} was sent for {counted} devices; at most {limit} may be offered something else",
                open.intent.id
            )
        });
    }
}

fn write_of(event: &Event) -> Option<WriteId> {
    match event {
        Event::WriteCancelled { write, .. }
        | Event::WriteConfirmed { write, .. }
        | Event::WriteRefused { write, .. }
        | Event::WriteDoubted { write, .. }
        | Event::DoubtRead { write, .. }
        | Event::WriteSettled { write, .. } => Some(*write),
        _ => None,
    }
}

fn read(case: &Case<'_>, open: &WriteLine<'_>, read_at: Timestamp) {
    let Some(doubted_at) = open.doubted_at else {
        return case.breach(format!("the outcome of {} is not unknown", open.intent.id));
    };
    case.require(doubted_at <= read_at && read_at <= case.at, || {
        format!("a read at {read_at} says nothing about an outcome that is unknown since {doubted_at}")
    });
}

fn as_intended(case: &Case<'_>, open: &WriteLine<'_>, group: &Group) {
    let intent = open.intent;
    let same = group.content.offers_the_same(&intent.after)
        && intent.before.as_ref().is_none_or(|before| before.id == group.id);
    case.require(same, || {
        format!("group {} counts as written, and is not as {} intended it", group.id.as_str(), intent.id)
    });
}
