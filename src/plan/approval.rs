//! An `approval` as written, and how a ring and `defaults` fill one another.
//!
//! **Invariant:** a rule without a User Group is refused: it would ask nobody.

use std::num::NonZeroU8;
use std::ops::Range;

use crate::ids::UserGroupName;
use crate::plan::error::Problems;
use crate::plan::fields::Fields;
use crate::plan::keys::approval::{APPROVAL, COUNT, EXPIRES, USER_GROUP};
use crate::plan::model::ApprovalRule;
use crate::time::Span;

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
        let at = fields.get(APPROVAL.name).map(|node| node.at.clone());
        let Some(fields) = fields.mapping(&APPROVAL, problems) else { return Self::default() };
        Self {
            at,
            user_group: USER_GROUP.of(&fields, problems),
            names_group: fields.get(USER_GROUP.name).is_some() || fields.is_misspelt(USER_GROUP.name),
            count: COUNT.of(&fields, problems),
            expires: EXPIRES.of(&fields, problems),
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
