//! Other people at the simulated account.
//!
//! **Invariant:** what they change is changed as a request of ringward would: at an instant, and for every device.

use crate::rollout::record::{Group, VersionEntry};
use crate::simulation::faults::Outsider;
use crate::simulation::upstream::account::Upstream;
use crate::time::Timestamp;

impl Upstream {
    /// Somebody else changes something.
    pub fn outside(&mut self, edit: &Outsider, now: Timestamp) {
        let named = |name: &str| -> Vec<Group> {
            self.groups.values().filter(|group| group.content.name == name).cloned().collect()
        };
        match edit {
            Outsider::SetsVersion(name, environment, version) => {
                for mut group in named(name) {
                    let word = environment.as_str();
                    group.content.versions.retain(|entry| entry.environment.as_deref() != Some(word));
                    let environment = Some(word.to_owned());
                    group.content.versions.push(VersionEntry { environment, version: version.clone() });
                    group.content.versions.sort();
                    self.put(group.id, group.content, now);
                }
            }
            Outsider::SetsProfiles(name, profiles) => {
                for mut group in named(name) {
                    group.content.policies = profiles.clone();
                    self.put(group.id, group.content, now);
                }
            }
            Outsider::Deletes(name) => {
                for group in named(name) {
                    self.delete(&group.id, now);
                }
            }
            Outsider::DeletesProfile(gone) => {
                self.profiles.retain(|profile| profile.id != *gone);
                if let Some(fallback) = self.profiles.iter().find(|profile| profile.is_default) {
                    self.devices.regroup(gone, &fallback.id, now);
                }
            }
            Outsider::Renames(name, new) => {
                for mut group in named(name) {
                    group.content.name = new.clone();
                    self.put(group.id, group.content, now);
                }
            }
            Outsider::Updates { profile, devices, version } => {
                self.devices.update(profile, *devices, *version, now);
            }
            Outsider::Regroups(name, approvers) => {
                self.user_groups.insert(name.clone(), approvers.clone());
            }
            Outsider::Creates(content) => {
                let taken: Vec<Group> = self
                    .groups
                    .values()
                    .filter(|group| !group.content.policies.is_disjoint(&content.policies))
                    .cloned()
                    .collect();
                for mut group in taken {
                    group.content.policies.retain(|policy| !content.policies.contains(policy));
                    self.put(group.id, group.content, now);
                }
                let id = self.next_id();
                self.put(id, content.clone(), now);
            }
        }
    }
}
