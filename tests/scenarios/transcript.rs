//! A run as text: one line per event, with the counts behind a decision below it.
//!
//! **Invariant:** everything here comes from the log, the notes and the journal; nothing decides.

use std::fmt::Write as _;

use ringward::ids::Email;
use ringward::rollout::record::Judgement;
use ringward::rollout::record::{Event, Purpose, Recorded, WriteIntent};
use ringward::rollout::record::{Group, GroupContent, Member, Standing};
use ringward::rollout::state::State;
use ringward::rollout::tell::report::Report;
use ringward::rollout::world::Approvers;
use ringward::time::Timestamp;
use ringward::time::short;

use super::support::drive::upstream::{Call, GroupWrite, JournalLine, Outsider};
use super::support::drive::{Drive, Happening, Note, OnDisk, Remembered};

/// Where details stand, below an event.
const INDENT: &str = "                                        ";

/// The whole run.
pub(crate) fn transcript(drive: &Drive) -> String {
    let mut text = String::new();
    let mut notes = drive.notes.iter().peekable();
    for (index, recorded) in drive.daemon.log.iter().enumerate() {
        while let Some((at, _, note)) = notes.next_if(|(_, records, _)| *records <= index) {
            push_note(&mut text, *at, note);
        }
        push_event(&mut text, recorded);
    }
    for (at, _, note) in notes {
        push_note(&mut text, *at, note);
    }
    push_end(&mut text, drive);
    text
}

/// What a run came to, for comparing runs: phases, holds, ring states, groups.
pub(crate) fn end(drive: &Drive) -> String {
    let mut text = rollouts(&drive.daemon.engine.state);
    text.push_str("deployment groups\n");
    let mut groups: Vec<String> =
        drive.upstream.groups().map(|group| format!("  {}\n", content(&group.content))).collect();
    groups.sort();
    text.extend(groups);
    text
}

fn line(text: &mut String, at: Timestamp, actor: &str, words: &str) {
    let at = at.strftime("%a %Y-%m-%d %H:%M:%S");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{at}  {actor:<14}  {words}");
}

fn detail(text: &mut String, words: &str) {
    let _ = writeln!(text, "{INDENT}{words}");
}

fn push_event(text: &mut String, recorded: &Recorded) {
    let entry = &recorded.entry;
    let id = entry.rollout.as_ref().map(|id| format!("{id} ")).unwrap_or_default();
    let ring = entry.event.ring().map(|ring| format!(" `{ring}`")).unwrap_or_default();
    let words = format!("{id}{}{ring} — {}", entry.event.kind(), entry.reason);
    line(text, recorded.at, &entry.actor.to_string(), &words);
    match &entry.event {
        Event::PlanAccepted { revision } | Event::PlanRevised { revision, .. } => {
            let rings: Vec<_> = revision.plan.rings.iter().map(|ring| format!("`{}`", ring.name)).collect();
            detail(text, &format!("rings {}", rings.join(", ")));
        }
        Event::NewTargetWaits { revision } => {
            for ring in &revision.plan.rings {
                let targets =
                    ring.targets.iter().map(|(environment, version)| format!("{environment} {version}"));
                let targets: Vec<_> = targets.collect();
                detail(text, &format!("ring `{}` to {}", ring.name, targets.join(", ")));
            }
        }
        Event::RingRecognised { group, soak, .. } => {
            detail(text, &content(&group.content));
            detail(text, &format!("verified on {}", short(soak.verified_at)));
        }
        Event::RingAssigned { group, judgements, .. } => {
            detail(text, &content(&group.content));
            push_judgements(text, judgements);
        }
        Event::WritePlanned { intent, .. } => push_intent(text, intent),
        Event::WriteCancelled { retry_at: Some(at), .. } => {
            detail(text, &format!("not before {}", short(*at)));
        }
        Event::WriteRefused { status, message, .. } => detail(text, &format!("{status}: {message}")),
        Event::WriteDoubted { why, .. } => detail(text, why),
        Event::DoubtRead { finding, .. } | Event::WriteSettled { finding, .. } => {
            use ringward::rollout::record::Finding;
            let found = match finding {
                Finding::Applied { .. } => "applied",
                Finding::NotApplied {} => "not applied",
                Finding::Overwritten { .. } => "overwritten",
            };
            detail(text, found);
        }
        Event::AdoptionReached { judgements, .. }
        | Event::RingVerified { judgements, .. }
        | Event::RingRolledBack { judgements, .. } => {
            push_judgements(text, judgements);
        }
        Event::RollbackStarted { steps, .. } => {
            for step in steps {
                detail(text, &format!("ring {step}"));
            }
        }
        Event::RollbackInPlace { group, .. } => detail(text, &content(&group.content)),
        Event::VersionReleased { version } => detail(text, &format!("{version}")),
        Event::ApprovalGiven { targets, expires_at, groups, set_aside, .. } => {
            let targets: Vec<_> =
                targets.iter().map(|(environment, version)| format!("{environment} {version}")).collect();
            let groups: Vec<_> = groups.iter().map(|group| format!("`{group}`")).collect();
            let (targets, groups) = (targets.join(", "), groups.join(", "));
            detail(text, &format!("{targets}, as a member of {groups}, until {}", short(*expires_at)));
            for by in set_aside {
                detail(text, &format!("sets aside the rejection by {by}, who left"));
            }
        }
        _ => {}
    }
}

fn push_intent(text: &mut String, intent: &WriteIntent) {
    let what = match (&intent.before, &intent.purpose) {
        (None, Purpose::Restore) => format!("create anew {}", content(&intent.after)),
        (None, _) => format!("create {}", content(&intent.after)),
        (Some(before), Purpose::Restore) => {
            let difference = before.content.difference(&intent.after);
            format!("write `{}` back: {difference}", before.content.name)
        }
        (Some(before), Purpose::Rollback { .. }) => {
            format!("take `{}` back: {}", before.content.name, before.content.difference(&intent.after))
        }
        (Some(before), Purpose::Target) => {
            format!("update `{}`: {}", before.content.name, before.content.difference(&intent.after))
        }
        (Some(before), Purpose::PutBack { from, plan }) => {
            let of = plan.as_ref().map(|plan| format!(" of {plan}")).unwrap_or_default();
            let difference = before.content.difference(&intent.after);
            format!("put back into `{}` of ring `{from}`{of}: {difference}", before.content.name)
        }
        (Some(before), Purpose::MoveOut { from, plan }) => {
            let of = plan.as_ref().map(|plan| format!(" of {plan}")).unwrap_or_default();
            let difference = before.content.difference(&intent.after);
            format!("move out of `{}` of ring `{from}`{of}: {difference}", before.content.name)
        }
    };
    detail(text, &format!("{}: {what}; {} devices", intent.id, intent.devices));
    push_judgements(text, &intent.judgements);
}

fn push_judgements(text: &mut String, judgements: &[Judgement]) {
    for judgement in judgements {
        detail(text, &format!("{judgement}; threshold: {}", judgement.threshold()));
    }
}

fn content(content: &GroupContent) -> String {
    let versions: Vec<_> = content.versions.iter().map(ToString::to_string).collect();
    let policies: Vec<_> = content.policies.iter().map(|policy| policy.as_str()).collect();
    format!("`{}` offering {} to {}", content.name, versions.join(", "), policies.join(", "))
}

fn push_note(text: &mut String, at: Timestamp, note: &Note) {
    match note {
        Note::Refused(actor, command, refusal) => {
            line(text, at, &actor.to_string(), &format!("refused: {command:?}"));
            detail(text, &refusal.to_string());
        }
        Note::Restarted => line(text, at, "(script)", "the daemon is up again"),
        Note::Explained(plan, report) => {
            line(text, at, "(explain)", &format!("why {plan} is where it is"));
            if let Some(report) = report {
                push_report(text, report);
            }
        }
        Note::Happened(happening) => line(text, at, "(script)", &happened(happening)),
    }
}

fn push_report(text: &mut String, report: &Report) {
    let (phase, since) = (report.phase.as_str(), short(report.phase_since));
    detail(text, &format!("{} is {phase} since {since}", report.id));
    for ring in &report.rings {
        detail(text, &format!("ring `{}` is {}", ring.name, ring.state));
    }
    for held in &report.blocked_versions {
        let words = format!("blocks {} {} of profile {}", held.environment, held.version, held.policy);
        detail(text, &words);
    }
    for offer in &report.superseded {
        let needs_you = if offer.failing().is_some() { ", needs you" } else { "" };
        detail(text, &format!("superseded{needs_you}: ring `{}`: {}", offer.ring, offer.text()));
        for gate in &offer.gates {
            detail(text, &format!("  {gate}"));
        }
    }
    for blocker in &report.waiting_on {
        detail(text, &format!("waits: {blocker}"));
        detail(text, &format!("  do: {}", blocker.remedy(report.id.plan.as_str())));
    }
    if let Some(newer) = &report.newer {
        let said = report.explain_newer(newer);
        detail(text, &format!("afterwards: {}, since {}", said.headline, short(newer.since)));
        detail(text, &format!("  {}", said.detail));
        detail(text, &format!("  do: {}", said.remedy));
    }
    if let Some(at) = report.earliest_move {
        detail(text, &format!("moves at the earliest: {}", short(at)));
    }
    for (read, trouble) in &report.troubles {
        let (read, since) = (read.as_str(), short(trouble.since));
        detail(text, &format!("cannot read {read} since {since}: {}", trouble.message));
    }
}

fn happened(happening: &Happening) -> String {
    match happening {
        Happening::Command(actor, reason, command) => format!("{actor} asks {command:?}: {reason}"),
        Happening::StopFile(actor, reason) => format!("{actor} puts a stop file there: {reason}"),
        Happening::Edit(plan, Some(OnDisk::Good(_))) => {
            format!("the file of {plan} is written")
        }
        Happening::Edit(plan, Some(OnDisk::Broken | OnDisk::Invalid(_))) => {
            format!("the file of {plan} is edited into an error")
        }
        Happening::Edit(plan, Some(OnDisk::Cut(_))) => {
            format!("the file of {plan} is written, and its last line has no end")
        }
        Happening::Edit(plan, None) => format!("the file of {plan} is removed"),
        Happening::Directory { is_readable: true } => "the plans directory is readable again".to_owned(),
        Happening::Directory { is_readable: false } => "the plans directory cannot be read".to_owned(),
        Happening::Outside(edit) => match edit {
            Outsider::SetsVersion(group, environment, version) => {
                format!("somebody else sets {environment} {version} in `{group}`")
            }
            Outsider::SetsProfiles(group, profiles) => {
                let profiles: Vec<_> = profiles.iter().map(|profile| profile.as_str()).collect();
                format!("somebody else sets the profiles {} in `{group}`", profiles.join(", "))
            }
            Outsider::Renames(group, new) => format!("somebody else renames `{group}` to `{new}`"),
            Outsider::Updates { profile, devices, version } => {
                format!("another updater moves {devices} devices of {profile} to {version}")
            }
            Outsider::DeletesProfile(profile) => {
                format!("somebody else deletes the profile {profile}; its devices have the default one")
            }
            Outsider::Deletes(group) => format!("somebody else deletes `{group}`"),
            Outsider::Regroups(group, Approvers::Missing) => format!("User Group `{group}` is gone"),
            Outsider::Regroups(group, Approvers::Several(of)) => {
                format!("{of} User Groups are named `{group}`")
            }
            Outsider::Regroups(group, Approvers::Members(members)) => {
                let who = |member: &Member| {
                    let email = member.email.as_ref().map_or("somebody without an e-mail", Email::as_str);
                    match &member.standing {
                        Standing::Accepted => email.to_owned(),
                        Standing::Pending => format!("{email} (pending)"),
                        Standing::Other(status) => format!("{email} ({status})"),
                    }
                };
                let members: Vec<String> = members.iter().map(who).collect();
                format!("in User Group `{group}` are now {}", members.join(", "))
            }
            Outsider::Creates(created) => format!("somebody else creates {}", content(created)),
        },
        Happening::Clock(Some(doubt)) => format!("the clock: {doubt}"),
        Happening::ClockReset(Some(shown)) => format!("the machine's clock shows {shown}"),
        Happening::Clock(None) | Happening::ClockReset(None) => {
            "the clock agrees with Cloudflare's again".to_owned()
        }
        Happening::Crash(Remembered::Devices) => "the daemon dies".to_owned(),
        Happening::Crash(Remembered::Nothing) => "the daemon dies and forgets the devices".to_owned(),
        Happening::Sleep(until) => format!("the host sleeps until {}", short(*until)),
        Happening::Explain(plan) => format!("explain {plan}"),
    }
}

fn rollouts(state: &State) -> String {
    let mut text = String::new();
    if let Some(hold) = &state.stop {
        let _ = writeln!(text, "all writes are stopped by {}", hold.actor);
    }
    for plan in state.plans.values() {
        let rollout = &plan.rollout;
        let paused = if plan.paused.is_some() { ", paused" } else { "" };
        let halted = rollout.halted.as_ref().map(|halt| format!(", halted ({})", halt.cause.as_str()));
        let phase = rollout.phase.as_str();
        let _ = writeln!(text, "{} is {phase}{paused}{}", rollout.id.plan, halted.unwrap_or_default());
        for ring in &rollout.rings {
            let _ = writeln!(text, "  ring `{}` is {}", ring.name, ring.stage.as_str());
        }
    }
    text
}

fn push_end(text: &mut String, drive: &Drive) {
    let _ = writeln!(text, "\nat the end, {}", short(drive.now));
    text.push_str(&end(drive));
    text.push_str("changing requests\n");
    for request in drive.upstream.writes() {
        let _ = writeln!(text, "  {}", request_line(request));
    }
}

fn request_line(request: &JournalLine) -> String {
    let at = request.at.strftime("%a %Y-%m-%d %H:%M:%S");
    let asked = match &request.asked {
        Call::Write(GroupWrite { group: None, content: body }) => format!("POST {}", content(body)),
        Call::Write(GroupWrite { group: Some(id), content: body }) => format!("PATCH {id} {}", content(body)),
        Call::Read(read) => format!("read {}", read.as_str()),
    };
    let applied = match &request.applied {
        Some(Group { updated_at, .. }) => format!("applied {}", updated_at.strftime("%H:%M:%S")),
        None => "not applied".to_owned(),
    };
    format!("{at}  {asked}: {applied}, answer: {}", request.answer)
}
