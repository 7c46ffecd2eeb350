//! Page, API, metrics and health over HTTP, on a loopback address and on a Unix socket.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`json`] | the shapes of the API |
//! | `present` | from snapshot and log to those shapes |
//! | [`words`], `lines` | events, and parts of those shapes, in words |
//! | `routes` | the paths |
//! | `reads`, `forecast`, `verbs` | what those of the API answer |
//! | `openapi`, `schema` | what they say of themselves |
//! | [`identity`] | who asks, and for what they may |
//! | `tokens`, `access` | bearer tokens and changes of access, for users of the machine |
//! | `guard`, `limits`, `admission` | where a request comes from, what it may take, and what it must keep |
//! | `body` | its JSON, and the reason in it |
//! | `problem` | failures |
//! | `page`, `metrics` | the same snapshot for people and for Prometheus |
//! | `stream` | the log as it grows, for clients that follow it |
//! | `cover` | the last layer before the client: no answer holds a secret |
//! | `services` | what all of it is served from |
//! | `serve`, `places`, `socket` | connections: limits, whose they are, the Unix socket, the graceful end |
//!
//! **Invariant:** nothing here decides: reads come from the daemon's snapshot and the log, and
//! verbs go through [`crate::daemon::Handle`] with the actor that admission has found.

mod admission;
mod body;
mod cover;
mod forecast;
mod guard;
pub mod identity;
pub mod json;
mod limits;
mod lines;
mod metrics;
mod openapi;
mod page;
mod places;
mod present;
mod problem;
mod reads;
mod routes;
mod schema;
mod serve;
mod services;
mod socket;
mod socket_only;
mod stream;
mod verbs;
pub mod words;

pub use crate::config::{HostName, NoHostName};
pub(crate) use crate::daemon::users::user_name;
pub use guard::{Broken, Peer, TcpRules, TcpVerbs};
pub use identity::{Identities, NoIdentities, Right};
pub use limits::ConnectionLimits;
pub use lines::{told_approvals, told_drifts, told_moves, told_moves_of, told_rollback};
pub use metrics::{Metric, metrics};
pub use present::{event as event_json, forecast as forecast_json, rollout as rollout_json};
pub use routes::{openapi, router};
pub use serve::{BindError, Bound, bind, serve, serve_within};
pub use services::Services;
pub use socket::{BoundSocket, SocketError, bind_socket, serve_socket, socket_path};
