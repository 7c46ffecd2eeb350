//! Observations: what was seen of devices, and counts per ring over time.
//!
//! **Invariant:** nothing here is needed to know what was decided. Observations may be lost, and
//! one that cannot be read is skipped and named, never an error.

use rusqlite::types::ValueRef;
use rusqlite::{Params, Row, Transaction, TransactionBehavior};

use crate::failpoint::{self, Point};
use crate::ids::{DeviceId, PlanName, RingName};
use crate::store::error::{InvalidObservation, StoreError};
use crate::time::{SignedDuration, Timestamp, after};
use crate::{store::log::Store, store::record::is_json, store::view::DatabaseView, version::Environment};

/// Ring samples older than this are dropped: charts show a quarter.
pub const MAX_SAMPLE_AGE: SignedDuration = SignedDuration::from_hours(92 * 24);

/// At most this many samples are kept per plan, ring and environment, the newest: a sample every
/// 15 minutes for the whole of [`MAX_SAMPLE_AGE`] fits.
pub const MAX_SAMPLES_PER_SERIES: u32 = 10_000;

/// What was last seen of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDevice {
    /// The device.
    pub device: DeviceId,
    /// The sighting, as JSON text; the caller owns its meaning.
    pub doc: String,
    /// When the sweep that saw it began.
    pub swept_at: Timestamp,
}

/// The counts of a ring's classes at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingSample {
    /// The plan.
    pub plan: PlanName,
    /// The ring.
    pub ring: RingName,
    /// The environment.
    pub environment: Environment,
    /// When it was counted; a second sample of the same instant replaces the first.
    pub at: Timestamp,
    /// The counts per class, as JSON text.
    pub counts: String,
}

/// What could be loaded, and what could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<T> {
    /// The readable rows.
    pub rows: Vec<T>,
    /// The others, for a warning each.
    pub skipped: Vec<SkippedRow>,
}

/// An observation that was skipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "skipped an unreadable row of {table} ({key}): its {column} is spoilt; the next sweep brings it again"
)]
pub struct SkippedRow {
    /// The table.
    pub table: &'static str,
    /// Its key as far as it can be shown.
    pub key: String,
    /// The first column that cannot be read.
    pub column: &'static str,
}

impl Store {
    /// Keeps `devices`, replacing what was kept of the same ones.
    ///
    /// # Errors
    /// When a doc is not JSON, or the write fails ([`super::Recovery::CarryOn`]: only freshness
    /// is lost).
    pub fn save_devices(&mut self, devices: &[StoredDevice]) -> Result<(), StoreError> {
        if let Some(row) = devices.iter().find(|row| !is_json(&row.doc)) {
            return Err(InvalidObservation { what: format!("device {}", row.device) }.into());
        }
        self.observe(|transaction| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO devices (device_id, doc, swept_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (device_id) DO UPDATE SET doc = excluded.doc, swept_at = excluded.swept_at",
            )?;
            devices.iter().try_for_each(|row| {
                statement.execute((row.device.as_str(), &row.doc, row.swept_at.as_millisecond())).map(|_| ())
            })
        })
    }

    /// Forgets `devices`; unknown ones are no error.
    ///
    /// # Errors
    /// When the write fails.
    pub fn delete_devices(&mut self, devices: &[DeviceId]) -> Result<(), StoreError> {
        self.observe(|transaction| {
            let mut statement = transaction.prepare_cached("DELETE FROM devices WHERE device_id = ?1")?;
            devices.iter().try_for_each(|device| statement.execute([device.as_str()]).map(|_| ()))
        })
    }

    /// Keeps `samples` and drops those beyond [`MAX_SAMPLE_AGE`] at `now` and
    /// [`MAX_SAMPLES_PER_SERIES`].
    ///
    /// # Errors
    /// When counts are not JSON, or the write fails.
    pub fn add_ring_samples(&mut self, samples: &[RingSample], now: Timestamp) -> Result<(), StoreError> {
        if let Some(row) = samples.iter().find(|row| !is_json(&row.counts)) {
            return Err(InvalidObservation { what: format!("ring {} of {}", row.ring, row.plan) }.into());
        }
        self.observe(|transaction| {
            transaction.execute(
                "DELETE FROM ring_samples WHERE at < ?1",
                [after(now, -MAX_SAMPLE_AGE).as_millisecond()],
            )?;
            samples.iter().try_for_each(|sample| add_sample(transaction, sample))
        })
    }

    fn observe(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        self.require_trust()?;
        let outcome = (|| {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            work(&transaction)?;
            failpoint::reach(Point::ObservationsWritten);
            transaction.commit()
        })();
        outcome.map_err(|source: rusqlite::Error| StoreError::ObservationNotSaved {
            path: self.lock.database().to_owned(),
            source,
        })
    }
}

fn add_sample(transaction: &Transaction<'_>, sample: &RingSample) -> rusqlite::Result<()> {
    let RingSample { plan, ring, environment, at, counts } = sample;
    let series = (plan.as_str(), ring.as_str(), environment.as_str());
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO ring_samples (plan, ring, environment, at, counts)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((series.0, series.1, series.2, at.as_millisecond(), counts))?;
    transaction
        .prepare_cached(
            "DELETE FROM ring_samples WHERE plan = ?1 AND ring = ?2 AND environment = ?3 AND at <=
                 (SELECT at FROM ring_samples WHERE plan = ?1 AND ring = ?2 AND environment = ?3
                  ORDER BY at DESC LIMIT 1 OFFSET ?4)",
        )?
        .execute((series.0, series.1, series.2, MAX_SAMPLES_PER_SERIES))?;
    Ok(())
}

impl DatabaseView<'_> {
    /// All devices, by ID.
    ///
    /// # Errors
    /// When the database cannot be read; a spoilt row is skipped instead.
    pub fn devices(&self) -> Result<Loaded<StoredDevice>, StoreError> {
        let sql = "SELECT device_id, doc, swept_at FROM devices ORDER BY device_id";
        self.load("devices", sql, [], |row| {
            Ok(StoredDevice {
                device: text(row, 0).and_then(|id| DeviceId::new(id).ok()).ok_or("device_id")?,
                doc: json(row, 1).ok_or("doc")?,
                swept_at: instant(row, 2).ok_or("swept_at")?,
            })
        })
    }

    /// The samples of a plan's rings from `since` on, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read; a spoilt row is skipped instead.
    pub fn ring_samples(&self, plan: &PlanName, since: Timestamp) -> Result<Loaded<RingSample>, StoreError> {
        let sql = "SELECT ring, environment, at, counts FROM ring_samples
                   WHERE plan = ?1 AND at >= ?2 ORDER BY at, ring, environment";
        self.load("ring_samples", sql, (plan.as_str(), since.as_millisecond()), |row| {
            Ok(RingSample {
                plan: plan.clone(),
                ring: text(row, 0).and_then(|name| RingName::new(name).ok()).ok_or("ring")?,
                environment: environment(row, 1).ok_or("environment")?,
                at: instant(row, 2).ok_or("at")?,
                counts: json(row, 3).ok_or("counts")?,
            })
        })
    }

    fn load<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, &'static str>,
    ) -> Result<Loaded<T>, StoreError> {
        let results = self.collect(sql, params, |row| {
            Ok(read(row).map_err(|column| SkippedRow { table, key: key(row), column }))
        })?;
        let mut loaded = Loaded { rows: Vec::with_capacity(results.len()), skipped: Vec::new() };
        for result in results {
            match result {
                Ok(row) => loaded.rows.push(row),
                Err(skipped) => loaded.skipped.push(skipped),
            }
        }
        Ok(loaded)
    }
}

fn cell<'a>(row: &'a Row<'_>, column: usize) -> Option<ValueRef<'a>> {
    row.get_ref(column).ok()
}

fn text(row: &Row<'_>, column: usize) -> Option<String> {
    cell(row, column)?.as_str().ok().map(str::to_owned)
}

fn json(row: &Row<'_>, column: usize) -> Option<String> {
    text(row, column).filter(|text| is_json(text))
}

fn instant(row: &Row<'_>, column: usize) -> Option<Timestamp> {
    cell(row, column)?.as_i64().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok())
}

fn environment(row: &Row<'_>, column: usize) -> Option<Environment> {
    let name = text(row, column)?;
    Environment::ALL.into_iter().find(|environment| environment.as_str() == name)
}

/// The first column of a row, for people: lossy and short.
fn key(row: &Row<'_>) -> String {
    let shown = match cell(row, 0) {
        Some(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        other => format!("{other:?}"),
    };
    shown.chars().take(40).collect()
}
