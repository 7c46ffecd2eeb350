//! `ringward forecast`: when a rollout will be where, and what would move that.
//!
//! Given a plan's name it asks the daemon. Given a plan file it needs none: the rollout begins now, on
//! a synthetic fleet.
//!
//! **Invariant:** a range is always told as one, and a rollout that is held has no date without the
//! words that say so.

use std::path::{Path, PathBuf};
use std::{io, time::Duration};

use clap::Args;

use crate::cli::Column::{Cut, Left};
use crate::cli::{CliError, Connection, JsonArgs, Out, Screen, Tint, moment, safe, short, table};
use crate::simulation::cast::{Casting, Size, account};
use crate::simulation::forecast::{Situation, forecast as look_ahead};
use crate::simulation::{Drive, Pace};
use crate::time::{SignedDuration, Timestamp, after, rough};
use crate::web::json::{ForecastJson, RingForecastJson, WhenJson};
use crate::{
    cli::judgement::one_plan, ids::PlanName, plan::model::Revision, rollout::record::Mode,
    rollout::world::Desired, simulation::trial::LOOKS, synthetic::Mix, web::forecast_json,
};

/// A forecast may have to wait for others, each of which takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);

/// The devices of a synthetic fleet.
const DEVICES: usize = 600;

/// For so many days a synthetic fleet is watched before its rollout begins.
const WATCHED_DAYS: i64 = 8;

/// Arguments of `forecast`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/forecast.txt").trim_end())]
pub struct ForecastArgs {
    /// A plan that the daemon knows; or a plan file, for a synthetic fleet and no daemon
    #[arg(value_name = "PLAN")]
    pub plan: String,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Database of the daemon; its socket lies beside it
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB", default_value = "ringward.db")]
    pub db: PathBuf,
}

/// Tells when a rollout will be where.
///
/// # Errors
/// When the plan is invalid (exit 2), the rollout is finished (exit 3), or the daemon does not answer.
pub async fn forecast(
    args: &ForecastArgs,
    now: Timestamp,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let path = Path::new(&args.plan);
    let is_file = path.exists() || path.extension().is_some_and(|extension| extension == "yaml");
    let told = if is_file {
        of_file(&one_plan(&path.to_owned(), now, screen)?, now)?
    } else {
        let plan: PlanName = args.plan.parse().map_err(CliError::usage)?;
        let at = Connection::beside(&args.db).with_patience(PATIENCE);
        at.get::<ForecastJson>(&["rollouts", plan.as_str(), "forecast"], &[]).await?
    };
    Ok(args.json.format().answer(out, &told, |out| text(out, &told, is_file, screen))?)
}

/// A forecast for a rollout that begins now. Its fleet was watched for a week before.
fn of_file(revision: &Revision, now: Timestamp) -> Result<ForecastJson, CliError> {
    let plan = revision.plan.name.clone();
    let from = after(now, -SignedDuration::from_hours(24 * WATCHED_DAYS));
    let casting =
        Casting { seed: 1, size: Size::Total(DEVICES), mix: Mix::default(), from, days: WATCHED_DAYS + 1 };
    let account = account(&revision.plan, &casting);
    let mut drive = Drive::new(account, vec![revision.clone()], Pace::default(), Mode::Observe, from);
    drive.spare(LOOKS);
    drive.run_until(now).map_err(CliError::failed)?;
    drive.may_write();
    let (state, world) = (&drive.daemon.engine.state, &drive.daemon.engine.world);
    let situation =
        Situation::of(&plan, Desired::Present(revision), state, world, now).map_err(CliError::failed)?;
    let told = look_ahead(&situation).map_err(CliError::failed)?;
    Ok(forecast_json(&plan, told))
}

fn text(out: Out<'_>, told: &ForecastJson, is_synthetic: bool, screen: &Screen) -> io::Result<()> {
    let plan = screen.paint(Tint::Strong, told.plan.as_str());
    screen.say(out, "", &format!("{plan} {}", answer(told, screen)))?;
    if let Some(held) = &told.held {
        let text = format!("It stands still ({}). The dates are those of lifting that now.", safe(held));
        screen.say(out, "  ", &text)?;
    }
    for halt in &told.halts {
        let text = format!("In {} of 100 runs it halts: {}.", halt.percent, safe(&halt.halt));
        screen.say(out, "  ", &text)?;
    }
    writeln!(out)?;
    let columns = [Cut("RING"), Left("ENTERED"), Left("VERIFIED"), Left("MOSTLY")];
    let row = |ring: &RingForecastJson| {
        vec![safe(ring.name.as_str()), range(&ring.entered), range(&ring.verified), mostly(ring)]
    };
    table(out, screen, 0, &columns, &told.rings.iter().map(row).collect::<Vec<_>>())?;
    writeln!(out)?;
    if let Some((ring, opens)) = told.rings.iter().find_map(|ring| Some((ring, ring.next_opening?))) {
        let name = safe(ring.name.as_str());
        let text = format!("By its schedule, {name} can be entered from {} on.", moment(opens, told.at));
        screen.say(out, "", &text)?;
    }
    for one in &told.alternatives {
        let sooner = rough(SignedDuration::from_secs(one.sooner_seconds));
        screen.say(out, "", &format!("It would be done {sooner} sooner {}.", safe(&one.change)))?;
    }
    let devices = if is_synthetic {
        format!("{} devices of a synthetic fleet", told.devices)
    } else {
        format!("{} of its devices, by the hours in which they were seen lately", told.devices)
    };
    let rests = format!("It rests on {} runs of {devices}; 8 of 10 end within the range.", told.runs);
    screen.say(out, "", &screen.paint(Tint::Quiet, &rests))
}

/// The answer in one sentence.
fn answer(told: &ForecastJson, screen: &Screen) -> String {
    match (told.done.middle, told.done.from, told.done.until) {
        (Some(middle), Some(from), Some(until)) => {
            let likely = screen.paint(Tint::Good, &format!("is likely done {}", moment(middle, told.at)));
            format!("{likely}, 80 % between {} and {}.", short(from), short(until))
        }
        _ => format!("{} as things are.", screen.paint(Tint::Bad, "comes to no end")),
    }
}

/// `Mon 10-12 09:00-11:00`, or from day to day.
fn range(when: &WhenJson) -> String {
    let day = |at: Timestamp| at.strftime("%a %m-%d %H:%M").to_string();
    match (when.at, when.from, when.until) {
        (Some(at), _, _) => format!("was {}", day(at)),
        (None, Some(from), Some(until)) => {
            let date = |at: Timestamp| at.strftime("%a %m-%d").to_string();
            if date(from) == date(until) {
                format!("{}-{}", day(from), until.strftime("%H:%M"))
            } else {
                format!("{} to {}", date(from), date(until))
            }
        }
        _ => "no date".to_owned(),
    }
}

/// What takes a ring's time, and how much of it.
fn mostly(ring: &RingForecastJson) -> String {
    let Some(word) = &ring.mostly else { return String::new() };
    let seconds = match word.as_str() {
        "schedule" => ring.entering_seconds,
        "adoption" => ring.adopting_seconds,
        _ => ring.soaking_seconds,
    };
    format!("{word}, {}", rough(SignedDuration::from_secs(seconds.unwrap_or(0))))
}
