//! The loop: select one input, change state, decide, start effects, publish the snapshot.
//!
//! **Invariant:** the instant of all that an input leads to is that of one look at the clock.

use crate::daemon::run::driver::{AfterLook, DaemonError, Driver, Sight};
use crate::daemon::run::inputs::{Input, Inputs, PASS_EVERY, left_of};
use std::time::Duration;

use crate::daemon::engine::EngineError;
use crate::daemon::plans_reader::Looked;
use crate::daemon::upstream::TaskReport;
use crate::daemon::view::{Asking, CommandError, DaemonRequest, MAX_WAITING};
use crate::failpoint::{self, Point};
use crate::rollout::people::command::Command;
use crate::time::Stopwatch;
/// How long a graceful end waits for the answer to a write, in wall time. A write that has none
/// by then is in doubt, and the next daemon settles it.
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(20);

impl Driver {
    pub(super) async fn run(mut self, mut inputs: Inputs) -> Result<(), DaemonError> {
        let mut sleep = self.pass()?;
        loop {
            let left = left_of(sleep, self.passed.seconds());
            self.durable.let_clock_run(left);
            let input = inputs.next(left).await;
            // The instant of all that the input leads to.
            self.durable.look_at_clock()?;
            let changed = match input {
                Input::End => break,
                Input::Timer => {
                    // Without ticks nobody else would look.
                    self.look_at_files_when_due();
                    true
                }
                Input::Tick => self.tick()?,
                Input::Request(request) => self.request(request)?,
                Input::Looked(looked) => self.looked_at_files(looked)?,
                Input::Seen(seen) => {
                    self.seen(seen)?;
                    true
                }
            };
            if changed || self.passed.seconds() >= PASS_EVERY {
                sleep = self.pass()?;
            }
        }
        self.end(inputs).await
    }

    /// A tick: looks at the stop file and, now and then, has the files looked at.
    pub(super) fn tick(&mut self) -> Result<bool, DaemonError> {
        self.ticked_at = Some(self.durable.now());
        self.durable.verify_when_due()?;
        self.look_at_files_when_due();
        let stop_moved = self.durable.stop_file.is_there() != self.durable.engine.is_stopped();
        Ok(stop_moved | self.durable.is_regain_due())
    }

    /// The files were looked at: whoever waited for it is answered. Says whether to decide anew.
    pub(super) fn looked_at_files(&mut self, looked: Looked) -> Result<bool, DaemonError> {
        self.plans.arrived();
        let Looked { number, began, look } = looked;
        tracing::debug!(number, seconds = began.seconds(), "the plans directory was looked at");
        let mut changed = self.durable.take_look(look);
        let (ready, later) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(asked, _)| *asked <= number);
        self.waiting = later;
        for (_, waiting) in ready {
            changed = true;
            match waiting {
                AfterLook::Pass => {}
                AfterLook::Verb(asking) => self.carry_out(*asking, Sight::Clear)?,
            }
        }
        Ok(changed)
    }

    /// Puts a verb off until the files were looked at.
    pub(super) fn after_a_look(&mut self, asking: Asking) {
        if self.waiting.len() >= MAX_WAITING {
            let full = CommandError::Unavailable("too many people ask at once");
            let _ = asking.reply.send(Err(full));
            return;
        }
        let look = self.ask_for_a_look();
        self.waiting.push((look, AfterLook::Verb(Box::new(asking))));
    }

    pub(super) fn request(&mut self, request: DaemonRequest) -> Result<bool, DaemonError> {
        match request {
            DaemonRequest::LookNow => {
                let look = self.ask_for_a_look();
                let is_new = |(asked, waiting): &(u64, AfterLook)| {
                    *asked != look || !matches!(waiting, AfterLook::Pass)
                };
                if self.waiting.iter().all(is_new) {
                    self.waiting.push((look, AfterLook::Pass));
                }
                // The stop file is the loop's own to look at.
                Ok(self.durable.stop_file.is_there() != self.durable.engine.is_stopped())
            }
            DaemonRequest::Look { actor, command, reply } => {
                // Who asked may have gone away.
                let _ = reply.send(self.durable.look(&actor, &command)?);
                Ok(false)
            }
            DaemonRequest::Devices { plan, listing, reply } => {
                // Who asked may have gone away.
                let _ = reply.send(self.durable.devices(&plan, &listing));
                Ok(false)
            }
            DaemonRequest::Situation { plan, reply } => {
                let _ = reply.send(self.durable.situation(&plan).map(Box::new));
                Ok(false)
            }
            DaemonRequest::Tell { actor, reason, told, reply } => {
                let answer = self.durable.tell(&actor, &reason, told)?;
                // The snapshot first: who comes in is judged by it.
                self.pass()?;
                let _ = reply.send(answer);
                Ok(true)
            }
            DaemonRequest::Command(asking) => {
                if matches!(asking.command, Command::CheckNow(_)) {
                    self.after_a_look(asking);
                    return Ok(false);
                }
                if let Some((asking, sight)) = self.put_off(asking) {
                    self.carry_out(asking, sight)?;
                }
                Ok(true)
            }
        }
    }

    pub(super) fn seen(&mut self, seen: TaskReport) -> Result<(), DaemonError> {
        match seen {
            TaskReport::Read { read, as_of, result } => self.read_ended(&read, as_of, result)?,
            TaskReport::Looked { write, as_of, look } => self.looked(write, as_of, look)?,
            TaskReport::Sent { write, outcome } => self.finish(write, outcome)?,
            TaskReport::Time => self.heard_time()?,
        }
        Ok(())
    }

    /// Waits for the answer of a write under way, then closes the log.
    pub(super) async fn end(mut self, mut inputs: Inputs) -> Result<(), DaemonError> {
        // What is still being looked at is not sent, and is not going to be.
        self.durable.engine.handle_end();
        self.durable.append_next()?;
        if self.durable.engine.is_sent() {
            tracing::info!("waiting for the answer of the write under way");
            failpoint::reach(Point::EndAwaitsAnswer);
        }
        let last = Stopwatch::start();
        while self.durable.engine.is_sent() && last.seconds() < LAST_ANSWER_WITHIN.as_secs_f64() {
            let left = LAST_ANSWER_WITHIN.saturating_sub(Duration::from_secs_f64(last.seconds()));
            match tokio::time::timeout(left, inputs.seen.recv()).await {
                Ok(Some(TaskReport::Sent { write, outcome })) => {
                    self.durable.look_at_clock()?;
                    self.finish(write, outcome)?;
                }
                Ok(Some(TaskReport::Read { .. } | TaskReport::Looked { .. } | TaskReport::Time)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        failpoint::reach(Point::EndBegun);
        self.durable.close().map_err(EngineError::from)?;
        Ok(())
    }
}
