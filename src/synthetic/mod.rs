//! A seeded fleet of devices with habits and stories: what the sandbox answers about, and what a
//! simulation without an account runs on.
//!
//! **Invariant:** everything about a device is a function of the seed, of what it was told and of
//! the instant; nothing here knows of ringward's core, nor of the client's types.

mod behaviour;
mod device;
mod dice;
mod fleet;

pub(crate) use behaviour::{OfficeCalendar, Rhythm};
pub use device::{DeviceStory, DeviceTruth};
pub(crate) use device::{Os, SyntheticDevice};
pub(crate) use dice::Dice;
pub use fleet::{Headcount, Mix, ProfileSettings};
pub(crate) use fleet::{SyntheticFleet, SyntheticProfile};
