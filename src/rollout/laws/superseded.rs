//! What rollouts that were never completed left on offer: the checker's own books of it.
//!
//! **Invariant:** an offer stands in the books until its group is on record with another, or a newer
//! rollout has entered its ring; a version is unproven until a rollout that asks for it is completed.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::{Ledger, Owned, Place, PlanLine, RingLine};
use super::{Audit, Law, health};
use crate::ids::{DeviceId, GroupId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::event::{Acknowledged, Event, Purpose, Recorded, WriteIntent};
use crate::rollout::remote::GroupContent;
use crate::rollout::verdict::{Evidence, Gate, Judgement};
use crate::version::{ClientVersion, Environment};

/// A ring's group offers what a rollout before the running one wrote.
pub(super) struct LeftLine<'a> {
    pub(super) ring: RingLine<'a>,
    pub(super) plan: &'a RingPlan,
    /// What of its targets is still on offer.
    pub(super) targets: BTreeMap<Environment, ClientVersion>,
}

/// The versions that a plan's rollouts brought, and the number of the rollout.
#[derive(Clone, Default)]
pub(super) struct Versions {
    unproven: BTreeMap<(Environment, ClientVersion), u64>,
    proven: BTreeSet<(Environment, ClientVersion)>,
}

fn version(content: &GroupContent, environment: Environment) -> Option<ClientVersion> {
    content.target(environment)?.parse().ok()
}

impl Versions {
    pub(super) fn planned(&mut self, number: u64, intent: &WriteIntent) {
        if intent.purpose != Purpose::Target {
            return;
        }
        for environment in Environment::ALL {
            let found = intent.before.as_ref().and_then(|group| version(&group.content, environment));
            let offered = version(&intent.after, environment);
            if found == offered {
                continue;
            }
            if let Some(found) = found
                && !self.unproven.contains_key(&(environment, found))
            {
                self.proven.insert((environment, found));
            }
            if let Some(offered) = offered
                && !self.proven.contains(&(environment, offered))
            {
                self.unproven.entry((environment, offered)).or_insert(number);
            }
        }
    }

    /// A rollout goes on under another name, and by another number.
    pub(super) fn renumber(&mut self, before: u64, now: u64) {
        self.unproven.values_mut().filter(|by| **by == before).for_each(|by| *by = now);
    }

    pub(super) fn completed(&mut self, rings: &[RingPlan]) {
        for (environment, version) in rings.iter().flat_map(|ring| &ring.targets) {
            self.unproven.remove(&(*environment, *version));
            self.proven.insert((*environment, *version));
        }
    }

    /// The rollout that brought a version and was not completed, another than this one.
    pub(super) fn brought_before(
        &self,
        number: u64,
        environment: Environment,
        version: ClientVersion,
    ) -> Option<u64> {
        self.unproven.get(&(environment, version)).copied().filter(|by| *by != number)
    }
}

impl<'a> LeftLine<'a> {
    fn adopts(&self) -> bool {
        self.ring.place == Place::Adopting
    }

    /// Its plan, with what is still on offer for targets.
    pub(super) fn offered(&self) -> RingPlan {
        RingPlan { targets: self.targets.clone(), ..self.plan.clone() }
    }

    fn trim(&mut self, groups: &BTreeMap<&'a GroupId, Owned<'a>>, rings: &[(&RingLine<'a>, &RingPlan)]) {
        let (group, policies) = (self.ring.group, self.ring.policies);
        let content = group.and_then(|id| groups.get(id)).map(|owned| &owned.last.content);
        let content = content
            .filter(|content| policies.is_some_and(|policies| !policies.is_disjoint(&content.policies)));
        let entered = rings.iter().find(|(ring, _)| ring.is_assigned() && ring.group == group);
        self.targets.retain(|environment, known| {
            let offered = content.and_then(|content| version(content, *environment));
            let is_taken_over = entered.is_some_and(|(_, plan)| plan.targets.contains_key(environment));
            offered == Some(*known) && !is_taken_over
        });
    }
}

impl<'a> PlanLine<'a> {
    /// What a newer rollout finds on offer.
    pub(super) fn leaves(&mut self) -> Vec<LeftLine<'a>> {
        let mut left = std::mem::take(&mut self.left);
        for ring in self.rings.iter().filter(|ring| ring.is_assigned()) {
            let Some(plan) = self.ring_plan(ring.name) else { continue };
            let mut targets = plan.targets.clone();
            targets.retain(|at, version| self.versions.unproven.contains_key(&(*at, *version)));
            let mut ring = ring.clone();
            if matches!(ring.place, Place::RollingBack | Place::RolledBack) {
                ring.place = Place::Verified;
            }
            left.push(LeftLine { ring, plan, targets });
        }
        left
    }

    pub(super) fn trim_left(&mut self, groups: &BTreeMap<&'a GroupId, Owned<'a>>) {
        let mut left = std::mem::take(&mut self.left);
        let rings: Vec<_> =
            self.rings.iter().filter_map(|ring| Some((ring, self.ring_plan(ring.name)?))).collect();
        left.iter_mut().for_each(|left| left.trim(groups, &rings));
        left.retain(|left| !left.targets.is_empty());
        self.left = left;
    }

    fn has_entered(&self, name: &RingName) -> bool {
        self.ring(name).is_some_and(RingLine::is_entered)
    }

    /// What is left in a ring that the running rollout has not entered; of two the one that adopts.
    pub(super) fn left_in(&self, name: &RingName) -> Option<&LeftLine<'a>> {
        let of_ring = || self.left.iter().filter(|left| left.ring.name == name && !self.has_entered(name));
        of_ring().find(|left| left.adopts()).or_else(|| of_ring().next_back())
    }

    pub(super) fn left_in_mut(&mut self, name: &RingName) -> Option<&mut LeftLine<'a>> {
        let entered = self.has_entered(name);
        let adopts = self.left.iter().any(|left| left.ring.name == name && left.adopts());
        let mut left = self.left.iter_mut().filter(|left| left.ring.name == name && !entered);
        if adopts { left.find(|left| left.adopts()) } else { left.next_back() }
    }

    /// Whether what is acknowledged was found of what is left in a ring.
    pub(super) fn is_of_left(&self, found: &Acknowledged) -> bool {
        matches!(found.gate, Gate::Stalled | Gate::Dark) && self.left_in(&found.ring).is_some()
    }

    /// Rings that the plan does not name any more go back as rings of the rollout.
    pub(super) fn take_gone_back(&mut self, event: &Event) {
        let Event::RollbackStarted { steps, .. } = event else { return };
        for step in steps {
            if self.ring(&step.ring).is_some() {
                continue;
            }
            if let Some(left) = self.left.iter().rev().find(|left| *left.ring.name == step.ring) {
                self.gone.push(left.plan);
                self.rings.push(left.ring.clone());
            }
        }
    }

    /// The place of a ring in the order in which rings are entered; one that is gone comes last.
    pub(super) fn position(&self, name: &RingName) -> Option<usize> {
        let known = self.rings.iter().position(|line| line.name == name);
        known.or_else(|| {
            let left = self.left.iter().position(|left| left.ring.name == name)?;
            Some(self.rings.len() + left)
        })
    }

    /// Rings in which devices are on their way to what the running rollout offers, by what earlier
    /// ones left.
    pub(super) fn adopting_left(&self) -> impl Iterator<Item = &str> {
        let entered = self.rings.iter().filter(|ring| ring.is_entered());
        let offered: Vec<&RingPlan> = entered.filter_map(|ring| self.ring_plan(ring.name)).collect();
        let same = move |left: &&LeftLine<'a>| {
            let on_offer = |(at, version): (&Environment, &ClientVersion)| {
                offered.iter().any(|plan| plan.targets.get(at) == Some(version))
            };
            left.targets.iter().any(on_offer)
        };
        let left = self.left.iter().filter(|left| left.adopts() && !self.has_entered(left.ring.name));
        left.filter(same).map(|left| left.ring.name.as_str())
    }

    /// Whether every ring that could be compared with offers what an earlier rollout left.
    fn is_without_control(&self) -> bool {
        let profiles = |plan: &RingPlan| plan.profiles.iter().cloned().collect::<BTreeSet<_>>();
        self.rings.iter().filter(|ring| !ring.is_entered()).all(|ring| {
            let plan = self.ring_plan(ring.name);
            let left = self.left.iter().find(|left| left.ring.name == ring.name);
            plan.zip(left).is_some_and(|(plan, left)| {
                let all = left.ring.policies.is_some_and(|policies| policies.len() == plan.profiles.len());
                all && profiles(plan) == profiles(left.plan)
            })
        })
    }
}

/// What earlier rollouts left on offer is in no control, as far as the log can tell.
pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Event::RingVerified { ring, judgements } = &recorded.entry.event else { return };
    if !ledger.line(recorded).is_some_and(PlanLine::is_without_control) {
        return;
    }
    for word in judgements {
        let Evidence::Dark(dark) = &word.evidence else { continue };
        audit.require(dark.control_known == 0, Law::HealthProven, recorded.seq, || {
            let known = dark.control_known;
            format!("{ring} is compared with {known} devices, and all others have what it replaces")
        });
    }
}

/// Why a halt for what is left on offer in a ring has no grounds; `None`: it has. Several rollouts may have
/// left something there, and a halt does not say whose it is for.
pub(super) fn none_grounds(
    line: &PlanLine<'_>,
    recorded: &Recorded,
    ring: &RingName,
    judgement: &Judgement,
    devices: &BTreeSet<DeviceId>,
) -> Option<String> {
    let left = line.left.iter().filter(|left| left.ring.name == ring);
    let mut found = left.map(|left| ungrounded(line, left, recorded, judgement, devices));
    let first = found.next()?;
    if found.any(|why| why.is_none()) { None } else { first }
}

fn ungrounded(
    line: &PlanLine<'_>,
    left: &LeftLine<'_>,
    recorded: &Recorded,
    judgement: &Judgement,
    devices: &BTreeSet<DeviceId>,
) -> Option<String> {
    let current = line.rings.iter().find(|ring| ring.place != Place::Verified);
    let current = current.and_then(|ring| line.ring_plan(ring.name));
    let environment = judgement.environment?;
    let offered = left.targets.get(&environment);
    let same = current.is_some_and(|plan| offered.is_some() && plan.targets.get(&environment) == offered);
    if !same {
        return Some("no ring whose turn it is would be offered what it fails for".to_owned());
    }
    health::ungrounded(&left.ring, &left.offered(), recorded, judgement, devices)
}
