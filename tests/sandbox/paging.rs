//! Pages of groups and devices, filters, order.

use std::collections::BTreeSet;

use ringward::sandbox::DeviceStory;
use ringward::time::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::bench::{Bench, NEW, OLD, both};

/// Follows cursors to the end at one instant.
fn sweep(bench: &mut Bench, query: &str) -> Vec<Value> {
    slow_sweep(bench, query, SignedDuration::ZERO)
}

/// Follows cursors to the end; between two pages the fleet lives on.
fn slow_sweep(bench: &mut Bench, query: &str, pause: SignedDuration) -> Vec<Value> {
    let base = bench.path("physical-devices");
    let (mut devices, mut cursor) = (Vec::new(), String::new());
    for _ in 0..1_000 {
        let from = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
        let page = bench.get(&format!("{base}?{query}{from}"));
        let rows = page["result"].as_array().unwrap();
        assert_eq!(page["result_info"]["count"], json!(rows.len()));
        devices.extend(rows.iter().cloned());
        cursor = page["result_info"]["cursor"].as_str().unwrap().to_owned();
        if cursor.is_empty() {
            return devices;
        }
        bench.wait(pause);
    }
    panic!("the cursor never ends");
}

fn ids(devices: &[Value]) -> BTreeSet<String> {
    devices.iter().map(|device| device["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_sweep_shows_every_device_once_whatever_the_page_size() {
    let mut bench = Bench::of(407);
    bench.create("all", &["Engineering", "IT", "Support", "Sales", "default"], NEW);
    let truths = bench.account.truths();
    let known: BTreeSet<String> = truths.iter().map(|truth| truth.id.clone()).collect();
    let revoked = truths.iter().filter(|truth| truth.story == DeviceStory::Unregistered).count();
    assert!(revoked > 0, "this fleet has revoked devices");
    for per_page in [1, 7, 50, 100, 407, 5_000] {
        let query = format!("per_page={per_page}&active_registrations=include");
        let devices = slow_sweep(&mut bench, &query, SignedDuration::from_secs(7));
        assert_eq!(devices.len(), 407, "{per_page}: no device twice");
        assert_eq!(ids(&devices), known, "{per_page}");
        bench.wait(SignedDuration::from_mins(30));
    }
    assert_eq!(sweep(&mut bench, "per_page=100").len(), 407 - revoked, "revoked ones are hidden by default");
    assert_eq!(sweep(&mut bench, "active_registrations=exclude").len(), revoked);
}

#[test]
fn orders_hold_over_pages() {
    let mut bench = Bench::of(150);
    for key in ["name", "id", "client_version", "last_seen_user.email", "active_registrations", "created_at"]
    {
        for order in ["asc", "desc"] {
            let query = format!("per_page=40&active_registrations=include&sort_by={key}&sort_order={order}");
            let devices = sweep(&mut bench, &query);
            assert_eq!(ids(&devices).len(), 150, "{key} {order}");
            assert_eq!(devices.len(), 150, "{key} {order}");
            if let "name" | "id" | "created_at" = key {
                let mut sorted: Vec<&str> =
                    devices.iter().map(|device| device[key].as_str().unwrap()).collect();
                if order == "desc" {
                    sorted.reverse();
                }
                assert!(sorted.is_sorted(), "{key} {order}");
            }
        }
    }
}

#[test]
fn filters_choose_devices() {
    let mut bench = Bench::of(700);
    let all = sweep(&mut bench, "include=last_seen_registration.policy");
    let seen =
        |device: &Value| device["last_seen_at"].as_str().map(|text| text.parse::<Timestamp>().unwrap());
    let policy = bench.policy("Sales");
    let of_sales = sweep(
        &mut bench,
        &format!("include=last_seen_registration.policy&last_seen_registration.policy.id={policy}"),
    );
    assert!(of_sales.iter().all(|device| device["last_seen_registration"]["policy"]["id"] == json!(policy)));
    let expected =
        all.iter().filter(|d| d["last_seen_registration"]["policy"]["id"] == json!(policy)).count();
    assert_eq!(of_sales.len(), expected);

    let bound: Timestamp = "2026-10-10T00:00:00Z".parse().unwrap();
    let after = sweep(&mut bench, &format!("seen_after={bound}"));
    let before = sweep(&mut bench, &format!("seen_before={bound}"));
    let never = all.iter().filter(|device| seen(device).is_none()).count();
    assert!(never > 0, "this fleet has a device that was never seen");
    assert!(after.iter().all(|device| seen(device).unwrap() > bound));
    assert!(before.iter().all(|device| seen(device).unwrap() < bound));
    assert_eq!(after.len() + before.len() + never, all.len());

    let exact = seen(&all[0]).unwrap();
    for side in ["seen_after", "seen_before"] {
        let found = ids(&sweep(&mut bench, &format!("{side}={exact}")));
        assert!(!found.contains(all[0]["id"].as_str().unwrap()), "{side} leaves its own instant out");
    }

    let (one, two) = (all[0]["id"].as_str().unwrap(), all[1]["id"].as_str().unwrap());
    assert_eq!(ids(&sweep(&mut bench, &format!("id={one}&id={two}"))).len(), 2);
    let name = all[5]["name"].as_str().unwrap().to_lowercase().replace(' ', "%20");
    assert!(sweep(&mut bench, &format!("search={name}")).iter().any(|device| device["id"] == all[5]["id"]));
    let email = all[5]["last_seen_user"]["email"].as_str().unwrap();
    let of_one_user = sweep(&mut bench, &format!("last_seen_user.email={email}"));
    let expected = all.iter().filter(|device| device["last_seen_user"]["email"] == email).count();
    assert_eq!((of_one_user.len(), expected > 0), (expected, true));
    assert_eq!(sweep(&mut bench, "tag=fleet:warehouse").len(), 0);

    let device = bench.path(&format!("physical-devices/{one}"));
    assert_eq!(bench.get(&device)["result"]["last_seen_registration"], json!({}), "no policy unless asked");
    let with = bench.get(&format!("{device}?include=last_seen_registration.policy"));
    assert!(with["result"]["last_seen_registration"]["policy"]["id"].is_string());
}

#[test]
fn a_query_that_makes_no_sense_is_400() {
    let mut bench = Bench::of(10);
    let rows = [
        "physical-devices?per_page=0",
        "physical-devices?per_page=many",
        "physical-devices?sort_by=colour",
        "physical-devices?sort_order=up",
        "physical-devices?seen_after=yesterday",
        "physical-devices?active_registrations=all",
        "physical-devices?has_registration_type=phone",
        "physical-devices?cursor=zz",
        "physical-devices?cursor=abc",
        "physical-devices?include=everything",
        "physical-devices?last_seen_registration.policy.id=Sales",
        "deployment-groups?page=0",
        "deployment-groups?per_page=101",
        "deployment-groups?per_page=-1",
    ];
    for row in rows {
        let target = bench.path(row);
        assert_eq!(bench.send("GET", &target, None).0, 400, "{row}");
    }
    let unknown = bench.path("physical-devices/nobody");
    assert_eq!(bench.send("GET", &unknown, None).0, 404);
}

#[test]
fn groups_come_in_pages() {
    let mut bench = Bench::of(5);
    let target = bench.path("deployment-groups");
    for n in 0..7 {
        let body = json!({"name": format!("group {n}"), "version_config": both(OLD)});
        assert_eq!(bench.send("POST", &target, Some(&body)).0, 200);
    }
    let mut names = Vec::new();
    for page in 1..=4 {
        let answer = bench.get(&format!("{target}?page={page}&per_page=3"));
        let info = &answer["result_info"];
        assert_eq!((&info["total_count"], &info["total_pages"]), (&json!(7), &json!(3)));
        let rows = answer["result"].as_array().unwrap().clone();
        assert!(rows.iter().all(|group| group["policy_ids"].is_null()), "made without policies");
        names.extend(rows.into_iter().map(|group| group["name"].as_str().unwrap().to_owned()));
    }
    let expected: Vec<String> = (0..7).map(|n| format!("group {n}")).collect();
    assert_eq!(names, expected);
}
