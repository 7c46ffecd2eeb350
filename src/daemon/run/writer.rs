//! The one write: the look before it, the last word, and its outcome.
//!
//! **Invariant:** the last word is asked for after a pass that knew of the look, and an outcome is appended before the
//! next decision.

use crate::daemon::run::driver::Driver;
use crate::daemon::run::error::DaemonError;
use crate::engine::{LookAnswer, ReadFailed};
use crate::failpoint::{self, Point};
use crate::rollout::decide::outcome::SendOutcome;
use crate::rollout::record::WriteId;
use crate::time::Timestamp;

impl Driver {
    /// The fresh look is there: the last word before the request goes out.
    pub(super) fn looked(
        &mut self,
        write: WriteId,
        as_of: Timestamp,
        look: Result<LookAnswer, ReadFailed>,
    ) -> Result<(), DaemonError> {
        let now = self.durable.now();
        for changes in self.durable.engine.handle_look(write, as_of, look, now) {
            self.durable.keep_devices(changes, as_of)?;
        }
        // What the look shows, and what came due meanwhile, may halt: before the last word, not after it.
        self.compare_clocks();
        self.durable.pass()?;
        let (now, stops) = (self.durable.now(), self.durable.stop_file().stops());
        let durable = &mut self.durable;
        if let Some(intent) = durable.engine.poll_send(|plan| durable.files.desired(plan), stops, now) {
            failpoint::reach(Point::LookTaken);
            self.tasks.spawn(self.upstream.clone().send(intent));
        }
        self.durable.append_next()?;
        Ok(())
    }

    pub(super) fn finish(&mut self, write: WriteId, outcome: SendOutcome) -> Result<(), DaemonError> {
        self.durable.engine.handle_outcome(write, outcome);
        self.durable.append_next()?;
        Ok(())
    }
}
