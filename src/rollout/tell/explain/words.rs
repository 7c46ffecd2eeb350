//! What each blocker is, and what follows from it.

use crate::ids::RingName;
use crate::rollout::decide::blocker::{Blocker, change};
use crate::rollout::decide::entry_block::{TooMany, TooManyToday};
use crate::rollout::record::{
    CLOCKS_APART, Cause, Evidence, Failing, Gate, Judgement, Tally, Unknown, Verdict, Waiting,
};
use crate::rollout::state::{Rollback, Validity};
use crate::rollout::tell::explain::blocks;
use crate::rollout::tell::report::Report;
use crate::time::{in_words, short};

/// The words about one blocker.
pub(crate) struct Words {
    pub(crate) reason: &'static str,
    pub(crate) headline: String,
    pub(crate) detail: String,
}

pub(crate) fn words(report: &Report, blocker: &Blocker) -> Words {
    let (headline, detail) = match blocker {
        Blocker::Stopped(hold) => (
            format!("all writes of all plans are stopped, by {}: {}", hold.actor, hold.reason),
            "Nothing is sent to Cloudflare until a person allows it again. Polls, gates and soak clocks go on, deadlines stand still, and devices that were offered a version before may still install it.".to_owned(),
        ),
        Blocker::Paused(hold) => (
            format!("{} paused the plan: {}", hold.actor, hold.reason),
            "Nothing is written for it and no ring is verified until a person resumes it. Polls, gates and soak clocks go on, and deadlines stand still.".to_owned(),
        ),
        Blocker::Halted(cause) => halted(cause),
        Blocker::Block(block) => blocks::words(&block.block),
        Blocker::OffersForbidden(ring, version) => (
            format!("ring {ring} still offers {version}, which the plan forbids by now"),
            "The rollout is over, so nothing halts. Devices of the ring that do not run it yet may still install it.".to_owned(),
        ),
        Blocker::Forbidden(ring, version) => (
            format!("ring {ring} is not offered {version}: the plan forbids it"),
            "A version that `forbid` covers is offered to nobody, whoever asks for it.".to_owned(),
        ),
        Blocker::ClockBehind(until) => (
            format!("this machine's clock was set back, or was ahead before; ringward was at {} already", short(*until)),
            "Nothing is written before the clock has caught up, so that the log stays in order and no wait is cut short. Devices are read meanwhile, by a time that goes on at half its pace.".to_owned(),
        ),
        Blocker::ClockDoubted(doubt) => (
            doubt.to_string(),
            format!("No ring is entered, written back or verified on a clock that is more than {} from Cloudflare's, or that cannot be compared: an opening, a freeze or a soak would begin or end at the wrong time. Devices are read as before, and a rollback goes on.", in_words(CLOCKS_APART)),
        ),
        Blocker::LogUnwritable(trouble) => (
            format!("ringward's log cannot be written: {}", trouble.message),
            "Nothing is decided and nothing is sent to Cloudflare: a write needs its record first. What the page shows is the last that was recorded. `ringward stop` works all the same, by its file. A write that was on its way when it began is in doubt, and is settled by reading.".to_owned(),
        ),
        Blocker::Gate(ring, judgement) => gate(report, ring, judgement),
        Blocker::Veto(ring, veto) => (
            format!("ring {ring} has a deployment group in its way: {}", veto.what()),
            "ringward takes nothing from a group that it does not own, and writes nothing that it cannot foresee.".to_owned(),
        ),
        Blocker::BetweenGroups { ring, profiles, from, last } => (
            format!(
                "{} left ring {from} for ring {ring}, and is in no deployment group{}",
                profiles.join(", "),
                last.as_ref().map(|last| format!("; the write that should put it back: {last}")).unwrap_or_default()
            ),
            "It takes two writes to move a profile, and the second one is still to come: into the ring's group, or, where that cannot be, back. Nothing else is written for this plan before. Its devices keep the version that they have.".to_owned(),
        ),
        Blocker::GroupsUnread(ring) => (
            format!("what ringward knows of Cloudflare's deployment groups is too old to enter ring {ring}"),
            "A ring is entered on groups and profiles that were read within 30 minutes; a group of its own that the list lacks is read by itself first.".to_owned(),
        ),
        Blocker::InFlight(ring, write) => (
            format!("{write}, for ring {ring}, is on its way to Cloudflare"),
            "Its answer is recorded as soon as it comes. One without an answer is in doubt, and is settled by reading.".to_owned(),
        ),
        Blocker::InDoubt { ring, write, why, .. } => (
            format!("nobody can say yet whether {write}, for ring {ring}, was applied: {why}"),
            "It is never sent again on a guess: two reads of the group that agree, a minute apart, settle it.".to_owned(),
        ),
        Blocker::OtherWrite { plan, write } => (
            format!("{write}, of plan {plan}, has no outcome yet"),
            "One write of the account is on its way or in doubt at a time; this plan's comes after it.".to_owned(),
        ),
        Blocker::Backoff { ring, last, .. } => (
            match last {
                Some(last) => format!("the last write for ring {ring} came to nothing: {last}"),
                None => format!("the last write for ring {ring} came to nothing"),
            },
            "It is tried again after a wait that doubles each time; six in a row halt the rollout.".to_owned(),
        ),
        Blocker::BudgetSpent { ring, .. } => (
            format!("the request budget has no room for the write for ring {ring}"),
            "A write reserves its requests before it begins, the reads that would settle a doubt included. Cloudflare counts what everything under the token's user asks, not ringward alone.".to_owned(),
        ),
        Blocker::Withdrawn(_) => (
            "its file is gone, and the rollout withdrawn".to_owned(),
            "Nothing is written for it. What Cloudflare offers stays on offer, so devices keep and still get the versions that they were given.".to_owned(),
        ),
        Blocker::Drifted(drift) => (
            format!("{drift}"),
            "The plan has ringward write it back as ringward left it, in the ring's schedule and past its entry gates. Until then nothing else is written for this plan; afterwards the ring adopts and soaks again.".to_owned(),
        ),
        Blocker::OtherRing { ring, other } => (
            format!("the group of ring {ring} is written back once ring {other} has adopted"),
            "At most one ring of a rollout deploys or adopts at a time, so that a bad version never reaches two at once.".to_owned(),
        ),
        Blocker::LeftAdopts { ring, other, rollout } => (
            format!("ring {ring} waits until ring {other} has adopted what rollout {rollout} left on offer there"),
            "It is a version that this rollout offers as well. At most one group adopts what a rollout offers, so that a bad version never reaches two at once.".to_owned(),
        ),
        Blocker::NotOffered { ring, lacks } => (
            format!("the group of ring {ring} does not offer its targets, and that was accepted: {lacks}"),
            "What somebody else made of the group was taken as it is. A ring that does not offer its targets is never verified, and no later ring is entered after it.".to_owned(),
        ),
        Blocker::BlastLimit(ring, TooMany { devices, at_most }) => (
            format!("the write for ring {ring} would offer something else to {devices} devices, and the plan allows {at_most} at a time"),
            "`max_devices` keeps a slip in a plan, or a profile that grew overnight, from reaching more devices than somebody thought of. Nobody can waive it.".to_owned(),
        ),
        Blocker::DevicesPerDay(ring, TooManyToday { devices, before, at_most, .. }) => (
            format!("the write for ring {ring} would offer something else to {devices} devices after {before} in the last 24 hours, and the daemon's configuration allows {at_most} in all"),
            "`guard.devices_per_day` holds for all plans together, entries and groups that are written back. A rollback counts and is never kept back by it. Nobody can waive it.".to_owned(),
        ),
        Blocker::Observing(ring, intent) => (
            format!("the daemon only observes; ring {ring} is ready to be entered"),
            format!("It would write now, for {} devices: {}.", intent.devices, change(intent)),
        ),
        Blocker::HeldOut(ring, held) => (
            format!("ring {ring} is not offered {} for {}: it was rolled back from it", held.version, held.environment),
            format!(
                "{} rolled plan {} back at {}: {}. What was taken back is held out of its profiles, whatever plan asks, for going up, down and up again is a documented way to break devices. Only a person releases it.",
                held.by.actor, held.plan, short(held.by.since), held.by.reason
            ),
        ),
        Blocker::Returning { ring, missing, .. } => (
            match missing.as_slice() {
                [] => format!("ring {ring} is back"),
                missing => format!(
                    "ring {ring} is on its way back: {}",
                    missing.iter().map(returning).collect::<Vec<_>>().join(", ")
                ),
            },
            "The earlier version is on offer, and devices take it as they wake. The ring before it follows once enough are back, and after `rollback.step` in any case: devices that are off, pinned or silent hold nothing up.".to_owned(),
        ),
        Blocker::RolledBack { missing, .. } => (
            match &report.rollback {
                Some(Rollback { by, .. }) => format!("{} had it rolled back: {}", by.actor, by.reason),
                None => "it was rolled back".to_owned(),
            },
            format!(
                "What was taken back is held out, and the rollout is over. {}A newer target in the plan begins the next one.",
                match missing.as_slice() {
                    [] => String::new(),
                    missing => {
                        let words = |(ring, word): &(RingName, Judgement)| format!("ring {ring}: {}", returning(word));
                        let missing: Vec<String> = missing.iter().map(words).collect();
                        format!("Not all devices are back: {}. They follow as they wake. ", missing.join("; "))
                    }
                }
            ),
        ),
        Blocker::Moving => (
            "nothing is in its way".to_owned(),
            "The next decision moves it; it is due within seconds.".to_owned(),
        ),
    };
    Words { reason: reason(blocker), headline, detail }
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

fn halted(cause: &Cause) -> (String, String) {
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
                "ringward halted it, because gate {gate}{of}, ring {ring}, could not tell since {since}: {why}"
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
            "A version that breaks the connection shows only as a device that stays silent, and the rings that do not have it yet say how much silence is usual. Resuming accepts the devices found so far; new ones halt it again."
        }
        Cause::Unhealthy { judgement, .. } if stayed(judgement).is_some() => {
            "Where nobody arrives, something stops the installer everywhere, and most often it is endpoint protection: it must allow CloudflareWARPUpdater and warp-updater-armed.exe on Windows, com.cloudflare.warp.updater and warp-updater on macOS. Resuming accepts the devices found so far; new ones halt it again."
        }
        Cause::Unhealthy { .. } => {
            "A device that cannot install a version stays silently on its old one. Resuming accepts the devices found so far; new ones halt it again."
        }
        Cause::UnknownTooLong { why: Unknown::OutageOrHoliday, .. } => {
            "Silence is never success: what silences half a ring needs a person. Resuming accepts this silence; the next look judges anew."
        }
        Cause::UnknownTooLong { .. } => {
            "Silence is never success: what cannot be seen for that long needs a person. Resuming starts its clock anew."
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
            "Two updaters undo each other's work, and adoption proves nothing while devices move by themselves. Resuming accepts the moves so far; only new ones halt it again."
        }
    };
    (headline, format!("A halt ends by a person's word only. {detail}"))
}

/// That no patience helps: fewer people could approve than must.
fn too_few_people(judgement: &Judgement) -> String {
    let Evidence::Approval(approved) = &judgement.evidence else { return String::new() };
    let short = |tally: &&Tally| tally.members < usize::from(tally.ask.count.get());
    let told = approved.tallies.iter().filter(short).map(|Tally { ask, members, .. }| {
        format!(
            " Only {members} of `{}` could approve, and {} must: add people to the group, or ask for fewer.",
            ask.user_group, ask.count
        )
    });
    told.collect()
}

/// Whose approvals an edit voided, since people would think that they have approved.
fn voided(report: &Report, ring: &RingName) -> String {
    let Some(approval) = report.ring(ring).and_then(|ring| ring.approval.as_ref()) else {
        return String::new();
    };
    let voided = approval.words.approvals.iter().filter_map(|(by, word)| match word.standing {
        Validity::Voided(at) => {
            Some(format!("{by} approved, and the plan's values changed on {}", short(at)))
        }
        Validity::Stands => None,
    });
    let told: Vec<String> = voided.collect();
    if told.is_empty() { String::new() } else { format!(" No longer counted: {}.", told.join("; ")) }
}

pub(crate) fn gate(report: &Report, ring: &RingName, judgement: &Judgement) -> (String, String) {
    match &judgement.verdict {
        Verdict::Wait(waiting) => wait(report, *waiting, ring, judgement),
        Verdict::Fail(Failing::TooManyStalled | Failing::TooManyDark) => {
            (ailing(ring, judgement), "The rollout halts for it.".to_owned())
        }
        Verdict::Fail(Failing::DeadlineMissed) => (
            format!("the time for {} of ring {ring} to take up the new version is over", whose(judgement)),
            "The rollout halts for it.".to_owned(),
        ),
        Verdict::Unknown(why) => {
            let halts = match report.unsure(ring, judgement) {
                Some(unsure) => format!(" If it lasts until {}, the rollout halts.", short(unsure.halts_at)),
                None => String::new(),
            };
            let detail = unknown(*why);
            (
                format!("ring {ring} cannot be judged: {}", cannot_tell_here(*why, judgement)),
                format!("{detail}{halts}"),
            )
        }
        // Neither is ever in the way.
        Verdict::Pass | Verdict::Exempt(_) => {
            (format!("gate {} of ring {ring} lets it go on", judgement.name()), String::new())
        }
    }
}

/// What a health gate that fails says.
pub(crate) fn ailing(ring: &RingName, judgement: &Judgement) -> String {
    let whose = whose(judgement);
    match judgement.gate {
        Gate::Dark => format!("too many {whose} of ring {ring} went silent after they took the new version"),
        _ => match stayed(judgement) {
            Some(count) => format!(
                "every one of the {count} {whose} of ring {ring} that were online stayed on its old version"
            ),
            None => format!("too many {whose} of ring {ring} are online and do not take the new version"),
        },
    }
}

/// How many sighted devices there are, where none of them has arrived.
fn stayed(judgement: &Judgement) -> Option<usize> {
    match &judgement.evidence {
        Evidence::Stalled(seen) if seen.counts.arrived == 0 && seen.stalled() > 0 => Some(seen.sighted()),
        _ => None,
    }
}

fn wait(report: &Report, waiting: Waiting, ring: &RingName, judgement: &Judgement) -> (String, String) {
    // A ring that soaks is past its deadline: it waits for a device that changed its mind.
    let adopts = report.rings.iter().any(|known| known.name == *ring && known.state == "adopting");
    let deadline = match &judgement.evidence {
        Evidence::Adoption { deadline_at, .. } if adopts => {
            format!(" If it is not reached by {}, the rollout halts.", short(*deadline_at))
        }
        Evidence::Adoption { .. }
        | Evidence::Opening { .. }
        | Evidence::Freeze { .. }
        | Evidence::Fleet { .. }
        | Evidence::Downgrade(_)
        | Evidence::Approval(_)
        | Evidence::Soak { .. }
        | Evidence::Stalled(_)
        | Evidence::Dark(_) => String::new(),
    };
    let gone = gone(judgement);
    match waiting {
        Waiting::OpeningClosed => (
            format!("the schedule of ring {ring} has no opening now"),
            "A ring is entered only in an opening of its schedule.".to_owned(),
        ),
        Waiting::OpeningEndsSoon => (
            format!("the present opening of ring {ring} ends too soon to enter it"),
            "A ring is entered only with 15 minutes of the opening left.".to_owned(),
        ),
        Waiting::Frozen => (
            format!("a freeze is on for ring {ring}"),
            "Nothing is written in a freeze, and deadlines stand still.".to_owned(),
        ),
        Waiting::TooSoon => (
            format!("it is too soon to say whether {} of ring {ring} went silent", whose(judgement)),
            "Silent devices are looked for each evening at 20:00 of the ring's zone, once and twice so long after they arrived as the plan says; both looks must be taken.".to_owned(),
        ),
        Waiting::FleetAsleep => (
            format!("most {} are silent, in ring {ring} and in the rings not entered", whose(judgement)),
            "When everybody is away, silence says nothing: the look counts once the fleet is back.".to_owned(),
        ),
        Waiting::NotOffered => (
            format!("the group of ring {ring} does not offer {} the new version", whose(judgement)),
            "Somebody changed the group. Devices that are told to run another version do not stand still by themselves, so they are judged once it is on offer again.".to_owned(),
        ),
        Waiting::TooFewSeen if judgement.gate == Gate::Dark => (
            format!("too few {} of ring {ring} were online before the look for silent ones", whose(judgement)),
            "A look is about devices that were online in the day before it begins: at least half as many as `min_devices`.".to_owned(),
        ),
        Waiting::TooFewSeen => (
            format!("too few {} of ring {ring} have been online since the new version is on offer", whose(judgement)),
            format!("Laptops that are off say nothing yet: of those that were active in the week before, enough must be seen first.{gone}{deadline}"),
        ),
        Waiting::TooFewArrived => (
            format!("too few {} of ring {ring} run the new version so far", whose(judgement)),
            format!("Devices install it after their next start, wake or push.{gone}{deadline}"),
        ),
        Waiting::SoakRunning => (
            format!("ring {ring} soaks: it proves the new version in use"),
            "The next ring follows when the time of the plan has passed and devices came back on another day.".to_owned(),
        ),
        Waiting::WouldDowngrade => (
            format!("the target takes {} of ring {ring} down to an older version: {}", whose(judgement), judgement.value()),
            "Cloudflare installs an older version as silently as a newer one, so that so many go down must stand in the plan. It cannot be waived.".to_owned(),
        ),
        Waiting::ApprovalMissing => (
            format!("ring {ring} waits for people: {}", judgement.value()),
            format!(
                "An approval counts while its giver is a member of the group, until it expires, and for the plan's present values only.{}{}",
                too_few_people(judgement),
                voided(report, ring),
            ),
        ),
        Waiting::ApprovalRefused => (
            format!("ring {ring} was refused: {}", judgement.value()),
            "A refusal stands until the same person approves, or the plan's values change.".to_owned(),
        ),
        Waiting::NotExercised => (
            format!("ring {ring} soaked long enough, but too few of its devices came back on another day"),
            "A version that nobody woke up to again has proved nothing: half of the arrived devices must be seen on a later day than their arrival.".to_owned(),
        ),
    }
}

/// Who left, and counts no more.
fn gone(judgement: &Judgement) -> String {
    match &judgement.evidence {
        Evidence::Adoption { census, .. } if census.counts.left > 0 => {
            let (left, of) = (census.counts.left, census.counts.total());
            format!(
                " {left} of its {of} devices have left the ring or the account; the shares are of the others."
            )
        }
        _ => String::new(),
    }
}

/// Why a gate cannot tell.
const fn cannot_tell(why: Unknown) -> &'static str {
    match why {
        Unknown::NotSwept => "the devices were never read completely",
        Unknown::StaleSweep => "the last look at the devices is too old",
        Unknown::ProfilesUnread => "the device settings profiles were never read",
        Unknown::ProfileUnresolved => "a profile of the plan is not found exactly once at Cloudflare",
        Unknown::NobodyToMove => "it has no device that can be moved",
        Unknown::ReadFails => "the read before each write fails",
        Unknown::ApproversUnread => "the members of the User Group that is asked were not read lately",
        Unknown::NoUserGroup => "the User Group that is asked is not there",
        Unknown::UserGroupAmbiguous => "several User Groups have the name that is asked",
        Unknown::OutageOrHoliday => {
            "more than half of it is silent, and the rings not entered are not: an outage or a local holiday"
        }
    }
}

/// The same, with the names that this judgement has.
fn cannot_tell_here(why: Unknown, judgement: &Judgement) -> String {
    match &judgement.evidence {
        Evidence::Fleet { unresolved, .. } if !unresolved.is_empty() => {
            format!("these profiles are not found exactly once, for it alone: {}", unresolved.join(", "))
        }
        Evidence::Approval(_) => format!("{} ({})", cannot_tell(why), judgement.value()),
        _ => cannot_tell(why).to_owned(),
    }
}

pub(crate) const fn unknown(why: Unknown) -> &'static str {
    match why {
        Unknown::NotSwept => {
            "The daemon has begun, or its first sweep of all devices has not reached its end."
        }
        Unknown::StaleSweep => {
            "Reads fail or are slow: the API, the token or the request budget keep ringward from seeing the devices."
        }
        Unknown::ProfilesUnread => "The daemon has begun, or the read of the profiles fails.",
        Unknown::ReadFails => {
            "Just before a write its group, the people who are asked and, where there is a limit, the devices are read anew; without that nothing is sent."
        }
        Unknown::ApproversUnread => {
            "Without the list nobody can say whose approval counts. The token needs `Account Settings Read`."
        }
        Unknown::NoUserGroup | Unknown::UserGroupAmbiguous => {
            "Whoever may approve must be certain: a group is found by its name, and must be there once."
        }
        Unknown::OutageOrHoliday => {
            "So much silence at once is rarely a version; whatever it is, silence proves nothing."
        }
        Unknown::ProfileUnresolved => {
            "A ring is entered only when each of its profiles is exactly one profile of the account, and of no other ring."
        }
        Unknown::NobodyToMove => {
            "An assignment moves Windows and macOS devices with a client of 2026.6 or later; a complete, fresh sweep lists none in the ring's profiles."
        }
    }
}

fn whose(judgement: &Judgement) -> String {
    match judgement.environment {
        Some(environment) => format!("{environment} devices"),
        None => "devices".to_owned(),
    }
}
