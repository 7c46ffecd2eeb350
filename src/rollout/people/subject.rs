//! Finds what a request is about, and tells it as the tables ask.
//!
//! **Invariant:** it is found by the aim of the verb, so that each verb of one aim is about the same.

use std::sync::Arc;

use crate::ids::{PlanName, RingName};
use crate::rollout::judge::{approval, rollback_target, rollback_target::NoRollbackTarget, subject};
use crate::rollout::people::verbs::asked::{Spoken, Subject};
use crate::rollout::people::verbs::columns::{Columns, Heading};
use crate::rollout::people::verbs::definition::{Aim, Vote};
use crate::rollout::people::verbs::situation::{
    ClockSight, IsBlocked, Named, Offered, PauseOrHalt, RingSituation, RollbackTargets, StartPlans, Waits,
    Waived, Writes,
};
use crate::rollout::people::verbs::{about::About, refused::Refused};
use crate::rollout::people::{command::Command, hearing::Hearing, refusal::Refusal};
use crate::rollout::record::{Actor, Cause};
use crate::rollout::state::{BlockedVersion, PlanState, Ring, RingState, State};
use crate::rollout::world::{ENTRY_MAX_AGE, Known};
use crate::text::joined;

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
            subject.plan = state.plans.get(name).map(Arc::as_ref);
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
                let ring = ring_of(plan, given.ring.as_ref())?;
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
    let (asked, sets_aside) = (hearing.asked(), hearing.sets_aside);
    Ok(Spoken { ring: ring_plan, claim, groups, asked, sets_aside })
}

/// What is blocked for what the group offers that a rollout is halted for, as it was read last.
pub(crate) fn held_on_offer<'a>(known: Known<'a>, plan: &PlanState) -> Option<&'a BlockedVersion> {
    let Cause::Drift(drift) = &plan.rollout.halted.as_ref()?.cause else { return None };
    let offered = &known.world.group(&drift.expected.id)?.value?.content;
    known.state.blocked_versions.iter().find(|held| held.is_on_offer(offered))
}

fn find<'a>(state: &'a State, plan: &PlanName) -> Result<&'a PlanState, Refusal> {
    state.plans.get(plan).map(Arc::as_ref).ok_or_else(|| match state.waiting.get(plan) {
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
