//! Stage 2: tree to plan, noting every structural and semantic problem on the way.
//!
//! **Invariant:** a plan is returned only when it holds as a whole; when none is returned, at
//! least one problem was noted, and a warning is none.

use std::{iter, ops::Range};

use crate::plan::change::{RestrictedRing, Restrictions, RingRestrictions};
use crate::plan::keys::gates::approval_rule;
use crate::plan::keys::ring::{RingRead, SharedKeys};
use crate::plan::keys::versions::{Targets, readable};
use crate::plan::model::{Forbid, Plan};
use crate::plan::{Node, Other, Problems, Value, Written, ranges};
use crate::{ids::PlanName, plan::keys::plan::PlanKeys, plan::rings::finish, plan::typed_key::Keys as _};

/// The plan that a tree says, if it holds.
pub(super) fn plan(root: &Node, problems: &mut Problems) -> Option<Plan> {
    let mut keys = PlanKeys::read(root, "", problems)?;
    refuse_same_name(&keys.was, keys.name.value.as_ref(), problems);
    let defaults = keys.defaults.keys();
    let forbid = keys.forbid.value.clone().unwrap_or_default();
    let rings = keys.rings.value.take().unwrap_or_default();
    let targets = rings.iter().map(|ring| &ring.keys.versions);
    let targets = [&keys.versions, &defaults.versions].into_iter().chain(targets);
    // A target that is forbidden by now is a person's no to what the plan asked for before, and takes effect: the
    // file must not become unusable by it.
    for (at, problem, other) in targets.flat_map(|targets| forbidden(targets, &forbid)) {
        let problem =
            format!("{problem}: a rollout that offers it halts, and a plan without a rollout is not begun");
        problems.warn(at, problem, ANOTHER, Some(other));
    }
    // Nobody is taken back to a version that the same file forbids.
    let back_to = iter::once(&defaults.rollback_to).chain(rings.iter().map(|ring| &ring.keys.rollback_to));
    for (at, problem, other) in back_to.flat_map(|targets| forbidden(targets, &forbid)) {
        problems.clash(at, problem, ANOTHER, other);
    }
    refuse_stays(&rings, problems);
    let rings = finish(rings, &keys.versions, &defaults, problems);
    if let Some(at) = &keys.rings.at
        && rings.iter().flatten().all(|ring| ring.rollback.to.is_empty())
    {
        let problem =
            "the plan has no `rollback_to`: until a ring is verified, there is nowhere to roll back to";
        let instead =
            "write the version that the devices run now, such as rollback_to: {windows: 2026.7.1376.0}";
        problems.note(&(at.start..at.start), problem, instead);
    }
    keys.filled(rings)
}

/// The name that the plan had before is not the one that it has.
fn refuse_same_name(was: &Written<PlanName>, name: Option<&PlanName>, problems: &mut Problems) {
    if let Some((_, at)) = was.placed().filter(|(was, _)| Some(was) == name) {
        let instead = "write the name that it had before, or remove `was`";
        problems.missing(&at, "this is the plan's name", instead);
    }
}

/// A ring that was another is no ring beside it.
fn refuse_stays(rings: &[RingRead], problems: &mut Problems) {
    for (was, at) in rings.iter().filter_map(|ring| ring.was.as_ref()) {
        if let Some(stays) = rings.iter().find(|ring| ring.name.as_ref() == Some(was)) {
            let problem = "the plan has a ring of this name";
            let instead = "give that ring another name, or remove `was`";
            let other = Other::Here { at: stays.at.clone(), what: "it stands here".to_owned() };
            problems.clash(at, problem, instead, other);
        }
    }
}

/// What of a file with errors may restrict, as far as it can be read: each part for itself.
pub(super) fn restrictions(root: &Node) -> Restrictions {
    let noted = &mut Problems::default();
    let Some(keys) = PlanKeys::read(root, "", noted) else { return Restrictions::default() };
    let defaults = keys.defaults.keys();
    let ring = |ring: RingRead| RestrictedRing {
        says: ring_restrictions(&ring.keys, &defaults, noted),
        name: ring.name,
        was: ring.was.map(|(was, _)| was),
        profiles: ring.profiles.into_iter().collect(),
    };
    let rings = keys.rings.value.unwrap_or_default().into_iter().map(ring).collect();
    Restrictions {
        forbid: forbidden_all_the_same(root, keys.forbid.value.unwrap_or_default()),
        rings,
        // Of a ring that the file does not name, its `defaults` take nothing away.
        defaults: RingRestrictions {
            allow_downgrade: None,
            ..ring_restrictions(&SharedKeys::default(), &defaults, &mut Problems::default())
        },
    }
}

/// The entries of `forbid`, and what those that are refused were probably meant to forbid: a person's no counts.
fn forbidden_all_the_same(root: &Node, read: Vec<(Forbid, Range<usize>)>) -> Vec<Forbid> {
    let refused = root.list("forbid").iter().filter(|node| read.iter().all(|(_, at)| *at != node.at));
    let text = |node: &Node, key: &str| match node.get(key).map(|node| &node.value) {
        Some(Value::Scalar { text, .. }) => text.clone(),
        _ => String::new(),
    };
    let meant = refused.flat_map(|node| {
        let reason = text(node, "reason");
        let of = move |versions| Forbid { versions, reason: reason.clone() };
        ranges::meant(&text(node, "versions")).into_iter().map(of)
    });
    let meant: Vec<Forbid> = meant.collect();
    read.into_iter().map(|(forbid, _)| forbid).chain(meant).collect()
}

/// What of a ring's keys may restrict it, as far as they can be read.
fn ring_restrictions(keys: &SharedKeys, defaults: &SharedKeys, noted: &mut Problems) -> RingRestrictions {
    let (own, shared) = (keys.schedule.keys(), defaults.schedule.keys());
    RingRestrictions {
        zone: keys.timezone.or(&defaults.timezone),
        open: own.open.or(&shared.open),
        freeze: [shared, own].into_iter().flat_map(|keys| keys.freeze.value.unwrap_or_default()).collect(),
        soak: keys.soak.or_there(&defaults.soak).value,
        max_devices: keys.max_devices.or(&defaults.max_devices),
        approval: approval_rule(&keys.approval, &defaults.approval, noted),
        back_to: readable([&defaults.rollback_to, &keys.rollback_to]),
        allow_downgrade: Some(keys.allow_downgrade.or(&defaults.allow_downgrade).unwrap_or_default()),
    }
}

/// What to write instead of a version that the plan forbids.
const ANOTHER: &str = "choose another version, or change `forbid`";

/// Each of the versions that is forbidden, what to say of it, and where the file forbids it.
fn forbidden<'a>(
    targets: &'a Written<Targets>,
    forbid: &'a [(Forbid, Range<usize>)],
) -> impl Iterator<Item = (&'a Range<usize>, String, Other)> {
    targets.each().filter_map(|(_, target)| {
        let (version, written_at) = (target.value?, target.at.as_ref()?);
        let (forbid, at) = forbid.iter().find(|(forbid, _)| forbid.covers(version))?;
        let problem = format!("this version is forbidden by '{}' ({})", forbid.versions, forbid.reason);
        let other = Other::Here { at: at.clone(), what: "`forbid` says so here".to_owned() };
        Some((written_at, problem, other))
    })
}
