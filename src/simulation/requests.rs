//! What the simulated daemon asks of the account: its reads, and its write: the look, the last word, the request, the
//! answer.
//!
//! **Invariant:** what is read shows the account as it was once the read had begun; what is sent is what the engine
//! hands out, at that very instant.

use crate::engine::{LookAnswer, LookOrder, ReadAnswer, ReadFailed};
use crate::rollout::people::command::Command;
use crate::rollout::people::hearing;
use crate::rollout::world::{Observed, Read};
use crate::simulation::daemon::{SimulatedDaemon, WriteStage, desired};
use crate::simulation::fault::SimulationFault;
use crate::simulation::upstream::{GroupWrite, Upstream};
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

    pub(super) fn go_on_writing(&mut self, upstream: &mut Upstream, stops: bool, now: Timestamp) {
        match self.writing.take() {
            Some(WriteStage::Looking { order, done_at }) if done_at <= now => {
                let look = self.look(upstream, &order, now);
                let is_taken = look.is_ok();
                self.engine.handle_look(order.write, order.at, look, now);
                if is_taken {
                    let send_at = after(now, self.pace.clear);
                    self.writing = Some(WriteStage::Clearing { order, send_at });
                }
            }
            Some(WriteStage::Clearing { order, send_at }) if send_at <= now => {
                self.clear(upstream, &order, stops, now);
            }
            Some(WriteStage::Sent { write, ticket, answer_at }) if answer_at <= now => {
                self.engine.handle_outcome(write, upstream.outcome(ticket));
            }
            writing => self.writing = writing,
        }
        self.record_next(now);
    }

    fn look(
        &self,
        upstream: &mut Upstream,
        order: &LookOrder,
        now: Timestamp,
    ) -> Result<LookAnswer, ReadFailed> {
        upstream
            .before_write(after(order.at, self.pace.snapshot_after).min(now))
            .map_err(|(message, come_back_at)| ReadFailed { message, come_back_at })?;
        let answers = order.reads.iter().map(|read| self.ask(upstream, read, (order.at, order.at), now));
        Ok(LookAnswer { answers: answers.collect::<Result<_, _>>()?, doubt: None })
    }

    /// The last word, and the request. `stops`: whether the stop file is there.
    fn clear(&mut self, upstream: &mut Upstream, order: &LookOrder, stops: bool, now: Timestamp) {
        let (files, settles, write) = (&self.files, self.pace.settles, order.write);
        let asked = |plan: &_| desired(files, plan, settles, now);
        match self.engine.poll_send(asked, stops, now) {
            Some(intent) => {
                let group = intent.before.map(|before| before.id);
                let body = GroupWrite { group, content: intent.after };
                let ticket = upstream.send(body, order.at, now, self.pace.apply);
                let answer_at = after(now, self.pace.answer);
                self.writing = Some(WriteStage::Sent { write, ticket, answer_at });
            }
            None if self.record_next(now) => {}
            None => self.fail(SimulationFault::NotPlanned { at: now, write }),
        }
    }
}
