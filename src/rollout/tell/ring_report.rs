//! One ring of a report.
//!
//! **Invariant:** it shows what its gates were judged by.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::Census;
use crate::ids::{Email, GroupId, RingName};
use crate::plan::model::RingPlan;
use crate::rollout::decide::context::Context;
use crate::rollout::judge::{approval, downgrade, opening::LEFT_TO_ENTER, subject};
use crate::rollout::people::hearing::Hearing;
use crate::rollout::record::{AllMoves, Evidence, Gate, Judgement};
use crate::rollout::state::{Attribution, Ring, RingState, Votes};
use crate::schedule::{Outlook, Schedule};
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

#[derive(Debug, Clone, PartialEq)]
pub struct RingReport {
    pub name: RingName,
    /// Its profiles, in the plan's words.
    pub profiles: Vec<String>,
    /// Its targets; what it went back to, once it did.
    pub targets: BTreeMap<Environment, ClientVersion>,
    /// Its group's name, and its ID once known.
    pub group: (String, Option<GroupId>),
    /// Where it is: `pending`, `entering`, …
    pub state: &'static str,
    /// What that means.
    pub meaning: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// Since when its targets are on offer.
    pub assigned_at: Option<Timestamp>,
    /// The gates that matter now.
    pub gates: Vec<Judgement>,
    /// Those of them that cannot tell.
    pub unsure: BTreeMap<(Gate, Option<Environment>), Unsure>,
    /// Its devices; `None` while its profiles are not known.
    pub census: Option<Census>,
    /// When ringward may next write for it; `None`: now, or it is entered.
    pub next_opening: Option<Timestamp>,
    /// What its schedule says; `None` once it is entered.
    pub schedule: Option<ScheduleReport>,
    /// Whether the plan's file dropped it, and it keeps its place until it is verified.
    pub dropped: bool,
    /// Gates that a person waived.
    pub waived: BTreeMap<Gate, Attribution>,
    /// Where its devices come from, while it is not entered; none while they are not known.
    pub moves: AllMoves,
    /// Who is asked to let it be entered, and what they said; `None`: nobody, or it is entered.
    pub approval: Option<ApprovalReport>,
    /// Versions in its group for environments that the plan does not name.
    pub unmanaged: Vec<String>,
}

/// The approvals of a ring that is not entered.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalReport {
    /// The gate's word, also ahead of the ring's turn.
    pub judgement: Judgement,
    /// Since when people are asked: everything but the clock is ready.
    pub asked_at: Option<Timestamp>,
    /// Members who could approve and have not.
    pub missing: BTreeSet<Email>,
    /// What people said, with what another revision voided since.
    pub words: Votes,
    /// What another word would be judged by, as the members were read last, however long ago.
    pub hearing: Hearing,
}

impl ApprovalReport {
    pub(crate) fn of(context: &Context<'_>, ring: &Ring, plan: &RingPlan) -> Option<Self> {
        let subject = context.subject(ring, plan);
        let judgement = approval::judge(subject)?;
        let Evidence::Approval(approved) = &judgement.evidence else { return None };
        let authors = &context.rollout.authors;
        let mut missing = BTreeSet::new();
        for tally in &approved.tallies {
            let read = context.world.user_groups.get(&tally.ask.user_group);
            let members = read.map(|read| read.value.accepted()).unwrap_or_default().into_iter();
            let silent = |email: &&Email| {
                !authors.contains(*email) && !tally.approved.iter().any(|given| given.by == **email)
            };
            missing.extend(members.filter(silent).cloned());
        }
        let digest = &context.rollout.revision.digest;
        let asked = ring.words.asked.as_ref().filter(|(_, of)| of == digest);
        let asks: Vec<_> = approved.tallies.iter().map(|tally| tally.ask.clone()).collect();
        let hearing = Hearing::of(subject, &asks, SignedDuration::MAX);
        let (asked_at, words) = (asked.map(|(at, _)| *at), ring.words.clone());
        Some(Self { asked_at, missing, words, hearing, judgement })
    }
}

/// A gate that cannot tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsure {
    /// Since when.
    pub since: Timestamp,
    /// When that halts the rollout, should it last.
    pub halts_at: Timestamp,
}

/// What a ring's schedule says at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleReport {
    /// `always_open`, `in_opening`, `outside_openings` or `frozen`.
    pub state: &'static str,
    /// The same as half a sentence, with a freeze's reason.
    pub because: String,
    /// When writing becomes possible next; `None`: it does not end before, or never within sight.
    pub next_open: Option<Timestamp>,
    /// When writing ends next; `None`: no end within sight.
    pub next_close: Option<Timestamp>,
}

impl ScheduleReport {
    pub(crate) fn of(schedule: &Schedule, now: Timestamp) -> Self {
        let Outlook { because, next_open, next_close } = schedule.outlook(now);
        Self { state: because.as_str(), because: because.to_string(), next_open, next_close }
    }
}

pub(crate) fn ring_report(context: &Context<'_>, ring: &Ring, plan: &RingPlan) -> RingReport {
    let assigned = ring.stage.assigned();
    let scope = subject::known_scope(ring, plan, context.world);
    let swept = context.world.fleet.full_sweep_at().is_some();
    let group = context.state.group_of(&context.rollout.id.plan, &ring.name);
    let named = |environment: &str| plan.targets.keys().any(|target| target.as_str() == environment);
    let entries = group.into_iter().flat_map(|(_, owned)| &owned.last.content.versions);
    let unmanaged = entries.filter(|entry| !entry.environment.as_deref().is_some_and(named));
    let unsure = |since| Unsure { since, halts_at: after(since, plan.unknown_after.get()) };
    let waits = matches!(ring.stage, RingState::Pending | RingState::Entering(_));
    let moves = || downgrade::known_moves(context.known(), &context.rollout.revision.plan, plan);
    let dropped = context.rollout.is_dropped(&ring.name) && ring.stage.is_entered() && !ring.is_free();
    RingReport {
        name: ring.name.clone(),
        profiles: plan.profiles.iter().map(ToString::to_string).collect(),
        targets: ring.stage.targets(&plan.targets),
        group: (
            group.map_or_else(|| plan.group.clone(), |(_, owned)| owned.last.content.name.clone()),
            group.map(|(id, _)| id.clone()),
        ),
        state: ring.stage.as_str(),
        meaning: if dropped { DROPPED } else { meaning(&ring.stage) },
        since: ring.since,
        assigned_at: assigned.map(|assigned| assigned.at),
        gates: context.judged(ring).to_vec(),
        unsure: ring.unknown.iter().map(|(gate, unknown)| (*gate, unsure(unknown.since))).collect(),
        census: scope.filter(|_| swept).map(|scope| context.world.fleet.census(&scope, context.now)),
        next_opening: plan
            .schedule
            .next_entry(context.now, LEFT_TO_ENTER)
            .filter(|at| waits && *at > context.now),
        schedule: waits.then(|| ScheduleReport::of(&plan.schedule, context.now)),
        dropped,
        waived: ring.waived.clone(),
        moves: waits.then(moves).flatten().unwrap_or_default(),
        approval: ApprovalReport::of(context, ring, plan).filter(|_| waits),
        unmanaged: unmanaged.map(ToString::to_string).collect(),
    }
}

/// What it means that a ring is there which the plan's file does not name.
const DROPPED: &str =
    "the plan's file dropped it; it keeps its place until it is verified, or a person waives its gate `ring`";

/// What it means for a ring to be where it is.
pub const fn meaning(stage: &RingState) -> &'static str {
    match stage {
        RingState::Pending => "its turn comes when every earlier ring is verified",
        RingState::Entering(_) => "its turn has come; it is entered as soon as every entry gate passes",
        RingState::Deploying(_) => {
            "its write to Cloudflare is planned, on its way, or its outcome is unknown"
        }
        RingState::Adopting(_) => "its versions are on offer, and its devices pick them up one by one",
        RingState::Soaking(..) => "its devices have the versions and prove them in use; the exit gates run",
        RingState::Verified(_) => "it has soaked; the next ring may follow",
        RingState::RollingBack(..) => {
            "an earlier version is on offer again, and its devices go back one by one"
        }
        RingState::RolledBack(..) => "it went back; what was taken back is blocked for it",
    }
}
