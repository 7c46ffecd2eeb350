//! What went wrong with a request, sorted by what the caller may conclude from it.
//!
//! **Invariant:** the class follows from the HTTP status and from how far the request got, never
//! from an error code, of which there is no official list; texts hold no token.

use super::request::Operation;
use crate::time::{SignedDuration, Timestamp, in_words};

/// A request that did not lead to an answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} failed: {}{}; {}",
    .operation.words(),
    self.what(),
    .ray.as_ref().map(|ray| format!(" (cf-ray {ray})")).unwrap_or_default(),
    self.remedy()
)]
pub struct ApiError {
    /// What was being done.
    pub operation: Operation,
    /// What may be concluded.
    pub class: ErrorClass,
    /// `cf-ray`, which names the request to Cloudflare's support.
    pub ray: Option<String>,
    /// Requests that were left in the budget afterwards.
    pub budget_left: u32,
}

/// What a request came to.
pub type ApiResult<T> = Result<T, ApiError>;

/// What the caller may conclude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorClass {
    /// 429: nothing was applied, and nothing is sent before `until`.
    RateLimited {
        /// `Retry-After`, when it was there and readable.
        retry_after: Option<SignedDuration>,
        /// When the client sends again.
        until: Timestamp,
        /// Cloudflare's code and message.
        message: String,
    },
    /// Any other 4xx: nothing was applied.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The first code of the envelope; for people, not for decisions.
        code: Option<i64>,
        /// Cloudflare's message.
        message: String,
    },
    /// The request may have arrived, and no usable answer came back: a write is *in doubt*.
    NoAnswer {
        /// How the answer failed.
        silence: Silence,
        /// The HTTP status, when one came.
        status: Option<u16>,
        /// What was seen.
        detail: String,
    },
    /// The request certainly never reached Cloudflare.
    NotSent {
        /// What kept it back.
        obstacle: Obstacle,
        /// What was seen.
        detail: String,
    },
}

/// How an answer failed: a word for metrics, and the same for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Silence {
    /// None within the total timeout.
    #[error("none in time")]
    Timeout,
    /// The connection broke before the answer was whole.
    #[error("the connection broke")]
    Broken,
    /// A 5xx.
    #[error("a server error")]
    ServerError,
    /// A status that the API does not use, such as a redirect, which is never followed.
    #[error("an unexpected status")]
    Unexpected,
    /// A 2xx whose body is not JSON, too large, or of another content type.
    #[error("it cannot be read")]
    Unreadable,
    /// A 2xx with a required field missing or wrong, or with `success: false`.
    #[error("it is incomplete")]
    Incomplete,
    /// A 2xx that contradicts the request or the pages before it.
    #[error("it contradicts itself")]
    Inconsistent,
}

/// What kept a request from being sent, with a word for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Obstacle {
    /// No connection: name resolution, TCP or TLS.
    #[strum(serialize = "connect")]
    Connection,
    /// The budget is spent, or Cloudflare asked for silence.
    Budget {
        /// When to ask again.
        until: Timestamp,
    },
    /// The request itself must not or cannot be sent.
    Unsendable,
}

impl ApiError {
    /// Whether a write that ended so may have been applied: only two agreeing reads can tell.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self.class, ErrorClass::NoAnswer { .. })
    }

    /// Whether the API itself says that there is no such thing: it says why, with a code, and the 404 of a
    /// proxy has none.
    pub fn says_missing(&self) -> bool {
        matches!(self.class, ErrorClass::Refused { status: 404, code: Some(_), .. })
    }

    /// The earliest instant at which trying again makes sense, where one is known.
    pub fn come_back_at(&self) -> Option<Timestamp> {
        match self.class {
            ErrorClass::RateLimited { until, .. }
            | ErrorClass::NotSent { obstacle: Obstacle::Budget { until }, .. } => Some(until),
            _ => None,
        }
    }

    /// The HTTP status, when one came.
    pub fn status(&self) -> Option<u16> {
        match self.class {
            ErrorClass::RateLimited { .. } => Some(429),
            ErrorClass::Refused { status, .. } => Some(status),
            ErrorClass::NoAnswer { status, .. } => status,
            ErrorClass::NotSent { .. } => None,
        }
    }

    /// The `code` label of metrics: the status that decided, or a word. A closed set.
    pub fn metric_code(&self) -> String {
        match &self.class {
            ErrorClass::NoAnswer {
                silence: Silence::ServerError | Silence::Unexpected,
                status: Some(_),
                ..
            }
            | ErrorClass::RateLimited { .. }
            | ErrorClass::Refused { .. } => self.status().unwrap_or_default().to_string(),
            ErrorClass::NoAnswer { silence, .. } => silence.into_str().to_owned(),
            ErrorClass::NotSent { obstacle, .. } => obstacle.into_str().to_owned(),
        }
    }

    fn what(&self) -> String {
        match &self.class {
            ErrorClass::RateLimited { retry_after, message, .. } => {
                let asked = match retry_after {
                    Some(pause) => format!("asks for {} of silence", in_words(*pause)),
                    None => "names no pause".to_owned(),
                };
                format!(
                    "Cloudflare answered 429, too many requests ({message}), and {asked}; \
                     ringward's own budget had {} requests left",
                    self.budget_left
                )
            }
            ErrorClass::Refused { status, code, message } => {
                let code = code.map(|code| format!("code {code}: ")).unwrap_or_default();
                format!("Cloudflare refused it with {status} ({code}{message})")
            }
            ErrorClass::NoAnswer { silence, status, detail } => {
                let status = status.map(|status| format!(" (status {status})")).unwrap_or_default();
                format!("no usable answer, {silence}{status}: {detail}")
            }
            ErrorClass::NotSent { obstacle: Obstacle::Connection, detail } => {
                format!("no connection to Cloudflare: {detail}")
            }
            ErrorClass::NotSent { detail, .. } => format!("it was not sent: {detail}"),
        }
    }

    fn remedy(&self) -> String {
        let text = match &self.class {
            ErrorClass::RateLimited { until, .. } => {
                return format!(
                    "nothing is sent before {until}; if this recurs, look for other programs that use the same \
                     user or token, or lower ringward's budget"
                );
            }
            ErrorClass::Refused { status, .. } => return self.refusal_remedy(*status),
            ErrorClass::NoAnswer { .. } if self.operation.is_write() => {
                "whether it was applied is unknown, and must be read back before anything is sent again"
            }
            ErrorClass::NoAnswer { silence: Silence::Incomplete | Silence::Unexpected, .. } => {
                "it is tried again; if this recurs, check that the API URL is Cloudflare's and report the cf-ray"
            }
            ErrorClass::NoAnswer { .. } => {
                "it is tried again; if this recurs, see www.cloudflarestatus.com and the way there"
            }
            ErrorClass::NotSent { obstacle, .. } => match obstacle {
                Obstacle::Connection => {
                    "check the API URL, DNS, proxy and firewall, and for a private CA --ca-file"
                }
                Obstacle::Budget { until } => return format!("it can be sent from {until} on"),
                Obstacle::Unsendable => "correct the request",
            },
        };
        text.to_owned()
    }

    fn refusal_remedy(&self, status: u16) -> String {
        let operation = self.operation;
        let text = match (status, operation.permission()) {
            (401, _) => "the token is not valid: create a new one and give it to ringward",
            (403, Some(permission)) => {
                return format!(
                    "the token is not valid or lacks the permission `{permission}` on this account (the dashboard \
                     says Edit for Write): check both, and the account ID"
                );
            }
            (404, _) if operation == Operation::UpdateGroup => "the group is gone: read the groups again",
            (404, _) if operation.is_about_a_user_group() => {
                "the User Group is gone: list the User Groups again, and check the account ID"
            }
            (404, _) => "check the account ID and the API URL",
            (409, _) if operation.is_about_a_deployment_group() => {
                "a profile may be in one deployment group only: find the group that has it and take it out there"
            }
            _ => "nothing was changed; correct what the message names",
        };
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(operation: Operation, class: ErrorClass) -> ApiError {
        ApiError { operation, class, ray: Some("8f00-LIS".to_owned()), budget_left: 41 }
    }

    fn refused(status: u16) -> ErrorClass {
        ErrorClass::Refused { status, code: Some(10_000), message: "Forbidden".to_owned() }
    }

    fn silent(silence: Silence, status: Option<u16>) -> ErrorClass {
        ErrorClass::NoAnswer { silence, status, detail: "x".to_owned() }
    }

    #[test]
    fn messages_say_what_why_and_what_next() {
        let until: Timestamp = "2026-10-08T09:00:00Z".parse().unwrap();
        let limited =
            ErrorClass::RateLimited { retry_after: None, until, message: "code 971: wait".to_owned() };
        let obstacle = Obstacle::Budget { until };
        let spent = ErrorClass::NotSent { obstacle, detail: "the budget is spent".to_owned() };
        let rows = [
            (
                "no permission",
                Operation::ListGroups,
                refused(403),
                ["403 (code 10000: Forbidden)", "`Zero Trust Write`"],
            ),
            ("read permission", Operation::ListDevices, refused(403), ["8f00-LIS", "`Zero Trust Read`"]),
            ("bad token", Operation::ListDevices, refused(401), ["401", "create a new one"]),
            ("wrong account", Operation::ListGroups, refused(404), ["404", "check the account ID"]),
            ("group gone", Operation::UpdateGroup, refused(404), ["404", "read the groups again"]),
            ("profile taken", Operation::UpdateGroup, refused(409), ["409", "one deployment group only"]),
            ("limited", Operation::ListGroups, limited, ["41 requests left", "before 2026-10-08T09:00:00Z"]),
            (
                "doubtful write",
                Operation::CreateGroup,
                silent(Silence::Timeout, None),
                ["none in time", "must be read back"],
            ),
            (
                "failed read",
                Operation::GetGroup,
                silent(Silence::ServerError, Some(502)),
                ["502", "tried again"],
            ),
            ("no budget", Operation::UpdateGroup, spent, ["budget is spent", "from 2026-10-08T09:00:00Z"]),
        ];
        for (row, operation, class, parts) in rows {
            let text = error(operation, class).to_string();
            assert!(text.starts_with(operation.words()), "{row}: {text}");
            for part in parts {
                assert!(text.contains(part), "{row}: `{part}` is not in: {text}");
            }
        }
    }

    #[test]
    fn only_silence_leaves_a_write_in_doubt() {
        let obstacle = Obstacle::Connection;
        let rows = [
            (refused(409), false, "409"),
            (ErrorClass::NotSent { obstacle, detail: String::new() }, false, "connect"),
            (silent(Silence::Timeout, None), true, "timeout"),
            (silent(Silence::ServerError, Some(503)), true, "503"),
            (silent(Silence::Unreadable, Some(200)), true, "unreadable"),
            (silent(Silence::Unexpected, Some(302)), true, "302"),
        ];
        for (class, doubt, code) in rows {
            let error = error(Operation::CreateGroup, class);
            assert_eq!((error.is_in_doubt(), error.metric_code().as_str()), (doubt, code));
        }
    }
}
