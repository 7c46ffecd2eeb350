//! A person's word on the clock: who may give it, on what grounds, and what becomes of what was dated by a
//! clock that was ahead.
//!
//! **Invariant:** time goes back by such a word alone, with answers of Cloudflare that bear it out.

use super::ledger::{Ledger, Place};
use super::{Audit, Law, approved};
use crate::rollout::event::{Event, Recorded};
use crate::time::{SignedDuration, Timestamp, since};

/// So many answers, none older and none further off.
const ANSWERS: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_mins(10);
const APART: i64 = 2 * 60 * 1_000;

pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Event::ClockConfirmed { was, now, answers } = &recorded.entry.event else { return };
    let (law, seq) = (Law::Grounded, recorded.seq);
    let goes_back = now < was && *now == recorded.at && ledger.last_at.is_none_or(|last| last <= *was);
    audit.require(goes_back, law, seq, || {
        format!("a clock at {now} that was at {was} was not behind the log")
    });
    let sound = answers.iter().filter(|answer| {
        let age = since(answer.at, *now);
        !age.is_negative() && age <= WITHIN && answer.ahead_ms.abs() <= APART
    });
    let sound = sound.count();
    audit.require(sound >= ANSWERS, law, seq, || {
        format!("the clock was confirmed on {sound} answers of Cloudflare that agree; {ANSWERS} are needed")
    });
}

impl Ledger<'_> {
    /// What began later than `now` begins then, and what people allowed later is void.
    pub(super) fn begin_era(&mut self, now: Timestamp) {
        let clamp = |at: &mut Timestamp| *at = now.min(*at);
        self.watched_from.iter_mut().for_each(clamp);
        self.soaks.retain(|soak| soak.verified_at <= now);
        self.applied.iter_mut().for_each(|(at, _)| clamp(at));
        approved::begin_era(&mut self.words, now);
        if let Some(open) = &mut self.open {
            open.doubted_at.iter_mut().for_each(clamp);
            open.read = None;
        }
        for waiting in self.waiting.values_mut() {
            clamp(&mut waiting.since);
            waiting.confirmed_at.take_if(|at| *at > now);
        }
        for plan in self.plans.values_mut() {
            plan.withdrawn_at.iter_mut().for_each(clamp);
            for (from, until) in &mut plan.still {
                clamp(from);
                until.iter_mut().for_each(clamp);
            }
            for ring in &mut plan.rings {
                ring.unread.clear();
                ring.restoring.unread.clear();
                ring.deadline_from.iter_mut().for_each(clamp);
                ring.back_since.iter_mut().for_each(clamp);
                ring.adopted_at.iter_mut().filter(|_| ring.place == Place::Soaking).for_each(clamp);
                ring.waived.retain(|_, at| *at <= now);
                ring.unknown.values_mut().for_each(|(_, begun)| clamp(begun));
                ring.accepted.values_mut().flat_map(|devices| devices.values_mut()).for_each(clamp);
            }
        }
    }
}
