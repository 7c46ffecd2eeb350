//! Plan files and `ringward.yaml`, read and judged, for every command that is given some.
//!
//! **Invariant:** nothing here asks the account: a judgement rests on files and the daemon's log alone.

mod brief;
mod file;
mod files;
mod how;
mod json;
mod on_record;
mod paths;
mod summary;
mod text;

pub use file::{FileErrors, JudgedFile};
pub use files::JudgedFiles;
pub(super) use files::one_plan;
pub use how::CheckHow;
pub(super) use json::FileJson;
pub use on_record::OnRecord;
