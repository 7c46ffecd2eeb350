//! What Cloudflare Access says of whoever asks: a signed JWT in a header of its own
//! (cloudflare.md#access-token).
//!
//! **Invariant:** nobody is known by a token that is not signed by a key of the team, made for one of
//! our applications, and within its time; of one that fails, the sender learns nothing but that.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use axum::http::HeaderMap;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::config::AccessApplication;
use crate::ids::{Email, ServiceName};
use crate::rollout::record::Actor;
use crate::telemetry::WhyRefused;
use crate::time::{Clock, SignedDuration, Timestamp, after};
use crate::web::identity::asker::Identity;
use crate::web::identity::certs::Certs;
use crate::web::identity::credential::{not_known, only};
use crate::web::identity::needs::Right;
use crate::web::problem::{Failure, Kind};

/// The header that Access adds to each request. The cookie of the same content is not read: a browser
/// would send it for a page of another site, too.
const HEADER: &str = "cf-access-jwt-assertion";
/// Longest token. Access's own have about 1 KiB; custom claims make them longer.
const MAX_BYTES: usize = 8 * 1024;
/// How far the clocks of two machines may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);
/// What `type` says of a token for an application.
const OF_AN_APPLICATION: &str = "app";

/// Judges what Access says.
#[derive(Debug)]
pub(super) struct Verifier {
    access: AccessApplication,
    issuer: String,
    certs: Arc<Certs>,
    /// Tokens of Access run out by real time, whatever the daemon's clock.
    wall: Clock,
}

/// The claims that are looked at. Whatever else there is does not matter.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: Vec<String>,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(rename = "type")]
    of: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    common_name: Option<String>,
    #[serde(default)]
    sub: Option<String>,
}

impl Verifier {
    pub(super) fn new(access: AccessApplication, ca_file: Option<PathBuf>) -> Result<Self, String> {
        let certs = match &access.certs_url {
            Some(url) => Certs::new(url.as_str(), url.is_loopback(), ca_file),
            None => Certs::new(&access.team.certs(), false, ca_file),
        };
        Ok(Self { issuer: access.team.issuer(), access, certs: certs?, wall: Clock::Real })
    }

    #[must_use = "it returns the changed one"]
    pub(super) fn with_wall_clock(self, wall: Clock) -> Self {
        Self { wall, ..self }
    }

    /// Whom Access vouches for; `None`: the request does not come through it.
    ///
    /// # Errors
    /// When what it brings does not verify, or the keys cannot be read now.
    pub(super) async fn identify(&self, headers: &HeaderMap) -> Result<Option<Identity>, Failure> {
        let Some(text) = only(headers, HEADER).map_err(not_known)? else { return Ok(None) };
        let kid = key_id(text).map_err(not_known)?;
        let key = self.certs.key(&kid, &self.wall).await.map_err(|unread| {
            let detail = format!(
                "who asks cannot be told now, because {unread}; ask again in a minute, or use the command line on \
                 the machine that ringward runs on"
            );
            Failure::new(Kind::Unavailable, detail)
        })?;
        let key = key.ok_or_else(|| not_known(WhyRefused::AssertionUnknownKey))?;
        let claims = verified(text, &key).map_err(not_known)?;
        let actor = self.actor(claims, self.wall.now()).map_err(not_known)?;
        let rights = self.rights(&actor);
        Ok(Some(Identity::Proven { actor, rights }))
    }

    fn actor(&self, claims: Claims, now: Timestamp) -> Result<Actor, WhyRefused> {
        if claims.iss != self.issuer {
            return Err(WhyRefused::AssertionForeign);
        }
        if !self.access.audience.iter().any(|ours| claims.aud.iter().any(|aud| aud == ours.as_str())) {
            return Err(WhyRefused::AssertionForeign);
        }
        if claims.of != OF_AN_APPLICATION {
            return Err(WhyRefused::AssertionForeign);
        }
        let instant =
            |seconds: i64| Timestamp::from_second(seconds).map_err(|_| WhyRefused::AssertionMalformed);
        if after(instant(claims.exp)?, LEEWAY) <= now {
            return Err(WhyRefused::AssertionExpired);
        }
        if let Some(begins) = claims.nbf
            && after(now, LEEWAY) < instant(begins)?
        {
            return Err(WhyRefused::AssertionTooEarly);
        }
        let of_a_service = claims.sub.as_deref().unwrap_or_default().is_empty();
        match (claims.email, claims.common_name) {
            (Some(email), None) => {
                let email: Email = email.parse().map_err(|_| WhyRefused::AssertionMalformed)?;
                Ok(Actor::Access { email })
            }
            (None, Some(name)) if of_a_service => {
                let name: ServiceName = name.parse().map_err(|_| WhyRefused::AssertionMalformed)?;
                Ok(Actor::Service { name })
            }
            _ => Err(WhyRefused::AssertionMalformed),
        }
    }

    fn rights(&self, actor: &Actor) -> BTreeSet<Right> {
        let mut rights = BTreeSet::from(Right::READS);
        let operates = match actor {
            Actor::Access { email } => self.access.operators.include(email),
            Actor::Service { name } => self.access.services.contains(name),
            Actor::Engine | Actor::Local { .. } | Actor::Loopback | Actor::Token { .. } => false,
        };
        if operates {
            rights.insert(Right::Operate);
        }
        if matches!(actor, Actor::Access { .. }) {
            rights.insert(Right::Approve);
        }
        rights
    }
}

/// The key that a token says it is signed with.
fn key_id(text: &str) -> Result<String, WhyRefused> {
    if text.len() > MAX_BYTES {
        return Err(WhyRefused::AssertionMalformed);
    }
    let header = decode_header(text).map_err(|_| WhyRefused::AssertionMalformed)?;
    // Before a key is fetched for it. What the token says of its own algorithm is never what it is verified by.
    if header.alg != Algorithm::RS256 {
        return Err(WhyRefused::AssertionMalformed);
    }
    // RFC 7515 4.1.11: what its maker calls critical must be understood, and nothing of it is here.
    if header.crit.is_some() {
        return Err(WhyRefused::AssertionMalformed);
    }
    header.kid.ok_or(WhyRefused::AssertionMalformed)
}

/// The claims of a token that is signed by `key`; they are judged by [`Verifier::actor`], which knows
/// the time and takes an `aud` that is a list only.
fn verified(text: &str, key: &DecodingKey) -> Result<Claims, WhyRefused> {
    let mut rules = Validation::new(Algorithm::RS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    // Its own words could repeat what somebody else wrote.
    decode::<Claims>(text, key, &rules).map(|decoded| decoded.claims).map_err(|_| WhyRefused::AssertionForged)
}
