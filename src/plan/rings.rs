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
use crate::plan::names::{differing, key, key_with_case, profile_key};
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

/// What earlier rings of the plan have taken, and which ring it was; by the keys of names.
#[derive(Default)]
struct Taken {
    names: HashMap<String, Claim>,
    former: HashMap<String, Claim>,
    groups: HashMap<String, Claim>,
    profiles: HashMap<ProfileRef, Claim>,
    /// Of names that differ only in case, Cloudflare may have two.
    profiles_in_any_case: HashMap<ProfileRef, Claim>,
}

/// Which ring takes something, and where it says so.
#[derive(Clone)]
struct Claim {
    ring: String,
    text: String,
    at: Range<usize>,
    /// The text with the comment that took its end away.
    quoted: Option<String>,
}

fn read_ring(node: &Node, index: usize, taken: &mut Taken, problems: &mut Problems) -> Option<RingRead> {
    let fields = Fields::of(node, &RING, problems)?;
    let own = OwnKeys::of(&fields, problems);
    let keys = SharedKeys::of(&fields, problems);
    let name = own.name.placed();
    let position = format!("ring {}", index + 1);
    let ring = name.as_ref().map_or_else(|| position.clone(), |(name, _)| format!("{position} (`{name}`)"));
    let comments = comments(node);
    let by = |text: &str, at: &Range<usize>| {
        let quoted = comments.get(&at.start).map(|quoted| (*quoted).to_owned());
        Claim { ring: ring.clone(), text: text.to_owned(), at: at.clone(), quoted }
    };
    let keeps_name = name
        .as_ref()
        .is_some_and(|(name, at)| claim(&mut taken.names, key(name), by(name, at), RING_NAME, problems));
    let has_own_group = own.group.at.is_some();
    // A ring without a group of its own gives its name to the group.
    let group = if has_own_group { own.group.placed() } else { name.clone() };
    if let Some((group, at)) = &group
        && (keeps_name || has_own_group)
    {
        claim(&mut taken.groups, key(group), by(group, at), GROUP_NAME, problems);
    }
    let profiles = own.profiles.value.unwrap_or_default();
    for (profile, at) in &profiles {
        claim_profile(taken, profile, by(&profile.to_string(), at), problems);
    }
    let was = own.was.placed().and_then(|(name, at)| {
        claim(&mut taken.former, key(&name), by(&name, &at), FORMER_NAME, problems);
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

/// The texts of a ring that a comment took the end of, each in quotes and by its place.
fn comments(ring: &Node) -> HashMap<usize, &str> {
    let own = ["name", "was", "group"].into_iter().filter_map(|key| ring.get(key));
    let cut = own.chain(ring.list("profiles")).filter_map(|node| {
        let comment = node.comment.as_ref()?;
        Some((node.at.start, comment.quoted.as_str()))
    });
    cut.collect()
}

/// What belongs to one ring only, and the rule that says so.
const RING_NAME: (&str, &str) =
    ("this name", "choose another; names that look the same, or differ only in case or blanks, count as one");
const FORMER_NAME: (&str, &str) =
    ("this former name", "one ring of the plan had it; say so of the ring that takes over its group");
const GROUP_NAME: (&str, &str) =
    ("this deployment group's name", "each ring has a group of its own; choose another");
const PROFILE: (&str, &str) = ("this profile", "a profile belongs to one ring; remove it from one of them");

/// Notes a problem when what has the key is taken; the first to claim it keeps it. Says whether that is this ring.
fn claim<K: Hash + Eq>(
    taken: &mut HashMap<K, Claim>,
    key: K,
    claim: Claim,
    (what, rule): (&str, &str),
    problems: &mut Problems,
) -> bool {
    let Some(first) = taken.get(&key) else {
        taken.insert(key, claim);
        return true;
    };
    let differs = differing(&claim.text, &first.text);
    let (problem, rule) = if first.ring == claim.ring {
        (format!("{what} is repeated{differs}"), "keep one of them")
    } else {
        (format!("{what} is taken by {}{differs}", first.ring), rule)
    };
    let quoted: Vec<&str> = [first, &claim].into_iter().filter_map(|claim| claim.quoted.as_deref()).collect();
    let instead = match quoted.as_slice() {
        [] => rule.to_owned(),
        quoted => format!("a comment took the end away: quote the whole text, {}", quoted.join(" and ")),
    };
    let other = Other::Here { at: first.at.clone(), what: format!("{} has it here", first.ring) };
    problems.clash(&claim.at, problem, instead, other);
    false
}

fn claim_profile(taken: &mut Taken, profile: &ProfileRef, by: Claim, problems: &mut Problems) {
    if !claim(&mut taken.profiles, profile_key(profile, key_with_case), by.clone(), PROFILE, problems) {
        return;
    }
    let first = taken.profiles_in_any_case.entry(profile_key(profile, key)).or_insert_with(|| by.clone());
    if first.at != by.at {
        let problem = format!("this profile differs from one of {} only in upper and lower case", first.ring);
        let instead = "write one of them, unless Cloudflare has both";
        let other = Other::Here { at: first.at.clone(), what: format!("`{}` is here", first.text) };
        problems.warn(&by.at, problem, instead, Some(other));
    }
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
