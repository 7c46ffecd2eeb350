//! What one plan changes in another: what of it only restricts, and what has to wait.
//!
//! Restricting is a closed list: an added `forbid`, an added or longer freeze, openings that lie wholly
//! in the old ones, a longer soak, a smaller `max_devices`, more approvals, `allow_downgrade` taken away.
//! Where to go back to counts with it: it lets nobody go forward, and an approval of the entry does not cover it.
//! Everything else waits.
//!
//! **Invariant:** a restricted plan differs from the one in force by restrictions alone, and what
//! [`differences`] does not name is the same to every decision.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{AllowDowngrade, ApprovalRule, DeviceLimit, Forbid, Plan, ProfileRef, RingPlan, Told};
use crate::ids::RingName;
use crate::schedule::{Freeze, Opening, Zone};
use crate::time::{Span, Timestamp};
use crate::version::{ClientVersion, Environment};

/// What of a plan file may restrict, as far as it could be read: a file with errors has this as well.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Restrictions {
    /// Builds that it forbids.
    pub forbid: Vec<Forbid>,
    /// What its `defaults` say, for rings that it does not name.
    pub defaults: RingRestrictions,
    /// What it says of its rings, those of `defaults` included.
    pub rings: Vec<RestrictedRing>,
}

/// A ring of a plan file, as far as it could be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RestrictedRing {
    /// Its name.
    pub name: Option<RingName>,
    /// The name that it had before.
    pub was: Option<RingName>,
    /// Its profiles.
    pub profiles: BTreeSet<ProfileRef>,
    /// What may restrict it.
    pub says: RingRestrictions,
}

/// What may restrict one ring; `None` and empty: nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RingRestrictions {
    /// The zone of openings and freezes.
    pub zone: Option<Zone>,
    /// Its openings, where some are written.
    pub open: Option<Vec<Opening>>,
    /// Its freezes.
    pub freeze: Vec<Freeze>,
    /// Its soak.
    pub soak: Option<Span>,
    /// The most devices of one write.
    pub max_devices: Option<DeviceLimit>,
    /// Who lets it be entered.
    pub approval: Option<ApprovalRule>,
    /// Where to go back to.
    pub back_to: BTreeMap<Environment, ClientVersion>,
    /// Whether its devices may be taken down; `None`: nothing is said of the ring.
    pub allow_downgrade: Option<AllowDowngrade>,
}

impl Restrictions {
    /// Those of a plan that holds.
    pub fn of(plan: &Plan) -> Self {
        let ring = |ring: &RingPlan| RestrictedRing {
            name: Some(ring.name.clone()),
            was: ring.was.clone(),
            profiles: profile_set(ring),
            says: RingRestrictions {
                zone: Some(ring.schedule.zone().clone()),
                open: Some(ring.schedule.openings().to_vec()).filter(|open| !open.is_empty()),
                freeze: ring.schedule.freezes().to_vec(),
                soak: Some(ring.soak),
                max_devices: ring.max_devices,
                approval: ring.approval.clone(),
                back_to: ring.rollback.to.clone(),
                allow_downgrade: Some(ring.allow_downgrade.clone()),
            },
        };
        let rings = plan.rings.iter().map(ring).collect();
        Self { forbid: plan.forbid.clone(), defaults: RingRestrictions::default(), rings }
    }

    /// What is said of a ring: the one of the same profiles, else of the same name, else the one that had
    /// it, else `defaults`.
    fn about(&self, ring: &RingPlan) -> &RingRestrictions {
        let profiles = profile_set(ring);
        let same_profiles = self.rings.iter().find(|other| other.profiles == profiles);
        let same_name = || self.rings.iter().find(|other| other.name.as_ref() == Some(&ring.name));
        let had_name = || self.rings.iter().find(|other| other.was.as_ref() == Some(&ring.name));
        same_profiles.or_else(same_name).or_else(had_name).map_or(&self.defaults, |other| &other.says)
    }
}

/// A plan in force with what restricts it on top, from `now` on.
pub fn restricted(in_force: &Plan, by: &Restrictions, now: Timestamp) -> Plan {
    let mut plan = in_force.clone();
    for forbid in &by.forbid {
        if !plan.forbid.iter().any(|known| known.versions == forbid.versions) {
            plan.forbid.push(forbid.clone());
        }
    }
    for ring in &mut plan.rings {
        restrict(ring, by.about(ring), now);
    }
    plan
}

fn restrict(ring: &mut RingPlan, by: &RingRestrictions, now: Timestamp) {
    let zone = ring.schedule.zone();
    let same_zone = by.zone.as_ref().is_none_or(|other| other == zone);
    // Days of another zone begin and end at other instants: a day more on both sides has them all.
    let freezes: Vec<Freeze> =
        by.freeze.iter().map(|freeze| if same_zone { freeze.clone() } else { freeze.widened() }).collect();
    let with_freezes = ring.schedule.restricted(None, &freezes);
    if with_freezes.frozen_from(now) != ring.schedule.frozen_from(now) {
        ring.schedule = with_freezes;
    }
    if let Some(open) = by.open.as_ref().filter(|_| same_zone) {
        let narrower = ring.schedule.restricted(Some(open.clone()), &[]);
        if narrower.openings() != ring.schedule.openings() && narrower.opens_only_within(&ring.schedule, now)
        {
            ring.schedule = narrower;
        }
    }
    ring.soak = by.soak.map_or(ring.soak, |soak| soak.max(ring.soak));
    ring.max_devices = [ring.max_devices, by.max_devices].into_iter().flatten().min();
    if let Some(asked) = &by.approval {
        match &mut ring.approval {
            None => ring.approval = Some(asked.clone()),
            Some(known) if known.user_group == asked.user_group => known.count = known.count.max(asked.count),
            Some(_) => {}
        }
    }
    // A way back leads down; one that does not would be a way forward, to what nobody ran.
    let below = |(environment, version): &(&Environment, &ClientVersion)| {
        ring.targets.get(environment).is_some_and(|target| *version < target)
    };
    ring.rollback.to.extend(by.back_to.iter().filter(below));
    if by.allow_downgrade == Some(AllowDowngrade::Nothing) {
        ring.allow_downgrade = AllowDowngrade::Nothing;
    }
}

/// What another plan changes, in words; empty: nothing that a decision could tell. Reasons and the
/// description are for people.
pub fn differences(from: &Plan, to: &Plan, now: Timestamp) -> Vec<String> {
    let mut found = different(from.told(), to.told()).collect();
    forbids(from, to, &mut found);
    for ring in &from.rings {
        match twin(ring, from, to) {
            Some(other) => ring_differences(ring, other, now, &mut found),
            None => found.push(format!("ring `{}` removed ({})", ring.name, ring.told_profiles())),
        }
    }
    let added = to.rings.iter().filter(|ring| former(ring, to, from).is_none());
    found.extend(added.map(|ring| format!("ring `{}` added ({})", ring.name, ring.told_profiles())));
    let kept = from.rings.iter().filter(|ring| twin(ring, from, to).is_some());
    let keeping = to.rings.iter().filter(|ring| former(ring, to, from).is_some());
    let (kept, keeping): (Vec<_>, Vec<_>) =
        (kept.map(profile_set).collect(), keeping.map(profile_set).collect());
    if kept != keeping && kept.iter().all(|set| keeping.contains(set)) {
        found.push("the order of rings".to_owned());
    }
    found
}

/// The ring of a newer plan that a ring of an older one is: of the same profiles, whatever its name, else of the
/// same name, else the one that says it was.
pub fn twin<'a>(ring: &RingPlan, older: &Plan, newer: &'a Plan) -> Option<&'a RingPlan> {
    let says = |one: &RingPlan| one.was.as_ref() == Some(&ring.name);
    known(ring, newer).or_else(|| newer.rings.iter().find(|one| says(one) && known(one, older).is_none()))
}

/// The same the other way: the ring of the older plan that a ring of the newer one was.
fn former<'a>(ring: &RingPlan, newer: &Plan, older: &'a Plan) -> Option<&'a RingPlan> {
    let was = || older.rings.iter().find(|one| ring.was.as_ref() == Some(&one.name));
    known(ring, older).or_else(|| was().filter(|one| known(one, newer).is_none()))
}

/// The ring of a plan with these profiles, else of this name.
fn known<'a>(ring: &RingPlan, of: &'a Plan) -> Option<&'a RingPlan> {
    let same = of.rings.iter().find(|other| same_profiles(other, ring));
    same.or_else(|| of.rings.iter().find(|other| other.name == ring.name))
}

/// A ring's profiles, in no order.
pub fn profile_set(ring: &RingPlan) -> BTreeSet<ProfileRef> {
    ring.profiles.iter().cloned().collect()
}

/// Whether two rings have the same profiles, in whatever order. Every decision asks it of all pairs, most of
/// which are the same list or have nothing in common: only the others are sorted for it.
pub fn same_profiles(one: &RingPlan, other: &RingPlan) -> bool {
    let lacks = |profile: &ProfileRef| !other.profiles.contains(profile);
    one.profiles == other.profiles
        || !one.profiles.iter().any(lacks) && profile_set(one) == profile_set(other)
}

fn forbids(from: &Plan, to: &Plan, found: &mut Vec<String>) {
    for (plan, other, what) in [(from, to, "removed"), (to, from, "added")] {
        let known = |forbid: &Forbid| other.forbid.iter().any(|known| known.versions == forbid.versions);
        let alone = plan.forbid.iter().filter(|forbid| !known(forbid));
        found.extend(alone.map(|forbid| format!("forbid '{}' {what}", forbid.versions)));
    }
}

/// What is told of one and otherwise of another, in words.
fn different(from: Vec<Told>, to: Vec<Told>) -> impl Iterator<Item = String> {
    let pairs = from.into_iter().zip(to).filter(|((_, one), (_, other))| one != other);
    pairs.map(|((what, one), (_, other))| format!("{what} {one} → {other}"))
}

fn ring_differences(from: &RingPlan, to: &RingPlan, now: Timestamp, found: &mut Vec<String>) {
    let name = &from.name;
    // A group that follows its ring's name is renamed with it.
    let names_group = !(from.has_default_group() && to.has_default_group());
    let (one, other) = (from.told(names_group), to.told(names_group));
    found.extend(different(one, other).map(|what| format!("ring `{name}`: {what}")));
    if from.schedule.frozen_from(now) != to.schedule.frozen_from(now) {
        freezes(from, to, now, found);
    }
}

/// Freezes that one of two rings has and the other has not; those that have passed are nobody's business.
fn freezes(from: &RingPlan, to: &RingPlan, now: Timestamp, found: &mut Vec<String>) {
    let name = &from.name;
    let before = found.len();
    for (ring, other, what) in [(from, to, "removed"), (to, from, "added")] {
        let known = |freeze: &Freeze| {
            let same = |known: &Freeze| (known.from(), known.until()) == (freeze.from(), freeze.until());
            other.schedule.freezes().iter().any(same)
        };
        let zone = ring.schedule.zone();
        let past = |freeze: &Freeze| zone.end_of_day(freeze.until()) <= now;
        let gone = ring.schedule.freezes().iter().filter(|freeze| !known(freeze) && !past(freeze));
        found.extend(gone.map(|freeze| {
            let (reason, from, until) = (freeze.reason(), freeze.from(), freeze.until());
            format!("ring `{name}`: freeze {reason} ({from} to {until}) {what}")
        }));
    }
    if found.len() == before {
        found.push(format!("ring `{name}`: its freezes begin or end at other instants"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::read;

    /// A ring as `name: profiles`, or `name was former: profiles`.
    fn plan(rings: &[&str]) -> Plan {
        let ring = |ring: &&str| {
            let (name, profiles) = ring.split_once(": ").unwrap();
            let (name, was) = name.split_once(" was ").unwrap_or((name, ""));
            let was = if was.is_empty() { String::new() } else { format!(", was: {was}") };
            format!("  - {{name: {name}{was}, profiles: [{profiles}]}}\n")
        };
        let rings: String = rings.iter().map(ring).collect();
        let text = format!("plan: p\nversions: {{windows: 2026.8.2100.0}}\nrings:\n{rings}");
        read("p.yaml", text.as_bytes()).unwrap().plan
    }

    #[test]
    fn a_ring_is_known_by_its_profiles_then_its_name_then_by_what_it_was() {
        /// What is the case, the plans before and after, and what each ring before is after.
        type Row<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [Option<&'a str>]);
        let rows: [Row<'_>; 9] = [
            ("what a ring once was is no ring of the newer plan", &["A was Z: x"], &["Z: y"], &[None]),
            ("nothing changed", &["A: x", "B: y"], &["A: x", "B: y"], &[Some("A"), Some("B")]),
            ("another name", &["A: x", "B: y"], &["C: x", "B: y"], &[Some("C"), Some("B")]),
            ("names traded", &["A: x", "B: y"], &["B: x", "A: y"], &[Some("B"), Some("A")]),
            ("other profiles", &["A: x"], &["A: x, z"], &[Some("A")]),
            ("both at once", &["A: x", "B: y"], &["C: x, z", "B: y"], &[None, Some("B")]),
            (
                "both at once, and it says so",
                &["A: x", "B: y"],
                &["C was A: z", "B: y"],
                &[Some("C"), Some("B")],
            ),
            (
                "what a ring once was says nothing once it is known by its name",
                &["A: x", "C: y"],
                &["C was A: y, z"],
                &[None, Some("C")],
            ),
            ("nor once it is known by its profiles", &["A: x", "B: y"], &["C was A: y"], &[None, Some("C")]),
        ];
        for (row, before, after, expected) in rows {
            let (before, after) = (plan(before), plan(after));
            let found =
                before.rings.iter().map(|ring| twin(ring, &before, &after).map(|one| one.name.as_str()));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{row}");
            for ring in &after.rings {
                let back = former(ring, &after, &before).and_then(|one| twin(one, &before, &after));
                assert!(back.is_none_or(|back| back.name == ring.name), "{row}: {} goes astray", ring.name);
            }
        }
    }
}
