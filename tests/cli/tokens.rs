//! `ringward token` against a scripted daemon, and `ringward run` with a configuration.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::{FromArgMatches as _, Subcommand as _};
use ringward::cli::exit::{CliError, Exit};
use ringward::cli::token::{TokenCommand, token};
use serde_json::json;

use crate::server::{Reply, Server};

const TEXT: &str = "rwt_0101010101010101_fefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefe";

fn command(words: &[&str], server: &Server) -> TokenCommand {
    let definition = TokenCommand::augment_subcommands(clap::Command::new("token").no_binary_name(true));
    let database = server.database.display().to_string();
    let words = words.iter().copied().chain(["--db", database.as_str()]);
    TokenCommand::from_arg_matches(&definition.try_get_matches_from(words).unwrap()).unwrap()
}

/// What went to standard output and to standard error, and how it ended.
async fn run(words: &[&str], server: &Server) -> (String, String, Result<(), CliError>) {
    let (mut out, mut told) = (Vec::new(), Vec::new());
    let result = token(command(words, server), &mut out, &mut told).await;
    (String::from_utf8(out).unwrap(), String::from_utf8(told).unwrap(), result)
}

#[tokio::test]
async fn a_token_is_alone_on_standard_output() {
    let server = Server::json(&json!({"token": TEXT, "expires_at": "2027-02-20T10:00:00Z"}));
    let words = [
        "new",
        "ana-laptop",
        "--email",
        "Ana@Example.com",
        "--role",
        "approver,operator",
        "--expires",
        "90d",
    ];
    let (out, told, result) = run(&words, &server).await;
    result.unwrap();
    assert_eq!(out, format!("{TEXT}\n"));
    assert!(!told.contains("rwt_"), "{told}");
    assert!(told.contains("`ana-laptop` of ana@example.com, until 2027-02-20"), "{told}");
    let asked = server.requests().join("\n");
    for part in [
        "POST /api/v1/tokens",
        r#""name":"ana-laptop""#,
        r#""email":"ana@example.com""#,
        r#""roles":["operator","approver"]"#,
        r#""expires":"90d""#,
    ] {
        assert!(asked.contains(part), "{part} is missing in {asked}");
    }
    let server = Server::json(&json!({"token": TEXT, "expires_at": null}));
    let (out, told, result) =
        run(&["new", "a", "--email", "a@b", "--role", "viewer", "--json"], &server).await;
    result.unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap()["token"], TEXT);
    assert_eq!(told, "");
}

#[tokio::test]
async fn tokens_are_listed_without_their_texts() {
    let row = |name: &str, state: &str, revoked: bool| {
        json!({
            "name": name, "email": "ana@example.com", "roles": ["viewer"], "id": "0101010101010101",
            "state": state, "made_at": "2026-11-22T10:00:00Z", "made_by": "local:ada", "expires_at": null,
            "revoked_at": revoked.then_some("2026-11-22T11:00:00Z"), "revoked_by": revoked.then_some("local:\u{1b}mia"),
            "reason": "lost",
        })
    };
    let server = Server::json(&json!({"tokens": [row("a", "live", false), row("b", "revoked", true)]}));
    let (out, _, result) = run(&["list"], &server).await;
    result.unwrap();
    let expected = "a · ana@example.com · viewer · rwt_0101010101010101_… · made 2026-11-22 10:00 UTC by local:ada · live\n\
                    b · ana@example.com · viewer · rwt_0101010101010101_… · made 2026-11-22 10:00 UTC by local:ada · \
                    revoked 2026-11-22 11:00 UTC by local:\u{fffd}mia: lost\n";
    assert_eq!(out, expected);
    let server = Server::json(&json!({"tokens": []}));
    assert!(run(&["list"], &server).await.0.contains("There is no token"));
}

#[tokio::test]
async fn a_refusal_has_its_words_and_its_exit() {
    let refusal = json!({
        "type": "urn:ringward:problem:refused", "title": "t", "status": 409,
        "detail": "token `a` was revoked already, by local:ada; nothing is left to be done",
    });
    let server = Server::start(vec![Reply::Http(409, refusal.to_string())]);
    let (out, told, result) = run(&["revoke", "a", "--reason", "lost"], &server).await;
    let error = result.unwrap_err();
    assert_eq!((out.as_str(), told.as_str(), error.exit()), ("", "", Exit::Refused));
    assert!(error.to_string().contains("revoked already"), "{error}");
}

fn ringward(words: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(words)
        .env_clear()
        .env("CLOUDFLARE_API_TOKEN", "cfat_secret")
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn what_is_wrong_with_a_token_is_told_before_anybody_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let rows: [(&str, &[&str], &str); 6] = [
        ("a name in capitals", &["token", "new", "Ana", "--email", "a@b", "--role", "viewer"], "ana-laptop"),
        ("no e-mail", &["token", "new", "a", "--email", "ana", "--role", "viewer"], "ana@example.com"),
        ("no role", &["token", "new", "a", "--email", "a@b"], "--role"),
        (
            "another role",
            &["token", "new", "a", "--email", "a@b", "--role", "admin"],
            "viewer, operator or approver",
        ),
        (
            "no length of time",
            &["token", "new", "a", "--email", "a@b", "--role", "viewer", "--expires", "90"],
            "72h",
        ),
        ("no reason", &["token", "revoke", "a"], "--reason"),
    ];
    for (row, words, word) in rows {
        let output = ringward(words, directory.path());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{row}: {told}");
        assert!(told.contains(word), "{row}: {told}");
    }
}

#[test]
fn a_daemon_does_not_start_on_a_wrong_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ringward.yaml");
    let rows: [(&str, &str, &[&str], &[&str]); 5] = [
        (
            "every error",
            "raeding: open\nlisten: x\n",
            &[],
            &["ringward.yaml:1:1", "ringward.yaml:2:9", "2 errors"],
        ),
        (
            "one that was named",
            "reading: open\n",
            &["--config", "other.yaml"],
            &["other.yaml cannot be read"],
        ),
        ("no plans anywhere", "reading: open\n", &[], &["there are no plans", "--plans"]),
        ("no account anywhere", "plans: plans\n", &[], &["there is no account"]),
        // The account is the file's, and the flag is over the file.
        (
            "an API that is not there",
            "plans: plans\naccount: 023e105f4ecef8ad9ca31a8372d0c353\nlisten: 192.0.2.1:1\n",
            &["--listen", "203.0.113.1:1"],
            &["203.0.113.1:1"],
        ),
    ];
    for (row, text, flags, words) in rows {
        fs::write(&path, text).unwrap();
        let output = ringward(&[&["run"], flags].concat(), directory.path());
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{row}: {told}");
        for word in words {
            assert!(told.contains(word), "{row}: `{word}` is missing in: {told}");
        }
        assert!(!directory.path().join("ringward.db").exists(), "{row}: the database was touched");
    }
}
