//! Who may ask: the connection's word, and the rules for TCP without authentication.
//!
//! **Invariant:** a verb over TCP comes from this machine to this machine, and not from a foreign
//! web page or through a proxy that shows itself: a page of another site has a foreign `Origin` or
//! `Sec-Fetch-Site`, a rebound name a foreign `Host`, and a proxy its headers or HTTP/1.0. A proxy
//! that shows nothing cannot be told apart, so verbs over TCP can be switched off. A read comes
//! under no name that could be rebound: the page of such a name could read the answer.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version, header};

use crate::rollout::event::Actor;

/// Longest name of a host (RFC 1035, 2.3.4).
const MAX_HOST_BYTES: usize = 253;

/// Where a connection comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// TCP.
    Tcp {
        /// The far end.
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

/// A host's name in `Host`, without port: letters, digits, `-`, `_` and `.`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

/// A text that is no host's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no name such as `ringward.example.test`: letters, digits, `-`, `_` and `.`, and no port")]
pub struct NoHostName;

impl FromStr for HostName {
    type Err = NoHostName;

    fn from_str(text: &str) -> Result<Self, NoHostName> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > MAX_HOST_BYTES || !text.chars().all(plain) {
            return Err(NoHostName);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
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
    pub fn actor(&self, head: &Parts) -> Result<Actor, Broken> {
        match self {
            // The kernel vouches for the user; a browser cannot reach the socket.
            Self::Local { user } => Ok(Actor::Local { user: user.clone() }),
            Self::Tcp { rules, .. } if rules.verbs == TcpVerbs::Refused => Err(Broken::ReadOnly),
            Self::Tcp { peer, local, .. } => {
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
                same_site(&head.headers, &host)?;
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
            is_bare(authority) && rules.hosts.iter().any(|name| name.0.eq_ignore_ascii_case(authority.host()))
        };
        if local.ip().to_canonical().is_loopback() {
            host(head, |authority| is_ours(authority, *local) || named(authority))
                .map_err(|found| Broken::Host { found, port: local.port() })?;
        } else {
            // The port may be another one: a container's is published under any.
            host(head, |authority| is_a_number(authority) || named(authority)).map_err(Broken::Name)?;
        }
        if is_a_visit(&head.headers) { Ok(()) } else { own_site(&head.headers) }
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

fn own_site(headers: &HeaderMap) -> Result<(), Broken> {
    let foreign = |site: &String| site != "same-origin" && site != "none";
    match headers.get_all("sec-fetch-site").iter().map(text).find(foreign) {
        Some(site) => Err(Broken::FetchSite(site)),
        None => Ok(()),
    }
}

fn same_site(headers: &HeaderMap, host: &str) -> Result<(), Broken> {
    own_site(headers)?;
    let foreign = |origin: &String| !origin.eq_ignore_ascii_case(&format!("http://{host}"));
    match headers.get_all(header::ORIGIN).iter().map(text).find(foreign) {
        Some(origin) => Err(Broken::Origin(origin)),
        None => Ok(()),
    }
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

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "127.0.0.1:50000";
    const HOST: (&str, &str) = ("host", "127.0.0.1:8787");

    fn head(version: Version, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = axum::http::Request::builder().version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn tcp(peer: &str, local: &str, rules: TcpRules) -> Peer {
        Peer::Tcp { peer: peer.parse().unwrap(), local: local.parse().unwrap(), rules: Arc::new(rules) }
    }

    fn ask(peer: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Actor, Broken> {
        let peer = tcp(peer, "127.0.0.1:8787", TcpRules::default());
        peer.actor(&head(Version::HTTP_11, uri, headers))
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

    /// What nginx sends of itself: our own address as `Host`, and no word of who asks.
    #[test]
    fn what_a_silent_proxy_passes_on_is_no_verb() {
        let read_only = TcpRules { verbs: TcpVerbs::Refused, ..TcpRules::default() };
        let (here, there) = ("127.0.0.1:8787", "192.0.2.1:8787");
        let rows = [
            ("HTTP/1.1", TcpRules::default(), here, Version::HTTP_11, None),
            ("HTTP/1.0", TcpRules::default(), here, Version::HTTP_10, Some("HTTP/1.0, as proxies")),
            ("HTTP/0.9", TcpRules::default(), here, Version::HTTP_09, Some("HTTP/0.9")),
            ("verbs switched off", read_only.clone(), here, Version::HTTP_11, Some("--read-only")),
            ("the same over HTTP/1.0", read_only, here, Version::HTTP_10, Some("--read-only")),
            ("to an address of the network", TcpRules::default(), there, Version::HTTP_11, Some("192.0.2.1")),
            ("to IPv6", TcpRules::default(), "[::1]:8787", Version::HTTP_11, None),
            ("to IPv4 in IPv6", TcpRules::default(), "[::ffff:127.0.0.1]:8787", Version::HTTP_11, None),
        ];
        for (row, rules, local, version, refused) in rows {
            let asked = tcp(PEER, local, rules).actor(&head(version, "/api/v1/stop", &[HOST]));
            match (asked, refused) {
                (Ok(actor), None) => assert_eq!(actor, Actor::Loopback, "{row}"),
                (Err(broken), Some(word)) => assert!(broken.to_string().contains(word), "{row}: {broken}"),
                (found, _) => panic!("{row}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_read_comes_under_no_name_that_could_be_rebound() {
        let (here, there) = ("127.0.0.1:8787", "192.0.2.1:8787");
        let rows = [
            ("our name", here, "127.0.0.1:8787", true),
            ("a rebound name", here, "evil.test:8787", false),
            ("another port", here, "127.0.0.1:9999", false),
            ("a name that --host gave", here, "ringward.test", true),
            ("a rebound name over IPv6", "[::1]:8787", "evil.test:8787", false),
            ("a rebound name, IPv4 in IPv6", "[::ffff:127.0.0.1]:8787", "evil.test:8787", false),
            ("another loopback address, by its number", "127.0.0.2:8787", "127.0.0.2:8787", true),
            ("the same, rebound", "127.0.0.2:8787", "evil.test:8787", false),
            ("the network: a rebound name", there, "evil.test:8787", false),
            ("the network: by its number", there, "192.0.2.1:8787", true),
            ("the network: a number under which it is published", there, "198.51.100.7", true),
            ("the network: IPv6", there, "[2001:db8::1]:8787", true),
            ("the network: this machine", there, "localhost:9000", true),
            ("the network: a name that --host gave", there, "ringward.test:8787", true),
            ("the network: the same in capitals, on another port", there, "Ringward.Test:443", true),
            ("the network: a service's name", there, "my_ringward:8787", true),
            ("the network: a name below it", there, "evil.ringward.test:8787", false),
            ("the network: a name that goes on", there, "ringward.test.evil.test", false),
            ("the network: a dot behind", there, "ringward.test.:8787", false),
            ("the network: a user before", there, "evil@192.0.2.1:8787", false),
            ("the network: a short number", there, "127.1:8787", false),
            ("the network: a whole number", there, "2130706433:8787", false),
            ("the network: a number in a name", there, "192.0.2.1.evil.test:8787", false),
            ("the network: an empty name", there, "", false),
        ];
        let hosts = vec!["ringward.test".parse().unwrap(), "my_ringward".parse().unwrap()];
        let rules = TcpRules { hosts, ..TcpRules::default() };
        for (row, local, host, allowed) in rows {
            let read = tcp(PEER, local, rules.clone());
            let read = read.may_read(&head(Version::HTTP_11, "/api/v1/rollouts", &[("host", host)]));
            assert_eq!(read.is_ok(), allowed, "{row}: {read:?}");
        }
        for (row, local) in [("here", here), ("the network", there)] {
            let read = tcp(PEER, local, rules.clone()).may_read(&head(Version::HTTP_10, "/", &[]));
            assert!(read.unwrap_err().to_string().contains("missing"), "{row}");
        }
        let named = tcp(PEER, here, rules);
        let verb = head(Version::HTTP_11, "/api/v1/stop", &[("host", "ringward.test:8787")]);
        assert!(matches!(named.actor(&verb), Err(Broken::Host { .. })), "no verb under a name of --host");
        let local = Peer::Local { user: "ada".to_owned() };
        assert_eq!(local.may_read(&head(Version::HTTP_11, "/", &[])), Ok(()));
    }

    #[test]
    fn another_site_may_lead_here_and_not_read() {
        let rows = [
            ("a command line", "", "", "", true),
            ("our page", "same-origin", "cors", "empty", true),
            ("typed by hand", "none", "navigate", "document", true),
            ("a link in a chat", "cross-site", "navigate", "document", true),
            ("the same, of a browser that names no place", "cross-site", "navigate", "", true),
            ("a link on a site beside ours", "same-site", "navigate", "document", true),
            ("a script", "cross-site", "cors", "empty", false),
            ("a script beside ours", "same-site", "cors", "empty", false),
            ("an image", "cross-site", "no-cors", "image", false),
            ("a frame", "cross-site", "navigate", "iframe", false),
            ("a browser that does not say how", "cross-site", "", "", false),
            ("an unknown word", "elsewhere", "cors", "empty", false),
        ];
        for (row, site, mode, place, allowed) in rows {
            let said = [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", place)];
            let said = said.into_iter().filter(|(_, value)| !value.is_empty());
            let headers: Vec<_> = [HOST].into_iter().chain(said).collect();
            for local in ["127.0.0.1:8787", "192.0.2.1:8787"] {
                let peer = tcp(PEER, local, TcpRules::default());
                let read = peer.may_read(&head(Version::HTTP_11, "/api/v1/rollouts", &headers));
                assert_eq!(read.is_ok(), allowed, "{row}, to {local}: {read:?}");
            }
        }
    }

    #[test]
    fn a_host_has_a_name_without_port() {
        let long = "x".repeat(254);
        for wrong in ["", "ringward:8787", "http://ringward", "a b", "*", "[::1]", "é.test", long.as_str()] {
            assert_eq!(wrong.parse::<HostName>(), Err(NoHostName), "{wrong}");
        }
        assert_eq!("Ringward.Test".parse(), Ok(HostName("ringward.test".to_owned())));
    }

    #[test]
    fn a_whole_url_in_the_request_line_counts_as_host() {
        assert!(ask(PEER, "http://127.0.0.1:8787/api/v1/stop", &[HOST]).is_ok());
        assert!(ask(PEER, "http://evil.test:8787/api/v1/stop", &[HOST]).is_err());
    }

    #[test]
    fn the_socket_has_a_user_and_no_rules() {
        let peer = Peer::Local { user: "ada".to_owned() };
        let asked = head(Version::HTTP_10, "/api/v1/stop", &[("x-forwarded-for", "192.0.2.7")]);
        assert_eq!(peer.actor(&asked), Ok(Actor::Local { user: "ada".to_owned() }));
    }
}
