//! What is made of the definitions of the command line: help, completions, manual pages, and the
//! exit code of each command in each kind of failure.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap_complete::Shell;
use ringward::cli::completions::completions;
use ringward::cli::definitions;
use ringward::cli::exit::Exit;
use ringward::cli::man::{ManArgs, man};
use ringward::rollout::people::verbs::about::About;
use ringward::rollout::people::verbs::rows::{effects, refusals};
use ringward::rollout::people::verbs::verb::Verb;
use ringward::rollout::record::BlockKind;
use ringward::rollout::record::Gate;
use serde_json::json;

use crate::server::{Reply, Server};
use crate::{answers, here, refused};

fn commands() -> Vec<String> {
    definitions().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

#[test]
fn every_command_and_flag_has_a_sentence() {
    let definitions = definitions();
    let own = definitions.get_subcommands().flat_map(clap::Command::get_subcommands);
    for command in definitions.get_subcommands().chain(own) {
        let name = command.get_name();
        assert!(command.get_about().is_some(), "{name} says nothing");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name} {} says nothing", argument.get_id());
        }
    }
    let with_examples = [
        "access",
        "run",
        "demo",
        "sandbox",
        "status",
        "explain",
        "devices",
        "history",
        "pause",
        "resume",
        "waive",
        "check-now",
        "stop",
        "start",
        "completions",
        "man",
    ];
    for name in with_examples {
        let command = definitions.find_subcommand(name).unwrap_or_else(|| panic!("{name}"));
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(examples.contains("Example") && examples.contains(&format!("ringward {name}")), "{name}");
    }
}

/// The table of verbs, for people: as it is printed, and as it lies in docs.
#[test]
fn the_document_of_verbs_is_the_table() {
    let output = ringward(&["schema", "--verbs"], Path::new("."));
    assert!(output.status.success(), "{output:?}");
    let made = String::from_utf8(output.stdout).unwrap();
    let path = here("docs/verbs.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &made).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap_or_default(), made, "UPDATE_GOLDEN=1 writes it anew");
    for verb in Verb::ALL {
        assert!(made.contains(&format!("\n## {}\n", verb.as_str())), "{verb:?}");
        let mut words = match verb {
            Verb::ConfirmClock => vec!["confirm", "clock"],
            _ => vec![verb.as_str()],
        };
        words.push("--help");
        let help = ringward(&words, Path::new("."));
        let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        for effect in effects(verb) {
            assert!(help.contains(effect.words()), "{verb:?} does not tell {effect:?}: {help}");
        }
        for refused in refusals(verb) {
            let why = refused.why(&About::anything());
            assert!(help.contains(&why), "{verb:?} does not tell {refused:?}: {help}");
        }
    }
}

/// What a person meets in a report stands in the guide that tells what to do about it.
#[test]
fn the_guide_has_each_block_and_each_term() {
    let guide = |name: &str| fs::read_to_string(here(name)).unwrap();
    let operations = guide("docs/operations.md");
    // A doubted clock is told by what is the matter with it.
    let clocks = ["clock_differs", "clock_unknown"];
    let blocks = BlockKind::ALL.into_iter().filter(|kind| *kind != BlockKind::ClockDoubted);
    for code in blocks.map(BlockKind::as_str).chain(clocks) {
        let rows = operations.lines().filter(|line| line.starts_with(&format!("| `{code}` |")));
        assert_eq!(rows.count(), 1, "docs/operations.md has one row for `{code}`");
    }
    let terms = [
        ("docs/operations.md", "restriction"),
        ("docs/operations.md", "revision waits"),
        ("docs/operations.md", "keeps its place"),
        ("docs/operations.md", "lets it go"),
        ("docs/operations.md", "second half"),
        ("docs/alerts.md", "still offers"),
        ("docs/plan.md", "newer target"),
        ("docs/plan.md", "`allow_downgrade`"),
        ("docs/identity.md", "`revisions`"),
        ("docs/identity.md", "`guard.devices_per_day`"),
        ("docs/identity.md", "`clock`"),
    ];
    for (name, term) in terms {
        assert!(guide(name).contains(term), "{name} does not tell of {term}");
    }
    for gate in Gate::ALL {
        let row = |line: &&str| line.starts_with("| `") && line.contains(&format!("`{gate}`"));
        assert!(operations.lines().any(|line| row(&line)), "docs/operations.md has a row for gate {gate}");
    }
}

#[test]
fn help_fits_eighty_columns_wherever_it_is_ours() {
    for name in commands() {
        let output = ringward(&[&name, "--help"], Path::new("."));
        let text = String::from_utf8(output.stdout).unwrap();
        let after = text.split("Options:").nth(1).unwrap_or_default();
        let examples = after.split("\n\n").skip(1).flat_map(str::lines);
        for line in examples.filter(|line| !line.contains("RINGWARD_") && !line.contains("--")) {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
        assert!(output.status.success() && text.contains("Usage: ringward"), "{name}: {text}");
    }
}

#[test]
fn completions_name_every_command_and_bash_completes_them() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
        let mut script = Vec::new();
        completions(shell, definitions(), &mut script).unwrap();
        let script = String::from_utf8(script).unwrap();
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ringward.bash");
    let mut script = Vec::new();
    completions(Shell::Bash, definitions(), &mut script).unwrap();
    fs::write(&file, script).unwrap();
    let bash = |arguments: &[&str]| {
        let output = Command::new("bash").args(arguments).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    bash(&["-n", "ringward.bash"]);
    let rows = [
        ("a command", "ringward expl", "explain"),
        ("a flag", "ringward status --wat", "--watch"),
        ("a class", "ringward devices client --class too", "too_old"),
        ("a gate", "ringward waive client --gate so", "soak"),
    ];
    for (row, line, expected) in rows {
        let words: Vec<&str> = line.split(' ').collect();
        let last = words.len() - 1;
        let ask = format!(
            "source ringward.bash; COMP_WORDS=({line}); COMP_CWORD={last}; _ringward ringward {} {}; echo \"${{COMPREPLY[@]}}\"",
            words[last],
            words[last - 1]
        );
        assert_eq!(bash(&["-c", &ask]).trim(), expected, "{row}");
    }
}

#[test]
fn every_command_has_a_manual_page_that_renders() {
    let dir = tempfile::tempdir().unwrap();
    let all = ManArgs { command: None, dir: Some(dir.path().to_owned()) };
    let mut out = Vec::new();
    man(&all, definitions(), &mut out).unwrap();
    let written = String::from_utf8(out).unwrap();
    let mut expected = vec!["ringward.1".to_owned()];
    expected.extend(commands().iter().map(|command| format!("ringward-{command}.1")));
    for command in definitions().get_subcommands() {
        let own = command.get_subcommands();
        expected.extend(own.map(|own| format!("ringward-{}-{}.1", command.get_name(), own.get_name())));
    }
    assert_eq!(written.lines().count(), expected.len(), "{written}");
    for name in expected {
        let page = fs::read_to_string(dir.path().join(&name)).unwrap();
        for section in [".TH", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(page.contains(section), "{name} has no {section}");
        }
        // Where groff is, the page must render without a warning.
        let groff = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(dir.path().join(&name))
            .stdin(Stdio::null())
            .output();
        if let Ok(output) = groff {
            let warnings = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && warnings.is_empty(), "{name}: {warnings}");
        }
    }
    let mut out = Vec::new();
    let one = ManArgs { command: Some("explain".to_owned()), dir: None };
    man(&one, definitions(), &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("ringward explain"), "the page of one command");
    let none = ManArgs { command: Some("explane".to_owned()), dir: None };
    let mut out = Vec::new();
    let (exit, message) = refused(&out.clone(), man(&none, definitions(), &mut out));
    assert!(exit == Exit::Usage && message.contains("explain"), "{message}");
    let gone = ManArgs { command: None, dir: Some(dir.path().join("none")) };
    let (exit, message) = refused(&out.clone(), man(&gone, definitions(), &mut out));
    assert!(exit == Exit::Failed && message.contains("--dir"), "{message}");
}

/// The program, without any of its variables, in a directory.
pub(crate) fn ringward(arguments: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// That a line ends with a code, and with a message exactly if it is not 0.
fn ends(line: &str, dir: &Path, exit: i32, words: &str) {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let output = ringward(&arguments, dir);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(exit), "{line}: {told}");
    assert!(told.contains(words), "{line}: `{words}` is missing in: {told}");
    assert_eq!(told.is_empty(), exit == 0, "{line}: {told}");
}

#[test]
fn a_wrong_flag_is_usage_for_every_command() {
    let dir = tempfile::tempdir().unwrap();
    for command in commands() {
        ends(&format!("{command} --no-such-flag"), dir.path(), 2, "--no-such-flag");
        ends(&format!("{command} --help"), dir.path(), 0, "");
    }
    let rows = [
        ("", 2, "Usage"),
        ("--version", 0, ""),
        ("statsu", 2, "status"),
        ("status --wacth", 2, "--watch"),
        ("devices client --class gone", 2, "stalled"),
        ("waive client --gate sok --reason x", 2, "soak"),
        ("pause client", 2, "--reason"),
        ("history", 2, "PLAN"),
        ("history client --limit 0", 2, "1 or more"),
        ("completions tcsh", 2, "bash"),
        ("man explane", 2, "explain"),
        ("run", 2, "--plans"),
        ("demo --speed fast", 2, "--speed"),
        ("sandbox --listen nowhere", 2, "--listen"),
        ("status --log-format xml", 2, "json"),
    ];
    for (line, exit, words) in rows {
        ends(line, dir.path(), exit, words);
    }
}

#[test]
fn without_a_daemon_each_command_says_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("bad.yaml"), "plan: x\n").unwrap();
    let rows = [
        ("status", 1, "ringward run"),
        ("status --watch", 1, "ringward run"),
        ("explain client", 1, "ringward run"),
        ("devices client", 1, "ringward run"),
        ("pause client --reason x", 1, "ringward run"),
        ("resume client --reason x", 1, "ringward run"),
        ("waive client --gate soak --reason x", 1, "ringward run"),
        ("check-now client", 1, "ringward run"),
        ("confirm client --revision b41c0d9e77a1 --reason x", 1, "ringward run"),
        ("confirm clock --reason x", 1, "ringward run"),
        ("start --reason x", 3, "ringward run"),
        ("stop --reason x", 1, "NOT STOPPED"),
        ("history client", 1, "no database"),
        ("history --verify", 1, "no database"),
        ("check bad.yaml", 2, "cannot be used"),
        ("check none.yaml", 2, "cannot be used"),
        ("run --plans . --account a", 2, "CLOUDFLARE_API_TOKEN"),
        ("completions bash", 0, ""),
        ("man", 0, ""),
        ("man explain", 0, ""),
    ];
    for (line, exit, words) in rows {
        ends(line, dir.path(), exit, words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_says_no_is_a_refusal() {
    let unknown =
        || Reply::Http(404, answers::problem(404, "there is no plan `clinet`; ringward knows client"));
    let conflict = || Reply::Http(409, answers::problem(409, "not now; later"));
    let known = || Reply::Http(200, answers::daemon(&[answers::adopting()]).to_string());
    let done = || Reply::Http(200, json!({"done": "plan client is paused"}).to_string());
    let rows = [
        ("status", vec![known()], 0, ""),
        ("status --json", vec![known()], 0, ""),
        ("explain client", vec![known()], 0, ""),
        ("status clinet", vec![known()], 3, "client"),
        ("status clinet --watch", vec![known()], 3, "client"),
        ("explain clinet", vec![known()], 3, "client"),
        ("devices clinet", vec![known()], 3, "client"),
        ("devices clinet --json", vec![unknown()], 3, "client"),
        ("devices client --ring R", vec![known(), unknown()], 3, "client"),
        ("pause clinet --reason x", vec![unknown()], 3, "client"),
        ("pause client --reason x", vec![done()], 0, ""),
        ("pause client --reason x", vec![conflict()], 3, "not now; later"),
        ("resume client --reason x", vec![conflict()], 3, "not now; later"),
        ("waive client --gate soak --reason x", vec![conflict()], 3, "not now; later"),
        ("check-now clinet", vec![unknown()], 3, "client"),
        ("check-now client", vec![done()], 0, ""),
        ("start --reason x", vec![conflict()], 3, "not now; later"),
        ("stop --reason x", vec![conflict()], 0, ""),
        ("status", vec![Reply::Http(500, String::new())], 1, "answered 500"),
    ];
    for (line, script, exit, words) in rows {
        let server = Server::start(script);
        let line = format!("{line} --db {}", server.database.display());
        ends(&line, server.dir.path(), exit, words);
    }
}
