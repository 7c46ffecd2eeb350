//! HTTP from outside: paths, verbs, failures, page, metrics, the socket.

#![expect(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

#[path = "../support/team.rs"]
pub mod team;

mod cells;
mod dashboards;
mod floods;
mod forged;
mod former;
mod forms;
mod identity;
mod limits;
mod metrics;
mod openapi;
mod page;
mod reads;
mod serving;
mod stream;
mod tcp;
mod verbs;
mod whole;
mod world;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use ringward::web::Peer;
use ringward::web::json::{ProblemAnswer, VerbAnswer};
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// The problem, which must be whole and speak of `word`.
    fn problem(&self, row: &str, status: u16, word: &str) -> ProblemAnswer {
        assert_eq!(self.status.as_u16(), status, "{row}: {}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json", "{row}");
        let problem: ProblemAnswer = self.json();
        assert_eq!(problem.status, status, "{row}");
        assert!(problem.kind.starts_with("urn:ringward:problem:"), "{row}: {problem:?}");
        assert!(!problem.title.is_empty(), "{row}");
        assert!(problem.detail.contains(word), "{row}: `{word}` is missing in: {}", problem.detail);
        problem
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// One request from a user of the socket.
async fn ask(app: &Router, method: Method, path: &str, body: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let mut request = request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap();
    request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
    send(app, request).await
}

async fn get(app: &Router, path: &str) -> Answer {
    ask(app, Method::GET, path, None).await
}

async fn send(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// The same of somebody who reads first what the verb rests on; where that is refused, they send something else.
async fn decide(app: &Router, path: &str, body: &str) -> Answer {
    let make = |body: String| {
        let request = Request::post(path).header("content-type", "application/json");
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
        request
    };
    as_read(app, make, serde_json::from_str(body).unwrap()).await
}

/// A request for a verb, after the same with `dry_run`.
async fn as_read(
    app: &Router,
    make: impl Fn(String) -> Request<Body>,
    mut body: serde_json::Value,
) -> Answer {
    body["dry_run"] = true.into();
    let looked = send(app, make(body.to_string())).await;
    let is_read = looked.status == StatusCode::OK;
    let now: VerbAnswer = if is_read { looked.json() } else { VerbAnswer::done(String::new()) };
    body.as_object_mut().unwrap().remove("dry_run");
    body["revision"] = now.revision.unwrap_or_else(|| "00000000".to_owned()).into();
    body["seen"] = serde_json::to_value(now.seen.unwrap_or_default()).unwrap();
    send(app, make(body.to_string())).await
}

/// What the form of a confirmation sends back of what was read: its field `seen`, and the fields after it.
fn form_fields(sheet: &str) -> String {
    let field = |name: &str| {
        let value = sheet.split(&format!("name=\"{name}\" value=\"")).nth(1)?.split('"').next()?;
        let value = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
            .iter()
            .fold(value.to_owned(), |value, (from, to)| value.replace(from, to));
        let plain = |byte: u8| byte.is_ascii_alphanumeric();
        let encode =
            |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        Some(value.bytes().map(encode).collect::<String>())
    };
    let read = field("read").map(|read| format!("&read={read}")).unwrap_or_default();
    field("seen").unwrap() + &read
}
