//! How it is now, in sentences, and what must not change while somebody reads them.
//!
//! **Invariant:** of a revision it tells the very one that waits now, whichever the address names; what is sent is
//! what the address names.

use std::fmt;

use crate::rollout::people::verbs::definition::RestsOn;
use crate::time::{Timestamp, short};
use crate::web::json::{RevisionWaitsJson, RingJson, RolloutJson, RolloutsAnswer};
use crate::web::lines::told_moves;
use crate::web::page::act::{Act, beginning};
use crate::web::page::approval::{VoteRow, ask, missing};
use crate::web::page::standing::{current_ring, headline, held};

/// The rollout that an act is about.
pub(super) fn rollout_of<'a>(act: &Act, answer: &'a RolloutsAnswer) -> Option<&'a RolloutJson> {
    let plan = act.command.plan()?;
    answer.rollouts.iter().find(|rollout| rollout.plan == *plan)
}

/// The ring that an act is about.
pub(super) fn ring_of<'a>(act: &Act, answer: &'a RolloutsAnswer) -> Option<&'a RingJson> {
    let ring = act.command.ring()?;
    rollout_of(act, answer)?.rings.iter().find(|one| one.name == *ring)
}

/// What must not change between confirmation and form, beside what the verb itself rests on.
pub(super) fn seen(act: &Act, answer: &RolloutsAnswer) -> String {
    match act.page.rests_on {
        RestsOn::Revision => {
            let waiting = act.command.plan().and_then(|plan| answer.revision_of(plan));
            text_of(waiting.map(|waiting| &waiting.digest))
        }
        RestsOn::Stop => text_of(answer.stopped.as_ref().map(|hold| hold.since)),
        RestsOn::Nothing => String::new(),
    }
}

fn text_of(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

/// How it is now.
pub(super) fn now(act: &Act, answer: &RolloutsAnswer) -> Vec<String> {
    let mut lines = Vec::new();
    match &answer.stopped {
        Some(hold) => lines.push(format!("All writes are stopped by {}", held(hold))),
        None if act.command.plan().is_none() => lines.push("Writes are allowed.".to_owned()),
        None => {}
    }
    let confirms = act.page.rests_on == RestsOn::Revision;
    if let Some(plan) = act.command.plan().filter(|_| confirms) {
        lines.extend(waits_now(answer.revision_of(plan)));
    }
    let Some(rollout) = rollout_of(act, answer) else { return lines };
    let current = current_ring(rollout);
    lines.push(format!("{}.", headline(rollout, current)));
    let ring = ring_of(act, answer);
    if let Some(gate) = act.command.arguments().gate {
        for gate in ring.into_iter().flat_map(|ring| &ring.gates).filter(|one| one.gate == gate) {
            let of = gate.environment.map(|environment| format!("/{environment}")).unwrap_or_default();
            let (value, threshold) = (&gate.value, &gate.threshold);
            lines.push(format!("{}{of} says {}: {value}. Threshold: {threshold}.", gate.gate, gate.verdict));
        }
    } else if act.word().is_some() {
        lines.extend(ring.into_iter().flat_map(|ring| approvals_now(ring, rollout.at)));
    } else {
        let is_told = |code: &str| {
            code == "stopped" || (confirms && matches!(code, "revision_waits" | "plan_unstable"))
        };
        let others = rollout.waiting_on.iter().filter(|blocker| !is_told(&blocker.code));
        lines.extend(others.map(|blocker| blocker.text.clone()));
    }
    lines
}

/// Who approved, who is missing, who rejected it, in sentences.
fn approvals_now(ring: &RingJson, at: Timestamp) -> Vec<String> {
    let Some(approval) = &ring.approval else { return vec!["Nobody is asked.".to_owned()] };
    let mut lines: Vec<String> = approval.asks.iter().map(|one| format!("{}.", ask(one))).collect();
    let moves = ring.moves.iter().map(|(environment, moves)| told_moves(*environment, moves));
    lines.extend(moves.map(|moves| format!("It moves {moves}.")));
    lines.extend(approval.words.iter().map(|word| {
        let VoteRow { by, said, at, note, .. } = VoteRow::of(approval, word, at);
        format!("{by} on {}: {said}. Note: {note}", at.text)
    }));
    lines.extend(missing(approval).map(|names| format!("Missing: {names}.")));
    lines.push(match approval.asked_at {
        Some(at) => format!("People are asked since {}.", short(at)),
        None => "Nobody is asked yet. An approval or a rejection that is given now counts all the same."
            .to_owned(),
    });
    lines.push("Who is a member is read again when you confirm.".to_owned());
    lines
}

/// What waits now, a sentence each.
fn waits_now(waiting: Option<&RevisionWaitsJson>) -> Vec<String> {
    let Some(waiting) = waiting else { return vec!["No revision waits.".to_owned()] };
    let since = short(waiting.since);
    let mut lines =
        vec![format!("Revision {} waits since {since}. {}", beginning(&waiting.digest), waiting.why)];
    lines.push(match &waiting.in_force {
        Some(digest) => format!("In force is revision {}.", beginning(digest)),
        None => "The plan is new: nothing of it is in force before.".to_owned(),
    });
    lines.extend(waiting.confirmed.iter().map(|hold| format!("Confirmed by {}", held(hold))));
    lines
}
