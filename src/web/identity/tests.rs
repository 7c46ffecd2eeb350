//! What is judged without a router: paths and their needs, tokens, when keys are fetched.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, Method, header};
use jsonwebtoken::DecodingKey;
use secrecy::{ExposeSecret as _, SecretString};

use super::certs::{FAILED_EVERY, KEPT, KeptKeys, UNKNOWN_KEY_EVERY, Unread, keys_of};
use super::needs::Undeclared;
use super::{Identity, Right, bearer, needs};
use crate::rollout::people::tokens::{TokenRequest, request};
use crate::rollout::record::{Actor, Recorded, Role};
use crate::rollout::state::State;
use crate::telemetry::WhyRefused;
use crate::time::{SignedDuration, Timestamp, after};
use crate::web::guard::Peer;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2026-10-12T12:00:00Z")
}

#[test]
fn a_path_without_a_row_answers_nobody() {
    let rows = [
        ("a read", Method::GET, Some("/api/v1/rollouts"), Ok(Some(Right::Read))),
        ("its head", Method::HEAD, Some("/api/v1/rollouts"), Ok(Some(Right::Read))),
        ("the metrics", Method::GET, Some("/metrics"), Ok(Some(Right::Metrics))),
        (
            "whose devices there are",
            Method::GET,
            Some("/api/v1/rollouts/{plan}/devices"),
            Ok(Some(Right::Devices)),
        ),
        ("a probe", Method::GET, Some("/healthz"), Ok(None)),
        ("its head", Method::HEAD, Some("/readyz"), Ok(None)),
        ("a verb", Method::POST, Some("/api/v1/stop"), Ok(Some(Right::Operate))),
        ("an approval", Method::POST, Some("/api/v1/rollouts/{plan}/approve"), Ok(Some(Right::Approve))),
        ("a list of tokens", Method::GET, Some("/api/v1/tokens"), Ok(Some(Right::Admit))),
        ("the page's form", Method::POST, Some("/act/{verb}"), Ok(Some(Right::Operate))),
        ("no such path", Method::GET, None, Ok(Some(Right::Read))),
        ("no such path to post to", Method::POST, None, Ok(Some(Right::Read))),
        (
            "a method that a read does not have",
            Method::DELETE,
            Some("/api/v1/rollouts"),
            Ok(Some(Right::Read)),
        ),
        ("a post to what only shows", Method::POST, Some("/metrics"), Ok(Some(Right::Operate))),
        ("a read of a verb, which there is not", Method::GET, Some("/api/v1/stop"), Ok(Some(Right::Read))),
        ("a read that nobody declared", Method::GET, Some("/api/v1/new"), Err(Undeclared)),
        ("a verb that nobody declared", Method::POST, Some("/api/v1/new"), Err(Undeclared)),
        ("a method that nobody has", Method::PATCH, Some("/api/v1/new"), Err(Undeclared)),
    ];
    for (row, method, routed, expected) in rows {
        assert_eq!(needs::of(&method, routed), expected, "{row}");
    }
}

/// A log with a token, and its text.
fn token(expires_at: Option<Timestamp>) -> (State, SecretString) {
    let expires_at = expires_at.or_else(|| Role::usual_end(&BTreeSet::from([Role::Operator]), noon()));
    let (name, email) = ("ana-laptop".parse().unwrap(), "ana@example.com".parse().unwrap());
    let (grant, text) = bearer::make(name, email, BTreeSet::from([Role::Operator]), expires_at).unwrap();
    let mut state = State::default();
    add(&mut state, TokenRequest::Make(Box::new(grant)));
    (state, text)
}

fn add(state: &mut State, asked: TokenRequest) {
    let actor = Actor::Local { user: "ada".to_owned() };
    let before = after(noon(), SignedDuration::from_hours(-1));
    let entry = request(state, &actor, "for a test", asked, before).unwrap();
    state.apply(&Recorded { seq: state.seq + 1, at: before, entry }).unwrap();
}

#[test]
fn a_token_is_known_by_all_of_its_text_and_while_it_lives() {
    let (state, text) = token(Some(at("2026-10-12T12:00:01Z")));
    let text = text.expose_secret().to_owned();
    assert_eq!(text.len(), 85);
    let (head, last) = text.split_at(text.len() - 1);
    let other = if last == "0" { "1" } else { "0" };
    let secret = text.rsplit_once('_').unwrap().1.to_owned();
    let rows = [
        ("its text", text.clone(), None),
        ("nothing", String::new(), Some(WhyRefused::TokenMalformed)),
        ("a digit less", head.to_owned(), Some(WhyRefused::TokenMalformed)),
        ("a digit more", format!("{text}0"), Some(WhyRefused::TokenMalformed)),
        ("another last digit", format!("{head}{other}"), Some(WhyRefused::TokenWrongSecret)),
        ("in capitals", text.to_uppercase(), Some(WhyRefused::TokenMalformed)),
        ("another public part", format!("rwt_0000000000000000_{secret}"), Some(WhyRefused::TokenUnknown)),
        ("no line between", format!("rwt_{}", "0".repeat(81)), Some(WhyRefused::TokenMalformed)),
        ("something else as long", "é".repeat(42) + "x", Some(WhyRefused::TokenMalformed)),
    ];
    for (row, shown, refused) in rows {
        let found = bearer::known(&SecretString::from(shown), &state.tokens, noon());
        match (found, refused) {
            (Ok(grant), None) => assert_eq!(grant.name.as_str(), "ana-laptop", "{row}"),
            (Err(why), Some(expected)) => assert_eq!(why, expected, "{row}"),
            (found, _) => panic!("{row}: {found:?}"),
        }
    }
    let shown = SecretString::from(text);
    let late = bearer::known(&shown, &state.tokens, at("2026-10-12T12:00:01Z"));
    assert_eq!(late, Err(WhyRefused::TokenExpired));
    let mut state = state;
    add(&mut state, TokenRequest::Revoke("ana-laptop".parse().unwrap()));
    assert_eq!(bearer::known(&shown, &state.tokens, noon()), Err(WhyRefused::TokenRevoked));
    assert!(state.tokens.were_ever_made(), "what is gone does not open what it closed");
}

#[test]
fn no_two_tokens_are_alike() {
    let texts: BTreeSet<String> = (0..100).map(|_| token(None).1.expose_secret().to_owned()).collect();
    assert_eq!(texts.len(), 100);
}

#[test]
fn one_bearer_token_is_taken_and_other_schemes_are_a_proxys() {
    type Row = (&'static str, &'static [&'static str], Result<Option<&'static str>, WhyRefused>);
    let rows: [Row; 7] = [
        ("none", &[], Ok(None)),
        ("a token", &["Bearer rwt_x"], Ok(Some("rwt_x"))),
        ("in lower case, spaced", &["bearer  rwt_x "], Ok(Some("rwt_x"))),
        ("nothing behind", &["Bearer"], Ok(Some(""))),
        ("a password for a proxy", &["Basic YTpi"], Ok(None)),
        ("two", &["Bearer rwt_x", "Bearer rwt_x"], Err(WhyRefused::CredentialTwice)),
        ("a password and a token", &["Basic YTpi", "Bearer rwt_x"], Err(WhyRefused::CredentialTwice)),
    ];
    for (row, values, expected) in rows {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        let shown = bearer::shown(&headers).map(|shown| shown.map(|text| text.expose_secret().to_owned()));
        assert_eq!(shown, expected.map(|text| text.map(str::to_owned)), "{row}");
    }
}

fn proven(actor: &str, rights: &[Right]) -> Identity {
    let actor = actor.parse::<Actor>().unwrap();
    Identity::Proven { actor, rights: rights.iter().copied().collect() }
}

/// To approve, somebody must be known by e-mail, and by a credential that lets them.
#[test]
fn who_may_approve() {
    use Right::{Admit, Approve, Operate, Read};
    let rows = [
        ("a person behind Access", proven("access:ana@example.com", &[Read, Approve]), None),
        ("an approver's token", proven("token:ana/ana@example.com", &[Read, Approve]), None),
        ("an operator's token", proven("token:ana/ana@example.com", &[Read, Operate]), Some("role approver")),
        ("a service", proven("service:88bf.access", &[Read, Operate]), Some("only a person")),
        ("a user of the machine", proven("local:ada", &[Read, Operate, Admit]), Some("only a person")),
        ("somebody on this machine", Identity::Unasked, Some("only a person")),
        ("nobody", Identity::Nobody(Right::READS.into()), Some("nobody is known")),
    ];
    let request = axum::http::Request::post("/").header("host", "127.0.0.1:8787").body(()).unwrap();
    let head = request.into_parts().0;
    let peer = Peer::Tcp {
        peer: "127.0.0.1:50000".parse().unwrap(),
        local: "127.0.0.1:8787".parse().unwrap(),
        rules: std::sync::Arc::default(),
    };
    for (row, identity, refused) in rows {
        match (identity.may(Right::Approve, &peer, &head), refused) {
            (Ok(Some(actor)), None) => assert!(actor.email().is_some(), "{row}"),
            (Err(denied), Some(word)) => assert!(denied.why().contains(word), "{row}: {}", denied.why()),
            (found, _) => panic!("{row}: {found:?}"),
        }
    }
}

fn keys(kid: &str) -> BTreeMap<String, DecodingKey> {
    BTreeMap::from([(kid.to_owned(), DecodingKey::from_rsa_raw_components(&[1], &[1, 0, 1]))])
}

#[test]
fn keys_are_fetched_when_they_must_be_and_no_more_often() {
    let later = |span: SignedDuration| after(noon(), span);
    let just_before = |span: SignedDuration| after(later(span), SignedDuration::from_secs(-1));
    let told = |kept: &KeptKeys, kid: &str, now: Timestamp| match kept.look(kid, now) {
        Some(Ok(Some(_))) => "known",
        Some(Ok(None)) => "none",
        Some(Err(Unread)) => "unread",
        None => "fetch",
    };
    let mut kept = KeptKeys::default();
    assert_eq!(told(&kept, "a", noon()), "fetch", "at first");
    kept.take(None, noon());
    assert_eq!(told(&kept, "a", just_before(FAILED_EVERY)), "unread", "just failed");
    assert_eq!(told(&kept, "a", later(FAILED_EVERY)), "fetch", "failed a while ago");
    kept.take(Some(keys("a")), noon());
    assert_eq!(told(&kept, "a", noon()), "known");
    assert_eq!(told(&kept, "b", just_before(UNKNOWN_KEY_EVERY)), "none", "a key that there is not");
    assert_eq!(told(&kept, "b", later(UNKNOWN_KEY_EVERY)), "fetch", "perhaps it was rotated");
    assert_eq!(told(&kept, "a", just_before(KEPT)), "known");
    assert_eq!(told(&kept, "a", later(KEPT)), "fetch", "after an hour");
    assert_eq!(told(&kept, "a", at("2026-10-12T11:00:00Z")), "fetch", "the clock was set back");
    // A fetch for an unknown key that fails takes nothing from those that are known.
    let minute = later(UNKNOWN_KEY_EVERY);
    kept.take(None, minute);
    assert_eq!(told(&kept, "a", minute), "known");
    assert_eq!(told(&kept, "b", after(minute, FAILED_EVERY)), "unread", "at most once a minute");
    assert_eq!(told(&kept, "b", after(minute, UNKNOWN_KEY_EVERY)), "fetch");
    // A rotation: the new keys take the place of the old.
    kept.take(Some(keys("b")), after(minute, UNKNOWN_KEY_EVERY));
    assert_eq!(told(&kept, "b", after(minute, UNKNOWN_KEY_EVERY)), "known");
    assert_eq!(told(&kept, "a", after(minute, UNKNOWN_KEY_EVERY)), "none");
}

#[test]
fn an_answer_of_keys_holds_rsa_keys_or_is_none() {
    let key = |rest: &str| format!(r#"{{"kid": "a", "n": "AQAB", "e": "AQAB"{rest}}}"#);
    let whole = |keys: &[String]| format!(r#"{{"keys": [{}], "public_cert": {{}}}}"#, keys.join(","));
    let many: Vec<String> = (0..17).map(|_| key(r#", "kty": "RSA""#)).collect();
    let rows = [
        ("a key", whole(&[key(r#", "kty": "RSA", "alg": "RS256", "use": "sig""#)]), Ok(1)),
        ("without its algorithm", whole(&[key(r#", "kty": "RSA""#)]), Ok(1)),
        ("of another kind", whole(&[key(r#", "kty": "EC""#)]), Err("no RSA key")),
        ("of another algorithm", whole(&[key(r#", "kty": "RSA", "alg": "RS512""#)]), Err("no RSA key")),
        ("a secret", whole(&[key(r#", "kty": "oct", "k": "AQAB""#)]), Err("no RSA key")),
        (
            "bad digits",
            r#"{"keys": [{"kid": "a", "kty": "RSA", "n": "*", "e": "AQAB"}]}"#.to_owned(),
            Err("no RSA key"),
        ),
        ("no keys", whole(&[]), Err("no RSA key")),
        ("too many", whole(&many), Err("more than 16")),
        ("no list", r#"{"keys": {}}"#.to_owned(), Err("holds no keys")),
        ("a page", "<html>".to_owned(), Err("holds no keys")),
    ];
    for (row, body, expected) in rows {
        let found = keys_of(body.as_bytes()).map(|keys| keys.len());
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{row}"),
            (Err(why), Err(word)) => assert!(why.contains(word), "{row}: {why}"),
            (found, _) => panic!("{row}: {found:?}"),
        }
    }
}
