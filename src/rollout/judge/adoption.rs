//! Gate `adoption`: enough of the ring's devices run the target.
//!
//! **Invariant:** a deadline counts no time in which nobody watched, or everything stood still.

use crate::fleet::{Census, EnvironmentCensus};
use crate::plan::model::{Adoption, RingPlan};
use crate::rollout::judge::subject::Subject;
use crate::rollout::record::{Evidence, Exempt, Failing, Gate, Judgement, Unknown, Verdict, Waiting};
use crate::rollout::state::{Assigned, RingState, Rollout};
use crate::rollout::world::{Observations, REST_MAX_AGE};
use crate::schedule::Schedule;
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::version::Environment;

/// Whether enough seen devices run the target: one word for each environment with a target.
pub(crate) fn adoption(subject: Subject<'_>, assigned: &Assigned, census: &Census) -> Vec<Judgement> {
    let Subject { rollout, ring, plan, world, now, .. } = subject;
    let known_until = world.fleet.known_until(&assigned.policies);
    let deadline_at = deadline(rollout, plan, assigned, now);
    let judge = |environment: Environment| {
        let counted = census.environments.get(&environment).copied().unwrap_or_default();
        let verdict = if ring.waived.contains_key(&Gate::Adoption) {
            Verdict::Exempt(Exempt::Waived)
        } else if let Some(why) = subject.unseeable(known_until) {
            Verdict::Unknown(why)
        } else if counted.counts.eligible() == 0 {
            nobody(world, census, now)
        } else {
            let adopting = matches!(ring.stage, RingState::Adopting(_));
            match adopted(plan, &counted) {
                Some(_) if adopting && now >= deadline_at => Verdict::Fail(Failing::DeadlineMissed),
                Some(why) => Verdict::Wait(why),
                None => Verdict::Pass,
            }
        };
        let (environment, evidence) = (Some(environment), evidence(plan, counted, deadline_at));
        Judgement { gate: Gate::Adoption, environment, verdict, evidence, as_of: known_until }
    };
    plan.targets.keys().copied().map(judge).collect()
}

/// What an environment shows, beside what the plan asks for.
pub(crate) fn evidence(plan: &RingPlan, census: EnvironmentCensus, deadline_at: Timestamp) -> Evidence {
    let Adoption { at_least, seen_at_least, .. } = plan.adoption;
    Evidence::Adoption { census, at_least, seen_at_least, deadline_at }
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
pub(crate) fn adopted(plan: &RingPlan, counted: &EnvironmentCensus) -> Option<Waiting> {
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

/// When the time for adoption runs out, as it stands now: freezes and holds so far push it back.
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
