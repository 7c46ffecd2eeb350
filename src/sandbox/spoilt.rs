//! Answers that a scripted fault sends, or spoils.
//!
//! **Invariant:** a spoilt answer lacks something that the contract requires.

use serde_json::Value;

use super::answer::{ApiRefusal, Body, SandboxAnswer};
use super::limit;

pub(super) fn server_error(status: u16) -> SandboxAnswer {
    ApiRefusal::new(status, 10013, "Internal error, as the sandbox was told to answer").answer()
}

/// 429, with the code and words that users report (cloudflare.md#error-codes).
pub(super) fn throttled(seconds: i64) -> SandboxAnswer {
    let mut answer =
        ApiRefusal::new(429, 971, "Please wait and consider throttling your request speed").answer();
    answer.headers.push(("retry-after", seconds.to_string()));
    answer.headers.extend(limit::headers(0, seconds));
    answer
}

/// Takes a field out of an answer, or `success` where it has no such field: the answer must be spoilt.
pub(super) fn take_out(body: &mut Body, pointer: &str) {
    let Body::Json(value) = body else { return };
    let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let removed = match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => fields.remove(key).is_some(),
        _ => false,
    };
    if !removed && let Value::Object(fields) = value {
        fields.remove("success");
    }
}
