//! The small values about Cloudflare Access: team, application tag, the address of the keys.
//!
//! **Invariant:** keys come over TLS, or from this machine itself.

use core::net::IpAddr;
use std::str::FromStr;

use hyper::Uri;

use crate::{plan::fields::is_hex, text::text_types};

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
        match scheme {
            "https" => {}
            "http" if loopback => {}
            "http" => {
                return Err(InvalidAccess(
                    "write https://: over plain http anybody on the way could put keys of their own there",
                ));
            }
            _ => return Err(whole),
        }
        Ok(Self { url: text.to_owned(), loopback })
    }
}
