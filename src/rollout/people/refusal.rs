//! Why a request is refused.
//!
//! **Invariant:** the message names what would work.

use crate::ids::PlanName;

/// A request that the state refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no plan `{plan}`; ringward knows {}", known_plans(known))]
    NoSuchPlan {
        /// What was asked for.
        plan: PlanName,
        /// What there is.
        known: Vec<PlanName>,
    },
    /// The state refuses it.
    #[error("{why}; {instead}")]
    NotNow {
        why: String,
        /// What would work.
        instead: String,
    },
    /// A person must say why.
    #[error("a reason is needed; say it with --reason")]
    NoReason,
    /// A reason is read by people, in a log and on a page.
    #[error("the reason holds a control character; write it as plain text")]
    UnprintableReason,
}

impl Refusal {
    /// The state refuses it: why, and what would work.
    pub(crate) fn not_now(why: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::NotNow { why: why.into(), instead: instead.into() }
    }
}

fn known_plans(known: &[PlanName]) -> String {
    let names: Vec<_> = known.iter().map(PlanName::as_str).collect();
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

/// A reason for the log.
///
/// # Errors
/// When it says nothing, or holds a control character.
pub(crate) fn needed(reason: &str) -> Result<&str, Refusal> {
    match printable(reason)? {
        "" => Err(Refusal::NoReason),
        reason => Ok(reason),
    }
}

pub(crate) fn printable(reason: &str) -> Result<&str, Refusal> {
    let reason = reason.trim();
    let odd = reason.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
    if odd { Err(Refusal::UnprintableReason) } else { Ok(reason) }
}
