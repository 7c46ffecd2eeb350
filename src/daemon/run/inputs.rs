//! The inputs of the loop, and how long it sleeps without any.
//!
//! **Invariant:** no input can put the timer off, and the end comes before everything else.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::daemon::plans_reader::Looked;
use crate::daemon::upstream::TaskReport;
use crate::daemon::view::DaemonRequest;

/// Without any input, everything is decided anew this often, in wall seconds.
pub(super) const PASS_EVERY: f64 = 60.0;

pub(super) struct Inputs {
    pub(super) seen: mpsc::Receiver<TaskReport>,
    pub(super) looks: mpsc::Receiver<Looked>,
    pub(super) requests: mpsc::Receiver<DaemonRequest>,
    pub(super) ticks: mpsc::Receiver<()>,
    pub(super) token: CancellationToken,
}

pub(super) enum Input {
    Seen(TaskReport),
    Looked(Looked),
    Request(DaemonRequest),
    Tick,
    Timer,
    End,
}

impl Inputs {
    pub(super) async fn next(&mut self, sleep: Duration) -> Input {
        // A new sleep of no length is ready only after the runtime has looked at its clock, which
        // it does not while other inputs are ready: then the timer would never come.
        let timer = async {
            if !sleep.is_zero() {
                #[expect(clippy::disallowed_methods, reason = "the daemon's only sleep")]
                tokio::time::sleep(sleep).await;
            }
        };
        if self.token.is_cancelled() {
            return Input::End;
        }
        // Not biased: readers that never stop asking must not starve Cloudflare, nor a fast
        // clock the readers.
        tokio::select! {
            () = self.token.cancelled() => Input::End,
            Some(request) = self.requests.recv() => Input::Request(request),
            Some(seen) = self.seen.recv() => Input::Seen(seen),
            Some(looked) = self.looks.recv() => Input::Looked(looked),
            () = timer => Input::Timer,
            Some(()) = self.ticks.recv() => Input::Tick,
        }
    }
}

/// A sleep until a timer, never longer than [`PASS_EVERY`]: the wheel stands still while a clock that was set
/// back catches up, and who watches the daemon hears of each pass.
pub(super) fn at_most(until_timer: Option<Duration>) -> Duration {
    let longest = Duration::from_secs_f64(PASS_EVERY);
    until_timer.map_or(longest, |sleep| sleep.min(longest))
}

/// What is left of a sleep, so many seconds after the pass that asked for it: an input that changed
/// nothing must not put the timer off.
pub(super) fn left_of(sleep: Duration, seconds_since_pass: f64) -> Duration {
    sleep.saturating_sub(Duration::from_secs_f64(seconds_since_pass))
}
