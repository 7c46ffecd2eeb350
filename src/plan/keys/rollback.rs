//! The keys of `rollback`.
//!
//! **Invariant:** a step is long enough for devices to come back.

use std::collections::BTreeMap;

use crate::plan::{Absent, Mapping, Takes, TypedKey, ValueKind};
use crate::version::{ClientVersion, Environment};
use crate::{
    plan::kinds::SPAN, plan::model::RollbackRules, plan::typed_key::keys, plan::values::span, time::Span,
};

/// Cloudflare takes up to 15 minutes to notify a device, which then installs.
const LEAST_STEP: Span = Span::minutes(30);

keys! {
    /// How a ring is rolled back.
    RollbackKeys of ROLLBACK {
        step: Span = TypedKey {
            takes: Takes::Value(&ValueKind { bound: Some(|| format!("at least {LEAST_STEP}")), ..SPAN }),
            absent: Absent::Value(|| RollbackRules::BUILT_IN_STEP.to_string()),
            doc: "How long the ring's devices have to come back. The ring before it follows as soon as `adoption.at_least` of them are back, and after this time whatever is missing.",
            example: "step: 2h",
            read: |node, what, problems| {
                let why = "Cloudflare needs 15m to notify a device, which then installs";
                span(node, what, LEAST_STEP, why, problems)
            },
        },
    }
}

const ROLLBACK: Mapping = Mapping {
    of: "`rollback`",
    name: "rollback",
    doc: "How a ring is rolled back, once somebody asks for it: latest ring first, one at a time.",
    keys: RollbackKeys::ALL,
    later: &[],
    elsewhere: |key| (key == "to").then_some("write `rollback_to` beside `rollback`"),
};

impl RollbackKeys {
    /// A ring's, filled from `defaults` and what is built in, with where it goes back to.
    pub(super) fn filled(&self, defaults: &Self, to: BTreeMap<Environment, ClientVersion>) -> RollbackRules {
        RollbackRules { step: self.step.or(&defaults.step).unwrap_or(RollbackRules::BUILT_IN_STEP), to }
    }
}
