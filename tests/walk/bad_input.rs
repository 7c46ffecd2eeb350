//! Bad input: each ends with a clear message, its remedy and a sensible exit code, or leaves a
//! daemon that is degraded and says so.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ringward::daemon::view::View;
use ringward::rollout::record::Mode;
use ringward::rollout::state::Phase;
use ringward::sandbox::TokenStatus;

use crate::kills::{ringward, terminate};
use crate::support::{TWO_RINGS, Walk, end, until};

/// Runs the binary until it ends by itself.
fn refused(mut command: Command) -> Output {
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut stderr = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    let status = child.wait().unwrap();
    Output { status, stdout: Vec::new(), stderr }
}

/// The exit code and every piece of text that the message must have.
fn assert_refused(row: &str, output: &Output, code: i32, pieces: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{row}: {said}");
    for piece in pieces {
        assert!(said.contains(piece), "{row}: `{piece}` is missing in: {said}");
    }
    assert!(!said.contains("panicked"), "{row}: {said}");
}

async fn walk() -> Walk {
    Walk::new(TWO_RINGS, 2_000.0, 11, 40).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cloudflare_refuses_ends_the_start() {
    let walk = walk().await;
    let unknown = ringward(&walk, &[]);
    let mut arguments: Vec<_> = unknown.get_args().map(ToOwned::to_owned).collect();
    let place = arguments.iter().position(|argument| argument == "--account").unwrap() + 1;
    arguments[place] = "00000000000000000000000000000000".into();
    let mut other = Command::new(env!("CARGO_BIN_EXE_ringward"));
    other.args(arguments);
    for (key, value) in unknown.get_envs() {
        other.env(key, value.unwrap());
    }
    assert_refused(
        "unknown account",
        &refused(other),
        1,
        &["account 00000000000000000000000000000000", "403"],
    );

    let mut wrong = ringward(&walk, &[]);
    wrong.env("CLOUDFLARE_API_TOKEN", "cfat_0000000000000000000000000000000000000000");
    assert_refused("wrong token", &refused(wrong), 1, &["token"]);

    walk.sandbox.with_account(|account| account.set_token_status(TokenStatus::Disabled));
    let output = refused(ringward(&walk, &[]));
    assert_refused("revoked token", &output, 1, &["the API token is disabled", "make a new one"]);
    assert!(!walk.database().exists(), "nothing was written for a start that Cloudflare refuses");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_this_machine_refuses_ends_the_start() {
    let walk = walk().await;
    let mut without = ringward(&walk, &[]);
    without.env_remove("CLOUDFLARE_API_TOKEN");
    assert_refused("no token", &refused(without), 2, &["CLOUDFLARE_API_TOKEN", "--token-file"]);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut in_use = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&ringward(&walk, &[]), &mut in_use, "--listen", &address);
    assert_refused("port in use", &refused(in_use), 1, &[&address, "in use", "--listen"]);

    let missing = walk.plans().join("no/such/dir/ringward.db");
    let mut unwritable = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&ringward(&walk, &[]), &mut unwritable, "--db", missing.to_str().unwrap());
    assert_refused("unwritable database", &refused(unwritable), 1, &["no/such/dir"]);

    let directory = walk.plans();
    let mut folder = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&ringward(&walk, &[]), &mut folder, "--db", directory.to_str().unwrap());
    assert_refused("a directory as database", &refused(folder), 1, &[directory.to_str().unwrap()]);

    let mut far = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&ringward(&walk, &[]), &mut far, "--api-url", "https://api.example.test/client/v4");
    assert_refused("a fast clock against a real API", &refused(far), 2, &["--clock", "this machine"]);

    let mut plain = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&ringward(&walk, &[]), &mut plain, "--api-url", "http://api.example.test/client/v4");
    assert_refused("plain http to elsewhere", &refused(plain), 2, &["http"]);

    let mut bare = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&ringward(&walk, &[]), &mut bare, "--api-url", "https://127.0.0.1:9/client/v4");
    bare.env("SSL_CERT_FILE", "/nonexistent/bundle.pem").env("SSL_CERT_DIR", "/nonexistent");
    let output = refused(bare);
    assert_refused("no CA bundle", &output, 1, &["CA certificates", "ca-certificates", "SSL_CERT_FILE"]);
}

/// The command with one argument's value exchanged.
fn copy(from: &Command, to: &mut Command, key: &str, value: &str) {
    let mut arguments: Vec<_> = from.get_args().map(ToOwned::to_owned).collect();
    let place = arguments.iter().position(|argument| argument == key).unwrap() + 1;
    arguments[place] = value.into();
    to.args(arguments);
    for (key, value) in from.get_envs() {
        to.env(key, value.unwrap());
    }
    to.stdin(Stdio::null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_ours_is_refused_untouched() {
    let walk = walk().await;
    let daemon = walk.daemon(Mode::Write).await;
    until(&daemon, "a first decision", |view| !view.reports.is_empty()).await;

    // A second daemon beside the first.
    let output = refused(ringward(&walk, &[]));
    assert_refused(
        "second daemon",
        &output,
        1,
        &[&std::process::id().to_string(), "in use by process", "--db"],
    );
    end(daemon).await;

    // The same database for another account: a sandbox with another seed.
    let other = Walk::new(TWO_RINGS, 2_000.0, 12, 40).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&ringward(&other, &[]), &mut command, "--db", walk.database().to_str().unwrap());
    let output = refused(command);
    assert_refused("another account", &output, 1, &[walk.sandbox.account_id(), other.sandbox.account_id()]);

    // A newer ringward was here.
    sqlite(&walk.database(), "PRAGMA user_version = 999");
    let before = std::fs::read(walk.database()).unwrap();
    let output = refused(ringward(&walk, &[]));
    assert_refused("newer database", &output, 1, &["newer"]);
    assert_eq!(std::fs::read(walk.database()).unwrap(), before, "it is left as it was");
}

/// Changes a database as no ringward would; python3 is there for the tests anyway.
fn sqlite(database: &Path, statement: &str) {
    let script = "import sqlite3, sys\nconnection = sqlite3.connect(sys.argv[1])\nconnection.execute(sys.argv[2])\nconnection.commit()";
    let status = Command::new("python3").args(["-c", script]).arg(database).arg(statement).status().unwrap();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_cannot_be_reached_leaves_a_daemon_that_says_so() {
    let walk = walk().await;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&ringward(&walk, &[]), &mut command, "--api-url", &format!("http://{closed}/client/v4"));
    let mut again = Command::new(env!("CARGO_BIN_EXE_ringward"));
    copy(&command, &mut again, "--listen", &listen.to_string());
    let mut child = again.stderr(Stdio::null()).spawn().unwrap();
    let told = status_until(&walk.database(), |text| text.contains("connection"));
    assert!(told.contains("short"), "the plan is there: {told}");
    terminate(&mut child);
}

/// `ringward status` again and again, until it says what is wanted.
pub(crate) fn status_until(database: &Path, wanted: impl Fn(&str) -> bool) -> String {
    let watch = ringward::time::Stopwatch::start();
    loop {
        let output = Command::new(env!("CARGO_BIN_EXE_ringward"))
            .args(["status", "--db", database.to_str().unwrap()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() && wanted(&said) {
            return said;
        }
        let last = format!("{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(watch.seconds() < 60.0, "never said: {last}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_edited_into_an_error_enters_nothing_until_it_is_mended() {
    let walk = walk().await;
    let daemon = walk.daemon(Mode::Write).await;
    until(&daemon, "the plan accepted", |view| !view.reports.is_empty()).await;
    let digest = daemon.handle().view().reports[0].digest.clone();
    walk.write_plan("plan: short\nversions: {windows: nonsense}\nrings: []\n");
    daemon.handle().look_now();
    until(&daemon, "the errors shown", |view| !view.problems.is_empty()).await;
    let view = daemon.handle().view();
    let errors = &view.problems[0].errors;
    assert!(errors.len() >= 2 && errors.iter().all(|error| error.starts_with("plan.yaml:")), "{errors:?}");
    assert_eq!(view.reports[0].digest, digest, "the last good revision is in force");
    until(&daemon, "the rollout waits", |view| waits(view, "plan_invalid")).await;
    walk.write_plan(TWO_RINGS);
    daemon.handle().look_now();
    until(&daemon, "the errors gone", |view| view.problems.is_empty()).await;
    until(&daemon, "the rollout goes on", |view| view.reports[0].rings[0].state == "adopting").await;
    end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plans_directory_that_is_gone_withdraws_nothing() {
    let walk = walk().await;
    let daemon = walk.daemon(Mode::Write).await;
    until(&daemon, "the plan accepted", |view| !view.reports.is_empty()).await;
    let elsewhere = walk.plans().with_extension("moved");
    std::fs::rename(walk.plans(), &elsewhere).unwrap();
    daemon.handle().look_now();
    until(&daemon, "the directory's trouble shown", |view| !view.problems.is_empty()).await;
    until(&daemon, "the rollout waits", |view| waits(view, "files_unreadable")).await;
    let error = daemon.handle().view().problems[0].errors[0].clone();
    assert!(error.contains("cannot be read") && error.contains("nothing is entered"), "{error}");
    std::fs::rename(&elsewhere, walk.plans()).unwrap();
    daemon.handle().look_now();
    until(&daemon, "the trouble gone", |view| view.problems.is_empty()).await;
    until(&daemon, "the rollout goes on", |view| view.reports[0].rings[0].state == "adopting").await;
    end(daemon).await;
}

/// Whether the first plan's rollout, which is still running, waits for this.
fn waits(view: &View, code: &str) -> bool {
    let report = &view.reports[0];
    report.phase == Phase::Running && report.waiting_on.iter().any(|blocker| blocker.code() == code)
}
