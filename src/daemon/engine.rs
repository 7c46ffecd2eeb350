//! The engine: log, state and observations in one hand, and the pass that decides.
//!
//! **Invariant:** state changes only through [`Engine::append`], which commits before it applies;
//! after a failed commit memory is thrown away and the log is read again.

mod clock;
mod stopping;
mod storage;
mod telling;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use crate::daemon::files::{FileProblem, Known, Look, PlanFiles, Yml};
use crate::daemon::log::{self, ReplayError};
use crate::daemon::stop_file::{StopFile, Stopping};
use crate::daemon::view::{CommandError, DeviceRow, Listing, View};
use crate::failpoint::{self, Point};
use crate::fleet::{Class, Device, Reported, RingScope, Sweep};
use crate::ids::{AccountId, PlanName, RingName};
use crate::plan::model::ApprovalFloor;
use crate::rollout::decide::outcome;
use crate::rollout::decide::pipeline::{Decision, decide, look};
use crate::rollout::judge::membership::membership;
use crate::rollout::judge::{health, subject};
use crate::rollout::people::answer::command;
use crate::rollout::people::command::Command;
use crate::rollout::people::done::done;
use crate::rollout::record::{Actor, Entry, Event, Mode, Recorded, WriteIntent};

use crate::rollout::state::{Ring, Rollout, State};
use crate::rollout::tell::report::Report;
use crate::rollout::tell::revision_waits::RevisionWaits;
use crate::rollout::tell::waits::Waits;
use crate::rollout::world::{Observations, Want};
use crate::secrets;
use crate::simulation::forecast::{NoForecast, Situation};
use crate::store::{Head, OpenError, Recovery, RingSample, Store, StoreError, StoredDevice};
use crate::time::{Clock, SignedDuration, Stopwatch, Timestamp, since};
use clock::ClockWatch;
pub(super) use storage::Sound;
use storage::{Losses, Lost};

/// Ring counts are kept this often for charts.
const SAMPLE_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// A reason for the daemon to end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The log is not as it was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a pass comes to.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// What to read, and when.
    pub(super) reads: Vec<Want>,
    /// When to decide again at the latest.
    pub(super) wake_at: Option<Timestamp>,
    /// A write that is planned and neither sent nor in doubt.
    pub(super) write: Option<(PlanName, WriteIntent)>,
    reports: Vec<Report>,
    faults: Vec<(PlanName, String)>,
}

impl Pass {
    /// What one plan's rollout wants to see.
    pub(super) fn wanted_by(&self, plan: &PlanName) -> Vec<Want> {
        let of_plan = self.reports.iter().filter(|report| report.id.plan == *plan);
        of_plan.flat_map(|report| &report.reads).cloned().collect()
    }
}

/// What became of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    /// They are in the log and in the state.
    Recorded,
    /// They are not in the log: the commit failed and it was read again, or it cannot be written now.
    Dropped,
}

/// Log, state and observations.
#[derive(Debug)]
pub(super) struct Engine {
    /// `None`: it is lost.
    store: Option<Store>,
    lost: Option<Lost>,
    losses: Losses,
    /// Since the database was last verified on disk.
    verified: Stopwatch,
    watch: ClockWatch,
    account: AccountId,
    mode: Mode,
    head: Head,
    /// The log, folded.
    pub(super) state: State,
    /// What was read from outside.
    pub(super) world: Observations,
    /// The plans directory.
    pub(super) files: PlanFiles,
    stop_file: StopFile,
    /// A stop that the log does not have yet.
    unrecorded_stop: Option<Stopping>,
    sampled_at: Option<Timestamp>,
    /// What the rollouts waited for so far.
    waits: Waits,
}

impl Engine {
    /// Opens the database, replays the log and records that a daemon took over.
    ///
    /// # Errors
    /// When the database cannot be opened, or the log cannot be replayed.
    pub(super) fn open(
        database: &Path,
        account: AccountId,
        clock: Clock,
        mode: Mode,
        files: PlanFiles,
    ) -> Result<Self, EngineError> {
        let watch = ClockWatch::new(clock);
        let store = Store::open_for_writing(database, &account, &clock, clock.now())?;
        let mut engine = Self {
            store: None,
            lost: None,
            losses: Losses::default(),
            verified: Stopwatch::start(),
            watch,
            account,
            mode,
            head: Head::EMPTY,
            state: State::default(),
            world: Observations::default(),
            files,
            stop_file: StopFile::beside(database),
            unrecorded_stop: None,
            sampled_at: None,
            waits: Waits::default(),
        };
        let (head, eras) = (store.view().head()?, log::eras(store.view())?);
        let recorded = head.at.map(|at| eras.happened(head.seq.get(), at));
        engine.take_over(store, "a daemon took over the log")?;
        engine.watch.begin(recorded);
        engine.look_at_clock()?;
        Ok(engine)
    }

    /// Whether plan files named `*.yml` are read.
    pub(super) const fn yml(&self) -> Yml {
        Yml::of(&self.state)
    }

    /// Sets what no plan lowers of the approvals that are asked.
    pub(super) fn ask_at_least(&mut self, floor: Option<ApprovalFloor>) {
        self.world.approval_floor = floor;
    }

    /// Folds a log that was just opened, and ends what a crash left open.
    fn take_over(&mut self, store: Store, why: &str) -> Result<(), EngineError> {
        let replayed = log::replay_all(store.view())?;
        (self.state, self.waits) = (replayed.state, replayed.waits);
        self.head = store.view().head()?;
        // What the configuration says outlives the log that was open.
        self.world = Observations {
            fleet: log::remembered(store.view()),
            approval_floor: self.world.approval_floor.take(),
            devices_per_day: self.world.devices_per_day,
            revisions: self.world.revisions,
            second_clock: std::mem::take(&mut self.world.second_clock),
            ..Observations::default()
        };
        self.store = Some(store);
        let (version, mode) = (env!("CARGO_PKG_VERSION").to_owned(), self.mode);
        let settles_seconds = u64::try_from(self.files.settles().shown.as_secs()).ok();
        let started = Event::DaemonStarted { version, mode, settles_seconds };
        let mut entries =
            vec![Entry { actor: Actor::Engine, reason: why.to_owned(), rollout: None, event: started }];
        entries.extend(outcome::doubt_after_restart(&self.state));
        self.record(&entries, self.now())
    }

    /// Appends entries as facts of the instant `at`, at which they were decided, and folds them in:
    /// evidence names that instant, and the log must say the same (law of soak). After a failed commit
    /// the log is opened and replayed anew, and the entries are dropped: the next pass decides from
    /// what the log really says.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(super) fn append(&mut self, entries: Vec<Entry>, at: Timestamp) -> Result<Appended, EngineError> {
        if entries.is_empty() {
            return Ok(Appended::Recorded);
        }
        if self.is_lost() {
            return Ok(Appended::Dropped);
        }
        match self.record(&entries, at) {
            Err(EngineError::Store(error)) if error.recovery() == Recovery::Reopen => {
                self.lose(&error)?;
                Ok(Appended::Dropped)
            }
            recorded => recorded.map(|()| Appended::Recorded),
        }
    }

    /// [`Engine::append`] without a second try.
    fn record(&mut self, entries: &[Entry], at: Timestamp) -> Result<(), EngineError> {
        let confirms = entries.iter().any(|entry| matches!(entry.event, Event::ClockConfirmed { .. }));
        let at = self.state.last_at.filter(|_| !confirms).map_or(at, |last| last.max(at));
        let mut next = self.state.clone();
        for entry in entries {
            let recorded = Recorded { seq: next.seq + 1, at, entry: entry.clone() };
            next.apply(&recorded).map_err(ReplayError::from)?;
        }
        let Some(store) = &mut self.store else { return Err(StoreError::Discarded.into()) };
        let dated = next.eras.dated(next.seq, at);
        let records: Vec<_> = entries.iter().map(|entry| log::to_record(entry, dated)).collect();
        failpoint::reach_each(entries.iter().map(|entry| &entry.event), Point::Decided);
        let stored = store.append(self.head.seq, &records)?;
        failpoint::reach_each(entries.iter().map(|entry| &entry.event), Point::Recorded);
        if let Some(last) = stored.last() {
            self.head = last.as_head();
        }
        for entry in entries {
            self.waits.settle_before(entry, &self.state, at);
        }
        self.state = next;
        for entry in entries {
            tell(entry);
        }
        Ok(())
    }

    /// Decides for every plan until nothing is to be added. While the log cannot be written it only looks.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(super) fn pass(&mut self) -> Result<Pass, EngineError> {
        self.look_at_clock()?;
        self.regain_when_due()?;
        let losses = self.losses.count;
        let pass = self.decide_all()?;
        // What was decided on a log that was lost on the way is void.
        if self.losses.count == losses { Ok(pass) } else { self.decide_all() }
    }

    /// Forgets what was seen while the clock was behind: by the clock it is older than it says.
    pub(super) fn look_anew(&mut self) {
        let Some(store) = &self.store else { return };
        let fleet = log::remembered(store.view());
        let world = std::mem::take(&mut self.world);
        self.world = Observations {
            fleet,
            approval_floor: world.approval_floor,
            devices_per_day: world.devices_per_day,
            revisions: world.revisions,
            second_clock: world.second_clock,
            cadence: world.cadence,
            troubles: world.troubles,
            budget_spent_until: world.budget_spent_until,
            ..Observations::default()
        };
    }

    fn decide_all(&mut self) -> Result<Pass, EngineError> {
        self.obey_stop_file()?;
        self.world.files = self.files.names();
        let behind = self.clock_behind();
        if behind.is_none() && self.world.clock_behind.is_some() {
            self.look_anew();
        }
        self.world.clock_behind = behind;
        let now = self.now();
        let mut plans: Vec<PlanName> = self.state.plans.keys().cloned().collect();
        plans.extend(self.files.plans().filter(|plan| !self.state.plans.contains_key(*plan)).cloned());
        let mut pass = Pass::default();
        for plan in plans {
            let desired = self.files.desired(&plan);
            let decided = if self.is_lost() {
                Ok(look(&plan, desired, &self.seen_state(), &self.world, now))
            } else {
                decide(&plan, desired, &self.state, &self.world, now)
            };
            match decided {
                Ok(Decision { entries, report, reads, wake_at }) => {
                    self.append(entries, now)?;
                    pass.reads.extend(reads);
                    pass.wake_at = [pass.wake_at, wake_at].into_iter().flatten().min();
                    pass.reports.extend(report);
                }
                Err(fault) => {
                    tracing::error!(%plan, %fault, "a fault in ringward keeps this plan from being decided");
                    pass.faults.push((plan, fault.to_string()));
                }
            }
        }
        // A plan that goes on under another name was told of under the old one.
        pass.reports.retain(|report| self.state.plans.contains_key(&report.id.plan));
        let unsent = self.state.pending_write().filter(|(_, _, write)| write.doubt.is_none());
        let unsent = unsent.filter(|_| !self.is_lost());
        pass.write = unsent.map(|(rollout, _, write)| (rollout.id.plan.clone(), write.intent.clone()));
        self.sample_rings();
        self.waits.settle(&self.state, now);
        Ok(pass)
    }

    /// Takes in a look at the plan files; says whether anything changed, and in the log what cannot be used.
    pub(super) fn take_look(&mut self, look: Look) -> bool {
        let plans = self.state.plans.iter();
        let known = plans.map(|(plan, known)| Known {
            plan: plan.clone(),
            file: known.file.clone(),
            in_force: Some(known.rollout.revision.digest.clone()),
        });
        let known: Vec<Known> = known.collect();
        let now = self.now();
        let before = (self.files.problems().to_vec(), self.files.warnings().to_vec());
        let changed = self.files.take(look, &known, now);
        tell_problems(&before.0, self.files.problems());
        tell_warnings(&before.1, self.files.warnings());
        changed
    }

    /// Carries out a person's request.
    ///
    /// # Errors
    /// The outer error ends the daemon; the inner one is the answer.
    pub(super) fn command(
        &mut self,
        actor: &Actor,
        reason: &str,
        asked: &Command,
    ) -> Result<Result<String, CommandError>, EngineError> {
        // The log keeps it for good.
        let reason = &*secrets::redact(reason);
        if *asked == Command::Stop && !reason.trim().is_empty() {
            // The file first: it stops even when the log cannot be written.
            let stopping =
                Stopping { actor: actor.clone(), reason: reason.trim().to_owned(), at: self.now() };
            if let Err(error) = self.stop_file.put(&stopping) {
                tracing::warn!(path = %self.stop_file.path().display(), %error, "cannot write the stop file");
            }
            failpoint::reach(Point::StopFilePut);
        }
        if *asked != Command::Stop {
            // A file that is there stops: the table must not take writes for allowed.
            self.obey_stop_file()?;
        }
        self.world.second_clock.machine = Some(self.watch.seen());
        self.world.clock_behind = self.clock_behind();
        let judged = {
            // A stop is asked of the log alone: who asks shall stand there.
            let state = if *asked == Command::Stop { Cow::Borrowed(&self.state) } else { self.seen_state() };
            command((&state, &self.world), actor, reason, asked, self.now())
        };
        let entries = match judged {
            Ok(entries) => entries,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let confirmed = entries.iter().find_map(|entry| match entry.event {
            Event::ClockConfirmed { now, .. } => Some(now),
            _ => None,
        });
        if self.append(entries.clone(), confirmed.unwrap_or(self.now()))? == Appended::Dropped {
            return Ok(self.unrecorded(actor, reason, asked));
        }
        self.stop_file.remember(self.is_stopped());
        if let Some(now) = confirmed {
            self.begin_era(now)?;
        }
        if matches!(asked, Command::Start { .. }) {
            failpoint::reach(Point::StopFileStays);
        }
        if matches!(asked, Command::Start { .. })
            && let Err(error) = self.stop_file.take_away()
        {
            let path = self.stop_file.path().display();
            let why = format!(
                "the stop file {path} cannot be removed ({error}), so writes stay stopped; remove it"
            );
            return Ok(Err(CommandError::Failed(why)));
        }
        Ok(Ok(done(&entries, &self.state, asked)))
    }

    /// Takes in a sweep, and remembers the devices it changed.
    ///
    /// # Errors
    /// When the log cannot be believed any more.
    pub(super) fn observe_sweep(&mut self, sweep: Sweep) -> Result<(), EngineError> {
        let swept_at = sweep.started_at;
        let membership = membership(&self.state, &self.world, swept_at);
        let observed = self.world.fleet.observe(sweep, &membership);
        let Some(store) = &mut self.store else { return Ok(()) };
        let changed = observed.changed.iter().filter_map(|id| self.world.fleet.device(id));
        let rows: Vec<StoredDevice> = changed.filter_map(|device| stored(device, swept_at)).collect();
        let forgotten: Vec<_> = observed.forgotten.into_iter().collect();
        let saved = store.save_devices(&rows).and_then(|()| {
            failpoint::reach(Point::DevicesSaved);
            store.delete_devices(&forgotten)
        });
        self.after_saving(saved)
    }

    /// An observation alone may be lost; but what keeps it off the disk keeps the next record off it as
    /// well, and that one may be the outcome of a write.
    pub(super) fn after_saving(&mut self, saved: Result<(), StoreError>) -> Result<(), EngineError> {
        match saved {
            Ok(()) => Ok(()),
            Err(error @ StoreError::ObservationNotSaved { .. }) => self.lose(&error),
            Err(error) => {
                tracing::warn!(%error, "observations are kept in memory only");
                Ok(())
            }
        }
    }

    /// The rings of a rollout whose profiles are known.
    fn scopes<'a>(&'a self, rollout: &'a Rollout) -> impl Iterator<Item = (RingName, RingScope)> + 'a {
        rollout.rings_with_plans().filter_map(|(ring, plan)| {
            Some((ring.name.clone(), subject::known_scope(ring, plan, &self.world)?))
        })
    }

    /// The devices of a plan's rings; `None`: no such plan.
    #[must_use]
    pub(super) fn devices(&self, plan: &PlanName, listing: &Listing) -> Option<Vec<DeviceRow>> {
        let now = self.now();
        let (state, world) = (&self.state, &self.world);
        let rollout = &state.plans.get(plan)?.rollout;
        let mut rows = Vec::new();
        for (ring, plan) in rollout.rings_with_plans() {
            let asked_for = listing.ring.as_ref().is_none_or(|name| *name == ring.name);
            let Some(scope) = subject::known_scope(ring, plan, world).filter(|_| asked_for) else { continue };
            let silent = health::silent(subject::Subject { state, rollout, ring, plan, world, now });
            for device in world.fleet.devices() {
                let Some(class) = scope.class(device, now) else { continue };
                let silence = silent.get(&device.latest.id);
                let fits = listing.class.is_none_or(|asked| asked == class)
                    && listing.dark.is_none_or(|asked| asked == silence.is_some());
                if fits {
                    let dark_since = silence.map(|silence| silence.since);
                    rows.push(DeviceRow { dark_since, ..device_row(ring, class, device) });
                }
            }
        }
        Some(rows)
    }

    /// What a forecast for a plan is made from.
    ///
    /// # Errors
    /// When there is nothing to forecast.
    pub(super) fn situation(&self, plan: &PlanName) -> Result<Situation, NoForecast> {
        Situation::of(plan, self.files.desired(plan), &self.state, &self.world, self.now())
    }

    /// Counts are for charts: no decision asks for them, so one that cannot be kept is missing and nothing more.
    fn sample_rings(&mut self) {
        let now = self.now();
        if self.sampled_at.is_some_and(|at| since(at, now) < SAMPLE_EVERY) {
            return;
        }
        self.sampled_at = Some(now);
        let mut samples = Vec::new();
        for plan in self.state.plans.values() {
            for (ring, scope) in self.scopes(&plan.rollout) {
                for (environment, census) in self.world.fleet.census(&scope, now).environments {
                    let Ok(counts) = serde_json::to_string(&census.counts) else { continue };
                    let plan = plan.rollout.id.plan.clone();
                    samples.push(RingSample { plan, ring: ring.clone(), environment, at: now, counts });
                }
            }
        }
        let Some(store) = &mut self.store else { return };
        if let Err(error) = store.add_ring_samples(&samples, now) {
            tracing::warn!(%error, "the counts of rings are not kept");
        }
    }

    /// What waits of each plan, with the devices that it would move.
    fn waiting(&self) -> BTreeMap<PlanName, RevisionWaits> {
        let (state, now) = (self.seen_state(), self.now());
        let of =
            |plan: &PlanName| RevisionWaits::of(plan, self.files.desired(plan), &state, &self.world, now);
        state.waiting.keys().filter_map(|plan| Some((plan.clone(), of(plan)?))).collect()
    }

    /// The snapshot after a pass.
    #[must_use]
    pub(super) fn view(&self, pass: &Pass, budget_remaining: u32, next_check: Option<Timestamp>) -> View {
        View {
            at: self.now(),
            clock: self.watch.clock,
            account: self.account.clone(),
            mode: self.mode,
            stop: self.seen_state().stop.clone(),
            reports: pass.reports.clone(),
            revisions: self.world.revisions,
            waiting: self.waiting(),
            problems: self.files.problems().to_vec(),
            faults: pass.faults.clone(),
            troubles: self.world.troubles.iter().map(|(read, why)| (read.clone(), why.clone())).collect(),
            head: self.head,
            eras: self.state.eras.clone(),
            budget_remaining,
            full_sweep_at: self.world.fleet.full_sweep_at(),
            swept_at: self.world.fleet.swept_at(),
            next_check,
            tallies: self.state.tallies.clone(),
            tokens: self.state.tokens.clone(),
            waits: self.waits.clone(),
            log_unwritable: self.world.log_unwritable.clone(),
            clock_behind: self.world.clock_behind.map(|until| (until, self.watch.behind(until))),
            second_clock: self.world.second_clock.clone(),
            ticked_at: None,
            taken: Stopwatch::start(),
        }
    }

    /// The stop file.
    #[must_use]
    pub(super) fn stop_file(&self) -> &StopFile {
        &self.stop_file
    }

    /// Closes the database tidily.
    ///
    /// # Errors
    /// When that fails; nothing that was recorded is lost by it.
    pub(super) fn close(self) -> Result<(), StoreError> {
        self.store.map_or(Ok(()), Store::close)
    }
}

fn stored(device: &Device, swept_at: Timestamp) -> Option<StoredDevice> {
    let doc = serde_json::to_string(device).ok()?;
    Some(StoredDevice { device: device.latest.id.clone(), doc, swept_at })
}

fn device_row(ring: &Ring, class: Class, device: &Device) -> DeviceRow {
    let latest = &device.latest;
    let accepted = ring.acknowledged.iter().filter(|((gate, _), devices)| {
        devices.get(&latest.id).is_some_and(|at| health::is_accepted(*gate, *at, device))
    });
    DeviceRow {
        ring: ring.name.clone(),
        class,
        id: latest.id.clone(),
        name: latest.name.clone(),
        user: latest.user.clone(),
        os: latest.device_type.clone(),
        os_version: latest.os_version.clone(),
        environment: latest.environment(),
        client: match &latest.client {
            Reported::Version(version) => Some(version.to_string()),
            Reported::Unreadable(text) => Some(text.clone()),
            Reported::Null => None,
        },
        last_seen_at: latest.last_seen_at,
        dark_since: None,
        acknowledged: accepted.map(|((gate, _), _)| *gate).collect(),
    }
}

/// Puts into the daemon's log which files cannot be used any more, or for another reason, and which can again.
fn tell_problems(before: &[FileProblem], now: &[FileProblem]) {
    for problem in now.iter().filter(|problem| !before.contains(problem)) {
        let (file, errors) = (&problem.file, problem.errors.join("; "));
        tracing::warn!(file, errors, "a plan file cannot be used; its plan enters nothing meanwhile");
    }
    for gone in before.iter().filter(|gone| now.iter().all(|problem| problem.file != gone.file)) {
        tracing::info!(file = gone.file, "nothing is wrong with this plan file any more, or it is gone");
    }
}

fn tell_warnings(before: &[FileProblem], now: &[FileProblem]) {
    for told in now.iter().filter(|told| !before.contains(told)) {
        let (file, warnings) = (&told.file, told.errors.join("; "));
        tracing::warn!(file, warnings, "this plan file holds, and may not say what is meant");
    }
}

fn tell(entry: &Entry) {
    let rollout = entry.rollout.as_ref().map(ToString::to_string).unwrap_or_default();
    let ring = entry.event.ring().map(ToString::to_string).unwrap_or_default();
    let (kind, actor, reason) = (entry.event.kind(), &entry.actor, &entry.reason);
    match &entry.event {
        Event::Halted { .. } => tracing::warn!(rollout, ring, %actor, reason, "{kind}"),
        _ => tracing::info!(rollout, ring, %actor, reason, "{kind}"),
    }
}
