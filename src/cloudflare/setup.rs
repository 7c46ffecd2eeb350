//! What a client is made of: the API's address, the token, trust, timeouts, the hook for metrics.
//!
//! **Invariant:** the token goes only over TLS, or in plain text to this machine itself.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::budget::{DEFAULT_REQUESTS, InvalidBudget};
use crate::{ids::AccountId, secrets, text::in_full, time::Clock};

/// An idle connection is dropped after this, well before Cloudflare would: a request on a
/// connection that is just being closed has no answer, and a write then is in doubt.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// The largest file of CA certificates; those of a whole system have a quarter of a MiB.
pub(crate) const MAX_CA_BYTES: u64 = 8 * 1024 * 1024;

/// Where the API is: `https`, or `http` to this machine (the sandbox).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl {
    base: Url,
    loopback: bool,
}

/// A text that cannot be the API's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` cannot be the API's URL: {why}; Cloudflare's is {}", ApiUrl::CLOUDFLARE)]
pub struct InvalidApiUrl {
    found: String,
    why: String,
}

impl ApiUrl {
    /// Cloudflare's own address.
    pub const CLOUDFLARE: &'static str = "https://api.cloudflare.com/client/v4";

    /// Whether the API is on this machine: only then may the daemon's clock be other than real.
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The address of a path of the contract. `None`: an ID in it would lead elsewhere, as `..` would.
    pub(super) fn join(&self, path: &str, query: &[(&'static str, String)]) -> Option<Url> {
        let mut url = self.base.clone();
        let whole = format!("{}{path}", self.base.path().trim_end_matches('/'));
        url.set_path(&whole);
        if url.path() != whole {
            return None;
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Some(url)
    }
}

impl FromStr for ApiUrl {
    type Err = InvalidApiUrl;

    fn from_str(text: &str) -> Result<Self, InvalidApiUrl> {
        // A URL with credentials in it is not repeated.
        let found =
            if text.contains('@') { "(a URL with @)".to_owned() } else { text.chars().take(200).collect() };
        let invalid = |why: &str| InvalidApiUrl { found: found.clone(), why: why.to_owned() };
        let base = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        let host = base.host_str().ok_or_else(|| invalid("it names no host"))?;
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        match base.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(invalid("plain http would show the token; it is for this machine only")),
            _ => return Err(invalid("it must begin with https://")),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(invalid("it must not hold a user name or password"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(invalid("it must end with its path"));
        }
        Ok(Self { base, loopback })
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

/// How long a request may take, in wall time whatever the daemon's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the answer is whole.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), total: Duration::from_secs(30) }
    }
}

/// Told about each request that was tried, for metrics.
pub trait RequestObserver: Send + Sync {
    /// A request ended. `operation` is one of [`super::Operation::ALL`], `code` the HTTP status or a
    /// word for an answer that failed, `seconds` wall time.
    fn finished(&self, operation: &'static str, code: &str, seconds: f64);
}

/// For a client that nobody watches.
#[derive(Debug, Clone, Copy)]
pub struct Unobserved;

impl RequestObserver for Unobserved {
    fn finished(&self, _operation: &'static str, _code: &str, _seconds: f64) {}
}

/// All that a client needs.
#[derive(Clone)]
pub struct Settings {
    /// Where the API is.
    pub api: ApiUrl,
    /// The account that everything is asked about.
    pub account: AccountId,
    /// The API token.
    pub token: SecretString,
    /// PEM certificates to trust in place of the machine's.
    pub ca_file: Option<PathBuf>,
    /// Requests per five minutes; see [`super::budget`].
    pub requests: u32,
    /// The daemon's clock, which the budget and `Retry-After` go by.
    pub clock: Clock,
    /// How long a request may take.
    pub timeouts: Timeouts,
    /// Told about each request.
    pub observer: Arc<dyn RequestObserver>,
}

impl Settings {
    /// The defaults around what has none.
    pub fn new(api: ApiUrl, account: AccountId, token: SecretString, clock: Clock) -> Self {
        Self {
            api,
            account,
            token,
            ca_file: None,
            requests: DEFAULT_REQUESTS,
            clock,
            timeouts: Timeouts::default(),
            observer: Arc::new(Unobserved),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("api", &self.api.to_string())
            .field("account", &self.account)
            .field("ca_file", &self.ca_file)
            .field("requests", &self.requests)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The token cannot be a header.
    #[error(
        "the API token is empty, too short, or holds a character that no token has, such as a space or a line break; copy it again"
    )]
    UnusableToken,
    /// The budget is out of range.
    #[error(transparent)]
    Budget(#[from] InvalidBudget),
    /// The CA file cannot be used.
    #[error("the CA file {} cannot be used: {why}; give a file of PEM certificates", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The machine trusts nobody.
    #[error(
        "this machine has no CA certificates, so Cloudflare cannot be told from an impostor; install the package \
         ca-certificates, set SSL_CERT_FILE, or give --ca-file"
    )]
    NoCaBundle,
    /// TLS cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Tls(String),
}

/// The HTTP client behind a [`super::CloudflareClient`]: one request per call, no redirects, and
/// the token as a header that Debug does not show. Requests share connections, or each has its own.
pub(super) fn http_client(
    settings: &Settings,
    shares_connections: bool,
) -> Result<reqwest::Client, SetupError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(AUTHORIZATION, bearer(&settings.token)?);
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("ringward/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(settings.timeouts.connect)
        .timeout(settings.timeouts.total)
        .pool_idle_timeout(POOL_IDLE);
    if !shares_connections {
        builder = builder.pool_max_idle_per_host(0);
    }
    if settings.api.is_loopback() {
        builder = builder.no_proxy();
    }
    if settings.api.base.scheme() == "http" {
        // Trusting nobody is right where no TLS is spoken, and works on a machine without a CA
        // bundle, where reqwest otherwise fails even for plain http (reqwest#2988).
        builder = builder.tls_certs_only(std::iter::empty());
    } else {
        builder = builder.https_only(true);
        if let Some(path) = &settings.ca_file {
            builder = builder.tls_certs_only(ca_certificates(path)?);
        }
    }
    builder.build().map_err(|error| {
        let why = in_full(&error);
        if why.contains("No CA certificates") { SetupError::NoCaBundle } else { SetupError::Tls(why) }
    })
}

fn bearer(secret: &SecretString) -> Result<HeaderValue, SetupError> {
    let token = secret.expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SetupError::UnusableToken);
    }
    secrets::register(secret).map_err(|_| SetupError::UnusableToken)?;
    let mut value =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| SetupError::UnusableToken)?;
    value.set_sensitive(true);
    Ok(value)
}

fn ca_certificates(path: &std::path::Path) -> Result<Vec<reqwest::Certificate>, SetupError> {
    let unusable = |why: String| SetupError::CaFile { path: path.to_owned(), why };
    let pem = secrets::read_file(path, MAX_CA_BYTES).map_err(|error| unusable(error.to_string()))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(in_full(&error)))?;
    if found.is_empty() {
        return Err(unusable("it holds no certificate".to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_far_away_by_tls_or_on_this_machine() {
        let rows = [
            ("Cloudflare", ApiUrl::CLOUDFLARE, Some(false)),
            ("trailing slash", "https://api.cloudflare.com/client/v4/", Some(false)),
            ("sandbox", "http://127.0.0.1:8788/client/v4", Some(true)),
            ("sandbox by name", "http://localhost:8788", Some(true)),
            ("sandbox, IPv6", "http://[::1]:8788", Some(true)),
            ("TLS to this machine", "https://127.0.0.1:8788", Some(true)),
            ("plain text far away", "http://api.cloudflare.com/client/v4", None),
            ("looks near, is far", "http://localhost.example.com/", None),
            ("looks near, is far, in digits", "http://127.0.0.1.example.com/", None),
            ("any address", "http://0.0.0.0:8788", None),
            ("credentials", "https://me:secret@api.cloudflare.com/client/v4", None),
            ("query", "https://api.cloudflare.com/?a=b", None),
            ("no scheme", "api.cloudflare.com", None),
            ("a file", "file:///etc/passwd", None),
        ];
        for (row, text, expected) in rows {
            let read = text.parse::<ApiUrl>();
            assert_eq!(read.as_ref().ok().map(ApiUrl::is_loopback), expected, "{row}");
            if let Err(error) = read {
                assert!(!error.to_string().contains("secret"), "{row}: {error}");
            }
        }
    }

    #[test]
    fn paths_are_joined_and_cannot_climb() {
        let rows = [
            ("plain", "https://h/client/v4", "/accounts/a", Some("https://h/client/v4/accounts/a?k=a%26b")),
            ("slash at the end", "https://h/v4/", "/accounts/a", Some("https://h/v4/accounts/a?k=a%26b")),
            ("no path", "http://127.0.0.1:1", "/user", Some("http://127.0.0.1:1/user?k=a%26b")),
            ("encoded", "https://h", "/accounts/..%2Fx", Some("https://h/accounts/..%2Fx?k=a%26b")),
            ("climbs", "https://h", "/accounts/../x", None),
            ("stays", "https://h", "/accounts/./x", None),
        ];
        for (row, base, path, expected) in rows {
            let joined = base.parse::<ApiUrl>().unwrap().join(path, &[("k", "a&b".to_owned())]);
            assert_eq!(joined.as_ref().map(Url::as_str), expected, "{row}");
        }
    }

    #[test]
    fn a_token_is_one_word() {
        for (row, token, accepted) in [
            ("a token", "cfat_abc", true),
            ("empty", "", false),
            ("so short that it is like a word", "cfat_ab", false),
            ("line break of its file", "cfat_abc\n", false),
            ("two words", "Bearer cfat_abc", false),
            ("not ASCII", "cfat_é", false),
        ] {
            let header = bearer(&SecretString::from(token));
            assert_eq!(header.is_ok(), accepted, "{row}");
            assert!(!format!("{header:?}").contains("cfat_"), "{row}");
        }
    }
}
