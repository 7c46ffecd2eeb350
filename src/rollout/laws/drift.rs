//! Drift: what may be recorded about it, what may be written back, and what it keeps from going on.
//!
//! **Invariant:** a group is written back only as ringward left it, and only after its drift is on
//! record.

use super::ledger::{Ledger, Owned, PlanLine, RingLine};
use super::{Audit, Law};
use crate::plan::model::{OnDrift, Plan, RingPlan};
use crate::rollout::event::{Drift, Event, GroupDrift, Never, OtherUpdater, Recorded, WriteIntent};
use crate::rollout::remote::GroupContent;
use crate::rollout::verdict::{Gate, Judgement};
use crate::time::{SignedDuration, since};

/// Devices that move within a day are counted together; so many of them, and more than one in so
/// many of the ring, are another updater at work.
const UPDATER_WITHIN: SignedDuration = SignedDuration::from_hours(24);
const UPDATER_DEVICES: usize = 3;
const UPDATER_ONE_IN: usize = 10;

/// A ring's group is written back so often in a rollout, and no more.
const RESTORES: u32 = 3;

/// Whether what is recorded about drift has its grounds in the books.
pub(super) fn check(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Some(line) = ledger.line(recorded) else { return };
    let on_drift = line.plan.on_drift;
    let why = match &recorded.entry.event {
        Event::DriftFound { drift } if drift.never.is_some() => {
            Some("a drift that is never written back is on record as to be written back".to_owned())
        }
        Event::DriftFound { drift } if on_drift == OnDrift::Restore => not_off_left(ledger, drift),
        Event::DriftFound { .. } => Some("the plan does not have drift written back".to_owned()),
        Event::DriftAdopted { drift: Drift::Group(drift) } if on_drift == OnDrift::Adopt => {
            not_off_known(ledger, drift)
        }
        Event::DriftAdopted { drift: Drift::OtherUpdater(updater) } if on_drift == OnDrift::Adopt => {
            no_updater(ledger, line, recorded, updater)
        }
        Event::DriftAdopted { .. } => Some("the plan does not adopt drift".to_owned()),
        Event::DriftEnded { group, .. } => {
            let owned = ledger.groups.get(&group.id);
            let off = |owned: &&Owned<'_>| {
                owned.drifted.is_some() || !owned.last.content.offers_the_same(owned.left)
            };
            let sound = owned.filter(off).is_some_and(|owned| group.content.offers_the_same(owned.left));
            (!sound).then(|| "the group had not drifted, or is not as ringward left it".to_owned())
        }
        Event::GroupRenamed { was, group, .. } => (!ledger.groups.contains_key(&group.id)
            || *was == group.content.name)
            .then(|| "the group has the name that it had, or is not ringward's".to_owned()),
        _ => None,
    };
    if let Some(why) = why {
        audit.breach(Law::Grounded, recorded.seq, why);
    }
}

/// Why a halt for drift has no grounds.
pub(super) fn ungrounded_halt(
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    drift: &GroupDrift,
) -> Option<String> {
    match line.plan.on_drift {
        OnDrift::Halt => not_off_known(ledger, drift),
        OnDrift::Adopt => {
            let seen = drift.seen.as_ref().map(|seen| &seen.content);
            let held = ledger.held.iter().any(|held| {
                let offers = |content: &GroupContent| {
                    let version = held.version.to_string();
                    let offered = content.versions.iter().any(|entry| entry.version == version);
                    offered && content.policies.contains(held.policy)
                };
                seen.is_some_and(offers)
            });
            if held { not_off_known(ledger, drift) } else { Some("the plan adopts drift".to_owned()) }
        }
        OnDrift::Restore => not_off_left(ledger, drift).or_else(|| match &drift.never {
            Some(never) => unborne(ledger, line, drift, never),
            None if drift.elsewhere.is_empty() => {
                Some("the plan has the drift written back, and nothing stands against it".to_owned())
            }
            None => None,
        }),
    }
}

/// Why the books do not bear out that a group is never written back.
fn unborne(ledger: &Ledger<'_>, line: &PlanLine<'_>, drift: &GroupDrift, never: &Never) -> Option<String> {
    match never {
        Never::Forbidden { .. } => forbidden(line.plan, &drift.expected.content)
            .is_none()
            .then(|| "the plan forbids nothing of what ringward left".to_owned()),
        Never::HeldOut { version, .. } => {
            let text = version.to_string();
            let left = drift.expected.content.versions.iter().any(|entry| entry.version == text);
            let held = ledger.held.iter().any(|held| held.version == *version);
            (!(left && held)).then(|| format!("{version} is not held out, or not what ringward left"))
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
pub(super) fn forbidden<'a>(plan: &Plan, content: &'a GroupContent) -> Option<&'a str> {
    let forbids = |version: &str| {
        let mut numbers = version.split('.').map_while(|number| number.parse::<u64>().ok());
        let (Some(year), Some(month), Some(build)) = (numbers.next(), numbers.next(), numbers.next()) else {
            return false;
        };
        let version = semver::Version::new(year, month, build);
        plan.forbid.iter().any(|forbid| forbid.versions.matches(&version))
    };
    content.versions.iter().map(|entry| entry.version.as_str()).find(|version| forbids(version))
}

/// Why a halt for another updater has no grounds.
pub(super) fn ungrounded_updater(
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    updater: &OtherUpdater,
) -> Option<String> {
    if line.plan.on_drift == OnDrift::Adopt {
        return Some("the plan adopts drift".to_owned());
    }
    no_updater(ledger, line, recorded, updater)
}

fn no_updater(
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    updater: &OtherUpdater,
) -> Option<String> {
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
    if since(*from, recorded.at) > UPDATER_WITHIN {
        return Some(format!("moves since {from} are counted, more than a day"));
    }
    let plan = recorded.entry.rollout.as_ref().map(|id| &id.plan)?;
    let group = ledger.group_of(plan, ring).and_then(|id| ledger.groups.get(id))?;
    let offered = versions.iter().find(|to| {
        let version = to.version.to_string();
        group.last.content.target(to.environment) == Some(version.as_str())
    })?;
    Some(format!("the ring's group offers {} to {}", offered.version, offered.environment))
}

/// A ring's group, present or accepted as gone, that a drift is about.
fn owned<'b, 'a>(ledger: &'b Ledger<'a>, drift: &GroupDrift) -> Option<&'b Owned<'a>> {
    let known = ledger.groups.values().chain(ledger.lost.values());
    known.into_iter().find(|owned| *owned.ring == drift.ring && owned.last.id == drift.expected.id)
}

/// Why a drift is none from what is known of the group.
fn not_off_known(ledger: &Ledger<'_>, drift: &GroupDrift) -> Option<String> {
    let expected = &drift.expected.content;
    let differs = drift.seen.as_ref().is_none_or(|seen| !seen.content.offers_the_same(expected));
    let ours = owned(ledger, drift).is_some_and(|owned| owned.last.content.offers_the_same(expected));
    (!(ours && differs)).then(|| "the group is as ringward left it, or not ringward's".to_owned())
}

/// Why a drift is none from what ringward left.
fn not_off_left(ledger: &Ledger<'_>, drift: &GroupDrift) -> Option<String> {
    let expected = &drift.expected.content;
    let differs = drift.seen.as_ref().is_none_or(|seen| !seen.content.offers_the_same(expected));
    let left = owned(ledger, drift).is_some_and(|owned| owned.left.offers_the_same(expected));
    (!(left && differs)).then(|| "the group is as ringward left it, or ringward left another".to_owned())
}

/// A write that puts a group back.
pub(super) fn restored(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    plan: &RingPlan,
    intent: &WriteIntent,
) {
    let seq = recorded.seq;
    let restores = line.plan.on_drift == OnDrift::Restore;
    audit
        .require(restores, Law::WriteAllowed, seq, || "the plan does not have drift written back".to_owned());
    if let Some(version) = forbidden(line.plan, &intent.after) {
        audit.breach(Law::WriteAllowed, seq, format!("{version} is written back, which the plan forbids"));
    }
    let done = line.ring(&plan.name).map_or(0, |ring| ring.restoring.done);
    audit.require(done < RESTORES, Law::WriteAllowed, seq, || {
        format!("the group is written back, and was {done} times before in this rollout")
    });
    let Some(id) = &recorded.entry.rollout else { return };
    let mut drifted = ledger.drifted(&id.plan).filter(|owned| *owned.ring == plan.name);
    let as_seen = |owned: &&Owned<'_>| {
        let seen = owned.drifted.map(|drift| &drift.seen);
        match (seen, &intent.before) {
            (Some(Some(seen)), Some(before)) => {
                seen.id == before.id && seen.content.offers_the_same(&before.content)
            }
            (Some(None), None) => true,
            _ => false,
        }
    };
    let Some(owned) = drifted.find(as_seen) else {
        audit.breach(Law::WriteAllowed, seq, "the drift that it undoes is not on record");
        return;
    };
    audit.require(intent.after.offers_the_same(owned.left), Law::NothingDropped, seq, || {
        "the group is not written back as ringward left it".to_owned()
    });
    audit.require(intent.policies == intent.after.policies, Law::NothingDropped, seq, || {
        "the profiles that adopt are not those of the group".to_owned()
    });
}

/// While a group is to be written back, nothing else is written for its plan.
pub(super) fn nothing_else(audit: &mut Audit, ledger: &Ledger<'_>, line: &PlanLine<'_>, recorded: &Recorded) {
    let Some(id) = &recorded.entry.rollout else { return };
    let restores = line.plan.on_drift == OnDrift::Restore;
    let of_this = |owned: &&Owned<'_>| line.ring(owned.ring).is_some();
    if let Some(owned) = ledger.drifted(&id.plan).find(of_this).filter(|_| restores) {
        let text = format!("the group of {} drifted, and is to be written back first", owned.ring);
        audit.breach(Law::WriteAllowed, recorded.seq, text);
    }
}

/// Why devices cannot be said to stand still: by the books, their group does not offer their target.
pub(super) fn not_offered(
    ledger: &Ledger<'_>,
    ring: &RingLine<'_>,
    plan: &RingPlan,
    word: &Judgement,
) -> Option<String> {
    let environment = word.environment.filter(|_| word.gate == Gate::Stalled)?;
    let target = plan.targets.get(&environment)?.to_string();
    let offers = |content: &GroupContent| {
        content.target(environment) == Some(target.as_str())
            && ring.policies.is_none_or(|policies| policies.is_subset(&content.policies))
    };
    let on_offer = ring.group.and_then(|id| ledger.groups.get(id)).is_some_and(|owned| {
        let found =
            owned.drifted.is_none_or(|drift| drift.seen.as_ref().is_some_and(|seen| offers(&seen.content)));
        found && offers(&owned.last.content)
    });
    (!on_offer).then(|| format!("the group of {} does not offer {target} to {environment}", ring.name))
}

/// A ring is verified only on a group that offers its targets, as far as the log can tell.
pub(super) fn on_offer(
    audit: &mut Audit,
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    ring: &RingLine<'_>,
    plan: &RingPlan,
    recorded: &Recorded,
) {
    let (law, seq) = (Law::SoakProven, recorded.seq);
    let Some(owned) = ring.group.and_then(|id| ledger.groups.get(id)) else {
        audit.breach(law, seq, format!("{} is verified though its group is gone", ring.name));
        return;
    };
    let content = &owned.last.content;
    let offered = plan
        .targets
        .iter()
        .all(|(environment, version)| content.target(*environment) == Some(version.to_string().as_str()));
    let to_all = ring.policies.is_none_or(|policies| policies.is_subset(&content.policies));
    audit.require(offered && to_all, law, seq, || {
        format!("{} is verified though its group does not offer its targets", ring.name)
    });
    let restores = line.plan.on_drift == OnDrift::Restore;
    audit.require(!restores || owned.drifted.is_none(), law, seq, || {
        format!("{} is verified though its group is to be written back", ring.name)
    });
}
