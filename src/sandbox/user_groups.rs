//! `/sandbox/user_groups`: the same by HTTP, for scripts.
//!
//! **Invariant:** a body with a key that is not known is refused, and changes nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::account::Account;
use super::answer::SandboxAnswer;
use super::iam::{NoUserGroup, SimulatedMember};

/// What the routes are called, for the message that lists all routes.
pub(super) const ROUTES: &str = "GET and POST /sandbox/user_groups, and POST \
     /sandbox/user_groups/members, /sandbox/user_groups/rename and /sandbox/user_groups/remove";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    name: String,
    #[serde(default)]
    scim: bool,
    #[serde(default)]
    members: Vec<SimulatedMember>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MembersOrder {
    /// An ID, or a name that only one group has; so in the two below.
    group: String,
    members: Vec<SimulatedMember>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renamed {
    group: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removed {
    group: String,
}

/// Answers one of these routes with the groups as they are then; `None` for another route.
pub(super) fn answer(account: &mut Account, method: &str, path: &str, body: &[u8]) -> Option<SandboxAnswer> {
    let done = match (method, path.strip_prefix("/user_groups")?) {
        ("GET", "") => Ok(()),
        ("POST", "") => {
            read(body, r#"{"name": NAME, "scim": false, "members": [MEMBER]}"#).map(|made: Made| {
                if made.scim {
                    account.push_user_group(&made.name, &made.members);
                } else {
                    account.add_user_group(&made.name, &made.members);
                }
            })
        }
        ("POST", "/members") => read(body, r#"{"group": GROUP, "members": [MEMBER]}"#)
            .and_then(|order: MembersOrder| said(account.set_members(&order.group, &order.members))),
        ("POST", "/rename") => read(body, r#"{"group": GROUP, "name": NAME}"#)
            .and_then(|order: Renamed| said(account.rename_user_group(&order.group, &order.name))),
        ("POST", "/remove") => read(body, r#"{"group": GROUP}"#)
            .and_then(|order: Removed| said(account.remove_user_group(&order.group))),
        _ => return None,
    };
    Some(match done {
        Ok(()) => SandboxAnswer::json(200, json!({ "user_groups": account.user_groups() })),
        Err(message) => SandboxAnswer::refused(400, &message),
    })
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8], example: &str) -> Result<T, String> {
    let member = r#"MEMBER is {"email": EMAIL, "status": "accepted|pending|untold"}"#;
    serde_json::from_slice::<Value>(body)
        .and_then(serde_json::from_value)
        .map_err(|error| format!("write {example}, where {member}: {error}"))
}

fn said(outcome: Result<(), NoUserGroup>) -> Result<(), String> {
    outcome.map_err(|error| error.to_string())
}
