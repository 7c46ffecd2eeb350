//! A plan that holds: what the decoder hands to everything else.
//!
//! **Invariant:** every value here passed the decoder, so a target is never below 2026.6, a ring has at
//! least one profile and one target, and names are unique. A target may be one that the plan forbids by now.

mod gates;
mod percent;
mod plan;
mod ring;

pub use gates::{Adoption, ApprovalFloor, ApprovalRule, AuthorRule, Health, HealthLimit, OnFailure};
pub use percent::Percent;
pub use plan::{Forbid, OnDrift, OnNewTarget, Plan, PlanDigest, Revision, Revisions};
pub(crate) use ring::Told;
pub use ring::{AllowDowngrade, DeviceLimit, ProfileRef, RingPlan, RollbackRules};
