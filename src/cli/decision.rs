//! Verbs that rest on what was read: shown first, then asked, then said.
//!
//! **Invariant:** what is sent is what stood there; nothing is asked of anybody who cannot answer, and nothing is taken
//! for a yes but a yes.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::cli::{CliError, Connection, Out, safe, short_digest};
use crate::ids::PlanName;
use crate::rollout::people::verbs::verb::Verb;
use crate::text::{joined, shell_word};
use crate::web::json::{VerbAnswer, VerbRequest};

/// What somebody says ahead.
#[derive(Debug, Clone, Default)]
pub(super) struct SaidAhead {
    /// The revision that they have read.
    pub(super) revision: Option<String>,
    /// That they need not be asked.
    pub(super) yes: bool,
    /// That nothing is to be done.
    pub(super) dry_run: bool,
}

/// Shows what the verb rests on, asks, and says it.
///
/// # Errors
/// When it is refused, nobody can be asked, the answer is no, or there is no daemon to ask.
pub(super) async fn decide(
    at: &Connection,
    plan: &PlanName,
    verb: Verb,
    request: VerbRequest,
    said: SaidAhead,
    out: Out<'_>,
) -> Result<(), CliError> {
    let path = ["rollouts", plan.as_str(), verb.as_str()];
    let look = VerbRequest { dry_run: Some(true), ..request.clone() };
    let now: VerbAnswer = at.post(&path, &look).await?;
    let (Some(revision), Some(seen)) = (now.revision, now.seen) else {
        return Err(CliError::failed(
            "the daemon does not say what this rests on; is it another version than this one?",
        ));
    };
    writeln!(out, "{plan}, revision {}:", short_digest(&revision))?;
    for line in now.lines.unwrap_or_default() {
        writeln!(out, "  {}", safe(&line))?;
    }
    if said.dry_run {
        return Ok(());
    }
    out.flush()?;
    let read = said.revision.unwrap_or(revision);
    if !said.yes && !is_meant(verb, plan, &read)? {
        return Err(CliError::refused("nothing was done"));
    }
    let request = VerbRequest { revision: Some(read), seen: Some(seen), ..request };
    let answer: VerbAnswer = at.post(&path, &request).await?;
    Ok(writeln!(out, "{}", safe(&answer.done))?)
}

/// Asks whoever sits there.
fn is_meant(verb: Verb, plan: &PlanName, revision: &str) -> Result<bool, CliError> {
    let (input, mut told) = (io::stdin(), io::stderr());
    if !input.is_terminal() || !told.is_terminal() {
        let word = |word: String| match word.strip_prefix("--") {
            Some(option) => format!("--{}", shell_word(option)),
            None => shell_word(&word),
        };
        let command = joined(std::env::args().skip(1).map(word), " ");
        // Who named a revision has it on the line already; an option stands there once.
        let names_it = std::env::args().any(|word| word == "--revision" || word.starts_with("--revision="));
        let revision =
            if names_it { String::new() } else { format!(" --revision {}", short_digest(revision)) };
        return Err(CliError::refused(format!(
            "nothing was done: there is no terminal to ask on. Whoever has read the above says it by\n  ringward {command} --yes{revision}"
        )));
    }
    write!(told, "{} {plan}? [y/N] ", verb.as_str())?;
    told.flush()?;
    let mut answer = String::new();
    input.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
