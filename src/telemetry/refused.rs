//! Requests over HTTP that ringward refused whoever sent them, counted, and told to the log.
//!
//! **Invariant:** nothing of what was refused is kept or told, only why; and a flood is one line a minute in the log.

use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounterVec, Opts};

use crate::time::{SignedDuration, Timestamp, since};

/// A line of the log is told once in this time.
const LINE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// One row for each reason: the word that metric and log have for it.
macro_rules! reasons {
    ($($(#[$doc:meta])* $why:ident => $word:literal;)*) => {
        /// Why a request was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum WhyRefused {
            $($(#[$doc])* $why,)*
        }

        impl WhyRefused {
            /// All of them: the values that the label `why` has.
            pub const ALL: [Self; [$(Self::$why),*].len()] = [$(Self::$why),*];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$why => $word,)*
                }
            }
        }
    };
}

reasons! {
    /// There is none, where one must be.
    NoCredential => "no_credential";
    CredentialTwice => "credential_twice";
    CredentialNoText => "credential_no_text";
    /// It is none of ringward's tokens by its form alone.
    TokenMalformed => "token_malformed";
    /// Nobody made it.
    TokenUnknown => "token_unknown";
    /// There is a token of this number, with another secret.
    TokenWrongSecret => "token_wrong_secret";
    TokenRevoked => "token_revoked";
    TokenExpired => "token_expired";
    /// Access knows another person than the token.
    TokenOfAnother => "token_of_another";
    /// It is no JWT, or not one that Access makes.
    AssertionMalformed => "assertion_malformed";
    /// The team has no such key.
    AssertionUnknownKey => "assertion_unknown_key";
    /// The key has not signed it.
    AssertionForged => "assertion_forged";
    /// It is for another team or application.
    AssertionForeign => "assertion_foreign";
    AssertionExpired => "assertion_expired";
    AssertionTooEarly => "assertion_too_early";
    /// An actor asked for too many verbs.
    TooManyVerbs => "too_many_verbs";
    /// One address or credential has too many connections, or all are taken.
    TooManyConnections => "too_many_connections";
}

/// The count, and what the log was told.
#[derive(Debug)]
pub struct Refusals {
    total: IntCounterVec,
    credentials: Mutex<ToldLines>,
    connections: Mutex<ToldLines>,
}

/// What the log was told of one kind.
#[derive(Debug, Default)]
struct ToldLines {
    at: Option<Timestamp>,
    untold: u64,
}

impl ToldLines {
    /// One more: how many were not told before it, where this one is to be told.
    fn next(&mut self, now: Timestamp) -> Option<u64> {
        // A clock that was set back makes no silence.
        let is_recent = |at: Timestamp| at <= now && since(at, now) < LINE_EVERY;
        if self.at.is_some_and(is_recent) {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl Refusals {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let opts = Opts::new(
            "ringward_http_refused_total",
            "Requests over HTTP that were refused for their credential or their number, by why.",
        );
        let total = IntCounterVec::new(opts, &["why"])?;
        // A count that appears with its first refusal has no rate.
        for why in WhyRefused::ALL {
            total.with_label_values(&[why.as_str()]).inc_by(0);
        }
        Ok(Self { total, credentials: Mutex::default(), connections: Mutex::default() })
    }

    pub(super) fn collector(&self) -> Box<dyn prometheus::core::Collector> {
        Box::new(self.total.clone())
    }

    /// Counts one that stands in the log by itself or need not.
    pub fn count(&self, why: WhyRefused) {
        self.total.with_label_values(&[why.as_str()]).inc();
    }

    /// Counts a credential that does not verify, of whoever is at `from`.
    pub fn credential(&self, why: WhyRefused, from: &str, now: Timestamp) {
        self.count(why);
        if let Some(untold) = next(&self.credentials, now) {
            let why = why.as_str();
            tracing::warn!(
                why,
                from,
                untold,
                "a credential was refused; `untold`: as many before it, since the last line"
            );
        }
    }

    /// Counts a connection for which there was no room.
    pub fn connection(&self, from: &str, now: Timestamp) {
        self.count(WhyRefused::TooManyConnections);
        if let Some(untold) = next(&self.connections, now) {
            tracing::warn!(
                from,
                untold,
                "no room for a connection; `untold`: as many before it, since the last line"
            );
        }
    }
}

fn next(told: &Mutex<ToldLines>, now: Timestamp) -> Option<u64> {
    // What was told is whole at every instant.
    told.lock().unwrap_or_else(PoisonError::into_inner).next(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_once_a_minute_and_how_many_it_was_not_told() {
        let at = |second: i64| Timestamp::from_second(1_790_000_000 + second).unwrap();
        let mut told = ToldLines::default();
        let rows = [
            ("the first", 0, Some(0)),
            ("at once again", 0, None),
            ("almost a minute later", 59, None),
            ("a minute later", 60, Some(2)),
            ("soon after", 61, None),
            ("a clock that was set back", -4_000, Some(1)),
            ("and goes on", -3_999, None),
            ("after a night", 40_000, Some(1)),
        ];
        for (row, second, expected) in rows {
            assert_eq!(told.next(at(second)), expected, "{row}");
        }
    }
}
