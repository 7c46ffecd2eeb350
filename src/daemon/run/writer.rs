//! The one write: the look before it, the last word, and its outcome.
//!
//! **Invariant:** a write is under way at most once, and its outcome is appended before the next decision.

use crate::daemon::run::driver::{Driver, WriteProgress};
use crate::daemon::run::error::DaemonError;

use crate::cloudflare::ApiError;
use crate::daemon::counting::Counted;
use crate::daemon::far_side::LastLook;
use crate::failpoint::{self, Point};
use crate::rollout::decide::outcome::{SendOutcome, Unsent, outcome_entry, unsent_entry};
use crate::rollout::judge::last_look::{FreshLook, clear_to_send};
use crate::rollout::record::{Cancelled, WriteId, WriteIntent};
use crate::rollout::world::Observed;
impl Driver {
    /// The fresh look is there: the last word before the request goes out.
    pub(super) fn looked(
        &mut self,
        write: WriteId,
        look: Result<LastLook, ApiError>,
    ) -> Result<(), DaemonError> {
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
                self.writing = Some(WriteProgress::Sent { counted });
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
    pub(super) fn keep(&mut self, write: WriteId, look: &Observed<FreshLook>) {
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
    pub(super) fn keep_count(&mut self, counted: Counted) -> Result<Observed<usize>, DaemonError> {
        let as_of = counted.devices.as_of;
        for mut sweep in counted.sweeps {
            sweep.started_at = as_of;
            self.engine.observe_sweep(sweep)?;
        }
        Ok(counted.devices)
    }

    pub(super) fn clear(
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

    pub(super) fn finish(&mut self, write: WriteId, outcome: SendOutcome) -> Result<(), DaemonError> {
        let counted = match self.writing.take() {
            Some(WriteProgress::Sent { counted }) => counted,
            Some(WriteProgress::Looking(_)) | None => None,
        };
        let entry = outcome_entry(&self.engine.state, write, outcome, counted);
        let now = self.engine.now();
        self.engine.append(entry.into_iter().collect(), now)?;
        Ok(())
    }

    /// A planned write is not sent, and says why.
    pub(super) fn give_up(&mut self, write: WriteId, unsent: Unsent) -> Result<(), DaemonError> {
        self.writing = None;
        let entry = unsent_entry(&self.engine.state, write, unsent);
        let now = self.engine.now();
        self.engine.append(entry.into_iter().collect(), now)?;
        Ok(())
    }
}
