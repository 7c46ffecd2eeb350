//! Going back: is each step grounded, in order and exact, and does nothing blocked come back?
//!
//! **Invariant:** a way back is borne out by a soak, a write or the plan that stand in the books, and
//! not by what the step says of itself.

use super::audit::Law;
use super::case::Case;
use super::ledger::{LedgerRingState, PlanLine};
use super::proof::adoption::is_adopted;
use super::proof::content::{offers, sorted, with_versions};
use super::proof::{Proof, ensure};
use crate::ids::RingName;
use crate::rollout::record::{
    Event, Evidence, Exempt, Ground, HowBack, Judgement, Purpose, RollbackStep, RollbackTarget, Verdict,
};
use crate::time::since;
use crate::version::{ClientVersion, Environment};

/// Clients before this ignore assignments.
const FIRST_TO_FOLLOW: ClientVersion = ClientVersion::new(2026, 6, 0, 0);

pub(super) fn check(case: &Case<'_>) {
    let Some(line) = case.line else { return };
    match case.event {
        Event::RollbackStarted { steps, .. } => started(case, line, steps),
        Event::RollbackInPlace { ring, group, to } => {
            let Some(step) = turn(case, line, ring) else { return };
            case.require(*to == step.to(), || format!("{ring} goes back to something else than was decided"));
            for (environment, way) in &step.back {
                case.require(offers(&group.content, *environment, way.to), || {
                    format!("the group of {ring} does not offer {} to {environment}", way.to)
                });
            }
        }
        Event::RingRolledBack { ring, how, judgements } => {
            if let Some(step) = turn(case, line, ring) {
                ended(case, line, (&step, *how), judgements);
            }
        }
        Event::RollbackCompleted {} => {
            if let Some(left) = line.steps.iter().find(|step| !step.is_done) {
                case.breach(format!("the rollback is finished, and {} has not gone back", left.step.ring));
            }
        }
        Event::VersionReleased { version } => {
            let mut blocked = case.ledger.blocked.iter();
            let blocked = blocked.any(|one| Some(one.plan) == case.plan && one.version == *version);
            case.under(Law::Grounded).require(blocked, || format!("{version} was not blocked by this plan"));
        }
        _ => {}
    }
}

fn started(case: &Case<'_>, line: &PlanLine<'_>, steps: &[RollbackStep]) {
    case.require(!steps.is_empty(), || "it takes nothing back");
    let why =
        "a rollback begins while the plan is paused or halted, which a person lifts by an event of its own";
    case.require(!line.paused && line.halted.is_none(), || why);
    let latest_first =
        steps.iter().map(|step| line.position(&step.ring)).is_sorted_by(|one, next| one > next);
    case.require(latest_first, || "the rings do not go back the latest first");
    for step in steps {
        case.require(line.position(&step.ring).is_some() && !step.back.is_empty(), || {
            format!("{} is no ring of the rollout, or has nothing to take back", step.ring)
        });
        for (environment, way) in &step.back {
            let again = line.steps.iter().any(|known| {
                !known.is_done && known.step.ring == step.ring && known.step.back.contains_key(environment)
            });
            case.require(!again, || format!("{environment} of {} is on its way back already", step.ring));
            let proof = is_grounded(case, line, step, *environment, way);
            case.note(proof.map_err(|why| format!("{environment} of {}: {why}", step.ring)));
        }
    }
}

/// Whether a way back has its grounds in the books.
fn is_grounded(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    step: &RollbackStep,
    environment: Environment,
    RollbackTarget { from, to, ground }: &RollbackTarget,
) -> Proof {
    let mut planned = case.ledger.writes.planned.values();
    let offered = planned.any(|((plan, ring), intent)| {
        Some(*plan) == case.plan && **ring == step.ring && offers(&intent.after, environment, *from)
    });
    ensure(offered, || format!("no write of this plan offered {from} there"))?;
    is_usable(case, line, step, environment, (*from, *to)).map_err(|why| format!("{to} {why}"))?;
    match ground {
        Ground::Verified { at } => {
            let mut soaks = case.ledger.soaks.iter().filter(|soak| soak.policies.is_subset(&step.policies));
            let sound =
                soaks.any(|soak| soak.verified_at == *at && soak.targets.get(&environment) == Some(to));
            ensure(sound, || format!("these profiles were not verified on {to} at {at}"))
        }
        Ground::BeforeWrite { write } => {
            let before = case.ledger.writes.planned.get(write).and_then(|(_, intent)| intent.before.as_ref());
            let sound = before.is_some_and(|group| offers(&group.content, environment, *to));
            ensure(sound, || format!("{to} was not on offer before {write}"))
        }
        Ground::Plan => {
            let left = || line.left_in(&step.ring).map(|left| left.plan);
            let plan = line.ring_plan(&step.ring).or_else(left);
            let said = plan.and_then(|plan| plan.rollback.to.get(&environment));
            ensure(said == Some(to), || format!("the plan does not say {to}"))
        }
    }
}

/// Whether a version is one to go back to.
fn is_usable(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    step: &RollbackStep,
    environment: Environment,
    (from, to): (ClientVersion, ClientVersion),
) -> Proof {
    let blocked = case.ledger.blocked.iter().any(|blocked| {
        let of_step = step.policies.contains(blocked.policy) && blocked.environment == environment;
        of_step && blocked.version == to
    });
    ensure(to != from, || "is what is taken back")?;
    ensure(to >= FIRST_TO_FOLLOW, || "ignores assignments")?;
    ensure(!line.forbids(to), || "is forbidden by the plan")?;
    if let Some(by) = line.versions.brought_before(line.number, environment, to) {
        return Err(format!("was brought by rollout {by}, which was never completed"));
    }
    ensure(!blocked, || "is blocked there")
}

/// The step whose turn it is, when it is this ring's.
fn turn(case: &Case<'_>, line: &PlanLine<'_>, ring: &RingName) -> Option<RollbackStep> {
    case.require(line.goes_back(), || format!("{ring} goes back, and the rollout does not"));
    let turn = line.next_step().filter(|next| next.ring == *ring);
    case.require(turn.is_some(), || format!("it is not {ring} whose turn it is to go back"));
    turn
}

/// A write that takes a ring back: exactly what was decided, and nothing else.
pub(super) fn written(case: &Case<'_>) {
    let (Event::WritePlanned { ring, intent }, Some(line)) = (case.event, case.line) else { return };
    let Purpose::Rollback { to } = &intent.purpose else { return };
    let Some(step) = turn(case, line, ring) else { return };
    case.require(*to == step.to(), || format!("{ring} goes back to something else than was decided"));
    let case = case.under(Law::NothingDropped);
    let Some(before) = &intent.before else { return case.breach("a group is created to go back") };
    let owned = case.ledger.groups.get(&before.id);
    let ours = owned.is_none_or(|owned| Some(owned.plan) == case.plan && owned.ring == ring);
    case.require(ours, || format!("group {} belongs to another ring", before.id.as_str()));
    let wanted = with_versions(Some(before), &step.to());
    case.require(
        sorted(&intent.after.versions) == wanted,
        || "the versions after the write are not what was there with the environments that go back",
    );
    let same = intent.after.policies == before.content.policies && intent.policies == intent.after.policies;
    case.require(same, || "going back changes profiles");
}

fn ended(
    case: &Case<'_>,
    line: &PlanLine<'_>,
    (step, how): (&RollbackStep, HowBack),
    judgements: &[Judgement],
) {
    let Some((ring, plan)) = line.planned_ring(&step.ring) else { return };
    case.require(!ring.is(LedgerRingState::Deploying), || {
        format!("a write for {} has no outcome yet", step.ring)
    });
    if how == HowBack::NoGroup {
        return case.require(judgements.is_empty(), || "devices are counted of a ring without a group");
    }
    case.require(ring.is(LedgerRingState::RollingBack), || format!("{} is not on its way back", step.ring));
    for environment in step.back.keys() {
        let words = judgements.iter().filter(|word| word.environment == Some(*environment)).count();
        case.require(words == 1, || format!("{environment} has {words} verdicts, not one"));
    }
    if how == HowBack::OutOfTime {
        let had = since(ring.back_since.unwrap_or(case.at), case.at);
        return case.require(had >= plan.rollback.step.get(), || {
            format!("{} had no more than {had} to come back", step.ring)
        });
    }
    for word in judgements {
        let Evidence::Adoption { census, .. } = &word.evidence else {
            case.breach(format!("{} has no counts", word.name()));
            continue;
        };
        case.watched(word);
        let proof = match word.verdict {
            Verdict::Pass => is_adopted(plan, census),
            Verdict::Exempt(Exempt::NoEligibleDevice) => Ok(()),
            _ => Err(word.to_string()),
        };
        case.note(proof.map_err(|why| format!("{} is called back, but {why}", word.name())));
    }
}
