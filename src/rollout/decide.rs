//! The decision: one ladder, top wins, run until it has nothing to add.
//!
//! **Invariant:** pure; the same plan, state, world and `now` give the same events, and deciding
//! again on what they lead to adds nothing (law 10).

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::ids::PlanName;
use crate::plan::model::RingPlan;
use crate::rollout::approval;
use crate::rollout::between;
use crate::rollout::block::{BlockKind, Step};
use crate::rollout::drift;
use crate::rollout::dropped;
use crate::rollout::entering::{Entering, MAX_ATTEMPTS, entering};
use crate::rollout::event::{Cause, Entry, Event, Mode, Recorded};
use crate::rollout::gate::{self, Subject};
use crate::rollout::report::{self, Report};
use crate::rollout::rollback;
use crate::rollout::shrink;
use crate::rollout::state::{
    Attempts, IllegalEvent, Phase, PlanState, Refusal, Ring, Rollout, Soak, Stage, State, Superseded,
};
use crate::rollout::verdict::{Gate, Judgement, Unknown, Verdict};
use crate::rollout::world::{Desired, Observations, Want};
use crate::rollout::{lifecycle, outcome, reads, superseded, unsettled};
use crate::time::{SignedDuration, Timestamp, since};

/// Steps that one decision may take. A rollout of 100 rings that are all recognised takes 201.
const MAX_STEPS: usize = 1_000;

/// What a decision comes to.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an unread decision moves nothing and explains nothing"]
pub struct Decision {
    /// To be appended to the log, in order, before anything else happens.
    pub entries: Vec<Entry>,
    /// Why the rollout is where it is; `None` while the plan has none.
    pub report: Option<Report>,
    /// What to read, and when.
    pub reads: Vec<Want>,
    /// When to decide again at the latest, should nothing happen before.
    pub wake_at: Option<Timestamp>,
}

/// Decides what follows for one plan.
///
/// # Errors
/// When an event that the ladder made does not fit the state: a fault in ringward, which stops
/// this plan and no other.
pub fn decide(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Result<Decision, IllegalEvent> {
    decided(name, desired, state, world, now, |context, reads| Some(report::report(context, reads)))
}

/// The same decision without its report, which counts every device: for runs that nobody reads.
///
/// # Errors
/// As [`decide`].
pub fn decide_unreported(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Result<Decision, IllegalEvent> {
    decided(name, desired, state, world, now, |_, _| None)
}

fn decided(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
    tell: fn(&Context<'_>, &[Want]) -> Option<Report>,
) -> Result<Decision, IllegalEvent> {
    let mut state = Cow::Borrowed(state);
    let mut entries = Vec::new();
    for _ in 0..MAX_STEPS {
        let context = Context::of(name, desired, &state, world, now);
        let noted = unsettled::note(name, desired, &state, world, now);
        let next = || ladder(name, desired, (&state, world), context.as_ref(), now);
        let step = if noted.is_empty() { next() } else { noted };
        if step.is_empty() {
            return Ok(Decision::new(entries, context.as_ref(), tell));
        }
        for entry in step {
            let state = state.to_mut();
            let at = state.last_at.map_or(now, |last| last.max(now));
            state.apply(&Recorded { seq: state.seq + 1, at, entry: entry.clone() })?;
            entries.push(entry);
        }
    }
    Ok(Decision::new(entries, Context::of(name, desired, &state, world, now).as_ref(), tell))
}

/// What is to be read and why the rollout is where it is, without deciding anything: for a daemon that
/// cannot record what it would decide.
pub fn look(
    name: &PlanName,
    desired: Desired<'_>,
    state: &State,
    world: &Observations,
    now: Timestamp,
) -> Decision {
    Decision::new(Vec::new(), Context::of(name, desired, state, world, now).as_ref(), |context, reads| {
        Some(report::report(context, reads))
    })
}

impl Decision {
    fn new(
        entries: Vec<Entry>,
        context: Option<&Context<'_>>,
        tell: fn(&Context<'_>, &[Want]) -> Option<Report>,
    ) -> Self {
        let reads = context.map(reads::wants).unwrap_or_default();
        let report = context.and_then(|context| tell(context, &reads));
        let wake_at = context.and_then(|context| reads::wake_at(context, &reads));
        Self { entries, report, reads, wake_at }
    }
}

/// Everything that a rung looks at.
#[derive(Debug, Clone)]
pub(super) struct Context<'a> {
    pub(super) name: &'a PlanName,
    pub(super) desired: Desired<'a>,
    pub(super) state: &'a State,
    pub(super) plan: &'a PlanState,
    pub(super) rollout: &'a Rollout,
    pub(super) world: &'a Observations,
    pub(super) now: Timestamp,
    judged: OnceCell<Vec<Vec<Judgement>>>,
    blocked: OnceCell<Vec<BlockKind>>,
    left: OnceCell<Vec<Vec<Judgement>>>,
    enters: OnceCell<Option<Entering>>,
}

impl<'a> Context<'a> {
    pub(super) fn of(
        name: &PlanName,
        desired: Desired<'a>,
        state: &'a State,
        world: &'a Observations,
        now: Timestamp,
    ) -> Option<Self> {
        let (name, plan) = state.plans.get_key_value(name)?;
        Some(Self {
            name,
            desired,
            state,
            plan,
            rollout: &plan.rollout,
            world,
            now,
            judged: OnceCell::new(),
            blocked: OnceCell::new(),
            left: OnceCell::new(),
            enters: OnceCell::new(),
        })
    }

    /// What the gates of a ring say that matter where it is. Counting devices is most of the work of
    /// a decision and all rungs ask, so each ring is judged once.
    pub(super) fn judged(&self, ring: &Ring) -> &[Judgement] {
        let rings = || self.rollout.rings_with_plans();
        let judged = self
            .judged
            .get_or_init(|| rings().map(|(ring, plan)| gate::judge(self.subject(ring, plan))).collect());
        let index = rings().position(|(known, _)| known.name == ring.name);
        index.and_then(|index| judged.get(index)).map_or(&[], Vec::as_slice)
    }

    /// What earlier rollouts left on offer, with what its gates say.
    pub(super) fn left(&self) -> impl Iterator<Item = (&'a Superseded, &Vec<Judgement>)> {
        self.plan.superseded.iter().zip(self.left.get_or_init(|| superseded::judge(self)))
    }

    /// The gates that must advance for the ring to go on from where it is. A ring that adopts is
    /// judged by its health as well, which holds up its soak's end and not its begin.
    pub(super) fn leaving(&self, ring: &Ring) -> impl Iterator<Item = &Judgement> {
        let adopts = matches!(ring.stage, Stage::Adopting(_));
        let verified = matches!(ring.stage, Stage::Verified(_));
        let counts = move |judgement: &&Judgement| !(verified || adopts && judgement.gate.is_of_health());
        self.judged(ring).iter().filter(counts)
    }

    /// What the health gates of entered rings cannot tell, or fail for: nothing is written before. A
    /// verified ring in which silent devices cannot be looked for any more is no proof either.
    pub(super) fn ailing(&self) -> impl Iterator<Item = (&'a Ring, &Judgement)> {
        let ails = |ring: &Ring, judgement: &Judgement| match judgement.verdict {
            Verdict::Fail(_) | Verdict::Unknown(_) => judgement.gate.is_of_health(),
            Verdict::Wait(_) => {
                let looked = judgement.environment.is_some_and(|at| ring.looked.contains(&at));
                judgement.gate == Gate::Dark && looked
            }
            Verdict::Pass | Verdict::Exempt(_) => false,
        };
        self.rollout.rings.iter().flat_map(move |ring| {
            let ailing = self.judged(ring).iter().filter(move |judgement| ails(ring, judgement));
            ailing.map(move |judgement| (ring, judgement))
        })
    }

    /// What stands before every step, in the order of the table.
    fn blocks(&self) -> &[BlockKind] {
        self.blocked.get_or_init(|| {
            let Self { name, desired, state, plan, world, now, .. } = *self;
            let stands = [
                (BlockKind::Stopped, state.stop.is_some()),
                (BlockKind::LogUnwritable, world.log_unwritable.is_some()),
                (BlockKind::ClockBehind, world.clock_behind.is_some()),
                (BlockKind::ClockDoubted, world.second_clock.in_the_way(now).is_some()),
                (BlockKind::Paused, plan.paused.is_some()),
                (BlockKind::Halted, plan.rollout.halted.is_some()),
            ];
            let held = stands.into_iter().filter(|(_, stands)| *stands).map(|(kind, _)| kind);
            let mut kinds: Vec<BlockKind> =
                held.chain(unsettled::standing(name, plan, desired, state, world, now)).collect();
            kinds.sort_unstable();
            kinds
        })
    }

    /// What makes a step wait, whatever the gates say.
    pub(super) fn stopping(&self, step: Step) -> impl Iterator<Item = BlockKind> {
        self.blocks().iter().copied().filter(move |kind| kind.stops(step))
    }

    pub(super) fn is_held(&self) -> bool {
        self.state.stop.is_some() || self.plan.paused.is_some() || self.rollout.halted.is_some()
    }

    pub(super) fn subject<'b>(&self, ring: &'b Ring, plan: &'b RingPlan) -> Subject<'b>
    where
        'a: 'b,
    {
        Subject { state: self.state, rollout: self.rollout, ring, plan, world: self.world, now: self.now }
    }

    /// The first ring that is not verified.
    pub(super) fn current(&self) -> Option<(&'a Ring, &'a RingPlan)> {
        self.rollout.rings_with_plans().find(|(ring, _)| !matches!(ring.stage, Stage::Verified(_)))
    }

    /// What entering the ring comes to whose turn it is: the ladder asks, and the report after it. `None`:
    /// no ring waits to be entered.
    pub(super) fn entering(&self) -> Option<&Entering> {
        let entering = || {
            let (ring, plan) = self.current()?;
            let Stage::Entering(attempts) = &ring.stage else { return None };
            Some(entering(self, ring, plan, attempts, self.judged(ring).to_vec()))
        };
        self.enters.get_or_init(entering).as_ref()
    }

    pub(super) fn entry(&self, reason: impl Into<String>, event: Event) -> Vec<Entry> {
        vec![Entry::engine(&self.rollout.id, reason, event)]
    }
}

/// What a rung of the ladder has to add.
type Rung = fn(&Context<'_>) -> Vec<Entry>;

/// The ladder: the first rung with something to say wins. Holds and stops block what writes and
/// what verifies, never what sees: doubt, halts, unknowns and soak clocks go on. While a write has no
/// outcome nothing else is begun, and what the rings' gates say counts all the same: a halt keeps a
/// write back that is not sent yet, and a doubt may last for days.
fn ladder(
    name: &PlanName,
    desired: Desired<'_>,
    (state, world): (&State, &Observations),
    context: Option<&Context<'_>>,
    now: Timestamp,
) -> Vec<Entry> {
    let takes = unsettled::takes(name, desired, state, world, now);
    let lifecycle = || lifecycle::step(name, desired, state, takes, now);
    let Some(context) = context else { return lifecycle() };
    let goes_back = context.rollout.phase == Phase::RollingBack;
    if context.rollout.pending_write().is_some() {
        let rungs: &[Rung] = if goes_back { &[settle] } else { &[settle, note_unknown, halt] };
        return first(context, rungs);
    }
    // A profile that is in no group comes first; while it stays there, what sees goes on and nothing begins.
    if let Some(found) = between::between(context) {
        let seen =
            if goes_back { Vec::new() } else { first(context, &[drift::rungs::note, note_unknown, halt]) };
        let step = match seen.is_empty() {
            false => seen,
            true if between::goes_in(context, found) => enter_ring(context),
            true => between::put_back(context, found),
        };
        return match (step.is_empty(), goes_back) {
            (false, _) => step,
            // A person's rollback waits for nothing that waits itself; over it is once that is done.
            (true, true) => first(context, &[halt_writes, rollback::rungs::step]),
            (true, false) => drift::restore::write_back(context),
        };
    }
    // It goes back on a person's word: no plan file and no gate has a say in it.
    if goes_back {
        return first(context, &[halt_writes, rollback::rungs::step, rollback::rungs::complete]);
    }
    let changed = lifecycle();
    if !changed.is_empty() || context.rollout.phase != Phase::Running {
        return changed;
    }
    let rungs: [Rung; 12] = [
        drift::rungs::note,
        // What is gone for good is no cause to halt.
        dropped::let_go,
        // Before the halt: what a gate could not tell an hour ago is no cause once it can.
        note_unknown,
        halt,
        note_leavers,
        leave_ring,
        drift::restore::write_back,
        reach_ring,
        superseded::note_adopted,
        approval::ask,
        enter_ring,
        complete,
    ];
    first(context, &rungs)
}

/// What the first of these rungs adds that has something to say.
fn first(context: &Context<'_>, rungs: &[Rung]) -> Vec<Entry> {
    rungs.iter().map(|rung| rung(context)).find(|entries| !entries.is_empty()).unwrap_or_default()
}

fn settle(context: &Context<'_>) -> Vec<Entry> {
    outcome::settle(context.rollout, context.world).into_iter().collect()
}

/// Halts for writes alone: what takes a rollout back asks nothing else.
fn halt_writes(context: &Context<'_>) -> Vec<Entry> {
    let Some(turn) = rollback::rungs::turn(context) else { return Vec::new() };
    match came_to_nothing(turn.ring, &turn.ring.restoring.attempts) {
        Some(cause) if context.rollout.halted.is_none() => {
            context.entry(cause.to_string(), Event::Halted { cause })
        }
        _ => Vec::new(),
    }
}

/// Halts for drift, a refused or ever failing write, a failing gate, or too long an unknown.
fn halt(context: &Context<'_>) -> Vec<Entry> {
    if context.rollout.halted.is_some() {
        return Vec::new();
    }
    let unhealthy = || failing(context).or_else(|| superseded::failing(context));
    let forbidden = forbidden(context).or_else(|| drift::rungs::halting(context));
    match forbidden.or_else(unhealthy).or_else(|| unknown_too_long(context)) {
        Some(cause) => context.entry(cause.to_string(), Event::Halted { cause }),
        None => Vec::new(),
    }
}

/// That the plan forbids what the rollout offers or is about to offer.
fn forbidden(context: &Context<'_>) -> Option<Cause> {
    let (ring, version, forbid) = context.rollout.forbidden()?;
    let asked = context.rollout.rings_with_plans().filter(|(_, plan)| plan.asks_for(version));
    let offered = asked.map(|(ring, plan)| {
        let scope = gate::known_scope(ring, plan, context.world).filter(|_| ring.stage.assigned().is_some());
        let devices = scope.map_or(0, |scope| context.world.fleet.census(&scope, context.now).eligible());
        (ring.name.clone(), devices)
    });
    let (ring, reason) = (ring.name.clone(), forbid.reason.clone());
    Some(Cause::Forbidden { ring, version, reason, offered: offered.collect() })
}

fn failing(context: &Context<'_>) -> Option<Cause> {
    context.rollout.rings.iter().find_map(|ring| {
        let entering = match &ring.stage {
            Stage::Entering(attempts) => Some(attempts),
            _ => None,
        };
        let writing = entering.into_iter().chain([&ring.between.back, &ring.restoring.attempts]);
        if let Some(cause) = writing.into_iter().find_map(|attempts| came_to_nothing(ring, attempts)) {
            return Some(cause);
        }
        let failing = |judgement: &&Judgement| matches!(judgement.verdict, Verdict::Fail(_));
        let failed = context.judged(ring).iter().find(failing)?;
        let (name, judgement) = (ring.name.clone(), Box::new(failed.clone()));
        if !failed.gate.is_of_health() {
            return Some(Cause::AdoptionMissed { ring: name, judgement });
        }
        let plan = context.rollout.ring_plan(&ring.name)?;
        let devices = gate::health::failing_devices(context.subject(ring, plan), failed);
        Some(Cause::Unhealthy { ring: name, judgement, devices })
    })
}

/// Why writes for a ring need a person, if they do.
fn came_to_nothing(ring: &Ring, attempts: &Attempts) -> Option<Cause> {
    let ring = ring.name.clone();
    match attempts {
        Attempts { failed, last: Some(last), .. } if *failed >= MAX_ATTEMPTS => {
            Some(Cause::WritesKeepFailing { ring, attempts: *failed, last: last.clone() })
        }
        Attempts { refused: Some(Refusal { status, message }), .. } => {
            Some(Cause::WriteRefused { ring, status: *status, message: message.clone() })
        }
        _ => None,
    }
}

fn unknown_too_long(context: &Context<'_>) -> Option<Cause> {
    // Nobody judges the ring that a write is under way for; what its gates could not tell before is old.
    let judged = |(ring, _): &(&Ring, &RingPlan)| !matches!(ring.stage, Stage::Deploying(_));
    context.rollout.rings_with_plans().filter(judged).find_map(|(ring, plan)| {
        let limit = plan.unknown_after.get();
        if let Some(since) = unread_too_long(ring, limit) {
            let (ring, gate, why) = (ring.name.clone(), Gate::Fleet, Unknown::ReadFails);
            return Some(Cause::UnknownTooLong { ring, gate, environment: None, why, since });
        }
        let ((gate, environment), unknown) =
            ring.unknown.iter().find(|(_, unknown)| since(unknown.since, context.now) >= limit)?;
        Some(Cause::UnknownTooLong {
            ring: ring.name.clone(),
            gate: *gate,
            environment: *environment,
            why: unknown.why,
            since: unknown.since,
        })
    })
}

/// Since when the read before each write of a ring fails, if that is too long.
fn unread_too_long(ring: &Ring, limit: SignedDuration) -> Option<Timestamp> {
    let entering = match &ring.stage {
        Stage::Entering(attempts) => attempts.reads.as_ref(),
        _ => None,
    };
    let restoring = [&ring.between.back, &ring.restoring.attempts].into_iter();
    let reads = entering.into_iter().chain(restoring.filter_map(|attempts| attempts.reads.as_ref()));
    reads.into_iter().find(|reads| since(reads.since, reads.until) >= limit).map(|reads| reads.since)
}

/// Records which gates cannot tell and why, and which can again: the clock of `unknown_after`.
fn note_unknown(context: &Context<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for ring in &context.rollout.rings {
        for judgement in context.judged(ring) {
            let noted = ring.unknown.get(&(judgement.gate, judgement.environment)).map(|noted| noted.why);
            let (ring, gate, environment) = (ring.name.clone(), judgement.gate, judgement.environment);
            match (&judgement.verdict, noted) {
                (Verdict::Unknown(why), noted) if noted != Some(*why) => {
                    let event = Event::GateUnknown { ring, gate, environment, why: *why };
                    entries.extend(context.entry(judgement.to_string(), event));
                }
                (Verdict::Unknown(_), _) | (_, None) => {}
                (_, Some(_)) => {
                    let event = Event::GateKnown { ring, gate, environment };
                    entries.extend(context.entry(judgement.to_string(), event));
                }
            }
        }
        // People are asked by the plan, and by how many devices there are: the question may go away.
        let asked = context.judged(ring).iter().any(|judgement| judgement.gate == Gate::Approval);
        if !asked && ring.unknown.contains_key(&(Gate::Approval, None)) {
            let event = Event::GateKnown { ring: ring.name.clone(), gate: Gate::Approval, environment: None };
            entries.extend(context.entry("nobody is asked to approve it any more", event));
        }
    }
    entries
}

/// Records who left an entered ring before anything rests on the smaller counts.
fn note_leavers(context: &Context<'_>) -> Vec<Entry> {
    let entry = |ring: &Ring, plan: &RingPlan, word: &Judgement| {
        let event = shrink::untold(ring, plan, word)?;
        let Event::DevicesLeft { left, before, of, .. } = event else { return None };
        let reason = format!("{left} of {of} devices have left, and {before} had before; the others: {word}");
        Some(Entry::engine(&context.rollout.id, reason, event))
    };
    let rings = context.rollout.rings_with_plans();
    rings
        .flat_map(|(ring, plan)| context.judged(ring).iter().filter_map(move |word| entry(ring, plan, word)))
        .collect()
}

/// Each ring's exit gates: adoption starts the soak, the soak verifies. Most times one ring is under
/// way; while an earlier one is written back and adopts anew, a later one goes on.
fn leave_ring(context: &Context<'_>) -> Vec<Entry> {
    let left = context.rollout.rings.iter().map(|ring| leave(context, ring));
    left.into_iter().find(|entries| !entries.is_empty()).unwrap_or_default()
}

fn leave(context: &Context<'_>, ring: &Ring) -> Vec<Entry> {
    let judgements: Vec<Judgement> = context.leaving(ring).cloned().collect();
    if judgements.is_empty() || !judgements.iter().all(|judgement| judgement.verdict.advances()) {
        return Vec::new();
    }
    let name = ring.name.clone();
    let barred = || drift::rungs::bars(context).iter().any(|bar| *bar.ring() == ring.name);
    match &ring.stage {
        Stage::Adopting(_) => context
            .entry("every environment adopted its target", Event::AdoptionReached { ring: name, judgements }),
        Stage::Soaking(_, Soak { .. }) if context.stopping(Step::Proof).next().is_none() && !barred() => {
            context.entry("every exit gate advances", Event::RingVerified { ring: name, judgements })
        }
        _ => Vec::new(),
    }
}

fn reach_ring(context: &Context<'_>) -> Vec<Entry> {
    match context.current() {
        Some((ring, _)) if ring.stage == Stage::Pending && drift::rungs::bars(context).is_empty() => {
            context.entry("every earlier ring is verified", Event::RingReached { ring: ring.name.clone() })
        }
        _ => Vec::new(),
    }
}

fn enter_ring(context: &Context<'_>) -> Vec<Entry> {
    let Some(((ring, _), entering)) = context.current().zip(context.entering()) else { return Vec::new() };
    match entering.clone() {
        Entering::Blocked(_) => Vec::new(),
        Entering::Recognised(event) => {
            context.entry("the ring soaked on these targets before and still has them", event)
        }
        Entering::InPlace(event) => context.entry("the group already offers the targets", event),
        // Observing: the report says what would be written.
        Entering::Write(_) if context.state.mode == Some(Mode::Observe) => Vec::new(),
        Entering::Write(intent) => {
            let event = Event::WritePlanned { ring: ring.name.clone(), intent };
            context.entry("every entry gate advances", event)
        }
    }
}

fn complete(context: &Context<'_>) -> Vec<Entry> {
    // A hold ends by a person's word, and not by an edit that leaves nothing to do.
    if context.stopping(Step::Proof).next().is_some() {
        return Vec::new();
    }
    if context.current().is_some() || !drift::rungs::bars(context).is_empty() {
        return Vec::new();
    }
    context.entry("every ring is verified", Event::RolloutCompleted {})
}
