//! Asking the daemon for a verb, and what the help of one says.
//!
//! **Invariant:** the daemon alone decides and records; here is only the asking.

use crate::cli::{CliError, Connection, Glyphs, Ink, Out, Screen, Surface, safe};
use crate::web::json::{VerbAnswer, VerbRequest};
use crate::{
    cli::client::AskError, ids::PlanName, rollout::people::verbs::about::About, rollout::people::verbs::rows,
    rollout::people::verbs::verb::Verb,
};

/// What a verb's help lists fits most terminals.
const HELP: Screen = Screen { columns: 90, surface: Surface::Stream, glyphs: Glyphs::Ascii, ink: Ink::Plain };

/// Asks for a verb on a plan, or about everything, and says what the daemon did.
///
/// # Errors
/// When it is refused, there is no such plan, or no daemon to ask.
pub async fn ask(
    at: &Connection,
    plan: Option<&PlanName>,
    verb: Verb,
    request: &VerbRequest,
    out: Out<'_>,
) -> Result<(), CliError> {
    let of_plan = plan.map(|plan| ["rollouts", plan.as_str()]);
    let path: Vec<&str> = of_plan.into_iter().flatten().chain([verb.as_str()]).collect();
    let answer: VerbAnswer = at.post(&path, request).await?;
    Ok(writeln!(out, "{}", safe(&answer.done))?)
}

/// Allows writes again. Without a daemon it is refused: nothing else could record who did it.
///
/// # Errors
/// When it is refused, or there is no daemon to ask.
pub async fn start(at: &Connection, request: &VerbRequest, out: Out<'_>) -> Result<(), CliError> {
    match at.post::<VerbAnswer>(&[Verb::Start.as_str()], request).await {
        Ok(answer) => Ok(writeln!(out, "{}", safe(&answer.done))?),
        Err(error @ AskError::NoDaemon { .. }) => Err(CliError::refused(format!(
            "{error}, and then: ringward start --reason … (what is stopped stays stopped until then)"
        ))),
        Err(error) if error.is_no_daemon() => Err(CliError::refused(error)),
        Err(error) => Err(error.into()),
    }
}

/// What `--help` of a verb says after its options: the table's word, then an example.
pub fn help(verb: Verb) -> String {
    let about = About::anything();
    let mut text = "What it comes to, as things are:\n".to_owned();
    for effect in rows::effects(verb) {
        text.push_str(&HELP.flow("  - ", effect.words()));
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
        text.push_str(&HELP.flow("  - ", &refused.told(&about)));
    }
    // A manual page is plain ASCII.
    format!("{}\nExample:\n  {}", text.replace('…', "TEXT"), verb.definition().example)
}
