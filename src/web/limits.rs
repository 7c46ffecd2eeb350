//! What a connection and a request may take.
//!
//! **Invariant:** whatever a client sends, or does not send, it meets one of these before it costs more.

use std::time::Duration;

/// Longest URL, in bytes: path and query.
pub(super) const MAX_URL_BYTES: usize = 4 * 1024;
/// Most headers.
pub(super) const MAX_HEADERS: usize = 64;
/// Longest headers together, names and values, in bytes.
pub(super) const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Longest body, in bytes; a reason has at most a few thousand.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest wall time for one request, its body included: a client that stalls gives its place up.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What one listener allows. Times are wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at once. For one more an idle one is closed; where none is, it gets a place of the reserve.
    pub connections: usize,
    /// Those of one address, or of one credential.
    pub share: usize,
    /// Connections beside those, which only probes and Prometheus are answered on; all else is told that there is no
    /// room. More are closed.
    pub reserve: usize,
    /// Those of one address among them.
    pub reserve_share: usize,
    /// For the head of a request; it also ends connections that idle.
    pub head_within: Duration,
    /// For the body of a request.
    pub body_within: Duration,
    /// For a connection: a client that never reads its answer must not keep its place for ever.
    /// Others connect again.
    pub connection_within: Duration,
    /// For the answer that is under way when a connection is as old as that; then it is cut.
    pub last_answer_within: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 256,
            share: 64,
            reserve: 32,
            reserve_share: 8,
            head_within: Duration::from_secs(10),
            body_within: Duration::from_secs(10),
            connection_within: Duration::from_secs(300),
            // An answer is there within 30 s, and is then read.
            last_answer_within: Duration::from_secs(35),
        }
    }
}
