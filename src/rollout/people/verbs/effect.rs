//! What a verb does: its words, and the events that do it.
//!
//! **Invariant:** what an effect says that it leaves in the log is what its events are.

use crate::rollout::record::{Event, RolloutId};

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
    pub(crate) fn events(self, of: &impl EventSource) -> Vec<(Option<RolloutId>, Event)> {
        let pause_lifted = || Some(Event::PauseLifted {});
        let events = match self {
            Self::Pause | Self::PauseAhead => vec![Some(Event::Paused {})],
            Self::LiftPause => vec![pause_lifted()],
            Self::LiftHalt => vec![of.halt_lifted()],
            Self::LiftBoth => vec![pause_lifted(), of.halt_lifted()],
            Self::Waive | Self::WaiveAhead | Self::LetGo => vec![of.gate_waived()],
            Self::RollBack => vec![of.rollback_started()],
            Self::LiftPauseAndRollBack => vec![pause_lifted(), of.rollback_started()],
            Self::LiftHaltAndRollBack => vec![of.halt_lifted(), of.rollback_started()],
            Self::LiftBothAndRollBack => vec![pause_lifted(), of.halt_lifted(), of.rollback_started()],
            Self::Release => vec![of.version_released()],
            Self::Approve => vec![of.approval_given()],
            Self::Reject => vec![of.approval_refused()],
            Self::Confirm => vec![of.revision_confirmed()],
            Self::Read | Self::LookAtFiles => Vec::new(),
            Self::Stop => vec![Some(Event::Stopped {})],
            Self::Start => vec![Some(Event::Started {})],
            Self::StartPaused => {
                // Pauses first: at no instant is a plan neither stopped nor paused.
                let pauses = of.not_paused().into_iter().map(|id| (Some(id), Event::Paused {}));
                return pauses.chain([(None, Event::Started {})]).collect();
            }
            Self::ConfirmClock => vec![of.clock_confirmed()],
        };
        events.into_iter().flatten().map(|event| (of.rollout_id(), event)).collect()
    }
}

/// What a request is about, as far as its events say it; `None`: that is not there.
pub(crate) trait EventSource {
    /// The rollout that is on record with it.
    fn rollout_id(&self) -> Option<RolloutId>;
    /// The rollouts of plans that nobody paused.
    fn not_paused(&self) -> Vec<RolloutId>;
    fn halt_lifted(&self) -> Option<Event>;
    fn gate_waived(&self) -> Option<Event>;
    fn rollback_started(&self) -> Option<Event>;
    fn version_released(&self) -> Option<Event>;
    fn approval_given(&self) -> Option<Event>;
    fn approval_refused(&self) -> Option<Event>;
    fn revision_confirmed(&self) -> Option<Event>;
    fn clock_confirmed(&self) -> Option<Event>;
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
        "it counts from now on, also ahead of the ring's turn and its opening; the members are read again before the write";
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
