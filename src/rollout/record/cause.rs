//! Why the engine halts a rollout.
//!
//! **Invariant:** a cause carries what a person needs to judge it, so that its text needs nothing
//! else, and acknowledging it names exactly what was seen.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, RingName};
use crate::rollout::record::{Evidence, Gate, GroupDrift, Judgement, OtherUpdater, Unknown, Verdict};
use crate::text::{joined, worded};
use crate::time::{Timestamp, short};
use crate::version::{ClientVersion, Environment};

worded!(Cause);

/// Why the engine halted a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Cause {
    /// A ring did not adopt its targets in time.
    AdoptionMissed {
        ring: RingName,
        /// The environment's word, with its counts.
        judgement: Box<Judgement>,
    },
    /// The devices of an entered ring say that something is wrong.
    Unhealthy {
        ring: RingName,
        /// The word of the health gate, with its numbers.
        judgement: Box<Judgement>,
        /// The devices for which it fails, all of them.
        devices: BTreeSet<DeviceId>,
    },
    /// A gate could not tell for too long.
    UnknownTooLong {
        ring: RingName,
        gate: Gate,
        environment: Option<Environment>,
        /// Why it cannot tell.
        why: Unknown,
        /// Since when.
        since: Timestamp,
    },
    /// Cloudflare refused a write.
    WriteRefused {
        ring: RingName,
        /// HTTP status.
        status: u16,
        /// What was said.
        message: String,
    },
    /// Writes for a ring keep failing.
    WritesKeepFailing {
        ring: RingName,
        /// How often in a row.
        attempts: u32,
        /// What the last one met.
        last: String,
    },
    /// The plan forbids by now what the rollout offers, or is about to offer.
    Forbidden {
        /// The first ring of those that are asked for it.
        ring: RingName,
        /// What is forbidden.
        version: ClientVersion,
        /// Why, in the plan's words.
        reason: String,
        /// All rings that are asked for it, and how many devices are offered it now.
        offered: Vec<(RingName, usize)>,
    },
    /// A ring's group is not as ringward left it.
    Drift(Box<GroupDrift>),
    /// Devices of a ring move without an assignment.
    OtherUpdater(Box<OtherUpdater>),
}

impl Cause {
    /// The ring it is about.
    pub const fn ring(&self) -> &RingName {
        match self {
            Self::AdoptionMissed { ring, .. }
            | Self::Unhealthy { ring, .. }
            | Self::UnknownTooLong { ring, .. }
            | Self::WriteRefused { ring, .. }
            | Self::WritesKeepFailing { ring, .. }
            | Self::Forbidden { ring, .. } => ring,
            Self::Drift(drift) => &drift.ring,
            Self::OtherUpdater(updater) => &updater.ring,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AdoptionMissed { ring, judgement } => {
                let asked = judgement.threshold();
                write!(f, "{ring} missed its adoption deadline: {judgement}, threshold {asked}")
            }
            Self::Unhealthy { ring, judgement, .. } => {
                write!(f, "{ring} is unhealthy: {judgement}, threshold {}", judgement.threshold())?;
                match &judgement.evidence {
                    Evidence::Stalled(seen) if seen.counts.arrived == 0 => {
                        f.write_str("; every seen device stayed on its old version")
                    }
                    _ => Ok(()),
                }
            }
            Self::UnknownTooLong { ring, gate, environment, why, since } => {
                let at = environment.map(|environment| format!("/{environment}")).unwrap_or_default();
                let why = Verdict::Unknown(*why).reason_code();
                let since = short(*since);
                write!(f, "gate {gate}{at} of {ring} is unknown since {since}: {why}")
            }
            Self::WriteRefused { ring, status, message } => {
                write!(f, "Cloudflare refused the write for {ring} with {status}: {message}")
            }
            Self::WritesKeepFailing { ring, attempts, last } => {
                write!(f, "{attempts} writes for {ring} in a row came to nothing; the last: {last}")
            }
            Self::Forbidden { version, reason, offered, .. } => {
                write!(f, "the plan forbids {version} ({reason})")?;
                let words = |(ring, devices): &(RingName, usize)| match devices {
                    0 => format!("{ring} is not offered it yet"),
                    1 => format!("1 device of {ring} is offered it"),
                    devices => format!("{devices} devices of {ring} are offered it"),
                };
                write!(f, ": {}", joined(offered.iter().map(words), ", "))
            }
            Self::Drift(drift) => drift.fmt(f),
            Self::OtherUpdater(updater) => updater.fmt(f),
        }
    }
}

/// What a gate found when a person lifted a halt: from then on it halts for other findings only. A
/// gate that could not tell has its time anew, and so has an adoption that missed its deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledged {
    pub ring: RingName,
    pub gate: Gate,
    pub environment: Option<Environment>,
    /// The devices that a health gate found, which count for nothing in its later words.
    pub devices: BTreeSet<DeviceId>,
}
