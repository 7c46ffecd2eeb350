//! The simulated daemon's reads: what comes back, and what it makes of it.
//!
//! **Invariant:** an observation is dated by the begin of its read.

use crate::fleet::{Sighting, Sweep, SweepScope};
use crate::rollout::people::hearing;

use crate::rollout::people::command::Command;
use crate::rollout::record::Profiles;
use crate::rollout::world::{Observed, Read, Trouble};
use crate::simulation::daemon::{Backoff, ReadUnderWay, SimulatedDaemon};
use crate::simulation::far_end::FarEnd;
use crate::time::{SignedDuration, Timestamp, after};

/// The wait after a read's first failure; it doubles up to [`LAST_BACKOFF`].
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_mins(1);
const LAST_BACKOFF: SignedDuration = SignedDuration::from_mins(30);

impl SimulatedDaemon {
    /// Takes in what has come back.
    pub(super) fn finish_reads(&mut self, far_end: &mut FarEnd, now: Timestamp) {
        let done = self.reading.iter().filter(|(_, reading)| reading.done_at <= now);
        for read in done.map(|(read, _)| read.clone()).collect::<Vec<_>>() {
            let Some(reading) = self.reading.remove(&read) else { continue };
            let result = self.take_in(far_end, &read, &reading, now);
            self.note(read, result, now);
        }
    }

    fn note(&mut self, read: Read, result: Result<(), String>, now: Timestamp) {
        let Err(message) = result else {
            self.backoff.remove(&read);
            self.world.troubles.remove(&read);
            return;
        };
        let failures = self.backoff.get(&read).map_or(0, |backoff| backoff.failures);
        let wait = (FIRST_BACKOFF * 2_i32.pow(failures.min(10))).min(LAST_BACKOFF);
        self.backoff.insert(read.clone(), Backoff { failures: failures + 1, until: after(now, wait) });
        let trouble =
            self.world.troubles.entry(read).or_insert(Trouble { since: now, message: String::new() });
        trouble.message = message;
    }

    fn take_in(
        &mut self,
        far_end: &mut FarEnd,
        read: &Read,
        reading: &ReadUnderWay,
        now: Timestamp,
    ) -> Result<(), String> {
        let as_of = reading.started_at;
        let seen_at = after(as_of, self.pace.snapshot_after).min(now);
        match (read, &reading.scope) {
            (Read::Groups, _) => {
                let value = far_end.list_groups(seen_at)?;
                self.world.groups = Some(Observed { value, as_of });
            }
            (Read::Group(id), _) => {
                let value = far_end.get_group(id, seen_at)?;
                self.world.single_groups.insert(id.clone(), Observed { value, as_of });
            }
            (Read::Profiles, _) => {
                let value: Profiles = far_end.list_profiles(seen_at)?;
                self.world.profiles = Some(Observed { value, as_of });
            }
            (Read::Approvers(group), _) => {
                let value = far_end.user_group(group, seen_at)?;
                self.world.user_groups.insert(group.clone(), Observed { value, as_of });
            }
            (read, Some(scope)) => {
                let mut devices: Vec<Sighting> = far_end.sweep(read.clone(), scope, seen_at)?;
                if let SweepScope::Profile(policy) = scope {
                    // The filter is new in the contract, so the answer is checked.
                    devices.retain(|device| device.policy.as_ref().is_some_and(|seen| seen.id == *policy));
                }
                let sweep = Sweep { scope: scope.clone(), started_at: as_of, finished_at: now, devices };
                let membership = self.membership(now);
                self.world.fleet.observe(sweep, &membership);
            }
            (Read::FullSweep | Read::IncrementalSweep | Read::ProfileSweep(_), None) => {
                return Err("the sweep has no scope".to_owned());
            }
        }
        Ok(())
    }

    /// Whoever speaks up is looked for among members that are read then; none, where they cannot be.
    pub(super) fn read_before(&mut self, command: &Command, far_end: &mut FarEnd, now: Timestamp) {
        for group in hearing::groups(&self.state, &self.world, command) {
            match far_end.user_group(&group, now) {
                Ok(value) => {
                    self.world.user_groups.insert(group, Observed { value, as_of: now });
                }
                Err(_) => {
                    self.world.user_groups.remove(&group);
                }
            }
        }
    }
}
