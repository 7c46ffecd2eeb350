//! A ring: where it is, with what belongs to that, and what an event does to it.
//!
//! **Invariant:** a stage carries exactly what is known in it: no assignment before a write is
//! confirmed, no soak before adoption was reached.

use std::collections::{BTreeMap, BTreeSet};

use super::between::Between;
use super::rollback::Moved;
use super::words::Words;
use super::{FailedReads, Hold};
use crate::ids::{DeviceId, GroupId, PolicyId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::event::{
    Acknowledged, Cancelled, Cause, Event, Finding, Purpose, Recorded, WriteId, WriteIntent,
};
use crate::rollout::remote::Group;
use crate::rollout::verdict::{Gate, Judgement, Unknown, Verdict};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// One ring of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Ring {
    /// Its name.
    pub name: RingName,
    /// Where it is, with what belongs to that.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
    /// Gates that cannot tell, and since when.
    pub unknown: BTreeMap<(Gate, Option<Environment>), UnknownSince>,
    /// Gates that a person waived.
    pub waived: BTreeMap<Gate, Hold>,
    /// Devices that have left since the assignment, as far as events have told.
    pub left: BTreeMap<Environment, usize>,
    /// Devices that a person has seen a health gate fail for, and accepted, and when they did last.
    pub acknowledged: BTreeMap<(Gate, Option<Environment>), BTreeMap<DeviceId, Timestamp>>,
    /// Up to when a person has accepted that most of an environment is silent: an outage or a
    /// holiday. No device is accepted with it: the next look judges them all, for as long as they
    /// are silent.
    pub silence_accepted: BTreeMap<Environment, Timestamp>,
    /// Environments whose silent devices were looked for, and few, when the ring was verified: while
    /// that cannot be said again, the next ring waits.
    pub looked: BTreeSet<Environment>,
    /// What people said about entering it.
    pub words: Words,
    /// What became of writing its group back: after a drift, or in a rollback.
    pub restoring: Restoring,
    /// What was taken out of other groups for it and is in none.
    pub between: Between,
    /// What this rollout changed in what its devices are offered.
    pub moved: BTreeMap<Environment, Moved>,
}

/// The writes so far that were to put a ring's group back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoring {
    /// What became of them.
    pub attempts: Attempts,
    /// When the last of them ended.
    pub since: Timestamp,
    /// How many of them put it back after a drift.
    pub done: u32,
}

/// Since when, and why, a gate cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownSince {
    /// Why.
    pub why: Unknown,
    /// Since when.
    pub since: Timestamp,
}

/// Where a ring is.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// An earlier ring is not verified.
    Pending,
    /// Its turn; the entry gates do not all pass.
    Entering(Attempts),
    /// A write is planned, in flight or in doubt.
    Deploying(Box<PendingWrite>),
    /// Its targets are on offer.
    Adopting(Assigned),
    /// Its targets are adopted; soak and exit gates run.
    Soaking(Assigned, Soak),
    /// It soaked.
    Verified(Assigned),
    /// An earlier version is on offer again, and its devices have time to come back.
    RollingBack(Assigned, Back),
    /// They had it; `None`: nothing is on offer, for it has no group.
    RolledBack(Option<Assigned>, Back),
}

/// Where a ring went back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// What the environments went back to that did.
    pub to: BTreeMap<Environment, ClientVersion>,
    /// Since when that is on offer, by ringward's clock; later by the time that nobody watched since.
    pub since: Timestamp,
}

impl Stage {
    /// Where the ring is apart from a write that leaves it there: what a person says meanwhile is about that.
    /// `None`: its own write is under way.
    fn at_rest(&mut self) -> Option<&mut Self> {
        match self {
            Self::Deploying(write) => write.origin.as_mut().map(|origin| &mut origin.stage),
            stage => Some(stage),
        }
    }

    /// The words of metrics, for all states.
    pub const NAMES: [&'static str; 8] = [
        "pending",
        "entering",
        "deploying",
        "adopting",
        "soaking",
        "verified",
        "rolling_back",
        "rolled_back",
    ];

    /// The word of metrics, API and command line.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Entering(_) => "entering",
            Self::Deploying(_) => "deploying",
            Self::Adopting(_) => "adopting",
            Self::Soaking(..) => "soaking",
            Self::Verified(_) => "verified",
            Self::RollingBack(..) => "rolling_back",
            Self::RolledBack(..) => "rolled_back",
        }
    }

    /// Whether a write for the ring's targets was ever planned: from then on a change to the ring
    /// is a new rollout.
    #[must_use]
    pub const fn is_entered(&self) -> bool {
        match self {
            Self::Pending | Self::Entering(_) => false,
            Self::Deploying(_)
            | Self::Adopting(_)
            | Self::Soaking(..)
            | Self::Verified(_)
            | Self::RollingBack(..)
            | Self::RolledBack(..) => true,
        }
    }

    /// What the ring was given, once it was.
    #[must_use]
    pub const fn assigned(&self) -> Option<&Assigned> {
        match self {
            Self::Adopting(assigned)
            | Self::Soaking(assigned, _)
            | Self::Verified(assigned)
            | Self::RollingBack(assigned, _)
            | Self::RolledBack(Some(assigned), _) => Some(assigned),
            Self::Pending | Self::Entering(_) | Self::Deploying(_) | Self::RolledBack(None, _) => None,
        }
    }

    /// The same, to be trimmed.
    pub(super) const fn assigned_mut(&mut self) -> Option<&mut Assigned> {
        match self {
            Self::Adopting(assigned)
            | Self::Soaking(assigned, _)
            | Self::Verified(assigned)
            | Self::RollingBack(assigned, _)
            | Self::RolledBack(Some(assigned), _) => Some(assigned),
            Self::Pending | Self::Entering(_) | Self::Deploying(_) | Self::RolledBack(None, _) => None,
        }
    }

    /// Where a ring is that goes back further: what went back before stays so.
    fn back(&self, to: &BTreeMap<Environment, ClientVersion>, since: Timestamp) -> Back {
        let mut all = match self {
            Self::RollingBack(_, back) | Self::RolledBack(_, back) => back.to.clone(),
            _ => BTreeMap::new(),
        };
        all.extend(to);
        Back { to: all, since }
    }

    /// Whether a ring goes back, or went, to all of these.
    #[must_use]
    pub fn is_back_at(&self, to: &BTreeMap<Environment, ClientVersion>) -> bool {
        match self {
            Self::RollingBack(_, back) | Self::RolledBack(_, back) => {
                to.iter().all(|(environment, version)| back.to.get(environment) == Some(version))
            }
            _ => false,
        }
    }

    /// What a ring with these targets is to run: those, or what it went back to.
    #[must_use]
    pub fn targets(
        &self,
        targets: &BTreeMap<Environment, ClientVersion>,
    ) -> BTreeMap<Environment, ClientVersion> {
        let mut targets = targets.clone();
        if let Self::RollingBack(_, back) | Self::RolledBack(_, back) = self {
            targets.extend(&back.to);
        }
        targets
    }
}

/// What became of the writes for a ring that is being entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Writes in a row that came to nothing.
    pub failed: u32,
    /// What the last of them met.
    pub last: Option<String>,
    /// No write is planned before this.
    pub not_before: Option<Timestamp>,
    /// Whether one of them was in doubt.
    pub doubted: bool,
    /// Set while a refusal waits for a person.
    pub refused: Option<Refusal>,
    /// Set while the read before a write fails: nothing was sent then.
    pub reads: Option<FailedReads>,
}

/// A write that Cloudflare refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// What was said.
    pub message: String,
}

/// A write without an outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingWrite {
    /// What is to be written.
    pub intent: WriteIntent,
    /// When it was decided.
    pub planned_at: Timestamp,
    /// The attempts before it.
    pub attempts: Attempts,
    /// Set when nobody can say whether it was applied.
    pub doubt: Option<Doubt>,
    /// Where the ring was, when its group is written back; `None`: it was entering.
    pub origin: Option<Origin>,
    /// What was moved in the ring before it, should it change nothing.
    pub moved: BTreeMap<Environment, Moved>,
}

/// Where a ring was before its group was written back: there it returns if that comes to nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Its stage.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
}

/// A write in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What happened instead of a clear answer.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// The first of the two reads that must agree.
    pub first_read: Option<FirstRead>,
}

/// The first read about a write in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRead {
    /// What it shows.
    pub finding: Finding,
    /// When it began.
    pub read_at: Timestamp,
}

/// A ring's targets on offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The ring's group.
    pub group: GroupId,
    /// The ring's profiles.
    pub policies: BTreeSet<PolicyId>,
    /// `updated_at` as Cloudflare answered it to our write.
    pub at: Timestamp,
    /// Where the adoption deadline counts from: the assignment, or the instant at which a person
    /// resumed after a missed one.
    pub deadline_from: Timestamp,
}

/// A soak that runs; a stored fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soak {
    /// When adoption held in every environment; later by the time that nobody watched since.
    pub started_at: Timestamp,
}

impl Ring {
    pub(in crate::rollout) fn pending(plan: &RingPlan, at: Timestamp) -> Self {
        Self {
            name: plan.name.clone(),
            stage: Stage::Pending,
            since: at,
            unknown: BTreeMap::new(),
            waived: BTreeMap::new(),
            left: BTreeMap::new(),
            restoring: Restoring { attempts: Attempts::default(), since: at, done: 0 },
            between: Between::default(),
            acknowledged: BTreeMap::new(),
            silence_accepted: BTreeMap::new(),
            looked: BTreeSet::new(),
            words: Words::default(),
            moved: BTreeMap::new(),
        }
    }
}

impl Ring {
    /// Whether nothing keeps it in a rollout whose file dropped it.
    #[must_use]
    pub fn is_free(&self) -> bool {
        matches!(self.stage, Stage::Verified(_)) || self.waived.contains_key(&Gate::Ring)
    }

    pub(super) fn enter(&mut self, stage: Stage, at: Timestamp) {
        if matches!(stage, Stage::Adopting(_)) {
            self.left.clear();
            self.looked.clear();
        }
        self.stage = stage;
        self.since = at;
        self.unknown.clear();
    }

    /// Its targets or profiles are others now: what people waived or accepted, they did for those
    /// before. What became of writes stays, for one that was in doubt may still arrive.
    pub(super) fn forget_acceptances(&mut self) {
        self.waived.clear();
        self.acknowledged.clear();
        self.silence_accepted.clear();
        self.left.clear();
    }

    /// The transition table of a ring.
    pub(super) fn apply(&mut self, event: &Event, recorded: &Recorded) -> Result<(), String> {
        let at = recorded.at;
        let next = match (&self.stage, event) {
            (Stage::Pending, Event::RingReached { .. }) => Stage::Entering(Attempts::default()),
            (Stage::Entering(_), Event::RingRecognised { group, soak, .. }) => {
                self.between = Between::default();
                Stage::Verified(Assigned::of(group, &soak.policies))
            }
            (Stage::Entering(_), Event::RingAssigned { group, .. }) => {
                self.between = Between::default();
                // The assignment is as old as the group; the time for it begins with the entry.
                Stage::Adopting(Assigned {
                    deadline_from: at,
                    ..Assigned::of(group, &group.content.policies)
                })
            }
            (stage, Event::WritePlanned { intent, .. })
                if intent.purpose.is_of_any_stage() && !matches!(stage, Stage::Deploying(_)) =>
            {
                self.write_back(intent, at);
                return Ok(());
            }
            (Stage::Entering(attempts), Event::WritePlanned { intent, .. }) => {
                let (attempts, moved) = (attempts.clone(), self.moved.clone());
                self.note_moved(intent);
                Stage::Deploying(Box::new(PendingWrite {
                    intent: (**intent).clone(),
                    planned_at: at,
                    attempts,
                    doubt: None,
                    origin: None,
                    moved,
                }))
            }
            // Before the write's own events: a person may waive while it has no outcome.
            (_, Event::GateWaived { gate, .. }) => {
                if !gate.can_be_waived() || self.waived.contains_key(gate) {
                    return Err(format!("gate {gate} cannot be waived, or was waived already"));
                }
                self.waived.insert(*gate, Hold::of(recorded));
                return Ok(());
            }
            (Stage::Adopting(_) | Stage::Soaking(..), Event::RingLetGo { .. }) => {
                self.waived.insert(Gate::Ring, Hold::of(recorded));
                return Ok(());
            }
            (
                Stage::Pending | Stage::Entering(_),
                Event::ApprovalAsked { .. } | Event::ApprovalGiven { .. } | Event::ApprovalRefused { .. },
            ) => return self.words.hear(event, recorded),
            (Stage::Deploying(write), event) => match write.outcome(event, at)? {
                Outcome::Stage(stage) => {
                    if write.intent.purpose == Purpose::Target {
                        self.between = Between::default();
                    }
                    if write.origin.is_some() {
                        let doubted = write.attempts.doubted || write.doubt.is_some();
                        let attempts = Attempts { doubted, ..Attempts::default() };
                        let done = self.restoring.done + u32::from(write.intent.purpose == Purpose::Restore);
                        self.restoring = Restoring { attempts, since: at, done };
                    }
                    stage
                }
                Outcome::Nothing(attempts) => {
                    let origin = write.origin.clone();
                    if matches!(event, Event::WriteCancelled { .. } | Event::WriteRefused { .. }) {
                        // It changed nothing, and certainly so.
                        self.moved.clone_from(&write.moved);
                    }
                    let (intent, applied) = (write.intent.clone(), was_applied(event));
                    match origin {
                        None => {
                            if applied {
                                self.between.take_out(&intent, at);
                            }
                            Stage::Entering(attempts)
                        }
                        Some(origin) if matches!(intent.purpose, Purpose::PutBack { .. }) => {
                            self.between.put_back(&intent, applied, attempts, at);
                            (self.stage, self.since) = (origin.stage, origin.since);
                            if let (true, Stage::Entering(attempts)) = (applied, &mut self.stage) {
                                attempts.came_back(self.between.rounds);
                                self.since = at;
                            }
                            return Ok(());
                        }
                        Some(origin) => {
                            let done = self.restoring.done + u32::from(was_applied(event));
                            self.go_back(origin, Restoring { attempts, since: at, done });
                            return Ok(());
                        }
                    }
                }
                Outcome::Doubt(doubt) => {
                    let mut write = write.clone();
                    write.doubt = Some(doubt);
                    self.stage = Stage::Deploying(write);
                    return Ok(());
                }
            },
            (stage, Event::RollbackInPlace { group, to, .. }) => {
                let assigned = Assigned::of(group, &group.content.policies);
                Stage::RollingBack(assigned, stage.back(to, at))
            }
            (Stage::RollingBack(assigned, back), Event::RingRolledBack { .. }) => {
                let (assigned, back) = (assigned.clone(), back.clone());
                self.moved.retain(|environment, _| !back.to.contains_key(environment));
                Stage::RolledBack(Some(assigned), back)
            }
            (Stage::Adopting(assigned), Event::AdoptionReached { .. }) => {
                Stage::Soaking(assigned.clone(), Soak { started_at: at })
            }
            (Stage::Soaking(assigned, _), Event::RingVerified { judgements, .. }) => {
                let dark = |word: &&Judgement| word.gate == Gate::Dark && word.verdict == Verdict::Pass;
                self.looked = judgements.iter().filter(dark).filter_map(|word| word.environment).collect();
                Stage::Verified(assigned.clone())
            }
            (
                Stage::Adopting(_) | Stage::Soaking(..),
                Event::DevicesLeft { environment, left, before, .. },
            ) => {
                let known = self.left.insert(*environment, *left).unwrap_or(0);
                if known != *before || left == before {
                    self.left.insert(*environment, known);
                    return Err(format!("{known} devices are known to have left"));
                }
                return Ok(());
            }
            (stage, Event::GateUnknown { gate, environment, why, .. })
                if !matches!(stage, Stage::Pending) =>
            {
                let known = self.unknown.get(&(*gate, *environment));
                if known.is_some_and(|known| known.why == *why) {
                    return Err("the gate is unknown for this reason already".to_owned());
                }
                // Another reason is no new beginning: the gate could not tell all the while.
                let since = known.map_or(at, |known| known.since);
                self.unknown.insert((*gate, *environment), UnknownSince { why: *why, since });
                return Ok(());
            }
            (_, Event::GateKnown { gate, environment, .. }) => {
                let known = self.unknown.remove(&(*gate, *environment));
                return known.map(|_| ()).ok_or_else(|| "the gate was not unknown".to_owned());
            }
            (stage, _) => return Err(format!("ring {} is {}", self.name, stage.as_str())),
        };
        self.enter(next, at);
        Ok(())
    }

    /// What a write for its targets changes in what its devices are offered, when nothing did before.
    fn note_moved(&mut self, intent: &WriteIntent) {
        if intent.purpose != Purpose::Target {
            return;
        }
        for environment in Environment::ALL {
            let before = intent.before.as_ref().and_then(|group| group.content.target(environment));
            let after = intent.after.target(environment);
            let Some(version) = after.filter(|after| before != Some(after)) else { continue };
            let Ok(version) = version.parse() else { continue };
            let was = before.map(str::to_owned);
            let (write, policies) = (intent.id, intent.policies.clone());
            match self.moved.get_mut(&environment) {
                // It changes what an earlier write of the ring left: what was there before that one counts.
                Some(known) if before == Some(known.version.to_string().as_str()) => {
                    (known.version, known.policies) = (version, policies);
                    // What was there before is there again, so there is nothing to take back.
                    if known.was.as_deref() == after {
                        self.moved.remove(&environment);
                    }
                }
                // An earlier write came to nothing, and somebody else was there since.
                Some(_) | None => {
                    self.moved.insert(environment, Moved { write, was, version, policies });
                }
            }
        }
    }

    /// Its part of a rollback is over without a group that could be written.
    pub(super) fn is_without_group(
        &mut self,
        to: BTreeMap<Environment, ClientVersion>,
        at: Timestamp,
    ) -> Result<(), String> {
        if matches!(self.stage, Stage::Deploying(_)) {
            return Err("a write has no outcome yet".to_owned());
        }
        self.moved.retain(|environment, _| !to.contains_key(environment));
        let assigned = self.stage.assigned().cloned();
        let back = self.stage.back(&to, at);
        self.enter(Stage::RolledBack(assigned, back), at);
        Ok(())
    }

    /// Its group is to be written back. What its gates cannot tell, they still cannot afterwards.
    fn write_back(&mut self, intent: &WriteIntent, at: Timestamp) {
        let attempts = match intent.purpose {
            Purpose::PutBack { .. } => self.between.back.clone(),
            _ => self.restoring.attempts.clone(),
        };
        let (intent, planned_at, moved) = (intent.clone(), at, self.moved.clone());
        // Any stage will do for the instant until it is replaced.
        let stage = std::mem::replace(&mut self.stage, Stage::Pending);
        let origin = Some(Origin { stage, since: self.since });
        self.stage = Stage::Deploying(Box::new(PendingWrite {
            intent,
            planned_at,
            attempts,
            doubt: None,
            origin,
            moved,
        }));
        self.since = at;
    }

    fn go_back(&mut self, origin: Origin, restoring: Restoring) {
        self.stage = origin.stage;
        self.since = origin.since;
        self.restoring = restoring;
    }

    /// A person resumed, having seen the cause: its clock starts anew.
    pub(super) fn acknowledge(&mut self, cause: &Cause, at: Timestamp) {
        match (cause, self.stage.at_rest()) {
            (Cause::AdoptionMissed { .. }, Some(Stage::Adopting(assigned))) => assigned.deadline_from = at,
            (Cause::UnknownTooLong { why: Unknown::ReadFails, .. }, stage) => {
                self.restoring.attempts.reads = None;
                self.between.back.reads = None;
                if let Some(Stage::Entering(attempts)) = stage {
                    attempts.reads = None;
                }
            }
            (Cause::UnknownTooLong { gate, environment, .. }, _) => {
                if let Some(unknown) = self.unknown.get_mut(&(*gate, *environment)) {
                    unknown.since = at;
                }
            }
            (Cause::WriteRefused { .. } | Cause::WritesKeepFailing { .. }, stage) => {
                self.restoring.attempts.forgive();
                self.between.forgive();
                if let Some(Stage::Entering(attempts)) = stage {
                    attempts.forgive();
                }
            }
            _ => {}
        }
    }

    /// What a gate found at that instant is accepted with it.
    pub(super) fn accept(&mut self, found: &Acknowledged, at: Timestamp) {
        let of = (found.gate, found.environment);
        if !found.devices.is_empty() {
            let accepted = found.devices.iter().map(|device| (device.clone(), at));
            self.acknowledged.entry(of).or_default().extend(accepted);
        }
        match (self.unknown.get_mut(&of), self.stage.at_rest()) {
            (Some(unknown), _) => {
                unknown.since = at;
                if let (Unknown::OutageOrHoliday, Some(environment)) = (unknown.why, found.environment) {
                    self.silence_accepted.insert(environment, at);
                }
            }
            // It can tell, and it found something: that the deadline was missed.
            (None, Some(Stage::Adopting(assigned))) if found.gate == Gate::Adoption => {
                assigned.deadline_from = at
            }
            (None, _) => {}
        }
    }
}

/// Whether an outcome says that the group is as intended.
const fn was_applied(event: &Event) -> bool {
    matches!(
        event,
        Event::WriteConfirmed { .. } | Event::WriteSettled { finding: Finding::Applied { .. }, .. }
    )
}

impl Assigned {
    fn of(group: &Group, policies: &BTreeSet<PolicyId>) -> Self {
        let at = group.updated_at;
        Self { group: group.id.clone(), policies: policies.clone(), at, deadline_from: at }
    }
}

enum Outcome {
    Stage(Stage),
    /// The ring is where it was before the write, with what became of the writes so far.
    Nothing(Attempts),
    Doubt(Doubt),
}

impl PendingWrite {
    /// What an event makes of a write without an outcome.
    fn outcome(&self, event: &Event, at: Timestamp) -> Result<Outcome, String> {
        let names = match event {
            Event::WriteCancelled { write, .. }
            | Event::WriteConfirmed { write, .. }
            | Event::WriteRefused { write, .. }
            | Event::WriteDoubted { write, .. }
            | Event::DoubtRead { write, .. }
            | Event::WriteSettled { write, .. } => *write,
            _ => return Err("a write has no outcome yet".to_owned()),
        };
        if names != self.intent.id {
            return Err(format!("the write without an outcome is {}", self.intent.id));
        }
        match (&self.doubt, event) {
            (None, Event::WriteCancelled { why, retry_at, .. }) => Ok(self.back(why, *retry_at, at)),
            (None, Event::WriteRefused { status, message, .. }) => Ok(self.refused(*status, message)),
            (None, Event::WriteConfirmed { group, .. }) => self.applied(group, at),
            (None, Event::WriteDoubted { why, .. }) => {
                Ok(Outcome::Doubt(Doubt { why: why.clone(), since: at, first_read: None }))
            }
            (Some(doubt), Event::DoubtRead { finding, read_at, .. }) => {
                let first_read = Some(FirstRead { finding: finding.clone(), read_at: *read_at });
                Ok(Outcome::Doubt(Doubt { first_read, ..doubt.clone() }))
            }
            (Some(doubt), Event::WriteSettled { finding, first_read_at, .. }) => {
                let first = doubt.first_read.as_ref();
                if !first.is_some_and(|first| first.finding == *finding && first.read_at == *first_read_at) {
                    return Err("the two reads do not agree".to_owned());
                }
                match finding {
                    Finding::Applied { group } => self.applied(group, at),
                    Finding::NotApplied {} => {
                        Ok(self.failed("not applied, by two reads".to_owned(), None, true))
                    }
                    Finding::Overwritten { .. } => {
                        Ok(self.failed("overwritten by somebody else".to_owned(), None, true))
                    }
                }
            }
            (None, _) => Err("the write is not in doubt".to_owned()),
            (Some(_), _) => Err("the write is in doubt".to_owned()),
        }
    }

    fn applied(&self, group: &Group, at: Timestamp) -> Result<Outcome, String> {
        if !group.content.offers_the_same(&self.intent.after) {
            return Err("the group is not as intended".to_owned());
        }
        // What was once in doubt may still arrive.
        let doubted = self.attempts.doubted || self.doubt.is_some();
        let done = || Attempts { doubted, ..Attempts::default() };
        let adopting = || Stage::Adopting(Assigned::of(group, &self.intent.policies));
        Ok(match (&self.intent.purpose, &self.origin) {
            (Purpose::Target, _) => Outcome::Stage(adopting()),
            // Its targets are on offer anew.
            (Purpose::Restore, Some(origin)) if origin.stage.is_entered() => Outcome::Stage(adopting()),
            (Purpose::Rollback { to }, origin) => {
                let assigned = Assigned::of(group, &self.intent.policies);
                let before = origin.as_ref().map_or(&Stage::Pending, |origin| &origin.stage);
                Outcome::Stage(Stage::RollingBack(assigned, before.back(to, at)))
            }
            // The ring's own write is still to come.
            (Purpose::MoveOut { .. } | Purpose::PutBack { .. } | Purpose::Restore, _) => {
                Outcome::Nothing(done())
            }
        })
    }

    fn back(&self, why: &Cancelled, retry_at: Option<Timestamp>, at: Timestamp) -> Outcome {
        if why.is_a_failure() {
            return self.failed(why.to_string(), retry_at, false);
        }
        Outcome::Nothing(self.unsent(why, retry_at, at))
    }

    fn failed(&self, last: String, not_before: Option<Timestamp>, doubted: bool) -> Outcome {
        Outcome::Nothing(Attempts {
            failed: self.attempts.failed + 1,
            last: Some(last),
            not_before,
            doubted: doubted || self.attempts.doubted,
            refused: None,
            reads: None,
        })
    }

    fn refused(&self, status: u16, message: &str) -> Outcome {
        Outcome::Nothing(Attempts {
            failed: self.attempts.failed + 1,
            last: Some(format!("refused with {status}: {message}")),
            not_before: None,
            doubted: self.attempts.doubted,
            refused: Some(Refusal { status, message: message.to_owned() }),
            reads: None,
        })
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> WriteId {
        self.intent.id
    }
}
