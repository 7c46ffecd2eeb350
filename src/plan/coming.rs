//! What the calendar holds for a plan, judged at an instant.
//!
//! **Invariant:** the instant is an argument. A file is judged when it changes, so nothing that is said here
//! makes a plan unusable because time passes, and what the log holds is never judged.

use std::{collections::BTreeSet, ops::Range};

use jiff::civil::Date;

use super::error::Problems;
use super::model::{Plan, RingPlan};
use super::tree::{Node, Value};
use crate::schedule::{LEAST_OPENING, Schedule};
use crate::time::{SignedDuration, Timestamp, after, in_words, since};

/// So many openings ahead, which is weeks of daily ones and months of rare ones.
const OPENINGS_AHEAD: usize = 15;

/// A last frozen day is over everywhere on Earth so long after its beginning in UTC.
const OVER_EVERYWHERE: SignedDuration = SignedDuration::from_hours(2 * 24);

/// Warns of what is over or runs out too soon, and returns what is never open.
pub(super) fn judge(root: &Node, plan: &Plan, now: Timestamp, problems: &mut Problems) -> Problems {
    let defaults = root.get("defaults");
    let rings = root.list("rings");
    for node in defaults.into_iter().chain(rings) {
        past_freezes(node, now, problems);
    }
    let mut closed = Problems::default();
    let mut told = BTreeSet::new();
    for (node, ring) in rings.iter().zip(&plan.rings) {
        let place =
            |key: &str| node.get(key).or_else(|| defaults?.get(key)).map_or(&node.at, |node| &node.at);
        never_open(place("schedule"), ring, now, &mut closed);
        expires_too_soon(place("approval"), ring, now, &mut told, problems);
    }
    closed
}

fn past_freezes(node: &Node, now: Timestamp, problems: &mut Problems) {
    let freezes = node.get("schedule").map_or(&[][..], |schedule| schedule.list("freeze"));
    for until in freezes.iter().filter_map(|freeze| freeze.get("until")) {
        let Value::Scalar { text, .. } = &until.value else { continue };
        let begins = text.parse::<Date>().ok().and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
        if begins.is_some_and(|begins| after(begins.timestamp(), OVER_EVERYWHERE) <= now) {
            problems.warn(&until.at, "this freeze is over", "drop it, or correct its year", None);
        }
    }
}

fn never_open(at: &Range<usize>, ring: &RingPlan, now: Timestamp, closed: &mut Problems) {
    if ring.schedule.next_entry(now, LEAST_OPENING).is_none() {
        let problem = format!("ring `{}` has no opening within 400 days", ring.name);
        closed.missing(at, problem, "name days that come sooner, or shorten the freezes that cover them");
    }
}

/// Freezes aside: they are told in advance, and nobody approves into one.
fn expires_too_soon(
    at: &Range<usize>,
    ring: &RingPlan,
    now: Timestamp,
    told: &mut BTreeSet<(usize, SignedDuration)>,
    problems: &mut Problems,
) {
    let Some(rule) = &ring.approval else { return };
    let openings = Schedule::new(ring.schedule.zone().clone(), ring.schedule.openings().to_vec(), Vec::new());
    let Ok(openings) = openings else { return };
    let spans: Vec<_> = openings.entries(now, LEAST_OPENING).take(OPENINGS_AHEAD).collect();
    let gaps = spans
        .iter()
        .zip(spans.iter().skip(1))
        .filter_map(|((_, ends), (begins, _))| Some(since((*ends)?, *begins)));
    let Some(longest) = gaps.max().filter(|gap| *gap > rule.expires.get()) else { return };
    // Of rings that take it from one place, one is told.
    if told.insert((at.start, longest)) {
        let (expires, longest) = (rule.expires, in_words(longest));
        let problem = format!(
            "an approval counts for {expires}, and ring `{}` is closed for up to {longest}: one that is given as soon as it is asked may expire before the next opening",
            ring.name
        );
        problems.warn_at(at, problem, format!("write `expires` of more than {longest}"));
    }
}
