//! `ringward status`: each plan, its rings and what it waits for.
//!
//! **Invariant:** a plan that is named is told alone, and one that nobody knows is a refusal.

mod text;
pub mod watch;

use clap::Args;

use crate::cli::status::watch::{EVERY, Watched, watch};
use crate::cli::{CliError, Connection, Format, Out, Overview, Prose, ReadArgs, Screen};
use crate::{cli::signals::end_signal, cli::status::text::text, ids::PlanName};

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/status.txt").trim_end())]
pub struct StatusArgs {
    /// Only this plan
    #[arg(value_name = "PLAN")]
    pub plan: Option<PlanName>,
    /// Show it again whenever it changes, until Ctrl-C: in place on a terminal, as lines elsewhere
    #[arg(long)]
    pub watch: bool,
    /// How to answer, and which daemon.
    #[command(flatten)]
    pub read: ReadArgs,
}

impl StatusArgs {
    pub(super) async fn run(&self, out: Out<'_>) -> Result<(), CliError> {
        let (at, plan, format) = (self.read.connection(), self.plan.as_ref(), self.read.format());
        if !self.watch {
            return status(&at, plan, format, &Screen::of_stdout(), out).await;
        }
        let end = async { end_signal().await.map(|_| ()) };
        watch(&at, Watched { plan, format, every: EVERY }, Screen::of_stdout, end, out).await
    }
}

/// Shows all plans, or one.
///
/// # Errors
/// When the daemon does not answer, or knows no such plan.
pub async fn status(
    at: &Connection,
    plan: Option<&PlanName>,
    format: Format,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let seen = Overview::ask(at).await?;
    if let Some(plan) = plan.filter(|plan| seen.new_plan(plan).is_none()) {
        seen.rollout(plan)?;
    }
    let seen = seen.only(plan);
    Ok(format
        .answer(out, &seen.answer, |out| text(&mut Prose { out, screen, now: seen.now }, &seen.answer))?)
}
