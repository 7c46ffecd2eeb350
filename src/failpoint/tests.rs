//! The points are what their enum says, each in one place of the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn a_fuse_is_a_point_and_a_number() {
    let fuse = |point, nth| Ok(Fuse { point, nth: NonZeroU32::new(nth).unwrap() });
    let rows = [
        ("a place", "look_taken", fuse(Point::LookTaken, 1)),
        ("the third time", "look_taken:3", fuse(Point::LookTaken, 3)),
        ("an event", "recorded_halted:2", fuse(Point::Recorded(EventKind("halted")), 2)),
        ("no event", "recorded_nothing", Err(InvalidFuse::Unknown)),
        ("nothing", "", Err(InvalidFuse::Unknown)),
        ("no number", "look_taken:", Err(InvalidFuse::Nth)),
        ("nought", "look_taken:0", Err(InvalidFuse::Nth)),
        ("two numbers", "look_taken:1:2", Err(InvalidFuse::Nth)),
    ];
    for (row, text, expected) in rows {
        assert_eq!(text.parse::<Fuse>(), expected, "{row}");
    }
    let told = InvalidFuse::Unknown.to_string();
    assert!(told.contains("look_taken") && told.contains("decided_write_planned"), "{told}");
}

#[test]
fn every_point_has_a_name_of_its_own_that_reads_back() {
    let mut names = BTreeSet::new();
    for point in Point::all() {
        let name = point.to_string();
        assert_eq!(name.parse(), Ok(Fuse { point, nth: NonZeroU32::MIN }), "{name}");
        assert!(names.insert(name.clone()), "{name} twice");
    }
    assert_eq!(names.len(), Point::PLACES.len() + 2 * Event::KINDS.len());
}

#[test]
fn a_point_that_is_not_armed_lets_pass() {
    Point::all().for_each(reach);
    reach_each(&[Event::Stopped {}], Point::Decided);
}

/// The code of every source file but the tests and this module.
fn code() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut pending) = (Vec::new(), vec![root.clone()]);
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path != root.join("failpoint") {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn every_point_stands_in_one_place_of_the_source() {
    let code = code();
    let mut variants: Vec<String> = Point::PLACES.iter().map(|point| format!("{point:?}")).collect();
    variants.extend(["Decided".to_owned(), "Recorded".to_owned()]);
    for variant in variants {
        let wanted = format!("Point::{variant}");
        let whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let places: Vec<_> = code
            .iter()
            .flat_map(|(path, text)| {
                let hits = text.match_indices(&wanted).filter(|(at, _)| whole(&text[at + wanted.len()..]));
                hits.map(move |_| path)
            })
            .collect();
        assert_eq!(places.len(), 1, "{wanted} stands in {places:?}");
    }
}
