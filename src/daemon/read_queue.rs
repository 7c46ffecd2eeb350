//! Which wanted reads are due: one at a time each, and later after failures.
//!
//! **Invariant:** a read that fails is tried again ever later, up to half an hour, and its trouble
//! is shown until it succeeds.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloudflare::ApiError;
use crate::rollout::world::{Read, Trouble, Want};
use crate::time::{SignedDuration, Timestamp, after};

/// The wait after a first failure; it doubles with each further one.
const FIRST_RETRY: SignedDuration = SignedDuration::from_secs(30);
/// The longest wait.
const LAST_RETRY: SignedDuration = SignedDuration::from_mins(30);

/// Reads under way and reads that fail.
#[derive(Debug, Default)]
pub(super) struct ReadQueue {
    under_way: BTreeSet<Read>,
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
    /// The reads to start now; they count as under way from here on.
    pub(super) fn start_due(&mut self, wants: &[Want], now: Timestamp) -> Vec<Read> {
        let due: BTreeSet<Read> = wants
            .iter()
            .filter(|want| !self.under_way.contains(&want.read) && self.at(want) <= now)
            .map(|want| want.read.clone())
            .collect();
        self.under_way.extend(due.iter().cloned());
        due.into_iter().collect()
    }

    /// A person asks for these reads now: those that are wanted later, or that wait after a failure.
    /// Where sweeps of the devices work, the one of those sighted lately brings the same news as a
    /// full one, for a fraction of the requests.
    pub(super) fn hurry(&mut self, wants: &mut [Want], now: Timestamp) {
        let lately = wants.iter().any(|want| want.read == Read::IncrementalSweep);
        for want in wants.iter_mut() {
            let failing = self.failing.get_mut(&want.read);
            if want.read == Read::FullSweep && lately && failing.is_none() {
                continue;
            }
            want.at = want.at.min(now);
            if let Some(failing) = failing {
                failing.not_before = failing.come_back_at.unwrap_or(now);
            }
        }
    }

    /// What became of reads that a person asked for, in words.
    pub(super) fn told(&self, wants: &[Want], now: Timestamp) -> String {
        let words = |reads: BTreeSet<&'static str>| reads.into_iter().collect::<Vec<_>>().join(", ");
        let of =
            |is: &dyn Fn(&&Want) -> bool| wants.iter().filter(is).map(|want| want.read.as_str()).collect();
        let under_way: BTreeSet<_> = of(&|want| self.under_way.contains(&want.read));
        let told_to_wait: BTreeSet<_> = of(&|want| {
            let failing = self.failing.get(&want.read);
            !self.under_way.contains(&want.read) && failing.is_some_and(|failing| failing.not_before > now)
        });
        let mut said = Vec::new();
        if !under_way.is_empty() {
            said.push(format!("reading now: {}", words(under_way)));
        }
        if !told_to_wait.is_empty() {
            said.push(format!("not read before Cloudflare's time for it has come: {}", words(told_to_wait)));
        }
        if said.is_empty() {
            return "the plan files were looked at; nothing else is to be read".to_owned();
        }
        format!("the plan files were looked at; {}", said.join("; "))
    }

    /// When the next of them is due, of those that are not under way.
    pub(super) fn next(&self, wants: &[Want]) -> Option<Timestamp> {
        wants.iter().filter(|want| !self.under_way.contains(&want.read)).map(|want| self.at(want)).min()
    }

    fn at(&self, want: &Want) -> Timestamp {
        self.failing.get(&want.read).map_or(want.at, |failing| want.at.max(failing.not_before))
    }

    /// The clock went back, by a person's word: what failed may be tried again at once.
    pub(super) fn begin_era(&mut self) {
        self.failing.clear();
    }

    /// A read succeeded.
    pub(super) fn succeeded(&mut self, read: &Read, troubles: &mut BTreeMap<Read, Trouble>) {
        self.under_way.remove(read);
        self.failing.remove(read);
        troubles.remove(read);
    }

    /// Forgets the troubles of reads that nobody wants any more.
    pub(super) fn forget_unwanted(&mut self, wants: &[Want], troubles: &mut BTreeMap<Read, Trouble>) {
        let wanted = |read: &Read| wants.iter().any(|want| want.read == *read);
        let under_way = &self.under_way;
        self.failing.retain(|read, _| wanted(read) || under_way.contains(read));
        troubles.retain(|read, _| wanted(read) || under_way.contains(read));
    }

    /// A read failed.
    pub(super) fn failed(
        &mut self,
        read: Read,
        error: &ApiError,
        now: Timestamp,
        troubles: &mut BTreeMap<Read, Trouble>,
    ) {
        self.under_way.remove(&read);
        let times = self.failing.get(&read).map_or(0, |failing| failing.times) + 1;
        let wait =
            FIRST_RETRY.checked_mul(2_i32.pow((times - 1).min(6))).unwrap_or(LAST_RETRY).min(LAST_RETRY);
        let come_back_at = error.come_back_at();
        let not_before = after(now, wait).max(come_back_at.unwrap_or(now));
        self.failing.insert(read.clone(), FailingRead { times, not_before, come_back_at });
        let trouble = troubles.entry(read).or_insert_with(|| Trouble { since: now, message: String::new() });
        trouble.message = error.to_string();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::{ErrorClass, Operation, Silence};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_failing_read_is_tried_ever_later_and_one_at_a_time() {
        let mut reading = ReadQueue::default();
        let mut troubles = BTreeMap::new();
        let wants = [Want { read: Read::Groups, at: at(0) }];
        let error = ApiError {
            operation: Operation::ListGroups,
            class: ErrorClass::NoAnswer {
                silence: Silence::Timeout,
                status: None,
                detail: "slow".to_owned(),
            },
            ray: None,
            budget_left: 9,
        };
        let mut now = 0;
        for wait in [30, 60, 120, 240, 480, 960, 1800, 1800] {
            assert_eq!(reading.start_due(&wants, at(now)), [Read::Groups]);
            assert!(reading.start_due(&wants, at(now)).is_empty(), "it is under way");
            reading.failed(Read::Groups, &error, at(now), &mut troubles);
            assert_eq!(reading.next(&wants), Some(at(now + wait)));
            assert!(reading.start_due(&wants, at(now + wait - 1)).is_empty());
            now += wait;
        }
        assert_eq!(troubles[&Read::Groups].since, at(0));
        reading.forget_unwanted(&wants, &mut troubles);
        assert_eq!(troubles.len(), 1, "it is still wanted");
        reading.start_due(&wants, at(now));
        reading.succeeded(&Read::Groups, &mut troubles);
        assert!(troubles.is_empty());
        assert_eq!(reading.next(&wants), Some(at(0)));
        reading.start_due(&wants, at(now));
        reading.failed(Read::Groups, &error, at(now), &mut troubles);
        reading.forget_unwanted(&[], &mut troubles);
        assert!(troubles.is_empty(), "nobody waits for it");
    }
}
