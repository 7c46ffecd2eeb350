//! The pass, with what comes before it and after it: stop file, clock, counts of rings and what was seen of devices.
//!
//! **Invariant:** what was decided on a log that was lost on the way is void. An observation may be lost; a loss only
//! delays.

use crate::daemon::engine::ledger::{DurableEngine, EngineError};
use crate::engine::Pass;
use crate::failpoint::{self, Point};
use crate::fleet::{Device, RingScope, SweepChanges};
use crate::ids::RingName;
use crate::rollout::judge::subject;
use crate::rollout::state::Rollout;
use crate::store::{RingSample, StoredDevice};
use crate::time::{SignedDuration, Timestamp, since};

/// Ring counts are kept this often for charts.
const SAMPLE_EVERY: SignedDuration = SignedDuration::from_mins(15);

impl DurableEngine {
    /// Decides for every plan until nothing is to be added. While the log cannot be written it only looks. `None`: the
    /// daemon is to end, and not every plan was come to, so that nothing may follow from it.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    #[must_use = "nothing may follow from a pass that was broken off"]
    pub(crate) fn pass(&mut self) -> Result<Option<Pass>, EngineError> {
        self.look_at_clock()?;
        self.regain_when_due()?;
        let losses = self.losses.count;
        let pass = self.decide_all()?;
        // What was decided on a log that was lost on the way is void.
        if self.losses.count == losses { Ok(pass) } else { self.decide_all() }
    }

    fn decide_all(&mut self) -> Result<Option<Pass>, EngineError> {
        self.obey_stop_file()?;
        self.engine.world.files = self.files.names();
        let behind = self.clock_behind();
        if behind.is_none() && self.engine.world.clock_behind.is_some() {
            self.look_anew();
        }
        self.engine.world.clock_behind = behind;
        self.engine.begin_pass(self.files.plans());
        loop {
            if self.end.is_cancelled() {
                self.engine.break_off_pass();
                return Ok(None);
            }
            if !self.append_next()? {
                break;
            }
        }
        let pass = self.engine.end_pass();
        for (plan, fault) in &pass.faults {
            tracing::error!(%plan, %fault, "a fault in ringward keeps this plan from being decided");
        }
        self.sample_rings();
        self.waits.settle(&self.engine.state, self.now());
        Ok(Some(pass))
    }

    /// Counts are for charts: no decision asks for them, so one that cannot be kept is missing and nothing more.
    fn sample_rings(&mut self) {
        let now = self.now();
        if self.sampled_at.is_some_and(|at| since(at, now) < SAMPLE_EVERY) {
            return;
        }
        self.sampled_at = Some(now);
        let mut samples = Vec::new();
        for plan in self.engine.state.plans.values() {
            for (ring, scope) in self.scopes(&plan.rollout) {
                for (environment, census) in self.engine.world.fleet.census(&scope, now).environments {
                    let Ok(counts) = serde_json::to_string(&census.counts) else { continue };
                    let plan = plan.rollout.id.plan.clone();
                    samples.push(RingSample { plan, ring: ring.clone(), environment, at: now, counts });
                }
            }
        }
        let Some(store) = &mut self.store else { return };
        if let Err(error) = store.add_ring_samples(&samples, now) {
            tracing::warn!(%error, "the counts of rings are not kept");
        }
    }

    /// Remembers the devices that a sweep changed.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(crate) fn keep_devices(
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

    /// The rings of a rollout whose profiles are known.
    pub(crate) fn scopes<'a>(
        &'a self,
        rollout: &'a Rollout,
    ) -> impl Iterator<Item = (RingName, RingScope)> + 'a {
        rollout.rings_with_plans().filter_map(|(ring, plan)| {
            Some((ring.name.clone(), subject::known_scope(ring, plan, &self.engine.world)?))
        })
    }
}

fn stored(device: &Device, swept_at: Timestamp) -> Option<StoredDevice> {
    let doc = serde_json::to_string(device).ok()?;
    Some(StoredDevice { device: device.latest.id.clone(), doc, swept_at })
}
