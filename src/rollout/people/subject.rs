//! What a request is about, as state and world have it.
//!
//! **Invariant:** it is found by the aim of the verb, so that each verb of one aim is about the same.

use crate::ids::{PlanName, RingName, UserGroupName};
use crate::plan::model::{PlanDigest, RingPlan};
use crate::rollout::judge::{approval, gates, rollback_target, rollback_target::NoRollbackTarget, subject};
use crate::rollout::people::verbs::columns::{Columns, Heading};
use crate::rollout::people::verbs::definition::{Aim, Vote};
use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, IsBlocked, Named, Offered, PauseOrHalt, RingSituation, RollbackTargets, StartPlans,
    Waits, Waived, Writes,
};
use crate::rollout::people::verbs::{about::About, effect::Effect, refused::Refused};
use crate::rollout::people::{command::Command, hearing::Hearing, refusal::Refusal};
use crate::rollout::record::{Actor, Cause, Event, Gate, RollbackStep, RolloutId, Trigger};
use crate::rollout::state::{BlockedVersion, PendingRevision, PlanState, Ring, RingState, State};
use crate::rollout::world::{ENTRY_MAX_AGE, Known};
use crate::text::joined;
use crate::version::ClientVersion;

/// What a request is about.
pub(crate) struct Subject<'a> {
    known: Known<'a>,
    /// The plan that is named, perhaps one that has no rollout yet.
    name: Option<PlanName>,
    plan: Option<&'a PlanState>,
    ring: Option<&'a Ring>,
    gate: Option<Gate>,
    version: Option<ClientVersion>,
    paused: bool,
    /// The revision that waits, and the one that is named.
    waiting: Option<&'a PendingRevision>,
    named: String,
    /// What is blocked for what the group offers that the rollout is halted for.
    held: Option<&'a BlockedVersion>,
    /// The steps of a rollback, or what has nowhere to go.
    steps: Option<Result<Vec<RollbackStep>, NoRollbackTarget>>,
    word: Option<Spoken<'a>>,
}

/// A person's word on entering a ring.
pub(crate) struct Spoken<'a> {
    ring: &'a RingPlan,
    claim: Claim,
    /// In whose name it is given.
    groups: Vec<UserGroupName>,
    /// Who is asked.
    asked: String,
}

impl<'a> Subject<'a> {
    /// # Errors
    /// When there is no such plan or ring, or it is another one than the person has read.
    pub(crate) fn of(known: Known<'a>, actor: &Actor, command: &Command) -> Result<Self, Refusal> {
        let state = known.state;
        let (given, columns) = (command.arguments(), command.verb().definition().columns);
        let mut subject = Self {
            known,
            name: given.plan.clone(),
            plan: None,
            ring: None,
            gate: given.gate,
            version: given.version,
            paused: given.paused == Some(true),
            waiting: None,
            named: given.revision.unwrap_or_default(),
            held: None,
            steps: None,
            word: None,
        };
        let Some(name) = &given.plan else { return Ok(subject) };
        let aim = command.verb().aim();
        subject.waiting = state.waiting.get(name).filter(|_| aim == Aim::Waiting);
        if subject.waiting.is_some() {
            subject.plan = state.plans.get(name);
            return Ok(subject);
        }
        let plan = find(state, name)?;
        subject.plan = Some(plan);
        match aim {
            Aim::Everything | Aim::Waiting => {}
            Aim::Plan if columns.contains(&Heading::Offered) => {
                subject.held = held_on_offer(known, plan);
            }
            Aim::Plan => {}
            Aim::RingUnderWay => subject.ring = Some(ring_of(plan, given.ring.as_ref())?),
            Aim::RingToEnter(word) => {
                is_in_force(plan, name, command)?;
                let rings = &plan.rollout.rings;
                let first = rings.iter().find(|ring| !ring.stage.is_entered()).map(|ring| &ring.name);
                let ring = ring_of(plan, given.ring.as_ref().or(first))?;
                subject.ring = Some(ring);
                subject.word = Some(spoken(&subject, (plan, ring), (actor, word))?);
            }
            Aim::RollbackTarget => {
                let scope = rollback_target::Scope { ring: given.ring, environment: given.environment };
                let is_gone = |name: &RingName| plan.of_gone_rings().any(|left| left.ring.name == *name);
                if let Some(ring) = scope.ring.as_ref().filter(|name| !is_gone(name)) {
                    ring_of(plan, Some(ring))?;
                }
                subject.steps = Some(rollback_target::steps(state, plan, &scope));
            }
        }
        Ok(subject)
    }

    /// The columns of a table, as they are.
    pub(crate) fn columns(&self, heads: &[Heading]) -> Columns {
        let mut of = Columns::UNASKED;
        for head in heads {
            self.fill(&mut of, *head);
        }
        of
    }

    fn fill(&self, of: &mut Columns, head: Heading) {
        let (plan, ring) = (self.plan, self.ring);
        match head {
            Heading::Phase => of.phase = plan.map_or(of.phase, |plan| plan.rollout.phase),
            Heading::PauseOrHalt => of.holds = plan.map_or(of.holds, PauseOrHalt::of_plan),
            Heading::Writes => of.writes = Writes::of(self.known.state.stop.is_some()),
            Heading::Offered => {
                let forbidden = plan.is_some_and(|plan| plan.rollout.forbidden().is_some());
                of.offered = Offered::of(self.held, forbidden);
            }
            Heading::RollbackTargets => {
                of.rollback_targets = self.steps.as_ref().map_or(of.rollback_targets, RollbackTargets::of)
            }
            Heading::IsBlocked => {
                let held = |(plan, version)| self.known.state.held_by(plan).contains_key(&version);
                of.held_back = IsBlocked::of(self.name.as_ref().zip(self.version).is_some_and(held));
            }
            Heading::Gate => of.gate = self.gate.unwrap_or(of.gate),
            Heading::RingSituation => of.place = ring.map_or(of.place, |ring| RingSituation::of(&ring.stage)),
            Heading::Waived => {
                let waived = ring.zip(self.gate).is_some_and(|(ring, gate)| ring.waived.contains_key(&gate));
                of.waived = Waived::of(waived);
            }
            Heading::Named => {
                let dropped = plan.zip(ring).is_some_and(|(plan, ring)| plan.rollout.is_dropped(&ring.name));
                of.named = Named::of(dropped);
            }
            Heading::Claim => of.claim = self.word.as_ref().map_or(of.claim, |word| word.claim),
            Heading::Waits => of.waits = Waits::of(self.waiting, &self.named, self.known.now),
            Heading::Clock => {
                let Known { world, now, .. } = self.known;
                of.clock = ClockSight::of(world, world.second_clock.machine.unwrap_or(now));
            }
            Heading::Plans => of.plans = StartPlans::of(self.paused),
        }
    }

    pub(crate) fn refusal(&self, refused: Refused) -> Refusal {
        let any = About::anything();
        let plan = self.held.map(|held| &held.plan).or(self.name.as_ref());
        let version = self.held.map(|held| held.version).or(self.version);
        let hold = match (self.waiting, self.plan) {
            (Some(waiting), _) => waiting.confirmed.as_ref(),
            (None, Some(plan)) => plan.paused.as_ref(),
            (None, None) => self.known.state.stop.as_ref(),
        };
        let about = About {
            plan: plan.map_or(any.plan, ToString::to_string),
            ring: self.ring.map_or(any.ring, |ring| ring.name.to_string()),
            gate: self.gate.map_or(any.gate, |gate| gate.to_string()),
            held: hold.map_or(any.held, ToString::to_string),
            phase: self.plan.map_or(any.phase, |plan| plan.rollout.phase.as_str().to_owned()),
            version: version.map_or(any.version, |version| version.to_string()),
            stuck: match &self.steps {
                Some(Err(NoRollbackTarget::Stuck(stuck))) => joined(stuck, "; "),
                _ => any.stuck,
            },
            asked: self.word.as_ref().map_or(any.asked, |word| word.asked.clone()),
            revision: self.waiting.map_or(any.revision, |waiting| waiting.revision.to_string()),
        };
        Refusal::not_now(refused.why(&about), refused.instead(&about))
    }
}

impl Subject<'_> {
    /// What carries an effect out, each with the rollout that it is recorded of.
    pub(crate) fn events(&self, effect: Effect) -> Vec<(Option<RolloutId>, Event)> {
        let pause_lifted = || Some(Event::PauseLifted {});
        let events = match effect {
            Effect::Pause | Effect::PauseAhead => vec![Some(Event::Paused {})],
            Effect::LiftPause => vec![pause_lifted()],
            Effect::LiftHalt => vec![self.halt_lifted()],
            Effect::LiftBoth => vec![pause_lifted(), self.halt_lifted()],
            Effect::Waive | Effect::WaiveAhead | Effect::LetGo => vec![self.gate_waived()],
            Effect::RollBack => vec![self.rollback_started()],
            Effect::LiftPauseAndRollBack => vec![pause_lifted(), self.rollback_started()],
            Effect::LiftHaltAndRollBack => vec![self.halt_lifted(), self.rollback_started()],
            Effect::LiftBothAndRollBack => {
                vec![pause_lifted(), self.halt_lifted(), self.rollback_started()]
            }
            Effect::Release => vec![self.version.map(|version| Event::VersionReleased { version })],
            Effect::Approve => vec![self.approval_given()],
            Effect::Reject => vec![self.approval_refused()],
            Effect::Confirm => vec![self.revision_confirmed()],
            Effect::Read | Effect::LookAtFiles => Vec::new(),
            Effect::Stop => vec![Some(Event::Stopped {})],
            Effect::Start => vec![Some(Event::Started {})],
            Effect::StartPaused => {
                // Pauses first: at no instant is a plan neither stopped nor paused.
                let plans = self.known.state.plans.values().filter(|plan| plan.paused.is_none());
                let pauses = plans.map(|plan| (Some(plan.rollout.id.clone()), Event::Paused {}));
                return pauses.chain([(None, Event::Started {})]).collect();
            }
            Effect::ConfirmClock => vec![self.clock_confirmed()],
        };
        events.into_iter().flatten().map(|event| (self.rollout_id(), event)).collect()
    }

    /// The rollout that is on record with it; of a revision of a plan that is new, the first.
    fn rollout_id(&self) -> Option<RolloutId> {
        let name = self.name.as_ref()?;
        let new = || RolloutId { plan: name.clone(), number: self.known.state.next_number(name) };
        Some(self.plan.map_or_else(new, |plan| plan.rollout.id.clone()))
    }

    fn halt_lifted(&self) -> Option<Event> {
        let rollout = &self.plan?.rollout;
        let cause = rollout.halted.as_ref()?.cause.clone();
        Some(Event::HaltLifted { cause, acknowledged: gates::findings(self.known, rollout) })
    }

    fn gate_waived(&self) -> Option<Event> {
        Some(Event::GateWaived { ring: self.ring?.name.clone(), gate: self.gate? })
    }

    fn rollback_started(&self) -> Option<Event> {
        let steps = self.steps.as_ref()?.as_ref().ok()?.clone();
        Some(Event::RollbackStarted { trigger: Trigger::Person, steps })
    }

    fn approval_given(&self) -> Option<Event> {
        let word = self.word.as_ref()?;
        Some(Event::ApprovalGiven {
            ring: word.ring.name.clone(),
            digest: self.plan?.rollout.revision.digest.clone(),
            targets: word.ring.targets.clone(),
            expires_at: approval::expires_at(word.ring, self.known.now),
            groups: word.groups.clone(),
        })
    }

    fn approval_refused(&self) -> Option<Event> {
        let word = self.word.as_ref()?;
        let (ring, digest) = (word.ring.name.clone(), self.plan?.rollout.revision.digest.clone());
        Some(Event::ApprovalRefused { ring, digest, groups: word.groups.clone() })
    }

    fn revision_confirmed(&self) -> Option<Event> {
        Some(Event::RevisionConfirmed { digest: self.waiting?.revision.digest.clone() })
    }

    fn clock_confirmed(&self) -> Option<Event> {
        let Known { world, now: was, .. } = self.known;
        let now = world.second_clock.machine?;
        Some(Event::ClockConfirmed { was, now, answers: world.second_clock.answers_to_confirm(now) })
    }
}

/// A plan can change between a person's reading and their word, which waits while the members are read.
fn is_in_force(plan: &PlanState, name: &PlanName, command: &Command) -> Result<(), Refusal> {
    let read: Option<&PlanDigest> = command.read();
    if read.is_none_or(|read| *read == plan.rollout.revision.digest) {
        return Ok(());
    }
    let why = format!("plan {name} has changed since you read it");
    Err(Refusal::not_now(why, "look at what it is now, then say it again"))
}

fn spoken<'a>(
    of: &Subject<'a>,
    (plan, ring): (&'a PlanState, &'a Ring),
    (actor, word): (&Actor, Vote),
) -> Result<Spoken<'a>, Refusal> {
    let rollout = &plan.rollout;
    let no_ring = || Refusal::not_now(format!("the plan has no ring `{}`", ring.name), "name another one");
    let ring_plan = rollout.ring_plan(&ring.name).ok_or_else(no_ring)?;
    let Known { state, world, now } = of.known;
    let asked = subject::Subject { state, rollout, ring, plan: ring_plan, world, now };
    let hearing = Hearing::of(asked, &approval::asks_of(asked), ENTRY_MAX_AGE);
    let (claim, groups) = hearing.claim(actor, word);
    Ok(Spoken { ring: ring_plan, claim, groups, asked: hearing.asked() })
}

/// What is blocked for what the group offers that a rollout is halted for, as it was read last.
pub(crate) fn held_on_offer<'a>(known: Known<'a>, plan: &PlanState) -> Option<&'a BlockedVersion> {
    let Cause::Drift(drift) = &plan.rollout.halted.as_ref()?.cause else { return None };
    let offered = &known.world.group(&drift.expected.id)?.value?.content;
    known.state.blocked_versions.iter().find(|held| held.is_on_offer(offered))
}

fn find<'a>(state: &'a State, plan: &PlanName) -> Result<&'a PlanState, Refusal> {
    state.plans.get(plan).ok_or_else(|| match state.waiting.get(plan) {
        Some(_) => Refusal::not_now(
            format!("plan {plan} is new, and its file waits to take effect"),
            "to keep it from beginning, take its file out of the plans directory, or `ringward stop`",
        ),
        None => Refusal::NoSuchPlan { plan: plan.clone(), known: state.plans.keys().cloned().collect() },
    })
}

/// The ring that a waiver is about: the named one, else the one that is under way.
fn ring_of<'a>(plan: &'a PlanState, ring: Option<&RingName>) -> Result<&'a Ring, Refusal> {
    let rings = &plan.rollout.rings;
    let found = match ring {
        Some(name) => plan.rollout.ring(name),
        None => rings.iter().find(|ring| !matches!(ring.stage, RingState::Verified(_))).or(rings.last()),
    };
    found.ok_or_else(|| {
        let known = joined(rings.iter().map(|ring| format!("`{}`", ring.name)), ", ");
        let named = ring.map(|name| format!(" `{name}`")).unwrap_or_default();
        Refusal::not_now(format!("the plan has no ring{named}"), format!("its rings are {known}"))
    })
}
