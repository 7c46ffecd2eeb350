//! What the engine shows: the snapshot after a pass, devices, and what a forecast is made from.
//!
//! **Invariant:** nothing is changed by showing it.

use std::collections::BTreeMap;

use crate::daemon::engine::ledger::DurableEngine;
use crate::daemon::view::{DeviceFilter, RingDevice, View};
use crate::engine::Pass;
use crate::fleet::{Class, Device, Reported};
use crate::ids::PlanName;
use crate::rollout::judge::{health, subject};
use crate::rollout::state::Ring;
use crate::rollout::tell::revision_waits::RevisionWaits;
use crate::rollout::world::Known;
use crate::simulation::forecast::{NoForecast, Situation};
use crate::time::{Stopwatch, Timestamp, since};

impl DurableEngine {
    /// The devices of a plan's rings; `None`: no such plan.
    pub(crate) fn devices(&self, plan: &PlanName, listing: &DeviceFilter) -> Option<Vec<RingDevice>> {
        let now = self.now();
        let (state, world) = (&self.engine.state, &self.engine.world);
        let rollout = &state.plans.get(plan)?.rollout;
        let mut rows = Vec::new();
        for (ring, plan) in rollout.rings_with_plans() {
            let asked_for = listing.ring.as_ref().is_none_or(|name| *name == ring.name);
            let Some(scope) = subject::known_scope(ring, plan, world).filter(|_| asked_for) else { continue };
            let silent = health::silent(subject::Subject { state, rollout, ring, plan, world, now });
            for device in world.fleet.devices() {
                let Some(class) = scope.class(device, now) else { continue };
                let silence = silent.get(&device.latest.id);
                let fits = listing.class.is_none_or(|asked| asked == class)
                    && listing.dark.is_none_or(|asked| asked == silence.is_some());
                if fits {
                    let dark_since = silence.map(|silence| silence.since);
                    rows.push(RingDevice { dark_since, ..device_row(ring, class, device) });
                }
            }
        }
        Some(rows)
    }

    /// What a forecast for a plan is made from.
    ///
    /// # Errors
    /// When there is nothing to forecast.
    pub(crate) fn situation(&self, plan: &PlanName) -> Result<Situation, NoForecast> {
        Situation::of(plan, self.files.desired(plan), &self.engine.state, &self.engine.world, self.now())
    }

    /// What waits of each plan, with the devices that it would move.
    fn waiting(&self) -> BTreeMap<PlanName, RevisionWaits> {
        let state = self.engine.seen_state();
        let known = Known { state: &state, world: &self.engine.world, now: self.now() };
        let of = |plan: &PlanName| RevisionWaits::of(plan, self.files.desired(plan), known);
        state.waiting.keys().filter_map(|plan| Some((plan.clone(), of(plan)?))).collect()
    }

    /// The snapshot after a pass.
    pub(crate) fn view(&self, pass: &Pass, budget_remaining: u32, next_check: Option<Timestamp>) -> View {
        let (state, world) = (&self.engine.state, &self.engine.world);
        View {
            at: self.now(),
            clock: self.watch.clock,
            account: self.account.clone(),
            mode: self.mode,
            stop: self.engine.seen_state().stop.clone(),
            reports: pass.reports.clone(),
            revisions: world.revisions,
            waiting: self.waiting(),
            problems: self.files.problems.clone(),
            faults: pass.faults.iter().map(|(plan, fault)| (plan.clone(), fault.to_string())).collect(),
            troubles: world.troubles.clone().into_iter().collect(),
            head: self.head,
            eras: state.eras.clone(),
            budget_remaining,
            full_sweep_at: world.fleet.full_sweep_at(),
            swept_at: world.fleet.swept_at(),
            next_check,
            tallies: state.tallies.clone(),
            tokens: state.tokens.clone(),
            waits: self.waits.clone(),
            log_unwritable: world.log_unwritable.clone(),
            clock_behind: world.clock_behind.map(|until| (until, since(self.watch.seen, until))),
            second_clock: world.second_clock.clone(),
            ticked_at: None,
            taken: Stopwatch::start(),
        }
    }

    /// After a pass that was broken off: the snapshot before, with what the log says by now of who may come in and whether
    /// writes are stopped.
    pub(crate) fn view_on_the_way(&self, before: &View) -> View {
        let stop = self.engine.seen_state().stop.clone();
        View { stop, tokens: self.engine.state.tokens.clone(), head: self.head, ..before.clone() }
    }
}

fn device_row(ring: &Ring, class: Class, device: &Device) -> RingDevice {
    let latest = &device.latest;
    let accepted = ring.acknowledged.iter().filter(|((gate, _), devices)| {
        devices.get(&latest.id).is_some_and(|at| health::is_accepted(*gate, *at, device))
    });
    RingDevice {
        ring: ring.name.clone(),
        class,
        id: latest.id.clone(),
        name: latest.name.clone(),
        user: latest.user.clone(),
        os: latest.device_type.clone(),
        os_version: latest.os_version.clone(),
        environment: latest.environment(),
        client: match &latest.client {
            Reported::Version(version) => Some(version.to_string()),
            Reported::Unreadable(text) => Some(text.clone()),
            Reported::Null => None,
        },
        last_seen_at: latest.last_seen_at,
        dark_since: None,
        acknowledged: accepted.map(|((gate, _), _)| *gate).collect(),
    }
}
