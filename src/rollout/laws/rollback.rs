//! Going back: is each step grounded, in order and exact, and does nothing blocked come back?
//!
//! **Invariant:** a way back is borne out by a soak, a write or the plan that stand in the books, and
//! not by what the step says of itself.

use super::audit::{Audit, Law};
use super::case::Case;
use super::ledger::{LedgerRingState, PlanLine};
use super::proof::adoption::not_adopted;
use super::proof::content::{offers, sorted, with_versions};
use crate::ids::RingName;
use crate::rollout::record::{Event, Ground, HowBack, Purpose, RollbackStep, RollbackTarget};
use crate::rollout::record::{Evidence, Exempt, Judgement, Verdict};
use crate::time::since;
use crate::version::{ClientVersion, Environment};

const LAW: Law = Law::SoundRollback;

/// Clients before this ignore assignments.
const FIRST_TO_FOLLOW: ClientVersion = ClientVersion::new(2026, 6, 0, 0);

pub(super) fn check(audit: &mut Audit, case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::RollbackStarted { steps, .. } => started(audit, case, line, steps),
        Event::RollbackInPlace { ring, group, to } => {
            let Some(step) = turn(audit, line, ring) else { return };
            audit.require(*to == step.to(), LAW, || {
                format!("{ring} goes back to something else than was decided")
            });
            for (environment, way) in &step.back {
                audit.require(offers(&group.content, *environment, way.to), LAW, || {
                    format!("the group of {ring} does not offer {} to {environment}", way.to)
                });
            }
        }
        Event::RingRolledBack { ring, how, judgements } => {
            if let Some(step) = turn(audit, line, ring) {
                ended(audit, case, line, (&step, *how), judgements);
            }
        }
        Event::RollbackCompleted {} => {
            if let Some(left) = line.steps.iter().find(|step| !step.is_done) {
                audit.breach(
                    LAW,
                    format!("the rollback is finished, and {} has not gone back", left.step.ring),
                );
            }
        }
        Event::VersionReleased { version } => {
            let of_plan = case.ledger.blocked.iter().filter(|blocked| Some(blocked.plan) == case.plan);
            let blocked = of_plan.map(|blocked| blocked.version).any(|blocked| blocked == *version);
            audit.require(blocked, Law::Grounded, || format!("{version} was not blocked by this plan"));
        }
        _ => {}
    }
}

fn started(audit: &mut Audit, case: &Case<'_>, line: &PlanLine<'_>, steps: &[RollbackStep]) {
    audit.require(!steps.is_empty(), LAW, || "it takes nothing back".into());
    audit.require(!line.paused && line.halted.is_none(), LAW, || {
        "a rollback begins while the plan is paused or halted, which a person lifts by an event of its own".into()
    });
    let places: Vec<_> = steps.iter().map(|step| line.position(&step.ring)).collect();
    audit.require(places.windows(2).all(|two| two[0] > two[1]), LAW, || {
        "the rings do not go back the latest first".into()
    });
    for step in steps {
        audit.require(line.position(&step.ring).is_some() && !step.back.is_empty(), LAW, || {
            format!("{} is no ring of the rollout, or has nothing to take back", step.ring)
        });
        for (environment, way) in &step.back {
            let again = line.steps.iter().any(|known| {
                !known.is_done && known.step.ring == step.ring && known.step.back.contains_key(environment)
            });
            audit.require(!again, LAW, || {
                format!("{environment} of {} is on its way back already", step.ring)
            });
            let why = ungrounded(case, line, step, *environment, way);
            audit.note(LAW, why.map(|why| format!("{environment} of {}: {why}", step.ring)));
        }
    }
}

/// Why a way back has no grounds in the books; `None`: it has.
fn ungrounded(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    step: &RollbackStep,
    environment: Environment,
    RollbackTarget { from, to, ground }: &RollbackTarget,
) -> Option<String> {
    let plan = case.plan?;
    let mut planned = case.ledger.writes.planned.values().filter(|(of, _)| *of == (plan, &step.ring));
    if !planned.any(|(_, intent)| offers(&intent.after, environment, *from)) {
        return Some(format!("no write of this plan offered {from} there"));
    }
    if let Some(why) = unusable(case, line, step, environment, (*from, *to)) {
        return Some(format!("{to} {why}"));
    }
    match ground {
        Ground::Verified { at } => {
            let mut soaks = case.ledger.soaks.iter().filter(|soak| soak.policies.is_subset(&step.policies));
            let sound =
                soaks.any(|soak| soak.verified_at == *at && soak.targets.get(&environment) == Some(to));
            (!sound).then(|| format!("these profiles were not verified on {to} at {at}"))
        }
        Ground::BeforeWrite { write } => {
            let before = case.ledger.writes.planned.get(write).and_then(|(_, intent)| intent.before.as_ref());
            let sound = before.is_some_and(|group| offers(&group.content, environment, *to));
            (!sound).then(|| format!("{to} was not on offer before {write}"))
        }
        Ground::Plan => {
            let left = || line.left_in(&step.ring).map(|left| left.plan);
            let plan = line.ring_plan(&step.ring).or_else(left);
            let said = plan.and_then(|plan| plan.rollback.to.get(&environment));
            (said != Some(to)).then(|| format!("the plan does not say {to}"))
        }
    }
}

/// Why a version is none to go back to.
fn unusable(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    step: &RollbackStep,
    environment: Environment,
    (from, to): (ClientVersion, ClientVersion),
) -> Option<String> {
    let blocked = case.ledger.blocked.iter().any(|blocked| {
        let of_step = step.policies.contains(blocked.policy) && blocked.environment == environment;
        of_step && blocked.version == to
    });
    if to == from {
        Some("is what is taken back".to_owned())
    } else if to < FIRST_TO_FOLLOW {
        Some("ignores assignments".to_owned())
    } else if line.forbids(to) {
        Some("is forbidden by the plan".to_owned())
    } else if let Some(by) = line.versions.brought_before(line.number, environment, to) {
        Some(format!("was brought by rollout {by}, which was never completed"))
    } else {
        blocked.then(|| "is blocked there".to_owned())
    }
}

/// The step whose turn it is, when it is this ring's.
fn turn(audit: &mut Audit, line: &PlanLine<'_>, ring: &RingName) -> Option<RollbackStep> {
    audit.require(line.goes_back(), LAW, || format!("{ring} goes back, and the rollout does not"));
    let turn = line.next_step().filter(|next| next.ring == *ring);
    audit.require(turn.is_some(), LAW, || format!("it is not {ring} whose turn it is to go back"));
    turn
}

/// A write that takes a ring back: exactly what was decided, and nothing else.
pub(super) fn written(audit: &mut Audit, case: &Case<'_>) {
    let (Event::WritePlanned { ring, intent }, Some(line)) = (case.event, case.line) else { return };
    let Purpose::Rollback { to } = &intent.purpose else { return };
    let Some(step) = turn(audit, line, ring) else { return };
    audit.require(*to == step.to(), LAW, || format!("{ring} goes back to something else than was decided"));
    let Some(before) = &intent.before else {
        return audit.breach(Law::NothingDropped, "a group is created to go back");
    };
    let owned = case.ledger.groups.get(&before.id);
    let ours = owned.is_none_or(|owned| Some(owned.plan) == case.plan && owned.ring == ring);
    audit.require(ours, Law::NothingDropped, || {
        format!("group {} belongs to another ring", before.id.as_str())
    });
    let wanted = with_versions(Some(before), &step.to());
    audit.require(sorted(&intent.after.versions) == wanted, Law::NothingDropped, || {
        "the versions after the write are not what was there with the environments that go back".into()
    });
    let same = intent.after.policies == before.content.policies && intent.policies == intent.after.policies;
    audit.require(same, Law::NothingDropped, || "going back changes profiles".into());
}

fn ended(
    audit: &mut Audit,
    case: &Case<'_>,
    line: &PlanLine<'_>,
    (step, how): (&RollbackStep, HowBack),
    judgements: &[Judgement],
) {
    let Some((ring, plan)) = line.planned_ring(&step.ring) else { return };
    let deploys = ring.state == LedgerRingState::Deploying;
    audit.require(!deploys, LAW, || format!("a write for {} has no outcome yet", step.ring));
    if how == HowBack::NoGroup {
        return audit
            .require(judgements.is_empty(), LAW, || "devices are counted of a ring without a group".into());
    }
    audit.require(ring.state == LedgerRingState::RollingBack, LAW, || {
        format!("{} is not on its way back", step.ring)
    });
    for environment in step.back.keys() {
        let words = judgements.iter().filter(|word| word.environment == Some(*environment)).count();
        audit.require(words == 1, LAW, || format!("{environment} has {words} verdicts, not one"));
    }
    if how == HowBack::OutOfTime {
        let had = since(ring.back_since.unwrap_or(case.at), case.at);
        return audit.require(had >= plan.rollback.step.get(), LAW, || {
            format!("{} had no more than {had} to come back", step.ring)
        });
    }
    for word in judgements {
        let Evidence::Adoption { census, .. } = &word.evidence else {
            audit.breach(LAW, format!("{} has no counts", word.name()));
            continue;
        };
        audit.watched(LAW, case.at, word);
        let why = match word.verdict {
            Verdict::Pass => not_adopted(plan, census),
            Verdict::Exempt(Exempt::NoEligibleDevice) => None,
            _ => Some(word.to_string()),
        };
        audit.note(LAW, why.map(|why| format!("{} is called back, but {why}", word.name())));
    }
}
