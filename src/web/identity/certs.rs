//! The keys that Cloudflare Access signs with: fetched when one is needed, kept for an hour.
//!
//! They rotate every six weeks, and the one before stays valid for seven days (cloudflare.md#access-keys): a
//! token that names an unknown key has them fetched once more, but at most once a minute, since anybody can
//! name a key that there is not.
//!
//! **Invariant:** at most one fetch is under way, it ends within [`FETCH_WITHIN`] whoever waits for it,
//! and keys that are older than [`KEPT`] verify nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use reqwest::{Certificate, Client, redirect};
use serde::Deserialize;

use crate::cloudflare::MAX_CA_BYTES;
use crate::secrets::read_file;
use crate::time::{Clock, SignedDuration, Timestamp, since};

/// How long keys are believed.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Keys are not fetched again for an unknown one within this.
pub(super) const UNKNOWN_KEY_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// A fetch that failed is not tried again within this while there are no keys at all.
pub(super) const FAILED_EVERY: SignedDuration = SignedDuration::from_secs(5);
/// Wall time for a fetch.
const FETCH_WITHIN: Duration = Duration::from_secs(5);
/// Largest answer. Cloudflare's has about 8 KiB.
const MAX_BYTES: usize = 64 * 1024;
/// Most keys. Cloudflare has two.
const MAX_KEYS: usize = 16;

/// Keys that cannot be read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys of Cloudflare Access cannot be read")]
pub(super) struct Unread;

/// The keys of one team.
#[derive(Debug)]
pub(super) struct Certs {
    client: Client,
    url: String,
    kept: Mutex<KeptKeys>,
    /// Whoever holds it fetches.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// What is known of the keys.
#[derive(Debug, Default)]
pub(super) struct KeptKeys {
    keys: BTreeMap<String, DecodingKey>,
    fetched_at: Option<Timestamp>,
    /// The last try, and whether it failed.
    tried: Option<(Timestamp, bool)>,
}

/// The answer, as far as it is looked at (never at `public_cert`).
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
}

impl KeptKeys {
    /// A key at `now`, which may be known not to be there, or not to be readable; `None`: the keys must be
    /// fetched.
    pub(super) fn look(&self, kid: &str, now: Timestamp) -> Option<Result<Option<DecodingKey>, Unread>> {
        // A clock that was set back makes what was fetched later doubtful.
        let young = |at: Timestamp, most: SignedDuration| at <= now && since(at, now) < most;
        let fresh = self.fetched_at.is_some_and(|at| young(at, KEPT));
        if fresh && let Some(key) = self.keys.get(kid) {
            return Some(Ok(Some(key.clone())));
        }
        let again = if fresh { UNKNOWN_KEY_EVERY } else { FAILED_EVERY };
        match self.tried {
            // Too early for another try.
            Some((at, true)) if young(at, again) => Some(Err(Unread)),
            Some((at, false)) if fresh && young(at, again) => Some(Ok(None)),
            _ => None,
        }
    }

    /// Takes a fetch in.
    pub(super) fn take(&mut self, fetched: Option<BTreeMap<String, DecodingKey>>, at: Timestamp) {
        self.tried = Some((at, fetched.is_none()));
        if let Some(keys) = fetched {
            self.keys = keys;
            self.fetched_at = Some(at);
        }
    }
}

impl Certs {
    /// Keys at an address. Sends nothing.
    pub(super) fn new(url: &str, loopback: bool, ca_file: Option<PathBuf>) -> Result<Arc<Self>, String> {
        let mut builder = Client::builder()
            .user_agent(concat!("ringward/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(FETCH_WITHIN);
        if url.starts_with("http://") {
            // Trusting nobody is right where no TLS is spoken, and works without a CA bundle (reqwest#2988).
            builder = builder.tls_certs_only(std::iter::empty());
        } else {
            builder = builder.https_only(true);
            if let Some(path) = ca_file {
                let pem = read_file(&path, MAX_CA_BYTES)
                    .map_err(|error| format!("the CA file {}: {error}", path.display()))?;
                let trusted = Certificate::from_pem_bundle(&pem);
                builder = builder.tls_certs_only(trusted.map_err(|error| error.to_string())?);
            }
        }
        if loopback {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            format!("{error}; install the package ca-certificates, set SSL_CERT_FILE, or give --ca-file")
        })?;
        Ok(Arc::new(Self { client, url: url.to_owned(), kept: Mutex::default(), turn: Arc::default() }))
    }

    /// The key with this name; `None`: the team has no such key.
    ///
    /// # Errors
    /// When they cannot be read now.
    pub(super) async fn key(
        self: &Arc<Self>,
        kid: &str,
        wall: &Clock,
    ) -> Result<Option<DecodingKey>, Unread> {
        if let Some(known) = self.kept().look(kid, wall.now()) {
            return known;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        // Somebody else may have fetched them while we waited.
        if let Some(known) = self.kept().look(kid, wall.now()) {
            return known;
        }
        let (certs, wall) = (Arc::clone(self), *wall);
        // In a task of its own: whoever goes away while it runs must not make it fail for the others.
        let fetching = tokio::spawn(async move {
            let fetched = certs.fetch().await;
            if let Err(why) = &fetched {
                tracing::warn!(
                    why,
                    "the keys of Cloudflare Access cannot be read; nobody is known by them until they can"
                );
            }
            certs.kept().take(fetched.ok(), wall.now());
            drop(turn);
        });
        fetching.await.map_err(|_| Unread)?;
        self.kept().look(kid, wall.now()).unwrap_or(Err(Unread))
    }

    fn kept(&self) -> MutexGuard<'_, KeptKeys> {
        // What is kept is whole at every instant.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<BTreeMap<String, DecodingKey>, String> {
        let told = |error: reqwest::Error| error.without_url().to_string();
        let mut response = self.client.get(&self.url).send().await.map_err(told)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("the answer is {}", response.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            if bytes.len() + chunk.len() > MAX_BYTES {
                return Err(format!("the answer has more than {MAX_BYTES} bytes"));
            }
            bytes.extend_from_slice(&chunk);
        }
        keys_of(&bytes)
    }
}

/// The keys of an answer that can sign by RS256.
pub(super) fn keys_of(bytes: &[u8]) -> Result<BTreeMap<String, DecodingKey>, String> {
    let answer: KeySet = serde_json::from_slice(bytes).map_err(|_| "the answer holds no keys".to_owned())?;
    if answer.keys.len() > MAX_KEYS {
        return Err(format!("the answer has more than {MAX_KEYS} keys"));
    }
    let key = |jwk: Jwk| {
        let signs = jwk.kty == "RSA" && jwk.alg.is_none_or(|alg| alg == "RS256");
        let key = DecodingKey::from_rsa_components(&jwk.n?, &jwk.e?).ok()?;
        signs.then_some((jwk.kid, key))
    };
    let keys: BTreeMap<_, _> = answer.keys.into_iter().filter_map(key).collect();
    if keys.is_empty() {
        return Err("the answer holds no RSA key".to_owned());
    }
    Ok(keys)
}
