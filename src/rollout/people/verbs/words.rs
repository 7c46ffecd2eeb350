//! What the table of verbs says to people.
//!
//! **Invariant:** a refusal's words are written once: with names in an answer, and with `PLAN`,
//! `RING` and `GATE` in help and documents.

use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::refused::Refused;
use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, HeldBack, Holds, Named, Offered, Place, StartPlans, Waits, Waived, WaysBack, Writes,
};
use crate::rollout::people::verbs::table::Effect;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Gate;
use crate::rollout::state::Phase;

impl Verb {
    /// What it is, in half a sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Pause => "hold a plan: no write, and no ring is verified, until `resume`",
            Self::Resume => {
                "lift a plan's holds, a person's pause and ringward's halt, having seen their causes"
            }
            Self::Waive => {
                "declare that a gate does not apply to a ring of this rollout; it is shown for good"
            }
            Self::Rollback => {
                "take a rollout back, ring by ring, the latest first: versions that it moved, and nothing else"
            }
            Self::ReleaseHold => "allow a version again that the plan's rollbacks hold out",
            Self::Approve => {
                "let a ring be entered, as a member of the User Group that the plan asks; it counts until it expires, or the plan's values change"
            }
            Self::Refuse => {
                "say no to a ring's entry, as one who could approve it; it stands until you approve, or the plan's values change"
            }
            Self::Confirm => {
                "let a revision of the plan's file take effect that waits, having read what it changes; used once, and it counts for a day"
            }
            Self::CheckNow => {
                "read now what the plan's rollout wants to see, and decide; nothing is recorded"
            }
            Self::Stop => "stop all writes of all plans, also when the daemon hangs or is down",
            Self::Start => "allow writes again after `stop`",
            Self::ConfirmClock => {
                "confirm that this machine's clock is right and the log is dated ahead, because the clock was; from then on everything goes by the clock again"
            }
        }
    }

    /// How it is asked for on the command line.
    pub const fn usage(self) -> &'static str {
        match self {
            Self::Pause => "ringward pause PLAN --reason …",
            Self::Resume => "ringward resume PLAN --reason …",
            Self::Waive => "ringward waive PLAN --gate GATE [--ring RING] --reason …",
            Self::Rollback => "ringward rollback PLAN [--ring RING] [--environment ENVIRONMENT] --reason …",
            Self::ReleaseHold => "ringward release-hold PLAN --version VERSION --reason …",
            Self::Approve => "ringward approve PLAN [--ring RING] --reason …",
            Self::Refuse => "ringward refuse PLAN [--ring RING] --reason …",
            Self::Confirm => "ringward confirm PLAN [--revision DIGEST --reason …]",
            Self::CheckNow => "ringward check-now PLAN",
            Self::Stop => "ringward stop --reason …",
            Self::Start => "ringward start [--paused] --reason …",
            Self::ConfirmClock => "ringward confirm clock --reason …",
        }
    }

    /// Its path in the API.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Pause => "/api/v1/rollouts/{plan}/pause",
            Self::Resume => "/api/v1/rollouts/{plan}/resume",
            Self::Waive => "/api/v1/rollouts/{plan}/waive",
            Self::Rollback => "/api/v1/rollouts/{plan}/rollback",
            Self::ReleaseHold => "/api/v1/rollouts/{plan}/release-hold",
            Self::Approve => "/api/v1/rollouts/{plan}/approve",
            Self::Refuse => "/api/v1/rollouts/{plan}/refuse",
            Self::Confirm => "/api/v1/rollouts/{plan}/confirm",
            Self::CheckNow => "/api/v1/rollouts/{plan}/check-now",
            Self::Stop => "/api/v1/stop",
            Self::Start => "/api/v1/start",
            Self::ConfirmClock => "/api/v1/confirm-clock",
        }
    }
}

impl Effect {
    /// What it does, in a sentence without a full stop.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pause => {
                "nothing is written and no ring is verified until `resume`; looking goes on, and deadlines stand still"
            }
            Self::PauseAhead => {
                "the next target, or the plan's file when it comes back, meets the pause and waits for `resume`"
            }
            Self::LiftPause => "the pause is lifted",
            Self::LiftHalt => "the halt is lifted and its cause acknowledged: only something new halts again",
            Self::LiftBoth => "pause and halt are lifted, and the halt's cause is acknowledged",
            Self::Waive => "the gate reads `exempt` from now on, with your reason; all others still hold",
            Self::WaiveAhead => {
                "the gate reads `exempt` once the ring's targets are on offer; the write is not hurried by it"
            }
            Self::LetGo => {
                "the ring has its place no more, whatever its group offers: the rollout goes on without it, and the group stays as it is"
            }
            Self::RollBack => {
                "each ring goes back to what it ran before, the latest first; openings, freezes, soaks and `max_devices` are not asked, a stop and a doubt are; what is taken back is held out from now on"
            }
            Self::LiftPauseAndRollBack => "the pause is lifted, and each ring goes back",
            Self::LiftHaltAndRollBack => {
                "the halt is lifted and its cause acknowledged, and each ring goes back"
            }
            Self::LiftBothAndRollBack => "pause and halt are lifted, and each ring goes back",
            Self::Release => {
                "plans may offer it again; if the plan's file still asks for it, a new rollout begins at its first ring"
            }
            Self::Approve => {
                "it counts from now on, also ahead of the ring's turn and its opening; the members are read again before the write"
            }
            Self::Refuse => "the ring is not entered, whoever approves it",
            Self::Confirm => {
                "the revision takes effect with the next decision, as long as the file stays as it is; holds, gates and the schedule still hold"
            }
            Self::Read => {
                "plan files, groups, profiles and devices are read now, and decided on as they come in"
            }
            Self::LookAtFiles => {
                "the plan files are looked at now; for a rollout that does not run nothing else is read"
            }
            Self::Stop => {
                "no change is sent to Cloudflare, whatever was decided; a write on its way is settled by reading"
            }
            Self::Start => "plans that are neither paused nor halted go on at once",
            Self::ConfirmClock => {
                "what was dated later than now counts from now: soaks and deadlines begin anew, waivers and approvals are void, tokens live no longer than they were made for; devices are seen anew, and nothing of the log is lost"
            }
            Self::StartPaused => "every plan is left paused in your name and goes on with its `resume`",
        }
    }

    /// What it leaves in the log, in this order.
    pub const fn log(self) -> &'static str {
        match self {
            Self::Pause | Self::PauseAhead => "`paused`",
            Self::LiftPause => "`pause_lifted`",
            Self::LiftHalt => "`halt_lifted`",
            Self::LiftBoth => "`pause_lifted`, `halt_lifted`",
            Self::Waive | Self::WaiveAhead | Self::LetGo => "`gate_waived`",
            Self::RollBack => "`rollback_started`",
            Self::LiftPauseAndRollBack => "`pause_lifted`, `rollback_started`",
            Self::LiftHaltAndRollBack => "`halt_lifted`, `rollback_started`",
            Self::LiftBothAndRollBack => "`pause_lifted`, `halt_lifted`, `rollback_started`",
            Self::Release => "`version_released`",
            Self::Approve => "`approval_given`",
            Self::Refuse => "`approval_refused`",
            Self::Confirm => "`revision_confirmed`",
            Self::Read | Self::LookAtFiles => "nothing",
            Self::Stop => "`stopped`",
            Self::Start => "`started`",
            Self::StartPaused => "`paused` for each plan that is not, `started`",
            Self::ConfirmClock => "`clock_confirmed`",
        }
    }
}

impl Refused {
    pub fn why(self, about: &About) -> String {
        let About { plan, ring, gate, held, phase, version, stuck, asked, revision } = about;
        match self {
            Self::PausedAlready => format!("plan {plan} is paused already {held}"),
            Self::NotHeld => format!("plan {plan} is neither paused nor halted"),
            Self::OnlyStopped => {
                format!("plan {plan} is neither paused nor halted, but all writes are stopped")
            }
            Self::OfTheSchedule => format!("gate {gate} is of the schedule and cannot be waived"),
            Self::OfSight => format!("gate {gate} asks what ringward sees and cannot be waived"),
            Self::OfThePlan => format!("gate {gate} asks what the plan means and cannot be waived"),
            Self::OfPeople => format!("gate {gate} is the word of other people and cannot be waived"),
            Self::NamedStill => format!("the plan's file names ring `{ring}`, which is not let go then"),
            Self::LeftNothing => format!("the rollout is {phase}, and nobody is asked any more"),
            Self::Absent => "the rollout is withdrawn, and nobody is asked".to_owned(),
            Self::NobodyAsked => format!("ring `{ring}` asks nobody for an approval"),
            Self::EnteredAlready => format!("ring `{ring}` is entered already"),
            Self::ApprovedAlready => format!("you approved ring `{ring}` already: one person counts once"),
            Self::RefusedAlready => format!("you refused ring `{ring}` already"),
            Self::Nameless => {
                "this way in says nothing of who you are to Cloudflare, and so cannot approve".to_owned()
            }
            Self::NoPerson => "a service token is a program, and never approves".to_owned(),
            Self::OwnPlan => "you wrote the plan, and nobody approves their own".to_owned(),
            Self::NoMember => format!("you are no accepted member of {asked}"),
            Self::MembersUnread => format!("the members of {asked} cannot be read now"),
            Self::WaivedAlready => format!("gate {gate} of ring `{ring}` was waived already"),
            Self::NotItsTurn => format!("the turn of ring `{ring}` has not come"),
            Self::LetThrough => format!("ring `{ring}` is verified"),
            Self::Over => format!("the rollout is {phase}"),
            Self::FileGone => "the rollout is withdrawn".to_owned(),
            Self::Succeeded => "a newer rollout has taken its place".to_owned(),
            Self::NothingMoved => "there is nothing to take back: the rollout changed no version there, or it is on its way back already".to_owned(),
            Self::NoWayBack => stuck.clone(),
            Self::NotHeldOut => format!("plan {plan} holds out no {version}"),
            Self::OffersHeldOut => {
                "the group that it is halted for offers a version that a rollback holds out".to_owned()
            }
            Self::OffersForbidden => {
                "the plan forbids a version that the rollout offers, or is about to offer".to_owned()
            }
            Self::NothingWaits => format!("no revision of plan {plan} waits"),
            Self::OtherWaits => format!("another revision waits than the one that you name: {revision}"),
            Self::ForbidsItself => format!("the revision asks for a version that its own `forbid` covers: {revision}"),
            Self::PredecessorStays => {
                format!("the plan that the revision says it was keeps its name for now: {revision}")
            }
            Self::ConfirmedAlready => format!("the revision is confirmed already {held}"),
            Self::StoppedAlready => format!("all writes are stopped already {held}"),
            Self::NotStopped | Self::NotStoppedToPause => "writes are not stopped".to_owned(),
            Self::ClockInOrder => "this machine's clock is not behind the log".to_owned(),
            Self::ClockAlone => {
                "fewer than three answers of Cloudflare in the last 10 minutes agree with this machine's clock to 2 minutes".to_owned()
            }
        }
    }

    /// What would work.
    pub fn instead(self, about: &About) -> String {
        let About { plan, version, asked, .. } = about;
        match self {
            Self::PausedAlready => format!("ringward resume {plan} --reason … lifts it"),
            Self::NotHeld => format!("ringward explain {plan} says what it waits for"),
            Self::OnlyStopped => "ringward start --reason … allows them again".to_owned(),
            Self::OfTheSchedule => "change the plan's schedule, where the change is seen".to_owned(),
            Self::OfSight => {
                "mend what keeps ringward from seeing the devices; ringward status names the reads that fail".to_owned()
            }
            Self::OfThePlan => "name the version that is meant in the plan, or write `allow_downgrade` into it, where it is seen".to_owned(),
            Self::OfPeople => format!("ringward explain {plan} says who is asked; each of them approves in their own name"),
            Self::NamedStill => "take the ring out of the plan's file first; with the ring in it, ringward explain says which gate to waive".to_owned(),
            Self::LeftNothing => "a newer target in the plan asks anew".to_owned(),
            Self::Absent => "put the plan's file back".to_owned(),
            Self::NobodyAsked => format!("write `approval` into the plan, if somebody should be; ringward explain {plan} says what it waits for"),
            Self::EnteredAlready => format!("ringward pause {plan} --reason … holds what comes next, and ringward rollback {plan} --reason … takes it back"),
            Self::ApprovedAlready => format!("ringward explain {plan} says who is missing; ringward refuse {plan} --reason … takes it back"),
            Self::RefusedAlready => format!("ringward approve {plan} --reason … takes it back"),
            Self::Nameless => "approve on the page behind Cloudflare Access, or with a token of your own: ringward token new".to_owned(),
            Self::NoPerson => format!("a member of {asked} approves in their own name"),
            Self::OwnPlan => format!("ask another member of {asked}"),
            Self::NoMember => format!("ask a member of {asked}, or who keeps that group; an invitation counts once it is taken"),
            Self::MembersUnread => "ringward status names the reads that fail; the token needs `Account Settings Read`, and the group must exist once".to_owned(),
            Self::WaivedAlready => format!("ringward explain {plan} says what it waits for now"),
            Self::NotItsTurn => {
                format!("waive it when its gate is what ringward explain {plan} says the rollout waits for")
            }
            Self::LetThrough => "its gate holds nothing up; name a ring that is not verified with --ring".to_owned(),
            Self::Over => "nothing of it is left to waive; a newer target in the plan has gates of its own".to_owned(),
            Self::FileGone => "put the plan's file back, and waive it then".to_owned(),
            Self::Succeeded => "roll that one back".to_owned(),
            Self::NothingMoved => format!("ringward explain {plan} says what each ring is offered, and since when"),
            Self::NoWayBack => {
                "write `rollback_to: {windows: VERSION, macos: VERSION}` for such a ring into the plan, and ask again; or name the rings that have a way back with --ring and --environment".to_owned()
            }
            Self::NotHeldOut => format!("ringward explain {plan} lists what it holds out"),
            Self::OffersHeldOut => {
                format!("set the group back at Cloudflare, and resume then; or release it first: ringward release-hold {plan} --version {version} --reason …")
            }
            Self::OffersForbidden => format!(
                "ringward rollback {plan} --reason … takes it back; or name another version in the plan, or take the entry out of `forbid`, and resume once that is in force"
            ),
            Self::NothingWaits => format!("ringward explain {plan} says what it waits for"),
            Self::OtherWaits => "read what it changes, and confirm that one".to_owned(),
            Self::ForbidsItself => "name another version in the plan, or correct its `forbid`".to_owned(),
            Self::PredecessorStays => {
                format!("ringward explain {plan} says why; ask again once it does not, or correct `was`")
            }
            Self::ConfirmedAlready => format!("ringward explain {plan} says what it waits for"),
            Self::StoppedAlready => "ringward start --reason … allows writes again".to_owned(),
            Self::NotStopped => {
                "ringward status says what each plan waits for, and ringward resume PLAN --reason … lifts a plan's holds"
                    .to_owned()
            }
            Self::ClockInOrder => "ringward status says what is wrong with the clock, if anything is".to_owned(),
            Self::ClockAlone => {
                "set the clock right and ask again; ringward status says how far it is from Cloudflare's".to_owned()
            }
            Self::NotStoppedToPause => "ringward pause PLAN --reason … holds a plan".to_owned(),
        }
    }
}

impl Holds {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Free => "not held",
            Self::Paused => "paused",
            Self::Halted => "halted",
            Self::PausedAndHalted => "paused and halted",
        }
    }
}

impl Writes {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Stopped => "stopped",
        }
    }
}

impl Place {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Pending
            | Self::Entering
            | Self::Adopting
            | Self::Soaking
            | Self::Verified
            | Self::RollingBack
            | Self::RolledBack => self.state(),
            Self::Writing => "deploying",
            Self::InDoubt => "in doubt",
        }
    }
}

impl Claim {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::NotAsked => "nobody is asked",
            Self::Member => "a member",
            Self::Again => "a member who said so before",
            Self::Unnamed => "without an e-mail",
            Self::Program => "a service token",
            Self::Author => "the plan's author",
            Self::Stranger => "no member",
            Self::Unread => "members not read",
        }
    }
}

impl ClockSight {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::InOrder => "not behind the log",
            Self::BorneOut => "behind the log, as Cloudflare's",
            Self::Alone => "behind the log, and not as Cloudflare's",
        }
    }
}

impl WaysBack {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Missing => "missing for a ring",
            Self::NothingMoved => "nothing to take back",
        }
    }
}

impl HeldBack {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

impl Offered {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Sound => "nothing held out",
            Self::HeldOut => "what is held out",
            Self::Forbidden => "what the plan forbids",
        }
    }
}

impl Waits {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Same => "the one named",
            Self::Confirmed => "the one named, confirmed before",
            Self::Impossible => "the one named, which forbids its own target",
            Self::TooEarly => "the one named, whose former plan keeps its name",
            Self::Other => "another one",
            Self::Nothing => "none",
        }
    }
}

impl Named {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Still => "yes",
            Self::NoMore => "no",
        }
    }
}

impl Waived {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Already => "yes",
        }
    }
}

impl StartPlans {
    pub(crate) const ALL: [Self; 2] = [Self::GoOn, Self::Pause];

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::GoOn => "no",
            Self::Pause => "yes",
        }
    }
}

pub(crate) const fn phase(phase: Phase) -> &'static str {
    phase.as_str()
}

pub(crate) const fn gate(gate: Gate) -> &'static str {
    gate.as_str()
}
