//! One ring as the templates print it: its devices as bars, its gates, its way.
//!
//! **Invariant:** a bar shows each device once, and every count in it also stands beside it as text.

use crate::rollout::people::command::Command;
use crate::time::{SignedDuration, Timestamp, rough, short};
use crate::web::json::{ClassesJson, EventJson, GateJson, RingJson, RolloutJson};
use crate::web::lines::told_moves;
use crate::web::page::action::{Action, offered};
use crate::web::page::approval::ApprovalCard;
use crate::web::page::gauge::{Gauge, gauges};
use crate::web::page::html::Moment;
use crate::web::page::tone::Tone;
use crate::web::page::viewer::Viewer;
use crate::web::present::OTHER;

/// One ring.
pub(super) struct RingCard<'a> {
    pub(super) json: &'a RingJson,
    /// Its place, from 1.
    pub(super) number: usize,
    pub(super) state: String,
    pub(super) tone: Tone,
    /// Whether the rollout stands at it.
    pub(super) current: bool,
    pub(super) since: Moment,
    pub(super) next_opening: Option<Moment>,
    pub(super) group: String,
    pub(super) profiles: String,
    pub(super) notes: Vec<String>,
    /// Arrived devices among those that the targets can move.
    pub(super) arrived: Option<(usize, usize)>,
    pub(super) bars: Vec<ClassBar>,
    pub(super) gates: Vec<GateRow<'a>>,
    pub(super) approval: Option<ApprovalCard>,
    pub(super) steps: Vec<Milestone>,
}

/// The devices of one environment.
pub(super) struct ClassBar {
    pub(super) name: String,
    pub(super) target: Option<String>,
    pub(super) adoption: Option<String>,
    pub(super) text: String,
    pub(super) segments: Vec<Segment>,
    pub(super) counts: Vec<(usize, &'static str, &'static str)>,
}

/// One class in a bar, in hundredths of its width.
pub(super) struct Segment {
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) width: String,
}

/// One gate's word.
pub(super) struct GateRow<'a> {
    pub(super) json: &'a GateJson,
    pub(super) name: String,
    pub(super) tone: Tone,
    pub(super) reason: Option<String>,
    pub(super) gauges: Vec<Gauge>,
    pub(super) age: Option<String>,
    pub(super) waive: Option<Action>,
}

/// A milestone of a ring; without an instant it is still to come.
pub(super) struct Milestone {
    pub(super) label: &'static str,
    pub(super) at: Option<Moment>,
}

/// The ring at `index` of its rollout.
pub(super) fn ring<'a>(
    rollout: &RolloutJson,
    (index, ring): (usize, &'a RingJson),
    current: Option<usize>,
    milestones: &[EventJson],
    viewer: &Viewer,
) -> RingCard<'a> {
    let now = rollout.at;
    let waived = ring.waived.iter().map(|waiver| {
        let (gate, actor, reason) = (waiver.gate, &waiver.actor, &waiver.reason);
        format!("Gate {gate} was waived by {actor} on {}: {reason}", short(waiver.since))
    });
    let moves = ring.moves.iter().map(|(environment, moves)| told_moves(*environment, moves));
    let unmanaged = ring.unmanaged.iter().map(|entry| format!("Left as it is in the group: {entry}"));
    let waive = |place: usize, gate: &GateJson| {
        let (plan, ring) = (rollout.plan.clone(), Some(ring.name.clone()));
        let stands = !matches!(gate.verdict.as_str(), "pass" | "exempt");
        let of = format!("-{}-{}-{place}", rollout.plan, index + 1);
        offered(Command::Waive { plan, gate: gate.gate, ring }, &of, viewer).filter(|_| stands)
    };
    RingCard {
        json: ring,
        number: index + 1,
        state: ring.state.replace('_', " "),
        tone: Tone::of_state(&ring.state),
        current: current == Some(index),
        since: Moment::new(ring.since, now),
        next_opening: ring.next_opening.map(|at| Moment::new(at, now)),
        group: match &ring.group.id {
            Some(id) => format!("{} ({id})", ring.group.name),
            None => format!("{} (not there yet)", ring.group.name),
        },
        profiles: ring.profiles.join(", "),
        notes: moves.chain(waived).chain(unmanaged).collect(),
        arrived: arrived(ring),
        bars: bars(ring),
        gates: ring.gates.iter().enumerate().map(|(place, one)| gate(one, waive(place, one))).collect(),
        approval: ApprovalCard::of(rollout, (index, ring), viewer),
        steps: steps(ring, milestones, now),
    }
}

/// Arrived devices among those that the targets can move, over all environments.
fn arrived(ring: &RingJson) -> Option<(usize, usize)> {
    let classes = ring.classes.as_ref()?.values();
    Some(classes.fold((0, 0), |(arrived, of), one| {
        (arrived + one.arrived, of + one.arrived + one.due + one.stalled + one.unseen)
    }))
}

fn bars(ring: &RingJson) -> Vec<ClassBar> {
    let empty = |classes: &ClassesJson| *classes == ClassesJson::default();
    let mut all: Vec<_> = ring.classes.iter().flatten().collect();
    all.retain(|(name, classes)| *name != OTHER || !empty(classes));
    all.sort_by_key(|(name, _)| *name == OTHER);
    all.into_iter().map(|(name, classes)| bar(ring, name, classes)).collect()
}

fn bar(ring: &RingJson, name: &str, classes: &ClassesJson) -> ClassBar {
    let of_name = |environment: &str| environment == name;
    let target = ring.targets.iter().find(|(environment, _)| of_name(environment.as_str()));
    let sighted = classes.arrived + classes.due + classes.stalled;
    // What stands in the ring and can move, or could with a newer client.
    let in_bar = [
        (classes.arrived, "arrived"),
        (classes.due, "due"),
        (classes.stalled, "stalled"),
        (classes.unseen, "unseen"),
        (classes.too_old, "too-old"),
    ];
    let beside = [(classes.untargeted, "untargeted", "untargeted"), (classes.left, "left", "left")];
    let shown = in_bar.iter().map(|(count, class)| (*count, *class, in_words(class)));
    let counts: Vec<_> = shown.chain(beside).filter(|(count, ..)| *count > 0).collect();
    let words: Vec<String> = counts.iter().map(|(count, _, word)| format!("{count} {word}")).collect();
    ClassBar {
        name: if name == OTHER { "other systems".to_owned() } else { name.to_owned() },
        target: target.map(|(_, version)| version.to_string()),
        // Rounded down: 100% means all of them.
        adoption: (classes.arrived * 100)
            .checked_div(sighted)
            .filter(|_| target.is_some())
            .map(|share| format!("{share}%")),
        text: if words.is_empty() { "no devices".to_owned() } else { words.join(", ") },
        segments: segments(&in_bar),
        counts,
    }
}

/// A class of the bar, as people read it.
fn in_words(class: &'static str) -> &'static str {
    match class {
        "too-old" => "too old",
        "unseen" => "not seen",
        other => other,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a fleet has far fewer than 2^52 devices")]
fn segments(counts: &[(usize, &'static str)]) -> Vec<Segment> {
    let total: usize = counts.iter().map(|(count, _)| count).sum();
    let mut before = 0;
    let mut all = Vec::new();
    for (count, class) in counts.iter().filter(|(count, _)| *count > 0) {
        let share = |part: usize| format!("{:.2}", part as f64 * 100.0 / total as f64);
        all.push(Segment { class, x: share(before), width: share(*count) });
        before += count;
    }
    all
}

fn gate(gate: &GateJson, waive: Option<Action>) -> GateRow<'_> {
    GateRow {
        json: gate,
        name: match gate.environment {
            Some(environment) => format!("{}/{environment}", gate.gate),
            None => gate.gate.to_string(),
        },
        tone: Tone::of_verdict(&gate.verdict),
        reason: gate.reason.as_deref().map(|code| code.replace('_', " ")),
        gauges: gauges(gate),
        age: gate.age_seconds.map(|seconds| rough(SignedDuration::from_secs(seconds))),
        waive,
    }
}

/// The kinds of record that are milestones of a ring.
pub(super) const MILESTONES: [&str; 4] =
    ["ring_reached", "adoption_reached", "ring_verified", "ring_recognised"];

/// A ring's way, of which the records since its turn came last count: a plan that is edited can send
/// a ring back.
fn steps(ring: &RingJson, milestones: &[EventJson], now: Timestamp) -> Vec<Milestone> {
    let of_ring: Vec<&EventJson> =
        milestones.iter().filter(|event| ring_of(event) == Some(ring.name.as_str())).collect();
    let began = of_ring.iter().rposition(|event| event.kind == "ring_reached").unwrap_or(0);
    let last = |kinds: &[&str]| {
        let found = of_ring.iter().skip(began).rfind(|event| kinds.contains(&event.kind.as_str()));
        found.map(|event| Moment::new(event.at, now))
    };
    vec![
        Milestone { label: "its turn came", at: last(&["ring_reached"]) },
        Milestone { label: "on offer", at: ring.assigned_at.map(|at| Moment::new(at, now)) },
        Milestone { label: "adopted", at: last(&["adoption_reached"]) },
        Milestone { label: "verified", at: last(&["ring_verified", "ring_recognised"]) },
    ]
}

fn ring_of(event: &EventJson) -> Option<&str> {
    event.payload.get("ring")?.as_str()
}
