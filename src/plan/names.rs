//! Names as people read them: when two are one, and in what they differ.
//!
//! **Invariant:** two names have one key where a reader cannot tell them apart.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::plan::characters::{looks_like, named, shown};
use crate::plan::fields::warn_of_comment;
use crate::plan::misprints::{doubtful, no_name, no_profile};
use crate::plan::model::ProfileRef;
use crate::plan::{Node, Problems, text};

/// What two names have in common that a reader takes for one: NFKC, case, blanks, and letters of other scripts that
/// look the same.
pub(crate) fn key(name: &str) -> String {
    normal(&fold(&key_with_case(name)))
}

/// The same, but upper and lower case are two.
pub(crate) fn key_with_case(name: &str) -> String {
    let seen = |char: &char| !matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let alike: String = normal(name).chars().filter(seen).map(looks_like).collect();
    joined(&normal(&alike))
}

/// The key of a profile: [`key`] or [`key_with_case`] of its name. Whether a name and an ID mean one profile, only
/// Cloudflare knows.
pub(super) fn profile_key(profile: &ProfileRef, key: fn(&str) -> String) -> ProfileRef {
    match profile {
        ProfileRef::Named(name) => ProfileRef::Named(key(name)),
        other => other.clone(),
    }
}

fn normal(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text).into_owned()
}

/// Full case folding: lower case alone keeps `ß` and `SS` apart, upper case alone `ẞ`.
fn fold(text: &str) -> String {
    text.to_lowercase().to_uppercase().to_lowercase()
}

/// Blanks of every kind at the ends left out, and each row of them within as one.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// In what two names of one key differ; `None`: in nothing.
pub(crate) fn difference(name: &str, other: &str) -> Option<String> {
    if name == other {
        return None;
    }
    let mut pairs = pairs(name, other).filter(|(one, two)| one != two);
    let (one, two) = pairs.next()?;
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    Some(if nfc.normalize(name) == nfc.normalize(other) {
        // Where one has `é`, the other has `e` and then the accent.
        let made_up = one.max(two).unwrap_or_default();
        format!("how `{made_up}` is made up (NFC or NFD)")
    } else if joined(name) == joined(other) {
        let odd = [one, two].into_iter().flatten().find(|char| char.is_whitespace() && *char != ' ');
        format!("blanks{}", odd.map(|odd| format!(" ({})", named(odd))).unwrap_or_default())
    } else if fold(name) == fold(other) && normal(name) != normal(other) {
        "upper and lower case".to_owned()
    } else {
        let not_case = |(one, two): &(Option<char>, Option<char>)| {
            one.zip(*two).is_none_or(|(one, two)| one.to_lowercase().ne(two.to_lowercase()))
        };
        let (one, two) =
            Some((one, two)).filter(not_case).or_else(|| pairs.find(not_case)).unwrap_or((one, two));
        let shown = |char: Option<char>| char.map_or_else(|| "nothing".to_owned(), shown);
        format!("a character: one has {}, the other {}", shown(one), shown(two))
    })
}

/// The same as the end of a sentence.
pub(super) fn differing(name: &str, other: &str) -> String {
    difference(name, other).map(|what| format!("; the two differ only in {what}")).unwrap_or_default()
}

/// The characters of both, side by side.
fn pairs(name: &str, other: &str) -> impl Iterator<Item = (Option<char>, Option<char>)> {
    let (mut one, mut two) = (name.chars(), other.chars());
    std::iter::from_fn(move || Some((one.next(), two.next())).filter(|pair| *pair != (None, None)))
}

/// A text that is used as a name.
pub(crate) fn name<'a>(node: &'a Node, what: &str, problems: &mut Problems) -> Option<&'a str> {
    name_or(node, what, "", problems)
}

/// The same; `otherwise` says what to do where the thing is really called so.
pub(super) fn name_or<'a>(
    node: &'a Node,
    what: &str,
    otherwise: &str,
    problems: &mut Problems,
) -> Option<&'a str> {
    let text = text(node, what, problems)?;
    if node.is_folded {
        let problem = format!("{what} goes on in the next line, so all of it is one text, `{text}`");
        problems.wrong(&node.at, problem, "write it on one line; begin each entry of a list with a dash");
        return None;
    }
    if let Some((problem, instead)) = no_name(text) {
        problems.wrong(&node.at, format!("{what} {problem}"), instead.and(otherwise));
        return None;
    }
    if let Some((problem, instead)) = doubtful(text) {
        problems.warn(&node.at, format!("{what} {problem}"), instead, None);
    }
    warn_of_comment(node, text, problems);
    Some(text)
}

/// Whether a plan takes a text of one line as a name.
pub(crate) fn is_name(text: &str) -> bool {
    no_name(text).is_none()
}

/// Whether it takes a name as that of a profile.
pub(crate) fn is_profile_name(text: &str) -> bool {
    is_name(text) && no_profile(text).is_none() && key(text) != "default"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_reader_takes_for_one_have_one_key() {
        let case = Some("upper and lower case");
        let rows: [(&str, &str, &str, Option<&str>); 14] = [
            ("the same", "Café", "Café", None),
            ("composed or not", "Caf\u{e9}", "Cafe\u{301}", Some("how `é` is made up (NFC or NFD)")),
            ("case", "Pilot", "pilot", case),
            ("case, ß", "Straße", "STRASSE", case),
            ("case, ẞ", "STRAẞE", "Straße", case),
            ("a blank that does not break", "Ring 1", "Ring\u{a0}1", Some("blanks (U+00A0 NO-BREAK SPACE)")),
            ("two blanks", "Ring  1", "Ring 1", Some("blanks")),
            ("a blank at the end", "Ring ", "Ring", Some("blanks")),
            (
                "Cyrillic",
                "Pilot А",
                "Pilot A",
                Some("a character: one has U+0410 (Cyrillic letter), the other `A`"),
            ),
            (
                "Greek",
                "Pilot Α",
                "Pilot A",
                Some("a character: one has U+0391 (Greek letter), the other `A`"),
            ),
            ("a ligature", "O\u{fb03}ce", "Office", Some("a character: one has U+FB03, the other `f`")),
            ("wide", "ＩＴ", "IT", Some("a character: one has U+FF29, the other `I`")),
            ("a dash", "A – B", "A - B", Some("a character: one has U+2013 EN DASH, the other `-`")),
            (
                "emoji or text",
                "❤\u{fe0f}",
                "❤",
                Some("a character: one has U+FE0F VARIATION SELECTOR-16, the other nothing"),
            ),
        ];
        for (row, name, other, expected) in rows {
            assert_eq!(key(name), key(other), "{row}");
            assert_eq!(difference(name, other).as_deref(), expected, "{row}");
            assert_eq!(key_with_case(name) == key_with_case(other), expected != case, "{row}");
        }
    }

    #[test]
    fn names_that_differ_to_a_reader_have_two_keys() {
        let rows = [
            ("m and rn", "Modern", "Modem"),
            ("a digit and a letter", "Ring 1", "Ring l"),
            ("a numeral", "Ring I", "Ring 1"),
            ("an accent", "Cafe", "Café"),
            ("the dotted I of Turkish", "İzmir", "izmir"),
            ("a blank", "Pilot 1", "Pilot1"),
            ("a word of Cyrillic", "Пилот", "Pilot"),
        ];
        for (row, name, other) in rows {
            assert_ne!(key(name), key(other), "{row}");
        }
    }
}
