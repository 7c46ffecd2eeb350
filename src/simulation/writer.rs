//! The engine's writer: a fresh look, the last word, the request, the outcome. One at a time.
//!
//! **Invariant:** nothing is sent that [`clear_to_send`] and the stop file do not let through at
//! that very instant.

use crate::fleet::{Sighting, Sweep, SweepScope};
use crate::ids::PlanName;
use crate::rollout::judge::blast;

use crate::rollout::decide::outcome::{SendOutcome, Unsent, outcome_entry, unsent_entry};
use crate::rollout::judge::last_look::{FreshLook, clear_to_send};
use crate::rollout::record::Group;
use crate::rollout::record::{Cancelled, WriteId, WriteIntent};
use crate::rollout::world::{Desired, Observed, Read};
use crate::time::{Timestamp, after};

use crate::simulation::daemon::SimulatedDaemon;
use crate::simulation::far_end::{FarEnd, GroupWrite};
use crate::simulation::fault::SimulationFault;
use crate::simulation::write_stage::{LookTaken, WriteStage};

impl SimulatedDaemon {
    pub(super) fn go_on_writing(&mut self, far_end: &mut FarEnd, is_stop_file_there: bool, now: Timestamp) {
        match self.writing.take() {
            Some(WriteStage::Looking { write, started_at, done_at }) if done_at <= now => {
                match self.look(far_end, started_at, now) {
                    Ok(look) => {
                        let send_at = after(now, self.pace.clear);
                        self.writing = Some(WriteStage::Clearing { write, look, send_at });
                    }
                    Err(unsent) => self.give_up(write, unsent, now),
                }
            }
            Some(WriteStage::Clearing { write, look, send_at }) if send_at <= now => {
                self.clear(far_end, write, &look, is_stop_file_there, now);
            }
            Some(WriteStage::Sent { write, ticket, answer_at, counted }) if answer_at <= now => {
                self.end(write, (far_end.outcome(ticket), counted), now);
            }
            writing => self.writing = writing,
        }
    }

    fn intent(&self) -> Option<(PlanName, WriteIntent)> {
        let (rollout, _, write) = self.state.pending_write()?;
        Some((rollout.id.plan.clone(), write.intent.clone()))
    }

    /// The fresh look before a write. It is an observation like any other, and kept.
    fn look(&mut self, far_end: &mut FarEnd, as_of: Timestamp, now: Timestamp) -> Result<LookTaken, Unsent> {
        let seen_at = after(as_of, self.pace.snapshot_after).min(now);
        far_end
            .before_write(seen_at)
            .map_err(|(message, retry_at)| Unsent::read_failed(message, retry_at))?;
        self.last_look(far_end, (as_of, seen_at, now)).map_err(|message| Unsent::read_failed(message, None))
    }

    fn last_look(
        &mut self,
        far_end: &mut FarEnd,
        (as_of, seen_at, now): (Timestamp, Timestamp, Timestamp),
    ) -> Result<LookTaken, String> {
        let Some((_, intent)) = self.intent() else { return Err("no write is planned".to_owned()) };
        let counted = self.count(far_end, &intent, (as_of, seen_at, now))?;
        for group in intent.approvers() {
            let value = far_end.user_group(group, seen_at)?;
            self.world.user_groups.insert(group.clone(), Observed { value, as_of });
        }
        let value = match &intent.before {
            Some(before) => {
                let group: Option<Group> = far_end.get_group(&before.id, seen_at)?;
                let seen = Observed { value: group.clone(), as_of };
                self.world.single_groups.insert(before.id.clone(), seen);
                FreshLook::Group(group)
            }
            None => {
                let groups = far_end.list_groups(seen_at)?;
                self.world.groups = Some(Observed { value: groups.clone(), as_of });
                FreshLook::Groups(groups)
            }
        };
        Ok(LookTaken { fresh: Observed { value, as_of }, counted })
    }

    /// The fresh count, where the ring has a limit. What it lists is kept like any other sweep.
    fn count(
        &mut self,
        far_end: &mut FarEnd,
        intent: &WriteIntent,
        (as_of, seen_at, now): (Timestamp, Timestamp, Timestamp),
    ) -> Result<Option<Observed<usize>>, String> {
        let limited = self
            .state
            .pending_write()
            .and_then(|(rollout, ring, _)| rollout.ring_plan(&ring.name).and_then(|plan| plan.max_devices));
        let limited = limited.or(self.world.devices_per_day);
        if limited.filter(|_| intent.purpose.counts_against_limits()).is_none() {
            return Ok(None);
        }
        let mut listed: Vec<Sighting> = Vec::new();
        for policy in blast::profiles(intent) {
            let scope = SweepScope::Profile(policy.clone());
            let mut devices = far_end.sweep(Read::ProfileSweep(policy.clone()), &scope, seen_at)?;
            devices.retain(|device| device.policy.as_ref().is_some_and(|seen| seen.id == policy));
            listed.extend(devices.iter().cloned());
            let sweep = Sweep { scope, started_at: as_of, finished_at: now, devices };
            let membership = self.membership(now);
            self.world.fleet.observe(sweep, &membership);
        }
        Ok(Some(Observed { value: blast::count(intent, &listed), as_of }))
    }

    /// The last word, and the request.
    fn clear(
        &mut self,
        far_end: &mut FarEnd,
        write: WriteId,
        look: &LookTaken,
        is_stop_file_there: bool,
        now: Timestamp,
    ) {
        let Some((plan, intent)) = self.intent() else {
            self.fail(SimulationFault::NotPlanned { at: now, write });
            return;
        };
        let settles = self.pace.settles;
        let desired = self.files.get(&plan).map_or(Desired::Missing, |file| file.desired(settles, now));
        let (state, world) = (&self.state, &self.world);
        let cleared = clear_to_send(state, &plan, desired, world, &look.fresh, look.counted.as_ref(), now);
        let cleared = match cleared {
            Ok(()) if is_stop_file_there => {
                self.met_stop_file = true;
                Err(Cancelled::Stopped)
            }
            cleared => cleared,
        };
        if let Err(why) = cleared {
            self.give_up(write, why.into(), now);
            return;
        }
        let body = match intent.before {
            Some(before) => GroupWrite::Update(before.id, intent.after),
            None => GroupWrite::Create(intent.after),
        };
        let ticket = far_end.send(body, look.fresh.as_of, now, self.pace.apply);
        let counted = look.counted.as_ref().map(|count| count.value);
        let answer_at = after(now, self.pace.answer);
        self.writing = Some(WriteStage::Sent { write, ticket, answer_at, counted });
    }

    fn give_up(&mut self, write: WriteId, unsent: Unsent, now: Timestamp) {
        let entry = unsent_entry(&self.state, write, unsent);
        self.append(entry, now);
    }

    fn end(&mut self, write: WriteId, (outcome, counted): (SendOutcome, Option<usize>), now: Timestamp) {
        let entry = outcome_entry(&self.state, write, outcome, counted);
        self.append(entry, now);
    }
}
