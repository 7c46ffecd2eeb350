//! What would change each blocker, as a person can do it.

use crate::ids::RingName;
use crate::rollout::decide::blocker::Blocker;
use crate::rollout::record::{Cause, ClockDoubt, DriftKind, GroupDrift, Never, Unknown};
use crate::rollout::tell::explain::blocks;
use crate::rollout::tell::explain::gates::{fix, out_of_gate, see_them};
use crate::rollout::tell::explain::remedy::Remedy;
use crate::text::in_shell;

impl Blocker {
    /// What would change it, as a person can do it. `plan` is the plan's name.
    pub fn remedy(&self, plan: &str) -> String {
        remedy(self, plan).to_string()
    }
}

/// What to do about a blocker of plan `plan`.
pub(crate) fn remedy(blocker: &Blocker, plan: &str) -> Remedy {
    match blocker {
        Blocker::Stopped(_) => {
            Remedy::then("allow writes again when it is safe", "ringward start --reason …".to_owned())
        }
        Blocker::Paused(_) => Remedy::then("lift the pause when it is safe", resume(plan)),
        Blocker::Halted(cause) => Remedy::then(after_halt(cause, plan), resume(plan)),
        Blocker::Block(block) => blocks::remedy(&block.block, plan),
        Blocker::OffersForbidden(..) => Remedy::then(
            "name another version in the plan, or take it back",
            format!("ringward rollback {plan} --reason …"),
        ),
        Blocker::Forbidden(..) => Remedy::words(
            "name another version in the plan, or take the entry out of `forbid` if it is safe by now",
        ),
        Blocker::ClockBehind(_) => Remedy::then(
            "see that this machine's clock is right; it goes on by itself once the clock has caught up, in twice the time that it is behind. Where the clock is right and the log is dated ahead",
            "ringward confirm clock --reason …".to_owned(),
        ),
        Blocker::ClockDoubted(ClockDoubt::Differs { .. }) => Remedy::words(
            "set this machine's clock right, and look after its time service; where a proxy in between has the wrong time, write `clock: {trust: machine, until: DATE, reason: …}` into ringward.yaml and restart",
        ),
        Blocker::ClockDoubted(ClockDoubt::NotCompared) => Remedy::then(
            "nothing: the next answer of Cloudflare is compared; whether one comes is told by",
            "ringward status".to_owned(),
        ),
        Blocker::ClockDoubted(ClockDoubt::NoDate) => Remedy::words(
            "see which proxy in between takes the `Date` out of Cloudflare's answers; until it is right, write `clock: {trust: machine, until: DATE, reason: …}` into ringward.yaml and restart",
        ),
        Blocker::LogUnwritable(_) => Remedy::words(
            "fix what it names (free space on the disk, make the volume writable, mount it again); then it goes on by itself, within half a minute",
        ),
        Blocker::Gate(ring, judgement) => out_of_gate(ring, judgement, plan),
        Blocker::Veto(_, veto) => Remedy::words(format!("{}; then it goes on by itself", veto.instead())),
        Blocker::BetweenGroups { .. } => Remedy::words(
            "nothing: they go in or back by themselves; while writes are stopped, `start` lets them",
        ),
        Blocker::GroupsUnread(_) => Remedy::reads_recover(),
        Blocker::InFlight(..) | Blocker::OutcomeUnknown { .. } => {
            Remedy::words("nothing: it is settled by itself")
        }
        Blocker::OtherWrite { plan, .. } => Remedy::then(
            "nothing: it goes on by itself once that write is settled; how far it is, is told by",
            format!("ringward explain {plan}"),
        ),
        Blocker::Backoff { .. } => Remedy::words("nothing: it is tried again by itself"),
        Blocker::BudgetSpent { .. } => {
            Remedy::words("nothing: it goes on by itself; `ringward run --requests N` sets ringward's share")
        }
        Blocker::Withdrawn(_) => Remedy::words(
            "put the plan's file back, and it goes on where it stood; or leave it: nothing is undone",
        ),
        Blocker::Drifted(_) => Remedy::words(
            "nothing: it is written back by itself; to keep the group as it is, write `on_drift: accept` into the plan",
        ),
        Blocker::OtherRing { .. } => {
            Remedy::words("nothing: it is written back by itself, once that ring has adopted")
        }
        Blocker::LeftAdopts { other, .. } => Remedy::then(
            "nothing: it goes on by itself once those devices have adopted it; to take it back from them instead",
            format!("ringward rollback {plan} --ring {} --reason …", in_shell(other.as_str())),
        ),
        Blocker::NotOffered { .. } => Remedy::words(
            "edit the plan to what this ring shall run, or write `on_drift: restore` into it: then ringward writes the group back; set back by hand, it goes on by itself",
        ),
        Blocker::BlastLimit(..) => Remedy::words(
            "if that many devices are meant, raise `max_devices` in the plan; else move profiles into a ring of their own; then it goes on by itself",
        ),
        Blocker::DevicesPerDay(..) => Remedy::words(
            "nothing, if the ring is smaller than the guard: it goes on as earlier writes grow older than 24 hours; else raise `guard: {devices_per_day: …}` in ringward.yaml and restart the daemon, or move profiles into a ring of their own",
        ),
        Blocker::Observing(..) => {
            Remedy::words("run the daemon without --observe, when the change is what you want")
        }
        Blocker::BlockedVersion(_, held) => Remedy::then(
            "name another version in the plan; or, once it is safe there, unblock it",
            format!("ringward unblock {} --version {} --reason …", held.plan, held.version),
        ),
        Blocker::Returning { ring, .. } => Remedy::then(
            "nothing: it goes on by itself; which devices do not follow is told by",
            devices(plan, ring),
        ),
        Blocker::RolledBack { missing, .. } => {
            let words = "name the version to run now in the plan; to try the same one again, `ringward unblock` it first";
            match missing.first() {
                None => Remedy::words(words),
                Some((ring, _)) => Remedy::then(
                    format!("{words}; which devices did not follow is told by"),
                    devices(plan, ring),
                ),
            }
        }
        Blocker::Moving => Remedy::words("nothing: it goes on by itself"),
    }
}

fn devices(plan: &str, ring: &RingName) -> String {
    format!("ringward devices {plan} --ring {}", in_shell(ring.as_str()))
}

/// Somebody has a group offer what a rollback blocks.
pub(crate) fn set_back(plan: &str) -> Remedy {
    Remedy::then(
        "the group offers a blocked version, and ringward refuses `resume` while it does: find out who changed the group, set it back at Cloudflare, and go on",
        resume(plan),
    )
}

pub(crate) fn resume(plan: &str) -> String {
    format!("ringward resume {plan} --reason …")
}

fn after_halt(cause: &Cause, plan: &str) -> String {
    match cause {
        Cause::AdoptionMissed { .. } => {
            format!(
                "see which devices did not arrive with `ringward devices {plan}`; if the version is sound, go on"
            )
        }
        Cause::Unhealthy { judgement, .. } => {
            format!("{}; if the version is sound, acknowledge them and go on", see_them(judgement.gate, plan))
        }
        Cause::UnknownTooLong { why: why @ Unknown::OutageOrHoliday, .. } => {
            format!("{}, then go on", fix(*why))
        }
        Cause::UnknownTooLong { .. } => {
            "fix what keeps the gate unknown (`ringward status` names the reads that fail), then go on"
                .to_owned()
        }
        Cause::WriteRefused { .. } => "fix what Cloudflare objects to, then go on".to_owned(),
        Cause::WritesKeepFailing { .. } => "fix what the last one met, then go on".to_owned(),
        Cause::Forbidden { .. } => format!(
            "`ringward rollback {plan} --reason …` takes it back; or name another version in the plan; or, if it is safe after all, take the entry out of `forbid`, and go on once that is in force"
        ),
        Cause::Drift(drift) => after_drift(drift).to_owned(),
        Cause::OtherUpdater(_) => {
            "find the other updater (MDM, software distribution) and take these devices out of it, then go on"
                .to_owned()
        }
    }
}

/// What a person can do about a changed group before resuming.
fn after_drift(drift: &GroupDrift) -> &'static str {
    let kinds = drift.kinds();
    match drift.never {
        Some(Never::Forbidden { .. }) => {
            "find out who changed the group; write into the plan what this ring shall run now, and go on"
        }
        Some(Never::BlockedVersion { .. }) => {
            "find out who changed the group; make it at Cloudflare what this ring shall run now, and go on"
        }
        Some(Never::Superseded { .. }) => {
            "find out who changed the group; leave it as it is, for what it offered was replaced, and go on: the ring is entered in its turn"
        }
        Some(Never::TooOften { .. }) => {
            "find out who, or which tool, changes the group again and again, and end that; set it back at Cloudflare, or leave it as it is now, and go on"
        }
        None if kinds.contains(&DriftKind::GroupDeleted) && drift.elsewhere.is_empty() => {
            "find out who deleted the group; to have ringward create it anew, write `on_drift: restore` into the plan, and go on"
        }
        None if drift.elsewhere.is_empty() => {
            "find out who changed the group; set it back at Cloudflare, or leave it as it is now, and go on"
        }
        None if kinds.contains(&DriftKind::ProfileMoved) => {
            "find out who moved the profile; put it back at Cloudflare, or take it out of the ring, and go on"
        }
        None => {
            "find out who made the other group of that name; rename or delete it at Cloudflare, and go on"
        }
    }
}
