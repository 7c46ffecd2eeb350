//! What the program says on standard error, and how it ends when nobody reads it.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";

/// The program in a directory, with these variables alone.
fn ringward(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    command.args(arguments).current_dir(dir).env_clear().envs(variables.iter().copied());
    command.env("TMPDIR", dir).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_reader_that_went_away_ends_what_would_run_for_long() {
    let dir = tempfile::tempdir().unwrap();
    for line in ["demo --devices 20 --dir demo", "sandbox --devices 20 --listen 127.0.0.1:0"] {
        let arguments: Vec<&str> = line.split(' ').collect();
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = ringward(dir.path(), &arguments, &[]).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn a_url_with_a_password_is_never_repeated() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("plan.yaml"), "").unwrap();
    let urls = [
        ("credentials", "https://ana:hunter2@api.example.test/client/v4"),
        ("in a URL that is none", "https://ana:hunter2@:x/"),
        ("without a scheme", "ana:hunter2@api.example.test"),
    ];
    let commands: [&[&str]; 4] =
        [&["run", "--plans", "."], &["check", "--online"], &["init"], &["diff", "plan.yaml"]];
    for (row, url) in urls {
        for command in commands {
            let as_flag = [command, &["--api-url", url]].concat();
            let ways = [
                ringward(dir.path(), &as_flag, &[]).output().unwrap(),
                ringward(dir.path(), command, &[("RINGWARD_API_URL", url)]).output().unwrap(),
            ];
            for output in ways {
                let told = said(&output);
                assert_eq!(output.status.code(), Some(2), "{row}, {command:?}: {told}");
                assert!(told.contains("--api-url") && told.contains("--help"), "{row}, {command:?}: {told}");
                assert!(!told.contains("hunter2"), "{row}, {command:?}: {told}");
            }
            let help = [command, &["--help"]].concat();
            let output = ringward(dir.path(), &help, &[("RINGWARD_API_URL", url)]).output().unwrap();
            let help = String::from_utf8(output.stdout).unwrap();
            assert!(help.contains("RINGWARD_API_URL") && !help.contains("hunter2"), "{command:?}: {help}");
        }
    }
}

#[test]
fn an_error_carries_no_control_character_to_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let name = "\u{1b}]0;owned\u{7}.db";
    let rows: [&[&str]; 4] = [
        &["history", "--verify", "--db", name],
        &["status", "--db", name],
        &["stop", "--reason", "x", "--db", name],
        &["diff", "./\u{1b}[2J.yaml"],
    ];
    for arguments in rows {
        let output = ringward(dir.path(), arguments, &[]).output().unwrap();
        let told = said(&output);
        assert!(!output.status.success() && told.starts_with("ringward: "), "{arguments:?}: {told:?}");
        assert!(!told.chars().any(|char| char.is_control() && char != '\n'), "{arguments:?}: {told:?}");
    }
}

/// A daemon that warns, for nobody listens at that address, and then finds no place for its database.
#[test]
fn log_lines_have_colours_only_where_they_are_wanted() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("plans")).unwrap();
    let arguments = ["run", "--plans", "plans", "--db", "none/ringward.db", "--account", ACCOUNT];
    let arguments =
        [&arguments[..], &["--api-url", "http://127.0.0.1:1/client/v4", "--listen", "127.0.0.1:0"]].concat();
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], bool);
    let rows: [Row<'_>; 4] = [
        ("no terminal", &[], false),
        ("forced", &[("CLICOLOR_FORCE", "1")], true),
        ("not wanted", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ("for a program", &[("CLICOLOR_FORCE", "1"), ("RINGWARD_LOG_FORMAT", "json")], false),
    ];
    for (row, variables, coloured) in rows {
        let mut command = ringward(dir.path(), &arguments, variables);
        let output = command.env("CLOUDFLARE_API_TOKEN", "cfat_none").output().unwrap();
        let told = said(&output);
        assert!(told.contains("Cloudflare cannot be reached"), "{row}: {told}");
        assert_eq!(told.contains('\u{1b}'), coloured, "{row}: {told:?}");
    }
}
