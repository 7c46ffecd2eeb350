//! The health gates: devices that do not move, and devices that went silent after they moved.
//!
//! **Invariant:** what a person has acknowledged is in no count; a look is judged only with a
//! control, and a difference that chance explains never fails.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::{
    Census, Class, DarkEvaluation, DarkEvaluations, DarkQuestion, Device, EnvironmentCensus, RingScope,
};
use crate::ids::{DeviceId, PolicyId};
use crate::plan::model::Health;
use crate::rollout::judge::drift;
use crate::rollout::judge::subject::{Subject, known_scope, scope};
use crate::rollout::record::{
    Asks, Dark, Evaluation, Evidence, Exempt, Failing, Gate, HealthGate, Judgement, Stalled, Unknown,
    Verdict, Waiting,
};
use crate::rollout::state::{Assigned, RingState, Superseded};
use crate::time::Timestamp;
use crate::version::Environment;

/// Both health gates in each environment with a target, by the ring's census.
pub(crate) fn judge(subject: Subject<'_>, assigned: &Assigned, census: &Census) -> Vec<Judgement> {
    let counted = |environment| census.environments.get(&environment).copied().unwrap_or_default();
    let watched = || {
        let environments = subject.plan.targets.keys().copied();
        environments.map(|environment| HealthSubject { subject, assigned, environment })
    };
    let stalled = watched().map(|watched| watched.stalled(counted(watched.environment)));
    let dark = watched().map(|watched| watched.dark(counted(watched.environment)));
    stalled.chain(dark).collect()
}

/// The devices of a ring's environment, under its assignment.
#[derive(Clone, Copy)]
pub(crate) struct HealthSubject<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) assigned: &'a Assigned,
    pub(crate) environment: Environment,
}

/// Whether a device is accepted still, by what was accepted and when: a silent one until it is
/// seen again, a stalled one until it is on the target again. After that it is news.
pub fn is_accepted(gate: Gate, accepted_at: Timestamp, device: &Device) -> bool {
    match gate {
        Gate::Dark => device.latest.last_seen_at.is_none_or(|seen| seen <= accepted_at),
        _ => !device.on_target_after(accepted_at),
    }
}

impl<'a> HealthSubject<'a> {
    /// Those that a person has accepted, of a gate.
    fn acknowledged(self, gate: Gate) -> &'a BTreeMap<DeviceId, Timestamp> {
        const NONE: &BTreeMap<DeviceId, Timestamp> = &BTreeMap::new();
        self.subject.ring.acknowledged.get(&(gate, Some(self.environment))).unwrap_or(NONE)
    }

    fn stalled_devices(self) -> BTreeSet<DeviceId> {
        let Subject { ring, plan, world, now, .. } = self.subject;
        let scope = scope(ring, plan, self.assigned);
        world.fleet.in_class(&scope, self.environment, Class::Stalled, now).into_iter().cloned().collect()
    }

    /// Those of them that a person has accepted, and that are so still.
    fn accepted_of(self, stalled: &BTreeSet<DeviceId>) -> BTreeSet<DeviceId> {
        let accepted = self.acknowledged(Gate::Stalled);
        let still = |id: &&DeviceId| {
            let device = self.subject.world.fleet.device(id);
            let at = accepted.get(*id);
            at.zip(device).is_some_and(|(at, device)| is_accepted(Gate::Stalled, *at, device))
        };
        stalled.iter().filter(still).cloned().collect()
    }

    /// Whether too many seen devices do not move.
    fn stalled(self, counted: EnvironmentCensus) -> Judgement {
        let Self { subject, assigned, environment } = self;
        let Subject { ring, plan, world, .. } = subject;
        let limit = plan.health.stalled;
        let known_until = world.fleet.known_until(&assigned.policies);
        let accepted = match self.acknowledged(Gate::Stalled).is_empty() {
            true => 0,
            false => self.accepted_of(&self.stalled_devices()).len(),
        };
        let seen = Stalled {
            counts: counted.counts,
            acknowledged: accepted,
            at_most: limit.at_most,
            after: limit.after,
            min_devices: plan.health.min_devices,
        };
        let verdict = if ring.waived.contains_key(&Gate::Stalled) {
            Verdict::Exempt(Exempt::Waived)
        } else if let Some(why) = subject.unseeable(known_until) {
            Verdict::Unknown(why)
        // Accepted devices are few devices less to fail for, and not a smaller ring.
        } else if seen.counts.sighted() < plan.health.least() {
            Verdict::Exempt(Exempt::TooFewDevices)
        } else if drift::is_withdrawn(subject, assigned, environment) {
            Verdict::Wait(Waiting::NotOffered)
        } else if limit.at_most.exceeded_by(seen.stalled(), seen.sighted()) {
            Verdict::Fail(Failing::TooManyStalled)
        } else {
            Verdict::Pass
        };
        let (gate, environment, evidence) = (Gate::Stalled, Some(environment), Evidence::Stalled(seen));
        Judgement { gate, environment, verdict, evidence, as_of: known_until }
    }

    /// Whether more devices went silent than in the rings that are not entered.
    fn dark(self, counted: EnvironmentCensus) -> Judgement {
        let Self { subject, environment, .. } = self;
        let Subject { ring, plan, world, .. } = subject;
        let (health, arrived) = (plan.health, counted.counts.arrived);
        // Sweeps see the control as well; a poll sees the ring alone, and would call the control silent.
        let swept_at = world.fleet.full_sweep_at().and(world.fleet.swept_at());
        let found = if arrived < health.least() { None } else { self.looks() };
        let verdict = if ring.waived.contains_key(&Gate::Dark) {
            Verdict::Exempt(Exempt::Waived)
        } else if let Some(why) = subject.unseeable(swept_at) {
            Verdict::Unknown(why)
        } else if arrived < health.least() {
            match ring.stage {
                RingState::Adopting(_) => Verdict::Wait(Waiting::TooSoon),
                _ => Verdict::Exempt(Exempt::TooFewDevices),
            }
        } else {
            match &found {
                None => Verdict::Unknown(Unknown::ProfilesUnread),
                Some(found) if found.control_known < health.least() => Verdict::Exempt(Exempt::NoControl),
                Some(found) => {
                    let word = by_looks(&found.looks, health, ring.silence_accepted.get(&environment));
                    by_control(word, found, health)
                }
            }
        };
        let found = found.as_ref();
        let seen = Dark {
            arrived,
            control_active: found.map_or(0, |found| found.control_active),
            control_known: found.map_or(0, |found| found.control_known),
            acknowledged: found.map_or(0, |found| found.acknowledged),
            looks: found.into_iter().flat_map(|found| &found.looks).map(Evaluation::from).collect(),
            next_at: found.and_then(|found| found.next_at),
            at_most: health.dark.at_most,
            after: health.dark.after,
            min_devices: health.min_devices,
        };
        let (gate, environment, evidence) = (Gate::Dark, Some(environment), Evidence::Dark(seen));
        Judgement { gate, environment, verdict, evidence, as_of: swept_at }
    }

    /// The newest looks; `None` while nobody can say which devices are the ring's or the control's.
    fn looks(self) -> Option<DarkEvaluations> {
        self.looks_without(self.acknowledged(Gate::Dark))
    }

    /// The same with these devices left out.
    fn looks_without(self, left_out: &BTreeMap<DeviceId, Timestamp>) -> Option<DarkEvaluations> {
        let Subject { ring, plan, world, .. } = self.subject;
        world.fleet.full_sweep_at()?;
        Some(world.fleet.dark(&DarkQuestion {
            ring: &scope(ring, plan, self.assigned),
            control: &control(self.subject)?,
            environment: self.environment,
            after: plan.health.dark.after.get(),
            schedule: &plan.schedule,
            acknowledged: left_out,
            known_until: world.fleet.swept_at()?,
        }))
    }

    /// The devices that the newest looks found silent, of looks that count.
    fn silent_by(self, counts: impl Fn(&DarkEvaluation) -> bool) -> BTreeSet<DeviceId> {
        let looks = self.looks().map(|found| found.looks).unwrap_or_default();
        looks.into_iter().filter(counts).flat_map(|look| look.silent).collect()
    }

    /// The devices that a health gate finds now, whatever it says of them; those acknowledged left out.
    pub(crate) fn found(self, gate: Gate) -> BTreeSet<DeviceId> {
        let Self { subject, assigned, environment } = self;
        match gate.asks() {
            // Nobody has seen them stand still: they were told to run something else.
            Asks::Health(HealthGate::Stalled) if drift::is_withdrawn(subject, assigned, environment) => {
                BTreeSet::new()
            }
            Asks::Health(HealthGate::Stalled) => {
                let stalled = self.stalled_devices();
                &stalled - &self.accepted_of(&stalled)
            }
            // When most are silent, nobody is found: they come back, and are looked for again.
            Asks::Health(HealthGate::Dark) => self.silent_by(|look| !look.ring.mostly_silent()),
            Asks::Schedule | Asks::Sight | Asks::Plan | Asks::People | Asks::Arrival | Asks::Nothing => {
                BTreeSet::new()
            }
        }
    }
}

/// The rings of the rollout that are not entered. One whose profiles do not resolve has none to show. What
/// an earlier rollout left on offer is no rest: its devices are compared with others themselves.
pub(crate) fn control(Subject { state, rollout, world, .. }: Subject<'_>) -> Option<Vec<RingScope>> {
    let waiting = || rollout.rings_with_plans().filter(|(ring, _)| !ring.stage.is_entered());
    if world.profiles.is_none() && waiting().next().is_some() {
        return None;
    }
    let left = state.plans.get(&rollout.id.plan).into_iter().flat_map(|plan| &plan.superseded);
    let left: BTreeSet<&PolicyId> = left.flat_map(Superseded::policies).collect();
    let untouched = |mut scope: RingScope| {
        scope.policies.retain(|policy| !left.contains(policy));
        (!scope.policies.is_empty()).then_some(scope)
    };
    let scopes = waiting().filter_map(|(ring, plan)| known_scope(ring, plan, world));
    Some(scopes.filter_map(untouched).collect())
}

/// What one look says; a silence is one thing until a person has accepted it, and another after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    TooFew,
    Outage,
    Asleep,
    Fails,
    Fine,
}

fn said(look: &DarkEvaluation, health: Health) -> Said {
    if look.ring.of * 2 < health.least() {
        return Said::TooFew;
    }
    match (look.ring.mostly_silent(), look.control.mostly_silent()) {
        // On a bridge day half of all stay at home, here a few more and there a few less.
        // A small control cannot tell chance from an outage.
        (true, false) if look.is_no_chance() || look.control.of < health.least() => Said::Outage,
        (true, _) => Said::Asleep,
        (false, _) if look.exceeds(health.dark.at_most) && look.is_no_chance() => Said::Fails,
        (false, _) if look.control.of * 2 < health.least() => Said::TooFew,
        (false, _) => Said::Fine,
    }
}

/// One look that fails is enough to fail, unless the newest day is lost to an outage or a holiday: what
/// is silent then is silent for that. All must be fine to pass. A silence that a person has accepted
/// since waits for the next look.
fn by_looks(looks: &[DarkEvaluation], health: Health, accepted_at: Option<&Timestamp>) -> Verdict {
    let any = |word| looks.iter().any(|look| said(look, health) == word);
    let accepted = accepted_at.is_some_and(|at| looks.iter().all(|look| look.taken_at <= *at));
    let is_day_lost = looks.iter().any(|look| look.look == 1 && said(look, health) == Said::Outage);
    if any(Said::Fails) && !is_day_lost {
        Verdict::Fail(Failing::TooManyDark)
    } else if any(Said::Outage) && accepted {
        Verdict::Wait(Waiting::TooSoon)
    } else if any(Said::Outage) {
        Verdict::Unknown(Unknown::OutageOrHoliday)
    } else if any(Said::Asleep) {
        Verdict::Wait(Waiting::FleetAsleep)
    } else if any(Said::TooFew) {
        Verdict::Wait(Waiting::TooFewSeen)
    } else if looks.len() < crate::fleet::LOOKS.len() {
        Verdict::Wait(Waiting::TooSoon)
    } else {
        Verdict::Pass
    }
}

/// What the looks say is held against the control: one that sleeps proves nothing, and a small one
/// shows a fault at best. Neither is an acquittal.
fn by_control(word: Verdict, found: &DarkEvaluations, health: Health) -> Verdict {
    match word {
        Verdict::Pass | Verdict::Wait(_) if found.control_active < health.least() => {
            Verdict::Wait(Waiting::FleetAsleep)
        }
        Verdict::Pass if found.control_known < Dark::least_control(health.min_devices) => {
            Verdict::Exempt(Exempt::NoControl)
        }
        word => word,
    }
}

/// The devices for which a health gate fails now.
pub fn failing_devices(subject: Subject<'_>, judgement: &Judgement) -> BTreeSet<DeviceId> {
    let (Some(assigned), Some(environment)) = (subject.ring.stage.assigned(), judgement.environment) else {
        return BTreeSet::new();
    };
    let watched = HealthSubject { subject, assigned, environment };
    match judgement.gate.asks() {
        Asks::Health(HealthGate::Stalled) => watched.found(Gate::Stalled),
        Asks::Health(HealthGate::Dark) => {
            watched.silent_by(|look| said(look, subject.plan.health) == Said::Fails)
        }
        Asks::Schedule | Asks::Sight | Asks::Plan | Asks::People | Asks::Arrival | Asks::Nothing => {
            BTreeSet::new()
        }
    }
}

/// A device that the newest looks found silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Silence {
    /// From when on it was not seen.
    pub since: Timestamp,
    /// The evening up to which it was looked for.
    pub looked_at: Timestamp,
}

/// The devices of a ring that are silent by the newest looks, the acknowledged ones too: who fell
/// silent is a question of its own, whatever was made of it. By the look that reaches back farthest.
pub fn silent(subject: Subject<'_>) -> BTreeMap<DeviceId, Silence> {
    let Some(assigned) = subject.ring.stage.assigned() else { return BTreeMap::new() };
    let none = BTreeMap::new();
    let mut silent = BTreeMap::new();
    for environment in subject.plan.targets.keys() {
        let found = HealthSubject { subject, assigned, environment: *environment }.looks_without(&none);
        // The second look reaches back farther: it has the last word.
        for look in found.into_iter().flat_map(|found| found.looks) {
            let silence = Silence { since: look.since, looked_at: look.at };
            silent.extend(look.silent.into_iter().map(|device| (device, silence)));
        }
    }
    silent
}
