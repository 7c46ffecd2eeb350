//! An event of the log, and the books as they are before it.
//!
//! **Invariant:** the books do not have the event yet.

use super::ledger::{Ledger, PlanLine, WaitingLine};
use crate::ids::PlanName;
use crate::rollout::record::{Entry, Event, Recorded};
use crate::time::Timestamp;

#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) ledger: &'a Ledger<'a>,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) entry: &'a Entry,
    pub(super) event: &'a Event,
    /// The plan that it is about.
    pub(super) plan: Option<&'a PlanName>,
    /// The line of the rollout that it names, if its plan is in it.
    pub(super) line: Option<&'a PlanLine<'a>>,
}

impl<'a> Case<'a> {
    pub(super) fn new(ledger: &'a Ledger<'a>, recorded: &'a Recorded) -> Self {
        let entry = &recorded.entry;
        let id = entry.rollout.as_ref();
        let line = id.and_then(|id| ledger.plans.get(&id.plan).filter(|plan| plan.number == id.number));
        let plan = id.map(|id| &id.plan);
        Self { ledger, seq: recorded.seq, at: recorded.at, entry, event: &entry.event, plan, line }
    }

    /// The revision that waits of the plan that it is about.
    pub(super) fn waiting(&self) -> Option<&'a WaitingLine<'a>> {
        self.ledger.waiting.get(self.plan?)
    }
}
