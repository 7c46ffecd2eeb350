//! The daemon's snapshot as JSON.
//!
//! **Invariant:** an answer is a copy of one snapshot.

use crate::daemon::files::FileProblem;
use crate::daemon::view::View;
use crate::ids::PlanName;
use crate::rollout::decide::blocker::Blocker;
use crate::rollout::tell::explain::blocks::explain_new;
use crate::rollout::tell::report::Report;
use crate::rollout::tell::revision_waits::RevisionWaits;
use crate::rollout::world::{Read, Trouble};
use crate::time::{Timestamp, rough};
use crate::web::json::{
    ClockTroubleJson, ClockTrustJson, FaultJson, FileProblemJson, HeadJson, LogTroubleJson, NewPlanJson,
    RolloutJson, RolloutsAnswer, TroubleJson,
};
use crate::web::present::rollout::{hold, revision_waits, rollout};

/// The whole snapshot.
pub(in crate::web) fn rollouts(view: &View) -> RolloutsAnswer {
    let problem = |one: &FileProblem| FileProblemJson { file: one.file.clone(), errors: one.errors.clone() };
    let trouble = |(read, one): (Read, Trouble)| TroubleJson {
        read: read_name(&read),
        since: one.since,
        message: one.message,
    };
    let unwritable = |one: Trouble| LogTroubleJson { since: one.since, message: one.message };
    RolloutsAnswer {
        at: view.at,
        account: view.account.clone(),
        mode: view.mode,
        revisions: Some(view.revisions),
        clock: view.clock.seen_from_outside().to_string(),
        stopped: view.stop.as_ref().map(hold),
        rollouts: view.reports.iter().map(|report| of_view(report, view)).collect(),
        new_plans: view.new_plans().map(|(plan, waits)| new_plan(plan, waits, view.at)).collect(),
        problems: view.problems.iter().map(problem).collect(),
        troubles: view.troubles.iter().cloned().map(trouble).collect(),
        log_unwritable: view.log_unwritable.clone().map(unwritable),
        clock_troubles: clock_troubles(view),
        clock_trust: clock_trust(view),
        decided_ago_seconds: Some(view.taken.passed().as_secs()),
        faults: view.faults.iter().cloned().map(|(plan, message)| FaultJson { plan, message }).collect(),
        head: HeadJson { seq: view.head.seq.get(), hash: view.head.hash.to_string() },
        budget_remaining: view.budget_remaining,
        full_sweep_at: view.full_sweep_at,
        swept_at: view.swept_at,
        next_check: view.next_check,
    }
}

/// One rollout of the snapshot, with what waits of its plan.
pub(in crate::web) fn of_view(report: &Report, view: &View) -> RolloutJson {
    let plan = &report.id.plan;
    let revision_waits = view.waiting.get(plan).map(|waits| revision_waits(plan, waits, view.at));
    RolloutJson { revision_waits, ..rollout(report, view.next_check) }
}

fn new_plan(plan: &PlanName, waits: &RevisionWaits, now: Timestamp) -> NewPlanJson {
    let waiting = &waits.waiting;
    let said = explain_new(plan, &waiting.revision);
    NewPlanJson {
        plan: plan.clone(),
        digest: waiting.revision.digest.as_str().to_owned(),
        since: waiting.since,
        headline: said.headline,
        detail: said.detail,
        remedy: said.remedy.to_string(),
        command: said.remedy.command,
        revision_waits: Some(revision_waits(plan, waits, now)),
    }
}

fn read_name(read: &Read) -> String {
    match read {
        Read::Group(id) => format!("{} ({id})", read.as_str()),
        Read::ProfileSweep(id) => format!("{} ({id})", read.as_str()),
        Read::Approvers(name) => format!("{} (`{name}`)", read.as_str()),
        Read::Groups | Read::Profiles | Read::FullSweep | Read::IncrementalSweep => read.as_str().to_owned(),
    }
}

/// What of the clock is in the way of writes, the worst first.
fn clock_troubles(view: &View) -> Vec<ClockTroubleJson> {
    let behind = view.clock_behind.map(|(until, by)| {
        let message = format!("this machine's clock is {} behind what ringward has recorded", rough(by));
        (Blocker::ClockBehind(until), message)
    });
    let doubt = view.second_clock.in_the_way(view.now());
    let doubt = doubt.map(|doubt| (Blocker::ClockDoubted(doubt), doubt.to_string()));
    let trouble = |(blocker, message): (Blocker, String)| ClockTroubleJson {
        code: blocker.code().to_owned(),
        message,
        remedy: blocker.remedy(""),
    };
    behind.into_iter().chain(doubt).map(trouble).collect()
}

/// Whose word it goes by, while that counts.
fn clock_trust(view: &View) -> Option<ClockTrustJson> {
    let trust = view.second_clock.trusted(view.now())?;
    Some(ClockTrustJson { until: trust.until, reason: trust.reason.clone() })
}
