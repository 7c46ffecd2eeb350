//! What a decision makes of drift: what it records, what it halts for, what has to wait.
//!
//! **Invariant:** a drift is recorded once, and while a ring's group is not what its plan asks for
//! that ring is not verified and no later one is entered.

use crate::ids::RingName;
use crate::plan::model::{OnDrift, RingPlan};
use crate::rollout::decide::context::Context;
use crate::rollout::judge::drift;
use crate::rollout::record::{
    Cause, Drift, DriftFinding, DriftKind, DriftStanding, Entry, Event, Group, GroupDrift, OtherUpdater,
};
use crate::rollout::state::{OwnedGroup, Ring, State};

/// The first ring whose devices another updater moves.
fn updater(context: &Context<'_>) -> Option<OtherUpdater> {
    context.rollout.rings_with_plans().find_map(|(ring, plan)| news_of(context, ring, plan))
}

/// Another updater in a ring, by what nobody has accepted.
fn news_of(context: &Context<'_>, ring: &Ring, plan: &RingPlan) -> Option<OtherUpdater> {
    let key = (context.rollout.id.plan.clone(), ring.name.clone());
    drift::updater_of(context.subject(ring, plan), context.state.updaters.get(&key).copied())
}

/// What keeps a rollout from going on past a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bar {
    /// Its group is to be written back.
    ToRestore(Box<GroupDrift>),
    /// Its group does not offer its targets, and somebody accepted that.
    NotOffered(RingName),
}

impl Bar {
    pub(crate) const fn ring(&self) -> &RingName {
        match self {
            Self::ToRestore(drift) => &drift.ring,
            Self::NotOffered(ring) => ring,
        }
    }
}

/// What keeps the rollout from going on, in the order of its rings.
pub(crate) fn bars(context: &Context<'_>) -> Vec<Bar> {
    let mut bars = Vec::new();
    let restores = on_drift(context) == OnDrift::Restore;
    for (ring, plan) in context.rollout.rings_with_plans() {
        let recorded = context.state.to_restore(&context.rollout.id.plan);
        let own: Vec<_> = recorded.filter(|drift| restores && drift.ring == ring.name).collect();
        if own.is_empty() && !drift::offers_targets(context.state, &context.rollout.id.plan, ring, plan) {
            bars.push(Bar::NotOffered(ring.name.clone()));
        }
        bars.extend(own.into_iter().map(|drift| Bar::ToRestore(Box::new(drift.clone()))));
    }
    bars
}

fn on_drift(context: &Context<'_>) -> OnDrift {
    context.rollout.revision.plan.on_drift
}

/// Records what is news: a new name, a group set back by somebody, a drift that the plan has written
/// back or accepted.
pub(crate) fn note(context: &Context<'_>) -> Vec<Entry> {
    let entries = settled(context);
    if !entries.is_empty() {
        return entries;
    }
    match on_drift(context) {
        OnDrift::Halt => Vec::new(),
        OnDrift::Restore => found(context),
        OnDrift::Accept => accept(context),
    }
}

/// The plan's groups, with what the newest read shows of each.
fn seen<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a OwnedGroup, &'a Group)> + use<'a> {
    let (plan, world) = (&context.rollout.id.plan, context.world);
    let owned = context.state.groups.iter().filter(move |(_, owned)| owned.plan == *plan);
    owned.filter_map(move |(id, owned)| Some((owned, world.group(id)?.value?)))
}

/// New names, and groups that somebody set back.
fn settled(context: &Context<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (owned, group) in seen(context) {
        if context.rollout.ring(&owned.ring).is_none() {
            continue;
        }
        let (ring, was) = (owned.ring.clone(), owned.last.content.name.clone());
        let newer = group.updated_at > owned.last.updated_at;
        if is_set_back(owned, group) {
            let event = Event::DriftEnded { ring, group: group.clone() };
            entries.extend(context.entry("somebody set the group back to what ringward left", event));
        } else if newer && was != group.content.name {
            let reason = format!("somebody else renamed the group `{was}` to `{}`", group.content.name);
            entries.extend(context.entry(reason, Event::GroupRenamed { ring, was, group: group.clone() }));
        }
    }
    entries
}

/// Whether a group that was found or accepted as drifted is as ringward left it again. A list that
/// is older than the drift shows that too, and says nothing.
fn is_set_back(owned: &OwnedGroup, group: &Group) -> bool {
    let drifted_at = match owned.drifted.as_deref() {
        Some(GroupDrift { seen: Some(seen), .. }) => seen.updated_at.max(owned.last.updated_at),
        Some(GroupDrift { seen: None, .. }) => return false,
        None if owned.last.content.offers_the_same(&owned.left) => return false,
        None => owned.last.updated_at,
    };
    group.updated_at > drifted_at && group.content.offers_the_same(&owned.left)
}

/// Drifts that can be written back, and are not on record as they are now.
pub(crate) fn found(context: &Context<'_>) -> Vec<Entry> {
    let (state, plan) = (context.state, &context.rollout.id.plan);
    let all = drift::groups(context.known(), plan);
    let restorable = |drift: &&GroupDrift| !drift::is_hopeless(state, drift, &all);
    let news = |drift: &&GroupDrift| {
        let known = state.to_restore(plan).find(|known| known.expected.id == drift.expected.id);
        known.is_none_or(|known| !known.shows_the_same(drift))
    };
    let entry = |drift: &GroupDrift| {
        let event = Event::DriftFound { drift: Box::new(drift.clone()) };
        context.entry(format!("{drift}; it is to be written back"), event)
    };
    all.iter().filter(restorable).filter(news).flat_map(entry).collect()
}

/// The first drift that the plan has ringward go on with.
pub(crate) fn accept(context: &Context<'_>) -> Vec<Entry> {
    let groups = drift::groups(context.known(), &context.rollout.id.plan);
    let group = groups.into_iter().find(|drift| !offers_blocked_version(context.state, drift));
    let drift = group.map(|drift| Drift::Group(Box::new(drift)));
    let drift = drift.or_else(|| Some(Drift::OtherUpdater(Box::new(updater(context)?))));
    let Some(drift) = drift else { return Vec::new() };
    context.entry(format!("{drift}; the plan goes on with it"), Event::DriftAdopted { drift })
}

/// Whether a group was made to offer what a rollback blocks: no plan goes on with that.
fn offers_blocked_version(state: &State, drift: &GroupDrift) -> bool {
    let Some(seen) = &drift.seen else { return false };
    state.held_of(&seen.content).next().is_some()
}

/// The drift that the rollout halts for.
pub(crate) fn halting(context: &Context<'_>) -> Option<Cause> {
    let (state, plan) = (context.state, &context.rollout.id.plan);
    let all = || drift::groups(context.known(), plan);
    let group = match on_drift(context) {
        OnDrift::Accept => {
            let held = all().into_iter().find(|drift| offers_blocked_version(state, drift));
            return held.map(|drift| Cause::Drift(Box::new(drift)));
        }
        OnDrift::Halt => all().into_iter().next(),
        OnDrift::Restore => drift::first_hopeless(state, &all()).cloned(),
    };
    let group = group.map(|drift| Cause::Drift(Box::new(drift)));
    group.or_else(|| Some(Cause::OtherUpdater(Box::new(updater(context)?))))
}

/// All drift that is there now, by ring.
pub(crate) fn findings(context: &Context<'_>) -> Vec<DriftFinding> {
    let (state, plan) = (context.state, &context.rollout.id.plan);
    let mut findings = Vec::new();
    for drift in drift::groups(context.known(), plan) {
        let recorded = state.to_restore(plan).any(|known| known.expected.id == drift.expected.id);
        let standing = match on_drift(context) {
            OnDrift::Restore if recorded && drift.never.is_none() => DriftStanding::ToRestore,
            OnDrift::Restore if drift::is_accepted(state, &drift) => DriftStanding::Accepted,
            OnDrift::Accept if !offers_blocked_version(state, &drift) => DriftStanding::Accepted,
            OnDrift::Accept | OnDrift::Halt | OnDrift::Restore => DriftStanding::Halts,
        };
        findings.extend(of_group(&drift, standing));
    }
    if on_drift(context) != OnDrift::Restore {
        findings.extend(accepted(context).iter().flat_map(|drift| of_group(drift, DriftStanding::Accepted)));
    }
    for (owned, group) in seen(context) {
        if group.content.name != owned.left.name && context.rollout.ring(&owned.ring).is_some() {
            let text = format!("group `{}` is named `{}` now", owned.left.name, group.content.name);
            let (ring, kind) = (owned.ring.clone(), DriftKind::GroupRenamed);
            findings.push(DriftFinding { ring, kind, standing: DriftStanding::Noted, text });
        }
    }
    findings.extend(updaters(context));
    findings
}

fn of_group(drift: &GroupDrift, standing: DriftStanding) -> impl Iterator<Item = DriftFinding> {
    let (ring, text) = (drift.ring.clone(), drift.to_string());
    let finding = move |kind| DriftFinding { ring: ring.clone(), kind, standing, text: text.clone() };
    drift.kinds().into_iter().map(finding)
}

/// Drifts that somebody accepted and that still stand.
fn accepted(context: &Context<'_>) -> Vec<GroupDrift> {
    let (state, plan) = (context.state, &context.rollout.id.plan);
    let standing = state.groups.values().filter(|owned| {
        owned.plan == *plan && owned.drifted.is_none() && !owned.last.content.offers_the_same(&owned.left)
    });
    let changed = standing.map(|owned| (owned, Some(owned.last.clone())));
    let gone = state.lost.values().filter(|lost| lost.plan == *plan).map(|lost| (lost, None));
    let drift = |(owned, seen)| drift::drift(context.known(), owned, seen, true);
    changed.chain(gone).map(drift).filter(|drift| context.rollout.ring(&drift.ring).is_some()).collect()
}

/// Other updaters at work, those that somebody accepted included.
fn updaters(context: &Context<'_>) -> Vec<DriftFinding> {
    let of = |(ring, plan): (&Ring, &RingPlan)| {
        let updater = drift::updater_of(context.subject(ring, plan), None)?;
        let halts = news_of(context, ring, plan).is_some() && on_drift(context) != OnDrift::Accept;
        let standing = if halts { DriftStanding::Halts } else { DriftStanding::Accepted };
        let (ring, kind) = (updater.ring.clone(), DriftKind::OtherUpdater);
        Some(DriftFinding { ring, kind, standing, text: updater.to_string() })
    };
    context.rollout.rings_with_plans().filter_map(of).collect()
}
