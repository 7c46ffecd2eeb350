//! The situations that the table of verbs tells apart.
//!
//! **Invariant:** each column has a value for whatever state and world there are.

use crate::rollout::judge::rollback_target::NoRollbackTarget;
use crate::rollout::record::{RollbackStep, WaitsFor};
use crate::rollout::state::{BlockedVersion, PendingRevision, PlanState, RingState};
use crate::rollout::world::{ANSWERS_TO_CONFIRM, Observations};
use crate::time::Timestamp;

/// One row for each column of the tables: what it tells apart, each value with its words.
macro_rules! columns {
    ($($(#[$doc:meta])* $column:ident { $($(#[$of:meta])* $value:ident => $words:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
        #[strum(serialize_all = "snake_case", const_into_str)]
        pub enum $column {
            $($(#[$of])* $value,)*
        }

        impl $column {
            pub const ALL: [Self; [$($words),*].len()] = [$(Self::$value),*];

            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$value => $words,)*
                }
            }

            /// The word of API and metrics.
            pub const fn as_str(self) -> &'static str {
                self.into_str()
            }
        }
    )*};
}

/// Columns that say whether something is so: their values where it is not, and where it is. Of `Named` that is
/// whether the plan's file dropped the ring.
macro_rules! whether {
    ($($column:ident: $no:ident, $yes:ident;)*) => {$(
        impl $column {
            pub const fn of(is_so: bool) -> Self {
                if is_so { Self::$yes } else { Self::$no }
            }
        }
    )*};
}

whether! {
    StartPlans: GoOn, Pause;
    Writes: Allowed, Stopped;
    Waived: No, Already;
    Named: Still, NoMore;
    IsBlocked: No, Yes;
}

columns! {
    /// What `start` does to the plans.
    StartPlans {
        /// They go on.
        GoOn => "no",
        /// Each is paused by the person who starts.
        Pause => "yes",
    }

    /// The machine's clock beside the log and Cloudflare's.
    ClockSight {
        /// It is not behind the log.
        InOrder => "not behind the log",
        /// It is behind the log, and answers of Cloudflare bear it out.
        BorneOut => "behind the log, as Cloudflare's",
        /// It is behind the log, and they do not.
        Alone => "behind the log, and not as Cloudflare's",
    }

    /// A plan's pause and halt.
    PauseOrHalt {
        /// Neither.
        Free => "neither",
        /// A person paused it.
        Paused => "paused",
        /// ringward halted it.
        Halted => "halted",
        /// Both.
        PausedAndHalted => "paused and halted",
    }

    /// Whether writes are stopped, for all plans.
    Writes {
        /// They are not.
        Allowed => "allowed",
        /// They are.
        Stopped => "stopped",
    }

    /// Where a ring is, as far as a verb asks: [`RingState`] without what belongs to it.
    RingSituation {
        /// An earlier ring is not verified.
        Pending => "pending",
        /// Its turn; no write has an outcome to come.
        Entering => "entering",
        /// A write is planned or in flight.
        #[strum(serialize = "deploying")]
        Writing => "deploying",
        /// The outcome of a write is unknown.
        #[strum(serialize = "deploying")]
        OutcomeUnknown => "outcome unknown",
        /// Its targets are on offer.
        Adopting => "adopting",
        /// Soak and exit gates run.
        Soaking => "soaking",
        /// It soaked.
        Verified => "verified",
        /// An earlier version is on offer again.
        RollingBack => "rolling_back",
        /// It went back.
        RolledBack => "rolled_back",
    }

    /// Whether a person waived the gate before.
    Waived {
        /// Not in this ring and rollout.
        No => "no",
        /// It was.
        Already => "yes",
    }

    /// Whether the plan's file names a ring of the rollout.
    Named {
        /// It does.
        Still => "yes",
        /// It dropped the ring, which keeps its place until it is verified or let go.
        NoMore => "no",
    }

    /// Whether what a rollback would take back has somewhere to go.
    RollbackTargets {
        /// All of it has.
        Known => "known",
        /// Some of it has not.
        Missing => "missing for a ring",
        /// There is nothing to take back, or it is on its way.
        NothingMoved => "nothing to take back",
    }

    /// Whether a plan's rollbacks hold a version out.
    IsBlocked {
        /// They do.
        Yes => "yes",
        /// They do not.
        No => "no",
    }

    /// What the group offers that a rollout is halted for.
    Offered {
        /// Nothing that is blocked, or it is halted for something else.
        Sound => "nothing blocked",
        /// Somebody has it offer what a rollback blocks.
        #[strum(serialize = "held_out")]
        BlockedVersion => "a blocked version",
        /// The plan forbids what it offers, or is about to offer.
        Forbidden => "what the plan forbids",
    }

    /// The revision that waits, beside the one that a person has read.
    Waits {
        /// It is that one.
        Same => "the one named",
        /// It is that one, and a person confirmed it before.
        Confirmed => "the one named, confirmed before",
        /// It is that one, and it asks for what it forbids.
        Impossible => "the one named, which forbids its own target",
        /// It is that one, and the plan that it says it was keeps its name.
        TooEarly => "the one named, whose former plan keeps its name",
        /// Another one waits.
        Other => "another one",
        /// None waits.
        Nothing => "none",
    }

    /// What there is to a person's word on entering a ring.
    Claim {
        /// Nobody is asked.
        NotAsked => "nobody is asked",
        /// An accepted member of a group that is asked.
        Member => "a member",
        /// One who said the same already.
        Again => "a member who said so before",
        /// Who is known by no e-mail address: the socket, or bare loopback.
        Unnamed => "without an e-mail",
        /// A service token: a program.
        Program => "a service token",
        /// Who wrote the plan.
        Author => "the plan's author",
        /// Nobody of that address is an accepted member.
        Stranger => "no member",
        /// The members cannot be read.
        Unread => "members not read",
    }
}

impl PauseOrHalt {
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

impl RingSituation {
    /// That of a stage.
    pub const fn of(stage: &RingState) -> Self {
        match stage {
            RingState::Pending => Self::Pending,
            RingState::Entering(_) => Self::Entering,
            RingState::Deploying(write) if write.doubt.is_some() => Self::OutcomeUnknown,
            RingState::Deploying(_) => Self::Writing,
            RingState::Adopting(_) => Self::Adopting,
            RingState::Soaking(..) => Self::Soaking,
            RingState::Verified(_) => Self::Verified,
            RingState::RollingBack(..) => Self::RollingBack,
            RingState::RolledBack(..) => Self::RolledBack,
        }
    }
}

impl ClockSight {
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

impl RollbackTargets {
    /// By what was found.
    pub const fn of(found: &Result<Vec<RollbackStep>, NoRollbackTarget>) -> Self {
        match found {
            Ok(_) => Self::Known,
            Err(NoRollbackTarget::Stuck(_)) => Self::Missing,
            Err(NoRollbackTarget::NothingMoved) => Self::NothingMoved,
        }
    }
}

impl Offered {
    /// By what was found of what a rollback blocks, and of what the plan forbids.
    pub const fn of(held: Option<&BlockedVersion>, forbidden: bool) -> Self {
        match (held, forbidden) {
            (_, true) => Self::Forbidden,
            (Some(_), false) => Self::BlockedVersion,
            (None, false) => Self::Sound,
        }
    }
}

impl Waits {
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
