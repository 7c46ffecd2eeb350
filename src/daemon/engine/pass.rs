//! The pass: every plan is decided from full state, and what that adds is recorded.
//!
//! **Invariant:** what was decided on a log that was lost on the way is void.

use crate::daemon::engine::error::EngineError;
use crate::daemon::engine::ledger::Engine;
use crate::rollout::judge::subject;

use crate::fleet::RingScope;
use crate::ids::{PlanName, RingName};
use crate::rollout::record::WriteIntent;
use crate::rollout::tell::decision::{Decision, decide, look};

use crate::rollout::state::Rollout;
use crate::rollout::tell::report::Report;
use crate::rollout::world::Want;
use crate::store::RingSample;
use crate::time::{SignedDuration, Timestamp, since};
/// Ring counts are kept this often for charts.
const SAMPLE_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// What a pass comes to.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Pass {
    /// What to read, and when.
    pub(in crate::daemon) reads: Vec<Want>,
    /// When to decide again at the latest.
    pub(in crate::daemon) wake_at: Option<Timestamp>,
    /// A write that is planned and neither sent nor in doubt.
    pub(in crate::daemon) write: Option<(PlanName, WriteIntent)>,
    pub(in crate::daemon) reports: Vec<Report>,
    pub(in crate::daemon) faults: Vec<(PlanName, String)>,
}

impl Pass {
    /// What one plan's rollout wants to see.
    pub(in crate::daemon) fn wanted_by(&self, plan: &PlanName) -> Vec<Want> {
        let of_plan = self.reports.iter().filter(|report| report.id.plan == *plan);
        of_plan.flat_map(|report| &report.reads).cloned().collect()
    }
}

impl Engine {
    /// Decides for every plan until nothing is to be added. While the log cannot be written it only looks.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(in crate::daemon) fn pass(&mut self) -> Result<Pass, EngineError> {
        self.look_at_clock()?;
        self.regain_when_due()?;
        let losses = self.losses.count;
        let pass = self.decide_all()?;
        // What was decided on a log that was lost on the way is void.
        if self.losses.count == losses { Ok(pass) } else { self.decide_all() }
    }

    fn decide_all(&mut self) -> Result<Pass, EngineError> {
        self.obey_stop_file()?;
        self.world.files = self.files.names();
        let behind = self.clock_behind();
        if behind.is_none() && self.world.clock_behind.is_some() {
            self.look_anew();
        }
        self.world.clock_behind = behind;
        let now = self.now();
        let mut plans: Vec<PlanName> = self.state.plans.keys().cloned().collect();
        plans.extend(self.files.plans().filter(|plan| !self.state.plans.contains_key(*plan)).cloned());
        let mut pass = Pass::default();
        for plan in plans {
            let desired = self.files.desired(&plan);
            let decided = if self.is_lost() {
                Ok(look(&plan, desired, &self.seen_state(), &self.world, now))
            } else {
                decide(&plan, desired, &self.state, &self.world, now)
            };
            match decided {
                Ok(Decision { entries, report, reads, wake_at }) => {
                    self.append(entries, now)?;
                    pass.reads.extend(reads);
                    pass.wake_at = [pass.wake_at, wake_at].into_iter().flatten().min();
                    pass.reports.extend(report);
                }
                Err(fault) => {
                    tracing::error!(%plan, %fault, "a fault in ringward keeps this plan from being decided");
                    pass.faults.push((plan, fault.to_string()));
                }
            }
        }
        // A plan that goes on under another name was told of under the old one.
        pass.reports.retain(|report| self.state.plans.contains_key(&report.id.plan));
        let unsent = self.state.pending_write().filter(|(_, _, write)| write.doubt.is_none());
        let unsent = unsent.filter(|_| !self.is_lost());
        pass.write = unsent.map(|(rollout, _, write)| (rollout.id.plan.clone(), write.intent.clone()));
        self.sample_rings();
        self.waits.settle(&self.state, now);
        Ok(pass)
    }

    /// Counts are for charts: no decision asks for them, so one that cannot be kept is missing and nothing more.
    fn sample_rings(&mut self) {
        let now = self.now();
        if self.sampled_at.is_some_and(|at| since(at, now) < SAMPLE_EVERY) {
            return;
        }
        self.sampled_at = Some(now);
        let mut samples = Vec::new();
        for plan in self.state.plans.values() {
            for (ring, scope) in self.scopes(&plan.rollout) {
                for (environment, census) in self.world.fleet.census(&scope, now).environments {
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

    /// The rings of a rollout whose profiles are known.
    pub(in crate::daemon) fn scopes<'a>(
        &'a self,
        rollout: &'a Rollout,
    ) -> impl Iterator<Item = (RingName, RingScope)> + 'a {
        rollout.rings_with_plans().filter_map(|(ring, plan)| {
            Some((ring.name.clone(), subject::known_scope(ring, plan, &self.world)?))
        })
    }
}
