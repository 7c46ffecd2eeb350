//! What a file may say, and every way of saying it wrong.

use super::*;

fn errors(text: &str) -> Vec<String> {
    match read("access.yaml", text.as_bytes()) {
        Ok(written) => panic!("accepted: {:?}", written.groups),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_file_is_read_whole() {
    let text = "\
account: 023e105f4ecef8ad9ca31a8372d0c353
groups:
  Release Approvers:
    - {allow: [Cloudflare Zero Trust Read Only, 'DNS'], on: account}
    - deny: [Billing]
      on: {zones: [123e105f4ecef8ad9ca31a8372d0c353]}
  'R&D: Lisbon': []
";
    let says = read("access.yaml", text.as_bytes()).map_err(|errors| format!("{errors:?}")).unwrap();
    assert_eq!(says.account.unwrap().as_str(), "023e105f4ecef8ad9ca31a8372d0c353");
    let [approvers, lisbon] = says.groups.as_slice() else { panic!("{:?}", says.groups) };
    assert_eq!((approvers.name.as_str(), lisbon.name.as_str()), ("Release Approvers", "R&D: Lisbon"));
    assert_eq!(lisbon.policies.len(), 0, "an empty list says that there are to be none");
    let [allow, deny] = approvers.policies.as_slice() else { panic!("{:?}", approvers.policies) };
    let roles: Vec<&str> = allow.roles.iter().map(|role| role.text.as_str()).collect();
    assert_eq!((allow.access, roles), (Access::Allow, vec!["Cloudflare Zero Trust Read Only", "DNS"]));
    assert_eq!(allow.on, PolicyScope::Account);
    assert_eq!(deny.on, PolicyScope::Zones(vec!["123e105f4ecef8ad9ca31a8372d0c353".to_owned()]));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let policy = |policy: &str| format!("groups:\n  Team:\n    - {policy}\n");
    let rows = [
        ("nothing", String::new(), "1:1: this file holds no access; begin with `groups:`"),
        (
            "no groups",
            "account: 023e105f4ecef8ad9ca31a8372d0c353\n".to_owned(),
            "1:1: `groups` is missing; write",
        ),
        (
            "another key",
            "groups: {Team: []}\nmembers: [a]\n".to_owned(),
            "2:1: not a key of an access file: `members`",
        ),
        (
            "a slip",
            "gruops: {Team: []}\n".to_owned(),
            "1:1: not a key of an access file: `gruops`; did you mean",
        ),
        ("groups in a list", "groups: [Team]\n".to_owned(), "1:9: `groups` must be a mapping"),
        ("no group", "groups: {}\n".to_owned(), "1:9: there is no group"),
        (
            "a group twice",
            "groups:\n  Team: []\n  Team: []\n".to_owned(),
            "3:3: this key is repeated: `Team`",
        ),
        (
            "a name that nobody sees",
            "groups: {\"Te\u{200b}am\": []}\n".to_owned(),
            "not the name of a User Group",
        ),
        (
            "nothing is not an empty list",
            "groups:\n  Team:\n".to_owned(),
            "a group's policies must be a list",
        ),
        (
            "one policy without a dash",
            "groups:\n  Team: {allow: [Billing], on: account}\n".to_owned(),
            "begin each entry with a dash",
        ),
        ("neither", policy("{on: account}"), "3:7: this policy neither allows nor denies"),
        ("both", policy("{allow: [A], deny: [B], on: account}"), "3:26: a policy either allows or denies"),
        (
            "a misspelt key",
            policy("{alow: [A], on: account}"),
            "3:8: not a key of a policy: `alow`; did you mean `allow`?",
        ),
        (
            "Cloudflare's own word",
            policy("{access: allow, on: account}"),
            "write the roles below `allow` or `deny`",
        ),
        ("no place", policy("{allow: [A]}"), "3:7: `on` is missing; write on: account"),
        (
            "another place",
            policy("{allow: [A], on: everywhere}"),
            "3:24: not a place: `everywhere`; write on: account",
        ),
        ("no roles", policy("{allow: [], on: account}"), "3:15: there are no roles"),
        (
            "a role without a list",
            policy("{allow: Billing, on: account}"),
            "`roles` must be a list: `Billing`",
        ),
        ("a role twice", policy("{allow: [A, B, A], on: account}"), "3:22: this role is repeated: `A`"),
        ("an empty role", policy("{allow: [''], on: account}"), "a role is empty"),
        ("no zones", policy("{allow: [A], on: {zones: []}}"), "there are no zones"),
        (
            "a zone by name",
            policy("{allow: [A], on: {zones: [example.com]}}"),
            "not a zone ID: `example.com`",
        ),
        (
            "another part",
            policy("{allow: [A], on: {zone: [x]}}"),
            "not a key of a place: `zone`; did you mean `zones`?",
        ),
        ("not YAML", "groups: [\n".to_owned(), "1:9: "),
        ("an alias", policy("*base"), "aliases are not read"),
    ];
    for (row, text, expected) in rows {
        let told = errors(&text);
        assert_eq!(told.len(), 1, "{row}: {told:#?}");
        assert!(told[0].contains(expected), "{row}: `{expected}` is not in: {}", told[0]);
        assert!(told[0].starts_with("access.yaml:"), "{row}: {}", told[0]);
    }
}

#[test]
fn all_errors_are_told_at_once() {
    let told = errors("acount: x\ngroups:\n  A:\n  B:\n    - {allow: [], on: there}\n    - {on: account}\n");
    assert_eq!(told.len(), 5, "{told:#?}");
    let many = format!("groups:\n  A:\n{}", "    - {allow: [X], on: account}\n".repeat(MOST + 1));
    assert_eq!(errors(&many).len(), 1);
    assert!(errors(&many)[0].contains("501 policies are too many; write at most 500"));
}
