//! Tales of devices: what each does, and what a ring must make of it at each instant looked at.
//!
//! **Invariant:** a tale says its classes itself; nothing here asks ringward.

use ringward::fleet::{Class, Reported};
use ringward::ids::PolicyId;
use ringward::time::{SignedDuration, Timestamp, after};
use ringward::version::ClientVersion;

use super::support::drive::devices::{DeviceScript, OnlineSpans, Reaction};

/// Hours after a ring's assignment at which it is looked at; the first lies before it.
pub(crate) const LOOKS: [i64; 6] = [-1, 1, 9, 33, 81, 153];

/// What a ring makes of a device at each of [`LOOKS`]; `None`: it is not of the ring.
pub(crate) type Classes = [Option<Class>; 6];

/// A ring as a tale needs it.
pub(crate) struct Place<'a> {
    /// When it is entered, to the hour.
    pub(crate) entered: Timestamp,
    /// A profile that no ring has.
    pub(crate) nowhere: &'a PolicyId,
    /// A profile of the ring that is entered a week later, if there is one.
    pub(crate) next: Option<&'a PolicyId>,
}

/// One tale.
pub(crate) struct Tale {
    pub(crate) name: &'static str,
    /// How many of a thousand devices live it.
    pub(crate) weight: usize,
    /// What becomes of a device that is always present and takes what it is offered.
    pub(crate) tell: fn(&mut DeviceScript, &Place<'_>),
    /// What its ring makes of it, in the letters of [`class`].
    pub(crate) classes: &'static str,
    /// What the ring after it makes of it, where there is one.
    pub(crate) in_next: &'static str,
}

const NOT_THERE: &str = "------";

/// `A`rrived, `D`ue, `S`talled, `U`nseen, `T`oo old, u`N`targeted, `L`eft; `-`: not of the ring.
fn class(letter: char) -> Option<Class> {
    match letter {
        'A' => Some(Class::Arrived),
        'D' => Some(Class::Due),
        'S' => Some(Class::Stalled),
        'U' => Some(Class::Unseen),
        'T' => Some(Class::TooOld),
        'N' => Some(Class::Untargeted),
        'L' => Some(Class::Left),
        '-' => None,
        other => panic!("`{other}` is no class"),
    }
}

/// The classes that letters stand for.
pub(crate) fn classes(letters: &str) -> Classes {
    let all: Vec<Option<Class>> = letters.chars().map(class).collect();
    all.try_into().unwrap_or_else(|all: Vec<_>| panic!("{letters} has {} letters", all.len()))
}

fn hours(place: &Place<'_>, hours: i64) -> Timestamp {
    after(place.entered, SignedDuration::from_hours(hours))
}

fn pin(story: &mut DeviceScript) {
    story.reaction = Reaction::Stays;
}

fn runs(story: &mut DeviceScript, version: (u32, u32, u32, u32)) {
    let (year, month, build, channel) = version;
    story.client = Reported::Version(ClientVersion::new(year, month, build, channel));
}

/// Switched off between two instants.
fn away(story: &mut DeviceScript, place: &Place<'_>, from: i64, until: i64) {
    story.presence = story.presence.without(hours(place, from), hours(place, until));
}

fn moves(story: &mut DeviceScript, place: &Place<'_>, at: i64, to: &PolicyId) {
    story.moves.push((hours(place, at), to.clone()));
}

/// In a profile of no ring until ten hours after the assignment.
fn moves_in(story: &mut DeviceScript, place: &Place<'_>) {
    let home = std::mem::replace(&mut story.profile, place.nowhere.clone());
    story.moves.push((hours(place, 10), home));
}

macro_rules! tale {
    ($weight:literal, $name:literal, $classes:literal, $tell:expr) => {
        tale!($weight, $name, $classes, $tell, NOT_THERE)
    };
    ($weight:literal, $name:literal, $classes:literal, $tell:expr, $in_next:expr) => {
        Tale { name: $name, weight: $weight, tell: $tell, classes: $classes, in_next: $in_next }
    };
}

/// All tales of devices that follow assignments. The weights add up to a thousand.
pub(crate) const TALES: &[Tale] = &[
    tale!(420, "arrives", "UAAAAA", |_, _| {}),
    tale!(60, "is switched on in the afternoon", "UUAAAA", |story, place| away(story, place, -20, 4)),
    tale!(60, "comes back after two days", "UUUUAA", |story, place| away(story, place, -90, 50)),
    tale!(30, "is on vacation all the while", "UUUUUU", |story, place| away(story, place, -90, 2_000)),
    tale!(30, "is pinned by the MDM", "UDDSSS", |story, _| pin(story)),
    tale!(20, "comes the next day, and its installer fails", "UUUDSS", |story, place| {
        pin(story);
        away(story, place, -20, 20);
    }),
    tale!(20, "was never seen", "UUUUUU", |story, _| story.presence = OnlineSpans::never()),
    tale!(40, "is too old", "TTTTTT", |story, _| runs(story, (2026, 4, 1390, 0))),
    tale!(10, "reports no version", "UDDSSS", |story, _| story.client = Reported::Null),
    tale!(10, "reports no readable version", "UDDSSS", |story, _| {
        story.client = Reported::Unreadable("soon".to_owned());
    }),
    tale!(30, "leaves for a profile of no ring", "UAALLL", |story, place| {
        moves(story, place, 10, place.nowhere);
    }),
    tale!(20, "is pinned, and leaves for a profile of no ring", "UDDLLL", |story, place| {
        pin(story);
        moves(story, place, 10, place.nowhere);
    }),
    tale!(
        30,
        "leaves for the next ring",
        "UAALLL",
        |story, place| moves(story, place, 10, place.next.unwrap_or(place.nowhere)),
        "UAAAAA"
    ),
    tale!(20, "leaves and comes back", "UAALAA", |story, place| {
        let home = story.profile.clone();
        moves(story, place, 10, place.nowhere);
        moves(story, place, 50, &home);
    }),
    tale!(10, "is pinned, leaves and comes back", "UDDLSS", |story, place| {
        let home = story.profile.clone();
        pin(story);
        moves(story, place, 10, place.nowhere);
        moves(story, place, 50, &home);
    }),
    tale!(20, "goes back to its old version a day later", "UAASSS", |story, _| {
        story.reaction = Reaction::Reverts {
            notified_after: SignedDuration::from_mins(5),
            installs_in: SignedDuration::from_mins(10),
            after: SignedDuration::from_hours(20),
        };
    }),
    tale!(20, "has the target already", "UAAAAA", |story, _| runs(story, (2026, 8, 2100, 0))),
    tale!(10, "has something newer, and goes back to the target", "UAAAAA", |story, _| {
        runs(story, (2026, 9, 100, 0));
    }),
    tale!(10, "is pinned on something newer", "UDDSSS", |story, _| {
        pin(story);
        runs(story, (2026, 9, 100, 0));
    }),
    tale!(30, "is moved into the ring on the way", "---AAA", |story, place| moves_in(story, place)),
    tale!(10, "is moved into the ring on the way, pinned", "---DSS", |story, place| {
        pin(story);
        moves_in(story, place);
    }),
    tale!(30, "is removed from the account", "UAALLL", |story, place| {
        story.removed_at = Some(hours(place, 10));
    }),
    tale!(10, "is pinned, and removed from the account", "UDDLLL", |story, place| {
        pin(story);
        story.removed_at = Some(hours(place, 10));
    }),
    tale!(10, "lies in a drawer, and is removed from the account", "UUULLL", |story, place| {
        story.presence = story.presence.until(hours(place, -60));
        story.removed_at = Some(hours(place, 10));
    }),
    tale!(20, "arrives, and goes into a drawer", "UAAAAA", |story, place| away(story, place, 5, 2_000)),
    tale!(20, "is moved on paper, and never seen there", "UAAAAA", |story, place| {
        away(story, place, 5, 2_000);
        moves(story, place, 10, place.nowhere);
    }),
];

/// Gone two days before the assignment: counted as left from then on.
pub(crate) const GONE_BEFORE: Tale = tale!(0, "was removed before", "LLLLLL", |story, place| {
    story.removed_at = Some(hours(place, -48));
});
