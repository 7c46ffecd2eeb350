//! `/metrics`: the newest snapshot in Prometheus' text format, with the counters of the process.
//!
//! The families are built anew for each scrape, so series of a plan that is gone are gone too, and
//! counts of rare facts come from the log, so a restart does not reset them. The names and labels
//! are promises: people's alerts rest on them, and `docs/metrics.md` lists them all.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `families` | what a metric is, and how its series are written |
//! | `daemon`, `rollouts`, `rings` | the metrics, each by one definition |
//!
//! **Invariant:** a scrape reads one snapshot and waits for nobody; labels are plans, rings, gates
//! and closed sets of words, never devices.

mod daemon;
mod families;
mod rings;
mod rollouts;

use prometheus::{Registry, TextEncoder};

use crate::daemon::view::View;
use crate::telemetry::Metrics;
use crate::time::Timestamp;
pub use crate::web::metrics::families::Metric;

/// Every metric that is read off a snapshot.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    [daemon::METRICS, rollouts::METRICS, rings::METRICS].into_iter().flatten()
}

/// The text of a scrape at `now`, by the daemon's clock.
///
/// # Errors
/// When the library refuses a name or a series occurs twice: a defect of ringward.
pub(super) fn exposition(
    view: &View,
    process: &Metrics,
    now: Timestamp,
) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    for metric in metrics() {
        registry.register(metric.read(view, now)?)?;
    }
    let mut families = registry.gather();
    families.extend(process.gather());
    families.sort_by(|one, other| one.name().cmp(other.name()));
    TextEncoder::new().encode_to_string(&families)
}
