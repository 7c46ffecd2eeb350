//! Work is bounded whatever a schedule says: measured in months looked at, never in time.

use super::*;
use crate::schedule::month_days::steps;
use crate::time::Timestamp;

/// The most months that one decision may look at: a millisecond.
const MOST_MONTHS: u64 = 100_000;

/// The most that it may look at of one opening that never comes.
const MOST_IN_VAIN: u64 = 1_000;

/// As a log of an earlier release holds it, which took lines that are refused by now.
fn recorded(lines: &[&str], length: &str) -> Schedule {
    let open: Vec<_> = lines.iter().map(|cron| serde_json::json!({"cron": cron, "for": length})).collect();
    let written = serde_json::json!({"zone": "UTC", "open": open, "freeze": []});
    serde_json::from_value(written).unwrap()
}

/// All that a decision asks.
fn ask(schedule: &Schedule, now: Timestamp) -> (Option<Timestamp>, u64) {
    steps::of(|| {
        let _ = (schedule.openness(now), schedule.writable(now), schedule.outlook(now));
        let _ = (schedule.next_change(now), schedule.enterable(now, LEAST_OPENING));
        schedule.next_entry(now, LEAST_OPENING)
    })
}

#[test]
fn an_opening_of_an_old_log_that_cannot_match_never_comes() {
    let now = at("2026-12-01T09:00:00Z");
    let rows = [
        ("no minute", ", 9 * * *"),
        ("no hour", "0 , * * *"),
        ("no day", "0 9 , * *"),
        ("no month", "0 9 * , *"),
        ("no weekday", "0 9 * * ,"),
        ("31 February", "0 0 31 2 *"),
        ("30 February, each minute", "* * 30 2 *"),
        ("29 February, more than 400 days away", "0 9 29 2 *"),
        ("29 February on a Monday", "0 9 29 2 +Mon"),
    ];
    for (row, cron) in rows {
        for length in ["15m", "366d"] {
            let schedule = recorded(&[cron], length);
            let (entry, months) = ask(&schedule, now);
            assert_eq!(entry, None, "{row}");
            assert_eq!(schedule.openness(now), Openness::Closed { opens_at: None }, "{row}");
            assert_eq!(schedule.next_change(now), None, "{row}");
            assert!(months < MOST_IN_VAIN, "{row}: {months} months");
        }
        let with_another = recorded(&[cron, "0 9 * * *"], "1h");
        assert_eq!(ask(&with_another, now).0, Some(now), "{row}: another opening is not lost");
    }
    assert!(
        serde_json::from_str::<Schedule>(r#"{"zone":"UTC","open":[{"cron":"x","for":"1h"}],"freeze":[]}"#)
            .is_err()
    );
}

#[test]
fn what_never_comes_or_is_empty_is_refused_where_it_is_written() {
    for cron in [", 9 * * *", "0 , * * *", "0 9 1,, * *", "0 9 * * Mon,"] {
        let refused = Opening::new(cron, Span::hours(1));
        assert!(matches!(refused, Err(ScheduleError::NotCron { .. })), "{cron}: {refused:?}");
    }
    let (refused, months) = steps::of(|| Opening::new("0 0 31 2 *", Span::hours(1)));
    assert!(matches!(refused, Err(ScheduleError::NeverOpens { .. })), "{refused:?}");
    assert_eq!(months, 28 * 12, "each month of 28 years once");
    assert!(Opening::new("0 9 29 2 +Mon", Span::hours(1)).is_ok(), "once in 28 years");
}

#[test]
fn the_worst_schedules_stay_cheap() {
    let zone = || Zone::new("Europe/Lisbon").unwrap();
    let now = at("2026-06-01T09:00:30Z");
    let every = |days: usize| -> Vec<Freeze> {
        (0..MAX_FREEZES)
            .map(|index| {
                let from =
                    date(2026, 6, 1).checked_add(jiff::Span::new().days((index * days) as i64)).unwrap();
                Freeze::new(from, from, "Freeze").unwrap()
            })
            .collect()
    };
    let many = |line: fn(usize) -> String, length: &str| -> Vec<Opening> {
        (0..MAX_OPENINGS).map(|index| opening(&line(index), length)).collect()
    };
    let daily = "0 9 * * *".to_owned();
    let weekly = |line: fn(usize) -> String, length: &str| {
        let mut open = many(line, length);
        open[0] = opening("0 9 * * Mon", "1h");
        open
    };
    // Openings on frozen days only, beside others that must be sought again and again.
    let mondays: Vec<Freeze> = (0..52)
        .map(|week| {
            let from = date(2026, 6, 1).checked_add(jiff::Span::new().weeks(week)).unwrap();
            Freeze::new(from, from, "Freeze").unwrap()
        })
        .collect();
    let rows = [
        ("each minute", many(|_| "* * * * *".to_owned(), "15m"), every(1)),
        ("each minute, frozen every other day", many(|_| "* * * * *".to_owned(), "15m"), every(2)),
        ("a leap day for a year", many(|index| format!("{index} 9 29 2 *"), "366d"), every(1)),
        (
            "leap days beside frozen Mondays",
            weekly(|index| format!("{index} 9 29 2 *"), "366d"),
            mondays.clone(),
        ),
        ("rare days in any month", weekly(|index| format!("{index} 9 31 * +Sun#5"), "366d"), mondays),
        ("minutes of the night", many(|index| format!("{index} 0 * * *"), "15m"), every(1)),
        ("no freeze", many(|index| format!("*/{} * * * *", index + 1), "16m"), Vec::new()),
        ("one opening", vec![opening(&daily, "15m")], every(1)),
    ];
    for (row, open, freeze) in rows {
        let schedule = Schedule::new(zone(), open, freeze).unwrap();
        let (_, months) = ask(&schedule, now);
        println!("{row}: {months} months");
        assert!(months < MOST_MONTHS, "{row}: {months} months");
    }
}
