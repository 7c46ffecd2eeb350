//! Who asks, and for what they may.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `bearer` | tokens of ringward: made, and known again |
//! | `assertion`, `certs` | what Cloudflare Access vouches for, and the keys that it signs with |
//! | [`needs`] | what each path needs |
//!
//! **Invariant:** a request has one identity, decided before any path looks at it; a credential that
//! does not verify is refused and never passed over, and whoever shows none gets no right by it.

mod assertion;
pub(super) mod bearer;
mod certs;
pub mod needs;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

pub use needs::Need;

use self::assertion::Verifier;
use super::guard::{Broken, Peer, no_proxy};
use super::problem::{Failure, Kind};
use crate::config::{Config, MayRead};
use crate::rollout::event::Actor;
use crate::rollout::state::Tokens;
use crate::rollout::token::Role;
use crate::time::{Clock, Timestamp};

/// All that is said of a credential that does not verify, whatever is wrong with it: the rest would
/// only help somebody who tries.
const NOT_KNOWN: &str = "the credentials of this request are not valid here; sign in again, or ask whoever runs \
                         ringward for a token";
const NOBODY: &str = "nobody is known by this request; sign in through Cloudflare Access, or send a token that \
                      `ringward token new` made as `Authorization: Bearer …`";

/// How people and programs are told apart. One for all listeners of a daemon.
#[derive(Debug, Default)]
pub struct Identities {
    reading: MayRead,
    access: Option<Verifier>,
}

/// Identities that cannot be told apart as the configuration wants.
#[derive(Debug, thiserror::Error)]
#[error("the keys of Cloudflare Access could not be fetched: {0}")]
pub struct NoIdentities(String);

/// Something that an identity may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Right {
    Read,
    Operate,
    Approve,
    /// Say who may come in.
    Admit,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// Somebody who has proven who they are: to the kernel, or by a credential.
    Proven { actor: Actor, rights: BTreeSet<Right> },
    /// Somebody who shows no credential where none is known: the rules of the loopback address hold.
    Unasked,
    /// Somebody who shows no credential where others do.
    Nobody(MayRead),
}

/// Who asks for what they may: the proof that admission judged them.
#[derive(Debug, Clone)]
pub(super) struct Asker(pub(super) Actor);

impl Identities {
    /// As a configuration says. Sends nothing.
    ///
    /// # Errors
    /// When keys of Access could not be fetched safely, such as without CA certificates.
    pub fn of(config: &Config, ca_file: Option<PathBuf>) -> Result<Self, NoIdentities> {
        let access = config.access.clone().map(|access| Verifier::new(access, ca_file)).transpose();
        Ok(Self { reading: config.reading, access: access.map_err(NoIdentities)? })
    }

    /// With another clock for what Access says than the machine's, for tests: it counts by real time,
    /// whatever the daemon's clock.
    #[must_use]
    pub fn with_wall_clock(self, wall: Clock) -> Self {
        Self { access: self.access.map(|access| access.with_wall_clock(wall)), ..self }
    }

    /// Who asks; `now` is the daemon's, by which tokens run out.
    ///
    /// # Errors
    /// When a credential does not verify, or cannot be verified now.
    pub(super) async fn identify(
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
        Ok(Some(Identity::Proven { actor, rights: rights.chain([Right::Read]).collect() }))
    }

    fn without_credential(&self, peer: &Peer, headers: &HeaderMap, tokens: &Tokens) -> Identity {
        match peer {
            // The kernel vouches for the user, not for whom a proxy there lets in.
            Peer::Local { user } if no_proxy(headers).is_ok() => Identity::Proven {
                actor: Actor::Local { user: user.clone() },
                rights: BTreeSet::from([Right::Read, Right::Operate, Right::Admit]),
            },
            _ if self.asks_who(tokens) => Identity::Nobody(self.reading),
            Peer::Local { .. } | Peer::Tcp { .. } => Identity::Unasked,
        }
    }

    /// Whether anybody has a way of saying who they are: from then on, coming from this machine alone
    /// gives no right.
    fn asks_who(&self, tokens: &Tokens) -> bool {
        self.access.is_some() || self.reading == MayRead::SignedIn || tokens.are_in_use()
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
        (Some(one), Some(other)) if one != other => Err(not_known("a token of another person")),
        _ => Ok(token),
    }
}

/// The one answer to every credential that does not verify; which rule it broke is told to the log.
fn not_known(why: &'static str) -> Failure {
    tracing::debug!(why, "a credential was refused");
    Failure::new(Kind::Unauthorized, NOT_KNOWN)
}

/// Why an identity may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denied {
    /// A rule that every request for a change keeps.
    Rule(Broken),
    /// A rule that every read keeps.
    Unreadable(Broken),
    /// Whoever asks is known, and lacks the right.
    Lacks(Actor, Right),
    /// Nobody is known.
    Nobody,
}

impl Identity {
    /// The actor of a request that needs `need`; `None`: it needs none.
    ///
    /// # Errors
    /// When this identity may not, or the request breaks a rule that every such request keeps.
    pub(super) fn may(&self, need: Need, peer: &Peer, head: &Parts) -> Result<Option<Actor>, Denied> {
        let right = match need {
            Need::Nothing => return Ok(None),
            Need::Read => return self.may_read(peer, head),
            Need::Operate => Right::Operate,
            Need::Approve => Right::Approve,
            Need::Machine => Right::Admit,
        };
        let actor = match self {
            Self::Proven { actor, .. } => {
                peer.keeps_site(head).map_err(Denied::Rule)?;
                actor.clone()
            }
            Self::Unasked => peer.actor(head).map_err(Denied::Rule)?,
            Self::Nobody(_) => {
                peer.takes_verbs().map_err(Denied::Rule)?;
                return Err(Denied::Nobody);
            }
        };
        let has = match self {
            Self::Proven { rights, .. } => rights.contains(&right),
            Self::Unasked => right == Right::Operate,
            Self::Nobody(_) => false,
        };
        if has { Ok(Some(actor)) } else { Err(Denied::Lacks(actor, right)) }
    }

    fn may_read(&self, peer: &Peer, head: &Parts) -> Result<Option<Actor>, Denied> {
        match self {
            // A name that was rebound has no credential to send.
            Self::Proven { actor, .. } => {
                Peer::may_be_read_from(head).map_err(Denied::Unreadable)?;
                Ok(Some(actor.clone()))
            }
            Self::Nobody(MayRead::SignedIn) => Err(Denied::Nobody),
            Self::Nobody(MayRead::Open) | Self::Unasked => {
                peer.may_read(head).map_err(Denied::Unreadable)?;
                Ok(None)
            }
        }
    }
}

impl Denied {
    /// Why, in words for a page that says itself what would work.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Rule(broken) | Self::Unreadable(broken) => broken.to_string(),
            Self::Lacks(actor, right) => lacks(actor, *right),
            Self::Nobody => NOBODY.to_owned(),
        }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        let why = denied.why();
        match denied {
            Denied::Rule(_) => {
                let remedy = "use the command line on the machine that ringward runs on";
                Self::new(Kind::Forbidden, format!("{why}; {remedy}"))
            }
            Denied::Unreadable(broken) => Self::new(Kind::Forbidden, format!("{why}: {}", remedy(&broken))),
            Denied::Lacks(..) => Self::new(Kind::Forbidden, why),
            Denied::Nobody => Self::new(Kind::Unauthorized, why),
        }
    }
}

/// Why somebody who is known may not, and who may.
fn lacks(actor: &Actor, right: Right) -> String {
    match (right, actor) {
        (Right::Read, _) => format!("{actor} may not read; ask for a token with the role viewer"),
        (Right::Operate, Actor::Token { .. }) => {
            format!("{actor} may not ask for verbs; that takes a token with the role operator")
        }
        (Right::Operate, Actor::Service { .. }) => {
            format!("{actor} may not ask for verbs; `access.services` of ringward.yaml names those that may")
        }
        (Right::Operate, _) => {
            format!("{actor} may not ask for verbs; `access.operators` of ringward.yaml names those who may")
        }
        (Right::Approve, Actor::Token { .. }) => {
            format!("{actor} may not approve; that takes a token with the role approver")
        }
        (Right::Approve, _) => format!(
            "{actor} may not approve: only a person who is known by e-mail may; sign in through Cloudflare Access, \
             or use a token with the role approver"
        ),
        (Right::Admit, _) => format!(
            "{actor} may not say who comes in: tokens are made, listed and revoked on the machine itself, with \
             `ringward token`"
        ),
    }
}

/// What helps where a read may not be answered.
const fn remedy(broken: &Broken) -> &'static str {
    match broken {
        Broken::FetchSite(_) => "only this page itself may; open it in a window of its own",
        Broken::Name(_) => {
            "a web page under another name must not read this; ask by the address, or name what you \
             ask by at ringward's start with --host (RINGWARD_HOSTS)"
        }
        _ => {
            "a web page under another name must not read this; open the address that ringward printed \
             at its start, forward the same port in a tunnel, let a proxy send that `Host`, or name \
             yours with --host"
        }
    }
}

/// The only value of a header; `None`: there is none.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| "a header that is no text"),
        (Some(_), Some(_)) => Err("a credential twice"),
    }
}

/// The header of a bearer token.
fn authorization(headers: &HeaderMap) -> Result<Option<&str>, &'static str> {
    only(headers, header::AUTHORIZATION.as_str())
}
