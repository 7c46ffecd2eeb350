//! Page, API, metrics and health over HTTP, on a loopback address and on a Unix socket.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`json`] | the shapes of the API |
//! | `present`, `revision`, [`words`] | from snapshot and log to those shapes |
//! | `routes` | the paths |
//! | `reads`, `verbs` | what those of the API answer |
//! | `openapi`, `schema` | what they say of themselves |
//! | [`identity`] | who asks, and for what they may |
//! | `tokens` | bearer tokens, for users of the machine |
//! | `guard`, `admission` | where a request comes from, and what it must keep |
//! | `problem` | failures |
//! | `page`, `metrics` | the same snapshot for people and for Prometheus |
//! | `stream` | the log as it grows, for clients that follow it |
//! | `cover` | the last layer before the client: no answer holds a secret |
//! | `serve`, `socket` | connections: limits, the Unix socket, the graceful end |
//!
//! **Invariant:** nothing here decides: reads come from the daemon's snapshot and the log, and
//! verbs go through [`crate::daemon::Handle`] with the actor that admission has found.

mod access;
mod admission;
mod clock;
mod cover;
pub mod forecast;
mod guard;
pub mod identity;
pub mod json;
mod metrics;
mod openapi;
mod page;
mod present;
mod problem;
mod reads;
mod revision;
mod routes;
mod schema;
mod serve;
mod socket;
mod stream;
mod tokens;
mod verbs;
pub mod words;

use std::path::PathBuf;
use std::sync::Arc;

pub use crate::config::{HostName, NoHostName};
pub use guard::{Broken, Peer, TcpRules, TcpVerbs};
pub use identity::{Identities, Need, NoIdentities};
pub use present::event as event_json;
pub use present::{rollout as rollout_json, told_drifts, told_rollback};
pub use revision::{told_approvals, told_moves, told_moves_of};
pub use routes::{openapi, router};
pub use serve::{BindError, Bound, Limits, bind, serve, serve_within};
pub(crate) use socket::user_name;
pub use socket::{BoundSocket, SocketError, bind_socket, serve_socket, socket_path};

use crate::daemon::Handle;
use crate::telemetry::Metrics;

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
