//! `ringward simulate`: what a plan would do to a fleet, told day by day, in a second or two.
//!
//! **Invariant:** nothing is written anywhere; the same plan, begin, seed, size and faults give the
//! same answer, to the byte.

mod online;
mod tell;

use std::path::PathBuf;

use clap::Args;

use crate::cli::{CliError, ConnectionArgs, JsonArgs, Out, Screen, transient};
use crate::simulation::cast::{Casting, Size};
use crate::simulation::trial::{Trial, run};
use crate::time::{Clock, SignedDuration, Timestamp, after, since};
use crate::{cli::judgement::one_plan, plan::model::Plan, simulation::what_if::WhatIf, synthetic::Mix};

/// The longest simulation.
pub const MOST_DAYS: u16 = 366;

/// The largest synthetic fleet: about the largest account that --online was tried with. It takes a
/// minute or so, and a terminal shows how far it is.
pub const MOST_DEVICES: u32 = 20_000;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("../help/simulate.txt").trim_end())]
pub struct SimulateArgs {
    /// A plan file
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Seed of all random draws
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
    /// Simulate at most this many days
    #[arg(long, value_name = "N", default_value_t = 120, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_DAYS)))]
    pub days: u16,
    /// How many devices, over all profiles of the plan; each ring has twice those of the one before
    #[arg(long, value_name = "N", default_value_t = 400, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DEVICES)), conflicts_with = "online")]
    pub devices: u32,
    /// When it begins: 2026-10-12 or 2026-10-12T06:00:00Z; without it, today at 00:00 UTC (with --online, by --clock)
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub from: Option<Timestamp>,
    /// A fault to simulate; can be given more than once
    #[arg(long = "fault", value_name = "FAULT")]
    pub faults: Vec<WhatIf>,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Take the number of devices of each profile and system from the account, reading only
    #[arg(long)]
    pub online: bool,
    /// With --online: how to reach the account.
    #[command(flatten, next_help_heading = "With --online")]
    pub connection: ConnectionArgs,
}

impl SimulateArgs {
    /// The clock that says what day it is: the account's, where its devices are counted.
    pub fn clock(&self) -> Clock {
        if self.online { self.connection.clock } else { Clock::Real }
    }
}

/// Simulates a plan. A rollout that halts is an answer, not a failure.
///
/// # Errors
/// When the plan or a fault cannot be used (exit 2), or the account cannot be read (exit 1).
pub async fn simulate(
    args: &SimulateArgs,
    now: Timestamp,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let from = args.from.unwrap_or_else(|| midnight(now));
    let revision = one_plan(&args.plan, from, screen)?;
    let days = i64::from(args.days);
    let until = after(from, SignedDuration::from_hours(24 * days));
    args.faults
        .iter()
        .try_for_each(|fault| fault.fits(&revision.plan, from, until))
        .map_err(CliError::usage)?;
    let size = if args.online {
        Size::Counted(online::heads(&revision.plan, &args.connection).await?)
    } else {
        Size::Total(enough(args.devices, &revision.plan)?)
    };
    // All devices are listed: those without a registration would only be missing from the number asked for.
    let mix = Mix { unregistered: 0, ..Mix::default() };
    let casting = Casting { seed: args.seed, size, mix, from, days };
    let trial = Trial { revision, casting, faults: args.faults.clone() };
    let mut passing = Passing::of(from, days);
    let told = run(&trial, |now| passing.reached(now));
    passing.end();
    let told = told.map_err(CliError::failed)?;
    Ok(args.json.format().answer(out, &tell::SimulationJson::of(&trial, &told), |out| {
        tell::text(out, &trial, &told, screen)
    })?)
}

/// Each profile has a device at least.
fn enough(devices: u32, plan: &Plan) -> Result<usize, CliError> {
    let devices = usize::try_from(devices).unwrap_or(usize::MAX);
    let profiles: usize = plan.rings.iter().map(|ring| ring.profiles.len()).sum();
    if devices < profiles {
        return Err(CliError::usage(format!(
            "--devices {devices} is too few: the plan has {profiles} profiles, and each has one device at least"
        )));
    }
    Ok(devices)
}

/// The begin of an instant's day, in UTC.
fn midnight(now: Timestamp) -> Timestamp {
    let seconds = now.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(86_400)).unwrap_or(now)
}

/// A day or an instant.
fn instant(text: &str) -> Result<Timestamp, String> {
    let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    let wrong = || "write a day such as 2026-10-12, or an instant such as 2026-10-12T06:00:00Z".to_owned();
    let instant: Timestamp = whole.parse().map_err(|_| wrong())?;
    // Habits and schedules are computed by calendars; this leaves room on both sides.
    let years = 2000..=2100;
    let year = i64::from(instant.to_zoned(jiff::tz::TimeZone::UTC).year());
    if years.contains(&year) { Ok(instant) } else { Err("its year goes from 2000 to 2100".to_owned()) }
}

/// How far a simulation is, on a terminal: a large fleet takes its time. A line that is written over; nothing is
/// written unless standard error is a terminal, and nothing stays there.
struct Passing {
    from: Timestamp,
    days: i64,
    shown: Option<i64>,
}

impl Passing {
    fn of(from: Timestamp, days: i64) -> Self {
        Self { from, days, shown: None }
    }

    /// The simulation has come to an instant.
    fn reached(&mut self, now: Timestamp) {
        let day = self.day(now);
        if self.shown != Some(day) {
            self.shown = Some(day);
            transient(&self.words(day));
        }
    }

    /// Wipes the line away.
    fn end(self) {
        if self.shown.is_some() {
            transient("");
        }
    }

    fn day(&self, now: Timestamp) -> i64 {
        since(self.from, now).as_hours() / 24 + 1
    }

    fn words(&self, day: i64) -> String {
        format!("simulating day {} of at most {} ...", day.min(self.days), self.days)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }

    #[test]
    fn with_the_account_it_begins_on_the_accounts_day() {
        let clock = "2031-05-06T07:00:00Z@2026-01-01T00:00:00Z*0.000001";
        let begin = |words: &[&str]| {
            let common = ["simulate", "client.yaml", "--clock", clock];
            let words = common.iter().chain(words);
            midnight(Line::parse_from(words).args.clock().now()).to_string()
        };
        assert_eq!(begin(&["--online"]), "2031-05-06T00:00:00Z");
        assert_ne!(begin(&[]), "2031-05-06T00:00:00Z");
    }

    #[test]
    fn a_begin_is_a_day_or_an_instant() {
        let rows = [
            ("2026-10-12", Some("2026-10-12T00:00:00Z")),
            ("2026-10-12T06:00:00Z", Some("2026-10-12T06:00:00Z")),
            ("2026-10-12T06:00:00+02:00", Some("2026-10-12T04:00:00Z")),
            ("12.10.2026", None),
            ("9999-12-30", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(instant(text).ok().map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn days_are_counted_from_the_first() {
        let from: Timestamp = "2026-10-12T00:00:00Z".parse().unwrap();
        let passing = Passing::of(from, 120);
        for (hours, words) in [(0, "day 1 of"), (23, "day 1 of"), (24, "day 2 of"), (24 * 120, "day 120 of")]
        {
            let day = passing.day(after(from, SignedDuration::from_hours(hours)));
            assert!(passing.words(day).contains(words), "{hours}: {}", passing.words(day));
        }
    }
}
