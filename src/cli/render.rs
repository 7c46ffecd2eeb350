//! Text for terminals: wrapped to the screen, tables, instants, ages, and texts from outside made safe.
//!
//! **Invariant:** nothing that came from outside reaches the terminal with a control character; what is said in one
//! text is told as of one instant.

use std::io::{self, Write};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::cli::{Screen, Surface, Tint};
use crate::text::{seen, visible_json};
use crate::time::Timestamp;

pub use crate::time::{distance, short};

/// Where a command writes its output. It can be sent between threads, so a command can run anywhere.
pub type Out<'a> = &'a mut (dyn Write + Send);

/// Where text goes, how wide it may be there, and the present.
pub struct Prose<'a> {
    /// Where it goes.
    pub out: Out<'a>,
    /// What that can show.
    pub screen: &'a Screen,
    /// The present instant.
    pub now: Timestamp,
}

impl Prose<'_> {
    /// Says `text` behind `lead`, wrapped.
    pub(super) fn say(&mut self, lead: &str, text: impl AsRef<str>) -> io::Result<()> {
        self.screen.say(self.out, lead, text.as_ref())
    }

    /// Leaves a line empty.
    pub(super) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    pub(super) fn paint(&self, tint: Tint, text: &str) -> String {
        self.screen.paint(tint, text)
    }

    pub(super) fn moment(&self, then: Timestamp) -> String {
        moment(then, self.now)
    }
}

/// How a reading command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Format {
    /// Answers with a value, or with what `text` writes in its place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn answer(
        self,
        out: Out<'_>,
        value: &impl Serialize,
        text: impl FnOnce(Out<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Json => json(out, value),
            Self::Text => text(out),
        }
    }
}

/// `text` on one line, without characters that move the cursor, turn the reading direction or stay
/// unseen.
pub fn safe(text: &str) -> String {
    seen(text.trim())
        .map(|(char, is_seen)| match char {
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            unseen if unseen.is_control() || !is_seen => char::REPLACEMENT_CHARACTER,
            other => other,
        })
        .collect()
}

/// An instant with its distance: `2026-10-12 09:00 UTC (3h ago)`.
pub fn moment(then: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", short(then), distance(then, now))
}

/// A count of things: `1 device`, `2 devices`.
pub fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// The digits of a digest that people read.
pub fn short_digest(digest: &str) -> String {
    safe(&digest.chars().take(12).collect::<String>())
}

/// Writes a value as JSON for people to read as well.
///
/// # Errors
/// When it cannot be written.
pub fn json(out: Out<'_>, value: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", visible_json(&serde_json::to_string_pretty(value)?))
}

/// The same in one line.
///
/// # Errors
/// When it cannot be written.
pub fn json_line(out: Out<'_>, value: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", visible_json(&serde_json::to_string(value)?))
}

/// How the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Texts that are always shown whole.
    Left(&'static str),
    /// Texts that may be cut: names, never versions.
    Cut(&'static str),
    /// Numbers.
    Right(&'static str),
}

impl Column {
    const fn heading(&self) -> &'static str {
        match self {
            Self::Left(name) | Self::Cut(name) | Self::Right(name) => name,
        }
    }
}

/// Writes rows under headings, each column as wide as its widest cell, `indent` spaces from the
/// left. Cells must be [`safe`].
///
/// On a terminal that is too narrow, cells of [`Column::Cut`] are cut, the widest first, but never
/// below eight cells.
///
/// # Errors
/// When it cannot be written.
pub fn table(
    out: Out<'_>,
    screen: &Screen,
    indent: usize,
    columns: &[Column],
    rows: &[Vec<String>],
) -> io::Result<()> {
    let headings: Vec<String> = columns.iter().map(|column| column.heading().to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&headings).chain(rows).collect();
    let width = |index: usize| {
        lines.iter().filter_map(|line| line.get(index)).map(|cell| cell.width()).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns.len()).map(width).collect();
    if let Surface::Terminal { .. } = screen.surface {
        let gaps = 2 * columns.len().saturating_sub(1);
        narrow(&mut widths, columns, screen.columns.saturating_sub(indent + gaps));
    }
    for line in &lines {
        let mut text = " ".repeat(indent);
        for ((cell, column), width) in line.iter().zip(columns).zip(&widths) {
            let cell = screen.cut(cell, *width);
            let blank = " ".repeat(width.saturating_sub(cell.width()));
            match column {
                Column::Left(_) | Column::Cut(_) => text.push_str(&format!("{cell}{blank}  ")),
                Column::Right(_) => text.push_str(&format!("{blank}{cell}  ")),
            }
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

/// Takes cells from the columns that may be cut, until all columns fit into `room`.
fn narrow(widths: &mut [usize], columns: &[Column], room: usize) {
    const LEAST: usize = 8;
    while widths.iter().sum::<usize>() > room {
        let widest = widths
            .iter_mut()
            .zip(columns)
            .filter(|(width, column)| matches!(column, Column::Cut(_)) && **width > LEAST)
            .max_by_key(|(width, _)| **width);
        let Some((width, _)) = widest else { return };
        *width -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::{Glyphs, Ink};

    #[test]
    fn texts_from_outside_are_made_safe() {
        let rows = [
            ("plain", "Ring 0", "Ring 0"),
            ("lines", " one\ntwo\tthree \n", "one two three"),
            ("an escape sequence", "\u{1b}]0;x\u{7}", "\u{fffd}]0;x\u{fffd}"),
            ("reading direction", "a\u{202e}b", "a\u{fffd}b"),
            ("no width", "st\u{200b}op", "st\u{fffd}op"),
            ("C1", "\u{9b}31m", "\u{fffd}31m"),
            ("other scripts stay", "Ring ünö 環", "Ring ünö 環"),
        ];
        for (row, text, expected) in rows {
            assert_eq!(safe(text), expected, "{row}");
        }
    }

    #[test]
    fn distances_are_told_in_two_units() {
        let now: Timestamp = "2026-10-14T12:00:00Z".parse().unwrap();
        let rows = [
            ("2026-10-12T08:55:01Z", "2d 3h ago"),
            ("2026-10-14T11:59:59.4Z", "now"),
            ("2026-10-14T12:00:00Z", "now"),
            ("2026-10-14T11:59:15Z", "45s ago"),
            ("2026-10-14T10:59:15Z", "1h ago"),
            ("2026-10-14T11:54:55Z", "5m 5s ago"),
            ("2026-10-15T13:30:00Z", "in 1d 1h"),
        ];
        for (then, expected) in rows {
            assert_eq!(distance(then.parse().unwrap(), now), expected, "{then}");
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_cut_only_on_a_terminal() {
        let columns = [Column::Cut("RING"), Column::Right("N"), Column::Left("X")];
        let rows = vec![
            vec!["Ürgün 1, the long one".to_owned(), "7".to_owned(), String::new()],
            vec!["a".to_owned(), "1000".to_owned(), "y".to_owned()],
        ];
        let table_on = |surface, columns_of_screen| {
            let screen =
                Screen { columns: columns_of_screen, surface, glyphs: Glyphs::Ascii, ink: Ink::Plain };
            let mut out = Vec::new();
            table(&mut out, &screen, 2, &columns, &rows).unwrap();
            String::from_utf8(out).unwrap()
        };
        let whole = "  RING                      N  X\n  Ürgün 1, the long one     7\n  a                      1000  y\n";
        assert_eq!(table_on(Surface::Stream, 20), whole, "a pipe gets everything");
        let terminal = Surface::Terminal { rows: 24 };
        assert_eq!(table_on(terminal, 80), whole);
        let cut = "  RING           N  X\n  Ürgün 1, ~     7\n  a           1000  y\n";
        assert_eq!(table_on(terminal, 21), cut, "numbers and versions stay whole");
        let least = "  RING         N  X\n  Ürgün 1~     7\n  a         1000  y\n";
        assert_eq!(table_on(terminal, 12), least, "no column is cut below eight cells");
    }
}
