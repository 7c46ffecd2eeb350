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

use crate::rollout::people::verbs::effect::Effect;
use crate::rollout::people::verbs::refused::Refused;
use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, HeldBack, Holds, Named, Offered, Place, StartPlans, Waits, Waived, WaysBack, Writes,
};
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
pub const fn pause(phase: Phase, holds: Holds) -> Cell {
    match (holds, phase) {
        (Holds::Free | Holds::Halted, Phase::Running | Phase::RollingBack) => Cell::Done(Effect::Pause),
        // The pause is the plan's: a newer target, or the file's return, meets it.
        (
            Holds::Free | Holds::Halted,
            Phase::Completed | Phase::RolledBack | Phase::Superseded | Phase::Withdrawn,
        ) => Cell::Done(Effect::PauseAhead),
        (
            Holds::Paused | Holds::PausedAndHalted,
            Phase::Running
            | Phase::Completed
            | Phase::RollingBack
            | Phase::RolledBack
            | Phase::Superseded
            | Phase::Withdrawn,
        ) => Cell::Refused(Refused::PausedAlready),
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

/// `resume PLAN`. It lifts holds in every phase: those of a rollout that is over would meet the next.
/// A halt is not lifted while its group offers what a rollback holds out: that would accept it.
pub const fn resume(holds: Holds, writes: Writes, offered: Offered) -> Cell {
    match (holds, writes, offered) {
        (
            Holds::Paused,
            Writes::Allowed | Writes::Stopped,
            Offered::Sound | Offered::HeldOut | Offered::Forbidden,
        ) => Cell::Done(Effect::LiftPause),
        (Holds::Halted, Writes::Allowed | Writes::Stopped, Offered::Sound) => Cell::Done(Effect::LiftHalt),
        (Holds::PausedAndHalted, Writes::Allowed | Writes::Stopped, Offered::Sound) => {
            Cell::Done(Effect::LiftBoth)
        }
        (Holds::Halted | Holds::PausedAndHalted, Writes::Allowed | Writes::Stopped, Offered::HeldOut) => {
            Cell::Refused(Refused::OffersHeldOut)
        }
        (Holds::Halted | Holds::PausedAndHalted, Writes::Allowed | Writes::Stopped, Offered::Forbidden) => {
            Cell::Refused(Refused::OffersForbidden)
        }
        (Holds::Free, Writes::Allowed, Offered::Sound | Offered::HeldOut | Offered::Forbidden) => {
            Cell::Refused(Refused::NotHeld)
        }
        (Holds::Free, Writes::Stopped, Offered::Sound | Offered::HeldOut | Offered::Forbidden) => {
            Cell::Refused(Refused::OnlyStopped)
        }
    }
}

/// `rollback PLAN`. A person's word: it lifts the plan's holds, each by an event of its own, and waits
/// for a stop. In a rollout that goes back already it takes back what was left out.
pub const fn rollback(phase: Phase, holds: Holds, ways: WaysBack) -> Cell {
    match (phase, ways) {
        (Phase::Superseded, WaysBack::Known | WaysBack::Missing | WaysBack::NothingMoved) => {
            Cell::Refused(Refused::Succeeded)
        }
        (
            Phase::Running | Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Withdrawn,
            ways,
        ) => match (ways, holds) {
            (
                WaysBack::NothingMoved,
                Holds::Free | Holds::Paused | Holds::Halted | Holds::PausedAndHalted,
            ) => Cell::Refused(Refused::NothingMoved),
            (WaysBack::Missing, Holds::Free | Holds::Paused | Holds::Halted | Holds::PausedAndHalted) => {
                Cell::Refused(Refused::NoWayBack)
            }
            (WaysBack::Known, Holds::Free) => Cell::Done(Effect::RollBack),
            (WaysBack::Known, Holds::Paused) => Cell::Done(Effect::LiftPauseAndRollBack),
            (WaysBack::Known, Holds::Halted) => Cell::Done(Effect::LiftHaltAndRollBack),
            (WaysBack::Known, Holds::PausedAndHalted) => Cell::Done(Effect::LiftBothAndRollBack),
        },
    }
}

/// `release-hold PLAN --version V`. It asks for no phase and no hold: it writes nothing.
pub const fn release_hold(held: HeldBack) -> Cell {
    match held {
        HeldBack::Yes => Cell::Done(Effect::Release),
        HeldBack::No => Cell::Refused(Refused::NotHeldOut),
    }
}

/// `waive PLAN --gate G`, about one ring.
pub const fn waive(gate: Gate, phase: Phase, place: Place, waived: Waived, named: Named) -> Cell {
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
        Asks::Arrival => match phase {
            Phase::Running => leaving(place, waived),
            Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Superseded => {
                Cell::Refused(Refused::Over)
            }
            Phase::Withdrawn => Cell::Refused(Refused::FileGone),
        },
        Asks::Health(_) => match phase {
            Phase::Running => health(place, waived),
            Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Superseded => {
                Cell::Refused(Refused::Over)
            }
            Phase::Withdrawn => Cell::Refused(Refused::FileGone),
        },
    }
}

/// A gate that a ring passes once, on its way to `verified`.
const fn leaving(place: Place, waived: Waived) -> Cell {
    match (place, waived) {
        (Place::Pending, Waived::No | Waived::Already) => Cell::Refused(Refused::NotItsTurn),
        (Place::Verified, Waived::No | Waived::Already) => Cell::Refused(Refused::LetThrough),
        (Place::RollingBack | Place::RolledBack, Waived::No | Waived::Already) => {
            Cell::Refused(Refused::Over)
        }
        (Place::Entering | Place::Writing | Place::InDoubt, Waived::No) => Cell::Done(Effect::WaiveAhead),
        (Place::Adopting | Place::Soaking, Waived::No) => Cell::Done(Effect::Waive),
        (
            Place::Entering | Place::Writing | Place::InDoubt | Place::Adopting | Place::Soaking,
            Waived::Already,
        ) => Cell::Refused(Refused::WaivedAlready),
    }
}

/// The place of a ring that the plan's file does not name.
const fn letting_go(place: Place, waived: Waived) -> Cell {
    match (place, waived) {
        (Place::Writing | Place::InDoubt | Place::Adopting | Place::Soaking, Waived::No) => {
            Cell::Done(Effect::LetGo)
        }
        (Place::Entering, _) => Cell::Refused(Refused::NotItsTurn),
        (place, waived) => leaving(place, waived),
    }
}

/// A gate of health, which is judged from a ring's entry until the rollout is final.
pub(crate) const fn health(place: Place, waived: Waived) -> Cell {
    match (place, waived) {
        (Place::Pending, Waived::No | Waived::Already) => Cell::Refused(Refused::NotItsTurn),
        (Place::RollingBack | Place::RolledBack, Waived::No | Waived::Already) => {
            Cell::Refused(Refused::Over)
        }
        (Place::Entering | Place::Writing | Place::InDoubt, Waived::No) => Cell::Done(Effect::WaiveAhead),
        (Place::Adopting | Place::Soaking | Place::Verified, Waived::No) => Cell::Done(Effect::Waive),
        (
            Place::Entering
            | Place::Writing
            | Place::InDoubt
            | Place::Adopting
            | Place::Soaking
            | Place::Verified,
            Waived::Already,
        ) => Cell::Refused(Refused::WaivedAlready),
    }
}

/// `approve PLAN`, about one ring. It can be given ahead of the ring's turn.
pub const fn approve(phase: Phase, place: Place, claim: Claim) -> Cell {
    speak(phase, place, claim, Effect::Approve, Refused::ApprovedAlready)
}

/// `refuse PLAN`, about one ring.
pub const fn refuse(phase: Phase, place: Place, claim: Claim) -> Cell {
    speak(phase, place, claim, Effect::Refuse, Refused::RefusedAlready)
}

const fn speak(phase: Phase, place: Place, claim: Claim, done: Effect, again: Refused) -> Cell {
    match (phase, place, claim) {
        (Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Superseded, _, _) => {
            Cell::Refused(Refused::LeftNothing)
        }
        (Phase::Withdrawn, _, _) => Cell::Refused(Refused::Absent),
        (
            Phase::Running,
            Place::Writing
            | Place::InDoubt
            | Place::Adopting
            | Place::Soaking
            | Place::Verified
            | Place::RollingBack
            | Place::RolledBack,
            _,
        ) => Cell::Refused(Refused::EnteredAlready),
        (Phase::Running, Place::Pending | Place::Entering, claim) => match claim {
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
