//! A starter plan as values: which rings, which targets, what is left out. Pure.
//!
//! **Invariant:** each profile of the account stands in one ring or among what is left out, never
//! in both; the default profile's ring comes last.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::online::{RingSizes, Sizes};
use crate::ids::{GroupId, PolicyId};
use crate::plan::names::{is_name, is_profile_name, key, key_with_case};
use crate::plan::{MAX_PROFILES, MAX_RINGS, MAX_TEXT_CHARS, invisible};
use crate::rollout::record::{Group, Profile};
use crate::version::{ClientVersion, Environment};
use crate::{plan::model::ProfileRef, rollout::world::Observations, time::Timestamp};

/// With more profiles than this, a ring each would take months; they then share rings.
const MOST_OWN_RINGS: usize = 5;
/// Where shared rings end, in per cent of the devices that they hold together: few, then more.
const SHARED_ENDS: [usize; 5] = [2, 10, 30, 60, 100];
/// The longest start of a name that gets something behind it.
const MAX_STEM_CHARS: usize = 200;

/// A starter plan.
#[derive(Debug)]
pub(super) struct StarterPlan {
    /// What the rings shall run.
    pub(super) targets: BTreeMap<Environment, StarterTarget>,
    /// In order of entry.
    pub(super) rings: Vec<DraftRing>,
    /// What has no place in a plan.
    pub(super) left_out: Vec<LeftOut>,
}

/// A version and how many devices run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StarterTarget {
    /// The newest that was seen.
    pub(super) version: ClientVersion,
    /// Devices that run it.
    pub(super) there: usize,
    /// Devices of this environment.
    pub(super) devices: usize,
    /// A newer beta, which is not taken.
    pub(super) beta: Option<ClientVersion>,
    /// The earlier release that most devices run, with how many: one to go back to.
    pub(super) earlier: Option<(ClientVersion, usize)>,
}

/// A ring of the starter plan.
#[derive(Debug, Clone)]
pub(super) struct DraftRing {
    /// Its name.
    pub(super) name: String,
    /// Its group's name, where that is another one.
    pub(super) group: Option<String>,
    /// The group that is there already.
    pub(super) existing: Option<GroupId>,
    /// Its profiles.
    pub(super) profiles: Vec<DraftProfile>,
    has_default: bool,
}

/// A profile of the starter plan.
#[derive(Debug, Clone)]
pub(super) struct DraftProfile {
    /// As the plan writes it.
    pub(super) written: ProfileRef,
    /// Its name, for people.
    pub(super) name: String,
    /// Its devices.
    pub(super) sizes: RingSizes,
}

/// Profiles that are in no ring.
#[derive(Debug, Clone)]
pub(super) struct LeftOut {
    /// The profiles, in words.
    pub(super) what: String,
    /// Why.
    pub(super) why: String,
    /// The group that holds them.
    pub(super) existing: Option<GroupId>,
}

impl StarterPlan {
    /// A plan for an account.
    pub(super) fn of(world: &Observations, now: Timestamp) -> Self {
        let targets = newest(world, now);
        let mut draft = Self { targets, rings: Vec::new(), left_out: Vec::new() };
        let mut profiles = draft.profiles(world, now);
        let groups: &[Group] = world.groups.as_ref().map_or(&[], |groups| &groups.value);
        for group in groups {
            let twins =
                groups.iter().filter(|other| key(&other.content.name) == key(&group.content.name)).count();
            draft.ring_of_group(group, twins, &mut profiles);
        }
        draft.own_rings(profiles.into_values().collect());
        draft.rings.sort_by_key(|ring| (ring.has_default, ring.movable(), ring.name.clone()));
        draft.name_all(groups);
        draft.keep_within_bounds();
        draft
    }

    /// Takes a ring out, and says why.
    pub(super) fn leave_out(&mut self, ring: &str, why: &str) {
        let out = self.rings.extract_if(.., |known| known.name == ring);
        self.left_out.extend(out.map(|ring| ring.left_out(why)));
    }

    /// Every profile that a plan can name and whose devices it can move.
    fn profiles(&mut self, world: &Observations, now: Timestamp) -> BTreeMap<PolicyId, DraftProfile> {
        let listed: &[Profile] = world.profiles.as_ref().map_or(&[], |profiles| &profiles.value.listed);
        let mut all: Vec<Profile> = listed.to_vec();
        // The default profile may come without an ID; its devices tell (cloudflare.md#default-profile).
        if !all.iter().any(|profile| profile.is_default)
            && let Some(id) = world.fleet.default_policy()
        {
            all.push(Profile { id: id.clone(), name: None, is_default: true, enabled: true });
        }
        let targets =
            self.targets.iter().map(|(environment, target)| (*environment, target.version)).collect();
        let mut found = BTreeMap::new();
        for profile in &all {
            let only: BTreeSet<PolicyId> = [profile.id.clone()].into();
            let sizes = RingSizes::of(&world.fleet, &only, &targets, now);
            let name = profile.name.clone().unwrap_or_else(|| {
                if profile.is_default { "default".to_owned() } else { profile.id.to_string() }
            });
            let why = match written(profile, &all) {
                Some(_) if !profile.enabled => "it is switched off, so it applies to no device",
                Some(written) if sizes.movable() > 0 => {
                    found.insert(profile.id.clone(), DraftProfile { written, name, sizes });
                    continue;
                }
                Some(_) => "nobody to move: none of its devices can follow an assignment to these targets",
                None => "a plan cannot name it: neither its name nor its ID can be written",
            };
            let what = format!("profile {name} ({} devices)", sizes.devices());
            self.left_out.push(LeftOut { what, why: why.to_owned(), existing: None });
        }
        found
    }

    /// A group that is there already is a ring. `twins` groups have its name, itself included.
    fn ring_of_group(
        &mut self,
        group: &Group,
        twins: usize,
        profiles: &mut BTreeMap<PolicyId, DraftProfile>,
    ) {
        let held: Vec<DraftProfile> =
            group.content.policies.iter().filter_map(|policy| profiles.remove(policy)).collect();
        if held.is_empty() {
            return;
        }
        let name = &group.content.name;
        let ring = DraftRing::of(name.clone(), Some(group), held);
        let why = match () {
            () if twins > 1 => format!("{twins} deployment groups are named `{name}`; rename all but one"),
            () if !usable(name) => {
                "the name of their deployment group cannot be written in a plan".to_owned()
            }
            () => return self.rings.push(ring),
        };
        self.left_out.push(ring.left_out(&why));
    }

    /// Rings for the profiles that are in no group.
    fn own_rings(&mut self, mut profiles: Vec<DraftProfile>) {
        profiles.sort_by_key(|profile| (profile.sizes.movable(), profile.name.clone()));
        let (default, others): (Vec<_>, Vec<_>) =
            profiles.into_iter().partition(|profile| profile.written == ProfileRef::Default);
        if others.len() <= MOST_OWN_RINGS {
            let own = |profile: DraftProfile| DraftRing::of(profile.name.clone(), None, vec![profile]);
            self.rings.extend(others.into_iter().map(own));
        } else {
            let all: usize = others.iter().map(|profile| profile.sizes.movable()).sum();
            let mut before = 0;
            let mut shared: BTreeMap<usize, Vec<DraftProfile>> = BTreeMap::new();
            for profile in others {
                before += profile.sizes.movable();
                let fits = |end: &usize| before * 100 <= all * end;
                let place = SHARED_ENDS.iter().position(fits).unwrap_or(SHARED_ENDS.len() - 1);
                shared.entry(place).or_default().push(profile);
            }
            let rings = shared.into_values().enumerate();
            self.rings.extend(rings.map(|(index, held)| DraftRing::of(format!("Ring {index}"), None, held)));
        }
        if !default.is_empty() {
            self.rings.push(DraftRing::of("Everyone".to_owned(), None, default));
        }
    }

    /// Gives each ring a name of its own, and each new group one that no group has.
    fn name_all(&mut self, groups: &[Group]) {
        let mut names = BTreeSet::new();
        let mut group_names: BTreeSet<String> = groups.iter().map(|group| key(&group.content.name)).collect();
        for (index, ring) in self.rings.iter_mut().enumerate() {
            let group = ring.existing.is_some().then(|| ring.name.clone());
            let wish = if usable(&ring.name) { ring.name.trim().to_owned() } else { format!("Ring {index}") };
            // Two names that nobody can tell apart are one to a reader.
            ring.name = free(&wish, |name| names.contains(&key(name)));
            names.insert(key(&ring.name));
            let taken = |name: &str| group_names.contains(&key(name));
            let group = group.unwrap_or_else(|| match taken(&ring.name) {
                true => free(&format!("{} (ringward)", stem(&ring.name)), taken),
                false => ring.name.clone(),
            });
            group_names.insert(key(&group));
            ring.group = (group != ring.name).then_some(group);
        }
    }

    /// A plan has room for so many rings and profiles.
    fn keep_within_bounds(&mut self) {
        let why =
            format!("a plan holds at most {MAX_RINGS} rings and {MAX_PROFILES} profiles; write another plan");
        let (mut rings, mut profiles) = (0, 0);
        let too_many = self.rings.extract_if(.., |ring| {
            (rings, profiles) = (rings + 1, profiles + ring.profiles.len());
            rings > MAX_RINGS || profiles > MAX_PROFILES
        });
        self.left_out.extend(too_many.map(|ring| ring.left_out(&why)));
    }
}

impl DraftRing {
    fn of(name: String, existing: Option<&Group>, profiles: Vec<DraftProfile>) -> Self {
        let has_default = profiles.iter().any(|profile| profile.written == ProfileRef::Default);
        Self { name, group: None, existing: existing.map(|group| group.id.clone()), profiles, has_default }
    }

    fn movable(&self) -> usize {
        self.profiles.iter().map(|profile| profile.sizes.movable()).sum()
    }

    fn left_out(self, why: &str) -> LeftOut {
        LeftOut { what: self.in_words(), why: why.to_owned(), existing: self.existing }
    }

    fn in_words(&self) -> String {
        let word = |one: &DraftProfile| format!("{} ({} devices)", one.name, one.sizes.devices());
        format!("profile {}", self.profiles.iter().map(word).collect::<Vec<_>>().join(", "))
    }
}

/// How a plan can name a profile; `None`: not at all.
fn written(profile: &Profile, all: &[Profile]) -> Option<ProfileRef> {
    if profile.is_default {
        return Some(ProfileRef::Default);
    }
    let alone = |name: &&String| {
        let key = key_with_case(name);
        all.iter().filter(|other| other.name.as_deref().map(key_with_case) == Some(key.clone())).count() == 1
    };
    // A name in the form of an ID would be read as one, and `default` as the reserved word.
    let a_name = |name: &&String| usable(name) && is_profile_name(name) && !name.chars().all(is_of_id);
    match profile.name.as_ref().filter(alone).filter(a_name) {
        Some(name) => Some(ProfileRef::Named(name.clone())),
        None => {
            let id = profile.id.as_str();
            let lengths: Vec<usize> = id.split('-').map(str::len).collect();
            let uuid = lengths == [8, 4, 4, 4, 12] && id.chars().all(is_of_id);
            uuid.then(|| ProfileRef::Id(profile.id.clone()))
        }
    }
}

fn is_of_id(char: char) -> bool {
    char.is_ascii_hexdigit() || char == '-'
}

/// Whether a plan takes the text as a name.
fn usable(text: &str) -> bool {
    let fits = !text.trim().is_empty() && text.chars().count() <= MAX_TEXT_CHARS;
    fits && !text.contains(['\n', '\t']) && invisible(text).is_none() && is_name(text)
}

/// The wish, or the wish with a number that makes it free.
fn free(wish: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(wish) {
        return wish.to_owned();
    }
    let numbered = |number: u32| format!("{} {number}", stem(wish));
    let mut names = (2..).map(numbered);
    // Endless, so there is always one.
    names.find(|name| !taken(name)).unwrap_or_default()
}

fn stem(name: &str) -> String {
    name.chars().take(MAX_STEM_CHARS).collect::<String>().trim_end().to_owned()
}

/// Per environment the newest version that a device runs and that follows assignments: the newest
/// release, or the newest beta where nothing else is there.
fn newest(world: &Observations, now: Timestamp) -> BTreeMap<Environment, StarterTarget> {
    let all = RingSizes::of_all(&world.fleet, &BTreeMap::new(), now);
    let target = |(environment, sizes): (&Environment, &Sizes)| {
        let known = sizes.versions.0.keys().flatten().copied();
        let known: Vec<ClientVersion> = known.filter(|version| version.follows_assignments()).collect();
        let newest = known.iter().copied().max();
        let version = known.iter().copied().filter(|version| version.is_release()).max().or(newest)?;
        let run = |version: ClientVersion| sizes.versions.0.get(&Some(version)).copied().unwrap_or_default();
        let beta = newest.filter(|newest| *newest > version);
        let older = known.iter().copied().filter(|known| known.is_release() && *known < version);
        let earlier = older.map(|older| (run(older), older)).max().map(|(there, older)| (older, there));
        let (there, devices) = (run(version), sizes.devices);
        Some((*environment, StarterTarget { version, there, devices, beta, earlier }))
    };
    all.environments.iter().filter_map(target).collect()
}
