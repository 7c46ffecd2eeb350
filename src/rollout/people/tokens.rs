//! What may be asked about bearer tokens.
//!
//! **Invariant:** what is not refused is recorded, and a name is given once.

use crate::ids::TokenName;
use crate::rollout::people::refusal::{Refusal, needed};
use crate::rollout::record::{Actor, Entry, Event, Role, TokenGrant};
use crate::rollout::state::State;
use crate::time::Timestamp;

/// What may be asked about tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRequest {
    Make(Box<TokenGrant>),
    /// Let one be worth nothing from now on.
    Revoke(TokenName),
}

/// What carries a request out.
///
/// # Errors
/// When it is refused; the message names what would work.
pub fn request(
    state: &State,
    actor: &Actor,
    reason: &str,
    asked: TokenRequest,
    now: Timestamp,
) -> Result<Entry, Refusal> {
    let reason = needed(reason)?;
    let known = |name: &TokenName| state.tokens.get(name);
    let event = match asked {
        TokenRequest::Make(grant) if known(&grant.name).is_some() => {
            let why = format!("there was a token `{}` already", grant.name);
            return Err(Refusal::not_now(why, "choose another name: the log would not tell the two apart"));
        }
        TokenRequest::Make(grant) if grant.roles.is_empty() => {
            return Err(Refusal::not_now("the token has no role", "name viewer, operator or approver"));
        }
        TokenRequest::Make(grant) if grant.expires_at.is_some_and(|at| at <= now) => {
            return Err(Refusal::not_now("the token would have expired already", "let it live longer"));
        }
        TokenRequest::Make(grant)
            if grant.expires_at.is_none() && Role::usual_end(&grant.roles, now).is_some() =>
        {
            let why = "a token with which somebody acts would never end";
            return Err(Refusal::not_now(why, "say how long it lives, such as 90d"));
        }
        TokenRequest::Make(grant) => Event::TokenMade { token: grant },
        TokenRequest::Revoke(name) => match known(&name) {
            None => {
                let instead = "`ringward token list` shows those that there are";
                return Err(Refusal::not_now(format!("there is no token `{name}`"), instead));
            }
            Some(token) => match &token.revoked {
                Some(hold) => {
                    let why = format!("token `{name}` was revoked already, by {}", hold.actor);
                    return Err(Refusal::not_now(why, "nothing is left to be done"));
                }
                None => Event::TokenRevoked { name },
            },
        },
    };
    Ok(Entry { actor: actor.clone(), reason: reason.to_owned(), rollout: None, event })
}
