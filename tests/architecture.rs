//! Imports run one way: a module may use only what stands before it here, and the core stays free
//! of clocks, sockets, files and threads.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first, as in the map of `src/lib.rs`.
const ORDER: [&str; 20] = [
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
    "rollout",
    "simulation",
    "failpoint",
    "store",
    "cloudflare",
    "telemetry",
    "daemon",
    "web",
    "sandbox",
    "cli",
];

/// Modules that take `now` as an argument and touch nothing outside memory.
const PURE: [&str; 11] = [
    "text",
    "ids",
    "version",
    "synthetic",
    "schedule",
    "plan",
    "config",
    "fleet",
    "rollout",
    "simulation",
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

/// Of the rollout, what the log keeps: events, and the data in them.
const LOGGED: [&str; 5] = ["downgrade", "event", "health", "remote", "verdict"];

fn sources(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                found.push((name, code_of(&fs::read_to_string(&path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

/// The lines that are code: comments may name anything.
fn code_of(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The modules of this crate that a piece of code names.
fn named_modules(code: &str) -> BTreeSet<&str> {
    let named = code.match_indices("crate::").map(|(at, tag)| {
        let rest = &code[at + tag.len()..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    });
    // `use crate::{a, b}` would hide from this test.
    named.inspect(|name| assert!(!name.is_empty(), "write one `use crate::…` for each module")).collect()
}

#[test]
fn a_module_imports_only_what_stands_before_it() {
    let mut seen = BTreeSet::new();
    for (file, code) in sources(&root()) {
        let module = module_of(&file).to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let place = ORDER.iter().position(|known| *known == module);
        let place = place.unwrap_or_else(|| panic!("{file}: name `{module}` in the order"));
        for named in named_modules(&code) {
            let Some(other) = ORDER.iter().position(|known| *known == named) else { continue };
            assert!(other <= place, "{file} imports `{named}`, which stands above it");
        }
        seen.insert(module);
    }
    let all: BTreeSet<String> = ORDER.iter().map(|module| (*module).to_owned()).collect();
    assert_eq!(seen, all, "the order names exactly the modules there are");
}

#[test]
fn the_core_is_pure() {
    for (file, code) in sources(&root()) {
        let is_test = file.ends_with("tests.rs") || file.contains("/tests/");
        let pure = PURE.iter().any(|pure| file == *pure || module_of(&file) == *pure);
        if !pure || is_test {
            continue;
        }
        let production = code.split("#[cfg(test)]").next().unwrap();
        for impure in IMPURE {
            assert!(!production.contains(impure), "{file} names `{impure}`");
        }
    }
}

#[test]
fn the_sandbox_shares_no_types_with_the_client() {
    for (file, code) in sources(&root()) {
        if matches!(module_of(&file), "sandbox" | "synthetic") {
            for named in named_modules(&code) {
                let own = matches!(named, "sandbox" | "synthetic" | "time" | "version");
                assert!(
                    own,
                    "{file} imports `{named}`: a field that is wrong there would be wrong on both sides"
                );
            }
        }
    }
}

/// The law checker's files, without its tests.
fn law_checker() -> Vec<(String, String)> {
    let is_test = |file: &str| file.ends_with("tests.rs") || file.contains("/tests/");
    let mut checker = sources(&root());
    checker.retain(|(file, _)| file.starts_with("rollout/laws/") && !is_test(file));
    assert!(!checker.is_empty());
    checker
}

/// What stands after each `path` in a piece of code, up to the end of the word.
fn named_after<'a>(code: &'a str, path: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(path).map(move |(at, _)| {
        let rest = &code[at + path.len()..];
        &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())]
    })
}

#[test]
fn the_law_checker_is_independent_of_what_it_checks() {
    for (file, code) in law_checker() {
        for named in named_after(&code, "rollout::") {
            let known = named == "laws" || LOGGED.contains(&named);
            assert!(known, "{file} names `rollout::{named}`, which decides, or is no word of the log");
        }
        let out = if file == "rollout/laws/mod.rs" { "super::" } else { "super::super::" };
        assert!(!code.contains(out), "{file} names by `{out}` what this test cannot read");
    }
}

#[test]
fn a_law_knows_the_books_and_no_other_law() {
    for (file, code) in law_checker() {
        let Some(law) = file.strip_prefix("rollout/laws/").filter(|rest| *rest != "mod.rs") else { continue };
        let beside: &[&str] = match law.split_once('/') {
            None if law == "audit.rs" => &[],
            None if law == "case.rs" => &["ledger"],
            None => &["audit", "case", "ledger", "proof"],
            Some(("ledger", _)) => &["ledger"],
            Some(_) => &["case", "ledger", "proof"],
        };
        let own = if law.contains('/') { "laws::" } else { "super::" };
        for named in named_after(&code, own) {
            assert!(beside.contains(&named), "{file} names `{named}`: what two laws share stands below both");
        }
    }
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
