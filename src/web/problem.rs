//! Failures of the API, as `application/problem+json` (RFC 9457).
//!
//! **Invariant:** every answer that is not a success is a [`ProblemAnswer`] that says what, why, and
//! what would work.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::daemon::view::CommandError;
use crate::rollout::people::refusal::Refusal;
use crate::telemetry::WhyRefused;
use crate::web::json::ProblemAnswer;
use crate::web::limits::{ANSWER_WITHIN, MAX_URL_BYTES};

/// Headers of a failure that say what to do next.
const KEPT_HEADERS: [HeaderName; 4] =
    [header::ALLOW, header::CONNECTION, header::RETRY_AFTER, header::WWW_AUTHENTICATE];

/// One row for each kind: what it is, the status, the word of its `type`, the title.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident => $status:ident, $name:literal, $title:literal;)*) => {
        /// A kind of failure, with the status and title that go with it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All, in the order of their statuses.
            pub(super) const ALL: &[Self] = &[$(Self::$kind),*];

            const fn row(self) -> (StatusCode, &'static str, &'static str) {
                match self {
                    $(Self::$kind => (StatusCode::$status, $name, $title),)*
                }
            }
        }
    };
}

kinds! {
    /// The request cannot be read.
    Malformed => BAD_REQUEST, "malformed", "The request cannot be read";
    /// Nobody is known by it, where somebody must be.
    Unauthorized => UNAUTHORIZED, "unauthorized", "It is not known who asks";
    /// Whoever asks may not, or a rule for requests over TCP is broken.
    Forbidden => FORBIDDEN, "forbidden", "This connection may not ask for that";
    /// No such path.
    NoSuchPath => NOT_FOUND, "no-such-path", "There is no such path";
    /// No such plan or ring.
    NoSuchPlan => NOT_FOUND, "no-such-plan", "There is no such plan or ring";
    /// The path has other methods.
    WrongMethod => METHOD_NOT_ALLOWED, "wrong-method", "The path does not have this method";
    /// The client took too long to send its request.
    TooSlow => REQUEST_TIMEOUT, "too-slow", "The request came too slowly";
    /// The state refuses it.
    Refused => CONFLICT, "refused", "The state refuses it";
    /// The body is too long.
    TooLarge => PAYLOAD_TOO_LARGE, "too-large", "The body is too long";
    /// The URL is too long.
    LongUrl => URI_TOO_LONG, "long-url", "The URL is too long";
    /// The body is not JSON by its own word.
    NotJson => UNSUPPORTED_MEDIA_TYPE, "not-json", "The body must be application/json";
    /// The body can be read, and asks for something that makes no sense.
    Senseless => UNPROCESSABLE_ENTITY, "senseless", "The request makes no sense";
    /// Whoever asks has asked for too many verbs.
    TooMany => TOO_MANY_REQUESTS, "too-many", "Too many verbs within a short time";
    /// The headers are too many or too long.
    LongHead => REQUEST_HEADER_FIELDS_TOO_LARGE, "long-head", "The headers are too many or too long";
    /// ringward failed.
    Fault => INTERNAL_SERVER_ERROR, "fault", "ringward failed";
    /// The daemon or the log cannot answer now.
    Unavailable => SERVICE_UNAVAILABLE, "unavailable", "It cannot be answered now";
    /// Too many ask at once.
    Busy => SERVICE_UNAVAILABLE, "busy", "Too many ask at once";
}

impl Kind {
    pub(super) const fn status(self) -> StatusCode {
        self.row().0
    }

    pub(super) const fn name(self) -> &'static str {
        self.row().1
    }

    pub(super) const fn title(self) -> &'static str {
        self.row().2
    }
}

/// A failure on its way out. [`answer`] writes it down, which knows the path.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    /// What happened, in words.
    pub(super) detail: String,
    /// Seconds after which to ask again.
    pub(super) retry_after: Option<u64>,
    /// Why, for metric and log, where it is refused whatever the state.
    pub(super) why: Option<WhyRefused>,
}

impl Failure {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), retry_after: (kind == Kind::Busy).then_some(1), why: None }
    }

    fn problem(self, path: &str) -> Response {
        let status = self.kind.status();
        let problem = ProblemAnswer {
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
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
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
            CommandError::TooMany { .. } => Kind::TooMany,
            CommandError::Failed(_) => Kind::Fault,
            CommandError::Unavailable(_) => Kind::Unavailable,
        };
        let failure = Self::new(kind, error.to_string());
        match error {
            CommandError::TooMany { wait, .. } => {
                let retry_after = u64::try_from(wait.as_secs()).ok();
                Self { retry_after, why: Some(WhyRefused::TooManyVerbs), ..failure }
            }
            _ => failure,
        }
    }
}

/// What a request is told for whose connection there is no place.
pub(super) fn no_room() -> Failure {
    let detail = "as many connections as ringward takes from one address or credential, or from all together, are busy; \
                  close one (a page that stays open holds one) and ask again";
    Failure { why: Some(WhyRefused::TooManyConnections), ..Failure::new(Kind::Busy, detail) }
}

/// What is said of a request that took too long.
fn too_long(method: &Method) -> &'static str {
    if method.is_safe() {
        "it took longer than 30 s; nothing was changed: ask again"
    } else {
        "it took longer than 30 s; a verb may still be carried out: look before you ask again"
    }
}

/// A client that does not know who it is keeps no connection.
const CLOSE: HeaderValue = HeaderValue::from_static("close");

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
        response.headers_mut().insert(header::CONNECTION, CLOSE);
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
