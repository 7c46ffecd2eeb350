//! What events make of the books: the checker's own fold of the log.
//!
//! **Invariant:** the books take every event as it stands, sound or not, so that one violation
//! does not hide the next.

use super::books::{Ledger, LedgerBlockedVersion};
use super::plan::{PlanLine, PlanPhase};
use super::{waiting, words};
use crate::ids::RingName;
use crate::rollout::record::{
    Cause, Drift, Event, Exempt, Finding, Gate, Judgement, Mode, Purpose, Recorded, RollbackStep, RolloutId,
    SoakFact, Verdict,
};
use crate::time::{SignedDuration, Timestamp};

impl<'a> Ledger<'a> {
    /// Takes an event into the books.
    pub(crate) fn take(&mut self, recorded: &'a Recorded) {
        let before = self.last_at.unwrap_or(recorded.at);
        self.last_seq = recorded.seq;
        self.last_at = Some(recorded.at);
        let event = &recorded.entry.event;
        self.judges_health |= speaks_of_health(event);
        let in_force = self.line(recorded.entry.rollout.as_ref()).map(|line| &line.revision.digest);
        words::take(&mut self.words, in_force, recorded);
        waiting::take(&mut self.waiting, recorded);
        match (&recorded.entry.rollout, event) {
            (_, Event::DaemonStarted { mode, settles_seconds, .. }) => {
                self.observing = *mode == Mode::Observe;
                let settles = settles_seconds.and_then(|seconds| i64::try_from(seconds).ok());
                self.settles = settles.map(SignedDuration::from_secs);
                self.pass_down_time(before, recorded.at);
            }
            (_, Event::ClockStepped { from, to }) if from < to => self.pass_over(*from, *to),
            (_, Event::ClockConfirmed { now, .. }) => self.begin_era(*now),
            (_, Event::Stopped {}) => self.stopped = true,
            (_, Event::Started {}) => self.stopped = false,
            (_, Event::TokenMade { token }) => {
                self.tokens.insert(&token.name, true);
            }
            (_, Event::TokenRevoked { name }) => {
                self.tokens.insert(name, false);
            }
            (_, Event::AccessIntended { .. }) => {
                self.open_access.insert(recorded.seq);
            }
            (_, Event::AccessSettled { intent, .. }) => {
                self.open_access.remove(intent);
            }
            (Some(id), Event::PlanAccepted { revision }) => {
                let line = PlanLine::accepted(id, revision, self.plans.get_mut(&id.plan));
                self.plans.insert(&id.plan, line);
            }
            (Some(id), Event::PlanRenamed { from }) => self.rename_plan(id, from),
            (Some(id), event) => {
                self.writes.take(id, recorded);
                self.take_of_account(id, recorded);
                let intent = self.writes.open.as_ref().map(|open| open.intent);
                self.writes.close(event);
                if let Some(plan) = self.plans.get_mut(&id.plan) {
                    if let Event::WritePlanned { intent, .. } = event {
                        plan.versions.planned(id.number, intent);
                    }
                    plan.take(event, intent, recorded.at);
                }
            }
            (None, _) => {}
        }
        for plan in self.plans.values_mut() {
            if !matches!(plan.phase, PlanPhase::Running | PlanPhase::RollingBack) {
                plan.blocks.clear();
            }
            plan.stand_still(self.stopped, recorded.at);
            // What one plan's ring takes over, another one's left.
            plan.trim_left(&self.groups);
        }
    }

    /// Groups, soaks and blocked versions belong to the account.
    fn take_of_account(&mut self, id: &'a RolloutId, recorded: &'a Recorded) {
        match &recorded.entry.event {
            Event::WriteConfirmed { ring, group, .. }
            | Event::WriteSettled { ring, finding: Finding::Applied { group }, .. }
            | Event::RingAssigned { ring, group, .. }
            | Event::RingRecognised { ring, group, .. }
            | Event::RollbackInPlace { ring, group, .. } => {
                let open = self.writes.open.as_ref().map(|open| &open.intent.purpose);
                let moves_out = open.is_some_and(Purpose::is_of_another_group);
                self.groups.own(&id.plan, ring, group, moves_out);
            }
            Event::RollbackStarted { steps, .. } => steps.iter().for_each(|step| self.block(id, step)),
            Event::VersionReleased { version } => {
                self.blocked.retain(|blocked| *blocked.plan != id.plan || blocked.version != *version);
            }
            Event::RingRenamed { renamed } => self.rename_rings(&id.plan, renamed),
            Event::HaltLifted { cause: Cause::Drift(drift), .. }
            | Event::DriftAdopted { drift: Drift::Group(drift) } => self.groups.accept(drift),
            Event::DriftFound { drift } => self.groups.found(&id.plan, drift),
            Event::DriftEnded { group, .. } => self.groups.ended(group),
            Event::RingVerified { ring, judgements } => {
                // A soak that somebody waived a gate of is no proof for a later rollout.
                let waived = |word: &Judgement| word.verdict == Verdict::Exempt(Exempt::Waived);
                if !judgements.iter().any(waived) {
                    self.note_soak(id, ring, recorded.at);
                }
            }
            _ => {}
        }
    }

    fn block(&mut self, id: &'a RolloutId, step: &'a RollbackStep) {
        for policy in &step.policies {
            self.blocked.extend(step.back.iter().map(|(environment, way)| LedgerBlockedVersion {
                plan: &id.plan,
                policy,
                environment: *environment,
                version: way.from,
            }));
        }
    }

    fn note_soak(&mut self, id: &RolloutId, ring: &RingName, verified_at: Timestamp) {
        let line = self.plans.get(&id.plan);
        let Some((ring, plan)) = line.and_then(|line| line.planned_ring(ring)) else { return };
        if let (Some(group), Some(policies)) = (ring.group, ring.policies) {
            let (group, policies) = (group.clone(), policies.clone());
            self.soaks.push(SoakFact { group, policies, targets: plan.targets.clone(), verified_at });
        }
    }
}

fn speaks_of_health(event: &Event) -> bool {
    let health = |gate: &Gate| matches!(gate, Gate::Stalled | Gate::Dark);
    match event {
        Event::RingVerified { judgements, .. } => judgements.iter().any(|word| health(&word.gate)),
        Event::GateUnknown { gate, .. } | Event::GateWaived { gate, .. } => health(gate),
        Event::Halted { cause: Cause::Unhealthy { .. } } => true,
        Event::HaltLifted { acknowledged, .. } => acknowledged.iter().any(|found| health(&found.gate)),
        _ => false,
    }
}
