//! The table of verbs listed: every situation, and the same with equal rows drawn together.
//!
//! **Invariant:** each situation that a verb asks for is in exactly one row.

use crate::rollout::people::verbs::{
    about::About, columns::Columns, effect::Effect, refused::Refused, table::Cell, verb::Verb,
};

/// Situations with the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// For each of the verb's columns the words that it stands for.
    pub situation: Vec<Vec<&'static str>>,
    /// The answer.
    pub cell: Cell,
}

/// Every situation of a verb, one by one.
fn situations(verb: Verb) -> Vec<(Vec<&'static str>, Cell)> {
    let mut all = vec![(Vec::new(), Columns::UNASKED)];
    for head in verb.definition().columns {
        let with_each = |(said, of): (Vec<&'static str>, Columns)| {
            let with = |(word, of)| (said.iter().copied().chain([word]).collect(), of);
            head.values(of).into_iter().map(with).collect::<Vec<_>>()
        };
        all = all.into_iter().flat_map(with_each).collect();
    }
    all.into_iter().map(|(said, of)| (said, verb.cell(&of))).collect()
}

/// A verb's rows, with those drawn together that differ in one column only.
pub fn rows(verb: Verb) -> Vec<Row> {
    let single = |(said, cell): (Vec<&'static str>, Cell)| Row {
        situation: said.into_iter().map(|word| vec![word]).collect(),
        cell,
    };
    let mut rows: Vec<Row> = situations(verb).into_iter().map(single).collect();
    for column in (0..verb.definition().columns.len()).rev() {
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
    distinct(situations(verb).into_iter().filter_map(|(_, cell)| cell.effect()))
}

/// Why a verb can be refused.
pub fn refusals(verb: Verb) -> Vec<Refused> {
    distinct(situations(verb).into_iter().filter_map(|(_, cell)| match cell {
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
- **`stop` wins over everything.** It does not depend on plan, phase, pause or halt. The stop file is looked for just before each
  change is sent, so a write that was planned, or looked at, is cancelled. One that was sent cannot be called back: its
  outcome is read and recorded. After `start` the gates are asked anew.
- **Twice the same** is refused, with who did it first: nothing is done silently, and nothing twice. `ringward stop`
  alone ends well then, because what it asks for is so.
- **Stop, pause and halt add up.** `stop`, a person's pause and ringward's halt are lifted each by its own verb; an answer names those
  that still stand.
- **Too many.** An actor has 30 verbs at once, and one more a minute; beyond that, a verb is 429 (exit code 3) and says when
  there is one again. `stop`, `pause` and `reject` are taken always. A plan is checked by `check-now` once in 30 s: who
  asks earlier is told when the check began.
- **A plan that ringward does not know** is 404, a reason that is missing 422.
";

/// The table as docs/verbs.md.
pub fn markdown() -> String {
    let mut text = PREFACE.to_owned();
    for verb in Verb::ALL {
        let (word, about) = (verb.as_str(), verb.definition().about);
        text.push_str(&format!("\n## {word}\n\nTo {about}.\n\n"));
        text.push_str(&format!("`{}` · `POST {}`\n\n", verb.usage(), verb.path()));
        let heads = verb.definition().columns.iter().map(|head| head.words());
        let heads: Vec<&str> = heads.chain(["what happens", "in the log"]).collect();
        text.push_str(&format!("| {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len())));
        for row in rows(verb) {
            text.push_str(&line(verb, &row));
        }
    }
    text
}

pub(crate) fn line(verb: Verb, row: &Row) -> String {
    let all = situations(verb);
    let mut cells: Vec<String> = Vec::new();
    for (column, words) in row.situation.iter().enumerate() {
        let known = distinct(all.iter().filter_map(|(said, _)| said.get(column)));
        cells.push(if words.len() == known.len() { "any".to_owned() } else { words.join(", ") });
    }
    match row.cell {
        Cell::Done(effect) => cells.extend([effect.words().to_owned(), effect.log().to_owned()]),
        Cell::Refused(refused) => {
            cells.extend([format!("refused: {}", refused.told(&About::anything())), "nothing".to_owned()]);
        }
    }
    format!("| {} |\n", cells.join(" | "))
}
