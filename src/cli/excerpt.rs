//! A plan's errors and warnings for a terminal, as a compiler shows them: place, excerpt, caret, remedy.
//!
//! **Invariant:** no more of a file is read than the decoder needs to see that it is too large; the size of what is
//! shown is bounded whatever the file holds, and nothing from it reaches the terminal with a control character.

use std::io::{self, Read as _};
use std::{fs::File, ops::Range, path::Path};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, Title};

use crate::cli::{Ink, safe};
use crate::plan::{MAX_BYTES, PlanError, Severity};
use crate::text::{is_unseen, seen};

/// The most of a source line that is shown, in characters: an excerpt with its line number then
/// fits 100 columns.
const LINE_CHARS: usize = 92;

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

/// One error with its excerpt, ending with a line break. `bytes_of` gives the bytes of a file by
/// its name in errors; of an unknown file only the place is shown.
pub fn excerpt<'a>(error: &PlanError, bytes_of: impl Fn(&str) -> Option<&'a [u8]>, ink: Ink) -> String {
    let renderer = match ink {
        Ink::Colour => Renderer::styled().hyperlink(false),
        Ink::Plain => Renderer::plain(),
    };
    let level = match error.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let part = |title: Title<'a>, file: &str, (line, column): (usize, usize), span: &Range<usize>| {
        let part = title.element(Origin::path(safe(file)).line(line).char_column(column));
        match bytes_of(file) {
            Some(bytes) => part.element(snippet(bytes, span, line)),
            None => part,
        }
    };
    let title = level.primary_title(safe(&error.problem));
    let mut groups = vec![part(title, &error.file, (error.line, error.column), &error.span)];
    if let Some(other) = &error.related {
        let title = Level::NOTE.secondary_title(safe(&other.what));
        groups.push(part(title, &other.file, (other.line, other.column), &other.span));
    }
    groups.push(Group::with_title(Level::HELP.secondary_title(safe(&error.instead))));
    let text = renderer.render(&groups);
    text.lines().filter(|line| !is_bare_mark(line)).flat_map(|line| [line, "\n"]).collect()
}

/// The renderer announces a second source with `:::` and its name. Ours is the same file, whose
/// place, which it could not count in a line that was cut, stands above.
fn is_bare_mark(line: &str) -> bool {
    // Without its colours.
    let words = line.split('\u{1b}').map(|part| match part.strip_prefix('[') {
        Some(sequence) => sequence.split_once('m').map_or("", |(_, text)| text),
        None => part,
    });
    words.collect::<String>().trim() == ":::"
}

fn snippet<'a>(bytes: &[u8], span: &Range<usize>, line: usize) -> Snippet<'a, Annotation<'a>> {
    let window = Window::around(bytes, span, LINE_CHARS);
    Snippet::source(window.text).line_start(line).annotation(AnnotationKind::Primary.span(window.marked))
}

/// The part of a line around a span, safe to print.
struct Window {
    text: String,
    /// The span, or its first line, in bytes of `text`.
    marked: Range<usize>,
}

impl Window {
    fn around(bytes: &[u8], span: &Range<usize>, most: usize) -> Self {
        let start = span.start.min(bytes.len());
        let end = span.end.clamp(start, bytes.len());
        let (before, after) = line_around(bytes, start, most);
        let mut text = before;
        let from = text.len();
        let mut to = from;
        // Each byte of the span that is on this line, character by character.
        let mut passed = start;
        for (char, is_seen) in seen(&after) {
            let inside = passed < end && char != CUT;
            passed += char.len_utf8();
            text.push(shown((char, is_seen)));
            if inside {
                to = text.len();
            }
        }
        Self { text, marked: from..to }
    }
}

/// Stands for what is left out of a line.
const CUT: char = '…';

/// What stands before and after an offset on its line, cut to `most` characters in all. Looks at no
/// more of the file than that can hold: a line may have a megabyte.
fn line_around(bytes: &[u8], start: usize, most: usize) -> (String, String) {
    let reach = 4 * most;
    let (head, tail) = bytes.split_at(start);
    let near = head.get(head.len().saturating_sub(reach)..).unwrap_or_default();
    let begin = near.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
    let begins_here = begin.is_some() || near.len() == head.len();
    let before = String::from_utf8_lossy(near.get(begin.map_or(0, |at| at + 1)..).unwrap_or_default());
    let before: Vec<char> = seen(before.trim_start_matches('\u{feff}')).map(shown).collect();
    let near = tail.get(..tail.len().min(reach)).unwrap_or_default();
    let end = near.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    let ends_here = end.is_some() || near.len() == tail.len();
    let after = String::from_utf8_lossy(near.get(..end.unwrap_or(near.len())).unwrap_or_default());
    let after: Vec<char> = after.chars().collect();
    if begins_here && ends_here && before.len() + after.len() <= most {
        return (before.into_iter().collect(), after.into_iter().collect());
    }
    let kept = before.len().min(most / 2);
    let mut shown_before: Vec<char> = before.get(before.len() - kept..).unwrap_or_default().to_vec();
    if (kept < before.len() || !begins_here)
        && let Some(first) = shown_before.first_mut()
    {
        *first = CUT;
    }
    let room = most - kept;
    let mut shown_after: Vec<char> = after.iter().copied().take(room).collect();
    if (shown_after.len() < after.len() || !ends_here)
        && let Some(last) = shown_after.last_mut()
    {
        *last = CUT;
    }
    (shown_before.into_iter().collect(), shown_after.into_iter().collect())
}

/// One character for one, so that carets stand under what they mean.
fn shown((char, is_seen): (char, bool)) -> char {
    match char {
        '\t' => ' ',
        // Without its mark a sign is another one.
        '\u{fe0f}' if is_seen => char,
        unseen if unseen.is_control() || is_unseen(unseen) => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The window of `text` around the `^` signs of `marks`, as it is shown.
    fn window(text: &str, span: Range<usize>, most: usize) -> (String, String) {
        let window = Window::around(text.as_bytes(), &span, most);
        let marked = window.text[window.marked.clone()].to_owned();
        (window.text, marked)
    }

    #[test]
    fn lines_are_cut_around_the_caret() {
        let long = format!("{}HERE{}", "a".repeat(1_000), "z".repeat(1_000));
        let rows = [
            ("a short line is whole", "one: two\nsoak: 3\nx", 15..16, 40, "soak: 3", "3"),
            ("the end of a file", "soak: ", 6..6, 40, "soak: ", ""),
            ("an empty file", "", 0..0, 40, "", ""),
            ("CRLF", "a: b\r\nsoak: 3\r\n", 6..10, 40, "soak: 3", "soak"),
            ("lone CR", "a: b\rsoak: 3\rx", 5..9, 40, "soak: 3", "soak"),
            ("only the first line of a span", "a: |\n  b\n  c\n", 7..12, 40, "  b", "b"),
            ("a tab is one column", "\tsoak: 3", 1..5, 40, " soak: 3", "soak"),
            ("a byte order mark is none", "\u{feff}soak: 3", 3..7, 40, "soak: 3", "soak"),
            ("an escape sequence", "a: \u{1b}[31m", 3..8, 40, "a: \u{fffd}[31m", "\u{fffd}[31m"),
            ("turned reading direction", "a: \u{202e}b", 3..7, 40, "a: \u{fffd}b", "\u{fffd}b"),
            ("a long line", &long, 1_000..1_004, 20, "…aaaaaaaaaHEREzzzzz…", "HERE"),
            ("its beginning", &long, 0..4, 20, "aaaaaaaaaaaaaaaaaaa…", "aaaa"),
            ("a span longer than the line", &long, 1_000..2_004, 20, "…aaaaaaaaaHEREzzzzz…", "HEREzzzzz"),
            ("wide characters", "a: 東京都", 6..12, 40, "a: 東京都", "京都"),
            ("a place past the end", "a", 7..9, 40, "a", ""),
        ];
        for (row, text, span, most, shown, marked) in rows {
            assert_eq!(window(text, span, most), (shown.to_owned(), marked.to_owned()), "{row}");
        }
        let broken = Window::around(b"name: Caf\xe9 x\n", &(9..9), 40);
        assert_eq!(broken.text, "name: Caf\u{fffd} x");
    }
}
