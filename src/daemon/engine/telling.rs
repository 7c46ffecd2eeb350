//! What users of the machine put on record: bearer tokens, and changes of access.
//!
//! **Invariant:** it is so once it is in the log: before that a token opens nothing.

use crate::daemon::engine::{Appended, Engine, EngineError};
use crate::daemon::view::{CommandError, Telling};
use crate::rollout::people::{access, tokens};
use crate::rollout::record::Actor;

use crate::secrets;

impl Engine {
    /// Puts it on record, and answers the record's number.
    ///
    /// # Errors
    /// The outer error ends the daemon; the inner one is the answer.
    pub(in crate::daemon) fn tell(
        &mut self,
        actor: &Actor,
        reason: &str,
        told: Telling,
    ) -> Result<Result<u64, CommandError>, EngineError> {
        // The log keeps it for good.
        let reason = &*secrets::redact(reason);
        let entry = match told {
            Telling::Token(asked) => tokens::request(&self.state, actor, reason, asked, self.now()),
            Telling::Access(asked) => access::request(&self.state, actor, reason, asked),
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        Ok(match self.append(vec![entry], self.now())? {
            Appended::Recorded => Ok(self.state.seq),
            Appended::Dropped => {
                let why = "the log cannot be written now, so nothing was done; ask again";
                Err(CommandError::Failed(why.to_owned()))
            }
        })
    }
}
