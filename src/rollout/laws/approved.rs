//! What people said: is each entry that a plan asks people for borne out by the log?
//!
//! **Invariant:** the words are counted anew from their own events, and not taken from what the gate
//! says of them.

use std::collections::BTreeMap;

use super::ledger::{Ledger, PlanLine};
use super::{Audit, Law};
use crate::ids::{Email, PlanName, RingName, UserGroupName};
use crate::plan::model::{PlanDigest, RingPlan};
use crate::rollout::event::{Event, Recorded};
use crate::rollout::verdict::{Evidence, Gate, Judgement};
use crate::time::Timestamp;

/// A person's word on entering a ring.
pub(super) struct WordLine<'a> {
    plan: &'a PlanName,
    ring: &'a RingName,
    by: &'a Email,
    digest: &'a PlanDigest,
    groups: &'a [UserGroupName],
    /// `None`: a refusal.
    expires_at: Option<Timestamp>,
    at: Timestamp,
}

/// Approvals of a clock that was ahead are void; a refusal stands.
pub(super) fn begin_era(words: &mut Vec<WordLine<'_>>, now: Timestamp) {
    words.retain(|word| word.expires_at.is_none() || word.at <= now);
}

/// Takes a word into the books; another revision, or another rollout, takes words out.
pub(super) fn take<'a>(words: &mut Vec<WordLine<'a>>, in_force: Option<&PlanDigest>, recorded: &'a Recorded) {
    let Some(id) = &recorded.entry.rollout else { return };
    let plan = &id.plan;
    let (ring, digest, groups, expires_at) = match &recorded.entry.event {
        Event::ApprovalGiven { ring, digest, groups, expires_at, .. } => {
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

/// A word that is spoken.
pub(super) fn spoken(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let (law, seq) = (Law::Approved, recorded.seq);
    let Some(line) = ledger.line(recorded) else { return };
    let (ring, digest, groups) = match &recorded.entry.event {
        Event::ApprovalGiven { ring, digest, groups, .. }
        | Event::ApprovalRefused { ring, digest, groups } => (ring, digest, groups),
        _ => return,
    };
    let own = line.plan.author.as_ref().is_some_and(|author| recorded.entry.actor.email() == Some(author));
    audit.require(!own, law, seq, || "the plan's author speaks on it".to_owned());
    audit.require(*digest == line.revision.digest, law, seq, || {
        "the word is for another revision than the rollout's".to_owned()
    });
    audit.require(!groups.is_empty(), law, seq, || "the word is in the name of no group".to_owned());
    audit.require(line.ring(ring).is_some_and(|ring| !ring.is_entered()), law, seq, || {
        format!("{ring} is entered, or not there")
    });
    if let Event::ApprovalGiven { targets, expires_at, .. } = &recorded.entry.event {
        let same = line.ring_plan(ring).is_some_and(|plan| plan.targets == *targets);
        audit.require(same, law, seq, || format!("{ring} has other versions than were approved"));
        audit.require(*expires_at > recorded.at, law, seq, || {
            "the approval had expired when given".to_owned()
        });
    }
}

/// A ring is entered: the plan's own ask is met, and so is each that the gate tells of.
pub(super) fn entered(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    plan: &RingPlan,
    judgements: &[Judgement],
) {
    let (law, seq) = (Law::Approved, recorded.seq);
    let told: Vec<_> = judgements
        .iter()
        .filter(|word| word.gate == Gate::Approval)
        .filter_map(|word| match &word.evidence {
            Evidence::Approval(approved) => Some(approved),
            _ => None,
        })
        .flat_map(|approved| &approved.tallies)
        .collect();
    let name = recorded.entry.rollout.as_ref().map(|id| &id.plan);
    let words = ledger.words.iter().filter(|word| Some(word.plan) == name && *word.ring == plan.name);
    let words: Vec<&WordLine<'_>> = words.filter(|word| *word.digest == line.revision.digest).collect();
    let mut asks: BTreeMap<&UserGroupName, usize> = BTreeMap::new();
    let of_plan = plan.approval.iter().map(|rule| (&rule.user_group, rule.count));
    for (group, count) in of_plan.chain(told.iter().map(|tally| (&tally.ask.user_group, tally.ask.count))) {
        let most = asks.entry(group).or_default();
        *most = (*most).max(usize::from(count.get()));
    }
    if asks.is_empty() {
        return;
    }
    audit.require(!told.is_empty(), law, seq, || {
        format!("{} asks people, and no gate says that they approved", plan.name)
    });
    let refusal = words.iter().find(|word| word.expires_at.is_none());
    if let Some(WordLine { by, .. }) = refusal {
        audit.breach(law, seq, format!("{} is entered, and {by} refused it", plan.name));
    }
    let author = line.plan.author.as_ref();
    for (group, count) in asks {
        let given = words.iter().filter(|word| {
            let counts = word.expires_at.is_some_and(|until| recorded.at < until);
            counts && author != Some(word.by) && word.groups.contains(group)
        });
        let given = given.count();
        audit.require(given >= count, law, seq, || {
            format!("{} is entered with {given} approvals of `{group}`, and {count} are asked", plan.name)
        });
    }
}
