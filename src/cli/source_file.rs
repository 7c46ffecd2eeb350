//! A file of YAML as it was read, for its errors to show parts of it.
//!
//! **Invariant:** no more of it is read than the decoder needs to see that it is too large.

use std::io::{self, Read as _};
use std::{fs::File, path::Path};

use crate::plan::{MAX_BYTES, PlanError};
use crate::{cli::Ink, cli::excerpt::excerpt};

/// A file's name, as errors show it, and its bytes.
pub(crate) struct SourceFile {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl SourceFile {
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(Self { name: path.display().to_string(), bytes })
    }

    /// One of its errors as a compiler would show it.
    pub(crate) fn excerpt(&self, error: &PlanError, ink: Ink) -> String {
        excerpt(error, |file| (file == self.name).then_some(self.bytes.as_slice()), ink)
    }
}
