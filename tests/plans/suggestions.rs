//! Help that is safe to follow: each text that a message proposes is put in place of the author's.
//!
//! What the author meant stands in `meant/`: `NAME.yaml`, and `NAME.2.yaml` where the file can be read in two ways.

use std::fs;

use ringward::plan::{PlanError, read};

use crate::{files, here};

/// The canonical texts of what the author may have meant.
fn meant(file: &str) -> Vec<String> {
    let stem = file.trim_end_matches(".yaml");
    let names = [format!("{stem}.yaml"), format!("{stem}.2.yaml"), format!("{stem}.3.yaml")];
    let read_one = |name: &String| {
        let bytes = fs::read(here("tests/plans/meant").join(name)).ok()?;
        let plan = read(name, &bytes).unwrap_or_else(|errors| panic!("meant/{name} is no plan: {errors:?}"));
        Some(plan.written)
    };
    names.iter().filter_map(read_one).collect()
}

/// The file with a text in place of what an error shows.
fn followed(bytes: &[u8], error: &PlanError, fix: &str) -> Vec<u8> {
    let mut text = bytes[..error.span.start].to_vec();
    text.extend_from_slice(fix.as_bytes());
    text.extend_from_slice(&bytes[error.span.end..]);
    text
}

/// Where a proposal leads.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// To what the author meant.
    Meant,
    /// To a further error behind it, or to fewer errors where there are several.
    Further,
    /// To a plan that means something else, or that nobody wrote down as meant.
    Other,
    /// To other errors before it.
    Elsewhere,
}

fn outcome(
    file: &str,
    bytes: &[u8],
    before: &[PlanError],
    error: &PlanError,
    fix: &str,
    meant: &[String],
) -> Outcome {
    match read(file, &followed(bytes, error, fix)) {
        Ok(plan) if meant.contains(&plan.written) => Outcome::Meant,
        Ok(_) => Outcome::Other,
        Err(errors) => {
            let is_new = |other: &&PlanError| {
                before.iter().all(|known| (&known.problem, known.line) != (&other.problem, other.line))
            };
            let further = errors.iter().filter(is_new).any(|other| other.span.start >= error.span.start);
            // Of what is told once for many places, one place less.
            let joined = error.instead.contains("more places");
            match further || errors.len() < before.len() || joined {
                true => Outcome::Further,
                false => Outcome::Elsewhere,
            }
        }
    }
}

#[test]
fn what_is_proposed_means_what_is_meant() {
    let (mut proposals, mut faults) = (0, Vec::new());
    for (file, bytes) in files("tests/plans/bad") {
        let Err(errors) = read(&file, &bytes) else { panic!("{file} is good") };
        let meant = meant(&file);
        for error in errors.iter().filter(|error| !error.fixes.is_empty()) {
            let led = |fix: &String| outcome(&file, &bytes, &errors, error, fix, &meant);
            let outcomes: Vec<Outcome> = error.fixes.iter().map(led).collect();
            proposals += outcomes.len();
            let told =
                || format!("{file}:{}: `{}` → {:?}: {outcomes:?}", error.line, error.found, error.fixes);
            // Of several readings one is meant; a single one is it, or leads on.
            let holds = match outcomes.as_slice() {
                [one] => matches!(one, Outcome::Meant | Outcome::Further),
                several => {
                    several.iter().any(|one| matches!(one, Outcome::Meant | Outcome::Further))
                        && !several.contains(&Outcome::Elsewhere)
                }
            };
            if !holds {
                faults.push(told());
            }
        }
    }
    println!("ok: {proposals} proposals, {} of them wrong", faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A text that is proposed word for word is one that the test above puts in.
#[test]
fn no_text_is_proposed_in_words_alone() {
    let mut faults = Vec::new();
    for (file, bytes) in files("tests/plans/bad") {
        let Err(errors) = read(&file, &bytes) else { panic!("{file} is good") };
        for error in errors.iter().filter(|error| error.fixes.is_empty()) {
            let Some((_, rest)) = error.instead.split_once("write ") else { continue };
            // A number or version behind `write`, and no example (`such as`), bound (`at least`) or advice beside it.
            let is_value =
                rest.starts_with(|first: char| first.is_ascii_digit() || first == '"' || first == '\'');
            let safe = ["around a text", "next to", "or newer", " an entry for each", "characters", "digits"];
            if is_value && !safe.iter().any(|word| rest.contains(word)) {
                faults.push(format!("{file}:{}: {}", error.line, error.instead));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Where each file of the corpus comes from: its name, who made the mistake, where that was seen, what is to be said.
#[test]
fn the_corpus_is_mostly_of_others() {
    let table = fs::read_to_string(here("tests/plans/sources.tsv")).unwrap();
    let mut public = 0;
    for row in table.lines() {
        let [name, kind, source, _] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let is_there = ["bad", "warned", "closed"]
            .iter()
            .any(|dir| here("tests/plans").join(dir).join(format!("{name}.yaml")).is_file());
        assert!(is_there, "there is no {name}.yaml");
        assert!(matches!(kind, "question" | "vendor" | "parser") && !source.is_empty(), "{row}");
        public += usize::from(kind != "parser");
    }
    let all = table.lines().count();
    println!("ok: {all} files, {public} of them from public questions and vendors' documents");
    assert!(all >= 200 && public >= 60, "{all}, {public}");
}
