//! The scripted devices of the simulated account.
//!
//! **Invariant:** everything that a device ever does follows from its story and from what its
//! profile is offered, so the truth about it is told without ringward's classifier.

mod all;
mod online;
mod script;

pub use all::Devices;
pub use online::OnlineSpans;
pub use script::{AfterUpdate, DeviceScript, Offer, Reaction};
