//! Names and identifiers, one type each, so that a policy ID never lands where a group ID belongs.
//!
//! **Invariant:** an identifier is never empty and never longer than [`MAX_ID_CHARS`]; what
//! Cloudflare calls opaque stays opaque (compared, never parsed).

use crate::text::text_types;

/// Longest identifier accepted from anywhere. Cloudflare names at most 255 characters.
pub const MAX_ID_CHARS: usize = 255;
/// Longest name of a bearer token.
const MAX_TOKEN_NAME_CHARS: usize = 64;
/// Longest e-mail address (RFC 5321, 4.5.3.1.3); Cloudflare's members have at most 90 characters.
const MAX_EMAIL_CHARS: usize = 254;

/// An identifier that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must have 1 to {MAX_ID_CHARS} characters and no control characters, and {found:?} does not")]
pub struct InvalidId {
    what: &'static str,
    found: String,
}

/// A text that is no token's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a token's name has 1 to {MAX_TOKEN_NAME_CHARS} characters, of a-z, 0-9 and `-`, such as `ana-laptop`"
)]
pub struct InvalidTokenName;

/// A text that is no e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like `ana@example.com`, and has no spaces")]
pub struct InvalidEmail;

text_types! {
    /// A Cloudflare account.
    AccountId or InvalidId: |text| identifier("an account ID", text);
    /// A device settings profile, which deployment groups name in `policy_ids`.
    PolicyId or InvalidId: |text| identifier("a policy ID", text);
    /// A deployment group. Names are not unique at Cloudflare; IDs are.
    GroupId or InvalidId: |text| identifier("a deployment group ID", text);
    /// A physical device.
    DeviceId or InvalidId: |text| identifier("a device ID", text);
    /// The name of a plan: lower case, digits and `-` (the plan decoder checks the alphabet).
    PlanName or InvalidId: |text| identifier("a plan name", text);
    /// The name of a ring, unique within its plan.
    RingName or InvalidId: |text| identifier("a ring name", text);
    /// A group of the account's members at Cloudflare, by its name.
    UserGroupName or InvalidId: |text| identifier("a User Group's name", text);
    /// A group of the account's members at Cloudflare.
    UserGroupId or InvalidId: |text| identifier("a User Group ID", text);
    /// A permission group at Cloudflare: a role in the account.
    PermissionGroupId or InvalidId: |text| identifier("a permission group ID", text);
    /// A resource group at Cloudflare: parts of an account.
    ResourceGroupId or InvalidId: |text| identifier("a resource group ID", text);
    /// A service token of Cloudflare Access, by its client ID.
    ServiceName or InvalidId: |text| identifier("a service token's name", text);
    /// The name of a bearer token of ringward: lower case, digits and `-`.
    TokenName or InvalidTokenName: |text| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = (1..=MAX_TOKEN_NAME_CHARS).contains(&text.len()) && text.chars().all(plain);
        fits.then_some(text).ok_or(InvalidTokenName)
    };
    /// A person's e-mail address, in lower case: two spellings that differ in ASCII case are one person
    /// (cloudflare.md#access-e-mail).
    Email or InvalidEmail: |text| {
        let odd = |c: char| c.is_control() || c.is_whitespace() || crate::text::is_unseen(c);
        let sides = text.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
        let one_at = sides.is_some_and(|(_, host)| !host.contains('@'));
        if !one_at || text.chars().count() > MAX_EMAIL_CHARS || text.chars().any(odd) {
            return Err(InvalidEmail);
        }
        Ok(text.to_ascii_lowercase())
    };
}

fn identifier(what: &'static str, text: String) -> Result<String, InvalidId> {
    let chars = text.chars().count();
    if chars == 0 || chars > MAX_ID_CHARS || text.chars().any(char::is_control) {
        return Err(InvalidId { what, found: text.chars().take(40).collect() });
    }
    Ok(text)
}

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
