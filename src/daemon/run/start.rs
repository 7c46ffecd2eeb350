//! The start of a daemon: database, first look at the plans, tasks, and the thread of the loop.
//!
//! **Invariant:** the loop begins only once the database is open and its log replayed.

use crate::daemon::run::driver::{DaemonError, Driver};
use crate::daemon::run::inputs::Inputs;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::cloudflare::CloudflareClient;
use crate::config::ClockTrust;
use crate::daemon::engine::DurableEngine;
use crate::daemon::files::{DirectoryLook, PlanFiles, Settles};
use crate::daemon::plans_reader::{Looked, PlansReader};
use crate::daemon::upstream::UpstreamTasks;
use crate::daemon::view::{Handle, MAX_WAITING};
use crate::daemon::wheel::Wheel;
use crate::engine::Pass;
use crate::failpoint::{self, Point};
use crate::ids::AccountId;
use crate::plan::model::{ApprovalFloor, DeviceLimit, Revisions};
use crate::rollout::record::Mode;
use crate::time::{Clock, Stopwatch};
/// A start waits so long for the first look, in wall time; one that comes later is an input like any other.
const FIRST_LOOK_WITHIN: Duration = Duration::from_secs(10);
/// Results of tasks that may wait: one for each kind of read, and the write.
const MAX_SEEN: usize = 64;

/// All that a daemon needs.
pub struct DaemonSettings {
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

/// A running daemon.
pub struct Daemon {
    handle: Handle,
    token: CancellationToken,
    ended: oneshot::Receiver<Result<(), DaemonError>>,
}

impl Daemon {
    /// The way in.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Ends it: no new write, the answer of one under way is awaited.
    pub fn stop(&self) {
        self.token.cancel();
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
pub async fn start(settings: DaemonSettings) -> Result<Daemon, DaemonError> {
    let DaemonSettings { plans, database, account, clock, mode, client, .. } = settings;
    let (looks_in, mut looks) = mpsc::channel(1);
    let files = PlanFiles::new(plans.clone(), account.clone(), settings.settles);
    let mut durable = DurableEngine::open(&database, account, clock, mode, files)?;
    let mut plans_reader = PlansReader::start(plans, durable.yml(), clock, looks_in)
        .map_err(|error| DaemonError::Thread(error.to_string()))?;
    durable.engine.world.approval_floor = settings.approval_floor;
    durable.engine.world.revisions = settings.revisions;
    durable.engine.world.devices_per_day = settings.devices_per_day;
    durable.engine.world.second_clock.trust = settings.clock_trust;
    plans_reader.ask();
    let look = match tokio::time::timeout(FIRST_LOOK_WITHIN, looks.recv()).await {
        Ok(Some(Looked { look, .. })) => {
            plans_reader.arrived();
            look
        }
        Ok(None) | Err(_) => DirectoryLook::Unreadable(format!(
            "the plans directory {} was not read within {} s; it goes on being read",
            durable.files.directory.display(),
            FIRST_LOOK_WITHIN.as_secs()
        )),
    };
    durable.take_look(look);
    failpoint::reach(Point::FilesRead);
    let (seen_in, seen) = mpsc::channel(MAX_SEEN);
    let upstream = UpstreamTasks::new(Arc::new(client), durable.stop_file.clone(), seen_in);
    let (requests_in, requests) = mpsc::channel(MAX_WAITING);
    durable.engine.world.second_clock.doubt = upstream.second_clock().doubt;
    let first = durable.view(&Pass::default(), upstream.budget_remaining(), None);
    let (view_in, view) = watch::channel(Arc::new(first));
    let (ticks_in, ticks) = mpsc::channel(1);
    let wheel = Wheel::start(ticks_in).await?;
    let token = durable.end.clone();
    let owner = Driver {
        durable,
        upstream,
        told_doubt: None,
        view: view_in,
        plans: plans_reader,
        looked_at_files: Stopwatch::start(),
        waiting: Vec::new(),
        ticked_at: None,
        passed: Stopwatch::start(),
        spoken: Vec::new(),
        members_asked: BTreeMap::new(),
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
    Ok(Daemon { handle: Handle::new(requests_in, view), token, ended })
}
