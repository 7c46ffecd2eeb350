//! What each blocker is, and what follows from it.

use crate::ids::RingName;
use crate::rollout::decide::blocker::{Blocker, TooMany, TooManyToday, change};
use crate::rollout::record::{CLOCKS_APART, Cause, Gate, Judgement, Unknown};
use crate::rollout::state::Rollback;
use crate::rollout::tell::explain::gates::{ailing, cannot_tell, gate, stayed, whose};
use crate::rollout::tell::explain::told::{ToldBlocker, of_devices, of_full_sweep, of_groups, told};
use crate::rollout::tell::{explain::blocks, report::Report};
use crate::text::joined;
use crate::time::{in_words, short};

/// What is told of one blocker.
pub(crate) fn of_blocker(report: &Report, blocker: &Blocker) -> ToldBlocker {
    match blocker {
        Blocker::Stopped(hold) => told(
            format!("all writes of all plans are stopped, by {}: {}", hold.actor, hold.reason),
            "Nothing is sent to Cloudflare until a person allows it again. Polls, gates and soak clocks go on, deadlines stand still, and devices that were offered a version before may still install it.",
        ).since(hold.since),
        Blocker::Paused(hold) => told(
            format!("{} paused the plan: {}", hold.actor, hold.reason),
            "Nothing is written for it and no ring is verified until a person resumes it. Polls, gates and soak clocks go on, and deadlines stand still.",
        ).since(hold.since),
        Blocker::Halted(cause) => halted(cause).since(report.halted.as_ref().map(|(_, since)| *since)),
        Blocker::Block(block) => {
            let (headline, detail) = blocks::words(&block.block);
            told(headline, detail).since(block.since).until(block.until)
        }
        Blocker::OffersForbidden(ring, version) => told(
            format!("ring {ring} still offers {version}, which the plan forbids by now"),
            "The rollout is finished, so nothing halts. Devices of the ring that do not run it yet may still install it.",
        ),
        Blocker::Forbidden(ring, version) => told(
            format!("ring {ring} is not offered {version}: the plan forbids it"),
            "A version that `forbid` covers is offered to nobody, whoever asks for it.",
        ),
        Blocker::ClockBehind(until) => told(
            format!("this machine's clock was set back, or was ahead before; ringward was at {} already", short(*until)),
            "Nothing is written before the clock has caught up, so that the log stays in order and no wait is cut short. Devices are read meanwhile, by a time that goes on at half its pace.",
        ).until(*until),
        Blocker::ClockDoubted(doubt) => told(
            doubt.to_string(),
            format!("No ring is entered, written back or verified on a clock that is more than {} from Cloudflare's, or that cannot be compared: an opening, a freeze or a soak would begin or end at the wrong time. Devices are read as before, and a rollback goes on.", in_words(CLOCKS_APART)),
        ),
        Blocker::LogUnwritable(trouble) => told(
            format!("ringward's log cannot be written: {}", trouble.message),
            "Nothing is decided and nothing is sent to Cloudflare: a write needs its record first. What the page shows is the last that was recorded. `ringward stop` works all the same, by its file. The outcome of a write that was on its way then is unknown; ringward settles it by reading.",
        ).since(trouble.since),
        Blocker::Gate(ring, judgement) => gate(report, ring, judgement),
        Blocker::Veto(ring, veto) => told(
            format!("ring {ring} has a deployment group in its way: {}", veto.what()),
            "ringward takes nothing from a group that it does not own, and writes nothing that it cannot foresee.",
        ).reads(of_groups),
        Blocker::BetweenGroups { ring, profiles, from, last } => told(
            format!(
                "{} left ring {from} for ring {ring}, and is in no deployment group{}",
                profiles.join(", "),
                last.as_ref().map(|last| format!("; the write that should put it back: {last}")).unwrap_or_default()
            ),
            "It takes two writes to move a profile, and the second one is still to come: into the ring's group, or, where that cannot be, back. Nothing else is written for this plan before. Its devices keep the version that they have.",
        ).reads(of_groups),
        Blocker::GroupsUnread(ring) => told(
            format!("what ringward knows of Cloudflare's deployment groups is too old to enter ring {ring}"),
            "A ring is entered on groups and profiles that were read within 30 minutes; a group of its own that the list lacks is read by itself first.",
        ).reads(of_groups),
        Blocker::InFlight(ring, write) => told(
            format!("{write}, for ring {ring}, is on its way to Cloudflare"),
            "ringward records the answer as soon as it comes. Without an answer the outcome is unknown, and ringward settles it by reading.",
        ).since(report.ring_since(ring)),
        Blocker::OutcomeUnknown { ring, write, why, read_at } => told(
            format!("the outcome of {write}, for ring {ring}, is unknown: {why}"),
            "It is never sent again on a guess: two reads of the group that agree, a minute apart, settle it.",
        ).since(report.ring_since(ring)).read_at(*read_at),
        Blocker::OtherWrite { plan, write } => told(
            format!("{write}, of plan {plan}, has no outcome yet"),
            "ringward sends one write of the account at a time, and waits until its outcome is known; this plan's write comes after it.",
        ),
        Blocker::Backoff { ring, last, until } => told(
            match last {
                Some(last) => format!("the last write for ring {ring} came to nothing: {last}"),
                None => format!("the last write for ring {ring} came to nothing"),
            },
            "It is tried again after a wait that doubles each time; six in a row halt the rollout.",
        ).since(report.ring_since(ring)).until(*until),
        Blocker::BudgetSpent { ring, until } => told(
            format!("the request budget has no room for the write for ring {ring}"),
            "A write reserves its requests before it begins, the reads that would settle an unknown outcome included. Cloudflare counts what everything under the token's user asks, not ringward alone.",
        ).until(*until),
        Blocker::Withdrawn(since) => told(
            "its file is gone, and the rollout withdrawn".to_owned(),
            "Nothing is written for it. What Cloudflare offers stays on offer, so devices keep and still get the versions that they were given.",
        ).since(*since),
        Blocker::Drifted(drift) => told(
            format!("{drift}"),
            "The plan has ringward write it back as ringward left it, in the ring's schedule and past its entry gates. Until then nothing else is written for this plan; afterwards the ring adopts and soaks again.",
        ).reads(of_groups),
        Blocker::OtherRing { ring, other } => told(
            format!("the group of ring {ring} is written back once ring {other} has adopted"),
            "At most one ring of a rollout deploys or adopts at a time, so that a bad version never reaches two at once.",
        ).reads(of_devices),
        Blocker::LeftAdopts { ring, other, rollout } => told(
            format!("ring {ring} waits until ring {other} has adopted what rollout {rollout} left on offer there"),
            "It is a version that this rollout offers as well. At most one group adopts what a rollout offers, so that a bad version never reaches two at once.",
        ).reads(of_devices),
        Blocker::NotOffered { ring, lacks } => told(
            format!("the group of ring {ring} does not offer its targets, and that was accepted: {lacks}"),
            "What somebody else made of the group was taken as it is. A ring that does not offer its targets is never verified, and no later ring is entered after it.",
        ).reads(of_groups),
        Blocker::BlastLimit(ring, TooMany { devices, at_most }) => told(
            format!("the write for ring {ring} would offer something else to {devices} devices, and the plan allows {at_most} at a time"),
            "`max_devices` keeps a slip in a plan, or a profile that grew overnight, from reaching more devices than somebody thought of. Nobody can waive it.",
        ).reads(of_full_sweep),
        Blocker::DevicesPerDay(ring, TooManyToday { devices, before, at_most, .. }) => told(
            format!("the write for ring {ring} would offer something else to {devices} devices after {before} in the last 24 hours, and the daemon's configuration allows {at_most} in all"),
            "`guard.devices_per_day` holds for all plans together, entries and groups that are written back. A rollback counts and is never kept back by it. Nobody can waive it.",
        ).reads(of_full_sweep),
        Blocker::Observing(ring, intent) => told(
            format!("the daemon is in read-only mode (--observe); ring {ring} is ready to be entered"),
            format!("It would write now, for {} devices: {}.", intent.devices, change(intent)),
        ),
        Blocker::BlockedVersion(ring, held) => told(
            format!("ring {ring} is not offered {} for {}: it was rolled back from it", held.version, held.environment),
            format!(
                "{} rolled plan {} back at {}: {}. The version is blocked for its profiles, whatever plan asks: a device that goes up, down and up again can break, as its release notes say. Only a person unblocks it.",
                held.by.actor, held.plan, short(held.by.since), held.by.reason
            ),
        ).since(held.by.since),
        Blocker::Returning { ring, missing, until } => told(
            match missing.as_slice() {
                [] => format!("ring {ring} is back"),
                missing => {
                    format!("ring {ring} is on its way back: {}", joined(missing.iter().map(returning), ", "))
                }
            },
            "The earlier version is on offer, and devices take it as they wake. The ring before it follows once enough are back, and after `rollback.step` in any case: devices that are off, pinned or silent hold nothing up.",
        ).since(report.ring_since(ring)).until(*until).reads(of_devices),
        Blocker::RolledBack { missing, since } => told(
            match &report.rollback {
                Some(Rollback { by, .. }) => format!("{} had it rolled back: {}", by.actor, by.reason),
                None => "it was rolled back".to_owned(),
            },
            format!(
                "What was taken back is blocked, and the rollout is finished. {}A newer target in the plan begins the next one.",
                match missing.as_slice() {
                    [] => String::new(),
                    missing => {
                        let words = |(ring, word): &(RingName, Judgement)| format!("ring {ring}: {}", returning(word));
                        let missing = joined(missing.iter().map(words), "; ");
                        format!("Not all devices are back: {missing}. They follow as they wake. ")
                    }
                }
            ),
        ).since(*since).reads(of_devices),
        Blocker::Moving => told(
            "nothing is in its way".to_owned(),
            "The next decision moves it; it is due within seconds.",
        ),
    }
}

/// How far an environment is on its way back.
fn returning(word: &Judgement) -> String {
    format!("{} {}", whose(word), word.value())
}

pub(crate) const fn reason(blocker: &Blocker) -> &'static str {
    match blocker {
        Blocker::Gate(_, judgement) => judgement.verdict.reason_code(),
        Blocker::Halted(cause) => cause.as_str(),
        Blocker::Veto(_, veto) => veto.as_str(),
        other => other.code(),
    }
}

fn halted(cause: &Cause) -> ToldBlocker {
    let headline = match cause {
        Cause::AdoptionMissed { ring, judgement } => {
            format!(
                "ringward halted it, because {} of ring {ring} did not take up the new version in time",
                whose(judgement)
            )
        }
        Cause::Unhealthy { ring, judgement, .. } => {
            format!("ringward halted it, because {}", ailing(ring, judgement))
        }
        Cause::UnknownTooLong { ring, gate, environment, why, since } => {
            let of = environment.map(|environment| format!(" of {environment}")).unwrap_or_default();
            let (since, why) = (short(*since), cannot_tell(*why));
            format!(
                "ringward halted it, because gate {gate}{of} of ring {ring} was unknown since {since}: {why}"
            )
        }
        Cause::WriteRefused { .. }
        | Cause::WritesKeepFailing { .. }
        | Cause::Forbidden { .. }
        | Cause::Drift(_)
        | Cause::OtherUpdater(_) => format!("ringward halted it, because {cause}"),
    };
    let detail = match cause {
        Cause::AdoptionMissed { .. } => {
            "A device that cannot install a version stays silently on its old one, so an adoption that does not come is the first sign of a bad one. Resuming gives the ring its whole time anew."
        }
        Cause::Unhealthy { judgement, .. } if judgement.gate == Gate::Dark => {
            "A version that breaks the connection shows only as a device that stays silent, and the rings that do not have it yet say how much silence is usual. Resuming acknowledges the devices found so far; new ones halt it again."
        }
        Cause::Unhealthy { judgement, .. } if stayed(judgement).is_some() => {
            "Where nobody arrives, something stops the installer everywhere, and most often it is endpoint protection: it must allow CloudflareWARPUpdater and warp-updater-armed.exe on Windows, com.cloudflare.warp.updater and warp-updater on macOS. Resuming acknowledges the devices found so far; new ones halt it again."
        }
        Cause::Unhealthy { .. } => {
            "A device that cannot install a version stays silently on its old one. Resuming acknowledges the devices found so far; new ones halt it again."
        }
        Cause::UnknownTooLong { why: Unknown::OutageOrHoliday, .. } => {
            "ringward never takes silence for success: when half a ring is silent, it needs a person. Resuming acknowledges this silence; the next evaluation judges anew."
        }
        Cause::UnknownTooLong { .. } => {
            "ringward never takes missing data for success: a gate that is unknown for that long needs a person. Resuming starts its clock anew."
        }
        Cause::WriteRefused { .. } => {
            "Nothing was changed by that write, and what was taken out of another group for it goes back there. Resuming sends it again, once its gates pass."
        }
        Cause::WritesKeepFailing { .. } => {
            "Each of them was told to have changed nothing, or was read to have. Resuming tries again."
        }
        Cause::Forbidden { .. } => {
            "Nothing more is offered that version. What Cloudflare offers stays on offer until it is taken back or replaced. Resuming is refused while the plan forbids it."
        }
        Cause::Drift(drift) if drift.never.is_some() => {
            "The plan has changed groups written back, but never to a build that it forbids, and never more than three times in a rollout. Resuming takes the group as it is now; it is not set back."
        }
        Cause::Drift(drift) if drift.elsewhere.is_empty() => {
            "ringward does not fight over a group: it stands still until a person has seen it. Resuming takes the group as it is now; it is not set back, unless the plan says `on_drift: restore`."
        }
        Cause::Drift(_) => {
            "ringward takes nothing from somebody else's group: it stands still until a person has seen it. Resuming takes the group as it is now; it is not set back."
        }
        Cause::OtherUpdater(_) => {
            "Two updaters undo each other's work, and adoption proves nothing while devices move by themselves. Resuming acknowledges the moves so far; only new ones halt it again."
        }
    };
    told(headline, format!("Only a person ends a halt. {detail}"))
}
