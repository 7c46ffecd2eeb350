//! How the fleet lives: who moves, who stays, and that looking changes nothing.

use std::collections::BTreeMap;

use ringward::sandbox::{AccountSettings, DeviceStory, DeviceTruth};
use ringward::time::{SignedDuration, after, since};
use ringward::version::Environment;
use serde_json::json;

use crate::bench::{Bench, NEW, OLD, both};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

#[test]
fn within_a_week_nearly_everyone_who_can_arrives() {
    for seed in 1..=4 {
        let mut bench = Bench::new(&AccountSettings { seed, devices: 2_000, ..Default::default() });
        bench.create("Ring 0", &["Engineering"], NEW);
        bench.create("Ring 1", &["Sales"], NEW);
        let start: BTreeMap<String, DeviceTruth> =
            bench.account.truths().into_iter().map(|truth| (truth.id.clone(), truth)).collect();
        let assigned = bench.now;
        bench.wait(WEEK);
        for profile in ["Engineering", "Sales"] {
            let of_profile: Vec<DeviceTruth> =
                bench.account.truths().into_iter().filter(|truth| truth.profile == profile).collect();
            let active = |truth: &&DeviceTruth| {
                start[&truth.id].last_seen_at.is_some_and(|seen| since(seen, assigned) < WEEK)
            };
            let able: Vec<&DeviceTruth> = of_profile
                .iter()
                .filter(|truth| truth.environment.is_some())
                .filter(|truth| !matches!(truth.story, DeviceStory::Pinned | DeviceStory::TooOld))
                .filter(active)
                .collect();
            let arrived = able.iter().filter(|truth| truth.reported.as_deref() == Some(NEW)).count();
            let share = arrived * 100 / able.len();
            assert!((90..100).contains(&share), "seed {seed}, {profile}: {arrived} of {}", able.len());
        }
    }
}

#[test]
fn nobody_moves_who_must_not() {
    let mut bench = Bench::of(2_000);
    let start: BTreeMap<String, Option<String>> =
        bench.account.truths().into_iter().map(|truth| (truth.id, truth.running)).collect();
    bench.wait(WEEK);
    for truth in bench.account.truths() {
        assert_eq!(truth.running, start[&truth.id], "without an assignment: {truth:?}");
    }
    let policies = [bench.policy("Engineering"), bench.policy("default")];
    let only_windows = json!([
        {"target_environment": "windows", "version": NEW},
        {"target_environment": null, "version": NEW},
        {"target_environment": "linux", "version": NEW},
    ]);
    let target = bench.path("deployment-groups");
    let body = json!({"name": "a", "policy_ids": policies, "version_config": only_windows});
    assert_eq!(bench.send("POST", &target, Some(&body)).0, 200);
    bench.wait(WEEK * 4);
    let (mut able, mut moved) = (0, 0);
    for truth in bench.account.truths() {
        let stays = truth.environment != Some(Environment::Windows)
            || !["Engineering", "default"].contains(&truth.profile.as_str())
            || truth.story != DeviceStory::Follows;
        if stays {
            assert_eq!(truth.running, start[&truth.id], "{truth:?}");
        } else {
            able += 1;
            moved += usize::from(truth.running.as_deref() == Some(NEW));
        }
    }
    assert!(able > 500 && moved * 100 >= able * 97, "{moved} of {able}");
}

#[test]
fn a_new_version_shows_late_and_gradually() {
    let mut bench = Bench::of(1_000);
    bench.create("all", &["Engineering", "IT", "Support", "Sales", "default"], NEW);
    let arrived = |bench: &Bench| {
        bench.account.truths().iter().filter(|truth| truth.reported.as_deref() == Some(NEW)).count()
    };
    let mut counts = vec![arrived(&bench)];
    for minutes in [1, 14, 15, 60, 600, 1_440] {
        bench.wait(SignedDuration::from_mins(minutes));
        counts.push(arrived(&bench));
        for truth in bench.account.truths() {
            assert!(truth.last_seen_at.is_none_or(|seen| seen <= bench.now));
        }
    }
    assert_eq!((counts[0], counts[1]), (0, 0), "nobody at once, nobody after a minute");
    assert!(counts.windows(2).all(|pair| pair[0] <= pair[1]), "{counts:?}");
    assert!(counts[2] > 0 && counts[2] < counts[4] && counts[4] < counts[6], "{counts:?}");
}

#[test]
fn laptops_are_closed_at_night_and_at_weekends() {
    let mut bench = Bench::of(1_000);
    let online = |bench: &Bench| {
        let recent = |truth: &&DeviceTruth| {
            truth.last_seen_at.is_some_and(|seen| since(seen, bench.now) < SignedDuration::from_mins(10))
        };
        bench.account.truths().iter().filter(recent).count()
    };
    // From Monday 09:00: noon, midnight, and Saturday noon.
    bench.wait(SignedDuration::from_hours(3));
    let noon = online(&bench);
    bench.wait(SignedDuration::from_hours(12));
    let midnight = online(&bench);
    bench.wait(SignedDuration::from_hours(4 * 24 + 12));
    let saturday = online(&bench);
    assert!(noon > 750 && noon < 950, "{noon}");
    assert!((10..100).contains(&midnight), "{midnight}");
    assert!(saturday > midnight && saturday < 200, "{saturday}");
}

#[test]
fn the_same_seed_and_writes_give_the_same_fleet_whoever_looks() {
    let settings = AccountSettings { seed: 42, devices: 500, ..Default::default() };
    let story = |looks: u32| {
        let mut bench = Bench::new(&settings);
        let begin = bench.now;
        let look = |bench: &mut Bench, until| {
            let steps = i64::from(looks) + 1;
            let length = since(bench.now, until) / i32::try_from(steps).unwrap();
            for _ in 0..looks {
                bench.wait(length);
                let target = bench.path("physical-devices?per_page=100&sort_by=last_seen_at");
                bench.get(&target);
                let groups = bench.path("deployment-groups");
                bench.get(&groups);
            }
            let rest = since(bench.now, until);
            bench.wait(rest);
        };
        look(&mut bench, after(begin, SignedDuration::from_hours(3)));
        let id = bench.create("Ring 0", &["Engineering", "Sales"], NEW);
        look(&mut bench, after(begin, SignedDuration::from_hours(30)));
        let target = bench.path(&format!("deployment-groups/{id}"));
        bench.faults(
            json!([{"operation": "update-deployment-group", "kind": "applied_late", "seconds": 600}]),
        );
        let request = bench.request("PATCH", &target, Some(&json!({"version_config": both(OLD)})));
        bench.account.handle(request, bench.now);
        look(&mut bench, after(begin, SignedDuration::from_hours(50)));
        let group = bench.get(&target);
        (bench.account.truths(), group)
    };
    let (silent, group) = story(0);
    let moved = silent.iter().filter(|truth| truth.running.as_deref() == Some(NEW)).count();
    assert!(moved > 0, "the story must have something to compare");
    for looks in [1, 9] {
        let (watched, watched_group) = story(looks);
        assert_eq!(watched_group, group, "{looks} looks");
        assert!(watched == silent, "{looks} looks");
    }
    let other = Bench::new(&AccountSettings { seed: 43, ..settings.clone() });
    assert_ne!(other.account.truths()[0].id, silent[0].id);
}

#[test]
fn the_old_version_brings_devices_back() {
    let mut bench = Bench::of(600);
    let id = bench.create("Ring 0", &["Engineering"], NEW);
    bench.wait(WEEK);
    let target = bench.path(&format!("deployment-groups/{id}"));
    assert_eq!(bench.send("PATCH", &target, Some(&json!({"version_config": both(OLD)}))).0, 200);
    bench.wait(WEEK * 2);
    let left = bench.account.truths().iter().filter(|truth| truth.running.as_deref() == Some(NEW)).count();
    assert!(left <= 3, "{left} did not come back");

    assert_eq!(bench.send("DELETE", &target, None).0, 200);
    let before = bench.account.truths();
    bench.wait(WEEK);
    let moved = bench.account.truths().iter().zip(&before).filter(|(a, b)| a.running != b.running).count();
    assert_eq!(moved, 0, "deleting a group moves nobody");
}

#[test]
fn a_device_that_changes_its_profile_follows_the_new_group() {
    let mut bench = Bench::of(600);
    bench.create("Ring 0", &["IT"], NEW);
    let movable = |truth: &&DeviceTruth| truth.profile == "Sales" && truth.story == DeviceStory::Follows;
    let device = bench.account.truths().iter().find(movable).unwrap().id.clone();
    let policy = bench.policy("IT");
    assert!(bench.account.change_profile(&device, &policy, bench.now));
    assert!(!bench.account.change_profile(&device, "nothing", bench.now));
    bench.wait(WEEK * 3);
    let truth = bench.account.truths().into_iter().find(|truth| truth.id == device).unwrap();
    assert_eq!((truth.profile.as_str(), truth.running.as_deref()), ("IT", Some(NEW)));
}
