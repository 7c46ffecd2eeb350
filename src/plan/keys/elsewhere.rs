//! Where a key belongs that stands in the wrong mapping.
//!
//! **Invariant:** each says what to write, as the second half of a sentence.

pub(super) const IN_RING_OR_DEFAULTS: &str = "write it in a ring, or under `defaults` for all of them";
pub(super) const IN_EACH_RING: &str = "write it in each ring";
pub(super) const AT_THE_TOP: &str = "write it at the top of the file";
pub(super) const UNDER_VERSIONS: &str = "write it under `versions`";
pub(super) const UNDER_SCHEDULE: &str = "write it under `schedule`";
pub(super) const UNDER_ADOPTION: &str = "write it under `adoption`";
pub(super) const UNDER_HEALTH: &str = "write it under `health`";
pub(super) const UNDER_ROLLBACK: &str = "write it under `rollback`";
pub(super) const UNDER_APPROVAL: &str = "write it under `approval`";
pub(super) const OF_A_HEALTH_GATE: &str = "write it under `stalled` or `dark` of `health`";
pub(super) const NO_ASSIGNMENTS: &str = "Cloudflare assigns versions to `windows` and `macos` only";
pub(super) const IN_AN_OPENING: &str =
    "write it in an opening, such as open: [{cron: \"0 9 * * Mon-Thu\", for: 7h}]";
