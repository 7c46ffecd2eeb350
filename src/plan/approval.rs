//! An `approval` as written, and how a ring and `defaults` fill one another.
//!
//! **Invariant:** a rule without a User Group is refused: it would ask nobody.

use std::num::NonZeroU8;
use std::ops::Range;

use super::error::Problems;
use super::fields::Fields;
use super::keys::APPROVAL;
use super::model::ApprovalRule;
use super::tree::Node;
use super::values::{email, people, span, user_group};
use crate::ids::{Email, UserGroupName};
use crate::time::Span;

/// A person needs an hour to read what is asked.
pub(super) const LEAST_EXPIRES: Span = Span::hours(1);
/// More people than any change asks for.
pub(super) const MOST_PEOPLE: u8 = 20;

/// The keys as written; `None` where one is absent or refused.
#[derive(Debug, Default)]
pub(super) struct ApprovalKeys {
    at: Option<Range<usize>>,
    user_group: Option<UserGroupName>,
    /// Whether a group is written, be it refused.
    names_group: bool,
    count: Option<NonZeroU8>,
    expires: Option<Span>,
}

impl ApprovalKeys {
    pub(super) fn of(fields: &Fields<'_>, problems: &mut Problems) -> Self {
        let Some(node) = fields.get("approval") else { return Self::default() };
        let Some(fields) = Fields::of(node, &APPROVAL, problems) else { return Self::default() };
        let group = fields.get("user_group");
        Self {
            at: Some(node.at.clone()),
            user_group: group.and_then(|node| user_group(node, problems)),
            names_group: group.is_some() || fields.is_misspelt("user_group"),
            count: fields.get("count").and_then(|node| people(node, MOST_PEOPLE, problems)),
            expires: fields.get("expires").and_then(|node| {
                span(node, "`expires`", LEAST_EXPIRES, "nobody could use the approval in time", problems)
            }),
        }
    }

    /// The rule of a ring; `None`: nobody is asked, or a problem was noted.
    pub(super) fn or(&self, defaults: &Self, problems: &mut Problems) -> Option<ApprovalRule> {
        let at = self.at.as_ref().or(defaults.at.as_ref())?;
        let Some(user_group) = self.user_group.clone().or_else(|| defaults.user_group.clone()) else {
            if !self.names_group && !defaults.names_group {
                let instead = "write `user_group` with the name of a Cloudflare User Group";
                problems.missing(at, "`approval` asks nobody", instead);
            }
            return None;
        };
        let count = self.count.or(defaults.count).unwrap_or(ApprovalRule::BUILT_IN_COUNT);
        let expires = self.expires.or(defaults.expires).unwrap_or(ApprovalRule::BUILT_IN_EXPIRES);
        Some(ApprovalRule { user_group, count, expires })
    }
}

/// Reads the key `author`.
pub(super) fn author(node: &Node, problems: &mut Problems) -> Option<Email> {
    email(node, "`author`", problems)
}
