//! Versions per environment: the targets of a ring, and where it is rolled back to.
//!
//! **Invariant:** the keys of both are the names of the environments.

use std::collections::BTreeMap;

use crate::plan::{Absent, Fields, Key, Mapping, Node, Problems, Takes, TypedKey, Written};
use crate::version::{ClientVersion, Environment, each_environment};
use crate::{plan::keys::elsewhere::NO_ASSIGNMENTS, plan::kinds::VERSION, plan::values::target};

/// A mapping of versions as written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Targets {
    pub(in crate::plan) written: Vec<(Environment, Written<ClientVersion>)>,
    /// Whether a problem was noted in it, so that a target may be meant that is not `written`.
    is_doubtful: bool,
}

pub(super) const VERSIONS_KEY: TypedKey<Targets> = TypedKey {
    takes: Takes::Keys(&VERSIONS),
    absent: Absent::Shared {
        ring: "the versions of `defaults`, then those at the top of the file",
        defaults: "the versions at the top of the file",
    },
    example: "versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}",
    read: |node, _, problems| Some(Targets::read(node, &VERSIONS, problems)),
};

pub(super) const ROLLBACK_TO_KEY: TypedKey<Targets> = TypedKey {
    takes: Takes::Keys(&ROLLBACK_TO),
    absent: Absent::Shared { ring: "the versions of `defaults`, else none", defaults: "none" },
    example: "rollback_to: {windows: 2026.6.822.0, macos: 2026.6.822.0}",
    read: |node, _, problems| Some(Targets::read(node, &ROLLBACK_TO, problems)),
};

const fn version(name: &'static str, absent: &'static str, doc: &'static str, example: &'static str) -> Key {
    Key { name, takes: Takes::Value(&VERSION), absent: Absent::Means(absent), doc, example }
}

macro_rules! version_keys {
    ($($(#[$doc:meta])* $environment:ident $name:literal $shown:literal $spellings:tt;)+) => {
        const TARGETS: &[Key] = &[$(version(
            $name,
            concat!("no target for ", $shown, " from here"),
            concat!("The target of ", $shown, " devices."),
            concat!($name, ": 2026.8.2100.0"),
        ),)+];
        const TARGETS_TO_GO_BACK_TO: &[Key] = &[$(version(
            $name,
            concat!("none for ", $shown, " from here"),
            concat!("For ", $shown, " devices."),
            concat!($name, ": 2026.6.822.0"),
        ),)+];
    };
}
each_environment!(version_keys);

/// Targets per environment.
const VERSIONS: Mapping = Mapping {
    of: "`versions`",
    name: "versions",
    doc: "Target versions per environment. Devices on a newer version are taken back to it: Cloudflare installs downgrades as silently as upgrades.",
    keys: TARGETS,
    later: &[],
    elsewhere: |key| match key {
        "mac" | "osx" | "darwin" => Some("write `macos`"),
        "win" => Some("write `windows`"),
        "linux" | "ios" | "android" | "chromeos" => Some(NO_ASSIGNMENTS),
        _ => None,
    },
};

/// Where to roll back to.
const ROLLBACK_TO: Mapping = Mapping {
    of: "`rollback_to`",
    name: "rollback_to",
    doc: "Versions to roll back to, of which the log knows nothing.",
    keys: TARGETS_TO_GO_BACK_TO,
    later: &[],
    elsewhere: |key| (key == "linux").then_some(NO_ASSIGNMENTS),
};

impl Targets {
    /// Reads versions per environment; a refused version still says that its environment is written.
    fn read(node: &Node, below: &'static Mapping, problems: &mut Problems) -> Self {
        let before = problems.count();
        let read = Fields::of(node, below, problems);
        let target = |environment: Environment| {
            let node = read.as_ref()?.get(environment.as_str())?;
            let (value, at) = (target(node, problems), Some(node.at.clone()));
            Some((environment, Written { value, at, is_misspelt: false }))
        };
        let written = Environment::ALL.into_iter().filter_map(target).collect();
        Self { written, is_doubtful: problems.count() > before }
    }
}

impl Written<Targets> {
    /// What is written, environment by environment.
    pub(in crate::plan) fn each(&self) -> impl Iterator<Item = &(Environment, Written<ClientVersion>)> {
        self.value.iter().flat_map(|targets| &targets.written)
    }

    /// Whether a target may be meant that is not written.
    pub(in crate::plan) fn is_doubtful(&self) -> bool {
        self.is_misspelt || self.value.as_ref().is_some_and(|targets| targets.is_doubtful)
    }
}

/// The targets of a ring: each list overlays those before it; `None`: refused.
pub(in crate::plan) fn overlaid(
    layers: [&Written<Targets>; 3],
) -> BTreeMap<Environment, Option<ClientVersion>> {
    let written = layers.into_iter().flat_map(Written::each);
    written.map(|(environment, target)| (*environment, target.value)).collect()
}

/// The same of what can be read alone.
pub(in crate::plan) fn readable(layers: [&Written<Targets>; 2]) -> BTreeMap<Environment, ClientVersion> {
    let written = layers.into_iter().flat_map(Written::each);
    written.filter_map(|(environment, target)| Some((*environment, target.value?))).collect()
}
