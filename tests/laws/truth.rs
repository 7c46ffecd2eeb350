//! The oracle: what the devices' stories make of each ring, against the counts in the log.
//!
//! It never asks ringward's classifier. The log may know a device as it was at any instant
//! between the look that it names and the event, so each count has a lowest and a highest value;
//! where every device stays in its profile and one look was taken, the two are one.
//!
//! **Invariant:** a label follows from a story and from what Cloudflare would list.

use std::collections::{BTreeMap, BTreeSet};

use ringward::fleet::{EnvironmentCensus, ListedDevice, Reported};
use ringward::ids::{PolicyId, RingName};
use ringward::rollout::record::{Event, Recorded};
use ringward::rollout::record::{Evidence, Gate, Judgement, Verdict};
use ringward::rollout::state::State;
use ringward::schedule::Zone;
use ringward::time::{SignedDuration, Timestamp, after};
use ringward::version::{ClientVersion, Environment};

use super::support::drive::devices::{DeviceScript, Devices};

/// Cloudflare tells devices within so long.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// What a story makes of a device at an instant, for one ring and its assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    /// Runs the target, and was seen with it.
    There,
    /// Was seen when it should have run the target, and does not.
    Late,
    /// Was not seen since it should run the target.
    Unseen,
    TooOld,
    /// Elsewhere, removed, or of no environment with a target.
    NotOurs,
}

/// A ring with its assignment.
struct Subject<'a> {
    policies: &'a BTreeSet<PolicyId>,
    targets: &'a BTreeMap<Environment, ClientVersion>,
    assigned_at: Option<Timestamp>,
    /// Whether clocks of devices may have been restarted after the assignment.
    restarted: bool,
}

impl Subject<'_> {
    fn label(&self, sighting: Option<&ListedDevice>, environment: Environment) -> Label {
        let Some(sighting) = sighting else { return Label::NotOurs };
        let here = sighting.policy.as_ref().is_some_and(|policy| self.policies.contains(&policy.id));
        let Some(target) = self.targets.get(&environment) else { return Label::NotOurs };
        if !here || of_type(sighting.device_type.as_deref()) != Some(environment) {
            return Label::NotOurs;
        }
        let first_able = ClientVersion::new(2026, 6, 0, 0);
        if matches!(sighting.client, Reported::Version(version) if version < first_able) {
            return Label::TooOld;
        }
        let (Some(seen), Some(assigned_at)) = (sighting.last_seen_at, self.assigned_at) else {
            return Label::Unseen;
        };
        if sighting.client == Reported::Version(*target) && seen > assigned_at {
            return Label::There;
        }
        if seen > after(assigned_at, TOLD_WITHIN) { Label::Late } else { Label::Unseen }
    }

    /// Every label that the log may have for a device.
    fn labels(
        &self,
        devices: &Devices,
        index: usize,
        environment: Environment,
        span: (Timestamp, Timestamp),
        start: Timestamp,
    ) -> BTreeSet<Label> {
        let story = &devices.stories()[index];
        let (from, until) = span;
        // What is known of one that moves or goes may be older: a poll by profile misses it. It may
        // move at the very instant of the first read, after it.
        let from = if is_steady(story) { from } else { after(start, SignedDuration::from_secs(-1)) };
        let turns = || story.moves.iter().map(|(at, _)| *at).chain(story.removed_at);
        let just_before = |at: Timestamp| after(at, SignedDuration::from_millis(-1));
        let mut instants: Vec<Timestamp> = turns().flat_map(|turn| [just_before(turn), turn]).collect();
        instants.retain(|turn| (from..=until).contains(turn));
        instants.push(until);
        let mut at = from;
        while at < until {
            instants.push(at);
            at = after(at, SignedDuration::from_mins(1));
        }
        let label = |at: Timestamp| self.label(devices.sighting(index, at).as_ref(), environment);
        let mut labels: BTreeSet<Label> = instants.into_iter().map(label).collect();
        if !is_steady(story) {
            labels.insert(Label::NotOurs);
            // Of two things in one instant, the story knows one order and the read perhaps the other.
            if turns().any(|turn| turn == span.0 || turn == until) {
                labels.extend([Label::There, Label::Late, Label::Unseen]);
            }
            // Its last sighting may lie between two of these instants.
            if labels.contains(&Label::Unseen) {
                labels.insert(Label::Late);
            }
        }
        let may_be_late = labels.contains(&Label::Late);
        if may_be_late && (self.restarted || !is_steady(story)) {
            labels.insert(Label::Unseen);
        }
        // One that arrived and went back before it was due counts as late at once.
        if labels.contains(&Label::Unseen) && self.went_back(devices, index, environment, until) {
            labels.insert(Label::Late);
        }
        labels
    }

    fn went_back(&self, devices: &Devices, index: usize, environment: Environment, until: Timestamp) -> bool {
        let Some(assigned_at) = self.assigned_at else { return false };
        let target = self.targets.get(&environment).copied().map(Reported::Version);
        let mut at = assigned_at;
        while at <= until.min(after(assigned_at, SignedDuration::from_mins(120))) {
            if Some(devices.version_at(index, at)) == target {
                return true;
            }
            at = after(at, SignedDuration::from_mins(1));
        }
        false
    }
}

fn of_type(device_type: Option<&str>) -> Option<Environment> {
    match device_type {
        Some("windows") => Some(Environment::Windows),
        Some("mac") => Some(Environment::Macos),
        _ => None,
    }
}

fn is_steady(story: &DeviceScript) -> bool {
    story.moves.is_empty() && story.removed_at.is_none()
}

/// How many devices have a label for certain, and how many may have it.
fn bounds(labels: &[BTreeSet<Label>], of: &[Label]) -> (usize, usize) {
    let certain = labels.iter().filter(|device| device.iter().all(|label| of.contains(label))).count();
    let possible = labels.iter().filter(|device| device.iter().any(|label| of.contains(label))).count();
    (certain, possible)
}

/// Where the counts of a log and the stories of its devices disagree.
pub(crate) fn check(log: &[Recorded], devices: &Devices, forgets: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut state = State::default();
    let start = log.first().map_or(Timestamp::MIN, |recorded| recorded.at);
    for recorded in log {
        let told = Told { devices, forgets, start, recorded, state: &state };
        match &recorded.entry.event {
            Event::WritePlanned { intent, .. } => {
                told.before_entry(&intent.policies, &intent.judgements, &mut found);
            }
            Event::RingAssigned { group, judgements, .. } => {
                told.before_entry(&group.content.policies, judgements, &mut found);
            }
            Event::AdoptionReached { ring, judgements } | Event::RingVerified { ring, judgements } => {
                told.adoption(ring, judgements, &mut found);
            }
            _ => {}
        }
        if let Err(error) = state.apply(recorded) {
            found.push(format!("law 9 (replay): {error}"));
            return found;
        }
    }
    found
}

struct Told<'a> {
    devices: &'a Devices,
    forgets: bool,
    start: Timestamp,
    recorded: &'a Recorded,
    state: &'a State,
}

impl Told<'_> {
    fn ring_plan(&self, ring: &RingName) -> Option<&ringward::plan::model::RingPlan> {
        let id = self.recorded.entry.rollout.as_ref()?;
        self.state.plans.get(&id.plan)?.rollout.ring_plan(ring)
    }

    fn labels(
        &self,
        subject: &Subject<'_>,
        environment: Environment,
        as_of: Timestamp,
    ) -> Vec<BTreeSet<Label>> {
        let span = (as_of, self.recorded.at);
        (0..self.devices.stories().len())
            .map(|index| subject.labels(self.devices, index, environment, span, self.start))
            .collect()
    }

    fn compare(
        &self,
        what: &str,
        counted: usize,
        labels: &[BTreeSet<Label>],
        of: &[Label],
        found: &mut Vec<String>,
    ) {
        let (certain, possible) = bounds(labels, of);
        if counted < certain || possible < counted {
            found.push(format!(
                "truth: event {} ({}) counts {counted} {what}; the stories have {certain} to {possible}: {}",
                self.recorded.seq,
                self.recorded.entry.event.kind(),
                self.names(labels),
            ));
        }
    }

    fn names(&self, labels: &[BTreeSet<Label>]) -> String {
        let devices = self.devices.stories().iter().zip(labels);
        let here = devices.filter(|(_, labels)| labels.iter().any(|label| *label != Label::NotOurs));
        here.map(|(story, labels)| format!("{} {labels:?}", story.id)).collect::<Vec<_>>().join(", ")
    }

    /// The devices that an assignment can move, before there is one.
    fn before_entry(&self, policies: &BTreeSet<PolicyId>, words: &[Judgement], found: &mut Vec<String>) {
        let Some(plan) = self.recorded.entry.event.ring().and_then(|ring| self.ring_plan(ring)) else {
            return;
        };
        let subject = Subject { policies, targets: &plan.targets, assigned_at: None, restarted: false };
        for word in words {
            let Evidence::Fleet { eligible, full_sweep_at: Some(as_of), .. } = &word.evidence else {
                continue;
            };
            let mut all = Vec::new();
            for environment in plan.targets.keys() {
                all.extend(self.labels(&subject, *environment, *as_of));
            }
            self.compare("devices to move", *eligible, &all, &[Label::Unseen], found);
        }
    }

    fn adoption(&self, ring: &RingName, words: &[Judgement], found: &mut Vec<String>) {
        let Some(plan) = self.ring_plan(ring) else { return };
        let id = self.recorded.entry.rollout.as_ref();
        let rollout = id.and_then(|id| self.state.plans.get(&id.plan)).map(|plan| &plan.rollout);
        let assigned = rollout.and_then(|rollout| rollout.ring(ring)).and_then(|ring| ring.stage.assigned());
        let Some(assigned) = assigned else { return };
        let subject = Subject {
            policies: &assigned.policies,
            targets: &plan.targets,
            assigned_at: Some(assigned.at),
            // A group found in place was assigned before ringward first looked.
            restarted: self.forgets || assigned.at < self.start,
        };
        for word in words.iter().filter(|word| word.gate == Gate::Adoption) {
            let Evidence::Adoption { census, .. } = &word.evidence else { continue };
            let (Some(environment), Some(as_of)) = (word.environment, word.as_of) else { continue };
            if matches!(word.verdict, Verdict::Pass | Verdict::Exempt(_)) {
                let labels = self.labels(&subject, environment, as_of);
                self.counts(environment, census, &labels, found);
                self.exercise(&subject, environment, census, plan.schedule.zone(), found);
            }
        }
    }

    fn counts(
        &self,
        environment: Environment,
        census: &EnvironmentCensus,
        labels: &[BTreeSet<Label>],
        found: &mut Vec<String>,
    ) {
        let counts = census.counts;
        let word = environment.as_str();
        let sighted = counts.arrived + counts.due + counts.stalled;
        self.compare(&format!("{word} devices arrived"), counts.arrived, labels, &[Label::There], found);
        self.compare(&format!("{word} devices seen"), sighted, labels, &[Label::There, Label::Late], found);
        self.compare(&format!("{word} devices unseen"), counts.unseen, labels, &[Label::Unseen], found);
        self.compare(&format!("{word} devices too old"), counts.too_old, labels, &[Label::TooOld], found);
    }

    /// At most those came back on a later day that were seen on a later day than they arrived.
    fn exercise(
        &self,
        subject: &Subject<'_>,
        environment: Environment,
        census: &EnvironmentCensus,
        zone: &Zone,
        found: &mut Vec<String>,
    ) {
        let Some(assigned_at) = subject.assigned_at else { return };
        let target = subject.targets.get(&environment).copied().map(Reported::Version);
        let day = |at: Timestamp| zone.local(at).date();
        let came_back = |index: &usize| {
            let story = &self.devices.stories()[*index];
            let Some(seen) = story.last_seen(self.recorded.at) else { return false };
            let mut at = assigned_at;
            while at <= self.recorded.at && Some(self.devices.version_at(*index, at)) != target {
                at = after(at, SignedDuration::from_mins(10));
            }
            // The scan steps over at most ten minutes of it.
            day(seen) > day(after(at, -SignedDuration::from_mins(10)).max(assigned_at))
        };
        let most = (0..self.devices.stories().len()).filter(came_back).count();
        if census.exercised > most {
            found.push(format!(
                "truth: event {} counts {} {environment} devices that came back on a later day; the stories have {most}",
                self.recorded.seq, census.exercised
            ));
        }
    }
}
