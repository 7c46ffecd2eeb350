//! Every kind of drift under every `on_drift`: what is recorded, how soon, and what is written.
//!
//! **Invariant:** a row names what becomes of one kind of drift under one `on_drift`, and the law
//! checker finds nothing wrong with the run.

use std::collections::BTreeSet;

use crate::support::drive::devices::{DeviceScript, Devices};
use crate::support::drive::upstream::{Outsider, Upstream};
use crate::support::drive::{Drive, Happening, OnDisk, Pace, writes_for_the_laws};
use ringward::ids::{DeviceId, PlanName, PolicyId};
use ringward::plan::{self, model::Revision};
use ringward::rollout::laws;
use ringward::rollout::record::{Cancelled, Cause, Drift, Event, Mode, Recorded};
use ringward::rollout::record::{DriftKind, DriftStanding};
use ringward::rollout::record::{GroupContent, Profile, VersionEntry};
use ringward::time::{SignedDuration, Timestamp, after, since};
use ringward::version::{ClientVersion, Environment};

const OLD: ClientVersion = ClientVersion::new(2026, 6, 880, 0);
const OTHER: ClientVersion = ClientVersion::new(2026, 9, 100, 0);
const FIRST: &str = "Engineering";
const SECOND: &str = "Everyone else";

/// An incremental sweep comes every half hour; then a poll of the groups, which explain nothing.
const ONE_SWEEP: SignedDuration = SignedDuration::from_mins(30);

fn policy(id: &str) -> PolicyId {
    PolicyId::new(id).unwrap()
}

fn begin() -> Timestamp {
    "2026-10-12T08:00:00Z".parse().unwrap()
}

fn account() -> Upstream {
    let ids = ["p-1", "p-2"];
    let stories = ids.iter().flat_map(|id| {
        (0..10).map(move |n| {
            let device = DeviceId::new(format!("{id}-{n}")).unwrap();
            DeviceScript::new(device, if n % 2 == 0 { "windows" } else { "mac" }, OLD, policy(id))
        })
    });
    let stories = stories.collect();
    let profile = |id: &str| Profile {
        id: policy(id),
        name: Some(format!("Profile {id}")),
        is_default: false,
        enabled: true,
    };
    Upstream::new(Devices::new(stories, None), ids.map(profile).to_vec())
}

/// The plan, with the profiles of its first ring.
fn revision(on_drift: &str, version: &str, profiles: &str) -> Revision {
    let text = format!(
        "plan: client\nversions: {{windows: {version}, macos: {version}}}\non_drift: {on_drift}\n\
         defaults: {{soak: 48h}}\nrings:\n  - {{name: {FIRST}, profiles: [{profiles}]}}\n  \
         - {{name: {SECOND}, profiles: [Profile p-2]}}\n"
    );
    plan::read("plan.yaml", text.as_bytes()).unwrap()
}

fn drive(on_drift: &str, pace: Pace) -> Drive {
    let revision = revision(on_drift, "2026.8.2100.0", "Profile p-1");
    Drive::new(account(), vec![revision], pace, Mode::Write, begin())
}

/// What somebody does, and the kind that it is.
fn edits() -> Vec<(DriftKind, Outsider)> {
    let first = || FIRST.to_owned();
    let theirs = GroupContent {
        name: "Made by hand".to_owned(),
        versions: vec![VersionEntry::of(Environment::Windows, OLD)],
        policies: BTreeSet::from([policy("p-1")]),
    };
    let updates = Outsider::Updates { profile: policy("p-2"), devices: 4, version: OTHER };
    let edits = vec![
        (DriftKind::VersionChanged, Outsider::SetsVersion(first(), Environment::Windows, OLD.to_string())),
        (DriftKind::PoliciesChanged, Outsider::SetsProfiles(first(), BTreeSet::new())),
        (DriftKind::GroupDeleted, Outsider::Deletes(first())),
        (DriftKind::ProfileMoved, Outsider::Creates(theirs)),
        (DriftKind::OtherUpdater, updates),
        (DriftKind::GroupRenamed, Outsider::Renames(first(), "Pilots".to_owned())),
    ];
    for kind in DriftKind::ALL {
        assert!(edits.iter().any(|(listed, _)| *listed == kind), "no edit is a {}", kind.as_str());
    }
    edits
}

/// What the log has about a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Halted,
    WrittenBack,
    Accepted,
    Noted,
}

fn expected(kind: DriftKind, on_drift: &str) -> Became {
    match (kind, on_drift) {
        (DriftKind::GroupRenamed, _) => Became::Noted,
        (_, "accept") => Became::Accepted,
        // Nothing is taken from somebody else, and no write undoes another updater's work.
        (DriftKind::ProfileMoved | DriftKind::OtherUpdater, _) | (_, "halt") => Became::Halted,
        (_, "restore") => Became::WrittenBack,
        (_, other) => panic!("no on_drift `{other}`"),
    }
}

fn recorded(event: &Event) -> Option<(Became, BTreeSet<DriftKind>)> {
    match event {
        Event::Halted { cause: Cause::Drift(drift) } => Some((Became::Halted, drift.kinds())),
        Event::Halted { cause: Cause::OtherUpdater(_) } => {
            Some((Became::Halted, BTreeSet::from([DriftKind::OtherUpdater])))
        }
        Event::DriftFound { drift } => Some((Became::WrittenBack, drift.kinds())),
        Event::DriftAdopted { drift: Drift::Group(drift) } => Some((Became::Accepted, drift.kinds())),
        Event::DriftAdopted { drift: Drift::OtherUpdater(_) } => {
            Some((Became::Accepted, BTreeSet::from([DriftKind::OtherUpdater])))
        }
        Event::GroupRenamed { .. } => Some((Became::Noted, BTreeSet::from([DriftKind::GroupRenamed]))),
        _ => None,
    }
}

fn standing(became: Became) -> DriftStanding {
    match became {
        Became::Halted => DriftStanding::Halts,
        Became::WrittenBack => DriftStanding::ToRestore,
        Became::Accepted => DriftStanding::Accepted,
        Became::Noted => DriftStanding::Noted,
    }
}

fn assert_lawful(row: &str, drive: &Drive) {
    let found = laws::check(&drive.daemon.log, &writes_for_the_laws(&drive.upstream));
    assert!(found.is_empty(), "{row}: {found:#?}\n{}", drive.tail());
}

#[test]
fn each_kind_is_found_at_once_and_dealt_with_as_the_plan_says() {
    let edited_at = after(begin(), SignedDuration::from_hours(20));
    for on_drift in ["halt", "restore", "accept"] {
        for (kind, edit) in edits() {
            let row = format!("{} under {on_drift}", kind.as_str());
            let mut drive = drive(on_drift, Pace::default());
            drive.run_until(edited_at);
            let writes = drive.upstream.writes().count();
            assert_eq!(writes, 1, "{row}: the first ring is entered");
            drive.at(edited_at, Happening::Outside(edit));
            let seen = |drive: &Drive| {
                let told = |one: &Recorded| Some((one.at, recorded(&one.entry.event)?));
                drive.daemon.log.iter().filter(|one| one.at >= edited_at).find_map(told)
            };
            let end = after(edited_at, SignedDuration::from_hours(2));
            while seen(&drive).is_none() && drive.step(end) {}
            let Some((at, (became, kinds))) = seen(&drive) else { panic!("{row}: nothing is recorded") };
            assert_eq!((became, kinds), (expected(kind, on_drift), BTreeSet::from([kind])), "{row}");
            let poll = drive.daemon.engine.world.cadence.poll;
            let within = if kind == DriftKind::OtherUpdater { ONE_SWEEP + poll } else { poll };
            // A read takes two seconds; a group that is not listed is read by itself after that.
            let slack = SignedDuration::from_secs(10);
            assert!(since(edited_at, at) <= within + slack, "{row}: found at {at} only");
            let report = &drive.daemon.reports[&PlanName::new("client").unwrap()];
            let told = report.drifts.iter().any(|found| {
                found.kind == kind && found.standing == standing(became) && !found.text.is_empty()
            });
            assert!(told, "{row}: the report has {:#?}", report.drifts);
            drive.run_until(end);
            let written: Vec<_> = drive.upstream.writes().skip(writes).collect();
            let back = usize::from(became == Became::WrittenBack);
            assert_eq!(written.len(), back, "{row}: {written:#?}");
            assert_lawful(&row, &drive);
        }
    }
}

#[test]
fn a_group_written_back_is_as_ringward_left_it_and_its_ring_adopts_and_soaks_again() {
    let edited_at = after(begin(), SignedDuration::from_hours(20));
    for (kind, edit) in edits() {
        if expected(kind, "restore") != Became::WrittenBack {
            continue;
        }
        let row = kind.as_str();
        let mut drive = drive("restore", Pace::default());
        drive.run_until(edited_at);
        let left = drive.upstream.groups().next().unwrap().content.clone();
        drive.at(edited_at, Happening::Outside(edit));
        drive.run_until(after(edited_at, SignedDuration::from_hours(2)));
        let now: Vec<_> = drive.upstream.groups().map(|group| group.content.clone()).collect();
        assert_eq!(now, [left], "{row}");
        drive.run_until(after(edited_at, SignedDuration::from_hours(24 * 10)));
        let verified = drive.daemon.log.iter().find(|one| one.entry.event.kind() == "ring_verified").unwrap();
        let soaked = since(edited_at, verified.at);
        assert!(soaked >= SignedDuration::from_hours(48), "{row}: verified {soaked:#} after the drift");
        let kinds: Vec<_> = drive.daemon.log.iter().map(|one| one.entry.event.kind()).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "adoption_reached").count(), 3, "{row}: {kinds:?}");
        assert!(kinds.contains(&"rollout_completed"), "{row}:\n{}", drive.tail());
        assert_lawful(row, &drive);
    }
}

/// A newer plan may ask for what cannot be done; what ringward left is still kept as it was.
#[test]
fn a_group_is_written_back_though_its_ring_cannot_be_entered() {
    let later = |hours: i64| after(begin(), SignedDuration::from_hours(24 * 10 + hours));
    let mut drive = drive("restore", Pace::default());
    drive.run_until(later(0));
    let contents = |drive: &Drive| -> Vec<GroupContent> {
        drive.upstream.groups().map(|group| group.content.clone()).collect()
    };
    let (left, writes) = (contents(&drive), drive.upstream.writes().count());
    let newer = revision("restore", &OTHER.to_string(), "Profile p-1, No such profile");
    let name = PlanName::new("client").unwrap();
    drive.at(later(0), Happening::Edit(name, Some(OnDisk::Good(Box::new(newer)))));
    let edit = Outsider::SetsVersion(FIRST.to_owned(), Environment::Windows, OLD.to_string());
    drive.at(later(1), Happening::Outside(edit));
    drive.run_until(later(3));
    assert_eq!(contents(&drive), left, "{}", drive.tail());
    assert_eq!(drive.upstream.writes().count(), writes + 1, "one write, back to what it was");
    assert_lawful("cannot be entered", &drive);
}

/// The look before a write shows what is there when it is answered.
#[test]
fn an_edit_between_the_decision_and_the_write_sends_nothing() {
    let a_second = SignedDuration::from_secs(1);
    let pace = Pace { snapshot_after: a_second, clear: SignedDuration::ZERO, ..Pace::default() };
    for (kind, edit) in edits().into_iter().filter(|(kind, _)| *kind != DriftKind::OtherUpdater) {
        let row = kind.as_str();
        let mut drive = drive("halt", pace);
        let ready = GroupContent {
            name: FIRST.to_owned(),
            versions: vec![VersionEntry::of(Environment::Windows, OLD)],
            policies: BTreeSet::from([policy("p-1")]),
        };
        drive.upstream.outside(&Outsider::Creates(ready), begin());
        let end = after(begin(), SignedDuration::from_hours(1));
        let planned = |drive: &Drive| {
            let newest = drive.daemon.log.last().map(|one| one.entry.event.kind());
            newest == Some("write_planned")
        };
        while !planned(&drive) && drive.step(end) {}
        assert!(planned(&drive), "{row}: nothing is planned");
        drive.at(after(drive.now, SignedDuration::from_millis(500)), Happening::Outside(edit));
        drive.run_until(after(drive.now, SignedDuration::from_secs(3)));
        assert_eq!(drive.upstream.writes().count(), 0, "{row}: a request was sent");
        let why = drive.daemon.log.iter().find_map(|one| match &one.entry.event {
            Event::WriteCancelled { why, .. } => Some(why.clone()),
            _ => None,
        });
        let gone = kind == DriftKind::GroupDeleted;
        let expected = if gone { Cancelled::GroupGone } else { Cancelled::ConcurrentEdit };
        assert_eq!(why, Some(expected), "{row}");
    }
}
