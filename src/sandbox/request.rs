//! Requests, and the operation that each names.
//!
//! **Invariant:** a request names one operation, or none.

use axum::extract::Query;
use axum::http::Uri;
use serde_json::Value;

use super::answer::{Answered, ApiRefusal, SandboxOutcome};
use super::operation::{ROUTES, SandboxOperation};
use crate::time::Timestamp;

/// Where the API lives, as at Cloudflare.
pub(super) const BASE_PATH: &str = "/client/v4";

/// A request as it arrives, without its `Host` and without anything that the account does not look at.
#[derive(Debug, Clone)]
pub struct SandboxRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path, `/client/v4` included, without the query.
    pub path: String,
    /// The query as sent, without the `?`.
    pub query: String,
    /// The body; empty where there is none.
    pub body: Vec<u8>,
    /// The bearer token, if the request carried one.
    pub token: Option<secrecy::SecretString>,
    /// `X-Sandbox-Actor`: who an edit by hand says it is, for the journal.
    pub actor: Option<String>,
}

impl SandboxRequest {
    /// A request to `target`, which is a path with an optional query.
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: Vec::new(),
            token: None,
            actor: None,
        }
    }

    /// The same with a bearer token.
    #[must_use = "it returns the changed one"]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The same with a JSON body.
    #[must_use = "it returns the changed one"]
    pub fn with_json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self
    }

    /// The query's pairs, decoded, in their order.
    pub(super) fn pairs(&self) -> Answered<Vec<(String, String)>> {
        let uri: Result<Uri, _> = format!("/?{}", self.query).parse();
        let pairs = uri.ok().and_then(|uri| Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
        pairs.map(|Query(pairs)| pairs).ok_or_else(|| ApiRefusal::bad("the query string cannot be read"))
    }
}

/// What the account does with a request: answered now, or held by a scripted delay.
#[derive(Debug)]
pub enum Arrival {
    /// Done.
    Done(SandboxOutcome),
    /// To be carried out by [`super::Account::resume`] when its time has come.
    Held(HeldRequest),
}

/// A request that a scripted delay holds back. It is carried out even if nobody waits for the answer any
/// more.
#[derive(Debug)]
pub struct HeldRequest {
    /// The virtual instant to wait for.
    pub until: Timestamp,
    /// Milliseconds of real time to wait, before looking at `until`.
    pub wall_ms: u64,
    pub(super) admitted: Admitted,
}

/// A request that is to be carried out, now or later.
#[derive(Debug)]
pub(super) struct Admitted {
    /// Its row in the journal.
    pub(super) seq: u64,
    pub(super) operation: SandboxOperation,
    pub(super) target: String,
    pub(super) request: SandboxRequest,
}

/// A request that names an operation.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) operation: SandboxOperation,
    /// The account in the path, where there is one.
    pub(super) account: Option<String>,
    /// The group or device in the path, `group/member` for a member, else empty.
    pub(super) target: String,
}

impl Route {
    pub(super) fn of(request: &SandboxRequest) -> Option<Self> {
        let rest = request.path.strip_prefix(BASE_PATH)?.strip_prefix('/')?;
        let segments: Vec<&str> = rest.split('/').collect();
        let (account, rest) = match segments.as_slice() {
            ["accounts", account, rest @ ..] => (Some(*account), rest),
            rest => (None, rest),
        };
        let (operation, target) = ROUTES.iter().find_map(|(operation, method, path)| {
            let here = *method == request.method
                && account.is_none() == (*operation == SandboxOperation::VerifyUserToken);
            here.then(|| ids(path, rest)).flatten().map(|target| (*operation, target))
        })?;
        Some(Self { operation, account: account.map(str::to_owned), target })
    }
}

/// The IDs in a path, where it is of this form.
fn ids(form: &str, path: &[&str]) -> Option<String> {
    let form: Vec<&str> = form.split('/').collect();
    let fits = |(form, segment): (&&str, &&str)| *form == "*" || form == segment;
    if form.len() != path.len() || !form.iter().zip(path).all(fits) {
        return None;
    }
    let ids = form.iter().zip(path).filter(|(form, _)| **form == "*").map(|(_, id)| *id);
    Some(ids.collect::<Vec<_>>().join("/"))
}
