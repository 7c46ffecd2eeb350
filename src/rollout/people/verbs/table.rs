//! The table of verbs: what each comes to in each situation.
//!
//! | module | what it holds |
//! | --- | --- |
//! | here | one function for each verb: its rows |
//! | `verb`, `definition`, `arguments` | the verbs, each with all that page, API and command line say of it |
//! | `columns`, `situation` | the columns of their tables, and what each tells apart |
//! | `effect`, `refused`, `about` | what each cell does and says to people, and of what |
//! | `rows` | the whole table listed, with equal rows drawn together, and as docs/verbs.md |
//!
//! [`crate::rollout::people::answer`] carries out what a cell says and nothing else; the API's and the
//! command line's help, the page's buttons and docs/verbs.md read the same cells.
//!
//! **A new verb** is a row of [`crate::rollout::people::verbs::verb`]: the compiler then asks for its function here and
//! for its command. A new phase, stage or gate: the rows below do not compile until they say what it means.
//!
//! **Invariant:** the rows match without a wildcard, so there is no situation without an answer: an
//! [`Effect`], or a [`Refused`] that names what would work.

use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, IsBlocked, Named, Offered, PauseOrHalt, RingSituation, RollbackTargets, StartPlans,
    Waits, Waived, Writes,
};
use crate::rollout::people::verbs::{effect::Effect, refused::Refused};
use crate::rollout::record::{Asks, Gate};
use crate::rollout::state::Phase;

/// What a verb comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// It is carried out.
    Done(Effect),
    /// It is refused: 409 over HTTP, exit code 3 on the command line.
    Refused(Refused),
}

impl Cell {
    /// What is done, where it is not refused.
    pub const fn effect(self) -> Option<Effect> {
        match self {
            Self::Done(effect) => Some(effect),
            Self::Refused(_) => None,
        }
    }
}

/// `pause PLAN`. A write that is planned is cancelled before it is sent; one that was sent is
/// settled as any other, because nobody can call it back.
pub const fn pause(phase: Phase, holds: PauseOrHalt) -> Cell {
    match holds {
        PauseOrHalt::Free | PauseOrHalt::Halted => match phase {
            Phase::Running | Phase::RollingBack => Cell::Done(Effect::Pause),
            // The pause is the plan's: a newer target, or the file's return, meets it.
            Phase::Completed | Phase::RolledBack | Phase::Superseded | Phase::Withdrawn => {
                Cell::Done(Effect::PauseAhead)
            }
        },
        PauseOrHalt::Paused | PauseOrHalt::PausedAndHalted => Cell::Refused(Refused::PausedAlready),
    }
}

/// `confirm clock`. A word alone never takes the log back in time.
pub const fn confirm_clock(clock: ClockSight) -> Cell {
    match clock {
        ClockSight::BorneOut => Cell::Done(Effect::ConfirmClock),
        ClockSight::InOrder => Cell::Refused(Refused::ClockInOrder),
        ClockSight::Alone => Cell::Refused(Refused::ClockAlone),
    }
}

/// `resume PLAN`. It lifts pause and halt in every phase: those of a rollout that is finished would meet the next.
/// A halt is not lifted while its group offers what a rollback blocks: that would accept it.
pub const fn resume(holds: PauseOrHalt, writes: Writes, offered: Offered) -> Cell {
    match (holds, writes, offered) {
        (
            PauseOrHalt::Paused,
            Writes::Allowed | Writes::Stopped,
            Offered::Sound | Offered::BlockedVersion | Offered::Forbidden,
        ) => Cell::Done(Effect::LiftPause),
        (PauseOrHalt::Halted, Writes::Allowed | Writes::Stopped, Offered::Sound) => {
            Cell::Done(Effect::LiftHalt)
        }
        (PauseOrHalt::PausedAndHalted, Writes::Allowed | Writes::Stopped, Offered::Sound) => {
            Cell::Done(Effect::LiftBoth)
        }
        (
            PauseOrHalt::Halted | PauseOrHalt::PausedAndHalted,
            Writes::Allowed | Writes::Stopped,
            Offered::BlockedVersion,
        ) => Cell::Refused(Refused::OffersBlockedVersion),
        (
            PauseOrHalt::Halted | PauseOrHalt::PausedAndHalted,
            Writes::Allowed | Writes::Stopped,
            Offered::Forbidden,
        ) => Cell::Refused(Refused::OffersForbidden),
        (
            PauseOrHalt::Free,
            Writes::Allowed,
            Offered::Sound | Offered::BlockedVersion | Offered::Forbidden,
        ) => Cell::Refused(Refused::NotHeld),
        (
            PauseOrHalt::Free,
            Writes::Stopped,
            Offered::Sound | Offered::BlockedVersion | Offered::Forbidden,
        ) => Cell::Refused(Refused::OnlyStopped),
    }
}

/// `rollback PLAN`. A person's word: it lifts the plan's holds, each by an event of its own, and waits
/// for a stop. In a rollout that goes back already it takes back what was left out.
pub const fn rollback(phase: Phase, holds: PauseOrHalt, ways: RollbackTargets) -> Cell {
    match (phase, ways) {
        (
            Phase::Superseded,
            RollbackTargets::Known | RollbackTargets::Missing | RollbackTargets::NothingMoved,
        ) => Cell::Refused(Refused::Succeeded),
        (
            Phase::Running | Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Withdrawn,
            ways,
        ) => match (ways, holds) {
            (
                RollbackTargets::NothingMoved,
                PauseOrHalt::Free | PauseOrHalt::Paused | PauseOrHalt::Halted | PauseOrHalt::PausedAndHalted,
            ) => Cell::Refused(Refused::NothingMoved),
            (
                RollbackTargets::Missing,
                PauseOrHalt::Free | PauseOrHalt::Paused | PauseOrHalt::Halted | PauseOrHalt::PausedAndHalted,
            ) => Cell::Refused(Refused::NoRollbackTarget),
            (RollbackTargets::Known, PauseOrHalt::Free) => Cell::Done(Effect::RollBack),
            (RollbackTargets::Known, PauseOrHalt::Paused) => Cell::Done(Effect::LiftPauseAndRollBack),
            (RollbackTargets::Known, PauseOrHalt::Halted) => Cell::Done(Effect::LiftHaltAndRollBack),
            (RollbackTargets::Known, PauseOrHalt::PausedAndHalted) => Cell::Done(Effect::LiftBothAndRollBack),
        },
    }
}

/// `unblock PLAN --version V`. It asks for no phase, pause or halt: it writes nothing.
pub const fn unblock(held: IsBlocked) -> Cell {
    match held {
        IsBlocked::Yes => Cell::Done(Effect::Release),
        IsBlocked::No => Cell::Refused(Refused::NotBlocked),
    }
}

/// `waive PLAN --gate G`, about one ring.
pub const fn waive(gate: Gate, phase: Phase, place: RingSituation, waived: Waived, named: Named) -> Cell {
    match gate.asks() {
        Asks::Schedule => Cell::Refused(Refused::OfTheSchedule),
        Asks::Sight => Cell::Refused(Refused::OfSight),
        Asks::Plan => Cell::Refused(Refused::OfThePlan),
        Asks::People => Cell::Refused(Refused::OfPeople),
        Asks::Nothing => match (named, phase) {
            (Named::Still, _) => Cell::Refused(Refused::NamedStill),
            (Named::NoMore, Phase::Running | Phase::Withdrawn) => letting_go(place, waived),
            (
                Named::NoMore,
                Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Superseded,
            ) => Cell::Refused(Refused::Over),
        },
        Asks::Arrival | Asks::Health(_) => match phase {
            Phase::Running if gate.is_of_health() => health(place, waived),
            Phase::Running => leaving(place, waived),
            Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Superseded => {
                Cell::Refused(Refused::Over)
            }
            Phase::Withdrawn => Cell::Refused(Refused::FileGone),
        },
    }
}

/// A gate that a ring passes once, on its way to `verified`.
const fn leaving(place: RingSituation, waived: Waived) -> Cell {
    match (place, waived) {
        (RingSituation::Pending, Waived::No | Waived::Already) => Cell::Refused(Refused::NotItsTurn),
        (RingSituation::Verified, Waived::No | Waived::Already) => Cell::Refused(Refused::LetThrough),
        (RingSituation::RollingBack | RingSituation::RolledBack, Waived::No | Waived::Already) => {
            Cell::Refused(Refused::Over)
        }
        (RingSituation::Entering | RingSituation::Writing | RingSituation::OutcomeUnknown, Waived::No) => {
            Cell::Done(Effect::WaiveAhead)
        }
        (RingSituation::Adopting | RingSituation::Soaking, Waived::No) => Cell::Done(Effect::Waive),
        (
            RingSituation::Entering
            | RingSituation::Writing
            | RingSituation::OutcomeUnknown
            | RingSituation::Adopting
            | RingSituation::Soaking,
            Waived::Already,
        ) => Cell::Refused(Refused::WaivedAlready),
    }
}

/// The place of a ring that the plan's file does not name.
const fn letting_go(place: RingSituation, waived: Waived) -> Cell {
    match (place, waived) {
        (
            RingSituation::Writing
            | RingSituation::OutcomeUnknown
            | RingSituation::Adopting
            | RingSituation::Soaking,
            Waived::No,
        ) => Cell::Done(Effect::LetGo),
        (RingSituation::Entering, _) => Cell::Refused(Refused::NotItsTurn),
        (place, waived) => leaving(place, waived),
    }
}

/// A gate of health, which is judged from a ring's entry until the rollout is final.
const fn health(place: RingSituation, waived: Waived) -> Cell {
    match (place, waived) {
        (RingSituation::Pending, Waived::No | Waived::Already) => Cell::Refused(Refused::NotItsTurn),
        (RingSituation::RollingBack | RingSituation::RolledBack, Waived::No | Waived::Already) => {
            Cell::Refused(Refused::Over)
        }
        (RingSituation::Entering | RingSituation::Writing | RingSituation::OutcomeUnknown, Waived::No) => {
            Cell::Done(Effect::WaiveAhead)
        }
        (RingSituation::Adopting | RingSituation::Soaking | RingSituation::Verified, Waived::No) => {
            Cell::Done(Effect::Waive)
        }
        (
            RingSituation::Entering
            | RingSituation::Writing
            | RingSituation::OutcomeUnknown
            | RingSituation::Adopting
            | RingSituation::Soaking
            | RingSituation::Verified,
            Waived::Already,
        ) => Cell::Refused(Refused::WaivedAlready),
    }
}

/// `approve PLAN`, about one ring. It can be given ahead of the ring's turn.
pub const fn approve(phase: Phase, place: RingSituation, claim: Claim) -> Cell {
    speak(phase, place, claim, Effect::Approve, Refused::ApprovedAlready)
}

/// `refuse PLAN`, about one ring.
pub const fn reject(phase: Phase, place: RingSituation, claim: Claim) -> Cell {
    speak(phase, place, claim, Effect::Reject, Refused::RejectedAlready)
}

const fn speak(phase: Phase, place: RingSituation, claim: Claim, done: Effect, again: Refused) -> Cell {
    match (phase, place, claim) {
        (Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Superseded, _, _) => {
            Cell::Refused(Refused::LeftNothing)
        }
        (Phase::Withdrawn, _, _) => Cell::Refused(Refused::Absent),
        (
            Phase::Running,
            RingSituation::Writing
            | RingSituation::OutcomeUnknown
            | RingSituation::Adopting
            | RingSituation::Soaking
            | RingSituation::Verified
            | RingSituation::RollingBack
            | RingSituation::RolledBack,
            _,
        ) => Cell::Refused(Refused::EnteredAlready),
        (Phase::Running, RingSituation::Pending | RingSituation::Entering, claim) => match claim {
            Claim::NotAsked => Cell::Refused(Refused::NobodyAsked),
            Claim::Member => Cell::Done(done),
            Claim::Again => Cell::Refused(again),
            Claim::Unnamed => Cell::Refused(Refused::Nameless),
            Claim::Program => Cell::Refused(Refused::NoPerson),
            Claim::Author => Cell::Refused(Refused::OwnPlan),
            Claim::Stranger => Cell::Refused(Refused::NoMember),
            Claim::Unread => Cell::Refused(Refused::MembersUnread),
        },
    }
}

/// `confirm PLAN --revision DIGEST`. It asks for no phase and no hold: what it lets take effect waits for
/// those by itself.
pub const fn confirm(waits: Waits) -> Cell {
    match waits {
        Waits::Same => Cell::Done(Effect::Confirm),
        Waits::Confirmed => Cell::Refused(Refused::ConfirmedAlready),
        Waits::Impossible => Cell::Refused(Refused::ForbidsItself),
        Waits::TooEarly => Cell::Refused(Refused::PredecessorStays),
        Waits::Other => Cell::Refused(Refused::OtherWaits),
        Waits::Nothing => Cell::Refused(Refused::NothingWaits),
    }
}

/// `check-now PLAN`. It changes nothing, so no hold stands against it.
pub const fn check_now(phase: Phase) -> Cell {
    match phase {
        Phase::Running | Phase::RollingBack => Cell::Done(Effect::Read),
        Phase::Completed | Phase::RolledBack | Phase::Superseded | Phase::Withdrawn => {
            Cell::Done(Effect::LookAtFiles)
        }
    }
}

/// `stop`. It asks for no plan, no phase and no hold: nothing stands against it.
pub const fn stop(writes: Writes) -> Cell {
    match writes {
        Writes::Allowed => Cell::Done(Effect::Stop),
        Writes::Stopped => Cell::Refused(Refused::StoppedAlready),
    }
}

/// `start`, and `start --paused`.
pub const fn start(writes: Writes, plans: StartPlans) -> Cell {
    match (writes, plans) {
        (Writes::Stopped, StartPlans::GoOn) => Cell::Done(Effect::Start),
        (Writes::Stopped, StartPlans::Pause) => Cell::Done(Effect::StartPaused),
        (Writes::Allowed, StartPlans::GoOn) => Cell::Refused(Refused::NotStopped),
        (Writes::Allowed, StartPlans::Pause) => Cell::Refused(Refused::NotStoppedToPause),
    }
}
