//! What a request comes to: the events that carry it out.
//!
//! **Invariant:** a request comes to what the table of verbs says for its situation, and to
//! nothing else; it is never a silent no-op.

use crate::rollout::people::refusal::{Refusal, needed, printable};
use crate::rollout::people::verbs::table::Cell;
use crate::rollout::people::{command::Command, verbs::asked::Subject};
use crate::rollout::record::{Actor, Entry};
use crate::rollout::world::Known;

/// What a request comes to: the events that carry it out. `check-now` has none.
///
/// # Errors
/// When it is refused; the message names what would work.
pub fn command(
    known: Known<'_>,
    actor: &Actor,
    reason: &str,
    command: &Command,
) -> Result<Vec<Entry>, Refusal> {
    let verb = command.verb();
    // What leaves no record needs no reason.
    let reason = if verb.needs_reason() { needed(reason)? } else { printable(reason)? };
    let subject = Subject::of(known, actor, command)?;
    let effect = match verb.cell(&subject.columns(verb.definition().columns)) {
        Cell::Done(effect) => effect,
        Cell::Refused(refused) => return Err(subject.refusal(refused)),
    };
    let entry = |(rollout, event)| Entry { actor: actor.clone(), reason: reason.to_owned(), rollout, event };
    Ok(effect.events(&subject).into_iter().map(entry).collect())
}
