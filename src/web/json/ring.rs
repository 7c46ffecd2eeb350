//! A ring: its group, devices and schedule, its gates with the numbers of those that judge health, and its
//! approvals.
//!
//! **Invariant:** shares are counts and whole parts, never rounded ratios, so that a reader can
//! repeat the judgement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{GroupId, RingName};
use crate::rollout::record::Gate;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// One ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RingJson {
    /// Its name.
    pub name: RingName,
    /// `pending`, `entering`, `deploying`, `adopting`, `soaking`, `verified`, `rolling_back`, `rolled_back`.
    pub state: String,
    /// What that means, as half a sentence for people.
    pub meaning: String,
    /// Since when.
    pub since: Timestamp,
    /// Its deployment group.
    pub group: GroupJson,
    /// Its profiles, in the plan's words.
    pub profiles: Vec<String>,
    /// The client version it shall have, by environment.
    pub targets: BTreeMap<Environment, ClientVersion>,
    /// Since when Cloudflare offers the targets.
    pub assigned_at: Option<Timestamp>,
    /// When it may be entered next; `null`: now, or it is entered.
    pub next_opening: Option<Timestamp>,
    /// What its schedule says; `null` once it is entered.
    pub schedule: Option<ScheduleJson>,
    /// Devices by environment (`windows`, `macos`, and `other` for systems without assignments)
    /// and class; `null` while the devices are not known.
    pub classes: Option<BTreeMap<String, ClassesJson>>,
    /// Arrived devices as a share of those seen, 0 to 1; `null` while none was seen.
    pub adoption: BTreeMap<Environment, Option<f64>>,
    /// The gates that matter now.
    pub gates: Vec<GateJson>,
    /// Whether the plan's file dropped it, and it keeps its place until it is verified: then gate `ring` can
    /// be waived.
    #[serde(default)]
    pub dropped: bool,
    /// Gates that a person waived.
    pub waived: Vec<WaiverJson>,
    /// Where its devices come from, by environment, while it is not entered; none while they are not known.
    #[serde(default)]
    pub moves: BTreeMap<Environment, MovesJson>,
    /// Who is asked to let it be entered, and what they said; `null`: nobody, or it is entered.
    pub approval: Option<ApprovalJson>,
    /// Versions in its group for environments that the plan does not name.
    pub unmanaged: Vec<String>,
}

/// Where the devices of a ring come from, of those seen in the last 7 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovesJson {
    /// The version that they are offered.
    pub to: ClientVersion,
    /// How many devices were seen.
    pub seen: usize,
    /// How many of them run another version, by version.
    pub from: BTreeMap<ClientVersion, usize>,
    /// How many of those go down to an older one.
    pub down: usize,
    /// The same in words.
    pub text: String,
}

/// A ring's schedule at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleJson {
    /// `always_open`, `in_opening`, `outside_openings` or `frozen`.
    pub state: String,
    /// The same as half a sentence, with a freeze's reason.
    pub because: String,
    /// When writing becomes possible next; `null`: it does not end before, or never within sight.
    pub next_open: Option<Timestamp>,
    /// When writing ends next; `null`: no end within sight.
    pub next_close: Option<Timestamp>,
}

/// A deployment group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupJson {
    /// Its name.
    pub name: String,
    /// Its ID, once there is one.
    pub id: Option<GroupId>,
}

/// Devices of one environment, by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassesJson {
    /// Sighted on the target after the assignment.
    pub arrived: usize,
    /// Sighted after its due instant, not there yet.
    pub due: usize,
    /// Still not there too long after that.
    pub stalled: usize,
    /// No sighting since its due instant.
    pub unseen: usize,
    /// A client that ignores assignments.
    pub too_old: usize,
    /// Another system, or an environment without a target here.
    pub untargeted: usize,
    /// Moved out of the ring, or gone.
    pub left: usize,
}

/// A gate that a person waived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaiverJson {
    /// Which gate.
    pub gate: Gate,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

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

/// Devices that are seen and do not move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StalledJson {
    /// Stalled devices, without those that a person has accepted.
    pub stalled: usize,
    /// Devices seen since they were due: arrived, due and stalled, without the accepted ones.
    pub sighted: usize,
    /// Stalled devices that a person has accepted by resuming.
    pub acknowledged: usize,
    /// The gate fails when more than so many of a thousand seen devices are stalled.
    pub at_most_per_mille: u16,
    /// How long a device may take.
    pub after_seconds: i64,
    /// With fewer seen devices the gate does not judge.
    pub min_devices: u32,
}

/// Devices that went silent after they arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DarkJson {
    /// Devices that arrived.
    pub arrived: usize,
    /// Devices of the rings not entered that were seen in the last week: the control.
    pub control_active: usize,
    /// Devices whose silence a person has accepted by resuming.
    pub acknowledged: usize,
    /// The newest looks, at most two; none while there was nobody to look for.
    pub looks: Vec<EvaluationJson>,
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
pub struct EvaluationJson {
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
    /// Devices seen in the day before.
    pub of: usize,
    /// Those of them not seen since.
    pub silent: usize,
}

/// Who is asked to let a ring be entered, and what they said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalJson {
    /// `pass`, `wait` or `unknown`.
    pub verdict: String,
    /// Why it waits or cannot tell, as a code; empty for `pass`.
    pub reason: String,
    /// Since when people are asked, because everything but the clock is ready; `null`: not yet.
    pub asked_at: Option<Timestamp>,
    /// What is asked, and how far it is.
    pub asks: Vec<AskJson>,
    /// Members who could approve and have not, by e-mail.
    pub missing: Vec<String>,
    /// What people said, by e-mail.
    pub words: Vec<VoteJson>,
}

/// So many members of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskJson {
    /// The group, by name.
    pub user_group: String,
    /// How many.
    pub count: u8,
    /// Who asks: `plan`, or `floor` for the daemon's configuration.
    pub by: String,
    /// Whose approval counts, by e-mail, the earliest first.
    pub approved: Vec<String>,
    /// How many could approve.
    pub members: usize,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoteJson {
    /// Who, by e-mail.
    pub by: String,
    /// `approved` or `refused`.
    pub word: String,
    /// What they noted.
    pub note: String,
    /// When.
    pub at: Timestamp,
    /// Until when an approval counts.
    pub expires_at: Option<Timestamp>,
    /// When another revision of the plan voided it.
    pub voided_at: Option<Timestamp>,
    /// Whether a rejection does not count, because its giver is known to have left the groups.
    pub lapsed: bool,
}
