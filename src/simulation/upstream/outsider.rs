//! Other people at the simulated account.
//!
//! **Invariant:** what they change is changed as a request of ringward would: at an instant, and for every device.

use crate::rollout::record::{GroupContent, VersionEntry};
use crate::simulation::happening::Outsider;
use crate::simulation::upstream::account::Upstream;
use crate::time::Timestamp;

impl Upstream {
    /// Somebody else changes something.
    pub fn outside(&mut self, edit: &Outsider, now: Timestamp) {
        let named = |name: &'_ String| {
            let name = name.clone();
            move |content: &GroupContent| content.name == name
        };
        match edit {
            Outsider::SetsVersion(name, environment, version) => self.change(named(name), now, |content| {
                let word = environment.as_str();
                content.versions.retain(|entry| entry.environment.as_deref() != Some(word));
                let environment = Some(word.to_owned());
                content.versions.push(VersionEntry { environment, version: version.clone() });
                content.versions.sort();
            }),
            Outsider::SetsProfiles(name, profiles) => {
                self.change(named(name), now, |content| content.policies.clone_from(profiles));
            }
            Outsider::Renames(name, new) => {
                self.change(named(name), now, |content| content.name.clone_from(new));
            }
            Outsider::Deletes(name) => {
                let meant = self.groups.values().filter(|group| group.content.name == *name);
                for id in meant.map(|group| group.id.clone()).collect::<Vec<_>>() {
                    self.delete(id, now);
                }
            }
            Outsider::DeletesProfile(gone) => {
                self.profiles.retain(|profile| profile.id != *gone);
                if let Some(fallback) = self.profiles.iter().find(|profile| profile.is_default) {
                    self.devices.regroup(gone, &fallback.id, now);
                }
            }
            Outsider::Updates { profile, devices, version } => {
                self.devices.update(profile, *devices, *version, now);
            }
            Outsider::Regroups(name, approvers) => {
                self.user_groups.insert(name.clone(), approvers.clone());
            }
            Outsider::Creates(content) => {
                let shares = |known: &GroupContent| !known.policies.is_disjoint(&content.policies);
                self.change(shares, now, |known| {
                    known.policies.retain(|policy| !content.policies.contains(policy));
                });
                let id = self.next_id();
                self.put(id, content.clone(), now);
            }
        }
    }
}
