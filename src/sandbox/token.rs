//! The account's API token: its state, and what verify tells of it.
//!
//! **Invariant:** an active token is expired once its end has come.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::SandboxAnswer;
use crate::synthetic::Dice;
use crate::time::Timestamp;

/// The token's state, as verify tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// Works.
    Active,
    /// Revoked: everything but verify is 403.
    Disabled,
    /// Past its end: everything but verify is 403.
    Expired,
}

#[derive(Debug)]
pub(super) struct ApiToken {
    pub(super) secret: SecretString,
    id: String,
    pub(super) status: TokenStatus,
    pub(super) expires_on: Option<Timestamp>,
}

impl ApiToken {
    /// `secret`: `None` where the seed makes one.
    pub(super) fn new(dice: Dice, secret: Option<SecretString>, expires_on: Option<Timestamp>) -> Self {
        let secret = secret.unwrap_or_else(|| format!("cfat_{}", dice.of("token").alphanumeric(40)).into());
        Self { secret, id: dice.of("token id").hex(32), status: TokenStatus::Active, expires_on }
    }

    pub(super) fn is(&self, given: Option<&SecretString>) -> bool {
        given.is_some_and(|given| given.expose_secret() == self.secret.expose_secret())
    }

    pub(super) fn status_at(&self, now: Timestamp) -> TokenStatus {
        match self.status {
            TokenStatus::Active if self.expires_on.is_some_and(|end| end <= now) => TokenStatus::Expired,
            status => status,
        }
    }

    pub(super) fn answer(&self, now: Timestamp) -> SandboxAnswer {
        let mut result = json!({ "id": self.id, "status": self.status_at(now) });
        if let Some(end) = self.expires_on {
            result["expires_on"] = end.to_string().into();
        }
        SandboxAnswer::found(&result)
    }
}
