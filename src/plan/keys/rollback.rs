//! The keys of `rollback`.
//!
//! **Invariant:** a step is long enough for devices to come back.

use std::collections::BTreeMap;

use crate::plan::typed_key::{keys, span_key};
use crate::plan::{Absent, model::RollbackRules};
use crate::time::Span;
use crate::version::{ClientVersion, Environment};

/// Cloudflare takes up to 15 minutes to notify a device, which then installs.
const LEAST_STEP: Span = Span::minutes(30);

keys! {
    /// How a ring is rolled back, once somebody asks for it: latest ring first, one at a time.
    RollbackKeys("`rollback`", "rollback") {
        /// How long the ring's devices have to come back. The ring before it follows as soon as
        /// `adoption.at_least` of them are back, and after this time whatever is missing.
        step: Span = span_key!(
            LEAST_STEP, "Cloudflare needs 15m to notify a device, which then installs",
            Absent::Value(|| RollbackRules::BUILT_IN_STEP.to_string()), "step: 2h"
        ),
    }
    elsewhere |key| (key == "to").then_some("write `rollback_to` beside `rollback`")
}

impl RollbackKeys {
    /// A ring's, filled from `defaults` and what is built in, with where it goes back to.
    pub(super) fn filled(&self, defaults: &Self, to: BTreeMap<Environment, ClientVersion>) -> RollbackRules {
        RollbackRules { step: self.step.or(&defaults.step).unwrap_or(RollbackRules::BUILT_IN_STEP), to }
    }
}
