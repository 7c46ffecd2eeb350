//! Random plans and their edits.
//!
//! **Invariant:** every plan made here is one that the decoder could have handed out, but for
//! shorter soaks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use ringward::ids::{PlanName, PolicyId, RingName};
use ringward::plan::model::{
    Adoption, AllowDowngrade, DeviceLimit, Health, HealthLimit, OnDrift, OnFailure, OnNewTarget, Percent,
    Plan, PlanDigest, ProfileRef, Revision, RingPlan, RollbackRules,
};
use ringward::schedule::{Freeze, Opening, Schedule, Zone};
use ringward::time::{Span, Timestamp};
use ringward::version::{ClientVersion, Environment};

use crate::support::dice::Dice;

/// What devices run at first.
pub(crate) const OLD: ClientVersion = ClientVersion::new(2026, 6, 880, 0);
/// The first target.
pub(crate) const TARGET: ClientVersion = ClientVersion::new(2026, 8, 2100, 0);
/// A later target.
pub(crate) const LATER: ClientVersion = ClientVersion::new(2026, 9, 100, 0);

/// The profiles of an account: the last one is the default.
pub(crate) const PROFILES: [&str; 6] = ["p1", "p2", "p3", "p4", "p5", "everyone"];

pub(crate) fn policy(id: &str) -> PolicyId {
    PolicyId::new(id).unwrap()
}

pub(crate) fn span(text: &str) -> Span {
    text.parse().unwrap()
}

/// How much stands in a rollout's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Temper {
    /// Always open, easy thresholds, short soaks: rollouts get far.
    Fair,
    /// Anything goes.
    Foul,
    /// Tomorrow is frozen.
    Brink,
}

/// A revision of its own digest.
pub(crate) fn revised(plan: Plan) -> Revision {
    let written = serde_json::to_string(&plan).unwrap();
    Revision { digest: PlanDigest::of_written(&written), written, plan }
}

fn schedule(dice: &mut Dice, start: Timestamp, temper: Temper) -> Schedule {
    if temper == Temper::Brink {
        let tomorrow = Zone::utc().local(start).date().tomorrow().unwrap();
        let freeze = vec![Freeze::new(tomorrow, tomorrow, "Audit").unwrap()];
        return Schedule::new(Zone::utc(), Vec::new(), freeze).unwrap();
    }
    if temper == Temper::Fair {
        return Schedule::always();
    }
    let zone =
        Zone::new(dice.pick(&["UTC", "Asia/Kathmandu", "America/Los_Angeles", "Europe/Lisbon"])).unwrap();
    let lines: &[(&str, &str)] =
        &[("0 9 * * *", "7h"), ("0 */4 * * *", "1h"), ("30 * * * *", "16m"), ("0 22 * * Mon-Fri", "4h")];
    let mut open = Vec::new();
    if dice.chance(35) {
        let (cron, length) = dice.pick(lines);
        open.push(Opening::new(cron, span(length)).unwrap());
    }
    let mut freeze = Vec::new();
    if dice.chance(15) {
        let today: Date = zone.local(start).date();
        let from = today.checked_add(jiff::Span::new().days(dice.below(2) as i64)).unwrap();
        freeze.push(Freeze::new(from, from, "Audit").unwrap());
    }
    Schedule::new(zone, open, freeze).unwrap()
}

fn targets(dice: &mut Dice, version: ClientVersion) -> BTreeMap<Environment, ClientVersion> {
    let environments: &[Environment] = match dice.below(4) {
        0 => &[Environment::Windows],
        1 => &[Environment::Macos],
        _ => &Environment::ALL,
    };
    environments.iter().map(|environment| (*environment, version)).collect()
}

/// Small fleets are judged only by plans that ask for few devices.
fn health(dice: &mut Dice) -> Health {
    let limit = |at_most, after| HealthLimit { at_most: Percent::whole(at_most), after: span(after) };
    if dice.chance(65) {
        return Health::BUILT_IN;
    }
    Health {
        stalled: limit(dice.pick(&[5, 10, 40]), dice.pick(&["12h", "24h", "1h"])),
        dark: limit(dice.pick(&[1, 2]), dice.pick(&["12h", "24h", "6h"])),
        min_devices: dice.pick(&[1, 1, 2, 3, 5]),
    }
}

/// The profiles of a ring, by their IDs in the account; one that is not there has none.
pub(crate) fn profiles_of(ring: &RingPlan) -> BTreeSet<PolicyId> {
    let id = |profile: &ProfileRef| match profile {
        ProfileRef::Default => Some(policy("everyone")),
        ProfileRef::Id(id) => Some(id.clone()),
        ProfileRef::Named(name) => name.strip_prefix("Profile ").map(policy),
    };
    ring.profiles.iter().filter_map(id).collect()
}

fn profile(dice: &mut Dice, id: &str) -> ProfileRef {
    match (id, dice.below(2)) {
        ("everyone", _) => ProfileRef::Default,
        (id, 0) => ProfileRef::Id(policy(id)),
        (id, _) => ProfileRef::Named(format!("Profile {id}")),
    }
}

fn ring(dice: &mut Dice, name: &str, profiles: &[&str], start: Timestamp, temper: Temper) -> RingPlan {
    let fair = temper == Temper::Fair;
    RingPlan {
        name: RingName::new(name).unwrap(),
        was: None,
        group: format!("Group {name}"),
        profiles: profiles.iter().map(|id| profile(dice, id)).collect(),
        targets: targets(dice, TARGET),
        schedule: schedule(dice, start, temper),
        adoption: Adoption {
            at_least: Percent::whole(if fair { 50 } else { dice.pick(&[50, 50, 67, 75, 90, 100]) }),
            within: span(dice.pick(&["2h", "6h", "1d", "2d"])),
            seen_at_least: Percent::whole(dice.pick(&[0, 30, 60, 100])),
        },
        soak: span(if fair { "30m" } else { dice.pick(&["30m", "1h", "3h", "12h"]) }),
        health: health(dice),
        unknown_after: span(dice.pick(&["1h", "3h", "6h"])),
        on_failure: OnFailure::Halt,
        rollback: RollbackRules::default(),
        approval: None,
        max_devices: None,
        // Where all is well, devices that somebody else took further keep nobody waiting.
        allow_downgrade: if fair { AllowDowngrade::Any } else { AllowDowngrade::Nothing },
    }
}

/// One or two plans over the account's profiles, which no two rings share.
pub(crate) fn plans(dice: &mut Dice, start: Timestamp, temper: Temper) -> Vec<Revision> {
    let mut free: Vec<&str> = PROFILES.to_vec();
    let count = if dice.chance(20) { 2 } else { 1 };
    let names = ["alpha", "beta"];
    names[..count]
        .iter()
        .map(|name| {
            let rings = dice.pick(&[1, 1, 2, 2, 3, 4]).min(free.len() - (count - 1)).max(1);
            let rings = (0..rings)
                .map(|n| {
                    let mut profiles = vec![free.remove(0)];
                    if free.len() > 3 && dice.chance(20) {
                        profiles.push(free.remove(0));
                    }
                    ring(dice, &format!("{name} {n}"), &profiles, start, temper)
                })
                .collect();
            let mut plan = Plan {
                name: PlanName::new(*name).unwrap(),
                was: None,
                description: None,
                account: None,
                author: None,
                forbid: Vec::new(),
                on_new_target: OnNewTarget::Replace,
                on_drift: dice.pick(&[
                    OnDrift::Halt,
                    OnDrift::Halt,
                    OnDrift::Restore,
                    OnDrift::Restore,
                    OnDrift::Accept,
                ]),
                rings,
            };
            oddities(dice, &mut plan);
            limits(dice, &mut plan, temper);
            revised(plan)
        })
        .collect()
}

/// Newer targets that wait, and limits that some rings come up against.
fn limits(dice: &mut Dice, plan: &mut Plan, temper: Temper) {
    if dice.chance(30) {
        plan.on_new_target = OnNewTarget::Finish;
    }
    let limits: &[u32] = if temper == Temper::Fair { &[50] } else { &[1, 2, 3, 4, 6, 10, 50] };
    for ring in &mut plan.rings {
        if dice.chance(20) {
            ring.max_devices = DeviceLimit::new(dice.pick(limits));
        }
    }
}

/// What an admin may get wrong, though the decoder cannot know.
fn oddities(dice: &mut Dice, plan: &mut Plan) {
    let n = dice.below(plan.rings.len());
    if dice.chance(4) {
        plan.rings[n].profiles.push(ProfileRef::Named("No such profile".to_owned()));
    }
    if dice.chance(8) && n > 0 {
        plan.rings[n].group = plan.rings[n - 1].group.clone();
    }
}

/// A change to a plan: of targets, gates, rings or profiles.
pub(crate) fn edited(dice: &mut Dice, plan: &Plan, start: Timestamp, temper: Temper) -> Plan {
    let mut plan = plan.clone();
    let n = dice.below(plan.rings.len());
    match dice.below(9) {
        0 | 1 => {
            for version in plan.rings.iter_mut().flat_map(|ring| ring.targets.values_mut()) {
                *version = if *version == TARGET { LATER } else { TARGET };
            }
        }
        2 => {
            for version in plan.rings[n].targets.values_mut() {
                *version = LATER;
            }
        }
        3 => plan.rings[n].adoption.at_least = Percent::whole(50),
        4 => plan.rings[n].soak = span(dice.pick(&["10m", "2h"])),
        5 if plan.rings.len() < 4 => {
            let name = format!("{} new", plan.name);
            if plan.rings.iter().all(|ring| ring.name.as_str() != name) {
                let fresh = ring(dice, &name, &["p5"], start, temper);
                let taken = plan.rings.iter().any(|ring| {
                    ring.profiles.iter().any(|profile| fresh.profiles.contains(profile) || is_p5(profile))
                });
                if !taken {
                    plan.rings.insert(dice.below(plan.rings.len() + 1), fresh);
                }
            }
        }
        6 | 7 if plan.rings.len() > 1 => {
            let m = (n + 1) % plan.rings.len();
            let moved = plan.rings[n].profiles.pop();
            plan.rings[m].profiles.extend(moved);
            if plan.rings[n].profiles.is_empty() {
                let back = plan.rings[m].profiles.remove(0);
                plan.rings[n].profiles.push(back);
            }
        }
        _ if plan.rings.len() > 1 => drop(plan.rings.remove(n)),
        _ => plan.rings[n].schedule = schedule(dice, start, temper),
    }
    plan
}

fn is_p5(profile: &ProfileRef) -> bool {
    *profile == ProfileRef::Id(policy("p5")) || *profile == ProfileRef::Named("Profile p5".to_owned())
}
