//! The gates: each looks at the plan, the state and the observations, and says one verdict.
//!
//! **Invariant:** a gate reads observations only up to an age that it names; older ones are
//! `unknown`, and so is everything missing.

pub mod health;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::fleet::{Census, EnvironmentCensus, Membership, RingScope};
use crate::ids::{PlanName, PolicyId};
use crate::plan::model::RingPlan;
use crate::rollout::approval;
use crate::rollout::downgrade;
use crate::rollout::drift::look;
use crate::rollout::state::{Assigned, Back, Ring, Rollout, Soak, Stage, State};
use crate::rollout::verdict::{Evidence, Exempt, Failing, Gate, Judgement, Unknown, Verdict, Waiting};
use crate::rollout::world::{ENTRY_MAX_AGE, Observations, REST_MAX_AGE, Unresolved};
use crate::schedule::{LEAST_OPENING, Openness, Schedule, Writable};
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::version::Environment;

/// A ring is entered only with this much of the opening left, or at its start.
pub const LEFT_TO_ENTER: SignedDuration = LEAST_OPENING;

/// One ring as the gates see it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// All that the log says: what is known of the ring's group.
    pub state: &'a State,
    /// The rollout.
    pub rollout: &'a Rollout,
    /// The ring.
    pub ring: &'a Ring,
    /// Its plan.
    pub plan: &'a RingPlan,
    /// What is known from outside.
    pub world: &'a Observations,
    /// The instant of the decision.
    pub now: Timestamp,
}

/// The gates that matter where the ring is now.
#[must_use]
pub fn judge(subject: Subject<'_>) -> Vec<Judgement> {
    match &subject.ring.stage {
        Stage::Entering(_) => entry(subject),
        Stage::Adopting(assigned) => {
            let census = census(subject, assigned);
            let mut judgements = adoption(subject, assigned, &census);
            judgements.extend(health::judge(subject, assigned, &census));
            judgements
        }
        Stage::Soaking(assigned, soak) => {
            let census = census(subject, assigned);
            let mut judgements = adoption(subject, assigned, &census);
            judgements.push(soaked(subject, assigned, *soak, &census));
            judgements.extend(health::judge(subject, assigned, &census));
            judgements
        }
        Stage::Verified(assigned) => health::judge(subject, assigned, &census(subject, assigned)),
        Stage::RollingBack(assigned, back) | Stage::RolledBack(Some(assigned), back) => {
            going_back(subject, assigned, back)
        }
        Stage::Pending | Stage::Deploying(_) | Stage::RolledBack(None, _) => Vec::new(),
    }
}

/// The gates that go on over what an earlier rollout left on offer.
#[must_use]
pub fn left(subject: Subject<'_>) -> Vec<Judgement> {
    let judge = |assigned| health::judge(subject, assigned, &census(subject, assigned));
    subject.ring.stage.assigned().map(judge).unwrap_or_default()
}

/// Whether its devices have adopted it.
#[must_use]
pub fn left_adoption(subject: Subject<'_>) -> Vec<Judgement> {
    let judge = |assigned| adoption(subject, assigned, &census(subject, assigned));
    subject.ring.stage.assigned().map(judge).unwrap_or_default()
}

/// Every gate on entering.
#[must_use]
pub fn entry(subject: Subject<'_>) -> Vec<Judgement> {
    let schedule = &subject.plan.schedule;
    let resolved = subject.world.resolve_within(&subject.rollout.revision.plan, subject.plan);
    let known = resolved.clone().ok();
    let fleet = fleet(subject, resolved, 1);
    // What cannot be seen, the gate before says: nothing goes on then.
    let in_sight = !matches!(fleet.verdict, Verdict::Unknown(why) if why != Unknown::NobodyToMove);
    let known = known.filter(|_| in_sight);
    let mut judgements = vec![opening(schedule, subject.now), freeze(schedule, subject.now), fleet];
    judgements.extend(known.iter().flat_map(|policies| downgrade::judge(subject, policies)));
    judgements.extend(approval::judge(subject));
    judgements
}

/// Every gate on writing the ring's group back. Nobody is asked anew: what it offers was let in. Its devices
/// are those of the profiles that it gets back, whatever the plan's file names by now; and a group without
/// devices is written back as well.
#[must_use]
pub fn writing_back(subject: Subject<'_>, policies: &BTreeSet<PolicyId>) -> Vec<Judgement> {
    let schedule = &subject.plan.schedule;
    let known = Ok(policies.clone());
    vec![opening(schedule, subject.now), freeze(schedule, subject.now), fleet(subject, known, 0)]
}

/// Whether the schedule has an opening with enough time left, or at its start.
#[must_use]
pub fn opening(schedule: &Schedule, now: Timestamp) -> Judgement {
    let enterable = schedule.enterable(now, LEFT_TO_ENTER) != Writable::NotNow;
    let (verdict, closes_at) = match schedule.openness(now) {
        Openness::Closed { .. } => (Verdict::Wait(Waiting::OpeningClosed), None),
        Openness::AlwaysOpen | Openness::Open { .. } => match schedule.writable(now) {
            Writable::Until(end) if !enterable => (Verdict::Wait(Waiting::OpeningEndsSoon), Some(end)),
            Writable::Until(end) => (Verdict::Pass, Some(end)),
            // A freeze has a gate of its own.
            Writable::NotNow | Writable::Unlimited => (Verdict::Pass, None),
        },
    };
    let opens_at = if verdict.advances() { None } else { schedule.next_entry(now, LEFT_TO_ENTER) };
    Judgement {
        gate: Gate::Opening,
        environment: None,
        verdict,
        evidence: Evidence::Opening { closes_at, opens_at },
        as_of: None,
    }
}

/// Whether no freeze is on.
#[must_use]
pub fn freeze(schedule: &Schedule, now: Timestamp) -> Judgement {
    let on = schedule.freeze_at(now);
    let verdict = if on.is_some() { Verdict::Wait(Waiting::Frozen) } else { Verdict::Pass };
    let evidence = Evidence::Freeze {
        reason: on.map(|freeze| freeze.reason.to_owned()),
        ends_at: on.map(|freeze| freeze.ends_at),
    };
    Judgement { gate: Gate::Freeze, environment: None, verdict, evidence, as_of: None }
}

/// Whether the devices of these profiles are known, and an assignment can move at least so many.
fn fleet(
    subject: Subject<'_>,
    resolved: Result<BTreeSet<PolicyId>, Unresolved>,
    at_least: usize,
) -> Judgement {
    let Subject { plan, world, now, .. } = subject;
    let full_sweep_at = world.fleet.full_sweep_at();
    // The schedule may keep a ring closed for days; only an entry needs a fresh look.
    let open = plan.schedule.writable(now) != Writable::NotNow;
    let max_age = if open { ENTRY_MAX_AGE } else { REST_MAX_AGE };
    let stale = |at: Timestamp| since(at, now) > max_age;
    let mut unresolved = Vec::new();
    let mut eligible = 0;
    let verdict = match (resolved, full_sweep_at) {
        (Err(Unresolved::Unread), _) => Verdict::Unknown(Unknown::ProfilesUnread),
        (Err(Unresolved::Names(names)), _) => {
            unresolved = names;
            Verdict::Unknown(Unknown::ProfileUnresolved)
        }
        (Ok(_), None) => Verdict::Unknown(Unknown::NotSwept),
        (Ok(policies), Some(swept_at)) => {
            eligible = world.fleet.census(&planned_scope(plan, policies), now).eligible();
            let profiles_stale = world.profiles.as_ref().is_none_or(|profiles| stale(profiles.as_of));
            if stale(swept_at) || profiles_stale {
                Verdict::Unknown(Unknown::StaleSweep)
            } else if eligible < at_least {
                Verdict::Unknown(Unknown::NobodyToMove)
            } else {
                Verdict::Pass
            }
        }
    };
    let evidence = Evidence::Fleet { eligible, full_sweep_at, unresolved };
    Judgement { gate: Gate::Fleet, environment: None, verdict, evidence, as_of: full_sweep_at }
}

/// A ring's devices as far as its profiles are known: under its assignment, or before it.
#[must_use]
pub fn known_scope(ring: &Ring, plan: &RingPlan, world: &Observations) -> Option<RingScope> {
    match ring.stage.assigned() {
        Some(assigned) => Some(scope(ring, plan, assigned)),
        None => world.resolve(plan).ok().map(|policies| planned_scope(plan, policies)),
    }
}

/// Which profile belongs to which ring of all rollouts, and what is on offer there.
#[must_use]
pub fn membership(state: &State, world: &Observations, now: Timestamp) -> Membership {
    // What an earlier rollout left on offer to a ring's devices counts until the ring is entered.
    let mut rings: Vec<(&PlanName, &Ring, &RingPlan)> = Vec::new();
    for (name, plan) in &state.plans {
        rings.extend(plan.rollout.rings_with_plans().map(|(ring, plan)| (name, ring, plan)));
        rings.extend(plan.superseded.iter().rev().map(|left| (name, &left.ring, &left.plan)));
    }
    // Where two name a profile, as a plan does that took over from a withdrawn one, what was offered last.
    rings.sort_by_key(|(_, ring, _)| Reverse(ring.stage.assigned().map(|assigned| assigned.at)));
    let offered = rings.into_iter().filter_map(|(name, ring, plan)| {
        let scope = known_scope(ring, plan, world)?;
        let offers = look::offers(state, name, ring, &scope.policies, world, now);
        Some((scope, offers))
    });
    let (scopes, offers) = offered.unzip();
    Membership::new(scopes).offering(offers)
}

pub(super) fn planned_scope(plan: &RingPlan, policies: BTreeSet<PolicyId>) -> RingScope {
    let zone = plan.schedule.zone().clone();
    RingScope {
        policies,
        targets: plan.targets.clone(),
        assigned_at: None,
        zone,
        stalled_after: plan.health.stalled.after.get(),
    }
}

/// The ring's devices under its assignment.
#[must_use]
pub fn scope(ring: &Ring, plan: &RingPlan, assigned: &Assigned) -> RingScope {
    RingScope {
        policies: assigned.policies.clone(),
        targets: ring.stage.targets(&plan.targets),
        assigned_at: Some(assigned.at),
        zone: plan.schedule.zone().clone(),
        stalled_after: plan.health.stalled.after.get(),
    }
}

/// The ring's devices under its assignment, counted once for all gates that ask.
fn census(subject: Subject<'_>, assigned: &Assigned) -> Census {
    subject.world.fleet.census(&scope(subject.ring, subject.plan, assigned), subject.now)
}

/// Whether enough sighted devices are back: one word for each environment that goes back. Nothing is
/// waived and nothing fails; who is not back in time is left for later.
fn going_back(subject: Subject<'_>, assigned: &Assigned, back: &Back) -> Vec<Judgement> {
    let Subject { plan, world, now, .. } = subject;
    let known_until = world.fleet.known_until(&assigned.policies);
    let census = census(subject, assigned);
    let judge = |environment: &Environment| {
        let counted = census.environments.get(environment).copied().unwrap_or_default();
        let verdict = match unseeable(world, known_until, now) {
            Some(why) => Verdict::Unknown(why),
            None if counted.counts.eligible() == 0 => Verdict::Exempt(Exempt::NoEligibleDevice),
            None => adopted(plan, &counted).map_or(Verdict::Pass, Verdict::Wait),
        };
        let evidence = Evidence::Adoption {
            census: counted,
            at_least: plan.adoption.at_least,
            seen_at_least: plan.adoption.seen_at_least,
            deadline_at: step_ends_at(plan, back),
        };
        let environment = Some(*environment);
        Judgement { gate: Gate::Adoption, environment, verdict, evidence, as_of: known_until }
    };
    back.to.keys().map(judge).collect()
}

/// When the time for a ring to come back is over.
#[must_use]
pub fn step_ends_at(plan: &RingPlan, back: &Back) -> Timestamp {
    after(back.since, plan.rollback.step.get())
}

/// Whether enough sighted devices run the target: one word for each environment with a target.
fn adoption(subject: Subject<'_>, assigned: &Assigned, census: &Census) -> Vec<Judgement> {
    let Subject { rollout, ring, plan, world, now, .. } = subject;
    let known_until = world.fleet.known_until(&assigned.policies);
    let deadline_at = deadline(rollout, plan, assigned, now);
    let judge = |environment: Environment| {
        let counted = census.environments.get(&environment).copied().unwrap_or_default();
        let verdict = if ring.waived.contains_key(&Gate::Adoption) {
            Verdict::Exempt(Exempt::Waived)
        } else if let Some(why) = unseeable(world, known_until, now) {
            Verdict::Unknown(why)
        } else if counted.counts.eligible() == 0 {
            nobody(world, census, now)
        } else {
            let adopting = matches!(ring.stage, Stage::Adopting(_));
            match adopted(plan, &counted) {
                Some(_) if adopting && now >= deadline_at => Verdict::Fail(Failing::DeadlineMissed),
                Some(why) => Verdict::Wait(why),
                None => Verdict::Pass,
            }
        };
        let evidence = Evidence::Adoption {
            census: counted,
            at_least: plan.adoption.at_least,
            seen_at_least: plan.adoption.seen_at_least,
            deadline_at,
        };
        Judgement {
            gate: Gate::Adoption,
            environment: Some(environment),
            verdict,
            evidence,
            as_of: known_until,
        }
    };
    plan.targets.keys().copied().map(judge).collect()
}

fn unseeable(world: &Observations, known_until: Option<Timestamp>, now: Timestamp) -> Option<Unknown> {
    match known_until {
        None => Some(Unknown::NotSwept),
        Some(at) if since(at, now) > world.watch_max_age() => Some(Unknown::StaleSweep),
        Some(_) => None,
    }
}

/// No eligible device of an environment: exempt only when a full sweep found some elsewhere.
fn nobody(world: &Observations, census: &Census, now: Timestamp) -> Verdict {
    if census.eligible() == 0 {
        Verdict::Unknown(Unknown::NobodyToMove)
    } else if world.full_sweep_within(REST_MAX_AGE, now) {
        Verdict::Exempt(Exempt::NoEligibleDevice)
    } else {
        Verdict::Unknown(Unknown::StaleSweep)
    }
}

/// What keeps an environment from being adopted; `None`: it is.
pub(super) fn adopted(plan: &RingPlan, counted: &EnvironmentCensus) -> Option<Waiting> {
    let counts = &counted.counts;
    // With nobody active in the week before, those who came back since are all there are.
    let enough_seen =
        counted.active == 0 || plan.adoption.seen_at_least.reached_by(counted.active_sighted, counted.active);
    if counts.sighted() == 0 || !enough_seen {
        return Some(Waiting::TooFewSeen);
    }
    let arrived = plan.adoption.at_least.reached_by(counts.arrived, counts.sighted());
    (!arrived).then_some(Waiting::TooFewArrived)
}

/// Whether the ring soaked, and devices came back on another day.
fn soaked(subject: Subject<'_>, assigned: &Assigned, soak: Soak, census: &Census) -> Judgement {
    let Subject { ring, plan, world, now, .. } = subject;
    let known_until = world.fleet.known_until(&assigned.policies);
    let ends_at = after(soak.started_at, plan.soak.get());
    let (arrived, exercised) = (census.arrived(), census.exercised());
    let verdict = if ring.waived.contains_key(&Gate::Soak) {
        Verdict::Exempt(Exempt::Waived)
    } else if now < ends_at {
        Verdict::Wait(Waiting::SoakRunning)
    } else if let Some(why) = unseeable(world, known_until, now) {
        Verdict::Unknown(why)
    } else if arrived == 0 || exercised * 2 < arrived {
        Verdict::Wait(Waiting::NotExercised)
    } else {
        Verdict::Pass
    };
    let evidence = Evidence::Soak { started_at: soak.started_at, ends_at, arrived, exercised };
    Judgement { gate: Gate::Soak, environment: None, verdict, evidence, as_of: known_until }
}

/// When the time for adoption runs out, as it stands now: freezes and holds so far push it back.
#[must_use]
pub fn deadline(rollout: &Rollout, plan: &RingPlan, assigned: &Assigned, now: Timestamp) -> Timestamp {
    let from = assigned.deadline_from;
    let still = stood_still(rollout, &plan.schedule, from, now);
    after(after(from, plan.adoption.within.get()), still)
}

/// How long deadlines stood still between two instants: in freezes, and in holds outside them.
fn stood_still(rollout: &Rollout, schedule: &Schedule, from: Timestamp, now: Timestamp) -> SignedDuration {
    let mut still = schedule.frozen_between(from, now);
    for span in &rollout.standstills {
        let begin = span.from.max(from);
        let end = span.until.unwrap_or(now).min(now);
        if begin < end {
            still += since(begin, end) - schedule.frozen_between(begin, end);
        }
    }
    still
}
