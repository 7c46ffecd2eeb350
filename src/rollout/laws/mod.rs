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
mod approval;
mod audit;
mod blocked;
mod case;
mod chain;
mod content;
mod downgrade;
mod drift;
mod entry;
mod halts;
mod journal;
mod leaving;
mod ledger;
mod limits;
mod order;
mod outcomes;
mod proof;
mod revisions;
mod rollback;
#[cfg(test)]
mod tests;

pub use audit::{Law, Tolerance, Violation};
pub use journal::UpstreamWrite;

use audit::Audit;
use case::Case;
use ledger::Ledger;

/// Holds an event against the books as they are before it.
type Check = fn(&Case<'_>);

/// In the order in which auditors read what is wrong with one event.
const CHECKS: [(Law, Check); 29] = [
    (Law::Chain, chain::check),
    (Law::RingsInOrder, order::kept),
    (Law::Chain, chain::clock),
    (Law::ActorAndReason, actor::check),
    (Law::Grounded, halts::check),
    (Law::Grounded, halts::waivers),
    (Law::Grounded, drift::check),
    (Law::RingsInOrder, order::check),
    (Law::WriteAllowed, drift::nothing_else),
    (Law::WriteAllowed, entry::allowed),
    (Law::SoundRollback, rollback::written),
    (Law::WriteAllowed, entry::gates),
    (Law::Approved, approval::entered),
    (Law::NotDown, downgrade::check),
    (Law::BlastLimit, limits::check),
    (Law::WriteAllowed, drift::restored),
    (Law::NothingDropped, content::check),
    (Law::Approved, approval::spoken),
    (Law::DoubtSettled, outcomes::check),
    (Law::AdoptionProven, leaving::adopted),
    (Law::SoakProven, leaving::soaked),
    (Law::SoakProven, drift::verified),
    (Law::HealthProven, leaving::healthy),
    (Law::Grounded, leaving::devices_left),
    (Law::BlockedVersion, blocked::check),
    (Law::SoundRollback, rollback::check),
    (Law::Announced, revisions::check),
    (Law::HealthProven, leaving::compared),
    (Law::HealthProven, leaving::in_sight),
];

/// The laws that a log and, where given, upstream's journal break; none of a sound one. An
/// empty journal means that there is none to compare with.
pub fn check(log: &[Recorded], journal: &[UpstreamWrite]) -> Vec<Violation> {
    check_within(log, journal, Tolerance::default())
}

/// [`check`] with bounds of the caller's.
pub fn check_within(log: &[Recorded], journal: &[UpstreamWrite], tolerance: Tolerance) -> Vec<Violation> {
    let audit = Audit::within(tolerance);
    let (mut ledger, mut planned) = (Ledger::default(), Vec::new());
    for recorded in log {
        CHECKS.iter().for_each(|(law, check)| check(&Case::new(&audit, *law, &ledger, recorded)));
        journal::take(&mut planned, &ledger, recorded);
        ledger.take(recorded);
        order::one_ring_at_a_time(&Case::new(&audit, Law::OneRingAtATime, &ledger, recorded));
    }
    journal::check(&audit, log, &planned, journal);
    audit.into_found()
}
