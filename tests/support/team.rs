//! A team of Cloudflare Access: keys that sign, what it says of people and programs, and the address that
//! shows its keys.
//!
//! **Invariant:** it answers on loopback, and only what a test had it show.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use ringward::time::Clock;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The application's tag.
pub const TAG: &str = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

/// Base64 for URLs, without padding (RFC 4648, 5).
pub fn base64(bytes: &[u8]) -> String {
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
pub struct Signer {
    /// Its ID.
    pub kid: String,
    pair: RsaKeyPair,
}

impl Signer {
    /// A fresh one.
    pub fn new(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    /// The key as the team shows it.
    pub fn jwk(&self) -> Value {
        let key = self.pair.public_key();
        let (n, e) = (key.modulus(), key.exponent());
        json!({
            "kid": self.kid, "kty": "RSA", "alg": "RS256", "use": "sig",
            "n": base64(n.big_endian_without_leading_zero()), "e": base64(e.big_endian_without_leading_zero()),
        })
    }

    /// Its public part in DER, which anybody has.
    pub fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    fn signed(&self, by: &'static dyn RsaEncoding, message: &str) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(by, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", base64(&signature))
    }

    /// A token with this header and these claims, signed as `by` says.
    pub fn token_by(&self, by: &'static dyn RsaEncoding, header: &Value, claims: &str) -> String {
        self.signed(by, &message(header, claims))
    }

    /// The header of its tokens.
    pub fn header(&self) -> Value {
        json!({"alg": "RS256", "kid": self.kid, "typ": "JWT"})
    }

    /// A token as Access makes them.
    pub fn token(&self, claims: &Value) -> String {
        self.token_by(&RSA_PKCS1_SHA256, &self.header(), &claims.to_string())
    }
}

/// What is signed.
pub fn message(header: &Value, claims: &str) -> String {
    format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.as_bytes()))
}

/// A token "signed" with a secret that everybody knows.
pub fn by_secret(secret: &[u8], header: &Value, claims: &str) -> String {
    let message = message(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", base64(tag.as_ref()))
}

/// Seconds from now on.
pub fn in_seconds(seconds: i64) -> i64 {
    Clock::Real.now().as_second() + seconds
}

/// What Access says of a person.
pub fn person(email: &str) -> Value {
    json!({
        "aud": [TAG], "email": email, "exp": in_seconds(3600), "iat": in_seconds(-5), "nbf": in_seconds(-5),
        "iss": "https://acme.cloudflareaccess.com", "type": "app", "identity_nonce": "6ei69kawdKzMIAPF",
        "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "PT",
    })
}

/// What Access says of a service token.
pub fn service(name: &str) -> Value {
    json!({
        "aud": [TAG], "common_name": name, "exp": in_seconds(3600), "iat": in_seconds(-5),
        "iss": "https://acme.cloudflareaccess.com", "type": "app", "sub": "",
    })
}

/// What upstream answers, and how often it was asked.
struct Shown {
    answer: Mutex<(StatusCode, String)>,
    asked: AtomicUsize,
}

/// Somebody who shows keys.
pub struct KeyServer {
    /// Where.
    pub url: String,
    shown: Arc<Shown>,
    /// Its task.
    pub serving: JoinHandle<()>,
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(shown): State<Arc<Shown>>) -> (StatusCode, String) {
    shown.asked.fetch_add(1, Ordering::SeqCst);
    shown.answer.lock().unwrap().clone()
}

impl KeyServer {
    /// Begins, with these keys.
    pub async fn start(signers: &[&Signer]) -> Self {
        let shown = Arc::new(Shown { answer: Mutex::default(), asked: AtomicUsize::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/certs", listener.local_addr().unwrap());
        let app = Router::new().route("/certs", get(answer)).with_state(Arc::clone(&shown));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let server = Self { url, shown, serving };
        server.show(signers);
        server
    }

    /// Shows these keys from now on.
    pub fn show(&self, signers: &[&Signer]) {
        let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
        self.say(StatusCode::OK, &json!({"keys": keys, "public_cert": {}, "public_certs": []}).to_string());
    }

    /// Answers this from now on.
    pub fn say(&self, status: StatusCode, body: &str) {
        *self.shown.answer.lock().unwrap() = (status, body.to_owned());
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.shown.asked.load(Ordering::SeqCst)
    }

    /// A configuration with Access in front, and these lines below it.
    pub fn config(&self, rest: &str) -> String {
        format!("access:\n  team: acme\n  audience: [{TAG}]\n  certs_url: {}\n{rest}", self.url)
    }
}
