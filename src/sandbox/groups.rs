//! Deployment groups: validation as in the contract, and the store.
//!
//! **Invariant:** a policy ID is in at most one group, and `updated_at` of any write is later than that of
//! every write before it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::answer::{Answered, ApiRefusal, SandboxAnswer};
use super::query::{Pairs, number};
use crate::synthetic::Dice;
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

/// The longest name of a group (contract).
const MAX_NAME_CHARS: usize = 255;
/// Groups on a page unless the request says otherwise, and at most (contract).
const PER_PAGE: (usize, usize) = (50, 100);

/// One deployment group, as it is answered.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DeploymentGroup {
    id: String,
    name: String,
    /// `None` where the group was created without: the answer then says null, which the contract allows.
    policy_ids: Option<Vec<String>>,
    #[serde(rename = "version_config")]
    versions: Vec<VersionConfig>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// One entry of `version_config`.
#[derive(Debug, Clone, Serialize)]
struct VersionConfig {
    #[serde(rename = "target_environment")]
    environment: Option<String>,
    version: String,
}

impl DeploymentGroup {
    fn policies(&self) -> &[String] {
        self.policy_ids.as_deref().unwrap_or_default()
    }
}

/// All groups of the account, in the order in which they were made.
#[derive(Debug, Clone)]
pub(super) struct DeploymentGroups {
    dice: Dice,
    groups: Vec<DeploymentGroup>,
    made: u64,
    last_stamp: Timestamp,
}

/// A write that took effect: the answer, and the policies whose target may have changed.
type WrittenGroup = (SandboxAnswer, BTreeSet<String>);

/// The body of a create or an update, read.
struct GroupDraft {
    name: Option<String>,
    policy_ids: Option<Vec<String>>,
    versions: Option<Vec<VersionConfig>>,
}

impl DeploymentGroups {
    pub(super) fn new(dice: Dice) -> Self {
        Self { dice, groups: Vec::new(), made: 0, last_stamp: Timestamp::MIN }
    }

    /// What the group of `policy` offers to `environment`.
    pub(super) fn target(&self, policy: &str, environment: Environment) -> Option<ClientVersion> {
        let group = self.groups.iter().find(|group| group.policies().iter().any(|id| id == policy))?;
        let named = |entry: &&VersionConfig| entry.environment.as_deref() == Some(environment.as_str());
        group.versions.iter().find(named)?.version.parse().ok()
    }

    pub(super) fn list(&self, pairs: &Pairs) -> Answered {
        let page = number(pairs, "page", 1, usize::MAX)?;
        let per_page = number(pairs, "per_page", PER_PAGE.0, PER_PAGE.1)?;
        let begin = (page - 1).saturating_mul(per_page);
        let shown: Vec<Value> =
            self.groups.iter().skip(begin).take(per_page).map(|group| json!(group)).collect();
        let info = json!({
            "count": shown.len(),
            "page": page,
            "per_page": per_page,
            "total_count": self.groups.len(),
            "total_pages": self.groups.len().div_ceil(per_page),
        });
        Ok(SandboxAnswer::listed(&shown, &info))
    }

    pub(super) fn get(&self, id: &str) -> Answered {
        self.groups.iter().find(|group| group.id == id).map(SandboxAnswer::found).ok_or_else(unknown)
    }

    pub(super) fn create(&mut self, body: &[u8], now: Timestamp) -> Answered<WrittenGroup> {
        let draft = GroupDraft::read(body)?;
        let name = draft.name.ok_or_else(|| ApiRefusal::bad("name is required"))?;
        let versions = draft.versions.ok_or_else(|| ApiRefusal::bad("version_config is required"))?;
        if versions.is_empty() {
            return Err(ApiRefusal::bad("version_config must have at least one entry"));
        }
        let policies: BTreeSet<String> = draft.policy_ids.iter().flatten().cloned().collect();
        self.refuse_taken(&policies)?;
        self.made += 1;
        let stamp = self.stamp(now);
        let group = DeploymentGroup {
            id: self.dice.of("id").nth(self.made).uuid(),
            name,
            policy_ids: draft.policy_ids,
            versions,
            created_at: stamp,
            updated_at: stamp,
        };
        let answer = SandboxAnswer::found(&group);
        self.groups.push(group);
        Ok((answer, policies))
    }

    pub(super) fn update(&mut self, id: &str, body: &[u8], now: Timestamp) -> Answered<WrittenGroup> {
        let index = self.groups.iter().position(|group| group.id == id).ok_or_else(unknown)?;
        let draft = GroupDraft::read(body)?;
        let before: BTreeSet<String> = self.groups[index].policies().iter().cloned().collect();
        let named: BTreeSet<String> = draft.policy_ids.iter().flatten().cloned().collect();
        self.refuse_taken(&named.difference(&before).cloned().collect())?;
        let stamp = self.stamp(now);
        let group = &mut self.groups[index];
        if let Some(name) = draft.name {
            group.name = name;
        }
        if let Some(policy_ids) = draft.policy_ids {
            group.policy_ids = Some(policy_ids);
        }
        if let Some(versions) = draft.versions {
            group.versions = versions;
        }
        group.updated_at = stamp;
        Ok((SandboxAnswer::found(group), before.union(&named).cloned().collect()))
    }

    pub(super) fn delete(&mut self, id: &str) -> Answered<WrittenGroup> {
        let index = self.groups.iter().position(|group| group.id == id).ok_or_else(unknown)?;
        let group = self.groups.remove(index);
        let policies = group.policies().iter().cloned().collect();
        Ok((SandboxAnswer::found(&json!({ "id": group.id })), policies))
    }

    fn refuse_taken(&self, wanted: &BTreeSet<String>) -> Answered<()> {
        let taken = |group: &DeploymentGroup| group.policies().iter().any(|id| wanted.contains(id));
        if self.groups.iter().any(taken) { Err(ApiRefusal::taken()) } else { Ok(()) }
    }

    /// The instant of a write, with nanoseconds as the live API has them, and later than every one before.
    fn stamp(&mut self, now: Timestamp) -> Timestamp {
        let nanos = self.dice.of("stamp").nth(now.as_millisecond().unsigned_abs()).between(0, 999_999);
        let next = after(self.last_stamp, SignedDuration::from_nanos(1));
        self.last_stamp = after(now, SignedDuration::from_nanos(nanos)).max(next);
        self.last_stamp
    }
}

fn unknown() -> ApiRefusal {
    ApiRefusal::new(404, 1000, "deployment group not found")
}

impl GroupDraft {
    fn read(body: &[u8]) -> Answered<Self> {
        let body: Value =
            serde_json::from_slice(body).map_err(|_| ApiRefusal::bad("the request body is not JSON"))?;
        let Value::Object(fields) = body else {
            return Err(ApiRefusal::bad("the request body must be an object"));
        };
        Ok(Self {
            name: fields.get("name").map(name).transpose()?,
            policy_ids: fields.get("policy_ids").map(policy_ids).transpose()?,
            versions: fields.get("version_config").map(versions).transpose()?,
        })
    }
}

fn name(value: &Value) -> Answered<String> {
    let text = value.as_str().ok_or_else(|| ApiRefusal::bad("name must be a string"))?;
    if !(1..=MAX_NAME_CHARS).contains(&text.chars().count()) {
        return Err(ApiRefusal::bad(format!("name must have 1 to {MAX_NAME_CHARS} characters")));
    }
    Ok(text.to_owned())
}

fn policy_ids(value: &Value) -> Answered<Vec<String>> {
    let bad = || ApiRefusal::bad("policy_ids must be an array of strings");
    let list = value.as_array().ok_or_else(bad)?;
    let ids: Vec<String> =
        list.iter().map(|id| id.as_str().map(str::to_owned).ok_or_else(bad)).collect::<Result<_, _>>()?;
    let unique: BTreeSet<&String> = ids.iter().collect();
    if unique.len() < ids.len() {
        return Err(ApiRefusal::bad("policy_ids must be unique"));
    }
    Ok(ids)
}

fn versions(value: &Value) -> Answered<Vec<VersionConfig>> {
    let list = value.as_array().ok_or_else(|| ApiRefusal::bad("version_config must be an array"))?;
    list.iter().map(entry).collect()
}

fn entry(value: &Value) -> Answered<VersionConfig> {
    let fields =
        value.as_object().ok_or_else(|| ApiRefusal::bad("a version_config entry must be an object"))?;
    let version = fields.get("version").and_then(Value::as_str);
    let version = version.ok_or_else(|| ApiRefusal::bad("version must be a string"))?.to_owned();
    let environment = match fields.get("target_environment") {
        Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(ApiRefusal::bad("target_environment must be a string or null")),
        None => return Err(ApiRefusal::bad("target_environment is required")),
    };
    Ok(VersionConfig { environment, version })
}
