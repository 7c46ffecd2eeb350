//! The list of rings as written: what belongs to one ring only, and how each is filled.
//!
//! **Invariant:** of two rings that claim one name, group or profile, the first keeps it and the other has
//! noted that.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::ops::Range;

use crate::ids::RingName;
use crate::plan::error::{Other, Problems};
use crate::plan::fields::{Fields, items};
use crate::plan::keys::plan::MAX_RINGS;
use crate::plan::keys::ring::{GROUP, MAX_PROFILES, NAME, RING, WAS};
use crate::plan::model::{ProfileRef, RingPlan};
use crate::plan::ring::{Noted, RingKeys, Targets};
use crate::plan::tree::Node;
use crate::plan::typed_key::Placed;
use crate::plan::values::profile;
use crate::version::{ClientVersion, Environment};

pub(super) const RINGS_EXAMPLE: &str = "a list of rings, each with `name` and `profiles`";
const PROFILES_EXAMPLE: &str = "a list, such as [Engineering] or [default]";

/// A ring as written, before it is filled.
pub(super) struct RingRead {
    pub(super) at: Range<usize>,
    pub(super) name: Option<RingName>,
    pub(super) was: Option<(RingName, Range<usize>)>,
    group: Option<String>,
    pub(super) profiles: Vec<ProfileRef>,
    pub(super) keys: RingKeys,
}

/// Every ring that can be read; the others have noted their problems. Of too many, none is read.
pub(super) fn read_rings(node: &Node, problems: &mut Problems) -> Vec<RingRead> {
    let Some(items) = items(node, "`rings`", RINGS_EXAMPLE, problems) else {
        return Vec::new();
    };
    if items.is_empty() {
        problems.missing(&node.at, "there is no ring", format!("write {RINGS_EXAMPLE}"));
    }
    if items.len() > MAX_RINGS {
        let problem = format!("{} rings are too many", items.len());
        let instead = format!("write at most {MAX_RINGS}; a ring can hold several profiles");
        problems.missing(&node.at, problem, instead);
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
    names: HashMap<String, FirstRing>,
    former: HashMap<String, FirstRing>,
    groups: HashMap<String, FirstRing>,
    profiles: HashMap<ProfileRef, FirstRing>,
}

/// Which ring took something, and where it says so.
struct FirstRing {
    ring: String,
    at: Range<usize>,
}

fn read_ring(node: &Node, index: usize, taken: &mut Taken, problems: &mut Problems) -> Option<RingRead> {
    let fields = Fields::of(node, &RING, problems)?;
    let placed = NAME.needed_placed(&fields, "write a name, such as name: Engineering Ring 0", problems);
    let name = placed.and_then(|Placed { value, at }| Some((value?, at)));
    let position = format!("ring {}", index + 1);
    let this = name.as_ref().map_or_else(|| position.clone(), |(name, _)| format!("{position} (`{name}`)"));
    // Case and blanks at the ends aside: people could not tell such rings apart.
    let keeps_name = name.as_ref().is_some_and(|(name, at)| {
        claim(&mut taken.names, name.trim().to_lowercase(), &this, at, RING_NAME, problems)
    });
    let own_group = GROUP.placed(&fields, problems);
    let has_own_group = own_group.is_some();
    let group = match own_group {
        Some(Placed { value, at }) => value.map(|group| (group, at)),
        // A ring without a group of its own gives its name to the group.
        None => name.clone(),
    };
    if let Some((group, at)) = &group
        && (keeps_name || has_own_group)
    {
        claim(&mut taken.groups, group.clone(), &this, at, GROUP_NAME, problems);
    }
    let profiles = fields.require("profiles", &format!("write {PROFILES_EXAMPLE}"), problems);
    let profiles = profiles.map(|node| read_profiles(node, &this, taken, problems)).unwrap_or_default();
    let was = WAS.placed(&fields, problems).and_then(|Placed { value, at }| {
        let name = value?;
        claim(&mut taken.former, name.clone(), &this, &at, FORMER_NAME, problems);
        Some((RingName::new(name).ok()?, at))
    });
    let keys = RingKeys::of(&fields, problems);
    let name = name.and_then(|(name, _)| RingName::new(name).ok());
    Some(RingRead { at: fields.at, name, was, group: group.map(|(group, _)| group), profiles, keys })
}

/// What belongs to one ring only, and the rule that says so.
const RING_NAME: (&str, &str) =
    ("this name", "choose another; names that differ only in upper and lower case count as one");
const FORMER_NAME: (&str, &str) =
    ("this former name", "one ring of the plan had it; say so of the ring that takes over its group");
const GROUP_NAME: (&str, &str) =
    ("this deployment group's name", "each ring has a group of its own; choose another");
const PROFILE: (&str, &str) = ("this profile", "a profile belongs to one ring; remove it from one of them");

/// Notes a problem when `value` is taken; the first to claim it keeps it. Says whether that is this ring.
fn claim<T: Hash + Eq>(
    taken: &mut HashMap<T, FirstRing>,
    value: T,
    by: &str,
    at: &Range<usize>,
    (what, rule): (&str, &str),
    problems: &mut Problems,
) -> bool {
    match taken.entry(value) {
        Entry::Vacant(free) => {
            free.insert(FirstRing { ring: by.to_owned(), at: at.clone() });
            true
        }
        Entry::Occupied(first) => {
            let FirstRing { ring, at: first_at } = first.get();
            let (problem, instead) = if ring == by {
                (format!("{what} is repeated"), "keep one of them")
            } else {
                (format!("{what} is taken by {ring}"), rule)
            };
            let other = Other::Here { at: first_at.clone(), what: format!("{ring} has it here") };
            problems.clash(at, problem, instead, other);
            false
        }
    }
}

fn read_profiles(node: &Node, this: &str, taken: &mut Taken, problems: &mut Problems) -> Vec<ProfileRef> {
    let Some(items) = items(node, "`profiles`", PROFILES_EXAMPLE, problems) else {
        return Vec::new();
    };
    if items.is_empty() {
        let instead = format!("write {PROFILES_EXAMPLE}, or drop the ring");
        problems.missing(&node.at, "this ring is empty", instead);
    }
    let mut profiles = Vec::new();
    for item in items {
        let Some(profile) = profile(item, problems) else { continue };
        claim(&mut taken.profiles, profile.clone(), this, &item.at, PROFILE, problems);
        profiles.push(profile);
    }
    profiles
}

/// Fills every ring from `defaults`, the plan's versions and the values built in.
pub(super) fn finish(
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
        let written = Targets::overlaid(layers);
        if written.is_empty() && layers.iter().all(|targets| !targets.doubtful) {
            let instead = "write `versions` with `windows`, `macos` or both, here or at the top of the file";
            problems.missing(&ring.at, "this ring has no target", instead);
        }
        let targets = written.into_iter().filter_map(|(env, version)| Some((env, version?))).collect();
        let filled = ring.filled(targets, defaults, problems);
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
        problems: &mut Problems,
    ) -> Option<RingPlan> {
        let keys = self.keys;
        let approval = keys.approval.or(&defaults.approval, problems);
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
