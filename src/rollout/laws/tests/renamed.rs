//! Logs in which a plan goes on under another name.

use super::super::*;
use super::log::*;
use crate::rollout::record::{Block, BlockKind, WaitingRevision, WaitsFor};

/// The plan under its new name, with what a row makes of it.
fn renamed(edit: fn(&mut Plan)) -> Box<Revision> {
    let mut revision = revision("v2");
    revision.plan.name = PlanName::new("warp").unwrap();
    edit(&mut revision.plan);
    revision
}

/// The first ring soaks, its file goes, and half a minute later the rollout goes on as warp's first.
fn carried_over(edit: fn(&mut Plan)) -> Log {
    let mut log = sound();
    log.0.truncate(log.place("adoption_reached", 0) + 1);
    log.engine(
        "15T08:00",
        Event::DaemonStarted { version: "0.1.0".to_owned(), mode: Mode::Write, settles_seconds: Some(30) },
    );
    let revision = renamed(edit);
    let waiting = WaitingRevision {
        digest: revision.digest.clone(),
        in_force: Some(super::log::revision("v1").digest),
        changes: vec!["plan `client` is named `warp`".to_owned()],
        waits_for: WaitsFor::Time,
    };
    log.engine("15T09:00", Event::BlockBegun { block: Block::FileMissing { file: None } });
    log.engine("15T09:00", Event::BlockBegun { block: Block::RevisionWaits(waiting) });
    log.engine("15T09:01", Event::PlanRenamed { from: PlanName::new("client").unwrap() });
    log.engine("15T09:01", Event::PlanRevised { revision, restricts_only: true, dropped: BTreeSet::new() });
    log.engine("15T09:01", Event::BlockEnded { block: BlockKind::FileMissing });
    let of_warp = log.place("plan_renamed", 0) - 1;
    for recorded in &mut log.0[of_warp..] {
        let id = RolloutId { plan: PlanName::new("warp").unwrap(), number: 1 };
        recorded.entry.rollout = Some(id);
    }
    log
}

#[test]
fn a_plan_that_goes_on_under_another_name_breaks_no_law() {
    assert_eq!(check(&carried_over(|_| {}).0, &[]), Vec::new());
}

#[test]
fn a_plan_that_may_not_is_caught() {
    /// What is wrong, the new plan, how the log is spoilt, and what is said of it.
    type Row = (&'static str, fn(&mut Plan), fn(&mut Log), Law, &'static str);
    let rows: [Row; 9] = [
        (
            "a file names it still",
            |_| {},
            |log| log.remove("block_begun", 0),
            Law::Grounded,
            "a file names client",
        ),
        (
            "nobody was told",
            |_| {},
            |log| log.remove("block_begun", 1),
            Law::Announced,
            "a plan has another name, was not announced",
        ),
        (
            "it was told just now",
            |_| {},
            |log| {
                let told = log.get("block_begun", 1).clone();
                log.remove("block_begun", 1);
                let renames = log.place("plan_renamed", 0);
                log.0.insert(renames, Recorded { at: at("15T09:01"), ..told });
                log.renumber();
            },
            Law::Announced,
            "a plan has another name, was not announced",
        ),
        (
            "nobody was told that it goes on",
            |_| {},
            |log| {
                let Event::BlockBegun { block: Block::RevisionWaits(waiting) } = log.event("block_begun", 1)
                else {
                    unreachable!()
                };
                waiting.in_force = None;
            },
            Law::Grounded,
            "nobody was told that client goes on",
        ),
        (
            "other profiles",
            |plan| plan.rings[0].profiles = vec![ProfileRef::Named("another".to_owned())],
            |_| {},
            Law::Grounded,
            "with other profiles",
        ),
        (
            "a rollout of its own that has entered a ring",
            |_| {},
            |log| {
                let mut own = log.0[log.place("plan_accepted", 0)..].to_vec();
                own.truncate(log.place("adoption_reached", 0) - log.place("plan_accepted", 0));
                for recorded in &mut own {
                    recorded.at = at("15T08:00");
                    recorded.entry.rollout.as_mut().unwrap().plan = PlanName::new("warp").unwrap();
                }
                let place = log.place("plan_renamed", 0);
                log.0.splice(place..place, own);
                log.renumber();
            },
            Law::Chain,
            "warp has entered rings of its own",
        ),
        (
            "a write has no outcome",
            |_| {},
            |log| log.remove("write_confirmed", 0),
            Law::Grounded,
            "client is not at rest",
        ),
        (
            "it counts on",
            |_| {},
            |log| log.get("plan_renamed", 0).entry.rollout.as_mut().unwrap().number = 2,
            Law::Chain,
            "it goes on as number 1",
        ),
        (
            "nothing is on record of it",
            |_| {},
            |log| {
                *log.event("plan_renamed", 0) = Event::PlanRenamed { from: PlanName::new("nobody").unwrap() }
            },
            Law::Chain,
            "nothing is on record of nobody",
        ),
    ];
    for (row, edit, spoil, law, text) in rows {
        let mut log = carried_over(edit);
        spoil(&mut log);
        let found = check(&log.0, &[]);
        let caught = found.iter().any(|violation| violation.law == law && violation.text.contains(text));
        assert!(caught, "{row}: expected {law} with `{text}`, found {found:#?}");
    }
}

#[test]
fn a_name_that_was_given_up_counts_on() {
    let mut log = carried_over(|_| {});
    log.engine("15T10:00", Event::PlanAccepted { revision: revision("v1") });
    let text = "the next rollout of this plan is number 2";
    assert!(check(&log.0, &[]).iter().any(|violation| violation.text.contains(text)), "its first was warp's");
    log.0.last_mut().unwrap().entry.rollout.as_mut().unwrap().number = 2;
    assert!(!check(&log.0, &[]).iter().any(|violation| violation.law == Law::Chain));
}

#[test]
fn a_pause_goes_with_the_name() {
    let mut log = carried_over(|_| {});
    let paused = log.place("plan_renamed", 0);
    log.person("15T09:00", Event::Paused {});
    let pause = log.0.pop().unwrap();
    log.0.insert(paused, pause);
    log.renumber();
    log.person("15T09:02", Event::PauseLifted {});
    log.0.last_mut().unwrap().entry.rollout.as_mut().unwrap().plan = PlanName::new("warp").unwrap();
    assert_eq!(check(&log.0, &[]), Vec::new());
}
