//! What the daemon shows: a snapshot for page, API, command line and metrics, and the handle
//! through which requests come in.
//!
//! **Invariant:** readers see a snapshot and never the daemon's own state, so no reader can block
//! or change a decision.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use utoipa::ToSchema;

use crate::daemon::files::FileProblem;
use crate::daemon::pace::{BURST, ONE_EVERY, VerbPace, whole};
use crate::fleet::Class;
use crate::ids::{AccountId, DeviceId, PlanName, RingName};
use crate::plan::model::Revisions;
use crate::rollout::people::access::AccessRequest;
use crate::rollout::people::command::Command;
use crate::rollout::people::refusal::Refusal;
use crate::rollout::people::seen::{Look, ReadBefore};
use crate::rollout::people::tokens::TokenRequest;
use crate::rollout::record::{Actor, Eras, Gate, Mode};
use crate::rollout::state::{Attribution, Tallies, Tokens};
use crate::rollout::tell::report::Report;
use crate::rollout::tell::revision_waits::RevisionWaits;
use crate::rollout::tell::waits::Waits;
use crate::rollout::world::{Read, SecondClock, Trouble};
use crate::simulation::forecast::{NoForecast, Situation};
use crate::store::Head;
use crate::time::{Clock, SignedDuration, Stopwatch, Timestamp, in_words};
use crate::version::Environment;

/// Requests that may wait for the daemon at once; more are refused at the door.
pub const MAX_WAITING: usize = 256;

/// The daemon at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// When it was taken: the last decision.
    pub at: Timestamp,
    /// The daemon's clock.
    pub clock: Clock,
    /// The account that it serves.
    pub account: AccountId,
    /// Whether it writes.
    pub mode: Mode,
    /// Set while all writes are stopped.
    pub stop: Option<Attribution>,
    /// Each plan's latest rollout.
    pub reports: Vec<Report>,
    /// Who lets revisions take effect, by the daemon's configuration.
    pub revisions: Revisions,
    /// Revisions that wait, by plan, of plans with a rollout and without.
    pub waiting: BTreeMap<PlanName, RevisionWaits>,
    /// What is wrong with plan files.
    pub problems: Vec<FileProblem>,
    /// Plans that a fault in ringward keeps from being decided, and its text.
    pub faults: Vec<(PlanName, String)>,
    /// Reads that fail.
    pub troubles: Vec<(Read, Trouble)>,
    /// The end of the log.
    pub head: Head,
    /// How its rows are dated.
    pub eras: Eras,
    /// Requests left in the budget.
    pub budget_remaining: u32,
    /// When the last full sweep began.
    pub full_sweep_at: Option<Timestamp>,
    /// When the last sweep began.
    pub swept_at: Option<Timestamp>,
    /// When it decides again at the latest.
    pub next_check: Option<Timestamp>,
    /// Counts of rare facts, from the log.
    pub tallies: Tallies,
    /// Bearer tokens, from the log.
    pub tokens: Tokens,
    /// What the rollouts waited for so far, from the log.
    pub waits: Waits,
    /// Set while the log cannot be written: since when, and why.
    pub log_unwritable: Option<Trouble>,
    /// Set while the machine's clock is behind what was decided and recorded: up to when, and by how much.
    pub clock_behind: Option<(Timestamp, SignedDuration)>,
    /// The machine's clock beside Cloudflare's.
    pub second_clock: SecondClock,
    /// The wheel's last tick before this snapshot.
    pub ticked_at: Option<Timestamp>,
    /// Since it was taken, by the clock that is never set.
    pub taken: Stopwatch,
}

impl View {
    /// The present instant: the clock's, but never before the last decision.
    pub fn now(&self) -> Timestamp {
        self.clock.now().max(self.at)
    }

    /// Whether there is such a plan.
    fn knows(&self, plan: &PlanName) -> bool {
        self.waiting.contains_key(plan) || self.reports.iter().any(|report| report.id.plan == *plan)
    }

    /// Plans that no rollout was begun for, and that wait to take effect.
    pub fn new_plans(&self) -> impl Iterator<Item = (&PlanName, &RevisionWaits)> {
        let has_report = |plan: &PlanName| self.reports.iter().any(|report| report.id.plan == *plan);
        self.waiting.iter().filter(move |(plan, _)| !has_report(plan))
    }
}

/// One device of a ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = DeviceJson)]
pub struct RingDevice {
    /// The ring.
    pub ring: RingName,
    /// Its class there.
    pub class: Class,
    /// Its ID at Cloudflare.
    pub id: DeviceId,
    /// The host's name.
    pub name: String,
    /// E-mail of the last seen user.
    pub user: Option<String>,
    /// `device_type` as Cloudflare has it.
    pub os: Option<String>,
    /// The version of that system.
    pub os_version: Option<String>,
    /// Its environment, where assignments can target it.
    pub environment: Option<Environment>,
    /// The client version that it reported last.
    pub client: Option<String>,
    /// When Cloudflare saw it last.
    pub last_seen_at: Option<Timestamp>,
    /// From when on it is silent, by the newest looks for devices that went dark; `null`: it is not, or
    /// was not looked for.
    pub dark_since: Option<Timestamp>,
    /// The health gates that a person has accepted it for by resuming.
    #[serde(default)]
    pub acknowledged: Vec<Gate>,
}

/// Which devices of a plan's rings to list; `None` lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Only this ring's.
    pub ring: Option<RingName>,
    /// Only this class.
    pub class: Option<Class>,
    /// Only those that are silent, or that are not.
    pub dark: Option<bool>,
}

/// A verb, who asks for it, and where the answer goes.
#[derive(Debug)]
pub struct Asking {
    /// Who asks.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// What.
    pub command: Command,
    /// What they say that they have read; `None`: nothing, and whatever is there is meant.
    pub read: Option<ReadBefore>,
    /// Where the answer goes, once: what was done, in words.
    pub reply: oneshot::Sender<Result<String, CommandError>>,
}

/// A question or request to the daemon.
#[derive(Debug)]
pub enum DaemonRequest {
    /// A verb.
    Command(Asking),
    /// What a verb would rest on.
    Look {
        /// Who asks.
        actor: Actor,
        /// Of what.
        command: Command,
        /// Where the answer goes; `None` inside: it rests on nothing.
        reply: oneshot::Sender<Result<Option<Look>, CommandError>>,
    },
    /// The devices of a plan's rings.
    Devices {
        /// The plan.
        plan: PlanName,
        /// Which of them.
        listing: DeviceFilter,
        /// Where the answer goes; `None`: no such plan.
        reply: oneshot::Sender<Option<Vec<RingDevice>>>,
    },
    /// All that a forecast for a plan is made from.
    Situation {
        /// The plan.
        plan: PlanName,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Box<Situation>, NoForecast>>,
    },
    /// Put something on record.
    Tell {
        /// Who asks.
        actor: Actor,
        /// Why.
        reason: String,
        /// What.
        told: Telling,
        /// Where the answer goes: the record's number.
        reply: oneshot::Sender<Result<u64, CommandError>>,
    },
    /// Look at files and stop file now.
    LookNow,
}

/// What users of the machine put on record. It is about the account, and no decision rests on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// A bearer token is made or revoked.
    Token(TokenRequest),
    /// A User Group's permission policies are to change, or have.
    Access(AccessRequest),
}

/// A verb that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The state refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Whoever asks has asked for too many lately.
    #[error(
        "{actor} has asked for {BURST} verbs within a short time, and ringward takes one in {} more, so that the log stays \
         readable; ask again in {}. `stop`, `pause` and `reject` are taken at any time",
        in_words(ONE_EVERY), in_words(*.wait)
    )]
    TooMany {
        /// Who asks.
        actor: Actor,
        /// How long until one is taken again, in whole seconds.
        wait: SignedDuration,
    },
    /// It could not be recorded.
    #[error("{0}")]
    Failed(String),
    /// The daemon ends, or has too much to do.
    #[error("the daemon does not take requests now ({0}); `ringward stop` works without it")]
    Unavailable(&'static str),
}

/// The way to a running daemon. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    requests: mpsc::Sender<DaemonRequest>,
    view: watch::Receiver<Arc<View>>,
    /// Never marked as read, so it tells the snapshot from before the first decision.
    first: watch::Receiver<Arc<View>>,
    /// One for all clones: whichever door a verb comes through.
    pace: Arc<Mutex<VerbPace>>,
}

/// How far a daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It has not decided yet.
    Starting,
    /// It has decided at least once.
    Ready,
    /// It ended.
    Ended,
}

impl Handle {
    /// The way to whoever answers `requests` and publishes to `view`: the daemon, or a test. `view`
    /// is a receiver that nobody has read from, so its first value counts as the snapshot from
    /// before the first decision.
    pub fn new(requests: mpsc::Sender<DaemonRequest>, view: watch::Receiver<Arc<View>>) -> Self {
        Self { requests, first: view.clone(), view, pace: Arc::default() }
    }

    /// How far the daemon is.
    pub fn readiness(&self) -> Readiness {
        match self.first.has_changed() {
            Ok(false) => Readiness::Starting,
            Ok(true) => Readiness::Ready,
            Err(_) => Readiness::Ended,
        }
    }

    /// The newest snapshot.
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// Waits for a newer snapshot than the last one this handle saw; `false` when the daemon ended.
    pub async fn changed(&mut self) -> bool {
        self.view.changed().await.is_ok()
    }

    /// Asks for a verb.
    ///
    /// # Errors
    /// When it is refused, whoever asks has asked for too many, or the daemon cannot take it.
    pub async fn command(
        &self,
        actor: Actor,
        reason: String,
        command: Command,
    ) -> Result<String, CommandError> {
        self.decide(actor, reason, command, None).await
    }

    /// The same of somebody who says what they have read.
    ///
    /// # Errors
    /// The same, and when it is something else by now.
    pub async fn decide(
        &self,
        actor: Actor,
        reason: String,
        command: Command,
        read: Option<ReadBefore>,
    ) -> Result<String, CommandError> {
        let view = self.view();
        if command.verb().is_counted() {
            let taken = self.pace().take(&actor, view.now());
            taken.map_err(|wait| CommandError::TooMany { actor: actor.clone(), wait: whole(wait) })?;
        }
        let checked = match &command {
            // Others are refused, and not remembered.
            Command::CheckNow(plan) if view.knows(plan) => Some(plan.clone()),
            _ => None,
        };
        let lately = checked.as_ref().and_then(|plan| self.pace().check(plan, view.now()));
        if let Some(lately) = lately {
            return Ok(lately);
        }
        let asking = |reply| DaemonRequest::Command(Asking { actor, reason, command, read, reply });
        let asked = self.ask(asking).await;
        let done = asked.flatten();
        if let (Some(plan), Err(_)) = (checked, &done) {
            self.pace().uncheck(&plan);
        }
        done
    }

    /// Asks what a verb would rest on; `None`: nothing. Nothing is recorded.
    ///
    /// # Errors
    /// When it would be refused as things are, or the daemon cannot take the question.
    pub async fn look(&self, actor: Actor, command: Command) -> Result<Option<Look>, CommandError> {
        self.ask(|reply| DaemonRequest::Look { actor, command, reply }).await?
    }

    fn pace(&self) -> MutexGuard<'_, VerbPace> {
        // What is remembered is whole at every instant.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something on record, and answers the record's number. When it is answered, the snapshot has it.
    ///
    /// # Errors
    /// When it is refused, or the daemon cannot take it.
    pub async fn tell(&self, actor: Actor, reason: String, told: Telling) -> Result<u64, CommandError> {
        self.ask(|reply| DaemonRequest::Tell { actor, reason, told, reply }).await?
    }

    /// Asks for the devices of a plan's rings; `None` inside: no such plan.
    ///
    /// # Errors
    /// When the daemon cannot take the question.
    pub async fn devices(
        &self,
        plan: PlanName,
        listing: DeviceFilter,
    ) -> Result<Option<Vec<RingDevice>>, CommandError> {
        self.ask(|reply| DaemonRequest::Devices { plan, listing, reply }).await
    }

    /// Asks for what a forecast is made from.
    ///
    /// # Errors
    /// When the daemon cannot take the question; inside, why there is nothing to forecast.
    pub async fn situation(
        &self,
        plan: PlanName,
    ) -> Result<Result<Box<Situation>, NoForecast>, CommandError> {
        self.ask(|reply| DaemonRequest::Situation { plan, reply }).await
    }

    /// Sends a request and waits for its answer.
    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> DaemonRequest,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.try_send(request(reply));
        sent.map_err(|_| CommandError::Unavailable("it is busy or ending"))?;
        answer.await.map_err(|_| CommandError::Unavailable("it is ending"))
    }

    /// Wakes the daemon to look at files and stop file; one that is busy will look by itself.
    pub fn look_now(&self) {
        // A full queue means that it is awake.
        let _ = self.requests.try_send(DaemonRequest::LookNow);
    }
}
