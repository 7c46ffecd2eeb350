//! Why a verb is refused, and what would work.
//!
//! **Invariant:** each refusal says what would work. Its words are written once: with names in an answer, and with
//! `PLAN`, `RING` and `GATE` in help and documents.

use crate::rollout::people::verbs::about::About;

/// One row for each refusal: why, and what would work. What stands in braces is what it is about.
macro_rules! refusals {
    ($($(#[$doc:meta])* $refused:ident => $why:literal, $instead:literal;)*) => {
        /// Why it is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Refused {
            $($(#[$doc])* $refused,)*
        }

        impl Refused {
            const fn row(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$refused => ($why, $instead),)*
                }
            }
        }
    };
}

impl Refused {
    pub fn why(self, about: &About) -> String {
        about.fill(self.row().0)
    }

    /// What would work.
    pub fn instead(self, about: &About) -> String {
        about.fill(self.row().1)
    }

    /// Both, in one line.
    pub fn told(self, about: &About) -> String {
        format!("{}; {}", self.why(about), self.instead(about))
    }
}

refusals! {
    /// A person paused the plan before.
    PausedAlready =>
        "plan {plan} is paused already {held}",
        "ringward resume {plan} --reason … lifts it";
    /// There is nothing to lift.
    NotHeld =>
        "plan {plan} is neither paused nor halted",
        "ringward explain {plan} says what it waits for";
    /// There is nothing to lift; what holds the plan is the stop.
    OnlyStopped =>
        "plan {plan} is neither paused nor halted, but all writes are stopped",
        "ringward start --reason … allows them again";
    /// The schedule is not waived.
    OfTheSchedule =>
        "gate {gate} is of the schedule and cannot be waived",
        "change the plan's schedule, where the change is seen";
    /// Nobody can waive ringward into seeing.
    OfSight =>
        "gate {gate} asks what ringward sees and cannot be waived",
        "fix what keeps ringward from seeing the devices; ringward status names the reads that fail";
    /// The gate asks what the plan means.
    OfThePlan =>
        "gate {gate} asks what the plan means and cannot be waived",
        "name the version that is meant in the plan, or write `allow_downgrade` into it, where it is seen";
    /// One person does not stand for the people who are asked.
    OfPeople =>
        "gate {gate} is what other people decide, and cannot be waived",
        "ringward explain {plan} says who is asked; each of them approves in their own name";
    /// The plan's file names the ring.
    NamedStill =>
        "the plan's file names ring `{ring}`, which is not let go then",
        "take the ring out of the plan's file first; with the ring in it, ringward explain says which gate to waive";
    /// It was waived before.
    WaivedAlready =>
        "gate {gate} of ring `{ring}` was waived already",
        "ringward explain {plan} says what it waits for now";
    /// An earlier ring is not verified.
    NotItsTurn =>
        "the turn of ring `{ring}` has not come",
        "waive it when its gate is what ringward explain {plan} says the rollout waits for";
    /// The gate has let the ring through.
    LetThrough =>
        "ring `{ring}` is verified",
        "its gate holds nothing up; name a ring that is not verified with --ring";
    /// The rollout is over.
    Over =>
        "the rollout is {phase}",
        "nothing of it is left to waive; a newer target in the plan has gates of its own";
    /// The rollout is withdrawn.
    FileGone =>
        "the rollout is withdrawn",
        "put the plan's file back, and waive it then";
    /// A newer rollout has taken its place.
    Succeeded =>
        "a newer rollout has taken its place",
        "roll that one back";
    /// There is nothing to take back.
    NothingMoved =>
        "there is nothing to take back: the rollout changed no version there, or it is on its way back already",
        "ringward explain {plan} says what each ring is offered, and since when";
    /// A ring has nowhere to go back to.
    NoRollbackTarget =>
        "{stuck}",
        "write `rollback_to: {windows: VERSION, macos: VERSION}` for such a ring into the plan, and ask again; or name the rings that have a rollback target with --ring and --environment";
    /// The plan's rollbacks do not hold the version out.
    NotBlocked =>
        "{version} is not blocked for plan {plan}",
        "ringward explain {plan} lists what is blocked";
    /// The group offers what a rollback blocks.
    OffersBlockedVersion =>
        "the group that it is halted for offers a blocked version",
        "set the group back at Cloudflare, and resume then; or unblock the version first: ringward unblock {plan} --version {version} --reason …";
    /// The plan forbids what the rollout offers.
    OffersForbidden =>
        "the plan forbids a version that the rollout offers, or is about to offer",
        "ringward rollback {plan} --reason … takes it back; or name another version in the plan, or take the entry out of `forbid`, and resume once that is in force";
    /// No revision waits.
    NothingWaits =>
        "no revision of plan {plan} waits",
        "ringward explain {plan} says what it waits for";
    /// Another revision waits than the one that was read.
    OtherWaits =>
        "another revision waits than the one that you name: {revision}",
        "read what it changes, and confirm that one";
    /// The revision asks for what it forbids.
    ForbidsItself =>
        "the revision asks for a version that its own `forbid` covers: {revision}",
        "name another version in the plan, or correct its `forbid`";
    /// The plan that the revision says it was keeps its name.
    PredecessorStays =>
        "the plan that the revision says it was keeps its name for now: {revision}",
        "ringward explain {plan} says why; ask again once it does not, or correct `was`";
    /// A person confirmed it before.
    ConfirmedAlready =>
        "the revision is confirmed already {held}",
        "ringward explain {plan} says what it waits for";
    /// The rollout is over, and nobody is asked any more.
    LeftNothing =>
        "the rollout is {phase}, and nobody is asked any more",
        "a newer target in the plan asks anew";
    /// The rollout is withdrawn, and nobody is asked.
    Absent =>
        "the rollout is withdrawn, and nobody is asked",
        "put the plan's file back";
    /// Nobody is asked.
    NobodyAsked =>
        "ring `{ring}` asks nobody for an approval",
        "write `approval` into the plan, if somebody should be; ringward explain {plan} says what it waits for";
    /// The ring is entered.
    EnteredAlready =>
        "ring `{ring}` is entered already",
        "ringward pause {plan} --reason … keeps later rings from being entered, and ringward rollback {plan} --reason … takes it back";
    /// The person approved before.
    ApprovedAlready =>
        "you approved ring `{ring}` already: one person counts once",
        "ringward explain {plan} says who is missing; ringward reject {plan} --ring {ring} --reason … takes it back";
    /// The person refused before.
    RejectedAlready =>
        "you rejected ring `{ring}` already",
        "ringward approve {plan} --ring {ring} --reason … takes it back";
    /// Nobody knows who it is.
    Nameless =>
        "this way in says nothing of who you are to Cloudflare, and so cannot approve",
        "approve on the page behind Cloudflare Access, or with a token of your own: ringward token new";
    /// It is no person.
    NoPerson =>
        "a service token is a program, and never approves",
        "a member of {asked} approves in their own name";
    /// It is who wrote the plan.
    OwnPlan =>
        "you wrote the plan, and nobody approves their own",
        "ask another member of {asked}";
    /// It is no member of a group that is asked.
    NoMember =>
        "you are no accepted member of {asked}",
        "ask a member of {asked}, or who keeps that group; an invitation counts once it is taken";
    /// The members cannot be read.
    MembersUnread =>
        "the members of {asked} cannot be read now",
        "ringward status names the reads that fail; the token needs `Account Settings Read`, and the group must exist once";
    /// Writes were stopped before.
    StoppedAlready =>
        "all writes are stopped already {held}",
        "ringward start --reason … allows writes again";
    /// There is no stop to lift.
    NotStopped =>
        "writes are not stopped",
        "ringward status says what each plan waits for, and ringward resume PLAN --reason … lifts a plan's pause and its halt";
    /// There is no stop to lift, and so none to leave plans paused behind.
    NotStoppedToPause =>
        "writes are not stopped",
        "ringward pause PLAN --reason … pauses a plan";
    /// The machine's clock is not behind the log.
    ClockInOrder =>
        "this machine's clock is not behind the log",
        "ringward status says what is wrong with the clock, if anything is";
    /// Too few answers of Cloudflare agree with the machine's clock.
    ClockAlone =>
        "fewer than three answers of Cloudflare in the last 10 minutes agree with this machine's clock to 2 minutes",
        "set the clock right and ask again; ringward status says how far it is from Cloudflare's";
}
