//! Two processes on one clock, as an admin would try it: `ringward sandbox` and `ringward run`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use ringward::daemon::log;
use ringward::plan;
use ringward::schedule::Writable;
use ringward::store::Reader;
use ringward::time::{Clock, Stopwatch, Timestamp};

use crate::kills::{self, terminate};
use crate::support::{EPOCH, WITH_SCHEDULE};

/// What the sandbox prints at its start.
struct Printed {
    api: String,
    account: String,
    token: String,
    journal: String,
}

fn start_sandbox(clock: &Clock) -> (Child, Printed) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(["sandbox", "--listen", "127.0.0.1:0", "--devices", "300", "--clock", &clock.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while !text.contains("--clock") {
        text.push_str(&lines.next().unwrap().unwrap());
        text.push('\n');
    }
    let after = |mark: &str| {
        let rest = text.split(mark).nth(1).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let printed = Printed {
        api: after("--api-url"),
        account: after("--account"),
        token: after("CLOUDFLARE_API_TOKEN="),
        journal: after("curl"),
    };
    (child, printed)
}

fn completed(database: &std::path::Path) -> bool {
    let Ok(reader) = Reader::open(database) else { return false };
    log::replay(reader.view()).is_ok_and(|state| kills::completed(&state))
}

#[tokio::test(flavor = "multi_thread")]
async fn sandbox_and_daemon_finish_a_plan_on_one_clock() {
    let epoch: Timestamp = EPOCH.parse().unwrap();
    let clock = Clock::fast_from(epoch, 20_000.0);
    let directory = tempfile::tempdir().unwrap();
    let (plans, database) = (directory.path().join("plans"), directory.path().join("ringward.db"));
    std::fs::create_dir(&plans).unwrap();
    std::fs::write(plans.join("plan.yaml"), WITH_SCHEDULE).unwrap();
    let (mut sandbox, printed) = start_sandbox(&clock);
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(["run", "--listen", "127.0.0.1:0", "--log-level", "warn", "--clock", &clock.to_string()])
        .args(["--plans", plans.to_str().unwrap(), "--db", database.to_str().unwrap()])
        .args(["--api-url", &printed.api, "--account", &printed.account])
        .env("CLOUDFLARE_API_TOKEN", &printed.token)
        // On a clock that runs fast, half a minute of the wall is weeks.
        .env("RINGWARD_SETTLE_SECONDS", "0")
        .spawn()
        .unwrap();
    let watch = Stopwatch::start();
    let mut looks = 0;
    while !completed(&database) {
        assert!(daemon.try_wait().unwrap().is_none(), "the daemon ended by itself");
        // Two clocks that run this fast together do not differ for it.
        let said = Command::new(env!("CARGO_BIN_EXE_ringward"))
            .args(["status", "--json", "--db", database.to_str().unwrap()])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&said.stdout);
        assert!(watch.seconds() < 240.0, "it never completed: {said}");
        assert!(!said.contains("clock_differs"), "{said}");
        looks += usize::from(said.contains("clock_troubles"));
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(looks > 3, "the clocks were looked at {looks} times");
    terminate(&mut daemon);
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let journal: serde_json::Value = http.get(&printed.journal).send().await.unwrap().json().await.unwrap();
    terminate(&mut sandbox);

    assert_eq!(journal["dropped"], 0);
    let rows = journal["requests"].as_array().unwrap();
    assert!(!journal.to_string().contains(&printed.token), "the journal holds no token");
    let applied: Vec<_> = rows.iter().filter(|row| row["applied"] == true).collect();
    let plan = plan::read("plan.yaml", WITH_SCHEDULE.as_bytes()).unwrap().plan;
    assert_eq!(applied.len(), plan.rings.len(), "{applied:#?}");
    for (row, ring) in applied.iter().zip(&plan.rings) {
        assert_eq!(row["body"]["name"], ring.name.as_str());
        let at: Timestamp = row["at"].as_str().unwrap().parse().unwrap();
        assert_ne!(ring.schedule.writable(at), Writable::NotNow, "{} was written at {at}", ring.name);
    }
    let verified = Command::new(env!("CARGO_BIN_EXE_ringward"))
        .args(["history", "--verify", "--db", database.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}
