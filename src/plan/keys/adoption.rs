//! The keys of `adoption`.
//!
//! **Invariant:** a share of nothing is refused: it would pass without a single device.

use crate::plan::model::{Adoption, Percent};
use crate::plan::typed_key::{keys, span_key, value};
use crate::plan::{Absent, kinds::SHARE, values::share};
use crate::time::Span;

/// Cloudflare takes up to 15 minutes to notify a device, which then downloads and installs.
const LEAST_WITHIN: Span = Span::hours(1);
/// What a share of nothing would do.
const NOBODY: &str = "pass without a single device";

keys! {
    /// When the ring counts as having taken its targets, judged in each environment by itself.
    AdoptionKeys("`adoption`", "adoption") {
        /// The share of the devices seen since their assignment that must run the target.
        at_least: Percent = value(
            &SHARE, Absent::Value(|| Adoption::BUILT_IN.at_least.to_string()),
            "at_least: 90%", |node, what, problems| share(node, what, NOBODY, problems),
        ),
        /// The deadline, from the assignment on. After it the ring has failed. It stands still in a freeze,
        /// and while the plan is paused or halted.
        within: Span = span_key!(
            LEAST_WITHIN, "Cloudflare needs 15m to notify a device, which then installs",
            Absent::Value(|| Adoption::BUILT_IN.within.to_string()), "within: 7d"
        ),
        /// The share of the devices active in the week before the assignment that must have been seen since.
        seen_at_least: Percent = value(
            &SHARE, Absent::Value(|| Adoption::BUILT_IN.seen_at_least.to_string()),
            "seen_at_least: 60%", |node, what, problems| share(node, what, NOBODY, problems),
        ),
    }
    elsewhere |key| (key == "soak").then_some("write it next to `adoption`")
}

impl AdoptionKeys {
    /// A ring's, filled from `defaults` and what is built in.
    pub(super) fn filled(&self, defaults: &Self) -> Adoption {
        let Adoption { at_least, within, seen_at_least } = Adoption::BUILT_IN;
        Adoption {
            at_least: self.at_least.or(&defaults.at_least).unwrap_or(at_least),
            within: self.within.or(&defaults.within).unwrap_or(within),
            seen_at_least: self.seen_at_least.or(&defaults.seen_at_least).unwrap_or(seen_at_least),
        }
    }
}
