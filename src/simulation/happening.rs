//! What a script has happen in a simulation, and what is noted beside its log.
//!
//! **Invariant:** what happens is data: a script can be read, scheduled and told again.

use crate::ids::PlanName;
use crate::rollout::people::command::Command;
use crate::rollout::people::refusal::Refusal;
use crate::rollout::record::{Actor, ClockDoubt};
use crate::rollout::tell::report::Report;
use crate::simulation::disk::OnDisk;
use crate::simulation::upstream::Outsider;
use crate::time::Timestamp;

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
