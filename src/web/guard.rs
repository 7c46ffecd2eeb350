//! Who may ask: the connection's word, and the rules for TCP without authentication.
//!
//! **Invariant:** a verb over TCP comes from this machine and not from a foreign web page or
//! through a proxy: a page of another site has a foreign `Origin` or `Sec-Fetch-Site`, a rebound
//! name a foreign `Host`, and a proxy leaves its headers. A read over a loopback address comes
//! under no foreign name either: the page of a rebound name could read the answer.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use crate::rollout::event::Actor;

/// Where a connection comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// TCP.
    Tcp {
        /// The far end.
        peer: SocketAddr,
        /// Our end.
        local: SocketAddr,
    },
    /// The Unix socket.
    Local {
        /// The user's name, or `uid N`.
        user: String,
    },
}

/// A rule that a request over TCP breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The peer is elsewhere.
    #[error("the connection comes from {0}, not from this machine")]
    Peer(IpAddr),
    /// `Host` is missing, double, or foreign.
    #[error("`Host` is {found}, not 127.0.0.1, localhost or [::1] with port {port}")]
    Host {
        /// What it is.
        found: String,
        /// Our port.
        port: u16,
    },
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
    /// The actor of a verb that this connection asks for.
    ///
    /// # Errors
    /// With the first rule that it breaks.
    pub fn actor(&self, uri: &Uri, headers: &HeaderMap) -> Result<Actor, Broken> {
        match self {
            // The kernel vouches for the user; a browser cannot reach the socket.
            Self::Local { user } => Ok(Actor::Local { user: user.clone() }),
            Self::Tcp { peer, local } => {
                let ip = peer.ip().to_canonical();
                if !ip.is_loopback() {
                    return Err(Broken::Peer(ip));
                }
                let host = own_host(uri, headers, *local)?;
                same_site(headers, &host)?;
                no_proxy(headers)?;
                Ok(Actor::Loopback)
            }
        }
    }

    /// Whether this connection may read. A listener on another address is open to whoever reaches
    /// it, under any name.
    ///
    /// # Errors
    /// With the rule that it breaks.
    pub fn may_read(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Broken> {
        match self {
            Self::Tcp { local, .. } if local.ip().to_canonical().is_loopback() => {
                own_host(uri, headers, *local).map(drop)
            }
            Self::Tcp { .. } | Self::Local { .. } => Ok(()),
        }
    }
}

/// The `Host` header, if it is this machine and port.
fn own_host(uri: &Uri, headers: &HeaderMap, local: SocketAddr) -> Result<String, Broken> {
    let foreign = |found: String| Broken::Host { found, port: local.port() };
    let mut values = headers.get_all(header::HOST).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        let count = headers.get_all(header::HOST).iter().count();
        return Err(foreign(if count == 0 { "missing".to_owned() } else { "there twice".to_owned() }));
    };
    let host = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let ours = host.parse::<Authority>().is_ok_and(|authority| is_ours(&authority, local));
    if !ours {
        return Err(foreign(format!("`{host}`")));
    }
    // A request line with a whole URL would override `Host`; only proxies are sent one.
    match uri.authority() {
        Some(authority) if !is_ours(authority, local) => Err(foreign(format!("`{authority}`"))),
        _ => Ok(host),
    }
}

fn is_ours(authority: &Authority, local: SocketAddr) -> bool {
    let name = authority.host().to_ascii_lowercase();
    // A listener may have another loopback address; a number cannot be rebound.
    let ip = local.ip().to_canonical();
    let by_number = ip.is_loopback() && name == ip.to_string();
    let loopback = by_number || matches!(name.as_str(), "127.0.0.1" | "localhost" | "[::1]");
    let bare = !authority.as_str().contains('@');
    // 80 is what a client means when it names none.
    loopback && bare && authority.port_u16().unwrap_or(80) == local.port()
}

fn same_site(headers: &HeaderMap, host: &str) -> Result<(), Broken> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    for site in headers.get_all("sec-fetch-site").iter().map(text) {
        if site != "same-origin" && site != "none" {
            return Err(Broken::FetchSite(site));
        }
    }
    for origin in headers.get_all(header::ORIGIN).iter().map(text) {
        if !origin.eq_ignore_ascii_case(&format!("http://{host}")) {
            return Err(Broken::Origin(origin));
        }
    }
    Ok(())
}

fn no_proxy(headers: &HeaderMap) -> Result<(), Broken> {
    let of_a_proxy = |name: &&str| {
        matches!(*name, "forwarded" | "via" | "x-real-ip")
            || name.starts_with("x-forwarded-")
            || name.starts_with("cf-")
    };
    match headers.keys().map(axum::http::HeaderName::as_str).find(of_a_proxy) {
        Some(name) => Err(Broken::Proxied(name.to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "127.0.0.1:50000";
    const HOST: (&str, &str) = ("host", "127.0.0.1:8787");

    fn ask(peer: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Actor, Broken> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                axum::http::HeaderName::try_from(*name).unwrap(),
                axum::http::HeaderValue::from_str(value).unwrap(),
            );
        }
        let peer = Peer::Tcp { peer: peer.parse().unwrap(), local: "127.0.0.1:8787".parse().unwrap() };
        peer.actor(&uri.parse().unwrap(), &map)
    }

    type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)], Option<&'static str>);

    /// Name, peer, headers, and what the refusal speaks of (`None`: allowed).
    const ROWS: &[Row] = &[
        ("a command line", PEER, &[HOST], None),
        ("by name", PEER, &[("host", "localhost:8787")], None),
        ("by name, in capitals", PEER, &[("host", "LOCALHOST:8787")], None),
        ("IPv6", "[::1]:50000", &[("host", "[::1]:8787")], None),
        ("IPv4 in IPv6", "[::ffff:127.0.0.1]:50000", &[HOST], None),
        (
            "our page",
            PEER,
            &[HOST, ("origin", "http://127.0.0.1:8787"), ("sec-fetch-site", "same-origin")],
            None,
        ),
        ("typed by hand", PEER, &[HOST, ("sec-fetch-site", "none")], None),
        ("another machine", "192.0.2.7:50000", &[HOST], Some("192.0.2.7")),
        ("another machine over IPv6", "[2001:db8::7]:50000", &[HOST], Some("2001:db8::7")),
        ("no host", PEER, &[], Some("missing")),
        ("two hosts", PEER, &[HOST, HOST], Some("twice")),
        ("a rebound name", PEER, &[("host", "evil.test:8787")], Some("evil.test")),
        ("a name that begins like ours", PEER, &[("host", "localhost.evil.test:8787")], Some("evil.test")),
        ("another port", PEER, &[("host", "127.0.0.1:9999")], Some("9999")),
        ("no port", PEER, &[("host", "127.0.0.1")], Some("port 8787")),
        ("another loopback address", PEER, &[("host", "127.0.0.2:8787")], Some("127.0.0.2")),
        ("a user before the host", PEER, &[("host", "evil@127.0.0.1:8787")], Some("evil@")),
        ("another site", PEER, &[HOST, ("sec-fetch-site", "cross-site")], Some("cross-site")),
        ("a site beside ours", PEER, &[HOST, ("sec-fetch-site", "same-site")], Some("same-site")),
        ("an empty word", PEER, &[HOST, ("sec-fetch-site", "")], Some("Sec-Fetch-Site")),
        (
            "two words, one foreign",
            PEER,
            &[HOST, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            Some("cross-site"),
        ),
        ("another origin", PEER, &[HOST, ("origin", "http://evil.test")], Some("evil.test")),
        ("a local page of another port", PEER, &[HOST, ("origin", "http://127.0.0.1:3000")], Some(":3000")),
        ("our other name", PEER, &[HOST, ("origin", "http://localhost:8787")], Some("Origin")),
        ("TLS before us", PEER, &[HOST, ("origin", "https://127.0.0.1:8787")], Some("https")),
        ("a page without origin", PEER, &[HOST, ("origin", "null")], Some("null")),
        ("Forwarded", PEER, &[HOST, ("forwarded", "for=192.0.2.7")], Some("forwarded")),
        ("X-Forwarded-For", PEER, &[HOST, ("x-forwarded-for", "192.0.2.7")], Some("x-forwarded-for")),
        ("X-Forwarded-Proto", PEER, &[HOST, ("X-Forwarded-Proto", "https")], Some("x-forwarded-proto")),
        ("Via", PEER, &[HOST, ("via", "1.1 proxy")], Some("via")),
        ("X-Real-IP", PEER, &[HOST, ("x-real-ip", "192.0.2.7")], Some("x-real-ip")),
        ("a tunnel", PEER, &[HOST, ("CF-Connecting-IP", "192.0.2.7")], Some("cf-connecting-ip")),
        ("an Access assertion", PEER, &[HOST, ("cf-access-jwt-assertion", "x")], Some("cf-access")),
    ];

    #[test]
    fn a_verb_over_tcp_keeps_the_rules() {
        for (row, peer, headers, refused) in ROWS {
            match (ask(peer, "/api/v1/stop", headers), refused) {
                (Ok(actor), None) => assert_eq!(actor, Actor::Loopback, "{row}"),
                (Err(broken), Some(word)) => assert!(broken.to_string().contains(word), "{row}: {broken}"),
                (found, _) => panic!("{row}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_read_over_loopback_comes_under_no_foreign_name() {
        let rows = [
            ("our name", "127.0.0.1:8787", "127.0.0.1:8787", true),
            ("a rebound name", "127.0.0.1:8787", "evil.test:8787", false),
            ("another port", "127.0.0.1:8787", "127.0.0.1:9999", false),
            ("a rebound name over IPv6", "[::1]:8787", "evil.test:8787", false),
            ("a rebound name, IPv4 in IPv6", "[::ffff:127.0.0.1]:8787", "evil.test:8787", false),
            ("another loopback address, by its number", "127.0.0.2:8787", "127.0.0.2:8787", true),
            ("the same, rebound", "127.0.0.2:8787", "evil.test:8787", false),
            ("an address of the network, by any name", "192.0.2.1:8787", "ringward.test", true),
        ];
        for (row, local, host, allowed) in rows {
            let peer = Peer::Tcp { peer: PEER.parse().unwrap(), local: local.parse().unwrap() };
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            let read = peer.may_read(&Uri::from_static("/api/v1/rollouts"), &headers);
            assert_eq!(read.is_ok(), allowed, "{row}: {read:?}");
        }
        let local = Peer::Local { user: "ada".to_owned() };
        assert_eq!(local.may_read(&Uri::from_static("/"), &HeaderMap::new()), Ok(()));
    }

    #[test]
    fn a_whole_url_in_the_request_line_counts_as_host() {
        assert!(ask(PEER, "http://127.0.0.1:8787/api/v1/stop", &[HOST]).is_ok());
        assert!(ask(PEER, "http://evil.test:8787/api/v1/stop", &[HOST]).is_err());
    }

    #[test]
    fn the_socket_has_a_user_and_no_rules() {
        let peer = Peer::Local { user: "ada".to_owned() };
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", axum::http::HeaderValue::from_static("192.0.2.7"));
        let actor = peer.actor(&Uri::from_static("/api/v1/stop"), &headers);
        assert_eq!(actor, Ok(Actor::Local { user: "ada".to_owned() }));
    }
}
