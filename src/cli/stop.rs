//! `ringward stop`: the brake. The stop file first, then word to the daemon if it listens.
//!
//! **Invariant:** "stopped" is said only when the daemon has confirmed it, or when one owns this database and
//! the file lies where it looks, or nothing can be recorded there, without which no daemon writes; a wrong
//! `--db`, a copy for example, is never mistaken for a stop. Who asks is never a reason to fail: the daemon
//! learns it from the socket by itself.

use std::{fs, io, time::Duration};

use clap::Args;
use hyper::StatusCode;

use crate::cli::{CliError, Connection, DaemonArgs, Out, safe};
use crate::daemon::stop_file::{StopFile, Stopping};
use crate::store::Ownership;
use crate::web::json::{VerbAnswer, VerbRequest};
use crate::{
    cli::client::AskError, cli::value_parsers::REASON_TO_STOP, rollout::people::verbs::verb::Verb,
    rollout::record::Actor, store, time::Timestamp, web::user_name,
};

/// How long the daemon may take to confirm. The file works without its word.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Arguments of `stop`.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT", value_parser = REASON_TO_STOP)]
    pub reason: String,
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// What the daemon made of it.
enum DaemonWord {
    /// It says itself whether its log has it.
    Done(String),
    /// Its log had it already.
    Recorded,
    NotRunning,
    Silent(AskError),
}

/// Stops all writes of the daemon that `at` leads to, whether it runs, hangs or is down.
///
/// # Errors
/// When nothing could be stopped; the message says so in its first words.
pub async fn stop(
    at: &Connection,
    actor: Actor,
    reason: &str,
    now: Timestamp,
    out: Out<'_>,
) -> Result<(), CliError> {
    let database = at.database.as_path();
    let unseen = fs::metadata(database).err();
    let reason = reason.trim();
    if reason.is_empty() && unseen.is_none() {
        return Err(CliError::usage("NOT STOPPED: a reason is needed; say it with --reason"));
    }
    let file = StopFile::beside(database);
    if let Some(error) = unseen {
        // Who may not look into the directory may reach the daemon all the same.
        let word = tell_daemon(at, reason).await;
        if word.is_yes() {
            return Ok(report(out, &file, None, &Err(error), &word, None)?);
        }
        let shown = database.display();
        return Err(CliError::failed(format!(
            "NOT STOPPED: cannot see the database {shown} ({error}), so this would stop no daemon; name its database with --db, and use its user"
        )));
    }
    let before = file.read();
    let put = file.put(&Stopping { actor, reason: reason.to_owned(), at: now });
    let word = tell_daemon(at, reason).await;
    if word.is_yes() {
        return Ok(report(out, &file, before, &put, &word, None)?);
    }
    // After the file: a daemon that takes the lock later than this looks for it first.
    let ownership = store::ownership(database);
    // A full disk leaves an empty file, which stops as well as any.
    let is_there = file.is_certainly_there();
    let sealed = if is_there { None } else { store::sealed(database) };
    match (ownership, &put) {
        (Ownership::Held, Err(error)) if !is_there && sealed.is_none() => {
            let path = file.path().display();
            Err(CliError::failed(format!(
                "NOT STOPPED: cannot write the stop file {path} ({error}), and the daemon has not confirmed; use the daemon's user, or end the daemon's process"
            )))
        }
        (Ownership::Held, Ok(())) if !is_there => {
            let path = file.path().display();
            Err(CliError::failed(format!(
                "NOT STOPPED: the stop file {path} was put there and is gone again, so somebody started writes meanwhile; look with `ringward status`, and stop again"
            )))
        }
        (Ownership::Held, put) => Ok(report(out, &file, before, put, &word, sealed.as_ref())?),
        (Ownership::Free, put) => Err(CliError::failed(format!(
            "no daemon owns {}: nothing that runs was stopped; where one runs, name its own database with --db{}",
            database.display(),
            from_here_on(&file, put)
        ))),
        (Ownership::Unknown(error), put) => Err(CliError::failed(format!(
            "NOT CERTAIN: this user cannot tell whether a daemon owns {} ({error}), and none has confirmed; use the daemon's user{}",
            database.display(),
            from_here_on(&file, put)
        ))),
    }
}

/// What the stop file does for a daemon that starts later.
fn from_here_on(file: &StopFile, put: &io::Result<()>) -> String {
    let path = file.path().display();
    match put {
        _ if file.is_certainly_there() => {
            format!(". A daemon that starts on this database stays stopped: {path} is there")
        }
        Err(error) => format!(". A daemon that starts on this database is not stopped: {path} ({error})"),
        Ok(()) => format!(". The stop file {path} was put there, and is gone again"),
    }
}

impl DaemonWord {
    /// Whether the daemon itself says that it is stopped.
    const fn is_yes(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Recorded)
    }
}

async fn tell_daemon(at: &Connection, reason: &str) -> DaemonWord {
    let request = VerbRequest { reason: reason.to_owned(), ..VerbRequest::default() };
    let at = at.clone().with_patience(at.patience.min(PATIENCE));
    match at.post::<VerbAnswer>(&[Verb::Stop.as_str()], &request).await {
        Ok(answer) => DaemonWord::Done(answer.done),
        // It is stopped already: it may have seen our file before our request.
        Err(AskError::Said { status: StatusCode::CONFLICT, .. }) => DaemonWord::Recorded,
        Err(error) if error.is_no_daemon() => DaemonWord::NotRunning,
        Err(error) => DaemonWord::Silent(error),
    }
}

fn report(
    out: Out<'_>,
    file: &StopFile,
    before: Option<Stopping>,
    put: &io::Result<()>,
    word: &DaemonWord,
    sealed: Option<&io::Error>,
) -> io::Result<()> {
    let path = file.path().display();
    writeln!(out, "Stopped: ringward sends no change to Cloudflare, for any plan.")?;
    match (put, before) {
        (Err(_), _) if !word.is_yes() && !file.is_certainly_there() && sealed.is_some() => {
            return report_sealed(out, file, sealed);
        }
        (Err(error), _) if file.is_certainly_there() => {
            writeln!(
                out,
                "The stop file {path} is there, and stops; who and why do not stand in it ({error})."
            )?;
        }
        (Err(error), _) => {
            writeln!(
                out,
                "The stop file {path} could not be written ({error}); the daemon stops all the same."
            )?;
        }
        (Ok(()), Some(first)) => {
            let (who, why) = (safe(&first.actor.to_string()), safe(&first.reason));
            writeln!(out, "It was stopped before, by {who}: {why}")?;
        }
        (Ok(()), None) => writeln!(out, "The stop file is {path}")?,
    }
    match word {
        DaemonWord::Done(done) => writeln!(out, "The daemon answers: {}", safe(done))?,
        DaemonWord::Recorded => writeln!(out, "The daemon has recorded it.")?,
        DaemonWord::NotRunning => {
            writeln!(out, "A daemon owns this database and does not listen: it starts or ends just now.")?;
            writeln!(out, "It looks for the file just before each change, so it is stopped all the same.")?;
        }
        DaemonWord::Silent(error) => {
            match error {
                AskError::NoAnswer { .. } => writeln!(out, "The daemon does not answer; look at its log.")?,
                other => writeln!(out, "The daemon has not confirmed: {other}")?,
            }
            writeln!(out, "It looks for the file just before each change, so it is stopped all the same.")?;
        }
    }
    last_words(out)?;
    writeln!(out, "When it is safe: ringward start --reason …")
}

/// Nothing can be written there by anybody: a daemon that cannot record a change does not send it.
fn report_sealed(out: Out<'_>, file: &StopFile, sealed: Option<&io::Error>) -> io::Result<()> {
    let why = sealed.map(|why| format!(" ({why})")).unwrap_or_default();
    let path = file.path().display();
    writeln!(out, "Neither the database nor the stop file {path} can be written{why}, and a daemon sends")?;
    writeln!(
        out,
        "nothing that it cannot record first. This stop stands nowhere: once the volume can be written"
    )?;
    writeln!(out, "again, say `ringward stop --reason …` again before a daemon starts, or writes go on.")?;
    last_words(out)
}

fn last_words(out: Out<'_>) -> io::Result<()> {
    writeln!(out, "A change that was on its way already may still arrive, and devices that were offered a")?;
    writeln!(out, "version before may still install it.")
}

/// The user of this process: the effective user ID, as the daemon's socket would see it.
pub(super) fn caller() -> Actor {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    Actor::Local { user: user_of(&status, &passwd) }
}

fn user_of(status: &str, passwd: &str) -> String {
    // `Uid:` real, effective, saved, file system (proc_pid_status(5)).
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let uid = ids.and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
    uid.map_or_else(|| "unknown".to_owned(), |uid| user_name(passwd, uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_or_a_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\nbroken\n:x:7:7::/:\nana:x:1000:1000::/home/ana:/bin/sh\n";
        let rows = [
            ("named", "Name:\tx\nUid:\t1000\t1000\t1000\t1000\n", "ana"),
            ("effective, not real", "Uid:\t1000\t0\t0\t0\n", "root"),
            ("no name", "Uid:\t4242\t4242\t4242\t4242\n", "uid 4242"),
            ("an empty name", "Uid:\t7\t7\t7\t7\n", "uid 7"),
            ("no proc", "", "unknown"),
        ];
        for (row, status, user) in rows {
            assert_eq!(user_of(status, passwd), user, "{row}");
        }
        assert_ne!(caller(), Actor::Engine);
    }
}
