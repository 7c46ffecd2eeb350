//! A blocker in full sentences, for whoever asks at night why a rollout does not move.
//!
//! **Invariant:** every blocker, cause, veto and reason of a gate has its own words and its own way
//! out; adding one without them does not compile.

use crate::ids::RingName;
use crate::rollout::decide::blocker::{Blocker, TooMany};
use crate::rollout::people::verbs::situation::Offered;
use crate::rollout::record::{Cause, Judgement, Unknown, Verdict};
use crate::rollout::tell::explain::{remedies, words};
use crate::rollout::tell::explain::{remedies::remedy, remedy::Remedy};
use crate::rollout::tell::report::Report;
use crate::rollout::tell::ring_report::{RingReport, Unsure};
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
    pub remedy: Remedy,
}

impl Report {
    /// Explains one of [`Report::waiting_on`].
    pub fn explain(&self, blocker: &Blocker) -> Explanation {
        let told = words::of_blocker(self, blocker);
        let judgement = judgement(blocker);
        let (counted, allowed) = counts(blocker).unzip();
        Explanation {
            reason: words::reason(blocker),
            seen: judgement.filter(|judgement| has_seen(judgement)).map(Judgement::value).or(counted),
            asked: judgement.map(Judgement::threshold).or(allowed),
            since: told.since,
            next_look: told.next_read(self),
            until: told.until,
            remedy: self.remedy(blocker),
            headline: told.headline,
            detail: told.detail,
        }
    }

    /// What to do about it; a drift that offers a blocked version cannot be accepted.
    pub(crate) fn remedy(&self, blocker: &Blocker) -> Remedy {
        let plan = self.id.plan.as_str();
        match blocker {
            Blocker::Halted(Cause::Drift(_)) if self.offered == Offered::BlockedVersion => {
                remedies::set_back(plan)
            }
            _ => remedy(blocker, plan),
        }
    }

    pub(crate) fn ring(&self, name: &RingName) -> Option<&RingReport> {
        self.rings.iter().find(|ring| ring.name == *name)
    }

    /// Since when a gate cannot tell, and when that halts.
    pub(crate) fn unsure(&self, ring: &RingName, judgement: &Judgement) -> Option<Unsure> {
        self.ring(ring)?.unsure.get(&(judgement.gate, judgement.environment)).copied()
    }

    /// Since when a ring is where it is.
    pub(crate) fn ring_since(&self, name: &RingName) -> Option<Timestamp> {
        self.ring(name).map(|ring| ring.since)
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
