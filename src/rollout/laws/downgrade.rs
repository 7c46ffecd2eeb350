//! Taking devices down to an older version: only a few, or those that the plan allows.
//!
//! **Invariant:** the devices are counted anew from the numbers on record, by the plan's own allowance.

use super::case::Case;
use super::ledger::enters;
use crate::plan::model::{AllowDowngrade, RingPlan};
use crate::rollout::record::{Event, Evidence, Moves};
use crate::version::{ClientVersion, Environment};

/// So many devices at least, and more than one in so many of those seen in a week, are too many (5 %).
const TOO_MANY: usize = 3;
const ONE_IN: usize = 20;

pub(super) fn check(case: &Case<'_>) {
    let (Some(ring), Some(line)) = (case.event.ring(), case.line) else { return };
    let Some(plan) = line.ring_plan(ring) else { return };
    match case.event {
        Event::WritePlanned { intent, .. } if enters(&intent.purpose) => {
            // Logs of older versions have no numbers.
            let Some(moves) = &intent.moves else { return };
            for (environment, target) in &plan.targets {
                match moves.get(environment) {
                    Some(moves) => judge(case, plan, (*environment, *target), moves),
                    None => {
                        case.breach(format!("nobody counted which {environment} devices go down to {target}"))
                    }
                }
            }
        }
        Event::RingAssigned { judgements, .. } => {
            for word in judgements {
                let (Evidence::Downgrade(seen), Some(environment)) = (&word.evidence, word.environment)
                else {
                    continue;
                };
                if let Some(target) = plan.targets.get(&environment) {
                    judge(case, plan, (environment, *target), &seen.moves);
                }
            }
        }
        _ => {}
    }
}

fn judge(
    case: &Case<'_>,
    plan: &RingPlan,
    (environment, target): (Environment, ClientVersion),
    moves: &Moves,
) {
    case.require(moves.to == target, || {
        format!("{environment} is counted towards {}, and is offered {target}", moves.to)
    });
    let allowed = |version: ClientVersion| match &plan.allow_downgrade {
        AllowDowngrade::Nothing => false,
        AllowDowngrade::Any => true,
        AllowDowngrade::From(range) => range.matches(&version.as_semver()),
    };
    let mut unasked = 0;
    for (version, devices) in &moves.from {
        if *version > target && !allowed(*version) {
            unasked += devices - moves.taken_back.get(version).copied().unwrap_or(0).min(*devices);
        }
    }
    let too_many = unasked >= TOO_MANY && unasked * ONE_IN > moves.seen;
    case.require(!too_many, || {
        format!(
            "{unasked} of {} {environment} devices are taken down to {target}, and the plan does not allow it",
            moves.seen
        )
    });
}
