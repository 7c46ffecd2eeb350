//! The permission groups of the simulated account: names that an admin knows, IDs that the seed makes.
//!
//! **Invariant:** labels and IDs are unique; names are not (`DNS` is a role of the account and of a zone).

use serde_json::{Value, json};

use crate::synthetic::Dice;

/// Roles in the whole account.
const ACCOUNT: &str = include_str!("account_roles.txt");
/// Roles in a zone.
const ZONE: &str = include_str!("zone_roles.txt");
/// A role that is on its way out.
const DEPRECATED: &str = "Trust and Safety";

/// A permission group.
#[derive(Debug, Clone)]
pub(super) struct IamRole {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) label: String,
    scopes: &'static str,
}

/// All of them, the account's before the zones'.
pub(super) fn permission_groups(dice: Dice) -> Vec<IamRole> {
    let group = |scopes: &'static str, prefix: &str, name: &str| {
        let label = label(prefix, name);
        IamRole { id: dice.of(&label).hex(32), name: name.to_owned(), label, scopes }
    };
    let account = ACCOUNT.lines().map(|name| group("com.cloudflare.api.account", "", name));
    let zone = ZONE.lines().map(|name| group("com.cloudflare.api.account.zone", "zone_", name));
    account.chain(zone).collect()
}

fn label(prefix: &str, name: &str) -> String {
    let words: Vec<String> = name
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    format!("{prefix}{}", words.join("_"))
}

impl IamRole {
    /// Flags are strings, as the live API has them.
    pub(super) fn body(&self) -> Value {
        let mut meta = json!({
            "description": format!("Grants what {} needs.", self.name),
            "editable": "false",
            "label": self.label,
            "scopes": self.scopes,
        });
        if self.name == DEPRECATED {
            meta["deprecated"] = "true".into();
            meta["eol_at"] = "2027-06-30T00:00:00Z".into();
        }
        json!({ "id": self.id, "name": self.name, "status": "V", "meta": meta })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_role_can_be_told_from_every_other() {
        let roles = permission_groups(Dice::seeded(1));
        let labels: BTreeSet<&str> = roles.iter().map(|role| role.label.as_str()).collect();
        let ids: BTreeSet<&str> = roles.iter().map(|role| role.id.as_str()).collect();
        assert_eq!((labels.len(), ids.len()), (roles.len(), roles.len()));
        assert!(roles.len() > 50, "more than the largest page");
        assert_eq!(roles.iter().filter(|role| role.name == "DNS").count(), 2, "a name that is ambiguous");
    }
}
