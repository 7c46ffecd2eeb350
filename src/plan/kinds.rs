//! The kinds of single values in a plan file: how each is written.
//!
//! **Invariant:** a value that the decoder accepts matches the pattern of its kind; bounds
//! that differ from key to key stand with the key.

use super::fields::{MAX_PROSE_CHARS, MAX_TEXT_CHARS};
use super::grammar::{Bare, ValueKind};
use super::patterns;
use crate::{time::Span, version::ClientVersion};

/// More devices than any account has.
pub(super) const MOST_DEVICES: u32 = 1_000_000;

/// What most kinds have: a short text that no reader of YAML takes for anything else.
const fn kind(name: &'static str, doc: &'static str, pattern: fn() -> String) -> ValueKind {
    ValueKind { name, doc, pattern, most: MAX_TEXT_CHARS, bare: Bare::Text, bound: None }
}

/// A whole number from 1 to `MOST`.
pub(super) const fn whole_number<const MOST: u32>(name: &'static str) -> ValueKind {
    ValueKind {
        bare: Bare::Number { most: MOST },
        bound: Some(|| format!("from 1 to {MOST}")),
        ..kind(name, "A whole number, in digits alone.", || patterns::count(MOST.into()))
    }
}

pub(super) const DEVICES: ValueKind = whole_number::<MOST_DEVICES>("number of devices");

/// Defines kinds: its comment says how each is written, for the schema and the reference too.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal, $pattern:expr $(, $field:ident: $value:expr)*;)+) => {$(
        $(#[doc = $doc])+
        pub(super) const $kind: ValueKind =
            ValueKind { $($field: $value,)* ..kind($name, concat!($($doc),+).trim_ascii(), $pattern) };
    )+};
}

kinds! {
    /// One line of text, at most 255 characters.
    TEXT = "text", patterns::line, bare: Bare::Anything;
    /// Text, also of several lines, at most 4000 characters.
    PROSE = "prose", patterns::prose, most: MAX_PROSE_CHARS, bare: Bare::Anything;
    /// Lower-case letters, digits and `-`, such as cloudflare-one-client.
    PLAN_NAME = "plan name", || r"^[a-z0-9][a-z0-9-]*$".to_owned(), bare: Bare::Anything;
    /// The 32 digits 0-9 and a-f that the dashboard's address shows, in upper or lower case.
    ACCOUNT = "account ID", || r"^[0-9A-Fa-f]{32}$".to_owned(), bare: Bare::Anything;
    /// A profile's name, its policy ID, or the word `default` for the account's default profile.
    PROFILE = "profile", patterns::profile, bare: Bare::Anything;
    /// Four numbers, such as 2026.8.2100.0.
    VERSION = "version", patterns::version, bound: Some(|| format!("{} or newer", ClientVersion::FIRST_ASSIGNABLE));
    /// Comparisons (`=`, `<`, `<=`, `>`, `>=`) over the first three numbers of a version, such as
    /// '>=2026.7.1343, <2026.7.1376' or '=2026.7.1343'. Quote them: a bare `>` begins a block of text.
    RANGE = "range of versions", patterns::range;
    /// Comparisons over the first three numbers of the version that a device runs, such as '<=2026.9.1206',
    /// quoted; `true` for any version, `false` for none.
    DOWNGRADES = "range of versions, or `true`", patterns::downgrades, bare: Bare::Truth;
    /// An IANA name, such as Europe/Lisbon, America/New_York or UTC.
    ZONE = "time zone", || r"^[A-Za-z][A-Za-z0-9_+/-]*$".to_owned();
    /// With its sign and at most one decimal, such as 90% or 99.5%.
    SHARE = "percentage", patterns::share, bound: Some(|| "from 0.1% to 100%".to_owned());
    // A key says its bound.
    /// Whole numbers with w, d, h, m or s, the larger unit first, such as 72h, 7d or 1h 30m; elapsed time, at
    /// most 366d.
    SPAN = "length of time", || patterns::span(Span::hours(0));
    /// Such as ana@example.com.
    EMAIL = "e-mail address", patterns::email;
    /// Five fields: minute, hour, day, month, weekday, in the ring's time zone, such as "0 9 * * Mon-Thu".
    /// Where day and weekday are both given, either is enough: for the second Tuesday of a month write the
    /// weekday `Tue#2`, for its last Friday `FriL`. As a day, `L` is the last of the month, `15W` the weekday
    /// nearest to the 15th, `LW` the last weekday, not beside `L`. Quote it: a bare `*` begins an alias.
    CRON = "cron line", patterns::cron;
    /// Year, month and day, such as 2026-12-18.
    DATE = "date", patterns::date;
}
