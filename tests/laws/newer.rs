//! What an edit of a plan's file does to the rollout that runs, by `on_new_target`: the table in docs/plan.md.
//!
//! **Invariant:** each cell is told from the log of a drive; none is written by hand.

use std::fmt::Write;
use std::path::PathBuf;

use ringward::ids::RingName;
use ringward::plan::model::{Forbid, OnNewTarget, Plan};
use ringward::rollout::record::{Event, Mode};
use ringward::rollout::state::RingState;
use ringward::simulation::cast::{self, Casting, Size};
use ringward::synthetic::Mix;
use ringward::time::{SignedDuration, Timestamp, after, rough, since};

use super::plans::{LATER, TARGET, revised, span};
use super::support::drive::{Drive, Happening, OnDisk, Pace};

const PLAN: &str = "plan: p\nversions: {windows: 2026.8.2100.0}\ndefaults: {soak: 4d}\nrings:\n  - {name: First, profiles: [Pilot]}\n  - {name: Second, profiles: [Sales]}\n  - {name: Third, profiles: [default]}\n";

/// Makes one plan another.
type Edit = fn(&mut Plan);

/// Edits of a plan whose first ring adopts.
const EDITS: [(&str, Edit); 10] = [
    ("another version for a ring that is entered", |plan| set(plan, 0)),
    ("another version for a ring that is not entered", |plan| set(plan, 2)),
    ("other profiles for a ring that is entered", |plan| {
        let moved = plan.rings[1].profiles.clone();
        plan.rings.remove(1);
        plan.rings[0].profiles.extend(moved);
    }),
    ("another name for a ring that is entered", |plan| plan.rings[0].name = RingName::new("Ring 0").unwrap()),
    ("another place for a ring that is entered", |plan| plan.rings.swap(0, 1)),
    ("a ring that is entered taken away", |plan| drop(plan.rings.remove(0))),
    ("a ring that is not entered taken away", |plan| drop(plan.rings.remove(1))),
    ("a longer soak", |plan| plan.rings[0].soak = span("6d")),
    ("a shorter soak", |plan| plan.rings[0].soak = span("3d")),
    ("`forbid` for what is on offer", |plan| {
        let versions = format!("={}", TARGET.as_semver()).parse().unwrap();
        plan.forbid.push(Forbid { versions, reason: "recalled".to_owned() });
    }),
];

fn set(plan: &mut Plan, from: usize) {
    for ring in &mut plan.rings[from..] {
        ring.targets.values_mut().for_each(|version| *version = LATER);
    }
}

/// What an event of the plan means for its readers; `None`: nothing about the file.
fn word(event: &Event) -> Option<&'static str> {
    match event {
        Event::PlanAccepted { .. } => Some("a new rollout begins at the first ring"),
        Event::NewTargetWaits { .. } => Some("it waits until the rollout is completed"),
        Event::PlanRevised { .. } => Some("the running rollout follows it"),
        Event::RingRenamed { .. } => Some("it is the same ring under another name"),
        Event::PlanRestricted { .. } => Some("in force"),
        Event::Halted { .. } => Some("the rollout halts"),
        _ => None,
    }
}

/// What becomes of an edit while the first ring adopts.
fn told(on_new_target: OnNewTarget, edit: Edit) -> String {
    let mut plan = ringward::plan::read("p.yaml", PLAN.as_bytes()).unwrap().plan;
    plan.on_new_target = on_new_target;
    let from: Timestamp = "2026-10-12T08:00:00Z".parse().unwrap();
    let casting = Casting { seed: 1, size: Size::Total(30), mix: Mix::default(), from, days: 5 };
    let account = cast::account(&plan, &casting);
    let mut drive = Drive::new(account, vec![revised(plan.clone())], Pace::default(), Mode::Write, from);
    let adopts = |drive: &Drive| {
        let plans = drive.daemon.engine.state.plans.values();
        plans.into_iter().any(|plan| matches!(plan.rollout.rings[0].stage, RingState::Adopting(_)))
    };
    while !adopts(&drive) {
        assert!(drive.step(after(from, SignedDuration::from_hours(1))), "{}", drive.tail());
    }
    let edited_at = after(drive.now, SignedDuration::from_secs(5));
    drive.run_until(edited_at);
    let name = plan.name.clone();
    edit(&mut plan);
    drive.at(edited_at, Happening::Edit(name, Some(OnDisk::Good(Box::new(revised(plan))))));
    drive.run_until(after(edited_at, SignedDuration::from_mins(1)));
    let mut cell: Vec<String> = Vec::new();
    for recorded in drive.daemon.log.iter().filter(|recorded| recorded.at >= edited_at) {
        let Some(word) = word(&recorded.entry.event) else { continue };
        let waited = since(edited_at, recorded.at);
        let when = if waited.is_zero() { "at once".to_owned() } else { format!("after {}", rough(waited)) };
        let said = format!("{when}: {word}");
        if !cell.contains(&said) {
            cell.push(said);
        }
    }
    if cell.is_empty() { "nothing".to_owned() } else { cell.join("; ") }
}

#[test]
fn the_table_of_the_reference_is_what_the_core_does() {
    let columns = [("replace", OnNewTarget::Replace), ("finish", OnNewTarget::Finish)];
    let mut made = String::from("| while the first ring adopts, the file gets |");
    for (word, _) in columns {
        write!(made, " `on_new_target: {word}` |").unwrap();
    }
    made.push_str("\n| --- | --- | --- |\n");
    for (row, edit) in EDITS {
        write!(made, "| {row} |").unwrap();
        for (_, on_new_target) in columns {
            write!(made, " {} |", told(on_new_target, edit)).unwrap();
        }
        made.push('\n');
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/plan/on_new_target.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), made, "UPDATE_GOLDEN=1 writes it anew");
}
