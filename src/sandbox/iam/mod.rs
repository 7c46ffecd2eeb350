//! User Groups: members, permission policies, and what a policy can name.
//!
//! Where the contract is silent the sandbox does this (FACTS 5): a SCIM-managed group refuses a new name, new
//! members and its deletion with 400; names are not unique; a policy in the spec's form must name an ID that
//! the group has; an inline scope makes an anonymous resource group, which is gone with the last policy that
//! is about it; the roles of a policy come back sorted, whatever their order was.
//!
//! **Invariant:** a policy names permission groups and resource groups that exist, and a group's members are
//! members of the account.

mod catalogue;
pub(super) mod control;
mod hand;
mod policies;

pub use hand::{MemberStatus, NoUserGroup, SimulatedMember, UserGroupTruth};

use serde_json::{Value, json};

use self::catalogue::PermissionGroup;
use self::hand::{CHOSEN, PUSHED};
use self::policies::{Policy, ResourceGroup};
use super::api::{Answer, Operation, Refusal};
use super::groups::number;
use crate::synthetic::Dice;
use crate::time::Timestamp;

/// User Groups and members on a page unless the request says otherwise, and at most (contract).
const PER_PAGE: (usize, usize) = (100, 500);
/// The same of permission groups, and at least.
const ROLES_PER_PAGE: (usize, usize, usize) = (20, 50, 5);
/// What the name of no group may begin with (FACTS 5): Cloudflare's own virtual groups do.
const RESERVED: &str = "CF";

/// Members, groups, roles.
#[derive(Debug)]
pub(super) struct Iam {
    dice: Dice,
    /// What the account is called in a scope.
    scope_key: String,
    people: Vec<Person>,
    groups: Vec<UserGroup>,
    roles: Vec<PermissionGroup>,
    resources: Vec<ResourceGroup>,
    made: u64,
}

/// A member of the account.
#[derive(Debug, Clone)]
struct Person {
    /// The membership's ID.
    id: String,
    email: Option<String>,
    status: MemberStatus,
}

/// Who says who belongs to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Managed {
    ByHand,
    ByScim,
}

#[derive(Debug, Clone)]
struct UserGroup {
    id: String,
    name: String,
    managed: Managed,
    created_on: Timestamp,
    modified_on: Timestamp,
    /// IDs of people.
    members: Vec<String>,
    policies: Vec<Policy>,
}

impl Iam {
    /// Two groups: one made by hand, with a policy, and one that an identity provider pushed, without.
    pub(super) fn new(dice: Dice, account: &str, start: Timestamp) -> Self {
        let mut iam = Self {
            dice,
            scope_key: format!("com.cloudflare.api.account.{account}"),
            people: Vec::new(),
            groups: Vec::new(),
            roles: catalogue::permission_groups(dice.of("role")),
            resources: Vec::new(),
            made: 0,
        };
        iam.resources = policies::named(dice.of("resource"), &iam.scope_key);
        for (name, managed, members) in
            [("Release Approvers", Managed::ByHand, CHOSEN), ("Endpoint Team", Managed::ByScim, PUSHED)]
        {
            let members: Vec<SimulatedMember> = members.iter().map(SimulatedMember::from).collect();
            iam.add(name, managed, &members, start);
        }
        iam.give_the_usual_policy();
        iam
    }

    /// Answers an operation about User Groups.
    pub(super) fn answer(
        &mut self,
        operation: Operation,
        target: &str,
        pairs: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let (group, member) = target.split_once('/').unwrap_or((target, ""));
        match operation {
            Operation::CreateUserGroup => self.create(body, now),
            Operation::GetUserGroup => self.group(group).map(|group| Answer::found(&self.body(group))),
            Operation::UpdateUserGroup => self.update(group, body, now),
            Operation::DeleteUserGroup => self.delete(group),
            Operation::ListMembers => self.members(group, pairs),
            Operation::AddMembers | Operation::ReplaceMembers => {
                let named = self.named_members(body)?;
                let group = self.editable(group)?;
                if operation == Operation::ReplaceMembers {
                    group.members.clear();
                }
                let new: Vec<String> =
                    named.into_iter().filter(|member| !group.members.contains(member)).collect();
                group.members.extend(new);
                group.modified_on = now;
                let id = group.id.clone();
                self.members(&id, &[])
            }
            Operation::RemoveMember => self.remove_member(group, member, now),
            Operation::ListPermissionGroups => self.permission_groups(pairs),
            Operation::GetPermissionGroup => {
                let role = self.roles.iter().find(|role| role.id == target);
                role.map(|role| Answer::found(&role.body())).ok_or_else(|| missing("permission group"))
            }
            Operation::ListResourceGroups => Ok(self.resource_groups(pairs)),
            _ => self.list(pairs),
        }
    }

    fn list(&self, pairs: &[(String, String)]) -> Result<Answer, Refusal> {
        let mut groups: Vec<&UserGroup> = self
            .groups
            .iter()
            .filter(|group| asked(pairs, "id").is_none_or(|id| group.id == id))
            .filter(|group| asked(pairs, "name").is_none_or(|name| group.name == name))
            .filter(|group| asked(pairs, "fuzzyName").is_none_or(|part| contains(&group.name, part)))
            .collect();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        if descends(pairs)? {
            groups.reverse();
        }
        page(groups.into_iter().map(|group| self.body(group)).collect(), pairs, PER_PAGE)
    }

    fn create(&mut self, body: &[u8], now: Timestamp) -> Result<Answer, Refusal> {
        let fields = object(body)?;
        let name = fields.get("name").ok_or_else(|| Refusal::bad("name is required"))?;
        let name = group_name(name)?;
        let policies =
            fields.get("policies").map(|policies| self.read_policies(policies, None)).transpose()?;
        let id = self.add(&name, Managed::ByHand, &[], now);
        if let Some(policies) = policies {
            self.give(&id, policies);
        }
        self.group(&id).map(|group| Answer::found(&self.body(group)))
    }

    fn update(&mut self, id: &str, body: &[u8], now: Timestamp) -> Result<Answer, Refusal> {
        let fields = object(body)?;
        let group = self.group(id)?;
        let name = fields.get("name").map(group_name).transpose()?.filter(|name| *name != group.name);
        if name.is_some() && group.managed == Managed::ByScim {
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
        self.group(id).map(|group| Answer::found(&self.body(group)))
    }

    fn delete(&mut self, id: &str) -> Result<Answer, Refusal> {
        let id = self.editable(id)?.id.clone();
        self.remove(&id);
        Ok(Answer::found(&json!({ "id": id })))
    }

    fn members(&self, group: &str, pairs: &[(String, String)]) -> Result<Answer, Refusal> {
        let group = self.group(group)?;
        let email = |person: &&Person| person.email.clone().unwrap_or_default();
        let mut people: Vec<&Person> = group.members.iter().filter_map(|id| self.person(id)).collect();
        people.retain(|person| asked(pairs, "fuzzyEmail").is_none_or(|part| contains(&email(person), part)));
        people.sort_by_key(email);
        if descends(pairs)? {
            people.reverse();
        }
        page(people.into_iter().map(Person::body).collect(), pairs, PER_PAGE)
    }

    fn remove_member(&mut self, group: &str, member: &str, now: Timestamp) -> Result<Answer, Refusal> {
        let person = self.person(member).map(Person::body);
        let group = self.editable(group)?;
        let place = group.members.iter().position(|known| known == member);
        let (Some(person), Some(place)) = (person, place) else { return Err(missing("member")) };
        group.members.remove(place);
        group.modified_on = now;
        Ok(Answer::found(&person))
    }

    fn permission_groups(&self, pairs: &[(String, String)]) -> Result<Answer, Refusal> {
        let (default, most, least) = ROLES_PER_PAGE;
        if number(pairs, "per_page", default, most)? < least {
            return Err(Refusal::bad(format!("per_page must be a whole number from {least} to {most}")));
        }
        let roles = self
            .roles
            .iter()
            .filter(|role| asked(pairs, "id").is_none_or(|id| role.id == id))
            .filter(|role| asked(pairs, "name").is_none_or(|name| role.name == name))
            .filter(|role| asked(pairs, "label").is_none_or(|label| role.label == label));
        page(roles.map(PermissionGroup::body).collect(), pairs, (default, most))
    }

    /// The people that a list of `{id}` names.
    fn named_members(&self, body: &[u8]) -> Result<Vec<String>, Refusal> {
        let bad = || Refusal::bad("the request body must be an array of {\"id\": MEMBER ID}");
        let body: Value = serde_json::from_slice(body).map_err(|_| bad())?;
        let mut named = Vec::new();
        for entry in body.as_array().ok_or_else(bad)? {
            let id = entry["id"].as_str().ok_or_else(bad)?;
            let person =
                self.person(id).ok_or_else(|| Refusal::bad(format!("{id} is no member of the account")))?;
            named.push(person.id.clone());
        }
        named.sort();
        named.dedup();
        Ok(named)
    }

    fn add(&mut self, name: &str, managed: Managed, members: &[SimulatedMember], now: Timestamp) -> String {
        self.made += 1;
        let id = self.dice.of("group").nth(self.made).hex(32);
        let members = self.admit(members);
        let (name, policies) = (name.to_owned(), Vec::new());
        let group =
            UserGroup { id: id.clone(), name, managed, created_on: now, modified_on: now, members, policies };
        self.groups.push(group);
        id
    }

    fn remove(&mut self, id: &str) {
        self.groups.retain(|group| group.id != id);
        self.forget_unused_scopes();
    }

    fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    fn group(&self, id: &str) -> Result<&UserGroup, Refusal> {
        self.groups.iter().find(|group| group.id == id).ok_or_else(|| missing("user group"))
    }

    fn group_mut(&mut self, id: &str) -> Result<&mut UserGroup, Refusal> {
        self.groups.iter_mut().find(|group| group.id == id).ok_or_else(|| missing("user group"))
    }

    /// A group whose name and members the API may change.
    fn editable(&mut self, id: &str) -> Result<&mut UserGroup, Refusal> {
        let group = self.group_mut(id)?;
        if group.managed == Managed::ByScim { Err(by_scim()) } else { Ok(group) }
    }

    fn body(&self, group: &UserGroup) -> Value {
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

impl Person {
    fn body(&self) -> Value {
        let mut body = json!({ "id": self.id });
        if let Some(email) = &self.email {
            body["email"] = email.as_str().into();
        }
        if let Some(status) = self.status.told() {
            body["status"] = status.into();
        }
        body
    }
}

fn missing(what: &str) -> Refusal {
    Refusal::new(404, 1000, format!("{what} not found"))
}

fn by_scim() -> Refusal {
    Refusal::bad("this user group is managed by SCIM: change its name and members at the identity provider")
}

fn object(body: &[u8]) -> Result<serde_json::Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Refusal::bad("the request body must be a JSON object")),
    }
}

fn group_name(value: &Value) -> Result<String, Refusal> {
    let name = value.as_str().ok_or_else(|| Refusal::bad("name must be a string"))?;
    if name.is_empty() || name.starts_with(RESERVED) {
        return Err(Refusal::bad(format!("name must not be empty, nor begin with {RESERVED}")));
    }
    Ok(name.to_owned())
}

fn asked<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

fn descends(pairs: &[(String, String)]) -> Result<bool, Refusal> {
    match asked(pairs, "direction") {
        None | Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        Some(_) => Err(Refusal::bad("direction must be asc or desc")),
    }
}

fn page(
    entries: Vec<Value>,
    pairs: &[(String, String)],
    (default, most): (usize, usize),
) -> Result<Answer, Refusal> {
    let page = number(pairs, "page", 1, usize::MAX)?;
    let per_page = number(pairs, "per_page", default, most)?;
    let total = entries.len();
    let begin = (page - 1).saturating_mul(per_page);
    let shown: Vec<Value> = entries.into_iter().skip(begin).take(per_page).collect();
    let info = json!({ "count": shown.len(), "page": page, "per_page": per_page, "total_count": total });
    Ok(Answer::listed(&shown, &info))
}
