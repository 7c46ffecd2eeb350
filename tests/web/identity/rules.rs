//! Rules that hold whoever asks, and two credentials at once.

use axum::http::Method;
use ringward::rollout::record::Event;
use ringward::rollout::record::Role;
use ringward::web::{Peer, TcpRules, TcpVerbs};

use super::super::send;
use super::credentials::{Guarded, HOST, Signer, add, bearer, over_tcp, person, request, service, tokens};
use super::keys::KeyServer;

/// Access proves a person for whatever their browser sends, so a page of another site must not send it.
#[tokio::test]
async fn a_page_of_another_site_gives_no_verb_by_access() {
    let ours = Signer::new("ours");
    let server = KeyServer::start(&[&ours]).await;
    let guarded = Guarded::new(&server.config(""), Default::default());
    let assertion = ours.token(&person("ana@example.com"));
    type Row = (&'static str, &'static [(&'static str, &'static str)], bool);
    let rows: [Row; 14] = [
        ("a program", &[("host", HOST)], true),
        ("our page over TLS", &[("host", HOST), ("origin", "https://ringward.example.com")], true),
        ("our page in a tunnel", &[("host", "localhost:8787"), ("origin", "http://localhost:8787")], true),
        ("a browser's word", &[("host", HOST), ("sec-fetch-site", "same-origin")], true),
        ("typed by hand", &[("host", HOST), ("sec-fetch-site", "none")], true),
        ("another site", &[("host", HOST), ("origin", "https://evil.test")], false),
        ("another site's word", &[("host", HOST), ("sec-fetch-site", "cross-site")], false),
        ("a site beside ours", &[("host", HOST), ("sec-fetch-site", "same-site")], false),
        (
            "a name that goes on",
            &[("host", HOST), ("origin", "https://ringward.example.com.evil.test")],
            false,
        ),
        ("another port", &[("host", HOST), ("origin", "https://ringward.example.com:8443")], false),
        ("an origin of nothing", &[("host", HOST), ("origin", "null")], false),
        (
            "two origins",
            &[("host", HOST), ("origin", "https://ringward.example.com"), ("origin", "https://evil.test")],
            false,
        ),
        ("no host", &[], false),
        ("two hosts", &[("host", HOST), ("host", "evil.test")], false),
    ];
    for (row, headers, allowed) in rows {
        let headers: Vec<_> =
            headers.iter().copied().chain([("cf-access-jwt-assertion", assertion.as_str())]).collect();
        let before = guarded.arrived().len();
        let peer = over_tcp("127.0.0.1", TcpRules::default());
        let answer = send(&guarded.app, request(peer, &Method::POST, "/api/v1/stop", &headers)).await;
        assert_eq!(answer.status == 200, allowed, "{row}: {}", answer.body);
        assert!(allowed || answer.status == 403, "{row}: {}", answer.body);
        assert_eq!(guarded.arrived().len(), before + usize::from(allowed), "{row}");
    }
    // It may not read, either, but it may lead here.
    let script = [("host", HOST), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")];
    let link = [
        ("host", HOST),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    for (headers, status) in [(&script[..], 403), (&link[..], 200)] {
        let headers: Vec<_> =
            headers.iter().copied().chain([("cf-access-jwt-assertion", assertion.as_str())]).collect();
        let peer = over_tcp("127.0.0.1", TcpRules::default());
        let answer = send(&guarded.app, request(peer, &Method::GET, "/api/v1/rollouts", &headers)).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
}

#[tokio::test]
async fn read_only_holds_whoever_asks() {
    let ours = Signer::new("ours");
    let server = KeyServer::start(&[&ours]).await;
    let state = tokens(&[("op", 1, &[Role::Operator])]);
    let guarded = Guarded::new(&server.config(""), state.tokens);
    let (assertion, token) = (ours.token(&person("ana@example.com")), format!("Bearer {}", bearer(1)));
    let rows = [
        ("a person", ("cf-access-jwt-assertion", assertion.as_str())),
        ("a token", ("authorization", token.as_str())),
        ("nobody", ("x-nothing", "1")),
    ];
    for (row, header) in rows {
        let rules = TcpRules { verbs: TcpVerbs::Refused, ..TcpRules::default() };
        let asked =
            request(over_tcp("127.0.0.1", rules), &Method::POST, "/api/v1/stop", &[("host", HOST), header]);
        send(&guarded.app, asked).await.problem(row, 403, "--read-only");
    }
    assert_eq!(guarded.arrived(), []);
}

/// A tunnel may end at the socket: whom it lets in is not the user that it runs as.
#[tokio::test]
async fn a_proxy_before_the_socket_is_no_user_of_the_machine() {
    let ours = Signer::new("ours");
    let server = KeyServer::start(&[&ours]).await;
    let (bare, access) =
        (Guarded::new("", Default::default()), Guarded::new(&server.config(""), Default::default()));
    let assertion = ours.token(&person("ana@example.com"));
    let vouched = ("cf-access-jwt-assertion", assertion.as_str());
    let passed_on = ("cf-connecting-ip", "192.0.2.7");
    type Row<'a> = (&'a str, &'a Guarded, Vec<(&'a str, &'a str)>, Result<&'a str, u16>);
    let rows: [Row<'_>; 6] = [
        ("a program", &access, vec![], Ok("local:ada")),
        ("a tunnel without a configuration", &bare, vec![passed_on], Err(403)),
        ("a tunnel without an assertion", &access, vec![passed_on], Err(401)),
        ("a person by the tunnel", &access, vec![passed_on, vouched], Ok("access:ana@example.com")),
        (
            "our page by the tunnel",
            &access,
            vec![passed_on, vouched, ("host", HOST), ("origin", "https://ringward.example.com")],
            Ok("access:ana@example.com"),
        ),
        (
            "another page by the tunnel",
            &access,
            vec![passed_on, vouched, ("host", HOST), ("origin", "https://evil.test")],
            Err(403),
        ),
    ];
    for (row, guarded, headers, expected) in rows {
        let before = guarded.arrived().len();
        let peer = Peer::Local { user: "ada".to_owned() };
        let answer = send(&guarded.app, request(peer, &Method::POST, "/api/v1/stop", &headers)).await;
        match expected {
            Ok(actor) => {
                assert_eq!(guarded.arrived().last().unwrap().to_string(), actor, "{row}: {}", answer.body)
            }
            Err(status) => {
                assert_eq!(answer.status, status, "{row}: {}", answer.body);
                assert_eq!(guarded.arrived().len(), before, "{row}");
            }
        }
    }
}

/// A token of ringward through Access: both must hold, and of one person.
#[tokio::test]
async fn of_two_credentials_both_must_hold() {
    let (ours, other) = (Signer::new("ours"), Signer::new("theirs"));
    let server = KeyServer::start(&[&ours]).await;
    let state = tokens(&[("ana", 1, &[Role::Operator]), ("ana-reads", 2, &[Role::Viewer])]);
    let guarded = Guarded::new(&server.config(""), state.tokens);
    let ana = ours.token(&person("ana@example.com"));
    let bo = ours.token(&person("bo@example.com"));
    let program = ours.token(&service("88bf.access"));
    let forged = other.token(&person("ana@example.com"));
    let (hers, unknown) = (bearer(1), bearer(9));
    let reads = bearer(2);
    let rows = [
        ("hers, of her", &ana, &hers, Ok("token:ana/ana@example.com")),
        ("hers, by a program of Access", &program, &hers, Ok("token:ana/ana@example.com")),
        ("hers, of somebody else", &bo, &hers, Err((401, "not valid"))),
        ("hers, with a forged assertion", &forged, &hers, Err((401, "not valid"))),
        ("her assertion, with a token of nobody", &ana, &unknown, Err((401, "not valid"))),
        // The token is what was chosen, and it only reads.
        ("a reader's token of another person", &ana, &reads, Err((401, "not valid"))),
        ("a reader's token by a program", &program, &reads, Err((403, "role operator"))),
    ];
    for (row, assertion, token, expected) in rows {
        let token = format!("Bearer {token}");
        let headers =
            [("host", HOST), ("cf-access-jwt-assertion", assertion), ("authorization", token.as_str())];
        let peer = over_tcp("127.0.0.1", TcpRules::default());
        let answer = send(&guarded.app, request(peer, &Method::POST, "/api/v1/stop", &headers)).await;
        match expected {
            Ok(actor) => {
                assert_eq!(answer.status, 200, "{row}: {}", answer.body);
                assert_eq!(guarded.arrived().last().unwrap().to_string(), actor, "{row}");
            }
            Err((status, word)) => {
                answer.problem(row, status, word);
            }
        }
    }
}

/// On the socket a credential counts, too: who shows one means it.
#[tokio::test]
async fn on_the_socket_a_token_counts_before_the_user() {
    let mut state = tokens(&[("ana", 1, &[Role::Operator]), ("bo", 2, &[Role::Operator])]);
    add(&mut state, Event::TokenRevoked { name: "bo".parse().unwrap() });
    let guarded = Guarded::new("", state.tokens);
    let rows = [
        ("the user", None, Ok("local:ada")),
        ("a token", Some(bearer(1)), Ok("token:ana/ana@example.com")),
        ("a token that was revoked", Some(bearer(2)), Err(401)),
        ("something else", Some("secret".to_owned()), Err(401)),
    ];
    for (row, token, expected) in rows {
        let value = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = value.iter().map(|value| ("authorization", value.as_str())).collect();
        let peer = Peer::Local { user: "ada".to_owned() };
        let answer = send(&guarded.app, request(peer, &Method::POST, "/api/v1/stop", &headers)).await;
        match expected {
            Ok(actor) => assert_eq!(guarded.arrived().last().unwrap().to_string(), actor, "{row}"),
            Err(status) => assert_eq!(answer.status, status, "{row}: {}", answer.body),
        }
    }
}
