//! Rings and plans that get another name, change places or go away, in every state of a ring.
//!
//! **Invariant:** whatever is renamed, a profile that is taken out of one group is put into another by the
//! very next write.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use ringward::ids::{GroupId, PlanName, PolicyId, RingName};
use ringward::plan::model::Plan;
use ringward::rollout::judge::rollback_target::Scope;
use ringward::rollout::laws::{self, Tolerance};
use ringward::rollout::people::command::Command;
use ringward::rollout::record::{Actor, Mode};
use ringward::rollout::state::{Phase, Rollout};
use ringward::simulation::cast::{self, Casting, Size};
use ringward::synthetic::Mix;
use ringward::time::{SignedDuration, Timestamp, after};

use super::journal;
use super::plans::revised;
use super::support::drive::upstream::Call;
use super::support::drive::{Drive, Happening, OnDisk, Pace};

const PLAN: &str = "\
plan: p
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults:
  soak: 2d
  adoption: {at_least: 10%, within: 14d, seen_at_least: 10%}
  schedule: {open: [{cron: \"0 9 * * *\", for: 8h}]}
  rollback_to: {windows: 2026.7.1376.0, macos: 2026.7.1376.0}
rings:
  - {name: First, profiles: [Pilot]}
  - {name: Second, profiles: [Sales]}
  - {name: Third, profiles: [default]}
";
const FROM: &str = "2026-10-12T06:00:00Z";

/// The states of a ring, and which of the plan's rings is looked at.
const STATES: [(&str, usize); 8] = [
    ("pending", 1),
    ("entering", 0),
    ("deploying", 0),
    ("adopting", 0),
    ("soaking", 0),
    ("verified", 0),
    ("rolling_back", 0),
    ("rolled_back", 0),
];

/// Makes one plan another; the ring that it is about stands at an index.
type Act = fn(&mut Plan, usize);

const ACTS: [(&str, Act); 6] = [
    ("renamed", |plan, n| plan.rings[n].name = RingName::new("Another").unwrap()),
    ("names swapped", |plan, n| {
        let m = (n + 1) % plan.rings.len();
        let name = plan.rings[n].name.clone();
        plan.rings[n].name = std::mem::replace(&mut plan.rings[m].name, name);
    }),
    ("places swapped", |plan, n| plan.rings.swap(n, n + 1)),
    ("taken away", |plan, n| drop(plan.rings.remove(n))),
    ("plan renamed", |plan, _| plan.name = PlanName::new("q").unwrap()),
    ("plan was p", |plan, _| {
        plan.was = Some(std::mem::replace(&mut plan.name, PlanName::new("q").unwrap()));
    }),
];

fn rollout(drive: &Drive) -> Option<&Rollout> {
    drive.daemon.engine.state.plans.values().next().map(|plan| &plan.rollout)
}

/// A drive at the first instant at which the ring is in a state.
fn reached(state: &str, n: usize) -> Drive {
    let from: Timestamp = FROM.parse().unwrap();
    let plan = ringward::plan::read("p.yaml", PLAN.as_bytes()).unwrap();
    let casting = Casting { seed: 3, size: Size::Total(40), mix: Mix::default(), from, days: 30 };
    let pace = Pace { poll: SignedDuration::from_mins(30), ..Pace::default() };
    let mut drive = Drive::new(cast::account(&plan.plan, &casting), vec![plan], pace, Mode::Write, from);
    let until = after(from, SignedDuration::from_hours(24 * 14));
    let goes_back = matches!(state, "rolling_back" | "rolled_back");
    let mut asked = false;
    loop {
        let stage = rollout(&drive).map(|rollout| rollout.rings[n].stage.as_str());
        if stage == Some(state) {
            return drive;
        }
        if goes_back && stage == Some("adopting") && !asked {
            asked = true;
            let plan = PlanName::new("p").unwrap();
            let command = Command::Rollback { plan, scope: Scope { ring: None, environment: None } };
            let ann = Actor::Local { user: "ann".to_owned() };
            let at = after(drive.now, SignedDuration::from_secs(1));
            drive.at(at, Happening::Command(ann, "no".to_owned(), command));
        }
        assert!(drive.step(until), "{state} is never reached\n{}", drive.tail());
    }
}

/// Profiles that stand in no group after a write that took them out, and in none after the next one.
fn left_out(drive: &Drive) -> Vec<String> {
    let mut groups: BTreeMap<GroupId, BTreeSet<PolicyId>> = BTreeMap::new();
    let in_any = |groups: &BTreeMap<GroupId, BTreeSet<PolicyId>>| -> BTreeSet<PolicyId> {
        groups.values().flatten().cloned().collect()
    };
    let mut out: BTreeSet<PolicyId> = BTreeSet::new();
    let mut wrong = Vec::new();
    for request in drive.upstream.writes() {
        assert!(matches!(request.asked, Call::Write(_)));
        let Some(applied) = &request.applied else { continue };
        let before = in_any(&groups);
        groups.insert(applied.id.clone(), applied.content.policies.clone());
        let now = in_any(&groups);
        wrong.extend(out.difference(&now).map(|policy| format!("{policy} is in no group at {}", request.at)));
        out = before.difference(&now).cloned().collect();
    }
    wrong.extend(out.iter().map(|policy| format!("{policy} is in no group at the end")));
    wrong
}

/// What becomes of an act, in words.
fn told(drive: &mut Drive, act: Act, n: usize) -> String {
    let writes_before = drive.upstream.writes().count();
    let groups_before: BTreeSet<GroupId> = drive.daemon.engine.state.groups.keys().cloned().collect();
    let old = PlanName::new("p").unwrap();
    let mut plan = ringward::plan::read("p.yaml", PLAN.as_bytes()).unwrap().plan;
    act(&mut plan, n);
    let at = after(drive.now, SignedDuration::from_secs(1));
    if plan.name != old {
        drive.at(at, Happening::Edit(old, None));
    }
    let name = plan.name.clone();
    drive.at(at, Happening::Edit(name.clone(), Some(OnDisk::Good(Box::new(revised(plan))))));
    let until = after(drive.now, SignedDuration::from_hours(24 * 21));
    let over = |drive: &Drive| {
        let known = drive.daemon.engine.state.plans.get(&name);
        known.is_some_and(|known| known.rollout.phase == Phase::Completed)
    };
    while !over(drive) && drive.step(until) {}
    let limits = Tolerance { in_transit: SignedDuration::ZERO, ..Tolerance::default() };
    let broken = laws::check_within(&drive.daemon.log, &journal(drive), limits);
    let mut wrong: Vec<String> = broken.iter().map(ToString::to_string).collect();
    wrong.extend(left_out(drive));
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", drive.tail());
    let new_groups = drive.daemon.engine.state.groups.keys().filter(|id| !groups_before.contains(id)).count();
    let writes = drive.upstream.writes().count() - writes_before;
    let known = drive.daemon.engine.state.plans.get(&name).map(|known| known.rollout.phase.as_str());
    let waits = drive
        .daemon
        .reports
        .get(&name)
        .and_then(|report| report.waiting_on.first().map(|first| report.explain(first).headline));
    let end = match (known, waits) {
        (Some(phase), Some(waits)) => format!("{phase}, waits: {waits}"),
        (Some(phase), None) => phase.to_owned(),
        (None, _) => "never begun".to_owned(),
    };
    format!("{end}; {writes} writes, {new_groups} new groups")
}

#[test]
fn whatever_is_renamed_no_profile_is_left_out() {
    let mut made = String::from(
        "What becomes of a ring that is … while it is …; told after three weeks or at the end.\n",
    );
    for (state, n) in STATES {
        let before = reached(state, n);
        writeln!(made, "\n{state}").unwrap();
        for (row, act) in ACTS {
            let mut drive = before.clone();
            writeln!(made, "  {row:<15} {}", told(&mut drive, act, n)).unwrap();
        }
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/laws/labels.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), made, "UPDATE_GOLDEN=1 writes it anew");
}
