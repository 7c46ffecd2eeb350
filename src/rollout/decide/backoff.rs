//! How long to wait after what came to nothing.
//!
//! **Invariant:** each wait ends.

use crate::rollout::state::Attempts;
use crate::time::{SignedDuration, Timestamp, after};

/// Writes for one ring that may come to nothing in a row before a person must look.
pub(crate) const MAX_ATTEMPTS: u32 = 6;

/// The wait after the first write that came to nothing; it doubles with each further one.
const FIRST_BACKOFF: SignedDuration = SignedDuration::from_mins(1);

/// The wait after a failed read before a write doubles so often, up to 16 minutes: the dependency may be
/// back at any time, and nothing was sent.
const READ_DOUBLINGS: u32 = 4;

/// When the next write for a ring may be planned, after those that came to nothing and those that were
/// not sent since the read before them failed.
pub(crate) fn not_before(attempts: &Attempts, since: Timestamp) -> Timestamp {
    retry(attempts, since, MAX_ATTEMPTS)
}

/// The same for what is tried for as long as it takes.
pub(crate) fn retry_not_before(attempts: &Attempts, since: Timestamp) -> Timestamp {
    retry(attempts, since, READ_DOUBLINGS)
}

fn retry(attempts: &Attempts, since: Timestamp, doublings: u32) -> Timestamp {
    let reads = attempts.reads.as_ref().map_or(0, |reads| reads.times);
    let backoff = doubled(attempts.failed, doublings).max(doubled(reads, READ_DOUBLINGS));
    after(since, backoff).max(attempts.not_before.unwrap_or(since))
}

fn doubled(times: u32, at_most: u32) -> SignedDuration {
    match times {
        0 => SignedDuration::ZERO,
        times => FIRST_BACKOFF * 2_i32.pow((times - 1).min(at_most)),
    }
}
