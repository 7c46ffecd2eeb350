//! What any path may answer, and where they all are.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/v1`: what there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexAnswer {
    /// ringward's own version.
    pub version: String,
    /// Where the API is described.
    pub openapi: String,
    /// Each path that the description has.
    pub paths: Vec<String>,
}

/// Any failure: `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemAnswer {
    /// Names the kind of problem: `urn:ringward:problem:refused`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, why, and what would work.
    pub detail: String,
    /// The path that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}
