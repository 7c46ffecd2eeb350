//! What to do about what is in the way.
//!
//! **Invariant:** a command stands in it whole.

use std::fmt;

/// What would change a blocker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// In words; "nothing: …" when it goes on by itself.
    pub words: String,
    /// The command that the words lead to.
    pub command: Option<String>,
}

impl Remedy {
    pub(crate) fn words(words: impl Into<String>) -> Self {
        Self { words: words.into(), command: None }
    }

    pub(crate) fn then(words: impl Into<String>, command: String) -> Self {
        Self { words: words.into(), command: Some(command) }
    }

    /// A read that fails is in the way.
    pub(crate) fn reads_recover() -> Self {
        let words = "nothing, if the reads recover; those that fail are told by";
        Self::then(words, "ringward status".to_owned())
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Some(command) => write!(f, "{}: {command}", self.words),
            None => f.write_str(&self.words),
        }
    }
}

/// What a person needs to know about a plan's file that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitExplained {
    /// What waits, in one sentence, without the full stop.
    pub headline: String,
    /// What that means, in sentences.
    pub detail: String,
    /// What lets it begin.
    pub remedy: Remedy,
}
