//! The chain of events, who may do what, and the grounds of halts, acknowledgements and waivers.
//!
//! **Invariant:** what a person must do is never taken from the engine, nor the reverse.

use super::drift;
use super::exit::not_adopted;
use super::ledger::{Course, Ledger, Place, PlanLine, RingLine, TokenLine, same_offer};
use super::{Audit, Law, health, superseded};
use crate::ids::{PlanName, RingName};
use crate::plan::model::{OnNewTarget, Plan, RingPlan};
use crate::rollout::event::{Actor, Block, BlockKind, Cause, Event, Purpose, Recorded, RolloutId, Trigger};
use crate::rollout::verdict::{Evidence, Failing, Gate, Judgement, Unknown, Verdict};
use crate::time::{SignedDuration, Timestamp, after, since};

/// Writes in a row that may come to nothing before a person must look.
const FAILURES_TO_HALT: u32 = 6;

pub(super) fn chain(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let (law, seq) = (Law::Chain, recorded.seq);
    audit.require(seq == ledger.last_seq + 1, law, seq, || format!("it follows event {}", ledger.last_seq));
    let confirms = matches!(recorded.entry.event, Event::ClockConfirmed { .. });
    audit.require(confirms || ledger.last_at.is_none_or(|last| last <= recorded.at), law, seq, || {
        "its time lies before that of the event before it".to_owned()
    });
    let event = &recorded.entry.event;
    match (&recorded.entry.rollout, event) {
        (
            rollout,
            Event::DaemonStarted { .. }
            | Event::ClockStepped { .. }
            | Event::ClockConfirmed { .. }
            | Event::Stopped {}
            | Event::Started {}
            | Event::TokenMade { .. }
            | Event::TokenRevoked { .. }
            | Event::AccessIntended { .. }
            | Event::AccessSettled { .. },
        ) => {
            audit
                .require(rollout.is_none(), law, seq, || "it is about the account, not a rollout".to_owned());
            match event {
                Event::Stopped {} => {
                    audit.require(!ledger.stopped, law, seq, || "writes are stopped already".to_owned());
                }
                Event::Started {} => {
                    audit.require(ledger.stopped, law, seq, || "writes are not stopped".to_owned());
                }
                Event::TokenMade { token } => {
                    let known = ledger.tokens.contains_key(&token.name);
                    audit.require(!known, law, seq, || "a token of that name is on record".to_owned());
                }
                Event::TokenRevoked { name } => {
                    let live = ledger.tokens.get(name) == Some(&TokenLine::Live);
                    audit.require(live, law, seq, || "there is no such token to revoke".to_owned());
                }
                Event::AccessSettled { intent, .. } => {
                    let open = ledger.open_access.contains(intent);
                    audit.require(open, law, seq, || format!("{intent} is no open change of access"));
                }
                _ => {}
            }
        }
        (None, _) => audit.breach(law, seq, "it names no rollout"),
        (Some(id), Event::PlanAccepted { revision }) => {
            audit.require(revision.plan.name == id.plan, law, seq, || "the plan has another name".to_owned());
            accepted(audit, ledger, recorded, id);
        }
        (Some(id), Event::PlanRenamed { from }) => renamed(audit, ledger, recorded, (id, from)),
        // A revision waits before its plan has a rollout.
        (
            Some(id),
            Event::BlockBegun { block: Block::RevisionWaits(_) }
            | Event::BlockEnded { block: BlockKind::RevisionWaits | BlockKind::PlanUnstable }
            | Event::RevisionConfirmed { .. },
        ) => {
            let known = ledger.plans.get(&id.plan).map(|line| line.number);
            let number = known.unwrap_or_else(|| ledger.next_number(&id.plan));
            audit.require(id.number == number, law, seq, || {
                format!("{id} is neither the rollout that its plan is in nor its first")
            });
        }
        (Some(id), _) => match ledger.line(recorded) {
            None => audit.breach(law, seq, format!("{id} is not the rollout that its plan is in")),
            Some(line) => course(audit, line, recorded),
        },
    }
}

fn accepted(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded, id: &RolloutId) {
    let before = ledger.plans.get(&id.plan);
    if let Event::PlanAccepted { revision } = &recorded.entry.event {
        let waits = before.is_some_and(|line| line.was_replaced)
            && revision.plan.on_new_target == OnNewTarget::Finish;
        audit.require(!waits, Law::Grounded, recorded.seq, || {
            "it takes over from a running rollout, and says `on_new_target: finish`".to_owned()
        });
    }
    let number = ledger.next_number(&id.plan);
    audit.require(id.number == number, Law::Chain, recorded.seq, || {
        format!("the next rollout of this plan is number {number}")
    });
    let runs = |line: &PlanLine<'_>| matches!(line.course, Course::Running | Course::RollingBack);
    audit.require(!before.is_some_and(runs), Law::Chain, recorded.seq, || {
        "the rollout before it still runs".to_owned()
    });
}

/// A plan goes on under another name: at rest, and once no readable file names it.
fn renamed(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded, (id, from): (&RolloutId, &PlanName)) {
    let (law, seq) = (Law::Chain, recorded.seq);
    let entered = |line: &PlanLine<'_>| !line.left.is_empty() || line.rings.iter().any(RingLine::is_entered);
    let known = ledger.plans.get(&id.plan).is_some_and(entered);
    let owns = ledger.groups.values().chain(ledger.lost.values()).any(|owned| *owned.plan == id.plan);
    audit.require(!known && !owns, law, seq, || format!("{} has entered rings of its own", id.plan));
    let Some(line) = ledger.plans.get(from) else {
        return audit.breach(law, seq, format!("nothing is on record of {from}"));
    };
    // What its earlier rollouts brought has lower numbers.
    let number = ledger.next_number(&id.plan).max(line.number);
    audit.require(id.number == number, law, seq, || format!("it goes on as number {number}"));
    let is_gone = line.file_gone || line.course == Course::Withdrawn;
    audit.require(is_gone || line.blocks.contains(&BlockKind::FileMissing), Law::Grounded, seq, || {
        format!("a file names {from}")
    });
    let told = ledger.waiting.get(&id.plan).is_some_and(|waiting| waiting.revision.in_force.is_some());
    audit.require(is_gone || told, Law::Grounded, seq, || {
        format!("nobody was told that {from} goes on, and it is not gone for certain")
    });
    let is_between = line.rings.iter().any(|ring| !ring.between.is_empty());
    let writes = ledger.open.as_ref().is_some_and(|open| open.plan == from);
    let moves = matches!(line.course, Course::RollingBack | Course::Superseded) || is_between || writes;
    audit.require(!moves, Law::Grounded, seq, || format!("{from} is not at rest"));
}

/// What may happen in which phase.
fn course(audit: &mut Audit, line: &PlanLine<'_>, recorded: &Recorded) {
    let event = &recorded.entry.event;
    let running = line.course == Course::Running;
    let goes_back = line.course == Course::RollingBack;
    let fits = match event {
        Event::Paused {} => !line.paused,
        Event::PauseLifted {} => line.paused,
        Event::HaltLifted { .. } => line.halted.is_some(),
        Event::RolloutReturned {} => line.course == Course::Withdrawn,
        Event::RolloutSuperseded { .. } => running || line.course == Course::Withdrawn,
        Event::PlanRevised { .. } => !matches!(line.course, Course::Superseded | Course::RollingBack),
        Event::RollbackStarted { .. } => line.course != Course::Superseded,
        Event::VersionReleased { .. } | Event::PlanFileNamed { .. } | Event::RevisionConfirmed { .. } => true,
        Event::PlanRestricted { .. } | Event::RingRenamed { .. } => line.course != Course::Superseded,
        Event::BlockEnded { .. } | Event::BlockBegun { block: Block::RevisionWaits(_) } => true,
        Event::BlockBegun { .. } => running || goes_back,
        Event::RollbackInPlace { .. } | Event::RingRolledBack { .. } | Event::RollbackCompleted {} => {
            goes_back
        }
        Event::WritePlanned { intent, .. } if matches!(intent.purpose, Purpose::Rollback { .. }) => goes_back,
        Event::WritePlanned { intent, .. } if intent.purpose.goes_back() => running || goes_back,
        Event::WriteCancelled { .. }
        | Event::WriteConfirmed { .. }
        | Event::WriteRefused { .. }
        | Event::WriteDoubted { .. }
        | Event::DoubtRead { .. }
        | Event::WriteSettled { .. }
        | Event::Halted { .. } => running || goes_back,
        Event::PlanFileGone {} => {
            matches!(line.course, Course::Completed | Course::RolledBack) && !line.file_gone
        }
        Event::NewTargetDropped {} => running && line.waiting.is_some(),
        Event::GateWaived { gate: Gate::Ring, .. } => running || line.course == Course::Withdrawn,
        _ => running,
    };
    audit.require(fits, Law::Chain, recorded.seq, || {
        format!("{} does not fit the rollout's phase or holds", event.kind())
    });
    if let Event::NewTargetWaits { revision } = event {
        let mut entered = line.rings.iter().filter(|ring| ring.is_entered());
        let is_newer = entered.any(|ring| !keeps(line, ring, &revision.plan));
        let finish = revision.plan.on_new_target == OnNewTarget::Finish;
        audit.require(is_newer && finish, Law::Grounded, recorded.seq, || {
            "a plan waits that changes no entered ring, or does not say `on_new_target: finish`".to_owned()
        });
    }
    if let Event::PlanRevised { revision, dropped, .. } = event {
        let kept = |name: &RingName| {
            line.ring(name).is_some_and(|ring| ring.is_entered() && ring.place != Place::Verified)
        };
        audit.require(dropped.iter().all(kept), Law::RingsInOrder, recorded.seq, || {
            "a ring is said to keep its place that was not entered, or is verified".to_owned()
        });
        for ring in line.rings.iter().filter(|ring| ring.is_entered()) {
            let gone = revision.plan.rings.iter().all(|new| new.name != *ring.name);
            let free = ring.place == Place::Verified || ring.waived.contains_key(&Gate::Ring);
            let same = keeps(line, ring, &revision.plan) || gone && free;
            audit.require(same, Law::RingsInOrder, recorded.seq, || {
                format!("the revision changes {}, which is entered: that is a new rollout", ring.name)
            });
        }
    }
}

/// Whether a plan leaves an entered ring its versions and profiles.
fn keeps(line: &PlanLine<'_>, ring: &RingLine<'_>, plan: &Plan) -> bool {
    let new = plan.rings.iter().find(|new| new.name == *ring.name);
    line.ring_plan(ring.name).zip(new).is_some_and(|(old, new)| same_offer(old, new))
}

/// A step of the clock lies before its record, and no time is told twice as not watched.
pub(super) fn clock(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Event::ClockStepped { from, to } = &recorded.entry.event else { return };
    let (law, seq) = (Law::Chain, recorded.seq);
    audit.require(from != to && *from.max(to) <= recorded.at, law, seq, || {
        format!("the clock stepped from {from} to {to}, which is no step before this record")
    });
    let again = from < to && ledger.watched_from.is_some_and(|watched| *from < watched);
    audit.require(!again, law, seq, || {
        format!("the time from {from} to {to} is on record as not watched already")
    });
}

/// Laws 6 and 8.
pub(super) fn actor(audit: &mut Audit, recorded: &Recorded) {
    let entry = &recorded.entry;
    audit.require(!entry.reason.trim().is_empty(), Law::ActorAndReason, recorded.seq, || {
        "it has no reason".to_owned()
    });
    let engine = entry.actor == Actor::Engine;
    let kind = entry.event.kind();
    match entry.event {
        Event::PauseLifted {} | Event::HaltLifted { .. } | Event::Started {} => {
            audit.require(!engine, Law::PeopleLift, recorded.seq, || format!("the engine did {kind}"));
        }
        Event::VersionReleased { .. } => {
            audit.require(!engine, Law::HeldOut, recorded.seq, || format!("the engine did {kind}"));
        }
        Event::ApprovalGiven { .. } | Event::ApprovalRefused { .. } => {
            let named = entry.actor.email().is_some();
            audit.require(named, Law::Approved, recorded.seq, || {
                format!("{} did {kind}, and nobody knows who that is", entry.actor)
            });
        }
        // Who may come in is said on the machine itself, never over the network.
        Event::TokenMade { .. }
        | Event::TokenRevoked { .. }
        | Event::AccessIntended { .. }
        | Event::AccessSettled { .. } => {
            let local = matches!(entry.actor, Actor::Local { .. });
            audit.require(local, Law::ActorAndReason, recorded.seq, || {
                format!("{} did {kind}, which only users of the machine do", entry.actor)
            });
        }
        Event::RevisionConfirmed { .. } => {
            audit.require(!engine, Law::Announced, recorded.seq, || format!("the engine did {kind}"));
        }
        // What sets a rollback off today is a person, and nothing else.
        Event::RollbackStarted { trigger: Trigger::Person, .. }
        | Event::Stopped {}
        | Event::ClockConfirmed { .. }
        | Event::Paused {}
        | Event::GateWaived { .. } => {
            audit.require(!engine, Law::ActorAndReason, recorded.seq, || format!("the engine did {kind}"));
        }
        _ => audit.require(engine, Law::ActorAndReason, recorded.seq, || {
            format!("{} did {kind}, which only the engine does", entry.actor)
        }),
    }
}

pub(super) fn halts_and_waivers(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let (law, seq) = (Law::Grounded, recorded.seq);
    let Some(line) = ledger.line(recorded) else { return };
    match &recorded.entry.event {
        Event::Halted { cause } => {
            audit.require(line.halted.is_none(), law, seq, || "the rollout is halted already".to_owned());
            if let Some(why) = ungrounded(ledger, line, recorded, cause) {
                audit.breach(law, seq, why);
            }
        }
        Event::HaltLifted { cause, acknowledged } => {
            audit.require(line.halted == Some(cause), law, seq, || {
                "what is acknowledged is not what halted the rollout".to_owned()
            });
            for found in acknowledged {
                let of_health = matches!(found.gate, Gate::Stalled | Gate::Dark);
                let reached = line.ring(&found.ring).is_some_and(|ring| ring.place != Place::Pending);
                let reached = reached || line.is_of_left(found);
                audit.require(reached && (of_health || found.devices.is_empty()), law, seq, || {
                    format!("gate {} of {} has nothing to acknowledge", found.gate, found.ring)
                });
            }
        }
        Event::GateWaived { ring, gate } => {
            let of_health = matches!(gate, Gate::Stalled | Gate::Dark);
            let gone = line.course == Course::Withdrawn || line.dropped.contains(ring);
            let dropped = *gate == Gate::Ring && gone;
            let waivable = of_health || dropped || matches!(gate, Gate::Adoption | Gate::Soak);
            audit.require(waivable, law, seq, || format!("gate {gate} cannot be waived"));
            let reached = line.ring(ring).is_some_and(|ring| {
                ring.place != Place::Pending
                    && (ring.place != Place::Verified || of_health)
                    && !ring.waived.contains_key(gate)
            });
            audit.require(reached, law, seq, || format!("{ring} has no gate {gate} to waive now"));
        }
        Event::RingLetGo { ring, profiles, .. } => {
            let dropped = line.dropped.contains(ring);
            let had = line.ring(ring).filter(|ring| matches!(ring.place, Place::Adopting | Place::Soaking));
            let whole = had.and_then(|ring| ring.policies) == Some(profiles);
            audit.require(dropped && whole, law, seq, || {
                format!("{ring} is let go, and the plan's file names it, or it had other profiles")
            });
        }
        Event::GateUnknown { ring, gate, environment, why } => {
            let noted = line.ring(ring).map(|ring| ring.unknown.get(&(*gate, *environment)));
            let news = noted.is_some_and(|noted| noted.is_none_or(|(noted, _)| noted != why));
            audit.require(news, law, seq, || format!("gate {gate} of {ring} is unknown already"));
        }
        Event::GateKnown { ring, gate, environment } => {
            let unknown =
                line.ring(ring).is_some_and(|ring| ring.unknown.contains_key(&(*gate, *environment)));
            audit.require(unknown, law, seq, || format!("gate {gate} of {ring} was not unknown"));
        }
        _ => {}
    }
}

/// Why a halt has no grounds in the books; `None`: it has.
fn ungrounded(
    ledger: &Ledger<'_>,
    line: &PlanLine<'_>,
    recorded: &Recorded,
    cause: &Cause,
) -> Option<String> {
    let ring = line.ring(cause.ring());
    let plan = line.ring_plan(cause.ring());
    match cause {
        Cause::Drift(drift) => drift::ungrounded_halt(ledger, line, drift),
        Cause::OtherUpdater(updater) => drift::ungrounded_updater(ledger, line, recorded, updater),
        Cause::Unhealthy { ring, judgement, devices } if line.left_in(ring).is_some() => {
            superseded::none_grounds(line, recorded, ring, judgement, devices)
        }
        _ if ring.is_none() || plan.is_none() => Some(format!("the rollout has no ring {}", cause.ring())),
        Cause::AdoptionMissed { judgement, .. } => missed(line, ring?, plan?, recorded, judgement),
        Cause::Unhealthy { judgement, devices, .. } => {
            health::ungrounded(ring?, plan?, recorded, judgement, devices)
                .or_else(|| drift::not_offered(ledger, ring?, plan?, judgement))
        }
        Cause::UnknownTooLong { gate: Gate::Fleet, why: Unknown::ReadFails, since: from, .. } => {
            let long = |unread: &Vec<Timestamp>| {
                let last = unread.last().filter(|_| unread.contains(from));
                last.is_some_and(|last| {
                    since(*from, *last) >= plan.map_or(SignedDuration::MAX, |plan| plan.unknown_after.get())
                })
            };
            (!long(&ring?.unread) && !long(&ring?.restoring.unread))
                .then(|| "the reads before its writes are not on record as failing for that long".to_owned())
        }
        Cause::UnknownTooLong { gate, environment, why, since: from, .. } => {
            let noted = ring?.unknown.get(&(*gate, *environment)) == Some(&(*why, *from));
            let long = since(*from, recorded.at) >= plan?.unknown_after.get();
            (!(noted && long)).then(|| format!("gate {gate} is not on record as unknown for that long"))
        }
        Cause::Forbidden { version, .. } => {
            let forbids = line.plan.forbid.iter().any(|forbid| forbid.versions.matches(&version.as_semver()));
            (!(forbids && plan?.asks_for(*version)))
                .then(|| format!("the plan does not forbid {version}, or does not ask this ring for it"))
        }
        Cause::WriteRefused { status, .. } => (ring?.refused != Some(*status)
            && ring?.restoring.refused != Some(*status)
            && ring?.back.refused != Some(*status))
        .then(|| format!("no refusal with {status} of a write for this ring is on record")),
        Cause::WritesKeepFailing { attempts, .. } => {
            let ring = ring?;
            let counts = [ring.failures, ring.back.failures, ring.restoring.failures];
            let counted = counts.into_iter().find(|count| *count >= FAILURES_TO_HALT).unwrap_or_default();
            (counted != *attempts || counted < FAILURES_TO_HALT)
                .then(|| format!("{counted} writes in a row came to nothing, by the log"))
        }
    }
}

fn missed(
    line: &PlanLine<'_>,
    ring: &RingLine<'_>,
    plan: &RingPlan,
    recorded: &Recorded,
    judgement: &Judgement,
) -> Option<String> {
    let Evidence::Adoption { census, deadline_at, .. } = &judgement.evidence else {
        return Some("a missed adoption has no counts".to_owned());
    };
    if ring.place != Place::Adopting || judgement.verdict != Verdict::Fail(Failing::DeadlineMissed) {
        return Some("the ring is not adopting, or its gate does not fail".to_owned());
    }
    // Freezes, holds, a file that was gone and time that nobody watched push the deadline back;
    // nothing else does, and nothing pulls it forward.
    let from = ring.deadline_from?;
    let pushed_by = |until| {
        let still = line.stood_still(&plan.schedule, from, until);
        after(after(from, plan.adoption.within.get()), still)
    };
    let earliest = pushed_by(judgement.as_of.unwrap_or(from).clamp(from, recorded.at.max(from)));
    let latest = pushed_by(recorded.at.max(from));
    if !(earliest..=latest).contains(deadline_at) || recorded.at < *deadline_at {
        return Some(format!("the deadline is {deadline_at}, and must lie from {earliest} to {latest}"));
    }
    not_adopted(plan, census).is_none().then(|| "the counts are an adoption".to_owned())
}

/// A gate that cannot tell for too long halts, whatever else is under way: what became of a write may
/// take days to find out.
pub(super) fn overdue(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let ends_a_write = matches!(
        recorded.entry.event,
        Event::WriteConfirmed { .. } | Event::WriteRefused { .. } | Event::WriteSettled { .. }
    );
    let judged = |line: &&PlanLine<'_>| line.halted.is_none() && line.course == Course::Running;
    let Some(line) = ledger.line(recorded).filter(|_| ends_a_write).filter(judged) else {
        return;
    };
    for ring in line.rings.iter().filter(|ring| ring.place != Place::Deploying) {
        let Some(plan) = line.ring_plan(ring.name) else { continue };
        // What ends a write is recorded before a halt of the same instant.
        let limit = plan.unknown_after.get() + audit.limits.in_transit;
        let late = ring.unknown.iter().find(|(_, (_, begun))| since(*begun, recorded.at) > limit);
        if let Some(((gate, _), (_, begun))) = late {
            let text = format!("gate {gate} of {} cannot tell since {begun}, and nothing halted", ring.name);
            audit.breach(Law::Grounded, recorded.seq, text);
        }
    }
}

/// Law 1.
pub(super) fn one_ring_at_a_time(audit: &mut Audit, ledger: &Ledger<'_>, recorded: &Recorded) {
    let Some(line) = ledger.line(recorded) else { return };
    // A ring that adopted when the rollout turned back stays so until its turn.
    let is_under_way = |place: Place| match line.course {
        Course::Running => matches!(place, Place::Deploying | Place::Adopting),
        Course::RollingBack => matches!(place, Place::Deploying | Place::RollingBack),
        Course::Completed | Course::RolledBack | Course::Superseded | Course::Withdrawn => false,
    };
    let mut under_way: Vec<&str> =
        line.rings.iter().filter(|ring| is_under_way(ring.place)).map(|ring| ring.name.as_str()).collect();
    // What an earlier rollout left on offer counts where this one offers the same.
    if line.course == Course::Running {
        under_way.extend(line.adopting_left());
    }
    audit.require(under_way.len() <= 1, Law::OneRingAtATime, recorded.seq, || {
        format!("{} are deploying or adopting at once", under_way.join(" and "))
    });
}
