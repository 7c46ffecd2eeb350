//! The simulated daemon's reads: what comes back, and when.
//!
//! **Invariant:** what is read shows the account as it was once the read had begun.

use crate::engine::{ReadAnswer, ReadFailed};
use crate::rollout::people::command::Command;
use crate::rollout::people::hearing;
use crate::rollout::world::{Observed, Read};
use crate::simulation::daemon::SimulatedDaemon;
use crate::simulation::upstream::Upstream;
use crate::time::{Timestamp, after};

impl SimulatedDaemon {
    /// Takes in what has come back.
    pub(super) fn finish_reads(&mut self, upstream: &mut Upstream, now: Timestamp) {
        let done = self.reading.iter().filter(|(_, (_, done_at))| *done_at <= now);
        for read in done.map(|(read, _)| read.clone()).collect::<Vec<_>>() {
            let Some((order, _)) = self.reading.remove(&read) else { continue };
            let result = self.ask(upstream, &read, (order.at, order.seen_after), now);
            self.engine.handle_read(&read, order.at, result, now);
        }
    }

    /// What the account answers to a read that was begun at an instant.
    pub(super) fn ask(
        &self,
        upstream: &mut Upstream,
        read: &Read,
        (begun_at, seen_after): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<ReadAnswer, ReadFailed> {
        let seen_at = after(begun_at, self.pace.snapshot_after).min(now);
        let answer = upstream.read(read, seen_after, seen_at);
        answer.map_err(|message| ReadFailed { message, come_back_at: None })
    }

    /// Whoever speaks up is looked for among members that are read then; none, where they cannot be.
    pub(super) fn read_before(&mut self, command: &Command, upstream: &mut Upstream, now: Timestamp) {
        let world = &mut self.engine.world;
        for group in hearing::groups(&self.engine.state, world, command) {
            world.user_groups.remove(&group);
            if let Ok(ReadAnswer::Approvers(group, value)) = upstream.read(&Read::Approvers(group), now, now)
            {
                world.user_groups.insert(group, Observed { value, as_of: now });
            }
        }
    }
}
