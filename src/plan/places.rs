//! Places in a text: from bytes to lines and columns, and what of the text is shown there.
//!
//! **Invariant:** a line ends as YAML ends it, and a column counts characters.

use std::{collections::BTreeMap, ops::Range};

use serde::Serialize;

/// How much of the offending text an error shows, in characters.
const SHOWN_CHARS: usize = 60;

/// The text of a file, without a byte order mark.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    /// Bytes of the byte order mark before `text`.
    pub(crate) skipped: usize,
}

impl Text<'_> {
    /// A place of the text as a place of the file.
    pub(crate) fn in_file(&self, at: &Range<usize>) -> Range<usize> {
        at.start + self.skipped..at.end + self.skipped
    }

    /// The first line of what stands at a place.
    pub(crate) fn first_line(&self, at: &Range<usize>) -> String {
        first_line(self.text.get(at.clone()).unwrap_or_default())
    }
}

/// A place that explains an error elsewhere, perhaps in another file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// The file's name as it was handed in.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The same place in bytes of its file.
    pub span: Range<usize>,
    /// What stands there.
    pub what: String,
}

/// Lines and columns of some offsets of a text, found in one walk: a hostile file may have
/// thousands of errors on one line of a megabyte.
pub(crate) struct Places(BTreeMap<usize, (usize, usize)>);

impl Places {
    pub(crate) fn of(text: &Text<'_>, offsets: impl Iterator<Item = usize>) -> Self {
        let mut places: BTreeMap<usize, (usize, usize)> = offsets.map(|offset| (offset, (1, 1))).collect();
        let (mut line, mut column, mut from) = (1, 1, 0);
        for (to, place) in &mut places {
            let passed = text.text.get(from..*to).unwrap_or_default();
            for (at, char) in passed.char_indices() {
                // Of CRLF, the second byte ends the line; a lone CR ends one as well (YAML 1.2, 5.4).
                let next = text.text.as_bytes().get(from + at + 1);
                let breaks = char == '\n' || (char == '\r' && next != Some(&b'\n'));
                (line, column) = if breaks { (line + 1, 1) } else { (line, column + 1) };
            }
            from += passed.len();
            *place = (line, column);
        }
        Self(places)
    }

    /// Line and column, each from 1; of an offset that was not asked for, the beginning.
    pub(crate) fn at(&self, offset: usize) -> (usize, usize) {
        self.0.get(&offset).copied().unwrap_or((1, 1))
    }

    /// A place that another error can point to.
    pub(crate) fn related(&self, file: &str, text: &Text<'_>, at: &Range<usize>, what: String) -> Related {
        let (line, column) = self.at(at.start);
        Related { file: file.to_owned(), line, column, span: text.in_file(at), what }
    }
}

/// The first line of a text, cut to what an error shows, safe to print.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let mut shown: String = line
        .chars()
        .take(SHOWN_CHARS)
        .map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char })
        .collect();
    if line.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
