//! The keys of an approval.

use crate::plan::grammar::{Absent, Key, Mapping, Takes};
use crate::plan::kinds::{APPROVAL_SPAN, PEOPLE, TEXT};
use crate::plan::model::ApprovalRule;

pub(super) const APPROVAL_KEY: Key = Key {
    name: "approval",
    takes: Takes::Keys(&APPROVAL),
    absent: Absent::Means("the values of `defaults`, else nobody is asked"),
    doc: "Who lets the ring be entered. An approval is for this revision of the plan and for the ring's versions: a changed value voids it, a comment does not. It can be given at any time before and is used at the opening; its giver must be a member of the group then, too. Nobody can waive it.",
    example: "approval: {user_group: Release Approvers, count: 2, expires: 5d}",
};

/// Who lets a ring be entered.
pub(in crate::plan) const APPROVAL: Mapping = Mapping {
    of: "`approval`",
    name: "approval",
    doc: "Who lets a ring be entered: members of a Cloudflare User Group.",
    keys: &[
        Key {
            name: "user_group",
            takes: Takes::Value(&TEXT),
            absent: Absent::Means("the group of `defaults`; without one the plan is refused"),
            doc: "The User Group's name. While Cloudflare has none or two of that name, or cannot be asked, nobody is let in.",
            example: "user_group: Release Approvers",
        },
        Key {
            name: "count",
            takes: Takes::Value(&PEOPLE),
            absent: Absent::Value(|| ApprovalRule::BUILT_IN_COUNT.to_string()),
            doc: "How many different people it takes.",
            example: "count: 2",
        },
        Key {
            name: "expires",
            takes: Takes::Value(&APPROVAL_SPAN),
            absent: Absent::Value(|| ApprovalRule::BUILT_IN_EXPIRES.to_string()),
            doc: "How long an approval counts from when it is given. It runs on in freezes, holds and closed openings.",
            example: "expires: 5d",
        },
    ],
    later: &[],
    elsewhere: &[("author", "write it at the top of the file")],
};
