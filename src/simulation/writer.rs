//! The simulated daemon's write on its way: the look, the last word, the request, the answer.
//!
//! **Invariant:** what is sent is what the engine hands out, at that very instant.

use crate::engine::{LookAnswer, LookOrder, ReadFailed};
use crate::simulation::daemon::{SimulatedDaemon, WriteStage, desired};
use crate::simulation::fault::SimulationFault;
use crate::simulation::upstream::{GroupWrite, Upstream};
use crate::time::{Timestamp, after};

impl SimulatedDaemon {
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
