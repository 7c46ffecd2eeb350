//! Sweeps: what they changed of the devices is kept in the database, too.
//!
//! **Invariant:** an observation may be lost; a loss only delays.

use crate::daemon::engine::error::EngineError;
use crate::daemon::engine::ledger::DurableEngine;
use crate::failpoint::{self, Point};
use crate::fleet::{Device, SweepChanges};
use crate::store::StoredDevice;
use crate::time::Timestamp;

impl DurableEngine {
    /// Remembers the devices that a sweep changed.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(in crate::daemon) fn keep_devices(
        &mut self,
        observed: SweepChanges,
        swept_at: Timestamp,
    ) -> Result<(), EngineError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let changed = observed.changed.iter().filter_map(|id| self.engine.world.fleet.device(id));
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
