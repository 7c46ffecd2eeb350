//! The verbs, each with all that there is to say of it.
//!
//! **Invariant:** a verb has one word, in log, API, page and command line.

use crate::rollout::people::verbs::arguments::ArgumentKey;
use crate::rollout::people::verbs::columns::{Columns, Heading};
use crate::rollout::people::verbs::definition::{
    Aim, Argument, Confirmation, Definition, Promise, RestsOn, Terms, Vote,
};
use crate::rollout::people::verbs::table::{self, Cell};
use crate::rollout::record::Role;

/// One row for each verb, in the order of the documents.
macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident => $definition:expr;)*) => {
        /// What a person can ask for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Verb {
            $($(#[$doc])* $verb,)*
        }

        impl Verb {
            /// All, in the order of the documents.
            pub const ALL: [Self; [$(Self::$verb),*].len()] = [$(Self::$verb),*];

            /// All that there is to say of it.
            pub const fn definition(self) -> &'static Definition {
                match self {
                    $(Self::$verb => const { &$definition },)*
                }
            }
        }
    };
}

/// The path of a verb about a plan.
macro_rules! of_plan {
    ($word:literal) => {
        concat!("/api/v1/rollouts/{plan}/", $word)
    };
}

impl Verb {
    pub const fn as_str(self) -> &'static str {
        self.definition().word
    }

    /// The verb of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == word)
    }

    pub const fn path(self) -> &'static str {
        self.definition().path
    }

    pub const fn needs_reason(self) -> bool {
        self.definition().terms.needs_reason
    }

    /// Whether the daemon takes only so many of it from one actor: what is a no, or leaves no record, it takes always.
    pub const fn is_counted(self) -> bool {
        let terms = &self.definition().terms;
        terms.needs_reason && !terms.is_no
    }

    /// Whether whoever asks for it says what they have read.
    pub const fn rests_on_reading(self) -> bool {
        self.definition().terms.rests_on_reading
    }

    pub const fn arguments(self) -> &'static [Argument] {
        self.definition().terms.arguments
    }

    pub const fn aim(self) -> Aim {
        self.definition().aim
    }

    /// Whether it is about one plan.
    pub fn is_of_plan(self) -> bool {
        self.aim() != Aim::Everything
    }

    /// Whether it takes this, beside plan and reason.
    pub fn takes(self, key: ArgumentKey) -> bool {
        self.arguments().iter().any(|argument| argument.key == key)
    }

    pub(crate) fn cell(self, of: &Columns) -> Cell {
        (self.definition().cell)(of)
    }

    /// Its words on the command line.
    pub const fn words(self) -> &'static str {
        match self.definition().terms.words {
            Some(words) => words,
            None => self.as_str(),
        }
    }

    /// How it is asked for on the command line.
    pub fn usage(self) -> String {
        let terms = &self.definition().terms;
        if let Some(usage) = terms.usage {
            return usage.to_owned();
        }
        let mut usage = format!("ringward {}", self.words());
        if self.is_of_plan() {
            usage.push_str(" PLAN");
        }
        for Argument { key, needed, .. } in terms.arguments {
            let value = key.value_name().map(|name| format!(" {name}")).unwrap_or_default();
            let option = format!("--{}{value}", key.as_str());
            usage.push_str(&if needed.is_some() { format!(" {option}") } else { format!(" [{option}]") });
        }
        if terms.needs_reason {
            usage.push_str(" --reason …");
        }
        usage
    }
}

verbs! {
    /// Approve a ring's entry.
    Approve => Definition {
        word: "approve",
        path: of_plan!("approve"),
        aim: Aim::RingToEnter(Vote::Approve),
        about: "approve a ring's entry, as a member of a User Group that the plan asks; it counts until it expires, or the plan's values change",
        summary: "Approve a ring's entry, as a member of a User Group that the plan asks",
        example: "ringward approve client --ring Everyone --reason 'two weeks without a case'",
        columns: &[Heading::Phase, Heading::RingSituation, Heading::Claim],
        cell: |of| table::approve(of.phase, of.place, of.claim),
        page: Some(Confirmation {
            keys: &[ArgumentKey::Ring],
            ..Confirmation::new("Approve", "Approve {ring} in {plan}?", Promise::Approved)
        }),
        terms: Terms {
            rests_on_reading: true,
            role: Role::Approver,
            arguments: &[TO_ENTER],
            done: "It counts from now on, and is recorded",
            lets_go_on: true,
            place: 1,
            ..Terms::USUAL
        },
    };
    /// Reject that.
    Reject => Definition {
        word: "reject",
        path: of_plan!("reject"),
        aim: Aim::RingToEnter(Vote::Reject),
        about: "reject a ring's entry, as one who could approve it; it stands until you approve, or the plan's values change",
        summary: "Reject a ring's entry, as one who could approve it",
        example: "ringward reject client --ring Everyone --reason 'case 4711 is open'",
        columns: &[Heading::Phase, Heading::RingSituation, Heading::Claim],
        cell: |of| table::reject(of.phase, of.place, of.claim),
        page: Some(Confirmation {
            keys: &[ArgumentKey::Ring],
            ..Confirmation::new("Reject", "Reject {ring} in {plan}?", Promise::Rejected)
        }),
        terms: Terms {
            role: Role::Approver,
            arguments: &[TO_ENTER],
            done: "It stands from now on, and is recorded",
            is_no: true,
            place: 1,
            ..Terms::USUAL
        },
    };
    /// Let a revision take effect that waits.
    Confirm => Definition {
        word: "confirm",
        path: of_plan!("confirm"),
        aim: Aim::Waiting,
        about: "let a revision of the plan's file take effect that waits, having read what it changes; used once, and it counts for a day",
        summary: "Let a revision of the plan's file take effect that waits",
        example: "ringward confirm client\n  ringward confirm client --revision b41c0d9e77a1 --reason 'change 4711'",
        columns: &[Heading::Waits],
        cell: |of| table::confirm(of.waits),
        page: Some(Confirmation {
            button: Some("Confirm the revision"),
            keys: &[ArgumentKey::Revision],
            rests_on: RestsOn::Revision,
            ..Confirmation::new("Confirm", "Confirm revision {revision} of {plan}?", Promise::Revision)
        }),
        terms: Terms {
            arguments: &[Argument::needed(
                ArgumentKey::Revision,
                "The revision that you have read, as this command shows it: its digest, or at least its first 8 digits",
                "say which revision you have read, by its digest",
            )],
            done: "It takes effect with the next decision, and is recorded",
            command: Some(
                "Show which revision of a plan's file waits, and let it take effect, having read what it changes",
            ),
            usage: Some("ringward confirm PLAN [--revision DIGEST --reason …]"),
            place: 1,
            ..Terms::USUAL
        },
    };
    /// Pause a plan.
    Pause => Definition {
        word: "pause",
        path: of_plan!("pause"),
        aim: Aim::Plan,
        about: "pause a plan: ringward writes nothing for it and verifies no ring of it, until `resume`",
        summary: "Pause a plan: ringward writes nothing for it and verifies no ring of it, until `resume`",
        example: "ringward pause client --reason 'help desk sees sign-in errors'",
        columns: &[Heading::Phase, Heading::PauseOrHalt],
        cell: |of| table::pause(of.phase, of.holds),
        page: Some(Confirmation::new(
            "Pause",
            "Pause {plan}?",
            Promise::Said(&[
                "ringward writes nothing for this plan, and verifies no ring of it, until somebody resumes it.",
                "Devices that were offered a version already go on to it: an installation cannot be called back.",
                "Reads of the devices, the gates and the soak go on.",
            ]),
        )),
        terms: Terms { is_no: true, place: 0, ..Terms::USUAL },
    };
    /// Lift a plan's pause and halt.
    Resume => Definition {
        word: "resume",
        path: of_plan!("resume"),
        aim: Aim::Plan,
        about: "lift a plan's pause and its halt, having seen why they were set",
        summary: "Lift a plan's pause and its halt, having seen why they were set",
        example: "ringward resume client --reason 'sign-in errors came from elsewhere'",
        columns: &[Heading::PauseOrHalt, Heading::Writes, Heading::Offered],
        cell: |of| table::resume(of.holds, of.writes, of.offered),
        page: Some(Confirmation {
            ..Confirmation::new("Resume", "Resume {plan}?", Promise::Resumed)
        }),
        terms: Terms { rests_on_reading: true, lets_go_on: true, place: 0, ..Terms::USUAL },
    };
    /// Declare that a gate does not apply.
    Waive => Definition {
        word: "waive",
        path: of_plan!("waive"),
        aim: Aim::RingUnderWay,
        about: "declare that a gate does not apply to a ring of this rollout; it is shown for good",
        summary: "Declare that a gate does not apply to a ring of this rollout",
        example: "ringward waive client --gate soak --reason 'fix for CVE-2026-0001 cannot wait'",
        columns: &[Heading::Gate, Heading::Phase, Heading::RingSituation, Heading::Waived, Heading::Named],
        cell: |of| table::waive(of.gate, of.phase, of.place, of.waived, of.named),
        page: Some(Confirmation {
            button: Some("Waive the gate"),
            grave: true,
            keys: &[ArgumentKey::Ring, ArgumentKey::Gate],
            ..Confirmation::new(
                "Waive",
                "Waive gate {gate} for {ring} in {plan}?",
                Promise::Said(&[
                    "Gate {gate} no longer keeps ring {ring} back in this rollout; it reads exempt, with your reason. This cannot be taken back.",
                    "All other gates still count.",
                ]),
            )
        }),
        terms: Terms {
            rests_on_reading: true,
            arguments: &[
                Argument::needed(ArgumentKey::Gate, "The gate", "say which gate is waived"),
                Argument::new(ArgumentKey::Ring, "The ring; without it, the one that is under way"),
            ],
            lets_go_on: true,
            place: 0,
            ..Terms::USUAL
        },
    };
    /// Take a rollout back.
    Rollback => Definition {
        word: "rollback",
        path: of_plan!("rollback"),
        aim: Aim::RollbackTarget,
        about: "take a rollout back, ring by ring, the latest first: versions that it moved, and nothing else",
        summary: "Take a rollout back, ring by ring, the latest first",
        example: "ringward rollback client --environment windows --reason 'no reconnect after wake'",
        columns: &[Heading::Phase, Heading::PauseOrHalt, Heading::RollbackTargets],
        cell: |of| table::rollback(of.phase, of.holds, of.rollback_targets),
        page: Some(Confirmation {
            grave: true,
            ..Confirmation::new(
                "Roll back",
                "Roll {plan} back?",
                Promise::Said(&[
                    "Every ring that this rollout moved goes back to what it ran before, the latest first, one at a time.",
                    "No opening, freeze or device limit is asked. A pause and a halt are lifted by this; a stop is not.",
                    "What is taken back is blocked for these rings until a person unblocks it. Only then can devices go up again: up, down and up is known to break some.",
                    "For one environment, or from a later ring on, use the command line.",
                ]),
            )
        }),
        terms: Terms {
            rests_on_reading: true,
            arguments: &[
                Argument::new(ArgumentKey::Ring, "From this ring on: it and every ring after it; without it, all"),
                Argument::new(
                    ArgumentKey::Environment,
                    "This environment alone, `windows` or `macos`; without it, both",
                ),
            ],
            done: "It was begun, and recorded",
            lets_go_on: true,
            ..Terms::USUAL
        },
    };
    /// Unblock a version that a rollback took back.
    Unblock => Definition {
        word: "unblock",
        path: of_plan!("unblock"),
        aim: Aim::Plan,
        about: "unblock a version that a rollback of the plan took back, so that it may be offered again",
        summary: "Unblock a version that a rollback of the plan took back",
        example: "ringward unblock client --version 2026.7.1343.0 --reason 'fixed by a new driver'",
        columns: &[Heading::IsBlocked],
        cell: |of| table::unblock(of.held_back),
        page: None,
        terms: Terms {
            arguments: &[Argument::needed(
                ArgumentKey::Version,
                "The version, as `ringward explain` lists it",
                "say which version is unblocked",
            )],
            lets_go_on: true,
            ..Terms::USUAL
        },
    };
    /// Look now.
    CheckNow => Definition {
        word: "check-now",
        path: of_plan!("check-now"),
        aim: Aim::Plan,
        about: "read now what the plan's rollout wants to see, and decide; nothing is recorded",
        summary: "Read now what the plan's rollout wants to see, and decide. Nothing is recorded",
        example: "ringward check-now client && ringward explain client",
        columns: &[Heading::Phase],
        cell: |of| table::check_now(of.phase),
        page: Some(Confirmation::new(
            "Check now",
            "Check {plan} now?",
            Promise::Said(&[
                "ringward reads the plan files and what this plan’s rollout wants to see, and decides.",
                "It records nothing, and lifts neither pause nor halt.",
            ]),
        )),
        terms: Terms {
            needs_reason: false,
            done: "It was begun; what is read shows as it comes in",
            command: Some("Read now what a plan's rollout wants to see, and decide; nothing is recorded"),
            ..Terms::USUAL
        },
    };
    /// Stop all writes.
    Stop => Definition {
        word: "stop",
        path: "/api/v1/stop",
        aim: Aim::Everything,
        about: "stop all writes of all plans, also when the daemon hangs or is down",
        summary: "Stop all writes of all plans",
        example: "ringward stop --reason 'dns is down'",
        columns: &[Heading::Writes],
        cell: |of| table::stop(of.writes),
        page: Some(Confirmation {
            grave: true,
            ..Confirmation::new(
                "Stop all writes",
                "Stop all writes?",
                Promise::Said(&[
                    "No plan writes anything at Cloudflare until somebody starts again.",
                    "A request that is on its way already is not called back; its outcome is still read.",
                    "Reads of the devices, the gates and the soak go on.",
                ]),
            )
        }),
        terms: Terms {
            is_no: true,
            command: Some("Stop all writes of all plans, also when the daemon hangs or is down"),
            ..Terms::USUAL
        },
    };
    /// Allow writes again.
    Start => Definition {
        word: "start",
        path: "/api/v1/start",
        aim: Aim::Everything,
        about: "allow writes again after `stop`",
        summary: "Allow writes again after `stop`",
        example: "ringward start --paused --reason 'dns is back'",
        columns: &[Heading::Writes, Heading::Plans],
        cell: |of| table::start(of.writes, of.plans),
        page: Some(Confirmation {
            rests_on: RestsOn::Stop,
            ..Confirmation::new("Start again", "Allow writes again?", Promise::Started)
        }),
        terms: Terms {
            arguments: &[Argument::new(ArgumentKey::Paused, "Leave every plan paused, to be resumed one by one")],
            lets_go_on: true,
            ..Terms::USUAL
        },
    };
    /// Confirm the machine's clock.
    ConfirmClock => Definition {
        word: "confirm-clock",
        path: "/api/v1/confirm-clock",
        aim: Aim::Everything,
        about: "confirm that this machine's clock is right and the log is dated ahead, because the clock was; from then on everything goes by the clock again",
        summary: "Confirm that this machine's clock is right, and the log dated ahead because the clock was",
        example: "ringward confirm clock --reason 'NTP was off; it is right again'",
        columns: &[Heading::Clock],
        cell: |of| table::confirm_clock(of.clock),
        page: Some(Confirmation::new(
            "Confirm the clock",
            "Confirm this machine's clock?",
            Promise::Said(&[
                "You say that this machine's clock is right, and that the log is dated ahead because the clock was. ringward asks Cloudflare for the time, three times, and refuses where that does not bear it out.",
                "Everything goes by the clock again. Soaks and deadlines that began later than now begin anew, approvals and waivers that were given later are void, and devices are seen anew.",
                "Nothing of the log is lost.",
            ]),
        )),
        terms: Terms { words: Some("confirm clock"), ..Terms::USUAL },
    };
}

/// The ring of a word on entering one.
const TO_ENTER: Argument = Argument::needed(ArgumentKey::Ring, "The ring", "say which ring");
