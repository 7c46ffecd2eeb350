//! What each profile of the simulated account was ever offered.
//!
//! **Invariant:** an offer holds from its instant until the next one.

use std::collections::BTreeMap;

use crate::ids::PolicyId;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// What each profile was ever offered, and from when on.
#[derive(Debug, Clone, Default)]
pub struct OffersByProfile(BTreeMap<PolicyId, Vec<(Timestamp, Offer)>>);

/// What a profile is offered.
pub type Offer = BTreeMap<Environment, ClientVersion>;

impl OffersByProfile {
    /// From `at` on, `profile` is offered this.
    pub fn set(&mut self, profile: &PolicyId, at: Timestamp, offer: Offer) {
        let known = self.0.entry(profile.clone()).or_default();
        if known.last().map_or(!offer.is_empty(), |(_, last)| *last != offer) {
            known.push((at, offer));
        }
    }

    pub(super) fn changes(
        &self,
        profile: &PolicyId,
        environment: Environment,
    ) -> impl Iterator<Item = (Timestamp, Option<ClientVersion>)> {
        let changes = self.0.get(profile).map(Vec::as_slice).unwrap_or_default();
        changes.iter().map(move |(at, offer)| (*at, offer.get(&environment).copied()))
    }

    pub(super) fn at(
        &self,
        profile: &PolicyId,
        environment: Environment,
        at: Timestamp,
    ) -> Option<ClientVersion> {
        self.changes(profile, environment).take_while(|(from, _)| *from <= at).last()?.1
    }
}
