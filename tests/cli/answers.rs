//! Answers of a daemon, written out so that the keys of the API are seen here.

use serde_json::{Value, json};

/// A clock that stands still at 2026-10-13 08:00:30: a virtual second takes 30 years.
pub(crate) const CLOCK: &str = "2026-10-13T08:00:30Z@2020-01-01T00:00:00Z*0.000000001";

/// A daemon with the rollouts given.
pub(crate) fn daemon(rollouts: &[Value]) -> Value {
    json!({
        "at": "2026-10-13T08:00:15Z",
        "account": "023e105f4ecef8ad9ca31a8372d0c353",
        "mode": "write",
        "revisions": "file",
        "clock": CLOCK,
        "stopped": null,
        "rollouts": rollouts,
        "new_plans": [],
        "problems": [],
        "troubles": [],
        "log_unwritable": null,
        "clock_troubles": [],
        "clock_trust": null,
        "decided_ago_seconds": null,
        "faults": [],
        "head": {"seq": 42, "hash": "ab".repeat(32)},
        "budget_remaining": 580,
        "full_sweep_at": "2026-10-13T06:00:00Z",
        "swept_at": "2026-10-13T07:55:00Z",
        "next_check": "2026-10-13T08:05:00Z",
    })
}

/// A revision that waits for a person, and moves one ring.
pub(crate) fn revision_waits() -> Value {
    json!({
        "digest": "5f3c".repeat(16),
        "in_force": "0f".repeat(32),
        "since": "2026-10-13T07:58:00Z",
        "waits_for": "person",
        "why": "This daemon's ringward.yaml says `revisions: person`.",
        "changes": ["windows of ring `Everyone`: 2026.8.2100.0 → 2026.9.100.0", "soak of ring `Everyone\u{1b}[2J`: 72h → 24h"],
        "confirmed": null,
        "command": "ringward confirm client --revision 5f3c5f3c5f3c --reason …",
        "moves": [{"ring": "Everyone", "environments": {"windows": {
            "to": "2026.9.100.0", "seen": 40, "from": {"2026.8.2100.0": 30, "2026.10.7.0": 3}, "down": 3,
            "text": "3 from 2026.10.7.0, 30 from 2026.8.2100.0 → 2026.9.100.0; 3 of them down",
        }}}, {"ring": "Later", "environments": {}}],
    })
}

/// The same daemon, beside its plans one that is new and waits for a person.
pub(crate) fn with_newcomer(mut daemon: Value) -> Value {
    daemon["new_plans"] = json!([{
        "plan": "newcomer",
        "digest": "11507a0e2f5e".repeat(5),
        "since": "2026-10-13T07:58:00Z",
        "headline": "revision 11507a0e2f5e waits: a new plan with 1 ring",
        "detail": "This daemon's ringward.yaml says `revisions: person`.",
        "remedy": "confirm it: ringward confirm newcomer --revision 11507a0e2f5e --reason …",
        "command": "ringward confirm newcomer --revision 11507a0e2f5e --reason …",
        "revision_waits": {
            "digest": "11507a0e2f5e".repeat(5), "in_force": null, "since": "2026-10-13T07:58:00Z",
            "waits_for": "person", "why": "This daemon's ringward.yaml says `revisions: person`.",
            "changes": ["a new plan with 1 ring"], "confirmed": null, "moves": [],
            "command": "ringward confirm newcomer --revision 11507a0e2f5e --reason …",
        },
    }]);
    daemon
}

/// The same daemon with everything wrong that can be.
pub(crate) fn troubled_daemon(rollouts: &[Value]) -> Value {
    let mut daemon = daemon(rollouts);
    daemon["mode"] = json!("observe");
    daemon["stopped"] = json!({"actor": "local:ana", "reason": "dns is down\n\u{1b}[2Jin Porto", "since": "2026-10-13T05:00:00Z"});
    daemon["problems"] = json!([
        {"file": "client.yaml", "errors": ["client.yaml:3:1: unknown key: `rngs`; did you mean `rings`?", "client.yaml:9:5: x; y"]},
        {"file": "/etc/ringward/plans", "errors": ["cannot be read: permission denied"]},
    ]);
    daemon["faults"] = json!([{"plan": "servers", "message": "ring out of order"}]);
    daemon["troubles"] = json!([{"read": "all devices", "since": "2026-10-13T06:10:00Z", "message": "503 Service Unavailable"}]);
    daemon["full_sweep_at"] = Value::Null;
    daemon["swept_at"] = Value::Null;
    daemon["next_check"] = Value::Null;
    daemon
}

/// What the gates of a ring that adopts say.
fn gates_of_adopting() -> Value {
    json!([{
        "gate": "adoption", "environment": "windows", "verdict": "wait", "reason": "too_few_arrived",
        "value": "20 of 31 seen devices arrived; 31 of 40 active ones seen",
        "threshold": "90% arrived, 60% seen, by 2026-10-19 09:00 UTC",
        "as_of": "2026-10-13T07:55:00Z", "age_seconds": 315,
        "stalled": null, "dark": null,
    }, {
        "gate": "stalled", "environment": "windows", "verdict": "pass", "reason": null,
        "value": "1 of 30 seen devices stalled; 1 acknowledged",
        "threshold": "at most 10% after 1d, of at least 30 devices",
        "as_of": "2026-10-13T07:55:00Z", "age_seconds": 315,
        "stalled": {
            "stalled": 1, "sighted": 30, "acknowledged": 1, "at_most_per_mille": 100,
            "after_seconds": 86400, "min_devices": 30,
        },
        "dark": null,
    }, {
        "gate": "dark", "environment": "windows", "verdict": "wait", "reason": "too_soon",
        "value": "at 2026-10-12 18:00 UTC 2 of 20 silent since 2026-10-11 18:00 UTC (control 5 of 100, p 0.4, threshold 0.0005)",
        "threshold": "at most 2% above the control after 1d, of at least 30 devices; next evaluation 2026-10-13 18:00 UTC",
        "as_of": "2026-10-13T07:55:00Z", "age_seconds": 315,
        "stalled": null,
        "dark": {
            "arrived": 20, "control_active": 110, "acknowledged": 0,
            "looks": [{
                "look": 1, "at": "2026-10-12T18:00:00Z", "since": "2026-10-11T18:00:00Z", "day": 1,
                "ring": {"of": 20, "silent": 2}, "control": {"of": 100, "silent": 5},
                "p_per_billion": 400000000, "p_at_most_per_billion": 500000,
            }],
            "next_look": "2026-10-13T18:00:00Z", "at_most_per_mille": 20, "after_seconds": 86400,
            "min_devices": 30,
        },
    }])
}

/// A ring that is verified, one that adopts, one whose turn comes later.
fn rings_of_adopting() -> Value {
    let classes = |arrived: usize, due: usize, unseen: usize| json!({"arrived": arrived, "due": due, "stalled": 1, "unseen": unseen, "too_old": 2, "untargeted": 0, "left": 1});
    let none =
        json!({"arrived": 0, "due": 0, "stalled": 0, "unseen": 0, "too_old": 0, "untargeted": 0, "left": 0});
    let targets = json!({"windows": "2026.8.2100.0", "macos": "2026.8.2100.0"});
    json!([
        {
            "name": "Engineering Ring 0", "state": "verified", "meaning": "it has soaked; the next ring may follow", "since": "2026-10-13T06:30:00Z",
            "group": {"name": "Engineering Ring 0", "id": "g-0"},
            "profiles": ["Engineering"], "targets": targets,
            "assigned_at": "2026-10-12T09:00:00Z", "next_opening": null, "schedule": null,
            "classes": {"windows": classes(120, 0, 7), "macos": classes(12, 0, 0), "other": none},
            "adoption": {"windows": 0.991, "macos": 0.923}, "gates": [],
            "dropped": false, "waived": [{"gate": "soak", "actor": "local:ana", "reason": "urgent fix", "since": "2026-10-13T06:29:00Z"}],
            "moves": {}, "approval": null, "unmanaged": [],
        },
        {
            "name": "Early adopters", "state": "adopting", "meaning": "its versions are on offer, and its devices pick them up one by one", "since": "2026-10-13T06:45:00Z",
            "group": {"name": "Early adopters (ringward)", "id": "g-1"},
            "profiles": ["IT", "Support"], "targets": {"windows": "2026.8.2100.0"},
            "assigned_at": "2026-10-13T06:45:00Z", "next_opening": null, "schedule": null,
            "classes": {"windows": classes(20, 10, 9), "macos": none, "other": {"arrived": 0, "due": 0, "stalled": 0, "unseen": 0, "too_old": 0, "untargeted": 3, "left": 0}},
            "adoption": {"windows": 0.645},
            "gates": gates_of_adopting(),
            "dropped": false, "waived": [], "moves": {}, "approval": null, "unmanaged": ["macos 2026.7.1376.0"],
        },
        {
            "name": "Everyone", "state": "pending", "meaning": "its turn comes when every earlier ring is verified", "since": "2026-10-12T06:00:00Z",
            "group": {"name": "Everyone", "id": null},
            "profiles": ["default"], "targets": targets,
            "assigned_at": null, "next_opening": "2026-10-13T09:00:00Z",
            "schedule": {
                "state": "outside_openings", "because": "closed, outside its openings",
                "next_open": "2026-10-13T09:00:00Z", "next_close": "2026-10-13T16:00:00Z",
            },
            "classes": null, "adoption": {"windows": null, "macos": null},
            "gates": [{
                "gate": "opening", "environment": null, "verdict": "wait", "reason": "opening_closed",
                "value": "closed until 2026-10-13 09:00 UTC", "threshold": "an opening with 15m left",
                "as_of": null, "age_seconds": null, "stalled": null, "dark": null,
            }],
            "dropped": false, "waived": [], "moves": {}, "approval": null, "unmanaged": [],
        },
    ])
}

/// A rollout whose second ring adopts.
pub(crate) fn adopting() -> Value {
    let mut rollout = json!({
        "id": "client#3",
        "plan": "client",
        "number": 3,
        "digest": "0f".repeat(32),
        "description": "Cloudflare One Client\nfor all staff",
        "at": "2026-10-13T08:00:15Z",
        "phase": "running",
        "phase_since": "2026-10-12T06:00:00Z",
        "paused": null,
        "halted": null,
        "waiting_on": [{
            "code": "gate", "ring": "Early adopters",
            "reason": "too_few_arrived",
            "text": "Early adopters: adoption/windows wait (too_few_arrived): 20 of 31 seen devices arrived; 31 of 40 active ones seen; threshold: 90% arrived, 60% seen, by 2026-10-19 09:00 UTC",
            "headline": "too few windows devices of ring Early adopters run the new version so far",
            "detail": "Devices install it after their next start, wake or push. If it is not reached by 2026-10-19 09:00 UTC, the rollout halts.",
            "seen": "20 of 31 seen devices arrived; 31 of 40 active ones seen",
            "asked": "90% arrived, 60% seen, by 2026-10-19 09:00 UTC",
            "since": "2026-10-13T06:45:00Z", "next_look": "2026-10-13T08:05:00Z", "until": null,
            "remedy": "nothing: it goes on by itself as devices arrive; to go on without them: ringward waive client --gate adoption --reason …",
            "command": "ringward waive client --gate adoption --reason …",
        }],
        "newer_target": null, "revision_waits": null, "rollback": null, "superseded_offers": [], "held_out": [], "way_back": "known",
        "earliest_move": null,
        "next_check": "2026-10-13T08:05:00Z",
        "rings": rings_of_adopting(),
    });
    rollout["drifts"] = json!([{
        "ring": "Engineering Ring 0", "kind": "group_renamed", "standing": "noted",
        "text": "group `Engineering Ring 0` is named `Ring 0` now",
    }]);
    rollout
}

/// The same, while people are asked to let the last ring be entered; `refused`: one of them says no.
pub(crate) fn asking(refused: bool) -> Value {
    let mut rollout = adopting();
    let word = |by: &str, word: &str| json!({"by": by, "word": word, "note": "seen", "at": "2026-10-13T07:45:00Z", "expires_at": null, "voided_at": null, "lapsed": false});
    let (verdict, reason) =
        if refused { ("wait", "approval_refused") } else { ("unknown", "approvers_unread") };
    rollout["rings"][2]["approval"] = json!({
        "verdict": verdict, "reason": reason, "asked_at": "2026-10-13T07:30:00Z",
        "asks": [
            {"user_group": "Keepers\u{1b}[2J", "count": 2, "by": "plan", "approved": ["ana@example.com"], "members": 3},
            {"user_group": "The board", "count": 1, "by": "floor", "approved": [], "members": 2},
        ],
        "missing": ["bo@example.com"],
        "words": if refused { json!([word("ana@example.com", "approved"), word("eve@example.com", "refused")]) } else { json!([]) },
    });
    rollout
}

/// A rollout that is over, of a plan that is paused.
pub(crate) fn completed() -> Value {
    let mut rollout = adopting();
    rollout["id"] = json!("servers#1");
    rollout["plan"] = json!("servers");
    rollout["number"] = json!(1);
    rollout["description"] = Value::Null;
    rollout["phase"] = json!("completed");
    rollout["paused"] = json!({"actor": "local:bob", "reason": "year end", "since": "2026-10-13T07:00:00Z"});
    rollout["waiting_on"] = json!([]);
    let first = rollout["rings"][0].clone();
    rollout["rings"] = json!([first]);
    rollout
}

/// A rollout that the engine halted and a person paused.
pub(crate) fn halted() -> Value {
    let mut rollout = adopting();
    let text = "Early adopters missed its adoption deadline";
    let gate = rollout["rings"][1]["gates"][0].clone();
    rollout["halted"] = json!({
        "cause": "adoption_missed", "text": text, "since": "2026-10-13T07:30:00Z", "ring": "Early adopters",
        "gate": gate, "devices": null,
    });
    rollout["paused"] = json!({"actor": "local:bob", "reason": "looking", "since": "2026-10-13T07:40:00Z"});
    rollout["earliest_move"] = json!("2026-10-13T09:00:00Z");
    let gate = rollout["waiting_on"][0].clone();
    let hold = |code: &str, headline: &str, since: &str, remedy: &str| {
        let command = "ringward resume client --reason …";
        json!({
            "code": code, "reason": code, "ring": null, "text": headline, "headline": headline,
            "detail": "Nothing is written for it.", "seen": null, "asked": null, "since": since,
            "next_look": null, "until": null, "remedy": format!("{remedy}: {command}"), "command": command,
        })
    };
    rollout["waiting_on"] = json!([
        hold(
            "paused",
            "local:bob paused the plan: looking",
            "2026-10-13T07:40:00Z",
            "lift the pause when it is safe"
        ),
        hold(
            "halted",
            &format!("ringward halted it: {text}"),
            "2026-10-13T07:30:00Z",
            "look at the cause, then go on"
        ),
        gate,
    ]);
    rollout
}

/// The n-th device of a plan.
pub(crate) fn device(number: usize, class: &str) -> Value {
    json!({
        "ring": "Engineering Ring 0", "class": class, "id": format!("d-{number}"), "name": format!("laptop-{number}"),
        "user": "ana@example.test", "os": "windows", "os_version": "10.0.26100", "environment": "windows",
        "client": "2026.8.2100.0", "last_seen_at": "2026-10-13T07:54:00Z",
        "dark_since": null, "acknowledged": [],
    })
}

/// One page of devices.
pub(crate) fn devices(total: usize, devices: &[Value], next: Option<usize>) -> Value {
    json!({"plan": "client", "total": total, "devices": devices, "next": next})
}

/// A refusal or failure in the daemon's words.
pub(crate) fn problem(status: u16, detail: &str) -> String {
    json!({"type": "urn:ringward:problem:x", "title": "x", "status": status, "detail": detail}).to_string()
}
