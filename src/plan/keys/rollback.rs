//! The keys of a rollback.

use super::NO_ASSIGNMENTS;
use crate::plan::grammar::{Absent, Key, Mapping, Takes};
use crate::plan::kinds::{STEP_SPAN, VERSION};
use crate::plan::model::RollbackRules;

pub(super) const ROLLBACK_KEY: Key = Key {
    name: "rollback",
    takes: Takes::Keys(&ROLLBACK),
    absent: Absent::Means("the values of `defaults`, then those built in"),
    doc: "How the ring is rolled back, once somebody asks for it.",
    example: "rollback: {step: 2h}",
};
pub(super) const ROLLBACK_TO_KEY: Key = Key {
    name: "rollback_to",
    takes: Takes::Keys(&ROLLBACK_TO),
    absent: Absent::Means("the versions of `defaults`, else none"),
    doc: "Where to roll back to, per environment, when the log knows neither a version on which the ring was verified before nor what its group offered before this rollout: a group that ringward created, say. Without it such a ring cannot be rolled back.",
    example: "rollback_to: {windows: 2026.6.822.0, macos: 2026.6.822.0}",
};

/// How a ring is rolled back.
pub(in crate::plan) const ROLLBACK: Mapping = Mapping {
    of: "`rollback`",
    name: "rollback",
    doc: "How a ring is rolled back, once somebody asks for it: latest ring first, one at a time.",
    keys: &[Key {
        name: "step",
        takes: Takes::Value(&STEP_SPAN),
        absent: Absent::Value(|| RollbackRules::BUILT_IN_STEP.to_string()),
        doc: "How long the ring's devices have to come back. The ring before it follows as soon as `adoption.at_least` of them are back, and after this time whatever is missing.",
        example: "step: 2h",
    }],
    later: &[],
    elsewhere: &[("to", "write `rollback_to` beside `rollback`")],
};

/// Where to roll back to.
pub(in crate::plan) const ROLLBACK_TO: Mapping = Mapping {
    of: "`rollback_to`",
    name: "rollback_to",
    doc: "Versions to roll back to, of which the log knows nothing.",
    keys: &[
        Key {
            name: "windows",
            takes: Takes::Value(&VERSION),
            absent: Absent::Means("none for Windows from here"),
            doc: "For Windows devices.",
            example: "windows: 2026.6.822.0",
        },
        Key {
            name: "macos",
            takes: Takes::Value(&VERSION),
            absent: Absent::Means("none for macOS from here"),
            doc: "For macOS devices.",
            example: "macos: 2026.6.822.0",
        },
    ],
    later: &[],
    elsewhere: &[("linux", NO_ASSIGNMENTS)],
};
