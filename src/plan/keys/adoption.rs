//! The keys of `adoption`.
//!
//! **Invariant:** a share of nothing is refused: it would pass without a single device.

use crate::plan::grammar::{Absent, Key, Mapping, Takes, ValueKind};
use crate::plan::kinds::{SHARE, SPAN};
use crate::plan::model::{Adoption, Percent};
use crate::plan::typed_key::TypedKey;
use crate::plan::values::{share, span};
use crate::time::Span;

/// Cloudflare takes up to 15 minutes to notify a device, which then downloads and installs.
const LEAST_WITHIN: Span = Span::hours(1);
/// What a share of nothing would do.
const NOBODY: &str = "pass without a single device";

pub(super) const ADOPTION_KEY: Key = Key {
    name: "adoption",
    takes: Takes::Keys(&ADOPTION),
    absent: Absent::Means("the values of `defaults`, then those built in"),
    doc: "When the ring counts as having taken its targets. A ring that writes only some of its keys takes the others from `defaults`.",
    example: "adoption: {at_least: 90%, within: 7d, seen_at_least: 60%}",
};
pub(in crate::plan) const AT_LEAST: TypedKey<Percent> = TypedKey {
    name: "at_least",
    takes: Takes::Value(&SHARE),
    absent: Absent::Value(|| Adoption::BUILT_IN.at_least.to_string()),
    doc: "The share of the devices seen since their assignment that must run the target.",
    example: "at_least: 90%",
    read: |node, what, problems| share(node, what, NOBODY, problems),
};
pub(in crate::plan) const WITHIN: TypedKey<Span> = TypedKey {
    name: "within",
    takes: Takes::Value(&ValueKind { bound: Some(|| format!("at least {LEAST_WITHIN}")), ..SPAN }),
    absent: Absent::Value(|| Adoption::BUILT_IN.within.to_string()),
    doc: "The deadline, from the assignment on. After it the ring has failed. It stands still in freezes and holds.",
    example: "within: 7d",
    read: |node, what, problems| {
        let why = "Cloudflare needs 15m to notify a device, which then installs";
        span(node, what, LEAST_WITHIN, why, problems)
    },
};
pub(in crate::plan) const SEEN_AT_LEAST: TypedKey<Percent> = TypedKey {
    name: "seen_at_least",
    takes: Takes::Value(&SHARE),
    absent: Absent::Value(|| Adoption::BUILT_IN.seen_at_least.to_string()),
    doc: "The share of the devices active in the week before the assignment that must have been seen since.",
    example: "seen_at_least: 60%",
    read: |node, what, problems| share(node, what, NOBODY, problems),
};

/// When a ring counts as having taken its targets.
pub(in crate::plan) const ADOPTION: Mapping = Mapping {
    of: "`adoption`",
    name: "adoption",
    doc: "When the ring counts as having taken its targets, judged in each environment by itself.",
    keys: &[AT_LEAST.key(), WITHIN.key(), SEEN_AT_LEAST.key()],
    later: &[],
    elsewhere: &[("soak", "write it next to `adoption`")],
};
