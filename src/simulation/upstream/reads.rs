//! What the simulated account answers to reads, with what a script has befall them.
//!
//! **Invariant:** every read is in the journal, whatever became of it.

use std::collections::BTreeSet;

use crate::engine::ReadAnswer;
use crate::fleet::{Sweep, SweepScope};
use crate::rollout::record::{Group, Profiles};
use crate::rollout::world::{Approvers, Read};
use crate::simulation::happening::{Misread, ReadFault};
use crate::simulation::upstream::account::{Call, JournalLine, Upstream};
use crate::time::{Timestamp, after};

impl Upstream {
    fn faults(&self, at: Timestamp) -> impl Iterator<Item = &ReadFault> {
        self.read_faults.iter().filter(move |fault| fault.from <= at && at < fault.until)
    }

    fn misreads(&self, at: Timestamp) -> impl Iterator<Item = &Misread> {
        self.faults(at).map(|fault| &fault.what)
    }

    /// What is answered to a read at an instant; `seen_after`: what the incremental sweep is asked for.
    ///
    /// # Errors
    /// By a scripted fault: a sweep that does not reach its last cursor counts for nothing.
    pub(in crate::simulation) fn read(
        &mut self,
        read: &Read,
        seen_after: Timestamp,
        at: Timestamp,
    ) -> Result<ReadAnswer, String> {
        let (answer, fault) = match read {
            Read::Groups => (ReadAnswer::Groups(self.listed_groups(at)), Misread::Groups),
            Read::Group(id) => {
                (ReadAnswer::Group(id.clone(), self.groups_at(at).remove(id)), Misread::Groups)
            }
            Read::Profiles => {
                let listed = self.profiles.clone();
                (ReadAnswer::Profiles(Profiles { listed }), Misread::Profiles)
            }
            Read::Approvers(name) => {
                let known = self.user_groups.get(name).cloned().unwrap_or(Approvers::Missing);
                (ReadAnswer::Approvers(name.clone(), known), Misread::Approvers)
            }
            Read::FullSweep => (self.swept(SweepScope::Full, at), Misread::Devices),
            Read::IncrementalSweep => (self.swept(SweepScope::SeenAfter(seen_after), at), Misread::Devices),
            Read::ProfileSweep(policy) => {
                (self.swept(SweepScope::Profile(policy.clone()), at), Misread::Devices)
            }
        };
        let answer = match fault {
            known if !self.misreads(at).any(|fault| *fault == known) => Ok(answer),
            Misread::Devices => Err("the list broke off before its last page".to_owned()),
            _ => Err("502 Bad Gateway".to_owned()),
        };
        let words = answer.as_ref().map_or_else(Clone::clone, |_| "200".to_owned());
        let (asked, retargeted) = (Call::Read(read.clone()), None);
        self.journal.push(JournalLine { at, asked, fault: None, applied: None, answer: words, retargeted });
        answer
    }

    /// Whether the read just before a write can be made.
    ///
    /// # Errors
    /// By a scripted fault: what was said, and when to come back.
    pub fn before_write(&self, at: Timestamp) -> Result<(), (String, Option<Timestamp>)> {
        let failed = self.faults(at).find_map(|fault| match fault.what {
            Misread::BeforeWrite => Some(("502 Bad Gateway".to_owned(), None)),
            Misread::BeforeWriteLimited => {
                Some(("Cloudflare asked to slow down".to_owned(), Some(fault.until)))
            }
            _ => None,
        });
        failed.map_or(Ok(()), Err)
    }

    /// The list of groups at an instant.
    fn listed_groups(&self, at: Timestamp) -> Vec<Group> {
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
        groups.filter(|group| !lacking.contains(&group.content.name)).collect()
    }

    /// The devices at an instant.
    fn swept(&self, scope: SweepScope, at: Timestamp) -> ReadAnswer {
        let ignored = self.misreads(at).any(|fault| *fault == Misread::FilterIgnored);
        let mut devices = match &scope {
            SweepScope::Profile(_) if ignored => self.devices.sweep(&SweepScope::Full, at),
            scope => self.devices.sweep(scope, at),
        };
        if let SweepScope::Profile(policy) = &scope {
            // The filter is new in the contract, so the answer is checked.
            devices.retain(|device| device.policy.as_ref().is_some_and(|seen| seen.id == *policy));
        }
        ReadAnswer::Sweep(Sweep { scope, started_at: at, finished_at: at, devices })
    }
}
