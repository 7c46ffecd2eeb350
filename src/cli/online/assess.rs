//! Plans judged by what the account has. Pure.
//!
//! **Invariant:** what was not read is not judged: a finding never rests on something missing from
//! the look.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::online::finding::{CheckFinding, Code};
use crate::cli::online::groups::{Ahead, GroupOutlook};
use crate::cli::online::profiles::look_up;
use crate::cli::online::report::{PlanReport, RingAssessment};
use crate::cli::online::sizes::{RingSizes, one_in};
use crate::cli::online::{approvers, devices, plan_in_account::PlanInAccount};
use crate::cli::{account::AccountLook, online::power::power};
use crate::ids::{AccountId, PolicyId};
use crate::plan::model::{DeviceLimit, Plan};
use crate::plan::{PathStep, Spots};
use crate::{rollout::state::State, version::Environment};

/// Judges plans, in the order in which a daemon would come to them.
pub(crate) struct AccountJudge<'a> {
    account: &'a AccountId,
    look: &'a AccountLook,
    ahead: Option<Ahead>,
    planned: BTreeSet<PolicyId>,
    /// `guard.devices_per_day` of the configuration beside the plans.
    guard: Option<DeviceLimit>,
}

impl<'a> AccountJudge<'a> {
    /// A judge of plans for an account; `state` knows which groups are ringward's.
    pub(crate) fn new(account: &'a AccountId, look: &'a AccountLook, state: State) -> Self {
        let world = &look.world;
        let ahead = match (&world.groups, &world.profiles) {
            (Some(groups), Some(profiles)) => Some(Ahead::new(state, groups.value.clone(), &profiles.value)),
            _ => None,
        };
        Self { account, look, ahead, planned: BTreeSet::new(), guard: None }
    }

    /// With the most devices that all plans may move in a day.
    #[must_use = "it returns the changed one"]
    pub(crate) fn guarded_by(self, guard: Option<DeviceLimit>) -> Self {
        Self { guard, ..self }
    }

    /// Judges a plan.
    pub(crate) fn plan(&mut self, file: &str, plan: &Plan, bytes: &[u8]) -> PlanReport {
        let look = self.look;
        let of = PlanInAccount { plan, spots: Spots::of(bytes), world: &look.world, now: look.at };
        let mut findings = Vec::new();
        if let Some(pin) = plan.account.as_ref().filter(|pin| *pin != self.account) {
            let problem = format!("the plan is for account {pin}, and this is {}", self.account);
            let instead = "look at that account, or change the plan's `account`";
            let finding = CheckFinding::new(Code::OtherAccount, problem).instead(instead);
            findings.push(finding.at(of.spots.spot(&[PathStep::Key("account")])));
        }
        let rings = self.rings(&of, &mut findings);
        if look.has_devices() {
            findings.extend(devices::order(&of, &rings));
            findings.extend(devices::unseen_versions(&of));
            findings.extend(devices::too_old(&rings));
        }
        // Stable: what is about one place stays in the order in which it was found.
        findings.sort_by_key(|finding| (finding.line.is_none(), finding.line, finding.column));
        PlanReport { file: file.to_owned(), plan: plan.name.clone(), rings, findings }
    }

    fn rings(&mut self, of: &PlanInAccount<'_>, findings: &mut Vec<CheckFinding>) -> Vec<RingAssessment> {
        let PlanInAccount { plan, world, now, .. } = *of;
        let (named, found) = look_up(of);
        findings.extend(found);
        let mut rings = Vec::new();
        for (index, (ring, profiles)) in plan.rings.iter().zip(named).enumerate() {
            let name_spot = of.name(index);
            let at_name = |finding: CheckFinding| finding.at(name_spot.clone());
            let resolved = world.resolve_within(plan, ring).ok();
            self.planned.extend(profiles.iter().filter_map(|profile| profile.id.clone()));
            let (group, of_group) = match (&resolved, &mut self.ahead) {
                (Some(policies), Some(ahead)) => ahead.enter(plan, ring, policies, (world, now)),
                _ => (GroupOutlook::Unknown, Vec::new()),
            };
            let mut told: Vec<CheckFinding> = of_group.into_iter().map(at_name).collect();
            let asked = approvers::of_ring(plan, ring, world);
            told.extend(asked.map(|finding| finding.at(of.approval(index))));
            let sizes = resolved.as_ref().filter(|_| self.look.has_devices());
            let sizes = sizes.map(|policies| RingSizes::of(&world.fleet, policies, &ring.targets, now));
            if let Some(sizes) = &sizes {
                let share = devices::share(ring, &profiles, &world.fleet, now);
                let of_all = devices::of_ring(sizes)
                    .into_iter()
                    .chain(devices::too_many(ring, self.guard, sizes))
                    .chain(share);
                told.extend(of_all.map(at_name));
                for (environment, of_one) in sizes.targeted() {
                    let spot = of.target(index, environment);
                    let found = devices::of_environment(&ring.name, environment, of_one, sizes.movable());
                    told.extend(found.into_iter().map(|finding| finding.on(environment).at(spot.clone())));
                }
            }
            findings.extend(told.into_iter().map(|finding| finding.of_ring(&ring.name)));
            let active = sizes.as_ref().map_or(0, RingSizes::active);
            rings.push(RingAssessment {
                power: BTreeMap::new(),
                name: ring.name.clone(),
                profiles,
                group,
                sizes,
                active,
                shows_one_in: one_in(active),
            });
        }
        compare(plan, &mut rings);
        rings
    }

    /// Profiles with devices that none of the plans names.
    pub(crate) fn unplanned(&self) -> Option<CheckFinding> {
        let profiles = &self.look.world.profiles.as_ref()?.value;
        let unplanned = profiles.listed.iter().filter(|profile| !self.planned.contains(&profile.id));
        let counted = unplanned.map(|profile| {
            let only: BTreeSet<PolicyId> = [profile.id.clone()].into();
            let sizes = RingSizes::of(&self.look.world.fleet, &only, &BTreeMap::new(), self.look.at);
            let unnamed = if profile.is_default { "default" } else { "-" };
            (profile.name.as_deref().unwrap_or(unnamed), sizes.devices())
        });
        let counted: Vec<_> = counted.filter(|(_, devices)| *devices > 0).collect();
        let total: usize = counted.iter().map(|(_, devices)| devices).sum();
        let words: Vec<_> = counted.iter().map(|(name, devices)| format!("`{name}` ({devices})")).collect();
        let problem =
            format!("{total} devices are in profiles that no plan here names: {}", words.join(", "));
        (total > 0).then(|| CheckFinding::new(Code::ProfileUnplanned, problem))
    }
}

/// What each ring can show of devices gone dark, beside the rings that come after it.
fn compare(plan: &Plan, rings: &mut [RingAssessment]) {
    let active = |ring: &RingAssessment, environment: Environment| {
        let sizes = ring.sizes.as_ref().and_then(|sizes| sizes.environments.get(&environment));
        sizes.map_or(0, |sizes| sizes.movable - sizes.away)
    };
    for (index, of) in plan.rings.iter().enumerate() {
        let (before, after) = rings.split_at_mut((index + 1).min(rings.len()));
        let Some(ring) = before.last_mut().filter(|ring| ring.sizes.is_some()) else { continue };
        let control = |environment| after.iter().map(|later| active(later, environment)).sum();
        let judged = |environment| power(active(ring, environment), control(environment), of.health);
        ring.power = of.targets.keys().map(|environment| (*environment, judged(*environment))).collect();
    }
}
