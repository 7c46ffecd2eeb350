//! Where a key belongs that stands in the wrong mapping.
//!
//! **Invariant:** each says what to write, as the second half of a sentence.

use crate::version::Environment;

pub(super) const IN_RING_OR_DEFAULTS: &str = "write it in a ring, or under `defaults` for all of them";
pub(super) const IN_EACH_RING: &str = "write it in each ring";
pub(super) const AT_THE_TOP: &str = "write it at the top of the file";
pub(super) const UNDER_VERSIONS: &str = "write it under `versions`";
pub(super) const UNDER_ROLLBACK: &str = "write it under `rollback`";
pub(super) const UNDER_APPROVAL: &str = "write it under `approval`";
pub(super) const NO_ASSIGNMENTS: &str = "Cloudflare assigns versions to `windows` and `macos` only";

/// Whether a key is an environment's name.
pub(super) fn is_environment(key: &str) -> bool {
    Environment::ALL.iter().any(|environment| environment.as_str() == key)
}

/// A key of a mapping below a ring, written in the ring or in `defaults`.
pub(super) fn below_a_ring(key: &str) -> Option<&'static str> {
    match key {
        "open" | "freeze" => Some("write it under `schedule`"),
        "at_least" | "within" | "seen_at_least" => Some("write it under `adoption`"),
        "stalled" | "dark" | "min_devices" => Some("write it under `health`"),
        "at_most" => Some("write it under `stalled` or `dark` of `health`"),
        "step" => Some(UNDER_ROLLBACK),
        _ => None,
    }
}
