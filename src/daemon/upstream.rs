//! Reads and writes at Cloudflare, carried out in tasks of their own.
//!
//! **Invariant:** a task here decides nothing. It reports what it saw; the one thing that it
//! checks by itself is the stop file, just before a changing request.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::cloudflare::{ApiError, CloudflareClient, ErrorClass, GroupUpdate, Priority};
use crate::daemon::stop_file::StopFile;
use crate::engine::{LookAnswer, LookOrder, ReadAnswer, ReadFailed, ReadOrder};
use crate::failpoint::{self, Point};
use crate::fleet::SweepScope;
use crate::rollout::decide::outcome::SendOutcome;
use crate::rollout::record::{Cancelled, WriteId, WriteIntent};
use crate::rollout::world::{ANSWERS_TO_CONFIRM, Read, SecondClock};
use crate::time::Timestamp;

/// What a task saw.
#[derive(Debug)]
pub(super) enum TaskReport {
    /// A read ended.
    Read {
        /// Which.
        read: Read,
        /// When it was ordered.
        as_of: Timestamp,
        /// What it brought.
        result: Result<ReadAnswer, ReadFailed>,
    },
    /// The look before a write ended.
    Looked {
        /// The write.
        write: WriteId,
        /// When it was ordered.
        as_of: Timestamp,
        /// What it showed.
        look: Result<LookAnswer, ReadFailed>,
    },
    /// Cloudflare was asked for the time.
    Time,
    /// A write ended.
    Sent {
        /// The write.
        write: WriteId,
        /// How.
        outcome: SendOutcome,
    },
}

/// Starts tasks and hears from them.
#[derive(Clone)]
pub(super) struct UpstreamTasks {
    client: Arc<CloudflareClient>,
    stop_file: StopFile,
    seen: mpsc::Sender<TaskReport>,
}

impl UpstreamTasks {
    /// Tasks over a client, which report to `seen`. Whoever has them cannot write past the stop file.
    pub(super) fn new(
        client: Arc<CloudflareClient>,
        stop_file: StopFile,
        seen: mpsc::Sender<TaskReport>,
    ) -> Self {
        Self { client, stop_file, seen }
    }

    /// Requests left in the budget.
    pub(super) fn budget_remaining(&self) -> u32 {
        self.client.budget_remaining()
    }

    /// What the answers so far say of the machine's clock.
    pub(super) fn second_clock(&self) -> SecondClock {
        self.client.second_clock()
    }

    /// When the budget has room for a whole write and so many requests before it; `None`: it has now.
    pub(super) fn budget_spent_until(&self, before: u32) -> Option<Timestamp> {
        self.client.room_for_write(before).err()
    }

    /// Carries out a read.
    pub(super) async fn read(self, order: ReadOrder, priority: Priority) {
        let ReadOrder { read, seen_after, at: as_of } = order;
        let result = self.answer(&read, seen_after, priority).await.map_err(failed);
        self.report(TaskReport::Read { read, as_of, result }).await;
    }

    /// `priority`: whether it may use what is kept for writes.
    async fn answer(
        &self,
        read: &Read,
        seen_after: Timestamp,
        priority: Priority,
    ) -> Result<ReadAnswer, ApiError> {
        let client = &self.client;
        let scope = match read {
            Read::Groups => return client.list_groups(priority).await.map(ReadAnswer::Groups),
            Read::Group(id) => {
                let found = client.get_group(id, Priority::Write).await?;
                return Ok(ReadAnswer::Group(id.clone(), found));
            }
            Read::Profiles => return client.profiles().await.map(ReadAnswer::Profiles),
            Read::Approvers(group) => {
                let approvers = client.approvers(group, priority).await?;
                return Ok(ReadAnswer::Approvers(group.clone(), approvers));
            }
            Read::FullSweep => SweepScope::Full,
            Read::IncrementalSweep => SweepScope::SeenAfter(seen_after),
            Read::ProfileSweep(policy) => SweepScope::Profile(policy.clone()),
        };
        client.sweep(scope).await.map(ReadAnswer::Sweep)
    }

    /// Asks for the time as often as a person's word on the clock needs; what the answers say of it, the
    /// client compares.
    pub(super) async fn ask_time(self) {
        for _ in 0..ANSWERS_TO_CONFIRM {
            if let Err(error) = self.client.list_groups(Priority::Write).await {
                tracing::warn!(%error, "asking Cloudflare for the time failed");
            }
        }
        self.report(TaskReport::Time).await;
    }

    /// Looks at Cloudflare just before a write.
    pub(super) async fn look(self, order: LookOrder) {
        let look = self.last_check(&order).await.map_err(failed);
        self.report(TaskReport::Looked { write: order.write, as_of: order.at, look }).await;
    }

    async fn last_check(&self, order: &LookOrder) -> Result<LookAnswer, ApiError> {
        let (doubted, _) = self.client.doubtful_answers();
        let mut answers = Vec::new();
        for read in &order.reads {
            answers.push(self.answer(read, order.at, Priority::Write).await?);
        }
        // One answer is enough here, whichever request it was for.
        let doubt = match self.client.doubtful_answers() {
            (now, doubt) if now > doubted => doubt,
            _ => None,
        };
        Ok(LookAnswer { answers, doubt })
    }

    /// Sends a write that is cleared.
    pub(super) async fn send(self, intent: WriteIntent) {
        let outcome = self.send_now(&intent).await;
        failpoint::reach(Point::WriteAnswered);
        self.report(TaskReport::Sent { write: intent.id, outcome }).await;
    }

    async fn send_now(&self, intent: &WriteIntent) -> SendOutcome {
        let update = match &intent.before {
            None => None,
            Some(before) => match GroupUpdate::between(&before.content, &intent.after) {
                Ok(update) => Some((before.id.clone(), update)),
                Err(error) => return SendOutcome::NotSent { message: error.to_string(), retry_at: None },
            },
        };
        if self.stop_file.stops() {
            return SendOutcome::Overtaken(Cancelled::Stopped);
        }
        failpoint::reach(Point::WriteReady);
        let asked = async {
            match update {
                None => self.client.create_group(&intent.after).await,
                Some((id, update)) => self.client.update_group(&id, &update).await,
            }
        };
        match failpoint::during(Point::WriteUnderWay, asked).await {
            Ok(group) => SendOutcome::Answered(group),
            Err(error) => outcome_of(&error),
        }
    }

    async fn report(&self, seen: TaskReport) {
        // The loop is gone only when the daemon ends; the log then says what is in doubt.
        let _ = self.seen.send(seen).await;
    }
}

fn failed(error: ApiError) -> ReadFailed {
    ReadFailed { message: error.to_string(), come_back_at: error.come_back_at() }
}

/// What an error says about a write.
fn outcome_of(error: &ApiError) -> SendOutcome {
    let message = error.to_string();
    match &error.class {
        ErrorClass::RateLimited { until, .. } => SendOutcome::RateLimited { message, retry_at: Some(*until) },
        ErrorClass::Refused { status, .. } => SendOutcome::Refused { status: *status, message },
        ErrorClass::NoAnswer { .. } => SendOutcome::NoAnswer { message },
        ErrorClass::NotSent { .. } => SendOutcome::NotSent { message, retry_at: error.come_back_at() },
    }
}
