//! What random runs wrote in their logs, as one number: a change that means to keep every decision leaves it
//! as it was.
//!
//! `RINGWARD_DIGESTS=<file>` writes one line a seed, so that two builds can be compared run by run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};
use ringward::rollout::record::{Recorded, hex};

use crate::support::drive::Drive;

/// By seed.
#[derive(Default)]
pub(crate) struct Digests(BTreeMap<u64, String>);

/// The event itself (tagged with its kind), its plan and its ring; no words of who or why.
fn line(recorded: &Recorded) -> String {
    let plan = recorded.entry.rollout.as_ref().map(ToString::to_string);
    let event = serde_json::to_string(&recorded.entry.event).unwrap();
    format!("{} {event}\n", plan.unwrap_or_default())
}

impl Digests {
    pub(crate) fn add(&mut self, seed: u64, drive: &Drive) {
        let mut context = Context::new(&SHA256);
        for recorded in &drive.daemon.log {
            context.update(line(recorded).as_bytes());
        }
        self.0.insert(seed, hex(context.finish().as_ref()));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// One number over all runs, in the order of their seeds.
    pub(crate) fn total(&self) -> String {
        let lines = self.lines();
        if let Ok(file) = std::env::var("RINGWARD_DIGESTS") {
            std::fs::write(file, &lines).unwrap();
        }
        let mut context = Context::new(&SHA256);
        context.update(lines.as_bytes());
        hex(context.finish().as_ref())
    }

    fn lines(&self) -> String {
        self.0.iter().fold(String::new(), |mut lines, (seed, digest)| {
            let _ = writeln!(lines, "{seed} {digest}");
            lines
        })
    }
}
