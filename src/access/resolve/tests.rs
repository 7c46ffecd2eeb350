//! What names mean in an account.

use super::super::policies::Access;
use super::*;
use crate::access::file::read;
use crate::ids::UserGroupId;

const ZONE: &str = "123e105f4ecef8ad9ca31a8372d0c353";

fn account() -> AccountId {
    AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap()
}

fn groups() -> Vec<PolicedGroup> {
    let group = |id: &str, name: &str| PolicedGroup {
        id: UserGroupId::new(id).unwrap(),
        name: name.to_owned(),
        policies: Vec::new(),
    };
    vec![group("g1", "Release Approvers"), group("g2", "Twins"), group("g3", "Twins")]
}

fn roles() -> Vec<PermissionGroup> {
    let role = |id: &str, name: &str, label: &str| PermissionGroup {
        id: PermissionGroupId::new(id).unwrap(),
        name: Some(name.to_owned()),
        label: Some(label.to_owned()),
        description: None,
        scopes: None,
        is_deprecated: false,
    };
    vec![
        role("r1", "Billing", "billing"),
        role("r2", "DNS", "dns"),
        role("r3", "DNS", "zone_dns"),
        role("r4", "Odd", "same"),
        role("r5", "Odd", "same"),
    ]
}

fn resolved(text: &str) -> Result<Vec<WantedGroup>, Vec<String>> {
    let written = read("access.yaml", text.as_bytes()).map_err(|errors| format!("{errors:?}")).unwrap();
    let told = |errors: Vec<PlanError>| errors.iter().map(ToString::to_string).collect();
    resolve(&written, &account(), &groups(), &roles()).map_err(told)
}

#[test]
fn names_labels_and_ids_of_roles_mean_the_same() {
    let text = format!(
        "groups:\n  Release Approvers:\n    - {{allow: [Billing, zone_dns, r2], on: account}}\n    - {{deny: [r1], on: {{zones: [{ZONE}]}}}}\n"
    );
    let targets = resolved(&text).unwrap();
    let [WantedGroup { found, wanted }] = targets.as_slice() else { panic!("{targets:?}") };
    assert_eq!(found.id.as_str(), "g1");
    let [allow, deny] = wanted.as_slice() else { panic!("{wanted:?}") };
    let ids: Vec<&str> = allow.roles.iter().map(PermissionGroupId::as_str).collect();
    assert_eq!((allow.access, ids), (Access::Allow, vec!["r1", "r2", "r3"]));
    assert_eq!(allow.on, ResourceScope::account(&account()));
    assert_eq!(deny.on, ResourceScope::zones(&account(), [ZONE]));
}

#[test]
fn what_means_nothing_or_two_things_is_told_with_its_place() {
    let role =
        |role: &str| format!("groups:\n  Release Approvers:\n    - {{allow: [{role}], on: account}}\n");
    let twice = "    - {allow: [Billing], on: account}\n    - {allow: [billing], on: account}\n";
    let rows = [
        (
            "a slip",
            "groups: {Release Aprovers: []}\n".to_owned(),
            "1:10: the account has no User Group of this name: `Release Aprovers`; did you mean `Release Approvers`?",
        ),
        ("another case", "groups: {release approvers: []}\n".to_owned(), "did you mean `Release Approvers`?"),
        ("no such group", "groups: {Strangers: []}\n".to_owned(), "`ringward access list` shows"),
        (
            "two groups",
            "groups: {Twins: []}\n".to_owned(),
            "the account has 2 User Groups of this name: `Twins`",
        ),
        (
            "a slip in a role",
            role("Biling"),
            "3:16: the account has no role of this name: `Biling`; did you mean `Billing`?",
        ),
        ("no such role", role("Emperor"), "`ringward access roles` shows"),
        ("a name of two", role("DNS"), "2 roles have this name: `DNS`; write `dns` or `zone_dns`"),
        ("even the label is of two", role("Odd"), "write `r4` or `r5`"),
        (
            "one role by two words",
            role("Billing, r1"),
            "3:25: another word of this policy means the same role: `r1`",
        ),
        (
            "a policy by two words",
            format!("groups:\n  Release Approvers:\n{twice}"),
            "4:7: this policy is repeated",
        ),
    ];
    for (row, text, expected) in rows {
        let told = resolved(&text).unwrap_err();
        assert_eq!(told.len(), 1, "{row}: {told:#?}");
        assert!(told[0].contains(expected), "{row}: `{expected}` is not in: {}", told[0]);
    }
    let all =
        resolved("groups:\n  Strangers: []\n  Twins: [{allow: [DNS, Emperor], on: account}]\n").unwrap_err();
    assert_eq!(all.len(), 4, "all at once: {all:#?}");
}
