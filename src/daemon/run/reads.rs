//! Reads that ended: what they brought is kept, and who waited for it is heard.
//!
//! **Invariant:** a large fleet is polled so that polling stays inside its share of the request budget.

use crate::daemon::run::asking::Sight;
use crate::daemon::run::driver::Driver;
use crate::daemon::run::error::DaemonError;
use crate::engine::{ReadAnswer, ReadFailed};
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
}

/// How often a fleet of this size is polled, so that polling stays inside its share of the budget.
fn cadence(devices: usize) -> Cadence {
    let rounds = devices.div_ceil(100).div_ceil(POLLED_PAGES).max(1);
    let rounds = i32::try_from(rounds).unwrap_or(i32::MAX);
    let poll = Cadence::SHORTEST_POLL.checked_mul(rounds).unwrap_or(SignedDuration::from_hours(24));
    Cadence { poll }
}
