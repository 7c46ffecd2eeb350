//! Which wanted reads are due: one at a time each, and later after failures.
//!
//! **Invariant:** a read that fails is tried again ever later, up to half an hour, and its trouble
//! is shown until it succeeds.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::orders::ReadFailed;
use crate::rollout::world::{Read, Trouble, Want};
use crate::time::{SignedDuration, Timestamp, after};

/// The wait after a first failure; it doubles with each further one.
const FIRST_RETRY: SignedDuration = SignedDuration::from_secs(30);
/// The longest wait.
const LAST_RETRY: SignedDuration = SignedDuration::from_mins(30);

/// Reads that are wanted, under way or failing.
#[derive(Debug, Clone, Default)]
pub struct ReadQueue {
    wanted: BTreeMap<Read, Timestamp>,
    /// Each with the instant at which it was ordered.
    under_way: BTreeMap<Read, Timestamp>,
    failing: BTreeMap<Read, FailingRead>,
}

#[derive(Debug, Clone, Copy)]
struct FailingRead {
    times: u32,
    not_before: Timestamp,
    /// What Cloudflare asked for: it holds for a person too.
    come_back_at: Option<Timestamp>,
}

impl ReadQueue {
    /// From now on these are wanted; the troubles of reads that nobody wants any more are forgotten.
    pub(super) fn want<'a>(
        &mut self,
        wants: impl Iterator<Item = &'a Want>,
        troubles: &mut BTreeMap<Read, Trouble>,
    ) {
        self.wanted.clear();
        for Want { read, at } in wants {
            let known = self.wanted.entry(read.clone()).or_insert(*at);
            *known = (*known).min(*at);
        }
        let (wanted, under_way) = (&self.wanted, &self.under_way);
        let concerns = |read: &Read| wanted.contains_key(read) || under_way.contains_key(read);
        self.failing.retain(|read, _| concerns(read));
        troubles.retain(|read, _| concerns(read));
    }

    /// The reads to start now; they count as under way from here on.
    pub(super) fn start_due(
        &mut self,
        now: Timestamp,
        due: impl Fn(&Read, Timestamp) -> Timestamp,
    ) -> Vec<Read> {
        let wanted = self.wanted.iter().filter(|(read, _)| !self.under_way.contains_key(read));
        let started = wanted.filter(|(read, at)| self.not_before(read, due(read, **at)) <= now);
        let started: Vec<Read> = started.map(|(read, _)| read.clone()).collect();
        self.under_way.extend(started.iter().map(|read| (read.clone(), now)));
        started
    }

    /// A person asks for these reads now: those that are wanted later, or that wait after a failure.
    /// Where sweeps of the devices work, the one of those seen lately brings the same news as a
    /// full one, for a fraction of the requests.
    pub fn hurry(&mut self, reads: &BTreeSet<Read>, now: Timestamp) {
        for read in reads {
            let failing = self.failing.get_mut(read);
            if *read == Read::FullSweep && reads.contains(&Read::IncrementalSweep) && failing.is_none() {
                continue;
            }
            let at = self.wanted.entry(read.clone()).or_insert(now);
            *at = now.min(*at);
            if let Some(failing) = failing {
                failing.not_before = failing.come_back_at.unwrap_or(now);
            }
        }
    }

    /// What became of reads that a person asked for, in words.
    pub fn told(&self, reads: &BTreeSet<Read>, now: Timestamp) -> String {
        let words = |reads: BTreeSet<&'static str>| reads.into_iter().collect::<Vec<_>>().join(", ");
        let of = |is: &dyn Fn(&&Read) -> bool| reads.iter().filter(is).map(Read::as_str).collect();
        let under_way: BTreeSet<_> = of(&|read| self.under_way.contains_key(*read));
        let told_to_wait: BTreeSet<_> = of(&|read| {
            let failing = self.failing.get(*read);
            !self.under_way.contains_key(*read) && failing.is_some_and(|failing| failing.not_before > now)
        });
        let mut said = Vec::new();
        if !under_way.is_empty() {
            said.push(format!("reading now: {}", words(under_way)));
        }
        if !told_to_wait.is_empty() {
            said.push(format!("not read before Cloudflare's time for it has come: {}", words(told_to_wait)));
        }
        if said.is_empty() {
            return "the plan files were read; nothing else is to be read".to_owned();
        }
        format!("the plan files were read; {}", said.join("; "))
    }

    /// When the oldest was ordered whose answer is awaited.
    pub(super) fn oldest_under_way(&self) -> Option<Timestamp> {
        self.under_way.values().min().copied()
    }

    /// When the next of them is due, of those that are not under way.
    pub fn next(&self) -> Option<Timestamp> {
        let waiting = self.wanted.iter().filter(|(read, _)| !self.under_way.contains_key(read));
        waiting.map(|(read, at)| self.not_before(read, *at)).min()
    }

    fn not_before(&self, read: &Read, at: Timestamp) -> Timestamp {
        self.failing.get(read).map_or(at, |failing| at.max(failing.not_before))
    }

    /// The clock went back, by a person's word: what failed may be tried again at once.
    pub fn begin_era(&mut self) {
        self.failing.clear();
    }

    /// A read succeeded.
    pub(super) fn succeeded(&mut self, read: &Read, troubles: &mut BTreeMap<Read, Trouble>) {
        self.under_way.remove(read);
        self.failing.remove(read);
        troubles.remove(read);
    }

    /// A read failed.
    pub(super) fn failed(
        &mut self,
        read: Read,
        ReadFailed { message, come_back_at }: ReadFailed,
        now: Timestamp,
        troubles: &mut BTreeMap<Read, Trouble>,
    ) {
        self.under_way.remove(&read);
        let times = self.failing.get(&read).map_or(0, |failing| failing.times) + 1;
        let wait =
            FIRST_RETRY.checked_mul(2_i32.pow((times - 1).min(6))).unwrap_or(LAST_RETRY).min(LAST_RETRY);
        let not_before = after(now, wait).max(come_back_at.unwrap_or(now));
        self.failing.insert(read.clone(), FailingRead { times, not_before, come_back_at });
        let trouble = troubles.entry(read).or_insert_with(|| Trouble { since: now, message: String::new() });
        trouble.message = message;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_failing_read_is_tried_ever_later_and_one_at_a_time() {
        let mut reading = ReadQueue::default();
        let mut troubles = BTreeMap::new();
        let wants = [Want { read: Read::Groups, at: at(0) }];
        let failed = || ReadFailed { message: "slow".to_owned(), come_back_at: None };
        let start_due = |reading: &mut ReadQueue, now: i64| reading.start_due(at(now), |_, at| at);
        reading.want(wants.iter(), &mut troubles);
        let mut now = 0;
        for wait in [30, 60, 120, 240, 480, 960, 1800, 1800] {
            assert_eq!(start_due(&mut reading, now), [Read::Groups]);
            assert!(start_due(&mut reading, now).is_empty(), "it is under way");
            reading.failed(Read::Groups, failed(), at(now), &mut troubles);
            assert_eq!(reading.next(), Some(at(now + wait)));
            assert!(start_due(&mut reading, now + wait - 1).is_empty());
            now += wait;
        }
        assert_eq!(troubles[&Read::Groups].since, at(0));
        reading.want(wants.iter(), &mut troubles);
        assert_eq!(troubles.len(), 1, "it is still wanted");
        start_due(&mut reading, now);
        reading.succeeded(&Read::Groups, &mut troubles);
        assert!(troubles.is_empty());
        assert_eq!(reading.next(), Some(at(0)));
        start_due(&mut reading, now);
        reading.failed(Read::Groups, failed(), at(now), &mut troubles);
        reading.want([].iter(), &mut troubles);
        assert!(troubles.is_empty(), "nobody waits for it");
    }
}
