//! One ring of a plan, filled from `defaults` and the values built in.
//!
//! **Invariant:** a ring has at least one profile and one target.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::ids::{PolicyId, RingName};
use crate::plan::model::gates::{Adoption, ApprovalRule, Health, OnFailure};
use crate::schedule::{Opening, Schedule};
use crate::time::Span;
use crate::version::{ClientVersion, Environment};

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
    pub fn asks_for(&self, version: ClientVersion) -> bool {
        self.targets.values().any(|target| *target == version)
    }

    /// What a decision may ask for, freezes aside, each in the words in which people read that it changes; its group
    /// where that has a name of its own.
    pub(crate) fn told(&self, names_group: bool) -> Vec<Told> {
        // What is not told takes effect unannounced: a new key does not compile until it is named. What the ring
        // was changes nothing that is decided.
        let Self {
            name,
            was: _,
            group,
            profiles: _,
            targets,
            schedule,
            adoption,
            soak,
            health,
            unknown_after,
            on_failure,
            max_devices,
            rollback: RollbackRules { step, to },
            allow_downgrade,
            approval,
        } = self;
        let mut told = vec![("name".to_owned(), name.to_string())];
        for environment in Environment::ALL {
            told.push((environment.to_string(), shown(targets.get(&environment))));
            told.push((format!("rollback_to {environment}"), shown(to.get(&environment))));
        }
        told.push(("profiles".to_owned(), self.told_profiles()));
        told.extend(names_group.then(|| ("group".to_owned(), group.clone())));
        let asked =
            |rule: &ApprovalRule| format!("{} of {} (expires {})", rule.count, rule.user_group, rule.expires);
        let others = [
            ("timezone", schedule.zone().to_string()),
            ("openings", openings(schedule)),
            ("soak", soak.to_string()),
            ("adoption", word(adoption)),
            ("health", word(health)),
            ("unknown_after", unknown_after.to_string()),
            ("on_failure", word(on_failure)),
            ("max_devices", shown(max_devices.as_ref())),
            ("allow_downgrade", word(allow_downgrade)),
            ("rollback.step", step.to_string()),
            ("approval", shown(approval.as_ref().map(asked).as_ref())),
        ];
        told.extend(others.map(|(what, value)| (what.to_owned(), value)));
        told
    }

    /// Its profiles in words, in no order of the file.
    pub(crate) fn told_profiles(&self) -> String {
        let profiles: BTreeSet<&ProfileRef> = self.profiles.iter().collect();
        profiles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Whether the plan leaves it to ringward how the ring's group is named.
    pub fn has_default_group(&self) -> bool {
        self.group == self.name.as_str()
    }
}

/// What a plan says of something, in words.
pub(crate) type Told = (String, String);

/// A value in words, where there is one.
pub(super) fn shown<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "none".to_owned(), T::to_string)
}

/// A small value as the log would write it: every difference shows.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default().replace(['"', '{', '}'], "").replace(',', ", ")
}

fn openings(schedule: &Schedule) -> String {
    let words = |opening: &Opening| format!("\"{}\" for {}", opening.cron(), opening.length());
    match schedule.openings() {
        [] => "always".to_owned(),
        openings => openings.iter().map(words).collect::<Vec<_>>().join(", "),
    }
}

/// Which devices a ring's targets may take down to an older version. Shown as people read it in a sentence, and not at
/// all where it allows none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
pub enum AllowDowngrade {
    /// A few at most.
    #[default]
    #[strum(to_string = "")]
    Nothing,
    /// Those that run one of these; read over the first three numbers of a version.
    #[strum(transparent)]
    From(semver::VersionReq),
    /// All.
    #[strum(to_string = "any version")]
    Any,
}

impl AllowDowngrade {
    /// Whether it allows none.
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Whether devices on a version may be taken down.
    pub fn covers(&self, version: ClientVersion) -> bool {
        match self {
            Self::Nothing => false,
            Self::From(range) => range.matches(&version.as_semver()),
            Self::Any => true,
        }
    }
}

/// A device settings profile as a plan names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
pub enum ProfileRef {
    /// The reserved word `default`: the account's default profile.
    #[strum(to_string = "default")]
    Default,
    /// A policy ID (a UUID).
    #[strum(transparent)]
    Id(PolicyId),
    /// A profile's name.
    #[strum(transparent)]
    Named(String),
}

/// The most devices that one write may offer something else; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceLimit(NonZeroU32);

impl DeviceLimit {
    /// A limit; `None` for a limit of no device, under which nothing could ever be written.
    pub fn new(devices: u32) -> Option<Self> {
        NonZeroU32::new(devices).map(Self)
    }

    /// Whether so many devices are more than it allows.
    pub fn is_exceeded_by(self, devices: usize) -> bool {
        !u32::try_from(devices).is_ok_and(|devices| devices <= self.0.get())
    }

    /// The number of devices.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for DeviceLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
