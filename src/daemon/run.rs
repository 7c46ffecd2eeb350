//! The loop: select one input, change state, decide, start effects, publish the snapshot.
//!
//! **Invariant:** one task owns the engine; a write is under way at most once, and its outcome is
//! appended before the next decision.

mod speaking;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::cloudflare::{ApiError, CloudflareClient, Priority};
use crate::config::ClockTrust;
use crate::daemon::counting::{self, Counted, Counting};
use crate::daemon::engine::{Engine, EngineError, Pass, Sound};
use crate::daemon::far_side::{Asked, FarSide, LastLook, ReadResult, Seen};
use crate::daemon::files::{Look, PlanFiles, Settles};
use crate::daemon::plans_reader::{Looked, PlansReader};
use crate::daemon::reading::Reading;
use crate::daemon::view::{CommandError, Handle, MAX_WAITING, Request, View};
use crate::daemon::wheel::{Tick, Wheel};
use crate::failpoint::{self, Point};
use crate::fleet::SWEEP_OVERLAP;
use crate::ids::{AccountId, PlanName};
use crate::plan::model::{ApprovalFloor, DeviceLimit, Revisions};
use crate::rollout::decide::outcome::{SendOutcome, Unsent, outcome_entry, unsent_entry};
use crate::rollout::judge::last_look::{FreshLook, clear_to_send};
use crate::rollout::people::command::Command;
use crate::rollout::record::ClockDoubt;
use crate::rollout::record::{Cancelled, Mode, WriteId, WriteIntent};
use crate::rollout::world::SecondClock;
use crate::rollout::world::{Cadence, Observed, Read, Want};
use crate::time::{Clock, SignedDuration, Stopwatch, Timestamp, after};
use speaking::{Asking, Sight, Spoken};

/// Files are looked at this often, in wall seconds.
const LOOK_AT_FILES_EVERY: f64 = 5.0;
/// A start waits so long for the first look, in wall time; one that comes later is an input like any other.
const FIRST_LOOK_WITHIN: Duration = Duration::from_secs(10);
/// Without any input, everything is decided anew this often, in wall seconds.
const PASS_EVERY: f64 = 60.0;
/// How long a graceful end waits for the answer to a write, in wall time. A write that has none
/// by then is in doubt, and the next daemon settles it.
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Results of tasks that may wait: one for each kind of read, and the write.
const MAX_SEEN: usize = 64;
/// Pages of 100 devices that polling may ask for in five minutes: a quarter of the default budget.
const POLLED_PAGES: usize = 150;

/// All that a daemon needs.
pub struct Settings {
    /// The directory of plan files.
    pub plans: PathBuf,
    /// The database.
    pub database: PathBuf,
    /// The account.
    pub account: AccountId,
    /// The clock.
    pub clock: Clock,
    /// Whether it writes at Cloudflare.
    pub mode: Mode,
    /// The client.
    pub client: CloudflareClient,
    /// What no plan lowers of the approvals that are asked.
    pub approval_floor: Option<ApprovalFloor>,
    /// Who lets revisions take effect.
    pub revisions: Revisions,
    /// How long a file must have been unchanged before it does.
    pub settles: Settles,
    /// The most devices that all plans together may offer something else within 24 hours.
    pub devices_per_day: Option<DeviceLimit>,
    /// A person's word for the machine's clock.
    pub clock_trust: Option<ClockTrust>,
}

/// A daemon that cannot run, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Database or log.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The wheel.
    #[error("the scheduler of wake-ups cannot start: {0}")]
    Wheel(#[from] tokio_cron_scheduler::JobSchedulerError),
    /// A thread.
    #[error("the daemon's thread cannot start or has died: {0}")]
    Thread(String),
}

/// Ends a daemon gracefully.
#[derive(Debug, Clone)]
pub struct Stopper {
    token: CancellationToken,
}

impl Stopper {
    /// Ends it: no new write, the answer of one under way is awaited.
    pub fn stop(&self) {
        self.token.cancel();
    }
}

/// A running daemon.
pub struct Daemon {
    handle: Handle,
    stopper: Stopper,
    ended: oneshot::Receiver<Result<(), DaemonError>>,
}

impl Daemon {
    /// The way in.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The way to end it.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Waits until it ended.
    ///
    /// # Errors
    /// When it ended by itself because of a fault.
    pub async fn ended(&mut self) -> Result<(), DaemonError> {
        match (&mut self.ended).await {
            Ok(result) => result,
            Err(_) => Err(DaemonError::Thread("it ended without a word".to_owned())),
        }
    }
}

/// Opens the database, looks at the plans, and starts the loop.
///
/// # Errors
/// When the database cannot be opened or its log not replayed.
pub async fn start(settings: Settings) -> Result<Daemon, DaemonError> {
    let Settings { plans, database, account, clock, mode, client, .. } = settings;
    let (looks_in, mut looks) = mpsc::channel(1);
    let files = PlanFiles::new(plans.clone(), account.clone(), settings.settles);
    let mut engine = Engine::open(&database, account, clock, mode, files)?;
    let mut plans_reader = PlansReader::start(plans, engine.yml(), looks_in)
        .map_err(|error| DaemonError::Thread(error.to_string()))?;
    engine.ask_at_least(settings.approval_floor);
    engine.world.revisions = settings.revisions;
    engine.world.devices_per_day = settings.devices_per_day;
    engine.world.second_clock.trust = settings.clock_trust;
    plans_reader.ask();
    let look = match tokio::time::timeout(FIRST_LOOK_WITHIN, looks.recv()).await {
        Ok(Some(Looked { look, .. })) => {
            plans_reader.arrived();
            look
        }
        Ok(None) | Err(_) => Look::Unreadable(format!(
            "the plans directory {} was not read within {} s; it goes on being read",
            engine.files.directory().display(),
            FIRST_LOOK_WITHIN.as_secs()
        )),
    };
    engine.take_look(look);
    failpoint::reach(Point::FilesRead);
    let (seen_in, seen) = mpsc::channel(MAX_SEEN);
    let far_side = FarSide::new(Arc::new(client), clock, engine.stop_file().clone(), seen_in);
    let (requests_in, requests) = mpsc::channel(MAX_WAITING);
    engine.world.second_clock.doubt = far_side.second_clock().doubt;
    let first = engine.view(&Pass::default(), far_side.budget_remaining(), None);
    let (view_in, view) = watch::channel(Arc::new(first));
    let (ticks_in, ticks) = mpsc::channel(1);
    let wheel = Wheel::start(ticks_in).await?;
    let token = CancellationToken::new();
    let owner = Owner {
        engine,
        far_side,
        reading: Reading::default(),
        writing: None,
        told_doubt: None,
        view: view_in,
        plans: plans_reader,
        looked_at_files: Stopwatch::start(),
        waiting: Vec::new(),
        ticked_at: None,
        passed: Stopwatch::start(),
        spoken: Vec::new(),
        clock_asked: Vec::new(),
        tasks: tokio::runtime::Handle::current(),
    };
    let inputs = Inputs { seen, looks, requests, ticks, token: token.clone() };
    let (ended_in, ended) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    // SQLite blocks, so the loop has a thread of its own.
    let body = move || {
        let result = runtime.block_on(async move {
            let result = owner.run(inputs).await;
            wheel.stop().await;
            result
        });
        let _ = ended_in.send(result);
    };
    thread::Builder::new()
        .name("engine".to_owned())
        .spawn(body)
        .map_err(|error| DaemonError::Thread(error.to_string()))?;
    Ok(Daemon { handle: Handle::new(requests_in, view), stopper: Stopper { token }, ended })
}

struct Inputs {
    seen: mpsc::Receiver<Seen>,
    looks: mpsc::Receiver<Looked>,
    requests: mpsc::Receiver<Request>,
    ticks: mpsc::Receiver<Tick>,
    token: CancellationToken,
}

enum Input {
    Seen(Seen),
    Looked(Looked),
    Request(Request),
    Tick,
    Timer,
    End,
}

impl Inputs {
    async fn next(&mut self, sleep: Duration) -> Input {
        // A new sleep of no length is ready only after the runtime has looked at its clock, which
        // it does not while other inputs are ready: then the timer would never come.
        let timer = async {
            if !sleep.is_zero() {
                #[expect(clippy::disallowed_methods, reason = "the daemon's only sleep")]
                tokio::time::sleep(sleep).await;
            }
        };
        if self.token.is_cancelled() {
            return Input::End;
        }
        // Not biased: readers that never stop asking must not starve the far side, nor a fast
        // clock the readers.
        tokio::select! {
            () = self.token.cancelled() => Input::End,
            Some(request) = self.requests.recv() => Input::Request(request),
            Some(seen) = self.seen.recv() => Input::Seen(seen),
            Some(looked) = self.looks.recv() => Input::Looked(looked),
            () = timer => Input::Timer,
            Some(Tick) = self.ticks.recv() => Input::Tick,
        }
    }
}

/// How far the write under way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// The far end is looked at; nothing is sent.
    Looking(WriteId),
    /// It is sent, after so many devices were counted where the ring has a limit.
    Sent { counted: Option<usize> },
}

/// What follows a look at the files.
#[derive(Debug)]
enum Waiting {
    /// A decision, whatever the look shows.
    Pass,
    /// A verb that is carried out on what the files say by then.
    Verb(Asking),
}

/// The one owner of state.
struct Owner {
    engine: Engine,
    far_side: FarSide,
    reading: Reading,
    writing: Option<Writing>,
    /// What the daemon's log said last of a doubted clock.
    told_doubt: Option<&'static str>,
    view: watch::Sender<Arc<View>>,
    plans: PlansReader,
    /// When the last look at the files was asked for.
    looked_at_files: Stopwatch,
    /// Who waits for a look at the files, and for which.
    waiting: Vec<(u64, Waiting)>,
    ticked_at: Option<Timestamp>,
    passed: Stopwatch,
    tasks: tokio::runtime::Handle,
    /// Words that wait until the members are read.
    spoken: Vec<Spoken>,
    /// Words on the clock that wait until Cloudflare was asked for the time.
    clock_asked: Vec<Asking>,
}

impl Owner {
    async fn run(mut self, mut inputs: Inputs) -> Result<(), DaemonError> {
        let mut sleep = self.pass()?;
        loop {
            let input = inputs.next(left_of(sleep, self.passed.seconds())).await;
            // The instant of all that the input leads to.
            self.engine.look_at_clock()?;
            let changed = match input {
                Input::End => break,
                Input::Timer => {
                    // Without ticks nobody else would look.
                    self.look_at_files_when_due();
                    true
                }
                Input::Tick => self.tick()?,
                Input::Request(request) => self.request(request)?,
                Input::Looked(looked) => self.looked_at_files(looked)?,
                Input::Seen(seen) => {
                    self.seen(seen)?;
                    true
                }
            };
            if changed || self.passed.seconds() >= PASS_EVERY {
                sleep = self.pass()?;
            }
        }
        self.end(inputs).await
    }

    /// Decides, starts what follows, and says how long to sleep.
    fn pass(&mut self) -> Result<Duration, DaemonError> {
        let pass = self.decided()?;
        Ok(self.follow(&pass))
    }

    /// Reads what the plan's rollout wants to see; says what is read.
    fn check_now(&mut self, plan: &PlanName) -> Result<String, DaemonError> {
        let mut pass = self.decided()?;
        let mut wants = pass.wanted_by(plan);
        let now = self.engine.now();
        self.reading.hurry(&mut wants, now);
        pass.reads.extend(wants.iter().cloned());
        self.follow(&pass);
        Ok(self.reading.told(&wants, now))
    }

    fn decided(&mut self) -> Result<Pass, DaemonError> {
        self.passed = Stopwatch::start();
        let count = counting::requests(&self.engine.state, &self.engine.world);
        self.engine.world.budget_spent_until = self.far_side.budget_spent_until(count);
        self.compare_clocks();
        let pass = self.engine.pass()?;
        // The last thing before a write begins: is the log still what it was?
        if pass.write.is_some() && self.writing.is_none() && self.engine.verify_on_disk()? != Sound::Yes {
            return Ok(self.engine.pass()?);
        }
        Ok(pass)
    }

    /// Takes in what the answers so far say of the machine's clock.
    fn compare_clocks(&mut self) {
        let trust = self.engine.world.second_clock.trust.take();
        let heard = self.far_side.second_clock();
        tell_clock(&mut self.told_doubt, heard.doubt);
        self.engine.world.second_clock = SecondClock { trust, ..heard };
    }

    /// Starts what follows from a decision, and says how long to sleep.
    fn follow(&mut self, pass: &Pass) -> Duration {
        self.reading.forget_unwanted(&pass.reads, &mut self.engine.world.troubles);
        let now = self.engine.now();
        if let Some((_, intent)) = &pass.write
            && self.writing.is_none()
        {
            self.writing = Some(Writing::Looking(intent.id));
            let counting = Counting::of_pending(&self.engine.state, &self.engine.world);
            self.tasks.spawn(self.far_side.clone().look(intent.clone(), counting, now));
        }
        self.start_reads(&pass.reads, now);
        let next_read = self.reading.next(&pass.reads);
        let timer = [pass.wake_at.filter(|at| *at > now), next_read].into_iter().flatten().min();
        let view = self.engine.view(pass, self.far_side.budget_remaining(), timer);
        self.view.send_replace(Arc::new(View { ticked_at: self.ticked_at, ..view }));
        failpoint::reach(Point::SnapshotPublished);
        at_most(timer.map(|at| self.engine.wall_until(at)))
    }

    fn start_reads(&mut self, wants: &[Want], now: Timestamp) {
        // Reads that settle a doubt hold up every other write, so they do not wait for budget.
        let in_doubt = self.engine.state.pending_write().is_some_and(|(_, _, write)| write.doubt.is_some());
        let priority = if in_doubt { Priority::Write } else { Priority::Routine };
        for read in self.reading.start_due(wants, now) {
            let swept_at = self.engine.world.fleet.swept_at().unwrap_or(now);
            let seen_after = after(self.engine.by_the_clock(swept_at), -SWEEP_OVERLAP);
            let asked = Asked { read, seen_after, at: now, priority };
            self.tasks.spawn(self.far_side.clone().read(asked));
        }
    }

    /// A tick: looks at the stop file and, now and then, has the files looked at.
    fn tick(&mut self) -> Result<bool, DaemonError> {
        self.ticked_at = Some(self.engine.now());
        self.engine.verify_when_due()?;
        self.look_at_files_when_due();
        let stop_moved = self.engine.stop_file().is_there() != self.engine.is_stopped();
        Ok(stop_moved | self.engine.is_regain_due())
    }

    fn look_at_files_when_due(&mut self) {
        if self.looked_at_files.seconds() >= LOOK_AT_FILES_EVERY || self.engine.files.is_look_due() {
            self.ask_for_a_look();
        }
    }

    /// Has the files looked at; says which look shows what is there now.
    fn ask_for_a_look(&mut self) -> u64 {
        self.looked_at_files = Stopwatch::start();
        self.plans.ask()
    }

    /// The files were looked at: whoever waited for it is answered. Says whether to decide anew.
    fn looked_at_files(&mut self, looked: Looked) -> Result<bool, DaemonError> {
        self.plans.arrived();
        let Looked { number, began, look } = looked;
        tracing::debug!(number, seconds = began.seconds(), "the plans directory was looked at");
        let mut changed = self.engine.take_look(look);
        let (ready, later) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(asked, _)| *asked <= number);
        self.waiting = later;
        for (_, waiting) in ready {
            changed = true;
            match waiting {
                Waiting::Pass => {}
                Waiting::Verb(asking) => self.carry_out(asking, Sight::Clear)?,
            }
        }
        Ok(changed)
    }

    /// Puts a verb off until the files were looked at.
    fn after_a_look(&mut self, asking: Asking) {
        if self.waiting.len() >= MAX_WAITING {
            let full = CommandError::Unavailable("too many people ask at once");
            let _ = asking.reply.send(Err(full));
            return;
        }
        let look = self.ask_for_a_look();
        self.waiting.push((look, Waiting::Verb(asking)));
    }

    fn request(&mut self, request: Request) -> Result<bool, DaemonError> {
        match request {
            Request::LookNow => {
                let look = self.ask_for_a_look();
                let is_new =
                    |(asked, waiting): &(u64, Waiting)| *asked != look || !matches!(waiting, Waiting::Pass);
                if self.waiting.iter().all(is_new) {
                    self.waiting.push((look, Waiting::Pass));
                }
                // The stop file is the loop's own to look at.
                Ok(self.engine.stop_file().is_there() != self.engine.is_stopped())
            }
            Request::Devices { plan, listing, reply } => {
                // Who asked may have gone away.
                let _ = reply.send(self.engine.devices(&plan, &listing));
                Ok(false)
            }
            Request::Situation { plan, reply } => {
                let _ = reply.send(self.engine.situation(&plan).map(Box::new));
                Ok(false)
            }
            Request::Tell { actor, reason, told, reply } => {
                let answer = self.engine.tell(&actor, &reason, told)?;
                // The snapshot first: who comes in is judged by it.
                self.pass()?;
                let _ = reply.send(answer);
                Ok(true)
            }
            Request::Command { actor, reason, command, reply } => {
                let asking = Asking { actor, reason, command, reply };
                if matches!(asking.command, Command::CheckNow(_)) {
                    self.after_a_look(asking);
                    return Ok(false);
                }
                if let Some(asking) = self.put_off(asking) {
                    self.carry_out(asking, Sight::Clear)?;
                }
                Ok(true)
            }
        }
    }

    fn seen(&mut self, seen: Seen) -> Result<(), DaemonError> {
        match seen {
            Seen::Read { read, as_of, result } => self.read_ended(read, as_of, result)?,
            Seen::Looked { write, look } => self.looked(write, look)?,
            Seen::Sent { write, outcome } => self.finish(write, outcome)?,
            Seen::Time => self.heard_time()?,
        }
        Ok(())
    }

    fn read_ended(
        &mut self,
        read: Read,
        as_of: Timestamp,
        result: Result<ReadResult, ApiError>,
    ) -> Result<(), DaemonError> {
        let now = self.engine.now();
        // A person may have confirmed a clock that was behind since.
        let as_of = now.min(as_of);
        let world = &mut self.engine.world;
        let brought = match result {
            Ok(brought) => brought,
            Err(error) => {
                tracing::warn!(read = read.as_str(), %error, "a read failed");
                self.reading.failed(read.clone(), &error, now, &mut world.troubles);
                return match read {
                    Read::Approvers(group) => self.heard(&group, Sight::None),
                    _ => Ok(()),
                };
            }
        };
        self.reading.succeeded(&read, &mut world.troubles);
        match (brought, read) {
            (ReadResult::Groups(value), _) => world.groups = Some(Observed { value, as_of }),
            (ReadResult::Group(value), Read::Group(id)) => {
                world.single_groups.insert(id, Observed { value, as_of });
            }
            (ReadResult::Group(_), _) => {}
            (ReadResult::Profiles(value), _) => world.profiles = Some(Observed { value, as_of }),
            (ReadResult::Approvers(value), Read::Approvers(group)) => {
                world.user_groups.insert(group.clone(), Observed { value, as_of });
                self.heard(&group, Sight::Clear)?;
            }
            (ReadResult::Approvers(_), _) => {}
            (ReadResult::Sweep(mut sweep), _) => {
                sweep.started_at = as_of;
                self.engine.observe_sweep(sweep)?;
                self.engine.world.cadence = cadence(self.engine.world.fleet.devices().count());
            }
        }
        Ok(())
    }

    /// The fresh look is there: the last word before the request goes out.
    fn looked(&mut self, write: WriteId, look: Result<LastLook, ApiError>) -> Result<(), DaemonError> {
        let mut doubt = None;
        let look = match look.map(|look| look.not_after(self.engine.now())) {
            Ok(LastLook { fresh, counted, approvers, doubt: found }) => {
                doubt = found;
                self.engine.world.user_groups.extend(approvers);
                self.keep(write, &fresh);
                Ok((fresh, counted.map(|counted| self.keep_count(counted)).transpose()?))
            }
            Err(error) => Err(error),
        };
        // What the look shows, and what came due meanwhile, may halt: before the last word, not after it.
        self.compare_clocks();
        self.engine.pass()?;
        // Without a log nothing is sent; when it is back, the write is in doubt and settled by reading.
        if self.engine.is_lost() {
            self.writing = None;
            return Ok(());
        }
        let counted = look.as_ref().ok().and_then(|(_, counted)| counted.as_ref().map(|count| count.value));
        // For this write one answer is enough.
        let known = self.engine.world.second_clock.doubt;
        self.engine.world.second_clock.doubt = known.or(doubt);
        let cleared = self.clear(write, look);
        self.engine.world.second_clock.doubt = known;
        match cleared {
            Some(Ok(intent)) => {
                self.writing = Some(Writing::Sent { counted });
                failpoint::reach(Point::LookTaken);
                self.tasks.spawn(self.far_side.clone().send(intent));
            }
            Some(Err(unsent)) => self.give_up(write, unsent)?,
            None => self.writing = None,
        }
        Ok(())
    }

    /// The look is an observation like any other: should it be in the way, the next decision
    /// must know.
    fn keep(&mut self, write: WriteId, look: &Observed<FreshLook>) {
        let as_of = look.as_of;
        match &look.value {
            FreshLook::Groups(value) => {
                self.engine.world.groups = Some(Observed { value: value.clone(), as_of });
            }
            FreshLook::Group(value) => {
                let pending =
                    self.engine.state.pending_write().filter(|(_, _, pending)| pending.id() == write);
                let before = pending.and_then(|(_, _, pending)| pending.intent.before.as_ref());
                if let Some(id) = before.map(|group| group.id.clone()) {
                    self.engine.world.single_groups.insert(id, Observed { value: value.clone(), as_of });
                }
            }
        }
    }

    /// So are the devices that were counted: a ring that has grown is the planner's business, too.
    fn keep_count(&mut self, counted: Counted) -> Result<Observed<usize>, DaemonError> {
        let as_of = counted.devices.as_of;
        for mut sweep in counted.sweeps {
            sweep.started_at = as_of;
            self.engine.observe_sweep(sweep)?;
        }
        Ok(counted.devices)
    }

    fn clear(
        &self,
        write: WriteId,
        look: Result<(Observed<FreshLook>, Option<Observed<usize>>), ApiError>,
    ) -> Option<Result<WriteIntent, Unsent>> {
        let state = &self.engine.state;
        let (rollout, _, pending) = state.pending_write().filter(|(_, _, pending)| pending.id() == write)?;
        let (look, counted) = match look {
            Ok(look) => look,
            Err(error) => return Some(Err(Unsent::read_failed(error.to_string(), error.come_back_at()))),
        };
        if self.engine.stop_file().stops() {
            return Some(Err(Cancelled::Stopped.into()));
        }
        let plan = &rollout.id.plan;
        let desired = self.engine.files.desired(plan);
        let (world, now) = (&self.engine.world, self.engine.now());
        let cleared = clear_to_send(state, plan, desired, world, &look, counted.as_ref(), now);
        Some(cleared.map(|()| pending.intent.clone()).map_err(Unsent::from))
    }

    fn finish(&mut self, write: WriteId, outcome: SendOutcome) -> Result<(), DaemonError> {
        let counted = match self.writing.take() {
            Some(Writing::Sent { counted }) => counted,
            Some(Writing::Looking(_)) | None => None,
        };
        let entry = outcome_entry(&self.engine.state, write, outcome, counted);
        let now = self.engine.now();
        self.engine.append(entry.into_iter().collect(), now)?;
        Ok(())
    }

    /// A planned write is not sent, and says why.
    fn give_up(&mut self, write: WriteId, unsent: Unsent) -> Result<(), DaemonError> {
        self.writing = None;
        let entry = unsent_entry(&self.engine.state, write, unsent);
        let now = self.engine.now();
        self.engine.append(entry.into_iter().collect(), now)?;
        Ok(())
    }

    /// Waits for the answer of a write under way, then closes the log.
    async fn end(mut self, mut inputs: Inputs) -> Result<(), DaemonError> {
        // What is still being looked at is not sent, and is not going to be.
        if let Some(Writing::Looking(write)) =
            self.writing.take_if(|writing| matches!(writing, Writing::Looking(_)))
        {
            self.give_up(write, Cancelled::Ending.into())?;
        }
        if self.writing.is_some() {
            tracing::info!("waiting for the answer of the write under way");
            failpoint::reach(Point::EndAwaitsAnswer);
        }
        let last = Stopwatch::start();
        while self.writing.is_some() && last.seconds() < LAST_ANSWER_WITHIN.as_secs_f64() {
            let left = LAST_ANSWER_WITHIN.saturating_sub(Duration::from_secs_f64(last.seconds()));
            match tokio::time::timeout(left, inputs.seen.recv()).await {
                Ok(Some(Seen::Sent { write, outcome })) => {
                    self.engine.look_at_clock()?;
                    self.finish(write, outcome)?;
                }
                Ok(Some(Seen::Read { .. } | Seen::Looked { .. } | Seen::Time)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        failpoint::reach(Point::EndBegun);
        self.engine.close().map_err(EngineError::from)?;
        Ok(())
    }
}

/// A sleep until a timer, never longer than [`PASS_EVERY`]: the wheel stands still while a clock that was set
/// back catches up, and who watches the daemon hears of each pass.
fn at_most(until_timer: Option<Duration>) -> Duration {
    let longest = Duration::from_secs_f64(PASS_EVERY);
    until_timer.map_or(longest, |sleep| sleep.min(longest))
}

/// What is left of a sleep, so many seconds after the pass that asked for it: an input that changed
/// nothing must not put the timer off.
fn left_of(sleep: Duration, seconds_since_pass: f64) -> Duration {
    sleep.saturating_sub(Duration::from_secs_f64(seconds_since_pass))
}

/// How often a fleet of this size is polled, so that polling stays inside its share of the budget.
fn cadence(devices: usize) -> Cadence {
    let rounds = devices.div_ceil(100).div_ceil(POLLED_PAGES).max(1);
    let rounds = i32::try_from(rounds).unwrap_or(i32::MAX);
    let poll = Cadence::SHORTEST_POLL.checked_mul(rounds).unwrap_or(SignedDuration::from_hours(24));
    Cadence { poll }
}

/// The log says when the machine's clock comes into doubt, and when it is believed again; `told` is what it said
/// last.
fn tell_clock(told: &mut Option<&'static str>, now: Option<ClockDoubt>) {
    match now {
        Some(ClockDoubt::NotCompared) => {}
        Some(doubt) if *told != Some(doubt.code()) => {
            *told = Some(doubt.code());
            tracing::warn!(code = doubt.code(), "{doubt}; nothing is entered, written back or verified");
        }
        Some(_) => {}
        None => {
            if let Some(code) = told.take() {
                tracing::info!(code, "this machine's clock agrees with Cloudflare's again");
            }
        }
    }
}
