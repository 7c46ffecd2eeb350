//! Who asks, whether they may, and what is said where they may not.
//!
//! **Invariant:** a right is given by the credential or the connection alone, and every request for a change
//! also keeps the rules of [`crate::web::guard`].

use std::collections::BTreeSet;

use axum::http::request::Parts;

use crate::rollout::record::Actor;
use crate::telemetry::WhyRefused;
use crate::web::guard::{Broken, Peer};
use crate::web::identity::needs::Right;
use crate::web::problem::{Failure, Kind};

const NOBODY: &str = "nobody is known by this request; sign in through Cloudflare Access, or send a token that \
                      `ringward token new` made as `Authorization: Bearer …`";

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) enum Identity {
    /// Somebody who has proven who they are: to the kernel, or by a credential.
    Proven { actor: Actor, rights: BTreeSet<Right> },
    /// Somebody who shows no credential where none is known: the rules of the loopback address hold.
    Unasked,
    /// Somebody who shows no credential where others do, and what is open to whoever reaches the listener.
    Nobody(BTreeSet<Right>),
}

/// Who asks for what they may: the proof that admission judged them.
#[derive(Debug, Clone)]
pub(in crate::web) struct Asker(pub(in crate::web) Actor);

/// Why an identity may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) enum Denied {
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
    /// The actor of a request that needs `right`; `None`: it is a read, and nobody is known.
    ///
    /// # Errors
    /// When this identity may not, or the request breaks a rule that every such request keeps.
    pub(in crate::web) fn may(
        &self,
        right: Right,
        peer: &Peer,
        head: &Parts,
    ) -> Result<Option<Actor>, Denied> {
        if right.is_read() {
            return self.may_read(right, peer, head);
        }
        let (actor, has) = match self {
            Self::Proven { actor, rights } => {
                peer.keeps_site(head).map_err(Denied::Rule)?;
                (actor.clone(), rights.contains(&right))
            }
            Self::Unasked => (peer.actor(head).map_err(Denied::Rule)?, right == Right::Operate),
            Self::Nobody(_) => {
                peer.takes_verbs().map_err(Denied::Rule)?;
                return Err(Denied::Nobody);
            }
        };
        if has { Ok(Some(actor)) } else { Err(Denied::Lacks(actor, right)) }
    }

    /// Whether a read that was answered may go on.
    pub(in crate::web) fn reads(&self) -> bool {
        match self {
            Self::Proven { .. } | Self::Unasked => true,
            Self::Nobody(open) => open.contains(&Right::Read),
        }
    }

    fn may_read(&self, right: Right, peer: &Peer, head: &Parts) -> Result<Option<Actor>, Denied> {
        match self {
            // A name that was rebound has no credential to send.
            Self::Proven { actor, .. } => {
                Peer::may_be_read_from(head).map_err(Denied::Unreadable)?;
                Ok(Some(actor.clone()))
            }
            Self::Nobody(open) if !open.contains(&right) => Err(Denied::Nobody),
            Self::Nobody(_) | Self::Unasked => {
                peer.may_read(head).map_err(Denied::Unreadable)?;
                Ok(None)
            }
        }
    }
}

impl Denied {
    /// Why, in words for a page that says itself what would work.
    pub(in crate::web) fn why(&self) -> String {
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
            Denied::Nobody => {
                Self { why: Some(WhyRefused::NoCredential), ..Self::new(Kind::Unauthorized, why) }
            }
        }
    }
}

/// Why somebody who is known may not, and who may.
fn lacks(actor: &Actor, right: Right) -> String {
    let what = match (right, actor) {
        (Right::Read | Right::Metrics | Right::Devices, _) => "read; ask for a token with the role viewer",
        (Right::Operate, Actor::Token { .. }) => "ask for verbs; that takes a token with the role operator",
        (Right::Operate, Actor::Service { .. }) => {
            "ask for verbs; `access.services` of ringward.yaml names those that may"
        }
        (Right::Operate, _) => "ask for verbs; `access.operators` of ringward.yaml names those who may",
        (Right::Approve, Actor::Token { .. }) => "approve; that takes a token with the role approver",
        (Right::Approve, _) => {
            "approve: only a person who is known by e-mail may; sign in through Cloudflare Access, \
             or use a token with the role approver"
        }
        (Right::Admit, _) => {
            "say who comes in: tokens are made, listed and revoked on the machine itself, with \
             `ringward token`"
        }
    };
    format!("{actor} may not {what}")
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
