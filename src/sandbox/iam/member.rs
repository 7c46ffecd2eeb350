//! Members of the account and User Groups: as the API has them, and as a test puts them there.
//!
//! **Invariant:** somebody with an e-mail is one person in all groups, and has one status.

use serde::{Deserialize, Serialize};

use super::policy::IamPolicy;
use crate::time::Timestamp;

/// A member of the account, as it is answered.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Person {
    /// The membership's ID.
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "MemberStatus::is_untold")]
    pub(super) status: MemberStatus,
}

#[derive(Debug, Clone)]
pub(crate) struct IamGroup {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whether an identity provider pushes it, and says who belongs to it.
    pub(super) scim: bool,
    pub(super) created_on: Timestamp,
    pub(crate) modified_on: Timestamp,
    /// IDs of people.
    pub(crate) members: Vec<String>,
    pub(super) policies: Vec<IamPolicy>,
}

/// A member of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedMember {
    /// The e-mail as it is answered; none where it is left out.
    #[serde(default)]
    pub email: Option<String>,
    /// The status in the account.
    #[serde(default)]
    pub status: MemberStatus,
}

/// A member's status in the account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// Took the invitation.
    #[default]
    Accepted,
    /// Did not yet.
    Pending,
    /// Accepted, and answered without a status, as older answers are.
    Untold,
}

/// What is true of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserGroupTruth {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether an identity provider pushes it.
    pub scim: bool,
    /// Its members.
    pub members: Vec<SimulatedMember>,
}

/// A group that was named and is not there, or not only once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoUserGroup {
    /// None.
    #[error("no User Group has the ID or name `{0}`")]
    Unknown(String),
    /// More than one of that name.
    #[error("more than one User Group is named `{0}`; give its ID")]
    Ambiguous(String),
}

impl SimulatedMember {
    /// Somebody who took the invitation.
    pub fn accepted(email: &str) -> Self {
        Self { email: Some(email.to_owned()), status: MemberStatus::Accepted }
    }

    /// Somebody who did not yet.
    pub fn pending(email: &str) -> Self {
        Self { email: Some(email.to_owned()), status: MemberStatus::Pending }
    }

    /// Somebody whose e-mail is not told.
    pub const fn without_email() -> Self {
        Self { email: None, status: MemberStatus::Accepted }
    }
}

impl MemberStatus {
    fn is_untold(&self) -> bool {
        *self == Self::Untold
    }
}
