//! Taking devices down to an older version: only a few, or those that the plan allows.
//!
//! **Invariant:** the devices are counted anew from the numbers on record, by the plan's own allowance.

use std::collections::BTreeMap;

use super::{Audit, Law};
use crate::plan::model::{AllowDowngrade, RingPlan};
use crate::rollout::event::{Recorded, WriteIntent};
use crate::rollout::verdict::{Evidence, Judgement};
use crate::version::{ClientVersion, Environment};

/// So many devices at least, and more than one in so many of those seen in a week, are too many (5 %).
const TOO_MANY: usize = 3;
const ONE_IN: usize = 20;

/// The numbers of one environment.
struct Numbers<'a> {
    to: ClientVersion,
    seen: usize,
    from: &'a BTreeMap<ClientVersion, usize>,
    taken_back: &'a BTreeMap<ClientVersion, usize>,
}

/// A write that offers a ring its targets.
pub(super) fn planned(audit: &mut Audit, plan: &RingPlan, recorded: &Recorded, intent: &WriteIntent) {
    // Logs of older versions have no numbers.
    let Some(moves) = &intent.moves else { return };
    for (environment, target) in &plan.targets {
        match moves.get(environment) {
            Some(moves) => {
                let (to, seen) = (moves.to, moves.seen);
                let numbers = Numbers { to, seen, from: &moves.from, taken_back: &moves.taken_back };
                judge(audit, plan, recorded, (*environment, *target), &numbers);
            }
            None => audit.breach(
                Law::NotDown,
                recorded.seq,
                format!("nobody counted which {environment} devices go down to {target}"),
            ),
        }
    }
}

/// A ring entered without a write.
pub(super) fn in_place(audit: &mut Audit, plan: &RingPlan, recorded: &Recorded, words: &[Judgement]) {
    for word in words {
        let (Evidence::Downgrade(seen), Some(environment)) = (&word.evidence, word.environment) else {
            continue;
        };
        let Some(target) = plan.targets.get(&environment) else { continue };
        let moves = &seen.moves;
        let (to, seen) = (moves.to, moves.seen);
        let numbers = Numbers { to, seen, from: &moves.from, taken_back: &moves.taken_back };
        judge(audit, plan, recorded, (environment, *target), &numbers);
    }
}

fn judge(
    audit: &mut Audit,
    plan: &RingPlan,
    recorded: &Recorded,
    (environment, target): (Environment, ClientVersion),
    numbers: &Numbers<'_>,
) {
    let (law, seq) = (Law::NotDown, recorded.seq);
    audit.require(numbers.to == target, law, seq, || {
        format!("{environment} is counted towards {}, and is offered {target}", numbers.to)
    });
    let allowed = |version: ClientVersion| match &plan.allow_downgrade {
        AllowDowngrade::Nothing => false,
        AllowDowngrade::Any => true,
        AllowDowngrade::From(range) => range.matches(&version.as_semver()),
    };
    let mut unasked = 0;
    for (version, devices) in numbers.from {
        if *version > target && !allowed(*version) {
            unasked += devices - numbers.taken_back.get(version).copied().unwrap_or(0).min(*devices);
        }
    }
    let too_many = unasked >= TOO_MANY && unasked * ONE_IN > numbers.seen;
    audit.require(!too_many, law, seq, || {
        format!(
            "{unasked} of {} {environment} devices are taken down to {target}, and the plan does not allow it",
            numbers.seen
        )
    });
}
