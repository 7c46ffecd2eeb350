//! What events make of the books: the checker's own fold of the log.
//!
//! **Invariant:** the books take every event as it stands, sound or not, so that one violation
//! does not hide the next. All that was a name's before is the new name's after, and nothing else is. Time in which no
//! daemon ran or watched counts for no soak, no deadline and against no gate.

use std::collections::BTreeMap;

use super::books::{Ledger, LedgerBlockedVersion};
use super::kinds::is_of_health;
use super::plan::{PlanLine, PlanPhase};
use super::ring::LedgerRingState;
use super::{waiting, words};
use crate::ids::{PlanName, RingName};
use crate::plan::change::profile_set;
use crate::rollout::record::{
    Cause, Drift, Event, Exempt, Finding, Judgement, Mode, Purpose, Recorded, RollbackStep, RollbackTarget,
    RolloutId, SoakFact, Verdict,
};
use crate::time::{SignedDuration, Timestamp, after, since};

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
            (_, Event::TokenMade { token }) => _ = self.tokens.insert(&token.name, true),
            (_, Event::TokenRevoked { name }) => _ = self.tokens.insert(name, false),
            (_, Event::AccessIntended { .. }) => _ = self.open_access.insert(recorded.seq),
            (_, Event::AccessSettled { intent, .. }) => _ = self.open_access.remove(intent),
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
            self.blocked.extend(step.back.iter().map(|(on, RollbackTarget { from, .. })| {
                LedgerBlockedVersion { plan: &id.plan, policy, environment: *on, version: *from }
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

    /// All that was a plan's is another's.
    pub(super) fn rename_plan(&mut self, id: &'a RolloutId, from: &'a PlanName) {
        let Some(mut line) = self.plans.remove(from) else { return };
        self.numbers.insert(from, line.number);
        line.versions.renumber(line.number, id.number);
        (line.number, line.carried) = (id.number, true);
        let untouched = self.plans.remove(&id.plan);
        line.paused |= untouched.as_ref().is_some_and(|untouched| untouched.paused);
        // Who refused a ring under the new name refuses the one of the same profiles.
        let same = |ring: &RingName| -> Option<&'a RingName> {
            let refused = profile_set(untouched.as_ref()?.ring_plan(ring)?);
            let mut rings = line.rings.iter().map(|ring| ring.name);
            rings.find(|name| line.ring_plan(name).is_some_and(|plan| profile_set(plan) == refused))
        };
        words::rename(&mut self.words, (from, &id.plan), &line.revision.digest, same);
        self.plans.insert(&id.plan, line);
        let rename = |plan: &mut &'a PlanName| {
            if *plan == from {
                *plan = &id.plan;
            }
        };
        self.groups.rename(|owned| rename(&mut owned.plan));
        self.blocked.iter_mut().for_each(|blocked| rename(&mut blocked.plan));
        self.writes.planned.values_mut().for_each(|((plan, _), _)| rename(plan));
    }

    /// Groups and writes keep their rings under other names.
    pub(super) fn rename_rings(&mut self, of: &PlanName, renamed: &'a BTreeMap<RingName, RingName>) {
        let rename = |plan: &PlanName, ring: &mut &'a RingName| {
            if plan == of {
                *ring = renamed.get(*ring).unwrap_or(ring);
            }
        };
        self.groups.rename(|owned| rename(owned.plan, &mut owned.ring));
        self.writes.planned.values_mut().for_each(|((plan, ring), _)| rename(plan, ring));
    }

    /// Time in which no daemon ran counts against no gate.
    pub(super) fn pass_down_time(&mut self, from: Timestamp, to: Timestamp) {
        let rings = self.plans.values_mut().flat_map(|plan| &mut plan.rings);
        for (_, begun) in rings.flat_map(|ring| ring.unknown.values_mut()) {
            *begun = after(*begun, since(from, to));
        }
    }

    /// What nobody watched counts for no soak, no deadline and against no gate.
    pub(super) fn pass_over(&mut self, from: Timestamp, to: Timestamp) {
        self.watched_from = Some(to);
        self.plans.values_mut().for_each(|plan| plan.still.push((from, Some(to))));
        for ring in self.plans.values_mut().flat_map(|plan| &mut plan.rings) {
            let begun = ring.unknown.values_mut().map(|(_, begun)| begun);
            let soak = ring.adopted_at.as_mut().filter(|_| ring.state == LedgerRingState::Soaking);
            for begun in begun.chain(soak) {
                *begun = after(*begun, since((*begun).clamp(from, to), to));
            }
        }
    }

    /// What began later than `now` begins then, and what people allowed later is void.
    pub(super) fn begin_era(&mut self, now: Timestamp) {
        let clamp = |at: &mut Timestamp| *at = now.min(*at);
        self.watched_from.iter_mut().for_each(clamp);
        self.soaks.retain(|soak| soak.verified_at <= now);
        self.writes.applied.iter_mut().for_each(|(at, _)| clamp(at));
        // Approvals of a clock that was ahead are void; a refusal stands.
        self.words.retain(|word| word.expires_at.is_none() || word.at <= now);
        if let Some(open) = &mut self.writes.open {
            open.doubted_at.iter_mut().for_each(clamp);
            open.read = None;
        }
        for waiting in self.waiting.values_mut() {
            clamp(&mut waiting.since);
            waiting.confirmed_at.take_if(|at| *at > now);
        }
        for plan in self.plans.values_mut() {
            plan.withdrawn_at.iter_mut().for_each(clamp);
            for (from, until) in &mut plan.still {
                clamp(from);
                until.iter_mut().for_each(clamp);
            }
            for ring in &mut plan.rings {
                ring.entering.unread.clear();
                ring.restoring.unread.clear();
                ring.deadline_from.iter_mut().for_each(clamp);
                ring.back_since.iter_mut().for_each(clamp);
                ring.adopted_at.iter_mut().filter(|_| ring.state == LedgerRingState::Soaking).for_each(clamp);
                ring.waived.retain(|_, at| *at <= now);
                ring.unknown.values_mut().for_each(|(_, begun)| clamp(begun));
                ring.accepted.values_mut().flat_map(|devices| devices.values_mut()).for_each(clamp);
            }
        }
    }
}

fn speaks_of_health(event: &Event) -> bool {
    match event {
        Event::RingVerified { judgements, .. } => judgements.iter().any(|word| is_of_health(word.gate)),
        Event::GateUnknown { gate, .. } | Event::GateWaived { gate, .. } => is_of_health(*gate),
        Event::Halted { cause: Cause::Unhealthy { .. } } => true,
        Event::HaltLifted { acknowledged, .. } => acknowledged.iter().any(|found| is_of_health(found.gate)),
        _ => false,
    }
}
