//! What an act does, in sentences.
//!
//! **Invariant:** what would be refused promises nothing: its confirmation says why, and what would work.

use crate::rollout::people::hearing::Hearing;
use crate::rollout::people::verbs::definition::Promise;
use crate::rollout::people::verbs::effect::Effect;
use crate::text::joined;
use crate::time::short;
use crate::web::json::{DarkJson, GateJson, RevisionWaitsJson, RingJson, RolloutJson, RolloutsAnswer};
use crate::web::lines::{told_approvals, told_moves_of};
use crate::web::page::act::{Act, beginning};
use crate::web::page::approval::versions;
use crate::web::page::cell::{hearing, refusal};
use crate::web::page::html::sentence_case;
use crate::web::page::situation::{ring_of, rollout_of};
use crate::web::page::viewer::Viewer;

/// What it will do.
pub(super) fn effects(act: &Act, answer: &RolloutsAnswer, viewer: &Viewer) -> Vec<String> {
    if let Some((refused, about)) = refusal(act, viewer) {
        return vec![format!("Nothing: asking for it will be refused, because {}.", refused.told(&about))];
    }
    let (rollout, ring) = (rollout_of(act, answer), ring_of(act, answer));
    let waiting = act.command.plan().and_then(|plan| answer.revision_of(plan));
    match act.page.promise {
        Promise::Said(lines) => lines.iter().map(|line| act.about().fill(line)).collect(),
        Promise::Resumed => resumed(rollout),
        Promise::Approved => {
            let approves = ring.map(|ring| approves(ring, hearing(act, viewer)));
            approves.into_iter().flatten().chain(waiting.map(voids_approvals)).collect()
        }
        Promise::Rejected => ring.map(refuses).unwrap_or_default(),
        Promise::Revision => waiting.map(|waiting| confirms(waiting, rollout)).unwrap_or_default(),
        Promise::Started => started(answer),
    }
}

fn started(answer: &RolloutsAnswer) -> Vec<String> {
    let held = |one: &&RolloutJson| one.paused.is_some() || one.halted.is_some();
    let running = answer.rollouts.iter().filter(|one| one.phase == "running");
    let (held, free): (Vec<_>, Vec<_>) = running.partition(held);
    let names = |of: &[&RolloutJson]| joined(of.iter().map(|one| &one.plan), ", ");
    let mut lines = vec!["Writes at Cloudflare are allowed again.".to_owned()];
    if !free.is_empty() {
        lines.push(format!("These go on at once: {}.", names(&free)));
    }
    if !held.is_empty() {
        lines.push(format!("These stay paused or halted: {}.", names(&held)));
    }
    lines
}

fn resumed(rollout: Option<&RolloutJson>) -> Vec<String> {
    let mut lines = Vec::new();
    if rollout.is_some_and(|rollout| rollout.paused.is_some()) {
        lines.push("The pause is lifted.".to_owned());
    }
    if let Some((rollout, halt)) = rollout.and_then(|rollout| Some((rollout, rollout.halted.as_ref()?))) {
        lines.push(
            "The halt is lifted, and its cause counts as seen by you; only something new halts it again."
                .to_owned(),
        );
        if halt.cause == "drift" {
            lines.push(
                "The group stays as it is now, and nothing is set back. While it does not offer its ring the new version, that ring is not verified, and none of its devices counts as acknowledged for standing still."
                    .to_owned(),
            );
        }
        lines.extend(accepted(rollout));
    }
    lines.push("ringward goes on by itself as soon as the gates allow it.".to_owned());
    lines
}

/// The devices that lifting a halt takes out of the health gates' counts, for each gate that finds some.
fn accepted(rollout: &RolloutJson) -> impl Iterator<Item = String> {
    let of_ring = |ring: &RingJson, gate: &GateJson| {
        let devices = gate.environment.map_or("devices".to_owned(), |on| format!("{on} devices"));
        let found = match (&gate.stalled, &gate.dark) {
            // Who is told to run something else does not stand still.
            (Some(_), _) if gate.reason.as_deref() == Some("not_offered") => return None,
            (Some(seen), _) if seen.stalled > 0 => format!("{} stalled {devices}", seen.stalled),
            (_, Some(seen)) if silent(seen) > 0 => format!("up to {} silent {devices}", silent(seen)),
            _ => return None,
        };
        let name = &ring.name;
        Some(format!("It acknowledges {found} of ring {name}; from then on only others count for that gate."))
    };
    rollout.rings.iter().flat_map(move |ring| ring.gates.iter().filter_map(move |gate| of_ring(ring, gate)))
}

/// The silent devices of the looks; one can be in both. Of a look that finds most silent nobody is
/// accepted: they come back.
fn silent(seen: &DarkJson) -> usize {
    let told = seen.looks.iter().filter(|look| look.ring.silent * 2 <= look.ring.of);
    told.map(|look| look.ring.silent).sum()
}

/// What an approval does, in sentences.
fn approves(ring: &RingJson, hearing: Option<&Hearing>) -> Vec<String> {
    let until = hearing.map(|hearing| {
        format!(
            "It counts until {}, unless you reject it, leave the group, or the plan’s values change.",
            short(hearing.expires_at)
        )
    });
    let (name, versions) = (&ring.name, versions(ring));
    let may = format!("As far as you are asked, ring {name} may be entered with {versions}.");
    let more = [
        "Its openings, its freezes and all other gates still count.",
        "One rejection outweighs any number of approvals, until whoever gave it approves.",
    ];
    [may].into_iter().chain(until).chain(more.map(str::to_owned)).collect()
}

/// What a rejection does, in sentences.
fn refuses(ring: &RingJson) -> Vec<String> {
    let not = format!("Ring {} is not entered with {}, whoever approves it.", ring.name, versions(ring));
    let more = [
        "One rejection outweighs any number of approvals. Yours stands until you approve, or the plan’s values change.",
        "Nothing that is on offer already is taken back.",
    ];
    [not].into_iter().chain(more.map(str::to_owned)).collect()
}

/// What confirming it does, a sentence each.
fn confirms(waiting: &RevisionWaitsJson, rollout: Option<&RolloutJson>) -> Vec<String> {
    let mut lines = vec![format!("{}.", sentence_case(Effect::Confirm.words()))];
    lines.extend(waiting.changes.iter().map(|change| format!("It changes {change}.")));
    lines.extend(told_moves_of(waiting).into_iter().map(|line| format!("It moves {line}.")));
    let approvals = rollout.map(told_approvals).unwrap_or_default().into_iter();
    let void = |line| format!("Approvals of the revision in force are void with another one: {line}.");
    lines.extend(approvals.map(void));
    lines
}

/// What a revision that waits means for whoever approves a ring of the one in force.
fn voids_approvals(waiting: &RevisionWaitsJson) -> String {
    format!(
        "Revision {} of the plan waits: once it takes effect, this approval is void.",
        beginning(&waiting.digest)
    )
}
