//! People who speak up about entering a ring: the members are read before their word is taken.
//!
//! **Invariant:** a word is judged by a list that was read after it was spoken or hardly before, or by
//! none at all; and whoever speaks is answered, whatever becomes of the reads.

use crate::daemon::run::driver::{DaemonError, Driver, Sight, WaitingWord};
use crate::daemon::view::{Asking, CommandError, MAX_WAITING};
use crate::failpoint::{self, Point};
use crate::ids::UserGroupName;
use crate::rollout::people::hearing;

use crate::rollout::people::command::Command;
use crate::rollout::world::Read;
use crate::time::{SignedDuration, since};

/// A list that is younger than this is not read again for one more person.
const READ_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(10);

impl Driver {
    /// Has the members read that a word needs, and puts it off until they are; gives it back where
    /// nothing is to be read first, or just could not be.
    pub(super) fn put_off(&mut self, asking: Asking) -> Option<(Asking, Sight)> {
        if asking.command == Command::ConfirmClock {
            self.put_off_for_the_clock(asking);
            return None;
        }
        let now = self.durable.now();
        let mut waits_for =
            hearing::groups(&self.durable.engine.state, &self.durable.engine.world, &asking.command);
        waits_for.retain(|group| {
            let read = self.durable.engine.world.user_groups.get(group);
            read.is_none_or(|read| since(read.as_of, now) > READ_AGAIN_AFTER)
        });
        if waits_for.is_empty() {
            return Some((asking, Sight::Clear));
        }
        // A rejection is taken however often it is given: it must not ask as often.
        self.members_asked.retain(|_, asked| since(*asked, now).abs() <= READ_AGAIN_AFTER);
        let is_under_way = |group| self.spoken.iter().any(|spoken| spoken.waits_for.contains(group));
        if waits_for.iter().any(|group| self.members_asked.contains_key(group) && !is_under_way(group)) {
            return Some((asking, Sight::None));
        }
        if self.spoken.len() >= MAX_WAITING {
            let full = CommandError::Unavailable("too many people speak up at once");
            let _ = asking.reply.send(Err(full));
            return None;
        }
        let reads = waits_for.iter().cloned().map(Read::Approvers).collect();
        self.durable.engine.reads.hurry(&reads, now);
        self.members_asked.extend(waits_for.iter().map(|group| (group.clone(), now)));
        self.start_reads(now);
        self.spoken.push(WaitingWord { asking, waits_for });
        None
    }

    /// Asks Cloudflare for the time, as often as a word on the clock needs.
    fn put_off_for_the_clock(&mut self, asking: Asking) {
        if self.clock_asked.len() >= MAX_WAITING {
            let _ = asking.reply.send(Err(CommandError::Unavailable("too many people speak up at once")));
            return;
        }
        self.clock_asked.push(asking);
        self.tasks.spawn(self.upstream.clone().ask_time());
    }

    /// Cloudflare told the time, or did not: the words that waited for it are judged.
    pub(super) fn heard_time(&mut self) -> Result<(), DaemonError> {
        self.compare_clocks();
        for asking in std::mem::take(&mut self.clock_asked) {
            self.carry_out(asking, Sight::Clear)?;
        }
        Ok(())
    }

    /// A group was read, or could not be: the words that waited for nothing else are judged.
    pub(super) fn heard(&mut self, group: &UserGroupName, sight: Sight) -> Result<(), DaemonError> {
        let mut ready = Vec::new();
        for mut spoken in std::mem::take(&mut self.spoken) {
            let waited = spoken.waits_for.remove(group);
            match (sight, spoken.waits_for.is_empty()) {
                (Sight::Clear, true) | (Sight::None, _) if waited => ready.push(spoken.asking),
                (Sight::Clear | Sight::None, _) => self.spoken.push(spoken),
            }
        }
        for asking in ready {
            self.carry_out(asking, sight)?;
        }
        Ok(())
    }

    /// Carries a verb out and answers.
    pub(super) fn carry_out(&mut self, asking: Asking, sight: Sight) -> Result<(), DaemonError> {
        let Asking { actor, reason, command, read, reply } = asking;
        // What could not be read again is not believed any more, for this word.
        let unseen = match sight {
            Sight::Clear => None,
            Sight::None => Some(std::mem::take(&mut self.durable.engine.world.user_groups)),
        };
        let answer = self.durable.decide(&actor, &reason, &command, read.as_ref());
        if let Some(unseen) = unseen {
            self.durable.engine.world.user_groups = unseen;
        }
        let mut answer = answer?;
        if command == Command::ConfirmClock && answer.is_ok() {
            self.durable.engine.reads.begin_era();
        }
        // The snapshot first, so that who asked sees what the request did.
        match (&answer, &command) {
            (Ok(_), Command::CheckNow(plan)) => {
                tracing::info!(%actor, reason, %plan, "asked to check now");
                answer = self.check_now(plan)?;
            }
            _ => {
                self.pass()?;
            }
        }
        failpoint::reach(Point::VerbUnanswered);
        // Who asked may have gone away.
        let _ = reply.send(answer);
        Ok(())
    }
}
