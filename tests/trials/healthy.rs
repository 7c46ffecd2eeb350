//! Healthy fleets are left alone: nights, weekends, vacations, part-time, other zones, a holiday.
//!
//! **Invariant:** nothing is wrong with any device here but what is wrong in every fleet: a few are
//! pinned, a few too old, and people stay at home.

use jiff::civil::{Date, date};
use ringward::plan::model::Revision;
use ringward::rollout::people::command::Command;
use ringward::rollout::record::{Actor, Cause};
use ringward::rollout::record::{Gate, Unknown};
use ringward::rollout::state::RingState;
use ringward::schedule::Zone;
use ringward::simulation::Reports;
use ringward::time::{SignedDuration, Timestamp};

use super::people::{Days, Habits, spans, story};
use super::runs::{Extent, check_laws, drive, each_seed, halts, plan, policy, until_halted};
use super::support::drive::devices::{DeviceScript, Reaction};
use super::support::drive::{Drive, Happening};
use crate::support::dice::Dice;

const PROFILES: [&str; 3] = ["Engineering", "Early", "Rest"];
/// Days of a run, and how many of them lie before the day that it is named for.
const DAYS: i64 = 30;
const WATCHED: i64 = 5;

/// What may befall the calendar of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calendar {
    /// Everybody is at home on one working day.
    PublicHoliday,
    /// And about half of all on the day after it.
    Bridge,
    /// The same, in an account whose rings lie in Tokyo, Lisbon and Los Angeles.
    FollowTheSun,
    /// The first ring's country is at home on one working day; its plan knows or does not.
    LocalHoliday { declared: bool },
}

/// A run: who lives in it, and its days.
struct Run {
    seed: u64,
    calendar: Calendar,
    /// The day that it is named for; it begins [`WATCHED`] days before.
    first: Date,
    holiday: Date,
    /// Devices of each environment, ring by ring.
    sizes: [[usize; 2]; 3],
    absent: usize,
}

fn plus(day: Date, days: i64) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}

fn midnight(day: Date) -> Timestamp {
    let zone = Zone::new("Europe/Lisbon").unwrap();
    let tz = zone.local(Timestamp::UNIX_EPOCH).time_zone().clone();
    day.to_zoned(tz).unwrap().timestamp()
}

impl Run {
    fn new(seed: u64, calendar: Calendar) -> Self {
        let mut dice = Dice::new(seed);
        let first = plus(date(2026, 9, 7), dice.below(28) as i64);
        let working = |day: &Date| day.weekday().to_monday_zero_offset() < 5;
        let next = |from: Date, wanted: fn(&Date) -> bool| {
            from.series(jiff::Span::new().days(1)).find(wanted).unwrap_or(from)
        };
        // The first ring is entered on the first day from Monday to Thursday on.
        let entered = next(plus(first, -WATCHED), |day| day.weekday().to_monday_zero_offset() < 4);
        // A local holiday comes while the first ring soaks; a public one on any day.
        let holiday = match calendar {
            Calendar::PublicHoliday | Calendar::Bridge | Calendar::FollowTheSun => {
                plus(first, dice.below(28) as i64)
            }
            Calendar::LocalHoliday { .. } => plus(entered, 1 + dice.below(4) as i64),
        };
        let holiday = next(holiday, working);
        let mut size = |least: usize, span: usize| [least + dice.below(span), least + dice.below(span)];
        let sizes = [size(40, 60), size(100, 150), size(300, 300)];
        let absent = 30 + dice.below(60);
        Self { seed, calendar, first, holiday, sizes, absent }
    }

    fn habits(&self, ring: usize) -> Habits {
        let at_home = match (self.calendar, ring) {
            (Calendar::LocalHoliday { .. }, 1..) => Vec::new(),
            _ => vec![self.holiday],
        };
        // From a third to two thirds, by the run.
        let bridge = (plus(self.holiday, 1), 333 + (self.seed as usize * 37) % 334);
        Habits {
            zone: self.zones()[ring],
            bridge: (self.calendar == Calendar::Bridge).then_some(bridge),
            always_on: 50,
            weekends: 80,
            part_time: 60,
            vacation: 30,
            elsewhere: if self.calendar == Calendar::FollowTheSun { 0 } else { 80 },
            at_home,
            ..Habits::office(self.absent)
        }
    }

    const fn zones(&self) -> [&'static str; 3] {
        match self.calendar {
            Calendar::FollowTheSun => ["Asia/Tokyo", "Europe/Lisbon", "America/Los_Angeles"],
            _ => ["Europe/Lisbon"; 3],
        }
    }

    fn stories(&self) -> Vec<DeviceScript> {
        let days = Days { first: plus(self.first, -40), count: 40 + DAYS as usize + 10 };
        let mut stories = Vec::new();
        for (ring, sizes) in self.sizes.iter().enumerate() {
            let habits = self.habits(ring);
            for (system, count) in ["windows", "mac"].into_iter().zip(sizes) {
                for _ in 0..*count {
                    let number = stories.len();
                    let open = spans(&habits, days, self.seed, number);
                    let mut story = story(&format!("d{number:05}"), system, &policy(PROFILES[ring]), open);
                    oddities(&mut story, self.seed, number);
                    stories.push(story);
                }
            }
        }
        stories
    }

    fn plan(&self) -> Revision {
        let freeze = match self.calendar {
            Calendar::LocalHoliday { declared: true } => {
                let day = self.holiday;
                format!(", freeze: [{{from: {day}, until: {day}, reason: Local holiday}}]")
            }
            _ => String::new(),
        };
        let open = "open: [{cron: '0 9 * * Mon-Thu', for: 7h}]";
        let [first, second, third] = self.zones();
        plan(&format!(
            "plan: client
versions: {{windows: 2026.8.2100.0, macos: 2026.8.2100.0}}
defaults:
  schedule: {{{open}}}
  soak: 5d
rings:
  - {{name: First, profiles: [Engineering], timezone: {first}, schedule: {{{open}{freeze}}}}}
  - {{name: Second, profiles: [Early], timezone: {second}}}
  - {{name: Third, profiles: [default], timezone: {third}}}
"
        ))
    }

    fn drive(&self) -> Drive {
        drive(&PROFILES, self.stories(), self.plan(), midnight(plus(self.first, -WATCHED)))
    }

    fn end(&self) -> Timestamp {
        midnight(plus(self.first, DAYS - WATCHED))
    }
}

/// What is a little wrong in every fleet.
fn oddities(story: &mut DeviceScript, seed: u64, number: usize) {
    use ringward::fleet::Reported;
    use ringward::version::ClientVersion;
    let mut dice = Dice::new(seed.wrapping_mul(77_777).wrapping_add(number as u64));
    match dice.below(1_000) {
        0..20 => story.reaction = Reaction::Stays,
        20..40 => story.client = Reported::Version(ClientVersion::new(2026, 4, 1390, 0)),
        40..50 => story.presence = super::support::drive::devices::OnlineSpans::never(),
        _ => {}
    }
}

fn is_holiday(cause: &Cause) -> bool {
    matches!(cause, Cause::UnknownTooLong { gate: Gate::Dark, why: Unknown::OutageOrHoliday, .. })
}

/// What a run waits for, by its next report.
fn waits_for(mut drive: Drive) -> String {
    drive.daemon.engine.reports = Reports::Made;
    drive.run_until(drive.now + SignedDuration::from_hours(2));
    format!("{:#?}", drive.daemon.reports.values().next().map(|report| &report.waiting_on))
}

/// False halts and verified rings over the seeds.
fn left_alone(calendar: Calendar, runs: u64) -> (usize, usize) {
    let outcomes = each_seed(runs, |seed| {
        let run = Run::new(seed, calendar);
        let mut drive = run.drive();
        until_halted(&mut drive, run.end());
        check_laws(&drive);
        let rollout = &drive.daemon.engine.state.plans.values().next().unwrap().rollout;
        let verified =
            rollout.rings.iter().filter(|ring| matches!(ring.stage, RingState::Verified(_))).count();
        let found = halts(&drive.daemon.log);
        for (at, cause) in &found {
            println!("{calendar:?}, seed {seed}: a false halt at {at}: {cause}");
        }
        (found.len(), verified)
    });
    outcomes.iter().fold((0, 0), |(halts, rings), (halted, verified)| (halts + halted, rings + verified))
}

#[test]
fn healthy_fleets_are_left_alone() {
    let extent = Extent::asked();
    let rows = [
        ("a public holiday", Calendar::PublicHoliday, extent.seeds(6, 100)),
        ("a holiday with a bridge", Calendar::Bridge, extent.seeds(2, 30)),
        ("Tokyo, Lisbon, Los Angeles", Calendar::FollowTheSun, extent.seeds(2, 30)),
    ];
    for (row, calendar, runs) in rows {
        let (halts, verified) = left_alone(calendar, runs);
        println!(
            "trials: healthy fleets, {row}: {halts} false halts in {runs} runs of {DAYS} days, {verified} rings verified"
        );
        // A brake that never looks halts nothing: the rollouts must have come somewhere.
        assert!(verified as u64 >= 2 * runs, "{row}: {verified} rings verified in {runs} runs");
        // Each life of a ring in an environment has two chances of one in a thousand: 1.2 in 100 runs.
        let allowed = if runs >= 100 { 2 } else { 0 };
        assert!(halts <= allowed, "{row}: {halts} false halts in {runs} runs");
    }
}

#[test]
fn a_holiday_of_one_country_is_one_unknown_or_none_where_it_is_declared() {
    let runs = Extent::asked().seeds(4, 40);
    let undeclared = each_seed(runs, |seed| {
        let run = Run::new(seed, Calendar::LocalHoliday { declared: false });
        let mut drive = run.drive();
        until_halted(&mut drive, run.end());
        let found = halts(&drive.daemon.log);
        let [(at, cause)] = found.as_slice() else {
            panic!("seed {seed}: {} halts\n{}", found.len(), drive.tail())
        };
        assert!(is_holiday(cause), "seed {seed}: {cause}");
        assert!(midnight(run.holiday) < *at && *at < midnight(plus(run.holiday, 2)), "seed {seed}: {at}");
        // Somebody looks in the morning, and goes on; the holiday halts nothing again.
        let morning = midnight(plus(run.holiday, 1)) + SignedDuration::from_hours(9);
        let ada = Actor::Local { user: "ada".to_owned() };
        let command = Command::Resume(drive.daemon.engine.state.plans.keys().next().unwrap().clone());
        drive.at(morning, Happening::Command(ada, "a holiday in Portugal".to_owned(), command));
        drive.run_until(run.end());
        check_laws(&drive);
        let rollout = &drive.daemon.engine.state.plans.values().next().unwrap().rollout;
        assert!(
            matches!(rollout.rings[0].stage, RingState::Verified(_)),
            "seed {seed}: nothing moves after the holiday\n{}\n{}",
            waits_for(drive.clone()),
            drive.tail()
        );
        halts(&drive.daemon.log).len()
    });
    let once = undeclared.iter().filter(|halts| **halts == 1).count();
    println!("trials: a local holiday, undeclared: one `unknown` halt in {once} of {runs} runs");
    assert_eq!(once as u64, runs, "{undeclared:?}");
    let declared = each_seed(runs, |seed| {
        let run = Run::new(seed, Calendar::LocalHoliday { declared: true });
        let mut drive = run.drive();
        drive.run_until(run.end());
        check_laws(&drive);
        let found = halts(&drive.daemon.log);
        for (at, cause) in &found {
            println!("seed {seed}: a halt at {at}: {cause}");
        }
        found.len()
    });
    let none = declared.iter().filter(|halts| **halts == 0).count();
    println!("trials: a local holiday, declared: no halt in {none} of {runs} runs");
    assert_eq!(none as u64, runs, "{declared:?}");
}
