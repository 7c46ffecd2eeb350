//! Text for terminals: tables, instants, ages, and texts from outside made safe.
//!
//! **Invariant:** nothing that came from outside reaches the terminal with a control character.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::time::{SignedDuration, Timestamp, in_words, since};

pub use crate::rollout::verdict::short;

/// Where a command writes its output. It can be sent between threads, so a command can run anywhere.
pub type Out<'a> = &'a mut (dyn Write + Send);

/// How a reading command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `text` on one line, without characters that move the cursor or turn the reading direction.
#[must_use]
pub fn safe(text: &str) -> String {
    text.trim()
        .chars()
        .map(|char| match char {
            '\n' | '\t' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {
                char::REPLACEMENT_CHARACTER
            }
            control if control.is_control() => char::REPLACEMENT_CHARACTER,
            other => other,
        })
        .collect()
}

/// A length of time as exact as people need it: `2d 3h`, `1h 5m`, `45s`.
#[must_use]
pub fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    // The smaller of two neighbouring units.
    let grain = match seconds.unsigned_abs() {
        86_400.. => 3_600,
        3_600.. => 60,
        _ => 1,
    };
    in_words(SignedDuration::from_secs(seconds - seconds % grain))
}

/// How far from `now`: `3h 5m ago`, `in 2d 3h`, `now`.
#[must_use]
pub fn distance(then: Timestamp, now: Timestamp) -> String {
    let elapsed = since(then, now);
    match elapsed.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("{} ago", length(elapsed)),
        _ => format!("in {}", length(-elapsed)),
    }
}

/// An instant with its distance: `2026-10-12 09:00 UTC (3h ago)`.
#[must_use]
pub fn moment(then: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", short(then), distance(then, now))
}

/// Writes a value as JSON for people to read as well.
///
/// # Errors
/// When it cannot be written.
pub fn json(out: Out<'_>, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// How the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Texts.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

/// Writes rows under headings, each column as wide as its widest cell, `indent` spaces from the
/// left. Cells must be [`safe`].
///
/// # Errors
/// When it cannot be written.
pub fn table(out: Out<'_>, indent: usize, columns: &[Column], rows: &[Vec<String>]) -> io::Result<()> {
    let headings: Vec<String> = columns
        .iter()
        .map(|column| match column {
            Column::Left(name) | Column::Right(name) => (*name).to_owned(),
        })
        .collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&headings).chain(rows).collect();
    let width = |index: usize| {
        lines.iter().filter_map(|line| line.get(index)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for line in &lines {
        let mut text = " ".repeat(indent);
        for ((cell, column), width) in line.iter().zip(columns).zip(&widths) {
            match column {
                Column::Left(_) => text.push_str(&format!("{cell:<width$}  ")),
                Column::Right(_) => text.push_str(&format!("{cell:>width$}  ")),
            }
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_outside_are_made_safe() {
        let rows = [
            ("plain", "Ring 0", "Ring 0"),
            ("lines", " one\ntwo\tthree \n", "one two three"),
            ("an escape sequence", "\u{1b}]0;x\u{7}", "\u{fffd}]0;x\u{fffd}"),
            ("reading direction", "a\u{202e}b", "a\u{fffd}b"),
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
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut out = Vec::new();
        let columns = [Column::Left("RING"), Column::Right("N"), Column::Left("X")];
        let rows = [vec!["Ürgün 1".to_owned(), "7".to_owned(), String::new()]];
        let wide = [vec!["a".to_owned(), "1000".to_owned(), "y".to_owned()]];
        table(&mut out, 2, &columns, &[rows, wide].concat()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "  RING        N  X\n  Ürgün 1     7\n  a        1000  y\n");
    }
}
