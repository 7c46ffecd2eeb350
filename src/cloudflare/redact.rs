//! Keeps secrets out of every text that leaves this module: the client's token, those that the process
//! knows ([`crate::secrets`]), and all that has a token's shape.
//!
//! **Invariant:** a text that came from outside passes [`Redactor::clean`] before it enters an
//! error or a log line.

use std::borrow::Cow;

use secrecy::{ExposeSecret, SecretString};

use crate::secrets;

/// What stands in for a token.
const MASK: &str = "[token]";
/// How Cloudflare's tokens begin since 2026: user-owned and account-owned.
const TOKEN_PREFIXES: [&str; 2] = ["cfut_", "cfat_"];
/// The longest text taken over from an answer, in characters.
const MAX_CHARS: usize = 300;

/// Knows the token, so that it can recognise an echo of it.
#[derive(Debug)]
pub(super) struct Redactor {
    token: SecretString,
}

impl Redactor {
    pub(super) fn new(token: SecretString) -> Self {
        Self { token }
    }

    /// `text` without the token, without anything shaped like one, without control characters,
    /// cut to [`MAX_CHARS`] (the cut is marked).
    pub(super) fn clean(&self, text: &str) -> String {
        let token = self.token.expose_secret();
        let mut text = if token.is_empty() { text.to_owned() } else { text.replace(token, MASK) };
        if let Cow::Owned(covered) = secrets::redact(&text) {
            text = covered;
        }
        for prefix in TOKEN_PREFIXES {
            text = mask_shaped(&text, prefix);
        }
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match plain.char_indices().nth(MAX_CHARS) {
            Some((cut, _)) => format!("{}...", &plain[..cut]),
            None => plain,
        }
    }
}

/// Replaces each run of token characters that begins with `prefix`.
fn mask_shaped(text: &str, prefix: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(prefix) {
        let (before, shaped) = rest.split_at(start);
        masked.push_str(before);
        masked.push_str(MASK);
        let end = shaped
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(shaped.len());
        rest = &shaped[end..];
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_tokens() {
        let old = "Q7gA0123456789abcdefghijklmnopqrstuvwxyz";
        let redactor = Redactor::new(SecretString::from(old));
        let rows = [
            ("nothing to hide", "no route for the URI", "no route for the URI"),
            ("the token itself", &format!("bad token {old}!"), "bad token [token]!"),
            ("twice", &format!("{old}{old}"), "[token][token]"),
            ("an account token", "got cfat_AbC-12_x, want more", "got [token], want more"),
            ("a user token at the end", "Bearer cfut_abc", "Bearer [token]"),
            ("control characters", "a\r\nb\u{1b}[31m", "a  b [31m"),
        ];
        for (row, text, expected) in rows {
            assert_eq!(redactor.clean(text), expected, "{row}");
        }
        assert!(!format!("{redactor:?}").contains(old));
    }

    #[test]
    fn a_cut_never_leaves_half_a_token() {
        let token = "cfut_0123456789012345678901234567890123456789";
        let redactor = Redactor::new(SecretString::from(token));
        let text = format!("{}{token}{}", "é".repeat(MAX_CHARS - 10), "y".repeat(500));
        let clean = redactor.clean(&text);
        assert!(!clean.contains("cfut"), "{clean}");
        assert!(clean.ends_with("..."), "{clean}");
    }
}
