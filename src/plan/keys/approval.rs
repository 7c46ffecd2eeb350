//! The keys of `approval`.
//!
//! **Invariant:** an approval counts long enough for a person to use it, and a rule without a User Group is
//! refused: it would ask nobody.

use std::num::NonZeroU8;

use crate::plan::kinds::{DEVICES, TEXT};
use crate::plan::typed_key::{keys, span_key, value};
use crate::plan::values::{count, user_group};
use crate::plan::{Absent, Problems, ValueKind, Written};
use crate::{ids::UserGroupName, plan::keys::elsewhere::AT_THE_TOP, plan::model::ApprovalRule, time::Span};

/// A person needs an hour to read what is asked.
const LEAST_EXPIRES: Span = Span::hours(1);
/// More people than any change asks for.
const MOST_PEOPLE: u32 = 20;

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
            &ValueKind {
                name: "number of people",
                bound: Some(|| format!("from 1 to {MOST_PEOPLE}")),
                ..DEVICES
            },
            Absent::Value(|| ApprovalRule::BUILT_IN_COUNT.to_string()),
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
    elsewhere |key| (key == "author").then_some(AT_THE_TOP)
}

/// The rule of a ring; `None`: nobody is asked, or a problem was noted.
pub(in crate::plan) fn rule(
    own: &Written<ApprovalKeys>,
    defaults: &Written<ApprovalKeys>,
    problems: &mut Problems,
) -> Option<ApprovalRule> {
    let (_, at) = own.placed().or_else(|| defaults.placed())?;
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
