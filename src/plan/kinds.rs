//! The kinds of single values in a plan file: how each is written.
//!
//! **Invariant:** a value that the decoder accepts matches the pattern of its kind; bounds
//! that differ from key to key stand with the key.

use super::fields::{MAX_PROSE_CHARS, MAX_TEXT_CHARS};
use super::grammar::{Bare, ValueKind};
use crate::version::ClientVersion;

/// More devices than any account has.
pub(super) const MOST_DEVICES: u32 = 1_000_000;

const LINE: &str = r"^[^\t\n]*\S[^\t\n]*$";
pub(super) const TEXT: ValueKind = ValueKind {
    name: "text",
    doc: "One line of text, at most 255 characters.",
    pattern: LINE,
    most: MAX_TEXT_CHARS,
    bare: Bare::Anything,
    bound: None,
};
pub(super) const PROSE: ValueKind = ValueKind {
    name: "prose",
    doc: "Text, also of several lines, at most 4000 characters.",
    pattern: r"\S",
    most: MAX_PROSE_CHARS,
    ..TEXT
};
pub(super) const PLAN_NAME: ValueKind = ValueKind {
    name: "plan name",
    doc: "Lower-case letters, digits and `-`, such as cloudflare-one-client.",
    pattern: r"^[a-z0-9][a-z0-9-]*$",
    ..TEXT
};
pub(super) const ACCOUNT: ValueKind = ValueKind {
    name: "account ID",
    doc: "The 32 digits 0-9 and a-f that the dashboard's address shows.",
    pattern: r"^[0-9a-f]{32}$",
    ..TEXT
};
pub(super) const PROFILE: ValueKind = ValueKind {
    name: "profile",
    doc: "A profile's name, its policy ID, or the word `default` for the account's default profile.",
    ..TEXT
};
pub(super) const VERSION: ValueKind = ValueKind {
    name: "version",
    doc: "Four numbers, such as 2026.8.2100.0.",
    pattern: r"^[1-9][0-9]{3,}\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)$",
    most: MAX_TEXT_CHARS,
    bare: Bare::Text,
    bound: Some(|| format!("{} or newer", ClientVersion::FIRST_ASSIGNABLE)),
};
pub(super) const RANGE: ValueKind = ValueKind {
    name: "range of versions",
    doc: "Comparisons over the first three numbers of a version, such as '>=2026.7.1343, <2026.7.1376' or '=2026.7.1343'. Quote them: a bare `>` begins a block of text.",
    pattern: r"^\s*(?:[<>=~^*]|[0-9.]+[*xX])",
    bound: None,
    ..VERSION
};
pub(super) const DOWNGRADES: ValueKind = ValueKind {
    name: "range of versions, or `true`",
    doc: "Comparisons over the first three numbers of the version that a device runs, such as '<=2026.8.2100', quoted; `true` for any version, `false` for none.",
    pattern: r"^\s*(?:true\s*$|false\s*$|[<>=~^*]|[0-9.]+[*xX])",
    bare: Bare::Anything,
    ..RANGE
};
pub(super) const ZONE: ValueKind = ValueKind {
    name: "time zone",
    doc: "An IANA name, such as Europe/Lisbon, America/New_York or UTC.",
    pattern: r"^[A-Za-z][A-Za-z0-9_+/-]*$",
    bound: None,
    ..VERSION
};
pub(super) const SHARE: ValueKind = ValueKind {
    name: "percentage",
    doc: "With its sign and at most one decimal, such as 90% or 99.5%.",
    pattern: r"^0*(?:100(?:\.0)?|[1-9][0-9]?(?:\.[0-9])?|0\.[1-9])\s*%$",
    bound: Some(|| "from 0.1% to 100%".to_owned()),
    ..VERSION
};
/// A key says its bound.
pub(super) const SPAN: ValueKind = ValueKind {
    name: "length of time",
    doc: "Whole numbers with w, d, h, m or s, the larger unit first, such as 72h, 7d or 1h 30m; elapsed time, at most 366d.",
    pattern: r"^\s*(?=[0-9])(?:[0-9]+w\s*)?(?:[0-9]+d\s*)?(?:[0-9]+h\s*)?(?:[0-9]+m\s*)?(?:[0-9]+s\s*)?$",
    bound: None,
    ..VERSION
};
pub(super) const DEVICES: ValueKind = ValueKind {
    name: "number of devices",
    doc: "A whole number.",
    pattern: r"^0*[1-9][0-9]*$",
    most: MAX_TEXT_CHARS,
    bare: Bare::Number,
    bound: Some(|| format!("from 1 to {MOST_DEVICES}")),
};
pub(super) const EMAIL: ValueKind = ValueKind {
    name: "e-mail address",
    doc: "Such as ana@example.com.",
    pattern: r"^[^\s@]+@[^\s@]+$",
    ..TEXT
};
pub(super) const CRON: ValueKind = ValueKind {
    name: "cron line",
    doc: "Five fields: minute, hour, day, month, weekday, in the ring's time zone, such as \"0 9 * * Mon-Thu\". Where day and weekday are both given, either is enough: for the second Tuesday of a month write the weekday `Tue#2`, for its last Friday `FriL`. As a day, `L` is the last of the month, `15W` the weekday nearest to the 15th, `LW` the last weekday. Quote it: a bare `*` begins an alias.",
    pattern: r"^\s*\S+(?:\s+\S+){4}\s*$",
    bound: None,
    ..VERSION
};
pub(super) const DATE: ValueKind = ValueKind {
    name: "date",
    doc: "Year, month and day, such as 2026-12-18.",
    pattern: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    bound: None,
    ..VERSION
};
