//! A hundred plans beside a good one that ask for as much searching as a plan may.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::kills::{ringward, signal};
use crate::made::hostile_plan;
use crate::support::{TWO_RINGS, Walk};

/// What Linux counts the work of a process in: proc(5), "utime".
const TICKS_PER_SECOND: f64 = 100.0;
/// Of the work of reading all plans once, what may come after the signal: one plan's share is a hundredth.
const SHARE_AFTER_THE_SIGNAL: f64 = 0.1;
const STEP: Duration = Duration::from_millis(5);

/// How much a process worked until now, in seconds of a processor, and whether it has ended. One that has ended and
/// was not waited for yet is still told of.
fn work(child: &Child) -> (f64, bool) {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    // The name before it may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let [user, system] = [fields[11], fields[12]].map(|ticks| ticks.parse::<f64>().unwrap());
    ((user + system) / TICKS_PER_SECOND, fields[0] == "Z")
}

/// How much a process works from now to its end.
fn work_to_its_end(child: &Child) -> f64 {
    let (before, _) = work(child);
    loop {
        let (now, has_ended) = work(child);
        if has_ended {
            return now - before;
        }
        sleep(STEP);
    }
}

/// Starts the daemon, and ends it by SIGTERM once it has worked so much: how much it worked for that.
fn ends(walk: &Walk, after: f64) -> f64 {
    let mut child = ringward(walk, &[]).stderr(Stdio::null()).spawn().unwrap();
    while work(&child).0 < after {
        assert!(child.try_wait().unwrap().is_none(), "the daemon ended by itself");
        sleep(STEP);
    }
    signal(&child);
    let seconds = work_to_its_end(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0), "SIGTERM ends it with 0");
    seconds
}

/// While it reads them for the first time, and while it decides. What is compared is work, and with the work of
/// reading these plans once: how long it takes is the machine's matter.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_ends_at_once_whatever_plans_it_reads() {
    let walk = Walk::new(TWO_RINGS, 1.0, 5, 40).await;
    for number in 0..100 {
        let file = walk.plans().join(format!("hostile-{number}.yaml"));
        std::fs::write(file, hostile_plan(number)).unwrap();
    }
    let mut check = Command::new(env!("CARGO_BIN_EXE_ringward"));
    let check = check.arg("check").arg(walk.plans()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut check = check.spawn().unwrap();
    let reading = work_to_its_end(&check);
    assert!(check.wait().unwrap().success(), "all hold");
    for (row, share) in [("as it reads", 0.1), ("still", 0.4), ("as it decides", 0.65)] {
        let seconds = ends(&walk, reading * share);
        let told = format!(
            "{row}: {seconds:.2} s of work after the signal, {reading:.2} s to read these plans once"
        );
        println!("{told}");
        assert!(seconds <= reading * SHARE_AFTER_THE_SIGNAL, "{told}");
    }
}
