//! What the identity provider and other admins do: members come and go, groups are renamed, made, removed. By
//! `/sandbox/user_groups` scripts do the same.
//!
//! **Invariant:** nothing here is a request to the API: it is neither journaled nor refused for a SCIM-managed group.
//! A body with a key that is not known is refused, and changes nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::account::Account;
use super::answer::SandboxAnswer;
use super::iam::{NoUserGroup, SimulatedMember, UserGroupTruth};

impl Account {
    /// The User Groups, in the order in which they were made.
    pub fn user_groups(&self) -> Vec<UserGroupTruth> {
        self.iam.truths()
    }

    /// Replaces the members of a User Group, named by its ID or its name. Somebody with an e-mail is one
    /// person in all groups, and has one status.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn set_members(&mut self, group: &str, members: &[SimulatedMember]) -> Result<(), NoUserGroup> {
        // First of all: a group that is not there changes nobody's status.
        self.iam.meant(group)?;
        let members = self.iam.admit(members);
        let group = self.iam.meant(group)?;
        group.members = members;
        group.modified_on = self.now;
        Ok(())
    }

    /// Gives a User Group another name, one that another group has included.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn rename_user_group(&mut self, group: &str, name: &str) -> Result<(), NoUserGroup> {
        let group = self.iam.meant(group)?;
        name.clone_into(&mut group.name);
        group.modified_on = self.now;
        Ok(())
    }

    /// Makes a User Group, of a name that another group may have; answers its ID.
    pub fn add_user_group(&mut self, name: &str, members: &[SimulatedMember]) -> String {
        self.iam.add(name, false, members, self.now)
    }

    /// The same, pushed by an identity provider.
    pub fn push_user_group(&mut self, name: &str, members: &[SimulatedMember]) -> String {
        self.iam.add(name, true, members, self.now)
    }

    /// Removes a User Group.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn remove_user_group(&mut self, group: &str) -> Result<(), NoUserGroup> {
        let id = self.iam.meant(group)?.id.clone();
        self.iam.remove(&id);
        Ok(())
    }
}

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
