//! A blocker in full sentences, for whoever asks at night why a rollout does not move.
//!
//! **Invariant:** every blocker, cause, veto and reason of a gate has its own words and its own way
//! out; adding one without them does not compile.

use crate::ids::RingName;
use crate::rollout::decide::blocker::Blocker;
use crate::rollout::decide::blocker::TooMany;
use crate::rollout::people::verbs::situation::Offered;
use crate::rollout::record::{Cause, Evidence, Failing, Gate, Judgement, Unknown, Verdict, Waiting};
use crate::rollout::tell::explain::way_out::WayOut;
use crate::rollout::tell::explain::ways::way_out;
use crate::rollout::tell::explain::{ways, words};
use crate::rollout::tell::report::Report;
use crate::rollout::tell::ring_report::{RingReport, Unsure};
use crate::rollout::world::{Read, Trouble, Want};
use crate::time::Timestamp;

/// What a person needs to know about one blocker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Finer than the blocker's code: a gate's reason code, a halt's cause, a veto's word.
    pub reason: &'static str,
    /// The answer in one sentence, without the full stop.
    pub headline: String,
    /// What that means and what follows from it, in sentences.
    pub detail: String,
    /// The value seen.
    pub seen: Option<String>,
    /// What would be enough.
    pub asked: Option<String>,
    /// Since when it is in the way, as far as the log can tell.
    pub since: Option<Timestamp>,
    /// When what it depends on is read next; `None`: no read can change it.
    pub next_look: Option<Timestamp>,
    /// When the clock alone takes it out of the way; `None`: the clock does not.
    pub until: Option<Timestamp>,
    /// What would change it.
    pub way_out: WayOut,
}

impl Report {
    /// Explains one of [`Report::waiting_on`].
    pub fn explain(&self, blocker: &Blocker) -> Explanation {
        let words = words::words(self, blocker);
        let judgement = judgement(blocker);
        let (counted, allowed) = counts(blocker).unzip();
        Explanation {
            reason: words.reason,
            headline: words.headline,
            detail: words.detail,
            seen: judgement.filter(|judgement| has_seen(judgement)).map(Judgement::value).or(counted),
            asked: judgement.map(Judgement::threshold).or(allowed),
            since: self.since(blocker),
            next_look: self.next_look(blocker),
            until: until(blocker),
            way_out: self.way_out(blocker),
        }
    }

    /// Its way out; a drift that offers what is held out cannot be accepted.
    pub(crate) fn way_out(&self, blocker: &Blocker) -> WayOut {
        let plan = self.id.plan.as_str();
        match blocker {
            Blocker::Halted(Cause::Drift(_)) if self.offered == Offered::HeldOut => ways::set_back(plan),
            _ => way_out(blocker, plan),
        }
    }

    pub(crate) fn ring(&self, name: &RingName) -> Option<&RingReport> {
        self.rings.iter().find(|ring| ring.name == *name)
    }

    /// Since when a gate cannot tell, and when that halts.
    pub(crate) fn unsure(&self, ring: &RingName, judgement: &Judgement) -> Option<Unsure> {
        self.ring(ring)?.unsure.get(&(judgement.gate, judgement.environment)).copied()
    }

    pub(crate) fn since(&self, blocker: &Blocker) -> Option<Timestamp> {
        match blocker {
            Blocker::Stopped(hold) | Blocker::Paused(hold) => Some(hold.since),
            Blocker::Halted(_) => self.halted.as_ref().map(|(_, since)| *since),
            Blocker::Gate(ring, judgement) => match (&judgement.verdict, &judgement.evidence) {
                (Verdict::Unknown(_), _) => self.unsure(ring, judgement).map(|unsure| unsure.since),
                (Verdict::Fail(Failing::DeadlineMissed), Evidence::Adoption { deadline_at, .. }) => {
                    Some(*deadline_at)
                }
                (_, Evidence::Adoption { .. }) => self.ring(ring)?.assigned_at,
                (Verdict::Wait(Waiting::SoakRunning), Evidence::Soak { started_at, .. }) => Some(*started_at),
                (_, Evidence::Soak { ends_at, .. }) => Some(*ends_at),
                (_, Evidence::Stalled(_) | Evidence::Dark(_)) => self.ring(ring)?.assigned_at,
                (_, Evidence::Approval(_)) => {
                    self.ring(ring)?.approval.as_ref().and_then(|approval| approval.asked_at)
                }
                (
                    _,
                    Evidence::Opening { .. }
                    | Evidence::Freeze { .. }
                    | Evidence::Fleet { .. }
                    | Evidence::Downgrade(_),
                ) => None,
            },
            Blocker::InFlight(ring, _) | Blocker::InDoubt { ring, .. } | Blocker::Backoff { ring, .. } => {
                self.ring(ring).map(|ring| ring.since)
            }
            Blocker::Returning { ring, .. } => self.ring(ring).map(|ring| ring.since),
            Blocker::HeldOut(_, held) => Some(held.by.since),
            Blocker::Withdrawn(since)
            | Blocker::RolledBack { since, .. }
            | Blocker::LogUnwritable(Trouble { since, .. }) => Some(*since),
            Blocker::Block(block) => Some(block.since),
            Blocker::ClockBehind(_)
            | Blocker::Forbidden(..)
            | Blocker::OffersForbidden(..)
            | Blocker::ClockDoubted(_)
            | Blocker::BudgetSpent { .. }
            | Blocker::Veto(..)
            | Blocker::BetweenGroups { .. }
            | Blocker::GroupsUnread(_)
            | Blocker::OtherWrite { .. }
            | Blocker::Drifted(_)
            | Blocker::OtherRing { .. }
            | Blocker::LeftAdopts { .. }
            | Blocker::NotOffered { .. }
            | Blocker::BlastLimit(..)
            | Blocker::DevicesPerDay(..)
            | Blocker::Observing(..)
            | Blocker::Moving => None,
        }
    }

    fn next_look(&self, blocker: &Blocker) -> Option<Timestamp> {
        let wanted: fn(&Read) -> bool = match blocker {
            Blocker::InDoubt { read_at, .. } => return *read_at,
            Blocker::Gate(_, judgement) => match (judgement.gate, &judgement.verdict) {
                (Gate::Opening | Gate::Freeze, _)
                | (Gate::Soak, Verdict::Wait(Waiting::SoakRunning))
                | (Gate::Dark, Verdict::Wait(Waiting::TooSoon)) => return None,
                (_, Verdict::Unknown(Unknown::ProfilesUnread | Unknown::ProfileUnresolved)) => {
                    |read| matches!(read, Read::Profiles)
                }
                (Gate::Fleet | Gate::Downgrade, _) => |read| matches!(read, Read::FullSweep),
                (Gate::Approval, _) => |read| matches!(read, Read::Approvers(_)),
                (Gate::Adoption | Gate::Soak | Gate::Stalled | Gate::Dark | Gate::Ring, _) => is_of_devices,
            },
            Blocker::OtherRing { .. }
            | Blocker::LeftAdopts { .. }
            | Blocker::Returning { .. }
            | Blocker::RolledBack { .. } => is_of_devices,
            Blocker::BlastLimit(..) | Blocker::DevicesPerDay(..) => |read| matches!(read, Read::FullSweep),
            Blocker::Veto(..)
            | Blocker::BetweenGroups { .. }
            | Blocker::GroupsUnread(_)
            | Blocker::Drifted(_)
            | Blocker::NotOffered { .. } => {
                |read| matches!(read, Read::Groups | Read::Group(_) | Read::Profiles)
            }
            Blocker::Stopped(_)
            | Blocker::Paused(_)
            | Blocker::Halted(_)
            | Blocker::Block(_)
            | Blocker::Forbidden(..)
            | Blocker::OffersForbidden(..)
            | Blocker::ClockBehind(_)
            | Blocker::ClockDoubted(_)
            | Blocker::LogUnwritable(_)
            | Blocker::InFlight(..)
            | Blocker::OtherWrite { .. }
            | Blocker::Backoff { .. }
            | Blocker::BudgetSpent { .. }
            | Blocker::Withdrawn(_)
            | Blocker::HeldOut(..)
            | Blocker::Observing(..)
            | Blocker::Moving => return None,
        };
        let looks = self.reads.iter().filter(|Want { read, .. }| wanted(read)).map(|want| want.at);
        looks.min().map(|at| at.max(self.at))
    }
}

const fn is_of_devices(read: &Read) -> bool {
    match read {
        Read::FullSweep | Read::IncrementalSweep | Read::ProfileSweep(_) => true,
        Read::Groups | Read::Group(_) | Read::Profiles | Read::Approvers(_) => false,
    }
}

/// The gate's word behind a blocker.
pub(crate) fn judgement(blocker: &Blocker) -> Option<&Judgement> {
    match blocker {
        Blocker::Gate(_, judgement)
        | Blocker::Halted(Cause::AdoptionMissed { judgement, .. } | Cause::Unhealthy { judgement, .. }) => {
            Some(judgement)
        }
        _ => None,
    }
}

/// The devices counted and allowed, where a count is in the way.
pub(crate) fn counts(blocker: &Blocker) -> Option<(String, String)> {
    let Blocker::BlastLimit(_, TooMany { devices, at_most }) = blocker else { return None };
    Some((format!("{devices} devices"), format!("at most {at_most}")))
}

/// Whether a gate has seen anything at all: what was never read is not a zero.
const fn has_seen(judgement: &Judgement) -> bool {
    !matches!(judgement.verdict, Verdict::Unknown(Unknown::NotSwept | Unknown::ProfilesUnread))
}

pub(crate) fn until(blocker: &Blocker) -> Option<Timestamp> {
    match blocker {
        Blocker::ClockBehind(until)
        | Blocker::Backoff { until, .. }
        | Blocker::BudgetSpent { until, .. }
        | Blocker::Returning { until, .. } => Some(*until),
        Blocker::Block(block) => block.until,
        Blocker::Gate(_, judgement) => match (&judgement.verdict, &judgement.evidence) {
            (_, Evidence::Opening { opens_at, .. }) => *opens_at,
            (_, Evidence::Freeze { ends_at, .. }) => *ends_at,
            (Verdict::Wait(Waiting::SoakRunning), Evidence::Soak { ends_at, .. }) => Some(*ends_at),
            (Verdict::Wait(Waiting::TooSoon), Evidence::Dark(dark)) => dark.next_at,
            (
                _,
                Evidence::Fleet { .. }
                | Evidence::Downgrade(_)
                | Evidence::Approval(_)
                | Evidence::Adoption { .. }
                | Evidence::Soak { .. }
                | Evidence::Stalled(_)
                | Evidence::Dark(_),
            ) => None,
        },
        Blocker::Stopped(_)
        | Blocker::Paused(_)
        | Blocker::Halted(_)
        | Blocker::Forbidden(..)
        | Blocker::OffersForbidden(..)
        | Blocker::ClockDoubted(_)
        | Blocker::LogUnwritable(_)
        | Blocker::Veto(..)
        | Blocker::BetweenGroups { .. }
        | Blocker::GroupsUnread(_)
        | Blocker::InFlight(..)
        | Blocker::InDoubt { .. }
        | Blocker::OtherWrite { .. }
        | Blocker::Withdrawn(_)
        | Blocker::Drifted(_)
        | Blocker::OtherRing { .. }
        | Blocker::LeftAdopts { .. }
        | Blocker::NotOffered { .. }
        | Blocker::BlastLimit(..)
        | Blocker::DevicesPerDay(..)
        | Blocker::HeldOut(..)
        | Blocker::RolledBack { .. }
        | Blocker::Observing(..)
        | Blocker::Moving => None,
    }
}
