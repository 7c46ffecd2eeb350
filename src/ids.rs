//! Names and identifiers, one type each, so that a policy ID never lands where a group ID belongs.
//!
//! **Invariant:** an identifier is never empty and never longer than [`MAX_ID_CHARS`]; what
//! Cloudflare calls opaque stays opaque (compared, never parsed).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest identifier accepted from anywhere. Cloudflare names at most 255 characters.
pub const MAX_ID_CHARS: usize = 255;

/// An identifier that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must have 1 to {MAX_ID_CHARS} characters and no control characters, and {found:?} does not")]
pub struct InvalidId {
    what: &'static str,
    found: String,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// When the text is empty, too long, or holds a control character.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let chars = text.chars().count();
                if chars == 0 || chars > MAX_ID_CHARS || text.chars().any(char::is_control) {
                    let found = text.chars().take(40).collect();
                    return Err(InvalidId { what: $what, found });
                }
                Ok(Self(text))
            }

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

text_id!(
    /// A Cloudflare account.
    AccountId,
    "an account ID"
);
text_id!(
    /// A device settings profile, which deployment groups name in `policy_ids`.
    PolicyId,
    "a policy ID"
);
text_id!(
    /// A deployment group. Names are not unique at Cloudflare; IDs are.
    GroupId,
    "a deployment group ID"
);
impl GroupId {
    /// Stands for the `n`-th group that does not exist yet; Cloudflare's own IDs are UUIDs.
    #[must_use]
    pub fn to_be_created(n: usize) -> Self {
        Self(format!("new-{n}"))
    }

    /// The `n`-th group that a simulated account made.
    #[must_use]
    pub fn simulated(n: u64) -> Self {
        Self(format!("group-{n}"))
    }
}

text_id!(
    /// A physical device.
    DeviceId,
    "a device ID"
);
text_id!(
    /// The name of a plan: lower case, digits and `-` (the plan decoder checks the alphabet).
    PlanName,
    "a plan name"
);
text_id!(
    /// The name of a ring, unique within its plan.
    RingName,
    "a ring name"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_bounds() {
        let rows = [
            ("empty", String::new(), false),
            ("control character", "a\nb".to_owned(), false),
            ("too long", "x".repeat(MAX_ID_CHARS + 1), false),
            ("longest", "x".repeat(MAX_ID_CHARS), true),
            ("a name with spaces", "Engineering Ring 0".to_owned(), true),
        ];
        for (row, text, accepted) in rows {
            assert_eq!(RingName::new(text).is_ok(), accepted, "{row}");
        }
    }

    #[test]
    fn json_cannot_smuggle_an_empty_identifier_in() {
        assert!(serde_json::from_str::<GroupId>("\"\"").is_err());
        assert!(serde_json::from_str::<GroupId>("\"g1\"").is_ok());
    }
}
