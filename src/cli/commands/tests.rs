//! Command lines that are read, and those that are refused.

use super::*;

#[test]
fn the_definitions_are_consistent() {
    definitions().debug_assert();
}

#[test]
fn lines_are_read_or_refused() {
    let rows = [
        ("status of all", "status", true),
        ("status of one", "status client --json", true),
        ("explain needs a plan", "explain", false),
        ("a class by its word", "devices client --class too_old --ring R0", true),
        ("an unknown class", "devices client --class gone", false),
        ("the dark are all arrived", "devices client --dark --class due", false),
        ("the dark of a ring", "devices client --dark --ring R0", true),
        ("history needs a plan", "history", false),
        ("or not", "history --verify", true),
        ("a reason is needed", "pause client", false),
        ("and says something", "pause client --reason=\u{a0}", false),
        ("a reason", "resume client --reason=seen", true),
        ("a reason in lines", "resume client --reason=seen\nand\tmended", true),
        ("a control character", "resume client --reason=seen\u{7}", false),
        ("which does not stop a stop", "stop --reason=dns\u{1b}[0m", true),
        ("that says nothing", "stop --reason=\u{7}", false),
        ("waive needs a gate", "waive client --reason=x", false),
        ("a gate", "waive client --gate soak --reason=x", true),
        ("an unknown gate", "waive client --gate none --reason=x", false),
        ("stop is for all plans", "stop client --reason=x", false),
        ("stop", "stop --reason=dns --db /x/y.db", true),
        ("start", "start --paused --reason=fixed", true),
        ("check", "check a.yaml b --json", true),
        ("the schema", "schema", true),
        ("the reference", "schema --markdown", true),
        ("the schema of nothing else", "schema plan.yaml", false),
        ("check with the account", "check a.yaml --online --account 023e105f4ecef8ad9ca31a8372d0c353", true),
        ("an account that is none", "check --online --account=", false),
        ("init", "init --output plan.yaml --force", true),
        ("init to two files", "init a.yaml b.yaml", false),
        ("diff needs a plan", "diff", false),
        ("diff", "diff plans/client.yaml --json", true),
        ("a plan's revision", "confirm client --revision b41c0d9e77a1 --reason=x", true),
        ("a revision of no plan", "confirm --revision b41c0d9e77a1 --reason=x", false),
        ("a plan without its revision", "confirm client --reason=x", false),
        ("a revision without a reason", "confirm client --revision b41c0d9e77a1", false),
        ("the clock", "confirm clock --reason=x", true),
        ("both", "confirm client --revision b41c0d9e77a1 --reason=x clock --reason=x", false),
        ("an empty name", "status ", true),
        ("a backup", "backup /x/copy.db --json", true),
        ("a health check", "healthcheck --db /x/y.db", true),
        ("a backup needs a name", "backup", false),
        ("watching", "status client --watch", true),
        ("some records", "history client --limit 5 --before 9", true),
        ("no records", "history client --limit 0", false),
        ("some records of a verification", "history --verify --limit 5", false),
    ];
    for (row, line, accepted) in rows {
        let words = std::iter::once("ringward").chain(line.split(' ').filter(|word| !word.is_empty()));
        assert_eq!(CommandLine::try_parse_from(words).is_ok(), accepted, "{row}");
    }
}

#[test]
fn a_reason_that_is_refused_is_not_said_again() {
    let long = "endless ".repeat(300);
    let words = ["ringward", "stop", "--reason", &long];
    let told = CommandLine::try_parse_from(words).unwrap_err();
    assert_eq!(told.exit_code(), 2);
    let told = told.to_string();
    assert!(told.contains("--reason") && told.contains("it has 2399 characters"), "{told}");
    assert!(!told.contains("endless"), "{told}");
}
