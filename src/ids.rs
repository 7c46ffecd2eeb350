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
    pub fn to_be_created(n: usize) -> Self {
        Self(format!("new-{n}"))
    }

    /// The `n`-th group that a simulated account made.
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

text_id!(
    /// A group of the account's members at Cloudflare, by its name.
    UserGroupName,
    "a User Group's name"
);
text_id!(
    /// A group of the account's members at Cloudflare.
    UserGroupId,
    "a User Group ID"
);
text_id!(
    /// A permission group at Cloudflare: a role in the account.
    PermissionGroupId,
    "a permission group ID"
);
text_id!(
    /// A resource group at Cloudflare: parts of an account.
    ResourceGroupId,
    "a resource group ID"
);
text_id!(
    /// A service token of Cloudflare Access, by its client ID.
    ServiceName,
    "a service token's name"
);

/// Longest name of a bearer token.
const MAX_TOKEN_NAME_CHARS: usize = 64;
/// Longest e-mail address (RFC 5321, 4.5.3.1.3); Cloudflare's members have at most 90 characters.
const MAX_EMAIL_CHARS: usize = 254;

/// The name of a bearer token of ringward: lower case, digits and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenName(String);

/// A text that is no token's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token's name has 1 to {MAX_TOKEN_NAME_CHARS} characters, of a-z, 0-9 and `-`, such as `ana-laptop`"
)]
pub struct InvalidTokenName;

/// A person's e-mail address, in lower case: two spellings that differ in ASCII case are one person
/// (cloudflare.md#access-e-mail).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like `ana@example.com`, and has no spaces")]
pub struct InvalidEmail;

macro_rules! checked_text {
    ($name:ident, $error:ident) => {
        impl $name {
            /// The text.
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
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

checked_text!(TokenName, InvalidTokenName);
checked_text!(Email, InvalidEmail);

impl std::str::FromStr for TokenName {
    type Err = InvalidTokenName;
    fn from_str(text: &str) -> Result<Self, InvalidTokenName> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = (1..=MAX_TOKEN_NAME_CHARS).contains(&text.len()) && text.chars().all(plain);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidTokenName) }
    }
}

impl std::str::FromStr for Email {
    type Err = InvalidEmail;
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let odd = |c: char| c.is_control() || c.is_whitespace() || crate::text::is_unseen(c);
        let sides = text.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
        let one_at = sides.is_some_and(|(_, host)| !host.contains('@'));
        if !one_at || text.chars().count() > MAX_EMAIL_CHARS || text.chars().any(odd) {
            return Err(InvalidEmail);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

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
    fn an_email_is_one_person_in_any_case() {
        let rows = [
            ("plain", "ana@example.com", Some("ana@example.com")),
            ("capitals", "Ana@Example.COM", Some("ana@example.com")),
            ("letters of other alphabets stay", "ÀNA@example.com", Some("Àna@example.com")),
            ("no at", "ana.example.com", None),
            ("two", "ana@b@example.com", None),
            ("nobody", "@example.com", None),
            ("nowhere", "ana@", None),
            ("a space", "ana @example.com", None),
            ("unseen", "ana\u{200b}@example.com", None),
            ("a line", "ana@example.com\n", None),
        ];
        for (row, text, expected) in rows {
            assert_eq!(text.parse::<Email>().ok().as_ref().map(Email::as_str), expected, "{row}");
        }
        assert!(format!("a@{}", "x".repeat(MAX_EMAIL_CHARS)).parse::<Email>().is_err());
    }

    #[test]
    fn json_cannot_smuggle_an_empty_identifier_in() {
        assert!(serde_json::from_str::<GroupId>("\"\"").is_err());
        assert!(serde_json::from_str::<GroupId>("\"g1\"").is_ok());
    }
}
