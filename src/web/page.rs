//! The page: one snapshot and the last events as HTML, without scripts.
//!
//! **Invariant:** every text goes through askama's escaping; class names come from our own words
//! only.

use askama::Template;

use super::json::{ClassesJson, EventJson, GateJson, RingJson, RolloutJson, RolloutsAnswer};
use super::present;
use crate::rollout::event::Mode;
use crate::rollout::verdict::short;
use crate::store::Record;
use crate::time::{SignedDuration, Timestamp, in_words};

/// The style sheet, served from its own path because the page allows nothing inline.
pub(super) const STYLE: &str = include_str!("../../templates/page.css");

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    title: String,
    style_version: &'static str,
    account: String,
    at: String,
    next_check: Option<String>,
    observing: bool,
    stopped: Option<Held>,
    faults: Vec<super::json::FaultJson>,
    problems: Vec<super::json::FileProblemJson>,
    troubles: Vec<Trouble>,
    rollouts: Vec<Rollout>,
    events: Vec<Event>,
    events_missing: Option<String>,
    head_seq: u64,
    head_hash: String,
    budget: u32,
    swept: String,
    clock: String,
}

struct Held {
    actor: String,
    reason: String,
    since: String,
}

struct Halt {
    text: String,
    since: String,
}

struct Trouble {
    read: String,
    since: String,
    message: String,
}

struct Rollout {
    id: String,
    phase: String,
    since: String,
    digest: String,
    description: Option<String>,
    earliest_move: Option<String>,
    paused: Option<Held>,
    halted: Option<Halt>,
    waiting_on: Vec<super::json::BlockerJson>,
    rings: Vec<Ring>,
}

struct Ring {
    name: String,
    group: String,
    profiles: String,
    notes: Vec<String>,
    state: String,
    since: String,
    next_opening: Option<String>,
    targets: Vec<String>,
    bars: Vec<Bar>,
    gates: Vec<Gate>,
}

/// The devices of one environment: a bar of those arrived among those that were sighted.
struct Bar {
    name: String,
    text: String,
    arrived: usize,
    of: usize,
}

struct Gate {
    name: String,
    verdict: String,
    reason: Option<String>,
    value: String,
    threshold: String,
    age: Option<String>,
}

struct Event {
    seq: u64,
    at: String,
    rollout: Option<String>,
    text: String,
    actor: String,
    reason: String,
}

/// The page; `events` oldest first, or why they are missing.
pub(super) fn render(
    answer: &RolloutsAnswer,
    events: Result<Vec<Record>, String>,
) -> Result<String, askama::Error> {
    let (events, events_missing) = match events {
        Ok(records) => (records.iter().rev().map(present::event).map(event).collect(), None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let page = Page {
        title: title(answer),
        style_version: env!("CARGO_PKG_VERSION"),
        account: answer.account.to_string(),
        at: precise(answer.at),
        next_check: answer.next_check.map(precise),
        observing: answer.mode == Mode::Observe,
        stopped: answer.stopped.as_ref().map(held),
        faults: answer.faults.clone(),
        problems: answer.problems.clone(),
        troubles: answer
            .troubles
            .iter()
            .map(|trouble| Trouble {
                read: trouble.read.clone(),
                since: short(trouble.since),
                message: trouble.message.clone(),
            })
            .collect(),
        rollouts: answer.rollouts.iter().map(rollout).collect(),
        events,
        events_missing,
        head_seq: answer.head.seq,
        head_hash: answer.head.hash.chars().take(12).collect(),
        budget: answer.budget_remaining,
        swept: answer.swept_at.map_or_else(|| "none yet".to_owned(), precise),
        clock: answer.clock.clone(),
    };
    page.render()
}

/// What a glance at the browser's tab should tell.
fn title(answer: &RolloutsAnswer) -> String {
    let held = |rollout: &&RolloutJson| rollout.halted.is_some() || rollout.paused.is_some();
    let words = match answer.rollouts.iter().filter(held).count() {
        _ if answer.stopped.is_some() => "stopped".to_owned(),
        0 => match answer.rollouts.iter().filter(|rollout| rollout.phase == "running").count() {
            0 => "nothing to do".to_owned(),
            running => format!("{running} running"),
        },
        held => format!("{held} on hold"),
    };
    format!("{words} · ringward")
}

fn rollout(rollout: &RolloutJson) -> Rollout {
    Rollout {
        id: rollout.id.clone(),
        phase: rollout.phase.clone(),
        since: short(rollout.phase_since),
        digest: rollout.digest.chars().take(12).collect(),
        description: rollout.description.clone(),
        earliest_move: rollout.earliest_move.map(precise),
        paused: rollout.paused.as_ref().map(held),
        halted: rollout
            .halted
            .as_ref()
            .map(|halt| Halt { text: halt.text.clone(), since: short(halt.since) }),
        waiting_on: rollout.waiting_on.clone(),
        rings: rollout.rings.iter().map(ring).collect(),
    }
}

fn ring(ring: &RingJson) -> Ring {
    let waived = ring.waived.iter().map(|waiver| {
        let (gate, actor, reason) = (waiver.gate, &waiver.actor, &waiver.reason);
        format!("{gate} waived by {actor} on {}: {reason}", short(waiver.since))
    });
    let unmanaged = ring.unmanaged.iter().map(|entry| format!("left as it is in the group: {entry}"));
    let empty = |classes: &ClassesJson| *classes == ClassesJson::default();
    let mut bars: Vec<_> = ring.classes.iter().flatten().collect();
    bars.retain(|(name, classes)| *name != present::OTHER || !empty(classes));
    bars.sort_by_key(|(name, _)| *name == present::OTHER);
    Ring {
        name: ring.name.to_string(),
        group: match &ring.group.id {
            Some(id) => format!("{} ({id})", ring.group.name),
            None => format!("{} (not there yet)", ring.group.name),
        },
        profiles: ring.profiles.join(", "),
        notes: waived.chain(unmanaged).collect(),
        state: ring.state.clone(),
        since: short(ring.since),
        next_opening: ring.next_opening.map(short),
        targets: ring
            .targets
            .iter()
            .map(|(environment, version)| format!("{environment} {version}"))
            .collect(),
        bars: bars.into_iter().map(|(name, classes)| bar(name, classes)).collect(),
        gates: ring.gates.iter().map(gate).collect(),
    }
}

fn bar(name: &str, classes: &ClassesJson) -> Bar {
    let of = classes.arrived + classes.due + classes.stalled;
    let counts = [
        (classes.arrived, "arrived"),
        (classes.due, "due"),
        (classes.stalled, "stalled"),
        (classes.unseen, "unseen"),
        (classes.too_old, "too old"),
        (classes.untargeted, "untargeted"),
        (classes.left, "left"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, class)| format!("{count} {class}"))
        .collect();
    let text = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    Bar { name: name.to_owned(), text, arrived: classes.arrived, of }
}

fn gate(gate: &GateJson) -> Gate {
    Gate {
        name: match gate.environment {
            Some(environment) => format!("{}/{environment}", gate.gate),
            None => gate.gate.to_string(),
        },
        verdict: gate.verdict.clone(),
        reason: gate.reason.as_deref().map(|code| code.replace('_', " ")),
        value: gate.value.clone(),
        threshold: gate.threshold.clone(),
        age: gate.age_seconds.map(|seconds| in_words(SignedDuration::from_secs(seconds))),
    }
}

fn event(event: EventJson) -> Event {
    let rollout = match (&event.plan, event.rollout) {
        (Some(plan), Some(number)) => Some(format!("{plan}#{number}")),
        (plan, _) => plan.as_ref().map(ToString::to_string),
    };
    Event {
        seq: event.seq,
        at: precise(event.at),
        rollout,
        text: event.text,
        actor: event.actor,
        reason: event.reason,
    }
}

fn held(hold: &super::json::HoldJson) -> Held {
    Held { actor: hold.actor.clone(), reason: hold.reason.clone(), since: short(hold.since) }
}

/// An instant to the second, in UTC.
fn precise(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
