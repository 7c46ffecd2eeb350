//! When two lists of policies are the same.

use super::super::policies::{Access, PermissionGroup};
use super::*;

fn account() -> AccountId {
    AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap()
}

fn role(id: &str) -> PermissionGroupId {
    PermissionGroupId::new(id).unwrap()
}

fn whole() -> ResourceScope {
    ResourceScope::account(&account())
}

fn zones(ids: &[&str]) -> ResourceScope {
    ResourceScope::zones(&account(), ids.iter().copied())
}

fn intent(access: Access, roles: &[&str], on: ResourceScope) -> PolicyIntent {
    PolicyIntent { access, roles: roles.iter().map(|id| role(id)).collect(), on }
}

fn on(id: Option<&str>, scope: Option<ResourceScope>) -> ResourceGroup {
    ResourceGroup { id: id.map(|id| ResourceGroupId::new(id).unwrap()), name: None, scope }
}

fn answer(id: &str, access: Access, roles: &[&str], on: Vec<ResourceGroup>) -> PermissionPolicy {
    let roles = roles.iter().map(|id| PermissionGroup {
        id: role(id),
        name: None,
        label: None,
        description: None,
        scopes: None,
        is_deprecated: false,
    });
    let roles = roles.collect();
    PermissionPolicy { id: Some(id.to_owned()), access: AnsweredAccess::Known(access), roles, on }
}

#[test]
fn policies_are_compared_as_sets() {
    use Access::{Allow, Deny};
    let two = || vec![intent(Allow, &["a", "b"], whole()), intent(Deny, &["c"], zones(&["z1", "z2"]))];
    let inline = |scope| vec![on(None, Some(scope))];
    let allow = || answer("p1", Allow, &["a", "b"], inline(whole()));
    let deny = || answer("p2", Deny, &["c"], inline(zones(&["z1", "z2"])));
    let scopes = Scopes::from([(ResourceGroupId::new("x").unwrap(), whole())]);
    let untold = || PermissionPolicy { access: AnsweredAccess::Untold, ..allow() };
    // (row, what there is, policies to add, policies to remove)
    let rows = [
        ("the same", vec![allow(), deny()], 0, 0),
        (
            "another order, and another ID",
            vec![deny(), answer("p9", Allow, &["b", "a"], inline(whole()))],
            0,
            0,
        ),
        ("one twice", vec![allow(), deny(), allow()], 0, 0),
        (
            "an ID of a resource group with its scope",
            vec![answer("p", Allow, &["a", "b"], vec![on(Some("q"), Some(whole()))]), deny()],
            0,
            0,
        ),
        (
            "an ID alone, whose scope is known",
            vec![answer("p", Allow, &["a", "b"], vec![on(Some("x"), None)]), deny()],
            0,
            0,
        ),
        (
            "an ID alone, of which nothing is known",
            vec![answer("p", Allow, &["a", "b"], vec![on(Some("q"), None)]), deny()],
            1,
            1,
        ),
        ("no scope at all", vec![answer("p", Allow, &["a", "b"], vec![on(None, None)]), deny()], 1, 1),
        (
            "zones in two resource groups",
            vec![
                allow(),
                answer(
                    "p",
                    Deny,
                    &["c"],
                    vec![on(None, Some(zones(&["z2"]))), on(None, Some(zones(&["z1"])))],
                ),
            ],
            0,
            0,
        ),
        ("one missing", vec![allow()], 1, 0),
        ("none", vec![], 2, 0),
        ("one more", vec![allow(), deny(), answer("p", Allow, &["c"], inline(whole()))], 0, 1),
        ("another access", vec![answer("p", Deny, &["a", "b"], inline(whole())), deny()], 1, 1),
        ("access not told", vec![untold(), deny()], 1, 1),
        ("a role less", vec![answer("p", Allow, &["a"], inline(whole())), deny()], 1, 1),
        ("another scope", vec![answer("p", Allow, &["a", "b"], inline(zones(&["z1"]))), deny()], 1, 1),
        ("a zone more", vec![allow(), answer("p", Deny, &["c"], inline(zones(&["z1", "z2", "z3"])))], 1, 1),
        (
            "the same in two policies",
            vec![
                answer("p", Allow, &["a"], inline(whole())),
                answer("q", Allow, &["b"], inline(whole())),
                deny(),
            ],
            1,
            2,
        ),
    ];
    for (row, is, add, remove) in rows {
        let difference = Difference::between(&is, &two(), &scopes);
        assert_eq!((difference.add.len(), difference.remove.len()), (add, remove), "{row}: {difference:?}");
        assert_eq!(difference.is_none(), add + remove == 0, "{row}");
    }
    let reset = Difference::between(&[allow(), deny()], &[], &scopes);
    assert_eq!((reset.add.len(), reset.remove.len()), (0, 2));
}
