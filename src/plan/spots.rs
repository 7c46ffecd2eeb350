//! Where things stand in a plan file, for those who find out later what is wrong with them.
//!
//! **Invariant:** a place is one that the decoder would name too: the same tree, the same lines
//! and columns.

use std::{iter, ops::Range};

use crate::plan::tree::{self, PLAN_FILE};
use crate::plan::{Node, Places, Problems, Text};

/// One step on the way to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStep<'a> {
    /// The value of a key.
    Key(&'a str),
    /// An item of a list, counted from 0.
    Item(usize),
}

/// A place in a plan file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The same place in bytes of the file.
    pub span: Range<usize>,
}

/// The values of one plan file with their places.
#[derive(Debug)]
pub struct Spots<'a> {
    text: Text<'a>,
    root: Option<Node>,
}

impl<'a> Spots<'a> {
    /// The places in a file. One that cannot be read has none.
    pub fn of(bytes: &'a [u8]) -> Self {
        // What is wrong with the file is told by those who decode it.
        let (text, root) = tree::read_bytes(bytes, &PLAN_FILE, &mut Problems::default());
        Self { text, root }
    }

    /// The place of a value, if it is written.
    pub fn spot(&self, way: &[PathStep<'_>]) -> Option<Spot> {
        let mut node = self.root.as_ref()?;
        for step in way {
            node = match step {
                PathStep::Key(key) => node.get(key)?,
                PathStep::Item(index) => node.items().get(*index)?,
            };
        }
        let start = node.at.start;
        let (line, column) = Places::of(&self.text, iter::once(start)).at(start);
        Some(Spot { line, column, span: self.text.in_file(&node.at) })
    }
}

#[cfg(test)]
mod tests {
    use super::PathStep::{Item, Key};
    use super::*;

    #[test]
    fn values_are_found_where_the_decoder_finds_them() {
        let text = "plan: p\nrings:\n  - {name: A, profiles: [x, 'ÿ', z]}\n";
        let third = [Key("rings"), Item(0), Key("profiles"), Item(2)];
        let rows = [
            ("the plan's name", text.to_owned(), &[Key("plan")][..], Some((1, 7))),
            ("behind a letter of two bytes", text.to_owned(), &third, Some((3, 34))),
            ("CRLF", text.replace('\n', "\r\n"), &third, Some((3, 34))),
            ("a byte order mark", format!("\u{feff}{text}"), &third, Some((3, 34))),
            ("an absent key", text.to_owned(), &[Key("account")], None),
            ("an absent item", text.to_owned(), &[Key("rings"), Item(1)], None),
            ("not YAML", "plan: [\n".to_owned(), &[Key("plan")], None),
        ];
        for (row, text, way, expected) in rows {
            let spot = Spots::of(text.as_bytes()).spot(way);
            assert_eq!(spot.as_ref().map(|spot| (spot.line, spot.column)), expected, "{row}");
            let found = spot.and_then(|spot| text.get(spot.span));
            assert_eq!(found, expected.map(|(line, _)| if line == 1 { "p" } else { "z" }), "{row}");
        }
    }
}
