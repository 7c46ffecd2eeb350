//! Tokens of ringward, and a world that knows them and a team of Access.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use ringward::config;
use ringward::rollout::record::{self, Role, TokenDigest, TokenGrant, TokenId};
use ringward::rollout::record::{Actor, Entry, Event, Recorded};
use ringward::rollout::state::{State, Tokens};
use ringward::time::{Clock, Timestamp};
use ringward::web::{Identities, Peer, Services, TcpRules, router};

use super::super::world::{World, report, view};
pub(super) use crate::team::{Signer, TAG, base64, by_secret, in_seconds, message, person, service};

/// Where people reach ringward behind Access.
pub(super) const HOST: &str = "ringward.example.com";

/// A bearer token's text from two bytes, for tables; those that ringward makes are random.
pub(crate) fn bearer(seed: u8) -> String {
    let hex = |byte: u8, times: usize| format!("{byte:02x}").repeat(times);
    format!("rwt_{}_{}", hex(seed, 8), hex(seed ^ 0xff, 32))
}

/// One token for each set of roles.
pub(crate) fn tokens(of: &[(&str, u8, &[Role])]) -> State {
    let mut state = State::default();
    for (name, seed, roles) in of {
        let digest = digest::digest(&digest::SHA256, bearer(*seed).as_bytes());
        let token = TokenGrant {
            name: name.parse().unwrap(),
            email: format!("{name}@example.com").parse().unwrap(),
            roles: BTreeSet::from_iter(roles.iter().copied()),
            id: TokenId::new(record::hex(&[*seed; 8])).unwrap(),
            digest: TokenDigest::new(record::hex(digest.as_ref())).unwrap(),
            expires_at: None,
        };
        add(&mut state, Event::TokenMade { token: Box::new(token) });
    }
    state
}

pub(crate) fn add(state: &mut State, event: Event) {
    let at: Timestamp = "2026-10-12T08:00:00Z".parse().unwrap();
    let actor = Actor::Local { user: "ada".to_owned() };
    let entry = Entry { actor, reason: "for a test".to_owned(), rollout: None, event };
    state.apply(&Recorded { seq: state.seq + 1, at, entry }).unwrap();
}

/// A scripted daemon whose router knows these.
pub(super) struct Guarded {
    pub(super) world: World,
    pub(super) app: Router,
}

impl Guarded {
    pub(super) fn new(config: &str, tokens: Tokens) -> Self {
        Self::on(config, tokens, Clock::Real)
    }

    /// With another clock for Access than the machine's.
    pub(super) fn on(config: &str, tokens: Tokens, wall: Clock) -> Self {
        let mut view = view(vec![report("client")]);
        view.tokens = tokens;
        let world = World::new(view, Ok("done as asked"));
        let config = match config {
            "" => config::Config::default(),
            text => config::read("ringward.yaml", text.as_bytes()).unwrap(),
        };
        let identities = Identities::of(&config, None).unwrap().with_wall_clock(wall);
        let app = router(Services { identities: Arc::new(identities), ..world.services.clone() });
        Self { world, app }
    }

    pub(super) fn arrived(&self) -> Vec<Actor> {
        self.world.arrived.lock().unwrap().iter().map(|(actor, ..)| actor.clone()).collect()
    }
}

/// Where a request comes from.
pub(super) fn over_tcp(peer: &str, rules: TcpRules) -> Peer {
    Peer::Tcp {
        peer: format!("{peer}:50000").parse().unwrap(),
        local: "127.0.0.1:8787".parse().unwrap(),
        rules: Arc::new(rules),
    }
}

/// A verb with a reason, or a read.
pub(super) fn request(peer: Peer, method: &Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if method == Method::POST { r#"{"reason": "look"}"# } else { "" };
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(peer);
    request
}
