//! Requests, answers, and the routes of the contract.
//!
//! **Invariant:** every answer is an envelope `{success, errors, messages, result[, result_info]}`, whatever
//! went wrong; only a scripted fault sends anything else.

use axum::extract::Query;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::faults::Fault;
use crate::time::Timestamp;

/// Where the API lives, as at Cloudflare.
pub(super) const BASE_PATH: &str = "/client/v4";

/// The operations of the contract that the sandbox knows, by their operationId.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// GET deployment-groups
    #[serde(rename = "list-deployment-groups")]
    ListGroups,
    /// POST deployment-groups
    #[serde(rename = "create-deployment-group")]
    CreateGroup,
    /// GET deployment-groups/{id}
    #[serde(rename = "get-deployment-group")]
    GetGroup,
    /// PATCH deployment-groups/{id}
    #[serde(rename = "update-deployment-group")]
    UpdateGroup,
    /// DELETE deployment-groups/{id}
    #[serde(rename = "delete-deployment-group")]
    DeleteGroup,
    /// GET physical-devices
    #[serde(rename = "list-devices")]
    ListDevices,
    /// GET physical-devices/{id}
    #[serde(rename = "get-device")]
    GetDevice,
    /// GET policies
    #[serde(rename = "devices-list-device-settings-policies")]
    ListProfiles,
    /// GET policy
    #[serde(rename = "devices-get-default-device-settings-policy")]
    GetDefaultProfile,
    /// GET /user/tokens/verify
    #[serde(rename = "user-api-tokens-verify-token")]
    VerifyUserToken,
    /// GET /accounts/{a}/tokens/verify
    #[serde(rename = "account-api-tokens-verify-token")]
    VerifyAccountToken,
    /// GET user_groups
    #[serde(rename = "account-user-group-list")]
    ListUserGroups,
    /// POST user_groups
    #[serde(rename = "account-user-group-create")]
    CreateUserGroup,
    /// GET user_groups/{id}
    #[serde(rename = "account-user-group-details")]
    GetUserGroup,
    /// PUT user_groups/{id}
    #[serde(rename = "account-user-group-update")]
    UpdateUserGroup,
    /// DELETE user_groups/{id}
    #[serde(rename = "account-user-group-delete")]
    DeleteUserGroup,
    /// GET user_groups/{id}/members
    #[serde(rename = "account-user-group-member-list")]
    ListMembers,
    /// POST user_groups/{id}/members
    #[serde(rename = "account-user-group-member-create")]
    AddMembers,
    /// PUT user_groups/{id}/members
    #[serde(rename = "account-user-group-members-update")]
    ReplaceMembers,
    /// DELETE user_groups/{id}/members/{member}
    #[serde(rename = "account-user-group-member-delete")]
    RemoveMember,
    /// GET permission_groups
    #[serde(rename = "account-permission-group-list")]
    ListPermissionGroups,
    /// GET permission_groups/{id}
    #[serde(rename = "account-permission-group-details")]
    GetPermissionGroup,
    /// GET resource_groups
    #[serde(rename = "account-resource-group-list")]
    ListResourceGroups,
}

impl Operation {
    /// Whether it changes a deployment group.
    #[must_use]
    pub const fn retargets(self) -> bool {
        matches!(self, Self::CreateGroup | Self::UpdateGroup | Self::DeleteGroup)
    }

    /// Whether it changes anything.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.retargets()
            || matches!(
                self,
                Self::CreateUserGroup
                    | Self::UpdateUserGroup
                    | Self::DeleteUserGroup
                    | Self::AddMembers
                    | Self::ReplaceMembers
                    | Self::RemoveMember
            )
    }

    /// Whether it has filters that a server may not know.
    pub(super) const fn filters(self) -> bool {
        matches!(self, Self::ListDevices | Self::ListUserGroups)
    }

    /// Whether a disabled token may still ask it.
    pub(super) const fn verifies(self) -> bool {
        matches!(self, Self::VerifyUserToken | Self::VerifyAccountToken)
    }
}

/// A request as it arrives, without its `Host` and without anything that the account does not look at.
#[derive(Debug, Clone)]
pub struct Request {
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

impl Request {
    /// A request to `target`, which is a path with an optional query.
    #[must_use]
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
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn with_json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self
    }

    /// The query's pairs, decoded, in their order.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>, Refusal> {
        let uri: Result<Uri, _> = format!("/?{}", self.query).parse();
        let pairs = uri.ok().and_then(|uri| Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
        pairs.map(|Query(pairs)| pairs).ok_or_else(|| Refusal::bad("the query string cannot be read"))
    }
}

/// What the account does with a request: answered now, or held by a scripted delay.
#[derive(Debug)]
pub enum Arrival {
    /// Done.
    Done(Outcome),
    /// To be carried out by [`super::Account::resume`] when its time has come.
    Held(Held),
}

/// A request that a scripted delay holds back. It is carried out even if nobody waits for the answer any
/// more.
#[derive(Debug)]
pub struct Held {
    /// The virtual instant to wait for.
    pub until: Timestamp,
    /// Milliseconds of real time to wait, before looking at `until`.
    pub wall_ms: u64,
    pub(super) seq: u64,
    pub(super) operation: Operation,
    pub(super) target: String,
    pub(super) request: Request,
}

/// What reaches the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An answer, maybe a spoilt one.
    Answer(Answer),
    /// The connection is cut without an answer.
    Reset,
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers besides the content type and length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// Where a scripted fault cuts the body.
    pub cut: Option<Cut>,
    /// What it says of the time.
    pub date: DateHeader,
}

/// The `Date` of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateHeader {
    /// By the account's clock.
    #[default]
    Right,
    /// So many virtual seconds later.
    Late {
        /// Seconds.
        seconds: u32,
    },
    /// None.
    Missing,
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

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body), cut: None, date: DateHeader::Right }
    }

    pub(super) fn html(status: u16) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{status}: Web server is returning an error</title></head>\n\
             <body><h1>Error {status}</h1><p>The sandbox was told to send this page.</p></body></html>\n"
        );
        Self { status, headers: Vec::new(), body: Body::Html(page), cut: None, date: DateHeader::Right }
    }

    pub(super) fn found(result: &Value) -> Self {
        Self::json(200, json!({ "success": true, "errors": [], "messages": [], "result": result }))
    }

    pub(super) fn listed(result: &[Value], info: &Value) -> Self {
        Self::json(
            200,
            json!({ "success": true, "errors": [], "messages": [], "result": result, "result_info": info }),
        )
    }

    /// The bytes that reach the caller.
    #[must_use]
    pub fn sent(&self) -> Vec<u8> {
        let mut bytes = self.whole();
        if self.cut.is_some() {
            bytes.truncate(bytes.len() / 2);
        }
        bytes
    }

    /// The bytes of the whole body.
    #[must_use]
    pub fn whole(&self) -> Vec<u8> {
        match &self.body {
            Body::Json(value) => value.to_string().into_bytes(),
            Body::Html(page) => page.clone().into_bytes(),
        }
    }
}

/// A request that the account refuses. Codes other than 10000, 7003 and 971 are made up (FACTS 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    code: u32,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, 1000, message)
    }

    pub(super) fn no_route(path: &str) -> Self {
        Self::new(404, 7003, format!("Could not route to {path}, perhaps your object identifier is invalid?"))
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(403, 10000, "Authentication error")
    }

    pub(super) fn answer(&self) -> Answer {
        let error = json!({ "code": self.code, "message": self.message });
        Answer::json(
            self.status,
            json!({ "success": false, "errors": [error], "messages": [], "result": null }),
        )
    }
}

/// A request that names an operation.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) operation: Operation,
    /// The account in the path, where there is one.
    pub(super) account: Option<String>,
    /// The group or device in the path, `group/member` for a member, else empty.
    pub(super) target: String,
}

impl Route {
    pub(super) fn of(request: &Request) -> Option<Self> {
        let rest = request.path.strip_prefix(BASE_PATH)?.strip_prefix('/')?;
        let segments: Vec<&str> = rest.split('/').collect();
        let (account, rest) = match segments.as_slice() {
            ["accounts", account, rest @ ..] => (Some((*account).to_owned()), rest),
            rest => (None, rest),
        };
        let in_account = account.is_some();
        if let (true, ["iam", rest @ ..]) = (in_account, rest) {
            let (operation, target) = Self::of_people(&request.method, rest)?;
            return Some(Self { operation, account, target });
        }
        let (operation, target) = match (request.method.as_str(), rest) {
            ("GET", ["user", "tokens", "verify"]) if !in_account => (Operation::VerifyUserToken, ""),
            _ if !in_account => return None,
            ("GET", ["tokens", "verify"]) => (Operation::VerifyAccountToken, ""),
            ("GET", ["devices", "deployment-groups"]) => (Operation::ListGroups, ""),
            ("POST", ["devices", "deployment-groups"]) => (Operation::CreateGroup, ""),
            ("GET", ["devices", "deployment-groups", id]) => (Operation::GetGroup, *id),
            ("PATCH", ["devices", "deployment-groups", id]) => (Operation::UpdateGroup, *id),
            ("DELETE", ["devices", "deployment-groups", id]) => (Operation::DeleteGroup, *id),
            ("GET", ["devices", "physical-devices"]) => (Operation::ListDevices, ""),
            ("GET", ["devices", "physical-devices", id]) => (Operation::GetDevice, *id),
            ("GET", ["devices", "policies"]) => (Operation::ListProfiles, ""),
            ("GET", ["devices", "policy"]) => (Operation::GetDefaultProfile, ""),
            _ => return None,
        };
        Some(Self { operation, account, target: target.to_owned() })
    }

    /// The operations below `iam`.
    fn of_people(method: &str, rest: &[&str]) -> Option<(Operation, String)> {
        let (operation, target) = match (method, rest) {
            ("GET", ["user_groups"]) => (Operation::ListUserGroups, String::new()),
            ("POST", ["user_groups"]) => (Operation::CreateUserGroup, String::new()),
            ("GET", ["user_groups", id]) => (Operation::GetUserGroup, (*id).to_owned()),
            ("PUT", ["user_groups", id]) => (Operation::UpdateUserGroup, (*id).to_owned()),
            ("DELETE", ["user_groups", id]) => (Operation::DeleteUserGroup, (*id).to_owned()),
            ("GET", ["user_groups", id, "members"]) => (Operation::ListMembers, (*id).to_owned()),
            ("POST", ["user_groups", id, "members"]) => (Operation::AddMembers, (*id).to_owned()),
            ("PUT", ["user_groups", id, "members"]) => (Operation::ReplaceMembers, (*id).to_owned()),
            ("DELETE", ["user_groups", id, "members", member]) => {
                (Operation::RemoveMember, format!("{id}/{member}"))
            }
            ("GET", ["permission_groups"]) => (Operation::ListPermissionGroups, String::new()),
            ("GET", ["permission_groups", id]) => (Operation::GetPermissionGroup, (*id).to_owned()),
            ("GET", ["resource_groups"]) => (Operation::ListResourceGroups, String::new()),
            _ => return None,
        };
        Some((operation, target))
    }
}

/// The name under which a fault stands in the journal.
pub(super) fn fault_name(fault: Option<&Fault>) -> Option<&'static str> {
    fault.map(Fault::name)
}
