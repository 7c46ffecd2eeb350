//! The profiles that a plan names, against those that the account has. Pure.
//!
//! **Invariant:** a plan has an error here exactly when [`Observations::resolve_within`], which the
//! rollout goes by, refuses one of its rings.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cli::online::finding::{CheckFinding, Code};
use crate::plan::model::{ProfileRef, RingPlan};
use crate::plan::{PathStep, either, nearest};
use crate::rollout::record::{Profile, Profiles};
use crate::{cli::online::plan_in_account::PlanInAccount, ids::PolicyId, rollout::world::Observations};

/// Names that an error lists when none of them is near.
const NAMES_SHOWN: usize = 10;

/// One profile of a ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NamedProfile {
    /// As the plan writes it.
    pub written: String,
    /// Which it is; `None`: no single one.
    pub id: Option<PolicyId>,
    /// Its name at Cloudflare.
    pub name: Option<String>,
}

/// What a profile as written means.
pub(crate) enum Meaning<'a> {
    One(&'a Profile),
    /// The default profile, which only its devices tell.
    Default(&'a PolicyId),
    Several(Vec<&'a Profile>),
    None,
}

/// Looks up every profile of a plan: first of each ring, then what is wrong.
pub(super) fn look_up(of: &PlanInAccount<'_>) -> (Vec<Vec<NamedProfile>>, Vec<CheckFinding>) {
    let PlanInAccount { plan, spots, world, .. } = of;
    let Some(profiles) = world.profiles.as_ref().map(|profiles| &profiles.value) else {
        return (Vec::new(), Vec::new());
    };
    let mut findings = Vec::new();
    let mut taken: BTreeMap<PolicyId, (usize, &ProfileRef)> = BTreeMap::new();
    let mut rings = Vec::new();
    for (index, ring) in plan.rings.iter().enumerate() {
        let mut named = Vec::new();
        for (place, written) in ring.profiles.iter().enumerate() {
            let way = [
                PathStep::Key("rings"),
                PathStep::Item(index),
                PathStep::Key("profiles"),
                PathStep::Item(place),
            ];
            let spot = spots.spot(&way);
            let mut tell =
                |finding: CheckFinding| findings.push(finding.of_ring(&ring.name).at(spot.clone()));
            let meaning = meaning(written, &profiles.listed, world);
            let (id, name) = match &meaning {
                Meaning::One(profile) => (Some(profile.id.clone()), profile.name.clone()),
                Meaning::Default(id) => (Some((*id).clone()), None),
                Meaning::Several(_) | Meaning::None => (None, None),
            };
            named.push(NamedProfile { written: written.to_string(), id: id.clone(), name });
            match meaning {
                Meaning::None => tell(unknown(written, profiles)),
                Meaning::Several(several) => tell(ambiguous(written, &several)),
                Meaning::Default(_) => {}
                Meaning::One(profile) => judge(profile, written).into_iter().for_each(&mut tell),
            }
            let Some(id) = id else { continue };
            match taken.get(&id) {
                Some((first, other)) => {
                    let first = plan.rings.get(*first).map_or(&ring.name, |ring| &ring.name);
                    let problem =
                        format!("profile `{written}` is the one that ring `{first}` names as `{other}`");
                    tell(CheckFinding::new(Code::ProfileTwice, problem).instead("name it in one place only"));
                }
                None => {
                    taken.insert(id, (index, written));
                }
            }
        }
        rings.push(named);
    }
    findings.extend(default_not_last(of, &rings));
    (rings, findings)
}

/// What a profile as written means among those that are listed.
pub(crate) fn meaning<'a>(
    written: &ProfileRef,
    listed: &'a [Profile],
    world: &'a Observations,
) -> Meaning<'a> {
    let matching: Vec<&Profile> = listed
        .iter()
        .filter(|listed| match written {
            ProfileRef::Default => listed.is_default,
            ProfileRef::Id(id) => listed.id == *id,
            ProfileRef::Named(name) => listed.name.as_deref() == Some(name),
        })
        .collect();
    match (matching.as_slice(), written) {
        ([one], _) => Meaning::One(one),
        ([], ProfileRef::Default) => world.fleet.default_policy().map_or(Meaning::None, Meaning::Default),
        ([], _) => Meaning::None,
        _ => Meaning::Several(matching),
    }
}

/// What is worth saying about a profile that is there.
fn judge(profile: &Profile, written: &ProfileRef) -> Vec<CheckFinding> {
    let mut findings = Vec::new();
    if !profile.enabled {
        let problem = format!("profile `{written}` is switched off, so it applies to no device");
        let instead = "switch it on in the dashboard, or take it out of the ring";
        findings.push(CheckFinding::new(Code::ProfileDisabled, problem).instead(instead));
    }
    if profile.is_default && *written != ProfileRef::Default {
        let problem = format!(
            "profile `{written}` is the account's default profile, which has every device that no other profile matches"
        );
        findings.push(
            CheckFinding::new(Code::ProfileIsDefault, problem).instead("write `default`, so that it shows"),
        );
    }
    findings
}

fn unknown(written: &ProfileRef, profiles: &Profiles) -> CheckFinding {
    if *written == ProfileRef::Default {
        let problem = "Cloudflare does not say which profile is the default one, and no device is seen in it";
        return CheckFinding::new(Code::ProfileUnknown, problem)
            .instead("write the policy ID of the default profile, from its page in the dashboard");
    }
    let names: BTreeSet<&str> =
        profiles.listed.iter().filter(|p| !p.is_default).filter_map(|p| p.name.as_deref()).collect();
    let written = written.to_string();
    let problem = format!("the account has no profile `{written}`");
    CheckFinding::new(Code::ProfileUnknown, problem).instead(
        match either(&nearest(&written, names.iter().copied())) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("it has {}", some_of(&names)),
        },
    )
}

/// Names in backticks, at most [`NAMES_SHOWN`] of them, and how many others.
fn some_of(names: &BTreeSet<&str>) -> String {
    let mut words: Vec<String> = names.iter().take(NAMES_SHOWN).map(|name| format!("`{name}`")).collect();
    words.push("`default`".to_owned());
    if names.len() > NAMES_SHOWN {
        words.push(format!("{} others", names.len() - NAMES_SHOWN));
    }
    words.join(", ")
}

fn ambiguous(written: &ProfileRef, several: &[&Profile]) -> CheckFinding {
    let ids: Vec<&str> = several.iter().map(|profile| profile.id.as_str()).collect();
    let problem = format!("{} profiles are named `{written}`: {}", several.len(), ids.join(", "));
    CheckFinding::new(Code::ProfileAmbiguous, problem)
        .instead("write the policy ID of the one that is meant; its page in the dashboard shows it")
}

/// The default profile holds everybody that no other profile matches: it belongs at the end.
fn default_not_last(of: &PlanInAccount<'_>, rings: &[Vec<NamedProfile>]) -> Option<CheckFinding> {
    let (plan, profiles) = (of.plan, &of.world.profiles.as_ref()?.value);
    let default = profiles.listed.iter().find(|profile| profile.is_default).map(|profile| &profile.id);
    let is_default = |(written, named): (&ProfileRef, &NamedProfile)| {
        *written == ProfileRef::Default || (named.id.is_some() && named.id.as_ref() == default)
    };
    let holds =
        |(ring, named): (&RingPlan, &Vec<NamedProfile>)| ring.profiles.iter().zip(named).any(is_default);
    let index = plan.rings.iter().zip(rings).position(holds)?;
    let (ring, last) = (plan.rings.get(index)?, plan.rings.last()?);
    if ring.name == last.name {
        return None;
    }
    let problem = "this ring has the default profile, which is everybody that no other profile matches, and rings follow it";
    let finding = CheckFinding::new(Code::DefaultNotLast, problem).instead("put it into the last ring");
    Some(finding.of_ring(&ring.name).at(of.name(index)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::online::finding::Severity;
    use crate::plan::{Spots, model::Plan};
    use crate::rollout::world::Observed;

    fn id(letter: char) -> String {
        format!("f174e90a-fafe-4643-bbbc-4a0ed4fc841{letter}")
    }

    /// `A` has no twin, `B` has one, `C` is the default profile where there is one, `D` is off.
    fn world(has_default: bool) -> Observations {
        let profile = |letter: char, name: &str, enabled: bool| Profile {
            id: PolicyId::new(id(letter)).unwrap(),
            name: Some(name.to_owned()),
            is_default: has_default && name == "C",
            enabled,
        };
        let listed = [('a', "A"), ('b', "B"), ('c', "B"), ('d', "C")];
        let mut listed: Vec<Profile> = listed.map(|(letter, name)| profile(letter, name, true)).to_vec();
        listed.push(profile('e', "D", false));
        let as_of = "2026-10-12T06:00:00Z".parse().unwrap();
        Observations { profiles: Some(Observed { value: Profiles { listed }, as_of }), ..Default::default() }
    }

    /// A name, the profiles of each ring, and what is found on which line.
    type Row<'a> = (&'a str, &'a [&'a [&'a str]], &'a [(Code, usize)]);

    fn judged(rings: &[Vec<String>], world: &Observations) -> (Plan, Vec<CheckFinding>) {
        let mut text = "plan: p\nversions: {windows: 2026.8.2100.0}\nrings:\n".to_owned();
        for (index, ring) in rings.iter().enumerate() {
            text.push_str(&format!("  - {{name: R{index}, profiles: [{}]}}\n", ring.join(", ")));
        }
        let plan = crate::plan::read("p.yaml", text.as_bytes()).unwrap().plan;
        let (spots, now) = (Spots::of(text.as_bytes()), "2026-10-12T06:00:00Z".parse().unwrap());
        let (named, findings) = look_up(&PlanInAccount { plan: &plan, spots, world, now });
        assert_eq!(named.len(), plan.rings.len());
        (plan, findings)
    }

    #[test]
    fn a_plan_has_an_error_exactly_when_the_rollout_would_stop() {
        let pool: Vec<String> = ["A", "B", "C", "D", "default", "Nobody"]
            .iter()
            .map(|name| (*name).to_owned())
            .chain(['a', 'b', 'c', 'd', 'e', 'f'].map(id))
            .collect();
        let seed = 20_261_122_u64;
        println!("seed {seed}");
        let mut random = seed;
        let mut next = |bound: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap() % bound
        };
        let (mut stopped, mut free) = (0, 0);
        for run in 0..1_500 {
            let mut left = pool.clone();
            let mut ring = || (0..=next(2)).map(|_| left.swap_remove(next(left.len()))).collect();
            let rings: Vec<Vec<String>> = (0..2).map(|_| ring()).collect();
            let world = world(run % 2 == 0);
            let (plan, findings) = judged(&rings, &world);
            let errors = findings.iter().any(|finding| finding.severity == Severity::Error);
            let stops = plan.rings.iter().any(|ring| world.resolve_within(&plan, ring).is_err());
            assert_eq!(errors, stops, "{rings:?}: {findings:?}");
            *(if stops { &mut stopped } else { &mut free }) += 1;
        }
        assert!(stopped > 200 && free > 50, "{stopped} stopped, {free} free");
    }

    #[test]
    fn findings_stand_at_the_profile_that_they_are_about() {
        use Code::{
            DefaultNotLast, ProfileAmbiguous, ProfileDisabled, ProfileIsDefault, ProfileTwice, ProfileUnknown,
        };
        let rows: [Row<'_>; 8] = [
            ("all is well", &[&["A"], &["default"]], &[]),
            ("unknown", &[&["Aa", "A"]], &[(ProfileUnknown, 4)]),
            ("a name with a twin", &[&["A", "B"]], &[(ProfileAmbiguous, 4)]),
            ("one of the twins by its ID", &[&["id:b"], &["id:c"]], &[]),
            ("switched off", &[&["D"]], &[(ProfileDisabled, 4)]),
            ("the default one by its name", &[&["A"], &["C"]], &[(ProfileIsDefault, 5)]),
            ("the default one too early", &[&["default"], &["A"]], &[(DefaultNotLast, 4)]),
            ("two spellings", &[&["A"], &["id:a"]], &[(ProfileTwice, 5)]),
        ];
        for (row, rings, expected) in rows {
            let spelt = |text: &&str| match text.strip_prefix("id:") {
                Some(letter) => letter.chars().map(id).collect(),
                None => (*text).to_owned(),
            };
            let rings: Vec<Vec<String>> = rings.iter().map(|ring| ring.iter().map(spelt).collect()).collect();
            let (_, findings) = judged(&rings, &world(true));
            let found: Vec<_> = findings.iter().map(|found| (found.code, found.line.unwrap())).collect();
            assert_eq!(found, expected, "{row}: {findings:?}");
        }
    }

    #[test]
    fn a_long_list_of_names_is_cut_and_says_so() {
        let names: Vec<String> = (0..14).map(|number| format!("Profile {number:02}")).collect();
        let some = some_of(&names.iter().map(String::as_str).collect());
        assert!(some.starts_with("`Profile 00`, ") && some.ends_with("`default`, 4 others"), "{some}");
    }
}
