//! Stage 2: tree to plan, noting every structural and semantic problem on the way.
//!
//! **Invariant:** a plan is returned only when it holds as a whole; when none is returned, at
//! least one problem was noted, and a warning is none.

use std::iter;
use std::ops::Range;

use crate::ids::PlanName;
use crate::plan::change::{RestrictedRing, Restrictions, RingRestrictions};
use crate::plan::error::{Other, Problems};
use crate::plan::fields::{Fields, items};
use crate::plan::keys::plan::{
    ACCOUNT_ID, AUTHOR, DESCRIPTION, FORBID, FORBIDDEN, MAX_FORBIDS, NAME, ON_DRIFT, ON_NEW_TARGET, PLAN,
    REASON, WAS,
};
use crate::plan::keys::ring::DEFAULTS;
use crate::plan::keys::versions::VERSIONS;
use crate::plan::model::{Forbid, Plan};
use crate::plan::ring::{RingKeys, Targets};
use crate::plan::rings::{RINGS_EXAMPLE, RingRead, finish, read_rings};
use crate::plan::tree::Node;
use crate::plan::typed_key::Placed;

const FORBID_EXAMPLE: &str =
    "a list, such as - {versions: '>=2026.7.1343, <2026.7.1376', reason: fails to connect}";

/// The plan that a tree says, if it holds.
pub(super) fn plan(root: &Node, problems: &mut Problems) -> Option<Plan> {
    let fields = Fields::of(root, &PLAN, problems)?;
    let name = NAME.needed(&fields, "write the plan's name, such as plan: cloudflare-one-client", problems);
    let was = WAS.placed(&fields, problems).and_then(|was| another(was, name.as_ref(), problems));
    let description = DESCRIPTION.of(&fields, problems);
    let account = ACCOUNT_ID.of(&fields, problems);
    let author = AUTHOR.of(&fields, problems);
    let forbid = fields.get("forbid").map(|node| forbids(node, problems)).unwrap_or_default();
    let on_new_target = ON_NEW_TARGET.of(&fields, problems);
    let on_drift = ON_DRIFT.of(&fields, problems);
    let targets = Targets::of(&fields, &VERSIONS, problems);
    let defaults = fields.mapping(&DEFAULTS, problems);
    let defaults = defaults.map(|fields| RingKeys::of(&fields, problems)).unwrap_or_default();
    let rings = fields.require("rings", &format!("write {RINGS_EXAMPLE}"), problems);
    let rings = rings.map(|node| read_rings(node, problems)).unwrap_or_default();

    for targets in
        [&targets, &defaults.versions].into_iter().chain(rings.iter().map(|ring| &ring.keys.versions))
    {
        warn_of_forbidden(targets, &forbid, problems);
    }
    for targets in iter::once(&defaults.back_to).chain(rings.iter().map(|ring| &ring.keys.back_to)) {
        refuse_forbidden(targets, &forbid, problems);
    }
    refuse_stays(&rings, problems);
    let rings = finish(rings, &targets, &defaults, problems);
    if let Some(node) = fields.get("rings")
        && rings.iter().flatten().all(|ring| ring.rollback.to.is_empty())
    {
        let problem =
            "the plan has no `rollback_to`: until a ring is verified, there is nowhere to roll back to";
        let instead =
            "write the version that the devices run now, such as rollback_to: {windows: 2026.7.1376.0}";
        problems.note(&(node.at.start..node.at.start), problem, instead);
    }
    Some(Plan {
        name: name?,
        was,
        description,
        account,
        author,
        forbid: forbid.into_iter().map(|(forbid, _)| forbid).collect(),
        on_new_target: on_new_target.unwrap_or_default(),
        on_drift: on_drift.unwrap_or_default(),
        rings: rings?,
    })
}

/// The name that the plan had before, which is not the one that it has.
fn another(was: Placed<PlanName>, name: Option<&PlanName>, problems: &mut Problems) -> Option<PlanName> {
    let value = was.value?;
    if Some(&value) == name {
        let instead = "write the name that it had before, or remove `was`";
        problems.missing(&was.at, "this is the plan's name", instead);
        return None;
    }
    Some(value)
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
    let Some(fields) = Fields::of(root, &PLAN, noted) else { return Restrictions::default() };
    let forbid = fields.get("forbid").map(|node| forbids(node, noted)).unwrap_or_default();
    let defaults = fields.mapping(&DEFAULTS, noted);
    let defaults = defaults.map(|fields| RingKeys::of(&fields, noted)).unwrap_or_default();
    let rings = fields.get("rings").map(|node| read_rings(node, noted)).unwrap_or_default();
    let ring = |ring: RingRead| RestrictedRing {
        says: ring.keys.restrictions(&defaults, noted),
        name: ring.name,
        was: ring.was.map(|(was, _)| was),
        profiles: ring.profiles.into_iter().collect(),
    };
    let rings = rings.into_iter().map(ring).collect();
    let none = RingKeys::default();
    Restrictions {
        forbid: forbid.into_iter().map(|(forbid, _)| forbid).collect(),
        rings,
        // Of a ring that the file does not name, its `defaults` take nothing away.
        defaults: RingRestrictions {
            allow_downgrade: None,
            ..none.restrictions(&defaults, &mut Problems::default())
        },
    }
}

fn forbids(node: &Node, problems: &mut Problems) -> Vec<(Forbid, Range<usize>)> {
    let Some(items) = items(node, "`forbid`", FORBID_EXAMPLE, problems) else {
        return Vec::new();
    };
    if items.len() > MAX_FORBIDS {
        let problem = format!("{} entries are too many", items.len());
        problems.missing(&node.at, problem, format!("write at most {MAX_FORBIDS}; join neighbouring ranges"));
        return Vec::new();
    }
    items.iter().filter_map(|item| Some((forbid(item, problems)?, item.at.clone()))).collect()
}

fn forbid(node: &Node, problems: &mut Problems) -> Option<Forbid> {
    let fields = Fields::of(node, &FORBID, problems)?;
    let versions =
        FORBIDDEN.needed(&fields, "write a range, such as '>=2026.7.1343, <2026.7.1376'", problems);
    let reason = REASON.needed(&fields, "write why, for the person whose plan is refused", problems);
    Some(Forbid { versions: versions?, reason: reason? })
}

/// What to write instead of a version that the plan forbids.
const ANOTHER: &str = "choose another version, or change `forbid`";

/// A target that is forbidden by now is a person's no to what the plan asked for before, and takes effect:
/// the file must not become unusable by it.
fn warn_of_forbidden(targets: &Targets, forbid: &[(Forbid, Range<usize>)], problems: &mut Problems) {
    for (at, problem, other) in forbidden(targets, forbid) {
        let problem =
            format!("{problem}: a rollout that offers it halts, and a plan without a rollout is not begun");
        problems.warn(at, problem, ANOTHER, Some(other));
    }
}

/// Nobody is taken back to a version that the same file forbids.
fn refuse_forbidden(targets: &Targets, forbid: &[(Forbid, Range<usize>)], problems: &mut Problems) {
    for (at, problem, other) in forbidden(targets, forbid) {
        problems.clash(at, problem, ANOTHER, other);
    }
}

/// Each of the versions that is forbidden, what to say of it, and where the file forbids it.
fn forbidden<'a>(
    targets: &'a Targets,
    forbid: &'a [(Forbid, Range<usize>)],
) -> impl Iterator<Item = (&'a Range<usize>, String, Other)> {
    targets.written.iter().filter_map(|(_, target)| {
        let version = target.value?;
        let (forbid, at) = forbid.iter().find(|(forbid, _)| forbid.covers(version))?;
        let problem = format!("this version is forbidden by '{}' ({})", forbid.versions, forbid.reason);
        let other = Other::Here { at: at.clone(), what: "`forbid` says so here".to_owned() };
        Some((&target.at, problem, other))
    })
}
