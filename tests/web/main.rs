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
use ringward::web::json::ProblemAnswer;
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
