//! Plan files and `ringward.yaml`, read and judged, for every command that is given some.
//!
//! **Invariant:** nothing here asks the account: a judgement rests on files and the daemon's log alone.

mod file;
mod files;
mod json;
mod on_record;
mod one_plan;
mod paths;
mod summary;
mod text;

pub use file::{FileErrors, JudgedFile};
pub use files::JudgedFiles;
pub(super) use json::FileJson;
pub use on_record::OnRecord;
pub(super) use one_plan::one_plan;
