//! A hundred plans beside a good one that ask for as much searching as a plan may.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use ringward::time::Stopwatch;

use crate::kills::{ringward, terminate};
use crate::made::hostile_plan;
use crate::support::{TWO_RINGS, Walk};

/// How long a daemon may take to end, by the wall clock.
const ENDS_WITHIN_SECONDS: f64 = 1.0;

/// Starts the daemon, and ends it by SIGTERM so long after: how long that took.
fn ends(walk: &Walk, after: Duration) -> f64 {
    let mut child = ringward(walk, &[]).stderr(Stdio::null()).spawn().unwrap();
    sleep(after);
    let watch = Stopwatch::start();
    terminate(&mut child);
    watch.seconds()
}

/// While it reads them for the first time, and while it decides. What is asserted is beside the time that the same
/// daemon takes without them, for the machine may be busy.
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_ends_at_once_whatever_plans_it_reads() {
    let walk = Walk::new(TWO_RINGS, 1.0, 5, 40).await;
    let alone = ends(&walk, Duration::from_secs(2));
    for number in 0..100 {
        let file = walk.plans().join(format!("hostile-{number}.yaml"));
        std::fs::write(file, hostile_plan(number)).unwrap();
    }
    let checked =
        Command::new(env!("CARGO_BIN_EXE_ringward")).arg("check").arg(walk.plans()).output().unwrap();
    assert!(checked.status.success(), "all hold: {}", String::from_utf8_lossy(&checked.stderr));
    for (row, after) in [("at the first look", 1_500), ("later", 4_000), ("as it decides", 20_000)] {
        let seconds = ends(&walk, Duration::from_millis(after));
        println!("{row}: ended in {seconds:.2} s, and {alone:.2} s without those plans");
        // Without optimisation a decision about them is a matter of seconds by itself.
        let is_slow_build = cfg!(debug_assertions);
        assert!(
            is_slow_build || seconds <= alone + ENDS_WITHIN_SECONDS,
            "{row}: {seconds:.2} s, alone {alone:.2} s"
        );
    }
}
