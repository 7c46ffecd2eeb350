//! A plan file that holds, and what is to be known of it.
//!
//! **Invariant:** whoever begins or changes a rollout by it asks first whether it may.

use super::{error::PlanError, forbidden::ForbiddenTarget, model::Revision};

/// A plan file that holds, and what is to be known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct GoodFile {
    /// The plan.
    pub revision: Revision,
    /// What it asks for and forbids at once: a rollout that offers it halts, and where none does, none is
    /// begun. Whoever takes the plan over judges that.
    pub forbidden: Vec<ForbiddenTarget>,
    /// Rings without an opening within 400 days of the instant of reading. That is an error of a file that
    /// changed; one that was taken over before stays good while time passes.
    pub closed: Vec<PlanError>,
    /// Warnings and notes, in file order.
    pub warnings: Vec<PlanError>,
}

impl GoodFile {
    /// The plan, where nothing of it is under way yet.
    ///
    /// # Errors
    /// When it asks for what it forbids: it is not begun.
    pub fn to_begin(self) -> Result<Revision, Vec<String>> {
        if self.forbidden.is_empty() {
            return Ok(self.revision);
        }
        let told = |target: &ForbiddenTarget| format!("{target}; choose another version, or change `forbid`");
        Err(self.forbidden.iter().map(told).collect())
    }

    /// The file as one that has changed is judged.
    ///
    /// # Errors
    /// When a ring has no opening within 400 days.
    pub fn changed(self) -> Result<Self, Vec<PlanError>> {
        if self.closed.is_empty() { Ok(self) } else { Err(self.closed) }
    }
}
