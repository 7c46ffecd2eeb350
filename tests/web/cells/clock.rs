//! The cells of `confirm clock`, which ask for no plan.

use std::collections::BTreeMap;

use axum::http::Method;
use ringward::rollout::people::verbs::about::About;
use ringward::rollout::people::verbs::situation::ClockSight;
use ringward::rollout::people::verbs::table;
use ringward::rollout::people::verbs::table::Cell;
use ringward::rollout::people::verbs::verb::Verb;
use ringward::rollout::record::AgreedAnswer;
use ringward::rollout::world::Observations;
use ringward::rollout::world::SecondClock;

use super::super::ask;
use super::super::world::at;
use super::{Core, SINCE};

pub(super) async fn confirming(core: &Core, seen: &mut BTreeMap<String, usize>) {
    let machine = at("2026-09-02T09:00:00Z");
    let answer = AgreedAnswer { at: machine, ahead_ms: 0 };
    for (clock, behind, answers) in [
        (ClockSight::InOrder, None, 3),
        (ClockSight::Alone, Some(at(SINCE)), 2),
        (ClockSight::BorneOut, Some(at(SINCE)), 3),
    ] {
        let second_clock =
            SecondClock { machine: Some(machine), agreed: vec![answer; answers], ..SecondClock::default() };
        *core.world.lock().unwrap() =
            Observations { clock_behind: behind, second_clock, ..Observations::default() };
        let cell = table::confirm_clock(clock);
        let answer =
            ask(&core.app, Method::POST, Verb::ConfirmClock.path(), Some(r#"{"reason": "look"}"#)).await;
        let found: Vec<_> = core.take().iter().map(|entry| entry.event.kind()).collect();
        let row = format!("{clock:?}");
        match cell {
            Cell::Done(_) => {
                assert_eq!(answer.status, 200, "{row}: {}", answer.body);
                assert_eq!(found, ["clock_confirmed"], "{row}");
            }
            Cell::Refused(refused) => {
                let problem = answer.problem(&row, 409, "; ");
                assert!(
                    problem.detail.contains(&refused.why(&About::anything())),
                    "{row}: {}",
                    problem.detail
                );
                assert!(found.is_empty(), "{row}");
            }
        }
        *seen.entry(format!("{cell:?}")).or_default() += 1;
    }
    *core.world.lock().unwrap() = Observations::default();
}
