//! Plan files: from bytes to a [`model::Plan`] that holds, or to every error at once.

pub mod model;
