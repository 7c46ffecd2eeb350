//! What is worth saying of the devices that a plan would move: how many, how the rings grow, what they run. Pure.
//!
//! **Invariant:** nothing is said of a ring whose devices were not read.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::online::finding::{CheckFinding, Code};
use crate::cli::online::sizes::{RingSizes, Sizes};
use crate::cli::{
    online::plan_in_account::PlanInAccount, online::profiles::NamedProfile, online::report::RingAssessment,
};
use crate::ids::{PolicyId, RingName};
use crate::plan::model::{DeviceLimit, Plan, ProfileRef, RingPlan};
use crate::version::{ClientVersion, Environment};
use crate::{fleet::Fleet, time::Timestamp};

/// A first ring above this share of the fleet is no first ring.
const FIRST_RING_PER_CENT: usize = 10;
/// A fleet below this cannot be divided much finer.
const SMALL_FLEET: usize = 100;
/// A ring with this many times the devices of a later one stands in the wrong place.
const FAR_LARGER: usize = 2;
/// Nine devices of ten: the other profiles then show next to nothing.
const MOST_TENTHS: usize = 9;

/// What is worth saying of a ring as a whole.
pub(super) fn of_ring(sizes: &RingSizes) -> Option<CheckFinding> {
    let (movable, active) = (sizes.movable(), sizes.active());
    if movable == 0 {
        let problem = match sizes.devices() {
            0 => "nobody to move: the ring has no devices".to_owned(),
            devices => format!("nobody to move: none of the ring's {devices} devices can follow its targets"),
        };
        let instead =
            "give the ring a profile with Windows or macOS devices on 2026.6 or newer, or leave the ring out";
        return Some(CheckFinding::new(Code::NobodyToMove, problem).instead(instead));
    }
    if active == 0 {
        let problem = format!("none of the ring's {movable} devices was seen in the last 7 days");
        let instead = "choose a profile whose devices are in use; a ring is adopted by devices that are seen";
        return Some(CheckFinding::new(Code::NobodySeen, problem).instead(instead));
    }
    None
}

/// Whether one profile of a ring holds most of its devices. A ring of one profile is never told: its profile is the
/// ring.
pub(super) fn share(
    ring: &RingPlan,
    profiles: &[NamedProfile],
    fleet: &Fleet,
    now: Timestamp,
) -> Option<CheckFinding> {
    let devices = |ids: BTreeSet<PolicyId>| RingSizes::of(fleet, &ids, &ring.targets, now).movable();
    let ids: BTreeSet<PolicyId> = profiles.iter().filter_map(|profile| profile.id.clone()).collect();
    let all = devices(ids.clone());
    if ids.len() < 2 || all == 0 {
        return None;
    }
    profiles.iter().find_map(|profile| {
        let of_one = devices(BTreeSet::from([profile.id.clone()?]));
        let problem = format!("profile {} holds {of_one} of the ring's {all} devices", profile.written);
        (of_one * 10 >= all * MOST_TENTHS).then(|| {
            let instead = "check that the others are the profiles that are meant; they add next to nothing to what the ring shows";
            CheckFinding::new(Code::ProfileLarge, problem).instead(instead)
        })
    })
}

/// Whether a write for the whole ring would be more than its limit allows; or more than all plans may move in a day:
/// then it is never sent.
pub(super) fn too_many(ring: &RingPlan, guard: Option<DeviceLimit>, sizes: &RingSizes) -> Vec<CheckFinding> {
    let movable = sizes.movable();
    let exceeded = |limit: &DeviceLimit| limit.is_exceeded_by(movable);
    let of_ring = ring.max_devices.filter(exceeded).map(|limit| {
        let why = format!("`max_devices` is {limit}: a write that reaches all of them is not sent");
        (Code::BlastLimit, why)
    });
    let a_day = guard.filter(exceeded).map(|guard| {
        let guard = format!("`guard: {{devices_per_day: {guard}}}` of ringward.yaml");
        let why = format!("{guard} lets fewer in a day: a write that reaches all of them is never sent");
        (Code::DevicesPerDay, why)
    });
    let instead = "raise it if that many are meant, or move profiles into a ring of their own";
    let found = of_ring.into_iter().chain(a_day).map(|(code, why)| {
        CheckFinding::new(code, format!("{movable} devices can be moved, and {why}")).instead(instead)
    });
    found.collect()
}

/// What is worth saying of one environment of a ring.
pub(super) fn of_environment(
    ring: &RingName,
    environment: Environment,
    sizes: &Sizes,
    of_ring: usize,
) -> Vec<CheckFinding> {
    let Some(target) = sizes.target else { return Vec::new() };
    let mut findings = Vec::new();
    let Sizes { movable, there, newer, .. } = *sizes;
    if movable == 0 {
        if of_ring > 0 {
            let problem =
                format!("ring `{ring}` has no {environment} device to move and is judged by its others");
            findings.push(CheckFinding::new(Code::EnvironmentEmpty, problem));
        }
        return findings;
    }
    if there == movable {
        let problem = format!("ring `{ring}`: all {movable} {environment} devices run {target} already");
        findings.push(CheckFinding::new(Code::TargetMet, problem));
    }
    if newer > 0 {
        let newest = sizes.versions.0.keys().flatten().filter(|version| **version > target).max();
        let newest = newest.map(ToString::to_string).unwrap_or_default();
        let problem = format!(
            "ring `{ring}`: {newer} of {movable} {environment} devices run something newer than {target} (up to {newest}) and would be moved back"
        );
        let instead = format!(
            "raise the target to {newest} or newer; where so many shall go down, the plan must say so by `allow_downgrade`"
        );
        findings.push(CheckFinding::new(Code::Downgrade, problem).instead(instead));
    }
    findings
}

/// Whether the rings grow.
pub(super) fn order(of: &PlanInAccount<'_>, rings: &[RingAssessment]) -> Vec<CheckFinding> {
    let movable =
        |ring: &RingAssessment| ring.sizes.as_ref().map(RingSizes::movable).filter(|count| *count > 0);
    let mut findings = Vec::new();
    let first = of.plan.rings.first().zip(rings.first());
    if let Some((plan_ring, ring)) = first.filter(|_| rings.len() > 1)
        && let Some(count) = movable(ring)
    {
        let all = RingSizes::of_all(&of.world.fleet, &plan_ring.targets, of.now).movable();
        if all >= SMALL_FLEET && count * 100 > all * FIRST_RING_PER_CENT {
            let problem = format!(
                "the first ring has {count} of the {all} devices that can be moved, more than {FIRST_RING_PER_CENT} %"
            );
            let instead = "begin with a smaller ring: its devices meet a fault before anybody knows of it";
            let finding = CheckFinding::new(Code::FirstRingLarge, problem).instead(instead);
            findings.push(finding.of_ring(&ring.name).at(of.name(0)));
        }
    }
    for (index, ring) in rings.iter().enumerate() {
        // The default profile comes last, however small it is.
        let Some(count) = movable(ring).filter(|_| !has_default(of.plan, index)) else { continue };
        let earlier = rings.iter().take(index).filter_map(|ring| Some((&ring.name, movable(ring)?)));
        let largest = earlier.max_by_key(|(_, count)| *count);
        if let Some((name, larger)) = largest.filter(|(_, larger)| *larger >= count * FAR_LARGER) {
            let problem = format!(
                "ring `{name}` comes earlier and has {larger} devices to move, this one only {count}"
            );
            let finding =
                CheckFinding::new(Code::RingOutOfOrder, problem).instead("let the smaller ring come first");
            findings.push(finding.of_ring(&ring.name).at(of.name(index)));
        }
    }
    findings
}

fn has_default(plan: &Plan, index: usize) -> bool {
    plan.rings.get(index).is_some_and(|ring| ring.profiles.contains(&ProfileRef::Default))
}

/// Devices in the plan's rings that follow no assignment.
pub(super) fn too_old(rings: &[RingAssessment]) -> Option<CheckFinding> {
    let sizes = rings.iter().filter_map(|ring| ring.sizes.as_ref());
    let count: usize = sizes.flat_map(RingSizes::targeted).map(|(_, sizes)| sizes.too_old).sum();
    let (are, stay) = if count == 1 { ("device runs", "it stays") } else { ("devices run", "they stay") };
    let problem = format!("{count} {are} a client below 2026.6, which ignores assignments: {stay} as now");
    let instead = "update by other means first, such as the MDM or the installer";
    (count > 0).then(|| CheckFinding::new(Code::TooOld, problem).instead(instead))
}

/// Targets that no device of the account runs: that they exist cannot be seen here.
pub(super) fn unseen_versions(of: &PlanInAccount<'_>) -> Vec<CheckFinding> {
    let all = RingSizes::of_all(&of.world.fleet, &BTreeMap::new(), of.now);
    let runs = |environment: Environment, version: ClientVersion| {
        let sizes = all.environments.get(&environment);
        sizes.is_some_and(|sizes| sizes.versions.0.contains_key(&Some(version)))
    };
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    let targets = of.plan.rings.iter().enumerate().flat_map(|(index, ring)| {
        ring.targets.iter().map(move |(environment, version)| (index, *environment, *version))
    });
    for (index, environment, version) in targets {
        if runs(environment, version) || !told.insert((environment, version)) {
            continue;
        }
        let problem = format!("no {environment} device of the account runs {version} yet");
        let instead = "that it exists cannot be seen from here: compare it with Cloudflare's release notes";
        let finding = CheckFinding::new(Code::VersionUnseen, problem).instead(instead).on(environment);
        findings.push(finding.at(of.target(index, environment)));
    }
    findings
}
