//! Judges requests and answers by `tests/contract/openapi.yaml`. Include it with
//! `#[cfg(test)] #[path = "../support/contract.rs"] mod contract;`.
//!
//! **Invariant:** what the contract does not name (a route, a query parameter, a status) is an error, never a
//! pass.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The contract, read once per test binary.
pub(crate) struct Contract {
    document: Value,
    /// Compiled schemas, by the place in the document that they stand for.
    compiled: Mutex<BTreeMap<String, Validator>>,
}

/// An operation of the contract that a method and a path name.
struct Operation<'a> {
    id: &'a str,
    fields: &'a Map<String, Value>,
    /// Parameters of the path and of the operation, references followed.
    parameters: Vec<&'a Value>,
    /// Values of the path's parameters.
    path: BTreeMap<&'a str, String>,
}

impl Contract {
    /// The contract of this repository.
    pub(crate) fn get() -> &'static Self {
        static CONTRACT: OnceLock<Contract> = OnceLock::new();
        CONTRACT.get_or_init(|| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/openapi.yaml");
            let text = std::fs::read_to_string(path).unwrap();
            let document = serde_saphyr::from_str(&text).unwrap();
            Contract { document, compiled: Mutex::default() }
        })
    }

    /// Judges a request; `target` is the path below `/client/v4`, with its query. Answers the operationId.
    pub(crate) fn request(&self, method: &str, target: &str, body: Option<&Value>) -> Result<String, String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let operation = self.operation(method, path)?;
        let uri: axum::http::Uri = format!("/?{query}").parse().map_err(|error| format!("query: {error}"))?;
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri)
            .map_err(|error| format!("query: {error}"))?;
        let mut sent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in &pairs.0 {
            sent.entry(key).or_default().push(value);
        }
        for parameter in &operation.parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let values = match parameter["in"].as_str() {
                Some("path") => operation.path.get(name).map(|value| vec![value.as_str()]),
                Some("query") => sent.remove(name),
                _ => continue,
            };
            match values {
                Some(values) => self.parameter(operation.id, parameter, &values)?,
                None if parameter["required"] == json!(true) => return Err(format!("{name} is required")),
                None => {}
            }
        }
        if let Some(name) = sent.keys().next() {
            return Err(format!("{} has no query parameter {name}", operation.id));
        }
        match (operation.fields.get("requestBody"), body) {
            (None, None) => {}
            (None, Some(_)) => return Err(format!("{} takes no body", operation.id)),
            (Some(declared), None) if declared["required"] == json!(true) => {
                return Err(format!("{} needs a body", operation.id));
            }
            (Some(_), None) => {}
            (Some(declared), Some(body)) => {
                let schema = &self.followed(declared)["content"]["application/json"]["schema"];
                self.judge(&format!("{} request", operation.id), schema, body)?;
            }
        }
        Ok(operation.id.to_owned())
    }

    /// Judges an answer to a request.
    pub(crate) fn response(
        &self,
        method: &str,
        target: &str,
        status: u16,
        body: &[u8],
    ) -> Result<(), String> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let operation = self.operation(method, path)?;
        let responses = &operation.fields["responses"];
        let class = format!("{}XX", status / 100);
        let declared = responses.get(status.to_string()).or_else(|| responses.get(&class));
        let declared = declared.ok_or_else(|| format!("{} has no answer {status}", operation.id))?;
        let body: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
        let schema = &self.followed(declared)["content"]["application/json"]["schema"];
        self.judge(&format!("{} {status}", operation.id), schema, &body)
    }

    /// The operation whose path template fits; a literal segment is a better fit than a parameter.
    fn operation(&self, method: &str, path: &str) -> Result<Operation<'_>, String> {
        let paths = self.document["paths"].as_object().ok_or("the contract has no paths")?;
        let fitting = paths.iter().filter_map(|(template, item)| Some((fit(template, path)?, item)));
        let (values, item) =
            fitting.min_by_key(|(values, _)| values.len()).ok_or_else(|| format!("no path fits {path}"))?;
        let fields = item.get(method.to_lowercase()).and_then(Value::as_object);
        let fields = fields.ok_or_else(|| format!("{path} has no {method}"))?;
        let shared = item["parameters"].as_array().into_iter().flatten();
        let own = fields.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let parameters = shared.chain(own).map(|parameter| self.followed(parameter)).collect();
        let id = fields.get("operationId").and_then(Value::as_str).ok_or("an operation without an ID")?;
        Ok(Operation { id, fields, parameters, path: values })
    }

    fn parameter(&self, operation: &str, parameter: &Value, values: &[&str]) -> Result<(), String> {
        let name = parameter["name"].as_str().unwrap_or_default();
        let schema = &parameter["schema"];
        let kind = self.followed(schema)["type"].as_str().unwrap_or("string");
        let instance = match (kind, values) {
            ("array", values) => json!(values),
            ("integer" | "number", [value]) => {
                serde_json::from_str(value).map_err(|_| format!("{name}={value} is no number"))?
            }
            (_, [value]) => json!(value),
            _ => return Err(format!("{name} comes more than once")),
        };
        self.judge(&format!("{operation} parameter {name}"), schema, &instance)
    }

    fn judge(&self, place: &str, schema: &Value, instance: &Value) -> Result<(), String> {
        if schema.is_null() {
            return Err(format!("{place} has no schema"));
        }
        let mut compiled = self.compiled.lock().unwrap();
        let validator = compiled.entry(place.to_owned()).or_insert_with(|| {
            // References in the document begin at its root, so the components come along.
            let whole = json!({ "components": self.document["components"], "allOf": [schema] });
            jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .should_validate_formats(true)
                .build(&whole)
                .unwrap_or_else(|error| panic!("{place}: the contract itself is broken: {error}"))
        });
        let errors: Vec<String> = validator
            .iter_errors(instance)
            .map(|error| format!("{place}{}: {error}", error.instance_path()))
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }

    fn followed<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => {
                self.document.pointer(pointer).unwrap_or_else(|| panic!("the contract has no {pointer}"))
            }
            None => value,
        }
    }
}

fn fit<'a>(template: &'a str, path: &str) -> Option<BTreeMap<&'a str, String>> {
    let (wanted, found): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let mut values = BTreeMap::new();
    for (wanted, found) in wanted.iter().zip(&found) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => drop(values.insert(name, (*found).to_owned())),
            None if wanted == found => {}
            None => return None,
        }
    }
    (wanted.len() == found.len()).then_some(values)
}
