//! What a gate that does not advance says, in sentences.
//!
//! **Invariant:** the subject, its number and what it is compared with are named.

use crate::ids::RingName;
use crate::rollout::record::{Evidence, Failing, Gate, Judgement, Tally, Unknown, Verdict, Waiting};
use crate::rollout::state::Validity;
use crate::rollout::tell::explain::remedy::Remedy;
use crate::rollout::tell::explain::told::{ToldBlocker, of_devices, of_full_sweep, told};
use crate::rollout::tell::report::Report;
use crate::rollout::world::Read;
use crate::text::{in_shell, joined};
use crate::time::short;

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
    let told = joined(voided, "; ");
    if told.is_empty() { told } else { format!(" No longer counted: {told}.") }
}

/// What is told of a gate: the sentences by its verdict, the instants and reads by its evidence.
pub(crate) fn gate(report: &Report, ring: &RingName, judgement: &Judgement) -> ToldBlocker {
    let (headline, detail) = sentences(report, ring, judgement);
    let told = told(headline, detail);
    let verdict = &judgement.verdict;
    let assigned_at = || report.ring(ring)?.assigned_at;
    let told = match &judgement.evidence {
        Evidence::Opening { opens_at, .. } => told.until(*opens_at),
        Evidence::Freeze { ends_at, .. } => told.until(*ends_at),
        Evidence::Fleet { .. } | Evidence::Downgrade(_) => told.reads(of_full_sweep),
        Evidence::Approval(_) => told
            .since(report.ring(ring).and_then(|ring| ring.approval.as_ref()?.asked_at))
            .reads(|read| matches!(read, Read::Approvers(_))),
        Evidence::Adoption { deadline_at, .. } if *verdict == Verdict::Fail(Failing::DeadlineMissed) => {
            told.since(*deadline_at).reads(of_devices)
        }
        Evidence::Adoption { .. } | Evidence::Stalled(_) => told.since(assigned_at()).reads(of_devices),
        Evidence::Soak { started_at, ends_at, .. } => match verdict {
            Verdict::Wait(Waiting::SoakRunning) => told.since(*started_at).until(*ends_at),
            _ => told.since(*ends_at).reads(of_devices),
        },
        Evidence::Dark(dark) => match verdict {
            Verdict::Wait(Waiting::TooSoon) => told.since(assigned_at()).until(dark.next_at),
            _ => told.since(assigned_at()).reads(of_devices),
        },
    };
    let Verdict::Unknown(why) = verdict else { return told };
    let told = told.since(report.unsure(ring, judgement).map(|unsure| unsure.since));
    match why {
        Unknown::ProfilesUnread | Unknown::ProfileUnresolved => {
            told.reads(|read| matches!(read, Read::Profiles))
        }
        _ => told,
    }
}

fn sentences(report: &Report, ring: &RingName, judgement: &Judgement) -> (String, String) {
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

/// How many seen devices there are, where none of them has arrived.
pub(crate) fn stayed(judgement: &Judgement) -> Option<usize> {
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
        _ => String::new(),
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
            "ringward evaluates this gate each evening at 20:00 of the ring's zone: once so long after devices arrived as the plan says, and once twice as long after it. It takes both evaluations.".to_owned(),
        ),
        Waiting::FleetAsleep => (
            format!("most {} are silent, in ring {ring} and in the rings not entered", whose(judgement)),
            "When everybody is away, silence says nothing: the evaluation counts once the fleet is back.".to_owned(),
        ),
        Waiting::NotOffered => (
            format!("the group of ring {ring} does not offer {} the new version", whose(judgement)),
            "Somebody changed the group. Devices that are told to run another version do not stand still by themselves, so they are judged once it is on offer again.".to_owned(),
        ),
        Waiting::TooFewSeen if judgement.gate == Gate::Dark => (
            format!("too few {} of ring {ring} were online in the day before the evaluation", whose(judgement)),
            "An evaluation counts devices that were online in the day before it: it takes at least half as many as `min_devices`.".to_owned(),
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
            format!("ring {ring} was rejected: {}", judgement.value()),
            "A rejection stands until the same person approves or leaves the group, or the plan's values change.".to_owned(),
        ),
        Waiting::AuthorUnnamed => (
            format!("ring {ring} waits for a name: the plan names no `author`, and the daemon's configuration asks for one"),
            "Whoever wrote the plan does not approve it, which nobody can tell while the plan does not say who that is.".to_owned(),
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
pub(crate) const fn cannot_tell(why: Unknown) -> &'static str {
    match why {
        Unknown::NotSwept => "the devices were never read completely",
        Unknown::StaleSweep => "the devices were last read too long ago",
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

pub(crate) fn whose(judgement: &Judgement) -> String {
    match judgement.environment {
        Some(environment) => format!("{environment} devices"),
        None => "devices".to_owned(),
    }
}

/// Which devices a health gate is about.
pub(crate) fn see_them(gate: Gate, plan: &str) -> String {
    match gate {
        Gate::Dark => format!("see the silent devices with `ringward devices {plan} --dark`"),
        _ => format!("see which devices do not move with `ringward devices {plan} --class stalled`"),
    }
}

/// What would change what a gate says, as a person can do it.
pub(crate) fn out_of_gate(ring: &RingName, judgement: &Judgement, plan: &str) -> Remedy {
    let gate = judgement.gate;
    // Health is judged in rings that are not the current one, too.
    let of = if gate.is_of_health() { format!(" --ring {}", in_shell(ring.as_str())) } else { String::new() };
    let waive =
        |words: &str| Remedy::then(words, format!("ringward waive {plan} --gate {gate}{of} --reason …"));
    let approve = |words: &str| {
        let ring = in_shell(ring.as_str());
        Remedy::then(words, format!("ringward approve {plan} --ring {ring} --reason …"))
    };
    match &judgement.verdict {
        Verdict::Wait(Waiting::OpeningClosed | Waiting::OpeningEndsSoon) => match &judgement.evidence {
            Evidence::Opening { opens_at: None, .. } => {
                Remedy::words("add an opening to the plan's schedule; within the next 400 days there is none")
            }
            _ => Remedy::words(
                "nothing: the next opening comes by itself; for an earlier one, change the plan's schedule",
            ),
        },
        Verdict::Wait(Waiting::Frozen) => Remedy::words(
            "nothing: it goes on by itself after the freeze; to end it earlier, change the plan's schedule",
        ),
        Verdict::Wait(Waiting::TooSoon) => {
            waive("nothing: it goes on by itself after the next evaluations; for a fix that cannot wait")
        }
        Verdict::Wait(Waiting::FleetAsleep) => {
            waive("nothing: it goes on by itself when the fleet is back; to go on without an evaluation")
        }
        Verdict::Wait(Waiting::NotOffered) => {
            Remedy::words("nothing: it goes on by itself once the group offers the version again")
        }
        Verdict::Wait(Waiting::TooFewSeen | Waiting::TooFewArrived) if gate.is_of_health() => {
            waive("nothing: it goes on by itself as devices come back; to go on without them")
        }
        Verdict::Wait(Waiting::TooFewSeen | Waiting::TooFewArrived) => {
            waive("nothing: it goes on by itself as devices arrive; to go on without them")
        }
        Verdict::Wait(Waiting::SoakRunning) => {
            waive("nothing: it goes on by itself when the soak is over; for a fix that cannot wait")
        }
        Verdict::Wait(Waiting::NotExercised) => {
            waive("nothing: it goes on by itself as devices come back; to go on without them")
        }
        Verdict::Wait(Waiting::WouldDowngrade) => Remedy::words(
            "name the version that is meant in the plan; if these devices shall go down, write `allow_downgrade: '<=VERSION'` into the plan, with the first three numbers of the newest that they run; then it goes on by itself",
        ),
        Verdict::Wait(Waiting::ApprovalMissing) => {
            approve("ask those who may approve it; each of them does it on the page, or by")
        }
        Verdict::Wait(Waiting::ApprovalRefused) => approve(
            "ask who rejected it, whose reason `ringward explain` shows; change the plan, or have them take it back by",
        ),
        Verdict::Wait(Waiting::AuthorUnnamed) => Remedy::words(
            "write `author: E-MAIL` into the plan, of whoever wrote it; then others can approve it",
        ),
        Verdict::Fail(Failing::DeadlineMissed) => {
            waive("see which devices did not arrive; to go on without them")
        }
        Verdict::Fail(Failing::TooManyStalled | Failing::TooManyDark) => {
            waive(&format!("{}; to go on whatever they do", see_them(gate, plan)))
        }
        Verdict::Unknown(why @ Unknown::OutageOrHoliday) => {
            waive(&format!("{}; to go on whatever it is", fix(*why)))
        }
        Verdict::Unknown(
            why @ (Unknown::NobodyToMove
            | Unknown::ProfileUnresolved
            | Unknown::NoUserGroup
            | Unknown::UserGroupAmbiguous),
        ) => Remedy::words(format!("{}; then it goes on by itself", fix(*why))),
        Verdict::Unknown(
            Unknown::NotSwept
            | Unknown::StaleSweep
            | Unknown::ProfilesUnread
            | Unknown::ReadFails
            | Unknown::ApproversUnread,
        ) => Remedy::reads_recover(),
        Verdict::Pass | Verdict::Exempt(_) => Remedy::words("nothing: it is not in the way"),
    }
}

/// What a person can do so that a gate can tell again.
pub(crate) const fn fix(why: Unknown) -> &'static str {
    match why {
        Unknown::NoUserGroup => "name a User Group in the plan that exists at Cloudflare, or create it there",
        Unknown::UserGroupAmbiguous => "rename all but one of the User Groups of that name at Cloudflare",
        Unknown::NotSwept
        | Unknown::StaleSweep
        | Unknown::ProfilesUnread
        | Unknown::ReadFails
        | Unknown::ApproversUnread => "fix the reads that fail, which `ringward status` names",
        Unknown::ProfileUnresolved => {
            "name profiles in the plan that exist once at Cloudflare, or create them there"
        }
        Unknown::OutageOrHoliday => {
            "find out what silences the ring's devices; a holiday belongs into the schedule as a freeze"
        }
        Unknown::NobodyToMove => {
            "put devices with a client of 2026.6 or later into the ring's profiles, or take the ring out of the plan"
        }
    }
}
