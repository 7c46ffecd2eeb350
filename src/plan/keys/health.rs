//! The keys of `health`.

use crate::plan::grammar::{Absent, Key, Mapping, Takes};
use crate::plan::kinds::{DEVICES, HEALTH_SPAN, SHARE};
use crate::plan::model::Health;

pub(super) const HEALTH_KEY: Key = Key {
    name: "health",
    takes: Takes::Keys(&HEALTH),
    absent: Absent::Means("the values of `defaults`, then those built in"),
    doc: "When the ring's devices say that something is wrong, from their assignment on until the rollout is over. It fills key by key, as `adoption` does.",
    example: "health: {stalled: {at_most: 10%, after: 24h}, dark: {at_most: 2%, after: 24h}, min_devices: 30}",
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
        Key {
            name: "min_devices",
            takes: Takes::Value(&DEVICES),
            absent: Absent::Value(|| Health::BUILT_IN.min_devices.to_string()),
            doc: "With fewer devices than this in an environment, neither is judged: the gate is exempt, and says so.",
            example: "min_devices: 30",
        },
    ],
    later: &[],
    elsewhere: &[
        ("at_most", "write it under `stalled` or `dark`"),
        ("after", "write it under `stalled` or `dark`"),
        ("soak", "write it next to `health`"),
    ],
};

/// Devices that do not take the new version.
pub(in crate::plan) const STALLED: Mapping = Mapping {
    of: "`stalled`",
    name: "stalled",
    doc: "Devices that are online and do not take the new version: Cloudflare reports no failed installation, so this is how one shows.",
    keys: &[
        Key {
            name: "at_most",
            takes: Takes::Value(&SHARE),
            absent: Absent::Value(|| Health::BUILT_IN.stalled.at_most.to_string()),
            doc: "The share of the devices seen since their assignment that may be stalled.",
            example: "at_most: 10%",
        },
        Key {
            name: "after",
            takes: Takes::Value(&HEALTH_SPAN),
            absent: Absent::Value(|| Health::BUILT_IN.stalled.after.to_string()),
            doc: "How long a device may take, from its own first sighting after it was told, before it counts as stalled.",
            example: "after: 24h",
        },
    ],
    later: &[],
    elsewhere: &[("min_devices", "write it next to `stalled`")],
};

/// Devices that went silent.
pub(in crate::plan) const DARK: Mapping = Mapping {
    of: "`dark`",
    name: "dark",
    doc: "Devices that took the new version and went silent. It is looked at each evening at 20:00 in the ring's zone, or when it is 20:00 in all zones of the rings not entered yet, over hours that count: frozen days do not, nor do days on which the rings not entered yet are mostly away, such as weekends.",
    keys: &[
        Key {
            name: "at_most",
            takes: Takes::Value(&SHARE),
            absent: Absent::Value(|| Health::BUILT_IN.dark.at_most.to_string()),
            doc: "By how much the silent share of the ring may be above that of the rings not entered yet; a difference that chance explains does not count.",
            example: "at_most: 2%",
        },
        Key {
            name: "after",
            takes: Takes::Value(&HEALTH_SPAN),
            absent: Absent::Value(|| Health::BUILT_IN.dark.after.to_string()),
            doc: "How long a device must be silent, in hours that count; it is looked for once after this time and once after twice of it.",
            example: "after: 24h",
        },
    ],
    later: &[],
    elsewhere: &[("min_devices", "write it next to `dark`")],
};
