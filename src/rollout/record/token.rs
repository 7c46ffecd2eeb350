//! Bearer tokens of ringward: what the log keeps of one, and what may be asked about them.
//!
//! **Invariant:** nothing here, and so nothing in the log, is what a holder sends: of that only the
//! SHA-256 is known, and a digest of 256 random bits gives nothing away.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{Email, TokenName};
use crate::text::{is_hex, joined, text_types, worded};
use crate::time::{SignedDuration, Timestamp, after};

worded!(Role;);

/// Hex digits of a token's public part: 8 bytes.
pub const ID_DIGITS: usize = 16;

/// Hex digits of a SHA-256.
const DIGEST_DIGITS: usize = 64;

/// What a token's holder may do. Whatever the role, its holder may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::Display, strum::EnumCount, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Role {
    /// Nothing but read.
    Viewer,
    /// Ask for verbs.
    Operator,
    /// Approve, if a member of the User Group that is asked.
    Approver,
}

/// So long a token lives with which somebody acts, where nobody says how long: by then it is known whether its holder is
/// still there.
const ACTS_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

impl Role {
    /// Whether its holder does more than read.
    pub const fn acts(self) -> bool {
        match self {
            Self::Viewer => false,
            Self::Operator | Self::Approver => true,
        }
    }

    /// When a token with these roles ends that is made at an instant, where nobody says so; `None`: when it is revoked.
    pub fn usual_end(roles: &BTreeSet<Self>, made_at: Timestamp) -> Option<Timestamp> {
        roles.iter().any(|role| role.acts()).then(|| after(made_at, ACTS_FOR))
    }
}

/// A text that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a role is viewer, operator or approver")]
pub struct InvalidRole;

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(InvalidRole)
    }
}

/// A text that is not so many hex digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must have {0} digits 0-9 and a-f")]
pub struct InvalidHex(usize);

text_types! {
    /// The public part of a token, by which it is found.
    TokenId or InvalidHex: |text| hex_digits(text, ID_DIGITS);
    /// SHA-256 of a token's whole text.
    TokenDigest or InvalidHex: |text| hex_digits(text, DIGEST_DIGITS);
}

fn hex_digits(text: String, count: usize) -> Result<String, InvalidHex> {
    if is_hex(&text, count) { Ok(text) } else { Err(InvalidHex(count)) }
}

/// Bytes as hex digits in lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A token: whose it is, what its holder may do, and how it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenGrant {
    /// Its name, which no other token ever has.
    pub name: TokenName,
    /// The person it is for.
    pub email: Email,
    /// What they may do with it; never empty.
    pub roles: BTreeSet<Role>,
    /// Its public part.
    pub id: TokenId,
    /// SHA-256 of its text.
    pub digest: TokenDigest,
    /// From when on it is worth nothing; `None`: until it is revoked.
    pub expires_at: Option<Timestamp>,
}

impl TokenGrant {
    /// Its roles in words: `viewer, approver`.
    pub fn roles_in_words(&self) -> String {
        joined(&self.roles, ", ")
    }
}

#[cfg(test)]
mod tests {
    use crate::rollout::people::tokens::*;
    use crate::rollout::record::Actor;
    use crate::rollout::record::event::Recorded;
    use crate::rollout::record::token::*;
    use crate::rollout::state::State;

    fn grant(name: &str) -> TokenGrant {
        TokenGrant {
            name: name.parse().unwrap(),
            email: "ana@example.com".parse().unwrap(),
            roles: BTreeSet::from([Role::Viewer, Role::Approver]),
            id: TokenId::new(hex(&[7; 8])).unwrap(),
            digest: TokenDigest::new(hex(&[9; 32])).unwrap(),
            expires_at: "2026-12-12T09:00:00Z".parse().ok(),
        }
    }

    fn made(grant: TokenGrant) -> TokenRequest {
        TokenRequest::Make(Box::new(grant))
    }

    #[test]
    fn digits_are_as_many_as_they_must_be() {
        assert_eq!(TokenId::new(hex(&[0, 1, 2, 3, 4, 5, 6, 255])).unwrap().as_str(), "00010203040506ff");
        for wrong in ["", "00", "00010203040506fg", "00010203040506FF", "00010203040506ff0"] {
            assert!(TokenId::new(wrong).is_err(), "{wrong}");
        }
        assert!(TokenDigest::new(hex(&[0; 31])).is_err());
    }

    /// What is asked of a log that has `ana-laptop`, live, and `ana-phone`, revoked.
    #[test]
    fn a_token_is_made_once_and_revoked_once() {
        let now: Timestamp = "2026-10-12T09:00:00Z".parse().unwrap();
        let actor = Actor::Local { user: "ada".to_owned() };
        let mut state = State::default();
        let mut add = |asked: TokenRequest| {
            let entry = request(&state, &actor, "for a test", asked, now).unwrap();
            state.apply(&Recorded { seq: state.seq + 1, at: now, entry }).unwrap();
        };
        add(made(grant("ana-laptop")));
        let phone = TokenGrant { id: TokenId::new(hex(&[8; 8])).unwrap(), ..grant("ana-phone") };
        add(made(phone));
        add(TokenRequest::Revoke("ana-phone".parse().unwrap()));
        let over = TokenGrant { expires_at: Some(now), ..grant("over") };
        let idle = TokenGrant { roles: BTreeSet::new(), ..grant("idle") };
        let new = TokenGrant { id: TokenId::new(hex(&[6; 8])).unwrap(), ..grant("new") };
        let endless = TokenGrant { expires_at: None, ..new.clone() };
        let reads = TokenGrant { roles: BTreeSet::from([Role::Viewer]), ..endless.clone() };
        let rows = [
            ("a new one", "why", made(new), None),
            ("without a reason", " ", made(grant("new")), Some("a reason is needed")),
            ("a control character", "a\u{7}b", made(grant("new")), Some("control character")),
            ("a name twice", "why", made(grant("ana-laptop")), Some("already")),
            ("the name of one that is revoked", "why", made(grant("ana-phone")), Some("already")),
            ("expired", "why", made(over), Some("expired already")),
            ("no role", "why", made(idle), Some("no role")),
            ("acts for ever", "why", made(endless), Some("would never end")),
            ("reads for ever", "why", made(reads), None),
            ("revoke", "why", TokenRequest::Revoke("ana-laptop".parse().unwrap()), None),
            ("revoke again", "why", TokenRequest::Revoke("ana-phone".parse().unwrap()), Some("by local:ada")),
            ("revoke nothing", "why", TokenRequest::Revoke("new".parse().unwrap()), Some("no token `new`")),
        ];
        for (row, reason, asked, refused) in rows {
            match (request(&state, &actor, reason, asked, now), refused) {
                (Ok(entry), None) => {
                    let recorded = Recorded { seq: state.seq + 1, at: now, entry };
                    assert!(state.clone().apply(&recorded).is_ok(), "{row}");
                }
                (Err(why), Some(word)) => assert!(why.to_string().contains(word), "{row}: {why}"),
                (found, _) => panic!("{row}: {found:?}"),
            }
        }
    }
}
