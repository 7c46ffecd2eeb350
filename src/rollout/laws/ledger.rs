//! The books: who holds what, where each ring is, which write is open. The checker's own fold.
//!
//! **Invariant:** the books take every event as it stands, sound or not, so that one violation
//! does not hide the next.

use std::collections::{BTreeMap, BTreeSet};

use super::approved::{self, WordLine};
use super::rollback;
use super::superseded::{LeftLine, Versions};
use crate::ids::{DeviceId, GroupId, PlanName, PolicyId, RingName, TokenName};
use crate::plan::change::profile_set;
use crate::plan::model::{Plan, Revision, RingPlan};
use crate::rollout::event::{
    Acknowledged, Block, BlockKind, Cancelled, Cause, Drift, Event, Finding, GroupDrift, Mode, Purpose,
    Recorded, RollbackStep, RolloutId, SoakFact, WaitingRevision, WriteId, WriteIntent,
};
use crate::rollout::remote::{Group, GroupContent};
use crate::rollout::verdict::{Exempt, Gate, Judgement, Unknown, Verdict};
use crate::schedule::Schedule;
use crate::time::{SignedDuration, Timestamp, after, since};
use crate::version::{ClientVersion, Environment};

#[derive(Default)]
pub(super) struct Ledger<'a> {
    pub(super) last_seq: u64,
    pub(super) last_at: Option<Timestamp>,
    /// Where the last span ended that nobody watched.
    pub(super) watched_from: Option<Timestamp>,
    pub(super) observing: bool,
    pub(super) stopped: bool,
    pub(super) plans: BTreeMap<&'a PlanName, PlanLine<'a>>,
    /// The last number under each name that a plan had once.
    numbers: BTreeMap<&'a PlanName, u64>,
    /// Revisions that wait, and since when.
    pub(super) waiting: BTreeMap<&'a PlanName, WaitingLine<'a>>,
    /// For so long a revision waits at least before it does more than restrict, by the daemon that runs.
    pub(super) settles: Option<SignedDuration>,
    /// The write that is in flight or in doubt.
    pub(super) open: Option<OpenWrite<'a>>,
    pub(super) writes: u64,
    pub(super) groups: BTreeMap<&'a GroupId, Owned<'a>>,
    /// Groups that are gone, and accepted so: by plan and ring.
    pub(super) lost: BTreeMap<(&'a PlanName, &'a RingName), Owned<'a>>,
    pub(super) soaks: Vec<SoakFact>,
    /// What rollbacks hold out.
    pub(super) held: Vec<Held<'a>>,
    /// What people said on entering rings, the last word of each.
    pub(super) words: Vec<WordLine<'a>>,
    /// When writes were applied, and how many devices they offered something else.
    pub(super) applied: Vec<(Timestamp, usize)>,
    /// Every write so far, with the ring that it was for.
    pub(super) intents: BTreeMap<WriteId, ((&'a PlanName, &'a RingName), &'a WriteIntent)>,
    pub(super) tokens: BTreeMap<&'a TokenName, TokenLine>,
    /// Changes of access that are told, without what became of them.
    pub(super) open_access: BTreeSet<u64>,
    /// Whether the log has words on health: the ringwards before that had none.
    pub(super) judges_health: bool,
}

/// Whether a token still opens anything, its end aside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenLine {
    Live,
    Revoked,
}

pub(super) struct Owned<'a> {
    pub(super) plan: &'a PlanName,
    pub(super) ring: &'a RingName,
    pub(super) last: &'a Group,
    /// As ringward left it.
    pub(super) left: &'a GroupContent,
    /// A drift that is on record and is to be written back.
    pub(super) drifted: Option<&'a GroupDrift>,
}

/// A version that a rollback holds out of a profile.
pub(super) struct Held<'a> {
    pub(super) plan: &'a PlanName,
    pub(super) policy: &'a PolicyId,
    pub(super) environment: Environment,
    pub(super) version: ClientVersion,
}

/// A ring of a rollback.
pub(super) struct StepLine<'a> {
    pub(super) step: &'a RollbackStep,
    pub(super) is_begun: bool,
    pub(super) is_done: bool,
}

pub(super) struct OpenWrite<'a> {
    pub(super) plan: &'a PlanName,
    pub(super) ring: &'a RingName,
    pub(super) intent: &'a WriteIntent,
    pub(super) doubted_at: Option<Timestamp>,
    pub(super) read: Option<(&'a Finding, Timestamp)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    Running,
    Completed,
    RollingBack,
    RolledBack,
    Superseded,
    Withdrawn,
}

/// A revision that waits.
pub(super) struct WaitingLine<'a> {
    pub(super) revision: &'a WaitingRevision,
    pub(super) since: Timestamp,
    pub(super) confirmed_at: Option<Timestamp>,
}

pub(super) struct PlanLine<'a> {
    pub(super) number: u64,
    pub(super) revision: &'a Revision,
    /// The plan in force: that of the revision, with what restricts it since.
    pub(super) plan: &'a Plan,
    /// The names that rings had in that plan, by those that they have now.
    was: BTreeMap<&'a RingName, &'a RingName>,
    /// What stands before its steps on account of its file.
    pub(super) blocks: BTreeSet<BlockKind>,
    pub(super) course: Course,
    pub(super) paused: bool,
    pub(super) halted: Option<&'a Cause>,
    /// A newer target that waits.
    pub(super) waiting: Option<&'a Revision>,
    /// Whether it went on under this name, and has not had a revision of its file since.
    pub(super) carried: bool,
    /// Whether a newer target took over while it ran.
    pub(super) was_replaced: bool,
    /// Since when its file is gone, while it is.
    pub(super) withdrawn_at: Option<Timestamp>,
    /// Whether its file is gone since it was over.
    pub(super) file_gone: bool,
    /// When its holds, the stop, its withdrawal and the spans that nobody watched began and ended.
    pub(super) still: Vec<(Timestamp, Option<Timestamp>)>,
    pub(super) rings: Vec<RingLine<'a>>,
    /// What goes back, once it does.
    pub(super) steps: Vec<StepLine<'a>>,
    /// What earlier rollouts that were never completed still offer.
    pub(super) left: Vec<LeftLine<'a>>,
    /// Rings that the plan does not name, and that go back.
    pub(super) gone: Vec<&'a RingPlan>,
    /// Rings that its plan's file dropped, and that keep their place.
    pub(super) dropped: BTreeSet<&'a RingName>,
    pub(super) versions: Versions,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Pending,
    Entering,
    Deploying,
    Adopting,
    Soaking,
    Verified,
    RollingBack,
    RolledBack,
}

#[derive(Clone)]
pub(super) struct RingLine<'a> {
    pub(super) name: &'a RingName,
    pub(super) place: Place,
    pub(super) group: Option<&'a GroupId>,
    pub(super) policies: Option<&'a BTreeSet<PolicyId>>,
    /// From where the adoption deadline counts.
    pub(super) deadline_from: Option<Timestamp>,
    pub(super) adopted_at: Option<Timestamp>,
    pub(super) waived: BTreeMap<Gate, Timestamp>,
    /// Devices that a person accepted, by the health gate that found them, and when they did last.
    pub(super) accepted: BTreeMap<(Gate, Option<Environment>), BTreeMap<&'a DeviceId, Timestamp>>,
    pub(super) unknown: BTreeMap<(Gate, Option<Environment>), (Unknown, Timestamp)>,
    /// Whether a write was in doubt since its turn came.
    pub(super) doubted: bool,
    /// Whether a profile of its own was taken out of another group since, and is in none.
    /// What became of the writes that should have put it back.
    pub(super) back: Tries,
    /// How often it was put back in a row.
    rounds: u32,
    pub(super) between: BTreeMap<&'a GroupId, BTreeSet<&'a PolicyId>>,
    /// Writes in a row that came to nothing.
    pub(super) failures: u32,
    pub(super) refused: Option<u16>,
    /// When the reads before its writes failed that no other outcome came after, nor a person's word.
    pub(super) unread: Vec<Timestamp>,
    /// Devices that are told to have left since the assignment.
    pub(super) left: BTreeMap<Environment, usize>,
    /// Where it was, while its group is written back.
    pub(super) origin: Option<Place>,
    /// The same of writing its group back.
    pub(super) restoring: Tries,
    /// Since when an earlier version is on offer, once it went back.
    pub(super) back_since: Option<Timestamp>,
}

/// What became of the writes that were to put a group back.
#[derive(Clone, Default)]
pub(super) struct Tries {
    pub(super) doubted: bool,
    pub(super) failures: u32,
    pub(super) refused: Option<u16>,
    pub(super) unread: Vec<Timestamp>,
    /// How many put it back.
    pub(super) done: u32,
}

impl<'a> RingLine<'a> {
    fn pending(name: &'a RingName) -> Self {
        Self {
            name,
            place: Place::Pending,
            group: None,
            policies: None,
            deadline_from: None,
            adopted_at: None,
            waived: BTreeMap::new(),
            accepted: BTreeMap::new(),
            unknown: BTreeMap::new(),
            doubted: false,
            back: Tries::default(),
            rounds: 0,
            between: BTreeMap::new(),
            failures: 0,
            refused: None,
            unread: Vec::new(),
            left: BTreeMap::new(),
            origin: None,
            restoring: Tries::default(),
            back_since: None,
        }
    }

    fn go(&mut self, place: Place) {
        self.place = place;
        self.unknown.clear();
    }

    fn assign(&mut self, group: &'a Group, policies: &'a BTreeSet<PolicyId>) {
        self.group = Some(&group.id);
        self.policies = Some(policies);
        self.deadline_from = Some(group.updated_at);
        self.left.clear();
    }

    pub(super) const fn is_entered(&self) -> bool {
        !matches!(self.place, Place::Pending | Place::Entering)
    }

    /// Whether its group is on record with what it was given.
    pub(super) const fn is_assigned(&self) -> bool {
        self.group.is_some() && !matches!(self.place, Place::Pending | Place::Entering | Place::Deploying)
    }
}

impl<'a> PlanLine<'a> {
    pub(super) fn ring(&self, name: &RingName) -> Option<&RingLine<'a>> {
        self.rings.iter().find(|ring| ring.name == name)
    }

    pub(super) fn ring_plan(&self, name: &RingName) -> Option<&'a RingPlan> {
        let name = self.was.get(name).copied().unwrap_or(name);
        let named = self.plan.rings.iter().find(|ring| ring.name == *name);
        named.or_else(|| self.gone.iter().find(|ring| ring.name == *name).copied())
    }

    /// Whether the plan in force forbids one of its own targets.
    fn forbids_itself(&self) -> bool {
        let targets = self.plan.rings.iter().flat_map(|ring| ring.targets.values());
        let forbids = |version: &ClientVersion| {
            self.plan.forbid.iter().any(|forbid| forbid.versions.matches(&version.as_semver()))
        };
        targets.into_iter().any(forbids)
    }

    /// Whether a write puts a profile in, or back, that is in no group, for it was taken out of one.
    pub(super) fn is_second_half(&self, recorded: &Recorded) -> bool {
        let Event::WritePlanned { ring, intent } = &recorded.entry.event else { return false };
        let puts_in = matches!(intent.purpose, Purpose::Target | Purpose::PutBack { .. });
        puts_in && self.ring(ring).is_some_and(|ring| !ring.between.is_empty())
    }

    fn rename(&mut self, renamed: &'a BTreeMap<RingName, RingName>) {
        let was: BTreeMap<_, _> =
            renamed.iter().map(|(old, new)| (new, self.was.get(old).copied().unwrap_or(old))).collect();
        self.was.extend(was);
        for ring in &mut self.rings {
            ring.name = renamed.get(ring.name).unwrap_or(ring.name);
        }
        for left in &mut self.left {
            left.ring.name = renamed.get(left.ring.name).unwrap_or(left.ring.name);
        }
    }

    /// What let a ring go was said of a file that did not name it.
    fn keep_the_named(&mut self) {
        for ring in self.rings.iter_mut().filter(|ring| !self.dropped.contains(ring.name)) {
            ring.waived.remove(&Gate::Ring);
        }
    }

    fn ring_mut(&mut self, name: &RingName) -> Option<&mut RingLine<'a>> {
        self.rings.iter_mut().find(|ring| ring.name == name)
    }

    /// How far the step is whose turn it is.
    fn step(&mut self, event: &Event) {
        let goes_back = |intent: &WriteIntent| matches!(intent.purpose, Purpose::Rollback { .. });
        let (begins, ends) = match event {
            Event::WritePlanned { intent, .. } => (goes_back(intent), false),
            Event::RollbackInPlace { .. } => (true, false),
            Event::RingRolledBack { .. } => (false, true),
            _ => return,
        };
        let Some(next) = rollback::next(self) else { return };
        for line in self.steps.iter_mut().filter(|line| !line.is_done && line.step.ring == next.ring) {
            line.is_begun |= begins;
            line.is_done |= ends;
        }
    }

    fn revise(&mut self, revision: &'a Revision) {
        let old = std::mem::take(&mut self.rings);
        let revised = |ring: &'a RingPlan| {
            let Some(known) = old.iter().find(|line| *line.name == ring.name) else {
                return RingLine::pending(&ring.name);
            };
            let same = self.ring_plan(&ring.name).is_some_and(|before| same_offer(before, ring));
            // What people waived or accepted, they did for those targets and profiles.
            let (waived, accepted) =
                if same { (known.waived.clone(), known.accepted.clone()) } else { Default::default() };
            RingLine { waived, accepted, ..known.clone() }
        };
        self.rings = revision.plan.rings.iter().map(revised).collect();
        self.take_turns_back();
        self.was.clear();
        self.gone.clear();
        (self.revision, self.plan) = (revision, &revision.plan);
        (self.waiting, self.carried) = (None, false);
    }

    /// Opens or ends the span in which its deadlines stand still.
    fn stand_still(&mut self, stopped: bool, at: Timestamp) {
        let still = stopped || self.paused || self.halted.is_some() || self.course == Course::Withdrawn;
        // A span that nobody watched may have been noted since the last one began.
        let open = self.still.iter_mut().find(|(_, until)| until.is_none());
        match open {
            Some((_, until)) if !still => *until = Some(at),
            None if still => self.still.push((at, None)),
            _ => {}
        }
    }

    /// How long deadlines stood still between two instants: each moment once, freezes included.
    pub(super) fn stood_still(&self, schedule: &Schedule, from: Timestamp, to: Timestamp) -> SignedDuration {
        let mut spans: Vec<(Timestamp, Timestamp)> =
            self.still.iter().map(|(begin, end)| ((*begin).max(from), end.unwrap_or(to).min(to))).collect();
        spans.sort_unstable();
        let mut total = schedule.frozen_between(from, to);
        let mut counted = from;
        for (begin, end) in spans {
            let begin = begin.max(counted);
            if begin < end {
                total += since(begin, end) - schedule.frozen_between(begin, end);
                counted = end;
            }
        }
        total
    }

    /// A ring before one whose turn had come takes the turn away from it: a new one, or one whose
    /// group is written back.
    fn take_turns_back(&mut self) {
        let mut turn = true;
        for ring in &mut self.rings {
            if !turn && ring.place == Place::Entering {
                ring.go(Place::Pending);
            }
            turn &= ring.place == Place::Verified;
        }
    }
}

impl<'a> Ledger<'a> {
    /// The line of the rollout that an event names, if its plan is in it.
    pub(super) fn line(&self, recorded: &Recorded) -> Option<&PlanLine<'a>> {
        let id = recorded.entry.rollout.as_ref()?;
        self.plans.get(&id.plan).filter(|plan| plan.number == id.number)
    }

    /// Whether the ring that a group was written for still holds it: one that is gone, and is not on its way,
    /// does not.
    pub(super) fn holds(&self, owned: &Owned<'a>) -> bool {
        let Some(line) = self.plans.get(owned.plan) else { return true };
        let gone = line.file_gone || line.course == Course::Withdrawn;
        let on_its_way = |ring: &RingLine<'_>| {
            let moves = matches!(
                ring.place,
                Place::Deploying | Place::Adopting | Place::Soaking | Place::RollingBack
            );
            moves && !ring.waived.contains_key(&Gate::Ring)
        };
        let left = line.left.iter().any(|left| left.ring.name == owned.ring);
        left || line.ring(owned.ring).is_some_and(|ring| !gone || on_its_way(ring))
    }

    /// The group that belongs to a ring of a plan.
    pub(super) fn group_of(&self, plan: &PlanName, ring: &RingName) -> Option<&'a GroupId> {
        self.groups.iter().find(|(_, owned)| owned.plan == plan && owned.ring == ring).map(|(id, _)| *id)
    }

    /// Takes an event into the books.
    pub(super) fn take(&mut self, recorded: &'a Recorded) {
        let before = self.last_at.unwrap_or(recorded.at);
        self.last_seq = recorded.seq;
        self.last_at = Some(recorded.at);
        let event = &recorded.entry.event;
        self.judges_health |= speaks_of_health(event);
        let in_force = self.line(recorded).map(|line| &line.revision.digest);
        approved::take(&mut self.words, in_force, recorded);
        self.take_waiting(recorded);
        match (&recorded.entry.rollout, event) {
            (_, Event::DaemonStarted { mode, settles_seconds, .. }) => {
                self.observing = *mode == Mode::Observe;
                let settles = settles_seconds.and_then(|seconds| i64::try_from(seconds).ok());
                self.settles = settles.map(SignedDuration::from_secs);
                // Time in which no daemon ran counts against no gate.
                let down = since(before, recorded.at);
                let rings = self.plans.values_mut().flat_map(|plan| &mut plan.rings);
                for (_, begun) in rings.flat_map(|ring| ring.unknown.values_mut()) {
                    *begun = after(*begun, down);
                }
            }
            (_, Event::ClockStepped { from, to }) if from < to => self.pass_over(*from, *to),
            (_, Event::ClockConfirmed { now, .. }) => self.begin_era(*now),
            (_, Event::Stopped {}) => self.stopped = true,
            (_, Event::Started {}) => self.stopped = false,
            (_, Event::TokenMade { token }) => {
                self.tokens.insert(&token.name, TokenLine::Live);
            }
            (_, Event::TokenRevoked { name }) => {
                self.tokens.insert(name, TokenLine::Revoked);
            }
            (_, Event::AccessIntended { .. }) => {
                self.open_access.insert(recorded.seq);
            }
            (_, Event::AccessSettled { intent, .. }) => {
                self.open_access.remove(intent);
            }
            (Some(id), Event::PlanAccepted { revision }) => self.accept(id, revision),
            (Some(id), Event::PlanRenamed { from }) => self.rename_plan(id, from),
            (Some(id), event) => {
                self.take_account_facts(id, recorded);
                self.take_into_plan(id, event, recorded.at);
            }
            (None, _) => {}
        }
        for plan in self.plans.values_mut() {
            if !matches!(plan.course, Course::Running | Course::RollingBack) {
                plan.blocks.clear();
            }
            plan.stand_still(self.stopped, recorded.at);
            // What one plan's ring takes over, another one's left.
            plan.trim_left(&self.groups);
        }
    }

    /// What nobody watched counts for no soak, no deadline and against no gate.
    fn pass_over(&mut self, from: Timestamp, to: Timestamp) {
        self.watched_from = Some(to);
        self.plans.values_mut().for_each(|plan| plan.still.push((from, Some(to))));
        for ring in self.plans.values_mut().flat_map(|plan| &mut plan.rings) {
            let begun = ring.unknown.values_mut().map(|(_, begun)| begun);
            let soak = ring.adopted_at.as_mut().filter(|_| ring.place == Place::Soaking);
            for begun in begun.chain(soak) {
                *begun = after(*begun, since((*begun).clamp(from, to), to));
            }
        }
    }

    fn accept(&mut self, id: &'a RolloutId, revision: &'a Revision) {
        let before = self.plans.get_mut(&id.plan);
        let paused = before.as_ref().is_some_and(|plan| plan.paused);
        let (left, versions) = before.map(|plan| (plan.leaves(), plan.versions.clone())).unwrap_or_default();
        let rings = revision.plan.rings.iter().map(|ring| RingLine::pending(&ring.name)).collect();
        let course = Course::Running;
        let line = PlanLine {
            number: id.number,
            revision,
            plan: &revision.plan,
            was: BTreeMap::new(),
            blocks: BTreeSet::new(),
            course,
            paused,
            halted: None,
            waiting: None,
            carried: false,
            was_replaced: false,
            withdrawn_at: None,
            file_gone: false,
            still: Vec::new(),
            rings,
            steps: Vec::new(),
            left,
            gone: Vec::new(),
            dropped: BTreeSet::new(),
            versions,
        };
        self.plans.insert(&id.plan, line);
    }

    /// Groups, soaks and the open write belong to the account.
    fn take_account_facts(&mut self, id: &'a RolloutId, recorded: &'a Recorded) {
        let counted = match &recorded.entry.event {
            Event::WriteConfirmed { counted, .. } => Some(*counted),
            Event::WriteSettled {
                finding: Finding::Applied { .. } | Finding::Overwritten { .. }, ..
            } => Some(None),
            _ => None,
        };
        if let (Some(counted), Some(OpenWrite { intent, .. })) = (counted, &self.open) {
            self.applied.push((recorded.at, counted.or(intent.retargets).unwrap_or(intent.devices)));
        }
        match &recorded.entry.event {
            Event::WritePlanned { ring, intent } => {
                self.writes = intent.id.0;
                self.intents.insert(intent.id, ((&id.plan, ring), intent));
                self.open = Some(OpenWrite { plan: &id.plan, ring, intent, doubted_at: None, read: None });
            }
            Event::WriteCancelled { .. } | Event::WriteRefused { .. } => self.open = None,
            Event::WriteDoubted { .. } => {
                if let Some(open) = &mut self.open {
                    open.doubted_at = Some(recorded.at);
                }
            }
            Event::DoubtRead { finding, read_at, .. } => {
                if let Some(open) = &mut self.open {
                    open.read = Some((finding, *read_at));
                }
            }
            Event::WriteConfirmed { ring, group, .. }
            | Event::WriteSettled { ring, finding: Finding::Applied { group }, .. }
            | Event::RingAssigned { ring, group, .. }
            | Event::RingRecognised { ring, group, .. }
            | Event::RollbackInPlace { ring, group, .. } => {
                let open = self.open.as_ref().map(|open| &open.intent.purpose);
                let moves_out = open.is_some_and(Purpose::is_of_another_group);
                self.own(&id.plan, ring, group, moves_out);
            }
            Event::RollbackStarted { steps, .. } => {
                for (step, policy) in
                    steps.iter().flat_map(|step| step.policies.iter().map(move |at| (step, at)))
                {
                    self.held.extend(step.back.iter().map(|(environment, way)| Held {
                        plan: &id.plan,
                        policy,
                        environment: *environment,
                        version: way.from,
                    }));
                }
            }
            Event::VersionReleased { version } => {
                self.held.retain(|held| !(*held.plan == id.plan && held.version == *version));
            }
            Event::RingRenamed { renamed } => self.rename(&id.plan, renamed),
            Event::HaltLifted { cause: Cause::Drift(drift), .. }
            | Event::DriftAdopted { drift: Drift::Group(drift) } => self.accept_drift(drift),
            Event::DriftFound { drift } => {
                if let Some(owned) = self.owner(&id.plan, drift) {
                    owned.drifted = Some(drift);
                }
            }
            Event::DriftEnded { group, .. } => {
                if let Some(owned) = self.groups.get_mut(&group.id) {
                    (owned.last, owned.drifted) = (group, None);
                }
            }
            Event::RingVerified { ring, judgements } => {
                // A soak that somebody waived a gate of is no proof for a later rollout.
                let waived = |word: &Judgement| word.verdict == Verdict::Exempt(Exempt::Waived);
                if !judgements.iter().any(waived) {
                    self.note_soak(id, ring, recorded.at);
                }
            }
            _ => {}
        }
    }

    /// The number of the next rollout under a plan's name.
    pub(super) fn next_number(&self, name: &PlanName) -> u64 {
        let known = self.plans.get(name).map(|line| line.number);
        known.or_else(|| self.numbers.get(name).copied()).unwrap_or(0) + 1
    }

    /// All that was a plan's is another's.
    fn rename_plan(&mut self, id: &'a RolloutId, from: &'a PlanName) {
        let Some(mut line) = self.plans.remove(from) else { return };
        self.numbers.insert(from, line.number);
        line.versions.renumber(line.number, id.number);
        (line.number, line.carried) = (id.number, true);
        let untouched = self.plans.remove(&id.plan);
        line.paused |= untouched.as_ref().is_some_and(|untouched| untouched.paused);
        // Who refused a ring under the new name refuses the one of the same profiles.
        let same = |ring: &RingName| -> Option<&'a RingName> {
            let refused = profile_set(untouched.as_ref()?.ring_plan(ring)?);
            let mut rings = line.rings.iter().map(|ring| ring.name);
            rings.find(|name| line.ring_plan(name).is_some_and(|plan| profile_set(plan) == refused))
        };
        approved::rename(&mut self.words, (from, &id.plan), &line.revision.digest, same);
        self.plans.insert(&id.plan, line);
        let rename = |plan: &mut &'a PlanName| {
            if *plan == from {
                *plan = &id.plan;
            }
        };
        let owned = self.groups.values_mut().chain(self.lost.values_mut());
        owned.for_each(|owned| rename(&mut owned.plan));
        let lost = std::mem::take(&mut self.lost);
        self.lost = lost.into_values().map(|owned| ((owned.plan, owned.ring), owned)).collect();
        self.held.iter_mut().for_each(|held| rename(&mut held.plan));
        self.intents.values_mut().for_each(|((plan, _), _)| rename(plan));
    }

    /// Groups keep their rings under other names.
    fn rename(&mut self, plan: &PlanName, renamed: &'a BTreeMap<RingName, RingName>) {
        let owned = self.groups.values_mut().chain(self.lost.values_mut());
        for owned in owned.filter(|owned| owned.plan == plan) {
            owned.ring = renamed.get(owned.ring).unwrap_or(owned.ring);
        }
        let lost = std::mem::take(&mut self.lost);
        self.lost = lost.into_iter().map(|((plan, _), owned)| ((plan, owned.ring), owned)).collect();
        for ((_, ring), _) in self.intents.values_mut().filter(|((of, _), _)| *of == plan) {
            *ring = renamed.get(*ring).unwrap_or(ring);
        }
    }

    /// What waits, until it takes effect, is dropped, or another takes its place.
    fn take_waiting(&mut self, recorded: &'a Recorded) {
        let Some(plan) = recorded.entry.rollout.as_ref().map(|id| &id.plan) else { return };
        match &recorded.entry.event {
            Event::BlockBegun { block: Block::RevisionWaits(revision) } => {
                let same = self.waiting.get(plan).filter(|known| known.revision.digest == revision.digest);
                let (since, confirmed_at) =
                    same.map_or((recorded.at, None), |known| (known.since, known.confirmed_at));
                self.waiting.insert(plan, WaitingLine { revision, since, confirmed_at });
            }
            Event::BlockEnded { block: BlockKind::RevisionWaits | BlockKind::PlanUnstable } => {
                self.waiting.remove(plan);
            }
            Event::RevisionConfirmed { .. } => {
                if let Some(waiting) = self.waiting.get_mut(plan) {
                    waiting.confirmed_at = Some(recorded.at);
                }
            }
            Event::PlanAccepted { revision }
            | Event::PlanRevised { revision, .. }
            | Event::NewTargetWaits { revision }
                if self.waiting.get(plan).is_some_and(|known| known.revision.digest == revision.digest) =>
            {
                self.waiting.remove(plan);
            }
            _ => {}
        }
    }

    /// What profiles are moved out of stays whose it is.
    fn own(&mut self, plan: &'a PlanName, ring: &'a RingName, group: &'a Group, moves_out: bool) {
        let known = self.groups.get(&group.id).map(|owned| (owned.plan, owned.ring));
        let owner = known.filter(|_| moves_out);
        if known.is_none() {
            // It takes the place of one that is gone.
            self.lost.remove(&(plan, ring));
            self.groups.retain(|_, owned| !(owned.plan == plan && owned.ring == ring));
        }
        let (plan, ring) = owner.unwrap_or((plan, ring));
        let owned = Owned { plan, ring, last: group, left: &group.content, drifted: None };
        self.groups.insert(&group.id, owned);
    }

    /// A person, or the plan, takes a group as it is.
    fn accept_drift(&mut self, drift: &'a GroupDrift) {
        match &drift.seen {
            Some(seen) => {
                if let Some(owned) = self.groups.get_mut(&seen.id) {
                    (owned.last, owned.drifted) = (seen, None);
                }
            }
            None => {
                if let Some(owned) = self.groups.remove(&drift.expected.id) {
                    let gone = Owned { drifted: None, ..owned };
                    self.lost.insert((gone.plan, gone.ring), gone);
                }
            }
        }
    }

    /// The group that a drift is about, of a plan's own.
    fn owner(&mut self, plan: &PlanName, drift: &GroupDrift) -> Option<&mut Owned<'a>> {
        let known = self.groups.values_mut().chain(self.lost.values_mut());
        known.into_iter().find(|owned| {
            owned.plan == plan && *owned.ring == drift.ring && owned.last.id == drift.expected.id
        })
    }

    /// The groups of a plan that are on record to be written back.
    pub(super) fn drifted(&self, plan: &PlanName) -> impl Iterator<Item = &Owned<'a>> {
        let known = self.groups.values().chain(self.lost.values());
        known.filter(move |owned| owned.plan == plan && owned.drifted.is_some())
    }

    fn note_soak(&mut self, id: &RolloutId, ring: &RingName, verified_at: Timestamp) {
        let Some(line) = self.plans.get(&id.plan) else { return };
        let (Some(ring), Some(plan)) = (line.ring(ring), line.ring_plan(ring)) else { return };
        if let (Some(group), Some(policies)) = (ring.group, ring.policies) {
            let (group, policies) = (group.clone(), policies.clone());
            self.soaks.push(SoakFact { group, policies, targets: plan.targets.clone(), verified_at });
        }
    }

    fn take_into_plan(&mut self, id: &'a RolloutId, event: &'a Event, at: Timestamp) {
        let intent = self.open.as_ref().map(|open| open.intent);
        if let Event::WriteConfirmed { .. } | Event::WriteSettled { .. } = event {
            self.open = None;
        }
        let Some(plan) = self.plans.get_mut(&id.plan) else { return };
        match event {
            Event::PlanRevised { revision, dropped, .. } => {
                plan.revise(revision);
                plan.dropped = dropped.iter().collect();
                plan.keep_the_named();
            }
            Event::PlanRestricted { plan: restricted, .. } => plan.plan = restricted,
            Event::RingRenamed { renamed } => plan.rename(renamed),
            // A revision that waits is kept by its plan's name, which may have no rollout yet.
            Event::BlockBegun { block: Block::RevisionWaits(_) } => {}
            Event::BlockBegun { block } => {
                plan.blocks.insert(block.kind());
            }
            Event::BlockEnded { block } => {
                plan.blocks.remove(block);
            }
            Event::NewTargetWaits { revision } => {
                plan.waiting = Some(revision);
                plan.carried = false;
            }
            Event::NewTargetDropped {} => plan.waiting = None,
            Event::RolloutSuperseded { .. } => {
                // Nobody waits for a rollout that offers what its plan forbids by now.
                plan.was_replaced = plan.course == Course::Running && !plan.forbids_itself();
                plan.course = Course::Superseded;
            }
            Event::RolloutWithdrawn {} => {
                (plan.course, plan.waiting) = (Course::Withdrawn, None);
                plan.withdrawn_at = Some(at);
            }
            Event::PlanFileGone {} => plan.file_gone = true,
            Event::PlanFileNamed { .. } => plan.file_gone = false,
            Event::RolloutReturned {} => {
                plan.course = Course::Running;
                plan.keep_the_named();
                let gone = plan.withdrawn_at.take().unwrap_or(at);
                let unknown = plan.rings.iter_mut().flat_map(|ring| ring.unknown.values_mut());
                for (_, begun) in unknown {
                    *begun = after(*begun, since((*begun).clamp(gone, at.max(gone)), at));
                }
            }
            Event::RolloutCompleted {} => {
                plan.course = Course::Completed;
                plan.versions.completed(&plan.revision.plan.rings);
            }
            Event::RollbackStarted { steps, .. } => {
                plan.take_gone_back(event);
                // What was announced may follow it without being announced again.
                plan.course = Course::RollingBack;
                let line = |step| StepLine { step, is_begun: false, is_done: false };
                plan.steps.extend(steps.iter().map(line));
            }
            Event::RollbackCompleted {} => plan.course = Course::RolledBack,
            Event::Paused {} => plan.paused = true,
            Event::PauseLifted {} => plan.paused = false,
            Event::Halted { cause } => plan.halted = Some(cause),
            Event::HaltLifted { cause, acknowledged } => {
                plan.halted = None;
                if let Some(ring) = plan.ring_mut(cause.ring()) {
                    ring.acknowledge(cause, at);
                }
                for found in acknowledged {
                    if plan.is_of_left(found) {
                        let of_ring = |left: &&mut LeftLine<'a>| *left.ring.name == found.ring;
                        plan.left.iter_mut().filter(of_ring).for_each(|left| left.ring.accept(found, at));
                    } else if let Some(ring) = plan.ring_mut(&found.ring) {
                        ring.accept(found, at);
                    }
                }
            }
            Event::AdoptionReached { ring, .. } | Event::DevicesLeft { ring, .. }
                if plan.left_in(ring).is_some() =>
            {
                if let Some(left) = plan.left_in_mut(ring) {
                    left.ring.take(event, intent, at);
                }
            }
            event => {
                if let Event::WritePlanned { intent, .. } = event {
                    plan.versions.planned(id.number, intent);
                }
                plan.step(event);
                if let Some(ring) = event.ring().and_then(|name| plan.ring_mut(name)) {
                    ring.take(event, intent, at);
                }
                if let Event::WritePlanned { .. } = event {
                    plan.take_turns_back();
                }
            }
        }
    }
}

impl<'a> RingLine<'a> {
    fn acknowledge(&mut self, cause: &Cause, at: Timestamp) {
        match cause {
            Cause::AdoptionMissed { .. } => self.deadline_from = Some(at),
            Cause::UnknownTooLong { why: Unknown::ReadFails, .. } => {
                self.unread.clear();
                self.restoring.unread.clear();
                self.back.unread.clear();
            }
            Cause::UnknownTooLong { gate, environment, .. } => {
                if let Some((_, since)) = self.unknown.get_mut(&(*gate, *environment)) {
                    *since = at;
                }
            }
            Cause::WriteRefused { .. } | Cause::WritesKeepFailing { .. } => {
                self.failures = 0;
                self.refused = None;
                (self.restoring.failures, self.restoring.refused) = (0, None);
                (self.back.failures, self.back.refused, self.rounds) = (0, None, 0);
                self.back.unread.clear();
                self.unread.clear();
                self.restoring.unread.clear();
            }
            // What was found stands in the event.
            Cause::Unhealthy { .. } | Cause::Drift(_) | Cause::OtherUpdater(_) | Cause::Forbidden { .. } => {}
        }
    }

    pub(super) fn accept(&mut self, found: &'a Acknowledged, at: Timestamp) {
        let of = (found.gate, found.environment);
        self.accepted.entry(of).or_default().extend(found.devices.iter().map(|device| (device, at)));
        if let Some((_, since)) = self.unknown.get_mut(&of) {
            *since = at;
        } else if found.gate == Gate::Adoption && self.place == Place::Adopting {
            self.deadline_from = Some(at);
        }
    }

    fn take(&mut self, event: &'a Event, intent: Option<&'a WriteIntent>, at: Timestamp) {
        if let Some(origin) = self.origin {
            return self.take_restoring(origin, event, intent, at);
        }
        match event {
            Event::WritePlanned { intent, .. } if intent.purpose.is_of_any_stage() => {
                // What its gates cannot tell, they still cannot afterwards.
                self.origin = Some(self.place);
                // What is put back is offered nothing new: the ring stays where it is.
                if !matches!(intent.purpose, Purpose::PutBack { .. }) {
                    self.place = Place::Deploying;
                }
            }
            Event::RingReached { .. } => {
                self.go(Place::Entering);
                (self.doubted, self.failures, self.refused) = (false, 0, None);
                self.unread.clear();
            }
            Event::RingRecognised { group, soak, .. } => {
                self.nothing_between();
                self.go(Place::Verified);
                self.assign(group, &soak.policies);
            }
            Event::RingAssigned { group, .. } => {
                self.nothing_between();
                self.go(Place::Adopting);
                self.assign(group, &group.content.policies);
                // The group may have offered this for long; the ring's own time begins here.
                self.deadline_from = Some(at);
            }
            Event::WritePlanned { .. } => self.go(Place::Deploying),
            Event::WriteDoubted { .. } => self.doubted = true,
            Event::WriteCancelled { why, .. } => {
                self.go(Place::Entering);
                self.failures += u32::from(failed(why));
                note_unread(&mut self.unread, why, at);
            }
            Event::WriteRefused { status, .. } => {
                self.go(Place::Entering);
                self.failures += 1;
                self.refused = Some(*status);
                self.unread.clear();
            }
            Event::WriteConfirmed { group, .. }
            | Event::WriteSettled { finding: Finding::Applied { group }, .. } => self.applied(group, intent),
            Event::WriteSettled { .. } => {
                self.go(Place::Entering);
                self.failures += 1;
                self.unread.clear();
            }
            Event::AdoptionReached { .. } => {
                self.go(Place::Soaking);
                self.adopted_at = Some(at);
            }
            Event::RingVerified { .. } => self.go(Place::Verified),
            Event::RingLetGo { .. } => {
                self.waived.insert(Gate::Ring, at);
            }
            Event::RollbackInPlace { group, .. } => {
                self.go(Place::RollingBack);
                self.assign(group, &group.content.policies);
                self.back_since = Some(at);
            }
            Event::RingRolledBack { .. } => self.go(Place::RolledBack),
            Event::DevicesLeft { environment, left, .. } => {
                self.left.insert(*environment, *left);
            }
            Event::GateUnknown { gate, environment, why, .. } => {
                let begun = self.unknown.get(&(*gate, *environment)).map_or(at, |(_, begun)| *begun);
                self.unknown.insert((*gate, *environment), (*why, begun));
            }
            Event::GateKnown { gate, environment, .. } => {
                self.unknown.remove(&(*gate, *environment));
            }
            Event::GateWaived { gate, .. } => {
                self.waived.insert(*gate, at);
            }
            _ => {}
        }
    }

    /// What becomes of a ring while its group is written back.
    fn take_restoring(
        &mut self,
        origin: Place,
        event: &'a Event,
        intent: Option<&'a WriteIntent>,
        at: Timestamp,
    ) {
        if intent.is_some_and(|intent| matches!(intent.purpose, Purpose::PutBack { .. })) {
            return self.take_put_back(origin, event, at);
        }
        let goes_back = intent.is_some_and(|intent| matches!(intent.purpose, Purpose::Rollback { .. }));
        let tries = &mut self.restoring;
        match event {
            Event::WriteDoubted { .. } => {
                tries.doubted = true;
                return;
            }
            Event::WriteCancelled { why, .. } => {
                tries.failures += u32::from(failed(why));
                note_unread(&mut tries.unread, why, at);
            }
            Event::WriteRefused { status, .. } => {
                tries.failures += 1;
                tries.refused = Some(*status);
                tries.unread.clear();
            }
            Event::WriteConfirmed { group, .. }
            | Event::WriteSettled { finding: Finding::Applied { group }, .. } => {
                (tries.failures, tries.refused) = (0, None);
                tries.unread.clear();
                tries.done += u32::from(!goes_back);
                self.origin = None;
                self.place = origin;
                if let (true, Some(intent)) = (goes_back, intent) {
                    self.go(Place::RollingBack);
                    self.assign(group, &intent.policies);
                    self.back_since = Some(at);
                    return;
                }
                if let (true, Some(intent)) = (self.is_entered(), intent) {
                    self.go(Place::Adopting);
                    self.assign(group, &intent.policies);
                }
                return;
            }
            Event::WriteSettled { .. } => {
                tries.failures += 1;
                tries.unread.clear();
            }
            Event::GateWaived { gate, .. } => {
                self.waived.insert(*gate, at);
                return;
            }
            _ => return,
        }
        self.origin = None;
        self.place = origin;
    }

    fn nothing_between(&mut self) {
        self.between.clear();
        (self.back, self.rounds) = (Tries::default(), 0);
    }

    /// What becomes of a ring while profiles are put back that were taken out for it: nothing.
    fn take_put_back(&mut self, origin: Place, event: &'a Event, at: Timestamp) {
        match event {
            Event::WriteDoubted { .. } => {
                self.back.doubted = true;
                return;
            }
            Event::GateWaived { gate, .. } => {
                self.waived.insert(*gate, at);
                return;
            }
            Event::WriteConfirmed { group, .. }
            | Event::WriteSettled { finding: Finding::Applied { group }, .. } => {
                self.between.remove(&group.id);
                self.back = Tries { doubted: self.back.doubted, ..Tries::default() };
                self.rounds += 1;
                if origin == Place::Entering {
                    self.failures = (self.failures + 1).max(self.rounds);
                }
            }
            Event::WriteCancelled { why, .. } => {
                self.back.failures += u32::from(failed(why));
                note_unread(&mut self.back.unread, why, at);
            }
            Event::WriteRefused { status, .. } => {
                (self.back.failures, self.back.refused) = (self.back.failures + 1, Some(*status));
                self.back.unread.clear();
            }
            Event::WriteSettled { .. } => {
                self.back.failures += 1;
                self.back.unread.clear();
            }
            _ => return,
        }
        self.origin = None;
        self.place = origin;
    }

    fn applied(&mut self, group: &'a Group, intent: Option<&'a WriteIntent>) {
        match intent.map(|intent| (&intent.purpose, intent)) {
            Some((Purpose::MoveOut { .. }, intent)) => {
                if let Some(before) = &intent.before {
                    let out = before.content.policies.difference(&intent.after.policies);
                    self.between.entry(&before.id).or_default().extend(out);
                }
                self.go(Place::Entering);
                (self.failures, self.refused) = (0, None);
                self.unread.clear();
            }
            Some((
                Purpose::Target | Purpose::PutBack { .. } | Purpose::Restore | Purpose::Rollback { .. },
                intent,
            )) => {
                self.nothing_between();
                self.go(Place::Adopting);
                self.assign(group, &intent.policies);
            }
            None => self.go(Place::Adopting),
        }
    }
}

/// Whether two plans move a ring to the same versions, and the same profiles.
pub(super) fn same_offer(old: &RingPlan, new: &RingPlan) -> bool {
    let sorted = |ring: &RingPlan| {
        let mut profiles = ring.profiles.clone();
        profiles.sort();
        profiles
    };
    old.targets == new.targets && sorted(old) == sorted(new)
}

fn speaks_of_health(event: &Event) -> bool {
    let health = |gate: &Gate| matches!(gate, Gate::Stalled | Gate::Dark);
    match event {
        Event::RingVerified { judgements, .. } => judgements.iter().any(|word| health(&word.gate)),
        Event::GateUnknown { gate, .. } | Event::GateWaived { gate, .. } => health(gate),
        Event::Halted { cause: Cause::Unhealthy { .. } } => true,
        Event::HaltLifted { acknowledged, .. } => acknowledged.iter().any(|found| health(&found.gate)),
        _ => false,
    }
}

/// Takes down that the read before a write failed, or that it did not.
fn note_unread(unread: &mut Vec<Timestamp>, why: &Cancelled, at: Timestamp) {
    match why {
        Cancelled::ReadFailed { .. } => unread.push(at),
        Cancelled::Ending => {}
        _ => unread.clear(),
    }
}

/// Whether a cancelled write counts towards those that came to nothing: what overtook it was not
/// of ringward's or a person's own making, and it was not only a read that failed.
fn failed(why: &Cancelled) -> bool {
    match why {
        Cancelled::Stopped
        | Cancelled::Held
        | Cancelled::OpeningClosed
        | Cancelled::FreezeBegun
        | Cancelled::PlanChanged
        | Cancelled::Blocked { .. }
        | Cancelled::Forbidden { .. }
        | Cancelled::RolledBack
        | Cancelled::HeldOut { .. }
        | Cancelled::ApprovalVoid { .. }
        | Cancelled::ReadFailed { .. }
        | Cancelled::ClockBehind
        | Cancelled::ClockDiffers { .. }
        | Cancelled::Ending => false,
        Cancelled::ConcurrentEdit
        | Cancelled::GroupGone
        | Cancelled::GroupInTheWay
        | Cancelled::TooManyDevices { .. }
        | Cancelled::TooManyToday { .. }
        | Cancelled::Unreadable { .. }
        | Cancelled::NotSent { .. }
        | Cancelled::RateLimited => true,
    }
}
