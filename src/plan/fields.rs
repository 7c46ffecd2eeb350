//! Reading keys and texts out of the tree, noting every problem and going on.
//!
//! **Invariant:** a reader that returns `None` has noted why.

use std::ops::Range;

use super::advice::Advice;
use super::characters::named;
use super::near::{either, nearest};
use super::synonyms;
use super::tree::{MappingEntry, Node, Value};
use super::{error::Problems, grammar::Mapping};
use crate::text::{is_unseen, seen};

/// The longest text in a plan: Cloudflare names at most 255 characters.
pub(crate) const MAX_TEXT_CHARS: usize = 255;
/// The longest `description`.
pub(crate) const MAX_PROSE_CHARS: usize = 4_000;

/// A mapping whose keys are all known.
pub(crate) struct Fields<'a> {
    entries: &'a [MappingEntry],
    known: &'static Mapping,
    /// Keys that unknown ones were probably meant to be.
    meant: Vec<&'static str>,
    /// Where to say that a key is missing.
    pub(crate) at: Range<usize>,
}

impl<'a> Fields<'a> {
    /// Reads a mapping and notes every key that it may not have.
    pub(crate) fn of(node: &'a Node, known: &'static Mapping, problems: &mut Problems) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            let instead = format!("write keys and values; {} has {}", known.of, names(known));
            wrong_value(node, &format!("{} must be a mapping", known.of), &instead, problems);
            return None;
        };
        let unknown = entries.iter().filter(|entry| known.key(&entry.key).is_none());
        let meant = unknown.flat_map(|entry| unknown_key(entry, known, problems)).collect();
        Some(Self { entries, known, meant, at: node.at.start..node.at.start })
    }

    /// The value of a key, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        debug_assert!(self.known.key(key).is_some(), "{key} is read and is no key of {}", self.known.of);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Whether a key seems to be there under a wrong name, which is noted.
    pub(crate) fn is_misspelt(&self, key: &str) -> bool {
        self.meant.contains(&key)
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&self, key: &str, instead: &str, problems: &mut Problems) -> Option<&'a Node> {
        let value = self.get(key);
        // Of a key that is misspelt, one error is enough.
        if value.is_none() && !self.is_misspelt(key) {
            problems.missing(&self.at, format!("`{key}` is missing"), instead);
        }
        value
    }
}

/// Notes a key that the mapping does not have; returns those it was probably meant to be.
fn unknown_key(entry: &MappingEntry, known: &Mapping, problems: &mut Problems) -> Vec<&'static str> {
    let key = entry.key.as_str();
    if known.later.contains(&key) {
        let instead = "leave this key out; a later ringward will read it";
        problems.wrong(&entry.key_at, "not supported yet", instead);
        return Vec::new();
    }
    let synonyms = synonyms::meant(key, known.names());
    let problem = format!("not a key of {}", known.of);
    if let Some(whose) = (known.elsewhere)(key) {
        problems.wrong(&entry.key_at, problem, whose);
        return synonyms;
    }
    let (near, words) = match nearest(key, known.names()) {
        near if near.is_empty() => (synonyms, "write"),
        near => (near, "did you mean"),
    };
    let instead = match either(&near) {
        Some(keys) => {
            let end = if words == "write" { "" } else { "?" };
            near.iter().fold(Advice::from(format!("{words} {keys}{end}")), |advice, key| advice.put(*key))
        }
        None if key.starts_with("//") => "begin a comment with `#`".into(),
        None => format!("known keys: {}", names(known)).into(),
    };
    problems.wrong(&entry.key_at, problem, instead);
    near
}

/// Notes a value of the wrong kind or content. A collection is not shown as the offending text:
/// its first line would be half a sentence.
pub(crate) fn wrong_value(node: &Node, problem: &str, instead: &str, problems: &mut Problems) {
    match &node.value {
        Value::Scalar { .. } => problems.wrong(&node.at, problem, instead),
        Value::Mapping(_) | Value::Sequence(_) => problems.missing(&node.at, problem, instead),
        Value::Refused => {}
    }
}

/// The items of a list.
pub(crate) fn items<'a>(
    node: &'a Node,
    what: &str,
    example: &str,
    problems: &mut Problems,
) -> Option<&'a [Node]> {
    if let Value::Sequence(items) = &node.value {
        return Some(items);
    }
    let dash = if let Value::Mapping(_) = node.value { "begin each entry with a dash; " } else { "" };
    wrong_value(node, &format!("{what} must be a list"), &format!("{dash}write {example}"), problems);
    None
}

/// Whether there are more `things` than the `most`, which is noted; `hint` says how to have fewer.
pub(crate) fn too_many(
    at: &Range<usize>,
    count: usize,
    most: usize,
    things: &str,
    hint: &str,
    problems: &mut Problems,
) -> bool {
    if count > most {
        problems.missing(at, format!("{count} {things} are too many"), format!("write at most {most}{hint}"));
    }
    count > most
}

/// One line of text, neither empty nor nothing.
pub(crate) fn text<'a>(node: &'a Node, what: &str, problems: &mut Problems) -> Option<&'a str> {
    let text = prose(node, what, MAX_TEXT_CHARS, problems)?;
    if text.contains(['\n', '\t']) {
        problems.wrong(&node.at, format!("{what} has a line break or a tab"), "write it on one line");
        return None;
    }
    Some(text)
}

/// Whether a value is written as none. YAML 1.2 core schema, 10.3.2: these bare words are null.
pub(crate) fn is_nothing(node: &Node) -> bool {
    let Value::Scalar { text, is_bare } = &node.value else { return false };
    let null = *is_bare && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
    null || text.trim().is_empty()
}

/// The text of a `description`, which may have several lines.
pub(crate) fn description<'a>(node: &'a Node, problems: &mut Problems) -> Option<&'a str> {
    let text = prose(node, "`description`", MAX_PROSE_CHARS, problems)?;
    warn_of_comment(node, text, problems);
    Some(text)
}

fn prose<'a>(node: &'a Node, what: &str, most: usize, problems: &mut Problems) -> Option<&'a str> {
    let Value::Scalar { text, .. } = &node.value else {
        wrong_value(node, &format!("{what} must be a text"), "write a single value", problems);
        return None;
    };
    if is_nothing(node)
        && let Some(comment) = &node.comment
    {
        let instead = format!("quote it: {}; in a comment, write a blank after `#`", comment.quoted);
        problems.wrong(&comment.at, format!("a comment begins here, so {what} is empty"), instead);
        return None;
    }
    if is_nothing(node) {
        problems.missing(&node.at, format!("{what} is empty"), "write one, or leave it out");
        return None;
    }
    if let Some(char) = invisible(text) {
        let problem = format!("{what} has an invisible character ({})", named(char));
        let instead = match char.is_control() {
            true => {
                "write plain text; between double quotes a backslash begins an escape, so use single quotes"
            }
            false => "delete it; if it cannot be found, write the text anew",
        };
        problems.wrong(&node.at, problem, instead);
        return None;
    }
    let chars = text.chars().count();
    if chars > most {
        let problem = format!("{what} is too long ({chars} characters)");
        problems.wrong(&node.at, problem, format!("write at most {most}"));
        return None;
    }
    Some(text)
}

/// Warns of a comment that takes the end of a bare text away: `Ring #1` is `Ring`.
pub(crate) fn warn_of_comment(node: &Node, text: &str, problems: &mut Problems) {
    if let Some(comment) = &node.comment {
        let problem = format!("a comment begins here, so the text is only `{text}`");
        let instead = format!("quote all of it: {}; in a comment, write a blank after `#`", comment.quoted);
        problems.warn(&comment.at, problem, instead, None);
    }
}

/// Control characters and those of [`is_unseen`]: whoever reviews a plan must see what a device group
/// will be called.
pub(super) fn is_invisible(char: char) -> bool {
    is_unseen(char) || (char.is_control() && !matches!(char, '\n' | '\t'))
}

/// The first character of a text that nobody sees; a joiner is seen in what it joins.
pub(crate) fn invisible(text: &str) -> Option<char> {
    let unseen = |(char, is_seen): &(char, bool)| !is_seen || (is_invisible(*char) && !is_unseen(*char));
    seen(text).find(unseen).map(|(char, _)| char)
}

/// Whether a text is decimal digits alone.
pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The keys of a mapping, each in backticks.
fn names(known: &Mapping) -> String {
    known.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
