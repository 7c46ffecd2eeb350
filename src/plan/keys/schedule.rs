//! The keys of `schedule`: openings and freezes.
//!
//! **Invariant:** a day and an opening have one way to be written.

use jiff::civil::Date;

use crate::plan::grammar::{Absent, Key, Mapping, Takes, ValueKind};
use crate::plan::keys::elsewhere::IN_AN_OPENING;
use crate::plan::kinds::{CRON, DATE, SPAN, TEXT};
use crate::plan::typed_key::TypedKey;
use crate::plan::values::{date, owned_text, span};
use crate::schedule::{LEAST_OPENING, MAX_FREEZES, MAX_OPENINGS};
use crate::time::{Span, in_words};

pub(super) const SCHEDULE_KEY: Key = Key {
    name: "schedule",
    takes: Takes::Keys(&SCHEDULE),
    absent: Absent::Means("always open, never frozen"),
    doc: "When ringward may write assignments; laptops install whenever they next wake up. A ring's own openings stand in place of those of `defaults`; its own freezes are added to theirs.",
    example: "schedule: {open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]}",
};

/// When ringward may write.
pub(in crate::plan) const SCHEDULE: Mapping = Mapping {
    of: "`schedule`",
    name: "schedule",
    doc: "When ringward may write. A freeze always wins over an opening.",
    keys: &[
        Key {
            name: "open",
            takes: Takes::Mappings { item: &OPENING, least: 0, most: MAX_OPENINGS },
            absent: Absent::Means("the openings of `defaults`; always open if there are none"),
            doc: "When a ring may be entered. An empty list means always.",
            example: "open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]",
        },
        Key {
            name: "freeze",
            takes: Takes::Mappings { item: &FREEZE, least: 0, most: MAX_FREEZES },
            absent: Absent::Means("the freezes of `defaults`"),
            doc: "Days on which nothing is written. A ring's own are added to those of `defaults`; only an empty list in a ring lifts them.",
            example: "freeze: [{from: 2026-12-18, until: 2027-01-04, reason: Year-end change freeze}]",
        },
    ],
    later: &[],
    elsewhere: &[
        ("timezone", "write `timezone` next to `schedule`"),
        ("cron", IN_AN_OPENING),
        ("for", IN_AN_OPENING),
    ],
};

pub(in crate::plan) const OPENS: TypedKey<String> = TypedKey {
    name: "cron",
    takes: Takes::Value(&CRON),
    absent: Absent::Refused,
    doc: "When it opens.",
    example: "cron: \"0 9 * * Mon-Thu\"",
    read: owned_text,
};
pub(in crate::plan) const LENGTH: TypedKey<Span> = TypedKey {
    name: "for",
    takes: Takes::Value(&ValueKind {
        bound: Some(|| format!("at least {}", in_words(LEAST_OPENING))),
        ..SPAN
    }),
    absent: Absent::Refused,
    doc: "How long it stays open, in elapsed time.",
    example: "for: 7h",
    read: |node, what, problems| {
        let why = "a ring is entered only with 15m of the opening left";
        span(node, what, Span::minutes(LEAST_OPENING.as_mins()), why, problems)
    },
};

/// A repeated span of time.
pub(in crate::plan) const OPENING: Mapping = Mapping {
    of: "an opening",
    name: "opening",
    doc: "A repeated span of time in which a ring may be entered. It belongs to the moment it opens, also across midnight and clock changes; a ring is entered only while 15m of it are left, or within 2m of its start. Where a freeze begins in it, it ends there; where one ends in it, that is its start.",
    keys: &[OPENS.key(), LENGTH.key()],
    later: &[],
    elsewhere: &[
        ("timezone", "write `timezone` next to `schedule`, for all its openings"),
        ("until", "write how long it stays open, such as for: 7h"),
        ("from", "write when it opens, such as cron: \"0 9 * * Mon-Thu\""),
    ],
};

pub(in crate::plan) const FROM: TypedKey<Date> = TypedKey {
    name: "from",
    takes: Takes::Value(&DATE),
    absent: Absent::Refused,
    doc: "The first frozen day.",
    example: "from: 2026-12-18",
    read: date,
};
pub(in crate::plan) const UNTIL: TypedKey<Date> = TypedKey {
    name: "until",
    takes: Takes::Value(&DATE),
    absent: Absent::Refused,
    doc: "The last frozen day.",
    example: "until: 2027-01-04",
    read: date,
};
pub(in crate::plan) const REASON: TypedKey<String> = TypedKey {
    name: "reason",
    takes: Takes::Value(&TEXT),
    absent: Absent::Refused,
    doc: "Why, for those who wait.",
    example: "reason: Year-end change freeze",
    read: owned_text,
};

/// Days on which nothing is written.
pub(in crate::plan) const FREEZE: Mapping = Mapping {
    of: "a freeze",
    name: "freeze",
    doc: "Whole days in the ring's zone on which nothing is written. Deadlines stand still, soaks go on.",
    keys: &[FROM.key(), UNTIL.key(), REASON.key()],
    later: &[],
    elsewhere: &[("to", "write `until`, the last frozen day")],
};
