//! What users of the machine put on record: bearer tokens, and changes of access that `ringward access` makes.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{Email, TokenName, UserGroupId};
use crate::rollout::record::{AccessOutcome, AccessPolicy, Role};
use crate::time::{Span, Timestamp};

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequestJson {
    /// Its name: lower case, digits and `-`; no other token ever had it.
    #[schema(value_type = String, pattern = "^[a-z0-9-]{1,64}$")]
    pub name: TokenName,
    /// Whose it is, by e-mail.
    #[schema(value_type = String, pattern = "^[^@ ]+@[^@ ]+$", max_length = 254)]
    pub email: Email,
    /// What its holder may do: `viewer` reads, `operator` asks for verbs, `approver` approves.
    #[schema(value_type = Vec<String>, min_items = 1)]
    pub roles: BTreeSet<Role>,
    /// How long it lives, such as `90d`; absent: 90 days with a role that acts, else until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expires: Option<Span>,
    /// Why, for the log.
    pub reason: String,
}

/// A token that was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenMadeAnswer {
    /// Its text, which is told now and never again.
    pub token: String,
    /// When it runs out; `null`: never.
    #[schema(value_type = Option<String>)]
    pub expires_at: Option<Timestamp>,
}

/// A token to be revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    /// Why, for the log.
    pub reason: String,
}

/// Every token that was ever made, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokensAnswer {
    /// The tokens.
    pub tokens: Vec<TokenJson>,
}

/// A token, without its text, which nobody has but its holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenJson {
    /// Its name.
    #[schema(value_type = String)]
    pub name: TokenName,
    /// Whose it is.
    #[schema(value_type = String)]
    pub email: Email,
    /// What its holder may do.
    #[schema(value_type = Vec<String>)]
    pub roles: BTreeSet<Role>,
    /// Its public part, as in `rwt_<id>_…`.
    pub id: String,
    /// `live`, `expired` or `revoked`.
    pub state: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// By whom.
    pub made_by: String,
    /// When it runs out; `null`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked; `null`: it was not.
    pub revoked_at: Option<Timestamp>,
    /// By whom; `null`: by nobody.
    pub revoked_by: Option<String>,
    /// Why it was revoked, else why it was made.
    pub reason: String,
}

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
