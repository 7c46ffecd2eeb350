//! Why a rollout does not move, and what else its reader has to know, as the templates print it.
//!
//! **Invariant:** every thing in the way is told once on a page, with the command or the action that helps.

use crate::time::short;
use crate::web::json::{BlockerJson, NewerTargetJson, RolloutJson, SupersededJson};
use crate::web::lines::{told_drifts, told_rollback};
use crate::web::page::action::{self, Action};
use crate::web::page::gauge::{Accused, Gauge, accused, gauges};
use crate::web::page::html::sentence_case;
use crate::web::page::standing::held;
use crate::web::page::tone::Tone;
use crate::web::page::viewer::Viewer;

/// One reason why it does not move.
#[derive(Default)]
pub(super) struct BlockerCard {
    pub(super) tone: Tone,
    pub(super) headline: String,
    pub(super) detail: String,
    /// Value seen, value asked for, since when, when it is looked at again: what it has of them.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) remedy: Option<String>,
    /// The command at the end of the remedy.
    pub(super) command: Option<String>,
    /// What does the same here.
    pub(super) action: Option<Action>,
    /// Of a halt by a health gate: what it had measured, and for whom it failed.
    pub(super) gauges: Vec<Gauge>,
    pub(super) accused: Option<Accused>,
}

/// All that is in the way of a rollout, or stands there all the same.
pub(super) fn blockers(rollout: &RolloutJson, viewer: &Viewer) -> Vec<BlockerCard> {
    // Above all plans stands that writes are stopped.
    let is_above = |code: &str| code == "stopped" && viewer.view.stop.is_some();
    let to_say = rollout.waiting_on.iter().filter(|blocker| !is_above(&blocker.code));
    let mut all: Vec<_> = to_say.map(|blocker| BlockerCard::of(blocker, rollout, viewer)).collect();
    // A rollout that is over is held by nothing, but its holds would meet the next one.
    let is_said = |code: &str| rollout.waiting_on.iter().any(|blocker| blocker.code == code);
    if let (false, Some(hold)) = (is_said("paused"), &rollout.paused) {
        all.push(BlockerCard::plain(Tone::Wait, format!("Paused by {}", held(hold))));
    }
    if let (false, Some(halt)) = (is_said("halted"), &rollout.halted) {
        let headline = format!("Halted since {}: {}", short(halt.since), halt.text);
        all.push(BlockerCard::plain(Tone::Bad, headline));
    }
    all.extend(rollout.superseded_offers.iter().map(BlockerCard::superseded));
    all.extend(rollout.newer_target.as_ref().map(BlockerCard::newer));
    let drifts = told_drifts(rollout).into_iter();
    let drifts = drifts.map(|(standing, text)| format!("Drift, {standing}: {text}"));
    let told = told_rollback(rollout).into_iter().chain(drifts);
    all.extend(told.map(|text| BlockerCard::plain(Tone::Idle, text)));
    all
}

impl BlockerCard {
    fn of(blocker: &BlockerJson, rollout: &RolloutJson, viewer: &Viewer) -> Self {
        let facts = [
            ("seen", blocker.seen.clone()),
            ("threshold", blocker.asked.clone()),
            ("since", blocker.since.map(short)),
            ("next evaluation", blocker.next_look.map(short)),
            ("ends", blocker.until.map(short)),
        ];
        let waits = matches!(blocker.code.as_str(), "revision_waits" | "plan_unstable");
        // The halt itself shows what the gate had measured when it halted.
        let halt = rollout.halted.as_ref().filter(|_| blocker.code == "halted");
        Self {
            detail: blocker.detail.clone(),
            facts: facts.into_iter().filter_map(|(label, value)| Some((label, value?))).collect(),
            remedy: Some(without(&blocker.remedy, blocker.command.as_deref()))
                .filter(|_| blocker.code != "moving"),
            command: blocker.command.clone(),
            action: action::confirm(&rollout.plan, viewer).filter(|_| waits),
            gauges: halt.and_then(|halt| halt.gate.as_ref()).map(gauges).unwrap_or_default(),
            accused: halt.and_then(|halt| accused(rollout, halt)),
            ..Self::plain(Tone::of_blocker(&blocker.code), sentence_case(&blocker.headline))
        }
    }

    /// A newer target that waits is in nobody's way, and its reader wants to know the same.
    fn newer(newer: &NewerTargetJson) -> Self {
        Self {
            detail: newer.detail.clone(),
            facts: vec![("since", short(newer.since))],
            remedy: Some(without(&newer.remedy, newer.command.as_deref())),
            command: newer.command.clone(),
            ..Self::plain(Tone::Idle, sentence_case(&newer.headline))
        }
    }

    /// What an earlier rollout left on offer holds nothing up by itself.
    fn superseded(offer: &SupersededJson) -> Self {
        let (tone, detail) = match offer.needs_you {
            true => (Tone::Wait, "Needs you: the rollout is not held up by it."),
            false => (Tone::Idle, ""),
        };
        Self {
            detail: detail.to_owned(),
            facts: vec![("since", short(offer.since))],
            remedy: Some(without(&offer.remedy, Some(&offer.command))),
            command: Some(offer.command.clone()),
            ..Self::plain(tone, format!("Ring {}: {}", offer.ring, offer.headline))
        }
    }

    /// What is told in one sentence.
    fn plain(tone: Tone, headline: String) -> Self {
        Self { tone, headline, ..Self::default() }
    }
}

/// A remedy without the command, which stands behind it, to be copied.
fn without(remedy: &str, command: Option<&str>) -> String {
    let words = command.and_then(|command| remedy.strip_suffix(command)).unwrap_or(remedy);
    words.trim_end().to_owned()
}
