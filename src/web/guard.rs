//! Where a request comes from: the connection's word, the rules for TCP without authentication, and
//! those that hold whoever asks.
//!
//! **Invariant:** without a credential, a verb over TCP comes from this machine to this machine, and not
//! from a foreign web page or through a proxy that shows itself: a page of another site has a foreign `Origin` or
//! `Sec-Fetch-Site`, a rebound name a foreign `Host`, and a proxy its headers or HTTP/1.0. A proxy
//! that shows nothing cannot be told apart, so verbs over TCP can be switched off. A read comes
//! under no name that could be rebound: the page of such a name could read the answer.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version, header};

use crate::config::HostName;
use crate::rollout::record::Actor;

/// Where a connection comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// TCP.
    Tcp {
        /// The other side.
        peer: SocketAddr,
        /// Our end.
        local: SocketAddr,
        /// What its listener was told.
        rules: Arc<TcpRules>,
    },
    /// The Unix socket.
    Local {
        /// The user's name, or `uid N`.
        user: String,
    },
}

/// What a listener over TCP was told about who may ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TcpRules {
    /// Whether verbs are taken at all.
    pub verbs: TcpVerbs,
    /// Names that reads may come under, beside addresses and `localhost`.
    pub hosts: Vec<HostName>,
}

/// Whether verbs are taken over TCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TcpVerbs {
    /// By the rules of [`Peer::actor`].
    #[default]
    Taken,
    /// Never: they come through the socket.
    Refused,
}

/// A rule that a request over TCP breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Verbs over TCP are switched off.
    #[error("ringward runs with --read-only: verbs come through its socket")]
    ReadOnly,
    /// The peer is elsewhere.
    #[error("the connection comes from {0}, not from this machine")]
    Peer(IpAddr),
    /// Our end of the connection is no loopback address.
    #[error("the connection came to {0}, which other machines can reach")]
    Local(IpAddr),
    /// Browsers and command lines have had HTTP/1.1 for decades.
    #[error("the request is {0:?}, as proxies send it")]
    Old(Version),
    /// `Host` is missing, double, or foreign.
    #[error("`Host` is {found}, not 127.0.0.1, localhost or [::1] with port {port}")]
    Host {
        /// What it is.
        found: String,
        /// Our port.
        port: u16,
    },
    /// `Host` is missing, double, or a name that nobody vouched for, on an address of a network.
    #[error("`Host` is {0}, not an address, localhost, or a name that --host gave")]
    Name(String),
    /// `Host` is missing or double, or the request line names another.
    #[error("`Host` is {0}")]
    NoHost(String),
    /// A browser says that another site asks.
    #[error("`Sec-Fetch-Site` is `{0}`: another site asks")]
    FetchSite(String),
    /// A browser names another origin.
    #[error("`Origin` is `{0}`, which is not this page")]
    Origin(String),
    /// A proxy passed it on.
    #[error("the header `{0}` says that a proxy passed it on")]
    Proxied(String),
}

impl Peer {
    /// Who is at the other end, for the log.
    pub fn name(&self) -> String {
        match self {
            Self::Tcp { peer, .. } => peer.ip().to_canonical().to_string(),
            Self::Local { user } => user.clone(),
        }
    }

    /// Whether verbs are taken here from anybody.
    ///
    /// # Errors
    /// When they come through the socket alone.
    pub fn takes_verbs(&self) -> Result<(), Broken> {
        match self {
            Self::Tcp { rules, .. } if rules.verbs == TcpVerbs::Refused => Err(Broken::ReadOnly),
            Self::Tcp { .. } | Self::Local { .. } => Ok(()),
        }
    }

    /// What a verb keeps whose sender has proven who they are: Access proves it for whatever a browser
    /// sends, so no page of another site may have had it sent.
    ///
    /// # Errors
    /// With the first rule that it breaks.
    pub fn keeps_site(&self, head: &Parts) -> Result<(), Broken> {
        self.takes_verbs()?;
        own_site(&head.headers)?;
        // A program on the socket has no page, and needs no name.
        if matches!(self, Self::Local { .. }) && !head.headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        // Behind Access, any name may lead here; but there is one, and the page is of that name.
        let host = host(head, is_bare).map_err(Broken::NoHost)?;
        of_this_page(&head.headers, &[&format!("https://{host}"), &format!("http://{host}")])
    }

    /// What a read keeps whose sender has proven who they are.
    ///
    /// # Errors
    /// When a page of another site has a browser send it.
    pub fn may_be_read_from(head: &Parts) -> Result<(), Broken> {
        if is_a_visit(&head.headers) { Ok(()) } else { own_site(&head.headers) }
    }

    /// The actor of a verb that this connection asks for without a credential, where none is known.
    ///
    /// # Errors
    /// With the first rule that it breaks.
    pub fn actor(&self, head: &Parts) -> Result<Actor, Broken> {
        match self {
            // The kernel vouches for the user, and a browser cannot reach the socket; but through a proxy
            // there everybody would be that user.
            Self::Local { user } => {
                no_proxy(&head.headers)?;
                Ok(Actor::Local { user: user.clone() })
            }
            Self::Tcp { peer, local, .. } => {
                self.takes_verbs()?;
                let (far, near) = (peer.ip().to_canonical(), local.ip().to_canonical());
                if !far.is_loopback() {
                    return Err(Broken::Peer(far));
                }
                if !near.is_loopback() {
                    return Err(Broken::Local(near));
                }
                if head.version < Version::HTTP_11 {
                    return Err(Broken::Old(head.version));
                }
                let host = host(head, |authority| is_ours(authority, *local))
                    .map_err(|found| Broken::Host { found, port: local.port() })?;
                own_site(&head.headers)?;
                of_this_page(&head.headers, &[&format!("http://{host}")])?;
                no_proxy(&head.headers)?;
                Ok(Actor::Loopback)
            }
        }
    }

    /// Whether this connection may read. A listener on an address of a network is open to whoever
    /// reaches it.
    ///
    /// # Errors
    /// With the first rule that it breaks.
    pub fn may_read(&self, head: &Parts) -> Result<(), Broken> {
        let Self::Tcp { local, rules, .. } = self else { return Ok(()) };
        let named = |authority: &Authority| {
            is_bare(authority)
                && rules.hosts.iter().any(|name| name.as_str().eq_ignore_ascii_case(authority.host()))
        };
        if local.ip().to_canonical().is_loopback() {
            host(head, |authority| is_ours(authority, *local) || named(authority))
                .map_err(|found| Broken::Host { found, port: local.port() })?;
        } else {
            // The port may be another one: a container's is published under any.
            host(head, |authority| is_a_number(authority) || named(authority)).map_err(Broken::Name)?;
        }
        Self::may_be_read_from(head)
    }
}

/// The `Host` header, if it is `known`; else what it is.
fn host(head: &Parts, known: impl Fn(&Authority) -> bool) -> Result<String, String> {
    let mut values = head.headers.get_all(header::HOST).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value,
        (None, _) => return Err("missing".to_owned()),
        (Some(_), Some(_)) => return Err("there twice".to_owned()),
    };
    let host = text(value);
    if !host.parse::<Authority>().is_ok_and(|authority| known(&authority)) {
        return Err(format!("`{host}`"));
    }
    // A request line with a whole URL would override `Host`; only proxies are sent one.
    match head.uri.authority() {
        Some(authority) if !known(authority) => Err(format!("`{authority}`")),
        _ => Ok(host),
    }
}

fn is_ours(authority: &Authority, local: SocketAddr) -> bool {
    let name = authority.host().to_ascii_lowercase();
    // A listener may have another loopback address; a number cannot be rebound.
    let ip = local.ip().to_canonical();
    let by_number = ip.is_loopback() && name == ip.to_string();
    let loopback = by_number || matches!(name.as_str(), "127.0.0.1" | "localhost" | "[::1]");
    // 80 is what a client means when it names none.
    loopback && is_bare(authority) && authority.port_u16().unwrap_or(80) == local.port()
}

/// An address, or the one name that browsers never ask DNS about.
fn is_a_number(authority: &Authority) -> bool {
    let name = authority.host();
    let v6 = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let number = v6.map_or_else(|| name.parse::<IpAddr>().is_ok(), |v6| v6.parse::<Ipv6Addr>().is_ok());
    is_bare(authority) && (number || name.eq_ignore_ascii_case("localhost"))
}

fn is_bare(authority: &Authority) -> bool {
    !authority.as_str().contains('@')
}

/// Whether somebody opens this in a window of their own, such as by a link in a chat: the site that
/// the link stands on never sees the answer.
fn is_a_visit(headers: &HeaderMap) -> bool {
    let only = |name: &str, expected: &str| headers.get_all(name).iter().all(|value| value == expected);
    let of_a_window = only("sec-fetch-dest", "document");
    headers.contains_key("sec-fetch-mode") && only("sec-fetch-mode", "navigate") && of_a_window
}

/// Keeps a rule that is broken by whatever was found.
fn unbroken(found: Option<String>, rule: fn(String) -> Broken) -> Result<(), Broken> {
    found.map_or(Ok(()), |found| Err(rule(found)))
}

fn own_site(headers: &HeaderMap) -> Result<(), Broken> {
    let foreign = |site: &String| site != "same-origin" && site != "none";
    unbroken(headers.get_all("sec-fetch-site").iter().map(text).find(foreign), Broken::FetchSite)
}

fn of_this_page(headers: &HeaderMap, ours: &[&str]) -> Result<(), Broken> {
    let foreign = |origin: &String| !ours.iter().any(|ours| origin.eq_ignore_ascii_case(ours));
    unbroken(headers.get_all(header::ORIGIN).iter().map(text).find(foreign), Broken::Origin)
}

/// Whether a proxy shows itself.
pub(super) fn no_proxy(headers: &HeaderMap) -> Result<(), Broken> {
    let of_a_proxy = |name: &&str| {
        matches!(*name, "forwarded" | "via" | "x-real-ip")
            || name.starts_with("x-forwarded-")
            || name.starts_with("cf-")
    };
    let shown = headers.keys().map(axum::http::HeaderName::as_str).find(of_a_proxy);
    unbroken(shown.map(str::to_owned), Broken::Proxied)
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests;
