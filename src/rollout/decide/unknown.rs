//! Step: records which gates cannot tell and why, and which can again.
//!
//! **Invariant:** the clock of `unknown_after` runs from what the log says.

use crate::rollout::decide::context::Context;
use crate::rollout::record::{Entry, Event, Gate, Verdict};

/// Records which gates cannot tell and why, and which can again: the clock of `unknown_after`.
pub(crate) fn note_unknown(context: &Context<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for ring in &context.rollout.rings {
        for judgement in context.judged(ring) {
            let noted = ring.unknown.get(&(judgement.gate, judgement.environment)).map(|noted| noted.why);
            let (ring, gate, environment) = (ring.name.clone(), judgement.gate, judgement.environment);
            let event = match judgement.verdict {
                Verdict::Unknown(why) if noted != Some(why) => {
                    Event::GateUnknown { ring, gate, environment, why }
                }
                Verdict::Unknown(_) => continue,
                _ if noted.is_some() => Event::GateKnown { ring, gate, environment },
                _ => continue,
            };
            entries.extend(context.entry(judgement.to_string(), event));
        }
        // People are asked by the plan, and by how many devices there are: the question may go away.
        let asked = context.judged(ring).iter().any(|judgement| judgement.gate == Gate::Approval);
        if !asked && ring.unknown.contains_key(&(Gate::Approval, None)) {
            let event = Event::GateKnown { ring: ring.name.clone(), gate: Gate::Approval, environment: None };
            entries.extend(context.entry("nobody is asked to approve it any more", event));
        }
    }
    entries
}
