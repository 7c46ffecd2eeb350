//! A revision that waits, and which devices it would move, for whoever is to confirm it.
//!
//! **Invariant:** devices change while it waits, so they are counted anew for each report and never stand in
//! the log; and they are those of the very revision that waits, or none.

use crate::ids::{PlanName, RingName};
use crate::plan::model::Revision;
use crate::rollout::judge::downgrade;
use crate::rollout::record::AllMoves;
use crate::rollout::state::{Attribution, PendingRevision};
use crate::rollout::world::{Desired, Known};

/// A revision that waits, at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionWaits {
    /// Which, since when, and what for.
    pub waiting: PendingRevision,
    /// A person's word that lets it take effect; `None`: nobody's counts now.
    pub confirmed: Option<Attribution>,
    /// Where the devices of each of its rings come from, in order, a ring with unknown devices without any
    /// environment; empty: no device is known.
    pub moves: Vec<(RingName, AllMoves)>,
}

impl RevisionWaits {
    /// What waits of a plan, with the file as `desired` has it.
    pub fn of(name: &PlanName, desired: Desired<'_>, known: Known<'_>) -> Option<Self> {
        let waiting = known.state.waiting.get(name)?.clone();
        let digest = &waiting.revision.digest;
        let confirmed = waiting.confirmed.clone().filter(|_| waiting.is_confirmed(digest, known.now));
        // While the log cannot be written, the file may hold another one already.
        let told = desired.revision().filter(|revision| revision.digest == *digest);
        let moves = told.map(|revision| moves(revision, known)).unwrap_or_default();
        Some(Self { waiting, confirmed, moves })
    }
}

fn moves(revision: &Revision, known: Known<'_>) -> Vec<(RingName, AllMoves)> {
    if known.world.fleet.full_sweep_at().is_none() {
        return Vec::new();
    }
    let of_ring = |ring| downgrade::known_moves(known, &revision.plan, ring).unwrap_or_default();
    revision.plan.rings.iter().map(|ring| (ring.name.clone(), of_ring(ring))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::fleet::{ListedDevice, ListedProfile, Membership, Reported, Sweep, SweepScope};
    use crate::ids::{DeviceId, PolicyId};
    use crate::plan::model::Revisions;
    use crate::rollout::record::{Actor, Entry, Event, Recorded, RolloutId};
    use crate::rollout::record::{Profile, Profiles};
    use crate::rollout::state::State;
    use crate::rollout::tell::decision::decide;
    use crate::rollout::tell::revision_waits::*;
    use crate::rollout::world::{Observations, Observed};
    use crate::time::Timestamp;
    use crate::version::Environment;

    const PLAN: &str = "
plan: client
versions: {windows: 2026.8.2100.0}
rings:
  - {name: First, profiles: [default]}
  - {name: Second, profiles: [Gone]}
";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn revision(text: &str) -> Revision {
        crate::plan::read("client.yaml", text.as_bytes()).unwrap()
    }

    fn device(number: usize, version: &str) -> ListedDevice {
        ListedDevice {
            id: DeviceId::new(format!("d-{number}")).unwrap(),
            name: "pc".to_owned(),
            user: None,
            device_type: Some("windows".to_owned()),
            os_version: None,
            client: Reported::Version(version.parse().unwrap()),
            last_seen_at: Some(at("2026-10-12T08:30:00Z")),
            policy: Some(ListedProfile { id: PolicyId::new("p-1").unwrap(), default: true }),
        }
    }

    /// Profiles and devices, read at nine.
    fn seen() -> Observations {
        let now = at("2026-10-12T09:00:00Z");
        let mut world = Observations { revisions: Revisions::Person, ..Observations::default() };
        let default =
            Profile { id: PolicyId::new("p-1").unwrap(), name: None, is_default: true, enabled: true };
        world.profiles = Some(Observed { value: Profiles { listed: vec![default] }, as_of: now });
        let versions = ["2026.6.880.0", "2026.6.880.0", "2026.9.100.0"];
        let devices = versions.iter().enumerate().map(|(number, version)| device(number, version)).collect();
        let sweep = Sweep { scope: SweepScope::Full, started_at: now, finished_at: now, devices };
        let _ = world.fleet.observe(sweep, &Membership::default());
        world
    }

    /// The log after the decisions on what is in the file.
    fn decided(file: &Revision, world: &Observations, mut state: State, now: Timestamp) -> State {
        let name = file.plan.name.clone();
        let known = Known { state: &state, world, now };
        for entry in decide(&name, Desired::Present(file), known).unwrap().entries {
            state.apply(&Recorded { seq: state.seq + 1, at: now, entry }).unwrap();
        }
        state
    }

    #[test]
    fn what_waits_is_told_with_the_devices_that_it_moves() {
        let (file, world, now) = (revision(PLAN), seen(), at("2026-10-12T09:00:00Z"));
        let name = file.plan.name.clone();
        let of = |desired, state: &State, world: &Observations, now| {
            RevisionWaits::of(&name, desired, Known { state, world, now })
        };
        let state = decided(&file, &world, State::default(), now);
        let told = of(Desired::Present(&file), &state, &world, now).unwrap();
        assert_eq!((&told.waiting.revision.digest, &told.confirmed), (&file.digest, &None));
        let ring = |name: &str| RingName::new(name).unwrap();
        let (first, moves) = &told.moves[0];
        assert_eq!(*first, ring("First"));
        let text = moves[&Environment::Windows].to_string();
        assert_eq!(text, "1 from 2026.9.100.0, 2 from 2026.6.880.0 → 2026.8.2100.0; 1 of them down");
        assert_eq!(told.moves[1], (ring("Second"), BTreeMap::new()), "its profile does not exist");

        // Without a look at the devices there is nothing to tell, nor where the file holds another revision.
        let blind = Observations { revisions: Revisions::Person, ..Observations::default() };
        assert_eq!(of(Desired::Present(&file), &state, &blind, now).unwrap().moves, Vec::new());
        let other = revision(&PLAN.replace("2100", "2101"));
        assert_eq!(of(Desired::Present(&other), &state, &world, now).unwrap().moves, Vec::new());
        assert_eq!(of(Desired::Present(&file), &State::default(), &world, now), None);
    }

    #[test]
    fn a_confirmation_is_told_for_as_long_as_it_counts() {
        let (file, world, now) = (revision(PLAN), seen(), at("2026-10-12T09:00:00Z"));
        let name = file.plan.name.clone();
        let mut state = decided(&file, &world, State::default(), now);
        let event = Event::RevisionConfirmed { digest: file.digest.clone() };
        let (actor, rollout) =
            (Actor::Local { user: "ana".to_owned() }, Some(RolloutId { plan: name.clone(), number: 1 }));
        let entry = Entry { actor, reason: "change 4711".to_owned(), rollout, event };
        state.apply(&Recorded { seq: state.seq + 1, at: now, entry }).unwrap();
        for (row, later, counts) in
            [("at once", "2026-10-12T09:00:00Z", true), ("a day later", "2026-10-13T09:00:00Z", false)]
        {
            let known = Known { state: &state, world: &world, now: at(later) };
            let told = RevisionWaits::of(&name, Desired::Present(&file), known).unwrap();
            assert_eq!(told.confirmed.is_some(), counts, "{row}");
        }
    }
}
