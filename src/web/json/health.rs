//! Gates as JSON, with the numbers of those that judge health.
//!
//! **Invariant:** shares are counts and whole parts, never rounded ratios, so that a reader can
//! repeat the judgement.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rollout::record::Gate;
use crate::time::Timestamp;
use crate::version::Environment;

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GateJson {
    /// Which gate.
    pub gate: Gate,
    /// For gates that judge each environment on its own.
    pub environment: Option<Environment>,
    /// `pass`, `wait`, `fail`, `unknown`, `exempt`; `pass` and `exempt` advance.
    pub verdict: String,
    /// The reason code; `null` for a pass.
    pub reason: Option<String>,
    /// The value seen, for people.
    pub value: String,
    /// What would be enough, for people.
    pub threshold: String,
    /// When the newest observation behind it was read; `null` where only the clock matters.
    pub as_of: Option<Timestamp>,
    /// How old that observation was at the decision.
    pub age_seconds: Option<i64>,
    /// What gate `stalled` counted; `null` for the others.
    #[serde(default)]
    pub stalled: Option<StalledJson>,
    /// What gate `dark` counted; `null` for the others.
    #[serde(default)]
    pub dark: Option<DarkJson>,
}

/// Devices that are sighted and do not move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StalledJson {
    /// Stalled devices, without those that a person has accepted.
    pub stalled: usize,
    /// Devices sighted since they were due: arrived, due and stalled, without the accepted ones.
    pub sighted: usize,
    /// Stalled devices that a person has accepted by resuming.
    pub acknowledged: usize,
    /// The gate fails when more than so many of a thousand sighted devices are stalled.
    pub at_most_per_mille: u16,
    /// How long a device may take.
    pub after_seconds: i64,
    /// With fewer sighted devices the gate does not judge.
    pub min_devices: u32,
}

/// Devices that went silent after they arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DarkJson {
    /// Devices that arrived.
    pub arrived: usize,
    /// Devices of the rings not entered that were sighted in the last week: the control.
    pub control_active: usize,
    /// Devices whose silence a person has accepted by resuming.
    pub acknowledged: usize,
    /// The newest looks, at most two; none while there was nobody to look for.
    pub looks: Vec<LookJson>,
    /// The next look by the calendar, should its day count.
    pub next_look: Option<Timestamp>,
    /// A look fails only when the silent share is so many of a thousand above the control's.
    pub at_most_per_mille: u16,
    /// How long a device must be silent, in hours that count.
    pub after_seconds: i64,
    /// With fewer devices, in the ring or in the control, the gate does not judge.
    pub min_devices: u32,
}

/// One look for devices that went silent. It fails when the difference is above the limit and `p` is
/// not above `p_at_most`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LookJson {
    /// How many times `after_seconds` it reaches back: 1 or 2.
    pub look: u8,
    /// When it was taken.
    pub at: Timestamp,
    /// From when on silence counts.
    pub since: Timestamp,
    /// The counted days since the assignment.
    pub day: u32,
    /// The ring's devices.
    pub ring: SilentJson,
    /// The control's devices.
    pub control: SilentJson,
    /// How likely such a difference is by chance, in parts of a billion, rounded up.
    pub p_per_billion: u32,
    /// How unlikely it must be, in parts of a billion.
    pub p_at_most_per_billion: u32,
}

/// How many of how many are silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SilentJson {
    /// Devices sighted in the day before.
    pub of: usize,
    /// Those of them not sighted since.
    pub silent: usize,
}
