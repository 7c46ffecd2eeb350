//! What the service manager is told (sd_notify(3)); nobody is told where there is none.
//!
//! **Invariant:** it says ready after the first decision, and each sign of life stands for a new
//! decision, so a loop that hangs falls silent and is restarted.

use std::{collections::BTreeMap, time::Duration};

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use crate::{daemon::Handle, daemon::view::View, rollout::record::Mode, time::Stopwatch};

/// A fast clock decides many times a second; one sign of life is enough.
const SIGN_EVERY: f64 = 1.0;

/// The daemon decides at least once a minute. A watchdog must let it miss one decision.
const LEAST_WATCHDOG: Duration = Duration::from_secs(120);

/// Tells of each decision until the token is cancelled or the daemon ends.
pub(super) async fn tell(mut handle: Handle, token: CancellationToken) {
    if sd_notify::watchdog_enabled().is_some_and(|watchdog| watchdog < LEAST_WATCHDOG) {
        tracing::warn!(
            "WatchdogSec is below {} s, so the service manager may end a sound daemon; set it higher",
            LEAST_WATCHDOG.as_secs()
        );
    }
    let mut last: Option<(Stopwatch, String)> = None;
    loop {
        let decided = tokio::select! {
            () = token.cancelled() => false,
            decided = handle.changed() => decided,
        };
        if !decided {
            return;
        }
        if last.as_ref().is_some_and(|(told, _)| told.seconds() < SIGN_EVERY) {
            continue;
        }
        let status = status(&handle.view());
        let mut words = vec![NotifyState::Watchdog];
        if last.is_none() {
            words.push(NotifyState::Ready);
        }
        if last.as_ref().is_none_or(|(_, told)| *told != status) {
            words.push(NotifyState::Status(&status));
        }
        say(&words);
        last = Some((Stopwatch::start(), status));
    }
}

/// Tells that the daemon is ending.
pub(super) fn tell_end() {
    say(&[NotifyState::Stopping, NotifyState::Status("ending; the answer of a write under way is awaited")]);
}

fn say(words: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(words) {
        tracing::warn!(%error, "the service manager (NOTIFY_SOCKET) cannot be told");
    }
}

/// One line for `systemctl status`. It holds no name from outside.
fn status(view: &View) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for report in &view.reports {
        let word = match (&report.halted, &report.paused) {
            (Some(_), _) => "halted",
            (None, Some(_)) => "paused",
            (None, None) => report.phase.as_str(),
        };
        *counts.entry(word).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let plans = if counts.is_empty() { "no plan".to_owned() } else { counts.join(", ") };
    let wrong = match view.problems.len() {
        0 => String::new(),
        count => format!(", plan file problems: {count}"),
    };
    let writes = match (&view.stop, view.mode) {
        (Some(_), _) => "STOPPED, ",
        (None, Mode::Observe) => "read-only mode, ",
        (None, Mode::Write) => "",
    };
    format!("{writes}{plans}{wrong}")
}
