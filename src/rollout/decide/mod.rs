//! The decision: a pipeline of steps, one file each, and what they share.
//!
//! **Invariant:** nothing here knows of sockets, files, threads or the present time; the same inputs
//! give the same events.

pub mod approval;
pub mod backoff;
pub mod between;
pub mod blocker;
pub mod context;
pub mod drift;
pub mod dropped;
pub mod enter;
pub mod halt;
pub mod leave;
pub mod lifecycle;
pub mod outcome;
pub mod pipeline;
pub mod planned;
pub mod reads;
pub mod restore;
pub mod rollback;
pub mod superseded;
pub mod unknown;
pub mod unsettled;
pub mod write;
