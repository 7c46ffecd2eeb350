//! Answers and refusals.
//!
//! **Invariant:** every answer is an envelope `{success, errors, messages, result[, result_info]}`, whatever
//! went wrong; only a scripted fault sends anything else.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What reaches the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SandboxOutcome {
    /// An answer, maybe a spoilt one.
    Answer(SandboxAnswer),
    /// The connection is cut without an answer.
    Reset,
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxAnswer {
    /// The status code.
    pub status: u16,
    /// Headers besides the content type and length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// Where a scripted fault cuts the body.
    pub cut: Option<Cut>,
    /// Its `Date`: so many virtual seconds after the account's clock, none where it is left out.
    pub date: Option<u32>,
}

/// A body: JSON, or the page that an edge server sends in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The envelope.
    Json(Value),
    /// A page.
    Html(String),
}

/// How a truncated body is sent. Only the first half of the body goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// `Content-Length` promises the whole body; the connection closes early.
    ShortOfLength,
    /// No length; the connection closes inside the chunked body.
    MidChunk,
    /// The length fits what is sent: HTTP is sound, the JSON is not.
    Unnoticed,
}

impl SandboxAnswer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body), cut: None, date: Some(0) }
    }

    /// The sandbox's own refusal, which is none of the API's.
    pub(super) fn refused(status: u16, message: &str) -> Self {
        Self::json(status, json!({ "error": message }))
    }

    pub(super) fn html(status: u16) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status}: Web server is returning an error</title></head>\n\
             <body><h1>Error {status}</h1><p>The sandbox was told to send this page.</p></body></html>\n"
        );
        Self { status, headers: Vec::new(), body: Body::Html(page), cut: None, date: Some(0) }
    }

    pub(super) fn found(result: &impl Serialize) -> Self {
        Self::json(200, json!({ "success": true, "errors": [], "messages": [], "result": result }))
    }

    pub(super) fn listed(result: &[Value], info: &Value) -> Self {
        let body =
            json!({ "success": true, "errors": [], "messages": [], "result": result, "result_info": info });
        Self::json(200, body)
    }

    /// The bytes that reach the caller.
    pub fn sent(&self) -> Vec<u8> {
        let mut bytes = self.whole();
        if self.cut.is_some() {
            bytes.truncate(bytes.len() / 2);
        }
        bytes
    }

    /// The bytes of the whole body.
    pub fn whole(&self) -> Vec<u8> {
        match &self.body {
            Body::Json(value) => value.to_string().into_bytes(),
            Body::Html(page) => page.clone().into_bytes(),
        }
    }
}

/// A request that the account refuses. Codes other than 10000, 7003 and 971 are made up:
/// there is no official list (cloudflare.md#error-codes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiRefusal {
    pub(super) status: u16,
    code: u32,
    message: String,
}

/// An answer, or what leads to one, unless the API refuses.
pub(super) type Answered<T = SandboxAnswer> = Result<T, ApiRefusal>;

impl ApiRefusal {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, 1000, message)
    }

    pub(super) fn taken() -> Self {
        Self::new(409, 1000, "policy ids already belong to another deployment group")
    }

    pub(super) fn no_route(path: &str) -> Self {
        Self::new(404, 7003, format!("Could not route to {path}, perhaps your object identifier is invalid?"))
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(403, 10000, "Authentication error")
    }

    pub(super) fn answer(&self) -> SandboxAnswer {
        let error = json!({ "code": self.code, "message": self.message });
        let body = json!({ "success": false, "errors": [error], "messages": [], "result": null });
        SandboxAnswer::json(self.status, body)
    }
}
