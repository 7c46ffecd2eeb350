//! What is served from.
//!
//! **Invariant:** whoever has it can read and ask, and decides nothing.

use std::path::PathBuf;
use std::sync::Arc;

use crate::daemon::Handle;
use crate::telemetry::{Metrics, WhyRefused};
use crate::web::guard::Peer;
use crate::web::identity::Identities;
use crate::web::problem::Failure;

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

impl Services {
    /// Counts a request that was refused, where the failure says why, and has the log told.
    pub(super) fn note(&self, failure: Failure, peer: &Peer) -> Failure {
        let refusals = self.metrics.refusals();
        match failure.why {
            None => {}
            // A browser that is not signed in, and a person who is told: neither is worth a line.
            Some(why @ (WhyRefused::NoCredential | WhyRefused::TooManyVerbs)) => refusals.count(why),
            Some(WhyRefused::TooManyConnections) => {
                refusals.connection(&peer.name(), self.handle.view().now())
            }
            Some(why) => refusals.credential(why, &peer.name(), self.handle.view().now()),
        }
        failure
    }
}
