//! The characters that nobody sees on a screen, for whoever shows or takes texts from outside; and texts as
//! words of a shell, and errors as one line.
//!
//! **Invariant:** there is one list of them: what a plan may not hold is what every output makes
//! visible.

/// Whether a reader does not see the character as it is, beyond controls: a line or paragraph
/// separator, a mark that turns the reading direction or has no width, one that Unicode gives no
/// meaning. With it a name reads as another one.
pub const fn is_unseen(char: char) -> bool {
    let code = char as u32;
    matches!(
        char,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffc}'
            | '\u{e0000}'..='\u{e0fff}'
    ) || code & 0xfffe == 0xfffe
}

/// A text as one word of a shell.
pub fn in_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The same, plain where a shell takes it so.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@');
    if text.chars().all(plain) && !text.starts_with('-') { text.to_owned() } else { in_shell(text) }
}

/// An error and what lies under it, in one line.
pub(crate) fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut under = error.source();
    while let Some(source) = under {
        let said = source.to_string();
        // A transparent error says what the one under it says.
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        under = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_cannot_see_is_listed() {
        let rows = [
            ("a letter", 'é', false),
            ("another script", '環', false),
            ("right to left by itself", 'א', false),
            ("emoji", '🚀', false),
            ("what stands for the others", char::REPLACEMENT_CHARACTER, false),
            ("a space without a break", '\u{a0}', false),
            ("a soft hyphen", '\u{ad}', true),
            ("the Arabic letter mark", '\u{61c}', true),
            ("a space of no width", '\u{200b}', true),
            ("the right-to-left mark", '\u{200f}', true),
            ("a line separator", '\u{2028}', true),
            ("an override", '\u{202e}', true),
            ("a word joiner", '\u{2060}', true),
            ("an isolate", '\u{2067}', true),
            ("a byte order mark", '\u{feff}', true),
            ("an annotation", '\u{fff9}', true),
            ("no character", '\u{1fffe}', true),
            ("a tag", '\u{e0041}', true),
        ];
        for (row, char, expected) in rows {
            assert_eq!(is_unseen(char), expected, "{row}");
        }
    }

    #[test]
    fn a_command_can_be_pasted() {
        let rows = [
            ("a plain name", "client-2026.8", "client-2026.8"),
            ("spaces", "Early adopters", "'Early adopters'"),
            ("a quote", "it's", r"'it'\''s'"),
            ("a command", "$(reboot);`x`", "'$(reboot);`x`'"),
            ("an option", "-x", "'-x'"),
            ("another script", "環", "'環'"),
        ];
        for (row, text, expected) in rows {
            assert_eq!(shell_word(text), expected, "{row}");
        }
    }
}
