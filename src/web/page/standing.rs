//! Where a rollout stands, and who holds it, in words.
//!
//! **Invariant:** cards and sheets say it by the same function.

use crate::time::short;
use crate::web::json::{AttributionJson, RolloutJson};

/// Where it stands, in a sentence.
pub(super) fn headline(rollout: &RolloutJson, current: Option<usize>) -> String {
    let Some((index, ring)) = current.and_then(|index| Some((index, rollout.rings.get(index)?))) else {
        return match rollout.phase.as_str() {
            "completed" => "Every ring is verified".to_owned(),
            "superseded" => "A newer target took over".to_owned(),
            "withdrawn" => "The plan’s file is gone; nothing is written".to_owned(),
            "rolling_back" => "Going back, the latest ring first".to_owned(),
            "rolled_back" => "Rolled back; the next target begins a new rollout".to_owned(),
            other => other.replace('_', " "),
        };
    };
    let place = format!("ring {} of {}, {}", index + 1, rollout.rings.len(), ring.name);
    let blocked_by = |code: &str| rollout.waiting_on.iter().any(|blocker| blocker.code == code);
    match (&rollout.halted, &rollout.paused) {
        _ if blocked_by("stopped") => format!("Stopped at {place}"),
        (Some(_), _) => format!("Halted at {place}"),
        (None, Some(_)) => format!("Paused at {place}"),
        (None, None) => match ring.state.as_str() {
            "entering" => format!("Waiting to enter {place}"),
            "deploying" => format!("Writing the assignment of {place}"),
            "adopting" => format!("Devices are arriving in {place}"),
            "soaking" => format!("Soaking {place}"),
            other => format!("{} {place}", other.replace('_', " ")),
        },
    }
}

/// The place of the ring that a running rollout stands at.
pub(super) fn current_ring(rollout: &RolloutJson) -> Option<usize> {
    let running = rollout.phase == "running";
    rollout.rings.iter().position(|ring| ring.state != "verified").filter(|_| running)
}

/// Who holds it, since when, and why.
pub(super) fn held(hold: &AttributionJson) -> String {
    format!("{} since {}: {}", hold.actor, short(hold.since), hold.reason)
}
