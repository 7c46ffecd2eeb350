//! The table of verbs listed: every situation, and the same with equal rows drawn together.
//!
//! **Invariant:** each situation that a verb asks for is in exactly one row.

use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::refused::Refused;
use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, HeldBack, Holds, Named, Offered, Place, StartPlans, Waits, Waived, WaysBack, Writes,
};
use crate::rollout::people::verbs::table::{Cell, Effect};
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::people::verbs::words;
use crate::rollout::record::Gate;
use crate::rollout::state::Phase;

/// Situations with the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// For each of the verb's columns the words that it stands for.
    pub situation: Vec<Vec<&'static str>>,
    /// The answer.
    pub cell: Cell,
}

impl Verb {
    /// What it asks for, as column heads.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Pause => &["phase", "holds"],
            Self::Resume => &["holds", "writes", "group offers"],
            Self::Waive => &["gate", "phase", "ring", "waived before", "in the file"],
            Self::Rollback => &["phase", "holds", "way back"],
            Self::ReleaseHold => &["held out"],
            Self::Approve | Self::Refuse => &["phase", "ring", "who"],
            Self::Confirm => &["revision that waits"],
            Self::CheckNow => &["phase"],
            Self::Stop => &["writes"],
            Self::Start => &["writes", "--paused"],
            Self::ConfirmClock => &["clock"],
        }
    }

    /// Every situation, one by one.
    fn situations(self) -> Vec<(Vec<&'static str>, Cell)> {
        match self {
            Self::Pause => pairs(&Phase::ALL, &Holds::ALL)
                .map(|(phase, holds)| {
                    (
                        vec![words::phase(phase), holds.words()],
                        crate::rollout::people::verbs::table::pause(phase, holds),
                    )
                })
                .collect(),
            Self::Resume => pairs(&Holds::ALL, &Writes::ALL)
                .flat_map(|of| Offered::ALL.map(|offered| (of, offered)))
                .map(|((holds, writes), offered)| {
                    let said = vec![holds.words(), writes.words(), offered.words()];
                    (said, crate::rollout::people::verbs::table::resume(holds, writes, offered))
                })
                .collect(),
            Self::Rollback => pairs(&Phase::ALL, &Holds::ALL)
                .flat_map(|of| WaysBack::ALL.map(|ways| (of, ways)))
                .map(|((phase, holds), ways)| {
                    let said = vec![words::phase(phase), holds.words(), ways.words()];
                    (said, crate::rollout::people::verbs::table::rollback(phase, holds, ways))
                })
                .collect(),
            Self::ReleaseHold => HeldBack::ALL
                .into_iter()
                .map(|held| (vec![held.words()], crate::rollout::people::verbs::table::release_hold(held)))
                .collect(),
            Self::Waive => pairs(&Gate::ALL, &Phase::ALL)
                .flat_map(|of| pairs(&Place::ALL, &Waived::ALL).map(move |at| (of, at)))
                .flat_map(|at| Named::ALL.map(|named| (at, named)))
                .map(|(((gate, phase), (place, waived)), named)| {
                    let at = [words::phase(phase), place.words(), waived.words(), named.words()];
                    let said = std::iter::once(words::gate(gate)).chain(at).collect();
                    (said, crate::rollout::people::verbs::table::waive(gate, phase, place, waived, named))
                })
                .collect(),
            Self::Approve => spoken(crate::rollout::people::verbs::table::approve),
            Self::Refuse => spoken(crate::rollout::people::verbs::table::refuse),
            Self::Confirm => Waits::ALL
                .into_iter()
                .map(|waits| (vec![waits.words()], crate::rollout::people::verbs::table::confirm(waits)))
                .collect(),
            Self::CheckNow => Phase::ALL
                .into_iter()
                .map(|phase| {
                    (vec![words::phase(phase)], crate::rollout::people::verbs::table::check_now(phase))
                })
                .collect(),
            Self::Stop => Writes::ALL
                .into_iter()
                .map(|writes| (vec![writes.words()], crate::rollout::people::verbs::table::stop(writes)))
                .collect(),
            Self::ConfirmClock => ClockSight::ALL
                .into_iter()
                .map(|clock| {
                    (vec![clock.words()], crate::rollout::people::verbs::table::confirm_clock(clock))
                })
                .collect(),
            Self::Start => pairs(&Writes::ALL, &StartPlans::ALL)
                .map(|(writes, plans)| {
                    (
                        vec![writes.words(), plans.words()],
                        crate::rollout::people::verbs::table::start(writes, plans),
                    )
                })
                .collect(),
        }
    }
}

fn spoken(cell: fn(Phase, Place, Claim) -> Cell) -> Vec<(Vec<&'static str>, Cell)> {
    let of = |phase: Phase| pairs(&Place::ALL, &Claim::ALL).map(move |(place, claim)| (phase, place, claim));
    let all = Phase::ALL.into_iter().flat_map(of);
    all.map(|(phase, place, claim)| {
        (vec![words::phase(phase), place.words(), claim.words()], cell(phase, place, claim))
    })
    .collect()
}

fn pairs<A: Copy, B: Copy>(first: &[A], second: &[B]) -> impl Iterator<Item = (A, B)> {
    first.iter().flat_map(|&one| second.iter().map(move |&other| (one, other)))
}

/// A verb's rows, with those drawn together that differ in one column only.
pub fn rows(verb: Verb) -> Vec<Row> {
    let single = |(said, cell): (Vec<&'static str>, Cell)| Row {
        situation: said.into_iter().map(|word| vec![word]).collect(),
        cell,
    };
    let mut rows: Vec<Row> = verb.situations().into_iter().map(single).collect();
    for column in (0..verb.columns().len()).rev() {
        let mut merged: Vec<Row> = Vec::new();
        for row in rows {
            match merged.iter_mut().find(|other| differ_only_in(column, other, &row)) {
                Some(other) => {
                    if let (Some(into), Some(from)) =
                        (other.situation.get_mut(column), row.situation.get(column))
                    {
                        into.extend(from);
                    }
                }
                None => merged.push(row),
            }
        }
        rows = merged;
    }
    rows
}

fn differ_only_in(column: usize, one: &Row, other: &Row) -> bool {
    let beside = |row: &Row| -> Vec<Vec<&'static str>> {
        let kept = row.situation.iter().enumerate().filter(|(index, _)| *index != column);
        kept.map(|(_, words)| words.clone()).collect()
    };
    one.cell == other.cell && beside(one) == beside(other)
}

/// What a verb can do.
pub fn effects(verb: Verb) -> Vec<Effect> {
    distinct(verb.situations().into_iter().filter_map(|(_, cell)| cell.effect()))
}

/// Why a verb can be refused.
pub fn refusals(verb: Verb) -> Vec<Refused> {
    distinct(verb.situations().into_iter().filter_map(|(_, cell)| match cell {
        Cell::Done(_) => None,
        Cell::Refused(refused) => Some(refused),
    }))
}

fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

const PREFACE: &str = "\
# Verbs

What a person can ask of ringward, and what it comes to in each situation. This page is made from the table that the
daemon follows (`ringward schema --verbs`): each cell has a defined effect, or is refused with what would work instead.
Over HTTP a refusal is 409 (`urn:ringward:problem:refused`), on the command line exit code 3.

- **Who and why.** Each verb takes a reason and stands in the log for good with it and with who asked. `check-now`
  changes nothing: it needs no reason and leaves no record.
- **`stop` wins over everything.** It asks for no plan, phase or hold. The stop file is looked for just before each
  change is sent, so a write that was planned, or looked at, is cancelled. One that was sent cannot be called back: its
  outcome is read and recorded. After `start` the gates are asked anew.
- **Twice the same** is refused, with who did it first: nothing is done silently, and nothing twice. `ringward stop`
  alone ends well then, because what it asks for is so.
- **Holds add up.** `stop`, a person's pause and ringward's halt are lifted each by its own verb; an answer names those
  that still stand.
- **A plan that ringward does not know** is 404, a reason that is missing 422.
";

/// The table as docs/verbs.md.
pub fn markdown() -> String {
    let mut text = PREFACE.to_owned();
    for verb in Verb::ALL {
        let (word, about) = (verb.as_str(), verb.about());
        text.push_str(&format!("\n## {word}\n\nTo {about}.\n\n"));
        text.push_str(&format!("`{}` · `POST {}`\n\n", verb.usage(), verb.path()));
        let heads = verb.columns().iter().copied().chain(["what happens", "in the log"]);
        let heads: Vec<&str> = heads.collect();
        text.push_str(&format!("| {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len())));
        for row in rows(verb) {
            text.push_str(&line(verb, &row));
        }
    }
    text
}

pub(crate) fn line(verb: Verb, row: &Row) -> String {
    let all = verb.situations();
    let mut cells: Vec<String> = Vec::new();
    for (column, words) in row.situation.iter().enumerate() {
        let known = distinct(all.iter().filter_map(|(said, _)| said.get(column)));
        cells.push(if words.len() == known.len() { "any".to_owned() } else { words.join(", ") });
    }
    match row.cell {
        Cell::Done(effect) => cells.extend([effect.words().to_owned(), effect.log().to_owned()]),
        Cell::Refused(refused) => {
            let about = About::anything();
            let (why, instead) = (refused.why(&about), refused.instead(&about));
            cells.extend([format!("refused: {why}; {instead}"), "nothing".to_owned()]);
        }
    }
    format!("| {} |\n", cells.join(" | "))
}
