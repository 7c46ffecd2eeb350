//! Where a ring is, with what belongs to that; and what a rollout moved in it, wherever it is.
//!
//! **Invariant:** a stage carries exactly what is known in it: no assignment before a write is
//! confirmed, no soak before adoption was reached.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{GroupId, PolicyId};
use crate::rollout::record::{Finding, Group, WriteId, WriteIntent};
use crate::rollout::state::Attempts;
use strum::{EnumCount, VariantNames};

use crate::text::{all, worded};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

worded!(RingState);

/// Where a ring is.
#[derive(Debug, Clone, PartialEq, strum::EnumCount, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum RingState {
    /// An earlier ring is not verified.
    Pending,
    /// Its turn; the entry gates do not all pass.
    Entering(Attempts),
    /// A write is planned, in flight or without a known outcome.
    Deploying(Box<PendingWrite>),
    /// Its targets are on offer.
    Adopting(Assigned),
    /// Its targets are adopted; soak and exit gates run.
    Soaking(Assigned, Soak),
    /// It soaked.
    Verified(Assigned),
    /// An earlier version is on offer again, and its devices have time to come back.
    RollingBack(Assigned, Back),
    /// They had it; `None`: nothing is on offer, for it has no group.
    RolledBack(Option<Assigned>, Back),
}

/// Where a ring went back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// What the environments went back to that did.
    pub to: BTreeMap<Environment, ClientVersion>,
    /// Since when that is on offer, by ringward's clock; later by the time that nobody watched since.
    pub since: Timestamp,
}

impl RingState {
    /// Where the ring is apart from a write that leaves it there: what a person says meanwhile is about that.
    /// `None`: its own write is under way.
    pub(crate) fn at_rest(&mut self) -> Option<&mut Self> {
        match self {
            Self::Deploying(write) => write.origin.as_mut().map(|origin| &mut origin.stage),
            stage => Some(stage),
        }
    }

    /// The words of metrics, for all states.
    pub const NAMES: [&'static str; Self::COUNT] = all(Self::VARIANTS);

    /// Whether a write for the ring's targets was ever planned: from then on a change to the ring
    /// is a new rollout.
    pub const fn is_entered(&self) -> bool {
        match self {
            Self::Pending | Self::Entering(_) => false,
            Self::Deploying(_)
            | Self::Adopting(_)
            | Self::Soaking(..)
            | Self::Verified(_)
            | Self::RollingBack(..)
            | Self::RolledBack(..) => true,
        }
    }

    /// What became of its writes so far, while the ring waits to be entered.
    pub(crate) const fn entering(&self) -> Option<&Attempts> {
        match self {
            Self::Entering(attempts) => Some(attempts),
            _ => None,
        }
    }

    /// What the ring was given, once it was.
    pub const fn assigned(&self) -> Option<&Assigned> {
        match self {
            Self::Adopting(assigned)
            | Self::Soaking(assigned, _)
            | Self::Verified(assigned)
            | Self::RollingBack(assigned, _)
            | Self::RolledBack(Some(assigned), _) => Some(assigned),
            Self::Pending | Self::Entering(_) | Self::Deploying(_) | Self::RolledBack(None, _) => None,
        }
    }

    /// The same, to be trimmed.
    pub(crate) const fn assigned_mut(&mut self) -> Option<&mut Assigned> {
        match self {
            Self::Adopting(assigned)
            | Self::Soaking(assigned, _)
            | Self::Verified(assigned)
            | Self::RollingBack(assigned, _)
            | Self::RolledBack(Some(assigned), _) => Some(assigned),
            Self::Pending | Self::Entering(_) | Self::Deploying(_) | Self::RolledBack(None, _) => None,
        }
    }

    /// Where a ring is that goes back further: what went back before stays so.
    pub(crate) fn back(&self, to: &BTreeMap<Environment, ClientVersion>, since: Timestamp) -> Back {
        let mut all = match self {
            Self::RollingBack(_, back) | Self::RolledBack(_, back) => back.to.clone(),
            _ => BTreeMap::new(),
        };
        all.extend(to);
        Back { to: all, since }
    }

    /// Whether a ring goes back, or went, to all of these.
    pub fn is_back_at(&self, to: &BTreeMap<Environment, ClientVersion>) -> bool {
        match self {
            Self::RollingBack(_, back) | Self::RolledBack(_, back) => {
                to.iter().all(|(environment, version)| back.to.get(environment) == Some(version))
            }
            _ => false,
        }
    }

    /// What a ring with these targets is to run: those, or what it went back to.
    pub fn targets(
        &self,
        targets: &BTreeMap<Environment, ClientVersion>,
    ) -> BTreeMap<Environment, ClientVersion> {
        let mut targets = targets.clone();
        if let Self::RollingBack(_, back) | Self::RolledBack(_, back) = self {
            targets.extend(&back.to);
        }
        targets
    }
}

/// A write without an outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingWrite {
    /// What is to be written.
    pub intent: WriteIntent,
    /// When it was decided.
    pub planned_at: Timestamp,
    /// The attempts before it.
    pub attempts: Attempts,
    /// Set when nobody can say whether it was applied.
    pub doubt: Option<UnknownOutcome>,
    /// Where the ring was, when its group is written back; `None`: it was entering.
    pub origin: Option<Origin>,
    /// What was moved in the ring before it, should it change nothing.
    pub moved: BTreeMap<Environment, Moved>,
}

/// Where a ring was before its group was written back: there it returns if that comes to nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    pub stage: RingState,
    /// Since when.
    pub since: Timestamp,
}

/// A write whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownOutcome {
    /// What happened instead of a clear answer.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// The first of the two reads that must agree.
    pub first_read: Option<FirstRead>,
}

/// The first read about a write whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRead {
    /// What it shows.
    pub finding: Finding,
    /// When it began.
    pub read_at: Timestamp,
}

/// A ring's targets on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The ring's group.
    pub group: GroupId,
    /// The ring's profiles.
    pub policies: BTreeSet<PolicyId>,
    /// `updated_at` as Cloudflare answered it to our write.
    pub at: Timestamp,
    /// Where the adoption deadline counts from: the assignment, or the instant at which a person
    /// resumed after a missed one.
    pub deadline_from: Timestamp,
}

/// A soak that runs; a stored fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soak {
    /// When adoption held in every environment; later by the time that nobody watched since.
    pub started_at: Timestamp,
}

impl Assigned {
    pub(crate) fn of(group: &Group, policies: &BTreeSet<PolicyId>) -> Self {
        let at = group.updated_at;
        Self { group: group.id.clone(), policies: policies.clone(), at, deadline_from: at }
    }
}

impl PendingWrite {
    /// Its number.
    pub const fn id(&self) -> WriteId {
        self.intent.id
    }
}

/// What a rollout, or the unfinished one that it took over from, changed in what an environment of a
/// ring is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The first write that did.
    pub write: WriteId,
    /// What was on offer before it; `None`: nothing, or no single version.
    pub was: Option<String>,
    /// What is on offer since.
    pub version: ClientVersion,
    /// To these profiles.
    pub policies: BTreeSet<PolicyId>,
    /// What was known of the way back when it was entered.
    pub known: KnownWayBack,
}

/// What was known of the way back when a ring was entered: whoever edits the plan later does not add to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownWayBack {
    /// What its devices ran, as the intents counted them.
    pub ran: BTreeSet<ClientVersion>,
    /// `rollback_to` of the revision that it was entered by.
    pub rollback_to: Option<ClientVersion>,
    /// Whether anybody was asked to approve the entry.
    pub was_asked: bool,
}
