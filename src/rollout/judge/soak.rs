//! Gate `soak`: the ring ran on its targets long enough, and devices came back on another day.
//!
//! **Invariant:** a soak begins with its adoption on record.

use crate::fleet::Census;
use crate::rollout::judge::subject::Subject;
use crate::rollout::record::{Evidence, Exempt, Gate, Judgement, Verdict, Waiting};
use crate::rollout::state::{Assigned, Soak};
use crate::time::after;

/// Whether the ring soaked, and devices came back on another day.
pub(crate) fn soaked(subject: Subject<'_>, assigned: &Assigned, soak: Soak, census: &Census) -> Judgement {
    let Subject { ring, plan, world, now, .. } = subject;
    let known_until = world.fleet.known_until(&assigned.policies);
    let ends_at = after(soak.started_at, plan.soak.get());
    let (arrived, exercised) = (census.arrived(), census.exercised());
    let verdict = if ring.waived.contains_key(&Gate::Soak) {
        Verdict::Exempt(Exempt::Waived)
    } else if now < ends_at {
        Verdict::Wait(Waiting::SoakRunning)
    } else if let Some(why) = subject.unseeable(known_until) {
        Verdict::Unknown(why)
    } else if arrived == 0 || exercised * 2 < arrived {
        Verdict::Wait(Waiting::NotExercised)
    } else {
        Verdict::Pass
    };
    let evidence = Evidence::Soak { started_at: soak.started_at, ends_at, arrived, exercised };
    Judgement { gate: Gate::Soak, environment: None, verdict, evidence, as_of: known_until }
}
