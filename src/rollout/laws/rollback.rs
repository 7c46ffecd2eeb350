//! Going back: is each step grounded, in order and exact, and does nothing held out come back?
//!
//! **Invariant:** a way back is borne out by a soak, a write or the plan that stand in the books, and
//! not by what the step says of itself.

use std::collections::BTreeSet;

use super::exit::not_adopted;
use super::ledger::{Course, Ledger, Place, PlanLine, StepLine};
use super::{Audit, Law, drift};
use crate::ids::{PlanName, PolicyId, RingName};
use crate::rollout::event::{
    Drift, Event, Ground, HowBack, Purpose, Recorded, RollbackStep, WayBack, WriteIntent,
};
use crate::rollout::remote::{GroupContent, VersionEntry};
use crate::rollout::verdict::{Evidence, Exempt, Judgement, Verdict};
use crate::time::since;
use crate::version::{ClientVersion, Environment};

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    held_out(audit, ledger, recorded);
    let Some(line) = ledger.line(recorded) else { return };
    let seq = recorded.seq;
    match &recorded.entry.event {
        Event::RollbackStarted { steps, .. } => started(audit, ledger, line, recorded, steps),
        Event::RollbackInPlace { ring, group, to } => {
            let Some(step) = turn(audit, line, recorded, ring) else { return };
            audit.require(*to == step.to(), Law::SoundRollback, seq, || {
                format!("{ring} goes back to something else than was decided")
            });
            for (environment, way) in &step.back {
                let offered = group.content.target(*environment) == Some(way.to.to_string().as_str());
                audit.require(offered, Law::SoundRollback, seq, || {
                    format!("the group of {ring} does not offer {} to {environment}", way.to)
                });
            }
        }
        Event::RingRolledBack { ring, how, judgements } => {
            if let Some(step) = turn(audit, line, recorded, ring) {
                ended(audit, line, recorded, (&step, *how), judgements);
            }
        }
        Event::RollbackCompleted {} => {
            let left = line.steps.iter().find(|step| !step.is_done);
            if let Some(left) = left {
                let text = format!("the rollback is over, and {} has not gone back", left.step.ring);
                audit.breach(Law::SoundRollback, seq, text);
            }
        }
        Event::VersionReleased { version } => {
            let plan = recorded.entry.rollout.as_ref().map(|id| &id.plan);
            let held = ledger.held.iter().any(|held| Some(held.plan) == plan && held.version == *version);
            audit.require(held, Law::Grounded, seq, || format!("{version} was not held out by this plan"));
        }
        _ => {}
    }
}

/// Law 7: what ringward offers, or goes on with, is nothing that is held out.
fn held_out(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let (content, policies) = match &recorded.entry.event {
        // What only takes profiles out offers nothing, and what is put back is offered what it was.
        Event::WritePlanned { intent, .. } if intent.purpose.is_of_another_group() => return,
        Event::WritePlanned { intent, .. } => (&intent.after, &intent.after.policies),
        Event::RingAssigned { group, .. }
        | Event::RingRecognised { group, .. }
        | Event::RollbackInPlace { group, .. } => (&group.content, &group.content.policies),
        Event::DriftAdopted { drift: Drift::Group(drift) } => match &drift.seen {
            Some(seen) => (&seen.content, &seen.content.policies),
            None => return,
        },
        _ => return,
    };
    let known = |named: &str| named == "windows" || named == "macos";
    // What goes back leaves the other environment as it finds it, whoever made it so.
    let found = match &recorded.entry.event {
        Event::WritePlanned { intent, .. } if matches!(intent.purpose, Purpose::Rollback { .. }) => {
            intent.before.as_ref().map(|group| &group.content)
        }
        _ => None,
    };
    for held in &ledger.held {
        let offers = |entry: &VersionEntry| {
            let meant = entry
                .environment
                .as_deref()
                .is_none_or(|named| named == held.environment.as_str() || !known(named));
            let was_there = found
                .is_some_and(|found| found.policies.contains(held.policy) && found.versions.contains(entry));
            meant && entry.version == held.version.to_string() && !was_there
        };
        if policies.contains(held.policy) && content.versions.iter().any(offers) {
            let text = format!(
                "{} {} is offered to profile {}, and held out of it by a rollback of {}",
                held.environment, held.version, held.policy, held.plan
            );
            audit.breach(Law::HeldOut, recorded.seq, text);
        }
    }
}

fn started(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    steps: &[RollbackStep],
) {
    let (law, seq) = (Law::SoundRollback, recorded.seq);
    audit.require(!steps.is_empty(), law, seq, || "it takes nothing back".to_owned());
    audit.require(!line.paused && line.halted.is_none(), law, seq, || {
        "a rollback begins while a hold is on, which a person lifts by an event of its own".to_owned()
    });
    let position = |ring: &RingName| line.position(ring);
    let places: Vec<_> = steps.iter().map(|step| position(&step.ring)).collect();
    audit.require(places.windows(2).all(|two| two[0] > two[1]), law, seq, || {
        "the rings do not go back the latest first".to_owned()
    });
    for step in steps {
        audit.require(position(&step.ring).is_some() && !step.back.is_empty(), law, seq, || {
            format!("{} is no ring of the rollout, or has nothing to take back", step.ring)
        });
        for (environment, way) in &step.back {
            let again = line.steps.iter().any(|known| {
                !known.is_done && known.step.ring == step.ring && known.step.back.contains_key(environment)
            });
            audit.require(!again, law, seq, || {
                format!("{environment} of {} is on its way back already", step.ring)
            });
            if let Some(why) = ungrounded(ledger, line, recorded, step, *environment, way) {
                audit.breach(law, seq, format!("{environment} of {}: {why}", step.ring));
            }
        }
    }
}

/// Why a way back has no grounds in the books; `None`: it has.
fn ungrounded(
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    step: &RollbackStep,
    environment: Environment,
    WayBack { from, to, ground }: &WayBack,
) -> Option<String> {
    let plan = recorded.entry.rollout.as_ref().map(|id| &id.plan)?;
    let version = |content: &GroupContent| content.target(environment).map(str::to_owned);
    let offered = ledger
        .intents
        .values()
        .any(|(of, intent)| *of == (plan, &step.ring) && version(&intent.after) == Some(from.to_string()));
    if !offered {
        return Some(format!("no write of this plan offered {from} there"));
    }
    if let Some(why) = unusable(ledger, line, (&step.policies, environment), (*from, *to)) {
        return Some(format!("{to} {why}"));
    }
    let verified = ledger.soaks.iter().filter(|soak| soak.policies.is_subset(&step.policies));
    let verified: Vec<_> =
        verified.filter_map(|soak| Some((soak.verified_at, soak.targets.get(&environment)?))).collect();
    match ground {
        Ground::Verified { at } => {
            let sound = verified.iter().any(|(known, version)| known == at && *version == to);
            (!sound).then(|| format!("these profiles were not verified on {to} at {at}"))
        }
        Ground::BeforeWrite { write } => {
            let before = ledger.intents.get(write).and_then(|(_, intent)| intent.before.as_ref());
            let sound = before.and_then(|group| version(&group.content)) == Some(to.to_string());
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
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    (policies, environment): (&BTreeSet<PolicyId>, Environment),
    (from, to): (ClientVersion, ClientVersion),
) -> Option<String> {
    let offer = GroupContent {
        name: String::new(),
        versions: vec![VersionEntry { environment: None, version: to.to_string() }],
        policies: BTreeSet::new(),
    };
    let held = ledger
        .held
        .iter()
        .any(|held| policies.contains(held.policy) && held.environment == environment && held.version == to);
    if to == from {
        Some("is what is taken back".to_owned())
    } else if to < ClientVersion::new(2026, 6, 0, 0) {
        Some("ignores assignments".to_owned())
    } else if drift::forbidden(line.plan, &offer).is_some() {
        Some("is forbidden by the plan".to_owned())
    } else if let Some(by) = line.versions.brought_before(line.number, environment, to) {
        Some(format!("was brought by rollout {by}, which was never completed"))
    } else {
        held.then(|| "is held out there".to_owned())
    }
}

/// The step whose turn it is, when it is this ring's.
fn turn(
    audit: &mut Audit,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    ring: &RingName,
) -> Option<RollbackStep> {
    let next = next(line);
    audit.require(line.course == Course::RollingBack, Law::SoundRollback, recorded.seq, || {
        format!("{ring} goes back, and the rollout does not")
    });
    let turn = next.filter(|next| next.ring == *ring);
    audit.require(turn.is_some(), Law::SoundRollback, recorded.seq, || {
        format!("it is not {ring} whose turn it is to go back")
    });
    turn
}

/// All that is left of a ring that has begun, else of the latest ring.
pub(super) fn next(line: &PlanLine<'_>) -> Option<RollbackStep> {
    let open = || line.steps.iter().filter(|step| !step.is_done);
    let position = |step: &&StepLine<'_>| line.rings.iter().position(|ring| *ring.name == step.step.ring);
    let first = open().find(|step| step.is_begun).or_else(|| open().max_by_key(position))?;
    RollbackStep::joined(open().map(|line| line.step).filter(|step| step.ring == first.step.ring))
}

/// A write that takes a ring back: exactly what was decided, and nothing else.
pub(super) fn planned(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    ring: &RingName,
    intent: &WriteIntent,
) {
    let seq = recorded.seq;
    let Some(step) = turn(audit, line, recorded, ring) else { return };
    audit.require(intent.purpose == Purpose::Rollback { to: step.to() }, Law::SoundRollback, seq, || {
        format!("{ring} goes back to something else than was decided")
    });
    let Some(before) = &intent.before else {
        audit.breach(Law::NothingDropped, seq, "a group is created to go back");
        return;
    };
    let plan: Option<&PlanName> = recorded.entry.rollout.as_ref().map(|id| &id.plan);
    let owned = ledger.groups.get(&before.id);
    let ours = owned.is_none_or(|owned| Some(owned.plan) == plan && owned.ring == ring);
    audit.require(ours, Law::NothingDropped, seq, || {
        format!("group {} belongs to another ring", before.id.as_str())
    });
    let goes_back = |entry: &&VersionEntry| {
        step.back.keys().any(|environment| entry.environment.as_deref() == Some(environment.as_str()))
    };
    let kept = before.content.versions.iter().filter(|entry| !goes_back(entry)).cloned();
    let given = step.back.iter().map(|(environment, way)| VersionEntry {
        environment: Some(environment.as_str().to_owned()),
        version: way.to.to_string(),
    });
    let mut wanted: Vec<VersionEntry> = kept.chain(given).collect();
    let mut after = intent.after.versions.clone();
    wanted.sort();
    after.sort();
    audit.require(after == wanted, Law::NothingDropped, seq, || {
        "the versions after the write are not what was there with the environments that go back".to_owned()
    });
    let same = intent.after.policies == before.content.policies && intent.policies == intent.after.policies;
    audit.require(same, Law::NothingDropped, seq, || "going back changes profiles".to_owned());
}

fn ended(
    audit: &mut Audit,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    (step, how): (&RollbackStep, HowBack),
    judgements: &[Judgement],
) {
    let (law, seq) = (Law::SoundRollback, recorded.seq);
    let (Some(ring), Some(plan)) = (line.ring(&step.ring), line.ring_plan(&step.ring)) else { return };
    let deploys = ring.place == Place::Deploying;
    audit.require(!deploys, law, seq, || format!("a write for {} has no outcome yet", step.ring));
    if how == HowBack::NoGroup {
        audit.require(judgements.is_empty(), law, seq, || {
            "devices are counted of a ring without a group".to_owned()
        });
        return;
    }
    audit.require(ring.place == Place::RollingBack, law, seq, || {
        format!("{} is not on its way back", step.ring)
    });
    for environment in step.back.keys() {
        let words = judgements.iter().filter(|word| word.environment == Some(*environment)).count();
        audit.require(words == 1, law, seq, || format!("{environment} has {words} verdicts, not one"));
    }
    match how {
        HowBack::Adopted => {
            for word in judgements {
                let Evidence::Adoption { census, .. } = &word.evidence else {
                    audit.breach(law, seq, format!("{} has no counts", word.name()));
                    continue;
                };
                audit.fresh(law, recorded, &word.name(), word.as_of, audit.limits.watch_max_age);
                let back = match word.verdict {
                    Verdict::Pass => not_adopted(plan, census),
                    Verdict::Exempt(Exempt::NoEligibleDevice) => None,
                    _ => Some(format!("{word}")),
                };
                if let Some(why) = back {
                    audit.breach(law, seq, format!("{} is called back, but {why}", word.name()));
                }
            }
        }
        HowBack::OutOfTime => {
            let began = ring.back_since.unwrap_or(recorded.at);
            audit.require(since(began, recorded.at) >= plan.rollback.step.get(), law, seq, || {
                format!("{} had no more than {} to come back", step.ring, since(began, recorded.at))
            });
        }
        HowBack::NoGroup => {}
    }
}
