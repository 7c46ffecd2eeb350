//! Every request against the contract, byte for byte.

use super::*;

fn account() -> AccountId {
    AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap()
}

fn group() -> GroupId {
    GroupId::new("550e8400-e29b-41d4-a716-446655440000").unwrap()
}

fn user_group() -> UserGroupId {
    UserGroupId::new("f234f49f66df4db8864c5189fe78c87f").unwrap()
}

fn entry(environment: Option<&str>, version: &str) -> VersionEntry {
    VersionEntry { environment: environment.map(str::to_owned), version: version.to_owned() }
}

fn policies(ids: &[&str]) -> BTreeSet<PolicyId> {
    ids.iter().map(|id| PolicyId::new(*id).unwrap()).collect()
}

fn content(name: &str, versions: &[VersionEntry], ids: &[&str]) -> GroupContent {
    GroupContent { name: name.to_owned(), versions: versions.to_vec(), policies: policies(ids) }
}

#[test]
fn requests_are_exactly_the_contract() {
    let windows = entry(Some("windows"), "2026.8.2100.0");
    let update = |versions, ids: Option<&[&str]>| GroupUpdate::new(versions, ids.map(policies)).unwrap();
    let devices = "include=last_seen_registration.policy&per_page=100&sort_by=id&sort_order=asc";
    let profile = SweepScope::Profile(PolicyId::new("11ff").unwrap());
    let since = SweepScope::SeenAfter("2026-10-01T00:00:00.5Z".parse().unwrap());
    let a = "/accounts/023e105f4ecef8ad9ca31a8372d0c353";
    let g = "550e8400-e29b-41d4-a716-446655440000";
    let rows = [
        (
            "groups",
            list_groups(&account(), 2),
            format!("GET {a}/devices/deployment-groups?page=2&per_page=100"),
        ),
        ("a group", get_group(&account(), &group()), format!("GET {a}/devices/deployment-groups/{g}?")),
        (
            "create",
            create_group(&account(), &content("Ring 0", std::slice::from_ref(&windows), &["p2", "p1"]))
                .unwrap(),
            format!(
                "POST {a}/devices/deployment-groups? {}",
                r#"{"name":"Ring 0","policy_ids":["p1","p2"],"version_config":[{"target_environment":"windows","version":"2026.8.2100.0"}]}"#
            ),
        ),
        (
            "update both, an unknown and a null environment kept",
            update_group(
                &account(),
                &group(),
                &update(Some(vec![entry(None, "1"), entry(Some("linux"), "2")]), Some(&["p1"])),
            ),
            format!(
                "PATCH {a}/devices/deployment-groups/{g}? {}",
                r#"{"policy_ids":["p1"],"version_config":[{"target_environment":null,"version":"1"},{"target_environment":"linux","version":"2"}]}"#
            ),
        ),
        (
            "update versions only",
            update_group(&account(), &group(), &update(Some(vec![windows]), None)),
            format!(
                "PATCH {a}/devices/deployment-groups/{g}? {}",
                r#"{"version_config":[{"target_environment":"windows","version":"2026.8.2100.0"}]}"#
            ),
        ),
        (
            "update policies only, to none",
            update_group(&account(), &group(), &update(None, Some(&[]))),
            format!("PATCH {a}/devices/deployment-groups/{g}? {}", r#"{"policy_ids":[]}"#),
        ),
        ("profiles", list_profiles(&account()), format!("GET {a}/devices/policies?")),
        ("default profile", default_profile(&account()), format!("GET {a}/devices/policy?")),
        (
            "all devices",
            list_devices(&account(), &SweepScope::Full, None),
            format!("GET {a}/devices/physical-devices?{devices}"),
        ),
        (
            "recent devices, a later page",
            list_devices(&account(), &since, Some("c&1")),
            format!(
                "GET {a}/devices/physical-devices?{devices}&seen_after=2026-10-01T00:00:00.5Z&cursor=c&1"
            ),
        ),
        (
            "a profile's devices",
            list_devices(&account(), &profile, None),
            format!("GET {a}/devices/physical-devices?{devices}&last_seen_registration.policy.id=11ff"),
        ),
        ("user token", verify_user_token(), "GET /user/tokens/verify?".to_owned()),
        ("account token", verify_account_token(&account()), format!("GET {a}/tokens/verify?")),
    ];
    for (row, request, expected) in rows {
        assert_eq!(sent(request), expected, "{row}");
    }
}

#[test]
fn requests_about_user_groups_are_exactly_the_contract() {
    let name = UserGroupName::new("Release Approvers").unwrap();
    let a = "/accounts/023e105f4ecef8ad9ca31a8372d0c353";
    let g = format!("{a}/iam/user_groups/{}", user_group());
    let rows = [
        (
            "groups",
            list_user_groups(&account(), None, 2),
            format!("GET {a}/iam/user_groups?page=2&per_page=500"),
        ),
        (
            "groups of a name",
            list_user_groups(&account(), Some(&name), 1),
            format!("GET {a}/iam/user_groups?page=1&per_page=500&name=Release Approvers"),
        ),
        (
            "members",
            list_members(&account(), &user_group(), 3),
            format!("GET {g}/members?page=3&per_page=500"),
        ),
    ];
    for (row, request, expected) in rows {
        assert_eq!(sent(request), expected, "{row}");
    }
}

fn sent(request: Request) -> String {
    let query: Vec<String> = request.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let body = request.body.map(|body| format!(" {body}")).unwrap_or_default();
    format!("{} {}?{}{body}", request.method, request.path, query.join("&"))
}

#[test]
fn what_must_not_be_sent_is_refused() {
    let one = [entry(Some("windows"), "1")];
    let two = [entry(Some("windows"), "2")];
    let base = content("n", &one, &["p"]);
    let between = |after: &GroupContent| GroupUpdate::between(&base, after).err();
    let created = |after: &GroupContent| create_group(&account(), after).err();
    let rows = [
        ("nothing", GroupUpdate::new(None, None).err(), Some(InvalidContent::Nothing)),
        ("empty versions", GroupUpdate::new(Some(vec![]), None).err(), Some(InvalidContent::NoVersions)),
        (
            "a text that was cut",
            between(&content("n", &[entry(None, &"x".repeat(256))], &["p"])),
            Some(InvalidContent::Cut),
        ),
        ("no difference", between(&base), Some(InvalidContent::Nothing)),
        ("to no version", between(&content("n", &[], &["p"])), Some(InvalidContent::NoVersions)),
        ("a new name", between(&content("m", &two, &["p"])), Some(InvalidContent::Renamed)),
        ("new versions", between(&content("n", &two, &["p"])), None),
        ("created without versions", created(&content("n", &[], &["p"])), Some(InvalidContent::NoVersions)),
        ("created without a name", created(&content("", &one, &["p"])), Some(InvalidContent::Name)),
        ("name too long", created(&content(&"x".repeat(256), &one, &[])), Some(InvalidContent::Name)),
        ("longest name", created(&content(&"é".repeat(255), &one, &[])), None),
    ];
    for (row, found, expected) in rows {
        assert_eq!(found, expected, "{row}");
    }
}

#[test]
fn the_smallest_change_leaves_the_other_array_alone() {
    let one = [entry(Some("windows"), "1")];
    let two = [entry(Some("windows"), "2")];
    let body = |before: &GroupContent, after: &GroupContent| {
        let update = GroupUpdate::between(before, after).unwrap();
        update_group(&account(), &group(), &update).body.unwrap().to_string()
    };
    let base = content("n", &one, &["p"]);
    assert_eq!(
        body(&base, &content("n", &two, &["p"])),
        r#"{"version_config":[{"target_environment":"windows","version":"2"}]}"#
    );
    assert_eq!(body(&base, &content("n", &one, &["p", "q"])), r#"{"policy_ids":["p","q"]}"#);
}

#[test]
fn an_id_stays_within_its_segment() {
    let odd = GroupId::new("../x?y=é%").unwrap();
    let path = get_group(&account(), &odd).path;
    assert!(path.ends_with("/deployment-groups/..%2Fx%3Fy%3D%C3%A9%25"), "{path}");
}
