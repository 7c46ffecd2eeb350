//! Drift: whether what is said of it is so, by the groups in the books.
//!
//! **Invariant:** a group drifted when it is off what ringward left or knows, and by nobody's word.

use super::content::{names, offers};
use super::{Proof, ensure};
use crate::plan::model::OnDrift;
use crate::rollout::laws::case::Case;
use crate::rollout::laws::ledger::{PlanLine, PlannedRing};
use crate::rollout::record::{Gate, Group, GroupContent, GroupDrift, Judgement, Never, OtherUpdater};
use crate::time::{SignedDuration, since};

/// Devices that move within a day are counted together; so many of them, and more than one in so
/// many of the ring, are another updater at work.
const UPDATER_WITHIN: SignedDuration = SignedDuration::from_hours(24);
const UPDATER_DEVICES: usize = 3;
const UPDATER_ONE_IN: usize = 10;

/// A ring's group is written back so often in a rollout, and no more.
pub(crate) const RESTORES: u32 = 3;

/// Whether a group is off what is known of it.
pub(crate) fn is_off_known(case: &Case<'_>, drift: &GroupDrift) -> Proof {
    let is_off = is_off(drift, case.ledger.groups.meant_by(drift).map(|owned| &owned.last.content));
    ensure(is_off, || "the group is as ringward left it, or not ringward's")
}

/// Whether a group is off what ringward left.
pub(crate) fn is_off_left(case: &Case<'_>, drift: &GroupDrift) -> Proof {
    let is_off = is_off(drift, case.ledger.groups.meant_by(drift).map(|owned| owned.left));
    ensure(is_off, || "the group is as ringward left it, or ringward left another")
}

/// Whether a ring's group, present or accepted as gone, was as expected by the books, and is not now.
fn is_off(drift: &GroupDrift, before: Option<&GroupContent>) -> bool {
    let expected = &drift.expected.content;
    before.is_some_and(|before| before.offers_the_same(expected))
        && drift.seen.as_ref().is_none_or(|seen| !seen.content.offers_the_same(expected))
}

/// Whether another updater moves devices.
pub(crate) fn is_updater(case: &Case<'_>, line: &PlanLine<'_>, updater: &OtherUpdater) -> Proof {
    let OtherUpdater { ring, of, moved, versions, since: from } = updater;
    ensure(line.ring(ring).is_some(), || format!("the rollout has no ring {ring}"))?;
    let counted: usize = versions.iter().map(|to| to.devices).sum();
    ensure(counted == *moved && moved <= of, || "the devices that moved do not add up")?;
    ensure(*moved >= UPDATER_DEVICES && moved * UPDATER_ONE_IN > *of, || {
        format!("{moved} of {of} devices are too few for another updater")
    })?;
    ensure(since(*from, case.at) <= UPDATER_WITHIN, || {
        format!("moves since {from} are counted, more than a day")
    })?;
    let group = case.plan.and_then(|plan| case.ledger.groups.of(plan, ring));
    let offers =
        |content: &GroupContent| versions.iter().find(|to| offers(content, to.environment, to.version));
    match group.and_then(|group| offers(&group.last.content)) {
        Some(to) => Err(format!("the ring's group offers {} to {}", to.version, to.environment)),
        None => Ok(()),
    }
}

/// Whether a halt for drift has its grounds.
pub(crate) fn halts(case: &Case<'_>, line: &PlanLine<'_>, drift: &GroupDrift) -> Proof {
    match line.plan.on_drift {
        OnDrift::Halt => is_off_known(case, drift),
        OnDrift::Accept => {
            let blocked = drift.seen.as_ref().is_some_and(|Group { content, .. }| {
                let mut blocked = case.ledger.blocked.iter();
                blocked.any(|one| names(content, one.version) && content.policies.contains(one.policy))
            });
            ensure(blocked, || "the plan accepts drift")?;
            is_off_known(case, drift)
        }
        OnDrift::Restore => {
            is_off_left(case, drift)?;
            match &drift.never {
                Some(never) => is_never(case, line, drift, never),
                None => ensure(
                    !drift.elsewhere.is_empty(),
                    || "the plan has the drift written back, and nothing stands against it",
                ),
            }
        }
    }
}

/// Whether the books bear out that a group is never written back.
fn is_never(case: &Case<'_>, line: &PlanLine<'_>, drift: &GroupDrift, never: &Never) -> Proof {
    match never {
        Never::Forbidden { .. } => ensure(
            forbidden(line, &drift.expected.content).is_some(),
            || "the plan forbids nothing of what ringward left",
        ),
        Never::BlockedVersion { version, .. } => {
            let left = names(&drift.expected.content, *version);
            let blocked = case.ledger.blocked.iter().any(|blocked| blocked.version == *version);
            ensure(left && blocked, || format!("{version} is not blocked, or not what ringward left"))
        }
        Never::Superseded { version, .. } => {
            let left = line.left_in(&drift.ring);
            ensure(left.is_some_and(|left| left.targets.values().any(|at| at == version)), || {
                format!("{version} is not what an earlier rollout left on offer there")
            })
        }
        Never::TooOften { times } => {
            let done = line.ring(&drift.ring).map_or(0, |ring| ring.restoring.done);
            ensure(done == *times && done >= RESTORES, || format!("it was written back {done} times"))
        }
    }
}

/// A version of a group that the plan forbids.
pub(crate) fn forbidden<'a>(line: &PlanLine<'_>, content: &'a GroupContent) -> Option<&'a str> {
    let forbids = |version: &str| {
        let mut numbers = version.split('.').map_while(|number| number.parse::<u64>().ok());
        let (Some(year), Some(month), Some(build)) = (numbers.next(), numbers.next(), numbers.next()) else {
            return false;
        };
        line.forbids_build(&semver::Version::new(year, month, build))
    };
    content.versions.iter().map(|entry| entry.version.as_str()).find(|version| forbids(version))
}

/// Whether devices can be said to stand still: by the books, their group offers their target.
pub(crate) fn is_offered(case: &Case<'_>, (ring, plan): PlannedRing<'_>, word: &Judgement) -> Proof {
    let environment = word.environment.filter(|_| word.gate == Gate::Stalled);
    let target = environment.and_then(|environment| plan.targets.get_key_value(&environment));
    let Some((environment, target)) = target else { return Ok(()) };
    let offered = |content: &GroupContent| {
        offers(content, *environment, *target)
            && ring.policies.is_none_or(|policies| policies.is_subset(&content.policies))
    };
    let on_offer = ring.group.and_then(|id| case.ledger.groups.get(id)).is_some_and(|owned| {
        let found =
            owned.drifted.is_none_or(|drift| drift.seen.as_ref().is_some_and(|seen| offered(&seen.content)));
        found && offered(&owned.last.content)
    });
    ensure(on_offer, || format!("the group of {} does not offer {target} to {environment}", ring.name))
}
