//! The arguments of the commands that ask a daemon, its log or a plan file.
//!
//! **Invariant:** whatever can be told wrong without asking anybody is refused here, with exit 2.

use std::io;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use crate::cli::check::check;
use crate::cli::client::Connection;
use crate::cli::devices::{Filter, devices};
use crate::cli::excerpt::Look;
use crate::cli::exit::CliError;
use crate::cli::explain::explain;
use crate::cli::history::history;
use crate::cli::render::{Format, Out};
use crate::cli::schema::{SchemaArgs, schema};
use crate::cli::status::status;
use crate::cli::stop::stop;
use crate::cli::user::caller;
use crate::cli::verbs::{pause, resume, start, waive};
use crate::cli::verify::verify;
use crate::fleet::Class;
use crate::ids::{PlanName, RingName};
use crate::rollout::command::StartPlans;
use crate::rollout::verdict::Gate;
use crate::time::Clock;

/// The longest reason that the daemon takes; `stop` must not find out later.
const MAX_REASON_CHARS: usize = 2_000;

const AFTER_CHECK: &str = "\
With --json: a list with one object per file.
  file         the path
  errors       each error on one line
  diagnostics  the same errors in parts:
    file, line, column   where, from 1; line and column are null for a path
                         that cannot be read
    span                 the same place in bytes: start, and end, which is
                         excluded
    problem              what is wrong
    found                the offending text; empty where something is missing
    instead              what would be right
    related              the other place where two disagree, else null: file,
                         line, column, span, what
  plan         the good plan in short; null where there are errors

Exit codes: 0 every file is good, 2 some cannot be used";

const AFTER_SCHEMA: &str = "\
For editors: ringward schema > ringward.schema.json, and as the first line of each plan
  # yaml-language-server: $schema=ringward.schema.json
It knows keys and the shape of values; `ringward check` judges the whole.";

/// Commands beside a running daemon.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Show each plan, its rings and what it waits for
    Status(StatusArgs),
    /// Say why a plan is where it is, and what would change it
    Explain(PlanArgs),
    /// List the devices of a plan's rings
    Devices(DevicesArgs),
    /// Show who did what to a plan, when and why
    History(HistoryArgs),
    /// Hold a plan: no write, and no ring is verified, until `resume`
    Pause(VerbArgs),
    /// Lift a plan's holds, having seen their causes
    Resume(VerbArgs),
    /// Declare that a gate does not apply to a ring of this rollout
    Waive(WaiveArgs),
    /// Stop all writes of all plans, also when the daemon hangs or is down
    Stop(StopArgs),
    /// Allow writes again after `stop`
    Start(StartArgs),
    /// Check plan files offline: all errors of all files at once
    #[command(after_help = AFTER_CHECK)]
    Check(CheckArgs),
    /// Print the JSON Schema of plan files, for editors
    #[command(after_help = AFTER_SCHEMA)]
    Schema(SchemaArgs),
}

impl ClientCommand {
    /// Does it, writing to `out`.
    ///
    /// # Errors
    /// When it was not done; the error has message and exit code.
    pub async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        match self {
            Self::Status(args) => {
                status(&args.daemon.connection(), args.plan.as_ref(), args.json.format(), out).await
            }
            Self::Explain(args) => {
                explain(&args.daemon.connection(), &args.plan, args.json.format(), out).await
            }
            Self::Devices(args) => {
                let filter = Filter { ring: args.ring.as_ref(), class: args.class };
                devices(&args.daemon.connection(), &args.plan, filter, args.json.format(), out).await
            }
            Self::History(args) => match &args.plan {
                Some(plan) if !args.verify => history(&args.daemon.db, plan, args.json.format(), out),
                // The chain is one for all plans.
                _ => verify(&args.daemon.db, args.json.format(), out),
            },
            Self::Pause(args) => pause(&args.daemon.connection(), &args.plan, &args.reason, out).await,
            Self::Resume(args) => resume(&args.daemon.connection(), &args.plan, &args.reason, out).await,
            Self::Waive(args) => {
                let at = args.daemon.connection();
                waive(&at, &args.plan, args.gate, args.ring.as_ref(), &args.reason, out).await
            }
            Self::Stop(args) => {
                // The daemon records its own time; this one stands in the file only.
                stop(&args.daemon.connection(), caller(), &args.reason, Clock::Real.now(), out).await
            }
            Self::Start(args) => {
                let plans = if args.paused { StartPlans::Pause } else { StartPlans::GoOn };
                start(&args.daemon.connection(), plans, &args.reason, out).await
            }
            Self::Check(args) => {
                let look = Look::of(&io::stdout());
                check(&args.paths, Clock::Real.now(), args.json.format(), look, out)
            }
            Self::Schema(args) => schema(&args, out),
        }
    }
}

/// Which daemon.
#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// Database of the daemon; its socket and stop file lie beside it
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB", default_value = "ringward.db")]
    pub db: PathBuf,
}

impl DaemonArgs {
    fn connection(&self) -> Connection {
        Connection::beside(&self.db)
    }
}

/// How to answer.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

impl JsonArgs {
    const fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this plan
    #[arg(value_name = "PLAN")]
    pub plan: Option<PlanName>,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// Only the devices of this ring
    #[arg(long, value_name = "RING")]
    pub ring: Option<RingName>,
    /// Only the devices of this class
    #[arg(long, value_name = "CLASS")]
    pub class: Option<Class>,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// The plan; needless with --verify, which looks at the log of all plans
    #[arg(value_name = "PLAN", required_unless_present = "verify")]
    pub plan: Option<PlanName>,
    /// Verify the whole log instead: the chain, each event, the replay and the laws
    #[arg(long)]
    pub verify: bool,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Which database.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `pause` and `resume`.
#[derive(Debug, Args)]
pub struct VerbArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `waive`.
#[derive(Debug, Args)]
pub struct WaiveArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// The gate
    #[arg(long, value_name = "GATE")]
    pub gate: Gate,
    /// The ring; without it, the one that is under way
    #[arg(long, value_name = "RING")]
    pub ring: Option<RingName>,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Leave every plan paused, to be resumed one by one
    #[arg(long)]
    pub paused: bool,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Plan files, or directories of them (*.yaml)
    #[arg(value_name = "PATH", env = "RINGWARD_PLANS", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, String> {
    let words = text.trim();
    if words.is_empty() {
        return Err("say why, in a few words".to_owned());
    }
    if words.chars().nth(MAX_REASON_CHARS).is_some() {
        return Err(format!("say it in at most {MAX_REASON_CHARS} characters"));
    }
    Ok(words.to_owned())
}

impl ValueEnum for Gate {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for Class {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: ClientCommand,
    }

    #[test]
    fn the_definitions_are_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn lines_are_read_or_refused() {
        let rows = [
            ("status of all", "status", true),
            ("status of one", "status client --json", true),
            ("explain needs a plan", "explain", false),
            ("a class by its word", "devices client --class too_old --ring R0", true),
            ("an unknown class", "devices client --class gone", false),
            ("history needs a plan", "history", false),
            ("or not", "history --verify", true),
            ("a reason is needed", "pause client", false),
            ("and says something", "pause client --reason=\u{a0}", false),
            ("a reason", "resume client --reason=seen", true),
            ("waive needs a gate", "waive client --reason=x", false),
            ("a gate", "waive client --gate soak --reason=x", true),
            ("an unknown gate", "waive client --gate none --reason=x", false),
            ("stop is for all plans", "stop client --reason=x", false),
            ("stop", "stop --reason=dns --db /x/y.db", true),
            ("start", "start --paused --reason=fixed", true),
            ("check", "check a.yaml b --json", true),
            ("the schema", "schema", true),
            ("the reference", "schema --markdown", true),
            ("the schema of nothing else", "schema plan.yaml", false),
            ("an empty name", "status ", true),
        ];
        for (row, line, accepted) in rows {
            let words = std::iter::once("ringward").chain(line.split(' ').filter(|word| !word.is_empty()));
            assert_eq!(Line::try_parse_from(words).is_ok(), accepted, "{row}");
        }
    }
}
