//! The one owner of state: what follows from a decision is started, and the snapshot published.
//!
//! **Invariant:** one task owns the engine.

use crate::daemon::run::asking::{Asking, WaitingWord};
use crate::daemon::run::error::DaemonError;
use crate::daemon::run::inputs::at_most;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::cloudflare::Priority;
use crate::daemon::counting::{self, Counting};
use crate::daemon::engine::{Engine, Pass, Sound};
use crate::daemon::far_side::{FarSide, ReadOrder};
use crate::daemon::plans_reader::PlansReader;
use crate::daemon::read_queue::ReadQueue;
use crate::daemon::view::View;
use crate::failpoint::{self, Point};
use crate::fleet::SWEEP_OVERLAP;
use crate::ids::PlanName;
use crate::rollout::record::ClockDoubt;
use crate::rollout::record::WriteId;
use crate::rollout::world::SecondClock;
use crate::rollout::world::Want;
use crate::time::{Stopwatch, Timestamp, after};
/// Files are looked at this often, in wall seconds.
const LOOK_AT_FILES_EVERY: f64 = 5.0;

/// How far the write under way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WriteProgress {
    /// The far end is looked at; nothing is sent.
    Looking(WriteId),
    /// It is sent, after so many devices were counted where the ring has a limit.
    Sent { counted: Option<usize> },
}

/// What follows a look at the files.
#[derive(Debug)]
pub(super) enum AfterLook {
    /// A decision, whatever the look shows.
    Pass,
    /// A verb that is carried out on what the files say by then.
    Verb(Asking),
}

/// The one owner of state.
pub(super) struct Driver {
    pub(super) engine: Engine,
    pub(super) far_side: FarSide,
    pub(super) reading: ReadQueue,
    pub(super) writing: Option<WriteProgress>,
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
    /// Words on the clock that wait until Cloudflare was asked for the time.
    pub(super) clock_asked: Vec<Asking>,
}

impl Driver {
    /// Decides, starts what follows, and says how long to sleep.
    pub(super) fn pass(&mut self) -> Result<Duration, DaemonError> {
        let pass = self.decided()?;
        Ok(self.follow(&pass))
    }

    /// Reads what the plan's rollout wants to see; says what is read.
    pub(super) fn check_now(&mut self, plan: &PlanName) -> Result<String, DaemonError> {
        let mut pass = self.decided()?;
        let mut wants = pass.wanted_by(plan);
        let now = self.engine.now();
        self.reading.hurry(&mut wants, now);
        pass.reads.extend(wants.iter().cloned());
        self.follow(&pass);
        Ok(self.reading.told(&wants, now))
    }

    pub(super) fn decided(&mut self) -> Result<Pass, DaemonError> {
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
    pub(super) fn compare_clocks(&mut self) {
        let trust = self.engine.world.second_clock.trust.take();
        let heard = self.far_side.second_clock();
        tell_clock(&mut self.told_doubt, heard.doubt);
        self.engine.world.second_clock = SecondClock { trust, ..heard };
    }

    /// Starts what follows from a decision, and says how long to sleep.
    pub(super) fn follow(&mut self, pass: &Pass) -> Duration {
        self.reading.forget_unwanted(&pass.reads, &mut self.engine.world.troubles);
        let now = self.engine.now();
        if let Some((_, intent)) = &pass.write
            && self.writing.is_none()
        {
            self.writing = Some(WriteProgress::Looking(intent.id));
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

    pub(super) fn start_reads(&mut self, wants: &[Want], now: Timestamp) {
        // Reads that settle a doubt hold up every other write, so they do not wait for budget.
        let in_doubt = self.engine.state.pending_write().is_some_and(|(_, _, write)| write.doubt.is_some());
        let priority = if in_doubt { Priority::Write } else { Priority::Routine };
        for read in self.reading.start_due(wants, now) {
            let swept_at = self.engine.world.fleet.swept_at().unwrap_or(now);
            let seen_after = after(self.engine.by_the_clock(swept_at), -SWEEP_OVERLAP);
            let asked = ReadOrder { read, seen_after, at: now, priority };
            self.tasks.spawn(self.far_side.clone().read(asked));
        }
    }

    pub(super) fn look_at_files_when_due(&mut self) {
        if self.looked_at_files.seconds() >= LOOK_AT_FILES_EVERY || self.engine.files.is_look_due() {
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
