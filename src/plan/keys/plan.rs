//! The keys at the top of a plan file.
//!
//! **Invariant:** `defaults` and a ring take what is theirs; nothing here is repeated there but `versions`.

use crate::ids::{AccountId, Email, PlanName};
use crate::plan::fields::description;
use crate::plan::grammar::{Absent, Key, Mapping, Takes};
use crate::plan::keys::elsewhere::{
    IN_EACH_RING, IN_RING_OR_DEFAULTS, UNDER_APPROVAL, UNDER_ROLLBACK, UNDER_VERSIONS,
};
use crate::plan::keys::ring::{DEFAULTS, LATER, RING};
use crate::plan::keys::versions::VERSIONS_KEY;
use crate::plan::kinds::{ACCOUNT, EMAIL, PLAN_NAME, PROSE, RANGE, TEXT};
use crate::plan::model::{OnDrift, OnNewTarget};
use crate::plan::typed_key::{TypedKey, WordValue, word_key};
use crate::plan::values::{account, email, owned_text, plan_name, range};

/// The most rings of one plan.
pub const MAX_RINGS: usize = 100;
/// The most entries of `forbid`.
pub const MAX_FORBIDS: usize = 100;

impl WordValue for OnNewTarget {
    const WORDS: &'static [(&'static str, Self)] = &[("replace", Self::Replace), ("finish", Self::Finish)];
}

impl WordValue for OnDrift {
    const WORDS: &'static [(&'static str, Self)] =
        &[("halt", Self::Halt), ("restore", Self::Restore), ("adopt", Self::Adopt)];
}

pub(in crate::plan) const NAME: TypedKey<PlanName> = TypedKey {
    name: "plan",
    takes: Takes::Value(&PLAN_NAME),
    absent: Absent::Refused,
    doc: "The plan's name in commands, metrics and the log. It stays when targets change; no two files may share it.",
    example: "plan: cloudflare-one-client",
    read: |node, _, problems| plan_name(node, problems),
};
pub(in crate::plan) const WAS: TypedKey<PlanName> = TypedKey {
    name: "was",
    takes: Takes::Value(&PLAN_NAME),
    absent: Absent::Means("the plan has had no other name"),
    doc: "The name that the plan had before. Once no readable file names that plan any more, its rollout goes on under the new name where it is, if the profiles of all rings together are the same. It counts as long as no ring was entered under the new name, and may stay in the file.",
    example: "was: one-client",
    read: |node, _, problems| plan_name(node, problems),
};
pub(in crate::plan) const DESCRIPTION: TypedKey<String> = TypedKey {
    name: "description",
    takes: Takes::Value(&PROSE),
    absent: Absent::Means("none"),
    doc: "For people. Changing it changes nothing else.",
    example: "description: Cloudflare One Client for all staff",
    read: |node, _, problems| description(node, problems).map(str::to_owned),
};
pub(in crate::plan) const AUTHOR: TypedKey<Email> = TypedKey {
    name: "author",
    takes: Takes::Value(&EMAIL),
    absent: Absent::Means("nobody"),
    doc: "Who wrote the plan: this person's approval of it does not count.",
    example: "author: ana@example.com",
    read: email,
};
pub(in crate::plan) const ACCOUNT_ID: TypedKey<AccountId> = TypedKey {
    name: "account",
    takes: Takes::Value(&ACCOUNT),
    absent: Absent::Means("any account"),
    doc: "Pins the plan to one Cloudflare account; a daemon of another account refuses it.",
    example: "account: 023e105f4ecef8ad9ca31a8372d0c353",
    read: |node, _, problems| account(node, problems),
};
pub(in crate::plan) const ON_NEW_TARGET: TypedKey<OnNewTarget> = word_key(
    "on_new_target",
    "What a newer target does to a rollout that is still running: `replace` lets it take over at once; with `finish` the newest target waits until the rollout is completed, and then begins at once. The word in the newer file counts. The reference tells under \"When a newer target comes\" when to take which.",
    "on_new_target: replace",
);
pub(in crate::plan) const ON_DRIFT: TypedKey<OnDrift> = word_key(
    "on_drift",
    "What ringward does when somebody else changed a deployment group of this plan: `halt` stops writing and waits for a person; `restore` writes the group back as ringward left it, in the ring's schedule, and the ring adopts and soaks again; `adopt` records the change and goes on with the group as it is. A profile in somebody else's group, another updater at work, a build that `forbid` names by now, and a group changed a fourth time in one rollout halt under `restore` too. A ring whose group does not offer its targets is never verified.",
    "on_drift: halt",
);

/// The whole file.
pub(in crate::plan) const PLAN: Mapping = Mapping {
    of: "a plan",
    name: "plan",
    doc: "One plan: which rings there are, which client version each is to run, when ringward may write, and what must hold before the next ring follows.",
    keys: &[
        NAME.key(),
        WAS.key(),
        DESCRIPTION.key(),
        AUTHOR.key(),
        ACCOUNT_ID.key(),
        Key {
            doc: "The target version per environment, for each ring that names none. To roll out a newer version, change it here: the plan starts again from the first ring.",
            absent: Absent::Means("each ring, or `defaults`, names its own"),
            ..VERSIONS_KEY
        },
        Key {
            name: "forbid",
            takes: Takes::Mappings { item: &FORBID, least: 0, most: MAX_FORBIDS },
            absent: Absent::Means("no build is forbidden"),
            doc: "Builds never to offer to anybody. A rollout that offers one halts, with your reason, and a plan that asks for one is not begun.",
            example: "forbid: [{versions: '>=2026.7.1343, <2026.7.1376', reason: fails to connect after upgrade}]",
        },
        ON_NEW_TARGET.key(),
        ON_DRIFT.key(),
        Key {
            name: "defaults",
            takes: Takes::Keys(&DEFAULTS),
            absent: Absent::Means("each ring takes the values built in"),
            doc: "What every ring does unless it says otherwise.",
            example: "defaults: {timezone: Europe/Lisbon, soak: 72h}",
        },
        Key {
            name: "rings",
            takes: Takes::Mappings { item: &RING, least: 1, most: MAX_RINGS },
            absent: Absent::Refused,
            doc: "The rings, in the order in which they are entered.",
            example: "rings: [{name: Engineering, profiles: [Engineering]}, {name: Everyone, profiles: [default]}]",
        },
    ],
    later: LATER,
    elsewhere: &[
        ("timezone", IN_RING_OR_DEFAULTS),
        ("schedule", IN_RING_OR_DEFAULTS),
        ("adoption", IN_RING_OR_DEFAULTS),
        ("soak", IN_RING_OR_DEFAULTS),
        ("health", IN_RING_OR_DEFAULTS),
        ("unknown_after", IN_RING_OR_DEFAULTS),
        ("on_failure", IN_RING_OR_DEFAULTS),
        ("max_devices", IN_RING_OR_DEFAULTS),
        ("allow_downgrade", IN_RING_OR_DEFAULTS),
        ("rollback", IN_RING_OR_DEFAULTS),
        ("rollback_to", IN_RING_OR_DEFAULTS),
        ("approval", IN_RING_OR_DEFAULTS),
        ("user_group", UNDER_APPROVAL),
        ("count", UNDER_APPROVAL),
        ("expires", UNDER_APPROVAL),
        ("step", UNDER_ROLLBACK),
        ("profiles", IN_EACH_RING),
        ("group", IN_EACH_RING),
        ("name", "write the plan's name as `plan: NAME`"),
        ("windows", UNDER_VERSIONS),
        ("macos", UNDER_VERSIONS),
        ("open", "write it under `schedule` of a ring or of `defaults`"),
        ("freeze", "write it under `schedule` of a ring or of `defaults`"),
    ],
};

pub(in crate::plan) const FORBIDDEN: TypedKey<semver::VersionReq> = TypedKey {
    name: "versions",
    takes: Takes::Value(&RANGE),
    absent: Absent::Refused,
    doc: "Which builds.",
    example: "versions: '>=2026.7.1343, <2026.7.1376'",
    read: |node, _, problems| range(node, problems),
};
pub(in crate::plan) const REASON: TypedKey<String> = TypedKey {
    name: "reason",
    takes: Takes::Value(&TEXT),
    absent: Absent::Refused,
    doc: "Why, for the person who is kept from it.",
    example: "reason: fails to connect after upgrade, downgrade, upgrade",
    read: owned_text,
};

/// A range of builds never to offer.
pub(in crate::plan) const FORBID: Mapping = Mapping {
    of: "an entry of `forbid`",
    name: "forbidden",
    doc: "A range of builds never to offer.",
    keys: &[FORBIDDEN.key(), REASON.key()],
    later: &[],
    elsewhere: &[
        ("windows", "write a range over both environments as `versions`"),
        ("macos", "write a range over both environments as `versions`"),
    ],
};
