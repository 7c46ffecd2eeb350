//! User Groups, their members and policies, in Cloudflare's own shape.
//!
//! More lenient than the contract where the docs' own samples are: a resource group in a policy may
//! lack its ID, `meta` holds strings even for flags, and `result_info` need not be there.
//!
//! **Invariant:** a member whose standing or e-mail cannot be read is still a member, and never an accepted
//! or a known one.

use serde::Deserialize;

use super::text::BoundedText;
use crate::ids::UserGroupId;
use crate::rollout::record::{Member, Standing, UserGroup};

/// A page of anything that is numbered by `page` and `per_page`.
#[derive(Debug, Deserialize)]
pub(in crate::cloudflare) struct NumberedPage<T> {
    pub(in crate::cloudflare) result: Vec<T>,
    pub(in crate::cloudflare) result_info: Option<NumberedInfo>,
}

/// `iam_result_info`, in which nothing is required.
#[derive(Debug, Default, Deserialize)]
pub(in crate::cloudflare) struct NumberedInfo {
    pub(in crate::cloudflare) page: Option<u32>,
    pub(in crate::cloudflare) per_page: Option<usize>,
    pub(in crate::cloudflare) total_count: Option<usize>,
}

/// `iam_user_group_member`.
#[derive(Debug, Deserialize)]
pub(in crate::cloudflare) struct WireMember {
    id: BoundedText,
    email: Option<BoundedText>,
    status: Option<BoundedText>,
}

impl WireMember {
    /// What tells it from other members.
    pub(in crate::cloudflare) fn key(&self) -> String {
        self.id.0.clone()
    }
}

impl From<WireMember> for Member {
    fn from(wire: WireMember) -> Self {
        let standing = match wire.status.as_ref().map(|text| text.0.as_str()) {
            None | Some("accepted") => Standing::Accepted,
            Some("pending") => Standing::Pending,
            Some(word) => Standing::Other(word.to_owned()),
        };
        Self { email: wire.email.and_then(|email| email.0.parse().ok()), standing }
    }
}

/// `iam_user_group`.
#[derive(Debug, Deserialize)]
pub(in crate::cloudflare) struct WireUserGroup {
    pub(in crate::cloudflare) id: UserGroupId,
    name: BoundedText,
}

impl From<WireUserGroup> for UserGroup {
    fn from(wire: WireUserGroup) -> Self {
        Self { id: wire.id, name: wire.name.0 }
    }
}

#[cfg(test)]
mod tests;
