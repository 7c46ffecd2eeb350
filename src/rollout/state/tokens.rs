//! The tokens that were made, as the log tells.
//!
//! **Invariant:** a name and a public part belong to one token for ever, revoked or not.

use std::collections::BTreeMap;

use crate::ids::TokenName;
use crate::rollout::record::{Recorded, TokenGrant, TokenId};
use crate::rollout::state::{Attribution, fold::Fits};
use crate::time::{Timestamp, after, since};

/// Every token that was ever made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens(BTreeMap<TokenName, Token>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub grant: TokenGrant,
    /// Who made it, why and when.
    pub made: Attribution,
    /// Who revoked it, why and when.
    pub revoked: Option<Attribution>,
}

impl Token {
    /// Whether it opens anything at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.grant.expires_at.is_none_or(|at| now < at)
    }
}

impl Tokens {
    /// One token.
    pub fn get(&self, name: &TokenName) -> Option<&Token> {
        self.0.get(name)
    }

    /// The token with this public part.
    pub fn by_id(&self, id: &TokenId) -> Option<&Token> {
        self.iter().find(|token| token.grant.id == *id)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.0.values()
    }

    /// Whether anybody was ever known by token. One that has expired or was revoked still counts: that it is
    /// gone must not open what it closed.
    pub fn were_ever_made(&self) -> bool {
        !self.0.is_empty()
    }

    /// Those that were made later than `now`, by a clock that was ahead, live from `now` on.
    pub(crate) fn count_from(&mut self, now: Timestamp) {
        for token in self.0.values_mut() {
            if token.made.since > now {
                let life = token.grant.expires_at.map(|end| since(token.made.since, end));
                token.grant.expires_at = life.map(|life| after(now, life));
            }
            token.made.not_after(now);
            token.revoked.iter_mut().for_each(|hold| hold.not_after(now));
        }
    }

    pub(crate) fn make(&mut self, grant: &TokenGrant, recorded: &Recorded) -> Fits {
        if self.0.contains_key(&grant.name) {
            return Err(format!("there was a token `{}` already", grant.name));
        }
        if self.by_id(&grant.id).is_some() {
            return Err("another token has its public part".to_owned());
        }
        let token = Token { grant: grant.clone(), made: Attribution::of(recorded), revoked: None };
        self.0.insert(grant.name.clone(), token);
        Ok(())
    }

    pub(crate) fn revoke(&mut self, name: &TokenName, recorded: &Recorded) -> Fits {
        let token = self.0.get_mut(name).ok_or("there is no such token")?;
        if token.revoked.is_some() {
            return Err("the token was revoked already".to_owned());
        }
        token.revoked = Some(Attribution::of(recorded));
        Ok(())
    }
}
