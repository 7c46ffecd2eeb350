//! The rights there are, and which one each path needs of whoever asks for it.
//!
//! **Invariant:** a path that has no row here answers nobody.

use axum::http::Method;

use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Role;

/// Something that whoever asks may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// To read, which may be open to whoever reaches the listener.
    Read,
    /// To read the metrics, the same.
    Metrics,
    /// To read which devices there are and whose, the same.
    Devices,
    /// To ask for verbs.
    Operate,
    /// To approve. Whether the person is a member is judged with the approval itself.
    Approve,
    /// To say who may come in: on the machine itself, by the Unix socket, as a user of the machine.
    Admit,
}

impl Right {
    /// What everybody has who is known.
    pub(in crate::web) const READS: [Self; 3] = [Self::Read, Self::Metrics, Self::Devices];

    /// Whether it lets somebody see something and change nothing.
    pub(in crate::web) fn is_read(self) -> bool {
        Self::READS.contains(&self)
    }
}

/// A path that no row speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody said what this path needs; please report it")]
pub struct Undeclared;

/// The form of the page judges by the verb that it is for, and shows a refusal itself, so that nothing
/// that was written into it is lost.
pub(in crate::web) const FORM: &str = "/act/{verb}";

/// The paths beside reads and the API's verbs. A probe needs nothing: it must have its answer, and learns
/// nothing from it.
const OTHERS: [(&str, &str, Option<Right>); 10] = [
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
    ("GET", "/metrics", Some(Right::Metrics)),
    ("GET", "/api/v1/rollouts/{plan}/devices", Some(Right::Devices)),
    ("GET", "/api/v1/tokens", Some(Right::Admit)),
    ("POST", "/api/v1/tokens", Some(Right::Admit)),
    ("POST", "/api/v1/tokens/{name}/revoke", Some(Right::Admit)),
    ("POST", "/api/v1/access", Some(Right::Admit)),
    ("POST", "/api/v1/access/{intent}/outcome", Some(Right::Admit)),
    ("POST", FORM, Some(Right::Operate)),
];

/// The paths that only show.
const READS: [&str; 12] = [
    "/",
    "/plans/{plan}",
    FORM,
    "/assets/{name}",
    "/api/v1",
    "/api/v1/openapi.json",
    "/api/v1/rollouts",
    "/api/v1/rollouts/{plan}",
    "/api/v1/rollouts/{plan}/plan",
    "/api/v1/rollouts/{plan}/forecast",
    "/api/v1/rollouts/{plan}/events",
    "/api/v1/events",
];

/// What a verb needs.
pub(in crate::web) const fn of_verb(verb: Verb) -> Right {
    match verb.definition().terms.role {
        Role::Viewer => Right::Read,
        Role::Operator => Right::Operate,
        Role::Approver => Right::Approve,
    }
}

/// Every row: method, path, and what it needs (`None`: nothing).
pub fn rows() -> impl Iterator<Item = (&'static str, &'static str, Option<Right>)> {
    let verbs = Verb::ALL.into_iter().map(|verb| ("POST", verb.path(), Some(of_verb(verb))));
    let reads = READS.into_iter().map(|path| ("GET", path, Some(Right::Read)));
    OTHERS.into_iter().chain(verbs).chain(reads)
}

/// What a request needs, by its method and the path that it was routed by (`None`: there is none).
///
/// # Errors
/// When the path has no row.
pub fn of(method: &Method, routed: Option<&str>) -> Result<Option<Right>, Undeclared> {
    // Whether there is such a path is told to whoever may read.
    let Some(routed) = routed else { return Ok(Some(Right::Read)) };
    let asks = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let of_path = || rows().filter(|(_, path, _)| *path == routed);
    if let Some((.., need)) = of_path().find(|(of, ..)| *of == asks) {
        return Ok(need);
    }
    // A method that the path does not have, which readers may be told: that every method which a path has
    // stands above is for the tests to see.
    let right = if *method == Method::POST { Right::Operate } else { Right::Read };
    of_path().next().map(|_| Some(right)).ok_or(Undeclared)
}
