//! Log lines to stderr.
//!
//! **Invariant:** standard output belongs to the command, so logs never go there; and no line holds a
//! secret that the process knows.

use std::io;

use anstream::{AutoStream, ColorChoice};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::secrets;

/// How a log line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "snake_case", parse_err_ty = InvalidLogFormat, parse_err_fn = invalid)]
pub enum LogFormat {
    /// For people; coloured on a terminal, unless NO_COLOR, CLICOLOR or TERM say otherwise.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A text that is not a log format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a log format; write text or json")]
pub struct InvalidLogFormat(String);

fn invalid(found: &str) -> InvalidLogFormat {
    InvalidLogFormat(found.chars().take(40).collect())
}

/// Logs were set up already in this process.
#[derive(Debug, thiserror::Error)]
#[error("logs can be set up once in a process: {0}")]
pub struct LogsError(#[from] TryInitError);

/// Sends log lines from `level` up to stderr. Libraries are heard from `warn` up only: at lower
/// levels they say how they work, which tells nothing about a rollout.
///
/// # Errors
/// When it was called before.
pub fn init_logs(format: LogFormat, level: LevelFilter) -> Result<(), LogsError> {
    // A line that cannot be written is lost; telling so on the same stream would end the thread.
    let lines = tracing_subscriber::fmt::layer().with_writer(secrets::stderr).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(AutoStream::choice(&io::stderr()) != ColorChoice::Never).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(lines).with(filter(level)).try_init()?;
    Ok(())
}

fn filter(level: LevelFilter) -> Targets {
    Targets::new().with_target("ringward", level).with_default(level.min(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_are_heard_when_they_warn() {
        let rows = [
            ("ours at info", LevelFilter::INFO, "ringward::daemon", Level::INFO, true),
            ("ours at debug", LevelFilter::INFO, "ringward::daemon", Level::DEBUG, false),
            ("ours at debug, asked for", LevelFilter::DEBUG, "ringward::daemon", Level::DEBUG, true),
            ("a library at info", LevelFilter::DEBUG, "hyper::proto", Level::INFO, false),
            ("a library at warn", LevelFilter::DEBUG, "hyper::proto", Level::WARN, true),
            ("a library at warn, errors only", LevelFilter::ERROR, "hyper::proto", Level::WARN, false),
            ("nothing", LevelFilter::OFF, "ringward", Level::ERROR, false),
        ];
        for (row, level, target, of, heard) in rows {
            assert_eq!(filter(level).would_enable(target, &of), heard, "{row}");
        }
    }

    #[test]
    fn a_format_has_a_name() {
        assert_eq!("text".parse(), Ok(LogFormat::Text));
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert!("JSON".parse::<LogFormat>().unwrap_err().to_string().contains("text or json"));
    }
}
