//! From the API's JSON to what the templates print.
//!
//! **Invariant:** class names and icons come from [`Tone`] and our own words only, never from data;
//! every text is printed through the template's escaping.

use super::super::forecast::{ForecastJson, WhenJson};
use super::super::json::{BlockerJson, EventJson, HoldJson, NewerTargetJson, RolloutJson, SupersededJson};
use super::super::present;
use super::acts::{self, Action, Viewer};
use super::health::{Accused, Gauge, accused, gauges};
use super::ring::{Ring, ring};
use crate::rollout::people::verbs::situation::Writes;
use crate::time::short;
use crate::time::{Timestamp, rough, since};

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

    pub(super) fn of_state(state: &str) -> Self {
        match state {
            "verified" | "completed" => Self::Good,
            "pending" | "superseded" | "withdrawn" => Self::Idle,
            "rolling_back" | "rolled_back" => Self::Bad,
            _ => Self::Busy,
        }
    }

    pub(super) fn of_verdict(verdict: &str) -> Self {
        match verdict {
            "pass" => Self::Good,
            "exempt" => Self::Idle,
            "wait" => Self::Wait,
            _ => Self::Bad,
        }
    }

    fn of_blocker(code: &str) -> Self {
        match code {
            "halted" | "between_groups" | "group_in_the_way" | "blast_limit" | "clock_behind"
            | "clock_differs" | "log_unwritable" => Self::Bad,
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
    /// The phase, or the hold.
    pub(super) badge: String,
    pub(super) tone: Tone,
    pub(super) headline: String,
    pub(super) description: Option<String>,
    pub(super) digest: String,
    pub(super) since: Moment,
    pub(super) earliest_move: Option<Moment>,
    /// When it will be done, in a sentence; `None` while nobody has looked ahead.
    pub(super) forecast: Option<String>,
    pub(super) verified: usize,
    pub(super) devices: Option<(usize, usize)>,
    pub(super) blockers: Vec<Blocker>,
    pub(super) actions: Vec<Action>,
    pub(super) rings: Vec<Ring>,
}

/// One reason why it does not move.
pub(super) struct Blocker {
    pub(super) tone: Tone,
    pub(super) headline: String,
    pub(super) detail: String,
    /// Value seen, value asked for, since when, when it is looked at again: what it has of them.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) remedy: Option<String>,
    /// The command at the end of the remedy.
    pub(super) command: Option<String>,
    /// What does the same here.
    pub(super) action: Option<Action>,
    /// Of a halt by a health gate: what it had measured, and for whom it failed.
    pub(super) gauges: Vec<Gauge>,
    pub(super) accused: Option<Accused>,
}

/// One record of the log.
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) at: Moment,
    pub(super) rollout: Option<String>,
    pub(super) text: String,
    pub(super) actor: String,
    pub(super) reason: Option<String>,
    /// Whether a person did it.
    pub(super) by_person: bool,
}

/// A rollout, with the records that are its milestones, oldest first.
pub(super) fn rollout(
    rollout: &RolloutJson,
    milestones: &[EventJson],
    writes: Writes,
    viewer: &Viewer,
) -> Rollout {
    let now = rollout.at;
    let current = current_ring(rollout);
    let rings: Vec<Ring> = rollout
        .rings
        .iter()
        .enumerate()
        .map(|(index, one)| ring(rollout, (index, one), current, milestones, viewer))
        .collect();
    let devices = rings.iter().filter_map(|ring| ring.arrived);
    let devices = devices.reduce(|(arrived, of), (more, all)| (arrived + more, of + all));
    // Above all plans stands that writes are stopped.
    let said = match writes {
        Writes::Stopped => Some("stopped"),
        Writes::Allowed => None,
    };
    Rollout {
        id: rollout.id.clone(),
        plan: rollout.plan.to_string(),
        href: format!("/plans/{}", super::encoded(rollout.plan.as_str())),
        phase: rollout.phase.replace('_', " "),
        badge: match (&rollout.halted, &rollout.paused) {
            (Some(_), _) => "halted".to_owned(),
            (None, Some(_)) => "paused".to_owned(),
            (None, None) => rollout.phase.replace('_', " "),
        },
        tone: tone(rollout),
        headline: headline(rollout, current),
        description: rollout.description.clone(),
        digest: rollout.digest.chars().take(12).collect(),
        since: Moment::new(rollout.phase_since, now),
        earliest_move: rollout.earliest_move.map(|at| Moment::new(at, now)),
        forecast: None,
        verified: rollout.rings.iter().filter(|ring| ring.state == "verified").count(),
        devices,
        blockers: blockers(rollout, said, viewer),
        actions: acts::of_rollout(rollout, writes, viewer),
        rings,
    }
}

/// When a rollout will be done, in a sentence.
pub(super) fn forecast(told: &ForecastJson) -> String {
    let WhenJson { middle, from, until, .. } = &told.done;
    let (Some(middle), Some(from), Some(until)) = (middle, from, until) else {
        return "no date: as things are, it comes to no end".to_owned();
    };
    let range = format!("{}, 80 % between {} and {}", short(*middle), short(*from), short(*until));
    match told.held {
        Some(_) => format!("no date until somebody lets it go on; if that were now: {range}"),
        None => range,
    }
}

fn tone(rollout: &RolloutJson) -> Tone {
    let blocked = rollout.waiting_on.iter().map(|blocker| Tone::of_blocker(&blocker.code));
    match () {
        () if rollout.halted.is_some() => Tone::Bad,
        () if rollout.paused.is_some() => Tone::Wait,
        () if blocked.clone().any(|tone| tone == Tone::Bad) => Tone::Bad,
        () if rollout.waiting_on.iter().any(|blocker| blocker.code == "offers_forbidden") => Tone::Wait,
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
            "rolling_back" => "Going back, the latest ring first".to_owned(),
            "rolled_back" => "Rolled back; the next target begins a new rollout".to_owned(),
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

impl Blocker {
    fn of(blocker: &BlockerJson) -> Self {
        let facts = [
            ("seen", blocker.seen.clone()),
            ("asked for", blocker.asked.clone()),
            ("since", blocker.since.map(short)),
            ("next look", blocker.next_look.map(short)),
            ("ends", blocker.until.map(short)),
        ];
        let remedy = match &blocker.command {
            // The command stands behind it, to be copied.
            Some(command) => blocker.remedy.strip_suffix(command.as_str()).unwrap_or(&blocker.remedy),
            None => &blocker.remedy,
        };
        Self {
            tone: Tone::of_blocker(&blocker.code),
            headline: sentence_case(&blocker.headline),
            detail: blocker.detail.clone(),
            facts: facts.into_iter().filter_map(|(label, value)| Some((label, value?))).collect(),
            remedy: Some(remedy.trim_end().to_owned()).filter(|_| blocker.code != "moving"),
            command: blocker.command.clone(),
            action: None,
            gauges: Vec::new(),
            accused: None,
        }
    }

    /// The halt itself shows what the gate had measured when it halted.
    fn with_halt(mut self, rollout: &RolloutJson, code: &str) -> Self {
        if let Some(halt) = rollout.halted.as_ref().filter(|_| code == "halted") {
            self.gauges = halt.gate.as_ref().map(gauges).unwrap_or_default();
            self.accused = accused(rollout, halt);
        }
        self
    }

    /// A newer target that waits is in nobody's way, and its reader wants to know the same.
    fn newer(newer: &NewerTargetJson) -> Self {
        let (remedy, command) = (&newer.remedy, &newer.command);
        let words = command.as_deref().and_then(|command| remedy.strip_suffix(command)).unwrap_or(remedy);
        Self {
            tone: Tone::Idle,
            headline: sentence_case(&newer.headline),
            detail: newer.detail.clone(),
            facts: vec![("since", short(newer.since))],
            remedy: Some(words.trim_end().to_owned()),
            command: command.clone(),
            action: None,
            gauges: Vec::new(),
            accused: None,
        }
    }

    /// What an earlier rollout left on offer holds nothing up by itself.
    fn superseded(offer: &SupersededJson) -> Self {
        let words = offer.remedy.strip_suffix(offer.command.as_str()).unwrap_or(&offer.remedy);
        Self {
            tone: if offer.needs_you { Tone::Wait } else { Tone::Idle },
            headline: format!("Ring {}: {}", offer.ring, offer.headline),
            detail: if offer.needs_you {
                "Needs you: the rollout is not held up by it.".to_owned()
            } else {
                String::new()
            },
            facts: vec![("since", short(offer.since))],
            remedy: Some(words.trim_end().to_owned()),
            command: Some(offer.command.clone()),
            action: None,
            gauges: Vec::new(),
            accused: None,
        }
    }

    /// A hold of a rollout that is over.
    const fn left(tone: Tone, headline: String) -> Self {
        Self {
            tone,
            headline,
            detail: String::new(),
            facts: Vec::new(),
            remedy: None,
            command: None,
            action: None,
            gauges: Vec::new(),
            accused: None,
        }
    }
}

/// A headline with a capital; it has no full stop.
pub(super) fn sentence_case(headline: &str) -> String {
    let mut chars = headline.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The confirmation of a revision that waits, for whoever may give it here.
fn confirm(rollout: &RolloutJson, blocker: &BlockerJson, viewer: &Viewer) -> Option<Action> {
    let waiting = rollout.revision_waits.as_ref();
    let waiting = waiting.filter(|_| matches!(blocker.code.as_str(), "revision_waits" | "plan_unstable"))?;
    let action = acts::confirm(&rollout.plan, waiting, viewer)?;
    // Others read the command in what helps.
    Some(action).filter(|action| action.href.is_some())
}

fn blockers(rollout: &RolloutJson, said: Option<&str>, viewer: &Viewer) -> Vec<Blocker> {
    let to_say = rollout.waiting_on.iter().filter(|blocker| said != Some(blocker.code.as_str()));
    let shown = to_say.map(|blocker| {
        let action = confirm(rollout, blocker, viewer);
        Blocker { action, ..Blocker::of(blocker).with_halt(rollout, &blocker.code) }
    });
    let mut all: Vec<Blocker> = shown.collect();
    // A rollout that is over is held by nothing, but its holds would meet the next one.
    let is_said = |code: &str| rollout.waiting_on.iter().any(|blocker| blocker.code == code);
    if let (false, Some(hold)) = (is_said("paused"), &rollout.paused) {
        all.push(Blocker::left(Tone::Wait, format!("Paused by {}", held(hold))));
    }
    if let (false, Some(halt)) = (is_said("halted"), &rollout.halted) {
        all.push(Blocker::left(Tone::Bad, format!("Halted since {}: {}", short(halt.since), halt.text)));
    }
    all.extend(rollout.superseded_offers.iter().map(Blocker::superseded));
    all.extend(rollout.newer_target.as_ref().map(Blocker::newer));
    all.extend(present::told_rollback(rollout).into_iter().map(|text| Blocker::left(Tone::Idle, text)));
    let drifts = present::told_drifts(rollout).into_iter();
    all.extend(
        drifts.map(|(standing, text)| Blocker::left(Tone::Idle, format!("Drift, {standing}: {text}"))),
    );
    all
}

/// Who holds it, since when, and why.
pub(super) fn held(hold: &HoldJson) -> String {
    format!("{} since {}: {}", hold.actor, short(hold.since), hold.reason)
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
        // The engine's reason is often what the sentence says.
        reason: Some(event.reason.clone()).filter(|reason| !event.text.contains(reason)),
        by_person: event.actor != "engine",
    }
}

/// The place of the ring that a running rollout stands at.
pub(super) fn current_ring(rollout: &RolloutJson) -> Option<usize> {
    let running = rollout.phase == "running";
    rollout.rings.iter().position(|ring| ring.state != "verified").filter(|_| running)
}
