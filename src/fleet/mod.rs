//! The fleet: from sightings to classes, adoption, exercise, and who went dark. Pure.
//!
//! **Invariant:** what a sweep did not say is not known here: a device is where, and as, it was last seen.

mod census;
mod dark;
mod device;
mod fisher;
mod index;
mod listed_device;
mod membership;
mod memory;
mod presence;
#[cfg(test)]
mod tests;

pub use census::{Census, Counts, EnvironmentCensus, RingScope};
pub use dark::{DarkEvaluation, DarkEvaluations, DarkQuestion, EVALUATED_AT_HOUR, LOOKS, Share, p_at_most};
pub use device::{
    Assignment, AssignmentProgress, Class, Device, KnownOffers, NOTIFICATION, Passage, RingOffer, Stray,
};
pub use fisher::{PartsPerBillion, one_sided};
pub use listed_device::{ListedDevice, ListedProfile, Reported, Sweep, SweepScope};
pub use membership::Membership;
pub use memory::{FORGET_AFTER, Fleet, SWEEP_OVERLAP, Strays, SweepChanges};
pub use presence::{Presence, REMEMBERED};
