//! Bearer tokens: made and revoked by events, as everything else.
//!
//! **Invariant:** a token opens nothing before it is in the log.

use crate::daemon::engine::{Appended, Engine, EngineError};
use crate::daemon::view::CommandError;
use crate::rollout::event::Actor;
use crate::rollout::token::{TokenRequest, request};

impl Engine {
    /// Makes or revokes a token.
    ///
    /// # Errors
    /// The outer error ends the daemon; the inner one is the answer.
    pub(in crate::daemon) fn token(
        &mut self,
        actor: &Actor,
        reason: &str,
        asked: TokenRequest,
    ) -> Result<Result<(), CommandError>, EngineError> {
        let entry = match request(&self.state, actor, reason, asked, self.now()) {
            Ok(entry) => entry,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        Ok(match self.append(vec![entry], self.now())? {
            Appended::Recorded => Ok(()),
            Appended::Dropped => {
                let why = "the log cannot be written now, so nothing was done; ask again";
                Err(CommandError::Failed(why.to_owned()))
            }
        })
    }
}
