//! Records of the log as JSON.
//!
//! **Invariant:** a record that this ringward does not know is shown all the same.

use serde_json::Value;

use crate::daemon::log::from_record;
use crate::ids::PlanName;
use crate::rollout::record::{Eras, Event};
use crate::store::Record;
use crate::web::json::{EventJson, PlanAnswer};
use crate::web::words::sentence;

/// One record of the log. A kind that this ringward does not know is shown by its name.
pub fn event(record: &Record, eras: &Eras) -> EventJson {
    let fields = &record.record;
    let text = match from_record(record, eras) {
        Ok(recorded) => sentence(&recorded.entry.event),
        Err(_) => format!("{} (of a version that this ringward does not know)", fields.kind),
    };
    EventJson {
        seq: record.seq.get(),
        at: eras.happened(record.seq.get(), fields.at),
        plan: fields.plan.clone(),
        rollout: fields.rollout,
        kind: fields.kind.clone(),
        actor: fields.actor.clone(),
        reason: fields.reason.clone(),
        text,
        payload: serde_json::from_str(&fields.payload)
            .unwrap_or_else(|_| Value::String(fields.payload.clone())),
        hash: record.hash.to_string(),
    }
}

/// Whether a record holds a revision of its plan.
pub(in crate::web) fn holds_a_revision(record: &Record) -> bool {
    matches!(record.record.kind.as_str(), "plan_accepted" | "plan_revised")
}

/// The name that a plan had before a record, if that says so.
pub(in crate::web) fn name_before(record: &Record) -> Option<PlanName> {
    let recorded = from_record(record, &Eras::default()).ok()?;
    match recorded.entry.event {
        Event::PlanRenamed { from } => Some(from),
        _ => None,
    }
}

/// The revision in such a record.
pub(in crate::web) fn plan(record: &Record, eras: &Eras) -> Option<PlanAnswer> {
    let recorded = from_record(record, eras).ok()?;
    let (Event::PlanAccepted { revision } | Event::PlanRevised { revision, .. }) = recorded.entry.event
    else {
        return None;
    };
    Some(PlanAnswer {
        plan: record.record.plan.clone()?,
        rollout: record.record.rollout?,
        seq: record.seq.get(),
        at: recorded.at,
        digest: revision.digest.as_str().to_owned(),
        written: serde_json::from_str(&revision.written).ok()?,
    })
}
