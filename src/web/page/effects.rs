//! What an act does, in sentences.
//!
//! **Invariant:** what would be refused promises nothing: its sheet says why, and what would work.

use crate::rollout::people::hearing::Hearing;
use crate::rollout::people::verbs::table::Effect;
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
        let (why, instead) = (refused.why(&about), refused.instead(&about));
        return vec![format!("Nothing: asking for it will be refused, because {why}; {instead}.")];
    }
    let (rollout, ring) = (rollout_of(act, answer), ring_of(act, answer));
    let told = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    match act {
        Act::Pause(_) => told(&[
            "ringward writes nothing for this plan, and verifies no ring of it, until somebody resumes it.",
            "Devices that were offered a version already go on to it: an installation cannot be called back.",
            "Looking at the devices, the gates and the soak go on.",
        ]),
        Act::Resume(_) => resumed(rollout),
        Act::Waive { ring, gate, .. } => vec![
            format!(
                "Gate {gate} no longer holds ring {ring} up in this rollout; it reads `exempt`, with your reason. This cannot be taken back."
            ),
            "All other gates still hold.".to_owned(),
        ],
        Act::Approve { plan, .. } => {
            let approves = ring.map(|ring| approves(ring, hearing(act, viewer)));
            let void = answer.revision_of(plan).map(voids_approvals);
            approves.into_iter().flatten().chain(void).collect()
        }
        Act::Refuse { .. } => ring.map(refuses).unwrap_or_default(),
        Act::Rollback(_) => told(&[
            "Every ring that this rollout moved goes back to what it ran before, the latest first, one at a time.",
            "No opening, freeze or device limit is asked. A pause and a halt are lifted by this; a stop is not.",
            "What is taken back is held out of these rings until somebody releases it. Devices go up, down and up again only then: that way is known to break some.",
            "For one environment, or from a later ring on, use the command line.",
        ]),
        Act::CheckNow(_) => told(&[
            "ringward looks at the plan files, reads what this plan’s rollout wants to see, and decides.",
            "It records nothing and lifts no hold.",
        ]),
        Act::Confirm { plan, .. } => {
            answer.revision_of(plan).map(|waiting| confirms(waiting, rollout)).unwrap_or_default()
        }
        Act::Stop => told(&[
            "No plan writes anything at Cloudflare until somebody starts again.",
            "A request that is on its way already is not called back; its outcome is still read.",
            "Looking at the devices, the gates and the soak go on.",
        ]),
        Act::Start => started(answer),
        Act::ConfirmClock => told(&[
            "You say that this machine's clock is right, and that the log is dated ahead because the clock was. ringward asks Cloudflare for the time, three times, and refuses where that does not bear it out.",
            "Everything goes by the clock again. Soaks and deadlines that began later than now begin anew, approvals and waivers that were given later are void, and devices are seen anew.",
            "Nothing of the log is lost.",
        ]),
    }
}

fn started(answer: &RolloutsAnswer) -> Vec<String> {
    let held = |one: &&RolloutJson| one.paused.is_some() || one.halted.is_some();
    let running = answer.rollouts.iter().filter(|one| one.phase == "running");
    let (held, free): (Vec<_>, Vec<_>) = running.partition(held);
    let names = |of: &[&RolloutJson]| {
        let names: Vec<&str> = of.iter().map(|one| one.plan.as_str()).collect();
        names.join(", ")
    };
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
                "The group stays as it is now, and nothing is set back. While it does not offer its ring the new version, that ring is not verified, and none of its devices counts as accepted for standing still."
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
        Some(format!("It accepts {found} of ring {name}; from then on only others count for that gate."))
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
            "It counts until {}, unless you refuse, leave the group, or the plan’s values change.",
            short(hearing.expires_at)
        )
    });
    let (name, versions) = (&ring.name, versions(ring));
    let may = format!("As far as you are asked, ring {name} may be entered with {versions}.");
    let more = [
        "Its openings, freezes and all other gates still hold.",
        "One refusal outweighs any number of approvals, until whoever gave it approves.",
    ];
    [may].into_iter().chain(until).chain(more.map(str::to_owned)).collect()
}

/// What a refusal does, in sentences.
fn refuses(ring: &RingJson) -> Vec<String> {
    let not = format!("Ring {} is not entered with {}, whoever approves it.", ring.name, versions(ring));
    let more = [
        "One refusal outweighs any number of approvals. Yours stands until you approve, or the plan’s values change.",
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
    lines.extend(
        approvals
            .map(|line| format!("Approvals of the revision in force are void with another one: {line}.")),
    );
    lines
}

/// What a revision that waits means for whoever approves a ring of the one in force.
fn voids_approvals(waiting: &RevisionWaitsJson) -> String {
    format!(
        "Revision {} of the plan waits: once it takes effect, this approval is void.",
        beginning(&waiting.digest)
    )
}
