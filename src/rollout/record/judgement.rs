//! One gate's verdict at one instant, with what it saw.
//!
//! **Invariant:** value, threshold and age are made from the evidence that the log keeps, so that an auditor reads
//! what was read when it was decided.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fleet::EnvironmentCensus;
use crate::plan::model::Percent;
use crate::rollout::record::{Approved, Dark, Downgrade, Exempt, Gate, Stalled, Unknown, Verdict};
use crate::time::{SignedDuration, Timestamp, short, since};
use crate::version::Environment;

/// One gate's word at one instant, with what it saw: this is what the log keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Which gate.
    pub gate: Gate,
    /// For gates that judge each environment on its own.
    pub environment: Option<Environment>,
    /// What it says and why.
    pub verdict: Verdict,
    /// What it saw and what it asks for.
    pub evidence: Evidence,
    /// When the newest observation behind it was read; `None` where only the clock matters.
    pub as_of: Option<Timestamp>,
}

/// What a gate saw, beside what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The schedule at an instant.
    Opening {
        /// When the present opening ends, by closing or by a freeze; `None`: no end in sight, or
        /// closed.
        closes_at: Option<Timestamp>,
        /// When the next opening comes that can be used.
        opens_at: Option<Timestamp>,
    },
    /// The freezes at an instant.
    Freeze {
        /// The reason of the freeze that is on.
        reason: Option<String>,
        /// When it ends.
        ends_at: Option<Timestamp>,
    },
    /// The ring's devices before its write.
    Fleet {
        /// Devices that the targets can move.
        eligible: usize,
        /// When the last full sweep began.
        full_sweep_at: Option<Timestamp>,
        /// Profiles that could not be resolved, in the plan's words.
        unresolved: Vec<String>,
    },
    /// Where the ring's devices come from.
    Downgrade(Downgrade),
    /// What people said.
    Approval(Approved),
    /// One environment on its way to the target.
    Adoption {
        /// The devices.
        census: EnvironmentCensus,
        /// The share asked for.
        at_least: Percent,
        /// The share that must have been seen.
        seen_at_least: Percent,
        /// When the time for it runs out, as it stands now.
        deadline_at: Timestamp,
    },
    /// The ring on its targets.
    Soak {
        /// When adoption was reached.
        started_at: Timestamp,
        /// When the soak is over.
        ends_at: Timestamp,
        /// Arrived devices.
        arrived: usize,
        /// Those that came back on a later day.
        exercised: usize,
    },
    /// Devices that do not move.
    Stalled(Stalled),
    /// Devices that went silent.
    Dark(Dark),
}

impl Judgement {
    /// Whether it advances only because a person waived its gate.
    pub fn is_waived(&self) -> bool {
        self.verdict == Verdict::Exempt(Exempt::Waived)
    }

    /// The value seen, for people.
    pub fn value(&self) -> String {
        match &self.evidence {
            Evidence::Opening { closes_at, opens_at } => match (closes_at, opens_at) {
                (Some(at), _) => format!("open until {}", short(*at)),
                (None, Some(at)) => format!("closed until {}", short(*at)),
                (None, None) if self.verdict.advances() => "always open".to_owned(),
                (None, None) => "closed".to_owned(),
            },
            Evidence::Freeze { reason, ends_at } => match (reason, ends_at) {
                (Some(reason), Some(at)) => format!("{reason}, until {}", short(*at)),
                (Some(reason), None) => reason.clone(),
                (None, _) => "none".to_owned(),
            },
            Evidence::Fleet { eligible, unresolved, .. } if unresolved.is_empty() => self.to_move(*eligible),
            Evidence::Fleet { unresolved, .. } => format!("cannot resolve {}", unresolved.join(", ")),
            Evidence::Adoption { census, .. } => {
                let (arrived, sighted) = (census.counts.arrived, census.counts.sighted());
                let (seen, active) = (census.active_sighted, census.active);
                format!("{arrived} of {sighted} seen devices arrived; {seen} of {active} active ones seen")
            }
            Evidence::Soak { started_at, arrived, exercised, .. } => {
                format!("since {}; {exercised} of {arrived} came back on a later day", short(*started_at))
            }
            Evidence::Downgrade(seen) => seen.moves.to_string(),
            Evidence::Approval(approved) => approved.value(&self.verdict),
            Evidence::Stalled(stalled) => stalled.value(),
            Evidence::Dark(dark) => dark.value(&self.verdict),
        }
    }

    /// What would be enough, for people.
    pub fn threshold(&self) -> String {
        match &self.evidence {
            Evidence::Opening { .. } => "an opening with 15m left".to_owned(),
            Evidence::Freeze { .. } => "no freeze".to_owned(),
            Evidence::Fleet { .. } => "at least 1 device, from a complete fresh sweep".to_owned(),
            Evidence::Adoption { at_least, seen_at_least, deadline_at, .. } => {
                format!("{at_least} arrived, {seen_at_least} seen, by {}", short(*deadline_at))
            }
            Evidence::Soak { ends_at, .. } => format!("until {}; half come back", short(*ends_at)),
            Evidence::Downgrade(seen) => seen.threshold(),
            Evidence::Approval(approved) => approved.threshold(),
            Evidence::Stalled(stalled) => stalled.threshold(),
            Evidence::Dark(dark) => dark.threshold(),
        }
    }

    /// How many devices the fleet gate counted; nothing is counted before it was read.
    fn to_move(&self, eligible: usize) -> String {
        match (&self.verdict, eligible) {
            (Verdict::Unknown(Unknown::NotSwept | Unknown::ProfilesUnread), _) => "not read yet".to_owned(),
            (_, 1) => "1 device to move".to_owned(),
            _ => format!("{eligible} devices to move"),
        }
    }

    /// How old the newest observation behind it is.
    pub fn age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.as_of.map(|as_of| since(as_of, now))
    }

    /// The gate with its environment: `adoption/windows`.
    pub fn name(&self) -> String {
        match self.environment {
            Some(environment) => format!("{}/{environment}", self.gate),
            None => self.gate.to_string(),
        }
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name(), self.verdict.as_str())?;
        if !self.verdict.reason_code().is_empty() {
            write!(f, " ({})", self.verdict.reason_code())?;
        }
        write!(f, ": {}", self.value())
    }
}
