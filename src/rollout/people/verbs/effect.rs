//! What a verb does: its words, and the events that do it.
//!
//! **Invariant:** what an effect says that it leaves in the log is what its events are.

use crate::rollout::judge::{approval, gates};
use crate::rollout::people::verbs::asked::Subject;
use crate::rollout::record::{Event, RolloutId, Trigger};
use crate::rollout::world::Known;

/// One row for each effect: whether the page has a button for it, what it leaves in the log, in this order, and what
/// it does, in a sentence without a full stop.
macro_rules! effects {
    ($($(#[$doc:meta])* $effect:ident => $offered:literal, $log:literal, $words:literal;)*) => {
        /// What is done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Effect {
            $($(#[$doc])* $effect,)*
        }

        impl Effect {
            const fn row(self) -> (bool, &'static str, &'static str) {
                match self {
                    $(Self::$effect => ($offered, $log, $words),)*
                }
            }
        }
    };
}

impl Effect {
    /// Whether the page offers it with a button: not where it does nothing about the rollout that
    /// stands there. The command line and the API have it all the same.
    pub const fn is_offered(self) -> bool {
        self.row().0
    }

    /// What it leaves in the log, in this order.
    pub const fn log(self) -> &'static str {
        self.row().1
    }

    /// What it does, in a sentence without a full stop.
    pub const fn words(self) -> &'static str {
        self.row().2
    }

    /// What carries it out, each with the rollout that it is recorded of.
    pub(crate) fn events(self, of: &Subject<'_>) -> Vec<(Option<RolloutId>, Event)> {
        let pause_lifted = || Some(Event::PauseLifted {});
        let events = match self {
            Self::Pause | Self::PauseAhead => vec![Some(Event::Paused {})],
            Self::LiftPause => vec![pause_lifted()],
            Self::LiftHalt => vec![halt_lifted(of)],
            Self::LiftBoth => vec![pause_lifted(), halt_lifted(of)],
            Self::Waive | Self::WaiveAhead | Self::LetGo => vec![gate_waived(of)],
            Self::RollBack => vec![rollback_started(of)],
            Self::LiftPauseAndRollBack => vec![pause_lifted(), rollback_started(of)],
            Self::LiftHaltAndRollBack => vec![halt_lifted(of), rollback_started(of)],
            Self::LiftBothAndRollBack => {
                vec![pause_lifted(), halt_lifted(of), rollback_started(of)]
            }
            Self::Release => vec![of.version.map(|version| Event::VersionReleased { version })],
            Self::Approve => vec![approval_given(of)],
            Self::Reject => vec![approval_refused(of)],
            Self::Confirm => vec![revision_confirmed(of)],
            Self::Read | Self::LookAtFiles => Vec::new(),
            Self::Stop => vec![Some(Event::Stopped {})],
            Self::Start => vec![Some(Event::Started {})],
            Self::StartPaused => {
                // Pauses first: at no instant is a plan neither stopped nor paused.
                let plans = of.known.state.plans.values().filter(|plan| plan.paused.is_none());
                let pauses = plans.map(|plan| (Some(plan.rollout.id.clone()), Event::Paused {}));
                return pauses.chain([(None, Event::Started {})]).collect();
            }
            Self::ConfirmClock => vec![clock_confirmed(of)],
        };
        events.into_iter().flatten().map(|event| (of.rollout_id(), event)).collect()
    }
}

fn halt_lifted(of: &Subject<'_>) -> Option<Event> {
    let rollout = &of.plan?.rollout;
    let cause = rollout.halted.as_ref()?.cause.clone();
    Some(Event::HaltLifted { cause, acknowledged: gates::findings(of.known, rollout) })
}

fn gate_waived(of: &Subject<'_>) -> Option<Event> {
    Some(Event::GateWaived { ring: of.ring?.name.clone(), gate: of.gate? })
}

fn rollback_started(of: &Subject<'_>) -> Option<Event> {
    let steps = of.steps.as_ref()?.as_ref().ok()?.clone();
    Some(Event::RollbackStarted { trigger: Trigger::Person, steps })
}

fn approval_given(of: &Subject<'_>) -> Option<Event> {
    let word = of.word.as_ref()?;
    Some(Event::ApprovalGiven {
        ring: word.ring.name.clone(),
        digest: of.plan?.rollout.revision.digest.clone(),
        targets: word.ring.targets.clone(),
        expires_at: approval::expires_at(word.ring, of.known.now),
        groups: word.groups.clone(),
        set_aside: word.sets_aside.clone(),
    })
}

fn approval_refused(of: &Subject<'_>) -> Option<Event> {
    let word = of.word.as_ref()?;
    let (ring, digest) = (word.ring.name.clone(), of.plan?.rollout.revision.digest.clone());
    Some(Event::ApprovalRefused { ring, digest, groups: word.groups.clone() })
}

fn revision_confirmed(of: &Subject<'_>) -> Option<Event> {
    Some(Event::RevisionConfirmed { digest: of.waiting?.revision.digest.clone() })
}

fn clock_confirmed(of: &Subject<'_>) -> Option<Event> {
    let Known { world, now: was, .. } = of.known;
    let now = world.second_clock.machine?;
    Some(Event::ClockConfirmed { was, now, answers: world.second_clock.answers_to_confirm(now) })
}

effects! {
    /// The plan is held.
    Pause => true, "`paused`",
        "nothing is written and no ring is verified until `resume`; reads go on, and deadlines stand still";
    /// The plan is held while nothing of it moves: the hold meets what comes next.
    PauseAhead => false, "`paused`",
        "the next target, or the plan's file when it comes back, meets the pause and waits for `resume`";
    /// A person's pause is lifted.
    LiftPause => true, "`pause_lifted`",
        "the pause is lifted";
    /// The engine's halt is lifted, and its cause acknowledged.
    LiftHalt => true, "`halt_lifted`",
        "the halt is lifted and its cause acknowledged: only something new halts again";
    LiftBoth => true, "`pause_lifted`, `halt_lifted`",
        "pause and halt are lifted, and the halt's cause is acknowledged";
    /// The gate is exempt from now on.
    Waive => true, "`gate_waived`",
        "the gate reads `exempt` from now on, with your reason; all other gates still count";
    /// The gate is exempt as soon as it is asked.
    WaiveAhead => true, "`gate_waived`",
        "the gate reads `exempt` once the ring's targets are on offer; the write is not hurried by it";
    /// The ring has its place no more.
    LetGo => true, "`gate_waived`",
        "the ring has its place no more, whatever its group offers: the rollout goes on without it, and the group stays as it is";
    /// The rollout goes back.
    RollBack => true, "`rollback_started`",
        "each ring goes back to what it ran before, the latest first; openings, freezes, soaks and `max_devices` are not asked, a stop and a write whose outcome is unknown are; what is taken back is blocked from now on";
    /// The pause is lifted, and the rollout goes back.
    LiftPauseAndRollBack => true, "`pause_lifted`, `rollback_started`",
        "the pause is lifted, and each ring goes back";
    /// The halt is lifted and its cause acknowledged, and the rollout goes back.
    LiftHaltAndRollBack => true, "`halt_lifted`, `rollback_started`",
        "the halt is lifted and its cause acknowledged, and each ring goes back";
    /// Both are lifted, and the rollout goes back.
    LiftBothAndRollBack => true, "`pause_lifted`, `halt_lifted`, `rollback_started`",
        "pause and halt are lifted, and each ring goes back";
    /// The version may be offered again.
    Release => true, "`version_released`",
        "plans may offer it again; if the plan's file still asks for it, a new rollout begins at its first ring";
    /// The ring may be entered, as far as this person is asked.
    Approve => true, "`approval_given`",
        "it counts from now on, also ahead of the ring's turn and its opening; the members are read again before the write; a rejection by somebody who has left every group that is asked is set aside";
    /// The ring may not be entered.
    Reject => true, "`approval_refused`",
        "the ring is not entered, whoever approves it";
    /// The revision takes effect.
    Confirm => true, "`revision_confirmed`",
        "the revision takes effect with the next decision, as long as the file stays as it is; pause, halt, gates and the schedule still count";
    /// Everything that the rollout wants to see is read now.
    Read => true, "nothing",
        "plan files, groups, profiles and devices are read now, and decided on as they come in";
    /// Plan files and stop file are looked at; a rollout that is finished wants nothing read.
    LookAtFiles => false, "nothing",
        "the plan files are read now; for a rollout that does not run nothing else is read";
    /// All writes are stopped.
    Stop => true, "`stopped`",
        "no change is sent to Cloudflare, whatever was decided; a write on its way is settled by reading";
    /// Writes are allowed again.
    Start => true, "`started`",
        "plans that are neither paused nor halted go on at once";
    /// Every plan is paused, then writes are allowed again.
    StartPaused => true, "`paused` for each plan that is not, `started`",
        "every plan is left paused in your name and goes on with its `resume`";
    /// The log goes by the machine's clock again.
    ConfirmClock => true, "`clock_confirmed`",
        "what was dated later than now counts from now: soaks and deadlines begin anew, waivers and approvals are void, tokens live no longer than they were made for; devices are seen anew, and nothing of the log is lost";
}
