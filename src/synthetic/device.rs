//! One device: what it runs, what it was told, and when it moves.
//!
//! **Invariant:** a device runs only what it started with and what a group offered to its environment; its
//! moves are settled when a write happens and only a later write changes those that have not begun to
//! install.

use super::behaviour::{OfficeCalendar, WakingHabits};
use super::dice::Dice;
use crate::time::{SignedDuration, Timestamp, after};
use crate::version::{ClientVersion, Environment};

/// Notifications reach a device that is online within this time (client-version-assignments.mdx: "up to 15
/// minutes").
const NOTIFIED_WITHIN_SECONDS: i64 = 15 * 60;
/// Wakings at which a failed or interrupted install is tried again before the device gives up.
const MAX_ATTEMPTS: u64 = 40;

/// The operating systems of the simulated fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub(crate) enum Os {
    Windows,
    Mac,
    Linux,
    Ios,
}

impl Os {
    /// The spelling of `device_type`: "mac", while an assignment says "macos" (cloudflare.md#device-type).
    pub(crate) const fn device_type(self) -> &'static str {
        self.into_str()
    }

    pub(crate) const fn environment(self) -> Option<Environment> {
        match self {
            Self::Windows => Some(Environment::Windows),
            Self::Mac => Some(Environment::Macos),
            Self::Linux | Self::Ios => None,
        }
    }
}

/// What is special about a device. Nothing in the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceStory {
    /// Follows assignments; an install may fail and is tried again at a later waking.
    Follows,
    /// MDM says `allow_managed_deployments=false`: ignores assignments for good.
    Pinned,
    /// Every install fails; the old version goes on running.
    Broken,
    /// Runs a client below 2026.6, which ignores assignments.
    TooOld,
    /// An operating system without assignments.
    Unsupported,
    /// In a drawer: listed, not seen for weeks.
    InDrawer,
    /// Enrolled but never seen: no version, no `last_seen_at`.
    NeverSeen,
    /// All registrations revoked: hidden from the default listing.
    Unregistered,
}

/// What is true of one device, for tests and the demo. The API shows less, and later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceTruth {
    /// The device's ID.
    pub id: String,
    /// The name of its profile; `default` for the default one.
    pub profile: String,
    /// The environment that assignments target on it.
    pub environment: Option<Environment>,
    /// What is special about it.
    pub story: DeviceStory,
    /// What it runs at this instant.
    pub running: Option<String>,
    /// What the API says it runs: its version at its last check-in.
    pub reported: Option<String>,
    /// Its last check-in.
    pub last_seen_at: Option<Timestamp>,
}

/// One simulated device.
#[derive(Debug)]
pub(crate) struct SyntheticDevice {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) os: Os,
    pub(crate) story: DeviceStory,
    /// Index of its profile in the fleet.
    pub(crate) profile: usize,
    pub(crate) habits: WakingHabits,
    pub(crate) registrations: u32,
    pub(crate) created_at: Timestamp,
    /// What it ran when the sandbox began, in its own words; `None` until it was seen.
    pub(crate) initial: Option<String>,
    pub(crate) failed_install: u16,
    pub(crate) assignment: Option<ToldVersion>,
    pub(crate) moves: Vec<Move>,
}

/// How a device takes an assignment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Temper {
    /// How long Cloudflare takes to tell it.
    pub(crate) notified_after: SignedDuration,
    /// How long download and install take.
    pub(crate) installs_in: SignedDuration,
    /// How many wakings fail first.
    pub(crate) failures: usize,
    /// Whether it ever moves.
    pub(crate) moves: bool,
}

/// What a device was last told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToldVersion {
    target: Option<ClientVersion>,
    /// When it hears of it; `None`: never awake again.
    heard_at: Option<Timestamp>,
}

/// An install that succeeds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    version: ClientVersion,
    /// From here on it cannot be cancelled.
    installs_from: Timestamp,
    done_at: Timestamp,
}

impl SyntheticDevice {
    pub(crate) fn dice(&self) -> Dice {
        self.habits.dice
    }

    /// The version that runs at `instant`.
    pub(crate) fn running(&self, instant: Timestamp) -> Option<String> {
        let moved = self.moves.iter().rev().find(|step| step.done_at <= instant);
        moved.map(|step| step.version.to_string()).or_else(|| self.initial.clone())
    }

    /// Tells the device at `now` what its group offers to its environment. `write` counts the account's
    /// writes and seeds the delays, so that a repeated write is not a repeated history.
    pub(crate) fn assign(
        &mut self,
        target: Option<ClientVersion>,
        now: Timestamp,
        write: u64,
        calendar: &OfficeCalendar,
    ) {
        let told = self.assignment.and_then(|assignment| assignment.target);
        if told == target || self.os.environment().is_none() || self.story == DeviceStory::Pinned {
            return;
        }
        let die = self.dice().of("assignment").nth(write);
        // An earlier notification that is still on its way makes the device read the newest assignment too.
        let earlier = self.assignment.and_then(|told| told.heard_at).filter(|earlier| *earlier > now);
        let heard_at = self.heard_at(now, die, calendar).into_iter().chain(earlier).min();
        self.assignment = Some(ToldVersion { target, heard_at });
        let Some(heard_at) = heard_at else { return };
        // A changed target cancels a download; an install that has begun ends first.
        self.moves.retain(|step| step.installs_from < heard_at);
        let free_from = self.moves.last().map_or(heard_at, |step| step.done_at.max(heard_at));
        let current =
            self.moves.last().map(|step| step.version).or_else(|| self.initial.as_ref()?.parse().ok());
        let (Some(target), Some(current)) = (target, current) else { return };
        if target == current || !current.follows_assignments() || self.story == DeviceStory::Broken {
            return;
        }
        if let Some(step) = self.install(target, free_from, die, calendar) {
            self.moves.push(step);
        }
    }

    /// How it takes a first assignment that comes while it is awake: after how long it hears of it,
    /// how long download and install take, and how many wakings fail before.
    pub(crate) fn temper(&self) -> Temper {
        let die = self.dice().of("assignment").nth(1);
        let seconds = |die: Dice, low: i64, high: i64| SignedDuration::from_secs(die.between(low, high));
        let attempt = |n: u64| die.of("attempt").nth(n);
        let fails = |n: &u64| attempt(*n).of("fails").happens(self.failed_install);
        let failures = (0..MAX_ATTEMPTS).take_while(fails).count();
        let first = attempt(0);
        Temper {
            notified_after: seconds(die.of("notified"), 0, NOTIFIED_WITHIN_SECONDS),
            installs_in: seconds(first.of("download"), 60, 600) + seconds(first.of("install"), 40, 180),
            failures,
            moves: !matches!(self.story, DeviceStory::Pinned | DeviceStory::Broken),
        }
    }

    fn heard_at(&self, now: Timestamp, die: Dice, calendar: &OfficeCalendar) -> Option<Timestamp> {
        let delay = SignedDuration::from_secs(die.of("notified").between(0, NOTIFIED_WITHIN_SECONDS));
        let notified = after(now, delay);
        let awake = self.habits.awake_at_or_after(calendar, notified)?;
        if awake.from <= notified { Some(notified) } else { Some(evaluates_after(awake.from, die)) }
    }

    /// The install that succeeds in the end: each attempt downloads for some minutes, must end before the lid
    /// is closed, and may fail; the next one comes with a later waking.
    fn install(
        &self,
        version: ClientVersion,
        from: Timestamp,
        die: Dice,
        calendar: &OfficeCalendar,
    ) -> Option<Move> {
        let mut awake = self.habits.awake_at_or_after(calendar, from)?;
        let mut begins = from.max(awake.from);
        for attempt in 0..MAX_ATTEMPTS {
            let die = die.of("attempt").nth(attempt);
            let installs_from = after(begins, SignedDuration::from_secs(die.of("download").between(60, 600)));
            let done_at = after(installs_from, SignedDuration::from_secs(die.of("install").between(40, 180)));
            if done_at <= awake.until && !die.of("fails").happens(self.failed_install) {
                return Some(Move { version, installs_from, done_at });
            }
            awake = self.habits.next_waking(calendar, begins)?;
            begins = evaluates_after(awake.from, die);
        }
        None
    }

    /// What is true of the device at `now`.
    pub(crate) fn truth(&self, profile: &str, now: Timestamp, calendar: &OfficeCalendar) -> DeviceTruth {
        let last_seen_at = self.last_seen(now, calendar);
        DeviceTruth {
            id: self.id.clone(),
            profile: profile.to_owned(),
            environment: self.os.environment(),
            story: self.story,
            running: self.running(now),
            reported: self.reported(last_seen_at),
            last_seen_at,
        }
    }

    /// The last check-in at or before `now`.
    pub(crate) fn last_seen(&self, now: Timestamp, calendar: &OfficeCalendar) -> Option<Timestamp> {
        self.habits.last_seen(calendar, now)
    }

    /// What the API says the device runs, given its last check-in.
    pub(crate) fn reported(&self, last_seen: Option<Timestamp>) -> Option<String> {
        self.running(last_seen?)
    }

    /// The e-mail address of the last seen user.
    pub(crate) fn email(&self) -> String {
        // Profiles may be called anything; an address may not.
        let words =
            self.user.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut local = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join(".");
        // An address holds 64 characters before the @; the end tells the users apart.
        local.drain(..local.len().saturating_sub(64));
        format!("{}@example.test", local.trim_start_matches('.'))
    }
}

/// A device that wakes connects first and evaluates its assignment a little later.
fn evaluates_after(waking: Timestamp, die: Dice) -> Timestamp {
    after(waking, SignedDuration::from_secs(die.of("connects").between(5, 180)))
}

#[cfg(test)]
mod tests {
    use super::super::behaviour::Rhythm;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn device(story: DeviceStory, initial: &str, failed_install: u16) -> SyntheticDevice {
        let dice = Dice::seeded(11);
        SyntheticDevice {
            id: dice.uuid(),
            name: "ENG-WIN-1".to_owned(),
            user: "User 1".to_owned(),
            os: Os::Windows,
            story,
            profile: 0,
            habits: WakingHabits { dice, rhythm: Rhythm::AlwaysOn { restarts: 4 * 3600 }, check_in: 300 },
            registrations: 1,
            created_at: at("2026-01-01T00:00:00Z"),
            initial: Some(initial.to_owned()),
            failed_install,
            assignment: None,
            moves: Vec::new(),
        }
    }

    const OLD: &str = "2026.7.1376.0";
    const TARGET: ClientVersion = ClientVersion::new(2026, 8, 2100, 0);

    #[test]
    fn who_moves_and_who_stays() {
        let calendar = OfficeCalendar::office();
        let now = at("2026-10-12T10:00:00Z");
        let rows = [
            ("follows", DeviceStory::Follows, OLD, 0, true),
            ("pinned", DeviceStory::Pinned, OLD, 0, false),
            ("broken", DeviceStory::Broken, OLD, 0, false),
            ("too old", DeviceStory::TooOld, "2026.5.1155.1", 0, false),
            ("on target already", DeviceStory::Follows, "2026.8.2100.0", 0, false),
            ("every install fails", DeviceStory::Follows, OLD, 1_000, false),
            ("a share of installs fails", DeviceStory::Follows, OLD, 500, true),
        ];
        for (row, story, initial, failed_install, moves) in rows {
            let mut device = device(story, initial, failed_install);
            device.assign(Some(TARGET), now, 1, &calendar);
            assert_eq!(!device.moves.is_empty(), moves, "{row}");
            let later = at("2026-12-12T10:00:00Z");
            let expected = if moves { TARGET.to_string() } else { initial.to_owned() };
            assert_eq!(device.running(later), Some(expected), "{row}");
        }
    }

    #[test]
    fn a_changed_target_cancels_a_download_but_not_an_install() {
        let calendar = OfficeCalendar::office();
        let now = at("2026-10-12T10:00:00Z");
        let back: ClientVersion = OLD.parse().unwrap();
        let mut cancelled = device(DeviceStory::Follows, OLD, 0);
        cancelled.assign(Some(TARGET), now, 1, &calendar);
        cancelled.assign(Some(back), now, 2, &calendar);
        assert!(cancelled.moves.is_empty(), "one notification delivers both, the newest counts");

        let mut installed = device(DeviceStory::Follows, OLD, 0);
        installed.assign(Some(TARGET), now, 1, &calendar);
        let begun = installed.moves[0].installs_from;
        installed.assign(Some(back), after(begun, SignedDuration::from_secs(1)), 2, &calendar);
        let versions: Vec<ClientVersion> = installed.moves.iter().map(|step| step.version).collect();
        assert_eq!(versions, [TARGET, back], "the install ends, then the device goes back");
        assert!(installed.moves[0].done_at <= installed.moves[1].installs_from);
    }

    #[test]
    fn a_new_version_shows_at_the_next_check_in_only() {
        let calendar = OfficeCalendar::office();
        let now = at("2026-10-12T10:00:00Z");
        let mut device = device(DeviceStory::Follows, OLD, 0);
        device.assign(Some(TARGET), now, 1, &calendar);
        let done = device.moves[0].done_at;
        let seen = device.last_seen(done, &calendar);
        assert!(seen.unwrap() < done, "this seed installs between two check-ins");
        assert_eq!(device.reported(seen).as_deref(), Some(OLD));
        let seen = device.last_seen(after(done, SignedDuration::from_secs(300)), &calendar);
        assert_eq!(device.reported(seen), Some(TARGET.to_string()));
    }
}
