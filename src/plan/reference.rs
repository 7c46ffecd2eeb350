//! The plan reference, `docs/plan.md`.
//!
//! **Invariant:** everything about keys is made from `keys`; only the words around them stand
//! here.

use super::grammar::{Absent, Key, Mapping, Takes, ValueKind};
use super::{keys::PLAN, schema::capital};

/// The words around what is made from `keys`, with holes for that.
const TEXT: &str = include_str!("reference.md");

/// What the core does, which a test of the random runs' suite tells from its log.
const ON_NEW_TARGET: &str = include_str!("on_new_target.md");

/// The reference, in Markdown.
pub fn markdown() -> String {
    let mappings = PLAN.and_below();
    let sections: String = mappings.iter().map(|mapping| section(mapping)).collect();
    let mut told: Vec<&str> = Vec::new();
    let mut values = String::from("\n## Values\n\n| value | how it is written |\n| --- | --- |\n");
    for kind in mappings.iter().flat_map(|mapping| mapping.keys).filter_map(kind) {
        if !told.contains(&kind.name) {
            told.push(kind.name);
            values += &format!("| {} | {} |\n", kind.name, cell(kind.doc));
        }
    }
    let later = PLAN.later.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let later = format!(
        "\n## Not supported yet\n\n{later}: a plan with one of these keys is refused, never half obeyed.\n"
    );
    let parts = [
        ("{sections}", sections.as_str()),
        ("{values}", &values),
        ("{on_new_target}", ON_NEW_TARGET),
        ("{later}", &later),
    ];
    parts.iter().fold(TEXT.to_owned(), |text, (hole, part)| text.replace(hole, part))
}

fn section(mapping: &Mapping) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", capital(mapping.of), mapping.doc);
    text += "| key | takes | without it | meaning |\n| --- | --- | --- | --- |\n";
    for key in mapping.keys {
        let without = match &key.absent {
            Absent::Refused(_) => "an error".to_owned(),
            Absent::Value(value) => format!("`{}`", value()),
            Absent::Inherited(value) => format!("that of `defaults`, else `{}`", value()),
            Absent::Means(what) | Absent::Shared { ring: what, .. } => (*what).to_owned(),
        };
        let (takes, without, meaning) = (cell(&takes(key)), cell(&without), cell(key.doc));
        text += &format!("| `{}` | {takes} | {without} | {meaning} |\n", key.name);
    }
    let examples: String = mapping.keys.iter().map(|key| format!("{}\n", key.example)).collect();
    format!("{text}\n```yaml\n{examples}```\n")
}

fn takes(key: &Key) -> String {
    let bounded = |kind: &ValueKind| match kind.bound {
        None => kind.name.to_owned(),
        Some(bound) => format!("{}, {}", kind.name, bound()),
    };
    match &key.takes {
        Takes::Value(kind) => bounded(kind),
        Takes::Word { known } => {
            known().iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
        }
        Takes::Keys(mapping) => format!("keys of {}", link(mapping)),
        Takes::KeysOr { keys, word } => format!("keys of {}, or `{word}`", link(keys)),
        Takes::Values { item, most, .. } => format!("list, at most {most}, each a {}", item.name),
        Takes::Mappings { item, most, .. } => format!("list, at most {most}, each {}", link(item)),
    }
}

fn kind(key: &Key) -> Option<&'static ValueKind> {
    match &key.takes {
        Takes::Value(kind) | Takes::Values { item: kind, .. } => Some(kind),
        Takes::Word { .. } | Takes::Keys(_) | Takes::KeysOr { .. } | Takes::Mappings { .. } => None,
    }
}

/// Text inside a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A link to the section of a mapping. Renderers make anchors of headings so.
fn link(mapping: &Mapping) -> String {
    let anchor = mapping.of.replace('`', "").replace(' ', "-");
    format!("[{}](#{anchor})", mapping.of)
}
