//! The one write: the look before it, the last word, and its outcome.
//!
//! **Invariant:** a write is under way at most once; it is handed out only where its intent is on record and
//! [`clear_to_send`] agrees on a look that was ordered after that.

use std::collections::BTreeSet;

use crate::engine::orders::{LookAnswer, LookOrder, ReadAnswer, ReadFailed};
use crate::engine::owner::{Engine, WriteUnderWay};
use crate::fleet::{ListedDevice, SweepChanges};
use crate::ids::PlanName;
use crate::rollout::decide::outcome::{SendOutcome, Unsent, outcome_entry, unsent_entry};
use crate::rollout::judge::blast;
use crate::rollout::judge::last_check::{FreshRead, clear_to_send};
use crate::rollout::record::{Cancelled, WriteId, WriteIntent};
use crate::rollout::state::PendingWrite;
use crate::rollout::world::{Desired, Known, Observed, Read};
use crate::time::Timestamp;

impl Engine {
    /// A write that the log announces and that is neither under way nor in doubt.
    pub fn due_write(&self) -> Option<&PendingWrite> {
        let (_, _, write) = self.state.pending_write()?;
        let is_due = write.doubt.is_none() && self.write.is_none() && self.world.log_unwritable.is_none();
        is_due.then_some(write)
    }

    /// Begins the write that is due: what is to be read before it.
    pub fn poll_look(&mut self, now: Timestamp) -> Option<LookOrder> {
        let intent = &self.due_write()?.intent;
        let (write, is_counted) = (intent.id, self.is_counted(intent));
        let devices = if is_counted { blast::profiles(intent) } else { BTreeSet::new() };
        let group = intent.before.as_ref().map_or(Read::Groups, |group| Read::Group(group.id.clone()));
        let reads = devices.into_iter().map(Read::ProfileSweep);
        let reads = reads.chain(intent.approvers().cloned().map(Read::Approvers)).chain([group]).collect();
        self.write = Some(WriteUnderWay::Looking { write, is_counted });
        Some(LookOrder { write, reads, at: now })
    }

    /// Whether the devices of a write are counted before it: where its ring has a limit, and under a guard.
    fn is_counted(&self, intent: &WriteIntent) -> bool {
        let limited = self.state.pending_write().is_some_and(|(rollout, ring, _)| {
            rollout.ring_plan(&ring.name).is_some_and(|plan| plan.max_devices.is_some())
        });
        !intent.purpose.goes_back() && (limited || self.world.devices_per_day.is_some())
    }

    /// The look before a write ended that was ordered at `as_of`. It is an observation like any other: should it be
    /// in the way, the next decision must know. Of each sweep: what changed of the devices.
    pub fn handle_look(
        &mut self,
        write: WriteId,
        as_of: Timestamp,
        look: Result<LookAnswer, ReadFailed>,
        now: Timestamp,
    ) -> Vec<SweepChanges> {
        let is_meant = |stage: &mut WriteUnderWay| matches!(stage, WriteUnderWay::Looking { write: known, .. } if *known == write);
        let Some(WriteUnderWay::Looking { is_counted, .. }) = self.write.take_if(is_meant) else {
            return Vec::new();
        };
        let LookAnswer { answers, doubt } = match look {
            Ok(look) => look,
            Err(ReadFailed { message, come_back_at }) => {
                self.unsent(write, Unsent::read_failed(message, come_back_at));
                return Vec::new();
            }
        };
        let as_of = now.min(as_of);
        let mut fresh = None;
        let mut listed: Vec<ListedDevice> = Vec::new();
        for answer in &answers {
            match answer {
                ReadAnswer::Groups(groups) => fresh = Some(FreshRead::Groups(groups.clone())),
                ReadAnswer::Group(_, group) => fresh = Some(FreshRead::Group(group.clone())),
                ReadAnswer::Sweep(sweep) => listed.extend(sweep.devices.iter().cloned()),
                ReadAnswer::Approvers(..) | ReadAnswer::Profiles(_) => {}
            }
        }
        let intent = self.state.pending_write().map(|(_, _, pending)| &pending.intent);
        let counted = intent.filter(|_| is_counted);
        let counted = counted.map(|intent| Observed { value: blast::count(intent, &listed), as_of });
        match fresh.map(|value| Observed { value, as_of }) {
            Some(fresh) => self.write = Some(WriteUnderWay::Looked { write, fresh, counted, doubt }),
            None => self.unsent(write, Unsent::read_failed("its group was not read".to_owned(), None)),
        }
        answers.into_iter().filter_map(|answer| self.take_in(answer, as_of, now)).collect()
    }

    /// The last word on a write that was looked at: the write, to be sent now; `None`: it is not sent, and what is to
    /// be recorded of that comes next. Asked for only once a pass knew of the look. `stops`: whether the stop file
    /// is there.
    pub fn poll_send<'a>(
        &mut self,
        desired: impl Fn(&PlanName) -> Desired<'a>,
        stops: bool,
        now: Timestamp,
    ) -> Option<WriteIntent> {
        let is_looked = |stage: &mut WriteUnderWay| matches!(stage, WriteUnderWay::Looked { .. });
        let Some(WriteUnderWay::Looked { write, fresh, counted, doubt }) = self.write.take_if(is_looked)
        else {
            return None;
        };
        // Without a log nothing is sent; when it is back, the write is in doubt and settled by reading.
        if self.world.log_unwritable.is_some() {
            return None;
        }
        let (rollout, _, pending) = self.state.pending_write().filter(|(_, _, known)| known.id() == write)?;
        let (plan, intent) = (&rollout.id.plan, pending.intent.clone());
        // For this write one answer is enough.
        let known = self.world.second_clock.doubt;
        self.world.second_clock.doubt = known.or(doubt);
        let (all, counted) = (Known { state: &self.state, world: &self.world, now }, counted.as_ref());
        let cleared = clear_to_send(all, plan, desired(plan), &fresh, counted);
        self.world.second_clock.doubt = known;
        let cleared = cleared.and(if stops { Err(Cancelled::Stopped) } else { Ok(()) });
        match cleared {
            Ok(()) => {
                self.write = Some(WriteUnderWay::Sent { counted: counted.map(|counted| counted.value) });
                Some(intent)
            }
            Err(why) => {
                self.unsent(write, why.into());
                None
            }
        }
    }

    /// Whether a write is sent whose outcome is not known here yet.
    pub const fn is_sent(&self) -> bool {
        matches!(self.write, Some(WriteUnderWay::Sent { .. }))
    }

    /// Since when an answer is awaited, of the oldest read or for the write; `None`: none is.
    pub fn waits_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.reads.oldest_under_way().or_else(|| self.write.is_some().then_some(now))
    }

    /// What became of the write that was sent.
    pub fn handle_outcome(&mut self, write: WriteId, outcome: SendOutcome) {
        let counted = match self.write.take() {
            Some(WriteUnderWay::Sent { counted }) => counted,
            Some(WriteUnderWay::Looking { .. } | WriteUnderWay::Looked { .. }) | None => None,
        };
        self.outcome.extend(outcome_entry(&self.state, write, outcome, counted));
    }

    /// What is announced, or still being looked at, is not sent, and is not going to be.
    pub fn handle_end(&mut self) {
        let unsent = match &self.write {
            Some(WriteUnderWay::Looking { write, .. } | WriteUnderWay::Looked { write, .. }) => Some(*write),
            Some(WriteUnderWay::Sent { .. }) => return,
            // Of a pass that was broken off. What became of a write may be on its way to the log.
            None => self.due_write().filter(|_| self.outcome.is_empty()).map(PendingWrite::id),
        };
        let Some(write) = unsent else { return };
        self.write = None;
        self.unsent(write, Cancelled::Ending.into());
    }

    /// A planned write is not sent, and says why.
    fn unsent(&mut self, write: WriteId, unsent: Unsent) {
        self.outcome.extend(unsent_entry(&self.state, write, unsent));
    }
}
