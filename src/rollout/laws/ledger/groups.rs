//! The groups that ringward wrote: whose each is, as it was left and as it was last seen.
//!
//! **Invariant:** a ring of a plan has at most one group, and one that is gone stays on the books until another
//! takes its place.

use std::collections::BTreeMap;

use crate::ids::{GroupId, PlanName, RingName};
use crate::rollout::record::{Group, GroupContent, GroupDrift};

pub(crate) struct Owned<'a> {
    pub(crate) plan: &'a PlanName,
    pub(crate) ring: &'a RingName,
    pub(crate) last: &'a Group,
    /// As ringward left it.
    pub(crate) left: &'a GroupContent,
    /// A drift that is on record and is to be written back.
    pub(crate) drifted: Option<&'a GroupDrift>,
}

impl Owned<'_> {
    pub(crate) fn is_of(&self, plan: &PlanName, ring: &RingName) -> bool {
        self.plan == plan && self.ring == ring
    }

    fn is_meant_by(&self, drift: &GroupDrift) -> bool {
        *self.ring == drift.ring && self.last.id == drift.expected.id
    }
}

#[derive(Default)]
pub(crate) struct GroupBook<'a> {
    present: BTreeMap<&'a GroupId, Owned<'a>>,
    /// GroupBook that are gone, and accepted so: by plan and ring.
    lost: BTreeMap<(&'a PlanName, &'a RingName), Owned<'a>>,
}

impl<'a> GroupBook<'a> {
    pub(crate) fn get(&self, id: &GroupId) -> Option<&Owned<'a>> {
        self.present.get(id)
    }

    /// The group that belongs to a ring of a plan.
    pub(crate) fn of(&self, plan: &PlanName, ring: &RingName) -> Option<&Owned<'a>> {
        self.present.values().find(|owned| owned.is_of(plan, ring))
    }

    /// Those that are gone included.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Owned<'a>> {
        self.present.values().chain(self.lost.values())
    }

    pub(crate) fn meant_by(&self, drift: &GroupDrift) -> Option<&Owned<'a>> {
        self.all().find(|owned| owned.is_meant_by(drift))
    }

    /// The groups of a plan that are on record to be written back.
    pub(crate) fn drifted(&self, plan: &PlanName) -> impl Iterator<Item = &Owned<'a>> {
        self.all().filter(move |owned| owned.plan == plan && owned.drifted.is_some())
    }

    /// What profiles are moved out of stays whose it is.
    pub(super) fn own(&mut self, plan: &'a PlanName, ring: &'a RingName, group: &'a Group, moves_out: bool) {
        let known = self.get(&group.id).map(|owned| (owned.plan, owned.ring));
        if known.is_none() {
            // It takes the place of one that is gone.
            self.lost.remove(&(plan, ring));
            self.present.retain(|_, owned| !owned.is_of(plan, ring));
        }
        let (plan, ring) = known.filter(|_| moves_out).unwrap_or((plan, ring));
        let owned = Owned { plan, ring, last: group, left: &group.content, drifted: None };
        self.present.insert(&group.id, owned);
    }

    /// A person, or the plan, takes a group as it is.
    pub(super) fn accept(&mut self, drift: &'a GroupDrift) {
        match &drift.seen {
            Some(seen) => self.ended(seen),
            None => {
                if let Some(owned) = self.present.remove(&drift.expected.id) {
                    let gone = Owned { drifted: None, ..owned };
                    self.lost.insert((gone.plan, gone.ring), gone);
                }
            }
        }
    }

    /// A drift of a plan's own group is on record.
    pub(super) fn found(&mut self, plan: &PlanName, drift: &'a GroupDrift) {
        let mut known = self.present.values_mut().chain(self.lost.values_mut());
        if let Some(owned) = known.find(|owned| owned.plan == plan && owned.is_meant_by(drift)) {
            owned.drifted = Some(drift);
        }
    }

    /// A group is taken as it is now.
    pub(super) fn ended(&mut self, group: &'a Group) {
        if let Some(owned) = self.present.get_mut(&group.id) {
            (owned.last, owned.drifted) = (group, None);
        }
    }

    /// Plans or rings have other names.
    pub(super) fn rename(&mut self, rename: impl Fn(&mut Owned<'a>)) {
        self.present.values_mut().for_each(&rename);
        let lost = std::mem::take(&mut self.lost).into_values().map(|mut owned| {
            rename(&mut owned);
            ((owned.plan, owned.ring), owned)
        });
        self.lost = lost.collect();
    }
}
