//! The keys of `approval`.
//!
//! **Invariant:** an approval counts long enough for a person to use it.

use std::num::NonZeroU8;

use crate::ids::UserGroupName;
use crate::plan::grammar::{Absent, Key, Mapping, Takes, ValueKind};
use crate::plan::keys::elsewhere::AT_THE_TOP;
use crate::plan::kinds::{DEVICES, SPAN, TEXT};
use crate::plan::model::ApprovalRule;
use crate::plan::typed_key::TypedKey;
use crate::plan::values::{count, span, user_group};
use crate::time::Span;

/// A person needs an hour to read what is asked.
const LEAST_EXPIRES: Span = Span::hours(1);
/// More people than any change asks for.
const MOST_PEOPLE: u32 = 20;

pub(super) const APPROVAL_KEY: Key = Key {
    name: "approval",
    takes: Takes::Keys(&APPROVAL),
    absent: Absent::Means("the values of `defaults`, else nobody is asked"),
    doc: "Who lets the ring be entered. An approval is for this revision of the plan and for the ring's versions: a changed value voids it, a comment does not. It can be given at any time before and is used at the opening; its giver must be a member of the group then, too. Nobody can waive it.",
    example: "approval: {user_group: Release Approvers, count: 2, expires: 5d}",
};

pub(in crate::plan) const USER_GROUP: TypedKey<UserGroupName> = TypedKey {
    name: "user_group",
    takes: Takes::Value(&TEXT),
    absent: Absent::Means("the group of `defaults`; without one the plan is refused"),
    doc: "The User Group's name. While Cloudflare has none or two of that name, or cannot be asked, nobody is let in.",
    example: "user_group: Release Approvers",
    read: user_group,
};
pub(in crate::plan) const COUNT: TypedKey<NonZeroU8> = TypedKey {
    name: "count",
    takes: Takes::Value(&ValueKind {
        name: "number of people",
        bound: Some(|| format!("from 1 to {MOST_PEOPLE}")),
        ..DEVICES
    }),
    absent: Absent::Value(|| ApprovalRule::BUILT_IN_COUNT.to_string()),
    doc: "How many different people it takes.",
    example: "count: 2",
    read: |node, what, problems| {
        NonZeroU8::try_from(count(node, what, "people", MOST_PEOPLE, problems)?).ok()
    },
};
pub(in crate::plan) const EXPIRES: TypedKey<Span> = TypedKey {
    name: "expires",
    takes: Takes::Value(&ValueKind { bound: Some(|| format!("at least {LEAST_EXPIRES}")), ..SPAN }),
    absent: Absent::Value(|| ApprovalRule::BUILT_IN_EXPIRES.to_string()),
    doc: "How long an approval counts from when it is given. It runs on in freezes, holds and closed openings.",
    example: "expires: 5d",
    read: |node, what, problems| {
        span(node, what, LEAST_EXPIRES, "nobody could use the approval in time", problems)
    },
};

/// Who lets a ring be entered.
pub(in crate::plan) const APPROVAL: Mapping = Mapping {
    of: "`approval`",
    name: "approval",
    doc: "Who lets a ring be entered: members of a Cloudflare User Group.",
    keys: &[USER_GROUP.key(), COUNT.key(), EXPIRES.key()],
    later: &[],
    elsewhere: &[("author", AT_THE_TOP)],
};
