//! A JSON Schema (draft 2020-12) of plan files, for editors.
//!
//! **Invariant:** it is made from `keys` alone; a plan that the decoder accepts matches it. The
//! other way round it knows only structure and shape: what two places say of each other, dates
//! that exist and openings that come are for `ringward check`. What other readers of YAML hand on is not always what is
//! written: to them `25.000` is the number 25, and the profiles `1` and `1.0` are the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::grammar::{Absent, Bare, Key, Mapping, Takes, ValueKind};
use super::keys::PLAN;

/// The schema as a JSON value.
pub fn json_schema() -> Value {
    let mut definitions = BTreeMap::new();
    let mut schema = object(&PLAN, &mut definitions);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("ringward plan");
    schema["$defs"] = json!(definitions);
    schema
}

type Definitions = BTreeMap<&'static str, Value>;

fn object(mapping: &'static Mapping, definitions: &mut Definitions) -> Value {
    let properties: Map<String, Value> =
        mapping.keys.iter().map(|key| (key.name.to_owned(), property(key, definitions))).collect();
    let required = mapping.keys.iter().filter(|key| matches!(key.absent, Absent::Refused(_)));
    let required: Vec<&str> = required.map(|key| key.name).collect();
    json!({
        "type": "object",
        "description": mapping.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(key: &'static Key, definitions: &mut Definitions) -> Value {
    let mut schema = match &key.takes {
        Takes::Value(kind) => value(kind),
        Takes::Word { known } => json!({"enum": known()}),
        Takes::Keys(mapping) => reference(mapping, definitions),
        Takes::KeysOr { keys, word } => json!({"anyOf": [reference(keys, definitions), {"const": word}]}),
        Takes::Values { item, least, most } => list(&value(item), *least, *most, true),
        Takes::Mappings { item, least, most, are_distinct } => {
            list(&reference(item, definitions), *least, *most, *are_distinct)
        }
    };
    let mut description = key.doc.to_owned();
    if let Takes::Values { least, most, .. } | Takes::Mappings { least, most, .. } = &key.takes {
        description +=
            &format!("\n\nA list, at most {most}{}.", if *least > 0 { ", at least one" } else { "" });
    }
    if let Takes::Value(kind) | Takes::Values { item: kind, .. } = &key.takes {
        description += &format!("\n\n{}", described(kind));
    }
    match &key.absent {
        Absent::Means(what) | Absent::Shared { ring: what, .. } => {
            description += &format!("\n\nWithout it: {what}.");
        }
        Absent::Inherited(else_) => {
            description += &format!("\n\nWithout it: that of `defaults`, else {}.", else_());
        }
        Absent::Refused(_) | Absent::Value(_) => {}
    }
    schema["description"] = json!(description);
    if let Absent::Value(value) = &key.absent {
        schema["default"] = json!(value());
    }
    schema
}

/// A mapping is defined once and referred to, since rings and `defaults` share most of theirs.
fn reference(mapping: &'static Mapping, definitions: &mut Definitions) -> Value {
    if !definitions.contains_key(mapping.name) {
        let object = object(mapping, definitions);
        definitions.insert(mapping.name, object);
    }
    json!({"$ref": format!("#/$defs/{}", mapping.name)})
}

fn list(item: &Value, least: usize, most: usize, are_distinct: bool) -> Value {
    json!({"type": "array", "items": item, "minItems": least, "maxItems": most, "uniqueItems": are_distinct})
}

fn value(kind: &ValueKind) -> Value {
    let types = match kind.bare {
        Bare::Text => json!("string"),
        // Our decoder reads the characters as written; other YAML readers guess.
        Bare::Anything => json!(["string", "number", "boolean"]),
        Bare::Truth => json!(["string", "boolean"]),
        Bare::Number { .. } => json!(["string", "integer"]),
    };
    let mut schema = json!({
        "type": types,
        "pattern": (kind.pattern)(),
        // Editors show it in place of the pattern, which is for machines.
        "patternErrorMessage": described(kind),
        "maxLength": kind.most,
    });
    if let Bare::Number { most } = kind.bare {
        schema["minimum"] = json!(1);
        schema["maximum"] = json!(most);
    }
    schema
}

/// What a value is and how it is written, with its bound.
fn described(kind: &ValueKind) -> String {
    let here = kind.bound.map(|bound| format!(" Here: {}.", bound())).unwrap_or_default();
    format!("{}: {}{here}", capital(kind.name), kind.doc)
}

/// With a capital letter, as a sentence begins.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
