//! The schedule's edges by name; `oracle` compares it minute by minute.

use jiff::civil::date;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::time::{SignedDuration, Span, Timestamp, after};

mod bounds;
mod clock;
mod entering;
mod grammar;
mod oracle;
mod reading;
mod words;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn opening(cron: &str, length: &str) -> Opening {
    Opening::new(cron, length.parse::<Span>().unwrap()).unwrap()
}

fn schedule(zone: &str, open: &[(&str, &str)], freeze: &[(&str, &str)]) -> Schedule {
    let open = open.iter().map(|(cron, length)| opening(cron, length)).collect();
    let freeze = freeze
        .iter()
        .map(|(from, until)| Freeze::new(from.parse().unwrap(), until.parse().unwrap(), "Freeze").unwrap())
        .collect();
    Schedule::new(Zone::new(zone).unwrap(), open, freeze).unwrap()
}

#[test]
fn an_opening_is_elapsed_time_across_a_clock_change() {
    // Lisbon falls back at 01:00Z on 2026-10-25: the night has 13 hours between 20:00 and 08:00.
    let nights = schedule("Europe/Lisbon", &[("0 20 * * Sat", "12h")], &[]);
    let rows = [
        (
            "before",
            "2026-10-24T18:59:59.999Z",
            Openness::Closed { opens_at: Some(at("2026-10-24T19:00:00Z")) },
        ),
        ("opens", "2026-10-24T19:00:00Z", Openness::Open { closes_at: Some(at("2026-10-25T07:00:00Z")) }),
        (
            "last instant",
            "2026-10-25T06:59:59.999Z",
            Openness::Open { closes_at: Some(at("2026-10-25T07:00:00Z")) },
        ),
        (
            "closed at 07:00 local",
            "2026-10-25T07:00:00Z",
            Openness::Closed { opens_at: Some(at("2026-10-31T20:00:00Z")) },
        ),
    ];
    for (row, now, expected) in rows {
        assert_eq!(nights.openness(at(now)), expected, "{row}");
    }
}

#[test]
fn openings_that_overlap_or_touch_are_one() {
    let day = schedule("UTC", &[("0 9 * * *", "3h"), ("0 12 * * *", "2h"), ("0 13 * * *", "4h")], &[]);
    assert_eq!(
        day.openness(at("2026-10-12T10:00:00Z")),
        Openness::Open { closes_at: Some(at("2026-10-12T17:00:00Z")) }
    );
    let hourly = schedule("UTC", &[("0 * * * *", "1h")], &[]);
    assert_eq!(hourly.openness(at("2026-10-12T10:00:00Z")), Openness::Open { closes_at: None });
    assert_eq!(hourly.writable(at("2026-10-12T10:00:00Z")), Writable::Unlimited);
    let look_again = hourly.next_change(at("2026-10-12T10:00:00Z")).unwrap();
    assert!(look_again > at("2026-10-20T10:00:00Z"));
    let closes_after_nine_days = schedule("UTC", &[("0 * 1-9 * *", "1h")], &[("2026-11-20", "2026-11-20")]);
    let rows = [
        ("out of sight", "2026-11-01T00:00:00Z", None),
        ("in sight", "2026-11-02T00:00:00Z", Some("2026-11-10T00:00:00Z")),
    ];
    for (row, now, closes_at) in rows {
        let openness = closes_after_nine_days.openness(at(now));
        assert_eq!(openness, Openness::Open { closes_at: closes_at.map(at) }, "{row}");
        let writable = closes_at.map_or(Writable::Unlimited, |end| Writable::Until(at(end)));
        assert_eq!(closes_after_nine_days.writable(at(now)), writable, "{row}");
    }
}

#[test]
fn freezes_are_whole_local_days_and_join() {
    let frozen = schedule(
        "Europe/Lisbon",
        &[],
        &[("2026-12-18", "2027-01-04"), ("2027-01-05", "2027-01-05"), ("2026-07-10", "2026-07-10")],
    );
    // Summer time is UTC+1, winter time UTC.
    let rows = [
        ("before the summer day", "2026-07-09T22:59:59.999Z", None),
        ("its first instant", "2026-07-09T23:00:00Z", Some("2026-07-10T23:00:00Z")),
        ("after it", "2026-07-10T23:00:00Z", None),
        ("two freezes that touch", "2026-12-18T00:00:00Z", Some("2027-01-06T00:00:00Z")),
        ("the second of them", "2027-01-05T12:00:00Z", Some("2027-01-06T00:00:00Z")),
        ("over", "2027-01-06T00:00:00Z", None),
    ];
    for (row, now, ends) in rows {
        let found = frozen.freeze_at(at(now)).map(|freeze| freeze.ends_at);
        assert_eq!(found, ends.map(at), "{row}");
        assert_eq!(frozen.writable(at(now)) == Writable::NotNow, ends.is_some(), "{row}: deny wins");
    }
    assert_eq!(frozen.next_freeze(at("2026-07-10T12:00:00Z")), Some(at("2026-12-18T00:00:00Z")));
    assert_eq!(frozen.next_freeze(at("2027-01-05T12:00:00Z")), None);
    assert_eq!(frozen.next_change(at("2027-01-04T12:00:00Z")), Some(at("2027-01-05T00:00:00Z")));
}

#[test]
fn a_freeze_begins_with_the_first_instant_of_a_day_without_midnight() {
    // Cairo skips 00:00 to 01:00 on 2026-04-24; Havana passes 00:00 to 01:00 twice on 2026-11-01.
    let cairo = schedule("Africa/Cairo", &[], &[("2026-04-24", "2026-04-24")]);
    assert_eq!(cairo.next_freeze(at("2026-04-01T00:00:00Z")), Some(at("2026-04-23T22:00:00Z")));
    let havana = schedule("America/Havana", &[], &[("2026-11-01", "2026-11-01")]);
    let first = at("2026-11-01T04:00:00Z");
    assert_eq!(havana.next_freeze(at("2026-10-01T00:00:00Z")), Some(first));
    assert_eq!(havana.freeze_at(first).unwrap().ends_at, after(first, hours(25)));
}

#[test]
fn frozen_time_is_counted_once() {
    let overlap = schedule(
        "UTC",
        &[],
        &[("2026-12-20", "2026-12-24"), ("2026-12-18", "2026-12-22"), ("2026-12-21", "2026-12-21")],
    );
    let rows = [
        ("all of it", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", 7 * 24),
        ("a part", "2026-12-19T12:00:00Z", "2026-12-20T12:00:00Z", 24),
        ("across the end", "2026-12-24T18:00:00Z", "2026-12-26T00:00:00Z", 6),
        ("none", "2026-12-25T00:00:00Z", "2026-12-26T00:00:00Z", 0),
        ("backwards", "2026-12-22T00:00:00Z", "2026-12-20T00:00:00Z", 0),
    ];
    for (row, from, until, expected) in rows {
        assert_eq!(overlap.frozen_between(at(from), at(until)), hours(expected), "{row}");
    }
}

#[test]
fn the_next_entry_has_enough_of_the_opening_left() {
    let quarter = SignedDuration::from_mins(15);
    let working = schedule(
        "Europe/Lisbon",
        &[("0 9 * * Mon-Thu", "7h")],
        &[("2026-10-20", "2026-10-20"), ("2026-12-18", "2027-01-04")],
    );
    let rows = [
        ("before it opens", "2026-10-12T06:00:00Z", Some("2026-10-12T08:00:00Z")),
        ("inside", "2026-10-12T10:30:00.5Z", Some("2026-10-12T10:30:00.5Z")),
        ("exactly enough left", "2026-10-12T14:45:00Z", Some("2026-10-12T14:45:00Z")),
        ("too little left", "2026-10-12T14:45:00.001Z", Some("2026-10-13T08:00:00Z")),
        ("the weekend", "2026-10-15T15:00:00Z", Some("2026-10-19T08:00:00Z")),
        ("over a frozen day", "2026-10-19T15:00:00Z", Some("2026-10-21T08:00:00Z")),
        ("over the year's end", "2026-12-17T15:50:00Z", Some("2027-01-05T09:00:00Z")),
    ];
    for (row, now, expected) in rows {
        assert_eq!(working.next_entry(at(now), quarter), expected.map(at), "{row}");
    }
    assert_eq!(working.next_entry(at("2026-10-12T06:00:00Z"), hours(8)), None, "longer than any opening");
    assert_eq!(
        Schedule::always().next_entry(at("2026-10-12T06:00:00Z"), hours(8)),
        Some(at("2026-10-12T06:00:00Z"))
    );
    let for_ever = schedule("UTC", &[], &[("2026-01-01", "9999-12-31")]);
    assert_eq!(for_ever.next_entry(at("2026-10-12T06:00:00Z"), quarter), None, "frozen for ever");
}

#[test]
fn writing_ends_with_the_opening_or_the_freeze_whichever_comes_first() {
    let nights = schedule("UTC", &[("0 20 * * *", "8h")], &[("2026-12-18", "2026-12-18")]);
    let rows = [
        ("the opening closes", "2026-12-15T21:00:00Z", Writable::Until(at("2026-12-16T04:00:00Z"))),
        ("the freeze begins", "2026-12-17T21:00:00Z", Writable::Until(at("2026-12-18T00:00:00Z"))),
        ("frozen and open", "2026-12-18T01:00:00Z", Writable::NotNow),
        (
            "open again within the same opening",
            "2026-12-19T01:00:00Z",
            Writable::Until(at("2026-12-19T04:00:00Z")),
        ),
        ("closed", "2026-12-15T12:00:00Z", Writable::NotNow),
    ];
    for (row, now, expected) in rows {
        assert_eq!(nights.writable(at(now)), expected, "{row}");
    }
    assert_eq!(Schedule::always().writable(at("2026-12-18T01:00:00Z")), Writable::Unlimited);
}

#[test]
fn parts_that_cannot_be_used_are_refused() {
    let rows = [
        ("31 February", "0 9 31 2 *", "7h"),
        ("six fields", "0 0 9 * * *", "7h"),
        ("a nickname", "@daily", "7h"),
        ("hour 24", "0 24 * * *", "7h"),
        ("words", "at nine on weekdays please", "7h"),
        ("a backward range", "0 9 * * Thu-Mon", "7h"),
        ("empty", "", "7h"),
        ("no length", "0 9 * * *", "0h"),
        ("shorter than an entry needs", "0 9 * * *", "14m 59s"),
    ];
    for (row, cron, length) in rows {
        assert!(Opening::new(cron, length.parse().unwrap()).is_err(), "{row}");
    }
    assert!(Opening::new("0 9 29 2 Mon", Span::hours(1)).is_ok(), "day or weekday");
    assert!(Opening::new("0 9 29 2 *", Span::hours(1)).is_ok(), "a leap day comes");
    assert!(Freeze::new(date(2026, 12, 18), date(2026, 12, 17), "x").is_err());
    for zone in ["Mars/Olympus", "", "+02:00", "Etc/Unknown", "localtime", "factory"] {
        assert!(Zone::new(zone).is_err(), "{zone}");
    }
    assert_eq!(Zone::new("europe/lisbon").unwrap().name(), "Europe/Lisbon");
    let many = vec![opening("0 9 * * *", "1h"); MAX_OPENINGS + 1];
    assert!(Schedule::new(Zone::utc(), many, Vec::new()).is_err());
}

#[test]
fn a_schedule_survives_json() {
    let written = schedule("Europe/Lisbon", &[("0 9 * * Mon-Thu", "7h")], &[("2026-12-18", "2027-01-04")]);
    let json = serde_json::to_string(&written).unwrap();
    let read: Schedule = serde_json::from_str(&json).unwrap();
    assert_eq!(read, written);
    let now = at("2026-12-17T09:00:00Z");
    assert_eq!(read.next_change(now), written.next_change(now));
    assert!(serde_json::from_str::<Schedule>(&json.replace("7h", "0h")).is_err(), "checked when read");
    assert!(serde_json::from_str::<Schedule>(&json.replace("Lisbon", "Nowhere")).is_err());
}

/// Schedules whose edges all lie on quarters of an hour, so that quarters can be counted.
fn any_schedule() -> impl Strategy<Value = Schedule> {
    let lines = prop_oneof![
        Just("0 9 * * Mon-Thu"),
        Just("30 22 * * *"),
        Just("0 0 * * Sat,Sun"),
        Just("15 6 1,15 * *"),
        Just("0 */6 * * *"),
        Just("30 1 * * Sun"),
    ];
    let opening = (lines, 1i64..60)
        .prop_map(|(line, quarters)| Opening::new(line, Span::minutes(quarters * 15)).unwrap());
    let freeze = (0i32..16, 0i32..3).prop_map(|(day, days)| {
        let from = date(2026, 10, 18).checked_add(jiff::Span::new().days(day)).unwrap();
        let until = from.checked_add(jiff::Span::new().days(days)).unwrap();
        Freeze::new(from, until, "Freeze").unwrap()
    });
    let zone =
        prop_oneof![Just("UTC"), Just("Europe/Lisbon"), Just("America/New_York"), Just("Asia/Kolkata")];
    (zone, vec(opening, 0..4), vec(freeze, 0..4))
        .prop_map(|(zone, open, freeze)| Schedule::new(Zone::new(zone).unwrap(), open, freeze).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Over two weeks with a clock change: answers hold until `next_change` and change there,
    /// an entry is the first quarter that fits, and frozen time is what was counted.
    #[test]
    fn the_answers_agree_with_each_other(schedule in any_schedule(), start in 0i64..1344, needed in 1i64..40) {
        const QUARTER: SignedDuration = SignedDuration::from_mins(15);
        const QUARTERS: i32 = 200;
        let now = after(at("2026-10-18T00:00:00Z"), QUARTER * i32::try_from(start).unwrap());
        let quarters: Vec<Timestamp> = (0..QUARTERS).map(|n| after(now, QUARTER * n)).collect();
        let answers: Vec<_> = quarters.iter().map(|q| {
            let opens_at = match schedule.openness(*q) {
                Openness::Closed { opens_at } => Some(opens_at),
                Openness::AlwaysOpen | Openness::Open { .. } => None,
            };
            (opens_at, schedule.freeze_at(*q), schedule.next_freeze(*q))
        }).collect();
        for n in 1..quarters.len() {
            let (here, next) = (quarters[n - 1], quarters[n]);
            let change = schedule.next_change(here);
            prop_assert!(change.is_none_or(|change| change >= next), "within {}", here);
            // Inside freezes that overlap, an edge of one of them may change nothing.
            let edge_within = schedule.freeze_at(here).is_some() && schedule.freeze_at(next).is_some();
            match answers[n - 1] == answers[n] {
                true => prop_assert!(change != Some(next) || edge_within, "nothing changes at {}", next),
                false => prop_assert_eq!(change, Some(next)),
            }
        }

        let writable = |at| schedule.writable(at) != Writable::NotNow;
        let needed = usize::try_from(needed).unwrap();
        let first = (0..quarters.len() - needed).find(|n| quarters[*n..n + needed].iter().all(|q| writable(*q)));
        let entry = schedule.next_entry(now, QUARTER * i32::try_from(needed).unwrap());
        match first {
            Some(first) => prop_assert_eq!(entry, Some(quarters[first])),
            None => prop_assert!(entry.is_none_or(|entry| entry >= quarters[quarters.len() - needed])),
        }

        let frozen = quarters[..quarters.len() - 1].iter().filter(|q| schedule.freeze_at(**q).is_some()).count();
        let counted = schedule.frozen_between(now, quarters[quarters.len() - 1]);
        prop_assert_eq!(counted, QUARTER * i32::try_from(frozen).unwrap());
    }
}
