//! The characters that nobody sees on a screen, for whoever shows or takes texts from outside; texts as words of a
//! shell, in a row, as hexadecimal digits, errors as one line; and what types have that are kept as a text.
//!
//! **Invariant:** there is one list of them: what a plan may not hold is what every output makes
//! visible.

use std::borrow::Cow;

/// Whether a reader does not see the character as it is, beyond controls: what Unicode has as
/// `Default_Ignorable_Code_Point` (of no width, or turning the reading direction), a line or paragraph separator, a
/// blank that is called a letter or a pattern, one that Unicode gives no meaning. With it a name reads as another one.
pub const fn is_unseen(char: char) -> bool {
    let code = char as u32;
    matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffc}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    ) || code & 0xfffe == 0xfffe
}

/// The mark that has a sign drawn in colour.
const DRAWN_AS_EMOJI: char = '\u{fe0f}';

/// The characters of a text, each with whether a reader sees it as it is: a joiner is seen in what it joins, and the
/// mark of an emoji in the sign before it.
pub fn seen(text: &str) -> impl Iterator<Item = (char, bool)> {
    let (mut chars, mut before) = (text.chars().peekable(), None);
    std::iter::from_fn(move || {
        let char = chars.next()?;
        if char == DRAWN_AS_EMOJI && before.is_some_and(may_be_drawn) {
            // What it is part of is what a joiner joins; a second mark is not seen.
            before = before.filter(|_| matches!(chars.peek(), Some('\u{200d}')));
            return Some((char, true));
        }
        let joins = matches!(char, '\u{200c}' | '\u{200d}')
            && before.is_some_and(is_joined)
            && chars.peek().copied().is_some_and(is_joined);
        before = Some(char);
        Some((char, joins || !is_unseen(char)))
    })
}

/// Whether a joiner beside the character is of use: letters from Arabic on, and emoji. Between Latin, Greek or
/// Cyrillic letters it is there to deceive, or by mistake.
const fn is_joined(char: char) -> bool {
    let is_latin_or_greek = matches!(char, '\u{1e00}'..='\u{1fff}' | '\u{2c60}'..='\u{2c7f}' | '\u{a640}'..='\u{a69f}' | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}' | '\u{fb00}'..='\u{fb17}' | '\u{ff00}'..='\u{ff5e}');
    let is_sign = matches!(char, '\u{2000}'..='\u{218f}' | '\u{3000}'..='\u{3020}');
    char >= '\u{600}' && !is_latin_or_greek && !is_sign && !is_unseen(char)
}

/// Whether a sign has a form in colour beside the plain one.
const fn may_be_drawn(char: char) -> bool {
    matches!(char,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21aa}'
        | '\u{2300}'..='\u{27bf}' | '\u{2934}'..='\u{2935}' | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}'
        | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether a character stands for itself wherever text is shown: it is no control, and a reader sees it.
fn is_plain(char: char) -> bool {
    !char.is_control() && !is_unseen(char)
}

/// A text with what nobody sees, and controls, written as `\u{202e}`: two texts that differ still do.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let shown = seen(text).map(|(char, is_seen)| match is_seen && !char.is_control() {
        true => String::from(char),
        false => char.escape_unicode().to_string(),
    });
    Cow::Owned(shown.collect())
}

/// JSON with what nobody sees, and the controls that JSON lets stand, in its own escapes: it means the same, and a
/// terminal obeys nothing of it. Outside of its texts JSON has none of them.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let stays = |char: char| is_plain(char) || char == '\n';
    if json.chars().all(stays) {
        return Cow::Borrowed(json);
    }
    let mut units = [0; 2];
    let mut shown = String::with_capacity(json.len());
    for char in json.chars() {
        if stays(char) {
            shown.push(char);
        } else {
            shown.extend(char.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    Cow::Owned(shown)
}

/// The words of enums that derive [`strum::IntoStaticStr`], and the lists of those that derive
/// [`strum::VariantArray`] and [`strum::EnumCount`] besides: what is said once, by the variant's name, is the word
/// in log, metrics, API and on the command line.
macro_rules! worded {
    ($($listed:ident),+; $($worded:ident),*) => {
        $(impl $listed {
            /// All, in the order of their declaration.
            pub const ALL: [Self; <Self as strum::EnumCount>::COUNT] =
                $crate::text::all(<Self as strum::VariantArray>::VARIANTS);

            /// Its word.
            pub const fn as_str(self) -> &'static str {
                self.into_str()
            }
        })+
        $crate::text::worded!($($worded),*);
    };
    ($($worded:ident),*) => {
        $(impl $worded {
            /// Its word.
            pub const fn as_str(&self) -> &'static str {
                self.into_str()
            }
        })*
    };
}
pub(crate) use worded;

/// All variants of an enum as an array.
pub(crate) const fn all<T: Copy, const COUNT: usize>(variants: &[T]) -> [T; COUNT] {
    match variants.first_chunk() {
        Some(all) => *all,
        None => panic!("strum counts as many variants as it lists"),
    }
}

/// Keeps a type in JSON as the text that it is shown and read as.
macro_rules! kept_as_text {
    ($kept:ty) => {
        impl serde::Serialize for $kept {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $kept {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use kept_as_text;

/// Types of checked texts: each with its error, and what makes of a text the one that is kept.
macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident or $error:ident: $read:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// When it is no such text.
            pub fn new(text: impl Into<String>) -> Result<Self, $error> {
                let read: fn(String) -> Result<String, $error> = $read;
                read(text.into()).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        $crate::text::kept_as_text!($name);
    )+};
}
pub(crate) use text_types;

/// Whether a text is so many hexadecimal digits in lower case.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Texts in one, with something between each two of them.
pub(crate) fn joined<T: std::fmt::Display>(texts: impl IntoIterator<Item = T>, between: &str) -> String {
    texts.into_iter().map(|text| text.to_string()).collect::<Vec<_>>().join(between)
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
    let under = std::iter::successors(error.source(), |error| error.source());
    under.map(ToString::to_string).fold(error.to_string(), |text, said| {
        // A transparent error says what the one under it says.
        if text.contains(&said) { text } else { format!("{text}: {said}") }
    })
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
            ("a filler of Hangul", '\u{3164}', true),
            ("a filler before Hangul", '\u{115f}', true),
            ("a filler within Hangul", '\u{1160}', true),
            ("a filler of half width", '\u{ffa0}', true),
            ("a pattern of Braille without a dot", '\u{2800}', true),
            ("a pattern of Braille", '\u{2801}', false),
            ("a joiner of graphemes", '\u{34f}', true),
            ("the first selector of a variant", '\u{fe00}', true),
            ("the last selector of a variant", '\u{fe0f}', true),
            ("a vowel of Khmer that is not written", '\u{17b4}', true),
            ("a selector of Mongolian", '\u{180b}', true),
            ("a mark of shorthand", '\u{1bca0}', true),
            ("a mark of notes", '\u{1d173}', true),
        ];
        for (row, char, expected) in rows {
            assert_eq!(is_unseen(char), expected, "{row}");
        }
    }

    #[test]
    fn a_joiner_is_seen_in_what_it_joins() {
        let rows = [
            ("a family", "👨\u{200d}👩\u{200d}👧 IT", true),
            ("a heart on fire", "❤\u{fe0f}\u{200d}🔥", true),
            ("Persian", "می\u{200c}خواهم", true),
            ("Hindi, after a virama", "क्\u{200d}ष", true),
            ("Latin letters", "Pi\u{200d}lot", false),
            ("Cyrillic letters", "Пи\u{200d}лот", false),
            ("at the end", "👩\u{200d}", false),
            ("at the beginning", "\u{200d}👩", false),
            ("beside a blank", "👩\u{200d} 👧", false),
            ("doubled", "👩\u{200d}\u{200d}👧", false),
            ("of one side", "a\u{200d}👧", false),
            ("a sign drawn in colour", "⚠\u{fe0f} Pilot", true),
            ("a sign drawn in colour twice", "⚠\u{fe0f}\u{fe0f}", false),
            ("a letter drawn in colour", "Pilot\u{fe0f}", false),
            ("a sign drawn plain", "⚠\u{fe0e}", false),
        ];
        for (row, text, expected) in rows {
            assert_eq!(seen(text).all(|(_, is_seen)| is_seen), expected, "{row}");
        }
    }

    #[test]
    fn what_nobody_sees_is_written_out() {
        // As text, and as JSON, which means the same.
        let rows = [
            ("plain", "Ring ünö 環 🚀", "Ring ünö 環 🚀", "Ring ünö 環 🚀"),
            ("C1", "a\u{9b}31m", r"a\u{9b}31m", r"a\u009b31m"),
            ("the last control of ASCII", "a\u{7f}b", r"a\u{7f}b", r"a\u007fb"),
            ("an override", "a\u{202e}b", r"a\u{202e}b", r"a\u202eb"),
            ("an isolate", "\u{2067}b", r"\u{2067}b", r"\u2067b"),
            ("beyond 16 bits", "a\u{e0041}b", r"a\u{e0041}b", r"a\udb40\udc41b"),
            ("emoji that are joined", "👩\u{200d}👧", "👩\u{200d}👧", r"👩\u200d👧"),
        ];
        for (row, text, expected, in_json) in rows {
            assert_eq!(visible(text), expected, "{row}");
            let json = serde_json::to_string(text).unwrap();
            let shown = visible_json(&json);
            assert_eq!(shown, format!("\"{in_json}\""), "{row}");
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text, "{row}");
        }
        assert_eq!(
            visible("one\ntwo"),
            r"one\u{a}two",
            "a line break is a control of a text, and stays in JSON"
        );
        assert_eq!(visible_json("{\n}"), "{\n}");
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
