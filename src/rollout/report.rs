//! Why a rollout is where it is: typed, and the one source of page, API, command line and metrics.
//!
//! **Invariant:** a rollout that does not move has at least one [`Blocker`], and each blocker has
//! a text and a remedy; adding one without them does not compile.

mod revision_waits;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::fleet::Census;
use crate::ids::{Email, GroupId, RingName};
use crate::plan::model::{PlanDigest, RingPlan};
use crate::rollout::approval::{self, Hearing};
use crate::rollout::between;
use crate::rollout::block::{Block, WaitsFor};
use crate::rollout::decide::Context;
use crate::rollout::downgrade::{self, AllMoves};
use crate::rollout::drift::restore::{self, Due, WritingBack};
use crate::rollout::drift::rungs::{self, Bar};
use crate::rollout::drift::{DriftFinding, GroupDrift, look};
use crate::rollout::entering::{Entering, EntryBlock, budget_spent_until, not_before};
pub use crate::rollout::entering::{TooMany, TooManyToday};
use crate::rollout::event::{Cause, Mode, RolloutId, WriteId, WriteIntent};
use crate::rollout::explain::{meaning, way_out};
use crate::rollout::grouping::Veto;
use crate::rollout::rollback::rungs::{GoingBack, Turn, going_back, turn};
use crate::rollout::rollback::{Scope, steps};
use crate::rollout::second_clock::ClockDoubt;
use crate::rollout::state::{
    HeldOut, Hold, Phase, Restoring, Ring, Rollback, Stage, UnknownSince, WaitingTarget, Words,
};
use crate::rollout::superseded::{self, SupersededOffer};
use crate::rollout::verbs::{Offered, WaysBack};
use crate::rollout::verdict::{Evidence, Gate, Judgement, Verdict, Waiting, short};
use crate::rollout::world::{Desired, Read, Trouble, Unsettled, Want};
use crate::rollout::{command, gate, outcome};
use crate::schedule::{Outlook, Schedule};
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};
pub use revision_waits::RevisionWaits;

/// A rollout and all its reasons, at one instant.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an unread report explains nothing"]
pub struct Report {
    /// Which rollout.
    pub id: RolloutId,
    /// The plan that it follows.
    pub digest: PlanDigest,
    /// The plan's description.
    pub description: Option<String>,
    /// When this was true.
    pub at: Timestamp,
    /// Where it is.
    pub phase: Phase,
    /// Since when.
    pub phase_since: Timestamp,
    /// A person's pause.
    pub paused: Option<Hold>,
    /// The engine's halt.
    pub halted: Option<(Cause, Timestamp)>,
    /// Its rings, in order.
    pub rings: Vec<RingReport>,
    /// What is in the way of the next move; empty only when the rollout is final.
    pub waiting_on: Vec<Blocker>,
    /// A newer target that waits until it is final.
    pub newer: Option<NewerTarget>,
    /// The earliest instant at which it can move, where the clock alone can tell.
    pub earliest_move: Option<Timestamp>,
    /// Reads that fail, and since when.
    pub troubles: Vec<(Read, Trouble)>,
    /// What it reads next, and when.
    pub reads: Vec<Want>,
    /// What somebody else did to its groups and devices, as it stands now.
    pub drifts: Vec<DriftFinding>,
    /// How far it went back, if somebody had it go back.
    pub rollback: Option<Rollback>,
    /// What earlier rollouts that were never completed still offer.
    pub superseded: Vec<SupersededOffer>,
    /// What the plan's rollbacks hold out.
    pub held_out: Vec<HeldOut>,
    /// Whether the whole of it could go back, should somebody ask for it.
    pub ways_back: WaysBack,
    /// What the group offers that it is halted for.
    pub offered: Offered,
}

/// A newer target that waits until the rollout is final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerTarget {
    /// The digest of the plan with it.
    pub digest: PlanDigest,
    /// Since when it waits.
    pub since: Timestamp,
    /// The rings of that plan and their targets, in order.
    pub rings: Vec<(RingName, BTreeMap<Environment, ClientVersion>)>,
}

impl NewerTarget {
    fn of(waiting: &WaitingTarget) -> Self {
        let rings = waiting.revision.plan.rings.iter();
        Self {
            digest: waiting.revision.digest.clone(),
            since: waiting.since,
            rings: rings.map(|ring| (ring.name.clone(), ring.targets.clone())).collect(),
        }
    }
}

/// One ring of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct RingReport {
    /// Its name.
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
    pub waived: BTreeMap<Gate, Hold>,
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
    pub words: Words,
    /// What another word would be judged by, as the members were read last, however long ago.
    pub hearing: Hearing,
}

impl ApprovalReport {
    fn of(context: &Context<'_>, ring: &Ring, plan: &RingPlan) -> Option<Self> {
        let subject = context.subject(ring, plan);
        let judgement = approval::judge(subject)?;
        let Evidence::Approval(approved) = &judgement.evidence else { return None };
        let author = context.rollout.revision.plan.author.as_ref();
        let mut missing = BTreeSet::new();
        for tally in &approved.tallies {
            let read = context.world.user_groups.get(&tally.ask.user_group);
            let members = read.map(|read| read.value.accepted()).unwrap_or_default().into_iter();
            let silent = |email: &&Email| {
                Some(*email) != author && !tally.approved.iter().any(|given| given.by == **email)
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
    fn of(schedule: &Schedule, now: Timestamp) -> Self {
        let Outlook { because, next_open, next_close } = schedule.outlook(now);
        Self { state: because.as_str(), because: because.to_string(), next_open, next_close }
    }
}

/// One thing that keeps a rollout from moving.
#[derive(Debug, Clone, PartialEq)]
pub enum Blocker {
    /// All writes are stopped.
    Stopped(Hold),
    /// A person paused the plan.
    Paused(Hold),
    /// The engine halted it.
    Halted(Cause),
    /// The plan's file stands before every step; since when, and what takes it away by itself.
    Block(Box<BlockReport>),
    /// The plan forbids what a ring would be offered.
    Forbidden(RingName, ClientVersion),
    /// A rollout that is over still offers a ring what its plan forbids by now.
    OffersForbidden(RingName, ClientVersion),
    /// The clock was set back and is behind the log; when it catches up.
    ClockBehind(Timestamp),
    /// The machine's clock differs from Cloudflare's, or cannot be compared.
    ClockDoubted(ClockDoubt),
    /// The log cannot be written, so nothing is decided: since when, and why.
    LogUnwritable(Trouble),
    /// A gate does not advance.
    Gate(RingName, Box<Judgement>),
    /// A group is in the way.
    Veto(RingName, Veto),
    /// Profiles were taken out of another ring's group for this one, and are in none.
    BetweenGroups {
        /// The ring that they are to go to.
        ring: RingName,
        /// The profiles, by name where it is known.
        profiles: Vec<String>,
        /// The ring whose group they were in.
        from: RingName,
        /// What the last write met that should have put them back.
        last: Option<String>,
    },
    /// The deployment groups have not been read lately.
    GroupsUnread(RingName),
    /// A write waits for its answer.
    InFlight(RingName, WriteId),
    /// A write is in doubt.
    InDoubt {
        /// The ring.
        ring: RingName,
        /// The write.
        write: WriteId,
        /// What happened instead of an answer.
        why: String,
        /// When it is read next.
        read_at: Option<Timestamp>,
    },
    /// Another plan's write has no outcome yet.
    OtherWrite {
        /// That plan's rollout.
        plan: String,
        /// The write.
        write: WriteId,
    },
    /// Writes came to nothing; the next one waits.
    Backoff {
        /// The ring.
        ring: RingName,
        /// Until when.
        until: Timestamp,
        /// What the last one met.
        last: Option<String>,
    },
    /// The request budget has no room for a whole write.
    BudgetSpent {
        /// The ring.
        ring: RingName,
        /// Until when.
        until: Timestamp,
    },
    /// The plan's file is gone, so the rollout is withdrawn; since when.
    Withdrawn(Timestamp),
    /// A ring's group drifted and is to be written back.
    Drifted(Box<GroupDrift>),
    /// A group is written back once another ring has adopted.
    OtherRing {
        /// The ring whose group it is.
        ring: RingName,
        /// The ring that deploys or adopts.
        other: RingName,
    },
    /// An earlier rollout left devices of another ring on their way to what would be on offer here.
    LeftAdopts {
        /// The ring that waits.
        ring: RingName,
        /// The ring whose devices are on their way.
        other: RingName,
        /// The number of the rollout that wrote it.
        rollout: u64,
    },
    /// A ring's group does not offer its targets, and somebody accepted that.
    NotOffered {
        /// The ring.
        ring: RingName,
        /// What its group lacks.
        lacks: String,
    },
    /// The daemon only observes; this is what it would write.
    Observing(RingName, Box<WriteIntent>),
    /// The write would offer something else to more devices than the plan allows.
    BlastLimit(RingName, TooMany),
    /// All plans together would offer something else to more devices within 24 hours than the daemon's
    /// configuration allows.
    DevicesPerDay(RingName, TooManyToday),
    /// A rollback holds out of a ring what it would be offered.
    HeldOut(RingName, Box<HeldOut>),
    /// A ring went back, and its devices have time to follow.
    Returning {
        /// The ring.
        ring: RingName,
        /// The words of its environments that are not back.
        missing: Vec<Judgement>,
        /// When the ring before it follows, whatever is missing.
        until: Timestamp,
    },
    /// It went back; nothing is left to do.
    RolledBack {
        /// Since when.
        since: Timestamp,
        /// The words of the environments that are not back, by ring.
        missing: Vec<(RingName, Judgement)>,
    },
    /// The next decision moves it.
    Moving,
}

impl Blocker {
    /// The word of metrics and API.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Stopped(_) => "stopped",
            Self::Paused(_) => "paused",
            Self::Halted(_) => "halted",
            Self::Block(block) => block.block.kind().as_str(),
            Self::Forbidden(..) => "forbidden",
            Self::OffersForbidden(..) => "offers_forbidden",
            Self::ClockBehind(_) => "clock_behind",
            Self::ClockDoubted(doubt) => doubt.code(),
            Self::LogUnwritable(_) => "log_unwritable",
            Self::Gate(..) => "gate",
            Self::Veto(..) => "group_in_the_way",
            Self::BetweenGroups { .. } => "between_groups",
            Self::GroupsUnread(_) => "groups_unread",
            Self::InFlight(..) => "write_in_flight",
            Self::InDoubt { .. } => "write_in_doubt",
            Self::OtherWrite { .. } => "other_write",
            Self::Backoff { .. } => "backoff",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::Withdrawn(_) => "withdrawn",
            Self::Drifted(_) => "drifted",
            Self::OtherRing { .. } => "other_ring",
            Self::LeftAdopts { .. } => "superseded_offer_adopts",
            Self::NotOffered { .. } => "targets_not_offered",
            Self::Observing(..) => "observing",
            Self::BlastLimit(..) => "blast_limit",
            Self::DevicesPerDay(..) => "devices_per_day",
            Self::HeldOut(..) => "held_out",
            Self::Returning { .. } => "returning",
            Self::RolledBack { .. } => "rolled_back",
            Self::Moving => "moving",
        }
    }

    /// What would change it, as a person can do it. `plan` is the plan's name.
    #[must_use]
    pub fn remedy(&self, plan: &str) -> String {
        way_out(self, plan).to_string()
    }

    /// The ring that it is about.
    #[must_use]
    pub const fn ring(&self) -> Option<&RingName> {
        match self {
            Self::Gate(ring, _)
            | Self::Veto(ring, _)
            | Self::GroupsUnread(ring)
            | Self::InFlight(ring, _)
            | Self::InDoubt { ring, .. }
            | Self::BetweenGroups { ring, .. }
            | Self::Backoff { ring, .. }
            | Self::BudgetSpent { ring, .. }
            | Self::OtherRing { ring, .. }
            | Self::LeftAdopts { ring, .. }
            | Self::NotOffered { ring, .. }
            | Self::BlastLimit(ring, _)
            | Self::DevicesPerDay(ring, _)
            | Self::HeldOut(ring, _)
            | Self::Forbidden(ring, _)
            | Self::OffersForbidden(ring, _)
            | Self::Returning { ring, .. }
            | Self::Observing(ring, _) => Some(ring),
            Self::Drifted(drift) => Some(&drift.ring),
            Self::Halted(cause) => Some(cause.ring()),
            Self::Stopped(_)
            | Self::Paused(_)
            | Self::Block(_)
            | Self::ClockBehind(_)
            | Self::ClockDoubted(_)
            | Self::LogUnwritable(_)
            | Self::OtherWrite { .. }
            | Self::Withdrawn(_)
            | Self::RolledBack { .. }
            | Self::Moving => None,
        }
    }
}

/// What a write would change, in words.
pub(super) fn change(intent: &WriteIntent) -> String {
    match &intent.before {
        Some(before) => before.content.difference(&intent.after),
        None => format!("create deployment group `{}`", intent.after.name),
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(hold) => {
                write!(
                    f,
                    "all writes are stopped by {} since {}: {}",
                    hold.actor,
                    short(hold.since),
                    hold.reason
                )
            }
            Self::Paused(hold) => {
                write!(f, "paused by {} since {}: {}", hold.actor, short(hold.since), hold.reason)
            }
            Self::Halted(cause) => write!(f, "halted: {cause}"),
            Self::Block(block) => block.block.fmt(f),
            Self::Forbidden(ring, version) => write!(f, "{ring}: the plan forbids {version}"),
            Self::OffersForbidden(ring, version) => {
                write!(f, "{ring}: offers {version}, which the plan forbids by now")
            }
            Self::ClockBehind(until) => {
                write!(f, "the clock was set back: ringward was at {} already", short(*until))
            }
            Self::ClockDoubted(doubt) => doubt.fmt(f),
            Self::LogUnwritable(trouble) => {
                let Trouble { since, message } = trouble;
                write!(f, "the log cannot be written since {}: {message}", short(*since))
            }
            Self::Gate(ring, judgement) => {
                write!(f, "{ring}: {judgement}; asked for: {}", judgement.threshold())
            }
            Self::Veto(ring, veto) => write!(f, "{ring}: {veto}"),
            Self::BetweenGroups { ring, profiles, from, last } => {
                let profiles = profiles.join(", ");
                write!(f, "{profiles} is in no deployment group, on the way from {from} to {ring}")?;
                last.iter().try_for_each(|last| write!(f, "; the way back: {last}"))
            }
            Self::GroupsUnread(ring) => {
                write!(f, "{ring}: the deployment groups or profiles have not been read lately")
            }
            Self::InFlight(ring, write) => write!(f, "{ring}: {write} waits for Cloudflare's answer"),
            Self::InDoubt { ring, write, why, read_at } => {
                write!(f, "{ring}: {write} is in doubt ({why})")?;
                match read_at {
                    Some(at) => write!(f, "; the group is read at {}", short(*at)),
                    None => Ok(()),
                }
            }
            Self::OtherWrite { plan, write } => write!(f, "{write} of {plan} has no outcome yet"),
            Self::Backoff { ring, until, last } => {
                let last = last.as_deref().unwrap_or("the last write came to nothing");
                write!(f, "{ring}: tried again at {}: {last}", short(*until))
            }
            Self::BudgetSpent { ring, until } => {
                write!(f, "{ring}: the request budget has no room for a write until {}", short(*until))
            }
            Self::Withdrawn(since) => {
                write!(
                    f,
                    "the plan's file is gone and the rollout withdrawn since {}; nothing is written",
                    short(*since)
                )
            }
            Self::Drifted(drift) => write!(f, "{drift}; it is to be written back"),
            Self::OtherRing { ring, other } => {
                write!(f, "{ring}: its group is written back once {other} has adopted")
            }
            Self::LeftAdopts { ring, other, rollout } => {
                write!(f, "{ring}: {other} still adopts what rollout {rollout} left on offer there")
            }
            Self::NotOffered { ring, lacks } => {
                write!(f, "{ring}: its group does not offer its targets, and that was accepted: {lacks}")
            }
            Self::BlastLimit(ring, TooMany { devices, at_most }) => write!(
                f,
                "{ring}: the write would offer something else to {devices} devices, and `max_devices` is {at_most}"
            ),
            Self::DevicesPerDay(ring, TooManyToday { devices, before, at_most, until }) => {
                write!(
                    f,
                    "{ring}: the write would offer something else to {devices} devices after {before} in the last 24 hours, and `devices_per_day` is {at_most}"
                )?;
                match until {
                    Some(at) => write!(f, "; the first of those count no more at {}", short(*at)),
                    None => Ok(()),
                }
            }
            Self::Observing(ring, intent) => {
                let change = change(intent);
                write!(f, "{ring}: observing only; it would write: {change} ({} devices)", intent.devices)
            }
            Self::HeldOut(ring, held) => {
                let HeldOut { version, environment, policy, plan, by, .. } = &**held;
                let Hold { actor, reason, since } = by;
                write!(
                    f,
                    "{ring}: {environment} {version} is held out of profile {policy} since {actor} rolled plan {plan} back at {}: {reason}",
                    short(*since)
                )
            }
            Self::Returning { ring, missing, until } => {
                write!(f, "{ring}: its devices are on their way back until {} at the latest", short(*until))?;
                for word in missing {
                    write!(f, "; {word}")?;
                }
                Ok(())
            }
            Self::RolledBack { since, missing } => {
                write!(f, "rolled back since {}", short(*since))?;
                for (ring, word) in missing {
                    write!(f, "; {ring}: {word}")?;
                }
                f.write_str("; the next target begins a new rollout")
            }
            Self::Moving => f.write_str("it moves with the next decision"),
        }
    }
}

/// The report on a rollout.
pub(super) fn report(context: &Context<'_>, reads: &[Want]) -> Report {
    let rollout = context.rollout;
    let held_out = context.state.held_out.iter().filter(|held| held.plan == rollout.id.plan);
    Report {
        id: rollout.id.clone(),
        digest: rollout.revision.digest.clone(),
        description: rollout.revision.plan.description.clone(),
        at: context.now,
        phase: rollout.phase,
        phase_since: rollout.phase_since,
        paused: context.plan.paused.clone(),
        halted: rollout.halted.as_ref().map(|halt| (halt.cause.clone(), halt.since)),
        rings: rollout
            .rings
            .iter()
            .enumerate()
            .filter_map(|(index, _)| ring_report(context, index))
            .collect(),
        waiting_on: waiting_on(context),
        newer: rollout.waiting.as_ref().map(NewerTarget::of),
        earliest_move: earliest_move(context),
        troubles: context
            .world
            .troubles
            .iter()
            .map(|(read, trouble)| (read.clone(), trouble.clone()))
            .collect(),
        reads: reads.to_vec(),
        drifts: if rollout.phase == Phase::Running { rungs::findings(context) } else { Vec::new() },
        rollback: rollout.rollback.clone(),
        superseded: superseded::offers(context),
        held_out: held_out.cloned().collect(),
        ways_back: WaysBack::of(&steps::steps(context.state, context.plan, &Scope::default())),
        offered: Offered::of(
            command::held_on_offer(context.state, context.world, context.plan),
            rollout.forbidden().is_some(),
        ),
    }
}

fn ring_report(context: &Context<'_>, index: usize) -> Option<RingReport> {
    let (ring, plan) = context.rollout.rings_with_plans().nth(index)?;
    let assigned = ring.stage.assigned();
    let scope = gate::known_scope(ring, plan, context.world);
    let swept = context.world.fleet.full_sweep_at().is_some();
    let group = context.state.group_of(&context.rollout.id.plan, &ring.name);
    let unmanaged = group.map(|(_, owned)| {
        let entries = owned.last.content.versions.iter();
        let named = |environment: &str| plan.targets.keys().any(|target| target.as_str() == environment);
        entries
            .filter(|entry| !entry.environment.as_deref().is_some_and(named))
            .map(ToString::to_string)
            .collect()
    });
    let waits = matches!(ring.stage, Stage::Pending | Stage::Entering(_));
    let dropped = context.rollout.is_dropped(&ring.name) && ring.stage.is_entered() && !ring.is_free();
    Some(RingReport {
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
        unsure: ring.unknown.iter().map(|(gate, unknown)| (*gate, unsure(unknown, plan))).collect(),
        census: scope.filter(|_| swept).map(|scope| context.world.fleet.census(&scope, context.now)),
        next_opening: plan
            .schedule
            .next_entry(context.now, gate::LEFT_TO_ENTER)
            .filter(|at| waits && *at > context.now),
        schedule: waits.then(|| ScheduleReport::of(&plan.schedule, context.now)),
        dropped,
        waived: ring.waived.clone(),
        moves: if waits { moves(context, plan) } else { AllMoves::new() },
        approval: ApprovalReport::of(context, ring, plan).filter(|_| waits),
        unmanaged: unmanaged.unwrap_or_default(),
    })
}

/// What it means that a ring is there which the plan's file does not name.
const DROPPED: &str =
    "the plan's file dropped it; it keeps its place until it is verified, or a person waives its gate `ring`";

fn moves(context: &Context<'_>, plan: &RingPlan) -> AllMoves {
    let of = &context.rollout.revision.plan;
    downgrade::known_moves(context.state, of, plan, context.world, context.now).unwrap_or_default()
}

fn unsure(unknown: &UnknownSince, plan: &RingPlan) -> Unsure {
    Unsure { since: unknown.since, halts_at: after(unknown.since, plan.unknown_after.get()) }
}

/// What stands before every step on account of the plan's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockReport {
    /// What.
    pub block: Block,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself, if nothing changes.
    pub until: Option<Timestamp>,
}

impl BlockReport {
    fn of(context: &Context<'_>) -> Option<Self> {
        let file = context.plan.blocks.values().next();
        if let Some((block, since)) = file {
            return Some(Self { block: block.clone(), since: *since, until: None });
        }
        let waiting = context.state.waiting.get(context.name)?;
        let until = match (waiting.revision.waits_for, context.desired) {
            (WaitsFor::Time, Desired::Unsettled(_, Unsettled::Until(at))) => Some(at),
            _ => None,
        };
        let block = Block::RevisionWaits(waiting.revision.clone());
        Some(Self { block, since: waiting.since, until })
    }
}

/// What there is to say of a rollout that is over: that its file waits to begin another one, and that it
/// offers what is forbidden by now.
fn over(context: &Context<'_>, mut blockers: Vec<Blocker>) -> Vec<Blocker> {
    if context.rollout.phase == Phase::Completed {
        let forbidden = context.rollout.forbidden();
        blockers
            .extend(forbidden.map(|(ring, version, _)| Blocker::OffersForbidden(ring.name.clone(), version)));
    }
    blockers.extend(BlockReport::of(context).map(Box::new).map(Blocker::Block));
    blockers.extend(between::told(context));
    blockers
}

/// Everything in the way of the next move, in the order of the ladder.
fn waiting_on(context: &Context<'_>) -> Vec<Blocker> {
    let rollout = context.rollout;
    match rollout.phase {
        Phase::Running | Phase::RollingBack => {}
        Phase::RolledBack => return over(context, vec![rolled_back(context)]),
        Phase::Withdrawn => return over(context, vec![Blocker::Withdrawn(rollout.phase_since)]),
        Phase::Completed => return over(context, Vec::new()),
        // It has its successor in its place.
        Phase::Superseded => return Vec::new(),
    }
    let mut blockers = Vec::new();
    blockers.extend(context.world.log_unwritable.clone().map(Blocker::LogUnwritable));
    blockers.extend(context.state.stop.clone().map(Blocker::Stopped));
    blockers.extend(context.world.clock_behind.map(Blocker::ClockBehind));
    if rollout.phase == Phase::Running {
        blockers.extend(context.world.second_clock.in_the_way(context.now).map(Blocker::ClockDoubted));
    }
    blockers.extend(context.plan.paused.clone().map(Blocker::Paused));
    blockers.extend(rollout.halted.as_ref().map(|halt| Blocker::Halted(halt.cause.clone())));
    blockers.extend(BlockReport::of(context).map(Box::new).map(Blocker::Block));
    if let Some((ring, pending)) = rollout.pending_write() {
        let (ring, write) = (ring.name.clone(), pending.id());
        blockers.push(match &pending.doubt {
            None => Blocker::InFlight(ring, write),
            Some(doubt) => Blocker::InDoubt {
                ring,
                write,
                why: doubt.why.clone(),
                read_at: outcome::doubt_want(pending).map(|want| want.at),
            },
        });
        return blockers;
    }
    blockers.extend(between::told(context));
    if rollout.phase == Phase::RollingBack {
        blockers.extend(turn(context).map(|turn| rollback_blockers(context, turn)).unwrap_or_default());
        if blockers.is_empty() {
            blockers.push(Blocker::Moving);
        }
        return blockers;
    }
    let drifted = drift_blockers(context);
    let is_drifted = !drifted.is_empty();
    blockers.extend(drifted);
    // A ring is not entered past a drift; what else its entry would wait for is not in the way yet.
    let next =
        context.current().filter(|(ring, _)| !(is_drifted && matches!(ring.stage, Stage::Entering(_))));
    if let Some((ring, plan)) = next {
        let gate = |ring: &Ring, judgement: &Judgement| {
            Blocker::Gate(ring.name.clone(), Box::new(judgement.clone()))
        };
        let holding = context.leaving(ring).filter(|judgement| !judgement.verdict.advances());
        blockers.extend(holding.map(|judgement| gate(ring, judgement)));
        let elsewhere = context.ailing().filter(|(ailing, judgement)| {
            ailing.name != ring.name || !context.leaving(ring).any(|leaving| leaving == *judgement)
        });
        blockers.extend(elsewhere.map(|(ailing, judgement)| gate(ailing, judgement)));
        if let Some(entering) = context.entering() {
            let left = superseded::ailing(context, plan).into_iter();
            blockers.extend(left.map(|(ring, word)| Blocker::Gate(ring, Box::new(word))));
            blockers.extend(entry_blockers(context, ring, entering.clone()));
        }
    }
    if blockers.is_empty() {
        blockers.push(Blocker::Moving);
    }
    blockers
}

/// What somebody else's change keeps the rollout waiting for.
fn drift_blockers(context: &Context<'_>) -> Vec<Blocker> {
    let due = restore::due(context);
    let mut blockers = Vec::new();
    for bar in rungs::bars(context) {
        match bar {
            Bar::NotOffered(ring) => {
                let lacks = look::lacks(context.state, context.rollout, &ring);
                blockers.push(Blocker::NotOffered { ring, lacks });
            }
            Bar::ToRestore(drift) => {
                let due = due.as_ref().filter(|due| due.drift.expected.id == drift.expected.id);
                blockers.push(Blocker::Drifted(drift));
                blockers.extend(due.map(|due| restore_blockers(context, due)).unwrap_or_default());
            }
        }
    }
    blockers
}

fn restore_blockers(context: &Context<'_>, due: &Due<'_>) -> Vec<Blocker> {
    let holding = due.judgements.iter().filter(|judgement| !judgement.verdict.advances());
    let mut blockers: Vec<Blocker> =
        holding.map(|word| Blocker::Gate(due.ring.name.clone(), Box::new(word.clone()))).collect();
    blockers.extend(match restore::writing_back(context, due) {
        WritingBack::Blocked(blocks) => entry_blockers(context, due.ring, Entering::Blocked(blocks)),
        WritingBack::Write(intent) => entry_blockers(context, due.ring, Entering::Write(intent)),
    });
    blockers
}

/// Where a rollout is that went back, with who did not.
fn rolled_back(context: &Context<'_>) -> Blocker {
    let rings = context.rollout.rings.iter();
    let missing = rings.flat_map(|ring| {
        let words = context
            .judged(ring)
            .iter()
            .filter(|word| matches!(ring.stage, Stage::RolledBack(..)) && !word.verdict.advances());
        words.map(|word| (ring.name.clone(), word.clone()))
    });
    Blocker::RolledBack { since: context.rollout.phase_since, missing: missing.collect() }
}

/// What the ring waits for that goes back now.
fn rollback_blockers(context: &Context<'_>, turn: Turn<'_>) -> Vec<Blocker> {
    match (going_back(context, &turn), &turn.ring.stage) {
        (GoingBack::Returning, Stage::RollingBack(_, back)) => {
            let words = context.judged(turn.ring).iter();
            let missing = words.filter(|word| !word.verdict.advances()).cloned().collect();
            let until = gate::step_ends_at(turn.plan, back);
            vec![Blocker::Returning { ring: turn.ring.name.clone(), missing, until }]
        }
        (GoingBack::Blocked(blocks), _) => entry_blockers(context, turn.ring, Entering::Blocked(blocks)),
        (GoingBack::Write(intent), _) => entry_blockers(context, turn.ring, Entering::Write(intent)),
        (GoingBack::Returning | GoingBack::Fact(..), _) => Vec::new(),
    }
}

fn entry_blockers(context: &Context<'_>, ring: &Ring, entering: Entering) -> Vec<Blocker> {
    let name = || ring.name.clone();
    match entering {
        Entering::Write(intent) if context.state.mode == Some(Mode::Observe) => {
            vec![Blocker::Observing(name(), intent)]
        }
        Entering::Write(_) | Entering::InPlace(_) | Entering::Recognised(_) => Vec::new(),
        Entering::Blocked(blocks) => blocks
            .into_iter()
            .filter_map(|block| match block {
                // These stand in the list already, with more to say.
                EntryBlock::Gates | EntryBlock::Block(_) | EntryBlock::Drifted => None,
                EntryBlock::Forbidden(version) => Some(Blocker::Forbidden(name(), version)),
                EntryBlock::OtherRing(other) => Some(Blocker::OtherRing { ring: name(), other }),
                EntryBlock::LeftAdopts { ring: other, rollout } => {
                    Some(Blocker::LeftAdopts { ring: name(), other, rollout })
                }
                EntryBlock::GroupsUnread => Some(Blocker::GroupsUnread(name())),
                EntryBlock::HeldOut(held) => Some(Blocker::HeldOut(name(), held)),
                EntryBlock::Veto(veto) => Some(Blocker::Veto(name(), veto)),
                EntryBlock::Backoff { until, last } => Some(Blocker::Backoff { ring: name(), until, last }),
                EntryBlock::BudgetSpent { until } => Some(Blocker::BudgetSpent { ring: name(), until }),
                EntryBlock::BlastLimit(too_many) => Some(Blocker::BlastLimit(name(), too_many)),
                EntryBlock::DevicesPerDay(too_many) => Some(Blocker::DevicesPerDay(name(), too_many)),
                EntryBlock::OtherWrite { plan, write } => {
                    Some(Blocker::OtherWrite { plan: plan.to_string(), write })
                }
            })
            .collect(),
    }
}

/// Whether nothing but the schedule and a wait is in the way of entering a ring.
fn clock_alone(context: &Context<'_>, ring: &Ring, plan: &RingPlan) -> bool {
    let left_ails = !superseded::ailing(context, plan).is_empty();
    if !wait_for_the_clock(context.judged(ring)) || context.ailing().next().is_some() || left_ails {
        return false;
    }
    context.entering().is_some_and(|entering| match entering {
        Entering::Blocked(blocks) => blocks.iter().all(is_of_the_clock),
        Entering::Recognised(_) | Entering::InPlace(_) | Entering::Write(_) => true,
    })
}

/// Whether the clock alone ends a block.
const fn is_of_the_clock(block: &EntryBlock) -> bool {
    match block {
        EntryBlock::Gates | EntryBlock::Backoff { .. } | EntryBlock::BudgetSpent { .. } => true,
        EntryBlock::GroupsUnread
        | EntryBlock::Veto(_)
        | EntryBlock::OtherWrite { .. }
        | EntryBlock::Block(_)
        | EntryBlock::Forbidden(_)
        | EntryBlock::BlastLimit(_)
        | EntryBlock::DevicesPerDay(_)
        | EntryBlock::Drifted
        | EntryBlock::OtherRing(_)
        | EntryBlock::LeftAdopts { .. }
        | EntryBlock::HeldOut(_) => false,
    }
}

/// Whether of some gates only the schedule's wait.
fn wait_for_the_clock(judgements: &[Judgement]) -> bool {
    let by_the_clock = |word: &Judgement| matches!(word.gate, Gate::Opening | Gate::Freeze);
    judgements.iter().all(|word| word.verdict.advances() || by_the_clock(word))
}

/// When the clock alone lets a group be written back.
fn earliest_restore(context: &Context<'_>) -> Option<Timestamp> {
    let due = restore::due(context)?;
    let by_the_clock = match restore::writing_back(context, &due) {
        WritingBack::Write(_) => true,
        WritingBack::Blocked(blocks) => blocks.iter().all(is_of_the_clock),
    };
    let Restoring { attempts, since, .. } = &due.ring.restoring;
    let budget = budget_spent_until(context).unwrap_or(context.now);
    let ready = not_before(attempts, *since).max(context.now).max(budget);
    let opens = due.plan.schedule.next_entry(ready, gate::LEFT_TO_ENTER);
    opens.filter(|_| by_the_clock && wait_for_the_clock(&due.judgements))
}

/// When the clock alone could let it move.
fn earliest_move(context: &Context<'_>) -> Option<Timestamp> {
    let unwritable = context.world.log_unwritable.is_some();
    if context.rollout.phase != Phase::Running || context.is_held() || unwritable {
        return None;
    }
    if !rungs::bars(context).is_empty() {
        return earliest_restore(context);
    }
    let (ring, plan) = context.current()?;
    match &ring.stage {
        Stage::Entering(attempts) => {
            if !clock_alone(context, ring, plan) {
                return None;
            }
            let budget = budget_spent_until(context).unwrap_or(context.now);
            let ready = not_before(attempts, ring.since).max(context.now).max(budget);
            plan.schedule.next_entry(ready, gate::LEFT_TO_ENTER)
        }
        Stage::Soaking(..) => {
            let at = |judgement: &Judgement| match (&judgement.verdict, &judgement.evidence) {
                (Verdict::Wait(Waiting::SoakRunning), Evidence::Soak { ends_at, .. }) => Some(*ends_at),
                (Verdict::Wait(Waiting::TooSoon), Evidence::Dark(dark)) => dark.next_at,
                _ => None,
            };
            context.judged(ring).iter().filter_map(at).max()
        }
        Stage::Pending
        | Stage::Deploying(_)
        | Stage::Adopting(_)
        | Stage::Verified(_)
        | Stage::RollingBack(..)
        | Stage::RolledBack(..) => None,
    }
}
