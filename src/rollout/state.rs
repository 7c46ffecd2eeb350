//! State, and the one transition table that makes it from events, live and in replay.
//!
//! **Invariant:** state is the fold of events and nothing else; an event that does not fit the
//! state is an error and changes nothing.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{GroupId, PlanName, RingName};
use crate::plan::model::{PlanDigest, Revision, RingPlan};
use crate::rollout::event::{
    Actor, Cancelled, Cause, Event, Finding, Mode, Recorded, RolloutId, SoakFact, WriteId, WriteIntent,
};
use crate::rollout::remote::{Group, GroupContent};
use crate::rollout::verdict::{Gate, Unknown};
use crate::time::Timestamp;
use crate::version::Environment;

/// All that the log says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The last event folded in; 0 before the first.
    pub seq: u64,
    /// When that was.
    pub last_at: Option<Timestamp>,
    /// Whether the daemon that runs may write.
    pub mode: Option<Mode>,
    /// Set while somebody has stopped all writes.
    pub stop: Option<Hold>,
    /// The latest rollout of each plan.
    pub plans: BTreeMap<PlanName, PlanState>,
    /// Deployment groups that ringward has written, and whose they are.
    pub groups: BTreeMap<GroupId, OwnedGroup>,
    /// What has soaked on what; it spares a ring a second soak.
    pub soaks: Vec<SoakFact>,
    /// Writes planned so far.
    pub writes: u64,
    /// How often each kind of fact happened, for metrics that a restart must not reset.
    pub tallies: Tallies,
}

/// Counts of rare facts, from the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Halts by plan and cause.
    pub halts: BTreeMap<(PlanName, &'static str), u64>,
}

/// A hold or a stop: who, why, since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A plan and its latest rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanState {
    /// A person's pause. It belongs to the plan, so that a newer target does not lift it.
    pub paused: Option<Hold>,
    /// The latest rollout.
    pub rollout: Rollout,
}

/// A deployment group that ringward wrote or took over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedGroup {
    /// The plan that owns it.
    pub plan: PlanName,
    /// The ring that owns it.
    pub ring: RingName,
    /// As ringward left it, or as a person accepted it. What differs from it is drift.
    pub last: Group,
    /// As ringward left it. Somebody who sets the group back to this mends a drift.
    pub left: GroupContent,
}

/// One run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Which.
    pub id: RolloutId,
    /// The plan that it follows.
    pub revision: Revision,
    /// Where it is.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Timestamp,
    /// The engine's hold.
    pub halted: Option<Halt>,
    /// Its rings, in order.
    pub rings: Vec<Ring>,
    /// Spans in which it was paused, halted or stopped; the last may still run.
    pub standstills: Vec<Standstill>,
}

/// A span in which deadlines stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standstill {
    /// Its begin.
    pub from: Timestamp,
    /// Its end; `None`: it runs.
    pub until: Option<Timestamp>,
}

/// The engine's hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
}

/// Where a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// On its way.
    Running,
    /// Every ring is verified.
    Completed,
    /// A newer target took over.
    Superseded,
    /// Its file is gone.
    Withdrawn,
}

impl Phase {
    /// All, for metrics.
    pub const ALL: [Self; 4] = [Self::Running, Self::Completed, Self::Superseded, Self::Withdrawn];

    /// The word of metrics, API and command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Superseded => "superseded",
            Self::Withdrawn => "withdrawn",
        }
    }
}

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
    pub policies: BTreeSet<crate::ids::PolicyId>,
    /// `updated_at` as Cloudflare answered it to our write.
    pub at: Timestamp,
    /// Where the adoption deadline counts from: the assignment, or the instant at which a person
    /// resumed after a missed one.
    pub deadline_from: Timestamp,
}

/// A soak that runs; a stored fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soak {
    /// When adoption held in every environment.
    pub started_at: Timestamp,
}

/// An event that does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} ({kind}) does not fit: {why}")]
pub struct IllegalEvent {
    /// Its place in the log.
    pub seq: u64,
    /// Its kind.
    pub kind: &'static str,
    /// What is in its way.
    pub why: String,
}

impl State {
    /// Folds one event in.
    ///
    /// # Errors
    /// When the event does not fit the state, which then stays as it was.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), IllegalEvent> {
        let illegal =
            |why: String| IllegalEvent { seq: recorded.seq, kind: recorded.entry.event.kind(), why };
        if recorded.seq != self.seq + 1 {
            return Err(illegal(format!("it follows event {}", self.seq)));
        }
        if self.last_at.is_some_and(|last| recorded.at < last) {
            return Err(illegal("its time lies before the event before it".to_owned()));
        }
        if recorded.entry.reason.trim().is_empty() {
            return Err(illegal("it has no reason".to_owned()));
        }
        match &recorded.entry.rollout {
            None => self.apply_to_account(recorded).map_err(illegal)?,
            Some(id) => self.apply_to_plan(id, recorded).map_err(illegal)?,
        }
        self.seq = recorded.seq;
        self.last_at = Some(recorded.at);
        Ok(())
    }

    fn apply_to_account(&mut self, recorded: &Recorded) -> Result<(), String> {
        match (&recorded.entry.event, &self.stop) {
            (Event::DaemonStarted { mode, .. }, _) => self.mode = Some(*mode),
            (Event::Stopped {}, None) => {
                self.stop = Some(Hold::of(recorded));
                self.stand_still_everywhere(recorded.at);
            }
            (Event::Started {}, Some(_)) => {
                self.stop = None;
                self.stand_still_everywhere(recorded.at);
            }
            (Event::Stopped {}, Some(_)) => return Err("writes are stopped already".to_owned()),
            (Event::Started {}, None) => return Err("writes are not stopped".to_owned()),
            _ => return Err("it names no rollout".to_owned()),
        }
        Ok(())
    }

    fn apply_to_plan(&mut self, id: &RolloutId, recorded: &Recorded) -> Result<(), String> {
        if let Event::PlanAccepted { revision } = &recorded.entry.event {
            return self.accept(id, revision, recorded.at);
        }
        let plan = self.plans.get_mut(&id.plan).ok_or("no such plan")?;
        if plan.rollout.id != *id {
            return Err(format!("the plan's rollout is {}", plan.rollout.id));
        }
        match &recorded.entry.event {
            Event::Paused {} if plan.paused.is_some() => return Err("the plan is paused already".to_owned()),
            Event::PauseLifted {} if plan.paused.is_none() => return Err("the plan is not paused".to_owned()),
            Event::Paused {} => plan.paused = Some(Hold::of(recorded)),
            Event::PauseLifted {} => plan.paused = None,
            event => plan.rollout.apply(event, recorded)?,
        }
        self.keep_account_facts(id, recorded);
        self.stand_still_everywhere(recorded.at);
        Ok(())
    }

    fn accept(&mut self, id: &RolloutId, revision: &Revision, at: Timestamp) -> Result<(), String> {
        if revision.plan.name != id.plan {
            return Err("the plan has another name".to_owned());
        }
        let (number, paused) = match self.plans.get(&id.plan) {
            None => (1, None),
            Some(plan) if plan.rollout.phase == Phase::Running => {
                return Err(format!("{} still runs", plan.rollout.id));
            }
            Some(plan) => (plan.rollout.id.number + 1, plan.paused.clone()),
        };
        if id.number != number {
            return Err(format!("the next rollout of this plan is number {number}"));
        }
        let rings = revision.plan.rings.iter().map(|ring| Ring::pending(ring, at)).collect();
        let rollout = Rollout {
            id: id.clone(),
            revision: revision.clone(),
            phase: Phase::Running,
            phase_since: at,
            halted: None,
            rings,
            standstills: Vec::new(),
        };
        self.plans.insert(id.plan.clone(), PlanState { paused, rollout });
        self.stand_still_everywhere(at);
        Ok(())
    }

    /// What an event of a rollout means to the account: groups, soaks, write numbers, counts.
    fn keep_account_facts(&mut self, id: &RolloutId, recorded: &Recorded) {
        match &recorded.entry.event {
            Event::WritePlanned { intent, .. } => self.writes = intent.id.0,
            Event::WriteConfirmed { ring, group, .. }
            | Event::RingAssigned { ring, group, .. }
            | Event::RingRecognised { ring, group, .. }
            | Event::WriteSettled { ring, finding: Finding::Applied { group }, .. } => {
                self.own(id, ring, group);
            }
            Event::HaltLifted { cause: Cause::Drift { expected, seen, .. } } => match seen {
                Some(seen) => {
                    if let Some(owned) = self.groups.get_mut(&seen.id) {
                        owned.last = (**seen).clone();
                    }
                }
                None => {
                    self.groups.remove(&expected.id);
                }
            },
            Event::Halted { cause } => {
                *self.tallies.halts.entry((id.plan.clone(), cause.as_str())).or_default() += 1;
            }
            Event::RingVerified { ring, .. } => self.keep_soak(id, ring, recorded.at),
            _ => {}
        }
    }

    /// A group once owned keeps its owner: a profile moved out of it does not make it ours.
    fn own(&mut self, id: &RolloutId, ring: &RingName, group: &Group) {
        let owned = self.groups.entry(group.id.clone()).or_insert_with(|| OwnedGroup {
            plan: id.plan.clone(),
            ring: ring.clone(),
            last: group.clone(),
            left: group.content.clone(),
        });
        owned.last = group.clone();
        owned.left = group.content.clone();
    }

    fn keep_soak(&mut self, id: &RolloutId, ring: &RingName, verified_at: Timestamp) {
        let Some((rollout, ring_plan)) =
            self.plans.get(&id.plan).and_then(|plan| Some((&plan.rollout, plan.rollout.ring_plan(ring)?)))
        else {
            return;
        };
        let Some(assigned) = rollout.ring(ring).and_then(|ring| ring.stage.assigned()) else { return };
        let fact = SoakFact {
            group: assigned.group.clone(),
            policies: assigned.policies.clone(),
            targets: ring_plan.targets.clone(),
            verified_at,
        };
        self.soaks.retain(|known| !(known.policies == fact.policies && known.targets == fact.targets));
        self.soaks.push(fact);
    }

    /// Opens or ends each rollout's standstill, as its holds have it now.
    fn stand_still_everywhere(&mut self, at: Timestamp) {
        let stopped = self.stop.is_some();
        for plan in self.plans.values_mut() {
            let still = stopped || plan.paused.is_some() || plan.rollout.halted.is_some();
            let spans = &mut plan.rollout.standstills;
            let runs = spans.last().is_some_and(|span| span.until.is_none());
            if still && !runs {
                spans.push(Standstill { from: at, until: None });
            } else if !still
                && runs
                && let Some(span) = spans.last_mut()
            {
                span.until = Some(at);
            }
        }
    }

    /// The write of this account that has no outcome yet: there is at most one.
    #[must_use]
    pub fn pending_write(&self) -> Option<(&Rollout, &Ring, &PendingWrite)> {
        self.plans.values().find_map(|plan| {
            let (ring, write) = plan.rollout.pending_write()?;
            Some((&plan.rollout, ring, write))
        })
    }

    /// The group that a ring of a plan owns.
    #[must_use]
    pub fn group_of(&self, plan: &PlanName, ring: &RingName) -> Option<(&GroupId, &OwnedGroup)> {
        self.groups.iter().find(|(_, owned)| owned.plan == *plan && owned.ring == *ring)
    }
}

impl Hold {
    fn of(recorded: &Recorded) -> Self {
        let entry = &recorded.entry;
        Self { actor: entry.actor.clone(), reason: entry.reason.clone(), since: recorded.at }
    }
}

impl Ring {
    fn pending(plan: &RingPlan, at: Timestamp) -> Self {
        Self {
            name: plan.name.clone(),
            stage: Stage::Pending,
            since: at,
            unknown: BTreeMap::new(),
            waived: BTreeMap::new(),
        }
    }
}

impl Rollout {
    /// The plan of one of its rings.
    #[must_use]
    pub fn ring_plan(&self, name: &RingName) -> Option<&RingPlan> {
        self.revision.plan.rings.iter().find(|ring| ring.name == *name)
    }

    /// One of its rings.
    #[must_use]
    pub fn ring(&self, name: &RingName) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.name == *name)
    }

    /// Its rings beside their plans.
    pub fn rings_with_plans(&self) -> impl Iterator<Item = (&Ring, &RingPlan)> {
        self.rings.iter().zip(&self.revision.plan.rings)
    }

    /// The write without an outcome.
    #[must_use]
    pub fn pending_write(&self) -> Option<(&Ring, &PendingWrite)> {
        self.rings.iter().find_map(|ring| match &ring.stage {
            Stage::Deploying(write) => Some((ring, &**write)),
            _ => None,
        })
    }

    /// Whether a digest is the one it follows.
    #[must_use]
    pub fn follows(&self, digest: &PlanDigest) -> bool {
        self.revision.digest == *digest
    }

    /// The transition table of a rollout: phase, holds, and through [`Ring::apply`] its rings.
    fn apply(&mut self, event: &Event, recorded: &Recorded) -> Result<(), String> {
        let at = recorded.at;
        match (self.phase, event) {
            (Phase::Running | Phase::Completed | Phase::Withdrawn, Event::PlanRevised { revision }) => {
                return self.revise(revision, at);
            }
            (Phase::Running, Event::RolloutSuperseded { .. }) => self.enter_phase(Phase::Superseded, at)?,
            (Phase::Running, Event::RolloutWithdrawn {}) => self.enter_phase(Phase::Withdrawn, at)?,
            (Phase::Withdrawn, Event::RolloutSuperseded { .. }) => self.enter_phase(Phase::Superseded, at)?,
            (Phase::Withdrawn, Event::RolloutReturned {}) => self.enter_phase(Phase::Running, at)?,
            (Phase::Running, Event::RolloutCompleted {}) => {
                if !self.rings.iter().all(|ring| matches!(ring.stage, Stage::Verified(_))) {
                    return Err("a ring is not verified".to_owned());
                }
                self.enter_phase(Phase::Completed, at)?;
            }
            (Phase::Running, Event::Halted { cause }) if self.halted.is_none() => {
                self.halted = Some(Halt { cause: cause.clone(), since: at });
            }
            (_, Event::HaltLifted { cause }) => {
                match &self.halted {
                    Some(halt) if halt.cause == *cause => {}
                    _ => return Err("the rollout is not halted by this cause".to_owned()),
                }
                self.halted = None;
                if let Some(ring) = self.ring_mut(cause.ring()) {
                    ring.acknowledge(cause, at);
                }
            }
            (Phase::Running, event) => {
                let Some(name) = event.ring().filter(|_| !matches!(event, Event::Halted { .. })) else {
                    return Err("it does not fit a running rollout".to_owned());
                };
                let turn = self.is_turn_of(name);
                let ring = self.ring_mut(name).ok_or("the rollout has no such ring")?;
                if matches!(event, Event::RingReached { .. }) && !turn {
                    return Err("an earlier ring is not verified".to_owned());
                }
                ring.apply(event, recorded)?;
            }
            (phase, _) => return Err(format!("the rollout is {}", phase.as_str())),
        }
        Ok(())
    }

    fn enter_phase(&mut self, phase: Phase, at: Timestamp) -> Result<(), String> {
        if self.pending_write().is_some() {
            return Err("a write has no outcome yet".to_owned());
        }
        self.phase = phase;
        self.phase_since = at;
        Ok(())
    }

    /// Whether every ring before this one is verified.
    fn is_turn_of(&self, name: &RingName) -> bool {
        let earlier = self.rings.iter().take_while(|ring| ring.name != *name);
        earlier.into_iter().all(|ring| matches!(ring.stage, Stage::Verified(_)))
    }

    fn revise(&mut self, revision: &Revision, at: Timestamp) -> Result<(), String> {
        if let Some(ring) = self.entered_ring_changed_by(revision) {
            return Err(format!("ring {ring} is entered, so its change is a new rollout"));
        }
        let mut known: BTreeMap<RingName, Ring> =
            self.rings.drain(..).map(|ring| (ring.name.clone(), ring)).collect();
        self.rings = revision
            .plan
            .rings
            .iter()
            .map(|plan| known.remove(&plan.name).unwrap_or_else(|| Ring::pending(plan, at)))
            .collect();
        // A ring whose turn had come may have a new ring before it now.
        let mut turn = true;
        for ring in &mut self.rings {
            if !turn && matches!(ring.stage, Stage::Entering(_)) {
                ring.enter(Stage::Pending, at);
            }
            turn &= matches!(ring.stage, Stage::Verified(_));
        }
        self.revision = revision.clone();
        Ok(())
    }

    /// The first entered ring whose name, position, profiles or targets a revision changes: then
    /// the revision is a new rollout (DESIGN 3).
    #[must_use]
    pub fn entered_ring_changed_by(&self, revision: &Revision) -> Option<&RingName> {
        let entered = self.rings_with_plans().enumerate().filter(|(_, (ring, _))| ring.stage.is_entered());
        for (position, (ring, old)) in entered {
            let same = revision.plan.rings.get(position).is_some_and(|new| {
                new.name == old.name && new.targets == old.targets && same_profiles(new, old)
            });
            if !same {
                return Some(&ring.name);
            }
        }
        None
    }

    fn ring_mut(&mut self, name: &RingName) -> Option<&mut Ring> {
        self.rings.iter_mut().find(|ring| ring.name == *name)
    }
}

/// Whether two ring plans name the same profiles, in any order.
#[must_use]
pub fn same_profiles(one: &RingPlan, other: &RingPlan) -> bool {
    let set = |ring: &RingPlan| ring.profiles.iter().cloned().collect::<BTreeSet<_>>();
    set(one) == set(other)
}

impl Ring {
    fn enter(&mut self, stage: Stage, at: Timestamp) {
        self.stage = stage;
        self.since = at;
        self.unknown.clear();
    }

    /// The transition table of a ring.
    fn apply(&mut self, event: &Event, recorded: &Recorded) -> Result<(), String> {
        let at = recorded.at;
        let next = match (&self.stage, event) {
            (Stage::Pending, Event::RingReached { .. }) => Stage::Entering(Attempts::default()),
            (Stage::Entering(_), Event::RingRecognised { group, soak, .. }) => {
                Stage::Verified(Assigned::of(group, &soak.policies))
            }
            (Stage::Entering(_), Event::RingAssigned { group, .. }) => {
                Stage::Adopting(Assigned::of(group, &group.content.policies))
            }
            (Stage::Entering(attempts), Event::WritePlanned { intent, .. }) => {
                Stage::Deploying(Box::new(PendingWrite {
                    intent: (**intent).clone(),
                    planned_at: at,
                    attempts: attempts.clone(),
                    doubt: None,
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
                Outcome::Stage(stage) => stage,
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
            (Stage::Soaking(assigned, _), Event::RingVerified { .. }) => Stage::Verified(assigned.clone()),
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

    /// A person resumed, having seen the cause: its clock starts anew.
    fn acknowledge(&mut self, cause: &Cause, at: Timestamp) {
        match (cause, &mut self.stage) {
            (Cause::AdoptionMissed { .. }, Stage::Adopting(assigned)) => assigned.deadline_from = at,
            (Cause::UnknownTooLong { gate, environment, .. }, _) => {
                if let Some(unknown) = self.unknown.get_mut(&(*gate, *environment)) {
                    unknown.since = at;
                }
            }
            (Cause::WriteRefused { .. } | Cause::WritesKeepFailing { .. }, Stage::Entering(attempts)) => {
                attempts.failed = 0;
                attempts.not_before = None;
                attempts.refused = None;
            }
            _ => {}
        }
    }
}

impl Assigned {
    fn of(group: &Group, policies: &BTreeSet<crate::ids::PolicyId>) -> Self {
        let at = group.updated_at;
        Self { group: group.id.clone(), policies: policies.clone(), at, deadline_from: at }
    }
}

enum Outcome {
    Stage(Stage),
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
        let stage = match self.intent.purpose {
            crate::rollout::event::Purpose::Target => {
                Stage::Adopting(Assigned::of(group, &self.intent.policies))
            }
            // The ring's own write is still to come, and what was once in doubt may still arrive.
            crate::rollout::event::Purpose::MoveOut { .. } => Stage::Entering(Attempts {
                doubted: self.attempts.doubted || self.doubt.is_some(),
                ..Attempts::default()
            }),
        };
        Ok(Outcome::Stage(stage))
    }

    fn back(&self, why: &Cancelled, retry_at: Option<Timestamp>) -> Outcome {
        if why.is_a_failure() {
            return self.failed(why.to_string(), retry_at, false);
        }
        Outcome::Stage(Stage::Entering(Attempts { not_before: retry_at, ..self.attempts.clone() }))
    }

    fn failed(&self, last: String, not_before: Option<Timestamp>, doubted: bool) -> Outcome {
        Outcome::Stage(Stage::Entering(Attempts {
            failed: self.attempts.failed + 1,
            last: Some(last),
            not_before,
            doubted: doubted || self.attempts.doubted,
            refused: None,
        }))
    }

    fn refused(&self, status: u16, message: &str) -> Outcome {
        Outcome::Stage(Stage::Entering(Attempts {
            failed: self.attempts.failed + 1,
            last: Some(format!("refused with {status}: {message}")),
            not_before: None,
            doubted: self.attempts.doubted,
            refused: Some(Refusal { status, message: message.to_owned() }),
        }))
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> WriteId {
        self.intent.id
    }
}
