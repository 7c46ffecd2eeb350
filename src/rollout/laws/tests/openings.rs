//! The checker's own arithmetic on openings against the gate's, second by second around their edges.

use crate::plan::model::Plan;
use crate::rollout::judge::opening::LEFT_TO_ENTER;
use crate::rollout::judge::{freeze, opening};
use crate::rollout::laws::proof::openings::is_open;
use crate::schedule::Schedule;
use crate::time::{SignedDuration, Timestamp, after};

fn schedule(open: &str, freeze: &str) -> Schedule {
    let text = format!(
        "plan: p\nversions: {{windows: 2026.8.2100.0}}\nrings:\n  - {{name: R, profiles: [default], schedule: {{open: [{open}], freeze: [{freeze}]}}}}\n"
    );
    let plan: Plan = crate::plan::read("p.yaml", text.as_bytes()).unwrap().plan;
    plan.rings[0].schedule.clone()
}

#[test]
fn gate_and_checker_let_a_ring_in_at_the_same_instants() {
    let frozen = "{from: 2026-12-18, until: 2026-12-18, reason: x}";
    let rows = [
        ("the least opening", "{cron: \"0 9 * * *\", for: 15m}", "", "2026-12-01T09:00:00Z"),
        ("a second more", "{cron: \"0 9 * * *\", for: 15m 1s}", "", "2026-12-01T09:00:00Z"),
        ("its end", "{cron: \"0 9 * * *\", for: 20m}", "", "2026-12-01T09:05:00Z"),
        ("over midnight", "{cron: \"45 23 * * *\", for: 15m}", "", "2026-12-01T23:45:00Z"),
        ("a freeze begins", "{cron: \"50 23 * * *\", for: 2h}", frozen, "2026-12-17T23:50:00Z"),
        ("a freeze ends", "{cron: \"50 23 * * *\", for: 25m}", frozen, "2026-12-19T00:00:00Z"),
        ("it leaves too little", "{cron: \"50 23 * * *\", for: 24m}", frozen, "2026-12-19T00:00:00Z"),
        ("always open", "", frozen, "2026-12-17T23:45:00Z"),
        ("two that touch", "{cron: \"0,15 9 * * *\", for: 15m}", "", "2026-12-01T09:15:00Z"),
    ];
    for (row, open, freeze, around) in rows {
        let schedule = schedule(open, freeze);
        let around: Timestamp = around.parse().unwrap();
        let mut seen = [false; 2];
        let too_short = matches!(row, "a freeze begins" | "it leaves too little");
        for half in -1_000..1_000 {
            let now = after(around, SignedDuration::from_millis(500 * half));
            let words = [opening::opening(&schedule, now), freeze::freeze(&schedule, now)];
            let gates = words.iter().all(|word| word.verdict.advances());
            let checker = is_open(&schedule, now, LEFT_TO_ENTER);
            assert_eq!(gates, checker.is_ok(), "{row}, {now}: {words:?}, {checker:?}");
            seen[usize::from(gates)] = true;
        }
        assert_eq!(seen, [true, !too_short], "{row}: both are met, where it is long enough");
    }
}
