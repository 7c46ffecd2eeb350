//! What the output can show: its width, its characters, its colours.
//!
//! **Invariant:** it is decided once, from terminal and environment; only a terminal's cells are
//! ever cut, so that a file or a pipe gets everything.

use std::io::{self, IsTerminal as _, Write as _};

use anstream::adapter::strip_str;
use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The width of anything that has none, such as a file.
const DEFAULT_COLUMNS: usize = 80;
/// Narrower ones are written to as if they had this many.
const LEAST_COLUMNS: usize = 20;

/// Where a command's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Columns that text is wrapped to.
    pub columns: usize,
    /// Terminal or not.
    pub surface: Surface,
    /// The characters that it can show.
    pub glyphs: Glyphs,
    /// Whether it shows colours.
    pub ink: Ink,
}

/// Where the output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// A terminal, with so many rows.
    Terminal {
        /// Its height.
        rows: usize,
    },
    /// A file or a pipe.
    Stream,
}

/// Characters beyond ASCII, or their substitutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// The locale is UTF-8 and the terminal can draw.
    Unicode,
    /// Anything else.
    Ascii,
}

/// Colours or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Text only.
    Plain,
    /// Escape sequences for colours and weight.
    Colour,
}

/// What a colour means; nothing is told by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tint {
    /// A name that the eye looks for.
    Strong,
    /// As it should be.
    Good,
    /// Under way.
    Moving,
    /// It waits for something.
    Waiting,
    /// A person must look.
    Bad,
    /// Beside the point.
    Quiet,
}

impl Ink {
    /// By NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM, as every program does; else a terminal has
    /// colours.
    pub fn of(stream: &impl RawStream) -> Self {
        match AutoStream::choice(stream) {
            ColorChoice::Never => Self::Plain,
            ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => Self::Colour,
        }
    }
}

impl Screen {
    /// Standard output as it is.
    pub fn of_stdout() -> Self {
        let stdout = io::stdout();
        let size = terminal_size::terminal_size_of(&stdout)
            .filter(|_| stdout.is_terminal())
            .map(|(columns, rows)| (usize::from(columns.0), usize::from(rows.0)));
        Self::of(size, |name| std::env::var(name).ok(), Ink::of(&stdout))
    }

    /// A terminal of this many columns and rows, or none, with these variables.
    pub fn of(terminal: Option<(usize, usize)>, variable: impl Fn(&str) -> Option<String>, ink: Ink) -> Self {
        let asked = variable("COLUMNS").and_then(|text| text.parse().ok()).filter(|columns| *columns > 0);
        let columns = asked.or(terminal.map(|(columns, _)| columns)).unwrap_or(DEFAULT_COLUMNS);
        let surface = terminal.map_or(Surface::Stream, |(_, rows)| Surface::Terminal { rows });
        Self { columns: columns.max(LEAST_COLUMNS), surface, glyphs: glyphs(variable), ink }
    }

    /// `text` in a colour, where there are colours.
    pub(crate) fn paint(&self, tint: Tint, text: &str) -> String {
        let style = match tint {
            Tint::Strong => Style::new().effects(Effects::BOLD),
            Tint::Good => AnsiColor::Green.on_default(),
            Tint::Moving => AnsiColor::Cyan.on_default(),
            Tint::Waiting => AnsiColor::Yellow.on_default(),
            Tint::Bad => AnsiColor::Red.on_default().effects(Effects::BOLD),
            Tint::Quiet => Style::new().effects(Effects::DIMMED),
        };
        match self.ink {
            Ink::Plain => text.to_owned(),
            Ink::Colour => format!("{style}{text}{style:#}"),
        }
    }

    /// A character, or its substitute where it cannot be shown.
    pub(crate) const fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }

    /// `text` in at most `cells` cells.
    pub(crate) fn cut(&self, text: &str, cells: usize) -> String {
        if text.width() <= cells {
            return text.to_owned();
        }
        let mark = self.glyph("…", "~");
        let room = cells.saturating_sub(mark.width());
        let mut kept = String::new();
        let mut used = 0;
        for char in text.chars() {
            used += char.width().unwrap_or(0);
            if used > room {
                break;
            }
            kept.push(char);
        }
        kept.push_str(mark);
        kept
    }

    /// Writes `lead` and then `text`, as [`Screen::flow`] wraps them.
    pub(crate) fn say(&self, out: &mut dyn io::Write, lead: &str, text: &str) -> io::Result<()> {
        write!(out, "{}", self.flow(lead, text))
    }

    /// `lead` and then `text`, wrapped, with further lines indented as far as `lead` reaches; ends
    /// with a line break. Both may be painted. A word that is longer than a line is broken.
    pub(crate) fn flow(&self, lead: &str, text: &str) -> String {
        // A lead that takes most of the line leaves no room to hang from.
        let hang = if cells(lead) * 2 > self.columns { 2 } else { cells(lead) };
        let room = self.columns.saturating_sub(hang).max(8);
        let mut flowed = lead.to_owned();
        let (mut used, mut is_begun) = (cells(lead) - hang, false);
        for word in text.split_whitespace().flat_map(|word| pieces(word, room)) {
            let gap = usize::from(is_begun);
            if used > 0 && used + gap + cells(&word) > room {
                flowed.truncate(flowed.trim_end_matches(' ').len());
                flowed.push('\n');
                flowed.push_str(&" ".repeat(hang));
                used = 0;
            } else {
                flowed.push_str(&" ".repeat(gap));
                used += gap;
            }
            flowed.push_str(&word);
            used += cells(&word);
            is_begun = true;
        }
        format!("{}\n", flowed.trim_end_matches(' '))
    }
}

/// Shows a line on standard error that the next one overwrites; where that is no terminal, nothing.
pub(crate) fn transient(text: &str) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        // A terminal that is gone takes nothing away from the answer.
        let _ = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
    }
}

/// The cells that a text takes, painted or not.
pub(crate) fn cells(text: &str) -> usize {
    strip_str(text).to_string().width()
}

/// The first of these variables that is set names the locale (POSIX).
fn glyphs(variable: impl Fn(&str) -> Option<String>) -> Glyphs {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    if utf8 && !dumb { Glyphs::Unicode } else { Glyphs::Ascii }
}

/// A word, in pieces of at most `room` cells if it is longer.
fn pieces(word: &str, room: usize) -> Vec<String> {
    if cells(word) <= room {
        return vec![word.to_owned()];
    }
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for char in strip_str(word).to_string().chars() {
        let width = char.width().unwrap_or(0);
        if used + width > room {
            pieces.push(String::new());
            used = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(char);
        }
        used += width;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(columns: usize, glyphs: Glyphs, ink: Ink) -> Screen {
        Screen { columns, surface: Surface::Stream, glyphs, ink }
    }

    #[test]
    fn width_and_characters_come_from_terminal_and_environment() {
        let terminal = Some((132, 40));
        type Row =
            (&'static str, Option<(usize, usize)>, &'static [(&'static str, &'static str)], usize, Glyphs);
        let rows: [Row; 9] = [
            ("a terminal", terminal, &[("LANG", "en_GB.UTF-8")], 132, Glyphs::Unicode),
            ("told narrower", terminal, &[("COLUMNS", "60"), ("LANG", "C.utf8")], 60, Glyphs::Unicode),
            ("a pipe", None, &[("LANG", "pt_PT.UTF-8")], 80, Glyphs::Unicode),
            ("a pipe of a width", None, &[("COLUMNS", "100")], 100, Glyphs::Ascii),
            ("nonsense", None, &[("COLUMNS", "wide"), ("LC_ALL", "C")], 80, Glyphs::Ascii),
            ("zero", terminal, &[("COLUMNS", "0")], 132, Glyphs::Ascii),
            ("very narrow", Some((5, 5)), &[], 20, Glyphs::Ascii),
            ("LC_ALL wins", None, &[("LC_ALL", "C"), ("LANG", "C.UTF-8")], 80, Glyphs::Ascii),
            ("a dumb one", terminal, &[("TERM", "dumb"), ("LANG", "C.UTF-8")], 132, Glyphs::Ascii),
        ];
        for (row, terminal, set, columns, glyphs) in rows {
            let value = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let found = Screen::of(terminal, value, Ink::Plain);
            assert_eq!((found.columns, found.glyphs), (columns, glyphs), "{row}");
        }
    }

    #[test]
    fn text_is_cut_and_wrapped_by_cells() {
        let wide = screen(24, Glyphs::Unicode, Ink::Plain);
        let ascii = screen(24, Glyphs::Ascii, Ink::Plain);
        assert_eq!(wide.cut("laptop-0042", 8), "laptop-…");
        assert_eq!(ascii.cut("laptop-0042", 8), "laptop-~");
        assert_eq!(wide.cut("laptop-0042", 11), "laptop-0042");
        assert_eq!(wide.cut("環境環境", 5), "環境…", "a wide character takes two cells");
        assert_eq!(wide.flow("  a  ", "one two three four five"), "  a  one two three four\n     five\n");
        assert_eq!(wide.flow("x ", "0123456789012345678901234567"), "x 0123456789012345678901\n  234567\n");
        assert_eq!(
            wide.flow("a lead of twenty here: ", "word next"),
            "a lead of twenty here:\n  word next\n"
        );
        assert_eq!(wide.flow("- ", ""), "-\n");
        let painted = "\u{1b}[1mone two\u{1b}[0m three four five";
        assert_eq!(wide.flow("  a  ", painted), "  a  \u{1b}[1mone two\u{1b}[0m three four\n     five\n");
    }

    #[test]
    fn colour_is_only_where_it_is_wanted() {
        let plain = screen(80, Glyphs::Unicode, Ink::Plain);
        let colour = screen(80, Glyphs::Unicode, Ink::Colour);
        assert_eq!(plain.paint(Tint::Bad, "x"), "x");
        let painted = colour.paint(Tint::Bad, "x");
        assert!(painted.starts_with('\u{1b}') && painted.ends_with("\u{1b}[0m"), "{painted:?}");
    }
}
