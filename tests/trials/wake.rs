//! "No reconnect after wake", named for build 2026.6.905.0: devices arrive, work until they sleep,
//! and never come back after the first wake.
//!
//! A ring of Windows devices, 5 % of them faulty, beside a control of 1,000; 4 % of all are absent
//! on each day. Found in time means: halted by the end of the second working day after the arrival.
//!
//! **Invariant:** every run of a seed counts; none is left out, and no other seed was tried.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use ringward::rollout::record::Cause;
use ringward::rollout::record::Gate;
use ringward::schedule::Zone;
use ringward::time::Timestamp;

use super::people::{Days, Habits, never_wakes_again, spans, story};
use super::runs::{Extent, check_laws, drive, each_seed, halts, plan, policy, until_halted};
use crate::support::dice::Dice;

/// Control devices, and how many per mille of all are absent on a day.
const CONTROL: usize = 1_000;
const ABSENT: usize = 40;

/// The entry's weekdays: Monday the 12th to Friday the 16th of October 2026.
const MONDAY: Date = date(2026, 10, 12);
const TUESDAY: usize = 1;
const NAMES: [&str; 5] = ["Mon", "Tue", "Wed", "Thu", "Fri"];

/// What is tried.
#[derive(Debug, Clone, Copy)]
struct Trial {
    ring: usize,
    faulty: usize,
    /// The weekday on which the ring is entered, from Monday.
    weekday: usize,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Halted for devices gone dark, by the end of the second working day after the arrival.
    InTime,
    /// Halted for them later, up to a week after.
    Late,
    /// Not halted.
    Missed,
}

impl Trial {
    fn entry(self) -> Date {
        MONDAY.saturating_add(jiff::Span::new().days(self.weekday as i64))
    }

    /// The end of the second working day after the entry's.
    fn by(self) -> Timestamp {
        let working = |day: &Date| day.weekday().to_monday_zero_offset() < 5;
        let days = self.entry().series(jiff::Span::new().days(1)).skip(1);
        let second = days.filter(working).nth(1).unwrap_or_default();
        midnight(second.saturating_add(jiff::Span::new().days(1)))
    }

    fn plan(self) -> ringward::plan::model::Revision {
        let day = NAMES[self.weekday];
        plan(&format!(
            "plan: client
versions: {{windows: 2026.8.2100.0}}
defaults:
  timezone: Europe/Lisbon
  schedule: {{open: [{{cron: '0 9 * * {day}', for: 7h}}]}}
rings:
  - {{name: Early adopters, profiles: [Early]}}
  - {{name: Everyone, profiles: [default]}}
"
        ))
    }

    fn run(self, seed: u64) -> Outcome {
        let days = Days { first: self.entry().saturating_sub(jiff::Span::new().days(16)), count: 32 };
        let habits = Habits::office(ABSENT);
        let entered = self.entry().at(9, 0, 0, 0);
        let entered = zoned(entered);
        let mut dice = Dice::new(seed);
        let mut faulty = BTreeSet::new();
        while faulty.len() < self.faulty {
            faulty.insert(dice.below(self.ring));
        }
        let device = |index: usize| {
            let profile = policy(if index < self.ring { "Early" } else { "Rest" });
            let open = spans(&habits, days, seed, index);
            let open = if faulty.contains(&index) { never_wakes_again(&open, entered) } else { open };
            story(&format!("d{index:04}"), "windows", &profile, open)
        };
        let stories = (0..self.ring + CONTROL).map(device).collect();
        let begin = midnight(self.entry().saturating_sub(jiff::Span::new().days(5)));
        let mut drive = drive(&["Early", "Rest"], stories, self.plan(), begin);
        until_halted(&mut drive, midnight(self.entry().saturating_add(jiff::Span::new().days(9))));
        check_laws(&drive);
        match halts(&drive.daemon.log).as_slice() {
            [] => Outcome::Missed,
            [(at, cause)] => {
                assert!(is_dark(cause), "seed {seed}: {cause}");
                if *at < self.by() { Outcome::InTime } else { Outcome::Late }
            }
            more => panic!("seed {seed}: a run ends at its first halt: {more:#?}"),
        }
    }

    /// How many of the seeds were found in time, and how many late.
    fn over(self, seeds: u64) -> (usize, usize) {
        let outcomes = each_seed(seeds, |seed| self.run(seed));
        let count = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        (count(Outcome::InTime), count(Outcome::Late))
    }
}

fn is_dark(cause: &Cause) -> bool {
    matches!(cause, Cause::Unhealthy { judgement, .. } if judgement.gate == Gate::Dark)
}

fn midnight(day: Date) -> Timestamp {
    zoned(day.at(0, 0, 0, 0))
}

fn zoned(local: jiff::civil::DateTime) -> Timestamp {
    let zone = Zone::new("Europe/Lisbon").unwrap();
    let tz = zone.local(Timestamp::UNIX_EPOCH).time_zone().clone();
    local.to_zoned(tz).unwrap().timestamp()
}

#[test]
fn no_reconnect_after_wake_is_found_by_the_second_working_day() {
    let seeds = Extent::asked().seeds(10, 100);
    let trial = Trial { ring: 400, faulty: 20, weekday: TUESDAY };
    let (in_time, late) = trial.over(seeds);
    println!("trials: no reconnect after wake, 20 of 400: in time {in_time} of {seeds}, late {late}");
    assert!(in_time as u64 * 100 >= seeds * 95, "{in_time} of {seeds} in time, {late} late");
}

/// Figures, not a threshold: what smaller rings and other weekdays can show.
#[test]
fn what_other_rings_and_weekdays_show() {
    let seeds = Extent::asked().seeds(2, 100);
    for (ring, faulty) in [(200, 10), (200, 20)] {
        let (in_time, late) = Trial { ring, faulty, weekday: TUESDAY }.over(seeds);
        println!(
            "trials: no reconnect after wake, {faulty} of {ring}: in time {in_time} of {seeds}, late {late}"
        );
    }
    for (weekday, name) in NAMES.iter().enumerate() {
        let (in_time, late) = Trial { ring: 400, faulty: 20, weekday }.over(seeds);
        println!(
            "trials: no reconnect after wake, entered {name}: in time {in_time} of {seeds}, late {late}"
        );
        assert!(in_time + late == usize::try_from(seeds).unwrap(), "{name}: some were never found");
    }
}

#[test]
fn a_weekend_counts_as_no_working_day() {
    let rows = [(0, "14T23:00:00Z"), (1, "15T23:00:00Z"), (2, "16T23:00:00Z"), (3, "19T23:00:00Z")];
    for (weekday, expected) in rows {
        let by = Trial { ring: 1, faulty: 0, weekday }.by();
        assert_eq!(by.to_string(), format!("2026-10-{expected}"), "{}", NAMES[weekday]);
    }
}
