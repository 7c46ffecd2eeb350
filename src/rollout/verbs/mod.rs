//! The table of verbs: what each comes to in each situation.
//!
//! | module | what it holds |
//! | --- | --- |
//! | here | verbs, situations, and one function for each verb: its rows |
//! | `words` | what each cell says to people |
//! | `rows` | the whole table listed, with equal rows drawn together, and as docs/verbs.md |
//!
//! [`crate::rollout::command`] carries out what a cell says and nothing else; the API's and the
//! command line's help, the page's buttons and docs/verbs.md read the same cells.
//!
//! **A new verb** is a variant of [`Verb`]: the compiler then asks for its words, its rows and its
//! command. A new phase, stage or gate: the rows below do not compile until they say what it means.
//!
//! **Invariant:** the rows match without a wildcard, so there is no situation without an answer: an
//! [`Effect`], or a [`Refused`] that names what would work.

mod rows;
#[cfg(test)]
mod tests;
mod words;

pub use rows::{Row, effects, markdown, refusals, rows};
pub use words::About;

use crate::rollout::block::WaitsFor;
use crate::rollout::command::StartPlans;
use crate::rollout::rollback::{NoWayBack, RollbackStep};
use crate::rollout::second_clock::ANSWERS_TO_CONFIRM;
use crate::rollout::state::{HeldOut, Phase, PlanState, Stage, State, Waiting};
use crate::rollout::verdict::Gate;
use crate::rollout::world::Observations;
use crate::time::Timestamp;

/// What a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Hold a plan.
    Pause,
    /// Lift a plan's holds.
    Resume,
    /// Declare that a gate does not apply.
    Waive,
    /// Take a rollout back.
    Rollback,
    /// Allow again what a rollback holds out.
    ReleaseHold,
    /// Let a ring be entered.
    Approve,
    /// Say no to that.
    Refuse,
    /// Let a revision take effect that waits.
    Confirm,
    /// Look now.
    CheckNow,
    /// Stop all writes.
    Stop,
    /// Allow writes again.
    Start,
    /// Confirm the machine's clock.
    ConfirmClock,
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

/// What a verb comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// It is carried out.
    Done(Effect),
    /// It is refused: 409 over HTTP, exit code 3 on the command line.
    Refused(Refused),
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The plan is held.
    Pause,
    /// The plan is held while nothing of it moves: the hold meets what comes next.
    PauseAhead,
    /// A person's pause is lifted.
    LiftPause,
    /// The engine's halt is lifted, and its cause acknowledged.
    LiftHalt,
    /// Both.
    LiftBoth,
    /// The gate is exempt from now on.
    Waive,
    /// The gate is exempt as soon as it is asked.
    WaiveAhead,
    /// The ring has its place no more.
    LetGo,
    /// The rollout goes back.
    RollBack,
    /// The pause is lifted, and the rollout goes back.
    LiftPauseAndRollBack,
    /// The halt is lifted and its cause acknowledged, and the rollout goes back.
    LiftHaltAndRollBack,
    /// Both are lifted, and the rollout goes back.
    LiftBothAndRollBack,
    /// The version may be offered again.
    Release,
    /// The ring may be entered, as far as this person is asked.
    Approve,
    /// The ring may not be entered.
    Refuse,
    /// The revision takes effect.
    Confirm,
    /// Everything that the rollout wants to see is read now.
    Read,
    /// Plan files and stop file are looked at; a rollout that is over wants nothing read.
    LookAtFiles,
    /// All writes are stopped.
    Stop,
    /// Writes are allowed again.
    Start,
    /// Every plan is paused, then writes are allowed again.
    StartPaused,
    /// The log goes by the machine's clock again.
    ConfirmClock,
}

/// Why it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// A person paused the plan before.
    PausedAlready,
    /// There is nothing to lift.
    NotHeld,
    /// There is nothing to lift; what holds the plan is the stop.
    OnlyStopped,
    /// The schedule is not waived.
    OfTheSchedule,
    /// Nobody can waive ringward into seeing.
    OfSight,
    /// The gate asks what the plan means.
    OfThePlan,
    /// One person does not stand for the people who are asked.
    OfPeople,
    /// The plan's file names the ring.
    NamedStill,
    /// It was waived before.
    WaivedAlready,
    /// An earlier ring is not verified.
    NotItsTurn,
    /// The gate has let the ring through.
    LetThrough,
    /// The rollout is over.
    Over,
    /// The rollout is withdrawn.
    FileGone,
    /// A newer rollout has taken its place.
    Succeeded,
    /// There is nothing to take back.
    NothingMoved,
    /// A ring has nowhere to go back to.
    NoWayBack,
    /// The plan's rollbacks do not hold the version out.
    NotHeldOut,
    /// The group offers what a rollback holds out.
    OffersHeldOut,
    /// The plan forbids what the rollout offers.
    OffersForbidden,
    /// No revision waits.
    NothingWaits,
    /// Another revision waits than the one that was read.
    OtherWaits,
    /// The revision asks for what it forbids.
    ForbidsItself,
    /// The plan that the revision says it was keeps its name.
    PredecessorStays,
    /// A person confirmed it before.
    ConfirmedAlready,
    /// The rollout is over, and nobody is asked any more.
    LeftNothing,
    /// The rollout is withdrawn, and nobody is asked.
    Absent,
    /// Nobody is asked.
    NobodyAsked,
    /// The ring is entered.
    EnteredAlready,
    /// The person approved before.
    ApprovedAlready,
    /// The person refused before.
    RefusedAlready,
    /// Nobody knows who it is.
    Nameless,
    /// It is no person.
    NoPerson,
    /// It is who wrote the plan.
    OwnPlan,
    /// It is no member of a group that is asked.
    NoMember,
    /// The members cannot be read.
    MembersUnread,
    /// Writes were stopped before.
    StoppedAlready,
    /// There is no stop to lift.
    NotStopped,
    /// There is no stop to lift, and so none to leave plans paused behind.
    NotStoppedToPause,
    /// The machine's clock is not behind the log.
    ClockInOrder,
    /// Too few answers of Cloudflare agree with the machine's clock.
    ClockAlone,
}

impl Effect {
    /// Whether the page offers it with a button: not where it does nothing about the rollout that
    /// stands there. The command line and the API have it all the same.
    #[must_use]
    pub const fn is_offered(self) -> bool {
        match self {
            Self::PauseAhead | Self::LookAtFiles => false,
            Self::Pause
            | Self::LiftPause
            | Self::LiftHalt
            | Self::LiftBoth
            | Self::Waive
            | Self::WaiveAhead
            | Self::LetGo
            | Self::RollBack
            | Self::LiftPauseAndRollBack
            | Self::LiftHaltAndRollBack
            | Self::LiftBothAndRollBack
            | Self::Release
            | Self::Approve
            | Self::Refuse
            | Self::Confirm
            | Self::Read
            | Self::Stop
            | Self::Start
            | Self::StartPaused
            | Self::ConfirmClock => true,
        }
    }
}

impl Cell {
    /// What is done, where it is not refused.
    #[must_use]
    pub const fn effect(self) -> Option<Effect> {
        match self {
            Self::Done(effect) => Some(effect),
            Self::Refused(_) => None,
        }
    }
}

/// `pause PLAN`. A write that is planned is cancelled before it is sent; one that was sent is
/// settled as any other, because nobody can call it back.
#[must_use]
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
#[must_use]
pub const fn confirm_clock(clock: ClockSight) -> Cell {
    match clock {
        ClockSight::BorneOut => Cell::Done(Effect::ConfirmClock),
        ClockSight::InOrder => Cell::Refused(Refused::ClockInOrder),
        ClockSight::Alone => Cell::Refused(Refused::ClockAlone),
    }
}

/// `resume PLAN`. It lifts holds in every phase: those of a rollout that is over would meet the next.
/// A halt is not lifted while its group offers what a rollback holds out: that would accept it.
#[must_use]
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
#[must_use]
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
#[must_use]
pub const fn release_hold(held: HeldBack) -> Cell {
    match held {
        HeldBack::Yes => Cell::Done(Effect::Release),
        HeldBack::No => Cell::Refused(Refused::NotHeldOut),
    }
}

/// `waive PLAN --gate G`, about one ring.
#[must_use]
pub const fn waive(gate: Gate, phase: Phase, place: Place, waived: Waived, named: Named) -> Cell {
    match gate {
        Gate::Opening | Gate::Freeze => Cell::Refused(Refused::OfTheSchedule),
        Gate::Fleet => Cell::Refused(Refused::OfSight),
        Gate::Downgrade => Cell::Refused(Refused::OfThePlan),
        Gate::Approval => Cell::Refused(Refused::OfPeople),
        Gate::Ring => match (named, phase) {
            (Named::Still, _) => Cell::Refused(Refused::NamedStill),
            (Named::NoMore, Phase::Running | Phase::Withdrawn) => letting_go(place, waived),
            (
                Named::NoMore,
                Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Superseded,
            ) => Cell::Refused(Refused::Over),
        },
        Gate::Adoption | Gate::Soak => match phase {
            Phase::Running => leaving(place, waived),
            Phase::Completed | Phase::RollingBack | Phase::RolledBack | Phase::Superseded => {
                Cell::Refused(Refused::Over)
            }
            Phase::Withdrawn => Cell::Refused(Refused::FileGone),
        },
        Gate::Stalled | Gate::Dark => match phase {
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
const fn health(place: Place, waived: Waived) -> Cell {
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
#[must_use]
pub const fn approve(phase: Phase, place: Place, claim: Claim) -> Cell {
    speak(phase, place, claim, Effect::Approve, Refused::ApprovedAlready)
}

/// `refuse PLAN`, about one ring.
#[must_use]
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
#[must_use]
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
#[must_use]
pub const fn check_now(phase: Phase) -> Cell {
    match phase {
        Phase::Running | Phase::RollingBack => Cell::Done(Effect::Read),
        Phase::Completed | Phase::RolledBack | Phase::Superseded | Phase::Withdrawn => {
            Cell::Done(Effect::LookAtFiles)
        }
    }
}

/// `stop`. It asks for no plan, no phase and no hold: nothing stands against it.
#[must_use]
pub const fn stop(writes: Writes) -> Cell {
    match writes {
        Writes::Allowed => Cell::Done(Effect::Stop),
        Writes::Stopped => Cell::Refused(Refused::StoppedAlready),
    }
}

/// `start`, and `start --paused`.
#[must_use]
pub const fn start(writes: Writes, plans: StartPlans) -> Cell {
    match (writes, plans) {
        (Writes::Stopped, StartPlans::GoOn) => Cell::Done(Effect::Start),
        (Writes::Stopped, StartPlans::Pause) => Cell::Done(Effect::StartPaused),
        (Writes::Allowed, StartPlans::GoOn) => Cell::Refused(Refused::NotStopped),
        (Writes::Allowed, StartPlans::Pause) => Cell::Refused(Refused::NotStoppedToPause),
    }
}

impl Verb {
    /// All, in the order of the documents.
    pub const ALL: [Self; 12] = [
        Self::Approve,
        Self::Refuse,
        Self::Confirm,
        Self::Pause,
        Self::Resume,
        Self::Waive,
        Self::Rollback,
        Self::ReleaseHold,
        Self::CheckNow,
        Self::Stop,
        Self::Start,
        Self::ConfirmClock,
    ];

    /// The word of API and command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Waive => "waive",
            Self::Rollback => "rollback",
            Self::ReleaseHold => "release-hold",
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Confirm => "confirm",
            Self::CheckNow => "check-now",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::ConfirmClock => "confirm-clock",
        }
    }

    /// Whether it must say why: what leaves no record needs no reason.
    #[must_use]
    pub const fn needs_reason(self) -> bool {
        match self {
            Self::Pause
            | Self::Resume
            | Self::Waive
            | Self::Rollback
            | Self::ReleaseHold
            | Self::Approve
            | Self::Refuse
            | Self::Confirm
            | Self::Stop
            | Self::Start
            | Self::ConfirmClock => true,
            Self::CheckNow => false,
        }
    }
}

impl Holds {
    /// All.
    pub const ALL: [Self; 4] = [Self::Free, Self::Paused, Self::Halted, Self::PausedAndHalted];

    /// From the two holds.
    #[must_use]
    pub const fn of(is_paused: bool, is_halted: bool) -> Self {
        match (is_paused, is_halted) {
            (false, false) => Self::Free,
            (true, false) => Self::Paused,
            (false, true) => Self::Halted,
            (true, true) => Self::PausedAndHalted,
        }
    }

    /// Those of a plan.
    #[must_use]
    pub const fn of_plan(plan: &PlanState) -> Self {
        Self::of(plan.paused.is_some(), plan.rollout.halted.is_some())
    }
}

impl Writes {
    /// All.
    pub const ALL: [Self; 2] = [Self::Allowed, Self::Stopped];

    /// From whether there is a stop.
    #[must_use]
    pub const fn of(is_stopped: bool) -> Self {
        if is_stopped { Self::Stopped } else { Self::Allowed }
    }

    /// Those of all plans.
    #[must_use]
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
    #[must_use]
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
    #[must_use]
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
    /// All.
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
    /// All.
    pub const ALL: [Self; 3] = [Self::InOrder, Self::BorneOut, Self::Alone];

    /// By what was seen, at `machine` by the machine's clock.
    #[must_use]
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
    /// All.
    pub const ALL: [Self; 3] = [Self::Known, Self::Missing, Self::NothingMoved];

    /// By what was found.
    #[must_use]
    pub const fn of(found: &Result<Vec<RollbackStep>, NoWayBack>) -> Self {
        match found {
            Ok(_) => Self::Known,
            Err(NoWayBack::Stuck(_)) => Self::Missing,
            Err(NoWayBack::NothingMoved) => Self::NothingMoved,
        }
    }

    /// The word of API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Missing => "missing",
            Self::NothingMoved => "nothing_moved",
        }
    }
}

impl HeldBack {
    /// All.
    pub const ALL: [Self; 2] = [Self::Yes, Self::No];

    /// From whether it is.
    #[must_use]
    pub const fn of(is_held_out: bool) -> Self {
        if is_held_out { Self::Yes } else { Self::No }
    }
}

impl Offered {
    /// All.
    pub const ALL: [Self; 3] = [Self::Sound, Self::HeldOut, Self::Forbidden];

    /// By what was found of what a rollback holds out, and of what the plan forbids.
    #[must_use]
    pub const fn of(held: Option<&HeldOut>, forbidden: bool) -> Self {
        match (held, forbidden) {
            (_, true) => Self::Forbidden,
            (Some(_), false) => Self::HeldOut,
            (None, false) => Self::Sound,
        }
    }

    /// The word of API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::HeldOut => "held_out",
            Self::Forbidden => "forbidden",
        }
    }
}

impl Waits {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::Same, Self::Confirmed, Self::Impossible, Self::TooEarly, Self::Other, Self::Nothing];

    /// Of what waits at `now`, beside the revision that a person names: by its digest, or how it begins.
    #[must_use]
    pub fn of(waiting: Option<&Waiting>, named: &str, now: Timestamp) -> Self {
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
    /// All.
    pub const ALL: [Self; 2] = [Self::Still, Self::NoMore];

    /// From whether the plan's file dropped the ring.
    #[must_use]
    pub const fn of(is_dropped: bool) -> Self {
        if is_dropped { Self::NoMore } else { Self::Still }
    }
}

impl Waived {
    /// All.
    pub const ALL: [Self; 2] = [Self::No, Self::Already];

    /// From whether there is a waiver.
    #[must_use]
    pub const fn of(is_waived: bool) -> Self {
        if is_waived { Self::Already } else { Self::No }
    }
}
