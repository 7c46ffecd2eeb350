//! The stop file and the log: each has what the other says, and a log that is lost does not hide a stop.
//!
//! **Invariant:** a stop that was seen once, in the file or from a person, is in force until `start` is
//! recorded, whether or not the log could take it in.

use crate::daemon::engine::ledger::{Appended, DurableEngine, EngineError};
use crate::daemon::stop_file::Stopping;
use crate::daemon::view::CommandError;
use crate::rollout::people::command::Command;
use crate::rollout::record::{Actor, Entry, Event};
use crate::rollout::state::Attribution;

impl DurableEngine {
    /// A stop file that was put there without us is recorded. One that was taken away without
    /// `start` is put back: what the log calls stopped stays stopped.
    pub(crate) fn obey_stop_file(&mut self) -> Result<(), EngineError> {
        let obeyed = self.obey();
        self.stop_file.remember(self.engine.is_stopped());
        obeyed
    }

    fn obey(&mut self) -> Result<(), EngineError> {
        if let Some(hold) = &self.engine.state.stop {
            self.engine.unrecorded_stop = None;
            if !self.stop_file.is_there() {
                self.put_back(&Stopping::of(hold));
            }
            return Ok(());
        }
        // A full disk leaves a file without a text, and a file of ours names us: who stopped, and why, was told to
        // us then.
        let told = self.engine.unrecorded_stop.as_ref().map(Stopping::of);
        if let Some(stopping) = told.as_ref().filter(|_| !self.stop_file.is_there()) {
            self.put_back(stopping);
        }
        let known = told.clone().filter(|told| !told.is_by_nobody_known());
        let said = known.or_else(|| self.stop_file.said()).or(told);
        let Some(said) = said.or_else(|| self.stop_file.read()) else {
            return Ok(());
        };
        let Stopping { actor, reason, .. } = said.clone();
        let entry = Entry { actor, reason, rollout: None, event: Event::Stopped {} };
        match self.append(vec![entry], self.now())? {
            Appended::Recorded => self.engine.unrecorded_stop = None,
            Appended::Dropped => self.remember_stop(said),
        }
        Ok(())
    }

    fn put_back(&self, stopping: &Stopping) {
        if let Err(error) = self.stop_file.put(stopping) {
            // The log alone stops this daemon as well.
            tracing::warn!(path = %self.stop_file.path().display(), %error, "cannot put the stop file back");
        }
    }

    /// Keeps a stop that the log could not take. The first one counts, unless nobody is known for it.
    fn remember_stop(&mut self, said: Stopping) {
        let known = self.engine.unrecorded_stop.as_ref().map(Stopping::of);
        let since = known.as_ref().map_or(self.now(), |known| known.at);
        if known.is_none_or(|known| known.is_by_nobody_known()) {
            let Stopping { actor, reason, .. } = said;
            self.engine.unrecorded_stop = Some(Attribution { actor, reason, since });
        }
    }

    /// The answer to a verb that is not in the log.
    pub(crate) fn unrecorded(
        &mut self,
        actor: &Actor,
        reason: &str,
        asked: &Command,
    ) -> Result<String, CommandError> {
        let why = self.engine.world.log_unwritable.as_ref();
        let why = why.map_or("look at the daemon's log", |why| why.message.as_str()).to_owned();
        if *asked == Command::Stop {
            let (actor, reason) = (actor.clone(), reason.trim().to_owned());
            self.remember_stop(Stopping { actor, reason, at: self.now() });
            self.stop_file.remember(true);
            let path = self.stop_file.path().display();
            return Ok(if self.stop_file.is_there() {
                format!(
                    "all writes are stopped, by the stop file {path}; the log cannot be written ({why}), and has it as soon as it can"
                )
            } else {
                format!(
                    "all writes are stopped; neither the log nor the stop file {path} can be written ({why}), so the daemon keeps it in memory and records it as soon as it can; when the daemon is restarted before that, say it again"
                )
            });
        }
        Err(CommandError::Failed(format!(
            "it could not be recorded, so it is not done: {why}; try again once that is fixed (`ringward stop` works all the same)"
        )))
    }
}
