//! What a person may ask for, and how it is carried out.
//!
//! **Invariant:** a request comes to what the table of [`verbs`] says for its situation, and to
//! nothing else; it is never a silent no-op.

use crate::ids::{PlanName, RingName, UserGroupName};
use crate::plan::model::{PlanDigest, RingPlan};
use crate::rollout::approval::{self, Hearing, Word};
use crate::rollout::drift::look;
use crate::rollout::event::{Actor, Cause, Entry, Event, RollbackStep, RolloutId, Trigger};
use crate::rollout::gate::{self, health};
use crate::rollout::rollback::{NoWayBack, Scope, Stuck, steps};
use crate::rollout::state::{HeldOut, Phase, PlanState, Ring, Stage, State, Waiting};
use crate::rollout::verbs::{
    self, About, Cell, Claim, ClockSight, Effect, HeldBack, Holds, Named, Offered, Place, Refused, Verb,
    Waits, Waived, WaysBack, Writes,
};
use crate::rollout::verdict::Gate;
use crate::rollout::world::{ENTRY_MAX_AGE, Observations};
use crate::time::Timestamp;
use crate::version::ClientVersion;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Holds a plan.
    Pause(PlanName),
    /// Lifts a plan's holds, both of them.
    Resume(PlanName),
    /// Declares that a gate does not apply to a ring.
    Waive {
        /// The plan.
        plan: PlanName,
        /// The gate.
        gate: Gate,
        /// The ring; `None`: the one that is under way.
        ring: Option<RingName>,
    },
    /// Takes a plan's rollout back.
    Rollback {
        /// The plan.
        plan: PlanName,
        /// How far.
        scope: Scope,
    },
    /// Allows again what a plan's rollbacks hold out.
    ReleaseHold {
        /// The plan.
        plan: PlanName,
        /// The version.
        version: ClientVersion,
    },
    /// Lets a ring be entered.
    Approve {
        /// The plan.
        plan: PlanName,
        /// The ring; `None`: the first that is not entered.
        ring: Option<RingName>,
        /// The revision that the person has read; `None`: whichever is in force.
        revision: Option<PlanDigest>,
    },
    /// Says no to that.
    Refuse {
        /// The plan.
        plan: PlanName,
        /// The ring; `None`: the first that is not entered.
        ring: Option<RingName>,
        /// The revision that the person has read; `None`: whichever is in force.
        revision: Option<PlanDigest>,
    },
    /// Lets a revision take effect that waits.
    Confirm {
        /// The plan.
        plan: PlanName,
        /// The revision that the person has read: its digest, or how it begins.
        revision: String,
    },
    /// Reads now what a plan's rollout wants to see.
    CheckNow(PlanName),
    /// Stops all writes.
    Stop,
    /// Allows writes again.
    Start {
        /// What becomes of the plans.
        plans: StartPlans,
    },
    /// Confirms the machine's clock.
    ConfirmClock,
}

impl Command {
    /// Its verb.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Pause(_) => Verb::Pause,
            Self::Resume(_) => Verb::Resume,
            Self::Waive { .. } => Verb::Waive,
            Self::Rollback { .. } => Verb::Rollback,
            Self::ReleaseHold { .. } => Verb::ReleaseHold,
            Self::Approve { .. } => Verb::Approve,
            Self::Refuse { .. } => Verb::Refuse,
            Self::Confirm { .. } => Verb::Confirm,
            Self::CheckNow(_) => Verb::CheckNow,
            Self::Stop => Verb::Stop,
            Self::Start { .. } => Verb::Start,
            Self::ConfirmClock => Verb::ConfirmClock,
        }
    }

    /// The plan that it is about; `None`: all.
    #[must_use]
    pub const fn plan(&self) -> Option<&PlanName> {
        match self {
            Self::Pause(plan)
            | Self::Resume(plan)
            | Self::CheckNow(plan)
            | Self::Waive { plan, .. }
            | Self::Rollback { plan, .. }
            | Self::ReleaseHold { plan, .. }
            | Self::Approve { plan, .. }
            | Self::Refuse { plan, .. }
            | Self::Confirm { plan, .. } => Some(plan),
            Self::Stop | Self::Start { .. } | Self::ConfirmClock => None,
        }
    }
}

/// What `start` does to the plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartPlans {
    /// They go on.
    GoOn,
    /// Each is paused by the person who starts.
    Pause,
}

/// A request that the state refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such plan.
    #[error("there is no plan `{plan}`; ringward knows {}", known_plans(known))]
    NoSuchPlan {
        /// What was asked for.
        plan: PlanName,
        /// What there is.
        known: Vec<PlanName>,
    },
    /// The state refuses it.
    #[error("{why}; {instead}")]
    NotNow {
        /// Why.
        why: String,
        /// What would work.
        instead: String,
    },
    /// A person must say why.
    #[error("a reason is needed; say it with --reason")]
    NoReason,
    /// A reason is read by people, in a log and on a page.
    #[error("the reason holds a control character; write it as plain text")]
    UnprintableReason,
}

fn known_plans(known: &[PlanName]) -> String {
    let names: Vec<_> = known.iter().map(PlanName::as_str).collect();
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

/// A reason for the log.
///
/// # Errors
/// When it says nothing, or holds a control character.
pub(super) fn needed(reason: &str) -> Result<&str, Refusal> {
    match printable(reason)? {
        "" => Err(Refusal::NoReason),
        reason => Ok(reason),
    }
}

fn printable(reason: &str) -> Result<&str, Refusal> {
    let reason = reason.trim();
    let odd = reason.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    if odd { Err(Refusal::UnprintableReason) } else { Ok(reason) }
}

/// What a request comes to: the events that carry it out. `check-now` has none.
///
/// # Errors
/// When it is refused; the message names what would work.
pub fn command(
    (state, world): (&State, &Observations),
    actor: &Actor,
    reason: &str,
    command: &Command,
    now: Timestamp,
) -> Result<Vec<Entry>, Refusal> {
    // What leaves no record needs no reason.
    let reason = if command.verb().needs_reason() { needed(reason)? } else { printable(reason)? };
    let (cell, subject) = situation(state, world, (actor, command), now)?;
    let effect = match cell {
        Cell::Done(effect) => effect,
        Cell::Refused(refused) => return Err(subject.refusal(refused)),
    };
    let entry = |(plan, event): (Option<&PlanState>, Event)| Entry {
        actor: actor.clone(),
        reason: reason.to_owned(),
        rollout: plan.map(|plan| plan.rollout.id.clone()).or_else(|| subject.rollout_of()),
        event,
    };
    Ok(subject.events(effect, state, world, now).into_iter().map(entry).collect())
}

/// What the table says of a request as things are, and what it is about.
fn situation<'a>(
    state: &'a State,
    world: &Observations,
    (actor, command): (&Actor, &Command),
    now: Timestamp,
) -> Result<(Cell, Subject<'a>), Refusal> {
    let writes = Writes::of_state(state);
    Ok(match command {
        Command::Pause(name) => {
            let plan = find(state, name)?;
            (verbs::pause(plan.rollout.phase, Holds::of_plan(plan)), Subject::Plan(plan))
        }
        Command::Resume(name) => {
            let plan = find(state, name)?;
            let held = held_on_offer(state, world, plan);
            let offered = Offered::of(held, plan.rollout.forbidden().is_some());
            let subject = held.map_or(Subject::Plan(plan), |held| Subject::HeldOut(plan, held));
            (verbs::resume(Holds::of_plan(plan), writes, offered), subject)
        }
        Command::Waive { plan: name, gate, ring } => {
            let plan = find(state, name)?;
            let ring = ring_of(plan, ring.as_ref())?;
            let waived = Waived::of(ring.waived.contains_key(gate));
            let named = Named::of(plan.rollout.is_dropped(&ring.name));
            let cell = verbs::waive(*gate, plan.rollout.phase, Place::of(&ring.stage), waived, named);
            (cell, Subject::Gate(plan, ring, *gate))
        }
        Command::Rollback { plan: name, scope } => {
            let plan = find(state, name)?;
            let is_gone = |name: &RingName| plan.of_gone_rings().any(|left| left.ring.name == *name);
            if let Some(ring) = scope.ring.as_ref().filter(|name| !is_gone(name)) {
                ring_of(plan, Some(ring))?;
            }
            let (phase, holds) = (plan.rollout.phase, Holds::of_plan(plan));
            let found = steps::steps(state, plan, scope);
            (verbs::rollback(phase, holds, WaysBack::of(&found)), Subject::Rollback(plan, found))
        }
        Command::ReleaseHold { plan: name, version } => {
            let plan = find(state, name)?;
            let held = HeldBack::of(state.held_by(name).contains_key(version));
            (verbs::release_hold(held), Subject::Version(plan, *version))
        }
        Command::Approve { plan: name, ring, revision } => {
            is_in_force(state, name, revision.as_ref())?;
            let (word, spoken) = spoken(state, world, (name, ring.as_ref()), (actor, Word::Approve), now)?;
            (verbs::approve(word.phase, word.place, word.claim), spoken)
        }
        Command::Refuse { plan: name, ring, revision } => {
            is_in_force(state, name, revision.as_ref())?;
            let (word, spoken) = spoken(state, world, (name, ring.as_ref()), (actor, Word::Refuse), now)?;
            (verbs::refuse(word.phase, word.place, word.claim), spoken)
        }
        Command::Confirm { plan: name, revision } => {
            let waiting = state.waiting.get(name);
            if waiting.is_none() {
                find(state, name)?;
            }
            let waits = Waits::of(waiting, revision, now);
            (verbs::confirm(waits), Subject::Waiting(state, name.clone(), waiting))
        }
        Command::CheckNow(name) => {
            let plan = find(state, name)?;
            (verbs::check_now(plan.rollout.phase), Subject::Plan(plan))
        }
        Command::Stop => (verbs::stop(writes), Subject::All(state)),
        Command::Start { plans } => (verbs::start(writes, *plans), Subject::All(state)),
        Command::ConfirmClock => {
            let machine = world.second_clock.machine.unwrap_or(now);
            (verbs::confirm_clock(ClockSight::of(world, machine)), Subject::All(state))
        }
    })
}

/// What a word on entering a ring is asked by.
struct Spoken {
    phase: Phase,
    place: Place,
    claim: Claim,
}

/// A plan can change between a person's reading and their word, which waits while the members are read.
fn is_in_force(state: &State, name: &PlanName, read: Option<&PlanDigest>) -> Result<(), Refusal> {
    let in_force = &find(state, name)?.rollout.revision.digest;
    if read.is_none_or(|read| read == in_force) {
        return Ok(());
    }
    Err(Refusal::NotNow {
        why: format!("plan {name} has changed since you read it"),
        instead: "look at what it is now, then say it again".to_owned(),
    })
}

fn spoken<'a>(
    state: &'a State,
    world: &Observations,
    (name, ring): (&PlanName, Option<&RingName>),
    (actor, word): (&Actor, Word),
    now: Timestamp,
) -> Result<(Spoken, Subject<'a>), Refusal> {
    let plan = find(state, name)?;
    let rollout = &plan.rollout;
    let first = || rollout.rings.iter().find(|ring| !ring.stage.is_entered()).map(|ring| &ring.name);
    let ring = ring_of(plan, ring.or_else(first))?;
    let ring_plan = rollout.ring_plan(&ring.name).ok_or_else(|| Refusal::NotNow {
        why: format!("the plan has no ring `{}`", ring.name),
        instead: "name another one".to_owned(),
    })?;
    let subject = gate::Subject { state, rollout, ring, plan: ring_plan, world, now };
    let hearing = Hearing::of(subject, &approval::asks_of(subject), ENTRY_MAX_AGE);
    let (claim, groups) = hearing.claim(actor, word);
    let spoken = Spoken { phase: rollout.phase, place: Place::of(&ring.stage), claim };
    Ok((spoken, Subject::Word(plan, ring_plan, groups, hearing.asked())))
}

/// What is held out of what the group offers that a rollout is halted for, as it was read last.
pub(super) fn held_on_offer<'a>(
    state: &'a State,
    world: &Observations,
    plan: &PlanState,
) -> Option<&'a HeldOut> {
    let Cause::Drift(drift) = &plan.rollout.halted.as_ref()?.cause else { return None };
    let offered = &world.group(&drift.expected.id)?.value?.content;
    state.held_out.iter().find(|held| held.is_on_offer(offered))
}

/// What a request is about.
#[derive(Clone)]
enum Subject<'a> {
    Plan(&'a PlanState),
    Gate(&'a PlanState, &'a Ring, Gate),
    Version(&'a PlanState, ClientVersion),
    HeldOut(&'a PlanState, &'a HeldOut),
    /// A word on entering a ring, in the name of these groups, and who is asked.
    Word(&'a PlanState, &'a RingPlan, Vec<UserGroupName>, String),
    /// With its steps, or what has nowhere to go.
    Rollback(&'a PlanState, Result<Vec<RollbackStep>, NoWayBack>),
    /// A revision that waits, perhaps of a plan that has no rollout yet.
    Waiting(&'a State, PlanName, Option<&'a Waiting>),
    All(&'a State),
}

impl<'a> Subject<'a> {
    const fn plan(&self) -> Option<&'a PlanState> {
        match self {
            Self::Plan(plan)
            | Self::Gate(plan, ..)
            | Self::Version(plan, _)
            | Self::HeldOut(plan, _)
            | Self::Word(plan, ..)
            | Self::Rollback(plan, _) => Some(plan),
            Self::Waiting(..) | Self::All(_) => None,
        }
    }

    /// What carries an effect out, each with the plan that it is recorded of.
    fn events(
        &self,
        effect: Effect,
        state: &State,
        world: &Observations,
        now: Timestamp,
    ) -> Vec<(Option<&'a PlanState>, Event)> {
        let plan = self.plan();
        let lifted = || {
            let rollout = &plan?.rollout;
            let cause = rollout.halted.as_ref()?.cause.clone();
            let acknowledged = health::findings(state, rollout, world, now);
            Some((plan, Event::HaltLifted { cause, acknowledged }))
        };
        match effect {
            Effect::Pause | Effect::PauseAhead => vec![(plan, Event::Paused {})],
            Effect::LiftPause => vec![(plan, Event::PauseLifted {})],
            Effect::LiftHalt => lifted().into_iter().collect(),
            Effect::LiftBoth => [(plan, Event::PauseLifted {})].into_iter().chain(lifted()).collect(),
            Effect::Waive | Effect::WaiveAhead | Effect::LetGo => match self {
                Self::Gate(_, ring, gate) => {
                    vec![(plan, Event::GateWaived { ring: ring.name.clone(), gate: *gate })]
                }
                _ => Vec::new(),
            },
            Effect::RollBack => self.rollback().into_iter().collect(),
            Effect::LiftPauseAndRollBack => {
                [(plan, Event::PauseLifted {})].into_iter().chain(self.rollback()).collect()
            }
            Effect::LiftHaltAndRollBack => lifted().into_iter().chain(self.rollback()).collect(),
            Effect::LiftBothAndRollBack => {
                let pause = [(plan, Event::PauseLifted {})];
                pause.into_iter().chain(lifted()).chain(self.rollback()).collect()
            }
            Effect::Release => match self {
                Self::Version(_, version) => vec![(plan, Event::VersionReleased { version: *version })],
                _ => Vec::new(),
            },
            Effect::Approve | Effect::Refuse => self.word(effect, now).into_iter().collect(),
            // Its rollout may be to come: see `rollout_of`.
            Effect::Confirm => match self {
                Self::Waiting(_, _, Some(waiting)) => {
                    vec![(None, Event::RevisionConfirmed { digest: waiting.revision.digest.clone() })]
                }
                _ => Vec::new(),
            },
            Effect::Read | Effect::LookAtFiles => Vec::new(),
            Effect::Stop => vec![(None, Event::Stopped {})],
            Effect::Start => vec![(None, Event::Started {})],
            Effect::ConfirmClock => {
                let machine = world.second_clock.machine;
                let confirmed = machine.map(|machine| Event::ClockConfirmed {
                    was: now,
                    now: machine,
                    answers: world.second_clock.answers_to_confirm(machine),
                });
                confirmed.into_iter().map(|event| (None, event)).collect()
            }
            Effect::StartPaused => {
                // Pauses first: at no instant is a plan neither stopped nor paused.
                let pauses = self.not_paused().map(|plan| (Some(plan), Event::Paused {}));
                pauses.chain([(None, Event::Started {})]).collect()
            }
        }
    }

    /// The rollout that a revision waits for or in: of a plan that is new, the first.
    fn rollout_of(&self) -> Option<RolloutId> {
        let Self::Waiting(state, plan, _) = self else { return None };
        let known = state.plans.get(plan).map(|known| known.rollout.id.number);
        let number = known.unwrap_or_else(|| state.next_number(plan));
        Some(RolloutId { plan: plan.clone(), number })
    }

    fn rollback(&self) -> Option<(Option<&'a PlanState>, Event)> {
        let Self::Rollback(plan, Ok(steps)) = self else { return None };
        let event = Event::RollbackStarted { trigger: Trigger::Person, steps: steps.clone() };
        Some((Some(*plan), event))
    }

    fn word(&self, effect: Effect, now: Timestamp) -> Option<(Option<&'a PlanState>, Event)> {
        let Self::Word(plan, ring_plan, groups, _) = self else { return None };
        let (ring, digest) = (ring_plan.name.clone(), plan.rollout.revision.digest.clone());
        let groups = groups.clone();
        let event = if effect == Effect::Refuse {
            Event::ApprovalRefused { ring, digest, groups }
        } else {
            let (targets, expires_at) = (ring_plan.targets.clone(), approval::expires_at(ring_plan, now));
            Event::ApprovalGiven { ring, digest, targets, expires_at, groups }
        };
        Some((Some(*plan), event))
    }

    fn not_paused(&self) -> impl Iterator<Item = &'a PlanState> {
        let all = match self {
            Self::All(state) => Some(state.plans.values()),
            _ => None,
        };
        all.into_iter().flatten().filter(|plan| plan.paused.is_none())
    }

    fn refusal(&self, refused: Refused) -> Refusal {
        let mut about = About::anything();
        let hold = match self {
            Self::Plan(plan)
            | Self::Gate(plan, ..)
            | Self::Version(plan, _)
            | Self::HeldOut(plan, _)
            | Self::Word(plan, ..)
            | Self::Rollback(plan, _) => {
                about.plan = plan.rollout.id.plan.to_string();
                about.phase = plan.rollout.phase.as_str().to_owned();
                plan.paused.as_ref()
            }
            Self::Waiting(_, plan, waiting) => {
                about.plan = plan.to_string();
                about.revision = waiting.map(|waiting| waiting.revision.to_string()).unwrap_or_default();
                waiting.and_then(|waiting| waiting.confirmed.as_ref())
            }
            Self::All(state) => state.stop.as_ref(),
        };
        if let Self::Gate(_, ring, gate) = self {
            (about.ring, about.gate) = (ring.name.to_string(), gate.to_string());
        }
        if let Self::Word(_, ring_plan, _, asked) = self {
            (about.ring, about.asked) = (ring_plan.name.to_string(), asked.clone());
        }
        if let Self::Version(_, version) = self {
            about.version = version.to_string();
        }
        if let Self::HeldOut(_, held) = self {
            (about.plan, about.version) = (held.plan.to_string(), held.version.to_string());
        }
        if let Self::Rollback(_, Err(NoWayBack::Stuck(stuck))) = self {
            about.stuck = stuck.iter().map(Stuck::to_string).collect::<Vec<_>>().join("; ");
        }
        if let Some(hold) = hold {
            about.held = About::held(hold);
        }
        Refusal::NotNow { why: refused.why(&about), instead: refused.instead(&about) }
    }
}

fn find<'a>(state: &'a State, plan: &PlanName) -> Result<&'a PlanState, Refusal> {
    state.plans.get(plan).ok_or_else(|| match state.waiting.get(plan) {
        Some(_) => Refusal::NotNow {
            why: format!("plan {plan} is new, and its file waits to take effect"),
            instead:
                "to keep it from beginning, take its file out of the plans directory, or `ringward stop`"
                    .to_owned(),
        },
        None => Refusal::NoSuchPlan { plan: plan.clone(), known: state.plans.keys().cloned().collect() },
    })
}

/// The ring that a waiver is about: the named one, else the one that is under way.
fn ring_of<'a>(plan: &'a PlanState, ring: Option<&RingName>) -> Result<&'a Ring, Refusal> {
    let rings = &plan.rollout.rings;
    let found = match ring {
        Some(name) => plan.rollout.ring(name),
        None => rings.iter().find(|ring| !matches!(ring.stage, Stage::Verified(_))).or(rings.last()),
    };
    found.ok_or_else(|| {
        let known: Vec<_> = rings.iter().map(|ring| format!("`{}`", ring.name)).collect();
        let named = ring.map(|name| format!(" `{name}`")).unwrap_or_default();
        Refusal::NotNow {
            why: format!("the plan has no ring{named}"),
            instead: format!("its rings are {}", known.join(", ")),
        }
    })
}

/// What a request did, in words: its events, and the holds that still stand in the way of what it
/// was to bring about. `after` is the state with them.
#[must_use]
pub fn done(entries: &[Entry], after: &State, asked: &Command) -> String {
    let events = entries.iter().map(|entry| {
        let plan = entry.rollout.as_ref().map(|id| id.plan.to_string()).unwrap_or_default();
        match &entry.event {
            Event::Paused {} => format!("plan {plan} is paused"),
            Event::PauseLifted {} => format!("the pause of plan {plan} is lifted"),
            Event::HaltLifted { cause, .. } => {
                let stays = stays_as_it_is(after, entry, cause);
                format!("the halt of plan {plan} is lifted and its cause acknowledged: {cause}{stays}")
            }
            Event::GateWaived { ring, gate: Gate::Ring } => format!(
                "ring `{ring}` is let go: the rollout goes on without it, and its group stays as it is"
            ),
            Event::GateWaived { ring, gate } => format!("gate {gate} of ring `{ring}` is waived"),
            Event::RollbackStarted { steps, .. } => {
                let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
                format!("plan {plan} is rolled back, in this order: {}", steps.join("; "))
            }
            Event::VersionReleased { version } => format!("{version} may be offered again by plan {plan}"),
            Event::ApprovalGiven { ring, expires_at, .. } => {
                let waits = entry.rollout.as_ref().and_then(|id| after.waiting.get(&id.plan));
                let void = waits.map_or_else(String::new, |waiting| {
                    let digest = waiting.revision.digest.short();
                    format!("; revision {digest} waits, and makes it void once it takes effect")
                });
                format!(
                    "ring `{ring}` is approved by you until {}, unless the plan's values change or you leave the group{void}",
                    crate::rollout::verdict::short(*expires_at)
                )
            }
            Event::ApprovalRefused { ring, .. } => {
                format!("ring `{ring}` is refused by you; approving it takes that back")
            }
            Event::RevisionConfirmed { digest } => format!(
                "revision {} of plan {plan} is confirmed by you, and takes effect if the file stays as it is",
                digest.short()
            ),
            Event::Stopped {} => "all writes are stopped".to_owned(),
            Event::Started {} => "writes are allowed again".to_owned(),
            Event::ClockConfirmed { now, .. } => format!(
                "the clock is confirmed: it is {}, and everything goes by it again; what was dated later counts from now, and approvals and waivers that were given later are void",
                crate::rollout::verdict::short(*now)
            ),
            other => other.kind().to_owned(),
        }
    });
    events.chain(still_held(after, asked)).collect::<Vec<_>>().join("; ")
}

/// What becomes of a changed group once its halt is lifted.
fn stays_as_it_is(after: &State, entry: &Entry, cause: &Cause) -> String {
    let Cause::Drift(drift) = cause else { return String::new() };
    let rollout = entry.rollout.as_ref().and_then(|id| Some(&after.plans.get(&id.plan)?.rollout));
    let lacks = rollout.map(|rollout| look::lacks(after, rollout, &drift.ring)).unwrap_or_default();
    if lacks.is_empty() {
        return "; the group stays as it is now, and nothing is set back".to_owned();
    }
    format!(
        "; the group stays as it is now, and nothing is set back: it does not offer the targets of ring `{}` ({lacks}), so the ring is not verified, and none of its devices is acknowledged for standing still",
        drift.ring
    )
}

/// The holds that a verb that lets things go on has left.
fn still_held(after: &State, asked: &Command) -> Vec<String> {
    let plans: Vec<&PlanState> = match asked {
        Command::Pause(_)
        | Command::Stop
        | Command::ConfirmClock
        | Command::CheckNow(_)
        | Command::Refuse { .. }
        | Command::Confirm { .. }
        | Command::Start { plans: StartPlans::Pause } => {
            return Vec::new();
        }
        Command::Resume(name)
        | Command::Waive { plan: name, .. }
        | Command::Rollback { plan: name, .. }
        | Command::ReleaseHold { plan: name, .. }
        | Command::Approve { plan: name, .. } => after.plans.get(name).into_iter().collect(),
        Command::Start { plans: StartPlans::GoOn } => after.plans.values().collect(),
    };
    let mut still: Vec<String> = plans
        .into_iter()
        .filter_map(|plan| {
            let held = match Holds::of_plan(plan) {
                Holds::Free => return None,
                Holds::Paused => "paused",
                Holds::Halted => "halted",
                Holds::PausedAndHalted => "paused and halted",
            };
            let name = &plan.rollout.id.plan;
            Some(format!("plan {name} is still {held}: ringward resume {name} --reason … lifts that"))
        })
        .collect();
    if after.stop.is_some() {
        still.push("all writes are still stopped: ringward start --reason … allows them again".to_owned());
    }
    still
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plan::model::PlanDigest;
    use crate::rollout::block::{WaitingRevision, WaitsFor};
    use crate::rollout::state::Waiting;

    #[test]
    fn who_approves_is_told_of_a_revision_that_makes_it_void() {
        let at: Timestamp = "2026-10-12T09:00:00Z".parse().unwrap();
        let id = RolloutId { plan: "client".parse().unwrap(), number: 1 };
        let ring: RingName = "Everyone".parse().unwrap();
        let digest = PlanDigest::of_written("in force");
        let given = Event::ApprovalGiven {
            ring: ring.clone(),
            digest: digest.clone(),
            targets: BTreeMap::new(),
            expires_at: at,
            groups: Vec::new(),
        };
        let entries = [Entry::engine(&id, "fine", given)];
        let asked = Command::Approve { plan: id.plan.clone(), ring: Some(ring), revision: None };
        let mut state = State::default();
        assert!(!done(&entries, &state, &asked).contains("void"), "nothing waits");
        let revision = WaitingRevision {
            digest: PlanDigest::of_written("another"),
            in_force: Some(digest),
            changes: vec!["a shorter soak".to_owned()],
            waits_for: WaitsFor::Person,
        };
        let told = format!("revision {} waits, and makes it void", revision.digest.short());
        state.waiting.insert(id.plan.clone(), Waiting { revision, since: at, confirmed: None });
        assert!(done(&entries, &state, &asked).contains(&told), "{}", done(&entries, &state, &asked));
    }
}
