//! When a ring may be entered: with enough of the opening left, or at its start.

use super::*;
use crate::time::{SignedDuration, Timestamp};

const NEEDED: SignedDuration = LEAST_OPENING;

/// Up to when it may be entered; `None`: not now.
fn until(schedule: &Schedule, now: &str) -> Option<Timestamp> {
    match schedule.enterable(at(now), NEEDED) {
        Writable::NotNow => None,
        Writable::Until(end) => Some(end),
        Writable::Unlimited => Some(Timestamp::MAX),
    }
}

#[test]
fn an_opening_is_entered_with_enough_left_or_at_its_start() {
    let least = schedule("UTC", &[("0 9 * * *", "15m")], &[]);
    let twenty = schedule("UTC", &[("0 9 * * *", "20m")], &[]);
    let night = schedule(
        "UTC",
        &[("50 23 * * *", "12h")],
        &[("2026-12-18", "2026-12-18"), ("2026-12-20", "2026-12-20")],
    );
    let midnight = schedule("Europe/London", &[("45 23 * * Mon-Thu", "15m")], &[]);
    let touching = schedule("UTC", &[("0 9 * * *", "15m"), ("15 9 * * *", "15m")], &[]);
    let frozen = schedule("UTC", &[], &[("2026-12-18", "2026-12-18"), ("2026-12-20", "2026-12-20")]);
    let rows = [
        ("before the least opening", &least, "2026-12-01T08:59:59.999Z", None),
        ("at its start", &least, "2026-12-01T09:00:00Z", Some("2026-12-01T09:02:00Z")),
        ("some seconds later", &least, "2026-12-01T09:00:07.250Z", Some("2026-12-01T09:02:00Z")),
        ("the last instant of its start", &least, "2026-12-01T09:01:59.999Z", Some("2026-12-01T09:02:00Z")),
        ("after its start", &least, "2026-12-01T09:02:00Z", None),
        ("twenty minutes", &twenty, "2026-12-01T09:00:00Z", Some("2026-12-01T09:05:00.001Z")),
        ("exactly enough left", &twenty, "2026-12-01T09:05:00Z", Some("2026-12-01T09:05:00.001Z")),
        ("too little left", &twenty, "2026-12-01T09:05:00.001Z", None),
        ("a freeze begins ten minutes after the opening", &night, "2026-12-17T23:50:00Z", None),
        ("frozen", &night, "2026-12-18T23:59:59Z", None),
        ("what a freeze leaves", &night, "2026-12-19T00:00:00Z", Some("2026-12-19T11:35:00.001Z")),
        ("another freeze", &night, "2026-12-19T23:50:00Z", None),
        ("a quarter before midnight", &midnight, "2026-12-01T23:45:05Z", Some("2026-12-01T23:47:00Z")),
        ("midnight", &midnight, "2026-12-02T00:00:00Z", None),
        ("two that touch are one", &touching, "2026-12-01T09:14:00Z", Some("2026-12-01T09:15:00.001Z")),
        ("the start of the second is none", &touching, "2026-12-01T09:16:00Z", None),
        ("always open", &frozen, "2026-12-01T09:00:00Z", Some("2026-12-17T23:45:00.001Z")),
        ("between freezes", &frozen, "2026-12-19T00:00:00Z", Some("2026-12-19T23:45:00.001Z")),
        ("after the last freeze", &frozen, "2026-12-21T00:00:00Z", None),
    ];
    for (row, schedule, now, expected) in rows {
        let expected = match expected {
            None if row == "after the last freeze" => Some(Timestamp::MAX),
            expected => expected.map(at),
        };
        assert_eq!(until(schedule, now), expected, "{row}");
        let next = schedule.next_entry(at(now), NEEDED).unwrap();
        assert_eq!(next == at(now), expected.is_some(), "{row}: {next}");
        assert!(until(schedule, &next.to_string()).is_some(), "{row}: the next entry is one: {next}");
    }
}

/// A day that a freeze leaves has an opening of its own, long enough or not.
#[test]
fn what_a_freeze_leaves_of_an_opening_counts_from_its_end() {
    let leaves = |length: &str| schedule("UTC", &[("0 0 * * *", length)], &[("2026-12-18", "2026-12-18")]);
    let day_after = at("2026-12-18T12:00:00Z");
    assert_eq!(leaves("24h").next_entry(day_after, NEEDED), Some(at("2026-12-19T00:00:00Z")));
    for length in ["1445m", "1454m"] {
        let too_little = schedule("UTC", &[("0 0 18 12 *", length)], &[("2026-12-18", "2026-12-18")]);
        let entry = too_little.next_entry(day_after, NEEDED);
        assert_eq!(entry, Some(at("2027-12-18T00:00:00Z")), "{length}: a year later");
    }
    let enough = schedule("UTC", &[("0 0 18 12 *", "1455m")], &[("2026-12-18", "2026-12-18")]);
    assert_eq!(enough.next_entry(day_after, NEEDED), Some(at("2026-12-19T00:00:00Z")));
    assert_eq!(until(&enough, "2026-12-19T00:01:59Z"), Some(at("2026-12-19T00:02:00Z")));
    assert_eq!(until(&enough, "2026-12-19T00:02:00Z"), None);
}

#[test]
fn the_spans_of_a_schedule_are_listed_in_order() {
    let working = schedule("Europe/Lisbon", &[("0 9 * * Mon-Fri", "7h")], &[("2026-12-14", "2027-01-03")]);
    let told: Vec<_> = working
        .entries(at("2026-12-11T17:00:00Z"), NEEDED)
        .take(2)
        .map(|(begins, ends)| (begins.to_string(), ends.map(|ends| ends.to_string())))
        .collect();
    let span = |begins: &str, ends: &str| (begins.to_owned(), Some(ends.to_owned()));
    assert_eq!(
        told,
        [
            span("2027-01-04T09:00:00Z", "2027-01-04T16:00:00Z"),
            span("2027-01-05T09:00:00Z", "2027-01-05T16:00:00Z")
        ]
    );
    let always = Schedule::always();
    let spans: Vec<_> = always.entries(at("2026-12-11T17:00:00Z"), NEEDED).collect();
    assert_eq!(spans, [(at("2026-12-11T17:00:00Z"), None)]);
}
