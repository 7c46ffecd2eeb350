//! When a ring is first written: the schedule, `simulate` and a drive that reads, looks and writes at its own
//! pace say the same instant, on random schedules whose openings are short and cut by freezes.

use ringward::plan::model::Revision;
use ringward::rollout::record::{Event, Mode};
use ringward::schedule::{LEAST_OPENING, START_GRACE, Writable};
use ringward::simulation::cast::{self, Casting, Size};
use ringward::simulation::trial::{self, Trial};
use ringward::synthetic::Mix;
use ringward::time::{SignedDuration, Timestamp, after, since};

use super::number;
use crate::support::dice::Dice;
use crate::support::drive::{Drive, Pace};

const RUNS: u64 = 500;

/// The plan is known and everything is read by then.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);
const FARTHEST: SignedDuration = SignedDuration::from_hours(20 * 24);

const ZONES: [&str; 5] = ["UTC", "Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
const DAYS: [&str; 5] = ["* * *", "* * Mon-Thu", "* * Tue#2,Wed", "*/2 * *", "* * Sat,Sun"];
/// Around midnight, where freezes begin and end, and elsewhere.
const TIMES: [&str; 6] = ["45 23", "50 23", "59 23", "0 0", "30 9", "0,30 14"];

fn plan(dice: &mut Dice, from: Timestamp) -> Revision {
    let openings: Vec<String> = (0..=dice.below(3))
        .map(|_| {
            let (time, days) = (TIMES[dice.below(TIMES.len())], DAYS[dice.below(DAYS.len())]);
            format!("{{cron: \"{time} {days}\", for: {}m {}s}}", 15 + dice.below(6), dice.below(2) * 30)
        })
        .collect();
    let freezes: Vec<String> = (0..dice.below(3))
        .map(|_| {
            let day = |days: usize| {
                let ahead = SignedDuration::from_hours(24 * i64::try_from(days).unwrap());
                after(from, ahead).strftime("%Y-%m-%d").to_string()
            };
            let first = dice.below(5);
            let last = first + dice.below(2);
            format!("{{from: {}, until: {}, reason: x}}", day(first), day(last))
        })
        .collect();
    let text = format!(
        "plan: p\nversions: {{windows: 2026.8.2100.0}}\nrings:\n  - name: R\n    profiles: [default]\n    timezone: {}\n    schedule: {{open: [{}], freeze: [{}]}}\n",
        ZONES[dice.below(ZONES.len())],
        openings.join(", "),
        freezes.join(", ")
    );
    ringward::plan::read("p.yaml", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

/// When the first write was planned, by a daemon at its own pace, and when it was sent.
fn driven(
    revision: &Revision,
    casting: &Casting,
    until: Timestamp,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let account = cast::account(&revision.plan, casting);
    let mut drive = Drive::new(account, vec![revision.clone()], Pace::default(), Mode::Write, casting.from);
    drive.run_until(until);
    let planned =
        drive.daemon.log.iter().find(|recorded| matches!(recorded.entry.event, Event::WritePlanned { .. }));
    let sent = drive.upstream.writes().next().map(|request| request.at);
    (planned.map(|recorded| recorded.at), sent)
}

#[test]
fn schedule_simulation_and_drive_agree_on_the_first_write() {
    let runs = number("RINGWARD_RUNS", RUNS).min(RUNS);
    let (mut agreed, mut cut, mut seed) = (0, 0, 0);
    while agreed < runs {
        seed += 1;
        let mut dice = Dice::new(seed);
        let minutes = i64::try_from(dice.below(60 * 24 * 60)).unwrap();
        let begin: Timestamp = "2026-10-10T00:00:00Z".parse().unwrap();
        let from = after(begin, SignedDuration::from_mins(minutes));
        let revision = plan(&mut dice, from);
        let schedule = &revision.plan.rings[0].schedule;
        let entry = schedule.next_entry(from, LEAST_OPENING);
        let in_reach = |entry: &Timestamp| (AHEAD..FARTHEST).contains(&since(from, *entry));
        let Some(entry) = entry.filter(in_reach) else { continue };
        let days = since(from, entry).as_hours() / 24 + 1;
        let casting = Casting { seed, size: Size::Total(6), mix: Mix::default(), from, days };
        let row = || format!("seed {seed}: from {from}: {}", revision.written);
        let (planned, sent) = driven(&revision, &casting, after(entry, SignedDuration::from_mins(1)));
        assert_eq!(planned, Some(entry), "the drive; {}", row());
        let sent = sent.unwrap_or_else(|| panic!("nothing was sent; {}", row()));
        assert!(since(entry, sent) < START_GRACE, "sent at {sent}; {}", row());
        assert_ne!(schedule.writable(sent), Writable::NotNow, "sent at {sent}; {}", row());
        let trial = Trial { revision: revision.clone(), casting, faults: Vec::new() };
        let told = trial::run(&trial, |_| {}).unwrap();
        assert_eq!(told.rings[0].1.entered_at, Some(entry), "the simulation; {}", row());
        agreed += 1;
        cut += u64::from(!schedule.freezes().is_empty());
    }
    println!("{agreed} plans of {seed} seeds agreed, {cut} of them with freezes");
    assert!(cut * 4 > agreed, "too few have freezes: {cut} of {agreed}");
}
