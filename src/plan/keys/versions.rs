//! Versions per environment: the targets of a ring, and where it is rolled back to.
//!
//! **Invariant:** the keys of both are the names of the environments.

use crate::plan::grammar::{Absent, Key, Mapping, Takes};
use crate::plan::keys::elsewhere::NO_ASSIGNMENTS;
use crate::plan::kinds::VERSION;

pub(super) const VERSIONS_KEY: Key = Key {
    name: "versions",
    takes: Takes::Keys(&VERSIONS),
    absent: Absent::Means("the versions of `defaults`, then those at the top of the file"),
    doc: "The target version per environment. An environment that is named nowhere is left alone. Each ring needs at least one target, from here, from `defaults` or from the top of the file.",
    example: "versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}",
};
pub(super) const ROLLBACK_TO_KEY: Key = Key {
    name: "rollback_to",
    takes: Takes::Keys(&ROLLBACK_TO),
    absent: Absent::Means("the versions of `defaults`, else none"),
    doc: "Where to roll back to, per environment, when the log knows neither a version on which the ring was verified before nor what its group offered before this rollout: a group that ringward created, say. Without it such a ring cannot be rolled back.",
    example: "rollback_to: {windows: 2026.6.822.0, macos: 2026.6.822.0}",
};

const fn version(name: &'static str, absent: &'static str, doc: &'static str, example: &'static str) -> Key {
    Key { name, takes: Takes::Value(&VERSION), absent: Absent::Means(absent), doc, example }
}

/// Targets per environment.
pub(in crate::plan) const VERSIONS: Mapping = Mapping {
    of: "`versions`",
    name: "versions",
    doc: "Target versions per environment. Devices on a newer version are taken back to it: Cloudflare installs downgrades as silently as upgrades.",
    keys: &[
        version(
            "windows",
            "no target for Windows from here",
            "The target of Windows devices.",
            "windows: 2026.8.2100.0",
        ),
        version(
            "macos",
            "no target for macOS from here",
            "The target of macOS devices.",
            "macos: 2026.8.2100.0",
        ),
    ],
    later: &[],
    elsewhere: &[
        ("mac", "write `macos`"),
        ("osx", "write `macos`"),
        ("darwin", "write `macos`"),
        ("win", "write `windows`"),
        ("linux", NO_ASSIGNMENTS),
        ("ios", NO_ASSIGNMENTS),
        ("android", NO_ASSIGNMENTS),
        ("chromeos", NO_ASSIGNMENTS),
    ],
};

/// Where to roll back to.
pub(in crate::plan) const ROLLBACK_TO: Mapping = Mapping {
    of: "`rollback_to`",
    name: "rollback_to",
    doc: "Versions to roll back to, of which the log knows nothing.",
    keys: &[
        version("windows", "none for Windows from here", "For Windows devices.", "windows: 2026.6.822.0"),
        version("macos", "none for macOS from here", "For macOS devices.", "macos: 2026.6.822.0"),
    ],
    later: &[],
    elsewhere: &[("linux", NO_ASSIGNMENTS)],
};
