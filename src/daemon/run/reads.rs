//! Reads that ended: what they brought is kept, and who waited for it is heard.
//!
//! **Invariant:** an observation is dated by the instant at which it was asked for.

use crate::daemon::run::asking::Sight;
use crate::daemon::run::driver::Driver;
use crate::daemon::run::error::DaemonError;

use crate::cloudflare::ApiError;
use crate::daemon::far_side::ReadResult;
use crate::rollout::world::{Cadence, Observed, Read};
use crate::time::{SignedDuration, Timestamp};
/// Pages of 100 devices that polling may ask for in five minutes: a quarter of the default budget.
const POLLED_PAGES: usize = 150;

impl Driver {
    pub(super) fn read_ended(
        &mut self,
        read: Read,
        as_of: Timestamp,
        result: Result<ReadResult, ApiError>,
    ) -> Result<(), DaemonError> {
        let now = self.engine.now();
        // A person may have confirmed a clock that was behind since.
        let as_of = now.min(as_of);
        let world = &mut self.engine.world;
        let brought = match result {
            Ok(brought) => brought,
            Err(error) => {
                tracing::warn!(read = read.as_str(), %error, "a read failed");
                self.reading.failed(read.clone(), &error, now, &mut world.troubles);
                return match read {
                    Read::Approvers(group) => self.heard(&group, Sight::None),
                    _ => Ok(()),
                };
            }
        };
        self.reading.succeeded(&read, &mut world.troubles);
        match (brought, read) {
            (ReadResult::Groups(value), _) => world.groups = Some(Observed { value, as_of }),
            (ReadResult::Group(value), Read::Group(id)) => {
                world.single_groups.insert(id, Observed { value, as_of });
            }
            (ReadResult::Group(_), _) => {}
            (ReadResult::Profiles(value), _) => world.profiles = Some(Observed { value, as_of }),
            (ReadResult::Approvers(value), Read::Approvers(group)) => {
                world.user_groups.insert(group.clone(), Observed { value, as_of });
                self.heard(&group, Sight::Clear)?;
            }
            (ReadResult::Approvers(_), _) => {}
            (ReadResult::Sweep(mut sweep), _) => {
                sweep.started_at = as_of;
                self.engine.observe_sweep(sweep)?;
                self.engine.world.cadence = cadence(self.engine.world.fleet.devices().count());
            }
        }
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
