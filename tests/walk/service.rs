//! What a service manager hears from the real binary, and what its log looks like.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ringward::rollout::record::Event;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::kills::{ringward, terminate, with_word};
use crate::support::{TWO_RINGS, Walk, count};

/// A wall bound that only a hang reaches.
const HANG: Duration = Duration::from_secs(120);

/// The next words of the daemon.
fn heard(manager: &UnixDatagram) -> Vec<String> {
    let mut words = [0; 4096];
    let length = manager.recv(&mut words).expect("the daemon says something");
    String::from_utf8(words[..length].to_vec()).unwrap().lines().map(ToOwned::to_owned).collect()
}

fn manager(path: &Path) -> UnixDatagram {
    let manager = UnixDatagram::bind(path).unwrap();
    manager.set_read_timeout(Some(HANG)).unwrap();
    manager
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_hears_ready_signs_of_life_and_the_end() {
    let walk = Walk::new(TWO_RINGS, 2_000.0, 5, 60).await;
    let socket = walk.plans().with_file_name("notify");
    let manager = manager(&socket);
    let mut daemon =
        ringward(&walk, &[]).env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "180000000").spawn().unwrap();

    let first = heard(&manager);
    assert!(first.contains(&"READY=1".to_owned()), "{first:?}");
    assert!(first.contains(&"STATUS=1 running".to_owned()), "{first:?}");
    let decided = count(&walk.log(), |event| matches!(event, Event::PlanAccepted { .. }));
    assert_eq!(decided, 1, "it has decided before it says that it is ready");
    let healthy = Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(["healthcheck", "--db", walk.database().to_str().unwrap()])
        .output()
        .unwrap();
    assert!(healthy.status.success(), "{healthy:?}");

    for _ in 0..2 {
        let sign = heard(&manager);
        assert!(sign.contains(&"WATCHDOG=1".to_owned()), "{sign:?}");
        assert!(!sign.contains(&"READY=1".to_owned()), "ready once: {sign:?}");
    }
    let term = Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap();
    assert!(term.success());
    while !heard(&manager).contains(&"STOPPING=1".to_owned()) {}
    assert_eq!(daemon.wait().unwrap().code(), Some(0));

    let ill = Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(["healthcheck", "--db", walk.database().to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(ill.status.code(), Some(1), "{ill:?}");
    assert!(String::from_utf8_lossy(&ill.stderr).contains("no daemon is running"), "{ill:?}");
}

/// Starts a daemon, lets it write what it has to say, and gives its log.
fn log_of(walk: &Walk, format: &str) -> String {
    let socket = walk.plans().with_file_name(format!("notify-{format}"));
    let manager = manager(&socket);
    let usual = ringward(walk, &["--log-format", format]);
    let mut daemon = with_word(&usual, "warn".as_ref(), "debug".as_ref())
        .env("NOTIFY_SOCKET", &socket)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    heard(&manager);
    let mut log = daemon.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut log, &mut text).unwrap();
        text
    });
    terminate(&mut daemon);
    reader.join().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_lines_of_text_or_of_json_and_holds_no_token() {
    let walk = Walk::new(TWO_RINGS, 2_000.0, 7, 60).await;
    let token = walk.sandbox.token().expose_secret();

    let text = log_of(&walk, "text");
    assert!(text.contains("INFO ringward::cli::run: ringward runs"), "{text}");
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_err()), "{text}");
    assert!(!text.contains(token));

    let json = log_of(&walk, "json");
    assert!(!json.contains(token));
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        for key in ["timestamp", "level", "target", "message"] {
            assert!(line[key].is_string(), "{key} of {line}");
        }
    }
    let runs = lines.iter().find(|line| line["message"] == "ringward runs").unwrap();
    assert_eq!((&runs["level"], &runs["target"]), (&"INFO".into(), &"ringward::cli::run".into()));
    assert!(lines.iter().any(|line| line["message"] == "ending: no new write is sent"));
}
