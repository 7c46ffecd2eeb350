//! The fleet: from sightings to classes, adoption and exercise. Pure.

mod sighting;

pub use sighting::{Reported, SightedPolicy, Sighting, Sweep, SweepScope};
