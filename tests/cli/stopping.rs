//! `stop` with the daemon up, hung, down or gone wrong: the file comes first.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ringward::cli::client::Connection;
use ringward::cli::exit::Exit;
use ringward::cli::stop::stop;
use ringward::daemon::stop_file::{StopFile, Stopping};
use ringward::rollout::record::Actor;
use serde_json::json;

use crate::server::{Reply, Server};
use crate::{answers, at, golden, refused, seen};

const NOW: &str = "2026-10-13T08:00:00Z";

fn ana() -> Actor {
    Actor::Local { user: "ana".to_owned() }
}

fn connection(database: &Path) -> Connection {
    Connection::beside(database)
}

#[tokio::test]
async fn the_file_is_there_whatever_the_daemon_does() {
    let up = || Reply::Http(200, json!({"done": "all writes are stopped"}).to_string());
    let rows = [
        ("up", vec![up()]),
        (
            "up, and it saw the file first",
            vec![Reply::Http(409, answers::problem(409, "it is stopped already by local:ana"))],
        ),
        ("hung", vec![Reply::Silence]),
        ("talking nonsense", vec![Reply::Bytes(b"\0\0\0".to_vec())]),
        (
            "failing",
            vec![Reply::Http(
                503,
                answers::problem(503, "the daemon does not take requests now (it is ending)"),
            )],
        ),
        ("it owns the database and does not listen", Vec::new()),
        ("down", Vec::new()),
    ];
    let mut text = String::new();
    for (row, script) in rows {
        let (silent, down) = (script.is_empty(), row == "down");
        let mut server = Server::start(script);
        if silent {
            fs::remove_file(crate::server::socket(&server.database)).unwrap();
        }
        if down {
            server.die();
        }
        let mut out = Vec::new();
        // The machine may be busy; only silence is waited for in vain.
        let patience = Duration::from_secs(if row == "hung" { 1 } else { 60 });
        let connection = connection(&server.database).with_patience(patience);
        let result = stop(&connection, ana(), " dns is down ", at(NOW), &mut out).await;
        assert_eq!(result.is_ok(), !down, "{row}");
        text.push_str(&format!("# {row}\n{}", seen(&out, result, server.dir.path())));
        let expected = Stopping { actor: ana(), reason: "dns is down".to_owned(), at: at(NOW) };
        assert_eq!(StopFile::beside(&server.database).read(), Some(expected), "{row}");
        if !silent {
            assert_eq!(server.requests(), [r#"POST /api/v1/stop {"reason":"dns is down"}"#], "{row}");
        }
    }
    golden("stop.txt", &text);
}

#[tokio::test]
async fn the_first_stop_stays_and_is_told() {
    let server = Server::start(Vec::new());
    fs::remove_file(crate::server::socket(&server.database)).unwrap();
    let file = StopFile::beside(&server.database);
    let first = Stopping { actor: Actor::Loopback, reason: "a\u{202e}b".to_owned(), at: at(NOW) };
    file.put(&first).unwrap();
    let mut out = Vec::new();
    let result = stop(&connection(&server.database), ana(), "again", at(NOW), &mut out).await;
    golden("stop_again.txt", &seen(&out, result, server.dir.path()));
    assert_eq!(file.read(), Some(first));
}

/// What is stopped is what runs: another name of its database, or a copy of it.
#[tokio::test]
async fn only_what_runs_is_stopped() {
    let rows = [
        ("itself", true),
        ("a link", true),
        ("a link to a link", true),
        ("by a link to its directory", true),
        ("a copy", false),
        ("a second name of the same file", false),
        ("the daemon died", false),
    ];
    for (row, stopped) in rows {
        let mut server =
            Server::start(vec![Reply::Http(503, answers::problem(503, "the daemon is very busy"))]);
        let (database, elsewhere) = (server.database.clone(), tempfile::tempdir().unwrap());
        let other = elsewhere.path().join("other.db");
        let named = match row {
            "a link" => {
                symlink(&database, &other).unwrap();
                other
            }
            "a link to a link" => {
                symlink(&database, elsewhere.path().join("link.db")).unwrap();
                symlink("link.db", &other).unwrap();
                other
            }
            "by a link to its directory" => {
                symlink(server.dir.path(), elsewhere.path().join("directory")).unwrap();
                elsewhere.path().join("directory/ringward.db")
            }
            "a copy" => {
                fs::copy(&database, &other).unwrap();
                other
            }
            "a second name of the same file" => {
                let second = server.dir.path().join("second.db");
                fs::hard_link(&database, &second).unwrap();
                second
            }
            _ => database.clone(),
        };
        if row == "the daemon died" {
            server.die();
        }
        let mut out = Vec::new();
        let result = stop(&connection(&named), ana(), "dns is down", at(NOW), &mut out).await;
        let text = String::from_utf8(out.clone()).unwrap();
        if stopped {
            result.unwrap();
            assert!(text.starts_with("Stopped: "), "{row}: {text}");
            assert!(StopFile::beside(&database).is_certainly_there(), "{row}");
        } else {
            let (exit, message) = refused(&out, result);
            assert!(exit == Exit::Failed && text.is_empty(), "{row}: {text}");
            let said = format!("no daemon owns {}: nothing that runs was stopped", named.display());
            assert!(message.starts_with(&said), "{row}: {message}");
            assert!(message.contains("starts on this database stays stopped"), "{row}: {message}");
        }
    }
}

#[tokio::test]
async fn a_wrong_database_is_no_stop() {
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("typo.db");
    let mut out = Vec::new();
    let (exit, message) =
        refused(&out.clone(), stop(&connection(&database), ana(), "x", at(NOW), &mut out).await);
    assert!(
        exit == Exit::Failed && message.starts_with("NOT STOPPED") && message.contains("--db"),
        "{message}"
    );
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "nothing is written beside it");
    fs::write(&database, "").unwrap();
    let (exit, message) =
        refused(&out.clone(), stop(&connection(&database), ana(), " ", at(NOW), &mut out).await);
    assert!(exit == Exit::Usage && message.starts_with("NOT STOPPED"), "{message}");
    assert!(!StopFile::beside(&database).is_there());
}

/// A directory that takes no file: by its permissions, or for root by a name that is too long.
#[tokio::test]
async fn a_file_that_cannot_be_written_is_a_stop_only_if_the_daemon_says_so() {
    let dir = tempfile::tempdir().unwrap();
    // Longer than a file's name may be once `.stop` is added, and too long for a socket: nothing listens.
    let long = dir.path().join("x".repeat(252));
    fs::write(&long, "").unwrap();
    let mut out = Vec::new();
    let (exit, message) =
        refused(&out.clone(), stop(&connection(&long), ana(), "x", at(NOW), &mut out).await);
    let said = "NOT CERTAIN: this user cannot tell";
    assert!(
        exit == Exit::Failed && message.starts_with(said) && message.contains("is not stopped"),
        "{message}"
    );

    let server = Server::start(vec![Reply::Http(200, json!({"done": "all writes are stopped"}).to_string())]);
    fs::set_permissions(server.dir.path(), PermissionsExt::from_mode(0o500)).unwrap();
    let mut out = Vec::new();
    stop(&connection(&server.database), ana(), "x", at(NOW), &mut out).await.unwrap();
    fs::set_permissions(server.dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.starts_with("Stopped:") && text.contains("The daemon answers: all writes are stopped"),
        "{text}"
    );
    let root = fs::read_to_string("/proc/self/status").unwrap().contains("Uid:\t0\t0");
    assert_eq!(text.contains("could not be written"), !root, "{text}");
}

/// A full disk: the file is there without its text, and the daemon tells that its log does not have it.
#[tokio::test]
async fn nothing_is_called_recorded_that_the_daemon_does_not_call_so() {
    let done = "all writes are stopped, by the stop file /x; the log cannot be written (No space left on device), and has it as soon as it can";
    let server = Server::start(vec![Reply::Http(200, json!({ "done": done }).to_string())]);
    let mut out = Vec::new();
    stop(&connection(&server.database), ana(), "full", at(NOW), &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(&format!("The daemon answers: {done}\n")), "{text}");
    assert!(!text.contains("record"), "{text}");
}

/// A small volume of its own that goes away with the test.
struct Volume(tempfile::TempDir);

impl Volume {
    /// `None`: mounting is denied here.
    fn new() -> Option<Self> {
        let volume = Self(tempfile::tempdir().unwrap());
        volume.mount(&["-t", "tmpfs", "-o", "size=256k,mode=700", "ringward-test"]).then_some(volume)
    }

    fn mount(&self, arguments: &[&str]) -> bool {
        let run = Command::new("mount").args(arguments).arg(self.0.path()).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Both layers, where there are two.
        for _ in 0..2 {
            let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).stderr(Stdio::null()).status();
        }
    }
}

/// Where nobody can write the database, no daemon records anything, so none sends anything. Whoever has it open
/// already may go on behind a read-only mount.
#[tokio::test]
async fn beside_a_database_that_nobody_can_write_it_is_stopped() {
    let rows = [
        ("a read-only way to it, and nobody there", true, false, false),
        ("a read-only way to it, and somebody there", true, true, false),
        ("read-only itself, and somebody there", false, true, true),
    ];
    for (row, by_the_way, held, stopped) in rows {
        let Some(volume) = Volume::new() else {
            println!("mounting is denied here");
            return;
        };
        let database = volume.0.path().join("ringward.db");
        let lock = volume.0.path().join("ringward.db.lock");
        fs::write(&database, "").unwrap();
        fs::write(&lock, "").unwrap();
        let path = volume.0.path().to_str().unwrap().to_owned();
        if by_the_way {
            assert!(volume.mount(&["--bind", &path]) && volume.mount(&["-o", "remount,bind,ro"]));
        } else {
            assert!(volume.mount(&["-o", "remount,ro"]));
        }
        let lock = fs::File::open(&lock).unwrap();
        if held {
            lock.try_lock().unwrap();
        }
        let mut out = Vec::new();
        let result = stop(&connection(&database), ana(), "dns is down", at(NOW), &mut out).await;
        let text = String::from_utf8(out).unwrap();
        assert_eq!(result.is_ok(), stopped, "{row}: {result:?} {text}");
        if stopped {
            let said = "a daemon sends\nnothing that it cannot record first";
            assert!(text.starts_with("Stopped:") && text.contains(said), "{row}: {text}");
        }
    }
}
