//! The pure drive: ringward's loop and a simulated account on one virtual clock.
//!
//! Domain types only: no sockets, no runtime, no JSON. Each step goes to the earliest instant at
//! which anything happens; weeks pass in milliseconds, and the same script gives the same run.
//!
//! **Invariant:** after every step the log replays to the live state, and deciding again at the same
//! instant adds nothing (laws 9 and 10 of `docs/development/laws.md`).

pub mod cast;
mod daemon;
pub mod devices;
mod disk;
mod drive;
mod fault;
pub mod forecast;
mod happening;
mod looks;
mod pace;
mod requests;
pub mod trial;
pub mod upstream;
pub mod what_if;

pub use crate::engine::Reports;
pub use daemon::{SimulatedDaemon, replayed};
pub use disk::{Disk, OnDisk, SECOND_LOOK};
pub use drive::Drive;
pub use fault::SimulationFault;
pub use happening::{Happening, Note, Remembered};
pub use looks::Looks;
pub use pace::Pace;
