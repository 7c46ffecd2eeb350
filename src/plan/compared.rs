//! Values of a ring that do not go together, or that switch a gate off.
//!
//! **Invariant:** nothing here is an error: each value is good by itself, and somebody may mean it. What several rings
//! take from one place is told once.

use std::{collections::BTreeSet, ops::Range};

use super::error::{Other, Problems};
use super::model::{Adoption, Health, Percent, Plan, RingPlan, RollbackRules};
use super::tree::Node;
use crate::time::SignedDuration;

/// A share from which on it is more probably the share of the others that is meant.
const HALF: Percent = Percent::whole(50);
/// A share up to which a fraction of one is probably meant: `0.9%` for 0.9.
const ONE_PERCENT: Percent = Percent::whole(1);
/// More devices than a fleet of that many environments has that its admin still calls small.
const MANY_DEVICES: u32 = 10_000;
/// Longer than a weekend that a laptop sleeps through.
const LONG_STEP: SignedDuration = SignedDuration::from_hours(3 * 24);

/// A ring as written, and the `defaults` behind it.
#[derive(Clone, Copy)]
pub(super) struct Layers<'a> {
    pub(super) ring: &'a Node,
    pub(super) defaults: Option<&'a Node>,
}

impl<'a> Layers<'a> {
    /// The rings of a plan that holds, with what each is written as.
    pub(super) fn of(root: &'a Node, plan: &'a Plan) -> impl Iterator<Item = (Self, &'a RingPlan)> {
        let defaults = root.get("defaults");
        root.list("rings").iter().map(move |ring| Layers { ring, defaults }).zip(&plan.rings)
    }

    /// What is written at a path of keys: in the ring, else in `defaults`.
    pub(super) fn find(self, path: &[&str]) -> Option<&'a Node> {
        let below = |node: &'a Node| path.iter().try_fold(node, |node, key| node.get(key));
        below(self.ring).or_else(|| below(self.defaults?))
    }

    /// Where that is.
    fn at(self, path: &[&str]) -> Option<&'a Range<usize>> {
        self.find(path).map(|node| &node.at)
    }
}

/// A value that is probably not meant.
struct Doubt<'a> {
    at: &'a Range<usize>,
    problem: String,
    instead: String,
    /// The other place, and what stands there.
    other: Option<(&'a Range<usize>, String)>,
}

/// Warns of what does not go together.
pub(super) fn judge(root: &Node, plan: &Plan, problems: &mut Problems) {
    let mut told = BTreeSet::new();
    for (layers, ring) in Layers::of(root, plan) {
        let one_each =
            [deadline(layers, ring), health(layers, ring), unknown(layers, ring), step(layers, ring)];
        for doubt in one_each.into_iter().flatten().chain(shares(layers, ring)) {
            let Doubt { at, problem, instead, other } = doubt;
            // No two of these are about the value of one place.
            if told.insert(at.start) {
                let other = other.map(|(at, what)| Other::Here { at: at.clone(), what });
                problems.warn(at, problem, instead, other);
            }
        }
    }
}

/// A deadline after which the ring has failed, before a device may be called stalled.
fn deadline<'a>(layers: Layers<'a>, ring: &RingPlan) -> Option<Doubt<'a>> {
    let (within, after) = (ring.adoption.within, ring.health.stalled.after);
    if within >= after {
        return None;
    }
    let built_in = Adoption::BUILT_IN.within;
    Some(Doubt {
        at: layers.at(&["adoption", "within"])?,
        problem: format!(
            "this deadline of {within} ends before a device counts as stalled, which takes {after}: laptops that sleep fail the ring"
        ),
        instead: format!("write more than {after}, such as {built_in}, which is built in"),
        other: layers
            .at(&["health", "stalled", "after"])
            .map(|at| (at, format!("`stalled.after` is {after} here"))),
    })
}

/// More devices than are there when the gates of `health` begin to judge.
fn health<'a>(layers: Layers<'a>, ring: &RingPlan) -> Option<Doubt<'a>> {
    let least = ring.health.min_devices;
    let least_at = layers.at(&["health", "min_devices"]);
    let built_in = Health::BUILT_IN.min_devices;
    match ring.max_devices.map(|most| most.get()).filter(|most| *most < least) {
        Some(most) => {
            let most_at = layers.at(&["max_devices"])?;
            let judged = match least_at {
                Some(_) => format!("{least} devices in an environment"),
                None => format!("{least} devices in an environment, which is built in"),
            };
            Some(Doubt {
                at: least_at.unwrap_or(most_at),
                problem: format!(
                    "the gates of `health` judge from {judged}, and one write may move {most}: a ring of no more is never judged"
                ),
                instead: format!(
                    "write `min_devices` of at most {most}, or more `max_devices`, if the ring has more"
                ),
                other: least_at.map(|_| (most_at, format!("`max_devices` is {most} here"))),
            })
        }
        None if least > MANY_DEVICES => Some(Doubt {
            at: least_at?,
            problem: format!(
                "the gates of `health` judge from {least} devices in an environment: with fewer they never fail"
            ),
            instead: format!("write fewer, such as {built_in}, which is built in"),
            other: None,
        }),
        None => None,
    }
}

/// A gate that may be unknown for longer than the ring has time.
fn unknown<'a>(layers: Layers<'a>, ring: &RingPlan) -> Option<Doubt<'a>> {
    let (unknown, within) = (ring.unknown_after, ring.adoption.within);
    if unknown <= within {
        return None;
    }
    let built_in = RingPlan::BUILT_IN_UNKNOWN_AFTER;
    let other = layers.at(&["adoption", "within"]);
    let of = if other.is_some() { "" } else { ", which is built in" };
    Some(Doubt {
        at: layers.at(&["unknown_after"])?,
        problem: format!(
            "a gate may be unknown for {unknown} before the rollout halts, which is longer than the deadline of {within}{of}"
        ),
        instead: format!("write less than {within}, such as {built_in}, which is built in"),
        other: other.map(|at| (at, format!("`within` is {within} here"))),
    })
}

/// A rollback that waits for days between two rings.
fn step<'a>(layers: Layers<'a>, ring: &RingPlan) -> Option<Doubt<'a>> {
    let (step, built_in) = (ring.rollback.step, RollbackRules::BUILT_IN_STEP);
    (step.get() > LONG_STEP).then_some(())?;
    Some(Doubt {
        at: layers.at(&["rollback", "step"])?,
        problem: format!("a rollback would wait up to {step} for this ring's devices before it goes on"),
        instead: format!("write hours, such as {built_in}, which is built in"),
        other: None,
    })
}

/// Shares that switch their gate off, or that one device breaks.
fn shares<'a>(layers: Layers<'a>, ring: &RingPlan) -> impl Iterator<Item = Doubt<'a>> {
    let Adoption { at_least, seen_at_least, .. } = ring.adoption;
    let Health { stalled, dark, .. } = ring.health;
    let found = [
        (&["adoption", "at_least"][..], adopted(at_least)),
        (&["adoption", "seen_at_least"], all(seen_at_least, "is not seen", Adoption::BUILT_IN.seen_at_least)),
        (
            &["health", "stalled", "at_most"],
            tolerated(stalled.at_most, "be stalled", Health::BUILT_IN.stalled.at_most),
        ),
        (&["health", "dark", "at_most"], tolerated(dark.at_most, "go dark", Health::BUILT_IN.dark.at_most)),
    ];
    found.into_iter().filter_map(move |(path, doubt)| {
        let (problem, instead) = doubt?;
        Some(Doubt { at: layers.at(path)?, problem, instead, other: None })
    })
}

fn adopted(share: Percent) -> Option<(String, String)> {
    if share >= HALF {
        return all(share, "does not take the version", Adoption::BUILT_IN.at_least);
    }
    let others = share.complement();
    let fraction = share.hundredfold().filter(|_| share <= ONE_PERCENT);
    let fraction = fraction.map(|whole| format!("{whole} if a part of one is meant, ")).unwrap_or_default();
    Some((
        format!("this gate passes with {share} of the devices on the version, and {others} without it"),
        format!("write {fraction}{others} if {share} is what may be without it; keep {share} if it is meant"),
    ))
}

/// All of them: one that is away or broken is too many.
fn all(share: Percent, does: &str, built_in: Percent) -> Option<(String, String)> {
    (share == Percent::whole(100)).then(|| {
        let problem = format!("a single device that {does} fails the ring");
        (problem, format!("write less than {share}, such as {built_in}, which is built in"))
    })
}

fn tolerated(share: Percent, may: &str, built_in: Percent) -> Option<(String, String)> {
    if share < HALF {
        return None;
    }
    let others = share.complement();
    let problem = format!("{share} of the devices may {may} before this gate fails");
    let instead = match others == Percent::whole(0) {
        true => format!("write the share that may, such as {built_in}, which is built in"),
        false => format!("write {others} if {share} is what must not; keep {share} if it is meant"),
    };
    Some((problem, instead))
}
