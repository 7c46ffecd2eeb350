//! The blast limit's own count: how many devices a write offers something else.
//!
//! It is the second of two guards. The planner counts what it remembers of the fleet; this one counts
//! devices that Cloudflare listed for it just before the write, by rules of its own.
//!
//! **Invariant:** nothing here asks the fleet, its census or the gates, so a fault there cannot let
//! a large write through.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::fleet::{ListedDevice, Reported};
use crate::ids::{DeviceId, PolicyId};
use crate::rollout::record::{GroupContent, WriteIntent};
use crate::version::Environment;

/// The profiles whose devices are offered something else by a write: all others need no look.
pub fn profiles(intent: &WriteIntent) -> BTreeSet<PolicyId> {
    let before = intent.before.iter().flat_map(|group| &group.content.policies);
    let touched = |policy: &&PolicyId| {
        Environment::ALL.into_iter().any(|environment| is_offered_else(intent, policy, environment))
    };
    before.chain(&intent.after.policies).filter(touched).cloned().collect()
}

/// How many of the listed devices a write offers something else, each counted once. A device below
/// 2026.6 ignores assignments and does not count; one whose version cannot be read does.
pub fn count<'a>(intent: &WriteIntent, listed: impl IntoIterator<Item = &'a ListedDevice>) -> usize {
    let is_touched = |device: &&ListedDevice| {
        let moves = match &device.client {
            Reported::Version(version) => version.follows_assignments(),
            Reported::Unreadable(_) | Reported::Null => true,
        };
        let place = device.environment().zip(device.policy.as_ref());
        moves && place.is_some_and(|(environment, policy)| is_offered_else(intent, &policy.id, environment))
    };
    let touched: BTreeSet<&DeviceId> =
        listed.into_iter().filter(is_touched).map(|device| &device.id).collect();
    touched.len()
}

fn is_offered_else(intent: &WriteIntent, policy: &PolicyId, environment: Environment) -> bool {
    let before = intent.before.as_ref().map(|group| offers(&group.content, policy, environment));
    before.unwrap_or_default() != offers(&intent.after, policy, environment)
}

/// The versions that a group offers to a profile's devices of an environment. An entry without a
/// known environment may be meant for any (cloudflare.md#version-entries), so it counts for each.
fn offers<'a>(group: &'a GroupContent, policy: &PolicyId, environment: Environment) -> BTreeSet<&'a str> {
    if !group.policies.contains(policy) {
        return BTreeSet::new();
    }
    let is_for = |named: &str| named == environment.as_str();
    let is_known = |named: &str| Environment::ALL.iter().any(|known| known.as_str() == named);
    let entries = group.versions.iter();
    let may_be_meant = entries.filter(|entry| match entry.environment.as_deref() {
        Some(named) => is_for(named) || !is_known(named),
        None => true,
    });
    may_be_meant.map(|entry| entry.version.as_str()).collect()
}
