//! `ringward init`: a commented starter plan from what the account has, and the daemon's `ringward.yaml`.
//!
//! **Invariant:** what it writes passes `check` and `check --online` without an error on the same
//! account: it asks the same judges before it writes, and leaves out what they refuse.

mod daemon_file;
mod draft;
mod text;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{collections::BTreeSet, fs::OpenOptions};

use clap::Args;

use crate::cli::account::{AccountLook, look_at};
use crate::cli::online::{AccountJudge, Severity};
use crate::cli::{CliError, ConnectionArgs, Out, configuration, init::draft::StarterPlan, safe};
use crate::{ids::AccountId, plan, rollout::record::Group, rollout::state::State, text::in_shell};

/// The database of a daemon that is told of none.
const DEFAULT_DB: &str = "ringward.db";

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// File to write the plan to, such as plans/cloudflare-one-client.yaml; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
    /// Overwrite the plan's file; the daemon's configuration is never overwritten
    #[arg(long)]
    pub force: bool,
    /// With a file: the daemon's configuration, written unless it is there; without it, ringward.yaml beside the database
    #[arg(long, value_name = "FILE", env = "RINGWARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Database of the daemon; init neither reads nor writes it
    #[arg(long, value_name = "FILE", env = "RINGWARD_DB", default_value = DEFAULT_DB)]
    pub db: PathBuf,
    /// How to reach the account.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Writes a starter plan, and to `hints` what to do with it. A plan in a file gets the daemon's configuration
/// beside it, first, so that no daemon runs the plan without.
///
/// # Errors
/// When the file is there already, one of the files cannot be written, the account cannot be read, or it has
/// nobody to move.
pub async fn init(args: &InitArgs, out: Out<'_>, hints: Out<'_>) -> Result<(), CliError> {
    let to_file = args.output != Path::new("-");
    let config = configuration::place(args.config.as_deref(), &args.db);
    if to_file && whole(&args.output) == whole(&config) {
        return Err(CliError::usage(format!(
            "{} is the place of the daemon's configuration; name another file for the plan with --output",
            args.output.display()
        )));
    }
    if to_file && !args.force && args.output.exists() {
        return Err(there_already(&args.output));
    }
    let id = args.connection.account(None)?;
    let look = look_at(&args.connection, &id, &BTreeSet::new()).await?;
    let text = plan_for(&id, &look)?;
    if !to_file {
        write!(out, "{text}")?;
        out.flush()?;
        writeln!(hints, "Save it as a file *.yaml, read it, then check it against the account:")?;
        hint(hints, args, "FILE", &id)?;
        writeln!(
            hints,
            "With `revisions: person` in ringward.yaml, an edit that does more than restrict waits for a person."
        )?;
        return Ok(());
    }
    let is_new = daemon_file::write(&config)?;
    write_file(args, &text).map_err(|error| {
        if !is_new {
            return error;
        }
        let told = format!("{error}; the configuration {} is written and stays", config.display());
        error.with_message(told)
    })?;
    let shown = safe(&args.output.display().to_string());
    writeln!(out, "A starter plan is in {shown}. Read it, make it yours, then check it:")?;
    hint(out, args, &shown, &id)?;
    write!(out, "{}", daemon_file::told(is_new, &config))?;
    Ok(())
}

/// A path in the one form that all names of a file share, though the file may not be there yet.
fn whole(path: &Path) -> PathBuf {
    let directory = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    path.canonicalize().unwrap_or_else(|_| match (directory.canonicalize(), path.file_name()) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => path.to_owned(),
    })
}

fn hint(out: Out<'_>, args: &InitArgs, file: &str, account: &AccountId) -> io::Result<()> {
    let quoted = |path: &Path| safe(&in_shell(&path.display().to_string()));
    writeln!(out, "  ringward check --online {file}")?;
    writeln!(out, "and see what a daemon would do, without a write:")?;
    write!(out, "  ringward run --observe --plans DIR --account {}", safe(account.as_str()))?;
    if let Some(config) = &args.config {
        write!(out, " --config {}", quoted(config))?;
    }
    if args.db != Path::new(DEFAULT_DB) {
        write!(out, " --db {}", quoted(&args.db))?;
    }
    writeln!(out)
}

fn there_already(path: &Path) -> CliError {
    CliError::refused(format!(
        "{} is there already; name another file with --output, or overwrite it with --force",
        path.display()
    ))
}

fn write_file(args: &InitArgs, text: &str) -> Result<(), CliError> {
    let path = &args.output;
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => there_already(path),
        _ => CliError::failed(format!(
            "{} cannot be written: {error}; name another file with --output",
            path.display()
        )),
    };
    let mut options = OpenOptions::new();
    // Without --force the file must be a new one, whatever has happened since it was looked for.
    options.write(true).create(true).truncate(true).create_new(!args.force);
    let mut file = options.open(path).map_err(told)?;
    file.write_all(text.as_bytes()).map_err(told)
}

/// The plan's text for an account.
fn plan_for(id: &AccountId, look: &AccountLook) -> Result<String, CliError> {
    if !look.is_whole() {
        return Err(unreadable(id, look));
    }
    let groups: &[Group] = look.world.groups.as_ref().map_or(&[], |groups| &groups.value);
    let mut draft = StarterPlan::of(&look.world, look.at);
    // Each round leaves a ring out, so it ends.
    while !draft.rings.is_empty() {
        let text = text::file(&draft, id, groups, look.at);
        let revision = plan::read("the starter plan", text.as_bytes()).map_err(|errors| {
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            CliError::failed(format!(
                "the starter plan has an error, which is ringward's: {first}; report it"
            ))
        })?;
        let judged = AccountJudge::new(id, look, State::default()).plan("", &revision.plan, text.as_bytes());
        let mut errors =
            judged.findings.iter().filter(|finding| finding.severity == Severity::Error).peekable();
        if errors.peek().is_none() {
            return Ok(text);
        }
        for error in errors {
            let Some(ring) = &error.ring else {
                let problem = &error.problem;
                return Err(CliError::failed(format!("no plan fits the account: {problem}")));
            };
            let instead = error.instead.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
            draft.leave_out(ring.as_str(), &format!("{}{instead}", error.problem));
        }
    }
    Err(nobody_to_move(id, look, &draft))
}

fn nobody_to_move(id: &AccountId, look: &AccountLook, draft: &StarterPlan) -> CliError {
    let devices = look.world.fleet.devices().count();
    let mut whys: Vec<String> = Vec::new();
    if draft.targets.is_empty() {
        whys.push(match devices {
            0 => "it has no devices".to_owned(),
            _ => format!("none of its {devices} devices is a Windows or macOS one on 2026.6 or newer"),
        });
    }
    for out in draft.left_out.iter().filter(|_| !draft.targets.is_empty()) {
        let why = safe(&out.why);
        if !whys.contains(&why) {
            whys.push(why);
        }
    }
    let why = if whys.is_empty() { "it has no profiles".to_owned() } else { whys.join("; ") };
    CliError::refused(format!(
        "no plan can be made for account {id}: {why}; fix that, or begin with a plan of rollouts/examples/"
    ))
}

/// What keeps the account from being read.
fn unreadable(id: &AccountId, look: &AccountLook) -> CliError {
    let refused = look.refused.last().map(ToString::to_string);
    let why = refused.unwrap_or_else(|| {
        "the API token is disabled or expired; make a new one and give it by CLOUDFLARE_API_TOKEN or --token-file"
            .to_owned()
    });
    CliError::failed(format!("account {id} cannot be read: {why}"))
}
