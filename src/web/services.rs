//! What is served from.
//!
//! **Invariant:** whoever has it can read and ask, and decides nothing.

use std::path::PathBuf;
use std::sync::Arc;

use crate::daemon::Handle;
use crate::telemetry::Metrics;
use crate::web::identity::Identities;

/// What is served from. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Services {
    /// The way to the daemon.
    pub handle: Handle,
    /// Its database, which events are read from.
    pub database: PathBuf,
    /// How people and programs are told apart.
    pub identities: Arc<Identities>,
    /// The counters of the process.
    pub metrics: Arc<Metrics>,
}
