//! The API token: whose it is, and whether it is live.
//!
//! **Invariant:** a state that the contract does not know is no answer.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::time::Timestamp;

/// Whose token it is, as its prefix tells (cloudflare.md#tokens).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenOwner {
    User,
    Account,
    Unknown,
}

impl TokenOwner {
    pub(super) fn of(token: &SecretString) -> Self {
        let token = token.expose_secret();
        match () {
            () if token.starts_with("cfut_") => Self::User,
            () if token.starts_with("cfat_") => Self::Account,
            () => Self::Unknown,
        }
    }
}

/// The state of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
#[serde(rename_all = "lowercase")]
pub enum TokenState {
    /// It can be used.
    Active,
    /// Somebody switched it off.
    Disabled,
    /// Its time is over.
    Expired,
}

/// What verification said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct TokenCheck {
    /// The state.
    #[serde(rename = "status")]
    pub state: TokenState,
    /// When it ends; none where it never does.
    pub expires_on: Option<Timestamp>,
}
