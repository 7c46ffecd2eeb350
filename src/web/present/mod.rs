//! From snapshot, report and log to the JSON of the API.
//!
//! | module | what it turns into JSON |
//! | --- | --- |
//! | `snapshot` | the daemon as a whole |
//! | `rollout`, `ring` | one report, and a revision that waits |
//! | `log` | records |
//! | `forecast` | a forecast |
//!
//! **Invariant:** every answer is a copy of one snapshot or of the log, so two parts of an answer
//! never contradict each other.

mod forecast;
mod log;
mod ring;
mod rollout;
mod snapshot;

pub use forecast::forecast;
pub use log::event;
pub(super) use log::{holds_a_revision, name_before, plan};
pub(super) use ring::{OTHER, adoption, counts};
pub use rollout::rollout;
pub(super) use snapshot::{of_view, rollouts};
