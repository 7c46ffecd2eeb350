//! Texts of an answer, cut where they are longer than anything that a person wrote.
//!
//! **Invariant:** a text that is cut never equals one that is not, nor another one that is cut: it ends with how long
//! it was and the digest of all of it. It is for people and for comparing, and never sent.

use aws_lc_rs::digest::{SHA256, digest};
use serde::de::{Deserialize, Deserializer};

use crate::rollout::record::hex;

/// The longest text that is kept whole, in characters: the contract's longest name.
pub(in crate::cloudflare) const MAX_CHARS: usize = 255;

/// A text of an answer.
#[derive(Debug)]
pub(in crate::cloudflare) struct BoundedText(pub(in crate::cloudflare) String);

impl<'de> Deserialize<'de> for BoundedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = String::deserialize(deserializer)?;
        let Some((end, _)) = whole.char_indices().nth(MAX_CHARS) else { return Ok(Self(whole)) };
        let (kept, chars) = (&whole[..end], whole.chars().count());
        let digest = hex(digest(&SHA256, whole.as_bytes()).as_ref());
        // The string of the answer goes: of a long one little is kept.
        Ok(Self(format!("{kept}… ({chars} characters, SHA-256 {digest})")))
    }
}

/// Whether a text was cut.
pub(in crate::cloudflare) fn is_cut(text: &str) -> bool {
    text.chars().nth(MAX_CHARS).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn read(text: &str) -> String {
        from_value::<BoundedText>(Value::from(text)).unwrap().0
    }

    #[test]
    fn a_text_is_whole_or_says_that_it_was_cut() {
        let rows = [
            ("empty", String::new(), false),
            ("a name", "Ring 0".to_owned(), false),
            ("as long as may be", "x".repeat(255), false),
            ("a character longer", "x".repeat(256), true),
            ("as long, of more bytes", "環".repeat(255), false),
            ("a character longer, of more bytes", "環".repeat(256), true),
            ("a megabyte", "x".repeat(1 << 20), true),
        ];
        for (row, text, cut) in rows {
            let found = read(&text);
            assert_eq!((found != text, is_cut(&found)), (cut, cut), "{row}");
            assert!(found.chars().count() < 400, "{row}: {} characters are kept", found.chars().count());
        }
    }

    #[test]
    fn cutting_makes_no_two_texts_equal() {
        let long = "x".repeat(300);
        let (one, other) = (format!("{long}1"), format!("{long}2"));
        let rows = [
            ("two that differ beyond the cut", one.clone(), other),
            ("one that is the beginning of the other", long.clone(), one.clone()),
            ("one that is what is kept of the other", "x".repeat(255), one.clone()),
            ("one that is what is written for the other", read(&one), one),
        ];
        for (row, text, other) in rows {
            assert_ne!(read(&text), read(&other), "{row}");
        }
        assert!(from_value::<BoundedText>(json!(1)).is_err(), "no text");
    }
}
