//! User Groups: members, policies in both forms, what SCIM keeps, and changes by hand.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ringward::access::policies::{Access, PolicyIntent, ResourceScope};
use ringward::cloudflare::{self, CloudflareClient, Priority};
use ringward::ids::{AccountId, UserGroupId, UserGroupName};
use ringward::rollout::record::Standing;
use ringward::sandbox::{
    AccountSettings, MemberStatus, NoUserGroup, SandboxSettings, SimulatedMember, start,
};
use ringward::time::Clock;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::contract::Contract;

fn path(bench: &Bench, rest: &str) -> String {
    format!("/accounts/{}/iam/{rest}", bench.account.id())
}

fn group_id(bench: &Bench, name: &str) -> String {
    bench.account.user_groups().into_iter().find(|group| group.name == name).unwrap().id
}

fn emails(answer: &Value) -> Vec<&str> {
    answer["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["email"].as_str().unwrap_or("-"))
        .collect()
}

fn role(bench: &mut Bench, name: &str) -> String {
    let target = path(bench, &format!("permission_groups?name={}", name.replace(' ', "%20")));
    bench.get(&target)["result"][0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn groups_and_members_are_listed_in_cloudflares_shape() {
    let mut bench = Bench::of(0);
    let target = path(&bench, "user_groups");
    let groups = bench.get(&target);
    let names: Vec<&str> =
        groups["result"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Endpoint Team", "Release Approvers"], "sorted by name");
    assert_eq!(groups["result"][0]["policies"], json!([]), "the pushed one has none");
    assert_eq!(groups["result"][1]["policies"].as_array().unwrap().len(), 1);

    let approvers = group_id(&bench, "Release Approvers");
    let target = path(&bench, &format!("user_groups/{approvers}/members"));
    let members = bench.get(&target);
    assert_eq!(
        emails(&members),
        [
            "Chen.Wei@Example.com",
            "ana@example.com",
            "bruno@example.com",
            "dana@example.com",
            "erin@example.com"
        ]
    );
    let accepted = members["result"].as_array().unwrap().iter().filter(|m| m["status"] == "accepted").count();
    assert_eq!(accepted, 4);
    let team = group_id(&bench, "Endpoint Team");
    let target = path(&bench, &format!("user_groups/{team}/members"));
    let members = bench.get(&target)["result"].clone();
    assert!(members[0].get("email").is_none(), "{members}");
    let statuses: BTreeSet<&str> =
        members.as_array().unwrap().iter().map(|member| member["status"].as_str().unwrap_or("-")).collect();
    assert_eq!(statuses, BTreeSet::from(["-", "accepted", "pending"]));
    let other = Bench::of(60);
    assert_eq!(group_id(&other, "Release Approvers"), approvers, "IDs follow the seed");
}

#[test]
fn lists_come_in_pages_filters_and_orders() {
    let mut bench = Bench::of(0);
    for n in 0..130 {
        bench.account.add_user_group(&format!("Team {n:03}"), &[]);
    }
    let many: Vec<SimulatedMember> =
        (0..260).map(|n| SimulatedMember::accepted(&format!("p{n:03}@example.com"))).collect();
    bench.account.set_members("Team 000", &many).unwrap();
    let team = group_id(&bench, "Team 000");
    let members = format!("user_groups/{team}/members");
    // (row, what is asked, entries, total, page size)
    let rows = [
        ("groups, first page", "user_groups".to_owned(), 100, 132, 100),
        ("groups, second page", "user_groups?page=2".to_owned(), 32, 132, 100),
        ("groups, past the end", "user_groups?page=9".to_owned(), 0, 132, 100),
        ("groups, all", "user_groups?per_page=500".to_owned(), 132, 132, 500),
        ("a group by name", "user_groups?name=Endpoint%20Team".to_owned(), 1, 1, 100),
        ("no group by a part of its name", "user_groups?name=Endpoint".to_owned(), 0, 0, 100),
        ("groups by a part", "user_groups?fuzzyName=TEAM&per_page=10".to_owned(), 10, 131, 10),
        ("a group by ID", format!("user_groups?id={team}"), 1, 1, 100),
        ("members", members.clone(), 100, 260, 100),
        ("members, last page", format!("{members}?page=3"), 60, 260, 100),
        ("members, all", format!("{members}?per_page=500"), 260, 260, 500),
        ("members by a part", format!("{members}?fuzzyEmail=P00"), 10, 10, 100),
        ("roles", "permission_groups".to_owned(), 20, 62, 20),
        ("roles, largest page", "permission_groups?per_page=50".to_owned(), 50, 62, 50),
        ("roles, its rest", "permission_groups?per_page=50&page=2".to_owned(), 12, 62, 50),
        ("a name that two roles have", "permission_groups?name=DNS".to_owned(), 2, 2, 20),
        ("a role by label", "permission_groups?label=zone_dns".to_owned(), 1, 1, 20),
    ];
    for (row, rest, count, total, per_page) in rows {
        let target = path(&bench, &rest);
        let answer = bench.get(&target);
        let info = &answer["result_info"];
        let found = answer["result"].as_array().unwrap().len();
        assert_eq!(
            (found, &info["count"], &info["total_count"], &info["per_page"]),
            (count, &json!(count), &json!(total), &json!(per_page)),
            "{row}"
        );
    }
    let down = path(&bench, &format!("{members}?direction=desc&per_page=1"));
    assert_eq!(emails(&bench.get(&down)), ["p259@example.com"]);
    for bad in [
        "user_groups?per_page=501",
        "user_groups?page=0",
        "user_groups?direction=up",
        "permission_groups?per_page=4",
        "permission_groups?per_page=51",
    ] {
        let target = path(&bench, bad);
        assert!(Contract::get().request("GET", &target, None).is_err(), "{bad}: the contract allows it");
        assert_eq!(bench.send("GET", &target, None).0, 400, "{bad}");
    }
}

#[test]
fn a_permission_group_has_string_flags() {
    let mut bench = Bench::of(0);
    let id = role(&mut bench, "Trust and Safety");
    let target = path(&bench, &format!("permission_groups/{id}"));
    let role = bench.get(&target)["result"].clone();
    assert_eq!((&role["meta"]["editable"], &role["meta"]["deprecated"]), (&json!("false"), &json!("true")));
    let unknown = path(&bench, &format!("permission_groups/{}", "0".repeat(32)));
    assert_eq!(bench.send("GET", &unknown, None).0, 404);
}

#[test]
fn policies_come_in_both_forms_and_go() {
    let mut bench = Bench::of(0);
    let team = group_id(&bench, "Endpoint Team");
    let target = path(&bench, &format!("user_groups/{team}"));
    let resources = path(&bench, "resource_groups");
    let before = bench.get(&resources)["result"].clone();
    let (zero_trust, billing) = (role(&mut bench, "Cloudflare Zero Trust"), role(&mut bench, "Billing"));
    let key = format!("com.cloudflare.api.account.{}", bench.account.id());
    let zone = format!("com.cloudflare.api.account.zone.{}", "a".repeat(32));
    let inline = json!([{"scope": {"key": key, "objects": [{"key": "*"}]}}]);
    let zones = json!([{"scope": {"key": key, "objects": [{"key": zone}]}}]);
    let policy = |access: &str, roles: &[&String], on: &Value| {
        let roles: Vec<Value> = roles.iter().map(|id| json!({"id": id})).collect();
        json!({"access": access, "permission_groups": roles, "resource_groups": on})
    };
    let docs = json!({"policies": [
        policy("allow", &[&zero_trust, &billing], &inline),
        policy("deny", &[&billing], &zones),
    ]});
    let (status, answer) = put(&mut bench, &target, &docs);
    assert_eq!(status, 200, "SCIM keeps its members, not its policies: {answer}");
    let policies = answer["result"]["policies"].clone();
    assert_eq!(policies[0]["resource_groups"], inline, "answered without ID or name");
    assert_eq!(policies[1]["resource_groups"], zones);
    assert_eq!(policies[0]["permission_groups"].as_array().unwrap().len(), 2);
    assert!(policies[0]["id"].as_str().is_some_and(|id| id.len() == 32), "{policies}");
    assert_eq!(bench.get(&target)["result"]["policies"], policies);
    let now = bench.get(&resources)["result"].clone();
    assert_eq!(now.as_array().unwrap().len(), before.as_array().unwrap().len() + 2, "two anonymous ones");
    assert!(now[2].get("name").is_none(), "{now}");

    // The spec's form: IDs of what there is.
    let id = policies[0]["id"].clone();
    let by_id = json!([{"id": before[0]["id"]}]);
    let mut spec = policy("allow", &[&billing], &by_id);
    let unnamed = json!({"policies": [spec.clone()]});
    spec["id"] = id.clone();
    let named = json!({"policies": [spec]});
    assert!(Contract::get().request("PUT", &target, Some(&unnamed)).is_err());
    assert_eq!(bench.send("PUT", &target, Some(&unnamed)).0, 400, "an update by IDs names its policy");
    let (status, answer) = put(&mut bench, &target, &named);
    assert_eq!((status, &answer["result"]["policies"][0]["id"]), (200, &id));
    assert_eq!(answer["result"]["policies"][0]["resource_groups"], json!([before[0]]), "answered whole");
    assert_eq!(bench.get(&resources)["result"], before, "nobody is about the anonymous ones any more");

    let (status, answer) = put(&mut bench, &target, &json!({"policies": []}));
    assert_eq!((status, &answer["result"]["policies"]), (200, &json!([])));
}

fn put(bench: &mut Bench, target: &str, body: &Value) -> (u16, Value) {
    Contract::get().request("PUT", target, Some(body)).unwrap();
    bench.send("PUT", target, Some(body))
}

#[test]
fn a_policy_that_cannot_be_is_refused_and_changes_nothing() {
    let mut bench = Bench::of(0);
    let approvers = group_id(&bench, "Release Approvers");
    let target = path(&bench, &format!("user_groups/{approvers}"));
    let before = bench.get(&target);
    let billing = role(&mut bench, "Billing");
    let key = format!("com.cloudflare.api.account.{}", bench.account.id());
    let scope = |key: &str, object: &str| json!([{"scope": {"key": key, "objects": [{"key": object}]}}]);
    let good = json!({"access": "allow", "permission_groups": [{"id": billing}], "resource_groups": scope(&key, "*")});
    let with = |field: &str, value: Value| {
        let mut policy = good.clone();
        policy[field] = value;
        json!({"policies": [policy]})
    };
    let rows = [
        ("an access that is none", with("access", json!("maybe"))),
        ("no role", with("permission_groups", json!([]))),
        ("an unknown role", with("permission_groups", json!([{"id": "0".repeat(32)}]))),
        ("roles that are no list", with("permission_groups", json!("x"))),
        ("nothing that it is about", with("resource_groups", json!([]))),
        ("an unknown resource group", with("resource_groups", json!([{"id": "0".repeat(32)}]))),
        ("another account", with("resource_groups", scope("com.cloudflare.api.account.x", "*"))),
        ("an odd object", with("resource_groups", scope(&key, "everything"))),
        ("an unknown policy", with("id", json!("0".repeat(32)))),
        ("policies that are no list", json!({"policies": {}})),
        ("a good one and a bad one", json!({"policies": [good, {"access": "allow"}]})),
        ("a reserved name", json!({"name": "CF-admins"})),
        ("an empty name", json!({"name": ""})),
        ("a list", json!([])),
    ];
    for (row, body) in rows {
        assert_eq!(bench.send("PUT", &target, Some(&body)).0, 400, "{row}");
        assert_eq!(bench.get(&target), before, "{row}");
    }
}

#[test]
fn what_scim_manages_cannot_be_changed_but_for_its_policies() {
    let mut bench = Bench::of(0);
    let (team, approvers) = (group_id(&bench, "Endpoint Team"), group_id(&bench, "Release Approvers"));
    let person = |bench: &mut Bench, group: &str| {
        let target = path(bench, &format!("user_groups/{group}/members?direction=desc"));
        bench.get(&target)["result"][0]["id"].as_str().unwrap().to_owned()
    };
    let (erin, hana) = (person(&mut bench, &approvers), person(&mut bench, &team));
    // (row, method, below the group, body, status by hand)
    let rows = [
        ("a new name", "PUT", String::new(), Some(json!({"name": "New name"})), 200),
        ("a member more", "POST", "/members".to_owned(), Some(json!([{"id": hana}])), 200),
        ("the same again", "POST", "/members".to_owned(), Some(json!([{"id": hana}])), 200),
        ("a member less", "DELETE", format!("/members/{hana}"), None, 200),
        ("who is not in it", "DELETE", format!("/members/{hana}"), None, 404),
        ("other members", "PUT", "/members".to_owned(), Some(json!([{"id": erin}])), 200),
        ("a stranger", "POST", "/members".to_owned(), Some(json!([{"id": "0".repeat(32)}])), 400),
        ("no group", "DELETE", String::new(), None, 200),
        ("no group any more", "DELETE", String::new(), None, 404),
    ];
    for (row, method, rest, body, by_hand) in rows {
        let target = path(&bench, &format!("user_groups/{approvers}{rest}"));
        Contract::get().request(method, &target, body.as_ref()).unwrap();
        assert_eq!(bench.send(method, &target, body.as_ref()).0, by_hand, "{row}");
        let target = path(&bench, &format!("user_groups/{team}{rest}"));
        let before = bench.account.user_groups();
        let (status, answer) = bench.send(method, &target, body.as_ref());
        assert_eq!(status, 400, "{row}: {answer}");
        assert_eq!(bench.account.user_groups(), before, "{row}");
    }
    let target = path(&bench, "user_groups");
    let (status, answer) = bench.send("POST", &target, Some(&json!({"name": "Made by the API"})));
    assert_eq!((status, &answer["result"]["policies"]), (200, &json!([])));
    let written: Vec<Value> = bench
        .account
        .journal()
        .requests
        .iter()
        .filter(|row| row.applied == Some(true))
        .map(|row| serde_json::to_value(row.operation).unwrap())
        .collect();
    assert_eq!(
        written,
        [
            "account-user-group-update",
            "account-user-group-member-create",
            "account-user-group-member-create",
            "account-user-group-member-delete",
            "account-user-group-members-update",
            "account-user-group-delete",
            "account-user-group-create",
        ]
    );
}

#[test]
fn people_change_by_hand() {
    let mut bench = Bench::of(0);
    let account = &mut bench.account;
    let ana = SimulatedMember::accepted("ana@example.com");
    let pending = SimulatedMember::pending("ana@example.com");
    account.set_members("Release Approvers", &[ana.clone(), SimulatedMember::without_email(), ana]).unwrap();
    let of = |account: &ringward::sandbox::Account, name: &str| {
        account.user_groups().into_iter().find(|group| group.name == name).unwrap().members
    };
    assert_eq!(of(account, "Release Approvers").len(), 2, "each once");
    account.set_members("Endpoint Team", std::slice::from_ref(&pending)).unwrap();
    assert_eq!(
        of(account, "Release Approvers")[0].status,
        MemberStatus::Pending,
        "one person has one status"
    );
    account.rename_user_group("Endpoint Team", "Release Approvers").unwrap();
    let twice = account.set_members("Release Approvers", &[]);
    assert_eq!(twice, Err(NoUserGroup::Ambiguous("Release Approvers".to_owned())));
    let id = account.user_groups()[0].id.clone();
    account.remove_user_group(&id).unwrap();
    account.rename_user_group("Release Approvers", "Others").unwrap();
    let unknown = Err(NoUserGroup::Unknown("Release Approvers".to_owned()));
    assert_eq!(account.rename_user_group("Release Approvers", "x"), unknown);
    assert_eq!(account.remove_user_group("Release Approvers"), unknown);
    let before = account.user_groups();
    assert_eq!(account.set_members("Release Approvers", std::slice::from_ref(&pending)), unknown);
    assert_eq!(account.user_groups(), before, "nobody's status changed either");
    let id = account.push_user_group("Pushed", &[SimulatedMember::accepted("zoe@example.com")]);
    let truth = account.user_groups().pop().unwrap();
    assert_eq!((truth.id, truth.scim, truth.members.len()), (id, true, 1));
}

#[test]
fn faults_strike_here_too() {
    let list = "account-user-group-list";
    // (row, fault, method, below `iam`, status, whether the write took effect)
    let rows = [
        ("forbidden", json!({"operation": list, "kind": "forbidden"}), "GET", "user_groups", 403),
        (
            "server error",
            json!({"operation": "any", "kind": "server_error"}),
            "GET",
            "permission_groups",
            503,
        ),
        (
            "limited",
            json!({"operation": "account-resource-group-list", "kind": "rate_limited", "seconds": 5}),
            "GET",
            "resource_groups",
            429,
        ),
    ];
    for (row, fault, method, rest, status) in rows {
        let mut bench = Bench::of(0);
        bench.faults(json!([fault]));
        let target = path(&bench, rest);
        let request = bench.request(method, &target, None);
        let answer = crate::bench::answered(bench.account.handle(request, bench.now));
        assert_eq!(answer.status, status, "{row}");
    }
    let mut bench = Bench::of(0);
    bench.faults(json!([{"operation": list, "kind": "filter_ignored"}]));
    let target = path(&bench, "user_groups?name=Endpoint%20Team");
    assert_eq!(bench.get(&target)["result"].as_array().unwrap().len(), 2, "the filter was ignored");
    assert_eq!(bench.get(&target)["result"].as_array().unwrap().len(), 1);

    let update = "account-user-group-update";
    bench.faults(json!([{"operation": update, "kind": "applied_late", "seconds": 60}]));
    let approvers = group_id(&bench, "Release Approvers");
    let target = path(&bench, &format!("user_groups/{approvers}"));
    let request = bench.request("PUT", &target, Some(&json!({"policies": []})));
    assert!(matches!(bench.account.handle(request, bench.now), ringward::sandbox::SandboxOutcome::Reset));
    assert_eq!(bench.get(&target)["result"]["policies"].as_array().unwrap().len(), 1, "not yet");
    bench.wait(ringward::time::SignedDuration::from_secs(61));
    assert_eq!(bench.get(&target)["result"]["policies"], json!([]), "late, but applied");
}

#[tokio::test]
async fn ringwards_client_and_the_account_understand_each_other() {
    let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let account = AccountSettings { devices: 0, ..AccountSettings::default() };
    let sandbox = start(SandboxSettings { listen, clock: Clock::Real, account }).await.unwrap();
    let account = AccountId::new(sandbox.account_id()).unwrap();
    let url = sandbox.api_url().parse().unwrap();
    let settings = cloudflare::Settings::new(url, account.clone(), sandbox.token().clone(), Clock::Real);
    let client = CloudflareClient::new(settings).unwrap();
    let many: Vec<SimulatedMember> =
        (0..1_203).map(|n| SimulatedMember::accepted(&format!("p{n}@example.com"))).collect();
    let odd = "R&D / Lisbon";
    let id = UserGroupId::new(sandbox.with_account(|account| account.add_user_group(odd, &many))).unwrap();
    sandbox.with_account(|account| {
        account.add_user_group(
            odd,
            &[SimulatedMember::without_email(), SimulatedMember::pending("zoe@example.com")],
        )
    });

    let named = client.user_groups_named(&UserGroupName::new(odd).unwrap(), Priority::Routine).await.unwrap();
    assert_eq!(named.len(), 2, "twice by that name");
    assert_eq!(client.user_group_members(&id, Priority::Write).await.unwrap().len(), 1_203, "all pages");
    let other = named.iter().find(|group| group.id != id).unwrap();
    let members = client.user_group_members(&other.id, Priority::Routine).await.unwrap();
    let told: BTreeSet<(bool, bool)> = members
        .iter()
        .map(|member| (member.email.is_some(), member.standing == Standing::Accepted))
        .collect();
    assert_eq!(told, BTreeSet::from([(false, true), (true, false)]));
    let roles = client.permission_groups().await.unwrap();
    assert_eq!(roles.len(), 62, "all pages");
    let whole = ResourceScope::account(&account);
    assert!(client.resource_groups().await.unwrap().iter().any(|group| group.scope.as_ref() == Some(&whole)));
    let intent = |access, on| PolicyIntent { access, roles: BTreeSet::from([roles[0].id.clone()]), on };
    let zone = ResourceScope::zones(&account, ["023e105f4ecef8ad9ca31a8372d0c353"]);
    let policies = [intent(Access::Allow, whole.clone()), intent(Access::Deny, zone)];
    let group = client.update_user_group(&id, &policies).await.unwrap();
    assert_eq!(group.policies[0].on[0].scope, Some(whole));
    assert_eq!(client.update_user_group(&id, &[]).await.unwrap().policies, []);
    sandbox.with_account(|account| account.remove_user_group(id.as_str())).unwrap();
    assert!(client.user_group_members(&id, Priority::Routine).await.unwrap_err().says_missing());
    assert_eq!(client.user_groups().await.unwrap().len(), 3);

    for row in sandbox.journal().requests {
        let target = format!("{}?{}", row.path.replace("/client/v4", ""), row.query);
        Contract::get().request(&row.method, &target, row.body.as_ref()).unwrap();
    }
    sandbox.shutdown().await;
}
