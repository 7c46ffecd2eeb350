//! The JSON Schema against the decoder: neither knows a key that the other does not, and what
//! the decoder accepts, an independent validator accepts by the schema.

use std::collections::BTreeSet;
use std::fs;

use jsonschema::Validator;
use ringward::plan::{json_schema, markdown, read};
use serde_json::{Map, Value, json};

use crate::{files, good, here};

/// A file as any YAML reader sees it; `None` where it is no YAML at all.
pub(crate) fn as_json(bytes: &[u8]) -> Option<Value> {
    serde_saphyr::from_slice(bytes).ok()
}

pub(crate) fn validator() -> Validator {
    jsonschema::options().build(&json_schema()).unwrap()
}

#[test]
fn the_schema_is_one() {
    let schema = json_schema();
    assert!(jsonschema::meta::is_valid(&schema));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for (place, property) in properties(&schema) {
        let description = property["description"].as_str().unwrap_or_default();
        assert!(description.len() > 10, "{place} explains itself to editors");
    }
}

#[test]
fn good_plans_match_the_schema() {
    let validator = validator();
    for (file, bytes) in
        ["tests/plans/good", "tests/plans/warned", "rollouts/examples"].into_iter().flat_map(files)
    {
        let value = as_json(&bytes).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
    }
}

/// Bad plans that the schema cannot refuse are listed: each needs two places compared, the calendar, a zone looked up,
/// or the text itself. Whatever else is read as YAML, the schema refuses.
#[test]
fn bad_structure_does_not_match_the_schema() {
    let validator = validator();
    let accepted: String = files("tests/plans/bad")
        .into_iter()
        .filter(|(_, bytes)| as_json(bytes).is_some_and(|value| validator.is_valid(&value)))
        .map(|(file, _)| file + "\n")
        .collect();
    let list = here("tests/plans/only_check_refuses.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&list, &accepted).unwrap();
    }
    assert_eq!(accepted, fs::read_to_string(list).unwrap(), "UPDATE_GOLDEN=1 writes it anew; read the diff");
}

/// Each `properties` entry of the schema, with its place.
fn properties(schema: &Value) -> Vec<(String, Value)> {
    let definitions = schema["$defs"].as_object().unwrap();
    let whole = [("plan", schema)].into_iter();
    whole
        .chain(definitions.iter().map(|(name, value)| (name.as_str(), value)))
        .flat_map(|(name, value)| {
            let keys = value["properties"].as_object().unwrap();
            keys.iter().map(move |(key, property)| (format!("{name}.{key}"), property.clone()))
        })
        .collect()
}

/// A mapping in a plan: the way to it, and its part of the schema.
pub(crate) struct Spot {
    pub(crate) pointer: String,
    pub(crate) schema: Value,
}

/// Every mapping of a plan that the schema describes, by walking both.
pub(crate) fn spots(plan: &Value, schema: &Value) -> Vec<Spot> {
    let mut found = Vec::new();
    let mut pending = vec![(String::new(), schema.clone())];
    while let Some((pointer, part)) = pending.pop() {
        // Keys, or a word: a mapping is keys.
        let part = part.pointer("/anyOf/0").cloned().unwrap_or(part);
        let part = match part["$ref"].as_str() {
            Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap().clone(),
            None => part,
        };
        match plan.pointer(&pointer) {
            Some(Value::Object(_)) => {
                for (key, property) in part["properties"].as_object().unwrap() {
                    pending.push((format!("{pointer}/{key}"), property.clone()));
                }
                found.push(Spot { pointer, schema: part });
            }
            Some(Value::Array(items)) => {
                let places = (0..items.len()).map(|index| format!("{pointer}/{index}"));
                pending.extend(places.map(|place| (place, part["items"].clone())));
            }
            _ => {}
        }
    }
    found
}

/// The plan with one key of one mapping set, as JSON, which is YAML.
pub(crate) fn with(plan: &Value, spot: &Spot, key: &str, value: Value) -> String {
    let mut plan = plan.clone();
    let mapping: &mut Map<String, Value> = plan.pointer_mut(&spot.pointer).unwrap().as_object_mut().unwrap();
    mapping.insert(key.to_owned(), value);
    plan.to_string()
}

#[test]
fn schema_and_decoder_know_the_same_keys() {
    let (schema, validator) = (json_schema(), validator());
    let everything = good(&fs::read_to_string(here("tests/plans/good/everything.yaml")).unwrap());
    let plan: Value = serde_json::from_str(&everything.written).unwrap();
    let spots = spots(&plan, &schema);
    let mappings = schema["$defs"].as_object().unwrap().len() + 1;
    let met: BTreeSet<String> = spots.iter().map(|spot| spot.schema["description"].to_string()).collect();
    assert_eq!(met.len(), mappings, "everything.yaml has each mapping that the schema has");
    for spot in &spots {
        // What the decoder knows, it says of a key that nothing is near to.
        let errors =
            read("p.yaml", with(&plan, spot, "zzzzzzzzzzzzzzzz", json!("x")).as_bytes()).unwrap_err();
        let told = errors[0].instead.strip_prefix("known keys: ").unwrap_or_else(|| panic!("{errors:?}"));
        let decoder: BTreeSet<String> =
            told.split(", ").map(|key| key.trim_matches('`').to_owned()).collect();
        let properties = spot.schema["properties"].as_object().unwrap();
        let known: BTreeSet<String> = properties.keys().cloned().collect();
        assert_eq!(decoder, known, "at {}", spot.pointer);
        // What the schema knows, the decoder reads: a value of the wrong kind is noticed.
        for (key, property) in properties {
            let nested = ["$ref", "anyOf"].iter().any(|key| property.get(key).is_some());
            let nested = nested || property["type"] == "array";
            let wrong = if nested { json!("x") } else { json!({"x": "y"}) };
            let text = with(&plan, spot, key, wrong);
            let errors = read("p.yaml", text.as_bytes()).unwrap_err();
            let noticed = errors.iter().any(|error| error.problem.contains("must be"));
            assert!(noticed, "{} at {}: {errors:?}", key, spot.pointer);
            assert!(!validator.is_valid(&serde_json::from_str(&text).unwrap()), "{key} at {}", spot.pointer);
        }
        let required = spot.schema["required"].as_array().unwrap();
        for key in properties.keys() {
            let mut without = plan.clone();
            without.pointer_mut(&spot.pointer).unwrap().as_object_mut().unwrap().remove(key);
            let missing = format!("`{key}` is missing");
            let errors = read("p.yaml", without.to_string().as_bytes()).err().unwrap_or_default();
            let told = errors.iter().any(|error| error.problem == missing);
            assert_eq!(told, required.contains(&json!(key)), "{key} at {}", spot.pointer);
        }
    }
}

#[test]
fn the_reference_is_the_one_in_docs() {
    let path = here("docs/plan.md");
    let made = markdown();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(here("docs")).unwrap();
        fs::write(&path, &made).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap_or_default(), made, "UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn the_examples_of_the_reference_hold() {
    let text = markdown();
    let sections = text.split("\n## ").skip(1);
    let blocks: Vec<(&str, &str)> = sections
        .filter_map(|section| {
            let heading = section.lines().next()?;
            let block = section.split("```yaml\n").nth(1)?.split("```").next()?;
            Some((heading, block))
        })
        .collect();
    assert_eq!(blocks.len(), json_schema()["$defs"].as_object().unwrap().len() + 1);
    for (heading, block) in blocks {
        let indented =
            |by: usize| block.lines().fold(String::new(), |all, line| all + &" ".repeat(by) + line + "\n");
        let item = |by: usize| indented(by).replacen(&" ".repeat(by), &(" ".repeat(by - 2) + "- "), 1);
        let ring = "rings:\n  - name: R\n    profiles: [P]\n";
        let with_target =
            format!("plan: p\nversions: {{windows: 2026.8.2100.0, macos: 2026.8.2100.0}}\n{ring}");
        let whole = match heading {
            "A plan" => block.to_owned(),
            "`versions`" => format!("plan: p\nversions:\n{}{ring}", indented(2)),
            "`defaults`" => format!("plan: p\ndefaults:\n{}{ring}", indented(2)),
            "A ring" => format!("plan: p\nrings:\n{}", item(4)),
            "An entry of `forbid`" => format!("{with_target}forbid:\n{}", item(4)),
            "`schedule`" => format!("{with_target}    schedule:\n{}", indented(6)),
            "`adoption`" => format!("{with_target}    adoption:\n{}", indented(6)),
            "`rollback`" => format!("{with_target}    rollback:\n{}", indented(6)),
            "`rollback_to`" => format!("{with_target}    rollback_to:\n{}", indented(6)),
            "`approval`" => format!("{with_target}    approval:\n{}", indented(6)),
            "`health`" => format!("{with_target}    health:\n{}", indented(6)),
            "`stalled`" => format!("{with_target}    health:\n      stalled:\n{}", indented(8)),
            "`dark`" => format!("{with_target}    health:\n      dark:\n{}", indented(8)),
            "An opening" => format!("{with_target}    schedule:\n      open:\n{}", item(10)),
            "A freeze" => format!("{with_target}    schedule:\n      freeze:\n{}", item(10)),
            other => panic!("{other}: say how its example stands in a plan"),
        };
        if let Err(errors) = read("p.yaml", whole.as_bytes()) {
            panic!("{heading}: {errors:?}\n{whole}");
        }
    }
}
