//! Page, API, metrics and health over HTTP, on a loopback address and on a Unix socket.
//!
//! **Invariant:** nothing here decides: reads come from the daemon's snapshot and the log, and
//! verbs go through [`crate::daemon::Handle`] with the actor that the connection proves.

pub mod json;
