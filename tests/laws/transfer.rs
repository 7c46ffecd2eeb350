//! A profile goes from one ring's group to another's, and Cloudflare, a person or a crash comes between the two
//! writes that this takes.
//!
//! **Invariant:** whatever comes between, no law is broken, and the profile is soon in a group again: in the new
//! one or in the old.

use std::collections::{BTreeMap, BTreeSet};

use ringward::ids::{GroupId, PlanName, PolicyId};
use ringward::rollout::decide::blocker::Blocker;
use ringward::rollout::judge::rollback_target::Scope;
use ringward::rollout::laws::{self, Tolerance};
use ringward::rollout::people::command::Command;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::record::{Actor, Event, Mode, Purpose};
use ringward::rollout::state::Phase;
use ringward::simulation::cast::{self, Casting, Size};
use ringward::synthetic::Mix;
use ringward::time::{SignedDuration, Timestamp, after, since};
use ringward::version::Environment;

use super::support::drive::upstream::{Outsider, WriteFault};
use super::support::drive::{Drive, Happening, OnDisk, Pace, Remembered};
use super::{journal, number};
use crate::support::dice::Dice;

const FROM: &str = "2026-10-12T06:00:00Z";
/// How many seeds are tried; `RINGWARD_RUNS` can ask for fewer.
const RUNS: u64 = 150;

fn plan(schedule: &str, first: &str, second: &str) -> OnDisk {
    let text = format!(
        "plan: p\nversions: {{windows: 2026.8.2100.0, macos: 2026.8.2100.0}}\ndefaults:\n  soak: 2d\n  adoption: {{at_least: 10%, within: 14d, seen_at_least: 10%}}\n  schedule: {schedule}\n  rollback_to: {{windows: 2026.7.1376.0, macos: 2026.7.1376.0}}\nrings:\n  - {{name: First, profiles: [{first}]}}\n  - {{name: Second, profiles: [{second}]}}\n"
    );
    OnDisk::Good(Box::new(ringward::plan::read("p.yaml", text.as_bytes()).unwrap()))
}

/// A plan of two rings that is completed.
fn completed(schedule: &str) -> Drive {
    let from: Timestamp = FROM.parse().unwrap();
    let OnDisk::Good(plan) = plan(schedule, "Pilot", "Sales, default") else { unreachable!() };
    let casting = Casting { seed: 3, size: Size::Total(40), mix: Mix::default(), from, days: 60 };
    let pace = Pace { poll: SignedDuration::from_mins(30), ..Pace::default() };
    let mut drive = Drive::new(cast::account(&plan.plan, &casting), vec![*plan], pace, Mode::Write, from);
    let until = after(from, SignedDuration::from_hours(24 * 20));
    let over = |drive: &Drive| {
        drive.daemon.engine.state.plans.values().any(|plan| plan.rollout.phase == Phase::Completed)
    };
    while !over(&drive) {
        assert!(drive.step(until), "it is never completed\n{}", drive.tail());
    }
    drive
}

fn fault(dice: &mut Dice) -> WriteFault {
    let retry_after = Some(SignedDuration::from_mins(dice.pick(&[1, 15])));
    let late = SignedDuration::from_secs(dice.pick(&[40, 400]));
    dice.pick(&[
        WriteFault::Refused(403),
        WriteFault::Refused(409),
        WriteFault::ResetBefore,
        WriteFault::ResetAfter,
        WriteFault::AppliedLate(late),
        WriteFault::ServerError { applied: true },
        WriteFault::ServerError { applied: false },
        WriteFault::RateLimited { retry_after },
        WriteFault::ConnectRefused,
        WriteFault::AnswerDiffers,
    ])
}

/// The moved profile, what comes between, and whether writes are stopped meanwhile.
fn disturbed(dice: &mut Dice, drive: &mut Drive, schedule: &str) -> bool {
    let name = PlanName::new("p").unwrap();
    let edited = after(drive.now, SignedDuration::from_secs(1));
    drive.at(edited, Happening::Edit(name.clone(), Some(plan(schedule, "Pilot, Sales", "default"))));
    let so_far = drive.upstream.writes().count();
    for n in 2..=4 {
        if dice.chance(50) {
            drive.upstream.write_faults.insert(so_far + n, fault(dice));
        }
    }
    let until = after(drive.now, SignedDuration::from_hours(48));
    let records = drive.daemon.log.len();
    let is_out = |drive: &Drive| {
        let plan = &drive.daemon.engine.state.plans[&name];
        plan.rollout.rings.iter().any(|ring| !ring.between.is_empty())
    };
    while !is_out(drive) && drive.step(until) {}
    assert!(is_out(drive), "nothing is taken out\n{}", drive.tail());
    let ann = Actor::Local { user: "ann".to_owned() };
    let at = after(drive.now, SignedDuration::from_secs(dice.pick(&[1, 3, 5, 60, 400])));
    let mut ask = |at: Timestamp, why: &str, asked: Command| {
        drive.at(at, Happening::Command(ann.clone(), why.to_owned(), asked));
    };
    let mut stops = false;
    if dice.chance(50) {
        let rollback = Command::Rollback { plan: name.clone(), scope: Scope::default() };
        let order = dice.pick(&[Command::Pause(name.clone()), rollback, Command::Stop]);
        stops = order == Command::Stop;
        ask(at, "not now", order);
    }
    for days in 0..4 {
        let later = after(at, SignedDuration::from_hours(3 + 24 * days));
        ask(later, "seen", Command::Start { plans: StartPlans::GoOn });
        ask(after(later, SignedDuration::from_secs(5)), "seen", Command::Resume(name.clone()));
    }
    if dice.chance(30) {
        drive.at(at, Happening::Crash(Remembered::Devices));
    } else if dice.chance(30) {
        drive.crash_after(records + 4 + dice.below(12));
    }
    stops
}

/// What others do meanwhile: the group that had the profile is changed or deleted, the profile is put somewhere by
/// hand, or the plan's file goes, or comes back as it was.
fn meddled(dice: &mut Dice, drive: &mut Drive, schedule: &str) {
    let name = PlanName::new("p").unwrap();
    let [sales, pilot, everyone] = ["Sales", "Pilot", "default"].map(|profile| {
        let known = drive.upstream.profiles.iter();
        let is =
            |name: Option<&str>, default: bool| name == Some(profile) || (default && profile == "default");
        known.into_iter().find(|known| is(known.name.as_deref(), known.is_default)).unwrap().id.clone()
    });
    for _ in 0..=dice.below(2) {
        let at = after(drive.now, SignedDuration::from_secs(dice.pick(&[1, 5, 60, 600])));
        let old = "2026.7.1376.0".to_owned();
        let happening = match dice.below(7) {
            0 => Happening::Outside(Outsider::Deletes("Second".to_owned())),
            1 => Happening::Outside(Outsider::SetsVersion("Second".to_owned(), Environment::Windows, old)),
            2 => Happening::Outside(Outsider::SetsProfiles(
                "Second".to_owned(),
                [sales.clone(), everyone.clone()].into(),
            )),
            3 => Happening::Outside(Outsider::SetsProfiles(
                "First".to_owned(),
                [sales.clone(), pilot.clone()].into(),
            )),
            4 => Happening::Outside(Outsider::Renames("Second".to_owned(), "Other".to_owned())),
            5 => Happening::Edit(name.clone(), None),
            _ => Happening::Edit(name.clone(), Some(plan(schedule, "Pilot", "Sales, default"))),
        };
        drive.at(at, happening);
    }
}

fn assert_lawful(seed: u64, drive: &Drive) {
    let limits = Tolerance { in_transit: SignedDuration::ZERO, ..Tolerance::default() };
    let broken = laws::check_within(&drive.daemon.log, &journal(drive), limits);
    let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "seed {seed}: {broken:#?}\n{}", drive.tail());
}

/// How long a profile was in no group at a time, by upstream's own journal, and which are in none at the end.
fn left_out(drive: &Drive) -> (SignedDuration, BTreeSet<PolicyId>) {
    let mut groups: BTreeMap<GroupId, BTreeSet<PolicyId>> = BTreeMap::new();
    let mut out: BTreeMap<PolicyId, Timestamp> = BTreeMap::new();
    let mut longest = SignedDuration::ZERO;
    for applied in drive.upstream.writes().filter_map(|request| request.applied.as_ref()) {
        let before: BTreeSet<PolicyId> = groups.values().flatten().cloned().collect();
        groups.insert(applied.id.clone(), applied.content.policies.clone());
        let now: BTreeSet<PolicyId> = groups.values().flatten().cloned().collect();
        out.extend(before.difference(&now).map(|policy| (policy.clone(), applied.updated_at)));
        let back = |(policy, from): (&PolicyId, &Timestamp)| {
            now.contains(policy).then(|| since(*from, applied.updated_at))
        };
        longest = out.iter().filter_map(back).fold(longest, SignedDuration::max);
        out.retain(|policy, _| !now.contains(policy));
    }
    (longest, out.into_keys().collect())
}

#[test]
fn what_others_do_meanwhile_breaks_no_law_and_is_told() {
    let runs = number("RINGWARD_RUNS", RUNS).min(RUNS);
    let schedule = "{open: []}";
    let base = completed(schedule);
    let mut left = 0;
    for seed in 1_001..=1_000 + runs {
        let dice = &mut Dice::new(seed);
        let mut drive = base.clone();
        disturbed(dice, &mut drive, schedule);
        meddled(dice, &mut drive, schedule);
        let until = after(drive.now, SignedDuration::from_hours(24 * 6));
        drive.run_until(until);
        assert_lawful(seed, &drive);
        // What is in no group at the end is told, or nobody follows the plan any more.
        let grouped: BTreeSet<PolicyId> =
            drive.upstream.groups().flat_map(|group| group.content.policies.iter().cloned()).collect();
        let (name, report) = drive.daemon.reports.iter().next().unwrap();
        let out = drive.daemon.engine.state.plans[name]
            .rollout
            .rings
            .iter()
            .flat_map(|ring| ring.between.out.values());
        let out = out.flat_map(|out| &out.policies).any(|policy| !grouped.contains(policy));
        let told = report.waiting_on.iter().any(|blocker| matches!(blocker, Blocker::BetweenGroups { .. }));
        assert!(!out || told, "seed {seed}: {:?}\n{}", report.waiting_on, drive.tail());
        left += usize::from(out);
    }
    println!("seeds 1001 to {}: {left} times still in no group, and told", 1_000 + runs);
}

#[test]
fn a_profile_between_two_groups_goes_in_or_back_whatever_comes_between() {
    let runs = number("RINGWARD_RUNS", RUNS).min(RUNS);
    let schedules = ["{open: []}", "{open: [{cron: \"0 9 * * *\", for: 20m}]}"];
    let bases = schedules.map(completed);
    let (mut put_back, mut went_in) = (0, 0);
    for seed in 1..=runs {
        let dice = &mut Dice::new(seed);
        let which = usize::from(dice.chance(50));
        let mut drive = bases[which].clone();
        let stops = disturbed(dice, &mut drive, schedules[which]);
        let until = after(drive.now, SignedDuration::from_hours(24 * 6));
        drive.run_until(until);
        assert_lawful(seed, &drive);
        let (longest, out) = left_out(&drive);
        let most = SignedDuration::from_hours(if stops { 4 } else { 1 });
        assert!(out.is_empty(), "seed {seed}: {out:?} is in no group\n{}", drive.tail());
        assert!(longest <= most, "seed {seed}: in no group for {longest}\n{}", drive.tail());
        let back = drive.daemon.log.iter().filter(|recorded| {
            matches!(&recorded.entry.event, Event::WritePlanned { intent, .. }
                if matches!(intent.purpose, Purpose::PutBack { .. }))
        });
        if back.count() > 0 { put_back += 1 } else { went_in += 1 }
    }
    println!("seeds 1 to {runs}: {put_back} times put back, {went_in} times in at once");
    assert!(runs < RUNS || (put_back >= 20 && went_in >= 20), "{put_back} times back, {went_in} times in");
}
