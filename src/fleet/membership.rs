//! The rings of the account as the fleet needs them.
//!
//! **Invariant:** a profile belongs to the first ring that has it, and to no other.

use super::census::RingScope;
use super::device::{Assignment, KnownOffers, Passage, Stray};
use super::listed_device::{ListedDevice, ListedProfile};
use crate::version::Environment;

/// The rings of the account as the fleet needs them: which profile belongs where, and what is on
/// offer there. Profiles outside every ring have no entry.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Membership {
    rings: Vec<RingScope>,
    /// What each ring's devices may have been told to run; without it nothing is called a stray.
    offers: Vec<KnownOffers>,
}

impl Membership {
    /// Rings, of which the first counts that has a device's profile.
    pub fn new(rings: Vec<RingScope>) -> Self {
        Self { rings, offers: Vec::new() }
    }

    /// The same rings, with what each may have offered, in their order.
    #[must_use = "it returns the changed one"]
    pub fn offering(self, offers: Vec<KnownOffers>) -> Self {
        Self { offers, ..self }
    }

    /// The rings, in the order given.
    pub fn rings(&self) -> &[RingScope] {
        &self.rings
    }

    fn ring_of(&self, policy: Option<&ListedProfile>) -> Option<usize> {
        let policy = policy?;
        self.rings.iter().position(|ring| ring.policies.contains(&policy.id))
    }

    fn assignment(&self, ring: Option<usize>, environment: Option<Environment>) -> Option<Assignment> {
        self.rings.get(ring?)?.offered(environment).assigned()
    }

    /// That a device moved, within one ring, to a version that was not on offer there.
    pub(super) fn stray(&self, old: &ListedDevice, new: &ListedDevice) -> Option<Stray> {
        let ring = self.ring_of(new.policy.as_ref())?;
        let stayed = self.ring_of(old.policy.as_ref()) == Some(ring);
        let offers = self.offers.get(ring).filter(|_| stayed)?;
        Stray::between(old, new, offers)
    }

    pub(super) fn passage(&self, old: &ListedDevice, new: &ListedDevice) -> Passage {
        let (from, to) = (self.ring_of(old.policy.as_ref()), self.ring_of(new.policy.as_ref()));
        Passage {
            before: self.assignment(from, old.environment()),
            now: self.assignment(to, new.environment()),
            same_ring: from == to,
        }
    }
}
