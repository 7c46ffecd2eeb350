//! What the simulated account answers to reads, with what a script has befall them.
//!
//! **Invariant:** every read is in the journal, whatever became of it.

use std::collections::BTreeSet;

use crate::engine::ReadAnswer;
use crate::fleet::{ListedDevice, Sweep, SweepScope};
use crate::ids::{GroupId, UserGroupName};
use crate::rollout::record::{Group, Profiles};
use crate::rollout::world::{Approvers, Read};
use crate::simulation::faults::{Misread, ReadFault};
use crate::simulation::upstream::account::Upstream;
use crate::simulation::upstream::journal::{Call, JournalLine};
use crate::time::{Timestamp, after};

impl Upstream {
    fn misreads(&self, at: Timestamp) -> impl Iterator<Item = &Misread> {
        let on = move |fault: &&ReadFault| fault.from <= at && at < fault.until;
        self.read_faults.iter().filter(on).map(|fault| &fault.what)
    }

    fn noted<T>(&mut self, read: Read, at: Timestamp, answer: Result<T, String>) -> Result<T, String> {
        let words = answer.as_ref().map_or_else(Clone::clone, |_| "200".to_owned());
        let asked = Call::Read(read);
        self.journal.push(JournalLine {
            at,
            asked,
            fault: None,
            applied: None,
            answer: words,
            retargeted: None,
        });
        answer
    }

    fn fails(&self, at: Timestamp, what: &Misread, message: &str) -> Result<(), String> {
        if self.misreads(at).any(|fault| fault == what) { Err(message.to_owned()) } else { Ok(()) }
    }

    /// What is answered to a read at an instant; `seen_after`: what the incremental sweep is asked for.
    ///
    /// # Errors
    /// By a scripted fault.
    pub(in crate::simulation) fn read(
        &mut self,
        read: &Read,
        seen_after: Timestamp,
        at: Timestamp,
    ) -> Result<ReadAnswer, String> {
        let scope = match read {
            Read::Groups => return self.list_groups(at).map(ReadAnswer::Groups),
            Read::Group(id) => {
                return self.get_group(id, at).map(|group| ReadAnswer::Group(id.clone(), group));
            }
            Read::Profiles => return self.list_profiles(at).map(ReadAnswer::Profiles),
            Read::Approvers(name) => {
                return self.user_group(name, at).map(|group| ReadAnswer::Approvers(name.clone(), group));
            }
            Read::FullSweep => SweepScope::Full,
            Read::IncrementalSweep => SweepScope::SeenAfter(seen_after),
            Read::ProfileSweep(policy) => SweepScope::Profile(policy.clone()),
        };
        let mut devices = self.sweep(read.clone(), &scope, at)?;
        if let SweepScope::Profile(policy) = &scope {
            // The filter is new in the contract, so the answer is checked.
            devices.retain(|device| device.policy.as_ref().is_some_and(|seen| seen.id == *policy));
        }
        Ok(ReadAnswer::Sweep(Sweep { scope, started_at: at, finished_at: at, devices }))
    }

    /// Whether the read just before a write can be made.
    ///
    /// # Errors
    /// By a scripted fault: what was said, and when to come back.
    pub fn before_write(&self, at: Timestamp) -> Result<(), (String, Option<Timestamp>)> {
        let on = self.read_faults.iter().filter(|fault| fault.from <= at && at < fault.until);
        for fault in on {
            match fault.what {
                Misread::BeforeWrite => return Err(("502 Bad Gateway".to_owned(), None)),
                Misread::BeforeWriteLimited => {
                    return Err(("Cloudflare asked to slow down".to_owned(), Some(fault.until)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The list of groups as answered at an instant.
    ///
    /// # Errors
    /// By a scripted fault.
    fn list_groups(&mut self, at: Timestamp) -> Result<Vec<Group>, String> {
        let mut seen_at = at;
        let mut lacking = BTreeSet::new();
        for fault in self.misreads(at) {
            match fault {
                Misread::ListLags(by) => seen_at = after(at, -*by),
                Misread::ListLacks(name) => {
                    lacking.insert(name.clone());
                }
                _ => {}
            }
        }
        let groups = self.groups_at(seen_at).into_values();
        let listed = groups.filter(|group| !lacking.contains(&group.content.name)).collect();
        let answer = self.fails(at, &Misread::Groups, "502 Bad Gateway").map(|()| listed);
        self.noted(Read::Groups, at, answer)
    }

    /// One group as answered at an instant; `None`: 404.
    ///
    /// # Errors
    /// By a scripted fault.
    fn get_group(&mut self, id: &GroupId, at: Timestamp) -> Result<Option<Group>, String> {
        let group = self.groups_at(at).remove(id);
        let answer = self.fails(at, &Misread::Groups, "502 Bad Gateway").map(|()| group);
        self.noted(Read::Group(id.clone()), at, answer)
    }

    /// The profiles as answered at an instant.
    ///
    /// # Errors
    /// By a scripted fault.
    fn list_profiles(&mut self, at: Timestamp) -> Result<Profiles, String> {
        let profiles = Profiles { listed: self.profiles.clone() };
        let answer = self.fails(at, &Misread::Profiles, "502 Bad Gateway").map(|()| profiles);
        self.noted(Read::Profiles, at, answer)
    }

    /// A User Group as answered at an instant.
    ///
    /// # Errors
    /// By a scripted fault.
    pub fn user_group(&mut self, name: &UserGroupName, at: Timestamp) -> Result<Approvers, String> {
        let known = self.user_groups.get(name).cloned().unwrap_or(Approvers::Missing);
        let answer = self.fails(at, &Misread::Approvers, "502 Bad Gateway").map(|()| known);
        self.noted(Read::Approvers(name.clone()), at, answer)
    }

    /// The devices as answered at an instant.
    ///
    /// # Errors
    /// By a scripted fault: a sweep that does not reach its last cursor counts for nothing.
    fn sweep(&mut self, read: Read, scope: &SweepScope, at: Timestamp) -> Result<Vec<ListedDevice>, String> {
        let ignored = self.misreads(at).any(|fault| *fault == Misread::FilterIgnored);
        let scope = match scope {
            SweepScope::Profile(_) if ignored => &SweepScope::Full,
            scope => scope,
        };
        let listed = self.devices.sweep(scope, at);
        let cut = "the list broke off before its last page";
        let answer = self.fails(at, &Misread::Devices, cut).map(|()| listed);
        self.noted(read, at, answer)
    }
}
