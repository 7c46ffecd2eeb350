//! The law checker: recomputes the laws (`docs/development/laws.md`) from a whole log and upstream's
//! journal.
//!
//! It serves every test and `ringward history --verify`, so its texts are for auditors. It knows
//! the events and the words in them, but neither `state` nor `judge` nor `decide`: it keeps books
//! of its own ([`ledger`]) and does its own arithmetic ([`proof`]), so that a fault in those cannot
//! hide itself here. Above both stands one file for each law or group of laws; they do not know one another.
//!
//! **Invariant:** what is checked here is computed here, from the log and the journal alone.
//!
//! That the log replays to the live state (law 9) and that deciding again adds nothing (law 10) can be seen
//! only while the engine runs, so the suites that run it check them.

use crate::rollout::record::Recorded;

mod actor;
mod adoption;
mod approval;
mod audit;
mod blocked;
mod case;
mod chain;
mod clock;
mod content;
mod downgrade;
mod drift;
mod entry;
mod halts;
mod health;
mod journal;
mod ledger;
mod limits;
mod order;
mod outcomes;
mod proof;
mod revisions;
mod rollback;
mod soak;
#[cfg(test)]
mod tests;

pub use audit::{Law, Tolerance, Violation};
pub use journal::UpstreamWrite;

use audit::Audit;
use case::Case;
use ledger::Ledger;

/// Holds an event against the books as they are before it.
type Check = fn(&mut Audit, &Case<'_>);

/// In the order in which auditors read what is wrong with one event.
const CHECKS: [Check; 29] = [
    chain::check,
    order::kept,
    clock::check,
    actor::check,
    halts::check,
    halts::waivers,
    drift::check,
    order::check,
    drift::nothing_else,
    entry::allowed,
    rollback::written,
    entry::gates,
    approval::entered,
    downgrade::check,
    limits::check,
    drift::restored,
    content::check,
    approval::spoken,
    outcomes::check,
    adoption::check,
    soak::check,
    drift::verified,
    health::proven,
    adoption::leaving,
    blocked::check,
    rollback::check,
    revisions::check,
    health::compared,
    health::in_sight,
];

/// The laws that a log and, where given, upstream's journal break; none of a sound one. An
/// empty journal means that there is none to compare with.
pub fn check(log: &[Recorded], journal: &[UpstreamWrite]) -> Vec<Violation> {
    check_within(log, journal, Tolerance::default())
}

/// [`check`] with bounds of the caller's.
pub fn check_within(log: &[Recorded], journal: &[UpstreamWrite], tolerance: Tolerance) -> Vec<Violation> {
    let mut audit = Audit { tolerance, seq: None, found: Vec::new() };
    let mut ledger = Ledger::default();
    for recorded in log {
        audit.seq = Some(recorded.seq);
        CHECKS.iter().for_each(|check| check(&mut audit, &Case::new(&ledger, recorded)));
        ledger.take(recorded);
        order::one_ring_at_a_time(&mut audit, &Case::new(&ledger, recorded));
    }
    journal::check(&mut audit, log, journal);
    audit.found
}
