//! The machine's clock on every face: what is wrong with it, and whose word it goes by.
//!
//! **Invariant:** computed from the snapshot alone, so that page, API, command line and metrics say the same.

use crate::daemon::view::View;
use crate::rollout::decide::blocker::Blocker;
use crate::time::rough;

use super::json::{ClockTroubleJson, ClockTrustJson};

/// What of the clock is in the way of writes, the worst first.
pub(super) fn troubles(view: &View) -> Vec<ClockTroubleJson> {
    let behind = view.clock_behind.map(|(until, by)| {
        let message = format!("this machine's clock is {} behind what ringward has recorded", rough(by));
        (Blocker::ClockBehind(until), message)
    });
    let doubt = view
        .second_clock
        .in_the_way(view.now())
        .map(|doubt| (Blocker::ClockDoubted(doubt), doubt.to_string()));
    let trouble = |(blocker, message): (Blocker, String)| ClockTroubleJson {
        code: blocker.code().to_owned(),
        message,
        remedy: blocker.remedy(""),
    };
    behind.into_iter().chain(doubt).map(trouble).collect()
}

/// Whose word it goes by, while that counts.
pub(super) fn trust(view: &View) -> Option<ClockTrustJson> {
    let trust = view.second_clock.trusted(view.now())?;
    Some(ClockTrustJson { until: trust.until, reason: trust.reason.clone() })
}
