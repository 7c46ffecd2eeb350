//! How the values of flags are read that several commands share.
//!
//! **Invariant:** whatever can be told wrong without asking anybody is refused here, with exit 2.

use std::ffi::OsStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};

use crate::web::json::MAX_REASON_CHARS;

/// Reads a text that is not said again where it is refused, as clap would: it may be long, or hold a password.
#[derive(Clone, Copy)]
pub(crate) struct Unrepeated<T> {
    pub(crate) read: fn(&str) -> Result<T, String>,
    /// What is said of bytes that are no text.
    pub(crate) no_text: &'static str,
    /// How a refusal begins; `{}` is the flag.
    pub(crate) lead: &'static str,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Unrepeated<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        let read = value.to_str().ok_or_else(|| self.no_text.to_owned()).and_then(self.read);
        read.map_err(|why| {
            let lead = self.lead.replace("{}", &arg.map(ToString::to_string).unwrap_or_default());
            let told = format!("{lead}: {why}\n\nFor more information, try '--help'.\n");
            clap::Error::raw(ErrorKind::ValueValidation, told).with_cmd(cmd)
        })
    }
}

/// Reads a reason.
pub(crate) const REASON: Unrepeated<String> = why(reason);

/// Reads a reason to stop: what was pasted along with it must not keep anybody from stopping.
pub(crate) const REASON_TO_STOP: Unrepeated<String> = why(|text| reason(&text.replace(is_stray, " ")));

const fn why(read: fn(&str) -> Result<String, String>) -> Unrepeated<String> {
    Unrepeated { read, no_text: "it is no text", lead: "'{}' cannot be taken" }
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, String> {
    let words = text.trim();
    if words.is_empty() {
        return Err("say why, in a few words".to_owned());
    }
    let length = words.chars().count();
    if length > MAX_REASON_CHARS {
        return Err(format!("it has {length} characters; say it in at most {MAX_REASON_CHARS}"));
    }
    if words.chars().any(is_stray) {
        return Err("it holds a control character, which the log does not keep; leave it out".to_owned());
    }
    Ok(words.to_owned())
}

/// What the log does not keep in a reason.
fn is_stray(char: char) -> bool {
    char.is_control() && !matches!(char, '\n' | '\t')
}

/// Reads one of a closed set by its word, and lists the words in the help.
pub(crate) fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    word: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let words = all.iter().map(move |value| word(*value));
    PossibleValuesParser::new(words).try_map(move |text| {
        let named = all.iter().copied().find(|value| word(*value) == text);
        named.ok_or("it is not in the list")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_takes_its_reason_without_control_characters() {
        let read = REASON_TO_STOP.read;
        assert_eq!(read("dns\u{1b}[31m is\rdown\u{7}").unwrap(), "dns [31m is down");
        assert_eq!(read("dns\nis down").unwrap(), "dns\nis down");
    }
}
