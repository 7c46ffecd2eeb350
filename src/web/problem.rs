//! Failures of the API, as `application/problem+json` (RFC 9457).
//!
//! **Invariant:** every answer that is not a success is a [`Problem`] that says what, why, and
//! what would work.

use std::time::Duration;

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::admission::MAX_URL_BYTES;
use super::json::Problem;
use crate::daemon::view::CommandError;
use crate::rollout::people::refusal::Refusal;

/// Longest wall time for one request, its body included: a client that stalls gives its place up.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Headers of a failure that say what to do next.
const KEPT_HEADERS: [HeaderName; 4] =
    [header::ALLOW, header::CONNECTION, header::RETRY_AFTER, header::WWW_AUTHENTICATE];

/// A kind of failure, with the status and title that go with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The request cannot be read.
    Malformed,
    /// Nobody is known by it, where somebody must be.
    Unauthorized,
    /// Whoever asks may not, or a rule for requests over TCP is broken.
    Forbidden,
    /// No such path.
    NoSuchPath,
    /// No such plan or ring.
    NoSuchPlan,
    /// The path has other methods.
    WrongMethod,
    /// The state refuses it.
    Refused,
    /// The client took too long to send its request.
    TooSlow,
    /// The body is too long.
    TooLarge,
    /// The URL is too long.
    LongUrl,
    /// The headers are too many or too long.
    LongHead,
    /// The body is not JSON by its own word.
    NotJson,
    /// The body can be read, and asks for something that makes no sense.
    Senseless,
    /// ringward failed.
    Fault,
    /// The daemon or the log cannot answer now.
    Unavailable,
    /// Too many ask at once.
    Busy,
}

impl Kind {
    /// All, in the order of their statuses.
    pub(super) const ALL: [Self; 16] = [
        Self::Malformed,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NoSuchPath,
        Self::NoSuchPlan,
        Self::WrongMethod,
        Self::TooSlow,
        Self::Refused,
        Self::TooLarge,
        Self::LongUrl,
        Self::NotJson,
        Self::Senseless,
        Self::LongHead,
        Self::Fault,
        Self::Unavailable,
        Self::Busy,
    ];

    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NoSuchPath | Self::NoSuchPlan => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Refused => StatusCode::CONFLICT,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::LongUrl => StatusCode::URI_TOO_LONG,
            Self::LongHead => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Senseless => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NoSuchPath => "no-such-path",
            Self::NoSuchPlan => "no-such-plan",
            Self::WrongMethod => "wrong-method",
            Self::Refused => "refused",
            Self::TooSlow => "too-slow",
            Self::TooLarge => "too-large",
            Self::LongUrl => "long-url",
            Self::LongHead => "long-head",
            Self::NotJson => "not-json",
            Self::Senseless => "senseless",
            Self::Fault => "fault",
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request cannot be read",
            Self::Unauthorized => "It is not known who asks",
            Self::Forbidden => "This connection may not ask for that",
            Self::NoSuchPath => "There is no such path",
            Self::NoSuchPlan => "There is no such plan or ring",
            Self::WrongMethod => "The path does not have this method",
            Self::Refused => "The state refuses it",
            Self::TooSlow => "The request came too slowly",
            Self::TooLarge => "The body is too long",
            Self::LongUrl => "The URL is too long",
            Self::LongHead => "The headers are too many or too long",
            Self::NotJson => "The body must be application/json",
            Self::Senseless => "The request makes no sense",
            Self::Fault => "ringward failed",
            Self::Unavailable => "It cannot be answered now",
            Self::Busy => "Too many ask at once",
        }
    }
}

/// A failure on its way out. [`answer`] writes it down, which knows the path.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    kind: Kind,
    detail: String,
}

impl Failure {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(super) const fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// The kind of failure, in words.
    pub(super) const fn title(&self) -> &'static str {
        self.kind.title()
    }

    /// What happened, in words.
    pub(super) fn detail(self) -> String {
        self.detail
    }

    fn problem(self, path: &str) -> Response {
        let status = self.kind.status();
        let problem = Problem {
            kind: format!("urn:ringward:problem:{}", self.kind.name()),
            title: self.kind.title().to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            instance: Some(path.to_owned()),
        };
        let content_type = HeaderValue::from_static("application/problem+json");
        (status, [(header::CONTENT_TYPE, content_type)], Json(problem)).into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        if self.kind == Kind::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        let kind = match &error {
            CommandError::Refused(Refusal::NoSuchPlan { .. }) => Kind::NoSuchPlan,
            CommandError::Refused(Refusal::NotNow { .. }) => Kind::Refused,
            CommandError::Refused(Refusal::NoReason | Refusal::UnprintableReason) => Kind::Senseless,
            CommandError::Failed(_) => Kind::Fault,
            CommandError::Unavailable(_) => Kind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}

/// What is said of a request that took too long.
fn too_long(method: &Method) -> &'static str {
    if method.is_safe() {
        "it took longer than 30 s; nothing was changed: ask again"
    } else {
        "it took longer than 30 s; a verb may still be carried out: look before you ask again"
    }
}

/// How somebody can say who they are (RFC 9110, 11.6.1: every 401 tells it).
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"ringward\"");

/// The outermost layer: bounds the time and writes failures down.
pub(super) async fn answer(request: Request, next: Next) -> Response {
    // Nobody needs the whole of a URL that is refused for its length.
    let path: String = request.uri().path().chars().take(MAX_URL_BYTES).collect();
    let detail = too_long(request.method());
    let Ok(mut response) = tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await else {
        return Failure::new(Kind::Unavailable, detail).problem(&path);
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
    }
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    let mut problem = failure.problem(&path);
    for name in KEPT_HEADERS {
        let kept = response.headers_mut().remove(&name);
        problem.headers_mut().extend(kept.map(|value| (name, value)));
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verb_may_still_be_carried_out() {
        for (method, verb) in [(Method::GET, false), (Method::HEAD, false), (Method::POST, true)] {
            let told = too_long(&method);
            assert_eq!(told.contains("may still be carried out"), verb, "{method}: {told}");
            assert!(told.ends_with("ask again"), "{method}: {told}");
        }
    }
}
