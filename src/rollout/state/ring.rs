//! A ring: where it is, with what belongs to that, and what an event does to it.
//!
//! **Invariant:** a stage carries exactly what is known in it: no assignment before a write is
//! confirmed, no soak before adoption was reached.

use std::collections::{BTreeMap, BTreeSet};

use super::Hold;
use crate::ids::{DeviceId, GroupId, PolicyId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::event::{
    Acknowledged, Cancelled, Cause, Event, Finding, Purpose, Recorded, WriteId, WriteIntent,
};
use crate::rollout::remote::Group;
use crate::rollout::verdict::{Gate, Judgement, Unknown, Verdict};
use crate::time::Timestamp;
use crate::version::Environment;

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
    /// What became of writing its group back.
    pub restoring: Restoring,
}

/// The writes so far that were to put a ring's group back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoring {
    /// What became of them.
    pub attempts: Attempts,
    /// When the last of them ended.
    pub since: Timestamp,
    /// How many of them put it back.
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
}

impl Stage {
    /// The words of metrics, for all states.
    pub const NAMES: [&'static str; 6] =
        ["pending", "entering", "deploying", "adopting", "soaking", "verified"];

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
        }
    }

    /// Whether a write for the ring's targets was ever planned: from then on a change to the ring
    /// is a new rollout.
    #[must_use]
    pub const fn is_entered(&self) -> bool {
        match self {
            Self::Pending | Self::Entering(_) => false,
            Self::Deploying(_) | Self::Adopting(_) | Self::Soaking(..) | Self::Verified(_) => true,
        }
    }

    /// What the ring was given, once it was.
    #[must_use]
    pub const fn assigned(&self) -> Option<&Assigned> {
        match self {
            Self::Adopting(assigned) | Self::Soaking(assigned, _) | Self::Verified(assigned) => {
                Some(assigned)
            }
            Self::Pending | Self::Entering(_) | Self::Deploying(_) => None,
        }
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
            acknowledged: BTreeMap::new(),
            silence_accepted: BTreeMap::new(),
            looked: BTreeSet::new(),
        }
    }
}

impl Ring {
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
                Stage::Verified(Assigned::of(group, &soak.policies))
            }
            (Stage::Entering(_), Event::RingAssigned { group, .. }) => {
                // The assignment is as old as the group; the time for it begins with the entry.
                Stage::Adopting(Assigned {
                    deadline_from: at,
                    ..Assigned::of(group, &group.content.policies)
                })
            }
            (stage, Event::WritePlanned { intent, .. })
                if intent.purpose == Purpose::Restore && !matches!(stage, Stage::Deploying(_)) =>
            {
                self.write_back(intent, at);
                return Ok(());
            }
            (Stage::Entering(attempts), Event::WritePlanned { intent, .. }) => {
                Stage::Deploying(Box::new(PendingWrite {
                    intent: (**intent).clone(),
                    planned_at: at,
                    attempts: attempts.clone(),
                    doubt: None,
                    origin: None,
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
            (Stage::Deploying(write), event) => match write.outcome(event, at)? {
                Outcome::Stage(stage) => {
                    if write.origin.is_some() {
                        let doubted = write.attempts.doubted || write.doubt.is_some();
                        let attempts = Attempts { doubted, ..Attempts::default() };
                        self.restoring = Restoring { attempts, since: at, done: self.restoring.done + 1 };
                    }
                    stage
                }
                Outcome::Nothing(attempts) => match write.origin.clone() {
                    None => Stage::Entering(attempts),
                    Some(origin) => {
                        let done = self.restoring.done + u32::from(was_applied(event));
                        self.go_back(origin, Restoring { attempts, since: at, done });
                        return Ok(());
                    }
                },
                Outcome::Doubt(doubt) => {
                    let mut write = write.clone();
                    write.doubt = Some(doubt);
                    self.stage = Stage::Deploying(write);
                    return Ok(());
                }
            },
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

    /// Its group is to be written back. What its gates cannot tell, they still cannot afterwards.
    fn write_back(&mut self, intent: &WriteIntent, at: Timestamp) {
        let attempts = self.restoring.attempts.clone();
        let (intent, planned_at) = (intent.clone(), at);
        // Any stage will do for the instant until it is replaced.
        let stage = std::mem::replace(&mut self.stage, Stage::Pending);
        let origin = Some(Origin { stage, since: self.since });
        self.stage =
            Stage::Deploying(Box::new(PendingWrite { intent, planned_at, attempts, doubt: None, origin }));
        self.since = at;
    }

    fn go_back(&mut self, origin: Origin, restoring: Restoring) {
        self.stage = origin.stage;
        self.since = origin.since;
        self.restoring = restoring;
    }

    /// A person resumed, having seen the cause: its clock starts anew.
    pub(super) fn acknowledge(&mut self, cause: &Cause, at: Timestamp) {
        match (cause, &mut self.stage) {
            (Cause::AdoptionMissed { .. }, Stage::Adopting(assigned)) => assigned.deadline_from = at,
            (Cause::UnknownTooLong { gate, environment, .. }, _) => {
                if let Some(unknown) = self.unknown.get_mut(&(*gate, *environment)) {
                    unknown.since = at;
                }
            }
            (Cause::WriteRefused { .. } | Cause::WritesKeepFailing { .. }, stage) => {
                self.restoring.attempts.forgive();
                if let Stage::Entering(attempts) = stage {
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
        match (self.unknown.get_mut(&of), &mut self.stage) {
            (Some(unknown), _) => {
                unknown.since = at;
                if let (Unknown::OutageOrHoliday, Some(environment)) = (unknown.why, found.environment) {
                    self.silence_accepted.insert(environment, at);
                }
            }
            // It can tell, and it found something: that the deadline was missed.
            (None, Stage::Adopting(assigned)) if found.gate == Gate::Adoption => assigned.deadline_from = at,
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

impl Attempts {
    fn forgive(&mut self) {
        self.failed = 0;
        self.not_before = None;
        self.refused = None;
    }
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
            (None, Event::WriteCancelled { why, retry_at, .. }) => Ok(self.back(why, *retry_at)),
            (None, Event::WriteRefused { status, message, .. }) => Ok(self.refused(*status, message)),
            (None, Event::WriteConfirmed { group, .. }) => self.applied(group),
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
                    Finding::Applied { group } => self.applied(group),
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

    fn applied(&self, group: &Group) -> Result<Outcome, String> {
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
            // The ring's own write is still to come.
            (Purpose::MoveOut { .. } | Purpose::Restore, _) => Outcome::Nothing(done()),
        })
    }

    fn back(&self, why: &Cancelled, retry_at: Option<Timestamp>) -> Outcome {
        if why.is_a_failure() {
            return self.failed(why.to_string(), retry_at, false);
        }
        Outcome::Nothing(Attempts { not_before: retry_at, ..self.attempts.clone() })
    }

    fn failed(&self, last: String, not_before: Option<Timestamp>, doubted: bool) -> Outcome {
        Outcome::Nothing(Attempts {
            failed: self.attempts.failed + 1,
            last: Some(last),
            not_before,
            doubted: doubted || self.attempts.doubted,
            refused: None,
        })
    }

    fn refused(&self, status: u16, message: &str) -> Outcome {
        Outcome::Nothing(Attempts {
            failed: self.attempts.failed + 1,
            last: Some(format!("refused with {status}: {message}")),
            not_before: None,
            doubted: self.attempts.doubted,
            refused: Some(Refusal { status, message: message.to_owned() }),
        })
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> WriteId {
        self.intent.id
    }
}
