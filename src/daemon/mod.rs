//! The daemon: one loop owns log, state and observations; everyone else has a handle.
//!
//! A wake-up carries no orders: cron tick, file change, timer, finished effect and operator call
//! all end in the same decision from full state. Effects start only after their intent is in the
//! log.
//!
//! **Invariant:** nothing is sent to Cloudflare that changes anything unless its intent is
//! committed, [`crate::rollout::judge::last_check::clear_to_send`] agreed on a fresh look, and the stop file
//! is absent.

mod counting;
mod engine;
pub mod files;
pub mod log;
mod pace;
pub mod plans_dir;
pub mod plans_reader;
mod run;
pub mod stop_file;
mod upcast;
mod upstream;
pub(crate) mod users;
pub mod view;
mod wheel;

pub use engine::EngineError;
pub use run::{Daemon, DaemonError, DaemonSettings, start};
pub use view::Handle;
