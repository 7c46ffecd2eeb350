//! Many seeded runs on all cores, and what they come to.
//!
//! **Invariant:** the runs of a trial are its seeds and nothing else; which of them are run is said
//! before any is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ringward::ids::PolicyId;
use ringward::plan::model::Revision;
use ringward::rollout::laws::{self, Tolerance};
use ringward::rollout::record::Profile;
use ringward::rollout::record::{Cause, Event, Mode, Recorded};
use ringward::simulation::Reports;
use ringward::time::{SignedDuration, Timestamp};

use super::support::drive::devices::{DeviceScript, Devices};
use super::support::drive::upstream::Upstream;
use super::support::drive::{Drive, Pace, writes_for_the_laws};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What CI has time for.
    Share,
    /// Everything: `RINGWARD_TRIALS=full`.
    Full,
}

impl Extent {
    pub(crate) fn asked() -> Self {
        match std::env::var("RINGWARD_TRIALS").as_deref() {
            Ok("full") => Self::Full,
            Ok(other) => panic!("RINGWARD_TRIALS={other}: the only value is `full`"),
            Err(_) => Self::Share,
        }
    }

    /// Seeds from 1 on.
    pub(crate) const fn seeds(self, share: u64, full: u64) -> u64 {
        match self {
            Self::Share => share,
            Self::Full => full,
        }
    }
}

/// What each of the seeds 1 to `count` came to, in order.
pub(crate) fn each_seed<T: Send>(count: u64, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(1);
    let results = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > count {
                break;
            }
            let result = run(seed);
            results.lock().unwrap().push((seed, result));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(seed, _)| *seed);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A plan from its file's text.
pub(crate) fn plan(text: &str) -> Revision {
    ringward::plan::read("trial.yaml", text.as_bytes())
        .unwrap_or_else(|errors| panic!("{errors:#?}\nin\n{text}"))
}

/// A profile's ID, by its name.
pub(crate) fn policy(name: &str) -> PolicyId {
    PolicyId::new(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A daemon on an account with these profiles, the last of which is the default one. It makes no reports:
/// how most trials end is read from the log, and a test that reads a report asks for it.
pub(crate) fn drive(
    profiles: &[&str],
    stories: Vec<DeviceScript>,
    plan: Revision,
    begin: Timestamp,
) -> Drive {
    let default = profiles.last().map(|name| policy(name));
    let profile = |name: &&str| {
        let (id, is_default) = (policy(name), default.as_ref() == Some(&policy(name)));
        Profile { id, name: (!is_default).then(|| (*name).to_owned()), is_default, enabled: true }
    };
    let listed = profiles.iter().map(profile).collect();
    let upstream = Upstream::new(Devices::new(stories, default), listed);
    let mut drive = Drive::new(upstream, vec![plan], pace(), Mode::Write, begin);
    drive.daemon.engine.reports = Reports::None;
    drive
}

/// Half an hour between reads: looks are taken once a day.
fn pace() -> Pace {
    Pace { poll: SignedDuration::from_mins(30), ..Pace::default() }
}

/// Every halt so far: when, and why.
pub(crate) fn halts(log: &[Recorded]) -> Vec<(Timestamp, Cause)> {
    let halted = |recorded: &Recorded| match &recorded.entry.event {
        Event::Halted { cause } => Some((recorded.at, cause.clone())),
        _ => None,
    };
    log.iter().filter_map(halted).collect()
}

/// Runs until the first halt, or until `until`.
pub(crate) fn until_halted(drive: &mut Drive, until: Timestamp) {
    while drive.step(until) {
        if drive.daemon.engine.state.plans.values().any(|plan| plan.rollout.halted.is_some()) {
            return;
        }
    }
    drive.now = drive.now.max(until);
}

/// No trial breaks a law.
pub(crate) fn check_laws(drive: &Drive) {
    // Polls come every half an hour here, and four of them may fail.
    let limits = Tolerance { watch_max_age: SignedDuration::from_hours(2), in_transit: SignedDuration::ZERO };
    let found = laws::check_within(&drive.daemon.log, &writes_for_the_laws(&drive.upstream), limits);
    assert!(found.is_empty(), "{found:#?}\n{}", drive.tail());
}
