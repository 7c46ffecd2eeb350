//! The keys of `adoption`, `health` and `approval`.
//!
//! **Invariant:** a share of nothing is refused: it would pass without a single device. Both gates of `health` take
//! the same two keys, within the same bounds. An approval counts long enough for a person to use it, and a rule
//! without a User Group is refused: it would ask nobody.

use std::num::NonZeroU8;

use crate::plan::keys::elsewhere;
use crate::plan::kinds::{DEVICES, MOST_DEVICES, SHARE, SPAN, TEXT, whole_number};
use crate::plan::model::{Adoption, ApprovalRule, Health, HealthLimit, Percent};
use crate::plan::typed_key::{Keys as _, below, keys, span_key, value};
use crate::plan::values::{count, share, span, user_group};
use crate::plan::{Absent, Problems, Takes, TypedKey, Value, ValueKind, Written, patterns};
use crate::{ids::UserGroupName, time::Span};

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

/// A night and a late start are no sign of anything.
pub(super) const LEAST_AFTER: Span = Span::hours(12);
/// Twice this, with weekends and holidays in between, lies within what is remembered of a device.
const MOST_AFTER: Span = Span::hours(5 * 24);

keys! {
    /// When a ring's devices say that something is wrong, judged in each environment by itself, in every ring
    /// that is entered, until the rollout is finished. A gate that fails halts the rollout; `ringward resume`
    /// acknowledges the devices found so far, and only new ones halt it again.
    HealthKeys("`health`", "health") {
        /// Devices that are online and do not take the new version.
        stalled: StalledKeys = below(
            Absent::Means("the values built in"),
            "stalled: {at_most: 10%, after: 24h}",
        ),
        /// Devices that took the new version and were not seen again, compared with those of the rings not
        /// entered yet.
        dark: DarkKeys = below(Absent::Means("the values built in"), "dark: {at_most: 2%, after: 24h}"),
        /// With fewer devices than this in an environment, ringward judges neither gate: it is exempt, and
        /// says so.
        min_devices: u32 = value(
            &DEVICES, Absent::Value(|| Health::BUILT_IN.min_devices.to_string()),
            "min_devices: 30",
            |node, what, problems| Some(count(node, what, "devices", MOST_DEVICES, problems)?.get()),
        ),
    }
    elsewhere |key| match key {
        "at_most" | "after" => Some("write it under `stalled` or `dark`"),
        "soak" => Some("write it next to `health`"),
        _ => None,
    }
}

const fn share_key(built_in: fn() -> String, example: &'static str) -> TypedKey<Percent> {
    value(&SHARE, Absent::Value(built_in), example, |node, what, problems| {
        share(node, what, "halt for a single device", problems)
    })
}

const fn after_key(built_in: fn() -> String, example: &'static str) -> TypedKey<Span> {
    const KIND: ValueKind = ValueKind {
        pattern: || patterns::span(LEAST_AFTER),
        bound: Some(|| format!("from {LEAST_AFTER} to {MOST_AFTER}")),
        ..SPAN
    };
    value(&KIND, Absent::Value(built_in), example, |node, what, problems| {
        let length = span(node, what, LEAST_AFTER, "a laptop that is off overnight would count", problems)?;
        if length > MOST_AFTER {
            let problem =
                format!("{what} is too long: what is remembered of a device would not reach back so far");
            problems.wrong(&node.at, problem, format!("write at most {MOST_AFTER}"));
            return None;
        }
        Some(length)
    })
}

keys! {
    /// Devices that are online and do not take the new version: Cloudflare reports no failed installation, so
    /// this is how one shows.
    StalledKeys("`stalled`", "stalled") {
        /// The share of the devices seen since their assignment that may be stalled.
        at_most: Percent = share_key(|| Health::BUILT_IN.stalled.at_most.to_string(), "at_most: 10%"),
        /// How long a device may take, from when Cloudflare first saw it after it was told, before it counts
        /// as stalled.
        after: Span = after_key(|| Health::BUILT_IN.stalled.after.to_string(), "after: 24h"),
    }
    elsewhere |key| (key == "min_devices").then_some("write it next to `stalled`")
}

keys! {
    /// Devices that took the new version and went silent. ringward evaluates it each evening at 20:00 in the
    /// ring's zone, or when it is 20:00 in all zones of the rings not entered yet, over hours that count:
    /// frozen days do not, nor do days on which the rings not entered yet are mostly away, such as weekends.
    DarkKeys("`dark`", "dark") {
        /// By how much the silent share of the ring may be above that of the rings not entered yet; a
        /// difference that chance explains does not count.
        at_most: Percent = share_key(|| Health::BUILT_IN.dark.at_most.to_string(), "at_most: 2%"),
        /// How long a device must be silent, in hours that count; ringward evaluates once after this time,
        /// and once after twice this time.
        after: Span = after_key(|| Health::BUILT_IN.dark.after.to_string(), "after: 24h"),
    }
    elsewhere |key| (key == "min_devices").then_some("write it next to `dark`")
}

impl HealthKeys {
    /// A ring's, filled from `defaults` and what is built in.
    pub(super) fn filled(&self, defaults: &Self) -> Health {
        let Health { stalled, dark, min_devices } = Health::BUILT_IN;
        let (own_stalled, shared_stalled) = (self.stalled.keys(), defaults.stalled.keys());
        let (own_dark, shared_dark) = (self.dark.keys(), defaults.dark.keys());
        Health {
            stalled: HealthLimit {
                at_most: own_stalled.at_most.or(&shared_stalled.at_most).unwrap_or(stalled.at_most),
                after: own_stalled.after.or(&shared_stalled.after).unwrap_or(stalled.after),
            },
            dark: HealthLimit {
                at_most: own_dark.at_most.or(&shared_dark.at_most).unwrap_or(dark.at_most),
                after: own_dark.after.or(&shared_dark.after).unwrap_or(dark.after),
            },
            min_devices: self.min_devices.or(&defaults.min_devices).unwrap_or(min_devices),
        }
    }
}

/// A person needs an hour to read what is asked.
const LEAST_EXPIRES: Span = Span::hours(1);
/// More people than any change asks for.
const MOST_PEOPLE: u32 = 20;
const PEOPLE: ValueKind = whole_number::<MOST_PEOPLE>("number of people");

keys! {
    /// Who must approve before a ring is entered: members of a Cloudflare User Group.
    ApprovalKeys("`approval`", "approval") {
        /// The User Group's name. While Cloudflare has no group or two groups of that name, or does not
        /// answer, the ring is not entered.
        user_group: UserGroupName = value(
            &TEXT, Absent::Means("the group of `defaults`; without one the plan is refused"),
            "user_group: Release Approvers", user_group,
        ),
        /// How many different people it takes.
        count: NonZeroU8 = value(
            &PEOPLE, Absent::Value(|| ApprovalRule::BUILT_IN_COUNT.to_string()),
            "count: 2", |node, what, problems| {
                NonZeroU8::try_from(count(node, what, "people", MOST_PEOPLE, problems)?).ok()
            },
        ),
        /// How long an approval counts from when it is given. It runs on in a freeze, between openings, and
        /// while the plan is paused or halted.
        expires: Span = span_key!(
            LEAST_EXPIRES, "nobody could use the approval in time",
            Absent::Value(|| ApprovalRule::BUILT_IN_EXPIRES.to_string()), "expires: 5d"
        ),
    }
    elsewhere |key| (key == "author").then_some(elsewhere::AT_THE_TOP)
}

/// What is written of an approval.
#[derive(Debug, Clone)]
pub(crate) enum WrittenApproval {
    /// `none`: nobody is asked, whatever `defaults` say.
    Nobody,
    /// Who is asked.
    Keys(ApprovalKeys),
}

/// The word that lifts the approval of `defaults`.
const ASK_NOBODY: &str = "none";

pub(super) const APPROVAL_KEY: TypedKey<WrittenApproval> = TypedKey {
    takes: Takes::KeysOr { keys: ApprovalKeys::MAPPING, word: ASK_NOBODY },
    absent: Absent::Shared {
        ring: "the values of `defaults`, else nobody is asked",
        defaults: "nobody is asked",
    },
    example: "approval: {user_group: Release Approvers, count: 2, expires: 5d}",
    read: |node, what, problems| match &node.value {
        Value::Scalar { text, .. } if text == ASK_NOBODY => Some(WrittenApproval::Nobody),
        _ => ApprovalKeys::read(node, what, problems).map(WrittenApproval::Keys),
    },
};

impl Written<WrittenApproval> {
    /// The keys that are written below it.
    fn keys(&self) -> ApprovalKeys {
        match &self.value {
            Some(WrittenApproval::Keys(keys)) => keys.clone(),
            Some(WrittenApproval::Nobody) | None => ApprovalKeys::default(),
        }
    }

    fn is_nobody(&self) -> bool {
        matches!(self.value, Some(WrittenApproval::Nobody))
    }
}

/// The rule of a ring; `None`: nobody is asked, or a problem was noted.
pub(in crate::plan) fn approval_rule(
    own: &Written<WrittenApproval>,
    defaults: &Written<WrittenApproval>,
    problems: &mut Problems,
) -> Option<ApprovalRule> {
    let (_, at) = own.placed().or_else(|| defaults.placed())?;
    if own.is_nobody() {
        if let Some(group) = &defaults.keys().user_group.value {
            let problem =
                format!("this lifts the approval of `defaults` for this ring: nobody of `{group}` is asked");
            problems.note(&at, problem, "to keep it, leave `approval` out");
        }
        return None;
    }
    if own.at.is_none() && defaults.is_nobody() {
        return None;
    }
    let (own, defaults) = (own.keys(), defaults.keys());
    let Some(user_group) = own.user_group.or(&defaults.user_group) else {
        // A group may be meant that is refused.
        let names_group = |keys: &ApprovalKeys| keys.user_group.at.is_some() || keys.user_group.is_misspelt;
        if !names_group(&own) && !names_group(&defaults) {
            let instead = "write `user_group` with the name of a Cloudflare User Group";
            problems.missing(&at, "`approval` asks nobody", instead);
        }
        return None;
    };
    let count = own.count.or(&defaults.count).unwrap_or(ApprovalRule::BUILT_IN_COUNT);
    let expires = own.expires.or(&defaults.expires).unwrap_or(ApprovalRule::BUILT_IN_EXPIRES);
    Some(ApprovalRule { user_group, count, expires })
}
