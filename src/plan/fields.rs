//! Reading keys and texts out of the tree, noting every problem and going on.
//!
//! **Invariant:** a reader that returns `None` has noted why.

use std::fmt::Display;
use std::ops::Range;

use super::error::Problems;
use super::near::{either, nearest};
use super::tree::{Entry, Node, Quoting, Value};

/// The longest text in a plan: Cloudflare names at most 255 characters.
const MAX_TEXT_CHARS: usize = 255;
/// The longest `description`.
const MAX_PROSE_CHARS: usize = 4_000;

/// The keys that a mapping may have.
pub(super) struct Known {
    /// What the mapping is, as in "`colour` is not a key of a ring".
    pub(super) of: &'static str,
    pub(super) keys: &'static [&'static str],
    /// Keys of DESIGN 3 whose feature is not built yet: refused, never ignored.
    pub(super) later: &'static [&'static str],
    /// Keys that belong elsewhere, each with where.
    pub(super) elsewhere: &'static [(&'static str, &'static str)],
}

/// A mapping whose keys are all known.
pub(super) struct Fields<'a> {
    entries: &'a [Entry],
    /// Where to say that a key is missing.
    pub(super) at: Range<usize>,
}

impl<'a> Fields<'a> {
    /// Reads a mapping and notes every key that it may not have.
    pub(super) fn of(node: &'a Node, known: &Known, problems: &mut Problems) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            let instead = format!("write keys and values; {} has {}", known.of, list(known.keys));
            wrong_value(node, &format!("{} must be a mapping", known.of), &instead, problems);
            return None;
        };
        for entry in entries {
            if !known.keys.contains(&entry.key.as_str()) {
                unknown_key(entry, known, problems);
            }
        }
        Some(Self { entries, at: node.at.start..node.at.start })
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value of a key that must be there.
    pub(super) fn require(&self, key: &str, instead: &str, problems: &mut Problems) -> Option<&'a Node> {
        let value = self.get(key);
        if value.is_none() {
            problems.missing(&self.at, format!("`{key}` is missing"), instead);
        }
        value
    }
}

fn unknown_key(entry: &Entry, known: &Known, problems: &mut Problems) {
    let key = entry.key.as_str();
    if known.later.contains(&key) {
        problems.wrong(
            &entry.key_at,
            "not supported yet",
            "leave this key out; a later ringward will read it",
        );
        return;
    }
    if let Some((_, whose)) = known.elsewhere.iter().find(|(name, _)| *name == key) {
        problems.wrong(&entry.key_at, format!("not a key of {}", known.of), *whose);
        return;
    }
    let instead = match either(&nearest(key, known.keys.iter().copied())) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known keys: {}", list(known.keys)),
    };
    problems.wrong(&entry.key_at, format!("not a key of {}", known.of), instead);
}

/// Notes a value of the wrong kind or content. A collection is not shown as the offending text:
/// its first line would be half a sentence.
pub(super) fn wrong_value(node: &Node, problem: &str, instead: &str, problems: &mut Problems) {
    match &node.value {
        Value::Scalar { .. } => problems.wrong(&node.at, problem, instead),
        Value::Mapping(_) | Value::Sequence(_) => problems.missing(&node.at, problem, instead),
        Value::Refused => {}
    }
}

/// The items of a list.
pub(super) fn items<'a>(
    node: &'a Node,
    what: &str,
    example: &str,
    problems: &mut Problems,
) -> Option<&'a [Node]> {
    match &node.value {
        Value::Sequence(items) => Some(items),
        Value::Scalar { .. } | Value::Mapping(_) | Value::Refused => {
            wrong_value(node, &format!("{what} must be a list"), &format!("write {example}"), problems);
            None
        }
    }
}

/// One line of text, neither empty nor nothing.
pub(super) fn text<'a>(node: &'a Node, what: &str, problems: &mut Problems) -> Option<&'a str> {
    let text = prose(node, what, MAX_TEXT_CHARS, problems)?;
    if text.contains(['\n', '\t']) {
        problems.wrong(&node.at, format!("{what} has a line break or a tab"), "write it on one line");
        return None;
    }
    Some(text)
}

/// The text of a `description`, which may have several lines.
pub(super) fn description<'a>(node: &'a Node, problems: &mut Problems) -> Option<&'a str> {
    prose(node, "`description`", MAX_PROSE_CHARS, problems)
}

fn prose<'a>(node: &'a Node, what: &str, most: usize, problems: &mut Problems) -> Option<&'a str> {
    let Value::Scalar { text, quoting } = &node.value else {
        wrong_value(node, &format!("{what} must be a text"), "write a single value", problems);
        return None;
    };
    // YAML 1.2 core schema, 10.3.2: these bare words are null, a missing value.
    let null = *quoting == Quoting::Plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
    if null || text.trim().is_empty() {
        problems.missing(&node.at, format!("{what} is empty"), "write one, or leave it out");
        return None;
    }
    if text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\t')) {
        problems.wrong(&node.at, format!("{what} has a control character"), "write plain text");
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

/// One of a few words; words of features to come are refused as such.
pub(super) fn word<T: Copy>(
    node: &Node,
    what: &str,
    known: &[(&str, T)],
    later: &[&str],
    problems: &mut Problems,
) -> Option<T> {
    let text = text(node, what, problems)?;
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    if later.contains(&text) {
        let instead = format!("write {}", list(&names));
        problems.wrong(&node.at, format!("this {what} is not supported yet"), instead);
        return None;
    }
    let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    if found.is_none() {
        problems.wrong(&node.at, format!("not a known {what}"), format!("write {}", list(&names)));
    }
    found
}

/// `a`, `b`, `c`, each in backticks.
pub(super) fn list<T: Display>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
