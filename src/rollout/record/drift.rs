//! What somebody else did to a plan's groups and devices.
//!
//! **Invariant:** a drift carries both sides whole, so that it can be judged, put back and accepted
//! from the log alone.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::rollout::record::remote::Group;
use crate::text::{joined, worded};
use crate::time::{SignedDuration, Timestamp, short};
use crate::version::{ClientVersion, Environment};

worded!(DriftKind; DriftStanding);

/// Devices that moved within this long are counted together.
pub const UPDATER_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// So many devices at least are another updater at work; fewer may be somebody's own hands.
pub const UPDATER_DEVICES: usize = 3;

/// More than one in so many of a ring's devices is another updater at work: 10 %.
pub const UPDATER_ONE_IN: usize = 10;

/// So often at most a ring's group is written back in one rollout. Each time its devices go up, down
/// and up again; whoever changes it more often is to be found by a person.
pub const RESTORES_AT_MOST: u32 = 3;

/// The ways in which a plan's groups and devices come to differ from what ringward left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::EnumCount, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum DriftKind {
    /// A group offers other versions.
    VersionChanged,
    /// A group has other profiles.
    PoliciesChanged,
    /// A group is gone.
    GroupDeleted,
    /// A profile of a group sits in another group.
    ProfileMoved,
    /// Devices change their version without an assignment.
    OtherUpdater,
    /// A group has another name; nothing that devices follow changed.
    GroupRenamed,
}

impl DriftKind {
    /// The same in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::VersionChanged => "other versions",
            Self::PoliciesChanged => "other profiles",
            Self::GroupDeleted => "group deleted",
            Self::ProfileMoved => "profile moved to another group",
            Self::OtherUpdater => "another updater",
            Self::GroupRenamed => "group renamed",
        }
    }
}

/// A ring's group is not as ringward left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupDrift {
    pub ring: RingName,
    /// The group as recorded.
    pub expected: Group,
    /// The group as read; `None`: gone.
    pub seen: Option<Group>,
    /// Groups that hold what this one lost; until they let go it cannot be written back.
    #[serde(default)]
    pub elsewhere: Vec<Elsewhere>,
    /// Why a plan that has drift written back does not have this one; `None`: it does, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never: Option<Never>,
}

/// Why a group is never written back as ringward left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Never {
    /// The plan forbids by now what ringward left.
    #[error("it is not written back, for the plan forbids {version} by now ({reason})")]
    Forbidden {
        /// The version, as the group would offer it.
        version: String,
        /// The plan's reason.
        reason: String,
    },
    /// A rollback blocked what ringward left.
    #[serde(rename = "held_out")]
    #[error("it is not written back, for a rollback of plan {plan} blocked {version}")]
    BlockedVersion {
        version: ClientVersion,
        /// The plan that was rolled back.
        plan: PlanName,
    },
    /// A rollout that was never completed left it, and a newer one took over.
    #[error("it is not written back, for a newer target replaced {version} of rollout {rollout}")]
    Superseded {
        version: ClientVersion,
        /// The number of the rollout.
        rollout: u64,
    },
    /// It was written back so often in this rollout that somebody undoes it each time.
    #[error("it was written back {times} times in this rollout, and is not once more")]
    TooOften {
        /// How often.
        times: u32,
    },
}

/// Another group that holds profiles of a changed one, or the name of a deleted one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    pub id: GroupId,
    pub name: String,
    /// The profiles; none: only the name.
    pub policies: BTreeSet<PolicyId>,
}

/// Devices of a ring moved to versions that neither ringward's assignment nor their group explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherUpdater {
    pub ring: RingName,
    /// Windows and macOS devices of the ring.
    pub of: usize,
    /// Those that moved.
    pub moved: usize,
    /// Where to.
    pub versions: Vec<MovedTo>,
    /// Changes seen after this instant are counted.
    pub since: Timestamp,
}

/// How many devices moved to a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedTo {
    /// Their environment.
    pub environment: Environment,
    pub version: ClientVersion,
    /// How many.
    pub devices: usize,
}

/// What somebody else did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// To a group.
    Group(Box<GroupDrift>),
    /// To devices.
    OtherUpdater(Box<OtherUpdater>),
}

/// A drift that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftFinding {
    pub ring: RingName,
    /// Its kind; a group that drifted in two ways has two findings.
    pub kind: DriftKind,
    /// What becomes of it.
    pub standing: DriftStanding,
    /// What it is, for people.
    pub text: String,
}

/// What becomes of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum DriftStanding {
    /// The rollout halts, or is halted, for it.
    Halts,
    /// It is written back as soon as that is possible.
    ToRestore,
    /// A person or the plan accepted it.
    Accepted,
    /// It is told and changes nothing.
    Noted,
}

impl GroupDrift {
    /// In which ways it drifted; none is a drift without one.
    pub fn kinds(&self) -> BTreeSet<DriftKind> {
        let mut kinds = BTreeSet::new();
        let moved: BTreeSet<&PolicyId> = self.elsewhere.iter().flat_map(|group| &group.policies).collect();
        if !moved.is_empty() {
            kinds.insert(DriftKind::ProfileMoved);
        }
        let Some(seen) = &self.seen else {
            kinds.insert(DriftKind::GroupDeleted);
            return kinds;
        };
        let (was, is) = (&self.expected.content, &seen.content);
        if !was.offers_the_same_versions(is) {
            kinds.insert(DriftKind::VersionChanged);
        }
        if was.policies.symmetric_difference(&is.policies).any(|policy| !moved.contains(policy)) {
            kinds.insert(DriftKind::PoliciesChanged);
        }
        kinds
    }

    /// Whether the same was seen: a newer edit of the same content, or a rename, is no news.
    pub fn shows_the_same(&self, other: &Self) -> bool {
        let same_seen = match (&self.seen, &other.seen) {
            (Some(one), Some(two)) => one.id == two.id && one.content.offers_the_same(&two.content),
            (one, two) => one.is_none() && two.is_none(),
        };
        same_seen && self.elsewhere == other.elsewhere
    }
}

impl fmt::Display for GroupDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ring, name) = (&self.ring, &self.expected.content.name);
        match &self.seen {
            Some(seen) => {
                let kinds = joined(self.kinds().into_iter().map(DriftKind::words), ", ");
                let changes = self.expected.content.difference(&seen.content);
                write!(
                    f,
                    "the group of {ring}, `{name}`, was changed by somebody else ({kinds}): {changes}"
                )?;
            }
            None => write!(f, "the group of {ring}, `{name}`, was deleted by somebody else")?,
        }
        for Elsewhere { id, name, policies } in &self.elsewhere {
            let policies: Vec<_> = policies.iter().map(PolicyId::as_str).collect();
            match policies.as_slice() {
                [] => write!(f, "; group `{name}` ({id}) has its name")?,
                [one] => write!(f, "; profile {one} is in group `{name}` ({id})")?,
                many => write!(f, "; profiles {} are in group `{name}` ({id})", many.join(", "))?,
            }
        }
        self.never.iter().try_for_each(|never| write!(f, "; {never}"))
    }
}

impl fmt::Display for OtherUpdater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ring, of, moved, versions, since } = self;
        let to = |to: &MovedTo| format!("{} {} {}", to.devices, to.environment, to.version);
        let versions = joined(versions.iter().map(to), ", ");
        write!(
            f,
            "{moved} of {of} devices of {ring} changed their version since {} though neither ringward nor their \
             group told them to: {versions}",
            short(*since)
        )
    }
}

impl Drift {
    /// The ring that it is about.
    pub const fn ring(&self) -> &RingName {
        match self {
            Self::Group(drift) => &drift.ring,
            Self::OtherUpdater(updater) => &updater.ring,
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(drift) => drift.fmt(f),
            Self::OtherUpdater(updater) => updater.fmt(f),
        }
    }
}
