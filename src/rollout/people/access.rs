//! What may be told of a change of access.
//!
//! **Invariant:** an outcome belongs to one change on record, and each change has at most one.

use crate::rollout::people::refusal::{Refusal, needed};
use crate::rollout::record::{AccessChange, AccessOutcome, Actor, Entry, Event, MAX_TEXT_CHARS};
use crate::rollout::state::State;

/// What may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessRequest {
    /// That a change is about to be written.
    Intend(Box<AccessChange>),
    /// What became of the one with this number in the log.
    Settle {
        /// The number of its record.
        intent: u64,
        /// What became of it.
        outcome: AccessOutcome,
    },
}

/// What carries a request out.
///
/// # Errors
/// When it is refused; the message names what would work.
pub fn request(state: &State, actor: &Actor, reason: &str, asked: AccessRequest) -> Result<Entry, Refusal> {
    let reason = needed(reason)?;
    let event = match asked {
        AccessRequest::Intend(change) if change.add.is_empty() && change.remove.is_empty() => {
            return Err(Refusal::not_now("the change changes nothing", "nothing is left to be done"));
        }
        AccessRequest::Intend(change) => {
            let odd = change.texts().find(|text| {
                text.trim().is_empty()
                    || text.chars().count() > MAX_TEXT_CHARS
                    || text.chars().any(char::is_control)
            });
            if let Some(odd) = odd {
                let why = format!("a name in it is empty, too long or not printable: {odd:?}");
                return Err(Refusal::not_now(why, "names have up to 512 printable characters"));
            }
            Event::AccessIntended { change }
        }
        AccessRequest::Settle { intent, outcome } => {
            if !state.open_access.contains(&intent) {
                let why = format!("record {intent} is no change of access that is still open");
                return Err(Refusal::not_now(
                    why,
                    "`ringward history` shows the changes, and what became of each",
                ));
            }
            Event::AccessSettled { intent, outcome }
        }
    };
    Ok(Entry { actor: actor.clone(), reason: reason.to_owned(), rollout: None, event })
}
