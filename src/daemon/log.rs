//! Between events and the store's records, and the fleet as the store remembers it.
//!
//! **Invariant:** what is written is read back as the same event, whatever wrote it; a record
//! that cannot be read stops the daemon rather than being skipped.

use crate::daemon::upcast::{newest_version, upcast};
use crate::fleet::{Device, Fleet};
use crate::rollout::record::{Entry, Eras, Event, Recorded, RolloutId};
use crate::rollout::state::{IllegalEvent, State};
use crate::rollout::tell::waits::Waits;
use crate::store::{DatabaseView, NewRecord, Record, Seq, StoreError};
use crate::time::Timestamp;

/// A log that cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record holds no event that this ringward knows.
    #[error(
        "record {seq} of the log ({kind}, version {version}) cannot be read: {why}; it was written by another ringward: use the newest one"
    )]
    Unreadable {
        /// The record.
        seq: Seq,
        /// Its kind.
        kind: String,
        /// Its version.
        version: u32,
        /// Why.
        why: String,
    },
    /// An event does not fit the state that the ones before it lead to.
    #[error("the log contradicts itself: {0}; keep the file for study and restore a backup")]
    Illegal(#[from] IllegalEvent),
}

/// An entry as the store keeps it.
pub fn to_record(entry: &Entry, at: Timestamp) -> NewRecord {
    // Externally tagged: the kind is the tag, and stands in a column of its own.
    let payload = match serde_json::to_value(&entry.event) {
        Ok(serde_json::Value::Object(tagged)) => tagged.into_iter().next().map(|(_, payload)| payload),
        _ => None,
    };
    NewRecord {
        at,
        plan: entry.rollout.as_ref().map(|id| id.plan.clone()),
        rollout: entry.rollout.as_ref().map(|id| id.number),
        kind: entry.event.kind().to_owned(),
        kind_version: newest_version(entry.event.kind()),
        actor: entry.actor.to_string(),
        reason: entry.reason.clone(),
        payload: payload.unwrap_or_default().to_string(),
    }
}

/// A record as an event; its eras include the one that it begins, if it does.
///
/// # Errors
/// When this ringward does not know the kind or its version, or the payload is not its.
pub fn from_record(record: &Record, eras: &Eras) -> Result<Recorded, ReplayError> {
    let at = eras.happened(record.seq.get(), record.record.at);
    Ok(Recorded { seq: record.seq.get(), at, entry: entry_of(record)? })
}

/// The next record as an event; an era that it begins is begun.
///
/// # Errors
/// As [`from_record`].
pub fn next_from_record(record: &Record, eras: &mut Eras) -> Result<Recorded, ReplayError> {
    let entry = entry_of(record)?;
    let seq = record.seq.get();
    eras.follow(seq, &entry.event);
    Ok(Recorded { seq, at: eras.happened(seq, record.record.at), entry })
}

/// The eras of a log, from the records that begin one.
///
/// # Errors
/// When they cannot be read.
pub fn eras(view: DatabaseView<'_>) -> Result<Eras, ReplayError> {
    let mut eras = Eras::default();
    for record in view.of_the_account("clock_confirmed")? {
        eras.follow(record.seq.get(), &entry_of(&record)?.event);
    }
    Ok(eras)
}

fn entry_of(record: &Record) -> Result<Entry, ReplayError> {
    let fields = &record.record;
    let unreadable = |why: String| ReplayError::Unreadable {
        seq: record.seq,
        kind: fields.kind.clone(),
        version: fields.kind_version,
        why,
    };
    let payload: serde_json::Value =
        serde_json::from_str(&fields.payload).map_err(|error| unreadable(error.to_string()))?;
    let payload = upcast(&fields.kind, fields.kind_version, payload)
        .ok_or_else(|| unreadable("its version is not known here".to_owned()))?;
    let tagged = serde_json::Map::from_iter([(fields.kind.clone(), payload)]);
    let event: Event = serde_json::from_value(serde_json::Value::Object(tagged))
        .map_err(|error| unreadable(error.to_string()))?;
    let rollout = match (&fields.plan, fields.rollout) {
        (Some(plan), Some(number)) => Some(RolloutId { plan: plan.clone(), number }),
        (None, None) => None,
        _ => return Err(unreadable("it names a plan without a rollout".to_owned())),
    };
    let actor = fields.actor.parse().map_err(unreadable)?;
    Ok(Entry { actor, reason: fields.reason.clone(), rollout, event })
}

/// All events of a log, oldest first.
///
/// # Errors
/// At the first record that cannot be read.
pub fn events<'a>(view: DatabaseView<'a>) -> impl Iterator<Item = Result<Recorded, ReplayError>> + 'a {
    let mut eras = Eras::default();
    view.records(Seq::ZERO).map(move |record| next_from_record(&record?, &mut eras))
}

/// The state that a log leads to.
///
/// # Errors
/// At the first record that cannot be read or does not fit.
pub fn replay(view: DatabaseView<'_>) -> Result<State, ReplayError> {
    replay_all(view).map(|replayed| replayed.state)
}

/// What a log leads to.
#[derive(Debug, Default)]
pub struct Replayed {
    /// The state after the last event.
    pub state: State,
    /// What its rollouts waited for up to the last event.
    pub waits: Waits,
}

/// The state that a log leads to, with what is counted on the way.
///
/// # Errors
/// At the first record that cannot be read or does not fit.
pub fn replay_all(view: DatabaseView<'_>) -> Result<Replayed, ReplayError> {
    let mut replayed = Replayed::default();
    for recorded in events(view) {
        let recorded = recorded?;
        replayed.waits.settle_before(&recorded.entry, &replayed.state, recorded.at);
        replayed.state.apply(&recorded)?;
    }
    Ok(replayed)
}

/// The fleet as the database remembers it. A row that cannot be read is left for the next sweep.
pub fn remembered(view: DatabaseView<'_>) -> Fleet {
    let loaded = match view.devices() {
        Ok(loaded) => loaded,
        Err(error) => {
            tracing::warn!(%error, "no device is remembered; device clocks start anew");
            return Fleet::default();
        }
    };
    for skipped in &loaded.skipped {
        tracing::warn!(%skipped, "a device is not remembered");
    }
    Fleet::remembered(loaded.rows.iter().filter_map(|row| match serde_json::from_str::<Device>(&row.doc) {
        Ok(device) => Some(device),
        Err(error) => {
            tracing::warn!(device = %row.device, %error, "a device is not remembered");
            None
        }
    }))
}
