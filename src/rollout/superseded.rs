//! What earlier rollouts left on offer: who judges it, and what follows from that.
//!
//! **Invariant:** a failing gate there holds up who would be offered the same version, and nobody
//! else: the fix is never held up by what it fixes.

use std::collections::BTreeMap;

use crate::fleet::Census;
use crate::ids::{GroupId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::decide::Context;
use crate::rollout::event::{Cause, Entry, Event, RolloutId};
use crate::rollout::gate::{self, Subject, health};
use crate::rollout::shrink;
use crate::rollout::state::{Phase, Superseded};
use crate::rollout::verdict::{Judgement, Verdict};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// A superseded offer, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct SupersededOffer {
    /// The ring whose group it is; it may be gone from the plan.
    pub ring: RingName,
    /// The rollout that wrote it.
    pub rollout: RolloutId,
    /// The group's name and ID.
    pub group: (String, GroupId),
    /// Since when it is on offer.
    pub since: Timestamp,
    /// What is on offer.
    pub versions: BTreeMap<Environment, ClientVersion>,
    /// Whether the running rollout asks this ring for the same.
    pub asked_again: bool,
    /// The words of its health gates.
    pub gates: Vec<Judgement>,
    /// Its devices by class.
    pub census: Option<Census>,
    /// Its devices by the version that they report.
    pub devices: BTreeMap<Environment, BTreeMap<String, usize>>,
}

impl SupersededOffer {
    /// The first of its gates that fails.
    #[must_use]
    pub fn failing(&self) -> Option<&Judgement> {
        self.gates.iter().find(|word| matches!(word.verdict, Verdict::Fail(_)))
    }

    /// What is the case, in one sentence.
    #[must_use]
    pub fn text(&self) -> String {
        let versions = self.versions.iter().map(|(environment, version)| format!("{environment} {version}"));
        let versions: Vec<String> = versions.collect();
        let (group, _) = &self.group;
        let devices = self.devices.iter().map(|(environment, devices)| {
            let counts: Vec<String> =
                devices.iter().map(|(version, count)| format!("{count} on {version}")).collect();
            format!("{environment}: {}", counts.join(", "))
        });
        let devices: Vec<String> = devices.collect();
        let devices = if devices.is_empty() { "no device".to_owned() } else { devices.join("; ") };
        let rollout = self.rollout.number;
        format!("group `{group}` still offers {} of rollout {rollout} ({devices})", versions.join(" and "))
    }
}

/// All superseded offers of a plan, as they are now.
pub(super) fn offers(context: &Context<'_>) -> Vec<SupersededOffer> {
    let offer = |(left, gates): (&Superseded, &Vec<Judgement>)| {
        let assigned = left.ring.stage.assigned()?;
        let (id, owned) = left.group(context.state)?;
        let fleet = &context.world.fleet;
        let swept = fleet.full_sweep_at().is_some();
        let asked = context.rollout.ring_plan(&left.ring.name).map(|plan| &plan.targets);
        let same =
            |(environment, version)| asked.is_some_and(|asked| asked.get(environment) == Some(version));
        let scope = gate::scope(&left.ring, &left.plan, assigned);
        Some(SupersededOffer {
            ring: left.ring.name.clone(),
            rollout: left.rollout.clone(),
            group: (owned.last.content.name.clone(), id.clone()),
            since: assigned.at,
            versions: left.plan.targets.clone(),
            asked_again: left.plan.targets.iter().all(same),
            gates: gates.clone(),
            census: swept.then(|| fleet.census(&scope, context.now)),
            devices: left.plan.targets.keys().map(|at| (*at, fleet.versions(&scope, *at))).collect(),
        })
    };
    context.left().filter_map(offer).collect()
}

/// What the gates say of each, in the order of the state.
pub(super) fn judge(context: &Context<'_>) -> Vec<Vec<Judgement>> {
    context.plan.superseded.iter().map(|left| gate::left(subject(context, left))).collect()
}

fn subject<'a>(context: &Context<'a>, left: &'a Superseded) -> Subject<'a> {
    let (state, rollout, world, now) = (context.state, context.rollout, context.world, context.now);
    Subject { state, rollout, ring: &left.ring, plan: &left.plan, world, now }
}

/// Whether a ring asks for what a judgement is about.
fn asks_for(plan: &RingPlan, left: &Superseded, word: &Judgement) -> bool {
    word.environment.is_some_and(|at| {
        let offered = left.plan.targets.get(&at);
        offered.is_some() && plan.targets.get(&at) == offered
    })
}

/// What is left in rings that the rollout has not entered: an entered ring has gates of its own.
fn waiting<'b, 'a>(
    context: &'b Context<'a>,
) -> impl Iterator<Item = (&'a Superseded, &'b Vec<Judgement>)> + use<'a, 'b> {
    context.left().filter(|(left, _)| !context.plan.has_entered(&left.ring.name))
}

/// A gate that fails on a version that the ring whose turn it is would be offered.
pub(super) fn failing(context: &Context<'_>) -> Option<Cause> {
    let (_, current) = context.current()?;
    waiting(context).find_map(|(left, words)| {
        let fails =
            |word: &&Judgement| matches!(word.verdict, Verdict::Fail(_)) && asks_for(current, left, word);
        let word = words.iter().find(fails)?;
        let devices = health::failing_devices(subject(context, left), word);
        let (ring, judgement) = (left.ring.name.clone(), Box::new(word.clone()));
        Some(Cause::Unhealthy { ring, judgement, devices })
    })
}

/// What fails, or cannot tell, of a version that a ring would be offered.
pub(super) fn ailing(context: &Context<'_>, plan: &RingPlan) -> Vec<(RingName, Judgement)> {
    let stands = |word: &&Judgement| matches!(word.verdict, Verdict::Fail(_) | Verdict::Unknown(_));
    let of = |(left, words): (&Superseded, &Vec<Judgement>)| -> Vec<(RingName, Judgement)> {
        let words = words.iter().filter(stands).filter(|word| asks_for(plan, left, word));
        words.map(|word| (left.ring.name.clone(), word.clone())).collect()
    };
    waiting(context).flat_map(of).collect()
}

/// A ring in which an earlier rollout left devices on their way to what this one offers, or would with
/// this ring: at most one group adopts that (law 1).
pub(super) fn adopts<'a>(context: &Context<'a>, name: &RingName, plan: &RingPlan) -> Option<&'a Superseded> {
    let entered = context.rollout.rings_with_plans().filter(|(ring, _)| ring.stage.is_entered());
    let offered: Vec<&RingPlan> = entered.map(|(_, plan)| plan).chain([plan]).collect();
    let same = |left: &Superseded| {
        let mut targets = left.plan.targets.iter();
        targets.any(|(at, version)| offered.iter().any(|plan| plan.targets.get(at) == Some(version)))
    };
    let left = context.plan.superseded.iter().filter(|left| left.adopts() && left.ring.name != *name);
    left.filter(|left| !context.plan.has_entered(&left.ring.name)).find(|left| same(left))
}

/// Records that the devices of such a ring have adopted it.
pub(super) fn note_adopted(context: &Context<'_>) -> Vec<Entry> {
    if context.rollout.phase != Phase::Running {
        return Vec::new();
    }
    let Some((ring, plan)) = context.current() else { return Vec::new() };
    let Some(left) = adopts(context, &ring.name, plan) else { return Vec::new() };
    let judgements = gate::left_adoption(subject(context, left));
    let gone: Vec<Event> =
        judgements.iter().filter_map(|word| shrink::untold(&left.ring, &left.plan, word)).collect();
    if !gone.is_empty() {
        let reason = format!("devices left what rollout {} left on offer", left.rollout.number);
        return gone.into_iter().flat_map(|event| context.entry(reason.clone(), event)).collect();
    }
    if judgements.is_empty() || !judgements.iter().all(|word| word.verdict.advances()) {
        return Vec::new();
    }
    let reason = format!("every environment adopted what rollout {} left on offer", left.rollout.number);
    context.entry(reason, Event::AdoptionReached { ring: left.ring.name.clone(), judgements })
}
