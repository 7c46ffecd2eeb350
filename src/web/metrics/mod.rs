//! `/metrics`: the newest snapshot in Prometheus' text format, with the counters of the process.
//!
//! The families are built anew for each scrape, so series of a plan that is gone are gone too, and
//! counts of rare facts come from the log, so a restart does not reset them. The names and labels
//! are promises: people's alerts rest on them, and `docs/metrics.md` lists them all.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `families` | how a family is registered and written |
//! | `daemon`, `rollouts`, `rings` | the families |
//!
//! **Invariant:** a scrape reads one snapshot and waits for nobody; labels are plans, rings, gates
//! and closed sets of words, never devices.

mod daemon;
mod families;
mod rings;
mod rollouts;

use prometheus::TextEncoder;
use prometheus::proto::MetricFamily;

use crate::daemon::view::View;
use crate::rollout::state::Phase;
use crate::rollout::tell::report::Report;
use crate::telemetry::Metrics;
use crate::time::Timestamp;
use crate::web::metrics::families::Families;

/// The text of a scrape at `now`, by the daemon's clock.
///
/// # Errors
/// When the library refuses a name or a series occurs twice: a defect of ringward.
pub(super) fn exposition(
    view: &View,
    metrics: &Metrics,
    now: Timestamp,
) -> Result<String, prometheus::Error> {
    let mut families = of_view(view, now)?;
    families.extend(metrics.gather());
    families.sort_by(|one, other| one.name().cmp(other.name()));
    TextEncoder::new().encode_to_string(&families)
}

fn of_view(view: &View, now: Timestamp) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let families = Families::default();
    families.daemon(view, now)?;
    families.sweeps(view, now)?;
    families.plan_files(view)?;
    families.phases(&view.reports)?;
    // A plan whose file is gone keeps its phase, which says so, and nothing else.
    let live: Vec<&Report> = view.reports.iter().filter(|report| report.phase != Phase::Withdrawn).collect();
    families.holds(&live)?;
    families.drifts(&live)?;
    families.superseded(&live)?;
    families.reasons(&live)?;
    families.facts(&live, &view.tallies, &view.waits)?;
    families.rings(&live)?;
    families.devices(&live)?;
    families.health(&live)?;
    families.gates(&live)?;
    families.thresholds(&live)?;
    Ok(families.registry.gather())
}
