//! What a request comes to: the events that carry it out.
//!
//! **Invariant:** a request comes to what the table of verbs says for its situation, and to
//! nothing else; it is never a silent no-op.

use crate::ids::{PlanName, RingName, UserGroupName};
use crate::plan::model::{PlanDigest, RingPlan};
use crate::rollout::judge::way_back::{NoWayBack, Stuck};
use crate::rollout::judge::{approval, gates, subject, way_back};
use crate::rollout::people::command::Command;
use crate::rollout::people::hearing::{Hearing, Word};
use crate::rollout::people::refusal::{Refusal, needed, printable};
use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::refused::Refused;
use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, HeldBack, Holds, Named, Offered, Place, Waits, Waived, WaysBack, Writes,
};
use crate::rollout::people::verbs::table;
use crate::rollout::people::verbs::table::{Cell, Effect};
use crate::rollout::record::{Actor, Cause, Entry, Event, Gate, RollbackStep, RolloutId, Trigger};
use crate::rollout::state::{HeldOut, PendingRevision, Phase, PlanState, Ring, Stage, State};
use crate::rollout::world::{ENTRY_MAX_AGE, Observations};
use crate::time::Timestamp;
use crate::version::ClientVersion;

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
pub(crate) fn situation<'a>(
    state: &'a State,
    world: &Observations,
    (actor, command): (&Actor, &Command),
    now: Timestamp,
) -> Result<(Cell, Subject<'a>), Refusal> {
    let writes = Writes::of_state(state);
    Ok(match command {
        Command::Pause(name) => {
            let plan = find(state, name)?;
            (table::pause(plan.rollout.phase, Holds::of_plan(plan)), Subject::Plan(plan))
        }
        Command::Resume(name) => {
            let plan = find(state, name)?;
            let held = held_on_offer(state, world, plan);
            let offered = Offered::of(held, plan.rollout.forbidden().is_some());
            let subject = held.map_or(Subject::Plan(plan), |held| Subject::HeldOut(plan, held));
            (table::resume(Holds::of_plan(plan), writes, offered), subject)
        }
        Command::Waive { plan: name, gate, ring } => {
            let plan = find(state, name)?;
            let ring = ring_of(plan, ring.as_ref())?;
            let waived = Waived::of(ring.waived.contains_key(gate));
            let named = Named::of(plan.rollout.is_dropped(&ring.name));
            let cell = table::waive(*gate, plan.rollout.phase, Place::of(&ring.stage), waived, named);
            (cell, Subject::Gate(plan, ring, *gate))
        }
        Command::Rollback { plan: name, scope } => {
            let plan = find(state, name)?;
            let is_gone = |name: &RingName| plan.of_gone_rings().any(|left| left.ring.name == *name);
            if let Some(ring) = scope.ring.as_ref().filter(|name| !is_gone(name)) {
                ring_of(plan, Some(ring))?;
            }
            let (phase, holds) = (plan.rollout.phase, Holds::of_plan(plan));
            let found = way_back::steps(state, plan, scope);
            (table::rollback(phase, holds, WaysBack::of(&found)), Subject::Rollback(plan, found))
        }
        Command::ReleaseHold { plan: name, version } => {
            let plan = find(state, name)?;
            let held = HeldBack::of(state.held_by(name).contains_key(version));
            (table::release_hold(held), Subject::Version(plan, *version))
        }
        Command::Approve { plan: name, ring, revision } => {
            is_in_force(state, name, revision.as_ref())?;
            let (word, spoken) = spoken(state, world, (name, ring.as_ref()), (actor, Word::Approve), now)?;
            (table::approve(word.phase, word.place, word.claim), spoken)
        }
        Command::Refuse { plan: name, ring, revision } => {
            is_in_force(state, name, revision.as_ref())?;
            let (word, spoken) = spoken(state, world, (name, ring.as_ref()), (actor, Word::Refuse), now)?;
            (table::refuse(word.phase, word.place, word.claim), spoken)
        }
        Command::Confirm { plan: name, revision } => {
            let waiting = state.waiting.get(name);
            if waiting.is_none() {
                find(state, name)?;
            }
            let waits = Waits::of(waiting, revision, now);
            (table::confirm(waits), Subject::Waiting(state, name.clone(), waiting))
        }
        Command::CheckNow(name) => {
            let plan = find(state, name)?;
            (table::check_now(plan.rollout.phase), Subject::Plan(plan))
        }
        Command::Stop => (table::stop(writes), Subject::All(state)),
        Command::Start { plans } => (table::start(writes, *plans), Subject::All(state)),
        Command::ConfirmClock => {
            let machine = world.second_clock.machine.unwrap_or(now);
            (table::confirm_clock(ClockSight::of(world, machine)), Subject::All(state))
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
    let subject = subject::Subject { state, rollout, ring, plan: ring_plan, world, now };
    let hearing = Hearing::of(subject, &approval::asks_of(subject), ENTRY_MAX_AGE);
    let (claim, groups) = hearing.claim(actor, word);
    let spoken = Spoken { phase: rollout.phase, place: Place::of(&ring.stage), claim };
    Ok((spoken, Subject::Word(plan, ring_plan, groups, hearing.asked())))
}

/// What is held out of what the group offers that a rollout is halted for, as it was read last.
pub(crate) fn held_on_offer<'a>(
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
pub(crate) enum Subject<'a> {
    Plan(&'a PlanState),
    Gate(&'a PlanState, &'a Ring, Gate),
    Version(&'a PlanState, ClientVersion),
    HeldOut(&'a PlanState, &'a HeldOut),
    /// A word on entering a ring, in the name of these groups, and who is asked.
    Word(&'a PlanState, &'a RingPlan, Vec<UserGroupName>, String),
    /// With its steps, or what has nowhere to go.
    Rollback(&'a PlanState, Result<Vec<RollbackStep>, NoWayBack>),
    /// A revision that waits, perhaps of a plan that has no rollout yet.
    Waiting(&'a State, PlanName, Option<&'a PendingRevision>),
    All(&'a State),
}

impl<'a> Subject<'a> {
    pub(crate) const fn plan(&self) -> Option<&'a PlanState> {
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
            let acknowledged = gates::findings(state, rollout, world, now);
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

    pub(crate) fn rollback(&self) -> Option<(Option<&'a PlanState>, Event)> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::plan::model::PlanDigest;
    use crate::rollout::people::answer::*;
    use crate::rollout::people::command::*;
    use crate::rollout::people::done::*;
    use crate::rollout::record::{WaitingRevision, WaitsFor};
    use crate::rollout::state::PendingRevision;

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
        state.waiting.insert(id.plan.clone(), PendingRevision { revision, since: at, confirmed: None });
        assert!(done(&entries, &state, &asked).contains(&told), "{}", done(&entries, &state, &asked));
    }
}
