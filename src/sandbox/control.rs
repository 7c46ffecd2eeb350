//! `/sandbox/*`: the journal, the faults, the token's state, the fleet's counts, who is in which User Group.
//!
//! **Invariant:** nothing here is part of Cloudflare's API, none of it shows the token, and none of it is
//! journaled.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::Account;
use super::answer::SandboxAnswer;
use super::faults::FaultScript;
use super::token::TokenStatus;
use super::user_groups;
use crate::time::Timestamp;

/// The prefix of all these routes.
pub(super) const PREFIX: &str = "/sandbox";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenOrder {
    status: TokenStatus,
    /// When it ends; without it, the token has no end.
    #[serde(default)]
    expires_on: Option<Timestamp>,
}

/// Answers a request to one of the sandbox's own routes. The account has been advanced.
pub(super) fn answer(account: &mut Account, method: &str, path: &str, body: &[u8]) -> SandboxAnswer {
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    if let Some(answer) = user_groups::answer(account, method, path, body) {
        return answer;
    }
    match (method, path) {
        ("GET", "/requests") => shown(account.journal()),
        ("GET", "/fleet") => SandboxAnswer::json(200, account.fleet_summary()),
        ("GET", "/faults") => shown(&account.faults_left()),
        ("DELETE", "/faults") => {
            account.clear_faults();
            shown(&account.faults_left())
        }
        ("POST", "/faults") => {
            let added = serde_json::from_slice::<Vec<FaultScript>>(body)
                .map_err(|error| format!("the body must be a list of faults: {error}"))
                .and_then(|scripts| account.add_faults(&scripts).map_err(|error| error.to_string()));
            match added {
                Ok(()) => shown(&account.faults_left()),
                Err(message) => SandboxAnswer::refused(400, &message),
            }
        }
        ("POST", "/token") => match serde_json::from_slice::<TokenOrder>(body) {
            Ok(order) => {
                account.set_token_status(order.status);
                account.set_token_end(order.expires_on);
                shown(&order)
            }
            Err(error) => {
                let example = "{\"status\": \"active|disabled|expired\", \"expires_on\": INSTANT}";
                SandboxAnswer::refused(
                    400,
                    &format!("write {example}, expires_on only where it ends: {error}"),
                )
            }
        },
        _ => SandboxAnswer::refused(
            404,
            &format!(
                "the sandbox knows GET /sandbox/requests, GET /sandbox/fleet, GET, POST and DELETE \
                 /sandbox/faults, POST /sandbox/token, {}",
                user_groups::ROUTES
            ),
        ),
    }
}

fn shown(value: &impl Serialize) -> SandboxAnswer {
    match serde_json::to_value(value) {
        Ok(value) => SandboxAnswer::json(200, value),
        Err(error) => SandboxAnswer::json(500, Value::from(error.to_string())),
    }
}
