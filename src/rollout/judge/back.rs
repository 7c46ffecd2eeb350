//! Gate `adoption` of a ring that goes back.
//!
//! **Invariant:** it holds up nothing but the ring's own time to come back.

use crate::plan::model::RingPlan;
use crate::rollout::judge::adoption::{adopted, evidence};
use crate::rollout::judge::subject::{Subject, census};
use crate::rollout::record::{Exempt, Gate, Judgement, Verdict};
use crate::rollout::state::{Assigned, Back};
use crate::time::{Timestamp, after};
use crate::version::Environment;

/// Whether enough seen devices are back: one word for each environment that goes back. Nothing is
/// waived and nothing fails; who is not back in time is left for later.
pub(crate) fn going_back(subject: Subject<'_>, assigned: &Assigned, back: &Back) -> Vec<Judgement> {
    let Subject { plan, world, .. } = subject;
    let known_until = world.fleet.known_until(&assigned.policies);
    let census = census(subject, assigned);
    let judge = |environment: &Environment| {
        let counted = census.environments.get(environment).copied().unwrap_or_default();
        let verdict = match subject.unseeable(known_until) {
            Some(why) => Verdict::Unknown(why),
            None if counted.counts.eligible() == 0 => Verdict::Exempt(Exempt::NoEligibleDevice),
            None => adopted(plan, &counted).map_or(Verdict::Pass, Verdict::Wait),
        };
        let (environment, evidence) = (Some(*environment), evidence(plan, counted, step_ends_at(plan, back)));
        Judgement { gate: Gate::Adoption, environment, verdict, evidence, as_of: known_until }
    };
    back.to.keys().map(judge).collect()
}

/// When the time for a ring to come back is over.
pub fn step_ends_at(plan: &RingPlan, back: &Back) -> Timestamp {
    after(back.since, plan.rollback.step.get())
}
