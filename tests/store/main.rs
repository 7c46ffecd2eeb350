//! The store from outside: the chain, opening, killing, the golden log.

#![expect(clippy::unwrap_used, reason = "a test's helper fails as the test does")]

mod chain;
mod failure;
mod golden;
mod kinds;
mod observations;
mod opening;

use std::path::Path;
use std::process::{Command, Stdio};

use ringward::ids::{AccountId, PlanName};
use ringward::store::{NewRecord, Store};
use ringward::time::{Clock, Timestamp};

/// Says to [`child`] what to do; without it that test has nothing to do.
const ROLE: &str = "RINGWARD_STORE_TEST_ROLE";
const DATABASE: &str = "RINGWARD_STORE_TEST_DATABASE";

/// Runs a part of a test in another process, which can be killed or lose its rights.
#[test]
fn child() {
    let (Ok(role), Ok(database)) = (std::env::var(ROLE), std::env::var(DATABASE)) else { return };
    let database = Path::new(&database);
    match role.as_str() {
        "append for ever" => failure::append_for_ever(database),
        "append until it fails" => failure::append_until_it_fails(database),
        "open" => opening::open_and_tell(database),
        other => panic!("unknown role {other}"),
    }
}

/// The child as a command; its own lines on stdout start with `>`.
fn child_command(program: &Path, role: &str, database: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(DATABASE, database);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// The daemon moves both to threads of their own.
const fn goes_to_a_thread<T: Send>() {}
const _: () = {
    goes_to_a_thread::<Store>();
    goes_to_a_thread::<ringward::store::Reader>();
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The instant `seconds` into the tests' own time.
fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(at("2026-10-12T06:00:00Z").as_second() + seconds).unwrap()
}

fn account() -> AccountId {
    AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap()
}

fn plan() -> PlanName {
    PlanName::new("cloudflare-one-client").unwrap()
}

fn open(path: &Path) -> Store {
    Store::open_for_writing(path, &account(), &Clock::Real, second(0)).unwrap()
}

/// A record that differs from every other in each column that may differ.
fn record(number: i64) -> NewRecord {
    let own = number % 3 != 0;
    NewRecord {
        at: second(number),
        plan: own.then(plan),
        rollout: (number % 3 == 1).then_some(number.unsigned_abs()),
        kind: format!("Kind{number}"),
        kind_version: 1 + u32::try_from(number % 2).unwrap(),
        actor: format!("actor-{number} é"),
        reason: format!("reason {number}\nin two lines"),
        payload: format!(r#"{{"z": {number}, "a":[1,2 ], "text": "marker-{number}-ü"}}"#),
    }
}

fn records(numbers: std::ops::RangeInclusive<i64>) -> Vec<NewRecord> {
    numbers.map(record).collect()
}
