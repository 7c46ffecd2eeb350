//! From a request to whoever asks: by a token of ringward, by what Cloudflare Access says, or by the
//! connection alone.
//!
//! **Invariant:** every credential that a request shows is verified, also where another one would do.

use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::http::HeaderMap;

use crate::config::{Config, MayRead};
use crate::rollout::record::{Actor, Role};
use crate::rollout::state::Tokens;
use crate::telemetry::WhyRefused;
use crate::time::{Clock, Timestamp};
use crate::web::guard::{Peer, no_proxy};
use crate::web::identity::asker::Identity;
use crate::web::identity::assertion::Verifier;
use crate::web::identity::bearer;
use crate::web::identity::credential::not_known;
use crate::web::identity::needs::Right;
use crate::web::problem::Failure;

/// How people and programs are told apart. One for all listeners of a daemon.
#[derive(Debug)]
pub struct Identities {
    reading: MayRead,
    metrics: MayRead,
    /// Whether it is written that everybody may read: then the first token closes no list of devices.
    is_reading_open: bool,
    access: Option<Verifier>,
}

/// Identities that cannot be told apart as the configuration wants.
#[derive(Debug, thiserror::Error)]
#[error("the keys of Cloudflare Access could not be fetched: {0}")]
pub struct NoIdentities(String);

impl Default for Identities {
    fn default() -> Self {
        let (reading, metrics) = (MayRead::Open, MayRead::Open);
        Self { reading, metrics, is_reading_open: false, access: None }
    }
}

impl Identities {
    /// As a configuration says. Sends nothing.
    ///
    /// # Errors
    /// When keys of Access could not be fetched safely, such as without CA certificates.
    pub fn of(config: &Config, ca_file: Option<PathBuf>) -> Result<Self, NoIdentities> {
        let access = config.access.clone().map(|access| Verifier::new(access, ca_file)).transpose();
        Ok(Self {
            reading: config.may_read(),
            metrics: config.may_read_metrics(),
            is_reading_open: config.reading == Some(MayRead::Open),
            access: access.map_err(NoIdentities)?,
        })
    }

    /// With another clock for what Access says than the machine's, for tests: it counts by real time,
    /// whatever the daemon's clock.
    #[must_use = "it returns the changed one"]
    pub fn with_wall_clock(self, wall: Clock) -> Self {
        Self { access: self.access.map(|access| access.with_wall_clock(wall)), ..self }
    }

    /// Who asks; `now` is the daemon's, by which tokens run out.
    ///
    /// # Errors
    /// When a credential does not verify, or cannot be verified now.
    pub(in crate::web) async fn identify(
        &self,
        peer: &Peer,
        headers: &HeaderMap,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Result<Identity, Failure> {
        let by_token = self.by_token(headers, tokens, now)?;
        let by_access = match &self.access {
            Some(access) => access.identify(headers).await?,
            None => None,
        };
        match (by_access, by_token) {
            (Some(person), Some(token)) => both(&person, token),
            (Some(one), None) | (None, Some(one)) => Ok(one),
            (None, None) => Ok(self.without_credential(peer, headers, tokens)),
        }
    }

    fn by_token(
        &self,
        headers: &HeaderMap,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Result<Option<Identity>, Failure> {
        let Some(shown) = bearer::shown(headers).map_err(not_known)? else { return Ok(None) };
        let grant = bearer::known(&shown, tokens, now).map_err(not_known)?;
        let actor = Actor::Token { name: grant.name.clone(), email: grant.email.clone() };
        let rights = grant.roles.iter().map(|role| match role {
            Role::Viewer => Right::Read,
            Role::Operator => Right::Operate,
            Role::Approver => Right::Approve,
        });
        Ok(Some(Identity::Proven { actor, rights: rights.chain(Right::READS).collect() }))
    }

    fn without_credential(&self, peer: &Peer, headers: &HeaderMap, tokens: &Tokens) -> Identity {
        match peer {
            // The kernel vouches for the user, not for whom a proxy there lets in.
            Peer::Local { user } if no_proxy(headers).is_ok() => Identity::Proven {
                actor: Actor::Local { user: user.clone() },
                rights: Right::READS.into_iter().chain([Right::Operate, Right::Admit]).collect(),
            },
            _ if self.asks_who(tokens) => Identity::Nobody(self.open_reads(tokens)),
            Peer::Local { .. } | Peer::Tcp { .. } => Identity::Unasked,
        }
    }

    /// What whoever reaches the listener may read, where coming from this machine gives no right. Where people are
    /// known, which devices there are and whose is told to them, unless it is written that everybody may read.
    fn open_reads(&self, tokens: &Tokens) -> BTreeSet<Right> {
        let is_open = |right: &Right| match right {
            Right::Read => self.reading == MayRead::Open,
            Right::Metrics => self.metrics == MayRead::Open,
            Right::Devices => {
                self.reading == MayRead::Open && (self.is_reading_open || !tokens.were_ever_made())
            }
            Right::Operate | Right::Approve | Right::Admit => false,
        };
        Right::READS.into_iter().filter(is_open).collect()
    }

    /// Whether anybody has, or ever had, a way of saying who they are: from then on, coming from this machine
    /// alone gives no right. So the last token that is revoked opens nothing.
    fn asks_who(&self, tokens: &Tokens) -> bool {
        let closed = [self.reading, self.metrics].contains(&MayRead::SignedIn);
        self.access.is_some() || closed || tokens.were_ever_made()
    }
}

/// Both credentials verify, as behind Access with a token of ringward: the token is what its holder
/// chose, so it counts, unless Access knows another person.
fn both(person: &Identity, token: Identity) -> Result<Identity, Failure> {
    let email = |identity: &Identity| match identity {
        Identity::Proven { actor, .. } => actor.email().cloned(),
        Identity::Unasked | Identity::Nobody(_) => None,
    };
    match (email(person), email(&token)) {
        (Some(one), Some(other)) if one != other => Err(not_known(WhyRefused::TokenOfAnother)),
        _ => Ok(token),
    }
}
