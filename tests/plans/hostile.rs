//! Files that mean harm: each is refused with a reason, and no file makes much work.
//!
//! No time is asserted, since the machine may be busy; it is printed. What is asserted is what
//! costs it: how many errors are kept, and how much is shown of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ringward::cli::excerpt::excerpt;
use ringward::cli::screen::Ink;
use ringward::plan::set::{FileRead, compare};
use ringward::plan::{Draft, MAX_BYTES, MAX_ERRORS, examine, read};
use ringward::time::{Stopwatch, Timestamp};

use crate::judge::judge;
use crate::made::hostile_plan;

/// The most that is shown of a file with errors.
const MAX_SHOWN: usize = 64 * 1024;

type Row = (&'static str, Vec<u8>, &'static str);

const HEAD: &str = "plan: p\nversions: {windows: 2026.8.2100.0}\n";

/// A plan with this value in its only ring.
fn ring_with(entry: &str) -> Vec<u8> {
    format!("{HEAD}rings:\n  - {{name: A, profiles: [IT], {entry}}}\n").into_bytes()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, index| {
        writeln!(text, "{}", line(index)).unwrap();
        text
    })
}

fn wrong_bytes() -> Vec<Row> {
    let utf_16 = |mark: [u8; 2], wide: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.into_iter().chain(HEAD.encode_utf16().flat_map(wide)).collect()
    };
    vec![
        ("empty", Vec::new(), "holds no plan"),
        ("comments only", b"# nothing\n".to_vec(), "holds no plan"),
        ("a byte order mark only", b"\xef\xbb\xbf".to_vec(), "holds no plan"),
        ("a NUL", b"plan: a\0b\n".to_vec(), "NUL"),
        ("NULs only", vec![0; 100_000], "NUL"),
        ("not UTF-8", b"plan: caf\xe9\n".to_vec(), "UTF-8"),
        ("half a character at the end", b"plan: caf\xc3".to_vec(), "UTF-8"),
        ("UTF-16, little end first", utf_16([0xff, 0xfe], u16::to_le_bytes), "UTF-16"),
        ("UTF-16, big end first", utf_16([0xfe, 0xff], u16::to_be_bytes), "UTF-16"),
        ("gzip", b"\x1f\x8b\x08\x00\x00".to_vec(), "UTF-8"),
        ("a file over the limit", vec![b'x'; MAX_BYTES + 1], "too large"),
        ("control characters", b"plan: \"a\\x07b\"\n".to_vec(), "invisible character"),
        ("an escape sequence", b"plan: a\x1b[31mb\n".to_vec(), "control character"),
        ("turned reading direction", "plan: a\u{202e}b\n".into(), "invisible character"),
        (
            "a character of no width",
            "plan: a\u{200b}b\n".into(),
            "invisible character (U+200B ZERO WIDTH SPACE)",
        ),
        ("a word joiner", "plan: a\u{2060}b\n".into(), "invisible character (U+2060 WORD JOINER)"),
        ("the Arabic letter mark", "plan: a\u{61c}b\n".into(), "invisible character (U+061C)"),
        (
            "lone carriage returns",
            format!("{HEAD}rings: x\n").replace('\n', "\r").into_bytes(),
            "must be a list",
        ),
    ]
}

fn wrong_yaml() -> Vec<Row> {
    let bomb = "a: &a [x,x,x]\n".to_owned() + &lines(64, |i| format!("b{i}: &b{i} [*a,*a,*a,*a]"));
    let deep = |count| lines(count, |depth| " ".repeat(depth) + "a:");
    vec![
        ("an alias bomb", bomb.into_bytes(), "aliases are not read"),
        ("an alias of itself", b"&a [*a]\n".to_vec(), "aliases are not read"),
        ("merge keys", lines(9_000, |_| "<<: {a: b}".to_owned()).into_bytes(), "merge keys are not read"),
        ("tags", lines(5_000, |i| format!("k{i}: !!binary aGk=")).into_bytes(), "tags are not read"),
        ("brackets", vec![b'['; 1_000_000], "nested more than"),
        ("braces", b"{a: ".repeat(250_000), "nested more than"),
        ("block mappings", deep(1_000).into_bytes(), "nested more than"),
        ("block lists", b"- ".repeat(500_000), "nested more than"),
        ("question marks", b"? ".repeat(500_000), "nested more than"),
        ("closing brackets", vec![b']'; 1_000_000], "nothing opened"),
        ("dashes", vec![b'-'; 1_000_000], "a ruler"),
        ("quotes", vec![b'"'; 1_000_000], "closing quote"),
        ("an unclosed quote", [b"plan: \"".to_vec(), vec![b'a'; 1_000_000]].concat(), "not closed"),
        ("blank lines", vec![b'\n'; 1_000_000], "holds no plan"),
        ("spaces", vec![b' '; 1_000_000], "holds no plan"),
        ("a comment without end", [vec![b'#'], vec![b'x'; 1_000_000]].concat(), "holds no plan"),
        ("documents", b"--- a\n".repeat(150_000), "a second document"),
        ("directives", b"%YAML 1.1\n".repeat(100_000), "begins with `%`"),
        ("a tab", b"plan: a\nrings:\n\t- name: x\n".to_vec(), "a tab where"),
        ("tabs", vec![b'\t'; 1_000_000], "holds no plan"),
        ("a scalar", b"plan".to_vec(), "must be a mapping"),
        ("a list", b"- plan\n".to_vec(), "must be a mapping"),
        ("a mapping as a key", b"{a: b}: c\n".to_vec(), "as a key"),
    ]
}

fn wrong_sizes() -> Vec<Row> {
    let big = |byte: u8| vec![byte; 1_000_000];
    let digits = "9".repeat(100_000);
    let wide = format!("{HEAD}rings: [{}]\n", "{},".repeat(20_001));
    let flow_keys = (0..9_000).fold("{".to_owned(), |text, i| text + &format!("k{i}: v, ")) + "}";
    vec![
        ("a plain scalar", [b"plan: ".to_vec(), big(b'x')].concat(), "too long"),
        ("a quoted scalar", [b"plan: \"".to_vec(), big(b'x'), b"\"".to_vec()].concat(), "too long"),
        ("escapes", [b"plan: \"".to_vec(), b"\\x41".repeat(250_000), b"\"".to_vec()].concat(), "too long"),
        ("a block of text", [b"plan: |\n  ".to_vec(), big(b'x')].concat(), "too long"),
        ("a folded block", [b"plan: >\n".to_vec(), b"  x\n".repeat(250_000)].concat(), "too long"),
        ("a key", [big(b'k'), b": v\n".to_vec()].concat(), "belongs to no key"),
        ("a quoted key", [b"\"".to_vec(), big(b'k'), b"\": v\n".to_vec()].concat(), "belongs to no key"),
        ("a length of time", ring_with(&format!("soak: {digits}h")), "too long"),
        ("a percentage", ring_with(&format!("adoption: {{at_least: {digits}%}}")), "too long"),
        (
            "a short percentage",
            ring_with(&format!("adoption: {{at_least: {}%}}", &digits[..200])),
            "from 0.1%",
        ),
        ("a version", ring_with(&format!("versions: {{windows: {}.1.1.1}}", &digits[..200])), "four numbers"),
        (
            "a range",
            format!("{HEAD}forbid: [{{versions: '={}', reason: x}}]\n", &digits[..200]).into(),
            "range",
        ),
        ("a zone", ring_with(&format!("timezone: {}", "Europe/".repeat(30))), "not a time zone"),
        ("too many values", wide.into_bytes(), "too many keys"),
        (
            "thousands of errors",
            lines(9_000, |i| format!("k{i}: v")).into_bytes(),
            "more errors from here on",
        ),
        ("thousands of errors on one line", flow_keys.into_bytes(), "more errors from here on"),
        ("one key thousands of times", b"plan: p\n".repeat(9_000), "this key is repeated"),
        (
            "a profile thousands of times",
            ring_with(&format!("group: [{}]", "IT, ".repeat(9_000))),
            "must be a text",
        ),
    ]
}

fn much_work() -> Vec<Row> {
    let rings = |entry: fn(usize) -> String| -> Vec<u8> {
        let rings = lines(100, |i| format!("  - {{name: R{i}, profiles: [P{i}], {}}}", entry(i)));
        format!("{HEAD}rings:\n{rings}").into_bytes()
    };
    let never: fn(usize) -> String = |i| {
        let openings: Vec<String> =
            (0..32).map(|j| format!("{{cron: \"{} {} 30 2 *\", for: 1h}}", (i + j) % 60, i % 24)).collect();
        format!("schedule: {{open: [{}]}}", openings.join(", "))
    };
    let freezes: fn(usize) -> String = |_| {
        let freeze = "{from: 2026-12-18, until: 2026-12-17, reason: x}";
        format!("schedule: {{freeze: [{}]}}", [freeze; 20].join(", "))
    };
    let same = format!(
        "{HEAD}rings:\n{}",
        lines(99, |i| { format!("  - {{name: R{i}, profiles: [{}]}}", vec!["IT"; 150].join(", ")) })
    );
    let many = vec!["{cron: \"0 0 31 2 *\", for: 1h}"; 2_000].join(", ");
    let many = ring_with(&format!("schedule: {{open: [{many}]}}"));
    vec![
        ("two thousand openings", many, "2000 openings are too many"),
        ("openings that never come", rings(never), "never comes"),
        ("zones that are none", rings(|_| "timezone: Europe/Nowhereshire".to_owned()), "not a time zone"),
        ("freezes that end before they begin", rings(freezes), "before it begins"),
        ("one profile everywhere", same.into_bytes(), "this profile"),
    ]
}

#[test]
fn hostile_files_are_refused_with_a_reason() {
    let mut wrong = Vec::new();
    for (row, bytes, expected) in [wrong_bytes(), wrong_yaml(), wrong_sizes(), much_work()].concat() {
        let watch = Stopwatch::start();
        let errors = read("plan.yaml", &bytes).expect_err(row);
        let bytes_of = |_: &str| Some(bytes.as_slice());
        let shown: String = errors.iter().map(|error| excerpt(error, bytes_of, Ink::Plain)).collect();
        println!("{row}: {} errors in {:.0} ms", errors.len(), watch.seconds() * 1000.0);
        assert!(errors.len() <= MAX_ERRORS + 1, "{row}: {} errors", errors.len());
        assert!(shown.len() <= MAX_SHOWN, "{row}: {} bytes are shown", shown.len());
        if !shown.contains(expected) {
            wrong.push(format!("{row}: {}", shown.chars().take(600).collect::<String>()));
        }
        for error in &errors {
            let line = error.to_string();
            assert!(line.chars().count() < 400, "{row}: {line}");
        }
        // The plain counting of lines there is slow on large files.
        if bytes.len() < 50_000 {
            judge(&bytes);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_hundred_forbidden_rings_are_warned_of_within_bounds() {
    let ranges =
        lines(100, |i| format!("  - {{versions: '>=2026.8.1{i:03}0, <2026.8.1{i:03}9', reason: r}}"));
    let forbidden = format!(
        "plan: p\nforbid:\n{ranges}rings:\n{}",
        lines(100, |i| format!(
            "  - {{name: R{i}, profiles: [P{i}], versions: {{windows: 2026.8.1{i:03}5.0, macos: 2026.8.1{i:03}5.0}}}}"
        ))
    );
    let good = examine("plan.yaml", forbidden.as_bytes(), None).unwrap();
    assert_eq!((good.forbidden.len(), good.warnings.len()), (200, MAX_ERRORS + 1));
    assert_eq!(good.warnings[MAX_ERRORS].problem, "101 more warnings from here on");
}

/// What they cost is spent where they are read, and the loop of the daemon that compares them spends little.
#[test]
fn hostile_plans_hold_and_are_searched_where_they_are_read() {
    const FILES: usize = 10;
    let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
    let texts: Vec<String> = (0..FILES).map(hostile_plan).collect();
    let read = |judge: &dyn Fn(&[u8]) -> Draft| {
        let watch = Stopwatch::start();
        let drafts: Vec<(String, Draft)> = texts
            .iter()
            .enumerate()
            .map(|(number, text)| (format!("{number}.yaml"), judge(text.as_bytes())))
            .collect();
        let reading = watch.seconds() * 1000.0;
        let watch = Stopwatch::start();
        let files = drafts.iter().map(|(file, draft)| (file.as_str(), draft));
        let compared = compare(files, &BTreeMap::new(), Some(now));
        (compared, reading, watch.seconds() * 1000.0)
    };
    let (late, reading, comparing) = read(&|bytes| Draft::read(bytes));
    println!("{FILES} files: read in {reading:.0} ms, then compared with the calendar in {comparing:.0} ms");
    let (early, reading, less) = read(&|bytes| Draft::read_at(bytes, now));
    println!("{FILES} files: read with the calendar in {reading:.0} ms, then compared in {less:.0} ms");
    assert_eq!(early, late, "it is the same judgement");
    assert!(early.iter().all(|read| read.outcome.is_ok()), "they hold");
    let warned = |read: &FileRead| read.outcome.as_ref().unwrap().warnings.len();
    assert!(early.iter().all(|read| warned(read) > 0), "the calendar was asked");
    assert!(less < comparing, "{less} ms, and {comparing} ms where nothing was searched before");
}
