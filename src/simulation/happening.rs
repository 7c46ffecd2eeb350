//! What a script has happen in a simulation, what it has befall the account (faults of writes and reads, and other
//! people), and what is noted beside its log.
//!
//! **Invariant:** what happens is data: a script can be read, scheduled and told again, and a journal with faults can be
//! judged.

use std::collections::BTreeSet;

use crate::ids::{PlanName, PolicyId, UserGroupName};
use crate::rollout::people::command::Command;
use crate::rollout::people::refusal::Refusal;
use crate::rollout::record::{Actor, ClockDoubt, GroupContent};
use crate::rollout::tell::report::Report;
use crate::rollout::world::Approvers;
use crate::simulation::disk::OnDisk;
use crate::time::{SignedDuration, Timestamp};
use crate::version::{ClientVersion, Environment};

/// Something that a script has happen.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A person asks for something. While the daemon is down it is asked once it is up.
    Command(Actor, String, Command),
    /// A person puts the stop file there, without the daemon.
    StopFile(Actor, String),
    /// A plan's file is written; `None`: removed.
    Edit(PlanName, Option<OnDisk>),
    /// The plans directory becomes readable or not.
    Directory { is_readable: bool },
    /// Somebody else changes something at Cloudflare.
    Outside(Outsider),
    /// Cloudflare's answers tell another time than the machine's clock, or none; `None`: the same again.
    Clock(Option<ClockDoubt>),
    /// The machine's clock shows this, long before the log ends, and Cloudflare's answers the present; `None`:
    /// it is right again.
    ClockReset(Option<Timestamp>),
    /// The daemon dies.
    Crash(Remembered),
    /// The host sleeps until then, and the daemon with it: it goes on where it was, and nobody looked.
    Sleep(Timestamp),
    /// The report is noted.
    Explain(PlanName),
}

/// What of the observed devices a crash leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// All devices.
    Devices,
    /// Nothing.
    Nothing,
}

/// Something worth a line in a transcript that is no event of the log.
#[derive(Debug, Clone)]
pub enum Note {
    /// A request was refused.
    Refused(Actor, Command, Refusal),
    /// Something happened by script.
    Happened(Happening),
    /// What a plan waited for.
    Explained(PlanName, Option<Box<Report>>),
    /// The daemon came up again.
    Restarted,
}

/// What befalls a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteFault {
    /// The connection breaks before it is applied.
    ResetBefore,
    /// The connection breaks after it was applied.
    ResetAfter,
    /// No answer; it is applied so long after it was sent.
    AppliedLate(SignedDuration),
    /// A 5xx; it may have been applied all the same.
    ServerError { applied: bool },
    /// A 429, with `Retry-After` or without.
    RateLimited { retry_after: Option<SignedDuration> },
    /// A 4xx: nothing is applied.
    Refused(u16),
    /// The connection is refused: the request never reaches the account.
    ConnectRefused,
    /// It is applied, and the answer shows something else.
    AnswerDiffers,
}

/// What befalls reads for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFault {
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// What.
    pub what: Misread,
}

/// How a read goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misread {
    /// Reads of groups fail.
    Groups,
    /// The read just before a write fails, and no other.
    BeforeWrite,
    /// The read just before a write is told to slow down; until the fault ends.
    BeforeWriteLimited,
    /// Reads of profiles fail.
    Profiles,
    /// Reads of User Groups fail.
    Approvers,
    /// Sweeps fail on their way, after some pages: they count for nothing.
    Devices,
    /// The profile filter is ignored: every device is listed.
    FilterIgnored,
    /// The list of groups is this much behind.
    ListLags(SignedDuration),
    /// The list of groups lacks the groups of this name.
    ListLacks(String),
}

/// A change that somebody else makes at Cloudflare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outsider {
    /// Offers a version to an environment in the groups of this name.
    SetsVersion(String, Environment, String),
    /// Replaces the profiles of the groups of this name.
    SetsProfiles(String, BTreeSet<PolicyId>),
    /// Changes what a User Group is, and who is in it.
    Regroups(UserGroupName, Approvers),
    /// Deletes the groups of this name.
    Deletes(String),
    /// Deletes a profile: its devices get the account's default one.
    DeletesProfile(PolicyId),
    /// Gives the groups of this name another one.
    Renames(String, String),
    /// Another updater moves so many devices of a profile, the first by their order, as soon as each is present.
    Updates { profile: PolicyId, devices: usize, version: ClientVersion },
    /// Creates a group; profiles that sit elsewhere are taken out there first.
    Creates(GroupContent),
}
