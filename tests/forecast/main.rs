//! Forecasts against what then happens: simulated rollouts of varied plans, fleets and habits, each
//! forecast at the instant at which its first ring is verified.
//!
//! `RINGWARD_TRIALS=full` runs 200 of them, else a dozen; `RINGWARD_SEED` says where they begin. The
//! true end must lie inside the stated 80 % range in at least 72 % of them, and the median range must
//! be at most half of the time that was left.

#![cfg(test)]

use std::collections::BTreeMap;

use ringward::ids::{PlanName, RingName};
use ringward::plan::model::{
    Adoption, AllowDowngrade, Health, OnDrift, OnFailure, OnNewTarget, Percent, Plan, PlanDigest, ProfileRef,
    Revision, RingPlan, RollbackRules,
};
use ringward::rollout::record::{Event, Mode};
use ringward::rollout::state::Phase;
use ringward::rollout::world::Desired;
use ringward::schedule::{Freeze, Opening, Schedule, Zone};
use ringward::simulation::cast::{Casting, Size, account};
use ringward::simulation::forecast::{Forecast, Situation, When, forecast};
use ringward::simulation::{Drive, Looks, Pace, Reports};
use ringward::synthetic::Mix;
use ringward::time::{SignedDuration, Span, Stopwatch, Timestamp, after, in_words, rough, since};
use ringward::version::{ClientVersion, Environment};

const DAYS: i64 = 120;

/// A small generator of choices: SplitMix64's finaliser over a counter.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

struct Scene {
    revision: Revision,
    casting: Casting,
}

fn scene(seed: u64) -> Scene {
    let mut choices = Choices(seed.wrapping_mul(0x1234_5678_9abc_def1));
    let zone = Zone::new(choices.pick(&["Europe/Lisbon", "America/New_York", "Asia/Tokyo", "UTC"])).unwrap();
    let open = match choices.below(4) {
        0 => Vec::new(),
        1 => vec![Opening::new("0 9 * * Mon-Thu", "7h".parse().unwrap()).unwrap()],
        2 => vec![Opening::new("0 10 * * Tue,Thu", "4h".parse().unwrap()).unwrap()],
        _ => vec![Opening::new("0 8 * * Mon-Fri", "2h".parse().unwrap()).unwrap()],
    };
    let freeze = if choices.below(3) == 0 {
        vec![Freeze::new("2026-10-26".parse().unwrap(), "2026-11-01".parse().unwrap(), "autumn").unwrap()]
    } else {
        Vec::new()
    };
    let schedule = Schedule::new(zone, open, freeze).unwrap();
    let soak = choices.pick(&[48, 72, 96, 120, 168]);
    let adoption = Adoption {
        at_least: Percent::whole(choices.pick(&[75, 80, 85, 90])),
        within: Span::hours(14 * 24),
        seen_at_least: Percent::whole(choices.pick(&[50, 60, 75])),
    };
    let rings = 3 + choices.below(3);
    let target = ClientVersion::new(2026, 8, 2100, 0);
    let environments = choices.pick(&[&Environment::ALL[..], &[Environment::Windows]]);
    let ring = |index: usize| RingPlan {
        name: RingName::new(format!("Ring {index}")).unwrap(),
        was: None,
        group: format!("Ring {index}"),
        profiles: vec![if index + 1 == rings {
            ProfileRef::Default
        } else {
            ProfileRef::Named(format!("Profile {index}"))
        }],
        targets: environments.iter().map(|environment| (*environment, target)).collect(),
        schedule: schedule.clone(),
        adoption,
        soak: Span::hours(soak),
        unknown_after: Span::hours(6),
        on_failure: OnFailure::Halt,
        rollback: RollbackRules::default(),
        approval: None,
        health: Health::default(),
        max_devices: None,
        allow_downgrade: AllowDowngrade::Nothing,
    };
    let plan = Plan {
        name: PlanName::new("client").unwrap(),
        was: None,
        description: None,
        account: None,
        author: None,
        forbid: Vec::new(),
        on_new_target: OnNewTarget::Replace,
        on_drift: OnDrift::Halt,
        rings: (0..rings).map(ring).collect(),
    };
    let written = format!("trial {seed}");
    let mix = Mix {
        absent_day: choices.pick(&[20, 70, 150, 300]),
        away_week: choices.pick(&[10, 30, 80]),
        failed_install: choices.pick(&[20, 60, 200]),
        pinned: choices.pick(&[10, 20, 40]),
        always_on: choices.pick(&[0, 40, 200]),
        weekends: choices.pick(&[20, 80, 300]),
        ..Mix::default()
    };
    let begin: Timestamp = "2026-10-05T06:00:00Z".parse().unwrap();
    let from = after(begin, SignedDuration::from_hours(choices.below(7 * 24) as i64));
    let size = Size::Total(choices.pick(&[60, 150, 300, 600]));
    let casting = Casting { seed, size, mix, from, days: DAYS };
    Scene { revision: Revision { digest: PlanDigest::of_written(&written), written, plan }, casting }
}

/// What a trial showed.
enum Shown {
    /// The forecast, and when the rollout was really done.
    Both(Box<Forecast>, Timestamp, f64),
    /// The rollout never came to an end, so there is no date to be right about.
    NoEnd(String),
}

fn trial(seed: u64) -> Shown {
    let Scene { revision, casting } = scene(seed);
    let name = revision.plan.name.clone();
    let first = revision.plan.rings[0].name.clone();
    let until = after(casting.from, SignedDuration::from_hours(24 * (DAYS - 2)));
    let upstream = account(&revision.plan, &casting);
    let mut drive = Drive::new(upstream, vec![revision.clone()], Pace::default(), Mode::Write, casting.from);
    drive.spare(Looks {
        busy: SignedDuration::from_mins(10),
        resting: SignedDuration::from_mins(120),
        reports: Reports::None,
    });
    let mut made = None;
    let mut read_to = 0;
    while drive.step(until).unwrap_or_else(|fault| panic!("seed {seed}: {fault}")) {
        let fresh = &drive.daemon.log[read_to..];
        read_to += fresh.len();
        for recorded in fresh {
            match &recorded.entry.event {
                Event::RingVerified { ring, .. } if *ring == first => {
                    let desired = Desired::Present(&revision);
                    let (state, world) = (&drive.daemon.engine.state, &drive.daemon.engine.world);
                    let situation = Situation::of(&name, desired, state, world, drive.now).unwrap();
                    let watch = Stopwatch::start();
                    let told = forecast(&situation).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
                    made = Some((told, watch.seconds()));
                }
                Event::Halted { cause } => return Shown::NoEnd(cause.to_string()),
                _ => {}
            }
        }
        if drive
            .daemon
            .engine
            .state
            .plans
            .get(&name)
            .is_some_and(|plan| plan.rollout.phase == Phase::Completed)
        {
            let (told, seconds) = made.expect("the first ring was verified before the last");
            return Shown::Both(Box::new(told), drive.now, seconds);
        }
    }
    Shown::NoEnd("still under way at the end".to_owned())
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn the_true_end_lies_in_the_stated_range() {
    let full = std::env::var("RINGWARD_TRIALS").is_ok_and(|text| text == "full");
    let (wanted, first) =
        (number("RINGWARD_FORECASTS", if full { 200 } else { 12 }), number("RINGWARD_SEED", 1));
    println!("{wanted} rollouts with an end, from seed {first}");
    let (mut inside, mut trials, mut widths, mut seconds) = (0, 0, Vec::new(), Vec::new());
    let (mut early, mut late) = (0, 0);
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut seed = first;
    while trials < wanted {
        match trial(seed) {
            Shown::NoEnd(why) => {
                *ends.entry(why.split(':').next().unwrap_or_default().to_owned()).or_default() += 1
            }
            Shown::Both(told, truth, took) => {
                trials += 1;
                seconds.push(took);
                let left = since(told.at, truth);
                let When::Expected(range) = told.done else {
                    println!(
                        "trial {seed}: no date, and it was done after {}; halts expected: {:?}",
                        rough(left),
                        told.halts
                    );
                    widths.push(1.0);
                    seed += 1;
                    continue;
                };
                let hit = range.from <= truth && truth <= range.until;
                inside += usize::from(hit);
                early += usize::from(truth < range.from);
                late += usize::from(truth > range.until);
                widths.push(since(range.from, range.until).as_secs_f64() / left.as_secs_f64());
                println!(
                    "trial {seed}: {} {} from {} to {} of {} left ({} devices, {took:.2} s)",
                    if hit { "in " } else { "OUT" },
                    in_words(SignedDuration::from_secs(left.as_secs())),
                    rough(since(told.at, range.from)),
                    rough(since(told.at, range.until)),
                    rough(left),
                    told.devices,
                );
            }
        }
        seed += 1;
        assert!(seed < first + 3 * wanted + 20, "too few rollouts come to an end: {ends:?}");
    }
    widths.sort_by(f64::total_cmp);
    seconds.sort_by(f64::total_cmp);
    let median = widths[widths.len() / 2];
    let share = inside as f64 / trials as f64;
    println!(
        "forecasts: {inside} of {trials} true ends inside the 80 % range ({:.0} %; {early} earlier, {late} later); \
         median range {:.0} % of the time left; median {:.2} s, longest {:.2} s; without an end: {ends:?}",
        share * 100.0,
        median * 100.0,
        seconds[seconds.len() / 2],
        seconds[seconds.len() - 1],
    );
    // A dozen says little: of 12, 72 % are missed by chance now and then even where 80 % are right.
    let least = if full { 0.72 } else { 0.5 };
    assert!(share >= least, "only {share:.2} inside");
    assert!(median <= 0.5, "the ranges are too wide: {median:.2}");
}
