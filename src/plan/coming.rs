//! What the calendar holds for a plan, judged at an instant.
//!
//! **Invariant:** the instant is an argument. A file is judged when it changes, so nothing that is said here
//! makes a plan unusable because time passes, and what the log holds is never judged. A freeze, however long, is
//! no error: it is a brake, and takes effect. Rings that take their schedule from one place cost one search.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::civil::Date;

use super::compared::Layers;
use super::error::Problems;
use super::model::{Plan, RingPlan};
use super::tree::{Node, Value};
use crate::ids::RingName;
use crate::schedule::{Freeze, HORIZON, LEAST_OPENING, Schedule, Zone};
use crate::time::{SignedDuration, Span, Timestamp, after, in_words, since};

/// So many openings ahead, which is weeks of daily ones and months of rare ones.
const OPENINGS_AHEAD: usize = 15;

/// A ring that opens no sooner after a freeze has lost an opening to it that is rare.
const LONG_WAIT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// An opening behind freezes is sought over so many spans of [`HORIZON`].
const FAR_SEARCHES: usize = 8;

/// So many rings are named where one freeze is in the way of several.
const RINGS_NAMED: usize = 5;

/// A last frozen day is over everywhere on Earth so long after its beginning in UTC.
const OVER_EVERYWHERE: SignedDuration = SignedDuration::from_hours(2 * 24);

/// Warns of what is over, is in the way or runs out too soon, and returns what is never open.
pub(super) fn judge(root: &Node, plan: &Plan, now: Timestamp, problems: &mut Problems) -> Problems {
    for node in root.get("defaults").into_iter().chain(root.list("rings")) {
        past_freezes(node, now, problems);
    }
    let mut closed = Problems::default();
    let mut known: BTreeMap<SchedulePlaces, Prospect> = BTreeMap::new();
    let mut frozen: BTreeMap<(usize, Timestamp), FrozenRings<'_>> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for (layers, ring) in Layers::of(root, plan) {
        let places = schedule_places(layers);
        let prospect = known.entry(places).or_insert_with(|| Prospect::of(&ring.schedule, now));
        let at = layers.find(&["schedule"]).map_or(&layers.ring.at, |node| &node.at);
        match &prospect.ahead {
            Coming::Opens => {}
            Coming::Never => {
                let problem = format!("ring `{}` has no opening within 400 days", ring.name);
                closed.missing(at, problem, "name days that come sooner");
            }
            Coming::Frozen(opening) => {
                let at = freeze_at(layers, &opening.freeze).unwrap_or(at);
                let until = opening.until.unwrap_or(Timestamp::MAX);
                let rings = frozen.entry((at.start, until)).or_insert_with(|| FrozenRings {
                    at,
                    opening: opening.clone(),
                    zone: ring.schedule.zone(),
                    rings: Vec::new(),
                });
                rings.rings.push(&ring.name);
            }
        }
        let at = layers.find(&["approval"]).map_or(&layers.ring.at, |node| &node.at);
        expires_too_soon(at, ring, prospect, &mut told, problems);
        overlaps(layers, &ring.schedule, now, &mut told, problems);
    }
    frozen.into_values().for_each(|rings| rings.tell(now, problems));
    closed
}

/// Where a ring's openings, its own freezes and its zone are written. Rings that take all from the same places have
/// the same schedule.
type SchedulePlaces = [Option<usize>; 3];

fn schedule_places(layers: Layers<'_>) -> SchedulePlaces {
    let own = layers.ring.get("schedule").and_then(|schedule| schedule.get("freeze"));
    let nodes = [layers.find(&["schedule", "open"]), own, layers.find(&["timezone"])];
    nodes.map(|node| node.map(|node| node.at.start))
}

fn past_freezes(node: &Node, now: Timestamp, problems: &mut Problems) {
    let freezes = node.get("schedule").map_or(&[][..], |schedule| schedule.list("freeze"));
    for until in freezes.iter().filter_map(|freeze| freeze.get("until")) {
        let begins = day(until).and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
        if begins.is_some_and(|begins| after(begins.timestamp(), OVER_EVERYWHERE) <= now) {
            problems.warn(&until.at, "this freeze is over", "drop it, or correct its year", None);
        }
    }
}

fn day(node: &Node) -> Option<Date> {
    match &node.value {
        Value::Scalar { text, .. } => text.parse().ok(),
        _ => None,
    }
}

/// Where a freeze of a ring is written: among its own, else in `defaults`.
fn freeze_at<'a>(layers: Layers<'a>, freeze: &Freeze) -> Option<&'a Range<usize>> {
    let lists = [Some(layers.ring), layers.defaults].into_iter().flatten();
    let mut written = lists.filter_map(|node| node.get("schedule")).flat_map(|node| node.list("freeze"));
    let is = |node: &Node, key: &str, expected: Date| node.get(key).and_then(day) == Some(expected);
    let found = written.find(|node| is(node, "from", freeze.from()) && is(node, "until", freeze.until()));
    found.map(|node| &node.at)
}

/// What is to come of one schedule.
struct Prospect {
    ahead: Coming,
    /// The longest time without an opening among the next ones, and whether a freeze is in it.
    longest_gap: Option<(SignedDuration, bool)>,
}

/// Whether it opens.
enum Coming {
    Opens,
    /// Its openings come later than anybody waits.
    Never,
    /// A freeze is in the way.
    Frozen(FrozenOpening),
}

/// An opening that a freeze takes away, where the next one is far.
#[derive(Clone)]
struct FrozenOpening {
    /// When it would open.
    begins: Timestamp,
    freeze: Freeze,
    /// The next one that is not frozen; `None`: not within years.
    until: Option<Timestamp>,
    /// Whether there is none at all before it.
    is_first: bool,
}

impl Prospect {
    fn of(schedule: &Schedule, now: Timestamp) -> Self {
        let spans: Vec<_> = schedule.entries(now, LEAST_OPENING).take(OPENINGS_AHEAD).collect();
        let ends = std::iter::once(Some(now)).chain(spans.iter().map(|(_, ends)| *ends));
        let gaps = ends.zip(&spans).filter_map(|(ends, (begins, _))| {
            let ends = ends?;
            let is_frozen = schedule.frozen_between(ends, *begins) > SignedDuration::ZERO;
            Some((since(ends, *begins), is_frozen))
        });
        let longest_gap = gaps.max();
        Self { ahead: Coming::of(schedule, spans.is_empty(), now), longest_gap }
    }
}

impl Coming {
    /// `is_closed`: it has no opening within [`HORIZON`].
    fn of(schedule: &Schedule, is_closed: bool, now: Timestamp) -> Self {
        let bare = schedule.without_freezes();
        let mut openings = bare.entries(now, LEAST_OPENING).map(|(begins, _)| begins).take(OPENINGS_AHEAD);
        if is_closed {
            let frozen =
                openings.next().and_then(|begins| Some((begins, freeze_in_the_way(schedule, begins)?)));
            let Some((begins, freeze)) = frozen else { return Self::Never };
            let until = far_entry(schedule, schedule.zone().end_of_day(freeze.until()));
            return Self::Frozen(FrozenOpening { begins, freeze: freeze.clone(), until, is_first: true });
        }
        let mut looked_to = now;
        for begins in openings {
            let Some(frozen) = schedule.freeze_at(begins).filter(|_| begins >= looked_to) else { continue };
            looked_to = frozen.ends_at;
            let until = far_entry(schedule, frozen.ends_at);
            if until.is_none_or(|until| since(frozen.ends_at, until) >= LONG_WAIT) {
                let freeze = frozen.freeze.clone();
                return Self::Frozen(FrozenOpening { begins, freeze, until, is_first: false });
            }
        }
        Self::Opens
    }
}

/// The freeze that covers an opening's begin, else the one that begins too soon after it.
fn freeze_in_the_way(schedule: &Schedule, begins: Timestamp) -> Option<&Freeze> {
    let covers = schedule.freeze_at(begins).map(|frozen| frozen.freeze);
    covers.or_else(|| schedule.freezes_after(begins).min_by_key(|freeze| freeze.from()))
}

/// The next entry from a freeze's end on, however far, past further freezes.
fn far_entry(schedule: &Schedule, mut from: Timestamp) -> Option<Timestamp> {
    for _ in 0..FAR_SEARCHES {
        if let Some(entry) = schedule.next_entry(from, LEAST_OPENING) {
            return Some(entry);
        }
        from = schedule.freeze_at(from).map_or(after(from, HORIZON), |frozen| frozen.ends_at);
    }
    None
}

/// Rings that one freeze keeps from one opening.
struct FrozenRings<'a> {
    at: &'a Range<usize>,
    opening: FrozenOpening,
    /// Of the first of them.
    zone: &'a Zone,
    rings: Vec<&'a RingName>,
}

impl FrozenRings<'_> {
    fn tell(&self, now: Timestamp, problems: &mut Problems) {
        let FrozenOpening { begins, freeze, until, is_first } = &self.opening;
        let named = self.rings.iter().take(RINGS_NAMED).map(|name| format!("`{name}`"));
        let named = named.collect::<Vec<_>>().join(", ");
        let rings = match self.rings.len() {
            1 => format!("ring {named} has"),
            count if count <= RINGS_NAMED => format!("rings {named} have"),
            count => format!("rings {named} and {} more have", count - RINGS_NAMED),
        };
        let shown = |at: Timestamp| {
            let local = self.zone.local(at).strftime("%a %Y-%m-%d %H:%M").to_string();
            format!("{local} {}", self.zone)
        };
        let next = match until {
            Some(until) => format!("until {}", shown(*until)),
            None => "for years".to_owned(),
        };
        let reason = freeze.reason();
        let problem = match is_first {
            true if *begins <= now => format!("{rings} no opening {next}: freeze `{reason}` is in force"),
            true => format!("{rings} no opening {next}: freeze `{reason}` covers that of {}", shown(*begins)),
            false => format!(
                "freeze `{reason}` covers the opening of {}, and {rings} no other {next}",
                shown(*begins)
            ),
        };
        let instead = "nothing is written for all that time, no fix either: keep it if it is meant, as an emergency freeze is; else correct its days, or name an opening outside them";
        problems.warn_at(self.at, problem, instead);
    }
}

/// An approval that is given as soon as it is asked may count for less than the time to the next opening.
fn expires_too_soon(
    at: &Range<usize>,
    ring: &RingPlan,
    prospect: &Prospect,
    told: &mut BTreeSet<(usize, SignedDuration)>,
    problems: &mut Problems,
) {
    let Some(rule) = &ring.approval else { return };
    let longest = prospect.longest_gap.filter(|(gap, _)| *gap > rule.expires.get());
    let Some((longest, is_frozen)) = longest else { return };
    // Of rings that take it from one place, one is told.
    if told.insert((at.start, longest)) {
        let (expires, longest) = (rule.expires, in_words(longest));
        let (closed, remedy) = match is_frozen {
            true => ("closed or frozen", ", or approve when the freeze is nearly over"),
            false => ("closed", ""),
        };
        let problem = format!(
            "an approval counts for {expires}, and ring `{}` is {closed} for up to {longest}: one that is given as soon as it is asked may expire before the next opening",
            ring.name
        );
        problems.warn_at(at, problem, format!("write `expires` of more than {longest}{remedy}"));
    }
}

/// An opening of so many days is more probably a slip in its unit than meant.
const LONG_OPENING: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Warns of each opening that begins again before it closes, or is days long.
fn overlaps(
    layers: Layers<'_>,
    schedule: &Schedule,
    now: Timestamp,
    told: &mut BTreeSet<(usize, SignedDuration)>,
    problems: &mut Problems,
) {
    let Some(list) = layers.find(&["schedule", "open"]) else { return };
    // Those of `defaults` are told once.
    if !told.insert((list.at.start, SignedDuration::ZERO)) {
        return;
    }
    let written = list.items().iter().zip(schedule.openings());
    for ((node, opening), run) in written.zip(schedule.runs_after(now)) {
        let (Some(length), Some(run)) = (node.get("for"), run) else { continue };
        let stays = opening.length();
        let hours = Span::hours(stays.get().as_hours() / 24);
        let unit = match stays.get() >= LONG_OPENING {
            true => format!("write {hours} if hours are meant; "),
            false => String::new(),
        };
        let apart =
            run.begins_again.map(|again| since(run.begins, again)).filter(|apart| *apart < stays.get());
        let told = match (apart, run.closes_at) {
            (_, None) => Some((
                format!(
                    "this opening is {stays} long and begins again by the time it closes: it never closes"
                ),
                format!("{unit}write `open: []` for a ring that is open at all times"),
            )),
            (Some(apart), Some(closes)) => {
                let zone = schedule.zone();
                let local = |at: Timestamp| zone.local(at).strftime("%a %H:%M").to_string();
                let (begins, really) = (local(run.begins), since(run.begins, closes));
                let (closes, really, apart) = (local(closes), in_words(really), in_words(apart));
                Some((
                    format!(
                        "this opening begins again after {apart}, before its {stays} are over: from {begins} it stays open until {closes}"
                    ),
                    format!(
                        "{unit}write the first start alone with `for: {really}` if that is meant, else `for` of at most {apart}"
                    ),
                ))
            }
            (None, Some(_)) if !unit.is_empty() => Some((
                format!("this opening is {stays} long, day and night"),
                format!("{unit}keep {stays} if days are"),
            )),
            (None, Some(_)) => None,
        };
        if let Some((problem, instead)) = told {
            problems.warn(&length.at, problem, instead, None);
        }
    }
}
