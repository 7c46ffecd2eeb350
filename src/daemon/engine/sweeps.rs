//! Sweeps: what they show of the devices is kept, in memory and in the database.
//!
//! **Invariant:** an observation may be lost; a loss only delays.

use crate::daemon::engine::error::EngineError;
use crate::daemon::engine::ledger::Engine;
use crate::rollout::judge::membership::membership;

use crate::failpoint::{self, Point};
use crate::fleet::{Device, Sweep};

use crate::store::StoredDevice;
use crate::time::Timestamp;
impl Engine {
    /// Takes in a sweep, and remembers the devices it changed.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(in crate::daemon) fn observe_sweep(&mut self, sweep: Sweep) -> Result<(), EngineError> {
        let swept_at = sweep.started_at;
        let membership = membership(&self.state, &self.world, swept_at);
        let observed = self.world.fleet.observe(sweep, &membership);
        let Some(store) = &mut self.store else { return Ok(()) };
        let changed = observed.changed.iter().filter_map(|id| self.world.fleet.device(id));
        let rows: Vec<StoredDevice> = changed.filter_map(|device| stored(device, swept_at)).collect();
        let forgotten: Vec<_> = observed.forgotten.into_iter().collect();
        let saved = store.save_devices(&rows).and_then(|()| {
            failpoint::reach(Point::DevicesSaved);
            store.delete_devices(&forgotten)
        });
        self.after_saving(saved)
    }
}

fn stored(device: &Device, swept_at: Timestamp) -> Option<StoredDevice> {
    let doc = serde_json::to_string(device).ok()?;
    Some(StoredDevice { device: device.latest.id.clone(), doc, swept_at })
}
