//! Events as sentences, for page, API and `history`.
//!
//! **Invariant:** every kind of event has a sentence; a new kind without one does not compile.

use crate::ids::{PlanName, UserGroupName};
use crate::rollout::record::{
    AccessChange, AccessOutcome, Event, Finding, Gate, HowBack, Judgement, Mode, Purpose, Verdict,
    WriteIntent,
};
use crate::text::joined;
use crate::time::short;
use crate::version::Environment;

/// What happened, in a sentence without the actor and the reason, which stand beside it.
pub fn sentence(event: &Event) -> String {
    match (event, event.ring()) {
        // These name their ring themselves.
        (Event::Halted { .. } | Event::HaltLifted { .. }, _) | (_, None) => fact(event),
        (_, Some(ring)) => format!("{ring}: {}", fact(event)),
    }
}

fn fact(event: &Event) -> String {
    match event {
        Event::DaemonStarted { version, mode: Mode::Write, .. } => format!("ringward {version} started"),
        Event::DaemonStarted { version, mode: Mode::Observe, .. } => {
            format!("ringward {version} started, in read-only mode")
        }
        Event::ClockStepped { from, to } if to < from => {
            format!("the clock was set back, from {} to {}", short(*from), short(*to))
        }
        Event::ClockStepped { from, to } => {
            let (from, to) = (short(*from), short(*to));
            format!("the daemon did not run from {from} to {to}; that time counts for nothing")
        }
        Event::ClockConfirmed { was, now, .. } => format!(
            "the clock was confirmed: it is {}, and what was dated up to {} was dated ahead",
            short(*now),
            short(*was)
        ),
        Event::Stopped {} => "all writes were stopped".to_owned(),
        Event::Started {} => "writes were allowed again".to_owned(),
        Event::TokenMade { token } => {
            let until = token.expires_at.map(|at| format!(", until {}", short(at))).unwrap_or_default();
            format!("token `{}` was made for {} ({}){until}", token.name, token.email, token.roles_in_words())
        }
        Event::TokenRevoked { name } => format!("token `{name}` was revoked"),
        Event::AccessIntended { change } => {
            let (name, extent, policies) = (&change.name, change.extent(), policies(change));
            format!("User Group `{name}` is about to have {extent} ({policies})")
        }
        Event::AccessSettled { intent, outcome } => {
            let became = match outcome {
                AccessOutcome::Written => "was written and read back",
                AccessOutcome::Refused => "was refused by Cloudflare; nothing changed",
                AccessOutcome::Different => "was answered, but read back the policies are others",
                AccessOutcome::Unknown => "may have been made or not: nobody knows",
            };
            format!("the change of access in record {intent} {became}")
        }
        Event::PlanAccepted { revision } => {
            let (digest, rings) = (revision.digest.short(), count(revision.plan.rings.len(), "ring"));
            format!("the plan took effect (digest {digest}, {rings})")
        }
        Event::PlanRevised { revision, restricts_only: false, dropped } => {
            let kept: String = dropped.iter().map(|ring| format!("; ring {ring} keeps its place")).collect();
            format!("the plan was revised (digest {}){kept}", revision.digest.short())
        }
        Event::PlanRevised { revision, restricts_only: true, .. } => {
            format!("the plan was revised, and approvals stand (digest {})", revision.digest.short())
        }
        Event::PlanRestricted { restricts, .. } => {
            format!("in force at once, for it only restricts: {}", restricts.join(" · "))
        }
        Event::PlanFileGone {} => "no file names the plan any more".to_owned(),
        Event::PlanFileNamed { file } => format!("the plan is in the file {file}"),
        Event::PlanRenamed { from } => format!("it was plan {from}, and goes on under this name"),
        Event::RingRenamed { renamed } => {
            let names = renamed.iter().map(|(old, new)| format!("{old} is {new} now"));
            format!("rings have other names: {}", joined(names, ", "))
        }
        Event::BlockBegun { block } => block.to_string(),
        Event::BlockEnded { block } => format!("{block} no more"),
        Event::RevisionConfirmed { digest } => format!("revision {} was confirmed", digest.short()),
        Event::RolloutSuperseded { by } => format!("a newer plan took over (digest {})", by.short()),
        Event::NewTargetWaits { revision } => {
            let digest = revision.digest.short();
            format!("a newer target waits until this rollout is complete (digest {digest})")
        }
        Event::NewTargetDropped {} => "the newer target that waited was taken back".to_owned(),
        Event::RolloutWithdrawn {} => "the plan's file is gone; the rollout was withdrawn".to_owned(),
        Event::RolloutReturned {} => "the plan's file is back; the rollout goes on".to_owned(),
        Event::RolloutCompleted {} => "every ring is verified; the rollout is complete".to_owned(),
        Event::Halted { cause } => format!("the rollout was halted: {cause}"),
        Event::HaltLifted { cause, .. } => format!("the halt was lifted; it was: {cause}"),
        Event::Paused {} => "the plan was paused".to_owned(),
        Event::PauseLifted {} => "the pause was lifted".to_owned(),
        Event::RollbackStarted { steps, .. } => {
            format!("the rollout goes back, in this order: {}", joined(steps, "; "))
        }
        Event::RollbackCompleted {} => "every ring has gone back as far as was asked".to_owned(),
        Event::VersionReleased { version } => format!("{version} may be offered again"),
        Event::RollbackInPlace { group, .. } => {
            let group = &group.content.name;
            format!("goes back without a write; group `{group}` offers the earlier versions already")
        }
        Event::RingRolledBack { how, judgements, .. } => rolled_back(*how, judgements),
        Event::RingReached { .. } => "its turn came".to_owned(),
        Event::RingRecognised { soak, .. } => {
            format!("recognised; it soaked on these targets already ({})", short(soak.verified_at))
        }
        Event::RingAssigned { group, .. } => {
            format!("entered without a write; group `{}` has the targets already", group.content.name)
        }
        Event::WritePlanned { intent, .. } => planned(intent),
        Event::WriteCancelled { write, why, .. } => format!("{write} was not sent: {why}"),
        Event::WriteConfirmed { write, group, .. } => {
            format!("{write} was confirmed by Cloudflare; group `{}`", group.content.name)
        }
        Event::WriteRefused { write, status, message, .. } => {
            format!("{write} was refused by Cloudflare with status {status}: {message}")
        }
        Event::WriteDoubted { write, why, .. } => format!("the outcome of {write} is unknown: {why}"),
        Event::DoubtRead { write, finding, .. } => format!("first read about {write}: {}", found(finding)),
        Event::WriteSettled { write, finding, .. } => {
            format!("the outcome of {write} is known: {}", found(finding))
        }
        Event::AdoptionReached { .. } => "the targets were adopted; the soak begins".to_owned(),
        Event::RingVerified { .. } => "verified".to_owned(),
        Event::DevicesLeft { environment, left, before, of, .. } => {
            let before = if *before == 0 { String::new() } else { format!(", after {before} before") };
            format!(
                "{left} of {of} {environment} devices have left it{before}; its shares are taken of the others"
            )
        }
        Event::GateUnknown { gate, environment, why, .. } => {
            let why = Verdict::Unknown(*why).reason_code();
            format!("gate {gate}{} is unknown ({why})", of(*environment))
        }
        Event::GateKnown { gate, environment, .. } => {
            format!("gate {gate}{} is known again", of(*environment))
        }
        Event::GateWaived { gate: Gate::Ring, .. } => "the ring was let go".to_owned(),
        Event::RingLetGo { .. } => {
            "the ring was let go: no profile of it exists any more, and no device has one".to_owned()
        }
        Event::GateWaived { gate, .. } => format!("gate {gate} was waived"),
        Event::ApprovalAsked { asks, .. } => {
            format!("people are asked to approve it: {}", joined(asks, ", and "))
        }
        Event::ApprovalGiven { targets, expires_at, groups, set_aside, .. } => {
            let targets = targets.iter().map(|(environment, version)| format!("{environment} {version}"));
            let (targets, groups, until) = (joined(targets, " and "), quoted(groups), short(*expires_at));
            let aside = match set_aside.as_slice() {
                [] => String::new(),
                by => format!("; the rejection by {}, who left, is set aside", joined(by, ", ")),
            };
            format!("approved with {targets}, as a member of {groups}, until {until}{aside}")
        }
        Event::ApprovalRefused { groups, .. } => format!("rejected, as a member of {}", quoted(groups)),
        Event::DriftFound { drift } => format!("{drift}; it is to be written back"),
        Event::DriftEnded { group, .. } => {
            format!("somebody set group `{}` back to what ringward left", group.content.name)
        }
        Event::DriftAdopted { drift } => format!("{drift}; the plan goes on with it"),
        Event::GroupRenamed { was, group, .. } => {
            format!("somebody else renamed group `{was}` to `{}`", group.content.name)
        }
    }
}

fn rolled_back(how: HowBack, words: &[Judgement]) -> String {
    match how {
        HowBack::Adopted => "went back: enough of its devices are there".to_owned(),
        HowBack::OutOfTime => {
            let missing = words.iter().filter(|word| !word.verdict.advances());
            format!("went back; its time has passed, and not all followed: {}", joined(missing, "; "))
        }
        HowBack::NoGroup => "has no deployment group, so nothing is on offer that could go back".to_owned(),
    }
}

fn planned(intent: &WriteIntent) -> String {
    let (write, devices) = (intent.id, count(intent.devices, "device"));
    let change = match &intent.before {
        Some(before) => format!("`{}`: {}", before.content.name, before.content.difference(&intent.after)),
        None => format!("create group `{}`", intent.after.name),
    };
    let of =
        |plan: &Option<PlanName>| plan.as_ref().map(|plan| format!(" of plan {plan}")).unwrap_or_default();
    let what_for = match &intent.purpose {
        Purpose::Target => format!("for {devices}"),
        Purpose::Rollback { .. } => format!("to go back, for {devices}"),
        Purpose::Restore => "to write a drifted group back".to_owned(),
        Purpose::PutBack { from, plan } => format!("to put profiles back into ring {from}{}", of(plan)),
        Purpose::MoveOut { from, plan } => format!("to take profiles out of ring {from}{}", of(plan)),
    };
    format!("{write} was planned, {what_for}: {change}")
}

fn found(finding: &Finding) -> &'static str {
    match finding {
        Finding::Applied { .. } => "it was applied",
        Finding::NotApplied {} => "it was not applied",
        Finding::Overwritten { seen: Some(_) } => "the group is neither as before nor as intended",
        Finding::Overwritten { seen: None } => "the group is gone",
    }
}

/// `+ allow DNS on account; - deny Billing on zone 1`.
fn policies(change: &AccessChange) -> String {
    let added = change.add.iter().map(|policy| format!("+ {policy}"));
    let removed = change.remove.iter().map(|policy| format!("- {policy}"));
    joined(added.chain(removed), "; ")
}

fn count(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

fn quoted(groups: &[UserGroupName]) -> String {
    joined(groups.iter().map(|group| format!("`{group}`")), " and ")
}

fn of(environment: Option<Environment>) -> String {
    environment.map(|environment| format!("/{environment}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::plan::model::Revision;

    fn revision() -> Revision {
        crate::plan::read("p.yaml", include_bytes!("../../tests/plans/good/smallest.yaml")).unwrap()
    }

    /// Every kind of event as the log has it, and what its sentence must say.
    fn rows() -> Vec<(Value, &'static str)> {
        let revision = revision();
        let digest = "0".repeat(64);
        let at = "2026-10-12T09:00:00Z";
        let content = json!({"name": "Group 0", "versions": [], "policies": ["p-1"]});
        let group = json!({"id": "g-1", "content": content, "updated_at": at});
        let intent = |before: Value, purpose: Value| {
            json!({
                "id": 7, "digest": digest, "purpose": purpose, "before": before, "devices": 12,
                "after": {"name": "Group 0", "versions": [], "policies": ["p-1", "p-2"]},
                "policies": ["p-1"], "judgements": [], "after_doubt": false,
            })
        };
        let soak = json!({"group": "g-1", "policies": [], "targets": {}, "verified_at": at});
        let drift = json!({"drift": {"ring": "R", "expected": group, "seen": null}});
        let of_a_ring = |rest: Value| {
            let mut fields = json!({"ring": "Ring 0", "write": 7});
            if let (Some(fields), Some(rest)) = (fields.as_object_mut(), rest.as_object()) {
                fields.extend(rest.clone());
            }
            fields
        };
        let ring = |rest: Value| {
            let mut fields = of_a_ring(rest);
            fields.as_object_mut().unwrap().remove("write");
            fields
        };
        let create = intent(Value::Null, json!("target"));
        let update = intent(group.clone(), json!({"move_out": {"from": "Ring 9"}}));
        let settled = json!({"finding": {"not_applied": {}}, "first_read_at": at, "second_read_at": at});
        let read = json!({"finding": {"overwritten": {"seen": null}}, "read_at": at});
        let cannot_tell = json!({"gate": "adoption", "environment": "macos", "why": "stale_sweep"});
        vec![
            (json!({"daemon_started": {"version": "1.2.3", "mode": "write"}}), "ringward 1.2.3 started"),
            (json!({"daemon_started": {"version": "1.2.3", "mode": "observe"}}), "read-only mode"),
            (json!({"stopped": {}}), "all writes were stopped"),
            (json!({"started": {}}), "allowed again"),
            (
                json!({"token_made": {"token": {
                    "name": "ana-laptop", "email": "ana@example.com", "roles": ["viewer", "approver"],
                    "id": "0011223344556677", "digest": digest, "expires_at": at,
                }}}),
                "`ana-laptop` was made for ana@example.com (viewer, approver), until 2026-10-12 09:00 UTC",
            ),
            (json!({"token_revoked": {"name": "ana-laptop"}}), "`ana-laptop` was revoked"),
            (
                json!({"access_intended": {"change": {
                    "group": "g-1", "name": "Endpoint Team",
                    "add": [{"access": "allow", "roles": ["DNS", "Billing"], "on": ["account"]}],
                    "remove": [{"access": "deny", "roles": ["Zaraz"], "on": ["zone 1", "zone 2"]}],
                }}}),
                "`Endpoint Team` is about to have 1 policy more, 1 less \
                 (+ allow DNS, Billing on account; - deny Zaraz on zone 1, zone 2)",
            ),
            (
                json!({"access_settled": {"intent": 7, "outcome": "unknown"}}),
                "in record 7 may have been made",
            ),
            (json!({"plan_accepted": {"revision": revision}}), ", 1 ring)"),
            (json!({"plan_revised": {"revision": revision}}), "revised"),
            (json!({"rollout_superseded": {"by": digest}}), "digest 000000000000)"),
            (json!({"rollout_withdrawn": {}}), "withdrawn"),
            (json!({"rollout_returned": {}}), "goes on"),
            (json!({"rollout_completed": {}}), "complete"),
            (json!({"ring_reached": ring(json!({}))}), "Ring 0: its turn came"),
            (json!({"ring_recognised": ring(json!({"group": group, "soak": soak}))}), "2026-10-12 09:00 UTC"),
            (json!({"ring_assigned": ring(json!({"group": group, "judgements": []}))}), "without a write"),
            (
                json!({"write_planned": ring(json!({"intent": create}))}),
                "for 12 devices: create group `Group 0`",
            ),
            (
                json!({"write_planned": ring(json!({"intent": update}))}),
                "Ring 9: `Group 0`: profile p-2 is in",
            ),
            (
                json!({"write_cancelled": of_a_ring(json!({"why": "stopped", "retry_at": null}))}),
                "write 7 was not sent: all writes are stopped",
            ),
            (json!({"write_confirmed": of_a_ring(json!({"group": group}))}), "confirmed by Cloudflare"),
            (json!({"write_refused": of_a_ring(json!({"status": 403, "message": "no"}))}), "status 403: no"),
            (json!({"write_doubted": of_a_ring(json!({"why": "a reset"}))}), "unknown: a reset"),
            (json!({"doubt_read": of_a_ring(read)}), "first read about write 7: the group is gone"),
            (json!({"write_settled": of_a_ring(settled)}), "is known: it was not applied"),
            (json!({"adoption_reached": ring(json!({"judgements": []}))}), "the soak begins"),
            (json!({"ring_verified": ring(json!({"judgements": []}))}), "Ring 0: verified"),
            (
                json!({"devices_left": ring(json!({
                    "environment": "windows", "left": 30, "before": 10, "of": 100,
                }))}),
                "Ring 0: 30 of 100 windows devices have left it, after 10 before",
            ),
            (json!({"gate_unknown": ring(cannot_tell)}), "adoption/macos is unknown (stale_sweep)"),
            (
                json!({"gate_known": ring(json!({"gate": "fleet", "environment": null}))}),
                "fleet is known again",
            ),
            (json!({"gate_waived": ring(json!({"gate": "soak"}))}), "gate soak was waived"),
            (json!({"halted": {"cause": drift}}), "halted: "),
            (json!({"halt_lifted": {"cause": drift}}), "lifted"),
            (json!({"drift_found": {"drift": drift["drift"]}}), "it is to be written back"),
            (json!({"drift_ended": ring(json!({"group": group}))}), "set group `Group 0` back"),
            (json!({"drift_adopted": {"drift": {"group": drift["drift"]}}}), "the plan goes on with it"),
            (json!({"group_renamed": ring(json!({"was": "Old", "group": group}))}), "`Old` to `Group 0`"),
            (json!({"paused": {}}), "was paused"),
            (json!({"pause_lifted": {}}), "pause was lifted"),
        ]
    }

    #[test]
    fn every_event_has_a_sentence() {
        for (written, word) in rows() {
            let event: Event = serde_json::from_value(written.clone())
                .unwrap_or_else(|error| panic!("{error} in {written}"));
            let sentence = sentence(&event);
            assert!(sentence.contains(word), "{}: `{word}` is missing in: {sentence}", event.kind());
        }
    }
}
