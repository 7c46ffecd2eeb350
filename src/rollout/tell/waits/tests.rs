//! What is counted, against the gates' own words minute by minute.

use crate::ids::RingName;
use crate::plan;
use crate::plan::model::Revision;
use crate::rollout::judge::{freeze, opening};
use crate::rollout::record::{Actor, Entry, Event, Recorded, RolloutId};
use crate::rollout::tell::waits::*;

/// Open Monday to Thursday, 9:00 to 16:00 in Lisbon, save for a Tuesday and the night before it.
const PLAN: &str = "
plan: client
versions: {windows: 2026.8.2100.0}
defaults:
  timezone: Europe/Lisbon
  schedule:
    open:
      - {cron: '0 9 * * Mon-Thu', for: 7h}
    freeze:
      - {from: 2026-10-13, until: 2026-10-13, reason: A day off}
rings:
  - {name: First, profiles: [default]}
";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn name() -> PlanName {
    PlanName::new("client").unwrap()
}

fn revision() -> Revision {
    plan::read("client.yaml", PLAN.as_bytes()).unwrap()
}

/// A log and what it counts.
struct Log {
    state: State,
    waits: Waits,
}

impl Log {
    /// A daemon at 06:00 on a Monday whose first ring's turn it is.
    fn entering(mode: Mode) -> Self {
        let mut log = Self { state: State::default(), waits: Waits::default() };
        let begun = "2026-10-12T06:00:00Z";
        log.account(begun, Event::DaemonStarted { version: "0".to_owned(), mode, settles_seconds: None });
        log.plan(begun, Event::PlanAccepted { revision: Box::new(revision()) });
        log.plan(begun, Event::RingReached { ring: RingName::new("First").unwrap() });
        log
    }

    fn account(&mut self, when: &str, event: Event) {
        self.append(when, None, event);
    }

    fn plan(&mut self, when: &str, event: Event) {
        self.append(when, Some(RolloutId { plan: name(), number: 1 }), event);
    }

    fn append(&mut self, when: &str, rollout: Option<RolloutId>, event: Event) {
        let at = at(when);
        let entry = Entry { actor: Actor::Loopback, reason: "a test".to_owned(), rollout, event };
        self.waits.settle_before(&entry, &self.state, at);
        self.state.apply(&Recorded { seq: self.state.seq + 1, at, entry }).unwrap();
    }

    /// Hours of human, machine, opening and freeze, up to an instant.
    fn hours(&mut self, until: &str) -> [i64; 4] {
        self.waits.settle(&self.state, at(until));
        Wait::ALL.map(|kind| {
            let span = self.waits.of(&name(), kind);
            assert_eq!(span.as_secs() % 3600, 0, "the rows name whole hours");
            span.as_hours()
        })
    }
}

#[test]
fn each_kind_of_waiting_has_its_time() {
    let nothing: fn(&mut Log) = |_| {};
    let paused: fn(&mut Log) = |log| {
        log.plan("2026-10-12T07:00:00Z", Event::Paused {});
        log.plan("2026-10-12T10:00:00Z", Event::PauseLifted {});
    };
    let stopped: fn(&mut Log) = |log| log.account("2026-10-12T06:00:00Z", Event::Stopped {});
    let withdrawn: fn(&mut Log) = |log| log.plan("2026-10-12T07:00:00Z", Event::RolloutWithdrawn {});
    // The freeze begins at 23:00Z on Monday, which is midnight in Lisbon.
    let reached_late: fn(&mut Log) = |log| {
        log.plan("2026-10-12T06:00:00Z", Event::RolloutWithdrawn {});
        log.plan("2026-10-12T22:00:00Z", Event::RolloutReturned {});
    };
    let restarted: fn(&mut Log) = |log| {
        let version = "0".to_owned();
        log.account(
            "2026-10-12T09:00:00Z",
            Event::DaemonStarted { version, mode: Mode::Write, settles_seconds: None },
        );
    };
    // Lisbon is at UTC+1; the opening of Monday ends at 15:00Z, and can be used until 14:45Z.
    let rows = [
        ("before the opening", Mode::Write, nothing, "2026-10-12T08:00:00Z", [0, 0, 2, 0]),
        ("in the opening", Mode::Write, nothing, "2026-10-12T14:00:00Z", [0, 6, 2, 0]),
        ("a frozen day", Mode::Write, reached_late, "2026-10-14T09:00:00Z", [0, 1, 10, 24]),
        ("a pause over an edge", Mode::Write, paused, "2026-10-12T12:00:00Z", [3, 2, 1, 0]),
        ("stopped", Mode::Write, stopped, "2026-10-13T06:00:00Z", [24, 0, 0, 0]),
        ("only observing", Mode::Observe, nothing, "2026-10-12T12:00:00Z", [6, 0, 0, 0]),
        ("withdrawn", Mode::Write, withdrawn, "2026-10-20T00:00:00Z", [0, 0, 1, 0]),
        ("restarted", Mode::Write, restarted, "2026-10-12T10:00:00Z", [0, 2, 2, 0]),
        ("the clock was set back", Mode::Write, restarted, "2026-10-12T08:00:00Z", [0, 1, 2, 0]),
    ];
    for (row, mode, events, until, expected) in rows {
        let mut log = Log::entering(mode);
        events(&mut log);
        assert_eq!(log.hours(until), expected, "{row}");
    }
}

/// Three weeks, minute by minute: what the two gates of the schedule say at that minute.
#[test]
fn the_schedule_s_share_is_what_its_gates_say() {
    let revision = revision();
    let schedule = &revision.plan.rings[0].schedule;
    let minute = SignedDuration::from_mins(1);
    let mut log = Log::entering(Mode::Write);
    let mut expected = BTreeMap::from(Wait::ALL.map(|kind| (kind, SignedDuration::ZERO)));
    let mut now = at("2026-10-12T06:00:00Z");
    let end = at("2026-11-02T00:00:00Z");
    while now < end {
        // In the middle, because edges lie on whole minutes.
        let looked = after(now, minute / 2);
        let frozen = !freeze::freeze(schedule, looked).verdict.advances();
        let open = opening::opening(schedule, looked).verdict.advances();
        let kind = match (frozen, open) {
            (true, _) => Wait::Freeze,
            (false, false) => Wait::Opening,
            (false, true) => Wait::Machine,
        };
        *expected.get_mut(&kind).unwrap() += minute;
        now += minute;
    }
    log.waits.settle(&log.state, end);
    for (kind, expected) in expected {
        let counted = log.waits.of(&name(), kind);
        // Exactly 15 minutes before its end an opening still lets in: a millisecond for each.
        let off = (counted - expected).abs();
        assert!(off < SignedDuration::from_secs(1), "{kind:?}: {counted:#} is not {expected:#}");
    }
}

#[test]
fn settling_in_between_changes_no_sum() {
    let mut at_once = Log::entering(Mode::Write);
    at_once.waits.settle(&at_once.state, at("2026-11-02T00:00:00Z"));
    for steps in [SignedDuration::from_millis(1_234_567), SignedDuration::from_mins(15)] {
        let mut often = Log::entering(Mode::Write);
        let mut now = at("2026-10-12T06:00:00Z");
        while now < at("2026-11-02T00:00:00Z") {
            often.waits.settle(&often.state, now);
            now += steps;
        }
        often.waits.settle(&often.state, at("2026-11-02T00:00:00Z"));
        assert_eq!(often.waits, at_once.waits, "by {steps:#}");
    }
}

/// Two plans in turn, with a stop and a restart over both.
#[test]
fn an_event_settles_its_own_plan_and_changes_no_sum() {
    let other = RolloutId { plan: PlanName::new("other").unwrap(), number: 1 };
    let mut log = Log::entering(Mode::Write);
    let mut often = Waits::default();
    let own = RolloutId { plan: name(), number: 1 };
    let renamed = PLAN.replace("plan: client", "plan: other");
    let renamed = plan::read("other.yaml", renamed.as_bytes()).unwrap();
    let started = Event::DaemonStarted { version: "0".to_owned(), mode: Mode::Write, settles_seconds: None };
    let events = [
        ("2026-10-12T06:30:00Z", Some(&other), Event::PlanAccepted { revision: Box::new(renamed) }),
        ("2026-10-12T06:30:00Z", Some(&other), Event::RingReached { ring: RingName::new("First").unwrap() }),
        ("2026-10-12T09:00:00Z", Some(&other), Event::Paused {}),
        ("2026-10-12T10:00:00Z", Some(&own), Event::Paused {}),
        ("2026-10-12T11:00:00Z", None, Event::Stopped {}),
        ("2026-10-12T12:00:00Z", Some(&own), Event::PauseLifted {}),
        ("2026-10-12T13:00:00Z", None, Event::Started {}),
        ("2026-10-13T13:00:00Z", Some(&other), Event::PauseLifted {}),
        ("2026-10-14T13:00:00Z", None, started),
    ];
    often.settle(&log.state, at("2026-10-12T06:00:00Z"));
    for (when, rollout, event) in events {
        often.settle(&log.state, at(when));
        let before = log.waits.settled.clone();
        log.append(when, rollout.cloned(), event);
        if rollout.is_some_and(|rollout| *rollout == other) {
            assert_eq!(log.waits.settled.get(&name()), before.get(&name()), "at {when}");
        }
    }
    let end = at("2026-10-20T00:00:00Z");
    log.waits.settle(&log.state, end);
    often.settle(&log.state, end);
    assert_eq!(log.waits.sums, often.sums);
    let counted = log.waits.sums.values().fold(SignedDuration::ZERO, |sum, span| sum + *span);
    let begun = ["2026-10-12T06:00:00Z", "2026-10-12T06:30:00Z"].map(|begun| since(at(begun), end));
    assert_eq!(counted, begun[0] + begun[1]);
}
