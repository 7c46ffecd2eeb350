//! Bearer tokens of ringward: `rwt_`, 16 hex digits by which one is found, `_`, 64 by which it is known.
//!
//! **Invariant:** a token's text is in memory only while it is made or compared, and leaves only in
//! the one answer that tells it to its maker.

use std::collections::BTreeSet;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::fill;
use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};

use crate::ids::{Email, TokenName};
use crate::rollout::record::{Role, TokenDigest, TokenGrant, TokenId, hex};
use crate::rollout::state::Tokens;
use crate::telemetry::WhyRefused;
use crate::time::Timestamp;
use crate::web::identity::credential::only;

/// What every token begins with, so that scanners find one that got loose.
const PREFIX: &str = "rwt_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;
/// `rwt_`, the ID, `_`, the secret.
const CHARS: usize = PREFIX.len() + 2 * ID_BYTES + 1 + 2 * SECRET_BYTES;

/// Randomness that the system does not give.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no randomness, so no token was made")]
pub(in crate::web) struct NoRandomness;

/// A new token: what the log keeps, and the text that is told once.
pub(in crate::web) fn make(
    name: TokenName,
    email: Email,
    roles: BTreeSet<Role>,
    expires_at: Option<Timestamp>,
) -> Result<(TokenGrant, SecretString), NoRandomness> {
    let mut id = [0; ID_BYTES];
    let mut secret = [0; SECRET_BYTES];
    fill(&mut id).map_err(|_| NoRandomness)?;
    fill(&mut secret).map_err(|_| NoRandomness)?;
    let text = SecretString::from(format!("{PREFIX}{}_{}", hex(&id), hex(&secret)));
    let id = TokenId::new(hex(&id)).map_err(|_| NoRandomness)?;
    let digest = digest_of(&text).map_err(|_| NoRandomness)?;
    Ok((TokenGrant { name, email, roles, id, digest, expires_at }, text))
}

/// The token that a request shows; `None`: it shows none. Other schemes than `Bearer` are a proxy's.
pub(super) fn shown(headers: &HeaderMap) -> Result<Option<SecretString>, WhyRefused> {
    let Some(value) = only(headers, header::AUTHORIZATION.as_str())? else { return Ok(None) };
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    Ok(Some(SecretString::from(token.trim().to_owned())))
}

/// Whose token it is.
pub(super) fn known<'a>(
    shown: &SecretString,
    tokens: &'a Tokens,
    now: Timestamp,
) -> Result<&'a TokenGrant, WhyRefused> {
    let text = shown.expose_secret();
    if text.len() != CHARS {
        return Err(WhyRefused::TokenMalformed);
    }
    let id = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).map(|(id, _)| id.to_owned());
    let id = id.and_then(|id| TokenId::new(id).ok()).ok_or(WhyRefused::TokenMalformed)?;
    let token = tokens.by_id(&id).ok_or(WhyRefused::TokenUnknown)?;
    let digest = digest_of(shown).map_err(|_| WhyRefused::TokenMalformed)?;
    // The digests are as good as public, and the same time costs nothing.
    verify_slices_are_equal(digest.as_str().as_bytes(), token.grant.digest.as_str().as_bytes())
        .map_err(|_| WhyRefused::TokenWrongSecret)?;
    if token.revoked.is_some() {
        return Err(WhyRefused::TokenRevoked);
    }
    if !token.is_live(now) {
        return Err(WhyRefused::TokenExpired);
    }
    Ok(&token.grant)
}

fn digest_of(text: &SecretString) -> Result<TokenDigest, &'static str> {
    TokenDigest::new(hex(digest(&SHA256, text.expose_secret().as_bytes()).as_ref())).map_err(|_| "no digest")
}
