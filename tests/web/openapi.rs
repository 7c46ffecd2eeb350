//! The OpenAPI document: kept equal to `docs/openapi.json`, and true of what is answered.

use std::path::Path;

use axum::body::Body;
use axum::http::{Method, Request};
use jsonschema::Validator;
use ringward::rollout::record::Event;
use ringward::rollout::record::Role;
use ringward::web::Peer;
use serde_json::{Value, json};

use super::identity::credentials::{bearer, tokens};
use super::world::{World, report, stopped, troubled, view, write_log};
use super::{Answer, ask, get, send};

const SNAPSHOT: &str = "docs/openapi.json";
const WRITTEN: &str = "openapi.json";

fn document() -> Value {
    serde_json::from_str(&ringward::web::openapi().unwrap()).unwrap()
}

/// Users generate clients from the file in the repository.
#[tokio::test]
async fn the_document_is_the_one_in_docs() {
    let text = ringward::web::openapi().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(SNAPSHOT);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let hint = "look at the difference, then UPDATE_GOLDEN=1 cargo test --test web openapi";
    assert!(kept == text, "{SNAPSHOT} is not what {WRITTEN} serves: {hint}");
    let served = get(&World::usual().app, "/api/v1/openapi.json").await;
    assert_eq!((served.status.as_u16(), served.header("content-type")), (200, "application/json"));
    assert_eq!(served.body, text);
}

#[tokio::test]
async fn everything_in_it_is_described() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut bare = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            for key in ["summary", "operationId", "tags"] {
                if operation[key].is_null() {
                    bare.push(format!("{place}: {key}"));
                }
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["description"].is_null() {
                    bare.push(format!("{place}: {}", parameter["name"]));
                }
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            // A key that may be null has its words beside the type that it refers to.
            let choices = property["oneOf"].as_array().into_iter().flatten();
            let words = choices.chain([property]).any(|place| place["description"].is_string());
            if !words {
                bare.push(format!("{name}.{key}"));
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new(), "these say nothing of themselves");
}

#[tokio::test]
async fn the_index_names_every_path() {
    let index: Value = get(&World::usual().app, "/api/v1").await.json();
    let documented: Vec<String> = document()["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(index["paths"], json!(documented));
    assert_eq!(index["openapi"], "/api/v1/openapi.json");
}

/// `docs/api.md` is written for people; what it must not forget is known.
#[tokio::test]
async fn the_manual_names_every_path_and_every_failure() {
    let manual = include_str!("../../docs/api.md");
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let row = format!("| `{} {path}` |", method.to_uppercase());
            assert!(manual.contains(&row), "docs/api.md has no row {row}");
        }
    }
    let failures = document["components"]["responses"].as_object().unwrap();
    for name in failures.keys() {
        let row = format!("| `urn:ringward:problem:{name}` |");
        assert!(manual.contains(&row), "docs/api.md has no row {row}");
    }
    let rows = manual.matches("| `urn:ringward:problem:").count();
    assert_eq!(rows, failures.len(), "docs/api.md names a failure that there is not");
}

/// The schema of an answer, with the components it refers to.
fn validator(document: &Value, path: &str, method: &str, status: &str) -> Validator {
    let mut response = &document["paths"][path][method]["responses"][status];
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(reference.trim_start_matches('#')).unwrap();
    }
    let content = response["content"].as_object().unwrap_or_else(|| panic!("{method} {path} {status}"));
    let schema = content.values().next().unwrap()["schema"].clone();
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": document["components"],
        "allOf": [schema],
    });
    jsonschema::options().should_validate_formats(true).build(&whole).unwrap()
}

#[tokio::test]
async fn what_is_answered_is_what_is_described() {
    let troubled = World::new(stopped(view(vec![troubled("client")])), Ok("done"));
    let usual = World::new(view(vec![report("client")]), Ok("done"));
    write_log(&usual.database(), &[Event::Paused {}, Event::PauseLifted {}]);
    let dry = Some(r#"{"reason": "look", "gate": "soak", "dry_run": true}"#);
    let verb = Some(r#"{"reason": "look", "gate": "soak"}"#);
    let rows: [(&str, &World, &str, &str, Option<&str>); 13] = [
        ("the index", &usual, "/api/v1", "/api/v1", None),
        ("a usual day", &usual, "/api/v1/rollouts", "/api/v1/rollouts", None),
        ("a bad day", &troubled, "/api/v1/rollouts", "/api/v1/rollouts", None),
        ("one rollout", &usual, "/api/v1/rollouts/{plan}", "/api/v1/rollouts/client", None),
        (
            "devices",
            &usual,
            "/api/v1/rollouts/{plan}/devices",
            "/api/v1/rollouts/client/devices?limit=9",
            None,
        ),
        ("events", &usual, "/api/v1/rollouts/{plan}/events", "/api/v1/rollouts/client/events", None),
        (
            "what a verb rests on",
            &usual,
            "/api/v1/rollouts/{plan}/waive",
            "/api/v1/rollouts/client/waive",
            dry,
        ),
        ("a verb", &usual, "/api/v1/rollouts/{plan}/waive", "/api/v1/rollouts/client/waive", verb),
        ("no such plan", &usual, "/api/v1/rollouts/{plan}", "/api/v1/rollouts/other", None),
        ("no log", &troubled, "/api/v1/rollouts/{plan}/events", "/api/v1/rollouts/client/events", None),
        (
            "a bad query",
            &usual,
            "/api/v1/rollouts/{plan}/events",
            "/api/v1/rollouts/client/events?limit=0",
            None,
        ),
        ("no revision", &usual, "/api/v1/rollouts/{plan}/plan", "/api/v1/rollouts/client/plan", None),
        ("senseless", &usual, "/api/v1/rollouts/{plan}/pause", "/api/v1/rollouts/client/pause", verb),
    ];
    let document = document();
    for (row, world, path, asked, body) in rows {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let lower = method.as_str().to_lowercase();
        let answer: Answer = ask(&world.app, method, asked, body).await;
        let validator = validator(&document, path, &lower, answer.status.as_str());
        let value: Value = answer.json();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{row}: {value}");
    }
}

/// Each verb with all keys it says it needs, and without each of them.
#[tokio::test]
async fn a_verb_needs_the_keys_that_it_says_it_needs_and_no_other() {
    let values = json!({
        "reason": "look", "gate": "soak", "version": "2026.8.2100.0", "ring": "Engineering Ring 0",
        "environment": "windows", "paused": true, "revision": "b41c0d9e77a1",
    });
    let mut view = view(vec![report("client")]);
    view.tokens = tokens(&[("ana", 1, &[Role::Operator, Role::Approver])]).tokens;
    let world = World::new(view, Ok("done"));
    let ask = async |path: &str, body: String| {
        let request = Request::post(path).header("authorization", format!("Bearer {}", bearer(1)));
        let mut request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Peer::Local { user: "ada".to_owned() });
        send(&world.app, request).await
    };
    let document = document();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if item["post"]["tags"] != json!(["verbs"]) {
            continue;
        }
        let schema = &item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let schema = document.pointer(schema.as_str().unwrap().trim_start_matches('#')).unwrap();
        let needed: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().map(|key| key.as_str().unwrap()).collect();
        let path = path.replace("{plan}", "client");
        let body = |keys: &[&str]| -> serde_json::Map<String, Value> {
            keys.iter().map(|key| ((*key).to_owned(), values[key].clone())).collect()
        };
        // What rests on what was read takes that as well, as the answer to the same with `dry_run` has it.
        let mut read = serde_json::Map::new();
        if schema["properties"].get("dry_run").is_some() {
            let mut dry = body(&needed);
            dry.insert("dry_run".to_owned(), true.into());
            let now: Answer = ask(&path, Value::Object(dry).to_string()).await;
            let now: Value = now.json();
            read.extend(["revision", "seen"].map(|key| (key.to_owned(), now[key].clone())));
        }
        let with = |keys: &[&str]| {
            let mut body = body(keys);
            body.extend(read.clone());
            Value::Object(body).to_string()
        };
        let whole: Answer = ask(&path, with(&needed)).await;
        assert_eq!(whole.status.as_u16(), 200, "{path} with {needed:?}: {}", whole.body);
        for left_out in &needed {
            let rest: Vec<&str> = needed.iter().copied().filter(|key| key != left_out).collect();
            let answer: Answer = ask(&path, with(&rest)).await;
            assert_eq!(answer.status.as_u16(), 422, "{path} without {left_out}: {}", answer.body);
            asked += 1;
        }
    }
    assert!(asked >= 10, "only {asked} keys were left out");
}
