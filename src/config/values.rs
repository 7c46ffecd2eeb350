//! The small values: where a daemon listens and the names that it is read under; and about Cloudflare Access team,
//! application tag, the address of the keys.
//!
//! **Invariant:** keys come over TLS, or from this machine itself. A name never holds a port, and an address to listen
//! at always does.

use core::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hyper::Uri;

use crate::text::{is_hex, text_types};

/// Longest name of a team: a label of a host's name (RFC 1035, 2.3.4).
const MAX_TEAM_CHARS: usize = 63;
/// Digits of an application's tag.
const AUDIENCE_DIGITS: usize = 64;

/// A value about Access that cannot be used; the words say what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidAccess(&'static str);

text_types! {
    /// A team of Cloudflare Zero Trust: `NAME` of `https://NAME.cloudflareaccess.com`.
    TeamName or InvalidAccess: |text| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = !text.is_empty() && text.len() <= MAX_TEAM_CHARS && text.bytes().all(plain);
        if fits && !text.starts_with('-') && !text.ends_with('-') {
            return Ok(text);
        }
        Err(InvalidAccess("write its name alone: acme of https://acme.cloudflareaccess.com"))
    };
    /// The tag of an Access application (`aud`).
    Audience or InvalidAccess: |text| {
        if is_hex(&text, AUDIENCE_DIGITS) {
            return Ok(text);
        }
        Err(InvalidAccess(
            "write the application's AUD tag, 64 digits 0-9 and a-f, as its overview in the dashboard shows it",
        ))
    };
}

impl TeamName {
    /// What its tokens name as their issuer (cloudflare.md#access-token).
    pub fn issuer(&self) -> String {
        format!("https://{}.cloudflareaccess.com", self.0)
    }

    /// Where Cloudflare has its keys.
    pub fn certs(&self) -> String {
        format!("{}/cdn-cgi/access/certs", self.issuer())
    }
}

/// Where a team's keys are: `https`, or `http` to this machine, for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertsUrl {
    url: String,
    loopback: bool,
}

impl CertsUrl {
    /// Whether it is on this machine.
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

impl FromStr for CertsUrl {
    type Err = InvalidAccess;

    fn from_str(text: &str) -> Result<Self, InvalidAccess> {
        let whole = InvalidAccess(
            "write a whole address, such as https://acme.cloudflareaccess.com/cdn-cgi/access/certs",
        );
        let Ok(uri) = text.parse::<Uri>() else { return Err(whole) };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(whole) };
        if authority.as_str().contains('@') {
            return Err(InvalidAccess("write it without a user or password"));
        }
        let host = authority.host();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        let url = Self { url: text.to_owned(), loopback };
        match scheme {
            "https" => Ok(url),
            "http" if loopback => Ok(url),
            "http" => Err(InvalidAccess(
                "write https://: over plain http anybody on the way could put keys of their own there",
            )),
            _ => Err(whole),
        }
    }
}

/// Longest name of a host (RFC 1035, 2.3.4).
const MAX_HOST_BYTES: usize = 253;

/// Where page, API and metrics are served over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere: only on the socket.
    Nowhere,
    /// At an address.
    At(SocketAddr),
}

/// A text that names no place to listen at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no address with a port, such as 127.0.0.1:8787, and not `none`")]
pub struct NoPlace;

impl FromStr for Listen {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text {
            "none" => Ok(Self::Nowhere),
            address => address.parse().map(Self::At).map_err(|_| NoPlace),
        }
    }
}

/// A text that is no host's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no name such as `ringward.example.test`: letters, digits, `-`, `_` and `.`, and no port")]
pub struct NoHostName;

text_types! {
    /// A host's name in `Host`, without port: letters, digits, `-`, `_` and `.`, in lower case.
    HostName or NoHostName: |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > MAX_HOST_BYTES || !text.chars().all(plain) {
            return Err(NoHostName);
        }
        Ok(text.to_ascii_lowercase())
    };
}
