//! The body of a request: one JSON object, whose reason can stand in the log.
//!
//! **Invariant:** nothing in a body is passed over that was not understood.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use crate::rollout::people::verbs::verb::Verb;
use crate::web::json::MAX_REASON_CHARS;
use crate::web::problem::{Failure, Kind};

/// A body that is one JSON object, of keys that are known.
pub(super) async fn object<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        let detail = "send `Content-Type: application/json` and a body such as {\"reason\": \"…\"}";
        return Err(Failure::new(Kind::NotJson, detail));
    }
    let malformed = |why: String| Failure::new(Kind::Malformed, format!("the body is not a request: {why}"));
    let body = Bytes::from_request(Request::from_parts(head, body), &())
        .await
        .map_err(|error| malformed(error.body_text()))?;
    // serde would take a list as the fields in order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(malformed("it is no JSON object".to_owned()));
    }
    serde_json::from_slice(&body).map_err(|error| malformed(error.to_string()))
}

/// Exactly JSON: other types can be sent by a page of another site without being asked about.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Whether it can be the reason of a verb.
pub(super) fn check_reason(verb: Verb, reason: &str) -> Result<(), Failure> {
    if reason.trim().is_empty() && verb.needs_reason() {
        return Err(Failure::new(Kind::Senseless, "`reason` is missing; say why, it stands in the log"));
    }
    is_fit_for_the_log(reason)
}

/// Whether a reason can stand in the log as it is.
pub(super) fn is_fit_for_the_log(reason: &str) -> Result<(), Failure> {
    let senseless = |detail: &str| Err(Failure::new(Kind::Senseless, detail));
    if reason.chars().count() > MAX_REASON_CHARS {
        return senseless(&format!("`reason` has more than {MAX_REASON_CHARS} characters; shorten it"));
    }
    if reason.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return senseless("`reason` holds a control character; only line breaks and tabs are taken");
    }
    Ok(())
}
