//! `ringward approve`, `refuse`, `pause`, `resume`, `waive`, `rollback`, `release-hold`, `check-now` and `start`: what a person asks of the daemon.
//!
//! **Invariant:** the daemon alone decides and records; here is only the asking.

use std::path::PathBuf;

use clap::Args;

use crate::cli::client::{AskError, Connection};
use crate::cli::connection_args::read_token;
use crate::cli::daemon_args::DaemonArgs;
use crate::cli::exit::CliError;
use crate::cli::render::{Out, safe};
use crate::cli::value_parsers::{REASON, one_of};
use crate::ids::{PlanName, RingName};
use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::rows;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Gate;
use crate::version::{ClientVersion, Environment};
use crate::web::json::{VerbAnswer, VerbRequest};

/// The variable with a person's bearer token.
pub(super) const BEARER_TOKEN: &str = "RINGWARD_BEARER_TOKEN";

/// The width of what a verb's help lists.
const HELP_COLUMNS: usize = 90;

/// What a verb on a plan needs at least: all of `pause` and `resume`.
#[derive(Debug, Args)]
pub struct VerbArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = REASON)]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

impl VerbArgs {
    pub(super) async fn run(self, verb: Verb, out: Out<'_>) -> Result<(), CliError> {
        self.ask(verb, VerbRequest::default(), out).await
    }

    /// The same with what the verb takes besides.
    async fn ask(self, verb: Verb, besides: VerbRequest, out: Out<'_>) -> Result<(), CliError> {
        let request = VerbRequest { reason: self.reason, ..besides };
        ask(&self.daemon.connection(), &self.plan, verb, &request, out).await
    }
}

/// Arguments of `waive`.
#[derive(Debug, Args)]
pub struct WaiveArgs {
    /// The gate
    #[arg(long, value_name = "GATE", value_parser = one_of(&Gate::ALL, |gate| gate.as_str()))]
    pub gate: Gate,
    /// The ring; without it, the one that is under way
    #[arg(long, value_name = "RING")]
    pub ring: Option<RingName>,
    /// Of which plan, and why.
    #[command(flatten)]
    pub of: VerbArgs,
}

impl WaiveArgs {
    pub(super) async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        let besides = VerbRequest { gate: Some(self.gate), ring: self.ring, ..VerbRequest::default() };
        self.of.ask(Verb::Waive, besides, out).await
    }
}

/// Arguments of `rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// From this ring on: it and every ring after it; without it, all
    #[arg(long, value_name = "RING")]
    pub ring: Option<RingName>,
    /// This environment alone, `windows` or `macos`; without it, both
    #[arg(long, value_name = "ENVIRONMENT", value_parser = one_of(&Environment::ALL, |environment| environment.as_str()))]
    pub environment: Option<Environment>,
    /// Of which plan, and why.
    #[command(flatten)]
    pub of: VerbArgs,
}

impl RollbackArgs {
    pub(super) async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        let besides =
            VerbRequest { ring: self.ring, environment: self.environment, ..VerbRequest::default() };
        self.of.ask(Verb::Rollback, besides, out).await
    }
}

/// Arguments of `release-hold`.
#[derive(Debug, Args)]
pub struct ReleaseHoldArgs {
    /// The version, as `ringward explain` lists it
    #[arg(long, value_name = "VERSION")]
    pub version: ClientVersion,
    /// Of which plan, and why.
    #[command(flatten)]
    pub of: VerbArgs,
}

impl ReleaseHoldArgs {
    pub(super) async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        let besides = VerbRequest { version: Some(self.version), ..VerbRequest::default() };
        self.of.ask(Verb::ReleaseHold, besides, out).await
    }
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
    #[arg(long, value_name = "TEXT", value_parser = REASON)]
    pub reason: String,
    /// File with your bearer token, which says who you are; else the variable RINGWARD_BEARER_TOKEN
    #[arg(long, value_name = "FILE", env = "RINGWARD_BEARER_TOKEN_FILE")]
    pub bearer_token_file: Option<PathBuf>,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

impl ApproveArgs {
    /// In the name of a token's holder; without a token the daemon says what it takes.
    pub(super) async fn run(self, verb: Verb, out: Out<'_>) -> Result<(), CliError> {
        let named = self.bearer_token_file.is_some() || std::env::var_os(BEARER_TOKEN).is_some();
        let token = || read_token(self.bearer_token_file.as_deref(), BEARER_TOKEN);
        let bearer = named.then(token).transpose()?;
        let request = VerbRequest { ring: self.ring, reason: self.reason, ..VerbRequest::default() };
        ask(&self.daemon.connection().with_bearer(bearer), &self.plan, verb, &request, out).await
    }
}

/// Arguments of `check-now`.
#[derive(Debug, Args)]
pub struct CheckNowArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// Why, for those who read the daemon's own log
    #[arg(long, value_name = "TEXT", value_parser = REASON)]
    pub reason: Option<String>,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

impl CheckNowArgs {
    pub(super) async fn run(self, out: Out<'_>) -> Result<(), CliError> {
        let request = VerbRequest { reason: self.reason.unwrap_or_default(), ..VerbRequest::default() };
        ask(&self.daemon.connection(), &self.plan, Verb::CheckNow, &request, out).await
    }
}

/// Arguments of `start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Leave every plan paused, to be resumed one by one
    #[arg(long)]
    pub paused: bool,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = REASON)]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

impl StartArgs {
    pub(super) async fn run(&self, out: Out<'_>) -> Result<(), CliError> {
        let plans = if self.paused { StartPlans::Pause } else { StartPlans::GoOn };
        start(&self.daemon.connection(), plans, &self.reason, out).await
    }
}

/// Asks for a verb on a plan, and says what the daemon did.
///
/// # Errors
/// When it is refused, there is no such plan, or no daemon to ask.
pub async fn ask(
    at: &Connection,
    plan: &PlanName,
    verb: Verb,
    request: &VerbRequest,
    out: Out<'_>,
) -> Result<(), CliError> {
    let answer: VerbAnswer = at.post(&["rollouts", plan.as_str(), verb.as_str()], request).await?;
    Ok(writeln!(out, "{}", safe(&answer.done))?)
}

/// Allows writes again. Without a daemon it is refused: nothing else could record who did it.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn start(at: &Connection, plans: StartPlans, reason: &str, out: Out<'_>) -> Result<(), CliError> {
    let paused = Some(plans == StartPlans::Pause);
    let request = VerbRequest { paused, reason: reason.to_owned(), ..VerbRequest::default() };
    match at.post::<VerbAnswer>(&[Verb::Start.as_str()], &request).await {
        Ok(answer) => Ok(writeln!(out, "{}", safe(&answer.done))?),
        Err(error @ AskError::NoDaemon { .. }) => Err(CliError::refused(format!(
            "{error}, and then: ringward start --reason … (what is stopped stays stopped until then)"
        ))),
        Err(error) if error.is_no_daemon() => Err(CliError::refused(error)),
        Err(error) => Err(error.into()),
    }
}

/// What `--help` of a verb says after its options: the table's word, then `example`.
pub fn help(verb: Verb, example: &str) -> String {
    let about = About::anything();
    let mut text = "What it comes to, as things are:\n".to_owned();
    for effect in rows::effects(verb) {
        text.push_str(&item(effect.words()));
    }
    let refusals = rows::refusals(verb);
    if !refusals.is_empty() {
        text.push_str(match verb {
            // The command puts the stop file first, and what it asks for is so.
            Verb::Stop => "\nNothing new is recorded, and the exit code is 0 all the same, when\n",
            _ => "\nIt is refused, with exit code 3, when\n",
        });
    }
    for refused in refusals {
        text.push_str(&item(&format!("{}; {}", refused.why(&about), refused.instead(&about))));
    }
    // A manual page is plain ASCII.
    format!("{}\nExample:\n  {example}", text.replace('…', "TEXT"))
}

/// A line of a list, broken so that it fits most terminals.
fn item(words: &str) -> String {
    let mut text = String::from("  -");
    let mut column = text.len();
    for word in words.split(' ') {
        if column + 1 + word.chars().count() > HELP_COLUMNS {
            text.push_str("\n   ");
            column = 3;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + word.chars().count();
    }
    text.push('\n');
    text
}
