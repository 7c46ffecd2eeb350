//! Every cell of the table of verbs, through the HTTP API: each situation is a log, and what a
//! verb then answers and appends must be what the table says.
//!
//! **Invariant:** a situation is left out only where no log leads to it, and the state machine
//! itself says so.

mod clock;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{self, Method};
use ringward::daemon::Handle;
use ringward::daemon::view::{Asking, DaemonRequest, View};
use ringward::ids::{GroupId, PolicyId};
use ringward::plan::model::{Forbid, PlanDigest, Revision};
use ringward::rollout::people;
use ringward::rollout::people::answer::command;
use ringward::rollout::people::command::Command;
use ringward::rollout::people::done::done;
use ringward::rollout::people::look::is_as_read;
use ringward::rollout::people::seen::{ReadBefore, Seen};
use ringward::rollout::people::verbs::about::About;
use ringward::rollout::people::verbs::definition::Vote;
use ringward::rollout::people::verbs::effect::Effect;
use ringward::rollout::people::verbs::refused::Refused;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::people::verbs::situation::{
    Claim, IsBlocked, Named, Offered, PauseOrHalt, RingSituation, RollbackTargets, Waits, Waived, Writes,
};
use ringward::rollout::people::verbs::table::Cell;
use ringward::rollout::people::verbs::verb::Verb;
use ringward::rollout::people::verbs::{rows, table};
use ringward::rollout::record::Gate;
use ringward::rollout::record::Role;
use ringward::rollout::record::{
    Actor, Block, Cause, Entry, Event, Ground, HowBack, Purpose, Recorded, RollbackStep, RollbackTarget,
    RolloutId, Trigger, WaitingRevision, WaitsFor, WriteId, WriteIntent,
};
use ringward::rollout::record::{Group, GroupContent, Member, Standing, VersionEntry};
use ringward::rollout::state::{Phase, State};
use ringward::rollout::tell::decision::look;
use ringward::rollout::world::Approvers;
use ringward::rollout::world::{Desired, Known, Observations, Observed};
use ringward::telemetry::Metrics;
use ringward::time::Clock;
use ringward::version::Environment;
use ringward::web::json::VerbAnswer;
use ringward::web::{Peer, Services, router};
use tokio::sync::{mpsc, watch};

use super::identity::credentials::{bearer, tokens};
use super::world::{at, plan, report, ring, stopped, view};
use super::{Answer, as_read, ask, decide, get, send};

const PLAN: &str = "\
plan: client
versions: {windows: 2026.8.2100.0}
defaults: {rollback_to: {windows: 2026.7.1376.0}}
rings:
  - {name: First, profiles: [Engineering]}
  - {name: Second, profiles: [IT]}
";
const SINCE: &str = "2026-10-12T09:00:00Z";

/// All that a cell can depend on.
#[derive(Debug, Clone, Copy)]
struct Situation {
    phase: Phase,
    holds: PauseOrHalt,
    writes: Writes,
    /// Where `First` is; the ring after it stays pending.
    place: RingSituation,
    waived: Option<Gate>,
    /// Whether the plan's file names `First`.
    named: Named,
}

/// What is asked in a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Pause,
    Resume,
    Waive(Gate),
    Rollback,
    Unblock,
    CheckNow,
    Stop,
    Start(StartPlans),
}

fn situations() -> Vec<Situation> {
    let mut all = Vec::new();
    for phase in Phase::ALL {
        for holds in PauseOrHalt::ALL {
            for writes in Writes::ALL {
                for place in RingSituation::ALL {
                    let waivers = Gate::ALL.into_iter().map(Some).chain([None]);
                    // The file of a plan that is withdrawn names nothing.
                    let named = Named::of(phase == Phase::Withdrawn);
                    let of = |waived| Situation { phase, holds, writes, place, waived, named };
                    all.extend(waivers.map(of));
                }
            }
        }
    }
    all.extend(dropped());
    all
}

/// The plan's file dropped `First`, which keeps its place until it is verified.
fn dropped() -> impl Iterator<Item = Situation> {
    let (phase, holds, writes, named) = (Phase::Running, PauseOrHalt::Free, Writes::Allowed, Named::NoMore);
    let places = [
        RingSituation::Writing,
        RingSituation::OutcomeUnknown,
        RingSituation::Adopting,
        RingSituation::Soaking,
    ];
    let of = move |(place, waived)| Situation { phase, holds, writes, place, waived, named };
    places.into_iter().flat_map(|place| [(place, None), (place, Some(Gate::Ring))]).map(of)
}

impl Situation {
    /// Whether a log can lead here: a completed rollout has verified rings only, one that ended has
    /// no write without an outcome, and what cannot be waived never was.
    fn can_be(self) -> bool {
        let in_phase = match self.phase {
            Phase::Running => true,
            Phase::Completed => self.place == RingSituation::Verified,
            Phase::Superseded | Phase::Withdrawn => {
                !matches!(self.place, RingSituation::Writing | RingSituation::OutcomeUnknown)
            }
            Phase::RollingBack => self.place != RingSituation::Entering,
            Phase::RolledBack => matches!(self.place, RingSituation::Pending | RingSituation::RolledBack),
        };
        let goes_back = matches!(self.phase, Phase::RollingBack | Phase::RolledBack);
        let in_phase = in_phase
            && (goes_back || !matches!(self.place, RingSituation::RollingBack | RingSituation::RolledBack));
        // Of a ring whose turn never came nobody waived a gate, in what goes back no more than elsewhere.
        let untouched = goes_back && self.place == RingSituation::Pending;
        // A ring that the file names is not let go.
        let can = |gate: Gate| gate.can_be_waived() && (gate != Gate::Ring || self.named == Named::NoMore);
        in_phase && self.waived.is_none_or(|gate| can(gate) && !untouched)
    }

    /// The way of `First` in a rollout that goes back: there by a write, and back from there.
    fn back(self, revision: &Revision) -> Option<Vec<Event>> {
        let name = ring("First");
        let there = match self.place {
            RingSituation::Pending | RingSituation::RollingBack | RingSituation::RolledBack => {
                RingSituation::Adopting
            }
            place => place,
        };
        let mut events = written(there, "First", revision)?;
        events.push(Event::RollbackStarted { trigger: Trigger::Person, steps: vec![step()] });
        let (_, group) = offering("First", OLD);
        let to = step().to();
        let how = HowBack::Adopted;
        let returns = Event::RollbackInPlace { ring: name.clone(), group, to };
        let ended = Event::RingRolledBack { ring: name, how, judgements: Vec::new() };
        match self.place {
            RingSituation::RollingBack => events.push(returns),
            RingSituation::RolledBack => events.extend([returns, ended]),
            RingSituation::Pending if self.phase == Phase::RolledBack => events.extend([returns, ended]),
            _ => {}
        }
        Some(events)
    }

    /// The log that leads here; `None` where the state machine refuses it.
    fn log(self) -> Option<State> {
        self.log_of(PLAN, |_| None)
    }

    /// The same of another plan, with a word that somebody said at its begin.
    fn log_of(self, plan: &str, said: impl Fn(&Revision) -> Option<Event>) -> Option<State> {
        let revision = ringward::plan::read("client.yaml", plan.as_bytes()).unwrap();
        let mut events = vec![Event::PlanAccepted { revision: Box::new(revision.clone()) }];
        events.extend(said(&revision));
        let goes_back = matches!(self.phase, Phase::RollingBack | Phase::RolledBack);
        // The turn of `Second` never comes, so a pending `First` is named `Second`.
        if goes_back && self.place == RingSituation::Pending && self.waived.is_some() {
            return None;
        }
        if goes_back {
            let mut way = self.back(&revision)?;
            // What is waived was waived before it went back.
            let turned = way.iter().position(|event| event.kind() == "rollback_started").unwrap_or(0);
            way.splice(turned..turned, self.waived.map(|gate| Event::GateWaived { ring: self.ring(), gate }));
            events.extend(way);
        } else if self.place != RingSituation::Pending {
            events.extend(way_to(self.place, "First", &revision));
        }
        if self.phase == Phase::Completed && self.place == RingSituation::Verified {
            events.extend(way_to(RingSituation::Verified, "Second", &revision));
        }
        if self.named == Named::NoMore && self.phase == Phase::Running {
            let (revision, dropped) = (Box::new(revision.clone()), [ring("First")].into());
            events.push(Event::PlanRevised { revision, restricts_only: true, dropped });
        }
        let waived = self.waived.map(|gate| Event::GateWaived { ring: self.ring(), gate });
        let of_a_withdrawn = self.waived == Some(Gate::Ring) && self.phase == Phase::Withdrawn;
        if !goes_back && !of_a_withdrawn {
            events.extend(waived.clone());
        }
        if matches!(self.holds, PauseOrHalt::Halted | PauseOrHalt::PausedAndHalted) {
            events.push(Event::Halted { cause: cause() });
        }
        events.extend(match self.phase {
            Phase::Running | Phase::RollingBack => None,
            Phase::RolledBack => Some(Event::RollbackCompleted {}),
            Phase::Completed => Some(Event::RolloutCompleted {}),
            Phase::Superseded => Some(Event::RolloutSuperseded { by: revision.digest }),
            Phase::Withdrawn => Some(Event::RolloutWithdrawn {}),
        });
        events.extend(waived.filter(|_| of_a_withdrawn));
        if matches!(self.holds, PauseOrHalt::Paused | PauseOrHalt::PausedAndHalted) {
            events.push(Event::Paused {});
        }
        if self.writes == Writes::Stopped {
            events.push(Event::Stopped {});
        }
        let mut state = State::default();
        for event in events {
            apply(&mut state, event).ok()?;
        }
        Some(state)
    }

    fn ring(self) -> ringward::ids::RingName {
        ring(if self.place == RingSituation::Pending { "Second" } else { "First" })
    }

    /// The table's word.
    fn cell(self, asked: Asked) -> Cell {
        let Self { phase, holds, writes, place, waived, .. } = self;
        match asked {
            Asked::Pause => table::pause(phase, holds),
            Asked::Resume => table::resume(holds, writes, Offered::Sound),
            // Nothing here was moved, or it is on its way back.
            Asked::Rollback => table::rollback(phase, holds, RollbackTargets::NothingMoved),
            Asked::Unblock => {
                let goes_back = matches!(phase, Phase::RollingBack | Phase::RolledBack);
                table::unblock(IsBlocked::of(goes_back))
            }
            Asked::Waive(gate) => {
                table::waive(gate, phase, place, Waived::of(waived == Some(gate)), self.named)
            }
            Asked::CheckNow => table::check_now(phase),
            Asked::Stop => table::stop(writes),
            Asked::Start(plans) => table::start(writes, plans),
        }
    }

    /// What a refusal here names.
    fn about(self, asked: Asked) -> About {
        let held = "by local:bo since 2026-10-12 09:00 UTC: seen by somebody".to_owned();
        let gate = if let Asked::Waive(gate) = asked { gate.to_string() } else { "GATE".to_owned() };
        About {
            plan: "client".to_owned(),
            ring: self.ring().to_string(),
            gate,
            held,
            phase: self.phase.as_str().to_owned(),
            version: NEW.to_owned(),
            stuck: String::new(),
            asked: "`Keepers`".to_owned(),
            revision: String::new(),
        }
    }
}

fn cause() -> Cause {
    Cause::WritesKeepFailing { ring: ring("First"), attempts: 5, last: "no answer".to_owned() }
}

const NEW: &str = "2026.8.2100.0";
const OLD: &str = "2026.7.1376.0";

/// A ring's group that offers a version, and the write for it.
fn offering(name: &str, version: &str) -> (GroupContent, Group) {
    let entry = VersionEntry::of(Environment::Windows, version.parse().unwrap());
    let policies = [PolicyId::new("p1").unwrap()].into();
    let content = GroupContent { name: name.to_owned(), versions: vec![entry], policies };
    let group = Group { id: GroupId::new("g-1").unwrap(), content: content.clone(), updated_at: at(SINCE) };
    (content, group)
}

/// The way back of `First`.
fn step() -> RollbackStep {
    let (from, to) = (NEW.parse().unwrap(), OLD.parse().unwrap());
    let way = RollbackTarget { from, to, ground: Ground::Plan };
    RollbackStep {
        ring: ring("First"),
        policies: [PolicyId::new("p1").unwrap()].into(),
        back: BTreeMap::from([(Environment::Windows, way)]),
    }
}

/// The events that bring a ring to a place by a write of its targets; `None`: no write does.
fn written(place: RingSituation, name: &str, revision: &Revision) -> Option<Vec<Event>> {
    let (content, group) = offering(name, NEW);
    let mut events = way_to(RingSituation::Writing, name, revision);
    if let Some(Event::WritePlanned { intent, .. }) = events.last_mut() {
        intent.after = content;
    }
    let name = ring(name);
    let write = WriteId(1);
    let doubted = Event::WriteDoubted { ring: name.clone(), write, why: "a reset".to_owned(), counted: None };
    let confirmed = Event::WriteConfirmed { ring: name.clone(), write, group, counted: None };
    let adopted = Event::AdoptionReached { ring: name.clone(), judgements: Vec::new() };
    let verified = Event::RingVerified { ring: name, judgements: Vec::new() };
    events.extend(match place {
        RingSituation::Writing => vec![],
        RingSituation::OutcomeUnknown => vec![doubted],
        RingSituation::Adopting => vec![confirmed],
        RingSituation::Soaking => vec![confirmed, adopted],
        RingSituation::Verified => vec![confirmed, adopted, verified],
        RingSituation::Pending
        | RingSituation::Entering
        | RingSituation::RollingBack
        | RingSituation::RolledBack => return None,
    });
    Some(events)
}

/// The events that bring a ring to a place.
fn way_to(place: RingSituation, name: &str, revision: &Revision) -> Vec<Event> {
    let name = ring(name);
    let policies: std::collections::BTreeSet<_> = [PolicyId::new("p1").unwrap()].into();
    let content = GroupContent { name: name.to_string(), versions: Vec::new(), policies: policies.clone() };
    let group = Group { id: GroupId::new("g-1").unwrap(), content: content.clone(), updated_at: at(SINCE) };
    let intent = WriteIntent {
        id: WriteId(1),
        digest: revision.digest.clone(),
        purpose: Purpose::Target,
        before: None,
        after: content,
        policies,
        judgements: Vec::new(),
        devices: 1,
        retargets: Some(1),
        after_doubt: false,
        moves: None,
        today: None,
    };
    let reached = Event::RingReached { ring: name.clone() };
    let planned = Event::WritePlanned { ring: name.clone(), intent: Box::new(intent) };
    let doubted = Event::WriteDoubted {
        ring: name.clone(),
        write: WriteId(1),
        why: "a reset".to_owned(),
        counted: None,
    };
    let assigned = Event::RingAssigned { ring: name.clone(), group, judgements: Vec::new() };
    let adopted = Event::AdoptionReached { ring: name.clone(), judgements: Vec::new() };
    let verified = Event::RingVerified { ring: name, judgements: Vec::new() };
    match place {
        RingSituation::Pending => Vec::new(),
        RingSituation::Entering => vec![reached],
        RingSituation::Writing => vec![reached, planned],
        RingSituation::OutcomeUnknown => vec![reached, planned, doubted],
        RingSituation::Adopting => vec![reached, assigned],
        RingSituation::Soaking => vec![reached, assigned, adopted],
        RingSituation::Verified => vec![reached, assigned, adopted, verified],
        // No rollout that runs has such rings; what was never begun cannot end.
        RingSituation::RollingBack | RingSituation::RolledBack => {
            let (how, judgements) = (HowBack::Adopted, Vec::new());
            vec![Event::RingRolledBack { ring: ring("First"), how, judgements }]
        }
    }
}

fn apply(state: &mut State, event: Event) -> Result<(), ringward::rollout::state::IllegalEvent> {
    let of_the_account = matches!(event, Event::Stopped {} | Event::Started {});
    let speaks = matches!(event, Event::ApprovalGiven { .. } | Event::ApprovalRefused { .. });
    let actor = match speaks {
        true => Actor::Access { email: "ana@example.com".parse().unwrap() },
        false => Actor::Local { user: "bo".to_owned() },
    };
    let entry = Entry {
        actor,
        reason: "seen by somebody".to_owned(),
        rollout: (!of_the_account).then(|| RolloutId { plan: plan("client"), number: 1 }),
        event,
    };
    state.apply(&Recorded { seq: state.seq + 1, at: at(SINCE), entry })
}

/// The core behind the router: requests come to what [`command`] makes of them, and no further.
struct Core {
    app: Router,
    state: Arc<Mutex<State>>,
    world: Arc<Mutex<Observations>>,
    appended: Arc<Mutex<Vec<Entry>>>,
}

impl Core {
    fn new() -> Self {
        let (state, appended): (Arc<Mutex<State>>, Arc<Mutex<Vec<Entry>>>) = Default::default();
        let (requests_in, mut requests) = mpsc::channel(8);
        let roles = [Role::Approver];
        let known = tokens(&[("ana", 1, &roles), ("cy", 2, &roles), ("eve", 3, &roles)]).tokens;
        // By this clock a bucket is full again before the next verb.
        let clock = Clock::fast_from(at(SINCE), 1e7);
        let (_, receiver) = watch::channel(Arc::new(View { clock, tokens: known, ..view(Vec::new()) }));
        let world = Arc::new(Mutex::new(Observations::default()));
        let (live, log, seen) = (Arc::clone(&state), Arc::clone(&appended), Arc::clone(&world));
        tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                let mut state = live.lock().unwrap();
                let seen = seen.lock().unwrap();
                let known = Known { state: &state, world: &seen, now: at(SINCE) };
                let (actor, reason, asked, reply, read) = match request {
                    DaemonRequest::Command(Asking { actor, reason, command, read, reply }) => {
                        (actor, reason, command, reply, read)
                    }
                    DaemonRequest::Look { actor, command, reply } => {
                        reply.send(people::look::look(known, &actor, &command).map_err(Into::into)).unwrap();
                        continue;
                    }
                    _ => continue,
                };
                let differs = read.filter(|_| asked.verb().rests_on_reading()).and_then(|read| {
                    let now = people::look::look(known, &actor, &asked).ok()??;
                    is_as_read(asked.verb(), &read, &now).err()
                });
                if let Some(refusal) = differs {
                    reply.send(Err(refusal.into())).unwrap();
                    continue;
                }
                let answer = command(known, &actor, &reason, &asked).map(|entries| {
                    for entry in &entries {
                        let at = match entry.event {
                            Event::ClockConfirmed { now, .. } => now,
                            _ => at(SINCE),
                        };
                        let recorded = Recorded { seq: state.seq + 1, at, entry: entry.clone() };
                        state.apply(&recorded).unwrap();
                    }
                    let said = done(&entries, &state, &asked);
                    log.lock().unwrap().extend(entries);
                    said
                });
                reply.send(answer.map_err(Into::into)).unwrap();
            }
        });
        let services = Services {
            handle: Handle::new(requests_in, receiver),
            database: "none.db".into(),
            identities: Arc::default(),
            metrics: Arc::new(Metrics::new().unwrap()),
        };
        Self { app: router(services), state, world, appended }
    }

    async fn ask(&self, asked: Asked, of: &Situation) -> Answer {
        let (path, body) = request(asked, of);
        match asked {
            Asked::Resume | Asked::Waive(_) | Asked::Rollback => {
                decide(&self.app, &path, &body.to_string()).await
            }
            _ => ask(&self.app, Method::POST, &path, Some(&body.to_string())).await,
        }
    }

    fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut *self.appended.lock().unwrap())
    }
}

fn request(asked: Asked, of: &Situation) -> (String, serde_json::Value) {
    let mut body = serde_json::json!({"reason": "look"});
    let verb = match asked {
        Asked::Pause => Verb::Pause,
        Asked::Resume => Verb::Resume,
        Asked::Waive(gate) => {
            body["gate"] = gate.as_str().into();
            body["ring"] = of.ring().to_string().into();
            Verb::Waive
        }
        Asked::Rollback => Verb::Rollback,
        Asked::Unblock => {
            body["version"] = NEW.into();
            Verb::Unblock
        }
        Asked::CheckNow => Verb::CheckNow,
        Asked::Stop => Verb::Stop,
        Asked::Start(plans) => {
            body["paused"] = (plans == StartPlans::Pause).into();
            Verb::Start
        }
    };
    (verb.path().replace("{plan}", "client"), body)
}

/// The kinds that an effect appends, written down here once more.
fn kinds(effect: Effect, holds: PauseOrHalt) -> Vec<&'static str> {
    let is_paused = matches!(holds, PauseOrHalt::Paused | PauseOrHalt::PausedAndHalted);
    match effect {
        Effect::Pause | Effect::PauseAhead => vec!["paused"],
        Effect::LiftPause => vec!["pause_lifted"],
        Effect::LiftHalt => vec!["halt_lifted"],
        Effect::LiftBoth => vec!["pause_lifted", "halt_lifted"],
        Effect::Waive | Effect::WaiveAhead | Effect::LetGo => vec!["gate_waived"],
        Effect::RollBack => vec!["rollback_started"],
        Effect::LiftPauseAndRollBack => vec!["pause_lifted", "rollback_started"],
        Effect::LiftHaltAndRollBack => vec!["halt_lifted", "rollback_started"],
        Effect::LiftBothAndRollBack => vec!["pause_lifted", "halt_lifted", "rollback_started"],
        Effect::Release => vec!["version_released"],
        Effect::Approve => vec!["approval_given"],
        Effect::Reject => vec!["approval_refused"],
        Effect::Confirm => vec!["revision_confirmed"],
        Effect::Read | Effect::LookAtFiles => vec![],
        Effect::Stop => vec!["stopped"],
        Effect::Start => vec!["started"],
        Effect::StartPaused if is_paused => vec!["started"],
        Effect::StartPaused => vec!["paused", "started"],
        Effect::ConfirmClock => vec!["clock_confirmed"],
    }
}

#[tokio::test]
async fn every_cell_is_answered_as_the_table_has_it() {
    let core = Core::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for of in situations() {
        let Some(state) = of.log() else {
            assert!(!of.can_be(), "{of:?}: a log leads there");
            continue;
        };
        assert!(of.can_be(), "{of:?}: no log leads there");
        let plain =
            [Asked::Pause, Asked::Resume, Asked::Rollback, Asked::Unblock, Asked::CheckNow, Asked::Stop];
        let starts = [StartPlans::GoOn, StartPlans::Pause].map(Asked::Start);
        // A verb that asks for no gate needs no row for each waiver.
        let others = plain.into_iter().chain(starts).filter(|_| of.waived.is_none());
        for asked in others.chain(Gate::ALL.map(Asked::Waive)) {
            core.state.lock().unwrap().clone_from(&state);
            let answer = core.ask(asked, &of).await;
            let row = format!("{asked:?} in {of:?}");
            judge(&core, &row, of, asked, &answer);
            *seen.entry(format!("{:?}", of.cell(asked))).or_default() += 1;
        }
    }
    going_back(&core, &mut seen).await;
    approving(&core, &mut seen).await;
    confirming(&core, &mut seen).await;
    forbidding(&core, &mut seen).await;
    clock::confirming(&core, &mut seen).await;
    let known = Verb::ALL.into_iter().flat_map(|verb| {
        let effects = rows::effects(verb).into_iter().map(Cell::Done);
        effects.chain(rows::refusals(verb).into_iter().map(Cell::Refused))
    });
    for cell in known {
        assert!(seen.contains_key(&format!("{cell:?}")), "{cell:?} was never met");
    }
}

/// The cells of `rollback` and `resume` that a version makes which was moved, or is blocked.
async fn going_back(core: &Core, seen: &mut BTreeMap<String, usize>) {
    let without = PLAN.replace("defaults: {rollback_to: {windows: 2026.7.1376.0}}\n", "");
    for (ways, text) in [(RollbackTargets::Known, PLAN), (RollbackTargets::Missing, without.as_str())] {
        let revision = ringward::plan::read("client.yaml", text.as_bytes()).unwrap();
        for phase in Phase::ALL {
            for holds in PauseOrHalt::ALL {
                let Some(state) = moved(&revision, phase, holds) else { continue };
                core.state.lock().unwrap().clone_from(&state);
                let path = Verb::Rollback.path().replace("{plan}", "client");
                let body = r#"{"reason": "look", "environment": "windows"}"#;
                let answer = decide(&core.app, &path, body).await;
                let found: Vec<_> = core.take().iter().map(|entry| entry.event.kind()).collect();
                let row = format!("{phase:?} {holds:?} {ways:?}");
                let cell = table::rollback(phase, holds, ways);
                match cell {
                    Cell::Done(effect) => {
                        assert_eq!(answer.status, 200, "{row}: {}", answer.body);
                        assert_eq!(found, kinds(effect, holds), "{row}");
                        let told = answer.json::<VerbAnswer>().done;
                        assert!(
                            told.contains("windows 2026.8.2100.0 back to 2026.7.1376.0"),
                            "{row}: {told}"
                        );
                    }
                    Cell::Refused(refused) => {
                        let mut about = About::anything();
                        about.plan = "client".to_owned();
                        let problem = answer.problem(&row, 409, "; ");
                        assert!(
                            problem.detail.ends_with(&refused.instead(&about)),
                            "{row}: {}",
                            problem.detail
                        );
                        let named =
                            refused != Refused::NoRollbackTarget || problem.detail.contains("ring `First`");
                        assert!(named && found.is_empty(), "{row}: {}", problem.detail);
                    }
                }
                *seen.entry(format!("{cell:?}")).or_default() += 1;
            }
        }
    }
    // Halted for a group that offers what is blocked; the core behind this router has read it so.
    let refused = Cell::Refused(Refused::OffersBlockedVersion);
    assert_eq!(table::resume(PauseOrHalt::Halted, Writes::Allowed, Offered::BlockedVersion), refused);
    *seen.entry(format!("{refused:?}")).or_default() += 1;
}

/// The cells of `approve` and `reject`, by the tokens of three people.
/// A revision that waits, beside one that a person names.
async fn confirming(core: &Core, seen: &mut BTreeMap<String, usize>) {
    let digest = PlanDigest::of_written("the one that was read");
    for waits in Waits::ALL {
        let of = situations().into_iter().find(|of| of.waived.is_none() && of.can_be()).unwrap();
        let mut state = of.log().unwrap();
        let waits_for = match waits {
            Waits::Impossible => WaitsFor::AnotherVersion,
            Waits::TooEarly => WaitsFor::Predecessor,
            Waits::Same | Waits::Confirmed | Waits::Other | Waits::Nothing => WaitsFor::Person,
        };
        let found = if waits == Waits::Other { PlanDigest::of_written("another") } else { digest.clone() };
        let revision = WaitingRevision {
            digest: found,
            in_force: None,
            changes: vec!["ring `First`: soak 3d → 2d".to_owned()],
            waits_for,
        };
        let block = Block::RevisionWaits(revision);
        let mut entries = vec![Event::BlockBegun { block }];
        if waits == Waits::Confirmed {
            entries.push(Event::RevisionConfirmed { digest: digest.clone() });
        }
        let id = state.plans[&"client".parse().unwrap()].rollout.id.clone();
        for event in entries.into_iter().filter(|_| waits != Waits::Nothing) {
            let entry = Entry {
                actor: Actor::Local { user: "bo".to_owned() },
                ..Entry::engine(&id, "seen by somebody", event)
            };
            let at = state.last_at.unwrap();
            state.apply(&Recorded { seq: state.seq + 1, at, entry }).unwrap();
        }
        core.state.lock().unwrap().clone_from(&state);
        let body = format!(r#"{{"reason": "a test", "revision": "{}"}}"#, digest.short());
        let path = Verb::Confirm.path().replace("{plan}", "client");
        let answer = ask(&core.app, Method::POST, &path, Some(&body)).await;
        let cell = table::confirm(waits);
        let kinds_found: Vec<_> = core.take().iter().map(|entry| entry.event.kind()).collect();
        match cell {
            Cell::Done(effect) => {
                assert_eq!(answer.status, 200, "{waits:?}: {}", answer.body);
                assert_eq!(kinds_found, kinds(effect, of.holds), "{waits:?}");
            }
            Cell::Refused(_) => {
                assert_eq!(answer.status, 409, "{waits:?}: {}", answer.body);
                assert!(kinds_found.is_empty(), "{waits:?}");
            }
        }
        *seen.entry(format!("{cell:?}")).or_default() += 1;
    }
}

/// A halted rollout whose plan forbids what it offers is not resumed.
async fn forbidding(core: &Core, seen: &mut BTreeMap<String, usize>) {
    let halted = |of: &Situation| of.waived.is_none() && of.can_be() && of.holds == PauseOrHalt::Halted;
    let of = situations().into_iter().find(|of| halted(of) && of.phase == Phase::Running).unwrap();
    let mut state = of.log().unwrap();
    let rollout = &state.plans[&"client".parse().unwrap()].rollout;
    let mut plan = rollout.revision.plan.clone();
    let reason = "recalled".to_owned();
    plan.forbid.push(Forbid { versions: "=2026.8.2100".parse().unwrap(), reason });
    let event = Event::PlanRestricted { plan: Box::new(plan), restricts: vec!["forbid added".to_owned()] };
    let entry = Entry::engine(&rollout.id.clone(), "it only restricts", event);
    let at = state.last_at.unwrap();
    state.apply(&Recorded { seq: state.seq + 1, at, entry }).unwrap();
    core.state.lock().unwrap().clone_from(&state);
    let answer = decide(&core.app, "/api/v1/rollouts/client/resume", r#"{"reason": "a test"}"#);
    let answer = answer.await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert!(answer.body.contains("the plan forbids a version"), "{}", answer.body);
    assert!(core.take().is_empty());
    *seen.entry(format!("{:?}", Cell::Refused(Refused::OffersForbidden))).or_default() += 1;
}

async fn approving(core: &Core, seen: &mut BTreeMap<String, usize>) {
    let asking = PLAN.replace("profiles: [", "approval: {user_group: Keepers}, profiles: [");
    let asking = format!("{asking}author: cy@example.com\n");
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    for verb in [Verb::Approve, Verb::Reject] {
        for claim in Claim::ALL {
            let (plan, seed) = match claim {
                Claim::NotAsked => (PLAN, 1),
                Claim::Author => (asking.as_str(), 2),
                Claim::Stranger => (asking.as_str(), 3),
                _ => (asking.as_str(), 1),
            };
            let ana =
                Member { email: Some("ANA@example.com".parse().unwrap()), standing: Standing::Accepted };
            let invited =
                Member { email: Some("eve@example.com".parse().unwrap()), standing: Standing::Pending };
            let members = Observed { value: Approvers::Members(vec![ana, invited]), as_of: at(SINCE) };
            let read = (claim != Claim::Unread).then(|| ("Keepers".parse().unwrap(), members));
            core.world.lock().unwrap().user_groups = read.into_iter().collect();
            for of in situations().into_iter().filter(|of| of.waived.is_none() && of.can_be()) {
                let again =
                    |revision: &Revision| (claim == Claim::Again).then(|| spoken(verb, &of.ring(), revision));
                let Some(state) = of.log_of(plan, again) else { continue };
                core.state.lock().unwrap().clone_from(&state);
                let row = format!("{verb:?} {claim:?} in {of:?}");
                let cell = match verb {
                    Verb::Approve => table::approve(of.phase, of.place, claim),
                    _ => table::reject(of.phase, of.place, claim),
                };
                core.foreseen(verb, claim, of, cell);
                let answer = core.speak(verb, claim, seed, of).await;
                let found: Vec<_> = core.take().iter().map(|entry| entry.event.kind()).collect();
                *seen.entry(format!("{cell:?}")).or_default() += 1;
                *named.entry(format!("{claim:?}")).or_default() += 1;
                match cell {
                    // Whoever is no person is turned away before anybody looks at the plan.
                    _ if matches!(claim, Claim::Unnamed | Claim::Program) => {
                        let problem = answer.problem(&row, 403, "only a person who is known by e-mail may");
                        assert_eq!(problem.kind, "urn:ringward:problem:forbidden", "{row}");
                        assert!(found.is_empty(), "{row}");
                        core.without_http(verb, claim, of, cell);
                    }
                    Cell::Done(effect) => {
                        assert_eq!(answer.status, 200, "{row}: {}", answer.body);
                        assert_eq!(found, kinds(effect, of.holds), "{row}");
                    }
                    Cell::Refused(refused) => {
                        let about = of.about(Asked::Pause);
                        let problem = answer.problem(&row, 409, "; ");
                        let expected = format!("{}; {}", refused.why(&about), refused.instead(&about));
                        assert_eq!(problem.detail, expected, "{row}");
                        assert!(found.is_empty(), "{row}");
                    }
                }
            }
        }
    }
    println!("words on entering a ring, by who says them: {named:?}");
}

/// Whoever has read something else has no say, and is told what differs; what is found no more keeps nobody.
#[test]
fn a_word_on_something_else_is_refused() {
    let asking = PLAN.replace("profiles: [", "approval: {user_group: Keepers}, profiles: [");
    let revision = ringward::plan::read("client.yaml", asking.as_bytes()).unwrap();
    let other =
        ringward::plan::read("client.yaml", asking.replace("Keepers}", "Keepers, count: 2}").as_bytes());
    let mut state = State::default();
    apply(&mut state, Event::PlanAccepted { revision: Box::new(revision.clone()) }).unwrap();
    let ana = Member { email: Some("ana@example.com".parse().unwrap()), standing: Standing::Accepted };
    let members = Observed { value: Approvers::Members(vec![ana]), as_of: at(SINCE) };
    let user_groups = [("Keepers".parse().unwrap(), members)].into();
    let world = Observations { user_groups, ..Observations::default() };
    let actor = Actor::Access { email: "ana@example.com".parse().unwrap() };
    let known = Known { state: &state, world: &world, now: at(SINCE) };
    let approve = Command::Approve { plan: plan("client"), ring: ring("First") };
    let now = people::look::look(known, &actor, &approve).unwrap().unwrap();
    let read = ReadBefore { revision: now.revision.as_str().to_owned(), seen: now.seen.clone() };
    type Change = fn(&mut ReadBefore);
    let version = |read: &mut ReadBefore| {
        let ways = read.seen.rings.values_mut().flat_map(BTreeMap::values_mut);
        ways.for_each(|way| way.to = "2026.9.1.0".parse().unwrap());
    };
    let from = |read: &mut ReadBefore| {
        let ways = read.seen.rings.values_mut().flat_map(BTreeMap::values_mut);
        ways.for_each(|way| way.from = Some("2026.1.1.0".to_owned()));
    };
    let more = |read: &mut ReadBefore| read.seen.rings.extend([(ring("Second"), BTreeMap::new())]);
    // (row, what was read instead, what an approval is told, what a rollback is told)
    let rows: [(&str, Change, &str, &str); 9] = [
        ("the same", |_| {}, "", ""),
        ("its first digits", |read| read.revision.truncate(8), "", ""),
        ("too few digits", |read| read.revision.truncate(7), "revision in force is", ""),
        ("another revision", |read| read.revision = "0000000000".to_owned(), "revision in force is", ""),
        ("another version", version, "goes windows", "goes windows"),
        ("from another version", from, "and you read windows 2026.1.1.0", "and you read windows 2026.1.1.0"),
        (
            "more rings",
            more,
            "ring `Second` is not concerned any more",
            "ring `Second` is not concerned any more",
        ),
        (
            "nothing",
            |read| read.seen.rings.clear(),
            "and you read nothing of it",
            "and you read nothing of it",
        ),
        ("no finding", |read| read.seen.findings.clear(), "new since: rollout client#1", ""),
    ];
    for (row, change, approval, rollback) in rows {
        for (verb, word) in [(Verb::Approve, approval), (Verb::Rollback, rollback)] {
            let mut read = read.clone();
            change(&mut read);
            match is_as_read(verb, &read, &now) {
                Ok(()) => assert_eq!(word, "", "{row}: {verb:?}"),
                Err(refusal) => {
                    let told = refusal.to_string();
                    assert!(!word.is_empty() && told.contains(word), "{row}: {verb:?}: {told}");
                    assert!(told.contains("look at what it is now"), "{row}: {told}");
                }
            }
        }
    }
    let found_before = ReadBefore {
        seen: Seen {
            findings: ["gone".to_owned(), "rollout client#1".to_owned()].into(),
            ..read.seen.clone()
        },
        ..read
    };
    assert!(is_as_read(Verb::Approve, &found_before, &now).is_ok(), "what is found no more keeps nobody");
    assert_ne!(other.unwrap().digest, now.revision);
}

/// What ana said before.
fn spoken(verb: Verb, ring: &ringward::ids::RingName, revision: &Revision) -> Event {
    let (ring, digest, groups) = (ring.clone(), revision.digest.clone(), vec!["Keepers".parse().unwrap()]);
    let targets = BTreeMap::from([(Environment::Windows, NEW.parse().unwrap())]);
    match verb {
        Verb::Approve => {
            let (expires_at, set_aside) = (at("2026-10-19T09:00:00Z"), Vec::new());
            Event::ApprovalGiven { ring, digest, targets, expires_at, groups, set_aside }
        }
        _ => Event::ApprovalRefused { ring, digest, groups },
    }
}

impl Core {
    async fn speak(&self, verb: Verb, claim: Claim, seed: u8, of: Situation) -> Answer {
        let path = verb.path().replace("{plan}", "client");
        let body = serde_json::json!({"reason": "look", "ring": of.ring().to_string()});
        let make = |body: String| {
            let mut request = http::Request::post(&path).header("content-type", "application/json");
            if !matches!(claim, Claim::Unnamed | Claim::Program) {
                request = request.header("authorization", format!("Bearer {}", bearer(seed)));
            }
            let mut request = request.body(Body::from(body)).unwrap();
            request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
            request
        };
        match verb {
            Verb::Approve => as_read(&self.app, make, body).await,
            _ => send(&self.app, make(body.to_string())).await,
        }
    }

    /// What a snapshot says of a word ahead, as the page asks it, is what the word then comes to.
    fn foreseen(&self, verb: Verb, claim: Claim, of: Situation, cell: Cell) {
        let (state, world) = (self.state.lock().unwrap(), self.world.lock().unwrap());
        let name = plan("client");
        let revision = &state.plans[&name].rollout.revision;
        let known = Known { state: &state, world: &world, now: at(SINCE) };
        let report = look(&name, Desired::Present(revision), known).report.unwrap();
        let ring = report.rings.iter().find(|ring| ring.name == of.ring()).unwrap();
        let actor = match claim {
            Claim::Unnamed => Actor::Local { user: "ada".to_owned() },
            Claim::Program => Actor::Service { name: "nightly.access".parse().unwrap() },
            Claim::Author => Actor::Access { email: "cy@example.com".parse().unwrap() },
            Claim::Stranger => Actor::Access { email: "eve@example.com".parse().unwrap() },
            _ => Actor::Access { email: "ana@example.com".parse().unwrap() },
        };
        let word = if verb == Verb::Approve { Vote::Approve } else { Vote::Reject };
        let told = ring.approval.as_ref().map(|approval| approval.hearing.claim(&actor, word).0);
        let told = told.unwrap_or(Claim::NotAsked);
        let foreseen = match word {
            Vote::Approve => table::approve(of.phase, of.place, told),
            Vote::Reject => table::reject(of.phase, of.place, told),
        };
        assert_eq!(foreseen, cell, "{verb:?} {claim:?} in {of:?}");
    }

    /// The same word past admission: the table has its answer to it all the same.
    fn without_http(&self, verb: Verb, claim: Claim, of: Situation, cell: Cell) {
        let (state, world) = (self.state.lock().unwrap(), self.world.lock().unwrap());
        let actor = match claim {
            Claim::Program => Actor::Service { name: "nightly.access".parse().unwrap() },
            _ => Actor::Local { user: "ada".to_owned() },
        };
        let (plan, ring) = (plan("client"), of.ring());
        let asked = match verb {
            Verb::Approve => Command::Approve { plan, ring },
            _ => Command::Reject { plan, ring },
        };
        let known = Known { state: &state, world: &world, now: at(SINCE) };
        let refusal = command(known, &actor, "look", &asked).unwrap_err();
        let Cell::Refused(refused) = cell else { panic!("{claim:?} has a say in {of:?}") };
        assert!(refusal.to_string().starts_with(&refused.why(&of.about(Asked::Pause))), "{refusal}");
    }
}

/// A rollout whose first ring was moved by a write, in a phase and with holds; `None`: none is so.
fn moved(revision: &Revision, phase: Phase, holds: PauseOrHalt) -> Option<State> {
    let mut events = vec![Event::PlanAccepted { revision: Box::new(revision.clone()) }];
    events.extend(written(RingSituation::Verified, "First", revision)?);
    events.extend(match phase {
        Phase::Running | Phase::Withdrawn | Phase::Superseded => Vec::new(),
        Phase::Completed => way_to(RingSituation::Verified, "Second", revision),
        // Another environment went back before: all that was moved there is on its way.
        Phase::RollingBack | Phase::RolledBack => return None,
    });
    if matches!(holds, PauseOrHalt::Halted | PauseOrHalt::PausedAndHalted) {
        events.push(Event::Halted { cause: cause() });
    }
    events.extend(match phase {
        Phase::Completed => Some(Event::RolloutCompleted {}),
        Phase::Withdrawn => Some(Event::RolloutWithdrawn {}),
        Phase::Superseded => Some(Event::RolloutSuperseded { by: revision.digest.clone() }),
        Phase::Running | Phase::RollingBack | Phase::RolledBack => None,
    });
    if matches!(holds, PauseOrHalt::Paused | PauseOrHalt::PausedAndHalted) {
        events.push(Event::Paused {});
    }
    let mut state = State::default();
    for event in events {
        apply(&mut state, event).unwrap();
    }
    Some(state)
}

fn judge(core: &Core, row: &str, of: Situation, asked: Asked, answer: &Answer) {
    let appended = core.take();
    let found: Vec<&str> = appended.iter().map(|entry| entry.event.kind()).collect();
    match of.cell(asked) {
        Cell::Done(effect) => {
            assert_eq!(answer.status, 200, "{row}: {}", answer.body);
            assert_eq!(found, kinds(effect, of.holds), "{row}");
            for entry in &appended {
                assert_eq!((entry.actor.to_string().as_str(), entry.reason.as_str()), ("local:ada", "look"));
                if let Event::GateWaived { ring, gate } = &entry.event {
                    assert_eq!((ring, Asked::Waive(*gate)), (&of.ring(), asked), "{row}");
                }
            }
            let told = answer.json::<VerbAnswer>().done;
            assert_eq!(told.is_empty(), found.is_empty(), "{row}: {told}");
            // Whoever lets a plan go on is told what still holds it.
            let lets_go = matches!(asked, Asked::Resume | Asked::Waive(_) | Asked::Unblock);
            let still = told.contains("all writes are still stopped: ringward start");
            assert_eq!(still, lets_go && of.writes == Writes::Stopped, "{row}: {told}");
        }
        Cell::Refused(refused) => {
            let about = of.about(asked);
            let problem = answer.problem(row, 409, "; ");
            assert_eq!(problem.kind, "urn:ringward:problem:refused", "{row}");
            let expected = format!("{}; {}", refused.why(&about), refused.instead(&about));
            assert_eq!(problem.detail, expected, "{row}");
            assert!(!problem.detail.contains("SOMEBODY") && !problem.detail.contains("GATE"), "{row}");
            assert!(found.is_empty(), "{row}: a refusal changes nothing");
        }
    }
}

/// What a refusal names does work, then and there.
#[tokio::test]
async fn what_a_refusal_names_works() {
    let core = Core::new();
    for of in situations().into_iter().filter(|of| of.waived.is_none() && of.can_be()) {
        let all = [Asked::Pause, Asked::Resume, Asked::Stop, Asked::Start(StartPlans::Pause)];
        for asked in all {
            let Cell::Refused(refused) = of.cell(asked) else { continue };
            let remedy = match refused {
                Refused::PausedAlready => Asked::Resume,
                Refused::OnlyStopped | Refused::StoppedAlready => Asked::Start(StartPlans::GoOn),
                // Where it is not paused yet.
                Refused::NotStoppedToPause
                    if !matches!(of.holds, PauseOrHalt::Paused | PauseOrHalt::PausedAndHalted) =>
                {
                    Asked::Pause
                }
                _ => continue,
            };
            let (path, _) = request(remedy, &of);
            let word = format!("ringward {}", path.rsplit('/').next().unwrap());
            assert!(refused.instead(&of.about(asked)).contains(&word), "{asked:?} in {of:?}: {word}");
            *core.state.lock().unwrap() = of.log().unwrap();
            let answer = core.ask(remedy, &of).await;
            assert_eq!(answer.status, 200, "{remedy:?} after {asked:?} in {of:?}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn what_there_is_nothing_of_is_told() {
    let core = Core::new();
    let of = Situation {
        phase: Phase::Running,
        holds: PauseOrHalt::Free,
        writes: Writes::Allowed,
        place: RingSituation::Adopting,
        waived: None,
        named: Named::Still,
    };
    *core.state.lock().unwrap() = of.log().unwrap();
    let rows = [
        ("/api/v1/rollouts/other/check-now", "{}", 404, "ringward knows client"),
        ("/api/v1/rollouts/other/pause", r#"{"reason": "look"}"#, 404, "ringward knows client"),
        (
            "/api/v1/rollouts/client/waive",
            r#"{"reason": "look", "gate": "soak", "ring": "Third"}"#,
            409,
            "the plan has no ring `Third`; its rings are `First`, `Second`",
        ),
    ];
    for (path, body, status, word) in rows {
        let is_bound = path.ends_with("waive");
        let answer = if is_bound {
            decide(&core.app, path, body).await
        } else {
            ask(&core.app, Method::POST, path, Some(body)).await
        };
        answer.problem(path, status, word);
    }
    // Without a ring it is the one under way, and without a reason only what leaves no record.
    let waive = r#"{"reason": "look", "gate": "soak"}"#;
    let answer = decide(&core.app, "/api/v1/rollouts/client/waive", waive).await;
    assert_eq!(answer.json::<VerbAnswer>().done, "gate soak of ring `First` is waived");
    assert_eq!(
        ask(&core.app, Method::POST, "/api/v1/rollouts/client/check-now", Some("{}")).await.status,
        200
    );
    assert_eq!(core.take().len(), 1);
}

/// The page offers what the table would carry out, and says of the rest why not.
#[tokio::test]
async fn the_page_offers_what_the_table_has() {
    for phase in Phase::ALL {
        for holds in PauseOrHalt::ALL {
            for writes in Writes::ALL {
                let mut one = report("client");
                one.phase = phase;
                let hold = stopped(view(Vec::new())).stop.unwrap();
                if matches!(holds, PauseOrHalt::Paused | PauseOrHalt::PausedAndHalted) {
                    one.paused = Some(hold);
                }
                if matches!(holds, PauseOrHalt::Halted | PauseOrHalt::PausedAndHalted) {
                    one.halted = Some((cause(), at(SINCE)));
                }
                let shown = view(vec![one]);
                let shown = if writes == Writes::Stopped { stopped(shown) } else { shown };
                let world = super::world::World::new(shown, Ok("done"));
                let page = get(&world.app, "/").await.body;
                let rows = [
                    ("pause", table::pause(phase, holds)),
                    ("resume", table::resume(holds, writes, Offered::Sound)),
                    ("rollback", table::rollback(phase, holds, RollbackTargets::Known)),
                    ("check-now", table::check_now(phase)),
                ];
                for (word, cell) in rows {
                    let row = format!("{word} in {phase:?} {holds:?} {writes:?}");
                    let offered = page.contains(&format!("id=\"{word}-client\""));
                    assert_eq!(offered, cell.effect().is_some_and(Effect::is_offered), "{row}");
                    let sheet = get(&world.app, &format!("/act/{word}?plan=client")).await.body;
                    let told = sheet.contains("asking for it will be refused");
                    assert_eq!(told, cell.effect().is_none(), "{row}: {sheet}");
                }
                assert_eq!(page.contains("id=\"start\""), writes == Writes::Stopped);
                assert_eq!(page.contains("id=\"stop\""), writes == Writes::Allowed);
            }
        }
    }
}
