//! The keys of a ring, and those of them that `defaults` have as well.
//!
//! **Invariant:** `defaults` have every key of a ring but those that tell rings apart.

use crate::plan::grammar::{Absent, Key, Mapping, Takes, ValueKind};
use crate::plan::keys::adoption::ADOPTION_KEY;
use crate::plan::keys::approval::APPROVAL_KEY;
use crate::plan::keys::elsewhere::{
    AT_THE_TOP, IN_EACH_RING, OF_A_HEALTH_GATE, UNDER_ADOPTION, UNDER_APPROVAL, UNDER_HEALTH, UNDER_ROLLBACK,
    UNDER_SCHEDULE, UNDER_VERSIONS,
};
use crate::plan::keys::health::HEALTH_KEY;
use crate::plan::keys::rollback::ROLLBACK_KEY;
use crate::plan::keys::schedule::SCHEDULE_KEY;
use crate::plan::keys::versions::{ROLLBACK_TO_KEY, VERSIONS_KEY};
use crate::plan::kinds::{DEVICES, DOWNGRADES, MOST_DEVICES, PROFILE, SPAN, TEXT, ZONE};
use crate::plan::model::{AllowDowngrade, DeviceLimit, OnFailure, RingPlan};
use crate::plan::typed_key::{TypedKey, WordValue, default_word, word_key};
use crate::plan::values::{allow_downgrade, count, owned_text, span};
use crate::plan::zones::zone;
use crate::schedule::Zone;
use crate::time::Span;

/// The most profiles of one plan, all rings together.
pub const MAX_PROFILES: usize = 1_000;
/// A soak is at least so much longer than `dark.after`: devices that went dark show only after
/// that, and the day on top leaves time for a look.
pub(in crate::plan) const SIGHT_OF_DARK: Span = Span::hours(24);
/// One answer that went missing is not a reason to halt.
const LEAST_UNKNOWN_AFTER: Span = Span::minutes(15);

/// Keys whose features are not built yet.
pub(super) const LATER: &[&str] = &["checks"];

const ZONE_BUILT_IN: fn() -> String = || Zone::utc().to_string();
const SOAK_BUILT_IN: fn() -> String = || RingPlan::BUILT_IN_SOAK.to_string();
const UNKNOWN_AFTER_BUILT_IN: fn() -> String = || RingPlan::BUILT_IN_UNKNOWN_AFTER.to_string();

impl WordValue for OnFailure {
    const WORDS: &'static [(&'static str, Self)] = &[("halt", Self::Halt)];
    const LATER: &'static [&'static str] = &["rollback"];
}

pub(in crate::plan) const NAME: TypedKey<String> = TypedKey {
    name: "name",
    takes: Takes::Value(&TEXT),
    absent: Absent::Refused,
    doc: "The ring's name in messages, metrics and the log. Unique in the plan.",
    example: "name: Early adopters",
    read: |node, _, problems| owned_text(node, "a ring's name", problems),
};
pub(in crate::plan) const WAS: TypedKey<String> = TypedKey {
    name: "was",
    takes: Takes::Value(&TEXT),
    absent: Absent::Means("the ring that has the same profiles, else the same name"),
    doc: "The name that the ring had before, for an edit that changes its name and its profiles at once: it keeps its group. A ring whose name alone changes needs no such key.",
    example: "was: Pilot",
    read: owned_text,
};
pub(in crate::plan) const GROUP: TypedKey<String> = TypedKey {
    name: "group",
    takes: Takes::Value(&TEXT),
    absent: Absent::Means("the ring's name"),
    doc: "The name of the deployment group at Cloudflare. Without this key a number is added when a group of another ring of the plan has the name.",
    example: "group: Early adopters (ringward)",
    read: owned_text,
};
pub(in crate::plan) const TIMEZONE: TypedKey<Zone> = TypedKey {
    name: "timezone",
    takes: Takes::Value(&ZONE),
    absent: Absent::Value(ZONE_BUILT_IN),
    doc: "The zone in which openings and freezes are read.",
    example: "timezone: Europe/Lisbon",
    read: zone,
};
/// How long is long enough depends on `dark.after`, which may stand elsewhere.
pub(in crate::plan) const SOAK: TypedKey<Span> = TypedKey {
    name: "soak",
    takes: Takes::Value(&ValueKind {
        bound: Some(|| format!("at least {SIGHT_OF_DARK} more than `dark.after`")),
        ..SPAN
    }),
    absent: Absent::Value(SOAK_BUILT_IN),
    doc: "How long an adopted ring runs before the next one may follow. It counts only if half of the arrived devices were seen again on a later day.",
    example: "soak: 72h",
    read: |node, what, problems| span(node, what, Span::hours(0), "", problems),
};
pub(in crate::plan) const UNKNOWN_AFTER: TypedKey<Span> = TypedKey {
    name: "unknown_after",
    takes: Takes::Value(&ValueKind { bound: Some(|| format!("at least {LEAST_UNKNOWN_AFTER}")), ..SPAN }),
    absent: Absent::Value(UNKNOWN_AFTER_BUILT_IN),
    doc: "How long a gate may be unable to tell, for want of answers, before the rollout halts.",
    example: "unknown_after: 6h",
    read: |node, what, problems| {
        let why = "a single missed answer would halt the rollout";
        span(node, what, LEAST_UNKNOWN_AFTER, why, problems)
    },
};
pub(in crate::plan) const ON_FAILURE: TypedKey<OnFailure> = word_key(
    "on_failure",
    "What a failing gate does: `halt` stops writing and waits for a person.",
    "on_failure: halt",
);
pub(in crate::plan) const MAX_DEVICES: TypedKey<DeviceLimit> = TypedKey {
    name: "max_devices",
    takes: Takes::Value(&DEVICES),
    absent: Absent::Means("no limit"),
    doc: "The most devices that one write for the ring may offer something else. It is checked twice: by ringward's own count when the write is planned, and by a count of its own, read afresh from Cloudflare, just before the write is sent. A write of more is not sent, and nobody can waive that. Devices with a client below 2026.6 ignore assignments and do not count.",
    example: "max_devices: 25000",
    read: |node, what, problems| {
        DeviceLimit::new(count(node, what, "devices", MOST_DEVICES, problems)?.get())
    },
};
pub(in crate::plan) const ALLOW_DOWNGRADE: TypedKey<AllowDowngrade> = TypedKey {
    name: "allow_downgrade",
    takes: Takes::Value(&DOWNGRADES),
    absent: Absent::Means("no device"),
    doc: "Which devices the targets may take down to an older version, by what they run. Without it a ring waits (`would_downgrade`) when at least 3 of its devices of an environment, and more than 5% of those seen in the last 7 days, run something newer than the target; devices on a version that a rollback took back from them are not counted. With a range, devices that it does not cover are counted as before. It is asked on entering a ring; nobody can waive it.",
    example: "allow_downgrade: '<=2026.8.2100'",
    read: allow_downgrade,
};

/// What every ring does unless it says otherwise.
pub(in crate::plan) const DEFAULTS: Mapping = Mapping {
    of: "`defaults`",
    name: "defaults",
    doc: "What every ring does unless it says otherwise: any key of a ring except `name`, `was`, `profiles` and `group`.",
    keys: &[
        Key { absent: Absent::Means("the versions at the top of the file"), ..VERSIONS_KEY },
        TIMEZONE.key(),
        SCHEDULE_KEY,
        Key { absent: Absent::Means("the values built in"), ..ADOPTION_KEY },
        SOAK.key(),
        Key { absent: Absent::Means("the values built in"), ..HEALTH_KEY },
        UNKNOWN_AFTER.key(),
        ON_FAILURE.key(),
        MAX_DEVICES.key(),
        ALLOW_DOWNGRADE.key(),
        Key { absent: Absent::Means("the values built in"), ..ROLLBACK_KEY },
        Key { absent: Absent::Means("none"), ..ROLLBACK_TO_KEY },
        Key { absent: Absent::Means("nobody is asked"), ..APPROVAL_KEY },
    ],
    later: LATER,
    elsewhere: &[
        ("name", IN_EACH_RING),
        ("profiles", IN_EACH_RING),
        ("group", IN_EACH_RING),
        ("forbid", AT_THE_TOP),
        ("on_new_target", AT_THE_TOP),
        ("on_drift", AT_THE_TOP),
        ("description", AT_THE_TOP),
        ("account", AT_THE_TOP),
        ("author", AT_THE_TOP),
        ("user_group", UNDER_APPROVAL),
        ("count", UNDER_APPROVAL),
        ("expires", UNDER_APPROVAL),
        ("open", UNDER_SCHEDULE),
        ("freeze", UNDER_SCHEDULE),
        ("at_least", UNDER_ADOPTION),
        ("within", UNDER_ADOPTION),
        ("seen_at_least", UNDER_ADOPTION),
        ("stalled", UNDER_HEALTH),
        ("dark", UNDER_HEALTH),
        ("min_devices", UNDER_HEALTH),
        ("at_most", OF_A_HEALTH_GATE),
        ("step", UNDER_ROLLBACK),
    ],
};

/// One ring.
pub(in crate::plan) const RING: Mapping = Mapping {
    of: "a ring",
    name: "ring",
    doc: "One step of the plan: a set of device settings profiles, which becomes one deployment group at Cloudflare.",
    keys: &[
        NAME.key(),
        WAS.key(),
        GROUP.key(),
        Key {
            name: "profiles",
            takes: Takes::Values { item: &PROFILE, least: 1, most: MAX_PROFILES },
            absent: Absent::Refused,
            doc: "The device settings profiles whose devices are in this ring. A profile belongs to one ring of one plan.",
            example: "profiles: [IT, Support]",
        },
        VERSIONS_KEY,
        Key { absent: Absent::Inherited(ZONE_BUILT_IN), ..TIMEZONE.key() },
        Key { absent: Absent::Means("the schedule of `defaults`"), ..SCHEDULE_KEY },
        ADOPTION_KEY,
        Key { absent: Absent::Inherited(SOAK_BUILT_IN), ..SOAK.key() },
        HEALTH_KEY,
        Key { absent: Absent::Inherited(UNKNOWN_AFTER_BUILT_IN), ..UNKNOWN_AFTER.key() },
        Key { absent: Absent::Inherited(default_word::<OnFailure>), ..ON_FAILURE.key() },
        Key { absent: Absent::Means("the limit of `defaults`, else none"), ..MAX_DEVICES.key() },
        Key { absent: Absent::Means("what `defaults` allow, else no device"), ..ALLOW_DOWNGRADE.key() },
        ROLLBACK_KEY,
        ROLLBACK_TO_KEY,
        APPROVAL_KEY,
    ],
    later: LATER,
    elsewhere: &[
        ("open", UNDER_SCHEDULE),
        ("freeze", UNDER_SCHEDULE),
        ("at_least", UNDER_ADOPTION),
        ("within", UNDER_ADOPTION),
        ("seen_at_least", UNDER_ADOPTION),
        ("stalled", UNDER_HEALTH),
        ("dark", UNDER_HEALTH),
        ("min_devices", UNDER_HEALTH),
        ("at_most", OF_A_HEALTH_GATE),
        ("step", UNDER_ROLLBACK),
        ("windows", UNDER_VERSIONS),
        ("macos", UNDER_VERSIONS),
        ("ring", "write the ring's name as `name`"),
        ("forbid", AT_THE_TOP),
        ("on_new_target", AT_THE_TOP),
        ("on_drift", AT_THE_TOP),
        ("description", "write it at the top of the file, or write a comment (`# …`) here"),
    ],
};
