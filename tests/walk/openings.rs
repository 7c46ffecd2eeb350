//! Two plans at real speed, each with an opening of the least length that begins within two minutes: the
//! daemon enters at its start, as schedule and simulation say.
//!
//! **Invariant:** nothing here asks how fast the machine is, only that a minute of it is enough for a write.

use ringward::plan;
use ringward::rollout::record::{Event, Mode};
use ringward::schedule::{LEAST_OPENING, START_GRACE};
use ringward::simulation::cast::{Casting, Size};
use ringward::simulation::trial::{self, Trial};
use ringward::synthetic::Mix;
use ringward::time::{Clock, SignedDuration, Timestamp, after, since};

use crate::support::{Walk, end, until};

/// The whole minute that is more than half a minute ahead.
fn next_minute(now: Timestamp) -> Timestamp {
    let seconds = (now.as_second() + 90) / 60 * 60;
    Timestamp::from_second(seconds).unwrap()
}

/// A cron line for one instant in a zone so far east of UTC.
fn cron(at: Timestamp, east: SignedDuration) -> String {
    after(at, east).strftime("%-M %-H %-d %-m *").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_is_entered_at_the_second_that_schedule_and_simulation_say() {
    let begun = Clock::Real.now();
    let opens = next_minute(begun);
    // What it simulates has read everything by then, too.
    let early = after(begun, SignedDuration::from_mins(-20));
    let (utc, kolkata) = (SignedDuration::ZERO, SignedDuration::from_mins(330));
    let day =
        |days: i64| after(begun, SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string();
    let plan = |name: &str, profile: &str, zone: &str, opening: &str, freeze: &str| {
        format!(
            "plan: {name}\nversions: {{windows: 2026.8.2100.0, macos: 2026.8.2100.0}}\nrings:\n  - name: {name}\n    \
             profiles: [{profile}]\n    timezone: {zone}\n    schedule: {{open: [{{cron: \"{opening}\", for: 15m}}], \
             freeze: [{freeze}]}}\n"
        )
    };
    let frozen = format!("{{from: {}, until: {}, reason: over}}", day(-9), day(-2));
    let plans = [
        plan("here", "Engineering", "UTC", &cron(opens, utc), ""),
        plan("there", "IT", "Asia/Kolkata", &cron(opens, kolkata), &frozen),
    ];
    let walk = Walk::on(Clock::Real, &plans[0], 71, 40).await;
    std::fs::write(walk.plans().join("there.yaml"), &plans[1]).unwrap();
    let daemon = walk.daemon(Mode::Write).await;
    until(&daemon, "both are written", |view| {
        view.reports.len() == 2 && view.reports.iter().all(|report| report.rings[0].assigned_at.is_some())
    })
    .await;
    end(daemon).await;
    let log = walk.log();
    for text in &plans {
        let revision = plan::read("plan.yaml", text.as_bytes()).unwrap();
        let (name, schedule) = (&revision.plan.name, &revision.plan.rings[0].schedule);
        assert_eq!(schedule.next_entry(begun, LEAST_OPENING), Some(opens), "{name}: the schedule");
        let casting = Casting { seed: 1, size: Size::Total(10), mix: Mix::default(), from: early, days: 1 };
        let told =
            trial::run(&Trial { revision: revision.clone(), casting, faults: Vec::new() }, |_| {}).unwrap();
        assert_eq!(told.rings[0].1.entered_at, Some(opens), "{name}: the simulation");
        let planned = log.iter().find(|recorded| {
            let of_plan = recorded.entry.rollout.as_ref().is_some_and(|id| id.plan == *name);
            of_plan && matches!(recorded.entry.event, Event::WritePlanned { .. })
        });
        let planned = planned.unwrap_or_else(|| panic!("{name}: no write was planned")).at;
        // The other plan's write comes first, or a busy machine.
        assert!((SignedDuration::ZERO..START_GRACE).contains(&since(opens, planned)), "{name}: {planned}");
    }
    for write in walk.writes() {
        assert!(write.at >= opens && since(opens, write.at) < START_GRACE, "{write:?}");
    }
    walk.assert_lawful(|_| false);
}
