//! Plan files: from bytes to a [`model::Plan`] that holds, or to every error at once.
//!
//! **Invariant:** a file with an error yields no plan, and every error says where it is, what is
//! wrong and what would be right.
//!
//! Two stages: `tree` turns bytes into a tree with places, within budgets; `decode` turns
//! the tree into a plan and goes on after each problem. [`set`] compares the files of a directory.
//!
//! What a plan may hold is written once, in `keys` (terms in `grammar`, single values in `kinds`):
//! the decoder, [`json_schema`] and [`markdown`] all read it there. `syntax`, `cron`, `guess` and
//! `near` only find words for what is wrong. `ringward.yaml` ([`crate::config`]) is of the same language and
//! read with the same tree, readers and errors.

mod approval;
pub(crate) mod calendar;
mod cron;
mod decode;
pub(crate) mod error;
pub(crate) mod fields;
pub(crate) mod grammar;
mod guess;
mod keys;
mod kinds;
pub mod model;
pub(crate) mod near;
mod reference;
mod ring;
mod schema;
pub mod set;
mod spots;
mod syntax;
pub(crate) mod tree;
pub(crate) mod values;
mod written;

pub use decode::{MAX_FORBIDS, MAX_PROFILES, MAX_RINGS};
pub use error::{MAX_ERRORS, PlanError, Related};
pub(crate) use fields::{MAX_TEXT_CHARS, is_invisible};
pub use reference::markdown;
pub use schema::json_schema;
pub use spots::{Spot, Spots, Step};
pub use tree::MAX_BYTES;

use error::Problems;
use model::{Plan, PlanDigest, Revision};
use tree::{Node, PLAN_FILE, Text};

/// Reads one plan file; `file` is the name that errors show.
///
/// # Errors
/// One syntax error, or all structural and semantic errors in file order.
pub fn read(file: &str, bytes: &[u8]) -> Result<Revision, Vec<PlanError>> {
    Draft::read(bytes).finish(file)
}

/// A file that was read but not judged: other files may still object.
struct Draft<'a> {
    text: Text<'a>,
    problems: Problems,
    /// `None` after a syntax error.
    root: Option<Node>,
    plan: Option<Plan>,
}

impl<'a> Draft<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut problems = Problems::default();
        let text = tree::text_of(bytes, &PLAN_FILE, &mut problems);
        let root = if problems.is_empty() { tree::read(text.text, &PLAN_FILE, &mut problems) } else { None };
        let plan = root.as_ref().and_then(|root| decode::plan(root, &mut problems));
        Self { text, problems, root, plan }
    }

    fn finish(self, file: &str) -> Result<Revision, Vec<PlanError>> {
        match (self.root, self.plan) {
            (Some(root), Some(plan)) if self.problems.is_empty() => {
                let written = written::canonical(&root);
                Ok(Revision { digest: PlanDigest::of_written(&written), written, plan })
            }
            _ => Err(self.problems.into_errors(file, &self.text)),
        }
    }
}
