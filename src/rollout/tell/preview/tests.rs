//! What a revision means while a write has no outcome, against what decisions make of each outcome.

use std::collections::BTreeSet;

use crate::ids::PolicyId;
use crate::plan;
use crate::rollout::record::{Cancelled, Entry, Event, Recorded, WriteId, WriteIntent};
use crate::rollout::tell::preview::*;

const PLAN: &str = "
plan: client
versions: {windows: 2026.8.2100.0}
rings:
  - {name: First, profiles: [default], soak: 48h}
  - {name: Second, profiles: [Sales]}
";
const NOW: &str = "2026-10-12T09:00:00Z";

fn revision(text: &str) -> Revision {
    plan::read("client.yaml", text.as_bytes()).unwrap()
}

fn name() -> PlanName {
    PlanName::new("client").unwrap()
}

fn ring() -> RingName {
    RingName::new("First").unwrap()
}

fn at() -> Timestamp {
    NOW.parse().unwrap()
}

fn intent(revision: &Revision) -> WriteIntent {
    let policies = BTreeSet::from([PolicyId::new("p1").unwrap()]);
    WriteIntent {
        id: WriteId(1),
        digest: revision.digest.clone(),
        purpose: Purpose::Target,
        before: None,
        after: GroupContent { name: "First".to_owned(), versions: Vec::new(), policies: policies.clone() },
        policies,
        judgements: Vec::new(),
        devices: 1,
        retargets: Some(1),
        after_doubt: false,
        moves: None,
        today: None,
    }
}

fn append(state: &mut State, event: Event) {
    let id = RolloutId { plan: name(), number: 1 };
    let entry = Entry::engine(&id, "for a test", event);
    state.apply(&Recorded { seq: state.seq + 1, at: at(), entry }).unwrap();
}

/// A log up to a write under way.
fn deploying() -> State {
    let mut state = State::default();
    let revision = revision(PLAN);
    let intent = Box::new(intent(&revision));
    append(&mut state, Event::PlanAccepted { revision: Box::new(revision) });
    append(&mut state, Event::RingReached { ring: ring() });
    append(&mut state, Event::WritePlanned { ring: ring(), intent });
    state
}

/// The number of the rollout that decisions carry on with.
fn executed(mut state: State, revision: &Revision, outcome: Event) -> u64 {
    append(&mut state, outcome);
    let known = Known { state: &state, world: &Observations::default(), now: at() };
    let decision = decide(&name(), Desired::Present(revision), known);
    decision.unwrap().report.unwrap().id.number
}

#[test]
fn a_revision_under_an_open_write_is_told_as_execution_takes_it() {
    let doubted = |state: &mut State| {
        let why = "the line went dead".to_owned();
        append(state, Event::WriteDoubted { ring: ring(), write: WriteId(1), why, counted: None });
    };
    let rows = [
        ("the same", PLAN.to_owned(), Course::GoesOn),
        ("a longer soak", PLAN.replace("48h", "72h"), Course::GoesOn),
        ("a later ring", PLAN.replace("Sales", "Support"), Course::GoesOn),
        ("the ring's target", PLAN.replace("2026.8.2100.0", "2026.8.2101.0"), Course::HangsOnWrite),
        ("the ring's profiles", PLAN.replace("[default]", "[IT]"), Course::HangsOnWrite),
    ];
    for (row, text, course) in rows {
        let revision = revision(&text);
        for in_doubt in [false, true] {
            let mut state = deploying();
            if in_doubt {
                doubted(&mut state);
            }
            let known = Known { state: &state, world: &Observations::default(), now: at() };
            let preview = preview(&name(), &revision, known).unwrap();
            assert_eq!(preview.course, course, "{row}");
            assert!(!preview.now.is_empty(), "{row}: the write is told");
            if in_doubt {
                continue;
            }
            let group = as_written(
                &PreviewedWrite { purpose: Purpose::Target, before: None, after: intent(&revision).after },
                0,
                at(),
            );
            let write = WriteId(1);
            let applied = Event::WriteConfirmed { ring: ring(), write, group, counted: None };
            assert_eq!(executed(state.clone(), &revision, applied), preview.rollout.number, "{row}: applied");
            let why = Cancelled::NotSent { message: "no".to_owned() };
            let refused = Event::WriteCancelled { ring: ring(), write, why, retry_at: None };
            assert_eq!(executed(state, &revision, refused), 1, "{row}: it came to nothing");
        }
    }
}

#[test]
fn a_newer_target_is_told_as_its_own_word_has_it() {
    let mut running = deploying();
    let after = intent(&revision(PLAN)).after;
    let group = as_written(&PreviewedWrite { purpose: Purpose::Target, before: None, after }, 0, at());
    append(&mut running, Event::WriteConfirmed { ring: ring(), write: WriteId(1), group, counted: None });
    let newer = PLAN.replace("2026.8.2100.0", "2026.8.2101.0");
    let finish = |text: &str| text.replace("plan: client", "plan: client\non_new_target: finish");
    let later = PLAN.replace("Sales", "Support");
    // The rollout that the preview is about, and the one that decisions carry on with.
    let rows = [
        ("it replaces", newer.clone(), Course::Begins, 2, 2),
        ("it waits", finish(&newer), Course::Waits, 2, 1),
        ("no entered ring is touched", finish(&later), Course::GoesOn, 1, 1),
        ("nothing but the word", finish(PLAN), Course::GoesOn, 1, 1),
    ];
    for (row, text, course, foreseen, carried_on) in rows {
        let revision = revision(&text);
        let known = Known { state: &running, world: &Observations::default(), now: at() };
        let preview = preview(&name(), &revision, known).unwrap();
        assert_eq!((preview.course, preview.rollout.number), (course, foreseen), "{row}");
        let decision = decide(&name(), Desired::Present(&revision), known).unwrap();
        let report = decision.report.unwrap();
        assert_eq!(report.id.number, carried_on, "{row}");
        let waits = report.newer.map(|newer| newer.digest);
        assert_eq!(waits.as_ref(), (course == Course::Waits).then_some(&revision.digest), "{row}");
    }
}
