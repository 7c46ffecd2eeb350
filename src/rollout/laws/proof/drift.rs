//! Drift: why what is said of it is not so, by the groups in the books.
//!
//! **Invariant:** a group drifted when it is off what ringward left or knows, and by nobody's word.

use crate::plan::model::{OnDrift, RingPlan};
use crate::rollout::laws::case::Case;
use crate::rollout::laws::ledger::{Owned, PlanLine, RingLine};
use crate::rollout::laws::proof::content::{names, offers};
use crate::rollout::record::GroupContent;
use crate::rollout::record::{Gate, Judgement};
use crate::rollout::record::{GroupDrift, Never, OtherUpdater};
use crate::time::{SignedDuration, since};

/// Devices that move within a day are counted together; so many of them, and more than one in so
/// many of the ring, are another updater at work.
const UPDATER_WITHIN: SignedDuration = SignedDuration::from_hours(24);
const UPDATER_DEVICES: usize = 3;
const UPDATER_ONE_IN: usize = 10;

/// A ring's group is written back so often in a rollout, and no more.
pub(crate) const RESTORES: u32 = 3;

/// Why a drift is none from what is known of the group.
pub(crate) fn not_off_known(case: &Case<'_>, drift: &GroupDrift) -> Option<String> {
    let is_off = is_off(case, drift, |owned| &owned.last.content);
    (!is_off).then(|| "the group is as ringward left it, or not ringward's".to_owned())
}

/// Why a drift is none from what ringward left.
pub(crate) fn not_off_left(case: &Case<'_>, drift: &GroupDrift) -> Option<String> {
    let is_off = is_off(case, drift, |owned| owned.left);
    (!is_off).then(|| "the group is as ringward left it, or ringward left another".to_owned())
}

/// Whether a ring's group, present or accepted as gone, was as expected by the books, and is not now.
fn is_off(
    case: &Case<'_>,
    drift: &GroupDrift,
    before: for<'b> fn(&'b Owned<'_>) -> &'b GroupContent,
) -> bool {
    let expected = &drift.expected.content;
    let owned = case.ledger.groups.all().find(|owned| owned.is_meant_by(drift));
    owned.is_some_and(|owned| before(owned).offers_the_same(expected))
        && drift.seen.as_ref().is_none_or(|seen| !seen.content.offers_the_same(expected))
}

/// Why devices are not moved by another updater.
pub(crate) fn no_updater(case: &Case<'_>, line: &PlanLine<'_>, updater: &OtherUpdater) -> Option<String> {
    let OtherUpdater { ring, of, moved, versions, since: from } = updater;
    if line.ring(ring).is_none() {
        return Some(format!("the rollout has no ring {ring}"));
    }
    if versions.iter().map(|to| to.devices).sum::<usize>() != *moved || moved > of {
        return Some("the devices that moved do not add up".to_owned());
    }
    if *moved < UPDATER_DEVICES || moved * UPDATER_ONE_IN <= *of {
        return Some(format!("{moved} of {of} devices are too few for another updater"));
    }
    if since(*from, case.at) > UPDATER_WITHIN {
        return Some(format!("moves since {from} are counted, more than a day"));
    }
    let group = case.ledger.groups.of(case.plan?, ring)?;
    let offered = versions.iter().find(|to| offers(&group.last.content, to.environment, to.version))?;
    Some(format!("the ring's group offers {} to {}", offered.version, offered.environment))
}

/// Why a halt for drift has no grounds.
pub(crate) fn ungrounded_halt(case: &Case<'_>, line: &PlanLine<'_>, drift: &GroupDrift) -> Option<String> {
    match line.plan.on_drift {
        OnDrift::Halt => not_off_known(case, drift),
        OnDrift::Accept => {
            let seen = drift.seen.as_ref().map(|seen| &seen.content);
            let blocked = case.ledger.blocked.iter().any(|blocked| {
                seen.is_some_and(|seen| {
                    names(seen, blocked.version) && seen.policies.contains(blocked.policy)
                })
            });
            if blocked { not_off_known(case, drift) } else { Some("the plan accepts drift".to_owned()) }
        }
        OnDrift::Restore => not_off_left(case, drift).or_else(|| match &drift.never {
            Some(never) => unborne(case, line, drift, never),
            None if drift.elsewhere.is_empty() => {
                Some("the plan has the drift written back, and nothing stands against it".to_owned())
            }
            None => None,
        }),
    }
}

/// Why the books do not bear out that a group is never written back.
fn unborne(case: &Case<'_>, line: &PlanLine<'_>, drift: &GroupDrift, never: &Never) -> Option<String> {
    match never {
        Never::Forbidden { .. } => forbidden(line, &drift.expected.content)
            .is_none()
            .then(|| "the plan forbids nothing of what ringward left".to_owned()),
        Never::BlockedVersion { version, .. } => {
            let left = names(&drift.expected.content, *version);
            let blocked = case.ledger.blocked.iter().any(|blocked| blocked.version == *version);
            (!(left && blocked)).then(|| format!("{version} is not blocked, or not what ringward left"))
        }
        Never::Superseded { version, .. } => {
            let left =
                line.left_in(&drift.ring).is_some_and(|left| left.targets.values().any(|at| at == version));
            (!left).then(|| format!("{version} is not what an earlier rollout left on offer there"))
        }
        Never::TooOften { times } => {
            let done = line.ring(&drift.ring).map_or(0, |ring| ring.restoring.done);
            (done != *times || done < RESTORES).then(|| format!("it was written back {done} times"))
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

/// Why devices cannot be said to stand still: by the books, their group does not offer their target.
pub(crate) fn not_offered(
    case: &Case<'_>,
    (ring, plan): (&RingLine<'_>, &RingPlan),
    word: &Judgement,
) -> Option<String> {
    let environment = word.environment.filter(|_| word.gate == Gate::Stalled)?;
    let target = *plan.targets.get(&environment)?;
    let offered = |content: &GroupContent| {
        offers(content, environment, target)
            && ring.policies.is_none_or(|policies| policies.is_subset(&content.policies))
    };
    let on_offer = ring.group.and_then(|id| case.ledger.groups.get(id)).is_some_and(|owned| {
        let found =
            owned.drifted.is_none_or(|drift| drift.seen.as_ref().is_some_and(|seen| offered(&seen.content)));
        found && offered(&owned.last.content)
    });
    (!on_offer).then(|| format!("the group of {} does not offer {target} to {environment}", ring.name))
}
