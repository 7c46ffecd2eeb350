//! From the API's JSON to what the templates print.
//!
//! **Invariant:** class names and icons come from [`Tone`] and [`Segment`] only, never from data; every
//! text is printed through the template's escaping.

use super::super::json::{BlockerJson, ClassesJson, EventJson, GateJson, HoldJson, RingJson, RolloutJson};
use super::super::present;
use super::acts::{Action, Viewer, pause, resume, waive};
use crate::rollout::verdict::short;
use crate::time::{SignedDuration, Timestamp, rough, since};

/// What something means for the reader: the colour, and the icon for those who see none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Done, or fine.
    Good,
    /// Going on.
    Busy,
    /// Held up by time, devices or a person.
    Wait,
    /// Somebody must look.
    Bad,
    /// Not concerned, or not yet.
    Idle,
}

impl Tone {
    /// Its class in the style sheet, and the name of its icon.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Wait => "wait",
            Self::Bad => "bad",
            Self::Idle => "idle",
        }
    }

    fn of_state(state: &str) -> Self {
        match state {
            "verified" | "completed" => Self::Good,
            "pending" | "superseded" | "withdrawn" => Self::Idle,
            "rolling_back" | "rolled_back" => Self::Bad,
            _ => Self::Busy,
        }
    }

    fn of_verdict(verdict: &str) -> Self {
        match verdict {
            "pass" => Self::Good,
            "exempt" => Self::Idle,
            "wait" => Self::Wait,
            _ => Self::Bad,
        }
    }

    fn of_blocker(code: &str) -> Self {
        match code {
            "halted" | "group_in_the_way" | "clock_behind" => Self::Bad,
            "moving" | "write_in_flight" => Self::Busy,
            _ => Self::Wait,
        }
    }
}

/// An instant as `<time>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// For machines.
    pub(super) iso: String,
    /// To the minute, in UTC.
    pub(super) text: String,
    /// How far from the snapshot: `3h 5m ago`, `in 2d`.
    pub(super) distance: String,
    /// The time between: `3h 5m`.
    pub(super) length: String,
}

impl Moment {
    pub(super) fn new(then: Timestamp, now: Timestamp) -> Self {
        let elapsed = since(then, now);
        let length = rough(elapsed.abs());
        let distance = match elapsed.as_secs() {
            0 => "now".to_owned(),
            1.. => format!("{length} ago"),
            _ => format!("in {length}"),
        };
        Self { iso: then.to_string(), text: short(then), distance, length }
    }
}

/// One rollout.
pub(super) struct Rollout {
    pub(super) id: String,
    pub(super) plan: String,
    pub(super) href: String,
    pub(super) phase: String,
    pub(super) tone: Tone,
    pub(super) headline: String,
    pub(super) description: Option<String>,
    pub(super) digest: String,
    pub(super) since: Moment,
    pub(super) earliest_move: Option<Moment>,
    pub(super) verified: usize,
    pub(super) devices: Option<(usize, usize)>,
    pub(super) blockers: Vec<Blocker>,
    pub(super) actions: Vec<Action>,
    pub(super) rings: Vec<Ring>,
}

/// One reason why it does not move.
pub(super) struct Blocker {
    pub(super) tone: Tone,
    pub(super) text: String,
    pub(super) remedy: Option<String>,
}

/// One ring.
pub(super) struct Ring {
    /// Its place, from 1.
    pub(super) number: usize,
    pub(super) name: String,
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
    pub(super) bars: Vec<Bar>,
    pub(super) gates: Vec<Gate>,
    pub(super) steps: Vec<Step>,
}

/// The devices of one environment.
pub(super) struct Bar {
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
pub(super) struct Gate {
    pub(super) name: String,
    pub(super) verdict: String,
    pub(super) tone: Tone,
    pub(super) reason: Option<String>,
    pub(super) value: String,
    pub(super) threshold: String,
    pub(super) age: Option<String>,
    pub(super) waive: Option<Action>,
}

/// A milestone of a ring; without an instant it is still to come.
pub(super) struct Step {
    pub(super) label: &'static str,
    pub(super) at: Option<Moment>,
}

/// One record of the log.
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) at: Moment,
    pub(super) rollout: Option<String>,
    pub(super) text: String,
    pub(super) actor: String,
    pub(super) reason: String,
    /// Whether a person did it.
    pub(super) by_person: bool,
}

/// A rollout, with the records that are its milestones, oldest first.
pub(super) fn rollout(rollout: &RolloutJson, milestones: &[EventJson], viewer: &Viewer) -> Rollout {
    let now = rollout.at;
    let running = rollout.phase == "running";
    let current = current_ring(rollout);
    let rings: Vec<Ring> = rollout
        .rings
        .iter()
        .enumerate()
        .map(|(index, ring)| self::ring(rollout, (index, ring), current, milestones, viewer))
        .collect();
    let devices = rings.iter().filter_map(|ring| ring.arrived);
    let devices = devices.reduce(|(arrived, of), (more, all)| (arrived + more, of + all));
    let mut actions = Vec::new();
    if rollout.paused.is_some() || rollout.halted.is_some() {
        actions.push(resume(&rollout.plan, viewer));
    }
    if rollout.paused.is_none() && running {
        actions.push(pause(&rollout.plan, viewer));
    }
    Rollout {
        id: rollout.id.clone(),
        plan: rollout.plan.to_string(),
        href: format!("/plans/{}", super::encoded(rollout.plan.as_str())),
        phase: rollout.phase.replace('_', " "),
        tone: tone(rollout),
        headline: headline(rollout, current),
        description: rollout.description.clone(),
        digest: rollout.digest.chars().take(12).collect(),
        since: Moment::new(rollout.phase_since, now),
        earliest_move: rollout.earliest_move.map(|at| Moment::new(at, now)),
        verified: rollout.rings.iter().filter(|ring| ring.state == "verified").count(),
        devices,
        blockers: blockers(rollout),
        actions,
        rings,
    }
}

fn tone(rollout: &RolloutJson) -> Tone {
    let blocked = rollout.waiting_on.iter().map(|blocker| Tone::of_blocker(&blocker.code));
    match () {
        () if rollout.halted.is_some() => Tone::Bad,
        () if rollout.paused.is_some() => Tone::Wait,
        () if blocked.clone().any(|tone| tone == Tone::Bad) => Tone::Bad,
        () => Tone::of_state(&rollout.phase),
    }
}

/// Where it stands, in a sentence.
pub(super) fn headline(rollout: &RolloutJson, current: Option<usize>) -> String {
    let Some((index, ring)) = current.and_then(|index| Some((index, rollout.rings.get(index)?))) else {
        return match rollout.phase.as_str() {
            "completed" => "Every ring is verified".to_owned(),
            "superseded" => "A newer target took over".to_owned(),
            "withdrawn" => "The plan’s file is gone; nothing is written".to_owned(),
            other => other.replace('_', " "),
        };
    };
    let place = format!("ring {} of {}, {}", index + 1, rollout.rings.len(), ring.name);
    let blocked_by = |code: &str| rollout.waiting_on.iter().any(|blocker| blocker.code == code);
    match (&rollout.halted, &rollout.paused) {
        _ if blocked_by("stopped") => format!("Stopped at {place}"),
        (Some(_), _) => format!("Halted at {place}"),
        (None, Some(_)) => format!("Paused at {place}"),
        (None, None) => match ring.state.as_str() {
            "entering" => format!("Waiting to enter {place}"),
            "deploying" => format!("Writing the assignment of {place}"),
            "adopting" => format!("Devices are arriving in {place}"),
            "soaking" => format!("Soaking {place}"),
            other => format!("{} {place}", other.replace('_', " ")),
        },
    }
}

fn blockers(rollout: &RolloutJson) -> Vec<Blocker> {
    let one = |blocker: &BlockerJson| Blocker {
        tone: Tone::of_blocker(&blocker.code),
        text: blocker.text.clone(),
        remedy: Some(blocker.remedy.clone()).filter(|_| blocker.code != "moving"),
    };
    let mut all: Vec<Blocker> = rollout.waiting_on.iter().map(one).collect();
    // A rollout that is over waits for nothing, but its holds would meet the next one.
    if let (true, Some(hold)) = (all.is_empty(), &rollout.paused) {
        let text = format!("paused by {}", held(hold));
        all.push(Blocker { tone: Tone::Wait, text, remedy: None });
    }
    if let (true, Some(halt)) = (rollout.waiting_on.is_empty(), &rollout.halted) {
        let text = format!("halted since {}: {}", short(halt.since), halt.text);
        all.push(Blocker { tone: Tone::Bad, text, remedy: None });
    }
    all
}

/// Who holds it, since when, and why.
pub(super) fn held(hold: &HoldJson) -> String {
    format!("{} since {}: {}", hold.actor, short(hold.since), hold.reason)
}

fn ring(
    rollout: &RolloutJson,
    (index, ring): (usize, &RingJson),
    current: Option<usize>,
    milestones: &[EventJson],
    viewer: &Viewer,
) -> Ring {
    let now = rollout.at;
    let waived = ring.waived.iter().map(|waiver| {
        let (gate, actor, reason) = (waiver.gate, &waiver.actor, &waiver.reason);
        format!("Gate {gate} was waived by {actor} on {}: {reason}", short(waiver.since))
    });
    let unmanaged = ring.unmanaged.iter().map(|entry| format!("Left as it is in the group: {entry}"));
    let entered = !matches!(ring.state.as_str(), "pending" | "verified");
    let may_waive = |place: usize, gate: &GateJson| {
        let stands = !matches!(gate.verdict.as_str(), "pass" | "exempt");
        let offered = stands && entered && current.is_some() && gate.gate.can_be_waived();
        let id = format!("waive-{}-{}-{place}", rollout.plan, index + 1);
        offered.then(|| waive(id, &rollout.plan, &ring.name, gate.gate, viewer))
    };
    Ring {
        number: index + 1,
        name: ring.name.to_string(),
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
        notes: waived.chain(unmanaged).collect(),
        arrived: arrived(ring),
        bars: bars(ring),
        gates: ring.gates.iter().enumerate().map(|(place, one)| gate(one, may_waive(place, one))).collect(),
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

fn bars(ring: &RingJson) -> Vec<Bar> {
    let empty = |classes: &ClassesJson| *classes == ClassesJson::default();
    let mut all: Vec<_> = ring.classes.iter().flatten().collect();
    all.retain(|(name, classes)| *name != present::OTHER || !empty(classes));
    all.sort_by_key(|(name, _)| *name == present::OTHER);
    all.into_iter().map(|(name, classes)| bar(ring, name, classes)).collect()
}

fn bar(ring: &RingJson, name: &str, classes: &ClassesJson) -> Bar {
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
    let shown = in_bar
        .iter()
        .map(|(count, class)| (*count, *class, if *class == "too-old" { "too old" } else { *class }));
    let counts: Vec<_> = shown.chain(beside).filter(|(count, ..)| *count > 0).collect();
    let words: Vec<String> = counts.iter().map(|(count, _, word)| format!("{count} {word}")).collect();
    Bar {
        name: if name == present::OTHER { "other systems".to_owned() } else { name.to_owned() },
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

fn gate(gate: &GateJson, waive: Option<Action>) -> Gate {
    Gate {
        name: match gate.environment {
            Some(environment) => format!("{}/{environment}", gate.gate),
            None => gate.gate.to_string(),
        },
        verdict: gate.verdict.clone(),
        tone: Tone::of_verdict(&gate.verdict),
        reason: gate.reason.as_deref().map(|code| code.replace('_', " ")),
        value: gate.value.clone(),
        threshold: gate.threshold.clone(),
        age: gate.age_seconds.map(|seconds| rough(SignedDuration::from_secs(seconds))),
        waive,
    }
}

/// The kinds of record that are milestones of a ring.
pub(super) const MILESTONES: [&str; 4] =
    ["ring_reached", "adoption_reached", "ring_verified", "ring_recognised"];

/// A ring's way, of which the records since its turn came last count: a plan that is edited can send
/// a ring back.
fn steps(ring: &RingJson, milestones: &[EventJson], now: Timestamp) -> Vec<Step> {
    let of_ring: Vec<&EventJson> =
        milestones.iter().filter(|event| ring_of(event) == Some(ring.name.as_str())).collect();
    let began = of_ring.iter().rposition(|event| event.kind == "ring_reached").unwrap_or(0);
    let last = |kinds: &[&str]| {
        let found = of_ring.iter().skip(began).rfind(|event| kinds.contains(&event.kind.as_str()));
        found.map(|event| Moment::new(event.at, now))
    };
    vec![
        Step { label: "its turn came", at: last(&["ring_reached"]) },
        Step { label: "on offer", at: ring.assigned_at.map(|at| Moment::new(at, now)) },
        Step { label: "adopted", at: last(&["adoption_reached"]) },
        Step { label: "verified", at: last(&["ring_verified", "ring_recognised"]) },
    ]
}

fn ring_of(event: &EventJson) -> Option<&str> {
    event.payload.get("ring")?.as_str()
}

/// A record, as seen from `now`.
pub(super) fn event(event: &EventJson, now: Timestamp) -> Event {
    let rollout = match (&event.plan, event.rollout) {
        (Some(plan), Some(number)) => Some(format!("{plan}#{number}")),
        (plan, _) => plan.as_ref().map(ToString::to_string),
    };
    Event {
        seq: event.seq,
        at: Moment::new(event.at, now),
        rollout,
        text: event.text.clone(),
        actor: event.actor.clone(),
        reason: event.reason.clone(),
        by_person: event.actor != "engine",
    }
}

/// The place of the ring that a running rollout stands at.
pub(super) fn current_ring(rollout: &RolloutJson) -> Option<usize> {
    let running = rollout.phase == "running";
    rollout.rings.iter().position(|ring| ring.state != "verified").filter(|_| running)
}
