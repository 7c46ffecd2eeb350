//! A decision with what people are told of it: what follows, and why, from one look.
//!
//! **Invariant:** the report is of the very state that the entries lead to.

use crate::ids::PlanName;
use crate::rollout::decide::{context::Context, pipeline};
use crate::rollout::state::IllegalEvent;
use crate::rollout::tell::report::{Report, report};
use crate::rollout::world::{Desired, Known};

/// What a decision comes to, with its report.
pub type Decision = pipeline::Decided<Report>;

/// Decides what follows for one plan.
///
/// # Errors
/// When an event that a step made does not fit the state: a fault in ringward, which stops
/// this plan and no other.
pub fn decide(name: &PlanName, desired: Desired<'_>, known: Known<'_>) -> Result<Decision, IllegalEvent> {
    pipeline::decide(name, desired, known, |context, reads| Some(report(context, reads)))
}

/// The same decision without its report, which counts every device: for runs that nobody reads.
///
/// # Errors
/// As [`decide`].
pub fn decide_unreported(
    name: &PlanName,
    desired: Desired<'_>,
    known: Known<'_>,
) -> Result<Decision, IllegalEvent> {
    pipeline::decide(name, desired, known, |_, _| None)
}

/// What is to be read and why the rollout is where it is, without deciding anything: for a daemon that
/// cannot record what it would decide.
pub fn look(name: &PlanName, desired: Desired<'_>, known: Known<'_>) -> Decision {
    let context = Context::of(name, desired, known);
    Decision::new(Vec::new(), context.as_ref(), |context, reads| Some(report(context, reads)))
}
