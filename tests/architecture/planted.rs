//! Breaches that were planted in a small crate: each must be found, with its file and line.

use super::imports::{circle, imports};
use super::modules::Crate;
use super::{breaches, breaches_of_tests};

const LOWER: &str = "rollout/record/low.rs";

/// A crate with a file on an upper floor, re-exported by its parent, and one below that names it.
fn planted(lower: &'static str) -> Crate {
    let files = [
        ("lib.rs", "extern crate self as own; pub mod rollout;"),
        ("rollout/mod.rs", "pub mod record; pub mod tell; pub use tell::Upper as Lifted;"),
        ("rollout/record/mod.rs", "mod low; pub struct Below;"),
        (LOWER, lower),
        ("rollout/tell/mod.rs", "pub mod high; pub use high::Upper;"),
        ("rollout/tell/high.rs", "pub struct Upper; pub fn upper() {} pub const UPPER: u8 = 1;"),
    ];
    Crate::parse(files.into_iter(), false)
}

#[test]
fn a_planted_breach_is_found_however_it_is_written() {
    let rows = [
        ("direct", "\nuse crate::rollout::tell::high::Upper;"),
        ("through a parent's re-export", "\nuse crate::rollout::tell::Upper;"),
        ("through a grandparent's re-export under another name", "\nuse crate::rollout::Lifted;"),
        ("by a path in a body", "\nfn f() { crate::rollout::tell::high::upper() }"),
        ("by a path in a type", "\nfn f(_: crate::rollout::tell::high::Upper) {}"),
        ("by a path in a macro", "\nfn f() { println!(\"{}\", crate::rollout::tell::high::UPPER) }"),
        ("by a glob", "\nuse crate::rollout::tell::high::*;"),
        ("by a glob of a parent", "\nuse crate::rollout::tell::*; fn f(_: Upper) {}"),
        ("by an alias", "\nuse crate::rollout::tell::high as plain; fn f() { plain::upper() }"),
        ("by an alias in a group", "\nuse crate::rollout::{tell::{high::{self as plain}}};"),
        ("by `extern crate self`", "\nuse own::rollout::tell::high::Upper;"),
        (
            "by `extern crate self` of its own",
            "\nextern crate self as me; fn f() { me::rollout::tell::high::upper() }",
        ),
        ("by the crate's name", "\nuse ringward::rollout::tell::high::Upper;"),
        ("relative", "\nuse super::super::tell::high::Upper;"),
        ("in a module of its own", "\nmod inner { use crate::rollout::tell::high::Upper; }"),
    ];
    for (row, lower) in rows {
        let found = breaches(&imports(&planted(lower)));
        assert!(!found.is_empty(), "{row}: not found");
        let at = format!("{LOWER}:2 ");
        assert!(found.iter().all(|breach| breach.starts_with(&at)), "{row}: {found:?}");
    }
    assert_eq!(breaches(&imports(&planted("use super::Below;"))), Vec::<String>::new());
}

#[test]
fn what_only_tests_import_is_no_breach() {
    let lower = "#[cfg(test)] use crate::rollout::tell::high::Upper; #[cfg(test)] mod tests { use crate::rollout::tell::high::*; }";
    assert_eq!(breaches(&imports(&planted(lower))), Vec::<String>::new());
}

#[test]
fn a_circle_is_found_from_child_to_parent_too() {
    let of = |parent: &'static str, child: &'static str| {
        let files = [("lib.rs", "mod time;"), ("time/mod.rs", parent), ("time/child.rs", child)];
        circle(&imports(&Crate::parse(files.into_iter(), false)))
    };
    let rows = [
        ("both by name", "mod child; use child::f; pub struct Own;", "use super::Own; pub fn f() {}", true),
        ("in a body", "mod child; fn g() { child::f() } pub struct Own;", "pub fn f(_: super::Own) {}", true),
        (
            "by a glob",
            "mod child; fn g() { child::f() } pub struct Own;",
            "use super::*; pub fn f(_: Own) {}",
            true,
        ),
        ("a facade", "mod child; pub use child::f; pub struct Own;", "use super::Own; pub fn f() {}", false),
        ("one way", "mod child; fn g() { child::f() }", "pub fn f() {}", false),
    ];
    for (row, parent, child, expected) in rows {
        let found = of(parent, child);
        assert_eq!(found.is_some(), expected, "{row}: {found:?}");
        if let Some(found) = found {
            assert!(
                found.contains("time/child.rs:1 names") && found.contains("time/mod.rs:1 names"),
                "{found}"
            );
        }
    }
}

#[test]
fn a_test_that_looks_above_its_module_is_found() {
    let of = |test: &'static str| {
        let lower = ("ids.rs", "pub struct Id; #[cfg(test)] mod tests;");
        let upper = ("web/mod.rs", "pub struct Page;");
        let files = [("lib.rs", "mod ids; mod web;"), lower, ("ids/tests.rs", test), upper];
        breaches_of_tests(&Crate::parse(files.into_iter(), true))
    };
    assert_eq!(of("use crate::web::Page;"), ["ids/tests.rs:1 names `crate::web::Page` of web/mod.rs"]);
    assert_eq!(of("use super::Id;"), Vec::<String>::new());
}

#[test]
fn what_nobody_can_resolve_fails() {
    let files = [
        ("lib.rs", "mod ids; mod text;"),
        ("ids.rs", "pub use crate::text::X;"),
        ("text.rs", "pub use crate::ids::X; fn f(_: X) {}"),
    ];
    let all = Crate::parse(files.into_iter(), false);
    assert!(std::panic::catch_unwind(|| imports(&all)).is_err());
}
