//! Wrong assertions of Access, one row each: every one is refused with the same words.

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use axum::body::Body;
use axum::http::{Method, Request};
use ringward::web::TcpRules;
use serde_json::{Value, json};

use super::super::send;
use super::credentials::{
    Guarded, HOST, Signer, TAG, base64, by_secret, in_seconds, message, over_tcp, person, request, service,
};
use super::keys::KeyServer;

/// Longer than what is looked at, and within what a head may have.
const TOO_LONG: usize = 8 * 1024 + 1;

/// A person's claims with one changed; `null` takes it away.
fn with(key: &str, value: Value) -> Value {
    let mut claims = person("ana@example.com");
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(key),
        value => claims.as_object_mut().unwrap().insert(key.to_owned(), value),
    };
    claims
}

/// The same of a service token.
fn service_with(key: &str, value: Value) -> Value {
    let mut claims = service("88bf.access");
    claims[key] = value;
    claims
}

/// Names, and headers that are no proof of anybody.
fn rows(ours: &Signer, other: &Signer) -> Vec<(&'static str, String)> {
    let good = person("ana@example.com");
    let text = good.to_string();
    let whole = ours.token(&good);
    let parts: Vec<&str> = whole.split('.').collect();
    let (head, claims, signature) = (parts[0], parts[1], parts[2]);
    let header = |key: &str, value: Value| {
        let mut header = ours.header();
        match value {
            Value::Null => header.as_object_mut().unwrap().remove(key),
            value => header.as_object_mut().unwrap().insert(key.to_owned(), value),
        };
        header
    };
    let alg = |name: &str| header("alg", json!(name));
    let others_key = Signer::new(&ours.kid);
    let modulus = ours.jwk()["n"].as_str().unwrap().to_owned();
    let altered = base64(text.replace("ana@", "eva@").as_bytes());
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let deep = format!("{}{}", "[".repeat(3000), "]".repeat(3000));
    let own_key = header("jwk", other.jwk());
    let mut rows = vec![
        ("alg none, unsigned", format!("{}.", message(&alg("none"), &text))),
        ("alg none, signed", ours.token_by(&RSA_PKCS1_SHA256, &alg("none"), &text)),
        ("alg None", format!("{}.", message(&alg("None"), &text))),
        ("no alg", ours.token_by(&RSA_PKCS1_SHA256, &header("alg", Value::Null), &text)),
        ("HS256 with the public key", by_secret(&ours.public(), &alg("HS256"), &text)),
        ("HS256 with the modulus", by_secret(modulus.as_bytes(), &alg("HS256"), &text)),
        ("HS256 with nothing", by_secret(b"", &alg("HS256"), &text)),
        ("RS384", ours.token_by(&RSA_PKCS1_SHA384, &alg("RS384"), &text)),
        ("RS512", ours.token_by(&RSA_PKCS1_SHA512, &alg("RS512"), &text)),
        ("RS512 that says RS256", ours.token_by(&RSA_PKCS1_SHA512, &ours.header(), &text)),
        ("PS256", ours.token_by(&RSA_PSS_SHA256, &alg("PS256"), &text)),
        ("ES256", ours.token_by(&RSA_PKCS1_SHA256, &alg("ES256"), &text)),
        ("a key that there is not", Signer::new("2027").token(&good)),
        ("a key of another team", other.token(&good)),
        ("our key's name, another key", others_key.token(&good)),
        ("no key's name", ours.token_by(&RSA_PKCS1_SHA256, &header("kid", Value::Null), &text)),
        (
            "a key's name that is a list",
            ours.token_by(&RSA_PKCS1_SHA256, &header("kid", json!([ours.kid])), &text),
        ),
        (
            "an extension that is critical",
            ours.token_by(&RSA_PKCS1_SHA256, &header("crit", json!(["exp"])), &text),
        ),
        (
            "no extension that is critical",
            ours.token_by(&RSA_PKCS1_SHA256, &header("crit", json!([])), &text),
        ),
        (
            "a critical extension that is a text",
            ours.token_by(&RSA_PKCS1_SHA256, &header("crit", json!("exp")), &text),
        ),
        ("a key of its own along", other.token_by(&RSA_PKCS1_SHA256, &own_key, &text)),
        ("another application", ours.token(&with("aud", json!(["0".repeat(64)])))),
        ("an application as text", ours.token(&with("aud", json!(TAG)))),
        ("a tag that begins like ours", ours.token(&with("aud", json!([format!("{TAG}0")])))),
        ("no application", ours.token(&with("aud", Value::Null))),
        ("an empty list of applications", ours.token(&with("aud", json!([])))),
        ("another team", ours.token(&with("iss", json!("https://evil.cloudflareaccess.com")))),
        ("our team over plain http", ours.token(&with("iss", json!("http://acme.cloudflareaccess.com")))),
        ("our team and a slash", ours.token(&with("iss", json!("https://acme.cloudflareaccess.com/")))),
        ("no team", ours.token(&with("iss", Value::Null))),
        ("a token of the organisation", ours.token(&with("type", json!("org")))),
        ("no type", ours.token(&with("type", Value::Null))),
        ("expired", ours.token(&with("exp", json!(in_seconds(-31))))),
        ("expired long ago", ours.token(&with("exp", json!(0)))),
        ("never expires", ours.token(&with("exp", Value::Null))),
        ("its end as text", ours.token(&with("exp", json!(in_seconds(3600).to_string())))),
        ("its end as a fraction", ours.token(&with("exp", json!(4.0e9)))),
        ("its end beyond all time", ours.token(&with("exp", json!(i64::MAX)))),
        ("its end beyond all numbers", ours.token(&with("exp", json!(u64::MAX)))),
        ("not yet valid", ours.token(&with("nbf", json!(in_seconds(90))))),
        ("valid from a text on", ours.token(&with("nbf", json!("now")))),
        ("neither a person nor a service", ours.token(&with("email", Value::Null))),
        ("an empty e-mail", ours.token(&with("email", json!("")))),
        ("an e-mail of two lines", ours.token(&with("email", json!("ana@example.com\nX: y")))),
        ("an e-mail without a place", ours.token(&with("email", json!("ana")))),
        ("two e-mails", ours.token(&with("email", json!(["ana@example.com", "bo@example.com"])))),
        ("a person and a service", ours.token(&with("common_name", json!("88bf.access")))),
        ("a service with a person's subject", ours.token(&service_with("sub", json!("7335d417")))),
        ("a service without a name", ours.token(&service_with("common_name", json!("")))),
        ("a service's name of two lines", ours.token(&service_with("common_name", json!("a\nb")))),
        ("claims that were changed", format!("{head}.{altered}.{signature}")),
        ("a signature that was changed", format!("{head}.{claims}.{flipped}{}", &signature[1..])),
        ("no signature", format!("{head}.{claims}.")),
        ("half a signature", whole[..whole.len() - 40].to_owned()),
        ("cut in its claims", whole[..head.len() + claims.len() / 2].to_owned()),
        ("two parts", format!("{head}.{claims}")),
        ("four parts", format!("{whole}.{signature}")),
        ("one part", head.to_owned()),
        ("empty", String::new()),
        ("dots", "..".to_owned()),
        ("with a scheme", format!("Bearer {whole}")),
        ("two in one", format!("{whole}, {whole}")),
        ("padded digits", format!("{head}==.{claims}.{signature}")),
        ("no digits of base64", format!("{head}.{claims}.***")),
        ("claims that are no JSON", ours.token_by(&RSA_PKCS1_SHA256, &ours.header(), "{\"aud\":")),
        ("claims that are a list", ours.token_by(&RSA_PKCS1_SHA256, &ours.header(), &format!("[{text}]"))),
        ("claims that are nothing", ours.token_by(&RSA_PKCS1_SHA256, &ours.header(), "null")),
        ("claims as deep as a well", ours.token_by(&RSA_PKCS1_SHA256, &ours.header(), &deep)),
        ("an application as deep as a well", {
            let claims = text.replace(&format!("\"{TAG}\""), &deep);
            ours.token_by(&RSA_PKCS1_SHA256, &ours.header(), &claims)
        }),
        ("a header as deep as a well", {
            let header = ours.header().to_string().replacen('{', &format!("{{\"x\":{deep},"), 1);
            format!("{}.{claims}.{signature}", base64(header.as_bytes()))
        }),
        ("a claim twice", {
            let claims = format!("{{\"email\":\"eva@example.com\", {}", &text[1..]);
            ours.token_by(&RSA_PKCS1_SHA256, &ours.header(), &claims)
        }),
        ("too long", {
            let mut claims = good.clone();
            claims["x"] = "x".repeat(TOO_LONG).into();
            ours.token(&claims)
        }),
    ];
    rows.push(("too long to be looked at", "x".repeat(TOO_LONG)));
    rows
}

#[tokio::test]
async fn nobody_comes_in_by_a_wrong_assertion() {
    let (ours, other) = (Signer::new("ours"), Signer::new("theirs"));
    let server = KeyServer::start(&[&ours]).await;
    let guarded = Guarded::new(&server.config("reading: signed_in\n"), Default::default());
    let rows = rows(&ours, &other);
    assert!(rows.len() >= 25, "{}", rows.len());
    let mut said = std::collections::BTreeSet::new();
    for (row, assertion) in &rows {
        let headers = [("host", HOST), ("cf-access-jwt-assertion", assertion.as_str())];
        for (method, path) in [(Method::POST, "/api/v1/stop"), (Method::GET, "/api/v1/rollouts")] {
            let peer = over_tcp("127.0.0.1", TcpRules::default());
            let answer = send(&guarded.app, request(peer, &method, path, &headers)).await;
            let problem = answer.problem(row, 401, "are not valid here");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"ringward\"", "{row}");
            said.insert(problem.detail);
        }
        assert_eq!(guarded.arrived(), [], "{row}");
    }
    assert_eq!(said.len(), 1, "the answers tell what is wrong: {said:?}");
    // Twice the same, which is right by itself: a proxy that adds one must not leave a client's.
    let good = ours.token(&person("ana@example.com"));
    for second in [good.as_str(), "x"] {
        let twice =
            [("host", HOST), ("cf-access-jwt-assertion", good.as_str()), ("cf-access-jwt-assertion", second)];
        let peer = over_tcp("127.0.0.1", TcpRules::default());
        let answer = send(&guarded.app, request(peer, &Method::POST, "/api/v1/stop", &twice)).await;
        answer.problem("there twice", 401, "are not valid here");
    }
    // The cookie of the same content is no proof: a browser sends it for other pages, too.
    let cookie = format!("CF_Authorization={good}");
    let peer = over_tcp("127.0.0.1", TcpRules::default());
    let by_cookie = request(peer, &Method::POST, "/api/v1/stop", &[("host", HOST), ("cookie", &cookie)]);
    send(&guarded.app, by_cookie).await.problem("by cookie", 401, "nobody is known");
    assert_eq!(guarded.arrived(), []);
}

/// What must come in, or the rows above prove nothing.
#[tokio::test]
async fn a_person_and_a_service_come_in_by_a_right_one() {
    let ours = Signer::new("ours");
    let server = KeyServer::start(&[&ours]).await;
    let config = server.config("  services: [88bf.access]\n");
    let guarded = Guarded::new(&config, Default::default());
    let rows = [
        ("a person", person("Ana@Example.com"), "access:ana@example.com"),
        ("without a beginning", with("nbf", Value::Null), "access:ana@example.com"),
        ("clocks that are a little apart", with("exp", json!(in_seconds(-20))), "access:ana@example.com"),
        ("the same ahead", with("nbf", json!(in_seconds(20))), "access:ana@example.com"),
        ("two applications", with("aud", json!(["0".repeat(64), TAG])), "access:ana@example.com"),
        ("claims that nobody asked for", with("custom", json!({"groups": ["x"]})), "access:ana@example.com"),
        ("a service", service("88bf.access"), "service:88bf.access"),
    ];
    for (row, claims, actor) in rows {
        let assertion = ours.token(&claims);
        let headers = [
            ("host", HOST),
            ("cf-access-jwt-assertion", assertion.as_str()),
            // What cloudflared adds, by which a request without credentials is known as passed on.
            ("cf-connecting-ip", "192.0.2.7"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-proto", "https"),
            ("cf-access-authenticated-user-email", "eva@example.com"),
            ("origin", "https://ringward.example.com"),
            ("sec-fetch-site", "same-origin"),
        ];
        let peer = over_tcp("127.0.0.1", TcpRules::default());
        let answer = send(&guarded.app, request(peer, &Method::POST, "/api/v1/stop", &headers)).await;
        assert_eq!(answer.status, 200, "{row}: {}", answer.body);
        assert_eq!(guarded.arrived().last().unwrap().to_string(), actor, "{row}");
    }
    // Without Access in the configuration its header proves nothing, and tells a proxy.
    let plain = Guarded::new("", Default::default());
    let assertion = ours.token(&person("ana@example.com"));
    let headers = [("host", "127.0.0.1:8787"), ("cf-access-jwt-assertion", assertion.as_str())];
    let peer = over_tcp("127.0.0.1", TcpRules::default());
    let asked: Request<Body> = request(peer, &Method::POST, "/api/v1/stop", &headers);
    send(&plain.app, asked).await.problem("unconfigured", 403, "cf-access-jwt-assertion");
}
