//! Names of earlier releases: they do nothing, and say what took their place.

use std::path::Path;

use crate::definitions::ringward;

#[test]
fn a_former_verb_says_what_it_is_called_now() {
    let rows = [
        (vec!["refuse", "client", "--reason", "x"], "refuse is called reject now: ringward reject PLAN"),
        (
            vec!["release-hold", "client", "--version", "2026.8.2100.0", "--reason", "x"],
            "release-hold is called unblock now: ringward unblock PLAN --version VERSION --reason",
        ),
        (vec!["release-hold", "--help"], "release-hold is called unblock now"),
        (vec!["release"], "unrecognized subcommand"),
    ];
    for (words, told) in rows {
        let output = ringward(&words, Path::new("."));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(told) && output.stdout.is_empty(), "{words:?}: {said}");
    }
}
