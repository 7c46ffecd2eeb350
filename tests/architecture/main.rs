//! The house rules: imports run one way, file by file; the core is pure; no file, function or name outgrows
//! its reader.

#![cfg(test)]

mod imports;
mod modules;
mod planted;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use imports::{Imports, circle, imports};
use modules::Crate;

/// The floors, lowest first: a file imports only what stands on its own floor or on one before it.
const FLOORS: [&str; 34] = [
    "secrets",
    "text",
    "ids",
    "version",
    "time",
    "synthetic",
    "schedule",
    "plan",
    "config",
    "fleet",
    "rollout/record",
    "rollout/laws",
    "rollout/state",
    "rollout/world",
    "rollout/judge",
    "rollout/decide",
    "rollout/people",
    "rollout/tell",
    "rollout/mod.rs",
    "engine",
    "simulation",
    "failpoint",
    "store",
    "cloudflare",
    "telemetry",
    "daemon",
    "web",
    "sandbox",
    "cli",
    "access",
    "cli/commands",
    "cli/program",
    "lib.rs",
    "main.rs",
];

/// Floors that know fewer others than those below them.
const KNOWS_ONLY: [(&str, &str, &[&str]); 3] = [
    ("rollout/laws", "rollout/", &["rollout/record", "rollout/laws"]),
    // A field that is wrong there would be wrong on both sides.
    ("sandbox", "", &["sandbox", "synthetic", "time", "version"]),
    ("synthetic", "", &["synthetic", "time", "version"]),
];

/// Modules that take `now` as an argument and touch nothing outside memory.
const PURE: [&str; 13] = [
    "text",
    "ids",
    "version",
    "synthetic",
    "schedule",
    "plan",
    "config",
    "fleet",
    "rollout",
    "engine",
    "simulation",
    "store/head.rs",
    "store/record.rs",
];

/// What a pure module must not name.
const IMPURE: [&str; 10] = [
    "tokio",
    "reqwest",
    "rusqlite::Connection",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "tracing::",
    "Clock::",
    "time::Clock",
];

const LONGEST_FILE_LINES: usize = 450;
const LONGEST_FUNCTION_LINES: usize = 70;

/// The crate without its tests: read once, for all that is asked of it.
static OWN: LazyLock<Crate> = LazyLock::new(|| Crate::read(&root(), false));

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Whether a file stands in a folder, or is the file of that name.
fn is_in(file: &str, place: &str) -> bool {
    file == place
        || file.strip_prefix(place).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
        || place.is_empty()
}

fn floor_of(file: &str) -> usize {
    // A file that is named itself stands there, and not where its folder does.
    let floors = FLOORS.iter().enumerate().filter(|(_, floor)| is_in(file, floor));
    let floor = floors.max_by_key(|(_, floor)| floor.len()).map(|(place, _)| place);
    floor.unwrap_or_else(|| panic!("{file} stands on no floor: name it in FLOORS"))
}

/// Imports that go up, or to where they must not, each with file and line.
fn breaches(imports: &Imports) -> Vec<String> {
    let mut found = Vec::new();
    for ((from, to), place) in imports {
        let said = || format!("{from}:{} names `{}`, which {to} defines", place.line, place.path);
        if floor_of(to) > floor_of(from) {
            found.push(format!("{}: it stands above", said()));
        }
        for (floor, among, known) in KNOWS_ONLY {
            if is_in(from, floor) && to.starts_with(among) && !known.iter().any(|known| is_in(to, known)) {
                found.push(format!("{}: {floor} is to know {} only", said(), known.join(", ")));
            }
        }
    }
    found
}

#[test]
fn a_file_imports_only_what_stands_below_it() {
    let breaches = breaches(&imports(&OWN));
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// Unit tests may look up within their module, and not above it.
fn breaches_of_tests(all: &Crate) -> Vec<String> {
    let is_up = |from: &str, to: &str| module_of(from) != module_of(to) && floor_of(to) > floor_of(from);
    let up = imports(all).into_iter().filter(|((from, to), _)| is_up(from, to));
    up.map(|((from, to), at)| format!("{from}:{} names `{}` of {to}", at.line, at.path)).collect()
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn no_test_imports_what_stands_above_its_module() {
    let breaches = breaches_of_tests(&Crate::read(&root(), true));
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// What two laws share stands below both.
#[test]
fn a_law_knows_the_books_and_no_other_law() {
    let all = imports(&OWN);
    let laws = all.iter().filter_map(|((from, to), place)| {
        let (law, other) = (from.strip_prefix("rollout/laws/")?, to.strip_prefix("rollout/laws/")?);
        let known: &[&str] = match law.split_once('/') {
            _ if law == "mod.rs" => return None,
            None if law == "audit.rs" => &[],
            None if law == "case.rs" => &["audit.rs", "ledger", "proof/mod.rs"],
            None => &["audit.rs", "case.rs", "ledger", "proof"],
            Some(("ledger", _)) => &["ledger"],
            Some(_) => &["case.rs", "ledger", "proof"],
        };
        let is_known = known.iter().any(|known| is_in(other, known));
        Some((!is_known).then(|| format!("{from}:{} names `{}` of {to}", place.line, place.path)))
    });
    let found: Vec<_> = laws.collect();
    assert!(!found.is_empty(), "the laws import nothing: this test looks at the wrong place");
    let breaches: Vec<_> = found.into_iter().flatten().collect();
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn no_files_import_each_other() {
    let circle = circle(&imports(&OWN));
    assert!(circle.is_none(), "a circle of files:\n{}", circle.unwrap_or_default());
}

#[test]
fn each_place_is_there() {
    let all = &*OWN;
    let places = FLOORS.iter().chain(&PURE).filter(|place| **place != "main.rs");
    let empty: Vec<_> = places.filter(|place| !all.lines.keys().any(|file| is_in(file, place))).collect();
    assert!(empty.is_empty(), "{empty:?}");
}

#[test]
fn the_core_is_pure() {
    let all = &*OWN;
    for file in all.lines.keys().filter(|file| PURE.iter().any(|pure| is_in(file, pure))) {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = production.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
        for (line, text) in code {
            for impure in IMPURE {
                assert!(!text.contains(impure), "{file}:{} names `{impure}`", line + 1);
            }
        }
    }
}

#[test]
fn no_file_and_no_function_outgrows_its_reader() {
    let all = &*OWN;
    let files = all.lines.iter().filter(|(_, lines)| **lines > LONGEST_FILE_LINES);
    let mut long: Vec<String> = files.map(|(file, lines)| format!("{file}: {lines} lines")).collect();
    let functions = all.functions.iter().filter(|function| function.lines > LONGEST_FUNCTION_LINES);
    long.extend(functions.map(|function| {
        let modules::Function { file, name, line, lines } = function;
        format!("{file}:{line}: `{name}` has {lines} lines besides its longest exhaustive match")
    }));
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Type names that stand in two files, and why.
const TWICE: [(&str, &str); 7] = [
    ("Confirmation", "what a verb says before it is done, and the page that shows it"),
    ("Outcome", "private to each file: what a write came to, and a ring of a preview"),
    ("PolicyScope", "the sandbox shares no types with the command line"),
    ("Refusal", "of Cloudflare, as the log has it, and of ringward to a person"),
    ("Silence", "of an answer, and of a device"),
    ("Subject", "of a gate, and private to a request"),
    ("Takes", "what a key takes, and what becomes of a file"),
];

#[test]
fn a_type_name_stands_once_or_says_why_not() {
    let all = &*OWN;
    let twice: BTreeSet<&str> =
        all.types.iter().filter(|(_, files)| files.len() > 1).map(|(name, _)| name.as_str()).collect();
    let known: BTreeSet<&str> = TWICE.iter().map(|(name, _)| *name).collect();
    assert_eq!(twice, known, "each type has a name of its own, or a reason here");
}

#[test]
fn every_module_says_its_purpose_and_its_invariant() {
    let missing: Vec<String> = fs::read_dir(root())
        .unwrap()
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            let main = if path.is_dir() { path.join("mod.rs") } else { path };
            let text = fs::read_to_string(&main).unwrap();
            let thin = main.ends_with("main.rs") || main.ends_with("lib.rs");
            let told = text.starts_with("//!") && (thin || text.contains("**Invariant:**"));
            (!told).then(|| main.display().to_string())
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
