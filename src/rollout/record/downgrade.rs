//! Who is moved from which version, as people are shown and the log keeps it.
//!
//! **Invariant:** the numbers that the gate judges are those that people are shown and the log keeps.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::model::{AllowDowngrade, Percent};
use crate::version::{ClientVersion, Environment};

/// A larger share than this is no chance.
const AT_MOST: Percent = Percent::whole(5);

/// So few people may try a beta, whatever the share.
const AT_LEAST: usize = 3;

/// Where the devices of one environment of a ring come from, of those seen in the last 7 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moves {
    /// The version that they are offered.
    pub to: ClientVersion,
    /// How many devices were seen.
    pub seen: usize,
    /// How many of them run another version, by version; those below 2026.6 do not move.
    pub from: BTreeMap<ClientVersion, usize>,
    /// How many of those run a version that a rollback took back from them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taken_back: BTreeMap<ClientVersion, usize>,
}

/// By environment.
pub type AllMoves = BTreeMap<Environment, Moves>;

impl Moves {
    /// How many go down.
    pub fn down(&self) -> usize {
        self.newer().map(|(_, devices)| devices).sum()
    }

    pub(crate) fn newer(&self) -> impl Iterator<Item = (ClientVersion, usize)> {
        let newer = self.from.iter().filter(|(version, _)| **version > self.to);
        newer.map(|(version, devices)| (*version, *devices))
    }

    /// How many go down that nobody allowed to, those aside that were to go back anyway.
    pub fn unasked(&self, allowed: &AllowDowngrade) -> usize {
        let taken_back = |version| self.taken_back.get(&version).copied().unwrap_or_default();
        let others = self.newer().filter(|(version, _)| !allowed.covers(*version));
        others.map(|(version, devices)| devices.saturating_sub(taken_back(version))).sum()
    }

    /// Whether so many would go down unasked that the ring waits.
    pub fn is_too_many(&self, allowed: &AllowDowngrade) -> bool {
        let unasked = self.unasked(allowed);
        unasked >= AT_LEAST && AT_MOST.exceeded_by(unasked, self.seen)
    }
}

impl fmt::Display for Moves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from: Vec<String> =
            self.from.iter().rev().map(|(version, devices)| format!("{devices} from {version}")).collect();
        let from = if from.is_empty() { "0 devices".to_owned() } else { from.join(", ") };
        write!(f, "{from} → {}; {} of them down", self.to, self.down())
    }
}

/// Where the devices of an environment come from, beside how many were seen.
pub fn of_seen(environment: Environment, seen: usize, moves: impl fmt::Display) -> String {
    format!("{environment}, of {seen} devices seen in 7 days: {moves}")
}

/// What the gate saw, beside what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Downgrade {
    /// Where the devices come from.
    pub moves: Moves,
    /// `allow_downgrade` as the plan has it, for people; empty where it allows none.
    pub allowed: String,
}

impl Downgrade {
    /// What would be enough, for people.
    pub fn threshold(&self) -> String {
        let Self { moves, allowed } = self;
        let besides =
            if allowed.is_empty() { String::new() } else { format!(" besides those from {allowed}") };
        format!(
            "fewer than {AT_LEAST}, or at most {AT_MOST} of the {} seen in 7 days, go down{besides}",
            moves.seen
        )
    }
}
