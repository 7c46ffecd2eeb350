//! Texts from the account, written so that YAML reads them back as they were.
//!
//! **Invariant:** whatever the text, the written form stays on its line, means the text and nothing
//! else, and shows no character that a reader cannot see.

use crate::{cli::safe, text::is_unseen};

/// Words that some reader of YAML takes for something else than text.
const OTHER_MEANING: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "default"];

/// A text as a YAML value, bare where that is safe and in double quotes elsewhere.
pub(super) fn scalar(text: &str) -> String {
    let inner = |char: char| char.is_ascii_alphanumeric() || " _-./()".contains(char);
    let bare = text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.chars().all(inner)
        && !text.ends_with(' ')
        && !OTHER_MEANING.contains(&text.to_ascii_lowercase().as_str());
    if bare { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for char in text.chars() {
        match char {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            unseen if !is_plain(unseen) && u32::from(unseen) > 0xffff => {
                written.push_str(&format!("\\U{:08X}", u32::from(unseen)));
            }
            unseen if !is_plain(unseen) => written.push_str(&format!("\\u{:04X}", u32::from(unseen))),
            other => written.push(other),
        }
    }
    written.push('"');
    written
}

/// A text as part of a comment.
pub(super) fn comment(text: &str) -> String {
    safe(text).chars().map(|char| if is_plain(char) { char } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Whether a reader sees the character as it is.
fn is_plain(char: char) -> bool {
    !char.is_control() && !is_unseen(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_what_they_are() {
        let rows = [
            ("plain", "Engineering", "Engineering"),
            ("several words", "Sales (EMEA) 2", "Sales (EMEA) 2"),
            ("a keyword", "no", "\"no\""),
            ("a keyword in capitals", "NULL", "\"NULL\""),
            ("a number", "2026", "\"2026\""),
            ("a dash", "- x", "\"- x\""),
            ("a comment", "a #b", "\"a #b\""),
            ("a mapping", "a: b", "\"a: b\""),
            ("quotes", "the \"A\" team's", "\"the \\\"A\\\" team's\""),
            ("a backslash", "a\\nb", "\"a\\\\nb\""),
            ("spaces around", " IT ", "\" IT \""),
            ("emoji", "🚀 Crew", "\"🚀 Crew\""),
            ("a byte order mark", "a\u{feff}b", "\"a\\uFEFFb\""),
            ("reading direction", "a\u{202e}b", "\"a\\u202Eb\""),
            ("a tag character", "a\u{e0041}b", "\"a\\U000E0041b\""),
            ("a line separator", "a\u{2028}b", "\"a\\u2028b\""),
            ("empty", "", "\"\""),
        ];
        for (row, text, expected) in rows {
            assert_eq!(scalar(text), expected, "{row}");
            let read: String = serde_saphyr::from_str(&scalar(text)).unwrap();
            assert_eq!(read, text, "{row}: another reader");
        }
        assert_eq!(comment("a\nb\u{2028}c\u{202e}"), "a b c\u{fffd}");
    }
}
