//! The arguments of the commands that ask a daemon, its log or a plan file.
//!
//! **Invariant:** whatever can be told wrong without asking anybody is refused here, with exit 2.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Args, Command, Subcommand, ValueEnum};

use crate::cli::access::access;
use crate::cli::access::args::AccessArgs;
use crate::cli::backup::backup;
use crate::cli::check::check;
use crate::cli::client::Connection;

use crate::cli::confirm::{Word, confirm};
use crate::cli::connection_args::{ConnectionArgs, read_token};
use crate::cli::devices::{Filter, devices};
use crate::cli::diff::{DiffArgs, diff};
use crate::cli::exit::CliError;
use crate::cli::explain::explain;
use crate::cli::failpoint_args::FailpointArgs;
use crate::cli::forecast::{ForecastArgs, forecast};
use crate::cli::healthcheck::healthcheck;
use crate::cli::history::{Part, history};
use crate::cli::init::{InitArgs, init};
use crate::cli::online::check_online;
use crate::cli::render::{Format, Out};
use crate::cli::schema::{SchemaArgs, schema};
use crate::cli::screen::Ink;
use crate::cli::screen::Screen;
use crate::cli::signals::end_signal;
use crate::cli::simulate::{SimulateArgs, simulate};
use crate::cli::status::status;
use crate::cli::stop::stop;
use crate::cli::token::{TokenCommand, token};
use crate::cli::user::caller;
use crate::cli::verbs::{
    approve, check_now, confirm_clock, help, pause, refuse, release_hold, resume, rollback, start, waive,
};
use crate::cli::verify::verify;
use crate::cli::watch::{EVERY, Watched, watch};
use crate::fleet::Class;
use crate::ids::{PlanName, RingName};
use crate::rollout::judge::way_back::Scope;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Gate;
use crate::secrets;
use crate::store::RecordHash;
use crate::time::Clock;
use crate::version::{ClientVersion, Environment};
use crate::web::json::MAX_REASON_CHARS;

const AFTER_CHECK: &str = "\
With --json: a list with one object per file.
  file         the path
  errors       each error on one line
  diagnostics  the same errors in parts:
    severity             error; in warnings, warning or note
    file, line, column   where, from 1; line and column are null for a path
                         that cannot be read
    span                 the same place in bytes: start, and end, which is
                         excluded
    problem              what is wrong
    found                the offending text; empty where something is missing
    instead              what would be right
    related              the other place where two disagree, else null: file,
                         line, column, span, what
  warnings     what is probably not meant in a good file, or worth knowing, in
               the same parts
  plan         the good plan in short; null where there are errors, and for a
               ringward.yaml, which is a configuration

Exit codes: 0 every file is good, 2 some cannot be used, or, with --strict, some
are warned of";

const AFTER_SCHEMA: &str = "\
For editors: ringward schema > ringward.schema.json, and as the first line of each plan
  # yaml-language-server: $schema=ringward.schema.json
It knows keys and the shape of values; `ringward check` judges the whole.";

const AFTER_SIMULATE: &str = "\
Faults, each with --fault:
  no-reconnect-after-wake[=5%]    devices that stay away after their next sleep
  installer-blocked=ENVIRONMENT   nothing installs on windows, or on macos
  local-holiday=RING:DATE         a day on which nobody in a ring works
  other-updater=RING              something else updates a third of a ring
  drift=RING                      somebody changes the ring's group
  outage=DATE[:HOURS]             no read succeeds, from 09:00 UTC on
  slow-fleet                      half of the laptops stay closed on any day

Examples:
  ringward simulate plans/client.yaml --from 2026-10-12 --devices 600
  ringward simulate plans/client.yaml --fault installer-blocked=macos --devices 600
  ringward simulate plans/client.yaml --online --json | jq .rings";

/// Commands beside a running daemon.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Show each plan, its rings and what it waits for
    #[command(after_help = "\
Examples:
  ringward status                 all plans
  ringward status client --watch  one plan, redrawn until Ctrl-C
  ringward status --json | jq '.rollouts[].waiting_on[0].headline'")]
    Status(StatusArgs),
    /// Say why a plan does not move, and what would change it
    #[command(after_help = "\
Examples:
  ringward explain client         the first line is the answer
  ringward explain client --json  the same as GET /api/v1/rollouts/client")]
    Explain(PlanArgs),
    /// List the devices of a plan's rings, what needs attention first
    #[command(after_help = "\
Classes, in the order of the list:
  stalled     still not on the target, long after it was due
  due         seen since the target was due, and not on it yet
  unseen      not seen since then
  too_old     a client below 2026.6, which ignores assignments
  left        moved out of the ring's profiles, or gone
  untargeted  nothing is on offer for its system
  arrived     on the target

Examples:
  ringward devices client --class stalled
  ringward devices client --dark
  ringward devices client --ring 'Early adopters' --json | jq '.devices[].user'")]
    Devices(DevicesArgs),
    /// Show who did what to a plan, when and why
    #[command(after_help = "\
It reads the database itself, so it works with the daemon up or down.

Examples:
  ringward history client --limit 20  the newest 20 records
  ringward history client --json      JSON Lines, with each fact whole
  ringward history --verify           chain, events, replay and laws of the whole log")]
    History(HistoryArgs),
    /// Hold a plan: no write, and no ring is verified, until `resume`
    #[command(after_help = help(Verb::Pause, "ringward pause client --reason 'help desk sees sign-in errors'"))]
    Pause(VerbArgs),
    /// Lift a plan's holds, having seen their causes
    #[command(after_help = help(Verb::Resume, "ringward resume client --reason 'sign-in errors came from elsewhere'"))]
    Resume(VerbArgs),
    /// Declare that a gate does not apply to a ring of this rollout
    #[command(after_help = help(Verb::Waive, "ringward waive client --gate soak --reason 'fix for CVE-2026-0001 cannot wait'"))]
    Waive(WaiveArgs),
    /// Let a ring be entered, as a member of the User Group that the plan asks
    #[command(after_help = help(Verb::Approve, "ringward approve client --ring Everyone --reason 'two weeks without a case'"))]
    Approve(ApproveArgs),
    /// Say no to a ring's entry, as one who could approve it
    #[command(after_help = help(Verb::Refuse, "ringward refuse client --ring Everyone --reason 'case 4711 is open'"))]
    Refuse(ApproveArgs),
    /// Show which revision of a plan's file waits, and let it take effect, having read what it changes
    #[command(after_help = help(Verb::Confirm, "ringward confirm client\n  ringward confirm client --revision b41c0d9e77a1 --reason 'change 4711'"))]
    Confirm(ConfirmArgs),
    /// Take a rollout back, ring by ring, the latest first
    #[command(after_help = help(Verb::Rollback, "ringward rollback client --environment windows --reason 'no reconnect after wake'"))]
    Rollback(RollbackArgs),
    /// Allow a version again that the plan's rollbacks hold out
    #[command(after_help = help(Verb::ReleaseHold, "ringward release-hold client --version 2026.7.1343.0 --reason 'mended by a new driver'"))]
    ReleaseHold(ReleaseHoldArgs),
    /// Read now what a plan's rollout wants to see, and decide; nothing is recorded
    #[command(after_help = help(Verb::CheckNow, "ringward check-now client && ringward explain client"))]
    CheckNow(CheckNowArgs),
    /// Stop all writes of all plans, also when the daemon hangs or is down
    #[command(after_help = help(Verb::Stop, "ringward stop --reason 'dns is down'"))]
    Stop(StopArgs),
    /// Allow writes again after `stop`
    #[command(after_help = help(Verb::Start, "ringward start --paused --reason 'dns is back'"))]
    Start(StartArgs),
    /// Check plan files offline, or with --online against the account: all errors at once
    #[command(after_help = AFTER_CHECK)]
    Check(CheckArgs),
    /// Print the JSON Schema of plan files, for editors
    #[command(after_help = AFTER_SCHEMA)]
    Schema(SchemaArgs),
    /// Write a commented starter plan from what the account has, and the daemon's ringward.yaml
    Init(InitArgs),
    /// Show what a plan would change at Cloudflare now; nothing is written
    Diff(Box<DiffArgs>),
    /// Say when a rollout will be where, and what would move that
    #[command(after_help = "\
Examples:
  ringward forecast client             a plan of the daemon, on its own devices
  ringward forecast plans/client.yaml  a plan file, on a synthetic fleet from now on
  ringward forecast client --json | jq .done")]
    Forecast(ForecastArgs),
    /// Run a plan against a synthetic fleet, faults included, and tell what would happen and why
    #[command(after_help = AFTER_SIMULATE)]
    Simulate(Box<SimulateArgs>),
    /// Make, list and revoke bearer tokens, on the machine itself
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Copy the database, checked, while the daemon runs or not
    #[command(after_help = "\
Examples:
  ringward backup ringward-$(date +%F).db             a copy for each day
  ringward history --verify --db ringward-2026-11-22.db

To restore one: end the daemon for good, remove the database's -wal and -shm, put the copy in its
place, and start with --observe first.")]
    Backup(BackupArgs),
    /// Keep the permission policies of User Groups as a file says, with a token of its own
    Access(Box<AccessArgs>),
    /// Say whether the daemon is well: it answers, and has decided within three minutes
    #[command(after_help = "\
Exit 0: well. Exit 1: no daemon, no answer, or no decision for three minutes. A plan that is halted
or paused is well: no restart would mend it.")]
    Healthcheck(DaemonArgs),
}

/// What can be confirmed.
#[derive(Debug, Subcommand)]
pub enum ConfirmCommand {
    /// That this machine's clock is right, and the log dated ahead because the clock was
    #[command(after_help = help(Verb::ConfirmClock, "ringward confirm clock --reason 'NTP was off; it is right again'"))]
    Clock(ConfirmClockArgs),
}

impl ClientCommand {
    /// Does it, writing to `out`.
    ///
    /// # Errors
    /// When it was not done; the error has message and exit code.
    pub async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        match self {
            Self::Status(args) if args.watch => {
                let watched = Watched { plan: args.plan.as_ref(), format: args.json.format(), every: EVERY };
                let end = async { end_signal().await.map(|_| ()) };
                watch(&args.daemon.connection(), watched, Screen::of_stdout, end, out).await
            }
            Self::Status(args) => {
                let (at, format) = (args.daemon.connection(), args.json.format());
                status(&at, args.plan.as_ref(), format, &Screen::of_stdout(), out).await
            }
            Self::Explain(args) => {
                let (at, format) = (args.daemon.connection(), args.json.format());
                explain(&at, &args.plan, format, &Screen::of_stdout(), out).await
            }
            Self::Devices(args) => {
                let filter = Filter { ring: args.ring.as_ref(), class: args.class, dark: args.dark };
                let (at, format) = (args.daemon.connection(), args.json.format());
                devices(&at, &args.plan, filter, format, &Screen::of_stdout(), out).await
            }
            Self::History(args) => match &args.plan {
                Some(plan) if !args.verify => {
                    let part = Part { limit: args.limit, before: args.before };
                    history(&args.daemon.db, plan, part, args.json.format(), &Screen::of_stdout(), out)
                }
                // The chain is one for all plans.
                _ => verify(&args.daemon.db, args.head, args.json.format(), out),
            },
            Self::Pause(args) => pause(&args.daemon.connection(), &args.plan, &args.reason, out).await,
            Self::Resume(args) => resume(&args.daemon.connection(), &args.plan, &args.reason, out).await,
            Self::Waive(args) => {
                let at = args.daemon.connection();
                waive(&at, &args.plan, args.gate, args.ring.as_ref(), &args.reason, out).await
            }
            Self::Approve(args) => {
                let at = args.connection()?;
                approve(&at, &args.plan, args.ring.as_ref(), &args.reason, out).await
            }
            Self::Refuse(args) => {
                let at = args.connection()?;
                refuse(&at, &args.plan, args.ring.as_ref(), &args.reason, out).await
            }
            Self::Confirm(ConfirmArgs { what: Some(ConfirmCommand::Clock(args)), .. }) => {
                confirm_clock(&args.daemon.connection(), &args.reason, out).await
            }
            Self::Confirm(ConfirmArgs { what: None, plan: Some(plan), revision, reason, daemon }) => {
                let word = revision.as_deref().zip(reason.as_deref());
                let word = word.map(|(revision, reason)| Word { revision, reason });
                confirm(&daemon.connection(), &plan, word, &Screen::of_stdout(), out).await
            }
            Self::Rollback(args) => {
                let scope = Scope { ring: args.ring.clone(), environment: args.environment };
                rollback(&args.daemon.connection(), &args.plan, &scope, &args.reason, out).await
            }
            Self::ReleaseHold(args) => {
                let at = args.daemon.connection();
                release_hold(&at, &args.plan, args.version, &args.reason, out).await
            }
            Self::CheckNow(args) => {
                let reason = args.reason.as_deref().unwrap_or_default();
                check_now(&args.daemon.connection(), &args.plan, reason, out).await
            }
            Self::Stop(args) => {
                // The daemon records its own time; this one stands in the file only.
                stop(&args.daemon.connection(), caller(), &args.reason, Clock::Real.now(), out).await
            }
            Self::Start(args) => {
                let plans = if args.paused { StartPlans::Pause } else { StartPlans::GoOn };
                start(&args.daemon.connection(), plans, &args.reason, out).await
            }
            // The parser asks for one or the other.
            Self::Confirm(ConfirmArgs { what: None, plan: None, .. }) => {
                Err(CliError::usage("confirm what? A plan's revision, or the clock"))
            }
            Self::Check(args) => {
                let screen = Screen::of_stdout();
                if args.online {
                    let (connection, database) = (&args.connection, args.db.as_deref());
                    let how = (args.json.format(), args.strict);
                    check_online(&args.paths, connection, database, how, &screen, out).await
                } else {
                    let how = (args.json.format(), args.strict);
                    check(&args.paths, args.db.as_deref(), Clock::Real.now(), how, screen.ink, out)
                }
            }
            Self::Schema(args) => schema(&args, out),
            Self::Init(args) => init(&args, out, &mut secrets::stderr()).await,
            Self::Diff(args) => diff(&args, Ink::of(&io::stdout()), out).await,
            Self::Forecast(args) => forecast(&args, Clock::Real.now(), &Screen::of_stdout(), out).await,
            Self::Simulate(args) => simulate(&args, args.clock().now(), &Screen::of_stdout(), out).await,
            Self::Access(args) => access(&args, &Screen::of_stdout(), out).await,
            Self::Healthcheck(daemon) => healthcheck(&daemon.connection(), out).await,
            Self::Token { command } => token(command, out, &mut secrets::stderr()).await,
            Self::Backup(args) => {
                args.failpoint.arm_over(&args.daemon.db)?;
                backup(&args.daemon.db, &args.file, args.json.format(), out)
            }
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
    pub(super) fn connection(&self) -> Connection {
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
    pub(super) const fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::Text }
    }
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this plan
    #[arg(value_name = "PLAN")]
    pub plan: Option<PlanName>,
    /// Show it again whenever it changes, until Ctrl-C: in place on a terminal, as lines elsewhere
    #[arg(long)]
    pub watch: bool,
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
    /// Only the devices that fell silent after they arrived; all of them are of class arrived
    #[arg(long, conflicts_with = "class")]
    pub dark: bool,
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
    /// With --verify: the head that was noted earlier, elsewhere; it shows records that were cut from the end
    #[arg(long, value_name = "HASH", requires = "verify")]
    pub head: Option<RecordHash>,
    /// Only the newest N records
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with = "verify")]
    pub limit: Option<usize>,
    /// Only records before this number, as the first column has it
    #[arg(long, value_name = "RECORD", conflicts_with = "verify")]
    pub before: Option<u64>,
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
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason))]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `check-now`.
#[derive(Debug, Args)]
pub struct CheckNowArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// Why, for those who read the daemon's own log
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason))]
    pub reason: Option<String>,
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
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason))]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `approve` and `refuse`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// The ring; without it, the first that is not entered
    #[arg(long, value_name = "RING")]
    pub ring: Option<RingName>,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason))]
    pub reason: String,
    /// File with your bearer token, which says who you are; else the variable RINGWARD_BEARER_TOKEN
    #[arg(long, value_name = "FILE", env = "RINGWARD_BEARER_TOKEN_FILE")]
    pub bearer_token_file: Option<PathBuf>,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

impl ApproveArgs {
    /// The way to the daemon in the name of a token's holder; without a token the daemon says what it takes.
    fn connection(&self) -> Result<Connection, CliError> {
        let named = self.bearer_token_file.is_some() || std::env::var_os(BEARER_TOKEN).is_some();
        let token = || read_token(self.bearer_token_file.as_deref(), BEARER_TOKEN);
        let bearer = named.then(token).transpose()?;
        Ok(self.daemon.connection().with_bearer(bearer))
    }
}

/// The variable with a person's bearer token.
pub(super) const BEARER_TOKEN: &str = "RINGWARD_BEARER_TOKEN";

/// Arguments of `rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// From this ring on: it and every ring after it; without it, all
    #[arg(long, value_name = "RING")]
    pub ring: Option<RingName>,
    /// This environment alone, `windows` or `macos`; without it, both
    #[arg(long, value_name = "ENVIRONMENT")]
    pub environment: Option<Environment>,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason))]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `confirm`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ConfirmArgs {
    /// What, where it is no plan's revision.
    #[command(subcommand)]
    pub what: Option<ConfirmCommand>,
    /// The plan
    #[arg(value_name = "PLAN", required = true)]
    pub plan: Option<PlanName>,
    /// The revision that you have read, as this command shows it: its digest, or at least its first 8 digits
    #[arg(long, value_name = "DIGEST", value_parser = revision, requires = "reason")]
    pub revision: Option<String>,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason), requires = "revision")]
    pub reason: Option<String>,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// A digest, or how it begins.
fn revision(text: &str) -> Result<String, String> {
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    if hex && (8..=64).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err("write 8 to 64 hex digits of the digest, as `ringward explain` shows them".to_owned())
}

/// Arguments of `release-hold`.
#[derive(Debug, Args)]
pub struct ReleaseHoldArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// The version, as `ringward explain` lists it
    #[arg(long, value_name = "VERSION")]
    pub version: ClientVersion,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason))]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason_to_stop))]
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
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason))]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `confirm clock`.
#[derive(Debug, Args)]
pub struct ConfirmClockArgs {
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = Unrepeated(reason))]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Plan files, or directories of them (*.yaml, *.yml)
    #[arg(value_name = "PATH", env = "RINGWARD_PLANS", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Look at the account too: token, profiles, groups in the way, ring sizes; nothing is written
    #[arg(long)]
    pub online: bool,
    /// Take a warning for an error: exit 2
    #[arg(long)]
    pub strict: bool,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// The daemon's database: what runs and would be held up is told; with --online, whose the groups are
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB")]
    pub db: Option<PathBuf>,
    /// With --online: how to reach the account.
    #[command(flatten, next_help_heading = "With --online")]
    pub connection: ConnectionArgs,
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The copy; a file of that name must not exist yet
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where to die.
    #[command(flatten)]
    pub failpoint: FailpointArgs,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// Which database.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// A number of records.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("there is nothing to show then; name 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("name a whole number, such as 20".to_owned()),
    }
}

/// Reads a text that is not said again where it is refused, as clap would: it may be long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unrepeated(pub(super) fn(&str) -> Result<String, String>);

impl TypedValueParser for Unrepeated {
    type Value = String;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, clap::Error> {
        let read = value.to_str().ok_or_else(|| "it is no text".to_owned()).and_then(self.0);
        read.map_err(|why| {
            let arg = arg.map(ToString::to_string).unwrap_or_default();
            let told = format!("'{arg}' cannot be taken: {why}\n\nFor more information, try '--help'.\n");
            clap::Error::raw(ErrorKind::ValueValidation, told).with_cmd(cmd)
        })
    }
}

/// A reason that says something.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let words = text.trim();
    if words.is_empty() {
        return Err("say why, in a few words".to_owned());
    }
    let length = words.chars().count();
    if length > MAX_REASON_CHARS {
        return Err(format!("it has {length} characters; say it in at most {MAX_REASON_CHARS}"));
    }
    if words.chars().any(is_stray) {
        return Err("it holds a control character, which the log does not keep; leave it out".to_owned());
    }
    Ok(words.to_owned())
}

/// A reason to stop: what was pasted along with it must not keep anybody from stopping.
fn reason_to_stop(text: &str) -> Result<String, String> {
    reason(&text.replace(is_stray, " "))
}

/// What the log does not keep in a reason.
fn is_stray(char: char) -> bool {
    char.is_control() && !matches!(char, '\n' | '\t')
}

impl ValueEnum for Gate {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for Environment {
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
mod tests;
