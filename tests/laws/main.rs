//! Random pure runs: plans x fleets x faults x people, each judged by the law checker, by the
//! stories of its devices, and by what the drive checks at every step: the log replays to the live state
//! (law 9), and deciding again adds nothing (law 10).
//!
//! `RINGWARD_RUNS` says how many (default 300), `RINGWARD_SEED` where they begin. A failure
//! names its seed: `RINGWARD_SEED=<seed> RINGWARD_RUNS=1 cargo test --test laws` repeats it. From
//! 10,000 runs on, everything that can be reached must have come up at least 20 times.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ringward::rollout::laws::{self, Tolerance, UpstreamWrite};
use ringward::rollout::record::{Event, Purpose};
use ringward::rollout::state::Phase;
use ringward::time::{SignedDuration, Timestamp, after};

#[path = "../support/mod.rs"]
pub mod support;

#[cfg(test)]
mod brake;
#[cfg(test)]
mod copier;
#[cfg(test)]
mod cost;
mod coverage;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod department;
#[cfg(test)]
mod digest;
#[cfg(test)]
mod editor;
#[cfg(test)]
mod entries;
#[cfg(test)]
mod hotfix;
#[cfg(test)]
mod labels;
#[cfg(test)]
mod meddler;
#[cfg(test)]
mod newer;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod prefixes;
#[cfg(test)]
mod preview;
#[cfg(test)]
mod retreat;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod transfer;
mod truth;
#[cfg(test)]
mod written;

use copier::Copier;
use coverage::Coverage;
use department::Department;
use digest::Digests;
use editor::Editor;
use scenes::{Scene, scene};
use support::drive::upstream::{Call, GroupWrite};
use support::drive::{Drive, Happening, Note};

/// From so many runs on, coverage is asked for.
const FULL: u64 = 10_000;
const LEAST_SEEN: usize = 20;
/// A soak of half a day, or two evening looks for silent devices: no gate takes longer.
const NOTHING_MORE: SignedDuration = SignedDuration::from_hours(50);
const FIRST_SEED: u64 = 1;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

fn journal(drive: &Drive) -> Vec<UpstreamWrite> {
    let writes = drive.upstream.writes().filter_map(|request| {
        let Call::Write(GroupWrite { group, content }) = &request.asked else { return None };
        let (group, body) = (group.clone(), content.clone());
        Some(UpstreamWrite {
            received_at: request.at,
            group,
            body,
            applied_at: request.applied.as_ref().map(|group| group.updated_at),
            held_back: false,
            retargeted: request.retargeted,
        })
    });
    writes.collect()
}

/// Writes that were sent though the machine's clock was in doubt. What is taken back goes on, and what was
/// taken out of one group is put into the other, or back.
fn on_a_doubted_clock(drive: &Drive) -> Vec<String> {
    let doubts: Vec<(Timestamp, bool)> = drive
        .notes
        .iter()
        .filter_map(|(at, _, note)| match note {
            Note::Happened(Happening::Clock(doubt)) => Some((*at, doubt.is_some())),
            _ => None,
        })
        .collect();
    // At the instant itself either may have come first.
    let in_doubt = |at: Timestamp| {
        let before = doubts.iter().rev().find(|(since, _)| *since < at);
        before.is_some_and(|(_, in_doubt)| *in_doubt) && !doubts.contains(&(at, false))
    };
    let mut moves_on = false;
    let mut wrong = Vec::new();
    for request in drive.upstream.writes() {
        let planned = drive.daemon.log.iter().rev().find_map(|recorded| match &recorded.entry.event {
            Event::WritePlanned { intent, .. } if recorded.at <= request.at => Some(&intent.purpose),
            _ => None,
        });
        let Some(purpose) = planned else { continue };
        let goes_on = purpose.goes_back() || moves_on;
        moves_on = matches!(purpose, Purpose::MoveOut { .. });
        if in_doubt(request.at) && !goes_on {
            wrong
                .push(format!("a write is sent at {} though the clock is in doubt: {purpose:?}", request.at));
        }
    }
    wrong
}

/// Whether everything that can end has ended.
fn is_over(drive: &Drive) -> bool {
    let state = &drive.daemon.engine.state;
    let over = |phase| matches!(phase, Phase::Completed | Phase::RolledBack | Phase::Withdrawn);
    !state.plans.is_empty()
        && state.pending_write().is_none()
        && state.plans.values().all(|plan| over(plan.rollout.phase))
}

/// Runs a scene to its end; what is wrong with it, in words.
fn run(seed: u64, coverage: &mut Coverage, digests: &mut Digests) -> Vec<String> {
    let Scene { mut drive, until, quiet_from, forgets, mut meddler, mut retreat, mut hotfix, mut crowd } =
        scene(seed);
    let (mut editor, mut department) = (Editor::new(seed), Department::new(seed));
    let mut copier = Copier::new(seed);
    drive.daemon.engine.world.revisions = editor.revisions();
    let mut seen = 0;
    while drive.step(until) {
        let newest = drive.daemon.log.last().filter(|newest| newest.seq > seen).cloned();
        if let Some(newest) = newest {
            seen = newest.seq;
            meddler.meddle(&mut drive, &newest.entry.event);
            retreat.turn(&mut drive, &newest.entry.event);
            hotfix.turn(&mut drive, &newest.entry.event);
            crowd.turn(&mut drive, &newest.entry.event);
            let plan = newest.entry.rollout.as_ref().map(|id| &id.plan);
            editor.turn(&mut drive, plan, &newest.entry.event);
            department.turn(&mut drive, plan, &newest.entry.event);
            copier.turn(&mut drive, plan, &newest.entry.event);
        }
        for report in drive.daemon.reports.values() {
            coverage.report(report);
        }
        let last = drive.daemon.log.last().map_or(quiet_from, |last| last.at.max(quiet_from));
        // Nobody comes any more, and nothing has moved for longer than any gate takes.
        if drive.now > quiet_from && (is_over(&drive) || drive.now > after(last, NOTHING_MORE)) {
            break;
        }
    }
    // The drive's journal has the instant at which a request was sent.
    let limits = Tolerance { in_transit: SignedDuration::ZERO, ..Tolerance::default() };
    let violations = laws::check_within(&drive.daemon.log, &journal(&drive), limits);
    let mut wrong: Vec<String> = violations.iter().map(ToString::to_string).collect();
    wrong.extend(on_a_doubted_clock(&drive));
    wrong.extend(truth::check(&drive.daemon.log, &drive.upstream.devices, forgets));
    for (plan, report) in &drive.daemon.reports {
        let silent =
            report.waiting_on.is_empty() || report.waiting_on.iter().any(|why| why.to_string().is_empty());
        if report.phase == Phase::Running && silent {
            wrong.push(format!("plan {plan} waits and does not say why"));
        }
    }
    coverage.run(&drive);
    digests.add(seed, &drive);
    if !wrong.is_empty() {
        wrong.push(drive.tail());
    }
    wrong
}

/// A panic in the drive is a finding like any other: a livelock, a log that replays to
/// another state, or a decision that adds something when it is made again.
fn judged(seed: u64, coverage: &mut Coverage, digests: &mut Digests) -> Vec<String> {
    match catch_unwind(AssertUnwindSafe(|| run(seed, coverage, digests))) {
        Ok(wrong) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            vec![text.unwrap_or_else(|| "a panic without words".to_owned())]
        }
    }
}

#[test]
fn random_runs_break_no_law() {
    let (runs, first) = (number("RINGWARD_RUNS", 300), number("RINGWARD_SEED", FIRST_SEED));
    println!("{runs} random runs from seed {first}");
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let total = Mutex::new((Coverage::default(), Digests::default()));
    let work = || {
        let (mut coverage, mut digests) = (Coverage::default(), Digests::default());
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs || failures.lock().unwrap().len() >= 3 {
                break;
            }
            let seed = first + run;
            let wrong = judged(seed, &mut coverage, &mut digests);
            if !wrong.is_empty() {
                failures.lock().unwrap().push((seed, wrong));
            }
        }
        let mut total = total.lock().unwrap();
        total.0.add(coverage);
        total.1.merge(digests);
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    let (coverage, digests) = total.into_inner().unwrap();
    let (line, gaps) = coverage.summary(LEAST_SEEN);
    println!("runs: {runs}, logs {}", digests.total());
    println!("coverage over {runs} runs: {line}");
    for (seed, wrong) in &failures {
        println!("seed {seed}:\n  {}", wrong.join("\n  "));
    }
    let seeds: Vec<u64> = failures.iter().map(|(seed, _)| *seed).collect();
    assert!(failures.is_empty(), "runs with these seeds are wrong: {seeds:?}");
    assert!(runs < FULL || gaps.is_empty(), "coverage: {}", gaps.join("; "));
}
