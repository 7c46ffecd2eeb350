//! The count by hand: which profiles a write concerns, and which listed devices it touches.

use crate::fleet::ListedProfile;
use crate::ids::GroupId;
use crate::plan::model::PlanDigest;
use crate::rollout::judge::blast::*;
use crate::rollout::record::{Group, VersionEntry};
use crate::rollout::record::{Purpose, WriteId};
use crate::time::Timestamp;

fn policy(id: &str) -> PolicyId {
    PolicyId::new(id).unwrap()
}

/// `windows 1, macos 2 for it, hr`: entries, then profiles; `-` is a null environment.
fn content(text: &str) -> GroupContent {
    let (entries, profiles) = text.split_once(" for ").unwrap();
    let entry = |text: &str| {
        let (environment, version) = text.split_once(' ').unwrap();
        let environment = (environment != "-").then(|| environment.to_owned());
        VersionEntry { environment, version: version.to_owned() }
    };
    let words = |text: &str| -> Vec<String> {
        text.split(", ").filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    GroupContent {
        name: "Ring".to_owned(),
        versions: words(entries).iter().map(|text| entry(text)).collect(),
        policies: words(profiles).iter().map(|id| policy(id)).collect(),
    }
}

fn intent(before: Option<&str>, after: &str) -> WriteIntent {
    WriteIntent {
        id: WriteId(1),
        digest: PlanDigest::of_written("{}"),
        purpose: Purpose::Target,
        before: before.map(|before| Group {
            id: GroupId::new("g").unwrap(),
            content: content(before),
            updated_at: Timestamp::UNIX_EPOCH,
        }),
        after: content(after),
        policies: BTreeSet::new(),
        judgements: Vec::new(),
        devices: 0,
        retargets: None,
        after_doubt: false,
        moves: None,
        today: None,
    }
}

fn device(id: &str, os: &str, client: Reported, profile: Option<&str>) -> ListedDevice {
    ListedDevice {
        id: DeviceId::new(id).unwrap(),
        name: id.to_owned(),
        user: None,
        device_type: Some(os.to_owned()),
        os_version: None,
        client,
        last_seen_at: None,
        policy: profile.map(|id| ListedProfile { id: policy(id), default: false }),
    }
}

/// Two Windows devices and one Mac in each of three profiles, and some that never count.
fn listed() -> Vec<ListedDevice> {
    let version = |text: &str| Reported::Version(text.parse().unwrap());
    let mut listed = Vec::new();
    for profile in ["it", "hr", "everyone"] {
        for (n, os) in ["windows", "windows", "mac"].into_iter().enumerate() {
            listed.push(device(&format!("{profile}-{n}"), os, version("2026.7.1376.0"), Some(profile)));
        }
        listed.push(device(&format!("{profile}-linux"), "linux", version("2026.7.1377.0"), Some(profile)));
        listed.push(device(&format!("{profile}-old"), "windows", version("2026.5.1155.1"), Some(profile)));
    }
    listed.push(device("nowhere", "windows", version("2026.7.1376.0"), None));
    listed
}

#[test]
fn what_a_write_touches_is_counted() {
    let rows: [(&str, Option<&str>, &str, &str, usize); 12] = [
        ("a group is created", None, "windows 2 for it", "it", 2),
        ("for both environments", None, "windows 2, macos 2 for it, hr", "hr it", 6),
        ("nothing changes", Some("windows 2 for it"), "windows 2 for it", "", 0),
        ("a new version", Some("windows 1 for it"), "windows 2 for it", "it", 2),
        ("of one environment", Some("windows 1, macos 1 for it"), "windows 2, macos 1 for it", "it", 2),
        ("a profile comes in", Some("windows 2 for it"), "windows 2 for it, hr", "hr", 2),
        (
            "with what is there unmanaged",
            Some("windows 2, macos 1 for it"),
            "windows 2, macos 1 for it, hr",
            "hr",
            3,
        ),
        ("a profile goes out", Some("windows 2, macos 1 for it, hr"), "windows 2, macos 1 for it", "hr", 3),
        ("one out, one in", Some("windows 2 for it"), "windows 2 for hr", "hr it", 4),
        ("no environment at all", Some("windows 2, - 1 for it"), "windows 2, - 3 for it", "it", 3),
        (
            "two versions for one environment",
            Some("windows 1, windows 2 for it"),
            "windows 2 for it",
            "it",
            2,
        ),
        ("nobody is in it", Some("windows 1 for "), "windows 2 for ", "", 0),
    ];
    for (row, before, after, concerned, counted) in rows {
        let intent = intent(before, after);
        let profiles: Vec<String> = profiles(&intent).iter().map(ToString::to_string).collect();
        assert_eq!(profiles.join(" "), concerned, "{row}");
        assert_eq!(count(&intent, &listed()), counted, "{row}");
    }
}

#[test]
fn a_device_counts_once_and_a_version_that_cannot_be_read_counts() {
    let intent = intent(None, "windows 2 for it, hr");
    let known = Reported::Version("2026.7.1376.0".parse().unwrap());
    // It moved from one profile to the other while both were listed.
    let twice =
        [device("d", "windows", known.clone(), Some("it")), device("d", "windows", known, Some("hr"))];
    assert_eq!(count(&intent, &twice), 1);
    let unreadable = Reported::Unreadable("nightly".to_owned());
    let odd =
        [device("a", "windows", Reported::Null, Some("it")), device("b", "Windows", unreadable, Some("hr"))];
    assert_eq!(count(&intent, &odd), 2);
}
