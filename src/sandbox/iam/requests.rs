//! The operations on User Groups, their members and what policies can name.
//!
//! **Invariant:** a request that is refused changes nothing.

use serde_json::{Value, json};

use super::catalogue::IamRole;
use super::directory::{Iam, by_scim, missing};
use super::member::{IamGroup, Person};
use crate::sandbox::answer::{Answered, ApiRefusal, SandboxAnswer};
use crate::sandbox::operation::SandboxOperation;
use crate::sandbox::query::{Pairs, asked, contains, descends, fits, number, page};
use crate::sandbox::request::Admitted;
use crate::time::Timestamp;

/// User Groups and members on a page unless the request says otherwise, and at most (contract).
const PER_PAGE: (usize, usize) = (100, 500);
/// The same of permission groups, and at least.
const ROLES_PER_PAGE: (usize, usize, usize) = (20, 50, 5);
/// What the name of no group may begin with: Cloudflare's own virtual groups do.
const RESERVED: &str = "CF";

impl Iam {
    /// Answers an operation about User Groups.
    pub(crate) fn answer(&mut self, admitted: &Admitted, pairs: &Pairs, now: Timestamp) -> Answered {
        let Admitted { operation, target, request, .. } = admitted;
        let body = &request.body;
        let (group, member) = target.split_once('/').unwrap_or((target.as_str(), ""));
        match *operation {
            SandboxOperation::CreateUserGroup => self.create(body, now),
            SandboxOperation::GetUserGroup => self.found(group),
            SandboxOperation::UpdateUserGroup => self.update(group, body, now),
            SandboxOperation::DeleteUserGroup => self.delete(group),
            SandboxOperation::ListMembers => self.members(group, pairs),
            SandboxOperation::AddMembers | SandboxOperation::ReplaceMembers => {
                let named = self.named_members(body)?;
                let group = self.editable(group)?;
                if *operation == SandboxOperation::ReplaceMembers {
                    group.members.clear();
                }
                let new: Vec<String> =
                    named.into_iter().filter(|member| !group.members.contains(member)).collect();
                group.members.extend(new);
                group.modified_on = now;
                let id = group.id.clone();
                self.members(&id, &[])
            }
            SandboxOperation::RemoveMember => self.remove_member(group, member, now),
            SandboxOperation::ListPermissionGroups => self.permission_groups(pairs),
            SandboxOperation::GetPermissionGroup => {
                let role = self.roles.iter().find(|role| role.id == *target);
                role.map(|role| SandboxAnswer::found(&role.body())).ok_or_else(|| missing("permission group"))
            }
            SandboxOperation::ListResourceGroups => Ok(self.resource_groups(pairs)),
            _ => self.list(pairs),
        }
    }

    fn list(&self, pairs: &Pairs) -> Answered {
        let mut groups: Vec<&IamGroup> = self
            .groups
            .iter()
            .filter(|group| fits(pairs, "id", &group.id) && fits(pairs, "name", &group.name))
            .filter(|group| asked(pairs, "fuzzyName").is_none_or(|part| contains(&group.name, part)))
            .collect();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        if descends(pairs)? {
            groups.reverse();
        }
        page(groups.into_iter().map(|group| self.body(group)).collect(), pairs, PER_PAGE)
    }

    fn create(&mut self, body: &[u8], now: Timestamp) -> Answered {
        let fields = object(body)?;
        let name = fields.get("name").ok_or_else(|| ApiRefusal::bad("name is required"))?;
        let name = group_name(name)?;
        let policies =
            fields.get("policies").map(|policies| self.read_policies(policies, None)).transpose()?;
        let id = self.add(&name, false, &[], now);
        if let Some(policies) = policies {
            self.give(&id, policies);
        }
        self.found(&id)
    }

    fn update(&mut self, id: &str, body: &[u8], now: Timestamp) -> Answered {
        let fields = object(body)?;
        let group = self.group(id)?;
        let name = fields.get("name").map(group_name).transpose()?.filter(|name| *name != group.name);
        if name.is_some() && group.scim {
            return Err(by_scim());
        }
        let policies =
            fields.get("policies").map(|policies| self.read_policies(policies, Some(group))).transpose()?;
        if let Some(policies) = policies {
            self.give(id, policies);
        }
        let group = self.group_mut(id)?;
        if let Some(name) = name {
            group.name = name;
        }
        group.modified_on = now;
        self.found(id)
    }

    fn delete(&mut self, id: &str) -> Answered {
        let id = self.editable(id)?.id.clone();
        self.remove(&id);
        Ok(SandboxAnswer::found(&json!({ "id": id })))
    }

    fn members(&self, group: &str, pairs: &Pairs) -> Answered {
        let group = self.group(group)?;
        let email = |person: &&Person| person.email.clone().unwrap_or_default();
        let mut people: Vec<&Person> = group.members.iter().filter_map(|id| self.person(id)).collect();
        people.retain(|person| asked(pairs, "fuzzyEmail").is_none_or(|part| contains(&email(person), part)));
        people.sort_by_key(email);
        if descends(pairs)? {
            people.reverse();
        }
        page(people.into_iter().map(|person| json!(person)).collect(), pairs, PER_PAGE)
    }

    fn remove_member(&mut self, group: &str, member: &str, now: Timestamp) -> Answered {
        let person = self.person(member).map(|person| json!(person));
        let group = self.editable(group)?;
        let place = group.members.iter().position(|known| known == member);
        let (Some(person), Some(place)) = (person, place) else { return Err(missing("member")) };
        group.members.remove(place);
        group.modified_on = now;
        Ok(SandboxAnswer::found(&person))
    }

    fn permission_groups(&self, pairs: &Pairs) -> Answered {
        let (default, most, least) = ROLES_PER_PAGE;
        if number(pairs, "per_page", default, most)? < least {
            return Err(ApiRefusal::bad(format!("per_page must be a whole number from {least} to {most}")));
        }
        let roles = self.roles.iter().filter(|role| {
            fits(pairs, "id", &role.id)
                && fits(pairs, "name", &role.name)
                && fits(pairs, "label", &role.label)
        });
        page(roles.map(IamRole::body).collect(), pairs, (default, most))
    }

    /// The people that a list of `{id}` names.
    fn named_members(&self, body: &[u8]) -> Answered<Vec<String>> {
        let bad = || ApiRefusal::bad("the request body must be an array of {\"id\": MEMBER ID}");
        let body: Value = serde_json::from_slice(body).map_err(|_| bad())?;
        let mut named = Vec::new();
        for entry in body.as_array().ok_or_else(bad)? {
            let id = entry["id"].as_str().ok_or_else(bad)?;
            if self.person(id).is_none() {
                return Err(ApiRefusal::bad(format!("{id} is no member of the account")));
            }
            named.push(id.to_owned());
        }
        named.sort();
        named.dedup();
        Ok(named)
    }

    fn found(&self, group: &str) -> Answered {
        self.group(group).map(|group| SandboxAnswer::found(&self.body(group)))
    }

    fn body(&self, group: &IamGroup) -> Value {
        json!({
            "id": group.id,
            "name": group.name,
            "status": "V",
            "created_on": group.created_on.to_string(),
            "modified_on": group.modified_on.to_string(),
            "policies": group.policies.iter().map(|policy| self.policy_body(policy)).collect::<Vec<_>>(),
        })
    }
}

fn object(body: &[u8]) -> Answered<serde_json::Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(ApiRefusal::bad("the request body must be a JSON object")),
    }
}

fn group_name(value: &Value) -> Answered<String> {
    let name = value.as_str().ok_or_else(|| ApiRefusal::bad("name must be a string"))?;
    if name.is_empty() || name.starts_with(RESERVED) {
        return Err(ApiRefusal::bad(format!("name must not be empty, nor begin with {RESERVED}")));
    }
    Ok(name.to_owned())
}
