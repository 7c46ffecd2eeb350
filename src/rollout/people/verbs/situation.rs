//! The situations that the table of verbs tells apart.
//!
//! **Invariant:** each column has a value for whatever state and world there are.

use crate::rollout::judge::way_back::NoWayBack;
use crate::rollout::record::{RollbackStep, WaitsFor};
use crate::rollout::state::{HeldOut, PendingRevision, PlanState, Stage, State};
use crate::rollout::world::{ANSWERS_TO_CONFIRM, Observations};
use crate::time::Timestamp;

/// What `start` does to the plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartPlans {
    /// They go on.
    GoOn,
    /// Each is paused by the person who starts.
    Pause,
}

/// The machine's clock beside the log and Cloudflare's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClockSight {
    /// It is not behind the log.
    InOrder,
    /// It is behind the log, and answers of Cloudflare bear it out.
    BorneOut,
    /// It is behind the log, and they do not.
    Alone,
}

/// The holds of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// Neither.
    Free,
    /// A person paused it.
    Paused,
    /// ringward halted it.
    Halted,
    /// Both.
    PausedAndHalted,
}

/// Whether writes are stopped, for all plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writes {
    /// They are not.
    Allowed,
    /// They are.
    Stopped,
}

/// Where a ring is, as far as a verb asks: [`Stage`] without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An earlier ring is not verified.
    Pending,
    /// Its turn; no write has an outcome to come.
    Entering,
    /// A write is planned or in flight.
    Writing,
    /// A write is in doubt.
    InDoubt,
    /// Its targets are on offer.
    Adopting,
    /// Soak and exit gates run.
    Soaking,
    /// It soaked.
    Verified,
    /// An earlier version is on offer again.
    RollingBack,
    /// It went back.
    RolledBack,
}

/// Whether a person waived the gate before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waived {
    /// Not in this ring and rollout.
    No,
    /// It was.
    Already,
}

/// Whether the plan's file names a ring of the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// It does.
    Still,
    /// It dropped the ring, which keeps its place until it is verified or let go.
    NoMore,
}

/// Whether what a rollback would take back has somewhere to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaysBack {
    /// All of it has.
    Known,
    /// Some of it has not.
    Missing,
    /// There is nothing to take back, or it is on its way.
    NothingMoved,
}

/// Whether a plan's rollbacks hold a version out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldBack {
    /// They do.
    Yes,
    /// They do not.
    No,
}

/// What the group offers that a rollout is halted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offered {
    /// Nothing that is held out, or it is halted for something else.
    Sound,
    /// Somebody has it offer what a rollback holds out.
    HeldOut,
    /// The plan forbids what it offers, or is about to offer.
    Forbidden,
}

/// The revision that waits, beside the one that a person has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waits {
    /// It is that one.
    Same,
    /// It is that one, and a person confirmed it before.
    Confirmed,
    /// It is that one, and it asks for what it forbids.
    Impossible,
    /// It is that one, and the plan that it says it was keeps its name.
    TooEarly,
    /// Another one waits.
    Other,
    /// None waits.
    Nothing,
}

/// What there is to a person's word on entering a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Nobody is asked.
    NotAsked,
    /// An accepted member of a group that is asked.
    Member,
    /// One who said the same already.
    Again,
    /// Who is known by no e-mail address: the socket, or bare loopback.
    Unnamed,
    /// A service token: a program.
    Program,
    /// Who wrote the plan.
    Author,
    /// Nobody of that address is an accepted member.
    Stranger,
    /// The members cannot be read.
    Unread,
}

impl Holds {
    pub const ALL: [Self; 4] = [Self::Free, Self::Paused, Self::Halted, Self::PausedAndHalted];

    /// From the two holds.
    pub const fn of(is_paused: bool, is_halted: bool) -> Self {
        match (is_paused, is_halted) {
            (false, false) => Self::Free,
            (true, false) => Self::Paused,
            (false, true) => Self::Halted,
            (true, true) => Self::PausedAndHalted,
        }
    }

    /// Those of a plan.
    pub const fn of_plan(plan: &PlanState) -> Self {
        Self::of(plan.paused.is_some(), plan.rollout.halted.is_some())
    }
}

impl Writes {
    pub const ALL: [Self; 2] = [Self::Allowed, Self::Stopped];

    /// From whether there is a stop.
    pub const fn of(is_stopped: bool) -> Self {
        if is_stopped { Self::Stopped } else { Self::Allowed }
    }

    /// Those of all plans.
    pub const fn of_state(state: &State) -> Self {
        Self::of(state.stop.is_some())
    }
}

impl Place {
    /// All, in their order.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Entering,
        Self::Writing,
        Self::InDoubt,
        Self::Adopting,
        Self::Soaking,
        Self::Verified,
        Self::RollingBack,
        Self::RolledBack,
    ];

    /// That of a stage.
    pub const fn of(stage: &Stage) -> Self {
        match stage {
            Stage::Pending => Self::Pending,
            Stage::Entering(_) => Self::Entering,
            Stage::Deploying(write) if write.doubt.is_some() => Self::InDoubt,
            Stage::Deploying(_) => Self::Writing,
            Stage::Adopting(_) => Self::Adopting,
            Stage::Soaking(..) => Self::Soaking,
            Stage::Verified(_) => Self::Verified,
            Stage::RollingBack(..) => Self::RollingBack,
            Stage::RolledBack(..) => Self::RolledBack,
        }
    }

    /// The ring state's word in API and metrics, which is one for both ways of deploying.
    pub const fn state(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Entering => "entering",
            Self::Writing | Self::InDoubt => "deploying",
            Self::Adopting => "adopting",
            Self::Soaking => "soaking",
            Self::Verified => "verified",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
        }
    }
}

impl Claim {
    pub const ALL: [Self; 8] = [
        Self::NotAsked,
        Self::Member,
        Self::Again,
        Self::Unnamed,
        Self::Program,
        Self::Author,
        Self::Stranger,
        Self::Unread,
    ];
}

impl ClockSight {
    pub const ALL: [Self; 3] = [Self::InOrder, Self::BorneOut, Self::Alone];

    /// By what was seen, at `machine` by the machine's clock.
    pub fn of(world: &Observations, machine: Timestamp) -> Self {
        match world.clock_behind {
            None => Self::InOrder,
            Some(_) if world.second_clock.answers_to_confirm(machine).len() >= ANSWERS_TO_CONFIRM => {
                Self::BorneOut
            }
            Some(_) => Self::Alone,
        }
    }
}

impl WaysBack {
    pub const ALL: [Self; 3] = [Self::Known, Self::Missing, Self::NothingMoved];

    /// By what was found.
    pub const fn of(found: &Result<Vec<RollbackStep>, NoWayBack>) -> Self {
        match found {
            Ok(_) => Self::Known,
            Err(NoWayBack::Stuck(_)) => Self::Missing,
            Err(NoWayBack::NothingMoved) => Self::NothingMoved,
        }
    }

    /// The word of API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Missing => "missing",
            Self::NothingMoved => "nothing_moved",
        }
    }
}

impl HeldBack {
    pub const ALL: [Self; 2] = [Self::Yes, Self::No];

    /// From whether it is.
    pub const fn of(is_held_out: bool) -> Self {
        if is_held_out { Self::Yes } else { Self::No }
    }
}

impl Offered {
    pub const ALL: [Self; 3] = [Self::Sound, Self::HeldOut, Self::Forbidden];

    /// By what was found of what a rollback holds out, and of what the plan forbids.
    pub const fn of(held: Option<&HeldOut>, forbidden: bool) -> Self {
        match (held, forbidden) {
            (_, true) => Self::Forbidden,
            (Some(_), false) => Self::HeldOut,
            (None, false) => Self::Sound,
        }
    }

    /// The word of API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::HeldOut => "held_out",
            Self::Forbidden => "forbidden",
        }
    }
}

impl Waits {
    pub const ALL: [Self; 6] =
        [Self::Same, Self::Confirmed, Self::Impossible, Self::TooEarly, Self::Other, Self::Nothing];

    /// Of what waits at `now`, beside the revision that a person names: by its digest, or how it begins.
    pub fn of(waiting: Option<&PendingRevision>, named: &str, now: Timestamp) -> Self {
        let Some(waiting) = waiting else { return Self::Nothing };
        let digest = &waiting.revision.digest;
        if named.len() < LEAST_DIGITS || !digest.as_str().starts_with(named) {
            return Self::Other;
        }
        match waiting.revision.waits_for {
            WaitsFor::AnotherVersion => Self::Impossible,
            WaitsFor::Predecessor => Self::TooEarly,
            _ if waiting.is_confirmed(digest, now) => Self::Confirmed,
            WaitsFor::Time | WaitsFor::LineEnd | WaitsFor::Person | WaitsFor::Stability => Self::Same,
        }
    }
}

/// Fewer digits than this name no revision: two could begin alike.
const LEAST_DIGITS: usize = 8;

impl Named {
    pub const ALL: [Self; 2] = [Self::Still, Self::NoMore];

    /// From whether the plan's file dropped the ring.
    pub const fn of(is_dropped: bool) -> Self {
        if is_dropped { Self::NoMore } else { Self::Still }
    }
}

impl Waived {
    pub const ALL: [Self; 2] = [Self::No, Self::Already];

    /// From whether there is a waiver.
    pub const fn of(is_waived: bool) -> Self {
        if is_waived { Self::Already } else { Self::No }
    }
}
