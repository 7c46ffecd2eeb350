//! What keeps a rollout from moving.
//!
//! **Invariant:** each blocker has
//! a text and a remedy; adding one without them does not compile.

use std::fmt;

use crate::ids::RingName;
use crate::plan::model::DeviceLimit;
use crate::rollout::judge::grouping::Veto;
use crate::rollout::record::{Block, Cause, ClockDoubt, GroupDrift, Judgement, WriteId, WriteIntent};
use crate::rollout::state::{Attribution, BlockedVersion};
use crate::rollout::world::Trouble;
use crate::time::{Timestamp, short};
use crate::version::ClientVersion;

/// One thing that keeps a rollout from moving.
#[derive(Debug, Clone, PartialEq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Blocker {
    /// All writes are stopped.
    Stopped(Attribution),
    /// A person paused the plan.
    Paused(Attribution),
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
    #[strum(serialize = "group_in_the_way")]
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
    #[strum(serialize = "write_in_flight")]
    InFlight(RingName, WriteId),
    /// A write is in doubt.
    #[strum(serialize = "write_in_doubt")]
    OutcomeUnknown {
        ring: RingName,
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
        write: WriteId,
    },
    /// Writes came to nothing; the next one waits.
    Backoff {
        ring: RingName,
        /// Until when.
        until: Timestamp,
        /// What the last one met.
        last: Option<String>,
    },
    /// The request budget has no room for a whole write.
    BudgetSpent {
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
    #[strum(serialize = "superseded_offer_adopts")]
    LeftAdopts {
        /// The ring that waits.
        ring: RingName,
        /// The ring whose devices are on their way.
        other: RingName,
        /// The number of the rollout that wrote it.
        rollout: u64,
    },
    /// A ring's group does not offer its targets, and somebody accepted that.
    #[strum(serialize = "targets_not_offered")]
    NotOffered {
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
    /// A rollback blocked what the ring would be offered.
    #[strum(serialize = "held_out")]
    BlockedVersion(RingName, Box<BlockedVersion>),
    /// A ring went back, and its devices have time to follow.
    Returning {
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

/// How what is in the way of a write ends.
enum Ends {
    /// At an instant that is known.
    AtAnInstant,
    /// Within minutes, by what ringward does anyway.
    WithinMinutes,
    /// By people, or by what devices do.
    Otherwise,
}

impl Blocker {
    /// A gate of a ring does not advance.
    pub(crate) fn gate(ring: &RingName, word: &Judgement) -> Self {
        Self::Gate(ring.clone(), Box::new(word.clone()))
    }

    /// The word of metrics and API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Block(block) => block.block.kind().as_str(),
            Self::ClockDoubted(doubt) => doubt.code(),
            other => other.into_str(),
        }
    }

    /// The ring that it is about.
    pub const fn ring(&self) -> Option<&RingName> {
        match self {
            Self::Gate(ring, _)
            | Self::Veto(ring, _)
            | Self::GroupsUnread(ring)
            | Self::InFlight(ring, _)
            | Self::OutcomeUnknown { ring, .. }
            | Self::BetweenGroups { ring, .. }
            | Self::Backoff { ring, .. }
            | Self::BudgetSpent { ring, .. }
            | Self::OtherRing { ring, .. }
            | Self::LeftAdopts { ring, .. }
            | Self::NotOffered { ring, .. }
            | Self::BlastLimit(ring, _)
            | Self::DevicesPerDay(ring, _)
            | Self::BlockedVersion(ring, _)
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

    /// Whether it ends at an instant that is known.
    pub(crate) const fn ends_by_the_clock(&self) -> bool {
        matches!(self.ends(), Ends::AtAnInstant)
    }

    /// Whether it ends so, or within minutes by what ringward does anyway; anything else ends by people, or by what
    /// devices do.
    pub(crate) const fn ends_by_itself(&self) -> bool {
        matches!(self.ends(), Ends::AtAnInstant | Ends::WithinMinutes)
    }

    const fn ends(&self) -> Ends {
        match self {
            Self::Backoff { .. } | Self::BudgetSpent { .. } => Ends::AtAnInstant,
            Self::GroupsUnread(_) | Self::OtherWrite { .. } => Ends::WithinMinutes,
            Self::Stopped(_)
            | Self::Paused(_)
            | Self::Halted(_)
            | Self::Block(_)
            | Self::Forbidden(..)
            | Self::OffersForbidden(..)
            | Self::ClockBehind(_)
            | Self::ClockDoubted(_)
            | Self::LogUnwritable(_)
            | Self::Gate(..)
            | Self::Veto(..)
            | Self::BetweenGroups { .. }
            | Self::InFlight(..)
            | Self::OutcomeUnknown { .. }
            | Self::Withdrawn(_)
            | Self::Drifted(_)
            | Self::OtherRing { .. }
            | Self::LeftAdopts { .. }
            | Self::NotOffered { .. }
            | Self::Observing(..)
            | Self::BlastLimit(..)
            | Self::DevicesPerDay(..)
            | Self::BlockedVersion(..)
            | Self::Returning { .. }
            | Self::RolledBack { .. }
            | Self::Moving => Ends::Otherwise,
        }
    }
}

/// What a write would change, in words.
pub(crate) fn change(intent: &WriteIntent) -> String {
    match &intent.before {
        Some(before) => before.content.difference(&intent.after),
        None => format!("create deployment group `{}`", intent.after.name),
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(hold) => write!(f, "all writes are stopped {hold}"),
            Self::Paused(hold) => write!(f, "paused {hold}"),
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
                write!(f, "the log cannot be written since {}: {}", short(trouble.since), trouble.message)
            }
            Self::Gate(ring, judgement) => {
                write!(f, "{ring}: {judgement}; threshold: {}", judgement.threshold())
            }
            Self::Veto(ring, veto) => write!(f, "{ring}: {veto}"),
            Self::BetweenGroups { ring, profiles, from, last } => {
                let profiles = profiles.join(", ");
                write!(f, "{profiles} is in no deployment group, on the way from {from} to {ring}")?;
                last.iter().try_for_each(|last| write!(f, "; the write that puts it back: {last}"))
            }
            Self::GroupsUnread(ring) => {
                write!(f, "{ring}: the deployment groups or profiles have not been read lately")
            }
            Self::InFlight(ring, write) => write!(f, "{ring}: {write} waits for Cloudflare's answer"),
            Self::OutcomeUnknown { ring, write, why, read_at } => {
                write!(f, "{ring}: the outcome of {write} is unknown ({why})")?;
                read_at.iter().try_for_each(|at| write!(f, "; the group is read at {}", short(*at)))
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
                let since = short(*since);
                write!(
                    f,
                    "the plan's file is gone and the rollout withdrawn since {since}; nothing is written"
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
                until
                    .iter()
                    .try_for_each(|at| write!(f, "; the first of those count no more at {}", short(*at)))
            }
            Self::Observing(ring, intent) => {
                let change = change(intent);
                write!(f, "{ring}: read-only mode; it would write: {change} ({} devices)", intent.devices)
            }
            Self::BlockedVersion(ring, held) => {
                let BlockedVersion { version, environment, policy, plan, by, .. } = &**held;
                let Attribution { actor, reason, since } = by;
                write!(
                    f,
                    "{ring}: {environment} {version} is blocked for profile {policy} since {actor} rolled plan {plan} back at {}: {reason}",
                    short(*since)
                )
            }
            Self::Returning { ring, missing, until } => {
                write!(f, "{ring}: its devices are on their way back until {} at the latest", short(*until))?;
                missing.iter().try_for_each(|word| write!(f, "; {word}"))
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

/// A write that would offer something else to more devices than its ring's plan allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// How many, by the planner's count.
    pub devices: usize,
    /// `max_devices` of the ring.
    pub at_most: DeviceLimit,
}

/// A write with which all plans together would offer something else to more devices within 24 hours than the
/// daemon's configuration allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyToday {
    /// How many, by the planner's count.
    pub devices: usize,
    /// How many the writes of the 24 hours before have.
    pub before: usize,
    /// `guard.devices_per_day`.
    pub at_most: DeviceLimit,
    /// When the first of those writes counts no more.
    pub until: Option<Timestamp>,
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
