//! `ringward demo`: simulated account, daemon and page in one process, on a fast clock.
//!
//! **Invariant:** it is the real daemon over real HTTP; only the account is simulated.

mod progress;

use std::path::{Path, PathBuf};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use clap::Args;

use crate::cli::sandbox::{EPOCH, devices, speed};
use crate::cli::servers::serve_during;
use crate::cli::{CliError, Out, args::ListenerArgs, demo::progress::DemoProgress, signals::end_signal};
use crate::cloudflare::{self, ApiUrl, CloudflareClient};
use crate::daemon::{self, Daemon, Handle};
use crate::sandbox::{self, AccountSettings, RunningSandbox, SandboxSettings};
use crate::time::{Clock, SignedDuration, Stopwatch, after};
use crate::web::{self, Services};
use crate::{
    daemon::files::Settles, ids::AccountId, plan::model::Revisions, rollout::record::Mode,
    rollout::state::Phase, telemetry::Metrics,
};

/// The plan that the demo runs: the one in `rollouts/examples/`.
const PLAN: &str = include_str!("../../rollouts/examples/three-rings.yaml");

/// A demo that has not ended by then has a fault, or its machine no time for it. At the default speed it takes two minutes or less.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Arguments of `demo`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/demo.txt").trim_end())]
pub struct DemoArgs {
    /// End when every ring is verified, instead of showing the page until Ctrl-C
    #[arg(long)]
    pub exit_when_done: bool,
    /// Read-only mode: write nothing; the plan then stays at its first ring until --days have passed
    #[arg(long)]
    pub observe: bool,
    /// End after this many simulated days at the latest
    #[arg(long, value_name = "N", default_value_t = 60, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub days: u16,
    /// Simulated seconds per second, at most: the clock waits for a daemon that does not keep up
    #[arg(long, value_name = "N", default_value_t = 10_000.0, allow_negative_numbers = true, value_parser = speed)]
    pub speed: f64,
    /// Devices in the simulated account
    #[arg(long, value_name = "N", default_value_t = 600, allow_negative_numbers = true, value_parser = devices)]
    pub devices: usize,
    /// Seed of the simulated fleet
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Address of the page; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Who may ask there.
    #[command(flatten)]
    pub listener: ListenerArgs,
    /// Directory for plan and database; without it, a new one among the temporary files
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Runs the demo.
///
/// # Errors
/// When something cannot start, or a ring is not verified in the end.
pub async fn demo(args: DemoArgs, out: Out<'_>) -> Result<(), CliError> {
    let directory = prepare(args.dir.as_deref())?;
    let database = directory.join("ringward.db");
    let clock = Clock::paced_from(EPOCH, args.speed);
    let account = AccountSettings { seed: args.seed, devices: args.devices, ..AccountSettings::default() };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let sandbox =
        sandbox::start(SandboxSettings { listen, clock, account }).await.map_err(CliError::failed)?;
    let bound = web::bind(args.listen).await.map_err(CliError::failed)?.under(args.listener.clone().rules());
    let metrics = Arc::new(Metrics::new().map_err(CliError::failed)?);
    let mode = if args.observe { Mode::Observe } else { Mode::Write };
    let daemon = start(&sandbox, &directory, &database, clock, mode, &metrics).await?;

    let DemoArgs { devices, speed, .. } = args;
    let (account, page, plan) =
        (sandbox.address(), bound.address(), directory.join("plans/three-rings.yaml"));
    let opening = format!(
        "A simulated account with {devices} devices, and a plan of three rings.\n  plan      {}\n  account   http://{account}/sandbox/requests\n  page      http://{page}/\n  clock     from {EPOCH} on, up to {speed} times as fast\n",
        plan.display()
    );
    let services =
        Services { handle: daemon.handle(), database: database.clone(), identities: Arc::default(), metrics };
    let result = serve_during(daemon, Some(bound), services, async |daemon| {
        let (progress, out) = (DemoProgress::default(), &mut *out);
        let showing = Showing { args: &args, sandbox: &sandbox, wall: Stopwatch::start(), progress, out };
        showing.watch(daemon, &opening).await
    })
    .await;
    sandbox.shutdown().await;
    let told = tell_log(&database, out);
    result?;
    Ok(told?)
}

/// The directory with its plan.
fn prepare(directory: Option<&Path>) -> Result<PathBuf, CliError> {
    let new = || std::env::temp_dir().join(format!("ringward-demo-{}", std::process::id()));
    let directory = directory.map_or_else(new, Path::to_owned);
    let plans = directory.join("plans");
    let told = |error: std::io::Error| {
        CliError::failed(format!(
            "cannot prepare {}: {error}; name another directory with --dir",
            directory.display()
        ))
    };
    std::fs::create_dir_all(&plans).map_err(told)?;
    std::fs::write(plans.join("three-rings.yaml"), PLAN).map_err(told)?;
    if directory.join("ringward.db").exists() {
        return Err(CliError::failed(format!(
            "{} holds a database of an earlier demo, on another clock; remove it or name another directory with --dir",
            directory.display()
        )));
    }
    Ok(directory)
}

async fn start(
    sandbox: &RunningSandbox,
    directory: &Path,
    database: &Path,
    clock: Clock,
    mode: Mode,
    metrics: &Arc<Metrics>,
) -> Result<Daemon, CliError> {
    let api: ApiUrl = sandbox.api_url().parse().map_err(CliError::failed)?;
    let account: AccountId = sandbox.account_id().parse().map_err(CliError::failed)?;
    let client = CloudflareClient::new(cloudflare::Settings {
        observer: metrics.clone(),
        ..cloudflare::Settings::new(api, account.clone(), sandbox.token().clone(), clock)
    })
    .map_err(CliError::failed)?;
    let settings = daemon::DaemonSettings {
        plans: directory.join("plans"),
        database: database.to_owned(),
        account,
        clock,
        mode,
        client,
        approval_floor: None,
        // The demo wrote its plan itself, a moment ago and whole.
        revisions: Revisions::File,
        settles: Settles::of(0.0, &clock),
        devices_per_day: None,
        clock_trust: None,
    };
    daemon::start(settings).await.map_err(CliError::failed)
}

/// A demo as it is shown.
struct Showing<'a> {
    args: &'a DemoArgs,
    sandbox: &'a RunningSandbox,
    wall: Stopwatch,
    progress: DemoProgress,
    out: Out<'a>,
}

impl Showing<'_> {
    /// Shows progress until the end, and says what happened. The daemon ends first, whatever the reason.
    async fn watch(mut self, mut daemon: Daemon, opening: &str) -> Result<(), CliError> {
        let handle = daemon.handle();
        let outcome = match writeln!(self.out, "{opening}") {
            Ok(()) => self.follow(handle.clone()).await,
            Err(error) => Err(error.into()),
        };
        let view = handle.view();
        daemon.stop();
        daemon.ended().await.map_err(CliError::failed)?;
        let interrupted = outcome? && !self.args.exit_when_done;
        if view.reports.first().is_some_and(|report| report.phase == Phase::Completed) {
            return Ok(());
        }
        self.progress.finish(&view, self.out)?;
        if !self.args.observe && !interrupted {
            let told = "the demo ended before every ring was verified; the reasons stand above";
            return Err(CliError::failed(told));
        }
        Ok(self.tell_requests()?)
    }

    /// Shows progress until there is no more; whether that is because a person has seen enough.
    async fn follow(&mut self, mut handle: Handle) -> Result<bool, CliError> {
        let began = handle.view().at;
        let last_day = after(began, SignedDuration::from_hours(24 * i64::from(self.args.days)));
        let signal = end_signal();
        tokio::pin!(signal);
        let mut told_end = false;
        loop {
            let view = handle.view();
            self.progress.show(&view, self.out)?;
            let report = view.reports.first();
            let over = view.at >= last_day || self.wall.seconds() > LONGEST.as_secs_f64();
            if report.is_some_and(|report| report.phase == Phase::Completed) && !told_end {
                self.progress.finish(&view, self.out)?;
                self.tell_requests()?;
                told_end = true;
            }
            let halted = report.is_some_and(|report| report.halted.is_some());
            if (self.args.exit_when_done && (told_end || halted)) || (over && !told_end) {
                return Ok(false);
            }
            tokio::select! {
                signal = &mut signal => return signal.map(|_| true),
                changed = handle.changed() => if !changed { return Ok(false) },
            }
        }
    }

    fn tell_requests(&mut self) -> io::Result<()> {
        let (journal, seconds) = (self.sandbox.journal(), self.wall.seconds());
        let writes = journal.requests.iter().filter(|row| row.applied == Some(true)).count();
        let requests = journal.requests.len() as u64 + journal.dropped;
        writeln!(
            self.out,
            "{requests} requests reached the account, {writes} of them writes; it took {seconds:.1} s."
        )
    }
}

fn tell_log(database: &Path, out: Out<'_>) -> io::Result<()> {
    let path = database.display();
    writeln!(out, "\nThe log stays at {path}; look at it with:")?;
    writeln!(out, "  ringward history cloudflare-one-client --db {path} --verify")
}
