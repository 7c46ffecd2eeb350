//! The gates: each looks at the plan, the state and the observations, and says one verdict.
//!
//! **Invariant:** a gate reads observations only up to an age that it names; older ones are
//! `unknown`, and so is everything missing.

use std::collections::BTreeSet;

use crate::ids::PolicyId;
use crate::rollout::judge::adoption::adoption;
use crate::rollout::judge::back::going_back;
use crate::rollout::judge::fleet::fleet;
use crate::rollout::judge::freeze::freeze;
use crate::rollout::judge::opening::opening;
use crate::rollout::judge::soak::soaked;
use crate::rollout::judge::subject::{Subject, census};
use crate::rollout::judge::{approval, downgrade, health};
use crate::rollout::record::{Acknowledged, Judgement, Unknown, Verdict};
use crate::rollout::state::{RingState, Rollout};
use crate::rollout::world::Known;

/// The gates that matter where the ring is now.
pub fn judge(subject: Subject<'_>) -> Vec<Judgement> {
    match &subject.ring.stage {
        RingState::Entering(_) => entry(subject),
        RingState::Adopting(assigned) => {
            let census = census(subject, assigned);
            let mut judgements = adoption(subject, assigned, &census);
            judgements.extend(health::judge(subject, assigned, &census));
            judgements
        }
        RingState::Soaking(assigned, soak) => {
            let census = census(subject, assigned);
            let mut judgements = adoption(subject, assigned, &census);
            judgements.push(soaked(subject, assigned, *soak, &census));
            judgements.extend(health::judge(subject, assigned, &census));
            judgements
        }
        RingState::Verified(assigned) => health::judge(subject, assigned, &census(subject, assigned)),
        RingState::RollingBack(assigned, back) | RingState::RolledBack(Some(assigned), back) => {
            going_back(subject, assigned, back)
        }
        RingState::Pending | RingState::Deploying(_) | RingState::RolledBack(None, _) => Vec::new(),
    }
}

/// The gates that go on over what an earlier rollout left on offer.
pub fn left(subject: Subject<'_>) -> Vec<Judgement> {
    let judge = |assigned| health::judge(subject, assigned, &census(subject, assigned));
    subject.ring.stage.assigned().map(judge).unwrap_or_default()
}

/// Whether its devices have adopted it.
pub fn left_adoption(subject: Subject<'_>) -> Vec<Judgement> {
    let judge = |assigned| adoption(subject, assigned, &census(subject, assigned));
    subject.ring.stage.assigned().map(judge).unwrap_or_default()
}

/// Every gate on entering.
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
pub fn writing_back(subject: Subject<'_>, policies: &BTreeSet<PolicyId>) -> Vec<Judgement> {
    let schedule = &subject.plan.schedule;
    let known = Ok(policies.clone());
    vec![opening(schedule, subject.now), freeze(schedule, subject.now), fleet(subject, known, 0)]
}

/// All that the gates of a rollout find now: what a person who resumes has seen.
pub fn findings(Known { state, world, now }: Known<'_>, rollout: &Rollout) -> Vec<Acknowledged> {
    let mut findings = Vec::new();
    let offers = state.plans.get(&rollout.id.plan).into_iter().flat_map(|plan| &plan.superseded);
    let entered = |name| rollout.ring(name).is_some_and(|ring| ring.stage.is_entered());
    let offers = offers
        .filter(|offer| !entered(&offer.ring.name))
        .map(|offer| (&offer.ring, &offer.plan, left as fn(Subject<'_>) -> Vec<Judgement>));
    let own = rollout.rings_with_plans().map(|(ring, plan)| (ring, plan, judge as _));
    for (ring, plan, judge) in own.chain(offers) {
        let subject = Subject { state, rollout, ring, plan, world, now };
        for judgement in judge(subject) {
            let (gate, environment) = (judgement.gate, judgement.environment);
            let devices = match (ring.stage.assigned(), environment) {
                (Some(assigned), Some(at)) => {
                    health::HealthSubject { subject, assigned, environment: at }.found(gate)
                }
                _ => BTreeSet::new(),
            };
            let stands = matches!(judgement.verdict, Verdict::Fail(_) | Verdict::Unknown(_));
            if stands || !devices.is_empty() {
                findings.push(Acknowledged { ring: ring.name.clone(), gate, environment, devices });
            }
        }
    }
    findings
}
