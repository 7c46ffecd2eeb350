//! The table as a whole: what no single row can promise.

use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::columns::{Columns, Heading};
use crate::rollout::people::verbs::effect::Effect;
use crate::rollout::people::verbs::rows::{effects, refusals, rows};
use crate::rollout::people::verbs::situation::*;
use crate::rollout::people::verbs::table::*;
use crate::rollout::people::verbs::verb::*;
use crate::rollout::record::Gate;
use crate::rollout::state::Phase;

#[test]
fn what_can_be_waived_is_what_the_table_waives() {
    for gate in Gate::ALL {
        let all = RingSituation::ALL
            .into_iter()
            .map(|place| waive(gate, Phase::Running, place, Waived::No, Named::NoMore));
        let some = all.into_iter().any(|cell| cell.effect().is_some());
        assert_eq!(some, gate.can_be_waived(), "{gate}");
    }
}

/// The page knows both ways of deploying by one word.
#[test]
fn a_waiver_asks_for_no_more_than_a_snapshot_has() {
    for (gate, phase, waived) in Gate::ALL
        .into_iter()
        .flat_map(|gate| Phase::ALL.map(|phase| (gate, phase)))
        .flat_map(|(gate, phase)| Waived::ALL.map(|waived| (gate, phase, waived)))
    {
        for named in Named::ALL {
            let of = |place| waive(gate, phase, place, waived, named);
            assert_eq!(
                of(RingSituation::Writing),
                of(RingSituation::OutcomeUnknown),
                "{gate} {phase:?} {waived:?} {named:?}"
            );
        }
    }
}

#[test]
fn every_refusal_says_what_would_work_and_every_effect_what_it_does() {
    for verb in Verb::ALL {
        assert!(!effects(verb).is_empty(), "{verb:?} can be carried out somewhere");
        for effect in effects(verb) {
            assert!(!effect.words().is_empty() && !effect.log().is_empty(), "{effect:?}");
            let changes = effect.log() != "nothing";
            assert_eq!(changes, verb.needs_reason(), "{effect:?}: what is recorded has a reason");
        }
        for refused in refusals(verb) {
            let about = About::anything();
            assert!(refused.why(&about).len() > 10 && refused.instead(&about).len() > 10, "{refused:?}");
        }
    }
}

#[test]
fn each_situation_is_in_one_row() {
    for verb in Verb::ALL {
        let mut situations = 0;
        let mut seen = std::collections::BTreeSet::new();
        for row in rows(verb) {
            assert_eq!(row.situation.len(), verb.definition().columns.len(), "{verb:?}");
            let mut all: Vec<Vec<&str>> = vec![Vec::new()];
            for words in &row.situation {
                let with = |before: &Vec<&'static str>| {
                    let before = before.clone();
                    words.iter().map(move |word| before.iter().copied().chain([*word]).collect::<Vec<_>>())
                };
                all = all.iter().flat_map(with).collect();
            }
            situations += all.len();
            seen.extend(all);
        }
        assert_eq!(seen.len(), situations, "{verb:?}: no situation twice");
        let values = |head: &Heading| head.values(Columns::UNASKED).len();
        let expected: usize = verb.definition().columns.iter().map(values).product();
        assert_eq!(situations, expected, "{verb:?}");
    }
}

/// No plan, phase or hold is in the way of the brake: it must work when everything else is wrong.
#[test]
fn nothing_stands_against_a_stop() {
    assert_eq!(stop(Writes::Allowed), Cell::Done(Effect::Stop));
    assert_eq!(
        Verb::Stop.definition().columns,
        [Heading::Writes],
        "it asks for no phase, no pause and no halt"
    );
}
