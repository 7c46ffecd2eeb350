//! Bearer tokens, for users of the machine.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{Email, TokenName};
use crate::rollout::record::Role;
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
    /// How long it lives, such as `90d`; absent: until it is revoked.
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
