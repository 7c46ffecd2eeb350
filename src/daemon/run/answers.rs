//! What comes back from Cloudflare: reads that ended, the look before the one write, and its outcome.
//!
//! **Invariant:** a large fleet is polled so that polling stays inside its share of the request budget. The last word
//! on a write is asked for after a pass that knew of the look, and an outcome is appended before the next decision.

use crate::daemon::run::driver::{DaemonError, Driver, Sight};
use crate::engine::{LookAnswer, ReadAnswer, ReadFailed};
use crate::failpoint::{self, Point};
use crate::rollout::decide::outcome::SendOutcome;
use crate::rollout::record::WriteId;
use crate::rollout::world::{Cadence, Read};
use crate::time::{SignedDuration, Timestamp};

/// Pages of 100 devices that polling may ask for in five minutes: a quarter of the default budget.
const POLLED_PAGES: usize = 150;

impl Driver {
    pub(super) fn read_ended(
        &mut self,
        read: &Read,
        as_of: Timestamp,
        result: Result<ReadAnswer, ReadFailed>,
    ) -> Result<(), DaemonError> {
        let sight = match &result {
            Ok(_) => Sight::Clear,
            Err(ReadFailed { message: error, .. }) => {
                tracing::warn!(read = read.as_str(), %error, "a read failed");
                Sight::None
            }
        };
        let now = self.durable.now();
        if let Some(changes) = self.durable.engine.handle_read(read, as_of, result, now) {
            self.durable.keep_devices(changes, as_of)?;
            let world = &mut self.durable.engine.world;
            world.cadence = cadence(world.fleet.devices().count());
        }
        match read {
            Read::Approvers(group) => self.heard(group, sight),
            _ => Ok(()),
        }
    }

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
        if self.durable.pass()?.is_none() || self.durable.end.is_cancelled() {
            return Ok(());
        }
        let (now, stops) = (self.durable.now(), self.durable.stop_file.stops());
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

/// How often a fleet of this size is polled, so that polling stays inside its share of the budget.
fn cadence(devices: usize) -> Cadence {
    let rounds = devices.div_ceil(100).div_ceil(POLLED_PAGES).max(1);
    let rounds = i32::try_from(rounds).unwrap_or(i32::MAX);
    let poll = Cadence::SHORTEST_POLL.checked_mul(rounds).unwrap_or(SignedDuration::from_hours(24));
    Cadence { poll }
}
