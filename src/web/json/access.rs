//! What `ringward access` tells the daemon of a change that it makes.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::UserGroupId;
use crate::rollout::record::{AccessOutcome, AccessPolicy};

/// A change of a User Group's permission policies that is about to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessIntentJson {
    /// The group.
    #[schema(value_type = String, min_length = 1, max_length = 256)]
    pub group: UserGroupId,
    /// What it is called.
    #[schema(min_length = 1, max_length = 512)]
    pub name: String,
    /// Policies that it has and is to lose.
    #[schema(value_type = Vec<AccessPolicyJson>)]
    pub remove: Vec<AccessPolicy>,
    /// Policies that it is to have as well.
    #[schema(value_type = Vec<AccessPolicyJson>)]
    pub add: Vec<AccessPolicy>,
    /// Why, for the log.
    pub reason: String,
}

/// A permission policy, in words.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "documents `AccessPolicy`, which the core has")]
pub struct AccessPolicyJson {
    /// `allow`, `deny`, or another word of Cloudflare's.
    access: String,
    /// Roles, by name where one is known.
    roles: Vec<String>,
    /// Where: parts of an account.
    on: Vec<String>,
}

/// A change that is on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessIntentAnswer {
    /// The number of its record, by which its outcome is told.
    pub intent: u64,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessOutcomeJson {
    /// `written`, `refused`, `different` (read back it is not as written) or `unknown`.
    #[schema(value_type = String)]
    pub outcome: AccessOutcome,
    /// What Cloudflare answered, or why, for the log.
    pub reason: String,
}
