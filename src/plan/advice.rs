//! What would be right: in words, and as texts that may stand in place of others.
//!
//! **Invariant:** a text is proposed only where it means what the author wrote; where that can be read in two ways, both
//! are proposed, and where nobody can tell, none.

/// What would be right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Advice {
    pub(super) words: String,
    /// Each may stand in place of the offending text, as YAML.
    pub(super) fixes: Vec<String>,
}

impl Advice {
    /// To write one of these instead of the offending text.
    pub(crate) fn write<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
        let words = match texts.as_slice() {
            [first @ .., second, last] => {
                format!(
                    "write {}, whichever is meant",
                    [first, &[format!("{second} or {last}")]].concat().join(", ")
                )
            }
            _ => format!("write {}", texts.concat()),
        };
        texts.into_iter().fold(Self::from(words), Self::put)
    }

    /// The same words, which propose this text instead of the offending one.
    pub(crate) fn put(mut self, text: impl Into<String>) -> Self {
        self.fixes.push(text.into());
        self
    }

    /// With more words after those that there are.
    pub(crate) fn and(mut self, words: &str) -> Self {
        self.words.push_str(words);
        self
    }
}

impl From<String> for Advice {
    fn from(words: String) -> Self {
        Self { words, fixes: Vec::new() }
    }
}

impl From<&str> for Advice {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}
