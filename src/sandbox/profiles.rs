//! Device settings profiles, as the two routes show them.
//!
//! **Invariant:** the default profile is listed only where the settings say so; nobody knows which is true of
//! the live API (cloudflare.md#default-profile), so a client must cope with each.

use serde_json::{Value, json};

use super::answer::{Answered, SandboxAnswer};
use super::query::{Pairs, asked, is_extension};
use crate::synthetic::{SyntheticFleet, SyntheticProfile};

/// How the default profile shows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultProfileForm {
    /// `GET /devices/policy` has `policy_id`; the list leaves the profile out.
    WithId,
    /// `GET /devices/policy` has no `policy_id`; the list leaves the profile out.
    WithoutId,
    /// `GET /devices/policy` has `policy_id`, and the list has the profile too.
    Listed,
}

pub(super) fn list(fleet: &SyntheticFleet, default: DefaultProfileForm, pairs: &Pairs) -> Answered {
    let is_extension = is_extension("profile_type", asked(pairs, "profile_type"))?;
    let is_listed = |profile: &&SyntheticProfile| {
        !is_extension && (!profile.is_default() || default == DefaultProfileForm::Listed)
    };
    let listed: Vec<Value> = fleet.profiles.iter().filter(is_listed).map(body).collect();
    let count = listed.len();
    let info = json!({ "count": count, "page": 1, "per_page": count, "total_count": count });
    Ok(SandboxAnswer::listed(&listed, &info))
}

pub(super) fn get_default(fleet: &SyntheticFleet, default: DefaultProfileForm) -> SandboxAnswer {
    let mut body =
        json!({ "default": true, "enabled": true, "allow_updates": false, "profile_type": "warp" });
    if let Some(profile) = fleet.profiles.iter().find(|profile| profile.is_default())
        && default != DefaultProfileForm::WithoutId
    {
        body["policy_id"] = profile.id.clone().into();
    }
    SandboxAnswer::found(&body)
}

fn body(profile: &SyntheticProfile) -> Value {
    let mut body = json!({
        "policy_id": profile.id,
        "name": profile.name,
        "description": "",
        "enabled": profile.enabled,
        "default": profile.is_default(),
        "allow_updates": false,
        "profile_type": "warp",
    });
    if let Some(precedence) = profile.precedence {
        body["precedence"] = precedence.into();
        // A JSON string is a wirefilter string for every name that a test has.
        let group = Value::from(profile.name.to_lowercase());
        body["match"] = format!("any(identity.groups.name[*] in {{{group}}})").into();
    }
    body
}
