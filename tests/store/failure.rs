//! Killed and starved: what was acknowledged stays, what was not is known to be unknown.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Command;

use ringward::store::{Reader, Recovery, Seq, Store, StoreError};
use ringward::time::Clock;

use super::{account, child_command, open, record, second};

const KILLS: u64 = 20;

/// In the child: appends batches of one to three records and says each one's last number once it
/// is acknowledged.
pub(crate) fn append_for_ever(database: &Path) {
    let mut store = open(database);
    let mut head = store.view().head().unwrap().seq;
    loop {
        let size = 1 + head.get() % 3;
        let numbers = (head.get() + 1)..=(head.get() + size);
        let batch: Vec<_> = numbers.map(|number| record(number.cast_signed())).collect();
        let last = Seq::new(head.get() + size);
        store.append(head, &batch).unwrap();
        head = last;
        tell(&format!("acknowledged {head}"));
    }
}

/// In the child, under a limit of the file size: appends until COMMIT fails, then reopens.
pub(crate) fn append_until_it_fails(database: &Path) {
    let mut store = open(database);
    let mut head = Seq::ZERO;
    let error = loop {
        let mut next = record(head.next().get().cast_signed());
        next.payload = format!("\"{}\"", "x".repeat(5_000));
        match store.append(head, &[next]) {
            Ok(stored) => head = stored[0].seq,
            Err(error) => break error,
        }
    };
    tell(&format!("acknowledged {head}"));
    assert_eq!(error.recovery(), Recovery::Reopen, "{error}");
    assert!(matches!(error, StoreError::NotWritten { .. }), "{error}");
    let after = store.append(head, &[record(1_000_000)]).unwrap_err();
    assert!(matches!(after, StoreError::Discarded), "{after}");
    let store = Store::open(store.into_lock(), &account(), &Clock::Real, second(0)).unwrap();
    tell(&format!("reopened {}", store.view().head().unwrap().seq));
}

/// A line for the parent: past the test harness, whole, at once.
fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "> {line}").and_then(|()| out.flush()).unwrap();
}

/// The number in the child's line `> WORD NUMBER`.
fn number_after(word: &str, line: &str) -> Option<u64> {
    line.split_once(&format!("> {word} "))?.1.trim().parse().ok()
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("ringward.db");
    let program = std::env::current_exe().unwrap();
    let (mut acknowledged, mut beyond) = (0, 0);
    for kill in 0..KILLS {
        let mut child = child_command(&program, "append for ever", &database).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Killed after 1 to 40 acknowledgements, wherever the child is by then.
        let mut patience = 1 + (seed ^ (kill + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) % 40;
        let mut hear = |line: &str| match number_after("acknowledged", line) {
            Some(number) => {
                assert!(number > acknowledged, "{number} after {acknowledged}");
                acknowledged = number;
                true
            }
            None => false,
        };
        while patience > 0 {
            let line = lines.next().expect("the child ended by itself").unwrap();
            patience -= u64::from(hear(&line));
        }
        child.kill().unwrap();
        lines.map_while(Result::ok).for_each(|line| {
            hear(&line);
        });
        child.wait().unwrap();

        // The lock died with its holder, or this would be refused; opening verifies the chain.
        let store = open(&database);
        let report = store.view().verify_chain().unwrap();
        assert_eq!(report.records, report.head.seq.get(), "numbers have no gap");
        assert!(
            report.records >= acknowledged,
            "lost: {acknowledged} were acknowledged, {} are there",
            report.records
        );
        beyond += u64::from(report.records > acknowledged);
        // The next child starts from here.
        acknowledged = report.records;
    }
    println!("{KILLS} kills, {acknowledged} records, {beyond} kills between commit and acknowledgement");
}

/// Runs the child where no file may grow beyond `blocks` of 512 bytes: a write beyond fails with
/// EFBIG (SIGXFSZ is ignored). Returns its stdout.
fn run_limited(role: &str, database: &Path, blocks: u32) -> String {
    let child = child_command(&std::env::current_exe().unwrap(), role, database);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$0" "$@""#)]);
    limited.arg(child.get_program()).args(child.get_args());
    limited.envs(child.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let output = limited.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn a_failed_commit_leaves_the_head_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("ringward.db");
    // The -wal file is the first to reach 1 MiB, and it is written at COMMIT.
    let text = run_limited("append until it fails", &database, 2048);
    let find = |word| text.lines().find_map(|line| number_after(word, line)).unwrap();
    let acknowledged = find("acknowledged");
    assert!(acknowledged > 5, "the limit must bite after the file is made: {text}");
    assert_eq!(find("reopened"), acknowledged);
    let report = Reader::open(&database).unwrap().view().verify_chain().unwrap();
    assert_eq!(report.records, acknowledged);
    let mut store = open(&database);
    store.append(report.head.seq, &[record(1_000_000)]).unwrap();
}

#[test]
fn a_database_that_could_not_be_finished_is_finished_next_time() {
    let mut outcomes = Vec::new();
    for blocks in [0, 1, 8, 16, 64, 100, 150, 200, 2048] {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("ringward.db");
        let text = run_limited("open", &database, blocks);
        let told = text.lines().find_map(|line| line.split_once("> ")).map(|(_, told)| told.to_owned());
        let told = told.unwrap_or_else(|| panic!("{blocks} blocks: {text}"));
        assert!(told == "opened" || told.contains("ringward.db"), "{blocks} blocks: {told}");
        let mut store = open(&database);
        store.append(Seq::ZERO, &[record(1)]).unwrap();
        outcomes.push(told == "opened");
    }
    assert!(outcomes[8] && outcomes.iter().filter(|opened| !**opened).count() >= 4, "{outcomes:?}");
}
