//! Devices that leave an entered ring: its shares are then taken of fewer, and the log says so.
//!
//! **Invariant:** no adoption rests on the leaving of devices that no event has told of.

use crate::fleet::EnvironmentCensus;
use crate::plan::model::RingPlan;
use crate::rollout::judge::adoption::adopted;
use crate::rollout::record::{Event, Evidence, Judgement, Verdict};
use crate::rollout::state::{Ring, RingState};

/// A change by one device in so many is worth an event by itself: 5 %.
const ONE_IN: usize = 20;

/// What the log must say of leaving devices before anything rests on this word; `None`: nothing.
pub(crate) fn untold(ring: &Ring, plan: &RingPlan, judgement: &Judgement) -> Option<Event> {
    let (RingState::Adopting(_) | RingState::Soaking(..)) = &ring.stage else { return None };
    let Evidence::Adoption { census, .. } = &judgement.evidence else { return None };
    let environment = judgement.environment?;
    // After a restart nobody is known before the first sweep, and nobody has come back.
    judgement.as_of?;
    let (left, of) = (census.counts.left, census.counts.total());
    let before = ring.left.get(&environment).copied().unwrap_or(0);
    let large = left != before && left.abs_diff(before) * ONE_IN >= of;
    let decides = judgement.verdict == Verdict::Pass && rests_on(plan, census, left.saturating_sub(before));
    let ring = ring.name.clone();
    (large || decides).then_some(Event::DevicesLeft { ring, environment, left, before, of })
}

/// Whether the counts are an adoption only because so many devices are gone: had they stayed where
/// they were, or unseen, too few would have arrived, or too few been seen.
fn rests_on(plan: &RingPlan, census: &EnvironmentCensus, gone: usize) -> bool {
    let mut stayed = *census;
    stayed.counts.due += gone;
    let mut unseen = *census;
    unseen.active += gone;
    gone > 0 && (adopted(plan, &stayed).is_some() || adopted(plan, &unseen).is_some())
}

#[cfg(test)]
mod tests {

    use crate::fleet::Counts;
    use crate::ids::GroupId;
    use crate::rollout::judge::shrink::*;
    use crate::rollout::record::{Exempt, Failing, Gate, Waiting};
    use crate::rollout::state::Assigned;
    use crate::time::Timestamp;
    use crate::version::Environment;

    /// 90 % arrived of the seen, 60 % seen of the active.
    fn plan() -> RingPlan {
        let bytes = include_bytes!("../../../tests/plans/good/smallest.yaml");
        let revision = crate::plan::read("p.yaml", bytes).unwrap();
        revision.plan.rings[0].clone()
    }

    fn ring(told: usize) -> Ring {
        let at = Timestamp::UNIX_EPOCH;
        let group = GroupId::new("g").unwrap();
        let assigned = Assigned { group, policies: [].into(), at, deadline_from: at };
        Ring {
            stage: RingState::Adopting(assigned),
            left: [(Environment::Windows, told)].into(),
            ..Ring::pending(&plan(), at)
        }
    }

    fn word(arrived: usize, due: usize, left: usize, verdict: Verdict) -> Judgement {
        let counts = Counts { arrived, due, left, ..Counts::default() };
        let active = arrived + due;
        let census = EnvironmentCensus { counts, active, active_sighted: active, exercised: 0 };
        let adoption = plan().adoption;
        Judgement {
            gate: Gate::Adoption,
            environment: Some(Environment::Windows),
            verdict,
            evidence: Evidence::Adoption {
                census,
                at_least: adoption.at_least,
                seen_at_least: adoption.seen_at_least,
                deadline_at: Timestamp::MAX,
            },
            as_of: Some(Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn a_leaving_that_matters_is_told_once() {
        let wait = || Verdict::Wait(Waiting::TooFewArrived);
        let rows = [
            ("nobody left", 0, word(90, 10, 0, Verdict::Pass), false),
            ("4 of 100, and adoption does not turn on them", 0, word(95, 1, 4, Verdict::Pass), false),
            ("4 of 100, without whom too few would have arrived", 0, word(88, 8, 4, Verdict::Pass), true),
            ("the same, told before", 4, word(88, 8, 4, Verdict::Pass), false),
            ("one more of them, and it decides", 3, word(87, 9, 4, Verdict::Pass), true),
            ("one more of them, and it does not", 3, word(88, 8, 4, Verdict::Pass), false),
            ("4 of 100 of a ring that waits anyway", 0, word(50, 46, 4, wait()), false),
            ("5 of 100 of a ring that waits anyway", 0, word(50, 45, 5, wait()), true),
            ("5 more of 100", 5, word(50, 40, 10, wait()), true),
            ("5 of 100 came back", 10, word(50, 45, 5, wait()), true),
            ("4 of 100 came back", 9, word(50, 45, 5, wait()), false),
            (
                "the last device of a missed ring",
                0,
                word(0, 0, 1, Verdict::Fail(Failing::DeadlineMissed)),
                true,
            ),
            ("30 of 100, the bad ones", 0, word(70, 0, 30, Verdict::Pass), true),
        ];
        for (row, told, word, expected) in rows {
            let event = untold(&ring(told), &plan(), &word);
            assert_eq!(event.is_some(), expected, "{row}: {event:?}");
        }
    }

    #[test]
    fn a_leaving_of_unseen_devices_that_matters_is_told() {
        // 60 of 100 active devices were seen; of 103 it would be too few.
        let mut word = word(60, 0, 3, Verdict::Pass);
        let Evidence::Adoption { census, .. } = &mut word.evidence else { unreachable!() };
        (census.active, census.counts.unseen) = (100, 40);
        assert!(untold(&ring(0), &plan(), &word).is_some());
        let Evidence::Adoption { census, .. } = &mut word.evidence else { unreachable!() };
        census.active = 90;
        assert!(untold(&ring(0), &plan(), &word).is_none(), "enough were seen in any case");
    }

    #[test]
    fn a_daemon_that_has_not_looked_yet_tells_nothing() {
        let word = Judgement { as_of: None, ..word(0, 0, 0, Verdict::Exempt(Exempt::Waived)) };
        assert_eq!(untold(&ring(30), &plan(), &word), None);
    }

    #[test]
    fn only_a_ring_on_its_way_is_told_of() {
        let mut verified = ring(0);
        let RingState::Adopting(assigned) = verified.stage.clone() else { unreachable!() };
        verified.stage = RingState::Verified(assigned);
        assert_eq!(untold(&verified, &plan(), &word(70, 0, 30, Verdict::Pass)), None);
    }
}
