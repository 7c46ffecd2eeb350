//! What people ask for: verbs, bearer tokens, and changes of access.
//!
//! **Invariant:** it is so once it is in the log; before that a token opens nothing, and a verb that is not recorded is answered as not done.

use std::borrow::Cow;

use crate::daemon::engine::ledger::{Appended, DurableEngine, EngineError};
use crate::daemon::stop_file::Stopping;
use crate::daemon::view::{CommandError, Telling};
use crate::failpoint::{self, Point};
use crate::rollout::people::answer::command;
use crate::rollout::people::command::Command;
use crate::rollout::people::done::done;
use crate::rollout::people::look::{is_as_read, look};
use crate::rollout::people::seen::{Look, ReadBefore};
use crate::rollout::people::{access, tokens};
use crate::rollout::record::{Actor, Event};
use crate::rollout::world::Known;
use crate::secrets;
use crate::text::joined;

impl DurableEngine {
    /// What a verb would rest on, or why it would be refused.
    ///
    /// # Errors
    /// The outer error ends the daemon; the inner one is the answer.
    pub(crate) fn look(
        &mut self,
        actor: &Actor,
        asked: &Command,
    ) -> Result<Result<Option<Look>, CommandError>, EngineError> {
        self.obey_stop_file()?;
        let state = self.engine.seen_state();
        let known = Known { state: &state, world: &self.engine.world, now: self.now() };
        Ok(look(known, actor, asked).map_err(Into::into))
    }

    /// Carries out the request of somebody who may have read what it rests on: on that, or not at all.
    ///
    /// # Errors
    /// The outer error ends the daemon; the inner one is the answer.
    pub(crate) fn decide(
        &mut self,
        actor: &Actor,
        reason: &str,
        asked: &Command,
        read: Option<&ReadBefore>,
    ) -> Result<Result<String, CommandError>, EngineError> {
        let Some(read) = read.filter(|_| asked.verb().rests_on_reading()) else {
            return self.command(actor, reason, asked);
        };
        let rests_on = match self.look(actor, asked)? {
            Ok(rests_on) => rests_on,
            Err(refused) => return Ok(Err(refused)),
        };
        if let Some(Err(refusal)) = rests_on.as_ref().map(|now| is_as_read(asked.verb(), read, now)) {
            return Ok(Err(refusal.into()));
        }
        let done = self.command(actor, reason, asked)?;
        let rings = rests_on.iter().flat_map(Look::rings);
        Ok(done.map(|done| joined([done].into_iter().chain(rings), "; ")))
    }

    /// Carries out a person's request.
    ///
    /// # Errors
    /// The outer error ends the daemon; the inner one is the answer.
    pub(crate) fn command(
        &mut self,
        actor: &Actor,
        reason: &str,
        asked: &Command,
    ) -> Result<Result<String, CommandError>, EngineError> {
        // The log keeps it for good.
        let reason = &*secrets::redact(reason);
        if *asked == Command::Stop && !reason.trim().is_empty() {
            // The file first: it stops even when the log cannot be written.
            let stopping =
                Stopping { actor: actor.clone(), reason: reason.trim().to_owned(), at: self.now() };
            if let Err(error) = self.stop_file.put(&stopping) {
                tracing::warn!(path = %self.stop_file.path().display(), %error, "cannot write the stop file");
            }
            failpoint::reach(Point::StopFilePut);
        }
        if *asked != Command::Stop {
            // A file that is there stops: the table must not take writes for allowed.
            self.obey_stop_file()?;
        }
        self.engine.world.second_clock.machine = Some(self.watch.seen);
        self.engine.world.clock_behind = self.clock_behind();
        let judged = {
            // A stop is asked of the log alone: who asks shall stand there.
            let state = if *asked == Command::Stop {
                Cow::Borrowed(&self.engine.state)
            } else {
                self.engine.seen_state()
            };
            let known = Known { state: &state, world: &self.engine.world, now: self.now() };
            command(known, actor, reason, asked)
        };
        let entries = match judged {
            Ok(entries) => entries,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let confirmed = entries.iter().find_map(|entry| match entry.event {
            Event::ClockConfirmed { now, .. } => Some(now),
            _ => None,
        });
        if self.append(entries.clone(), confirmed.unwrap_or(self.now()))? == Appended::Dropped {
            return Ok(self.unrecorded(actor, reason, asked));
        }
        self.stop_file.remember(self.engine.is_stopped());
        if let Some(now) = confirmed {
            self.begin_era(now)?;
        }
        if matches!(asked, Command::Start { .. }) {
            failpoint::reach(Point::StopFileStays);
            if let Err(error) = self.stop_file.take_away() {
                let path = self.stop_file.path().display();
                let why = format!(
                    "the stop file {path} cannot be removed ({error}), so writes stay stopped; remove it"
                );
                return Ok(Err(CommandError::Failed(why)));
            }
        }
        Ok(Ok(done(&entries, &self.engine.state, asked)))
    }

    /// Puts it on record, and answers the record's number.
    ///
    /// # Errors
    /// The outer error ends the daemon; the inner one is the answer.
    pub(crate) fn tell(
        &mut self,
        actor: &Actor,
        reason: &str,
        told: Telling,
    ) -> Result<Result<u64, CommandError>, EngineError> {
        // The log keeps it for good.
        let reason = &*secrets::redact(reason);
        let entry = match told {
            Telling::Token(asked) => tokens::request(&self.engine.state, actor, reason, asked, self.now()),
            Telling::Access(asked) => access::request(&self.engine.state, actor, reason, asked),
        };
        let entry = match entry {
            Ok(entry) => entry,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        Ok(match self.append(vec![entry], self.now())? {
            Appended::Recorded => Ok(self.engine.state.seq),
            Appended::Dropped => {
                let why = "the log cannot be written now, so nothing was done; ask again";
                Err(CommandError::Failed(why.to_owned()))
            }
        })
    }
}
