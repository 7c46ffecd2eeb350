//! `backup`: what it says, and every reason to refuse.

use std::fs;

use ringward::cli::backup::backup;
use ringward::cli::exit::Exit;
use ringward::cli::render::Format;
use ringward::store::Reader;
use serde_json::Value;

use crate::log::{database, records, sound};
use crate::{golden, refused, seen};

#[test]
fn a_copy_is_told_with_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let original = database(dir.path(), &records(&sound()));
    let mut out = Vec::new();
    let result = backup(&original, &dir.path().join("copy.db"), Format::Text, &mut out);
    golden("backup.txt", &seen(&out, result, dir.path()));

    let mut out = Vec::new();
    let second = dir.path().join("second.db");
    backup(&original, &second, Format::Json, &mut out).unwrap();
    let told: Value = serde_json::from_slice(&out).unwrap();
    let head = Reader::open(&second).unwrap().view().head().unwrap();
    assert_eq!(told["chain"]["head"], serde_json::to_value(head).unwrap());
    assert_eq!((&told["file"], &told["clock"]), (&second.to_str().into(), &"real".into()));
    assert_eq!(told["account"], "023e105f4ecef8ad9ca31a8372d0c353");
}

#[test]
fn a_backup_that_cannot_be_made_says_why_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let original = database(dir.path(), &records(&sound()));
    let here = |name: &str| dir.path().join(name);
    fs::write(here("taken.db"), "somebody's").unwrap();
    fs::write(here("text.db"), "no database, but long enough to have a header if it were one").unwrap();
    std::os::unix::fs::symlink("nowhere", here("dangling.db")).unwrap();
    let missing = here("missing.db");
    let rows = [
        ("a file of that name", &original, here("taken.db"), Exit::Refused, "not replaced"),
        ("the database itself", &original, original.clone(), Exit::Refused, "not replaced"),
        ("a link to nowhere", &original, here("dangling.db"), Exit::Refused, "not replaced"),
        ("no directory", &original, here("none/copy.db"), Exit::Failed, "must exist"),
        ("a directory", &original, dir.path().to_owned(), Exit::Refused, "not replaced"),
        ("no database", &missing, here("copy.db"), Exit::Failed, "there is no database"),
        ("not a database", &here("text.db"), here("copy.db"), Exit::Failed, "is not a database"),
    ];
    for (row, from, to, exit, text) in rows {
        let mut out = Vec::new();
        let result = backup(from, &to, Format::Text, &mut out);
        let (code, error) = refused(&out, result);
        assert_eq!(code, exit, "{row}: {error}");
        assert!(error.contains(text), "{row}: {error}");
    }
    assert_eq!(fs::read(here("taken.db")).unwrap(), b"somebody's");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("draft")), "{left:?}");
    assert!(!here("copy.db").exists());
}

#[test]
fn a_backup_touches_no_draft_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let original = database(dir.path(), &records(&sound()));
    let here = |name: &str| dir.path().join(name);
    // One is still filled, the other was killed.
    let filled = fs::File::create(here("copy.db.1.draft")).unwrap();
    filled.lock().unwrap();
    fs::write(here("copy.db.2.draft"), "half a database").unwrap();
    backup(&original, &here("copy.db"), Format::Text, &mut Vec::new()).unwrap();
    Reader::open(&here("copy.db")).unwrap().view().verify_chain().unwrap();
    assert_eq!(fs::read(here("copy.db.2.draft")).unwrap(), b"half a database");
    assert!(here("copy.db.1.draft").exists() && !here("copy.db.3.draft").exists());
}

#[test]
fn of_backups_to_one_name_one_is_made_and_none_is_spoilt() {
    let dir = tempfile::tempdir().unwrap();
    let original = database(dir.path(), &records(&sound()));
    let copy = dir.path().join("copy.db");
    let one = || {
        let mut out = Vec::new();
        backup(&original, &copy, Format::Text, &mut out).map_err(|error| error.to_string())
    };
    let ended: Vec<_> = std::thread::scope(|scope| {
        let begun: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        begun.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ended.iter().filter(|result| result.is_ok()).count(), 1, "{ended:?}");
    for error in ended.iter().filter_map(|result| result.as_ref().err()) {
        assert!(error.contains("not replaced"), "{error}");
    }
    Reader::open(&copy).unwrap().view().verify_chain().unwrap();
    let left = fs::read_dir(dir.path()).unwrap();
    assert!(left.flatten().all(|entry| !entry.file_name().to_string_lossy().ends_with(".draft")));
}
