//! Keys that sign, assertions of Access, tokens of ringward, and a world that knows them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use aws_lc_rs::{digest, hmac};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use ringward::config;
use ringward::rollout::event::{Actor, Entry, Event, Recorded};
use ringward::rollout::state::{State, Tokens};
use ringward::rollout::token::{Role, TokenDigest, TokenGrant, TokenId};
use ringward::time::{Clock, Timestamp};
use ringward::web::{Identities, Peer, Services, TcpRules, router};
use serde_json::{Value, json};

use super::super::world::{World, report, view};

/// The application's tag.
pub(super) const TAG: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";
/// Where people reach ringward behind Access.
pub(super) const HOST: &str = "ringward.example.com";

/// Base64 for URLs, without padding (RFC 4648, 5).
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let six = group >> (18 - 6 * place) & 63;
            text.push(char::from(LETTERS[six as usize]));
        }
    }
    text
}

/// A key of a team.
pub(super) struct Signer {
    pub(super) kid: String,
    pair: RsaKeyPair,
}

impl Signer {
    pub(super) fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    /// The key as the team shows it.
    pub(super) fn jwk(&self) -> Value {
        let key = self.pair.public_key();
        let (n, e) = (key.modulus(), key.exponent());
        json!({
            "kid": self.kid, "kty": "RSA", "alg": "RS256", "use": "sig",
            "n": base64(n.big_endian_without_leading_zero()), "e": base64(e.big_endian_without_leading_zero()),
        })
    }

    /// Its public part in DER, which anybody has.
    pub(super) fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    fn signed(&self, by: &'static dyn RsaEncoding, message: &str) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(by, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", base64(&signature))
    }

    /// A token with this header and these claims, signed as `by` says.
    pub(super) fn token_by(&self, by: &'static dyn RsaEncoding, header: &Value, claims: &str) -> String {
        self.signed(by, &message(header, claims))
    }

    pub(super) fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"})
    }

    /// A token as Access makes them.
    pub(super) fn token(&self, claims: &Value) -> String {
        self.token_by(&RSA_PKCS1_SHA256, &self.header(), &claims.to_string())
    }
}

pub(super) fn message(header: &Value, claims: &str) -> String {
    format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.as_bytes()))
}

/// A token "signed" with a secret that everybody knows.
pub(super) fn by_secret(secret: &[u8], header: &Value, claims: &str) -> String {
    let message = message(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", base64(tag.as_ref()))
}

/// Seconds from now on.
pub(super) fn in_seconds(seconds: i64) -> i64 {
    Clock::Real.now().as_second() + seconds
}

/// What Access says of a person.
pub(super) fn person(email: &str) -> Value {
    json!({
        "aud": [TAG], "email": email, "exp": in_seconds(3600), "iat": in_seconds(-5), "nbf": in_seconds(-5),
        "iss": "https://acme.cloudflareaccess.com", "type": "app", "identity_nonce": "6ei69kawdKzMIAPF",
        "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "PT",
    })
}

/// What Access says of a service token.
pub(super) fn service(name: &str) -> Value {
    json!({
        "aud": [TAG], "common_name": name, "exp": in_seconds(3600), "iat": in_seconds(-5),
        "iss": "https://acme.cloudflareaccess.com", "type": "app", "sub": "",
    })
}

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
            id: TokenId::of(&[*seed; 8]).unwrap(),
            digest: TokenDigest::of(digest.as_ref()).unwrap(),
            expires_at: None,
        };
        add(&mut state, Event::TokenMade { token: Box::new(token) });
    }
    state
}

pub(super) fn add(state: &mut State, event: Event) {
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
