//! Permission policies and resource groups: both documented forms in, the documented samples out.
//!
//! **Invariant:** a list of policies is taken whole or not at all.

use serde_json::{Value, json};

use super::catalogue::IamRole;
use super::directory::Iam;
use super::member::IamGroup;
use super::policy::{DraftScope, IamPolicy, IamResourceGroup, PolicyDraft, PolicyScope, scope};
use crate::sandbox::answer::{Answered, ApiRefusal, SandboxAnswer};
use crate::sandbox::query::{Pairs, asked, fits};

impl Iam {
    /// Reads `policies` of a create, or of an update of `group`.
    pub(super) fn read_policies(
        &self,
        policies: &Value,
        group: Option<&IamGroup>,
    ) -> Answered<Vec<PolicyDraft>> {
        let list = policies.as_array().ok_or_else(|| ApiRefusal::bad("policies must be an array"))?;
        list.iter().map(|policy| self.read_policy(policy, group)).collect()
    }

    fn read_policy(&self, policy: &Value, group: Option<&IamGroup>) -> Answered<PolicyDraft> {
        let access = policy["access"].as_str().and_then(|text| text.parse().ok());
        let access = access.ok_or_else(|| ApiRefusal::bad("access must be allow or deny"))?;
        let mut roles = Vec::new();
        for role in list(policy, "permission_groups")? {
            let id = role["id"].as_str().unwrap_or_default();
            if self.roles.iter().all(|role| role.id != id) {
                return Err(ApiRefusal::bad(format!("permission group `{id}` not found")));
            }
            roles.push(id.to_owned());
        }
        roles.sort();
        roles.dedup();
        let on: Vec<DraftScope> =
            list(policy, "resource_groups")?.iter().map(|on| self.read_on(on)).collect::<Result<_, _>>()?;
        if roles.is_empty() || on.is_empty() {
            return Err(ApiRefusal::bad("a policy needs a permission group and a resource group"));
        }
        let id = policy["id"].as_str().map(str::to_owned);
        if let Some(group) = group {
            // The spec's form: an update names the policy. The docs' form has a scope and no ID.
            let by_id = on.iter().any(|on| matches!(on, DraftScope::Named(_)));
            let known = id.as_ref().is_some_and(|id| group.policies.iter().any(|policy| policy.id == *id));
            if by_id && id.is_none() || id.is_some() && !known {
                return Err(ApiRefusal::bad(
                    "a policy with resource group IDs needs the ID of a policy of this group",
                ));
            }
        }
        Ok(PolicyDraft { id, access, roles, on })
    }

    fn read_on(&self, on: &Value) -> Answered<DraftScope> {
        if let Some(id) = on["id"].as_str() {
            let known = self.resources.iter().find(|resource| resource.id == id);
            return known
                .map(|resource| DraftScope::Named(resource.id.clone()))
                .ok_or_else(|| ApiRefusal::bad(format!("resource group `{id}` not found")));
        }
        let given = &on["scope"];
        let key = given["key"].as_str().unwrap_or_default();
        if key != self.scope_key {
            return Err(ApiRefusal::bad(format!("scope.key must be {}", self.scope_key)));
        }
        let objects: Vec<&str> = list(given, "objects")?
            .iter()
            .map(|object| object["key"].as_str().filter(|key| is_object(key)))
            .collect::<Option<_>>()
            .ok_or_else(|| ApiRefusal::bad("an object of a scope is `*` or a zone"))?;
        if objects.is_empty() {
            return Err(ApiRefusal::bad("a scope needs an object"));
        }
        Ok(DraftScope::Inline(scope(key, &objects)))
    }

    /// Replaces a group's policies.
    pub(super) fn give(&mut self, group: &str, drafts: Vec<PolicyDraft>) {
        let mut policies = Vec::new();
        for PolicyDraft { id, access, roles, on } in drafts {
            let on = on.into_iter().map(|on| self.stored(on)).collect();
            let id = id.unwrap_or_else(|| self.new_id("policy"));
            policies.push(IamPolicy { id, access, roles, on });
        }
        if let Some(group) = self.groups.iter_mut().find(|known| known.id == group) {
            group.policies = policies;
        }
        self.forget_unused_scopes();
    }

    fn stored(&mut self, on: DraftScope) -> PolicyScope {
        match on {
            DraftScope::Named(id) => PolicyScope::Named(id),
            DraftScope::Inline(scope) => {
                let id = self.new_id("scope");
                self.resources.push(IamResourceGroup { id: id.clone(), name: None, scope });
                PolicyScope::Inline(id)
            }
        }
    }

    pub(super) fn resource_groups(&self, pairs: &Pairs) -> SandboxAnswer {
        let of_name = |name: Option<&str>| asked(pairs, "name").is_none_or(|asked| name == Some(asked));
        let fitting = |resource: &&IamResourceGroup| {
            fits(pairs, "id", &resource.id) && of_name(resource.name.as_deref())
        };
        SandboxAnswer::found(&self.resources.iter().filter(fitting).collect::<Vec<_>>())
    }

    pub(super) fn policy_body(&self, policy: &IamPolicy) -> Value {
        let roles = policy.roles.iter().filter_map(|id| self.roles.iter().find(|role| role.id == *id));
        let find = |id: &String| self.resources.iter().find(|resource| resource.id == *id);
        let on = policy.on.iter().filter_map(|on| match on {
            PolicyScope::Named(id) => find(id).map(|resource| json!(resource)),
            PolicyScope::Inline(id) => find(id).map(|resource| json!({ "scope": resource.scope })),
        });
        json!({
            "id": policy.id,
            "access": policy.access,
            "permission_groups": roles.map(IamRole::body).collect::<Vec<_>>(),
            "resource_groups": on.collect::<Vec<_>>(),
        })
    }
}

fn list<'a>(value: &'a Value, name: &str) -> Answered<&'a Vec<Value>> {
    value[name].as_array().ok_or_else(|| ApiRefusal::bad(format!("{name} must be an array")))
}

fn is_object(key: &str) -> bool {
    key == "*" || key.strip_prefix("com.cloudflare.api.account.zone.").is_some_and(|zone| !zone.is_empty())
}
