//! What people said on entering rings: the last word of each.
//!
//! **Invariant:** the words are kept by their own events, and not by what the gate says of them.

use crate::ids::{Email, PlanName, RingName, UserGroupName};
use crate::plan::model::PlanDigest;
use crate::rollout::record::{Event, Recorded};
use crate::time::Timestamp;

/// A person's word on entering a ring.
pub(crate) struct WordLine<'a> {
    pub(crate) plan: &'a PlanName,
    pub(crate) ring: &'a RingName,
    pub(crate) by: &'a Email,
    pub(crate) digest: &'a PlanDigest,
    pub(crate) groups: &'a [UserGroupName],
    /// `None`: a refusal.
    pub(crate) expires_at: Option<Timestamp>,
    pub(super) at: Timestamp,
}

/// Takes a word into the books; another revision, or another rollout, takes words out.
pub(super) fn take<'a>(words: &mut Vec<WordLine<'a>>, in_force: Option<&PlanDigest>, recorded: &'a Recorded) {
    let Some(id) = &recorded.entry.rollout else { return };
    let plan = &id.plan;
    let (ring, digest, groups, expires_at) = match &recorded.entry.event {
        Event::ApprovalGiven { ring, digest, groups, expires_at, set_aside, .. } => {
            let is_aside = |word: &WordLine<'_>| word.expires_at.is_none() && set_aside.contains(word.by);
            words.retain(|word| !(word.plan == plan && word.ring == ring && is_aside(word)));
            (ring, digest, groups, Some(*expires_at))
        }
        Event::ApprovalRefused { ring, digest, groups } => (ring, digest, groups, None),
        Event::PlanAccepted { .. } => return words.retain(|word| word.plan != plan),
        Event::RingRenamed { renamed } => {
            // An approval was for the ring that was read; a refusal stands.
            let is_of = |word: &WordLine<'_>| word.plan == plan && renamed.contains_key(word.ring);
            words.retain(|word| !is_of(word) || word.expires_at.is_none());
            for word in words.iter_mut().filter(|word| word.plan == plan) {
                word.ring = renamed.get(word.ring).unwrap_or(word.ring);
            }
            return;
        }
        Event::PlanRevised { revision, restricts_only, .. } => {
            if *restricts_only {
                // What was said of the revision before is said of this one.
                let own = words.iter_mut().filter(|word| word.plan == plan && Some(word.digest) == in_force);
                own.for_each(|word| word.digest = &revision.digest);
            }
            return words.retain(|word| word.plan != plan || *word.digest == revision.digest);
        }
        _ => return,
    };
    let Some(by) = recorded.entry.actor.email() else { return };
    words.retain(|word| !(word.plan == plan && word.ring == ring && word.by == by));
    words.push(WordLine { plan, ring, by, digest, groups, expires_at, at: recorded.at });
}

/// A plan goes on under another name: what was said of it stands, and so do the refusals of the rings of that name,
/// for the ring that each of them is now.
pub(super) fn rename<'a>(
    words: &mut Vec<WordLine<'a>>,
    (from, to): (&PlanName, &'a PlanName),
    digest: &'a PlanDigest,
    same: impl Fn(&RingName) -> Option<&'a RingName>,
) {
    let (untouched, mut kept): (Vec<_>, Vec<_>) =
        std::mem::take(words).into_iter().partition(|word| word.plan == to);
    kept.iter_mut().filter(|word| word.plan == from).for_each(|word| word.plan = to);
    for word in untouched.into_iter().filter(|word| word.expires_at.is_none()) {
        let Some(ring) = same(word.ring) else { continue };
        kept.retain(|known| !(known.plan == to && known.ring == ring && known.by == word.by));
        kept.push(WordLine { ring, digest, ..word });
    }
    *words = kept;
}
