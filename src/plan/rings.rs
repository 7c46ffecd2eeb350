//! The list of rings as written: what belongs to one ring only, and how each is filled.
//!
//! **Invariant:** of two rings that claim one name, group or profile, the first keeps it and the other has
//! noted that. Of two places that say of soak and `dark.after` what does not fit together, it is told once.

use std::collections::{BTreeSet, HashMap};
use std::{hash::Hash, ops::Range};

use crate::plan::against_targets::AgainstTargets;
use crate::plan::fields::too_many;
use crate::plan::keys::ring::{OwnKeys, RING, RingRead, SIGHT_OF_DARK, SharedKeys};
use crate::plan::keys::versions::{Targets, overlaid};
use crate::plan::model::{Health, ProfileRef, RingPlan};
use crate::plan::{Fields, MAX_PROFILES, Node, Other, Problems, Written, items};
use crate::time::{Span, in_words};
use crate::{ids::RingName, plan::typed_key::Keys as _};

/// The most rings of one plan.
pub const MAX_RINGS: usize = 100;
pub(super) const RINGS_EXAMPLE: &str = "a list of rings, each with `name` and `profiles`";

/// Every ring that can be read; the others have noted their problems. Of too many, none is read.
pub(super) fn read_rings(node: &Node, what: &str, problems: &mut Problems) -> Option<Vec<RingRead>> {
    let items = items(node, what, RINGS_EXAMPLE, problems)?;
    if items.is_empty() {
        problems.missing(&node.at, "there is no ring", format!("write {RINGS_EXAMPLE}"));
    }
    if too_many(&node.at, items.len(), MAX_RINGS, "rings", "; a ring can hold several profiles", problems) {
        return None;
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
    Some(rings)
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
type FirstRing = (String, Range<usize>);

fn read_ring(node: &Node, index: usize, taken: &mut Taken, problems: &mut Problems) -> Option<RingRead> {
    let fields = Fields::of(node, &RING, problems)?;
    let own = OwnKeys::of(&fields, problems);
    let keys = SharedKeys::of(&fields, problems);
    let name = own.name.placed();
    let position = format!("ring {}", index + 1);
    let this = name.as_ref().map_or_else(|| position.clone(), |(name, _)| format!("{position} (`{name}`)"));
    // Case and blanks at the ends aside: people could not tell such rings apart.
    let keeps_name = name.as_ref().is_some_and(|(name, at)| {
        claim(&mut taken.names, name.trim().to_lowercase(), &this, at, RING_NAME, problems)
    });
    let has_own_group = own.group.at.is_some();
    // A ring without a group of its own gives its name to the group.
    let group = if has_own_group { own.group.placed() } else { name.clone() };
    if let Some((group, at)) = &group
        && (keeps_name || has_own_group)
    {
        claim(&mut taken.groups, group.clone(), &this, at, GROUP_NAME, problems);
    }
    let profiles = own.profiles.value.unwrap_or_default();
    for (profile, at) in &profiles {
        claim(&mut taken.profiles, profile.clone(), &this, at, PROFILE, problems);
    }
    let was = own.was.placed().and_then(|(name, at)| {
        claim(&mut taken.former, name.clone(), &this, &at, FORMER_NAME, problems);
        Some((RingName::new(name).ok()?, at))
    });
    Some(RingRead {
        at: fields.at,
        name: name.and_then(|(name, _)| RingName::new(name).ok()),
        was,
        group: group.map(|(group, _)| group),
        profiles: profiles.into_iter().map(|(profile, _)| profile).collect(),
        keys,
    })
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
    let Some((ring, first)) = taken.get(&value) else {
        taken.insert(value, (by.to_owned(), at.clone()));
        return true;
    };
    let (problem, instead) = if ring == by {
        (format!("{what} is repeated"), "keep one of them")
    } else {
        (format!("{what} is taken by {ring}"), rule)
    };
    let other = Other::Here { at: first.clone(), what: format!("{ring} has it here") };
    problems.clash(at, problem, instead, other);
    false
}

/// Fills every ring from `defaults`, the plan's versions and the values built in.
pub(super) fn finish(
    rings: Vec<RingRead>,
    targets: &Written<Targets>,
    defaults: &SharedKeys,
    problems: &mut Problems,
) -> Option<Vec<RingPlan>> {
    let mut finished = Vec::new();
    let mut noted = Noted::new();
    // By themselves too: those that no ring takes today, a ring takes tomorrow.
    soak_long_enough(defaults, &SharedKeys::default(), &mut noted, problems);
    let mut compared = AgainstTargets::default();
    for ring in rings {
        soak_long_enough(&ring.keys, defaults, &mut noted, problems);
        let layers = [targets, &defaults.versions, &ring.keys.versions];
        let written = overlaid(layers);
        if written.is_empty() && layers.iter().all(|targets| !targets.is_doubtful()) {
            let instead = "write `versions` with `windows`, `macos` or both, here or at the top of the file";
            problems.missing(&ring.at, "this ring has no target", instead);
        }
        let is_whole =
            written.values().all(Option::is_some) && layers.iter().all(|targets| !targets.is_doubtful());
        let targets = written.into_iter().filter_map(|(env, version)| Some((env, version?))).collect();
        if is_whole {
            compared.ring(&ring.keys, defaults, &targets, problems);
        }
        finished.push(ring.filled(targets, defaults, problems));
    }
    if problems.is_empty() {
        compared.finish(problems);
    }
    finished.into_iter().collect()
}

/// The places of soak and `dark.after` that were told already; `None`: built in.
type Noted = BTreeSet<(Option<usize>, Option<usize>)>;

/// Notes a soak that is over before a look for dark devices can have been taken, once for each
/// pair of places that say so.
fn soak_long_enough(keys: &SharedKeys, defaults: &SharedKeys, noted: &mut Noted, problems: &mut Problems) {
    let after = |keys: &SharedKeys| keys.health.keys().dark.keys().after;
    let (soak, dark) = (keys.soak.or_there(&defaults.soak), after(keys).or_there(&after(defaults)).clone());
    let length = |written: &Written<Span>, built_in| match written.at {
        None => Some(built_in),
        Some(_) => written.value,
    };
    let (Some(length), Some(silence)) =
        (length(soak, RingPlan::BUILT_IN_SOAK), length(&dark, Health::BUILT_IN.dark.after))
    else {
        return; // One of them was refused.
    };
    let least = silence.get() + SIGHT_OF_DARK.get();
    let place = |written: &Written<Span>| written.at.as_ref().map(|at| at.start);
    if length.get() >= least || !noted.insert((place(soak), place(&dark))) {
        return;
    }
    let least = in_words(least);
    let why = format!("devices that went dark show only after {silence}, and it takes a day more to be sure");
    let Some(at) = &soak.at else {
        let problem = format!("`after` is too long for a soak of {length}, which is built in: {why}");
        let instead = format!("write a `soak` of at least {least}, or a shorter `after`");
        return problems.wrong(&dark.at.unwrap_or(0..0), problem, instead);
    };
    let (problem, instead) = (format!("`soak` is too short: {why}"), format!("write at least {least}"));
    match dark.at {
        Some(after) => {
            let other = Other::Here { at: after, what: format!("`dark.after` is {silence} here") };
            problems.clash(at, problem, instead, other);
        }
        None => problems.wrong(at, problem, instead),
    }
}
