//! A seeded fleet of devices with habits and stories: what the sandbox answers about, and what a
//! simulation without an account runs on.
//!
//! **Invariant:** everything about a device is a function of the seed, of what it was told and of
//! the instant; nothing here knows of ringward's core, nor of the client's types.

mod behaviour;
mod device;
mod dice;
mod fleet;

pub(crate) use behaviour::{Calendar, Rhythm};
pub(crate) use device::{Device, Os};
pub use device::{DeviceTruth, Story};
pub(crate) use dice::Dice;
pub(crate) use fleet::{Fleet, Profile};
pub use fleet::{Headcount, Mix, ProfileSettings};
