//! The daemon as a whole: its clocks, sweeps, budget, log and plan files.
//!
//! **Invariant:** what has no value has no series, rather than a zero that reads as one.

use std::collections::BTreeMap;

use prometheus::IntCounter;
use prometheus::core::GenericCounter;

use crate::daemon::view::View;
use crate::rollout::record::ClockDoubt;
use crate::rollout::tell::revision_waits::RevisionWaits;
use crate::time::{Timestamp, since};
use crate::web::metrics::families::{Families, count, opts, seconds, truth};

impl Families {
    pub(super) fn daemon(&self, view: &View, now: Timestamp) -> Result<(), prometheus::Error> {
        let version = [([env!("CARGO_PKG_VERSION")], 1.0)];
        self.each("build_info", "The version of this ringward.", ["version"], version)?;
        let clock = "The daemon's clock. All other instants are by it, so subtract them from it.";
        self.gauge("time_seconds", clock, seconds(now))?;
        let stopped = "1 while all writes are stopped.";
        self.gauge("stopped", stopped, truth(view.stop.is_some()))?;
        if let Some(stop) = &view.stop {
            let since = "Since when all writes are stopped; absent while they are not.";
            self.gauge("stopped_since_timestamp_seconds", since, seconds(stop.since))?;
        }
        let unwritable = "1 while the log cannot be written, so that nothing is decided or sent.";
        self.gauge("log_unwritable", unwritable, truth(view.log_unwritable.is_some()))?;
        let behind =
            "Seconds that the machine's clock is behind what was decided and recorded; 0 while it is not.";
        let by = view.clock_behind.map_or(0.0, |(_, by)| by.as_secs_f64());
        self.gauge("clock_behind_seconds", behind, by)?;
        let doubted = "1 for what keeps the machine's clock from being believed: it differs from Cloudflare's, or cannot be compared.";
        let found = view.second_clock.in_the_way(now).map(|doubt| doubt.code());
        let codes = ClockDoubt::CODES.map(|code| ([code], truth(found == Some(code))));
        self.each("clock_doubted", doubted, ["code"], codes)?;
        if let Some(trust) = view.second_clock.trusted(now) {
            let help = "Until when the machine's clock is believed by a person's word; absent without one.";
            self.gauge("clock_trusted_until_timestamp_seconds", help, seconds(trust.until))?;
        }
        let decided = "When the daemon last decided, by its own clock.";
        self.gauge("last_decision_timestamp_seconds", decided, seconds(view.at))?;
        if let Some(ticked_at) = view.ticked_at {
            let help = "When the scheduler last ticked before the last decision, by the daemon's clock.";
            self.gauge("scheduler_last_tick_timestamp_seconds", help, seconds(ticked_at))?;
        }
        let budget = "Requests to Cloudflare left in the five-minute budget.";
        self.gauge("cloudflare_budget_remaining", budget, view.budget_remaining.into())?;
        let events: IntCounter =
            self.add(GenericCounter::with_opts(opts("events_total", "Records in the log."))?)?;
        events.inc_by(view.head.seq.get());
        let head = "1 for the hash of the log's last record: what `history --verify --head` asks for.";
        self.each("log_head_info", head, ["hash"], [([view.head.hash.to_string().as_str()], 1.0)])
    }

    pub(super) fn sweeps(&self, view: &View, now: Timestamp) -> Result<(), prometheus::Error> {
        let last = ("sweep_age_seconds", "Age of the last sweep of the devices.", view.swept_at);
        let full = ("full_sweep_age_seconds", "Age of the last sweep of all devices.", view.full_sweep_at);
        for (name, help, swept_at) in [last, full] {
            // Never swept has no age: no series, rather than a zero that reads as fresh.
            if let Some(swept_at) = swept_at {
                self.gauge(name, help, since(swept_at, now).as_secs_f64().max(0.0))?;
            }
        }
        let failing = "Since when a kind of read fails; absent for those that succeed.";
        let mut begins: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for (read, trouble) in &view.troubles {
            // Reads of several groups or profiles are one kind: the longest trouble counts.
            let begin = begins.entry(read.as_str()).or_insert(trouble.since);
            *begin = trouble.since.min(*begin);
        }
        let begins = begins.into_iter().map(|(read, begin)| ([read], seconds(begin)));
        self.each("read_failing_since_timestamp_seconds", failing, ["read"], begins)
    }

    pub(super) fn plan_files(&self, view: &View) -> Result<(), prometheus::Error> {
        let errors =
            view.problems.iter().map(|problem| ([problem.file.as_str()], count(problem.errors.len())));
        self.each("plan_errors", "Errors in a plan file or the directory.", ["file"], errors)?;
        let help = "1 for a plan that a fault in ringward keeps from being decided.";
        self.each("plan_fault", help, ["plan"], view.faults.iter().map(|(plan, _)| ([plan.as_str()], 1.0)))?;
        let help = "Since when a plan's file waits to take effect, by what it waits for.";
        let waits = view.waiting.iter().map(|(plan, RevisionWaits { waiting, .. })| {
            ([plan.as_str(), waiting.revision.waits_for.as_str()], seconds(waiting.since))
        });
        self.each("revision_waiting_since_timestamp_seconds", help, ["plan", "for"], waits)
    }
}
