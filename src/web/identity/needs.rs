//! What each path needs of whoever asks for it.
//!
//! **Invariant:** a path that has no row here answers nobody.

use axum::http::Method;

/// What a path needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: a probe must have its answer, and learns nothing from it.
    Nothing,
    /// To read, which may be open to whoever reaches the listener.
    Read,
    /// To ask for verbs.
    Operate,
    /// To approve. Whether the person is a member is judged with the approval itself.
    Approve,
    /// To be on the machine itself: the Unix socket, by a user of the machine.
    Machine,
}

/// The paths that change something, or answer more or fewer than the readers.
const BESIDE_READS: [(&str, &str, Need); 20] = [
    ("GET", "/healthz", Need::Nothing),
    ("GET", "/readyz", Need::Nothing),
    ("GET", "/api/v1/tokens", Need::Machine),
    ("POST", "/api/v1/tokens", Need::Machine),
    ("POST", "/api/v1/tokens/{name}/revoke", Need::Machine),
    ("POST", "/api/v1/access", Need::Machine),
    ("POST", "/api/v1/access/{intent}/outcome", Need::Machine),
    ("POST", "/api/v1/rollouts/{plan}/pause", Need::Operate),
    ("POST", "/api/v1/rollouts/{plan}/resume", Need::Operate),
    ("POST", "/api/v1/rollouts/{plan}/waive", Need::Operate),
    ("POST", "/api/v1/rollouts/{plan}/rollback", Need::Operate),
    ("POST", "/api/v1/rollouts/{plan}/release-hold", Need::Operate),
    ("POST", "/api/v1/rollouts/{plan}/confirm", Need::Operate),
    ("POST", "/api/v1/rollouts/{plan}/check-now", Need::Operate),
    ("POST", "/api/v1/rollouts/{plan}/approve", Need::Approve),
    ("POST", "/api/v1/rollouts/{plan}/refuse", Need::Approve),
    ("POST", "/api/v1/stop", Need::Operate),
    ("POST", "/api/v1/start", Need::Operate),
    ("POST", "/api/v1/confirm-clock", Need::Operate),
    ("POST", "/act/{verb}", Need::Operate),
];

/// The paths that only show.
const READS: [&str; 14] = [
    "/",
    "/plans/{plan}",
    "/act/{verb}",
    "/assets/{name}",
    "/api/v1",
    "/api/v1/openapi.json",
    "/api/v1/rollouts",
    "/api/v1/rollouts/{plan}",
    "/api/v1/rollouts/{plan}/plan",
    "/api/v1/rollouts/{plan}/devices",
    "/api/v1/rollouts/{plan}/forecast",
    "/api/v1/rollouts/{plan}/events",
    "/api/v1/events",
    "/metrics",
];

/// The form of the page judges by the verb that it is for, and shows a refusal itself, so that nothing
/// that was written into it is lost.
pub(in crate::web) const FORM: &str = "/act/{verb}";

/// What a request needs, by its method and the path that it was routed by (`None`: there is none).
/// `None`: the path has no row.
#[must_use]
pub fn of(method: &Method, routed: Option<&str>) -> Option<Need> {
    // Whether there is such a path is told to whoever may read.
    let Some(routed) = routed else { return Some(Need::Read) };
    let asks = if *method == Method::HEAD { "GET" } else { method.as_str() };
    if let Some((.., need)) = BESIDE_READS.iter().find(|(of, row, _)| *of == asks && *row == routed) {
        return Some(*need);
    }
    // A method that the path does not have, which readers may be told: that every method which a path has
    // stands above is for the tests to see.
    let known = READS.contains(&routed) || BESIDE_READS.iter().any(|(_, row, _)| *row == routed);
    let need = if *method == Method::POST { Need::Operate } else { Need::Read };
    known.then_some(need)
}

/// Every row: method, path, need.
pub fn rows() -> impl Iterator<Item = (&'static str, &'static str, Need)> {
    BESIDE_READS.into_iter().chain(READS.into_iter().map(|path| ("GET", path, Need::Read)))
}
