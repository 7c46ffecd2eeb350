//! What a person's word on the clock does to what the log had folded by a clock that was ahead.
//!
//! **Invariant:** afterwards no instant of the state lies in the future: what began there begins now, and
//! what people allowed there is void.

use std::sync::Arc;

use crate::rollout::record::Event;
use crate::rollout::state::{
    Attempts, Attribution, OwnedGroup, PendingWrite, Progress, Ring, RingState, State, Validity,
};
use crate::time::{Timestamp, after, since};

impl State {
    /// The clock is `now`, and was ahead before.
    pub(crate) fn begin_era(&mut self, seq: u64, event: &Event, now: Timestamp) {
        self.eras.follow(seq, event);
        self.stop.iter_mut().for_each(|hold| hold.not_after(now));
        self.soaks.retain(|soak| soak.verified_at <= now);
        self.updaters.values_mut().for_each(|until| *until = now.min(*until));
        self.blocked_versions.iter_mut().for_each(|held| held.by.not_after(now));
        let groups = self.groups.values_mut().chain(self.lost.values_mut());
        groups.for_each(|group| group.not_after(now));
        self.tokens.count_from(now);
        self.day.not_after(now);
        for waiting in self.waiting.values_mut() {
            waiting.since = now.min(waiting.since);
            waiting.confirmed.take_if(|word| word.since > now);
        }
        for plan in self.plans.values_mut().map(Arc::make_mut) {
            plan.blocks.values_mut().for_each(|(_, since)| *since = now.min(*since));
            plan.superseded.iter_mut().for_each(|left| left.ring.not_after(now));
            plan.changed_at.iter_mut().for_each(|at| *at = now.min(*at));
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

impl Attribution {
    pub(crate) fn not_after(&mut self, now: Timestamp) {
        self.since = now.min(self.since);
    }
}

impl OwnedGroup {
    pub(crate) fn not_after(&mut self, now: Timestamp) {
        self.offered.values_mut().for_each(|until| *until = now.min(*until));
    }
}

impl Ring {
    pub(crate) fn not_after(&mut self, now: Timestamp) {
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
        self.words.rejections.values_mut().for_each(|objection| objection.at = now.min(objection.at));
        self.restoring.since = now.min(self.restoring.since);
        self.restoring.attempts.forget_instants();
        self.between.not_after(now);
        self.stage.not_after(now);
    }
}

impl RingState {
    pub(crate) fn not_after(&mut self, now: Timestamp) {
        if let Some(assigned) = self.assigned_mut() {
            assigned.at = now.min(assigned.at);
            assigned.deadline_from = now.min(assigned.deadline_from);
        }
        match self {
            Self::Entering(attempts) => attempts.forget_instants(),
            Self::Deploying(write) => write.not_after(now),
            Self::Soaking(_, soak) => soak.started_at = now.min(soak.started_at),
            Self::RollingBack(_, back) | Self::RolledBack(_, back) => back.since = now.min(back.since),
            Self::Pending | Self::Adopting(_) | Self::Verified(_) => {}
        }
    }
}

impl Attempts {
    /// What is to come, and what came in a row, was by a clock that was ahead.
    pub(crate) fn forget_instants(&mut self) {
        (self.not_before, self.reads) = (None, None);
    }
}

impl PendingWrite {
    pub(crate) fn not_after(&mut self, now: Timestamp) {
        self.planned_at = now.min(self.planned_at);
        self.attempts.forget_instants();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::rollout::record::Event;
    use crate::rollout::state::{Attempts, Attribution, RingState, State, Validity};
    use crate::time::after;
    use std::collections::BTreeSet;

    use crate::rollout::state::ring_state::{Assigned, Soak};
    use crate::rollout::state::rollout::Standstill;
    use crate::rollout::state::votes::{Approval, Rejection};

    use crate::rollout::record::Gate;
    use crate::rollout::record::{Actor, Entry, Mode, Recorded, RolloutId};
    use crate::time::{SignedDuration, Timestamp};

    const PLAN: &str = include_str!("../../../../rollouts/examples/three-rings.yaml");

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3_600).unwrap()
    }

    fn hold(hours: i64) -> Attribution {
        Attribution { actor: Actor::Engine, reason: "r".to_owned(), since: at(hours) }
    }

    /// A rollout whose first ring soaks, by a clock that was ahead at hour 960 and is right at hour 10.
    fn ahead() -> State {
        let revision = crate::plan::read("plan.yaml", PLAN.as_bytes()).unwrap();
        let id = RolloutId { plan: revision.plan.name.clone(), number: 1 };
        let events = [
            (
                None,
                Event::DaemonStarted { version: "1".to_owned(), mode: Mode::Write, settles_seconds: None },
            ),
            (Some(id.clone()), Event::PlanAccepted { revision: Box::new(revision) }),
        ];
        let mut state = State::default();
        for (seq, (rollout, event)) in (1..).zip(events) {
            let entry = Entry { actor: Actor::Engine, reason: "r".to_owned(), rollout, event };
            state.apply(&Recorded { seq, at: at(960), entry }).unwrap();
        }
        let rollout = &mut Arc::make_mut(state.plans.get_mut(&id.plan).unwrap()).rollout;
        rollout.standstills.push(Standstill { from: at(9), until: Some(at(950)) });
        let digest = rollout.revision.digest.clone();
        let ring = &mut rollout.rings[0];
        let assigned = Assigned {
            group: crate::ids::GroupId::new("g-1").unwrap(),
            policies: BTreeSet::new(),
            at: at(5),
            deadline_from: at(955),
        };
        ring.stage = RingState::Soaking(assigned, Soak { started_at: at(958) });
        ring.waived = [(Gate::Soak, hold(3)), (Gate::Adoption, hold(959))].into();
        for (who, given, expires) in [("ana", 8, 128), ("bob", 959, 1_079)] {
            let approval = Approval {
                digest: digest.clone(),
                given_at: at(given),
                expires_at: at(expires),
                note: String::new(),
                groups: Vec::new(),
                standing: Validity::Stands,
            };
            ring.words.approvals.insert(format!("{who}@example.com").parse().unwrap(), approval);
        }
        let no = Rejection { digest: digest.clone(), at: at(959), note: "no".to_owned(), groups: Vec::new() };
        ring.words.rejections.insert("cy@example.com".parse().unwrap(), no);
        ring.words.asked = Some((at(957), digest));
        ring.restoring.attempts = Attempts { not_before: Some(at(990)), ..Attempts::default() };
        state
    }

    #[test]
    fn what_began_in_the_future_begins_now_and_what_people_allowed_there_is_void() {
        let mut state = ahead();
        let event = Event::ClockConfirmed { was: at(961), now: at(10), answers: Vec::new() };
        let entry = Entry { actor: Actor::Engine, reason: "r".to_owned(), rollout: None, event };
        state.apply(&Recorded { seq: 3, at: at(10), entry }).unwrap();
        assert_eq!(state.last_at, Some(at(10)));
        assert_eq!(state.eras.dated(4, at(11)), at(962), "rows are dated in order");
        let rollout = &state.plans.values().next().unwrap().rollout;
        assert_eq!(rollout.standstills, [Standstill { from: at(9), until: Some(at(10)) }]);
        let ring = &rollout.rings[0];
        let RingState::Soaking(assigned, soak) = &ring.stage else { panic!("{:?}", ring.stage) };
        assert_eq!((soak.started_at, assigned.at, assigned.deadline_from), (at(10), at(5), at(10)));
        assert_eq!(ring.waived.keys().collect::<Vec<_>>(), [&Gate::Soak], "the waiver from before stands");
        let digest = &rollout.revision.digest;
        let counting: Vec<_> = ring.words.counting(digest, at(11)).map(|(by, _)| by.to_string()).collect();
        assert_eq!(counting, ["ana@example.com"]);
        assert!(ring.words.approvals.values().all(|approval| {
            approval.given_at <= at(10)
                && approval.expires_at <= after(at(10), SignedDuration::from_hours(120))
        }));
        assert_eq!(ring.words.rejections(digest).count(), 1, "a no stands");
        assert_eq!((&ring.words.asked, ring.restoring.attempts.not_before), (&None, None));
    }

    #[test]
    fn a_clock_that_is_not_behind_begins_no_era() {
        let state = ahead();
        // (row, the instant before, the one from then on, when it is recorded, in hours)
        let rows = [
            ("the same", 961, 961, 961),
            ("ahead", 961, 962, 962),
            ("from before the last record", 959, 10, 10),
            ("recorded at another instant", 961, 10, 11),
        ];
        for (row, was, now, recorded) in rows {
            let event = Event::ClockConfirmed { was: at(was), now: at(now), answers: Vec::new() };
            let entry = Entry { actor: Actor::Engine, reason: "r".to_owned(), rollout: None, event };
            let mut same = state.clone();
            assert!(same.apply(&Recorded { seq: 3, at: at(recorded), entry }).is_err(), "{row}");
            assert_eq!(same, state, "{row}");
        }
    }
}
