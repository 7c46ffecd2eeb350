//! `ringward diff`: what a plan would change at Cloudflare now.
//!
//! It reads the account and the log and asks [`preview`], which goes by the functions that the
//! daemon decides by.
//!
//! **Invariant:** it only reads; and an account that could not be read whole is an error, never a
//! shorter list.

mod json;
mod text;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::cli::{CliError, ConnectionArgs, Ink, JsonArgs, Out, args::TOKEN_VARIABLE, safe};
use crate::cloudflare::{ApiError, CloudflareClient, Priority, Unobserved};
use crate::daemon::log::{remembered, replay};
use crate::fleet::{Fleet, SweepScope};
use crate::ids::{AccountId, PlanName};
use crate::rollout::state::{Attribution, State};
use crate::rollout::world::{Known, Observations, Observed};
use crate::store::{OpenError, Reader};
use crate::time::{Clock, Timestamp};
use crate::{
    cli::judgement::JudgedFiles, daemon::stop_file::StopFile, plan::model::Revision,
    rollout::judge::membership::membership, rollout::tell::preview::preview, secrets,
};

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// A plan file, or the name of a plan that the database knows
    #[arg(value_name = "PLAN")]
    pub plan: String,
    /// Database of the daemon, which says what is ringward's; without one, nothing is
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB", default_value = "ringward.db")]
    pub db: PathBuf,
    /// How to answer.
    #[command(flatten)]
    pub json: JsonArgs,
    /// How to reach the account.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Shows what a plan would change. Differences are no failure.
///
/// # Errors
/// When the plan is invalid or unknown (exit 2), or log or account cannot be read (exit 1).
pub async fn diff(args: &DiffArgs, ink: Ink, out: Out<'_>) -> Result<(), CliError> {
    let known = LogFacts::read(&args.db)?;
    let (name, revision) = plan(&args.plan, &known, &args.db)?;
    let account = account(args, &revision, &known)?;
    let client = args.connection.client(TOKEN_VARIABLE, account.clone(), Arc::new(Unobserved))?;
    if std::io::stderr().is_terminal() {
        let told = format!("ringward: reading groups, profiles and devices of account {account}");
        let _ = writeln!(secrets::stderr(), "{told}");
    }
    let LogFacts { state, fleet, .. } = known;
    // What is read later is newer: the preview is one as of the begin of the look.
    let now = present(&state, args.connection.clock);
    let world = look(&client, &state, fleet, now)
        .await
        .map_err(|error| CliError::failed(format!("account {account} cannot be read: {error}")))?;
    let preview =
        preview(&name, &revision, Known { state: &state, world: &world, now }).map_err(CliError::failed)?;
    Ok(args.json.format().answer(out, &json::diff(&preview, &revision, now), |out| {
        text::text(out, &preview, &revision, &world, now, ink)
    })?)
}

/// What the database knows; nothing, where there is none.
#[derive(Debug, Default)]
struct LogFacts {
    state: State,
    fleet: Fleet,
    account: Option<String>,
    clock: Option<String>,
}

impl LogFacts {
    fn read(database: &Path) -> Result<Self, CliError> {
        let reader = match Reader::open(database) {
            Ok(reader) => reader,
            Err(OpenError::Missing(_)) => return Ok(Self::default()),
            Err(error) => return Err(CliError::failed(error)),
        };
        let view = reader.view();
        let mut state = replay(view).map_err(CliError::failed)?;
        // A stop file that was put there without the daemon stops as well.
        if let Some(said) = StopFile::beside(database).read().filter(|_| state.stop.is_none()) {
            state.stop = Some(Attribution { actor: said.actor, reason: said.reason, since: said.at });
        }
        Ok(Self {
            state,
            fleet: remembered(view),
            account: view.account().map_err(CliError::failed)?,
            clock: view.clock().map_err(CliError::failed)?,
        })
    }
}

/// The plan that a person means: a file, or the name of a plan of the log.
fn plan(text: &str, known: &LogFacts, database: &Path) -> Result<(PlanName, Revision), CliError> {
    let path = Path::new(text);
    let looks_like_a_file = text.contains('/') || path.extension().is_some();
    if path.is_file() || looks_like_a_file {
        let revision = from_file(path)?;
        return Ok((revision.plan.name.clone(), revision));
    }
    let named = PlanName::new(text).ok().and_then(|name| Some((known.state.plans.get(&name)?, name)));
    if let Some((plan, name)) = named {
        return Ok((name, Revision::clone(&plan.rollout.revision)));
    }
    let plans: Vec<&str> = known.state.plans.keys().map(PlanName::as_str).collect();
    let plans = if plans.is_empty() { "none".to_owned() } else { plans.join(", ") };
    Err(CliError::usage(format!(
        "`{}` is neither a plan file here nor a plan in {}, which knows {plans}; name a file, or another database with --db",
        safe(text),
        database.display(),
    )))
}

fn from_file(path: &Path) -> Result<Revision, CliError> {
    let mut judgement = JudgedFiles::of(&[path.to_owned()], None);
    let complaints = judgement.complaints(Ink::Plain);
    let judged = judgement.files.pop().map(|judged| judged.outcome);
    match judged {
        Some(Ok(good)) => good
            .to_begin()
            .map_err(|why| CliError::usage(format!("the plan would not be begun: {}", why.join("; ")))),
        _ => Err(CliError::usage(format!("the plan cannot be used\n\n{}", complaints.join("\n").trim_end()))),
    }
}

/// The account: as told, else the plan's, else the database's; and all of them the same.
fn account(args: &DiffArgs, revision: &Revision, known: &LogFacts) -> Result<AccountId, CliError> {
    let pinned = revision.plan.account.as_ref();
    let stored = known.account.as_deref().and_then(|account| AccountId::new(account).ok());
    let account = args.connection.account(pinned.or(stored.as_ref()))?;
    if let Some(pinned) = pinned.filter(|pinned| **pinned != account) {
        return Err(CliError::usage(format!(
            "the plan is for account {pinned}, not for {account}; correct --account, or `account` in the plan"
        )));
    }
    let path = || args.db.clone();
    if let Some(stored) = stored.filter(|stored| *stored != account) {
        let stored = stored.to_string();
        return Err(CliError::failed(OpenError::OtherAccount { path: path(), stored, given: account }));
    }
    let given = args.connection.clock.to_string();
    match &known.clock {
        Some(stored) if *stored != given => {
            Err(CliError::failed(OpenError::OtherClock { path: path(), stored: stored.clone(), given }))
        }
        _ => Ok(account),
    }
}

/// The present instant; it does not lie before what the log tells.
fn present(state: &State, clock: Clock) -> Timestamp {
    let now = clock.now();
    state.last_at.map_or(now, |last| last.max(now))
}

/// Reads groups, profiles and all devices, and the groups of ours that the list lacks.
async fn look(
    client: &CloudflareClient,
    state: &State,
    fleet: Fleet,
    as_of: Timestamp,
) -> Result<Observations, ApiError> {
    let mut world = Observations { fleet, ..Observations::default() };
    world.profiles = Some(Observed { value: client.profiles().await?, as_of });
    let mut sweep = client.sweep(SweepScope::Full).await?;
    sweep.started_at = sweep.started_at.max(as_of);
    let membership = membership(state, &world, as_of);
    world.fleet.observe(sweep, &membership);
    // Last, because everything turns on them and a sweep may take minutes.
    let groups = client.list_groups(Priority::Routine).await?;
    for id in state.groups.keys().filter(|id| groups.iter().all(|group| group.id != **id)) {
        let value = client.get_group(id, Priority::Routine).await?;
        world.single_groups.insert(id.clone(), Observed { value, as_of });
    }
    world.groups = Some(Observed { value: groups, as_of });
    world.budget_spent_until = client.room_for_write(0).err();
    Ok(world)
}
