//! The lines of `== fleet`: profiles and their devices, in an admin's words.
//!
//! `Engineering: 12 windows weekdays 9-17; 2 mac pinned` is a profile with 14 devices. Words that
//! follow the number and the system, in any order:
//!
//! | words | meaning |
//! | --- | --- |
//! | `weekdays 9-17`, `daily 9-17` | switched on at these hours of the fleet's zone; else always |
//! | `away until DAY`, `until DAY`, `away from DAY until DAY`, `never` | absent before, from then on, in between, always |
//! | `on VERSION`, `null version` | what it runs at first |
//! | `pinned` | never installs |
//! | `installs in 2h`, `reverts after 20h` | how it installs |
//! | `moves to PROFILE at DAY`, `removed at DAY` | where it goes |
//!
//! **Invariant:** the same lines give the same devices.

use std::collections::BTreeSet;

use ringward::fleet::Reported;
use ringward::ids::{DeviceId, PolicyId};
use ringward::rollout::record::Profile;
use ringward::schedule::Zone;
use ringward::time::{SignedDuration, Span, Timestamp, after};
use ringward::version::ClientVersion;

use super::file::words;
use super::support::drive::devices::{DeviceScript, Devices, OnlineSpans, Reaction};
use super::support::drive::online_by_day;
use super::support::drive::upstream::Upstream;

/// Days that presence patterns reach, from a week before the scenario on.
const DAYS: usize = 90;

struct Reader {
    zone: Zone,
    version: ClientVersion,
    begin: Timestamp,
    profiles: Vec<Profile>,
    stories: Vec<DeviceScript>,
}

/// The account that the lines describe.
pub(crate) fn account(lines: &[String], begin: Timestamp) -> Upstream {
    let mut reader = Reader {
        zone: Zone::utc(),
        version: ClientVersion::new(2026, 6, 880, 0),
        begin,
        profiles: Vec::new(),
        stories: Vec::new(),
    };
    for line in lines {
        let Some((head, rest)) = line.split_once(':') else { panic!("a fleet line has a colon: {line}") };
        match (head, rest.trim()) {
            ("zone", zone) => reader.zone = Zone::new(zone).unwrap_or_else(|error| panic!("{error}")),
            ("version", version) => reader.version = parse(version),
            (profile, devices) => reader.profile(profile, devices),
        }
    }
    let default = reader.profiles.iter().find(|profile| profile.is_default).map(|p| p.id.clone());
    let known: BTreeSet<&PolicyId> = reader.profiles.iter().map(|profile| &profile.id).collect();
    for (_, moved) in reader.stories.iter().flat_map(|story| &story.moves) {
        assert!(known.contains(moved), "no profile `{moved}` to move to");
    }
    Upstream::new(Devices::new(reader.stories, default), reader.profiles)
}

/// The ID of a profile, by its name.
pub(crate) fn profile_id(name: &str) -> PolicyId {
    parse(name)
}

/// An instant in UTC: `2026-10-12`, `2026-10-12 06:00` or `2026-10-12 06:00:03`.
pub(crate) fn instant(words: &[String]) -> (Timestamp, usize) {
    let Some(day) = words.first() else { panic!("a day is missing") };
    let is_time = |word: &&String| matches!(word.len(), 5 | 8) && word.as_bytes()[2] == b':';
    let time = words.get(1).filter(is_time);
    let text = match time {
        Some(time) if time.len() == 8 => format!("{day}T{time}Z"),
        Some(time) => format!("{day}T{time}:00Z"),
        None => format!("{day}T00:00:00Z"),
    };
    (parse(&text), 1 + usize::from(time.is_some()))
}

/// Reads a word, or fails with it.
pub(crate) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(word: &str) -> T {
    word.parse().unwrap_or_else(|error| panic!("`{word}`: {error}"))
}

/// A length of time.
pub(crate) fn span(word: &str) -> SignedDuration {
    parse::<Span>(word).get()
}

impl Reader {
    fn profile(&mut self, name: &str, devices: &str) {
        let is_default = name == "default";
        let id = profile_id(name);
        let name = (!is_default).then(|| name.to_owned());
        self.profiles.push(Profile { id: id.clone(), name, is_default, enabled: true });
        let mut number = 0;
        for group in devices.split(';').map(words).filter(|words| !words.is_empty()) {
            let [count, system, details @ ..] = group.as_slice() else {
                panic!("devices are a number and a system: {group:?}")
            };
            let template = self.template(&id, system, details);
            for _ in 0..parse::<usize>(count) {
                number += 1;
                let mut story = template.clone();
                story.id = parse::<DeviceId>(&format!("{id}-{number}"));
                // Not all at the same minute.
                story.heartbeat += SignedDuration::from_secs(60 * (number % 5));
                self.stories.push(story);
            }
        }
    }

    fn template(&self, profile: &PolicyId, system: &str, details: &[String]) -> DeviceScript {
        let mut story = DeviceScript::new(parse("template"), system, self.version, profile.clone());
        let mut rest = details;
        while let Some((word, tail)) = rest.split_first() {
            let taken = self.detail(&mut story, word, tail);
            rest = &tail[taken..];
        }
        story
    }

    /// Takes one detail in; returns how many words after the first it took.
    fn detail(&self, story: &mut DeviceScript, word: &str, tail: &[String]) -> usize {
        let next = |index: usize| tail.get(index).map_or("", String::as_str);
        let week_before = after(self.begin, -SignedDuration::from_hours(7 * 24));
        match (word, next(0)) {
            ("weekdays" | "daily", hours) => {
                let Some((from, until)) = hours.split_once('-') else { panic!("hours are 9-17: {hours}") };
                let weekends = word == "daily";
                let hours = (parse(from), parse(until));
                story.presence = online_by_day(&self.zone, hours, week_before, DAYS, |day| {
                    weekends || day.to_monday_zero_offset() < 5
                });
                1
            }
            ("away", "until") => {
                let (until, taken) = instant(&tail[1..]);
                story.presence = story.presence.from(until);
                1 + taken
            }
            ("away", "from") => {
                let (from, taken) = instant(&tail[1..]);
                let (until, more) = instant(&tail[taken + 2..]);
                story.presence = story.presence.without(from, until);
                2 + taken + more
            }
            ("until", _) => {
                let (until, taken) = instant(tail);
                story.presence = story.presence.until(until);
                taken
            }
            ("never", _) => {
                story.presence = OnlineSpans::never();
                0
            }
            ("pinned", _) => {
                story.reaction = Reaction::Stays;
                0
            }
            ("on", version) => {
                story.client = Reported::Version(parse(version));
                1
            }
            ("null", "version") => {
                story.client = Reported::Null;
                1
            }
            ("installs", "in") => {
                let notified_after = SignedDuration::from_mins(5);
                story.reaction = Reaction::Arrives { notified_after, installs_in: span(next(1)) };
                2
            }
            ("reverts", "after") => {
                story.reaction = Reaction::Reverts {
                    notified_after: SignedDuration::from_mins(5),
                    installs_in: SignedDuration::from_mins(10),
                    after: span(next(1)),
                };
                2
            }
            ("moves", "to") => {
                let (at, taken) = instant(&tail[3..]);
                story.moves.push((at, profile_id(next(1))));
                3 + taken
            }
            ("removed", "at") => {
                let (at, taken) = instant(&tail[1..]);
                story.removed_at = Some(at);
                1 + taken
            }
            _ => panic!("`{word} {}` says nothing about a device", next(0)),
        }
    }
}
