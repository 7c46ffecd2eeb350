//! Tables of the rules: every row is a request, and what becomes of it.
//!
//! **Invariant:** each rule has a row that only it refuses, beside honest rows that pass.

use super::*;
use crate::config::NoHostName;

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
    ("our page", PEER, &[HOST, ("origin", "http://127.0.0.1:8787"), ("sec-fetch-site", "same-origin")], None),
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
    assert_eq!("Ringward.Test".parse::<HostName>().unwrap().as_str(), "ringward.test");
}

#[test]
fn a_whole_url_in_the_request_line_counts_as_host() {
    assert!(ask(PEER, "http://127.0.0.1:8787/api/v1/stop", &[HOST]).is_ok());
    assert!(ask(PEER, "http://evil.test:8787/api/v1/stop", &[HOST]).is_err());
}

#[test]
fn the_socket_has_a_user_unless_a_proxy_stands_before_it() {
    let peer = Peer::Local { user: "ada".to_owned() };
    let asked = |headers: &[(&str, &str)]| peer.actor(&head(Version::HTTP_10, "/api/v1/stop", headers));
    let ada = Ok(Actor::Local { user: "ada".to_owned() });
    assert_eq!(asked(&[]), ada);
    assert_eq!(asked(&[("host", "ringward"), ("sec-fetch-site", "cross-site")]), ada);
    for name in ["x-forwarded-for", "forwarded", "via", "cf-connecting-ip", "cf-ray"] {
        assert_eq!(asked(&[(name, "192.0.2.7")]), Err(Broken::Proxied(name.to_owned())), "{name}");
    }
}
