//! `ringward healthcheck`: whether a daemon is well, for container runtimes and probes.
//!
//! **Invariant:** healthy means that the daemon answered and has decided lately; a plan that is
//! halted is none of its business, for no restart would fix it.

use std::time::Duration;

use crate::cli::{CliError, Connection, Out, safe};
use crate::time::{Clock, SignedDuration, in_words};
use crate::web::json::RolloutsAnswer;

/// The daemon decides at least once a minute, in wall time.
const OLDEST_DECISION: Duration = Duration::from_secs(180);

/// Asks the daemon, and says in one line that it is well.
///
/// # Errors
/// When there is no daemon, it does not answer, or its last decision is too long ago.
pub async fn healthcheck(at: &Connection, out: Out<'_>) -> Result<(), CliError> {
    let answer: RolloutsAnswer = at.get(&["rollouts"], &[]).await?;
    let clock: Clock = answer.clock.parse().map_err(|_| {
        CliError::failed(format!("the daemon's clock `{}` cannot be read", safe(&answer.clock)))
    })?;
    // The clock may have been set since.
    let age = answer.decided_ago_seconds.map_or_else(|| clock.wall_since(answer.at), Duration::from_secs);
    let words = in_words(SignedDuration::from_secs(age.as_secs().cast_signed()));
    if age > OLDEST_DECISION {
        return Err(CliError::failed(format!(
            "the daemon answers, but its last decision was {words} ago; look at its log, then restart it"
        )));
    }
    let log = if answer.log_unwritable.is_some() { "; its log cannot be written" } else { "" };
    let clock: String =
        answer.clock_troubles.iter().map(|trouble| format!("; {}", safe(&trouble.message))).collect();
    Ok(writeln!(out, "healthy: the last decision was {words} ago{log}{clock}")?)
}
