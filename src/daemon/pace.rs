//! How fast verbs are taken: a bucket for each actor, and one `check-now` of a plan in 30 s.
//!
//! It stands on the one way to the daemon, before its queue: a flood costs neither a record, nor a request at
//! Cloudflare, nor the place of a `stop`.
//!
//! **Invariant:** in any hour an actor is let through with [`BURST`] verbs that are counted and one more for each
//! [`ONE_EVERY`], and a plan is checked once in [`CHECK_EVERY`]. What is remembered of whom has a bound.

use std::collections::BTreeMap;

use crate::ids::PlanName;
use crate::rollout::record::Actor;
use crate::time::{SignedDuration, Timestamp, after, in_words, since};

/// Verbs that an actor may ask for at once.
pub(super) const BURST: i32 = 30;
/// One more comes back in this time.
pub(super) const ONE_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// A plan is checked by `check-now` once in this time.
pub(super) const CHECK_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// Actors that are remembered; a bucket that is full is as good as none.
const MAX_ACTORS: usize = 1_024;
/// Until an empty bucket is full.
const FILLS_IN: SignedDuration = SignedDuration::from_mins(30);

/// What was asked for lately.
#[derive(Debug, Default)]
pub(super) struct VerbPace {
    /// When each bucket is full again: every verb puts that off.
    full_at: BTreeMap<Actor, Timestamp>,
    /// When each check began that was not refused.
    checks: BTreeMap<PlanName, Timestamp>,
}

impl VerbPace {
    /// Takes a verb of an actor.
    ///
    /// # Errors
    /// When their bucket is empty: how long until there is one again.
    pub(super) fn take(&mut self, actor: &Actor, now: Timestamp) -> Result<(), SignedDuration> {
        let known = self.full_at.get(actor).copied().unwrap_or(now);
        // After a clock that was set back, a bucket is empty at worst.
        let known = known.clamp(now, after(now, FILLS_IN));
        let full_at = after(known, ONE_EVERY);
        let wait = since(after(now, FILLS_IN), full_at);
        if wait > SignedDuration::ZERO {
            self.full_at.insert(actor.clone(), known);
            return Err(wait);
        }
        if !self.full_at.contains_key(actor) {
            self.make_room(now);
        }
        self.full_at.insert(actor.clone(), full_at);
        Ok(())
    }

    /// Forgets the buckets that are full; where none is, the one that is nearest to it.
    fn make_room(&mut self, now: Timestamp) {
        if self.full_at.len() < MAX_ACTORS {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() >= MAX_ACTORS {
            let fullest = self.full_at.iter().min_by_key(|(_, full_at)| **full_at);
            if let Some(fullest) = fullest.map(|(actor, _)| actor.clone()) {
                self.full_at.remove(&fullest);
            }
        }
    }

    /// Begins a check of a plan, unless one began lately: then what is said of that.
    pub(super) fn check(&mut self, plan: &PlanName, now: Timestamp) -> Option<String> {
        let is_recent = |began: Timestamp| began <= now && since(began, now) < CHECK_EVERY;
        if let Some(began) = self.checks.get(plan).copied().filter(|began| is_recent(*began)) {
            let (ago, left) = (since(began, now), since(now, after(began, CHECK_EVERY)));
            return Some(format!(
                "a check of plan {plan} began {} ago, and what it reads shows as it comes in; ringward begins one in {}, \
                 so nothing else is read now: ask again in {}",
                in_words(whole(ago)),
                in_words(CHECK_EVERY),
                in_words(whole(left))
            ));
        }
        self.checks.retain(|_, began| is_recent(*began));
        self.checks.insert(plan.clone(), now);
        None
    }

    /// A check was refused: the next is not told that there was one.
    pub(super) fn uncheck(&mut self, plan: &PlanName) {
        self.checks.remove(plan);
    }
}

/// In seconds, none of them too few to wait.
pub(super) fn whole(wait: SignedDuration) -> SignedDuration {
    let more = i64::from(wait.subsec_nanos() > 0);
    SignedDuration::from_secs(wait.as_secs().saturating_add(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn user(number: usize) -> Actor {
        Actor::Local { user: format!("user-{number}") }
    }

    #[test]
    fn a_bucket_holds_thirty_verbs_and_gets_one_a_minute() {
        // At which second, how often it is asked for, how many of those are taken, and how long the next waits.
        let rows = [
            ("at once", 0, 10_000, 30, 60),
            ("almost a minute later", 59, 5, 0, 1),
            ("a minute later", 60, 5, 1, 60),
            ("ten minutes later", 660, 100, 10, 60),
            ("after a night", 40_000, 100, 30, 60),
            ("a clock that was set back by a day empties no more than a bucket", -46_400, 5, 0, 60),
            ("and goes on from there", -46_340, 5, 1, 60),
        ];
        let mut pace = VerbPace::default();
        for (row, second, asked, expected, waits) in rows {
            let answers: Vec<_> = (0..asked).map(|_| pace.take(&user(0), at(second))).collect();
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), expected, "{row}");
            let wait = pace.take(&user(0), at(second)).unwrap_err();
            assert_eq!(wait.as_secs(), waits, "{row}");
        }
        assert_eq!(pace.take(&user(1), at(0)), Ok(()), "another actor has a bucket of their own");
    }

    #[test]
    fn the_table_of_actors_has_a_bound_and_keeps_the_emptiest() {
        let mut pace = VerbPace::default();
        for _ in 0..BURST {
            pace.take(&user(0), at(0)).unwrap();
        }
        for number in 1..MAX_ACTORS {
            pace.take(&user(number), at(0)).unwrap();
        }
        // Nobody is full: one goes, and it is not the one that is empty.
        pace.take(&user(MAX_ACTORS), at(1)).unwrap();
        assert_eq!(pace.full_at.len(), MAX_ACTORS);
        assert!(pace.take(&user(0), at(1)).is_err());
        // All others are full a minute later, and are forgotten together.
        pace.take(&user(MAX_ACTORS + 1), at(61)).unwrap();
        assert_eq!(pace.full_at.len(), 2);
        assert!(pace.take(&user(0), at(61)).is_ok() && pace.take(&user(0), at(61)).is_err());
    }

    #[test]
    fn a_plan_is_checked_once_in_thirty_seconds() {
        let (client, other): (PlanName, PlanName) = ("client".parse().unwrap(), "other".parse().unwrap());
        let mut pace = VerbPace::default();
        assert_eq!(pace.check(&client, at(0)), None);
        let told = pace.check(&client, at(12)).unwrap();
        assert!(told.contains("began 12s ago") && told.contains("ask again in 18s"), "{told}");
        assert_eq!(pace.check(&other, at(12)), None, "another plan");
        assert_eq!(pace.check(&client, at(30)), None, "it is over");
        assert_eq!(pace.check(&client, at(10)), None, "a clock that was set back");
        pace.uncheck(&client);
        assert_eq!(pace.check(&client, at(11)), None, "the one before was refused");
        assert_eq!(pace.check(&client, at(4_000)), None);
        assert_eq!(pace.checks.len(), 1, "what is long over is forgotten");
    }
}
