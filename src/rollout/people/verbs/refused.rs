//! Why a verb is refused.
//!
//! **Invariant:** each refusal says what would work.

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
