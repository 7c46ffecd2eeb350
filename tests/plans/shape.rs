//! The schema against `check`: it refuses nothing that `check` accepts, and most of what `check` refuses for shape.
//!
//! `RINGWARD_FUZZ_CASES=N` asks for more random values, `RINGWARD_FUZZ_SEED=N` for others.

use std::fs;
use std::path::Path;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::string::string_regex;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ringward::plan::{PlanError, json_schema, read};
use serde_json::{Value, json};

use crate::mutated::{Dice, number};
use crate::schema::{as_json, spots, validator, with};
use crate::{files, good, here};

const CASES: u64 = 600;

/// A plan that has what the rows below replace.
fn base() -> Value {
    json!({
        "plan": "p",
        "description": "d",
        "author": "ana@example.com",
        "versions": {"windows": "2026.8.2100.0"},
        "forbid": [{"versions": "=2026.7.1343", "reason": "r"}],
        "defaults": {"schedule": {"freeze": []}},
        "rings": [{
            "name": "R",
            "profiles": ["IT"],
            "schedule": {
                "open": [{"cron": "0 9 * * *", "for": "7h"}],
                "freeze": [{"from": "2026-12-18", "until": "2027-01-31", "reason": "r"}],
            },
            "adoption": {"at_least": "90%", "within": "7d"},
            "health": {"dark": {"after": "12h"}},
            "soak": "72h",
            "max_devices": "5",
            "allow_downgrade": "true",
            "approval": {"user_group": "G", "count": "2"},
        }],
    })
}

const CRON: &str = "/rings/0/schedule/open/0/cron";
const OPEN: &str = "/rings/0/schedule/open";
const FOR: &str = "/rings/0/schedule/open/0/for";
const FREEZE: &str = "/rings/0/schedule/freeze";
const FROM: &str = "/rings/0/schedule/freeze/0/from";
const SHARE: &str = "/rings/0/adoption/at_least";
const WITHIN: &str = "/rings/0/adoption/within";
const SOAK: &str = "/rings/0/soak";
const AFTER: &str = "/rings/0/health/dark/after";
const DEVICES: &str = "/rings/0/max_devices";
const DOWN: &str = "/rings/0/allow_downgrade";
const COUNT: &str = "/rings/0/approval/count";
const NAME: &str = "/rings/0/name";
const PROFILES: &str = "/rings/0/profiles";
const FORBID: &str = "/forbid/0/versions";
const VERSION: &str = "/versions/windows";

/// What both accept: a name, the place, the value in YAML.
const GOOD: &[(&str, &str, &str)] = &[
    ("names and numbers", CRON, "'0,30 09 1-7 jan,3-5 +TUE'"),
    ("steps", CRON, "'*/59 9-17/8 */30 */11 */6'"),
    ("named steps", CRON, "'0 9 * Jan-Dec/3 Mon-Fri/2'"),
    ("ends of a month", CRON, "'0 9 L,15W * *'"),
    ("last workdays", CRON, "'0 9 LW,1W * *'"),
    ("weeks of a month", CRON, "'0 9 * * Tue#2,5#5,FriL,7L'"),
    ("wide blanks", CRON, "' 0  9 * *\u{a0}* '"),
    ("a leading zero", FOR, "'0007h'"),
    ("units together", FOR, "' 1h 30m'"),
    ("two short units", WITHIN, "'0h 60m'"),
    ("the longest", WITHIN, "'366d'"),
    ("the shortest", FOR, "'15m'"),
    ("the shortest soak", SOAK, "'36h'"),
    ("a share of tenths", SHARE, "'099.5 %'"),
    ("a bare number", COUNT, "20"),
    ("leading zeros", COUNT, "'020'"),
    ("most devices", DEVICES, "1000000"),
    ("two comparisons", FORBID, "'>=2026.7.1343 , < 2026.7.1376'"),
    ("one number, two", FORBID, "'>2025, =2026.7'"),
    ("any device", DOWN, "true"),
    ("the first that follows", VERSION, "'2026.6.0.0'"),
    ("a later year", VERSION, "'2030.1.0.1'"),
    ("a leap day", FROM, "'2024-02-29'"),
    ("a number as a name", NAME, "2024"),
    ("a joined emoji", NAME, "'\u{1f469}\u{1f3fd} Ring'"),
    ("a script", NAME, "'環境'"),
    ("a policy ID", PROFILES, "['f174e90a-fafe-4643-bbbc-4a0ed4fc8415', default, 'Default 2']"),
    ("one opening twice", OPEN, "[{cron: '0 9 * * *', for: 1h}, {cron: '0 9 * * *', for: 1h}]"),
    (
        "one freeze twice",
        FREEZE,
        "[{from: 2026-12-18, until: 2026-12-19, reason: r}, {from: 2026-12-18, until: 2026-12-19, reason: r}]",
    ),
    (
        "one range twice",
        "/forbid",
        "[{versions: '=2026.7.1', reason: r}, {versions: '=2026.7.1', reason: r}]",
    ),
];

/// What both refuse.
const BAD: &[(&str, &str, &str)] = &[
    ("an empty entry", CRON, "', 9 * * *'"),
    ("an empty last entry", CRON, "'0 9 * * Mon,'"),
    ("the minute", CRON, "'60 9 * * *'"),
    ("the hour", CRON, "'0 24 * * *'"),
    ("the day", CRON, "'0 9 32 * *'"),
    ("three digits", CRON, "'000 9 * * *'"),
    ("weekdays as days", CRON, "'0 9 Mon-Thu * *'"),
    ("weekdays as months", CRON, "'0 9 * Mon-Thu *'"),
    ("a month as weekday", CRON, "'0 9 * * Jan'"),
    ("months glued", CRON, "'0 9 * JanFeb *'"),
    ("a name whole", CRON, "'0 9 * * Monday'"),
    ("a name and a number", CRON, "'0 9 * * Mon-5'"),
    ("a long step", CRON, "'*/60 9 * * *'"),
    ("a step of nothing", CRON, "'*/0 9 * * *'"),
    ("a step from a value", CRON, "'0/5 9 * * *'"),
    ("all and one", CRON, "'*,5 9 * * *'"),
    ("six fields", CRON, "'0 0 9 * * *'"),
    ("a zone", CRON, "'0 9 * * Mon Europe/Lisbon'"),
    ("a nickname", CRON, "'@daily'"),
    ("a question mark", CRON, "'0 9 ? * Mon'"),
    ("a sixth week", CRON, "'0 9 * * Tue#6'"),
    ("small letters", CRON, "'0 9 l * *'"),
    ("both days of one", CRON, "'0 9 * * +Mon'"),
    ("a tab", CRON, "\"0 9\\t* * Mon\""),
    ("days of a year and more", WITHIN, "'400d'"),
    ("weeks", WITHIN, "'53w'"),
    ("hours", WITHIN, "'8785h'"),
    ("too short", FOR, "'14m'"),
    ("no time", WITHIN, "'0h'"),
    ("a short soak", SOAK, "'72m'"),
    ("a short time in the dark", AFTER, "'11h'"),
    ("units upside down", FOR, "'30m 1h'"),
    ("no unit", FOR, "'7'"),
    ("no sign", SHARE, "'.9'"),
    ("nobody", SHARE, "'0%'"),
    ("more than all", SHARE, "'100.1%'"),
    ("too many people", COUNT, "21"),
    ("a float", COUNT, "1.5"),
    ("thousands", COUNT, "1e3"),
    ("thousands quoted", COUNT, "'1e3'"),
    ("thousands with a dot", COUNT, "25.000"),
    ("the same quoted", DEVICES, "'25.000'"),
    ("nobody counts", COUNT, "0"),
    ("too many devices", DEVICES, "1000001"),
    ("no comparison", FORBID, "'2026.7.1343'"),
    ("a number alone", FORBID, "'1343'"),
    ("four numbers", FORBID, "'=2026.7.1343.0'"),
    ("a hyphen", FORBID, "'=2026.7.1343 - 2026.7.1376'"),
    ("a beta", FORBID, "'=2026.7.1343-beta.1+build'"),
    ("a tilde", FORBID, "'~2026.7'"),
    ("a caret", FORBID, "'^2026.7.1'"),
    ("a star", FORBID, "'2026.7.*'"),
    ("a short year", FORBID, "'=26.7.1343'"),
    ("a month of no year", FORBID, "'=2026.13.1'"),
    ("a build number", FORBID, "'=1343'"),
    ("or", FORBID, "'=2026.7.1343 || =2026.7.1376'"),
    ("an empty comparison", FORBID, "'=2026.7.1343,'"),
    ("a number that devices run", DOWN, "2026.8"),
    ("a word", DOWN, "'yes'"),
    ("too old", VERSION, "'2026.5.1.0'"),
    ("a short year", VERSION, "'26.8.2100.0'"),
    ("three numbers", VERSION, "'2026.8.2100'"),
    ("a month of no year", FROM, "'2026-13-01'"),
    ("a day of no month", FROM, "'2026-12-32'"),
    ("a day first", FROM, "'18-12-2026'"),
    ("a profile twice", PROFILES, "[IT, IT]"),
    ("no profile", PROFILES, "[]"),
    ("the default profile by its name", PROFILES, "[Default]"),
    ("a space of no width", NAME, "'Pi\u{200b}lot'"),
    ("a name turned round", NAME, "'Pilot\u{202e}'"),
    ("a blank name", NAME, "'  '"),
    ("unseen in a description", "/description", "'a\u{feff}b'"),
    ("unseen in an address", "/author", "'ana\u{200b}@example.com'"),
];

/// What only `check` can tell.
const ONLY_CHECK: &[(&str, &str, &str)] = &[
    ("two ends of a range", CRON, "'0 22-4 * * *'"),
    ("a step longer than its range", CRON, "'0 9-12/5 * * *'"),
    ("both last days", CRON, "'0 9 L,LW * *'"),
    ("a date that never comes", CRON, "'0 9 31 2 *'"),
    ("a sum", WITHIN, "'366d 1h'"),
    ("a day that its month does not have", FROM, "'2026-06-31'"),
    ("a zone", "/rings/0/timezone", "Europe/Frankfurt"),
    ("an unseen sign beyond the first plane", NAME, "'Pilot\u{e0041}'"),
    // To other readers of YAML, this is 25.
    ("thousands with a dot", DEVICES, "25.000"),
];

/// The plan, with a value at a place, as YAML.
fn plan_with(pointer: &str, value: &str) -> String {
    const HERE: &str = "value of the row";
    let mut plan = base();
    let (mapping, key) = pointer.rsplit_once('/').unwrap();
    match plan.pointer_mut(mapping).unwrap() {
        Value::Object(keys) => keys.insert(key.to_owned(), json!(HERE)),
        other => panic!("{pointer}: {other}"),
    };
    plan.to_string().replace(&format!("\"{HERE}\""), value)
}

#[test]
fn the_schema_knows_how_values_are_written() {
    let validator = validator();
    let table = [(GOOD, true, true), (BAD, false, false), (ONLY_CHECK, false, true)];
    for (rows, check, schema) in table {
        for (row, pointer, value) in rows {
            let text = plan_with(pointer, value);
            let read = read("p.yaml", text.as_bytes());
            assert_eq!(read.is_ok(), check, "check, {row}: {value}: {:?}", read.err());
            let seen = as_json(text.as_bytes()).unwrap();
            assert_eq!(validator.is_valid(&seen), schema, "schema, {row}: {value}");
        }
    }
}

/// A value of the schema, and how it is drawn: without what only looks ahead, which would have to be guessed.
struct Drawn {
    pointer: String,
    key: String,
    in_list: bool,
    pattern: String,
}

fn without_lookahead(pattern: &str) -> String {
    let mut pattern = pattern.trim_start_matches('^').trim_end_matches('$').to_owned();
    while let Some(start) = pattern.find("(?=").or_else(|| pattern.find("(?!")) {
        let mut depth = 0;
        let ends = |char| {
            depth += i32::from(char == '(') - i32::from(char == ')');
            depth == 0
        };
        let length = pattern[start..].find(ends).unwrap();
        pattern.replace_range(start..=start + length, "");
    }
    // A plan has few other blanks, and many others are refused.
    pattern.replace(r"[^\S\t\n]", "[ \u{a0}]")
}

/// Every key of the full plan that takes a value of some pattern.
fn drawn(plan: &Value) -> Vec<Drawn> {
    let mut found = Vec::new();
    for spot in spots(plan, &json_schema()) {
        for (key, property) in spot.schema["properties"].as_object().unwrap() {
            let in_list = property["type"] == "array";
            let value = if in_list { &property["items"] } else { property };
            let Some(pattern) = value["pattern"].as_str() else { continue };
            let (pointer, key) = (spot.pointer.clone(), key.clone());
            found.push(Drawn { pointer, key, in_list, pattern: without_lookahead(pattern) });
        }
    }
    found
}

/// One character more, less, or another.
fn near_miss(text: &str, dice: &mut Dice) -> String {
    const OTHERS: &str = "01259 -_.,:/*#%<>=~^+?LWxMmonJand\t\u{a0}\u{200b}\u{200d}";
    let others: Vec<char> = OTHERS.chars().collect();
    let mut chars: Vec<char> = text.chars().collect();
    let (at, other) = (dice.below(chars.len()), others[dice.below(others.len())]);
    match dice.below(3) {
        0 => drop(chars.splice(at..at, [other])),
        1 => drop(chars.splice(at..(at + 1).min(chars.len()), [other])),
        _ => drop(chars.splice(at..(at + 1).min(chars.len()), [])),
    }
    chars.into_iter().collect()
}

#[test]
fn the_schema_accepts_every_value_that_check_accepts() {
    let (cases, seed) = (number("RINGWARD_FUZZ_CASES", CASES), number("RINGWARD_FUZZ_SEED", 1));
    println!("seed {seed}: {cases} values and as many near misses");
    let schema = json_schema();
    let validator = validator();
    let everything = good(&fs::read_to_string(here("tests/plans/good/everything.yaml")).unwrap());
    let plan: Value = serde_json::from_str(&everything.written).unwrap();
    let drawn = drawn(&plan);
    let mut random = [0; 32];
    random[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &random);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let mut dice = Dice(seed);
    let spots = spots(&plan, &schema);
    let (mut accepted, mut both) = (0, 0);
    for case in 0..cases {
        let one = &drawn[dice.below(drawn.len())];
        let spot = spots.iter().find(|spot| spot.pointer == one.pointer).unwrap();
        let value = string_regex(&one.pattern).unwrap().new_tree(&mut runner).unwrap().current();
        for value in [near_miss(&value, &mut dice), value] {
            let value = if one.in_list { json!([value]) } else { json!(value) };
            let text = with(&plan, spot, &one.key, value.clone());
            let by_schema = validator.is_valid(&serde_json::from_str(&text).unwrap());
            let by_check = read("p.yaml", text.as_bytes()).is_ok();
            assert!(by_schema || !by_check, "case {case}: {} of {}: {value}", one.key, one.pointer);
            accepted += u64::from(by_schema);
            both += u64::from(by_check);
        }
    }
    println!("the schema accepts {accepted} of them, and check {both}");
    assert!(both * 3 > cases, "too few are good to test what holds of those: {both}");
}

/// Texts that may be plans: files, and blocks of documents.
fn texts_below(directory: &Path, texts: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => texts_below(&path, texts),
            Some("yaml" | "yml") => texts.push((name, fs::read(&path).unwrap())),
            Some("md") => {
                let text = fs::read_to_string(&path).unwrap();
                let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
                texts.extend(blocks.map(|block| (name.clone(), block.as_bytes().to_vec())));
            }
            _ => {}
        }
    }
}

#[test]
fn the_schema_refuses_no_plan_of_this_repository() {
    let validator = validator();
    let mut texts = Vec::new();
    for directory in ["docs", "rollouts", "src/cli/init", "tests"] {
        texts_below(&here(directory), &mut texts);
    }
    let plans = texts.iter().filter(|(_, bytes)| read("p.yaml", bytes).is_ok());
    let mut count = 0;
    for (name, bytes) in plans {
        let seen = as_json(bytes).unwrap_or_else(|| panic!("{name}: other readers of YAML cannot read it"));
        let errors: Vec<String> = validator.iter_errors(&seen).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        count += 1;
    }
    println!("{count} plans");
    assert!(count >= 15, "{count} plans");
}

/// Whether an error is one of shape: neither do two places disagree, nor is a zone looked up. What YAML readers do not
/// hand on, such as tags, counts as shape all the same.
fn is_of_shape(error: &PlanError) -> bool {
    error.related.is_none() && error.problem != "not a time zone"
}

#[test]
fn the_schema_refuses_most_of_what_check_refuses_for_shape() {
    let validator = validator();
    let of_shape = files("tests/plans/bad").into_iter().filter_map(|(file, bytes)| {
        let errors = read(&file, &bytes).unwrap_err();
        // What is no YAML at all needs no schema.
        as_json(&bytes).filter(|_| errors.iter().any(is_of_shape)).map(|seen| (file, seen))
    });
    let (accepted, refused): (Vec<_>, Vec<_>) = of_shape.partition(|(_, seen)| validator.is_valid(seen));
    let names: Vec<&str> = accepted.iter().map(|(file, _)| file.as_str()).collect();
    let all = accepted.len() + refused.len();
    println!("refused: {} of {all}; only by check: {names:?}", refused.len());
    assert!(refused.len() * 100 >= all * 60, "{} of {all}", refused.len());
}
