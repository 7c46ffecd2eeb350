//! Stage 2: tree to plan, noting every structural and semantic problem on the way.
//!
//! **Invariant:** a plan is returned only when it holds as a whole; when none is returned, at
//! least one problem was noted, and a warning is none.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::iter;
use std::ops::Range;

use super::approval::author;
use super::change::{RestrictedRing, Restrictions, RingRestrictions};
use super::error::{Other, Problems};
use super::fields::{Fields, description, items, text, word};
use super::keys::{DEFAULTS, FORBID, ON_DRIFT, ON_NEW_TARGET, PLAN, RING};
use super::model::{ApprovalRule, Forbid, OnDrift, OnNewTarget, Plan, ProfileRef, RingPlan};
use super::ring::{Noted, RingKeys, Target, Targets, overlaid, versions};
use super::tree::Node;
use super::values::{account, plan_name, profile, range};
use crate::ids::{PlanName, RingName};
use crate::version::{ClientVersion, Environment};

/// The most rings of one plan.
pub const MAX_RINGS: usize = 100;
/// The most profiles of one plan, all rings together.
pub const MAX_PROFILES: usize = 1_000;
/// The most entries of `forbid`.
pub const MAX_FORBIDS: usize = 100;

const RINGS_EXAMPLE: &str = "a list of rings, each with `name` and `profiles`";
const PROFILES_EXAMPLE: &str = "a list, such as [Engineering] or [default]";
const FORBID_EXAMPLE: &str =
    "a list, such as - {versions: '>=2026.7.1343, <2026.7.1376', reason: fails to connect}";

/// The plan that a tree says, if it holds.
pub(super) fn plan(root: &Node, problems: &mut Problems) -> Option<Plan> {
    let fields = Fields::of(root, &PLAN, problems)?;
    let name = fields.require("plan", "write the plan's name, such as plan: cloudflare-one-client", problems);
    let name = name.and_then(|node| plan_name(node, problems));
    let was = fields.get("was").and_then(|node| was_plan(node, name.as_ref(), problems));
    let description = fields.get("description").and_then(|node| description(node, problems));
    let account = fields.get("account").and_then(|node| account(node, problems));
    let author = fields.get("author").and_then(|node| author(node, problems));
    let forbid = fields.get("forbid").map(|node| forbids(node, problems)).unwrap_or_default();
    let on_new_target = word(&fields, "on_new_target", ON_NEW_TARGET, problems);
    let on_drift = word(&fields, "on_drift", ON_DRIFT, problems);
    let targets = versions(&fields, problems);
    let defaults = fields.get("defaults").and_then(|node| Fields::of(node, &DEFAULTS, problems));
    let defaults = defaults.map(|fields| RingKeys::of(&fields, problems)).unwrap_or_default();
    let rings = fields.require("rings", &format!("write {RINGS_EXAMPLE}"), problems);
    let rings = rings.map(|node| read_rings(node, problems)).unwrap_or_default();

    for targets in
        [&targets, &defaults.versions].into_iter().chain(rings.iter().map(|ring| &ring.keys.versions))
    {
        warn_of_forbidden(&targets.written, &forbid, problems);
    }
    for targets in iter::once(&defaults.back_to).chain(rings.iter().map(|ring| &ring.keys.back_to)) {
        refuse_forbidden(&targets.written, &forbid, problems);
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
        description: description.map(str::to_owned),
        account,
        author,
        forbid: forbid.into_iter().map(|(forbid, _)| forbid).collect(),
        on_new_target: on_new_target.unwrap_or(OnNewTarget::Replace),
        on_drift: on_drift.unwrap_or(OnDrift::Halt),
        rings: rings?,
    })
}

/// The name that the plan had before.
fn was_plan(node: &Node, name: Option<&PlanName>, problems: &mut Problems) -> Option<PlanName> {
    let was = plan_name(node, problems)?;
    if Some(&was) == name {
        problems.missing(
            &node.at,
            "this is the plan's name",
            "write the name that it had before, or remove `was`",
        );
        return None;
    }
    Some(was)
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
    let defaults = fields.get("defaults").and_then(|node| Fields::of(node, &DEFAULTS, noted));
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
        fields.require("versions", "write a range, such as '>=2026.7.1343, <2026.7.1376'", problems);
    let reason = fields.require("reason", "write why, for the person whose plan is refused", problems);
    let versions = versions.and_then(|node| range(node, problems));
    let reason = reason.and_then(|node| text(node, "`reason`", problems));
    Some(Forbid { versions: versions?, reason: reason?.to_owned() })
}

/// What to write instead of a version that the plan forbids.
const ANOTHER: &str = "choose another version, or change `forbid`";

/// A target that is forbidden by now is a person's no to what the plan asked for before, and takes effect:
/// the file must not become unusable by it.
fn warn_of_forbidden(targets: &[Target], forbid: &[(Forbid, Range<usize>)], problems: &mut Problems) {
    for (target, problem, other) in forbidden(targets, forbid) {
        let problem =
            format!("{problem}: a rollout that offers it halts, and a plan without a rollout is not begun");
        problems.warn(&target.at, problem, ANOTHER, Some(other));
    }
}

/// Nobody is taken back to a version that the same file forbids.
fn refuse_forbidden(targets: &[Target], forbid: &[(Forbid, Range<usize>)], problems: &mut Problems) {
    for (target, problem, other) in forbidden(targets, forbid) {
        problems.clash(&target.at, problem, ANOTHER, other);
    }
}

/// Each of the versions that is forbidden, what to say of it, and where the file forbids it.
fn forbidden<'a>(
    targets: &'a [Target],
    forbid: &'a [(Forbid, Range<usize>)],
) -> impl Iterator<Item = (&'a Target, String, Other)> {
    targets.iter().filter_map(|target| {
        let version = target.version?;
        let (forbid, at) = forbid.iter().find(|(forbid, _)| forbid.covers(version))?;
        let problem = format!("this version is forbidden by '{}' ({})", forbid.versions, forbid.reason);
        let other = Other::Here { at: at.clone(), what: "`forbid` says so here".to_owned() };
        Some((target, problem, other))
    })
}

/// A ring as written, before it is filled.
struct RingRead {
    at: Range<usize>,
    name: Option<RingName>,
    was: Option<(RingName, Range<usize>)>,
    group: Option<String>,
    profiles: Vec<ProfileRef>,
    keys: RingKeys,
}

fn read_rings(node: &Node, problems: &mut Problems) -> Vec<RingRead> {
    let Some(items) = items(node, "`rings`", RINGS_EXAMPLE, problems) else {
        return Vec::new();
    };
    if items.is_empty() {
        problems.missing(&node.at, "there is no ring", format!("write {RINGS_EXAMPLE}"));
    }
    if items.len() > MAX_RINGS {
        let problem = format!("{} rings are too many", items.len());
        problems.missing(
            &node.at,
            problem,
            format!("write at most {MAX_RINGS}; a ring can hold several profiles"),
        );
        return Vec::new();
    }
    let mut taken = Taken::default();
    let rings = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| read_ring(item, index, &mut taken, problems))
        .collect();
    if taken.profiles.len() > MAX_PROFILES {
        let problem = format!("{} profiles are too many", taken.profiles.len());
        problems.missing(&node.at, problem, format!("a plan has at most {MAX_PROFILES}"));
    }
    rings
}

/// What earlier rings of the plan have taken, and which ring it was.
#[derive(Default)]
struct Taken {
    names: HashMap<String, Owner>,
    former: HashMap<String, Owner>,
    groups: HashMap<String, Owner>,
    profiles: HashMap<ProfileRef, Owner>,
}

/// Which ring took something, and where it says so.
struct Owner {
    ring: String,
    at: Range<usize>,
}

fn read_ring(node: &Node, index: usize, taken: &mut Taken, problems: &mut Problems) -> Option<RingRead> {
    let fields = Fields::of(node, &RING, problems)?;
    let name_node = fields.require("name", "write a name, such as name: Engineering Ring 0", problems);
    let name = name_node.and_then(|node| Some((node, text(node, "a ring's name", problems)?)));
    let position = format!("ring {}", index + 1);
    let this = name.map_or_else(|| position.clone(), |(_, name)| format!("{position} (`{name}`)"));
    let own_name = match name {
        // Case and blanks at the ends aside: people could not tell such rings apart.
        Some((node, name)) => {
            claim(&mut taken.names, name.trim().to_lowercase(), &this, node, RING_NAME, problems)
        }
        None => Claim::Refused,
    };
    let group = match fields.get("group") {
        Some(node) => text(node, "`group`", problems).map(|group| (node, group)),
        // A ring without a group of its own gives its name to the group.
        None => name,
    };
    if let Some((node, group)) = group
        && (own_name == Claim::Kept || fields.get("group").is_some())
    {
        claim(&mut taken.groups, group, &this, node, GROUP_NAME, problems);
    }
    let profiles = fields.require("profiles", &format!("write {PROFILES_EXAMPLE}"), problems);
    let profiles = profiles.map(|node| read_profiles(node, &this, taken, problems)).unwrap_or_default();
    let was = fields.get("was").and_then(|node| {
        let name = text(node, "`was`", problems)?;
        claim(&mut taken.former, name, &this, node, FORMER_NAME, problems);
        Some((RingName::new(name).ok()?, node.at.clone()))
    });
    let keys = RingKeys::of(&fields, problems);
    let name = name.and_then(|(_, name)| RingName::new(name).ok());
    Some(RingRead {
        at: fields.at,
        name,
        was,
        group: group.map(|(_, group)| group.to_owned()),
        profiles,
        keys,
    })
}

/// What became of a name that belongs to one ring only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Kept,
    Refused,
}

/// What belongs to one ring only, and the rule that says so.
const RING_NAME: (&str, &str) =
    ("this name", "choose another; names that differ only in upper and lower case count as one");
const FORMER_NAME: (&str, &str) =
    ("this former name", "one ring of the plan had it; say so of the ring that takes over its group");
const GROUP_NAME: (&str, &str) =
    ("this deployment group's name", "each ring has a group of its own; choose another");
const PROFILE: (&str, &str) = ("this profile", "a profile belongs to one ring; remove it from one of them");

/// Notes a problem when `value` is taken; the first to claim it keeps it.
fn claim<T: Hash + Eq>(
    taken: &mut HashMap<T, Owner>,
    value: impl Into<T>,
    by: &str,
    node: &Node,
    (what, rule): (&str, &str),
    problems: &mut Problems,
) -> Claim {
    match taken.entry(value.into()) {
        Entry::Vacant(free) => {
            free.insert(Owner { ring: by.to_owned(), at: node.at.clone() });
            return Claim::Kept;
        }
        Entry::Occupied(first) => {
            let Owner { ring, at } = first.get();
            let (problem, instead) = if ring == by {
                (format!("{what} is repeated"), "keep one of them")
            } else {
                (format!("{what} is taken by {ring}"), rule)
            };
            let other = Other::Here { at: at.clone(), what: format!("{ring} has it here") };
            problems.clash(&node.at, problem, instead, other);
        }
    }
    Claim::Refused
}

fn read_profiles(node: &Node, this: &str, taken: &mut Taken, problems: &mut Problems) -> Vec<ProfileRef> {
    let Some(items) = items(node, "`profiles`", PROFILES_EXAMPLE, problems) else {
        return Vec::new();
    };
    if items.is_empty() {
        problems.missing(
            &node.at,
            "this ring is empty",
            format!("write {PROFILES_EXAMPLE}, or drop the ring"),
        );
    }
    let mut profiles = Vec::new();
    for item in items {
        let Some(profile) = profile(item, problems) else { continue };
        claim(&mut taken.profiles, profile.clone(), this, item, PROFILE, problems);
        profiles.push(profile);
    }
    profiles
}

/// Fills every ring from `defaults`, the plan's versions and the values built in.
fn finish(
    rings: Vec<RingRead>,
    targets: &Targets,
    defaults: &RingKeys,
    problems: &mut Problems,
) -> Option<Vec<RingPlan>> {
    let mut finished = Some(Vec::new());
    let mut noted = Noted::new();
    // By themselves too: those that no ring takes today, a ring takes tomorrow.
    defaults.soak_long_enough(&RingKeys::default(), &mut noted, problems);
    for ring in rings {
        ring.keys.soak_long_enough(defaults, &mut noted, problems);
        let layers = [targets, &defaults.versions, &ring.keys.versions];
        let written = overlaid(layers.map(|targets| targets.written.as_slice()));
        if written.is_empty() && layers.iter().all(|targets| !targets.doubtful) {
            let instead = "write `versions` with `windows`, `macos` or both, here or at the top of the file";
            problems.missing(&ring.at, "this ring has no target", instead);
        }
        let approval = ring.keys.approval.or(&defaults.approval, problems);
        let filled = ring.filled(
            written.into_iter().filter_map(|(env, version)| Some((env, version?))).collect(),
            defaults,
            approval,
            problems,
        );
        finished = finished.zip(filled).map(|(mut rings, ring)| {
            rings.push(ring);
            rings
        });
    }
    finished
}

impl RingRead {
    /// `None` only where a problem was noted: a name or group that is missing or refused.
    fn filled(
        self,
        targets: BTreeMap<Environment, ClientVersion>,
        defaults: &RingKeys,
        approval: Option<ApprovalRule>,
        problems: &mut Problems,
    ) -> Option<RingPlan> {
        let keys = self.keys;
        let schedule = keys.schedule(defaults, problems);
        Some(RingPlan {
            name: self.name?,
            was: self.was.map(|(was, _)| was),
            group: self.group?,
            profiles: self.profiles,
            targets,
            schedule: schedule?,
            adoption: keys.adoption_or(defaults),
            soak: keys.soak_or(defaults),
            health: keys.health_or(defaults),
            unknown_after: keys.unknown_after_or(defaults),
            on_failure: keys.on_failure_or(defaults),
            max_devices: keys.max_devices_or(defaults),
            allow_downgrade: keys.allow_downgrade_or(defaults),
            rollback: keys.rollback_or(defaults),
            approval,
        })
    }
}
