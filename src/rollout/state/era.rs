//! What a person's word on the clock does to what the log had folded by a clock that was ahead.
//!
//! **Invariant:** afterwards no instant of the state lies in the future: what began there begins now, and
//! what people allowed there is void.

use super::{Hold, OwnedGroup, PendingWrite, Progress, Ring, Stage, State, Validity};
use crate::rollout::event::Event;
use crate::time::{Timestamp, after, since};

impl State {
    /// The clock is `now`, and was ahead before.
    pub(super) fn begin_era(&mut self, seq: u64, event: &Event, now: Timestamp) {
        self.eras.follow(seq, event);
        self.stop.iter_mut().for_each(|hold| hold.not_after(now));
        self.soaks.retain(|soak| soak.verified_at <= now);
        self.updaters.values_mut().for_each(|until| *until = now.min(*until));
        self.held_out.iter_mut().for_each(|held| held.by.not_after(now));
        let groups = self.groups.values_mut().chain(self.lost.values_mut());
        groups.for_each(|group| group.not_after(now));
        self.tokens.count_from(now);
        for plan in self.plans.values_mut() {
            plan.paused.iter_mut().for_each(|hold| hold.not_after(now));
            let rollout = &mut plan.rollout;
            rollout.phase_since = now.min(rollout.phase_since);
            rollout.halted.iter_mut().for_each(|halt| halt.since = now.min(halt.since));
            rollout.waiting.iter_mut().for_each(|waiting| waiting.since = now.min(waiting.since));
            for span in &mut rollout.standstills {
                span.from = now.min(span.from);
                span.until = span.until.map(|until| now.min(until));
            }
            if let Some(rollback) = &mut rollout.rollback {
                rollback.by.not_after(now);
                for step in &mut rollback.steps {
                    if let Progress::Done(_, at) = &mut step.progress {
                        *at = now.min(*at);
                    }
                }
            }
            rollout.rings.iter_mut().for_each(|ring| ring.not_after(now));
        }
    }
}

impl Hold {
    pub(super) fn not_after(&mut self, now: Timestamp) {
        self.since = now.min(self.since);
    }
}

impl OwnedGroup {
    fn not_after(&mut self, now: Timestamp) {
        self.offered.values_mut().for_each(|until| *until = now.min(*until));
    }
}

impl Ring {
    fn not_after(&mut self, now: Timestamp) {
        self.since = now.min(self.since);
        self.unknown.values_mut().for_each(|unknown| unknown.since = now.min(unknown.since));
        self.waived.retain(|_, hold| hold.since <= now);
        let accepted = self.acknowledged.values_mut().flat_map(|devices| devices.values_mut());
        accepted.chain(self.silence_accepted.values_mut()).for_each(|at| *at = now.min(*at));
        if self.words.asked.as_ref().is_some_and(|(at, _)| *at > now) {
            self.words.asked = None;
        }
        for approval in self.words.approvals.values_mut().filter(|approval| approval.given_at > now) {
            approval.expires_at = after(now, since(approval.given_at, approval.expires_at));
            approval.given_at = now;
            approval.standing = Validity::Voided(now);
        }
        self.words.refusals.values_mut().for_each(|objection| objection.at = now.min(objection.at));
        self.restoring.since = now.min(self.restoring.since);
        self.restoring.attempts.not_before = None;
        self.stage.not_after(now);
    }
}

impl Stage {
    fn not_after(&mut self, now: Timestamp) {
        if let Self::Adopting(assigned)
        | Self::Soaking(assigned, _)
        | Self::Verified(assigned)
        | Self::RollingBack(assigned, _)
        | Self::RolledBack(Some(assigned), _) = self
        {
            assigned.at = now.min(assigned.at);
            assigned.deadline_from = now.min(assigned.deadline_from);
        }
        match self {
            Self::Entering(attempts) => attempts.not_before = None,
            Self::Deploying(write) => write.not_after(now),
            Self::Soaking(_, soak) => soak.started_at = now.min(soak.started_at),
            Self::RollingBack(_, back) | Self::RolledBack(_, back) => back.since = now.min(back.since),
            Self::Pending | Self::Adopting(_) | Self::Verified(_) => {}
        }
    }
}

impl PendingWrite {
    fn not_after(&mut self, now: Timestamp) {
        self.planned_at = now.min(self.planned_at);
        self.attempts.not_before = None;
        if let Some(doubt) = &mut self.doubt {
            doubt.since = now.min(doubt.since);
            // Two reads a minute apart, by one clock.
            doubt.first_read = None;
        }
        if let Some(origin) = &mut self.origin {
            origin.since = now.min(origin.since);
            origin.stage.not_after(now);
        }
    }
}
