//! The keys of a ring, and those of them that `defaults` have as well; and a ring made of both.
//!
//! **Invariant:** `defaults` have every key of a ring but those that tell rings apart. What a ring writes wins over
//! them, and they win over the plan's `versions` and the values built in.
//!
//! `versions`, `schedule`, `adoption` and `health` fill key by key. Freezes add up: a ring's own are added to
//! those of `defaults`, and only `freeze: []` lifts them. A year-end freeze that a ring forgot to repeat must
//! not vanish under a local holiday.

use std::{collections::BTreeMap, ops::Range};

use crate::plan::keys::elsewhere;
use crate::plan::keys::gates::{
    APPROVAL_KEY, AdoptionKeys, HealthKeys, LEAST_AFTER, WrittenApproval, approval_rule,
};
use crate::plan::keys::schedule::{self, ScheduleKeys};
use crate::plan::keys::versions::{ROLLBACK_TO_KEY, Targets, VERSIONS_KEY, readable};
use crate::plan::kinds::{DEVICES, DOWNGRADES, MOST_DEVICES, PROFILE, SPAN, TEXT, ZONE};
use crate::plan::model::{AllowDowngrade, DeviceLimit, OnFailure, ProfileRef, RingPlan};
use crate::plan::ranges::allow_downgrade;
use crate::plan::typed_key::{below, keys, span_key, value, word_key};
use crate::plan::values::{count, owned_name, profile, span};
use crate::plan::{
    Absent, Key, Mapping, Node, Problems, Takes, TypedKey, ValueKind, WordValue, items, patterns,
};
use crate::version::{ClientVersion, Environment};
use crate::{
    ids::RingName, plan::keys::rollback::RollbackKeys, plan::zones::zone, schedule::Zone, time::Span,
};

/// The most profiles of one plan, all rings together.
pub const MAX_PROFILES: usize = 1_000;
/// A soak is at least so much longer than `dark.after`: devices that went dark show only after
/// that, and the day on top leaves time for a look.
pub(in crate::plan) const SIGHT_OF_DARK: Span = Span::hours(24);
/// One answer that went missing is not a reason to halt.
const LEAST_UNKNOWN_AFTER: Span = Span::minutes(15);
const fn hours(span: Span) -> i64 {
    span.get().as_hours()
}

/// Keys whose features are not built yet.
pub(super) const LATER: &[&str] = &["checks"];
const PROFILES_EXAMPLE: &str = "a list, such as [Engineering] or [default]";

impl WordValue for OnFailure {
    const WORDS: &'static [(&'static str, Self)] = &[("halt", Self::Halt)];
    const LATER: &'static [&'static str] = &["rollback"];
}

keys! {
    /// What a ring says of itself alone.
    OwnKeys of RING {
        /// The ring's name in messages, metrics and the log. Unique in the plan: names that look the same, or
        /// differ only in upper and lower case or in blanks, count as one. A name with a blank and a `#` in it
        /// needs quotes: a bare `Ring #1` is `Ring`, and a comment.
        name: String = value(
            &TEXT, Absent::Refused("a name, such as name: Engineering Ring 0"),
            "name: Early adopters", |node, _, problems| owned_name(node, "a ring's name", problems),
        ),
        /// The name that the ring had before, for an edit that changes its name and its profiles at once: it
        /// keeps its group. A ring whose name alone changes needs no such key.
        was: String = value(
            &TEXT, Absent::Means("the ring that has the same profiles, else the same name"),
            "was: Pilot", owned_name,
        ),
        /// The name of the deployment group at Cloudflare. Without this key a number is added when a group of
        /// another ring of the plan has the name. No two plans of a directory may name one.
        group: String = value(
            &TEXT, Absent::Means("the ring's name"), "group: Early adopters (ringward)", owned_name,
        ),
        /// The device settings profiles whose devices are in this ring. A profile belongs to one ring of one
        /// plan.
        profiles: Vec<(ProfileRef, Range<usize>)> = TypedKey {
            takes: Takes::Values { item: &PROFILE, least: 1, most: MAX_PROFILES },
            absent: Absent::Refused(PROFILES_EXAMPLE),
            example: "profiles: [IT, Support]",
            read: profiles,
        },
    }
}

keys! {
    /// What every ring does unless it says otherwise.
    SharedKeys of DEFAULTS {
        /// The target version per environment. An environment that is named nowhere is left alone. Each ring
        /// needs at least one target, from here, from `defaults` or from the top of the file.
        versions: Targets = VERSIONS_KEY,
        /// The zone in which openings and freezes are read.
        timezone: Zone = value(
            &ZONE, Absent::Value(|| Zone::utc().to_string()), "timezone: Europe/Lisbon", zone,
        ),
        /// When ringward may write assignments; laptops install whenever they next wake up. A ring's own
        /// openings stand in place of those of `defaults`; its own freezes are added to theirs.
        schedule: ScheduleKeys = below(
            Absent::Shared { ring: "the schedule of `defaults`", defaults: "always open, never frozen" },
            "schedule: {open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]}",
        ),
        /// When the ring counts as having taken its targets. A ring that writes only some of its keys takes
        /// the others from `defaults`.
        adoption: AdoptionKeys = below(
            Absent::Shared { ring: "the values of `defaults`, then those built in", defaults: "the values built in" },
            "adoption: {at_least: 90%, within: 7d, seen_at_least: 60%}",
        ),
        // How long is long enough depends on `dark.after`, which may stand elsewhere.
        /// How long an adopted ring runs before the next one may follow. It counts only if half of the
        /// arrived devices were seen again on a later day.
        soak: Span = value(
            &ValueKind {
                pattern: || patterns::span(Span::hours(hours(SIGHT_OF_DARK) + hours(LEAST_AFTER))),
                bound: Some(|| format!("at least {SIGHT_OF_DARK} more than `dark.after`")),
                ..SPAN
            },
            Absent::Value(|| RingPlan::BUILT_IN_SOAK.to_string()),
            "soak: 72h", |node, what, problems| span(node, what, Span::hours(0), "", problems),
        ),
        /// When the ring's devices say that something is wrong, from their assignment on until the rollout is
        /// finished. It fills key by key, as `adoption` does.
        health: HealthKeys = below(
            Absent::Shared { ring: "the values of `defaults`, then those built in", defaults: "the values built in" },
            "health: {stalled: {at_most: 10%, after: 24h}, dark: {at_most: 2%, after: 24h}, min_devices: 30}",
        ),
        /// How long a gate may be unknown, because data is missing, before the rollout halts.
        unknown_after: Span = span_key!(
            LEAST_UNKNOWN_AFTER, "a single missed answer would halt the rollout",
            Absent::Value(|| RingPlan::BUILT_IN_UNKNOWN_AFTER.to_string()), "unknown_after: 6h"
        ),
        /// What a failing gate does: `halt` stops writing and waits for a person.
        on_failure: OnFailure = word_key("on_failure: halt"),
        /// The most devices that one write for the ring may offer something else. It is checked twice: by
        /// ringward's own count when the write is planned, and by a count of its own, read afresh from
        /// Cloudflare, just before the write is sent. A write of more is not sent, and nobody can waive that.
        /// Devices with a client below 2026.6 ignore assignments and do not count.
        max_devices: DeviceLimit = value(
            &DEVICES, Absent::Shared { ring: "the limit of `defaults`, else none", defaults: "no limit" },
            "max_devices: 25000", |node, what, problems| {
                DeviceLimit::new(count(node, what, "devices", MOST_DEVICES, problems)?.get())
            },
        ),
        /// Which devices the targets may take down to an older version, by what they run. Without it a ring
        /// waits (`would_downgrade`) when at least 3 of its devices of an environment, and more than 5% of
        /// those seen in the last 7 days, run something newer than the target; devices on a version that a
        /// rollback took back from them are not counted. With a range, devices that it does not cover are
        /// counted as before. It is asked on entering a ring; nobody can waive it.
        allow_downgrade: AllowDowngrade = value(
            &DOWNGRADES, Absent::Shared { ring: "what `defaults` allow, else no device", defaults: "no device" },
            "allow_downgrade: '<=2026.9.1206'", allow_downgrade,
        ),
        /// How the ring is rolled back, once somebody asks for it.
        rollback: RollbackKeys = below(
            Absent::Shared { ring: "the values of `defaults`, then those built in", defaults: "the values built in" },
            "rollback: {step: 2h}",
        ),
        /// Where to roll back to, per environment, when the log knows neither a version on which the ring was
        /// verified before nor what its group offered before this rollout: a group that ringward created,
        /// say. Without it such a ring cannot be rolled back.
        rollback_to: Targets = ROLLBACK_TO_KEY,
        /// Who must approve before the ring is entered. An approval is for this revision of the plan and for
        /// the ring's versions: a changed value voids it, a comment does not. It can be given at any time
        /// before and is used at the opening; its giver must be a member of the group then, too. Nobody can
        /// waive it. `none` in a ring lifts that of `defaults`.
        approval: WrittenApproval = APPROVAL_KEY,
    }
}

/// Own keys and then the shared ones, with what the absence of those means there.
const fn listed<const N: usize>(own: &[Key]) -> [Key; N] {
    let mut keys = [SharedKeys::ALL[0]; N];
    let mut at = 0;
    while at < N {
        keys[at] = match at < own.len() {
            true => own[at],
            false => SharedKeys::ALL[at - own.len()].shared(!own.is_empty()),
        };
        at += 1;
    }
    keys
}

pub(super) const DEFAULTS: Mapping = Mapping {
    of: "`defaults`",
    name: "defaults",
    doc: "What every ring does unless it says otherwise: any key of a ring except `name`, `was`, `profiles` and `group`.",
    keys: &listed::<{ SharedKeys::ALL.len() }>(&[]),
    later: LATER,
    elsewhere: |key| match key {
        "name" | "profiles" | "group" => Some(elsewhere::IN_EACH_RING),
        "forbid" | "on_new_target" | "on_drift" | "description" | "account" | "author" => {
            Some(elsewhere::AT_THE_TOP)
        }
        "user_group" | "count" | "expires" => Some(elsewhere::UNDER_APPROVAL),
        key => elsewhere::below_a_ring(key),
    },
};

/// One ring.
pub(in crate::plan) const RING: Mapping = Mapping {
    of: "a ring",
    name: "ring",
    doc: "One step of the plan: a set of device settings profiles, which becomes one deployment group at Cloudflare.",
    keys: &listed::<{ OwnKeys::ALL.len() + SharedKeys::ALL.len() }>(OwnKeys::ALL),
    later: LATER,
    elsewhere: |key| match key {
        "ring" => Some("write the ring's name as `name`"),
        "forbid" | "on_new_target" | "on_drift" => Some(elsewhere::AT_THE_TOP),
        "description" => Some("write it at the top of the file, or write a comment (`# …`) here"),
        key if elsewhere::is_environment(key) => Some(elsewhere::UNDER_VERSIONS),
        key => elsewhere::below_a_ring(key),
    },
};

fn profiles(node: &Node, what: &str, problems: &mut Problems) -> Option<Vec<(ProfileRef, Range<usize>)>> {
    let items = items(node, what, PROFILES_EXAMPLE, problems)?;
    if items.is_empty() {
        let instead = format!("write {PROFILES_EXAMPLE}, or drop the ring");
        problems.missing(&node.at, "this ring is empty", instead);
    }
    Some(items.iter().filter_map(|item| Some((profile(item, problems)?, item.at.clone()))).collect())
}

/// What tells a ring from others, as far as it can be read.
#[derive(Debug, Clone)]
pub(crate) struct RingRead {
    pub(in crate::plan) at: Range<usize>,
    pub(in crate::plan) name: Option<RingName>,
    pub(in crate::plan) was: Option<(RingName, Range<usize>)>,
    pub(in crate::plan) group: Option<String>,
    pub(in crate::plan) profiles: Vec<ProfileRef>,
    pub(in crate::plan) keys: SharedKeys,
}

impl RingRead {
    /// The ring, filled from `defaults` and the values built in. `None` only where a problem was noted.
    pub(in crate::plan) fn filled(
        self,
        targets: BTreeMap<Environment, ClientVersion>,
        defaults: &SharedKeys,
        problems: &mut Problems,
    ) -> Option<RingPlan> {
        let keys = self.keys;
        let approval = approval_rule(&keys.approval, &defaults.approval, problems);
        let zone = keys.timezone.or(&defaults.timezone).unwrap_or_else(Zone::utc);
        let schedule = schedule::filled(zone, &keys.schedule, &defaults.schedule, problems);
        let back_to = readable([&defaults.rollback_to, &keys.rollback_to]);
        Some(RingPlan {
            name: self.name?,
            was: self.was.map(|(was, _)| was),
            group: self.group?,
            profiles: self.profiles,
            targets,
            schedule: schedule?,
            adoption: keys.adoption.keys().filled(&defaults.adoption.keys()),
            soak: keys.soak.or(&defaults.soak).unwrap_or(RingPlan::BUILT_IN_SOAK),
            health: keys.health.keys().filled(&defaults.health.keys()),
            unknown_after: keys
                .unknown_after
                .or(&defaults.unknown_after)
                .unwrap_or(RingPlan::BUILT_IN_UNKNOWN_AFTER),
            on_failure: keys.on_failure.or(&defaults.on_failure).unwrap_or_default(),
            max_devices: keys.max_devices.or(&defaults.max_devices),
            allow_downgrade: keys.allow_downgrade.or(&defaults.allow_downgrade).unwrap_or_default(),
            rollback: keys.rollback.keys().filled(&defaults.rollback.keys(), back_to),
            approval,
        })
    }
}
