//! A plan that holds: what the decoder hands to everything else.
//!
//! **Invariant:** every value here passed the decoder, so a target is never below 2026.6, a ring has at
//! least one profile and one target, and names are unique. A target may be one that the plan forbids by now.

use std::collections::BTreeMap;
use std::fmt;
use std::num::{NonZeroU8, NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, Email, PlanName, PolicyId, RingName, UserGroupName};
use crate::schedule::Schedule;
use crate::time::Span;
use crate::version::{ClientVersion, Environment};

/// Desired rings, targets, schedule and gates: one plan file, with its defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Unique among the plans of a daemon.
    pub name: PlanName,
    /// The name that the plan had before: its rollout goes on under the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<PlanName>,
    /// For people; not part of the digest.
    pub description: Option<String>,
    /// When set, the daemon's account must be this one.
    pub account: Option<AccountId>,
    /// Who wrote it: this person does not approve it. Plans of older logs name nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Email>,
    /// Builds never to offer.
    pub forbid: Vec<Forbid>,
    /// What a new target does to a running rollout.
    pub on_new_target: OnNewTarget,
    /// What a change by somebody else does.
    #[serde(default)]
    pub on_drift: OnDrift,
    /// In order of entry; never empty.
    pub rings: Vec<RingPlan>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RingPlan {
    /// Unique within the plan.
    pub name: RingName,
    /// The name that the ring had before, should its profiles change with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<RingName>,
    /// The deployment group's name; the ring's name unless the plan says otherwise.
    pub group: String,
    /// Device settings profiles, in the order written; never empty, never one twice.
    pub profiles: Vec<ProfileRef>,
    /// Target version per environment; never empty.
    pub targets: BTreeMap<Environment, ClientVersion>,
    /// When ringward may write for this ring.
    pub schedule: Schedule,
    /// What it takes to call the targets adopted.
    pub adoption: Adoption,
    /// How long the ring runs on its targets before the next one may follow.
    pub soak: Span,
    /// What its devices must not do, from the assignment on until the rollout is final. Plans
    /// accepted before ringward judged health have what is built in.
    #[serde(default)]
    pub health: Health,
    /// A gate that stays `unknown` longer than this halts the rollout.
    pub unknown_after: Span,
    /// What a failing gate does.
    pub on_failure: OnFailure,
    /// A write for this ring that offers something else to more devices is refused; `None`: no limit.
    /// Plans of older logs have none.
    #[serde(default)]
    pub max_devices: Option<DeviceLimit>,
    /// How the ring is rolled back. Plans of older logs have what is built in.
    #[serde(default)]
    pub rollback: RollbackRules,
    /// Which devices its targets may take down to an older version. Plans of older logs allow none, and
    /// were never asked.
    #[serde(default, skip_serializing_if = "AllowDowngrade::is_nothing")]
    pub allow_downgrade: AllowDowngrade,
    /// Who lets it be entered; `None`: nobody is asked. Plans of older logs ask nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRule>,
}

impl RingPlan {
    /// How long a ring soaks where no plan says otherwise.
    pub const BUILT_IN_SOAK: Span = Span::hours(72);
    /// How long a gate may be `unknown` where no plan says otherwise.
    pub const BUILT_IN_UNKNOWN_AFTER: Span = Span::hours(6);

    /// Whether a version is one of its targets.
    #[must_use]
    pub fn asks_for(&self, version: ClientVersion) -> bool {
        self.targets.values().any(|target| *target == version)
    }

    /// Whether the plan leaves it to ringward how the ring's group is named.
    #[must_use]
    pub fn has_default_group(&self) -> bool {
        self.group == self.name.as_str()
    }
}

/// Which devices a ring's targets may take down to an older version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowDowngrade {
    /// A few at most.
    #[default]
    Nothing,
    /// Those that run one of these; read over the first three numbers of a version.
    From(semver::VersionReq),
    /// All.
    Any,
}

impl AllowDowngrade {
    /// Whether it allows none.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether devices on a version may be taken down.
    #[must_use]
    pub fn covers(&self, version: ClientVersion) -> bool {
        match self {
            Self::Nothing => false,
            Self::From(range) => range.matches(&version.as_semver()),
            Self::Any => true,
        }
    }
}

impl fmt::Display for AllowDowngrade {
    /// As people read it in a sentence; nothing at all where it allows none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::From(range) => write!(f, "{range}"),
            Self::Any => f.write_str("any version"),
        }
    }
}

/// Who lets a ring be entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Members of this User Group.
    pub user_group: UserGroupName,
    /// So many different ones.
    pub count: NonZeroU8,
    /// For so long from when each of them gave it.
    pub expires: Span,
}

impl ApprovalRule {
    /// One person beside the author is the least that means anything.
    pub const BUILT_IN_COUNT: NonZeroU8 = NonZeroU8::MIN;
    /// Over a weekend, and not over the next release.
    pub const BUILT_IN_EXPIRES: Span = Span::hours(5 * 24);
}

/// What no plan lowers: who must approve a ring of many devices, whatever its plan says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalFloor {
    /// Members of this User Group.
    pub user_group: UserGroupName,
    /// So many different ones.
    pub count: NonZeroU8,
    /// For a ring with more devices that an assignment can move.
    pub over_devices: usize,
}

/// Who lets a revision take effect that does more than restrict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revisions {
    /// The file, once it was unchanged for long enough.
    #[default]
    File,
    /// A person, by `confirm`.
    Person,
}

impl Revisions {
    /// The word of `ringward.yaml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Person => "person",
        }
    }

    /// The line that says so, in at most 40 characters.
    #[must_use]
    pub const fn line(self) -> &'static str {
        match self {
            Self::File => "revisions: file (apply by themselves)",
            Self::Person => "revisions: person (a person confirms)",
        }
    }
}

/// How a ring is rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRules {
    /// How long its devices have to come back before the next ring follows all the same.
    pub step: Span,
    /// Where to, for an environment of which the log knows no better.
    pub to: BTreeMap<Environment, ClientVersion>,
}

impl Default for RollbackRules {
    fn default() -> Self {
        Self { step: Self::BUILT_IN_STEP, to: BTreeMap::new() }
    }
}

impl RollbackRules {
    /// Cloudflare takes 15 minutes to notify a device, which then installs; most that are awake are
    /// back by then.
    pub const BUILT_IN_STEP: Span = Span::hours(2);
}

/// A range of builds never to offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbid {
    /// Read over the first three numbers of a version.
    pub versions: semver::VersionReq,
    /// For the person who is kept from it.
    pub reason: String,
}

/// What a newer target does to a running rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNewTarget {
    /// The newer target takes over at once.
    #[default]
    Replace,
    /// The newest target waits until the running rollout is final.
    Finish,
}

/// What ringward does when somebody else changed one of the plan's groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDrift {
    /// Stop writing and wait for a person. Plans of older logs, which do not say, did this.
    #[default]
    Halt,
    /// Write the group back as ringward left it, as soon as that ring may be written.
    Restore,
    /// Record it and go on with the group as it is.
    Adopt,
}

/// What a failing gate does to a rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Stop writing and wait for a person.
    #[default]
    Halt,
}

/// A device settings profile as a plan names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileRef {
    /// The reserved word `default`: the account's default profile.
    Default,
    /// A policy ID (a UUID).
    Id(PolicyId),
    /// A profile's name.
    Named(String),
}

impl fmt::Display for ProfileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Id(id) => write!(f, "{id}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// What it takes to call a ring's targets adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    /// Share of sighted devices that must run the target.
    pub at_least: Percent,
    /// The deadline, counted from the assignment; it stands still in freezes and holds.
    pub within: Span,
    /// Share of the recently active devices that must have been sighted at all.
    pub seen_at_least: Percent,
}

impl Adoption {
    /// What holds where no plan says otherwise.
    pub const BUILT_IN: Self =
        Self { at_least: Percent::whole(90), within: Span::hours(7 * 24), seen_at_least: Percent::whole(60) };
}

/// The most devices that one write may offer something else; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceLimit(NonZeroU32);

impl DeviceLimit {
    /// A limit; `None` for a limit of no device, under which nothing could ever be written.
    #[must_use]
    pub const fn new(devices: u32) -> Option<Self> {
        match NonZeroU32::new(devices) {
            Some(devices) => Some(Self(devices)),
            None => None,
        }
    }

    /// Whether so many devices are more than it allows.
    #[must_use]
    pub fn is_exceeded_by(self, devices: usize) -> bool {
        !u32::try_from(devices).is_ok_and(|devices| devices <= self.0.get())
    }

    /// The number of devices.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for DeviceLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// When a ring's devices say that something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Devices that are sighted and do not move.
    pub stalled: HealthLimit,
    /// Devices that arrived and went silent, beyond what is usual among those not yet moved.
    pub dark: HealthLimit,
    /// Fewer devices than this are not judged: chance alone would decide.
    pub min_devices: u32,
}

/// What one health gate asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthLimit {
    /// The share above which the gate fails.
    pub at_most: Percent,
    /// How long a device may take, or be silent, before it counts.
    pub after: Span,
}

impl Health {
    /// What holds where no plan says otherwise.
    pub const BUILT_IN: Self = Self {
        stalled: HealthLimit { at_most: Percent::whole(10), after: Span::hours(24) },
        dark: HealthLimit { at_most: Percent::whole(2), after: Span::hours(24) },
        min_devices: 30,
    };

    /// [`Health::min_devices`] for comparing with counts.
    #[must_use]
    pub fn least(&self) -> usize {
        Self::least_of(self.min_devices)
    }

    /// A number of devices for comparing with counts.
    #[must_use]
    pub fn least_of(devices: u32) -> usize {
        usize::try_from(devices).unwrap_or(usize::MAX)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::BUILT_IN
    }
}

/// A share in tenths of a percent, 0.0 % to 100.0 %, so that thresholds compare exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Percent(u16);

impl Percent {
    /// A share of whole percents, for defaults in code; above 100 counts as 100.
    #[must_use]
    pub const fn whole(percent: u16) -> Self {
        Self(if percent > 100 { 1000 } else { percent * 10 })
    }

    /// A share from tenths of a percent.
    #[must_use]
    pub const fn from_tenths(tenths: u16) -> Option<Self> {
        if tenths <= 1000 { Some(Self(tenths)) } else { None }
    }

    /// Whether `part` of `whole` is at least this share. Of nothing, no share is reached.
    #[must_use]
    pub const fn reached_by(self, part: usize, whole: usize) -> bool {
        whole > 0 && part as u128 * 1000 >= whole as u128 * self.0 as u128
    }

    /// Whether `part` of `whole` is more than this share. Of nothing, no share is exceeded.
    #[must_use]
    pub const fn exceeded_by(self, part: usize, whole: usize) -> bool {
        part as u128 * 1000 > whole as u128 * self.0 as u128
    }

    /// The share as a number of a thousand.
    #[must_use]
    pub fn of_a_thousand(self) -> u64 {
        u64::from(self.0)
    }

    /// The share as a ratio from 0 to 1, for metrics.
    #[must_use]
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 10, self.0 % 10) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, tenth) => write!(f, "{whole}.{tenth}%"),
        }
    }
}

impl TryFrom<u16> for Percent {
    type Error = &'static str;
    fn try_from(tenths: u16) -> Result<Self, Self::Error> {
        Self::from_tenths(tenths).ok_or("a share is at most 1000 tenths of a percent")
    }
}

impl From<Percent> for u16 {
    fn from(percent: Percent) -> u16 {
        percent.0
    }
}

/// SHA-256 over a plan file's tree as written: keys sorted, no comments, no defaults filled in,
/// `description` left out. In lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanDigest(String);

impl PlanDigest {
    /// The digest of a canonical tree (JSON, keys sorted, `description` left out).
    #[must_use]
    pub fn of_written(written: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, written.as_bytes());
        Self(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// All 64 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve hex digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One state of a plan file: what the log keeps whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// The digest of `written`.
    pub digest: PlanDigest,
    /// The canonical tree that the digest is over.
    pub written: String,
    /// The plan as decoded, defaults filled in: what a rollout follows, whatever later versions
    /// of ringward take as default.
    pub plan: Plan,
}
