//! What was read is taken in: by a read that was due, and by the look before a write, in the same way.
//!
//! **Invariant:** an observation is dated by the instant at which it was ordered.

use crate::engine::orders::{ReadAnswer, ReadFailed, ReadOrder};
use crate::engine::owner::Engine;
use crate::fleet::{SWEEP_OVERLAP, SweepChanges};
use crate::rollout::judge::membership::membership;
use crate::rollout::world::{Observed, Read};
use crate::time::{Timestamp, after};

impl Engine {
    /// The reads that are due; they count as under way from here on.
    pub fn poll_reads(&mut self, now: Timestamp) -> Vec<ReadOrder> {
        self.poll_reads_by(now, |_, at| at)
    }

    /// The same for whoever looks by a grid of its own: `due` says when a read is due that is wanted at an instant.
    pub fn poll_reads_by(
        &mut self,
        now: Timestamp,
        due: impl Fn(&Read, Timestamp) -> Timestamp,
    ) -> Vec<ReadOrder> {
        let seen_after = after(self.world.fleet.swept_at().unwrap_or(now), -SWEEP_OVERLAP);
        let due = self.reads.start_due(now, due).into_iter();
        due.map(|read| ReadOrder { read, seen_after, at: now }).collect()
    }

    /// A read ended that was ordered at `as_of`. Of a sweep: what changed of the devices.
    pub fn handle_read(
        &mut self,
        read: &Read,
        as_of: Timestamp,
        result: Result<ReadAnswer, ReadFailed>,
        now: Timestamp,
    ) -> Option<SweepChanges> {
        match result {
            Ok(answer) => {
                self.reads.succeeded(read, &mut self.world.troubles);
                self.take_in(answer, as_of, now)
            }
            Err(failed) => {
                self.reads.failed(read.clone(), failed, now, &mut self.world.troubles);
                None
            }
        }
    }

    pub(super) fn take_in(
        &mut self,
        answer: ReadAnswer,
        as_of: Timestamp,
        now: Timestamp,
    ) -> Option<SweepChanges> {
        // A person may have confirmed a clock that was behind since.
        let as_of = now.min(as_of);
        let world = &mut self.world;
        match answer {
            ReadAnswer::Groups(value) => world.groups = Some(Observed { value, as_of }),
            ReadAnswer::Group(id, value) => {
                world.single_groups.insert(id, Observed { value, as_of });
            }
            ReadAnswer::Profiles(value) => world.profiles = Some(Observed { value, as_of }),
            ReadAnswer::Approvers(group, value) => {
                world.user_groups.insert(group, Observed { value, as_of });
            }
            ReadAnswer::Sweep(mut sweep) => {
                sweep.started_at = as_of;
                let membership = membership(&self.state, world, as_of);
                return Some(world.fleet.observe(sweep, &membership));
            }
        }
        None
    }
}
