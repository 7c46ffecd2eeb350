//! Logs and counters of what the process itself does. What a rollout does is told from the
//! daemon's snapshot instead (`crate::web::metrics`).
//!
//! **Invariant:** nothing here depends on devices, so neither a log filter nor a counter grows
//! with the fleet.

mod logs;
mod metrics;
mod process;
mod refused;

pub use logs::{InvalidLogFormat, LogFormat, LogsError, init_logs};
pub use metrics::Metrics;
pub use refused::{Refusals, WhyRefused};
