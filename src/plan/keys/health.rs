//! The keys of `health`, and of its two gates.
//!
//! **Invariant:** both gates take the same two keys, within the same bounds.

use crate::plan::error::Problems;
use crate::plan::grammar::{Absent, Key, Mapping, Takes, ValueKind};
use crate::plan::kinds::{DEVICES, MOST_DEVICES, SHARE, SPAN};
use crate::plan::model::{Health, Percent};
use crate::plan::tree::Node;
use crate::plan::typed_key::TypedKey;
use crate::plan::values::{count, share, span};
use crate::time::Span;

/// A night and a late start are no sign of anything.
const LEAST_AFTER: Span = Span::hours(12);
/// Twice this, with weekends and holidays in between, lies within what is remembered of a device.
const MOST_AFTER: Span = Span::hours(5 * 24);

pub(super) const HEALTH_KEY: Key = Key {
    name: "health",
    takes: Takes::Keys(&HEALTH),
    absent: Absent::Means("the values of `defaults`, then those built in"),
    doc: "When the ring's devices say that something is wrong, from their assignment on until the rollout is over. It fills key by key, as `adoption` does.",
    example: "health: {stalled: {at_most: 10%, after: 24h}, dark: {at_most: 2%, after: 24h}, min_devices: 30}",
};

pub(in crate::plan) const MIN_DEVICES: TypedKey<u32> = TypedKey {
    name: "min_devices",
    takes: Takes::Value(&DEVICES),
    absent: Absent::Value(|| Health::BUILT_IN.min_devices.to_string()),
    doc: "With fewer devices than this in an environment, neither is judged: the gate is exempt, and says so.",
    example: "min_devices: 30",
    read: |node, what, problems| Some(count(node, what, "devices", MOST_DEVICES, problems)?.get()),
};
/// When a ring's devices say that something is wrong.
pub(in crate::plan) const HEALTH: Mapping = Mapping {
    of: "`health`",
    name: "health",
    doc: "When a ring's devices say that something is wrong, judged in each environment by itself, in every ring that is entered, until the rollout is over. A gate that fails halts the rollout; `ringward resume` accepts the devices found so far, and only new ones halt it again.",
    keys: &[
        Key {
            name: "stalled",
            takes: Takes::Keys(&STALLED),
            absent: Absent::Means("the values built in"),
            doc: "Devices that are online and do not take the new version.",
            example: "stalled: {at_most: 10%, after: 24h}",
        },
        Key {
            name: "dark",
            takes: Takes::Keys(&DARK),
            absent: Absent::Means("the values built in"),
            doc: "Devices that took the new version and were not seen again, compared with those of the rings not entered yet.",
            example: "dark: {at_most: 2%, after: 24h}",
        },
        MIN_DEVICES.key(),
    ],
    later: &[],
    elsewhere: &[
        ("at_most", "write it under `stalled` or `dark`"),
        ("after", "write it under `stalled` or `dark`"),
        ("soak", "write it next to `health`"),
    ],
};

const fn share_key(built_in: fn() -> String, doc: &'static str, example: &'static str) -> TypedKey<Percent> {
    TypedKey {
        name: "at_most",
        takes: Takes::Value(&SHARE),
        absent: Absent::Value(built_in),
        doc,
        example,
        read: |node, what, problems| share(node, what, "halt for a single device", problems),
    }
}

const fn after_key(built_in: fn() -> String, doc: &'static str, example: &'static str) -> TypedKey<Span> {
    const KIND: ValueKind =
        ValueKind { bound: Some(|| format!("from {LEAST_AFTER} to {MOST_AFTER}")), ..SPAN };
    let read = |node: &Node, what: &str, problems: &mut Problems| {
        let why = "a laptop that is off overnight would count";
        let length = span(node, what, LEAST_AFTER, why, problems)?;
        if length > MOST_AFTER {
            let problem =
                format!("{what} is too long: what is remembered of a device would not reach back so far");
            problems.wrong(&node.at, problem, format!("write at most {MOST_AFTER}"));
            return None;
        }
        Some(length)
    };
    TypedKey {
        name: "after",
        takes: Takes::Value(&KIND),
        absent: Absent::Value(built_in),
        doc,
        example,
        read,
    }
}

pub(in crate::plan) const STALLED_AT_MOST: TypedKey<Percent> = share_key(
    || Health::BUILT_IN.stalled.at_most.to_string(),
    "The share of the devices seen since their assignment that may be stalled.",
    "at_most: 10%",
);
pub(in crate::plan) const STALLED_AFTER: TypedKey<Span> = after_key(
    || Health::BUILT_IN.stalled.after.to_string(),
    "How long a device may take, from its own first sighting after it was told, before it counts as stalled.",
    "after: 24h",
);

/// Devices that do not take the new version.
pub(in crate::plan) const STALLED: Mapping = Mapping {
    of: "`stalled`",
    name: "stalled",
    doc: "Devices that are online and do not take the new version: Cloudflare reports no failed installation, so this is how one shows.",
    keys: &[STALLED_AT_MOST.key(), STALLED_AFTER.key()],
    later: &[],
    elsewhere: &[("min_devices", "write it next to `stalled`")],
};

pub(in crate::plan) const DARK_AT_MOST: TypedKey<Percent> = share_key(
    || Health::BUILT_IN.dark.at_most.to_string(),
    "By how much the silent share of the ring may be above that of the rings not entered yet; a difference that chance explains does not count.",
    "at_most: 2%",
);
pub(in crate::plan) const DARK_AFTER: TypedKey<Span> = after_key(
    || Health::BUILT_IN.dark.after.to_string(),
    "How long a device must be silent, in hours that count; it is looked for once after this time and once after twice of it.",
    "after: 24h",
);

/// Devices that went silent.
pub(in crate::plan) const DARK: Mapping = Mapping {
    of: "`dark`",
    name: "dark",
    doc: "Devices that took the new version and went silent. It is looked at each evening at 20:00 in the ring's zone, or when it is 20:00 in all zones of the rings not entered yet, over hours that count: frozen days do not, nor do days on which the rings not entered yet are mostly away, such as weekends.",
    keys: &[DARK_AT_MOST.key(), DARK_AFTER.key()],
    later: &[],
    elsewhere: &[("min_devices", "write it next to `dark`")],
};
