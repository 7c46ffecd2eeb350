//! The daemon as a whole: its clocks, sweeps, budget, log and plan files.
//!
//! **Invariant:** what has no value has no series, rather than a zero that reads as one.

use std::collections::BTreeMap;

use crate::rollout::record::ClockDoubt;
use crate::time::{Timestamp, since};
use crate::web::metrics::families::Of::Daemon;
use crate::web::metrics::families::{Metric, count, metric_table, seconds, total, truth};

metric_table! {
    "build_info" ["version"] "The version of this ringward."
        => Daemon(|_, _, to| to.set(&[env!("CARGO_PKG_VERSION")], 1.0));
    "time_seconds" [] "The daemon's clock. All other instants are by it, so subtract them from it."
        => Daemon(|_, now, to| to.set(&[], seconds(now)));
    "stopped" [] "1 while all writes are stopped."
        => Daemon(|view, _, to| to.set(&[], truth(view.stop.is_some())));
    "stopped_since_timestamp_seconds" [] "Since when all writes are stopped; absent while they are not."
        => Daemon(|view, _, to| to.one(view.stop.as_ref().map(|stop| seconds(stop.since))));
    "log_unwritable" [] "1 while the log cannot be written, so that nothing is decided or sent."
        => Daemon(|view, _, to| to.set(&[], truth(view.log_unwritable.is_some())));
    "clock_behind_seconds" []
        "Seconds that the machine's clock is behind what was decided and recorded; 0 while it is not."
        => Daemon(|view, _, to| to.set(&[], view.clock_behind.map_or(0.0, |(_, by)| by.as_secs_f64())));
    "clock_doubted" ["code"]
        "1 for what keeps the machine's clock from being believed: it differs from Cloudflare's, or cannot be compared."
        => Daemon(|view, now, to| {
            let found = view.second_clock.in_the_way(now).map(|doubt| doubt.code());
            to.state(&[], &ClockDoubt::CODES, found.unwrap_or_default());
        });
    "clock_trusted_until_timestamp_seconds" []
        "Until when a person has ringward trust the machine's clock; absent without that."
        => Daemon(|view, now, to| to.one(view.second_clock.trusted(now).map(|trust| seconds(trust.until))));
    "last_decision_timestamp_seconds" [] "When the daemon last decided, by its own clock."
        => Daemon(|view, _, to| to.set(&[], seconds(view.at)));
    "scheduler_last_tick_timestamp_seconds" []
        "When the scheduler last ticked before the last decision, by the daemon's clock."
        => Daemon(|view, _, to| to.one(view.ticked_at.map(seconds)));
    "cloudflare_budget_remaining" [] "Requests to Cloudflare left in the five-minute budget."
        => Daemon(|view, _, to| to.set(&[], view.budget_remaining.into()));
    "events_total" [] "Records in the log."
        => Daemon(|view, _, to| to.set(&[], total(view.head.seq.get())));
    "log_head_info" ["hash"] "1 for the hash of the log's last record: what `history --verify --head` asks for."
        => Daemon(|view, _, to| to.set(&[&view.head.hash.to_string()], 1.0));
    "sweep_age_seconds" [] "Age of the last sweep of the devices."
        => Daemon(|view, now, to| to.one(view.swept_at.map(|swept_at| age(swept_at, now))));
    "full_sweep_age_seconds" [] "Age of the last sweep of all devices."
        => Daemon(|view, now, to| to.one(view.full_sweep_at.map(|swept_at| age(swept_at, now))));
    "read_failing_since_timestamp_seconds" ["read"] "Since when a kind of read fails; absent for those that succeed."
        => Daemon(|view, _, to| {
            let mut begins: BTreeMap<&str, Timestamp> = BTreeMap::new();
            for (read, trouble) in &view.troubles {
                // Reads of several groups or profiles are one kind: the longest trouble counts.
                let begin = begins.entry(read.as_str()).or_insert(trouble.since);
                *begin = trouble.since.min(*begin);
            }
            begins.into_iter().for_each(|(read, begin)| to.set(&[read], seconds(begin)));
        });
    "token_expires_timestamp_seconds" ["token"]
        "When a bearer token ends that opens something now; absent for those that end when they are revoked."
        => Daemon(|view, now, to| {
            for token in view.tokens.iter().filter(|token| token.is_live(now)) {
                token.grant.expires_at.iter().for_each(|at| to.set(&[token.grant.name.as_str()], seconds(*at)));
            }
        });
    "plan_errors" ["file"] "Errors in a plan file or the directory."
        => Daemon(|view, _, to| {
            for problem in &view.problems {
                to.set(&[&problem.file], count(problem.errors.len()));
            }
        });
    "plan_fault" ["plan"] "1 for a plan that a fault in ringward keeps from being decided."
        => Daemon(|view, _, to| view.faults.iter().for_each(|(plan, _)| to.set(&[plan.as_str()], 1.0)));
    "revision_waiting_since_timestamp_seconds" ["plan", "for"]
        "Since when a plan's file waits to take effect, by what it waits for."
        => Daemon(|view, _, to| {
            for (plan, waits) in &view.waiting {
                let waits_for = waits.waiting.revision.waits_for.as_str();
                to.set(&[plan.as_str(), waits_for], seconds(waits.waiting.since));
            }
        });
}

fn age(swept_at: Timestamp, now: Timestamp) -> f64 {
    since(swept_at, now).as_secs_f64().max(0.0)
}
