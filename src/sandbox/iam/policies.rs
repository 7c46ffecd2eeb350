//! Permission policies and resource groups: both documented forms in, the documented samples out.
//!
//! **Invariant:** a list of policies is taken whole or not at all.

use serde_json::{Value, json};

use super::super::api::{Answer, Refusal};
use super::{Iam, UserGroup, asked};
use crate::synthetic::Dice;

/// The role that the group made by hand has from the start.
const USUAL_ROLE: &str = "Cloudflare Zero Trust Read Only";

/// A policy of a group.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    id: String,
    access: Access,
    /// IDs of permission groups, sorted.
    roles: Vec<String>,
    on: Vec<On>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Allow,
    Deny,
}

/// A resource group as a policy came to it.
#[derive(Debug, Clone)]
enum On {
    /// By the ID of a resource group: answered whole.
    Named(String),
    /// By an inline scope: answered without ID and name, as in the docs' sample.
    Inline(String),
}

/// What a policy can be about.
#[derive(Debug, Clone)]
pub(super) struct ResourceGroup {
    id: String,
    /// `None`: made of an inline scope.
    name: Option<String>,
    key: String,
    objects: Vec<String>,
}

/// A policy, read; nothing is stored yet.
pub(super) struct Draft {
    id: Option<String>,
    access: Access,
    roles: Vec<String>,
    on: Vec<DraftOn>,
}

enum DraftOn {
    Named(String),
    Scope { key: String, objects: Vec<String> },
}

/// The resource groups that the account begins with: all of it, and one zone.
pub(super) fn named(dice: Dice, key: &str) -> Vec<ResourceGroup> {
    let zone = dice.of("zone").hex(32);
    let group = |name: &str, object: String| ResourceGroup {
        id: dice.of(name).hex(32),
        name: Some(name.to_owned()),
        key: key.to_owned(),
        objects: vec![object],
    };
    vec![
        group(key, "*".to_owned()),
        group("Public web site", format!("com.cloudflare.api.account.zone.{zone}")),
    ]
}

impl ResourceGroup {
    fn body(&self) -> Value {
        let mut body = json!({ "id": self.id, "scope": self.scope() });
        if let Some(name) = &self.name {
            body["name"] = name.as_str().into();
        }
        body
    }

    fn scope(&self) -> Value {
        let objects: Vec<Value> = self.objects.iter().map(|object| json!({ "key": object })).collect();
        json!({ "key": self.key, "objects": objects })
    }
}

impl Iam {
    pub(super) fn give_the_usual_policy(&mut self) {
        let role = self.roles.iter().find(|role| role.name == USUAL_ROLE).map(|role| role.id.clone());
        let whole = self.resources.first().map(|resource| DraftOn::Named(resource.id.clone()));
        let draft = Draft {
            id: None,
            access: Access::Allow,
            roles: role.into_iter().collect(),
            on: whole.into_iter().collect(),
        };
        if let Some(group) = self.groups.first().map(|group| group.id.clone()) {
            self.give(&group, vec![draft]);
        }
    }

    /// Reads `policies` of a create, or of an update of `group`.
    pub(super) fn read_policies(
        &self,
        policies: &Value,
        group: Option<&UserGroup>,
    ) -> Result<Vec<Draft>, Refusal> {
        let list = policies.as_array().ok_or_else(|| Refusal::bad("policies must be an array"))?;
        list.iter().map(|policy| self.read_policy(policy, group)).collect()
    }

    fn read_policy(&self, policy: &Value, group: Option<&UserGroup>) -> Result<Draft, Refusal> {
        let access = match policy["access"].as_str() {
            Some("allow") => Access::Allow,
            Some("deny") => Access::Deny,
            _ => return Err(Refusal::bad("access must be allow or deny")),
        };
        let mut roles = Vec::new();
        for role in list(policy, "permission_groups")? {
            let id = role["id"].as_str().unwrap_or_default();
            let known = self.roles.iter().find(|role| role.id == id);
            roles.push(
                known.ok_or_else(|| Refusal::bad(format!("permission group `{id}` not found")))?.id.clone(),
            );
        }
        roles.sort();
        roles.dedup();
        let on: Vec<DraftOn> =
            list(policy, "resource_groups")?.iter().map(|on| self.read_on(on)).collect::<Result<_, _>>()?;
        if roles.is_empty() || on.is_empty() {
            return Err(Refusal::bad("a policy needs a permission group and a resource group"));
        }
        let id = policy["id"].as_str().map(str::to_owned);
        if let Some(group) = group {
            // The spec's form: an update names the policy. The docs' form has a scope and no ID.
            let by_id = on.iter().any(|on| matches!(on, DraftOn::Named(_)));
            let known = id.as_ref().is_some_and(|id| group.policies.iter().any(|policy| policy.id == *id));
            if by_id && id.is_none() || id.is_some() && !known {
                return Err(Refusal::bad(
                    "a policy with resource group IDs needs the ID of a policy of this group",
                ));
            }
        }
        Ok(Draft { id, access, roles, on })
    }

    fn read_on(&self, on: &Value) -> Result<DraftOn, Refusal> {
        if let Some(id) = on["id"].as_str() {
            let known = self.resources.iter().find(|resource| resource.id == id);
            return known
                .map(|resource| DraftOn::Named(resource.id.clone()))
                .ok_or_else(|| Refusal::bad(format!("resource group `{id}` not found")));
        }
        let scope = &on["scope"];
        let key = scope["key"].as_str().unwrap_or_default();
        if key != self.scope_key {
            return Err(Refusal::bad(format!("scope.key must be {}", self.scope_key)));
        }
        let objects: Vec<String> = list(scope, "objects")?
            .iter()
            .map(|object| object["key"].as_str().filter(|key| is_object(key)).map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| Refusal::bad("an object of a scope is `*` or a zone"))?;
        if objects.is_empty() {
            return Err(Refusal::bad("a scope needs an object"));
        }
        Ok(DraftOn::Scope { key: key.to_owned(), objects })
    }

    /// Replaces a group's policies.
    pub(super) fn give(&mut self, group: &str, drafts: Vec<Draft>) {
        let mut policies = Vec::new();
        for Draft { id, access, roles, on } in drafts {
            let on = on.into_iter().map(|on| self.stored(on)).collect();
            let id = id.unwrap_or_else(|| self.new_id("policy"));
            policies.push(Policy { id, access, roles, on });
        }
        if let Some(group) = self.groups.iter_mut().find(|known| known.id == group) {
            group.policies = policies;
        }
        self.forget_unused_scopes();
    }

    fn stored(&mut self, on: DraftOn) -> On {
        match on {
            DraftOn::Named(id) => On::Named(id),
            DraftOn::Scope { key, objects } => {
                let id = self.new_id("scope");
                self.resources.push(ResourceGroup { id: id.clone(), name: None, key, objects });
                On::Inline(id)
            }
        }
    }

    fn new_id(&mut self, purpose: &str) -> String {
        self.made += 1;
        self.dice.of(purpose).nth(self.made).hex(32)
    }

    /// Takes away anonymous resource groups that no policy is about.
    pub(super) fn forget_unused_scopes(&mut self) {
        let groups = &self.groups;
        let used = |id: &str| {
            let policies = groups.iter().flat_map(|group| &group.policies);
            policies.flat_map(|policy| &policy.on).any(|on| match on {
                On::Named(known) | On::Inline(known) => known == id,
            })
        };
        self.resources.retain(|resource| resource.name.is_some() || used(&resource.id));
    }

    pub(super) fn resource_groups(&self, pairs: &[(String, String)]) -> Answer {
        let shown: Vec<Value> = self
            .resources
            .iter()
            .filter(|resource| asked(pairs, "id").is_none_or(|id| resource.id == id))
            .filter(|resource| asked(pairs, "name").is_none_or(|name| resource.name.as_deref() == Some(name)))
            .map(ResourceGroup::body)
            .collect();
        Answer::found(&Value::from(shown))
    }

    pub(super) fn policy_body(&self, policy: &Policy) -> Value {
        let access = match policy.access {
            Access::Allow => "allow",
            Access::Deny => "deny",
        };
        let roles = policy.roles.iter().filter_map(|id| self.roles.iter().find(|role| role.id == *id));
        let find = |id: &String| self.resources.iter().find(|resource| resource.id == *id);
        let on = policy.on.iter().filter_map(|on| match on {
            On::Named(id) => find(id).map(ResourceGroup::body),
            On::Inline(id) => find(id).map(|resource| json!({ "scope": resource.scope() })),
        });
        json!({
            "id": policy.id,
            "access": access,
            "permission_groups": roles.map(super::PermissionGroup::body).collect::<Vec<_>>(),
            "resource_groups": on.collect::<Vec<_>>(),
        })
    }
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>, Refusal> {
    value[name].as_array().ok_or_else(|| Refusal::bad(format!("{name} must be an array")))
}

fn is_object(key: &str) -> bool {
    key == "*" || key.strip_prefix("com.cloudflare.api.account.zone.").is_some_and(|zone| !zone.is_empty())
}
