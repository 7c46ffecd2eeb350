//! Who is moved from which version, and the gate on taking devices down.
//!
//! A target that most devices are past of is a typing error more often than a wish, and Cloudflare
//! installs it as silently as any other.
//!
//! **Invariant:** the numbers that the gate judges are those that people are shown and the log keeps.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::Reported;
use crate::ids::PolicyId;
use crate::plan::model::{Plan, RingPlan};
use crate::rollout::judge::subject::Subject;
use crate::rollout::record::{AllMoves, Downgrade, Evidence, Gate, Judgement, Moves, Verdict, Waiting};
use crate::rollout::world::Known;
use crate::time::{SignedDuration, after};
use crate::version::{ClientVersion, Environment};

/// Devices that Cloudflare saw within so long are counted: what one that is long away runs, nobody knows.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Where the devices of a ring of `of` come from; `None`: they are not known, or its profiles are not.
pub(crate) fn known_moves(known: Known<'_>, of: &Plan, plan: &RingPlan) -> Option<AllMoves> {
    known.world.fleet.full_sweep_at()?;
    let policies = known.world.resolve_within(of, plan).ok()?;
    Some(moves(known, &plan.targets, &policies))
}

/// Where the devices of these profiles come from, for each environment with a target.
pub(crate) fn moves(
    Known { state, world, now }: Known<'_>,
    targets: &BTreeMap<Environment, ClientVersion>,
    policies: &BTreeSet<PolicyId>,
) -> AllMoves {
    let empty =
        |to: &ClientVersion| Moves { to: *to, seen: 0, from: BTreeMap::new(), taken_back: BTreeMap::new() };
    let mut all: AllMoves = targets.iter().map(|(at, to)| (*at, empty(to))).collect();
    let seen_since = after(now, -SEEN_WITHIN);
    for device in world.fleet.of_profiles(policies) {
        let latest = &device.latest;
        let Some((environment, policy)) = latest.environment().zip(latest.policy.as_ref()) else { continue };
        let is_here = policies.contains(&policy.id) && !device.has_left();
        let is_seen = latest.last_seen_at.is_some_and(|at| at >= seen_since);
        let Some(moves) = all.get_mut(&environment).filter(|_| is_here && is_seen) else { continue };
        moves.seen += 1;
        let Reported::Version(version) = latest.client else { continue };
        if version == moves.to || !version.follows_assignments() {
            continue;
        }
        *moves.from.entry(version).or_default() += 1;
        if state.is_blocked(&policy.id, environment, version) {
            *moves.taken_back.entry(version).or_default() += 1;
        }
    }
    all
}

/// The gate's word in each environment with a target, for these profiles.
pub(crate) fn judge(subject: Subject<'_>, policies: &BTreeSet<PolicyId>) -> Vec<Judgement> {
    let allowed = &subject.plan.allow_downgrade;
    let as_of = subject.world.fleet.full_sweep_at();
    let judge = |(environment, moves): (Environment, Moves)| {
        let waits = moves.is_too_many(allowed);
        let verdict = if waits { Verdict::Wait(Waiting::WouldDowngrade) } else { Verdict::Pass };
        let evidence = Evidence::Downgrade(Downgrade { moves, allowed: allowed.to_string() });
        Judgement { gate: Gate::Downgrade, environment: Some(environment), verdict, evidence, as_of }
    };
    moves(subject.known(), &subject.plan.targets, policies).into_iter().map(judge).collect()
}

/// What the words of a ring's gates say of its devices; `None`: the devices are not known.
pub fn moves_of(judgements: &[Judgement]) -> Option<AllMoves> {
    let told = judgements.iter().filter_map(|word| match (&word.evidence, word.environment) {
        (Evidence::Downgrade(seen), Some(environment)) => Some((environment, seen.moves.clone())),
        _ => None,
    });
    let all: AllMoves = told.collect();
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use crate::plan::model::AllowDowngrade;
    use std::collections::BTreeMap;

    use crate::rollout::record::Moves;
    use crate::version::ClientVersion;

    fn version(text: &str) -> ClientVersion {
        text.parse().unwrap()
    }

    fn moves(seen: usize, newer: usize, taken_back: usize) -> Moves {
        let from = [("2026.8.2100.0", newer), ("2026.6.822.0", 4)];
        Moves {
            to: version("2026.6.880.0"),
            seen,
            from: from.map(|(at, devices)| (version(at), devices)).into(),
            taken_back: [(version("2026.8.2100.0"), taken_back)].into(),
        }
    }

    #[test]
    fn a_ring_waits_when_more_than_a_few_would_go_down_unasked() {
        let range = |text: &str| AllowDowngrade::From(text.parse().unwrap());
        let nothing = || AllowDowngrade::Nothing;
        let rows = [
            ("nobody", 1_000, 0, 0, nothing(), false),
            ("two of ten", 10, 2, 0, nothing(), false),
            ("three of ten", 10, 3, 0, nothing(), true),
            ("three of sixty, which is 5 %", 60, 3, 0, nothing(), false),
            ("three of fifty-nine", 59, 3, 0, nothing(), true),
            ("most", 1_585, 1_484, 0, nothing(), true),
            ("most, which a rollback took back", 1_585, 1_484, 1_484, nothing(), false),
            ("most, of which three are others", 50, 48, 45, nothing(), true),
            ("any allowed", 1_585, 1_484, 0, AllowDowngrade::Any, false),
            ("up to theirs", 1_585, 1_484, 0, range("<=2026.8.2100"), false),
            ("up to an earlier one", 1_585, 1_484, 0, range("<=2026.8.2099"), true),
        ];
        for (row, seen, newer, taken_back, allowed, expected) in rows {
            assert_eq!(moves(seen, newer, taken_back).is_too_many(&allowed), expected, "{row}");
        }
    }

    #[test]
    fn people_read_where_devices_come_from() {
        let text = moves(1_585, 1_484, 0).to_string();
        assert_eq!(text, "1484 from 2026.8.2100.0, 4 from 2026.6.822.0 → 2026.6.880.0; 1484 of them down");
        let none = Moves { from: BTreeMap::new(), ..moves(3, 0, 0) };
        assert_eq!(none.to_string(), "0 devices → 2026.6.880.0; 0 of them down");
    }
}
