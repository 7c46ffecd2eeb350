//! Step: asks people once all but the clock is ready.
//!
//! **Invariant:** once for each revision, and again when an approval has run out.

use crate::plan::model::PlanDigest;
use crate::rollout::decide::context::Context;
use crate::rollout::judge::approval::ask_from;
use crate::rollout::record::{Entry, Event, Evidence, Gate, Judgement, Verdict, Waiting};
use crate::rollout::state::{Approval, RingState, Validity, Votes};
use crate::time::Timestamp;

/// Whether an approval of this revision has run out since people were asked.
fn has_run_out(words: &Votes, digest: &PlanDigest, asked: Timestamp, now: Timestamp) -> bool {
    let stands = |word: &&Approval| word.standing == Validity::Stands && word.digest == *digest;
    words.approvals.values().filter(stands).any(|word| asked < word.expires_at && word.expires_at <= now)
}

/// Asks people once all but the clock is ready, once for each revision, and again when an approval has
/// run out.
pub(crate) fn ask(context: &Context<'_>) -> Vec<Entry> {
    let Some((ring, plan)) = context.current().filter(|_| !context.is_held()) else { return Vec::new() };
    let digest = &context.rollout.revision.digest;
    let asked = ring.words.asked.as_ref().filter(|(_, of)| of == digest).map(|(at, _)| *at);
    let asked = asked.filter(|asked| !has_run_out(&ring.words, digest, *asked, context.now));
    if asked.is_some() || !matches!(ring.stage, RingState::Entering(_)) {
        return Vec::new();
    }
    if ask_from(plan, context.now).is_none_or(|from| context.now < from) {
        return Vec::new();
    }
    let judgements = context.judged(ring);
    let by_the_clock = |word: &&Judgement| word.gate.is_of_schedule();
    let (asking, others): (Vec<&Judgement>, Vec<&Judgement>) =
        judgements.iter().filter(|word| !by_the_clock(word)).partition(|word| word.gate == Gate::Approval);
    let missing = |word: &&&Judgement| word.verdict == Verdict::Wait(Waiting::ApprovalMissing);
    let Some(word) = asking.iter().find(missing) else { return Vec::new() };
    let Evidence::Approval(approved) = &word.evidence else { return Vec::new() };
    if !others.iter().all(|word| word.verdict.advances()) || context.ailing().next().is_some() {
        return Vec::new();
    }
    let asks = approved.tallies.iter().map(|tally| tally.ask.clone()).collect();
    let reason = format!("everything but the clock is ready, and {} are asked", approved.threshold());
    context.entry(reason, Event::ApprovalAsked { ring: ring.name.clone(), digest: digest.clone(), asks })
}
