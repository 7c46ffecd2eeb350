//! Everything that a step looks at.
//!
//! **Invariant:** each ring is judged once, whoever asks.

use std::cell::OnceCell;

use crate::ids::PlanName;
use crate::plan::model::RingPlan;
use crate::rollout::decide::planned::PlannedStep;
use crate::rollout::judge::{gates, plan_file, subject::Subject};
use crate::rollout::record::{BlockKind, Entry, Event, Gate, Judgement, Step, Verdict};
use crate::rollout::state::{PlanState, Ring, RingState, Rollout, State, Superseded};
use crate::rollout::world::{Desired, Known, Observations};
use crate::time::Timestamp;

/// Everything that a rung looks at.
#[derive(Debug, Clone)]
pub(crate) struct Context<'a> {
    pub(crate) name: &'a PlanName,
    pub(crate) desired: Desired<'a>,
    pub(crate) state: &'a State,
    pub(crate) plan: &'a PlanState,
    pub(crate) rollout: &'a Rollout,
    pub(crate) world: &'a Observations,
    pub(crate) now: Timestamp,
    judged: OnceCell<Vec<Vec<Judgement>>>,
    blocked: OnceCell<Vec<BlockKind>>,
    left: OnceCell<Vec<Vec<Judgement>>>,
    pub(crate) enters: OnceCell<Option<PlannedStep>>,
}

impl<'a> Context<'a> {
    pub(crate) fn of(name: &PlanName, desired: Desired<'a>, known: Known<'a>) -> Option<Self> {
        let Known { state, world, now } = known;
        let (name, plan) = state.plans.get_key_value(name)?;
        Some(Self {
            name,
            desired,
            state,
            plan,
            rollout: &plan.rollout,
            world,
            now,
            judged: OnceCell::new(),
            blocked: OnceCell::new(),
            left: OnceCell::new(),
            enters: OnceCell::new(),
        })
    }

    /// What the gates of a ring say that matter where it is. Counting devices is most of the work of
    /// a decision and all rungs ask, so each ring is judged once.
    pub(crate) fn judged(&self, ring: &Ring) -> &[Judgement] {
        let rings = || self.rollout.rings_with_plans();
        let judged = self
            .judged
            .get_or_init(|| rings().map(|(ring, plan)| gates::judge(self.subject(ring, plan))).collect());
        let index = rings().position(|(known, _)| known.name == ring.name);
        index.and_then(|index| judged.get(index)).map_or(&[], Vec::as_slice)
    }

    /// What earlier rollouts left on offer, with what its gates say.
    pub(crate) fn left(&self) -> impl Iterator<Item = (&'a Superseded, &Vec<Judgement>)> {
        let offers = self.plan.superseded.iter();
        let judge = || offers.clone().map(|left| gates::left(self.subject(&left.ring, &left.plan))).collect();
        offers.clone().zip(self.left.get_or_init(judge))
    }

    /// The gates that must advance for the ring to go on from where it is. A ring that adopts is
    /// judged by its health as well, which holds up its soak's end and not its begin.
    pub(crate) fn leaving(&self, ring: &Ring) -> impl Iterator<Item = &Judgement> {
        let adopts = matches!(ring.stage, RingState::Adopting(_));
        let verified = matches!(ring.stage, RingState::Verified(_));
        let counts = move |judgement: &&Judgement| !(verified || adopts && judgement.gate.is_of_health());
        self.judged(ring).iter().filter(counts)
    }

    /// What the health gates of entered rings cannot tell, or fail for: nothing is written before. A
    /// verified ring in which silent devices cannot be looked for any more is no proof either.
    pub(crate) fn ailing(&self) -> impl Iterator<Item = (&'a Ring, &Judgement)> {
        let ails = |ring: &Ring, judgement: &Judgement| match judgement.verdict {
            Verdict::Fail(_) | Verdict::Unknown(_) => judgement.gate.is_of_health(),
            Verdict::Wait(_) => {
                let looked = judgement.environment.is_some_and(|at| ring.looked.contains(&at));
                judgement.gate == Gate::Dark && looked
            }
            Verdict::Pass | Verdict::Exempt(_) => false,
        };
        self.rollout.rings.iter().flat_map(move |ring| {
            let ailing = self.judged(ring).iter().filter(move |judgement| ails(ring, judgement));
            ailing.map(move |judgement| (ring, judgement))
        })
    }

    /// What stands before every step, in the order of the table.
    pub(crate) fn blocks(&self) -> &[BlockKind] {
        self.blocked.get_or_init(|| {
            let Self { desired, state, plan, world, now, .. } = *self;
            let stands = [
                (BlockKind::Stopped, state.stop.is_some()),
                (BlockKind::LogUnwritable, world.log_unwritable.is_some()),
                (BlockKind::ClockBehind, world.clock_behind.is_some()),
                (BlockKind::ClockDoubted, world.second_clock.in_the_way(now).is_some()),
                (BlockKind::Paused, plan.paused.is_some()),
                (BlockKind::Halted, plan.rollout.halted.is_some()),
            ];
            let held = stands.into_iter().filter(|(_, stands)| *stands).map(|(kind, _)| kind);
            let mut kinds: Vec<BlockKind> =
                held.chain(plan_file::standing(plan, desired, self.known())).collect();
            kinds.sort_unstable();
            kinds
        })
    }

    /// What makes a step wait, whatever the gates say.
    pub(crate) fn stopping(&self, step: Step) -> impl Iterator<Item = BlockKind> {
        self.blocks().iter().copied().filter(move |kind| kind.stops(step))
    }

    pub(crate) fn is_held(&self) -> bool {
        self.state.stop.is_some() || self.plan.paused.is_some() || self.rollout.halted.is_some()
    }

    pub(crate) fn subject<'b>(&self, ring: &'b Ring, plan: &'b RingPlan) -> Subject<'b>
    where
        'a: 'b,
    {
        Subject { state: self.state, rollout: self.rollout, ring, plan, world: self.world, now: self.now }
    }

    /// What is known, whichever plan is asked about.
    pub(crate) const fn known(&self) -> Known<'a> {
        Known { state: self.state, world: self.world, now: self.now }
    }

    /// The first ring that is not verified.
    pub(crate) fn current(&self) -> Option<(&'a Ring, &'a RingPlan)> {
        self.rollout.rings_with_plans().find(|(ring, _)| !matches!(ring.stage, RingState::Verified(_)))
    }

    pub(crate) fn entry(&self, reason: impl Into<String>, event: Event) -> Vec<Entry> {
        vec![Entry::engine(&self.rollout.id, reason, event)]
    }
}
