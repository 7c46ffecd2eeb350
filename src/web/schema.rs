//! How the API's words and identifiers look in its OpenAPI document, so that `ids`, `version` and
//! the core know nothing of it.
//!
//! **Invariant:** closed sets of words are listed from the types themselves, as serde writes them.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::fleet::Class;
use crate::ids::{AccountId, DeviceId, GroupId, MAX_ID_CHARS, PlanName, RingName};
use crate::plan::model::Revisions;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::{Gate, Mode};
use crate::version::{ClientVersion, Environment};
use crate::web::json::{MAX_REASON_CHARS, VerbRequest};

/// What `ids` accepts: anything but control characters.
const ID_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";
/// What `version` accepts, but for numbers of ten digits, which no release has.
const VERSION_PATTERN: &str = r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){3}$";
/// A reason as the verbs accept it: no control character but line breaks and tabs, and not blank.
const REASON_PATTERN: &str = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$";
/// The same where it may be left out.
const ANY_REASON_PATTERN: &str = r"^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f]*$";

macro_rules! schemas {
    ($($type:ty => $schema:expr),* $(,)?) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                RefOr::from(Schema::from($schema))
            }
        }
        impl ToSchema for $type {}
    )*};
}

schemas! {
    AccountId => id("A Cloudflare account"),
    GroupId => id("A deployment group at Cloudflare; names are not unique, this is"),
    DeviceId => id("A physical device at Cloudflare"),
    RingName => id("A ring, unique within its plan"),
    PlanName => text("A plan: lower case, digits and `-`")
        .max_length(Some(MAX_ID_CHARS))
        .pattern(Some("^[a-z0-9][a-z0-9-]*$"))
        .build(),
    ClientVersion => text("A client version: four numbers")
        .pattern(Some(VERSION_PATTERN))
        .examples([json!("2026.8.2100.0")])
        .build(),
    Gate => words("A condition on entering a ring or on leaving it", &Gate::ALL),
    Class => words("What a ring makes of a device; each device is in exactly one class", &Class::ALL),
    Environment => words("What a deployment group can target", &Environment::ALL),
    Mode => words("Whether the daemon writes at Cloudflare", &[Mode::Write, Mode::Observe]),
    Revisions => words("Who lets revisions of plans take effect", &[Revisions::File, Revisions::Person]),
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn id(description: &str) -> Object {
    let text = text(description).min_length(Some(1)).max_length(Some(MAX_ID_CHARS));
    text.pattern(Some(ID_PATTERN)).build()
}

fn words<T: Serialize>(description: &str, all: &[T]) -> Object {
    let word = |one: &T| serde_json::to_value(one).unwrap_or(Value::Null);
    text(description).enum_values(Some(all.iter().map(word))).build()
}

/// The name of a verb's body: verbs that take the same have one.
pub(super) fn verb_body_name(verb: Verb) -> String {
    let takes = |verb: Verb| {
        let keys = verb.arguments().iter().map(|argument| (argument.key, argument.needed.is_some()));
        (verb.needs_reason(), verb.rests_on_reading(), keys.collect::<Vec<_>>())
    };
    if takes(verb) == (true, false, Vec::new()) {
        return "ReasonRequest".to_owned();
    }
    let first = Verb::ALL.into_iter().find(|other| takes(*other) == takes(verb));
    format!("{:?}Request", first.unwrap_or(verb))
}

/// The keys of [`VerbRequest`] that one verb takes.
pub(super) fn verb_body(verb: Verb) -> RefOr<Schema> {
    let schema = VerbRequest::schema();
    // A derived schema of a struct is an object; anything else would show in the snapshot.
    let RefOr::T(Schema::Object(mut body)) = schema else { return schema };
    let needed = verb.arguments().iter().filter(|argument| argument.needed.is_some());
    let needed = needed.map(|argument| argument.key.as_str());
    let required: Vec<&str> = verb.needs_reason().then_some("reason").into_iter().chain(needed).collect();
    let is_taken = |key: &str| {
        let of_reading = matches!(key, "revision" | "seen" | "dry_run") && verb.rests_on_reading();
        of_reading || verb.arguments().iter().any(|argument| argument.key.as_str() == key)
    };
    body.properties.retain(|key, _| key == "reason" || is_taken(key));
    body.required = required.iter().map(|&key| key.to_owned()).collect();
    body.description = None;
    if let Some(RefOr::T(Schema::Object(reason))) = body.properties.get_mut("reason") {
        let is_needed = required.contains(&"reason");
        reason.pattern = Some(if is_needed { REASON_PATTERN } else { ANY_REASON_PATTERN }.to_owned());
        reason.min_length = is_needed.then_some(1);
        reason.max_length = Some(MAX_REASON_CHARS);
    }
    // A key that is needed may not be `null`, which the schema of an optional field allows.
    for key in required {
        if let Some(RefOr::T(Schema::OneOf(choice))) = body.properties.get(key)
            && let Some(whole) = choice.items.iter().find(|item| matches!(item, RefOr::Ref(_))).cloned()
        {
            body.properties.insert(key.to_owned(), whole);
        }
        if let Some(RefOr::T(Schema::Object(value))) = body.properties.get_mut(key)
            && let SchemaType::Array(kinds) = &mut value.schema_type
        {
            kinds.retain(|kind| *kind != Type::Null);
        }
    }
    RefOr::T(Schema::Object(body))
}
