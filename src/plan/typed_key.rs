//! A key in one definition: what it is called, what it takes and means, and how its value is read.
//!
//! **Invariant:** a value is read under the name of its own key, and where it cannot be read, that is noted.

use std::ops::Range;

use crate::plan::error::Problems;
use crate::plan::fields::{Fields, text};
use crate::plan::grammar::{Absent, Key, Takes};
use crate::plan::near::either;
use crate::plan::tree::Node;

/// A key whose value is a `T`.
pub(crate) struct TypedKey<T> {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    pub(crate) absent: Absent,
    pub(crate) doc: &'static str,
    pub(crate) example: &'static str,
    /// Reads a value; given is what the value is called, which is the key in backticks.
    pub(crate) read: fn(&Node, &str, &mut Problems) -> Option<T>,
}

/// A value that is written, and where.
#[derive(Debug, Clone)]
pub(crate) struct Placed<T> {
    /// `None`: refused, and noted.
    pub(crate) value: Option<T>,
    pub(crate) at: Range<usize>,
}

impl<T> TypedKey<T> {
    /// The key as its mapping lists it.
    pub(crate) const fn key(&self) -> Key {
        let Self { name, takes, absent, doc, example, .. } = *self;
        Key { name, takes, absent, doc, example }
    }

    /// The value, if it is there and can be read.
    pub(crate) fn of(&self, fields: &Fields<'_>, problems: &mut Problems) -> Option<T> {
        self.placed(fields, problems)?.value
    }

    /// The value with its place, if it is there.
    pub(crate) fn placed(&self, fields: &Fields<'_>, problems: &mut Problems) -> Option<Placed<T>> {
        Some(self.read(fields.get(self.name)?, problems))
    }

    /// The value of a key that must be there; `instead` says what to write.
    pub(crate) fn needed(&self, fields: &Fields<'_>, instead: &str, problems: &mut Problems) -> Option<T> {
        self.needed_placed(fields, instead, problems)?.value
    }

    /// The same with its place.
    pub(crate) fn needed_placed(
        &self,
        fields: &Fields<'_>,
        instead: &str,
        problems: &mut Problems,
    ) -> Option<Placed<T>> {
        Some(self.read(fields.require(self.name, instead, problems)?, problems))
    }

    fn read(&self, node: &Node, problems: &mut Problems) -> Placed<T> {
        let value = (self.read)(node, &format!("`{}`", self.name), problems);
        Placed { value, at: node.at.clone() }
    }
}

/// A value that is one of a few words.
pub(crate) trait WordValue: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
    /// Words of features to come, which are refused as such.
    const LATER: &'static [&'static str] = &[];
}

/// A key that takes one of the words of `T`; without it the default holds.
pub(crate) const fn word_key<T: WordValue + Default>(
    name: &'static str,
    doc: &'static str,
    example: &'static str,
) -> TypedKey<T> {
    let takes = Takes::Word { known: words::<T> };
    TypedKey { name, takes, absent: Absent::Value(default_word::<T>), doc, example, read: word }
}

fn words<T: WordValue>() -> Vec<&'static str> {
    T::WORDS.iter().map(|(word, _)| *word).collect()
}

/// The word that holds where none is written.
pub(crate) fn default_word<T: WordValue + Default>() -> String {
    let holds = T::default();
    T::WORDS
        .iter()
        .find(|(_, value)| *value == holds)
        .map_or_else(String::new, |(word, _)| (*word).to_owned())
}

/// The word of a key that is defined by its name alone.
pub(crate) fn word_of<T: WordValue>(fields: &Fields<'_>, name: &str, problems: &mut Problems) -> Option<T> {
    word(fields.get(name)?, &format!("`{name}`"), problems)
}

/// Reads one of the words of `T`.
pub(crate) fn word<T: WordValue>(node: &Node, what: &str, problems: &mut Problems) -> Option<T> {
    let text = text(node, what, problems)?;
    let instead = format!("write {}", either(&words::<T>()).unwrap_or_default());
    if T::LATER.contains(&text) {
        problems.wrong(&node.at, format!("this {what} is not supported yet"), instead);
        return None;
    }
    let found = T::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        problems.wrong(&node.at, format!("not a known {what}"), instead);
    }
    found
}
