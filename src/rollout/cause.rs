//! Why the engine halts a rollout.
//!
//! **Invariant:** a cause carries what a person needs to judge it, so that its text needs nothing
//! else, and acknowledging it names exactly what was seen.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, RingName};
use crate::rollout::remote::Group;
use crate::rollout::verdict::{Evidence, Gate, Judgement, Unknown, Verdict, short};
use crate::time::Timestamp;
use crate::version::Environment;

/// Why the engine halted a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A ring did not adopt its targets in time.
    AdoptionMissed {
        /// The ring.
        ring: RingName,
        /// The environment's word, with its counts.
        judgement: Box<Judgement>,
    },
    /// The devices of an entered ring say that something is wrong.
    Unhealthy {
        /// The ring.
        ring: RingName,
        /// The word of the health gate, with its numbers.
        judgement: Box<Judgement>,
        /// The devices for which it fails, all of them.
        devices: BTreeSet<DeviceId>,
    },
    /// A gate could not tell for too long.
    UnknownTooLong {
        /// The ring.
        ring: RingName,
        /// The gate.
        gate: Gate,
        /// Its environment.
        environment: Option<Environment>,
        /// Why it cannot tell.
        why: Unknown,
        /// Since when.
        since: Timestamp,
    },
    /// Cloudflare refused a write.
    WriteRefused {
        /// The ring.
        ring: RingName,
        /// HTTP status.
        status: u16,
        /// What was said.
        message: String,
    },
    /// Writes for a ring keep failing.
    WritesKeepFailing {
        /// The ring.
        ring: RingName,
        /// How often in a row.
        attempts: u32,
        /// What the last one met.
        last: String,
    },
    /// A ring's group is not as ringward left it.
    Drift {
        /// The ring.
        ring: RingName,
        /// The group as recorded.
        expected: Box<Group>,
        /// The group as read; `None`: gone.
        seen: Option<Box<Group>>,
    },
}

impl Cause {
    /// The word of metrics (`halts_total{cause}`) and API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AdoptionMissed { .. } => "adoption_missed",
            Self::Unhealthy { .. } => "unhealthy",
            Self::UnknownTooLong { .. } => "unknown_too_long",
            Self::WriteRefused { .. } => "write_refused",
            Self::WritesKeepFailing { .. } => "writes_keep_failing",
            Self::Drift { .. } => "drift",
        }
    }

    /// The ring it is about.
    #[must_use]
    pub const fn ring(&self) -> &RingName {
        match self {
            Self::AdoptionMissed { ring, .. }
            | Self::Unhealthy { ring, .. }
            | Self::UnknownTooLong { ring, .. }
            | Self::WriteRefused { ring, .. }
            | Self::WritesKeepFailing { ring, .. }
            | Self::Drift { ring, .. } => ring,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AdoptionMissed { ring, judgement } => {
                let asked = judgement.threshold();
                write!(f, "{ring} missed its adoption deadline: {judgement}, asked for {asked}")
            }
            Self::Unhealthy { ring, judgement, .. } => {
                write!(f, "{ring} is unhealthy: {judgement}, asked for {}", judgement.threshold())?;
                match &judgement.evidence {
                    Evidence::Stalled(seen) if seen.counts.arrived == 0 => {
                        f.write_str("; every sighted device stayed on its old version")
                    }
                    _ => Ok(()),
                }
            }
            Self::UnknownTooLong { ring, gate, environment, why, since } => {
                let at = environment.map(|environment| format!("/{environment}")).unwrap_or_default();
                let why = Verdict::Unknown(*why).reason_code();
                let since = short(*since);
                write!(f, "gate {gate}{at} of {ring} cannot tell since {since}: {why}")
            }
            Self::WriteRefused { ring, status, message } => {
                write!(f, "Cloudflare refused the write for {ring} with {status}: {message}")
            }
            Self::WritesKeepFailing { ring, attempts, last } => {
                write!(f, "{attempts} writes for {ring} in a row came to nothing; the last: {last}")
            }
            Self::Drift { ring, expected, seen } => match seen {
                Some(seen) => write!(
                    f,
                    "the group of {ring}, `{}`, was changed by somebody else: {}",
                    expected.content.name,
                    expected.content.difference(&seen.content)
                ),
                None => {
                    write!(
                        f,
                        "the group of {ring}, `{}`, was deleted by somebody else",
                        expected.content.name
                    )
                }
            },
        }
    }
}
