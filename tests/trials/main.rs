//! The big trials of health: does ringward halt what is broken, and leave alone what is well?
//!
//! Whole rollouts on the pure drive, over fleets of people with nights, weekends and vacations.
//! `RINGWARD_TRIALS=full cargo test --release --test trials -- --nocapture` runs every seed that the
//! figures are stated for; without it a short share, always the first seeds. Each trial prints its
//! figures as a line that begins with `trials:`.
//!
//! **Invariant:** the truth is told by the stories of the devices, never by ringward's classifier.

#[path = "../support/mod.rs"]
pub mod support;

#[cfg(test)]
mod blocked;
#[cfg(test)]
mod classes;
#[cfg(test)]
mod healthy;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod people;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod tales;
#[cfg(test)]
mod wake;
