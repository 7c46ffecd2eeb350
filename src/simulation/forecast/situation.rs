//! Where a rollout is when a forecast is made: its state, and a sample of what is known of its devices.
//!
//! **Invariant:** nothing here is newer than the instant of the forecast, and the sample holds at most
//! [`MOST_DEVICES`] devices, spread evenly over each ring and environment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::fleet::{Device, Fleet, NOTIFICATION, RingScope};
use crate::ids::{PlanName, PolicyId, RingName};
use crate::plan::model::Revision;
use crate::rollout::judge::subject;
use crate::rollout::record::{Group, Mode};

use crate::rollout::state::{Phase, RingState, Rollout, State};
use crate::rollout::world::{Desired, Observations};
use crate::schedule::Zone;
use crate::simulation::cast::unasked;
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::version::Environment;

/// So many devices are followed; more would cost time and add little.
pub const MOST_DEVICES: usize = 320;

/// Of one ring and environment, never fewer than this.
const LEAST_OF_ONE: usize = 40;

/// Of one ring and environment, never more than this.
const MOST_OF_ONE: usize = 150;

/// A device that was due for this long and is not there says something about those who stay.
const LONG_DUE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A device that may be moved, and the ring that it is in.
#[derive(Debug, Clone)]
pub(super) struct Sampled {
    pub(super) device: Device,
    pub(super) policy: PolicyId,
    /// The place of its ring in the plan.
    pub(super) ring: usize,
    /// How far it is with its ring's assignment.
    pub(super) way: Way,
}

/// How far a device is with its ring's assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It was never told, or not seen since it was told.
    Ahead,
    /// It was seen since so many days and is not there.
    Due(usize),
    /// It is there.
    There,
}

/// All that a forecast is made from.
#[derive(Debug, Clone)]
pub struct Situation {
    /// The plan.
    pub plan: PlanName,
    /// When it was so.
    pub now: Timestamp,
    pub(super) revision: Revision,
    pub(super) state: State,
    pub(super) world: Observations,
    pub(super) sample: Vec<Sampled>,
    /// Zones by ring.
    pub(super) zones: Vec<Zone>,
    /// Since when the devices are watched.
    pub(super) watched_since: Timestamp,
    /// What devices of rings that were told made of it: after how many days they were there;
    /// `None`: not at all.
    pub(super) learned: Vec<Option<usize>>,
    /// The default profile as devices know it.
    pub(super) default_policy: Option<PolicyId>,
}

/// Why there is nothing to forecast from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoForecast {
    /// The plan has no rollout.
    #[error("plan `{0}` has no rollout yet")]
    NoRollout(PlanName),
    /// It is over.
    #[error("the rollout is {0}: there is nothing to forecast")]
    Over(&'static str),
    /// The account has not been read.
    #[error("devices, groups and profiles have not all been read yet; ask again in a few minutes")]
    Unread,
    /// A fault of ringward itself.
    #[error("a fault in ringward keeps it from looking ahead: {0}")]
    Fault(String),
}

impl Situation {
    /// What a forecast for `plan` needs.
    ///
    /// # Errors
    /// When there is nothing to forecast, or nothing to forecast from.
    pub fn of(
        plan: &PlanName,
        desired: Desired<'_>,
        state: &State,
        world: &Observations,
        now: Timestamp,
    ) -> Result<Self, NoForecast> {
        let known = state.plans.get(plan).ok_or_else(|| NoForecast::NoRollout(plan.clone()))?;
        let rollout = &known.rollout;
        if rollout.phase != Phase::Running {
            return Err(NoForecast::Over(rollout.phase.as_str()));
        }
        let groups = world.groups_now(state).ok_or(NoForecast::Unread)?;
        if world.fleet.full_sweep_at().is_none() || world.profiles.is_none() {
            return Err(NoForecast::Unread);
        }
        let revision = match desired {
            Desired::Present(revision) => unasked(revision),
            _ => unasked(&rollout.revision),
        };
        let scopes: Vec<Option<RingScope>> = rollout
            .rings_with_plans()
            .map(|(ring, ring_plan)| subject::known_scope(ring, ring_plan, world))
            .collect();
        let ours: BTreeSet<_> = scopes.iter().flatten().flat_map(|scope| &scope.policies).cloned().collect();
        let matters = |group: &Group| {
            !group.content.policies.is_disjoint(&ours) || state.groups.contains_key(&group.id)
        };
        let mut state = state.clone();
        state.plans.retain(|name, _| name == plan);
        for known in state.plans.values_mut().map(Arc::make_mut) {
            known.rollout.revision = Arc::new(unasked(&known.rollout.revision));
        }
        let kept = groups.value.into_iter().filter(matters).collect();
        let default_policy = world.fleet.default_policy().cloned();
        let devices = devices(&world.fleet, &scopes, now);
        let world = Observations {
            groups: Some(crate::rollout::world::Observed { value: kept, as_of: now }),
            profiles: world.profiles.clone(),
            ..Observations::default()
        };
        let watched_since = devices.iter().map(|sampled| sampled.device.listed_since).min().unwrap_or(now);
        let learned = learned(rollout, &devices, now);
        Ok(Self {
            plan: plan.clone(),
            now,
            zones: revision.plan.rings.iter().map(|ring| ring.schedule.zone().clone()).collect(),
            revision,
            state,
            world,
            sample: sampled(devices),
            watched_since,
            learned,
            default_policy,
        })
    }

    /// Whether a hold, a stop or observing keeps it from moving, in words.
    pub fn held(&self) -> Option<String> {
        let known = self.state.plans.get(&self.plan)?;
        if let Some(stop) = &self.state.stop {
            return Some(format!("all writes are stopped by {}: {}", stop.actor, stop.reason));
        }
        if let Some(pause) = &known.paused {
            return Some(format!("paused by {}: {}", pause.actor, pause.reason));
        }
        if let Some(halt) = &known.rollout.halted {
            return Some(format!("halted: {}", halt.cause));
        }
        (self.state.mode == Some(Mode::Observe)).then(|| "the daemon is in read-only mode".to_owned())
    }

    /// The present rollout.
    pub(super) fn rollout(&self) -> Option<&Rollout> {
        self.state.plans.get(&self.plan).map(|known| &known.rollout)
    }

    /// How many devices are followed.
    pub fn followed(&self) -> usize {
        self.sample.len()
    }

    /// The rings that are verified, and since when.
    pub(super) fn verified(&self, ring: &RingName) -> Option<Timestamp> {
        let known = self.rollout()?.rings.iter().find(|known| known.name == *ring)?;
        matches!(known.stage, RingState::Verified(_)).then_some(known.since)
    }
}

/// All devices of the rings that a target can move.
fn devices(fleet: &Fleet, scopes: &[Option<RingScope>], now: Timestamp) -> Vec<Sampled> {
    let mut rings = BTreeMap::new();
    for (index, scope) in scopes.iter().enumerate() {
        for policy in scope.iter().flat_map(|scope| &scope.policies) {
            rings.insert(policy, index);
        }
    }
    let of_ring = |device: &Device| {
        let policy = &device.latest.policy.as_ref()?.id;
        let ring = *rings.get(policy)?;
        let scope = scopes.get(ring)?.as_ref()?;
        let environment = device.latest.environment()?;
        let target = scope.targets.get(&environment)?;
        // What two full sweeps did not list is not there to be moved.
        if device.missed_full_sweeps >= 2 {
            return None;
        }
        let way = match scope.assigned_at {
            None => Way::Ahead,
            Some(at) => {
                let progress = device.progress_under(crate::fleet::Assignment { target: *target, at });
                match (progress.arrived_at, progress.first_due_sighting) {
                    (Some(_), _) => Way::There,
                    (None, Some(first)) => Way::Due(days(first, now)),
                    (None, None) => Way::Ahead,
                }
            }
        };
        Some(Sampled { device: device.clone(), policy: policy.clone(), ring, way })
    };
    fleet.devices().filter_map(of_ring).collect()
}

fn days(from: Timestamp, until: Timestamp) -> usize {
    usize::try_from(since(from, until).as_hours() / 24).unwrap_or(0)
}

/// Evenly spread: device IDs say nothing about their devices.
fn sampled(devices: Vec<Sampled>) -> Vec<Sampled> {
    let mut groups: BTreeMap<(usize, Option<Environment>), Vec<Sampled>> = BTreeMap::new();
    for sampled in devices {
        groups.entry((sampled.ring, sampled.device.latest.environment())).or_default().push(sampled);
    }
    let each = (MOST_DEVICES / groups.len().max(1)).clamp(LEAST_OF_ONE, MOST_OF_ONE);
    let few = |group: Vec<Sampled>| {
        let (len, wanted) = (group.len(), group.len().min(each));
        let mut taken = 0;
        group.into_iter().enumerate().filter_map(move |(index, sampled)| {
            let due = (index + 1) * wanted / len.max(1);
            let take = due > taken;
            taken = due;
            take.then_some(sampled)
        })
    };
    groups.into_values().flat_map(few).collect()
}

/// What the devices of rings that were told made of it.
fn learned(rollout: &Rollout, devices: &[Sampled], now: Timestamp) -> Vec<Option<usize>> {
    let told: Vec<Option<Timestamp>> =
        rollout.rings.iter().map(|ring| ring.stage.assigned().map(|assigned| assigned.at)).collect();
    devices
        .iter()
        .filter_map(|sampled| {
            let at = told.get(sampled.ring).copied().flatten()?;
            let progress = sampled.device.progress.filter(|progress| progress.assignment.at == at)?;
            match (progress.arrived_at, progress.first_due_sighting) {
                // It ran the version before it was told: nothing is learned from it.
                (Some(arrived), _) if arrived < at => None,
                (Some(arrived), Some(first)) if arrived > after(first, NOTIFICATION) => {
                    Some(Some(days(first, arrived).max(usize::from(since(first, arrived).as_hours() >= 8))))
                }
                (Some(_), _) => Some(Some(0)),
                (None, Some(first)) if since(first, now) >= LONG_DUE => Some(None),
                (None, _) => None,
            }
        })
        .collect()
}
