//! Reads and writes at Cloudflare, carried out in tasks of their own.
//!
//! **Invariant:** a task here decides nothing. It reports what it saw; the one thing that it
//! checks by itself is the stop file, just before a changing request.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::cloudflare::{ApiError, CloudflareClient, ErrorClass, GroupLookup, GroupUpdate, Priority};
use crate::daemon::counting::{self, Counted, Counting};
use crate::daemon::stop_file::StopFile;
use crate::failpoint::{self, Point};
use crate::fleet::{Sweep, SweepScope};
use crate::rollout::decide::outcome::SendOutcome;
use crate::rollout::judge::last_look::FreshLook;
use crate::rollout::record::ClockDoubt;
use crate::rollout::record::{Cancelled, WriteId, WriteIntent};
use crate::rollout::record::{Group, Profiles};
use crate::rollout::world::{ANSWERS_TO_CONFIRM, SecondClock};
use crate::rollout::world::{Approvers, UserGroups};
use crate::rollout::world::{Observed, Read};
use crate::time::{Clock, Timestamp};

/// What a task saw.
#[derive(Debug)]
pub(super) enum TaskReport {
    /// A read ended.
    Read {
        /// Which.
        read: Read,
        /// When it was asked for.
        as_of: Timestamp,
        /// What it brought.
        result: Result<ReadResult, ApiError>,
    },
    /// The look before a write ended.
    Looked {
        /// The write.
        write: WriteId,
        /// What it showed.
        look: Result<LastLook, ApiError>,
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

/// What was read just before a write.
#[derive(Debug)]
pub(super) struct LastLook {
    /// The group, or all groups before a create.
    pub(super) fresh: Observed<FreshLook>,
    /// The devices, where the ring has a limit.
    pub(super) counted: Option<Counted>,
    /// The people whose approval it rests on.
    pub(super) approvers: UserGroups,
    /// What an answer meanwhile said against the machine's clock.
    pub(super) doubt: Option<ClockDoubt>,
}

impl LastLook {
    /// The same, as of `now` at the latest: the clock may have been set back since it went by it.
    pub(super) fn not_after(mut self, now: Timestamp) -> Self {
        let approvers = self.approvers.values_mut().map(|seen| &mut seen.as_of);
        let counted = self.counted.iter_mut().map(|counted| &mut counted.devices.as_of);
        for as_of in approvers.chain(counted).chain([&mut self.fresh.as_of]) {
            *as_of = now.min(*as_of);
        }
        self
    }
}

/// What a read brought.
#[derive(Debug)]
pub(super) enum ReadResult {
    /// All groups.
    Groups(Vec<Group>),
    /// One group; `None`: not found.
    Group(Option<Group>),
    /// All profiles.
    Profiles(Profiles),
    /// A complete sweep.
    Sweep(Sweep),
    /// A User Group.
    Approvers(Approvers),
}

/// A read that was asked for.
#[derive(Debug)]
pub(super) struct ReadOrder {
    /// What.
    pub(super) read: Read,
    /// For the incremental sweep: devices sighted since then.
    pub(super) seen_after: Timestamp,
    /// The daemon's present instant: what is read is not older.
    pub(super) at: Timestamp,
    /// Whether it may use what is kept for writes.
    pub(super) priority: Priority,
}

/// Starts tasks and hears from them.
#[derive(Clone)]
pub(super) struct FarSide {
    client: Arc<CloudflareClient>,
    clock: Clock,
    stop_file: StopFile,
    seen: mpsc::Sender<TaskReport>,
}

impl FarSide {
    /// Tasks over a client, which report to `seen`.
    pub(super) fn new(
        client: Arc<CloudflareClient>,
        clock: Clock,
        stop_file: StopFile,
        seen: mpsc::Sender<TaskReport>,
    ) -> Self {
        Self { client, clock, stop_file, seen }
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
        self.client.room_for_write_after(before).err()
    }

    /// Reads something.
    pub(super) async fn read(self, asked: ReadOrder) {
        let ReadOrder { read, seen_after, at: as_of, priority } = asked;
        let client = &self.client;
        let result = match &read {
            Read::Groups => client.list_groups(priority).await.map(ReadResult::Groups),
            Read::Group(id) => client.get_group(id, Priority::Write).await.map(|found| {
                ReadResult::Group(match found {
                    GroupLookup::Found(group) => Some(group),
                    GroupLookup::Missing => None,
                })
            }),
            Read::Profiles => client.profiles().await.map(ReadResult::Profiles),
            Read::FullSweep => client.sweep(SweepScope::Full).await.map(ReadResult::Sweep),
            Read::IncrementalSweep => {
                client.sweep(SweepScope::SeenAfter(seen_after)).await.map(ReadResult::Sweep)
            }
            Read::ProfileSweep(policy) => {
                client.sweep(SweepScope::Profile(policy.clone())).await.map(ReadResult::Sweep)
            }
            Read::Approvers(group) => self.client.approvers(group, priority).await.map(ReadResult::Approvers),
        };
        self.report(TaskReport::Read { read, as_of, result }).await;
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

    /// Looks at the far end just before a write; what is seen is not from before `not_before`, also when
    /// the clock is set back. The devices first: a count may take minutes, and nobody must edit the
    /// group unseen meanwhile.
    pub(super) async fn look(self, intent: WriteIntent, counting: Counting, not_before: Timestamp) {
        let look = self.last_look(&intent, counting, not_before).await;
        self.report(TaskReport::Looked { write: intent.id, look }).await;
    }

    async fn last_look(
        &self,
        intent: &WriteIntent,
        counting: Counting,
        not_before: Timestamp,
    ) -> Result<LastLook, ApiError> {
        let (doubted, _) = self.client.doubtful_answers();
        let counted = match counting {
            Counting::Needed => {
                let as_of = self.clock.now().max(not_before);
                Some(counting::count(&self.client, intent, as_of).await?)
            }
            Counting::NotNeeded => None,
        };
        let mut approvers = UserGroups::new();
        for group in intent.approvers() {
            let as_of = self.clock.now().max(not_before);
            let value = self.client.approvers(group, Priority::Write).await?;
            approvers.insert(group.clone(), Observed { value, as_of });
        }
        let as_of = self.clock.now().max(not_before);
        let value = match &intent.before {
            Some(group) => match self.client.get_group(&group.id, Priority::Write).await? {
                GroupLookup::Found(group) => FreshLook::Group(Some(group)),
                GroupLookup::Missing => FreshLook::Group(None),
            },
            None => FreshLook::Groups(self.client.list_groups(Priority::Write).await?),
        };
        // One answer is enough here, whichever request it was for.
        let doubt = match self.client.doubtful_answers() {
            (now, doubt) if now > doubted => doubt,
            _ => None,
        };
        Ok(LastLook { fresh: Observed { value, as_of }, counted, approvers, doubt })
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
