//! The one owner of state: what follows from a decision is started, and the snapshot published; what waits there, and
//! why it had to end.
//!
//! **Invariant:** one task owns the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::cloudflare::Priority;
use crate::daemon::counting;
use crate::daemon::engine::{DurableEngine, EngineError, Sound};
use crate::daemon::plans_reader::PlansReader;
use crate::daemon::run::inputs::at_most;
use crate::daemon::upstream::UpstreamTasks;
use crate::daemon::view::{Asking, CommandError, View};
use crate::engine::{Pass, ReadOrder};
use crate::failpoint::{self, Point};
use crate::ids::{PlanName, UserGroupName};
use crate::rollout::record::ClockDoubt;
use crate::rollout::world::SecondClock;
use crate::time::{Stopwatch, Timestamp};

/// Files are looked at this often, in wall seconds.
const LOOK_AT_FILES_EVERY: f64 = 5.0;

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

/// A word that waits until these groups are read.
#[derive(Debug)]
pub(super) struct WaitingWord {
    pub(super) asking: Asking,
    pub(super) waits_for: BTreeSet<UserGroupName>,
}

/// Whether the members that a word is judged by could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Clear,
    None,
}

/// What follows a look at the files.
#[derive(Debug)]
pub(super) enum AfterLook {
    /// A decision, whatever the look shows.
    Pass,
    /// A verb that is carried out on what the files say by then.
    Verb(Box<Asking>),
}

/// The one owner of state.
pub(super) struct Driver {
    pub(super) durable: DurableEngine,
    pub(super) upstream: UpstreamTasks,
    /// What the daemon's log said last of a doubted clock.
    pub(super) told_doubt: Option<&'static str>,
    pub(super) view: watch::Sender<Arc<View>>,
    pub(super) plans: PlansReader,
    /// When the last look at the files was asked for.
    pub(super) looked_at_files: Stopwatch,
    /// Who waits for a look at the files, and for which.
    pub(super) waiting: Vec<(u64, AfterLook)>,
    pub(super) ticked_at: Option<Timestamp>,
    pub(super) passed: Stopwatch,
    pub(super) tasks: tokio::runtime::Handle,
    /// Words that wait until the members are read.
    pub(super) spoken: Vec<WaitingWord>,
    /// Groups that were read for somebody's word lately, and when that was asked for.
    pub(super) members_asked: BTreeMap<UserGroupName, Timestamp>,
    /// Words on the clock that wait until Cloudflare was asked for the time.
    pub(super) clock_asked: Vec<Asking>,
}

impl Driver {
    /// Decides, starts what follows, and says how long to sleep.
    pub(super) fn pass(&mut self) -> Result<Duration, DaemonError> {
        let Some(pass) = self.decided()? else { return Ok(Duration::ZERO) };
        Ok(self.follow(&pass))
    }

    /// Reads what the plan's rollout wants to see; says what is read.
    pub(super) fn check_now(&mut self, plan: &PlanName) -> Result<Result<String, CommandError>, DaemonError> {
        let Some(pass) = self.decided()? else {
            return Ok(Err(CommandError::Unavailable("it is ending")));
        };
        let now = self.durable.now();
        let wanted = pass.wants.get(plan).into_iter().flatten().map(|want| want.read.clone()).collect();
        self.durable.engine.reads.hurry(&wanted, now);
        self.follow(&pass);
        Ok(Ok(self.durable.engine.reads.told(&wanted, now)))
    }

    /// `None`: the daemon is to end; who comes in is judged by what is on record all the same.
    pub(super) fn decided(&mut self) -> Result<Option<Pass>, DaemonError> {
        self.passed = Stopwatch::start();
        let count = counting::requests(&self.durable.engine.state, &self.durable.engine.world);
        self.durable.engine.world.budget_spent_until = self.upstream.budget_spent_until(count);
        self.compare_clocks();
        let Some(pass) = self.durable.pass()? else {
            self.view.send_modify(|view| *view = Arc::new(self.durable.view_on_the_way(view)));
            return Ok(None);
        };
        // The last thing before a write begins: is the log still what it was?
        if self.durable.engine.due_write().is_some() && self.durable.verify_on_disk()? != Sound::Yes {
            return Ok(self.durable.pass()?);
        }
        Ok(Some(pass))
    }

    /// Takes in what the answers so far say of the machine's clock.
    pub(super) fn compare_clocks(&mut self) {
        let trust = self.durable.engine.world.second_clock.trust.take();
        let heard = self.upstream.second_clock();
        tell_clock(&mut self.told_doubt, heard.doubt);
        self.durable.engine.world.second_clock = SecondClock { trust, ..heard };
    }

    /// Starts what follows from a decision, and says how long to sleep.
    pub(super) fn follow(&mut self, pass: &Pass) -> Duration {
        let now = self.durable.now();
        if let Some(order) = self.durable.engine.poll_look(now) {
            self.tasks.spawn(self.upstream.clone().look(order));
        }
        self.start_reads(now);
        let timer = self.durable.engine.wake_at(now);
        let view = self.durable.view(pass, self.upstream.budget_remaining(), timer);
        self.view.send_replace(Arc::new(View { ticked_at: self.ticked_at, ..view }));
        failpoint::reach(Point::SnapshotPublished);
        at_most(timer.map(|at| self.durable.wall_until(at)))
    }

    pub(super) fn start_reads(&mut self, now: Timestamp) {
        // Reads that settle a doubt hold up every other write, so they do not wait for budget.
        let pending = self.durable.engine.state.pending_write();
        let in_doubt = pending.is_some_and(|(_, _, write)| write.doubt.is_some());
        let priority = if in_doubt { Priority::Write } else { Priority::Routine };
        for order in self.durable.engine.poll_reads(now) {
            let seen_after = self.durable.by_the_clock(order.seen_after);
            self.tasks.spawn(self.upstream.clone().read(ReadOrder { seen_after, ..order }, priority));
        }
    }

    pub(super) fn look_at_files_when_due(&mut self) {
        if self.looked_at_files.seconds() >= LOOK_AT_FILES_EVERY || self.durable.files.is_look_due() {
            self.ask_for_a_look();
        }
    }

    /// Has the files looked at; says which look shows what is there now.
    pub(super) fn ask_for_a_look(&mut self) -> u64 {
        self.looked_at_files = Stopwatch::start();
        self.plans.ask()
    }
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
