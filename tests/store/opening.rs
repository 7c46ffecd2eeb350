//! Opening, and every reason to refuse: a clear message, and nothing touched.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use ringward::ids::AccountId;
use ringward::store::{LockError, OpenError, Reader, Seq, Store};
use ringward::time::Clock;
use rusqlite::Connection;

use super::{account, child_command, open, records, second};

/// In the child: opens for writing and says how that went.
pub(crate) fn open_and_tell(database: &Path) {
    let outcome = match Store::open_for_writing(database, &account(), &Clock::Real, second(0)) {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string(),
    };
    writeln!(std::io::stdout().lock(), "> {outcome}").unwrap();
}

fn filled(path: &Path) {
    let mut store = open(path);
    store.append(Seq::ZERO, &records(1..=3)).unwrap();
    store.close().unwrap();
}

fn sql(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn fast_clock() -> Clock {
    "2026-10-12T06:00:00Z@2026-11-21T10:00:00Z*3600".parse().unwrap()
}

/// A name for each variant that the tables ask for.
fn variant(error: &OpenError) -> &'static str {
    match error {
        OpenError::Lock(LockError::Held { .. }) => "held",
        OpenError::Lock(LockError::Unusable { .. }) => "lock unusable",
        OpenError::Missing(_) => "missing",
        OpenError::NotADatabase(_) => "not a database",
        OpenError::AnotherProgram(_) => "another program",
        OpenError::NewerSchema { .. } => "newer",
        OpenError::OtherAccount { .. } => "other account",
        OpenError::OtherClock { .. } => "other clock",
        OpenError::Damaged { .. } => "damaged",
        OpenError::BrokenLog { .. } => "broken log",
        OpenError::Migration { .. } => "migration",
        _ => "something else",
    }
}

#[test]
fn a_refused_database_is_told_why_and_left_as_it_was() {
    type Spoil = fn(&Path);
    let rows: [(&str, Spoil, &str, &[&str]); 10] = [
        (
            "a text file",
            |path| fs::write(path, "plan: x\n".repeat(200)).unwrap(),
            "not a database",
            &["--db"],
        ),
        (
            "another program's database",
            |path| {
                fs::remove_file(path).unwrap();
                sql(path, "CREATE TABLE mail (subject TEXT)");
            },
            "another program",
            &["left alone", "--db"],
        ),
        (
            "another program's mark",
            |path| sql(path, "PRAGMA application_id = 7"),
            "another program",
            &["--db"],
        ),
        (
            "a newer schema",
            |path| sql(path, "PRAGMA user_version = 99"),
            "newer",
            &["schema 99", "untouched"],
        ),
        (
            "another account",
            |path| sql(path, "UPDATE meta SET value = 'other-account' WHERE key = 'account'"),
            "other account",
            &["other-account", "023e105f4ecef8ad9ca31a8372d0c353", "--account"],
        ),
        (
            "another clock",
            |path| {
                let text = fast_clock().to_string();
                let sql = "UPDATE meta SET value = ?1 WHERE key = 'clock'";
                Connection::open(path).unwrap().execute(sql, [text]).unwrap();
            },
            "other clock",
            &["2026-10-12T06:00:00Z@", "--clock", "not on real"],
        ),
        (
            "a truncated file",
            |path| {
                let bytes = fs::read(path).unwrap();
                fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            },
            "damaged",
            &["backup"],
        ),
        (
            "a spoilt page that nothing reads at the start",
            |path| {
                let place = "SELECT (rootpage - 1) * (SELECT page_size FROM pragma_page_size)
                             FROM sqlite_schema WHERE name = 'ring_samples_by_age'";
                let place = Connection::open(path).unwrap().query_row(place, [], |row| row.get(0));
                let place = usize::try_from(place.unwrap_or(0_i64)).unwrap();
                assert!(place > 0);
                let mut bytes = fs::read(path).unwrap();
                bytes[place..place + 100].fill(0xaa);
                fs::write(path, bytes).unwrap();
            },
            "damaged",
            &["backup", "-wal"],
        ),
        (
            "a changed record",
            |path| {
                sql(path, "DROP TRIGGER events_no_update; UPDATE events SET actor = 'mallory' WHERE seq = 2")
            },
            "broken log",
            &["does nothing"],
        ),
        (
            "a step of another build",
            |path| sql(path, "UPDATE migrations SET sha256 = 'x'"),
            "migration",
            &["schema 2"],
        ),
    ];
    for (row, spoil, expected, words) in rows {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringward.db");
        filled(&path);
        spoil(&path);
        let before = fs::read(&path).unwrap();
        let error = Store::open_for_writing(&path, &account(), &Clock::Real, second(0)).unwrap_err();
        let text = error.to_string();
        assert_eq!(variant(&error), expected, "{row}: {text}");
        assert!(text.contains("ringward.db"), "{row}: {text}");
        assert!(words.iter().all(|word| text.contains(word)), "{row}: {text}");
        assert_eq!(fs::read(&path).unwrap(), before, "{row}: the file was touched");
    }
}

/// A newer daemon that was killed leaves a write-ahead log; looking at it must not fold it in.
#[test]
fn a_refusal_leaves_the_write_ahead_log_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (live, path) = (dir.path().join("live.db"), dir.path().join("ringward.db"));
    let mut store = open(&live);
    store.append(Seq::ZERO, &records(1..=3)).unwrap();
    sql(&live, "PRAGMA user_version = 99");
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        fs::copy(name(&live), name(&path)).unwrap();
    }
    let wal = dir.path().join("ringward.db-wal");
    let before = (fs::read(&path).unwrap(), fs::read(&wal).unwrap());
    assert!(!before.1.is_empty());
    let error = Store::open_for_writing(&path, &account(), &Clock::Real, second(0)).unwrap_err();
    assert_eq!(variant(&error), "newer", "{error}");
    assert_eq!((fs::read(&path).unwrap(), fs::read(&wal).unwrap()), before);
}

#[test]
fn a_reader_refuses_what_it_cannot_read() {
    type Spoil = fn(&Path);
    let rows: [(&str, Spoil, &str); 6] = [
        ("no file", |path| fs::remove_file(path).unwrap(), "missing"),
        ("an empty file", |path| fs::write(path, "").unwrap(), "missing"),
        ("a text file", |path| fs::write(path, "plan: x\n".repeat(200)).unwrap(), "not a database"),
        ("another program's", |path| sql(path, "PRAGMA application_id = 7"), "another program"),
        ("newer", |path| sql(path, "PRAGMA user_version = 99"), "newer"),
        ("a made-up older schema", |path| sql(path, "PRAGMA user_version = 0"), "another program"),
    ];
    for (row, spoil, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringward.db");
        filled(&path);
        spoil(&path);
        let error = Reader::open(&path).unwrap_err();
        assert_eq!(variant(&error), expected, "{row}: {error}");
    }
}

#[test]
fn a_database_belongs_to_one_account_one_clock_and_one_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    let (clock, other) = (fast_clock(), AccountId::new("other").unwrap());
    let store = Store::open_for_writing(&path, &account(), &clock, second(0)).unwrap();
    assert_eq!(store.view().account().unwrap().as_deref(), Some(account().as_str()));
    assert_eq!(store.view().clock().unwrap(), Some(clock.to_string()));

    let second_daemon = Store::open_for_writing(&path, &account(), &clock, second(7200)).unwrap_err();
    let text = second_daemon.to_string();
    assert_eq!(variant(&second_daemon), "held", "{text}");
    assert!(text.contains(&format!("process {}", std::process::id())) && text.contains("2h ago"), "{text}");
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.view().head().unwrap().seq, Seq::ZERO, "readers need no lock");
    store.close().unwrap();

    let refused = Store::open_for_writing(&path, &other, &clock, second(1)).unwrap_err();
    assert_eq!(variant(&refused), "other account", "{refused}");
    let refused = Store::open_for_writing(&path, &account(), &Clock::Real, second(1)).unwrap_err();
    assert_eq!(variant(&refused), "other clock", "{refused}");
    Store::open_for_writing(&path, &account(), &clock, second(1)).unwrap();
}

#[test]
fn nobody_else_can_read_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringward.db");
    let mut store = open(&path);
    store.append(Seq::ZERO, &records(1..=3)).unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
        seen += 1;
    }
    assert_eq!(seen, 4, "database, -wal, -shm, lock");
}

fn mode(path: &Path, bits: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

/// Root may write anywhere, so a child without rights does the opening.
#[test]
fn missing_rights_are_told_with_the_remedy() {
    type Prepare = fn(&Path, &Path);
    let rows: [(&str, Prepare, &str); 4] = [
        ("all is well", |place, _| mode(place, 0o777), "opened"),
        ("the directory is not writable", |place, _| mode(place, 0o555), "must exist and be writable"),
        (
            "the file is read-only",
            |place, path| {
                filled(path);
                mode(path, 0o444);
                mode(&place.join("ringward.db.lock"), 0o666);
                mode(place, 0o777);
            },
            "is read-only; make the file",
        ),
        (
            "the lock file is read-only",
            |place, _| {
                let lock = place.join("ringward.db.lock");
                fs::write(&lock, "").unwrap();
                mode(&lock, 0o444);
                mode(place, 0o777);
            },
            "cannot own",
        ),
    ];
    for (row, prepare, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        mode(dir.path(), 0o755);
        let program = dir.path().join("child");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let place = dir.path().join("place");
        fs::create_dir(&place).unwrap();
        let path = place.join("ringward.db");
        prepare(&place, &path);
        let mut child = child_command(&program, "open", &path);
        if fs::metadata(dir.path()).unwrap().uid() == 0 {
            child.uid(65534).gid(65534);
        }
        let output = child.output().unwrap();
        mode(&place, 0o755);
        let text = String::from_utf8_lossy(&output.stdout);
        let told = text.lines().find_map(|line| line.split_once("> ")).map(|(_, told)| told);
        assert!(told.is_some_and(|told| told.contains(expected)), "{row}: {text}");
    }
}
