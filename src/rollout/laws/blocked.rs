//! Held out until released: what a rollback took away is not offered there again before a person released it.
//!
//! **Invariant:** what ringward offers, or goes on with, is nothing that is blocked.

use super::case::Case;
use super::ledger::LedgerBlockedVersion;
use crate::rollout::record::{Drift, Event, Purpose, VersionEntry};

pub(super) fn check(case: &Case<'_>) {
    let content = match case.event {
        // What only takes profiles out offers nothing, and what is put back is offered what it was.
        Event::WritePlanned { intent, .. } if intent.purpose.is_of_another_group() => return,
        Event::WritePlanned { intent, .. } => &intent.after,
        Event::RingAssigned { group, .. }
        | Event::RingRecognised { group, .. }
        | Event::RollbackInPlace { group, .. } => &group.content,
        Event::DriftAdopted { drift: Drift::Group(drift) } => match &drift.seen {
            Some(seen) => &seen.content,
            None => return,
        },
        _ => return,
    };
    let known = |named: &str| named == "windows" || named == "macos";
    // What goes back leaves the other environment as it finds it, whoever made it so.
    let found = match case.event {
        Event::WritePlanned { intent, .. } if matches!(intent.purpose, Purpose::Rollback { .. }) => {
            intent.before.as_ref().map(|group| &group.content)
        }
        _ => None,
    };
    for blocked in &case.ledger.blocked {
        let is_offered = |entry: &VersionEntry| {
            let named = entry.environment.as_deref();
            let meant = named.is_none_or(|named| named == blocked.environment.as_str() || !known(named));
            let was_there = found.is_some_and(|found| {
                found.policies.contains(blocked.policy) && found.versions.contains(entry)
            });
            meant && entry.version == blocked.version.to_string() && !was_there
        };
        let LedgerBlockedVersion { environment, version, policy, plan } = blocked;
        let offered = content.policies.contains(policy) && content.versions.iter().any(is_offered);
        case.require(!offered, || {
            format!("{environment} {version} is offered to profile {policy}, and blocked for it by a rollback of {plan}")
        });
    }
}
