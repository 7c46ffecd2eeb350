//! What a person reads once a request was carried out.
//!
//! **Invariant:** what still holds the plan is named.

use std::sync::Arc;

use crate::ids::Email;
use crate::rollout::judge::drift;
use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::situation::{PauseOrHalt, StartPlans};
use crate::rollout::record::{Cause, Entry, Event, Gate};
use crate::rollout::state::{PlanState, State};
use crate::text::joined;

/// What a request did, in words: its events, and the holds that still stand in the way of what it
/// was to bring about. `after` is the state with them.
pub fn done(entries: &[Entry], after: &State, asked: &Command) -> String {
    let events = entries.iter().map(|entry| {
        let plan = entry.rollout.as_ref().map(|id| id.plan.to_string()).unwrap_or_default();
        match &entry.event {
            Event::Paused {} => format!("plan {plan} is paused"),
            Event::PauseLifted {} => format!("the pause of plan {plan} is lifted"),
            Event::HaltLifted { cause, .. } => {
                let stays = stays_as_it_is(after, entry, cause);
                format!("the halt of plan {plan} is lifted and its cause acknowledged: {cause}{stays}")
            }
            Event::GateWaived { ring, gate: Gate::Ring } => format!(
                "ring `{ring}` is let go: the rollout goes on without it, and its group stays as it is"
            ),
            Event::GateWaived { ring, gate } => format!("gate {gate} of ring `{ring}` is waived"),
            Event::RollbackStarted { steps, .. } => {
                format!("plan {plan} goes back, in this order: {}", joined(steps, "; "))
            }
            Event::VersionReleased { version } => format!("{version} may be offered again by plan {plan}"),
            Event::ApprovalGiven { ring, expires_at, set_aside, .. } => {
                let waits = entry.rollout.as_ref().and_then(|id| after.waiting.get(&id.plan));
                let void = waits.map_or_else(String::new, |waiting| {
                    let digest = waiting.revision.digest.short();
                    format!("; revision {digest} waits, and makes it void once it takes effect")
                });
                format!(
                    "ring `{ring}` is approved by you until {}, unless the plan's values change or you leave the group{}{void}",
                    crate::time::short(*expires_at),
                    aside(set_aside)
                )
            }
            Event::ApprovalRefused { ring, .. } => {
                format!("ring `{ring}` is rejected by you; approving it takes that back")
            }
            Event::RevisionConfirmed { digest } => format!(
                "revision {} of plan {plan} is confirmed by you, and takes effect if the file stays as it is",
                digest.short()
            ),
            Event::Stopped {} => "all writes are stopped".to_owned(),
            Event::Started {} => "writes are allowed again".to_owned(),
            Event::ClockConfirmed { now, .. } => format!(
                "the clock is confirmed: it is {}, and everything goes by it again; what was dated later counts from now, and approvals and waivers that were given later are void",
                crate::time::short(*now)
            ),
            other => other.kind().to_owned(),
        }
    });
    joined(events.chain(still_held(after, asked)), "; ")
}

/// Whose rejections are set aside with it.
fn aside(by: &[Email]) -> String {
    match by {
        [] => String::new(),
        by => format!("; the rejection by {}, who left, is set aside by you", joined(by, ", ")),
    }
}

/// What becomes of a changed group once its halt is lifted.
fn stays_as_it_is(after: &State, entry: &Entry, cause: &Cause) -> String {
    let Cause::Drift(drift) = cause else { return String::new() };
    let rollout = entry.rollout.as_ref().and_then(|id| Some(&after.plans.get(&id.plan)?.rollout));
    let lacks = rollout.map(|rollout| drift::lacks(after, rollout, &drift.ring)).unwrap_or_default();
    if lacks.is_empty() {
        return "; the group stays as it is now, and nothing is set back".to_owned();
    }
    format!(
        "; the group stays as it is now, and nothing is set back: it does not offer the targets of ring `{}` ({lacks}), so the ring is not verified, and none of its devices is acknowledged for standing still",
        drift.ring
    )
}

/// The pause, halt and stop that a verb that lets things go on has left.
fn still_held(after: &State, asked: &Command) -> Vec<String> {
    let leaves_paused = matches!(asked, Command::Start { plans: StartPlans::Pause });
    if leaves_paused || !asked.verb().definition().terms.lets_go_on {
        return Vec::new();
    }
    let plans: Vec<&PlanState> = match asked.plan() {
        Some(name) => after.plans.get(name).into_iter().map(Arc::as_ref).collect(),
        None => after.plans.values().map(Arc::as_ref).collect(),
    };
    let mut still: Vec<String> = plans
        .into_iter()
        .filter_map(|plan| {
            let held = match PauseOrHalt::of_plan(plan) {
                PauseOrHalt::Free => return None,
                held => held.words(),
            };
            let name = &plan.rollout.id.plan;
            Some(format!("plan {name} is still {held}: ringward resume {name} --reason … lifts that"))
        })
        .collect();
    if after.stop.is_some() {
        still.push("all writes are still stopped: ringward start --reason … allows them again".to_owned());
    }
    still
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ids::RingName;
    use crate::plan::model::PlanDigest;
    use crate::rollout::record::{RolloutId, WaitingRevision, WaitsFor};
    use crate::rollout::state::PendingRevision;
    use crate::time::Timestamp;

    #[test]
    fn who_approves_is_told_of_a_revision_that_makes_it_void() {
        let at: Timestamp = "2026-10-12T09:00:00Z".parse().unwrap();
        let id = RolloutId { plan: "client".parse().unwrap(), number: 1 };
        let ring: RingName = "Everyone".parse().unwrap();
        let digest = PlanDigest::of_written("in force");
        let given = Event::ApprovalGiven {
            ring: ring.clone(),
            digest: digest.clone(),
            targets: BTreeMap::new(),
            expires_at: at,
            groups: Vec::new(),
            set_aside: Vec::new(),
        };
        let entries = [Entry::engine(&id, "fine", given)];
        let asked = Command::Approve { plan: id.plan.clone(), ring };
        let mut state = State::default();
        assert!(!done(&entries, &state, &asked).contains("void"), "nothing waits");
        let revision = WaitingRevision {
            digest: PlanDigest::of_written("another"),
            in_force: Some(digest),
            changes: vec!["a shorter soak".to_owned()],
            waits_for: WaitsFor::Person,
        };
        let told = format!("revision {} waits, and makes it void", revision.digest.short());
        state.waiting.insert(id.plan.clone(), PendingRevision { revision, since: at, confirmed: None });
        assert!(done(&entries, &state, &asked).contains(&told), "{}", done(&entries, &state, &asked));
    }
}
