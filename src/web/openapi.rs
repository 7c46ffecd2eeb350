//! The OpenAPI document: what the paths say of themselves, and what is true of every answer.
//!
//! **Invariant:** a path is in the document because it is routed, and says of its failures what
//! [`Kind`] says; nothing is listed by hand beside it.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Components, ContentBuilder, Info, License, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::rows;
use crate::rollout::people::verbs::verb::Verb;
use crate::web::json::ProblemAnswer;
use crate::web::problem::Kind;

/// What any path can answer, because the limits and a fault meet every request.
const ANYWHERE: [Kind; 7] = [
    Kind::Malformed,
    Kind::TooSlow,
    Kind::TooLarge,
    Kind::LongUrl,
    Kind::LongHead,
    Kind::Fault,
    Kind::Unavailable,
];

const ABOUT: &str = "\
Where a fleet of Cloudflare One Clients stands on its way to a version, why it does not move, and the verbs.

**Who may ask.** On the Unix socket beside the database: root and the daemon's user. Over TCP: whom Cloudflare Access \
vouches for (`Cf-Access-Jwt-Assertion`), and holders of a bearer token (`Authorization: Bearer rwt_…`), as far as their \
roles go. Where neither is in use, verbs come from this machine only, over HTTP/1.1, with a `Host` of 127.0.0.1, localhost or [::1] and our port, from no other \
site's page and no proxy; with `--read-only` there are none. Reads keep the same rule for `Host` where the \
connection comes in on a loopback address, and elsewhere come under an address, localhost, or a name that \
`--host` gave; no other site's page may make them. `/healthz` and `/readyz` answer everybody.

**Answers.** Keys are added, never renamed; a key with nothing to say is `null` or an empty list. Instants are \
RFC 3339 in UTC. Failures are `application/problem+json` (RFC 9457); their `type` is a promise, `detail` is for \
people. A method that a path does not have is answered with 405 and `Allow`.

**Limits.** A URL of 4 KiB, 64 headers of 16 KiB together, a body of 64 KiB; 10 s for the head, 10 s for the \
body, 30 s for the answer; 256 connections, 64 of one address or credential, more are answered with 503. Each actor \
has 30 verbs, and one more a minute, beyond which a verb is answered with 429 and `Retry-After`; `stop`, `pause` and \
`reject` are always taken. A plan is checked by `check-now` once in 30 s; who asks earlier is told so.";

/// The document and its text.
#[derive(Debug)]
pub(super) struct Document {
    /// What `/api/v1/openapi.json` answers.
    pub(super) text: Result<Bytes, String>,
    /// Each path.
    pub(super) paths: Vec<String>,
}

/// The failures of a kind of path, beside those of any.
macro_rules! failures {
    ($($(#[$doc:meta])* $of:ident => [$($kind:ident),*];)*) => {$(
        $(#[$doc])*
        pub(super) struct $of;

        impl IntoResponses for $of {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                references(&[$(Kind::$kind),*])
            }
        }
    )*};
}

failures! {
    /// Failures of a read that asks for another name.
    OfARead => [Unauthorized, Forbidden];
    /// Failures of a path about one plan.
    OfAPlan => [Unauthorized, Forbidden, NoSuchPlan];
    /// Failures of a forecast: it is refused for a rollout that is finished.
    OfAForecast => [Unauthorized, Forbidden, NoSuchPlan, Refused];
    /// Failures of a verb about everything.
    OfAVerb => [Unauthorized, Forbidden, Refused, NotJson, Senseless];
    /// Failures of a verb about one plan.
    OfAPlansVerb => [Unauthorized, Forbidden, NoSuchPlan, Refused, NotJson, Senseless];
    /// Failures of a verb that an actor may ask for only so often, beside those above.
    OfACountedVerb => [TooMany];
}

fn references(kinds: &[Kind]) -> BTreeMap<String, RefOr<Response>> {
    let reference = |kind: &Kind| {
        let response = RefOr::Ref(Ref::from_response_name(kind.name()));
        (kind.status().as_str().to_owned(), response)
    };
    kinds.iter().map(reference).collect()
}

/// An empty document about ringward, for the router to fill.
pub(super) fn begun() -> OpenApi {
    let mut info = Info::new("ringward", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    let tag = |name: &str, about: &str| TagBuilder::new().name(name).description(Some(about)).build();
    OpenApiBuilder::new()
        .info(info)
        .tags(Some([
            tag("rollouts", "Where everything stands, and what happened"),
            tag("verbs", "What a person asks for; each stands in the log with its actor and reason"),
            tag("tokens", "Bearer tokens, for users of the machine, by the Unix socket alone"),
            tag(
                "access",
                "Changes of what User Groups may do, told by `ringward access`, by the Unix socket alone",
            ),
            tag("process", "The daemon itself"),
        ]))
        .build()
}

/// What is true of every path, and the text.
pub(super) fn finished(mut document: OpenApi) -> Document {
    let asked = requests(&document);
    let components = document.components.get_or_insert_with(Components::new);
    // An answer has all of its keys; a request says itself which ones it needs.
    for (name, schema) in &mut components.schemas {
        if let RefOr::T(Schema::Object(object)) = schema
            && !asked.contains(name)
        {
            object.required = object.properties.keys().cloned().collect();
        }
    }
    components.schemas.insert(ProblemAnswer::name().into_owned(), ProblemAnswer::schema());
    for kind in Kind::ALL {
        let problem = RefOr::Ref(Ref::from_schema_name(ProblemAnswer::name()));
        let content = ContentBuilder::new().schema(Some(problem)).build();
        let response =
            ResponseBuilder::new().description(kind.title()).content("application/problem+json", content);
        components.responses.insert(kind.name().to_owned(), RefOr::T(response.build()));
    }
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            add_failures(operation);
        }
    }
    let paths = document.paths.paths.keys().cloned().collect();
    let text = document.to_pretty_json().map(|text| Bytes::from(text + "\n"));
    Document { text: text.map_err(|error| error.to_string()), paths }
}

/// The names of the schemas of what is sent to us.
fn requests(document: &OpenApi) -> BTreeSet<String> {
    let operations = document.paths.paths.values().flat_map(|item| [&item.get, &item.post]).flatten();
    let bodies = operations.filter_map(|operation| operation.request_body.as_ref().and_then(inline));
    let contents = bodies.flat_map(|body| body.content.values()).filter_map(inline);
    let named = contents.filter_map(|content| match content.schema.as_ref()? {
        RefOr::Ref(reference) => reference.ref_location.rsplit('/').next(),
        RefOr::T(_) => None,
    });
    named.map(str::to_owned).collect()
}

/// What stands there itself; every request of ours does.
const fn inline<T>(value: &RefOr<T>) -> Option<&T> {
    match value {
        RefOr::T(value) => Some(value),
        RefOr::Ref(_) => None,
    }
}

/// What a verb comes to, from the table.
pub(super) fn comes_to(verb: Verb) -> String {
    let about = About::anything();
    let effects = rows::effects(verb).into_iter().map(|effect| format!("- {}", effect.words()));
    let refusals = rows::refusals(verb).into_iter().map(|refused| format!("- {}", refused.told(&about)));
    let list = |lines: Vec<String>| lines.join("\n");
    let mut text = format!("What it comes to, as things are:\n\n{}", list(effects.collect()));
    let refusals = list(refusals.collect());
    if !refusals.is_empty() {
        text.push_str(&format!("\n\nIt is refused with 409 when\n\n{refusals}"));
    }
    text
}

fn add_failures(operation: &mut Operation) {
    for (status, response) in references(&ANYWHERE) {
        operation.responses.responses.entry(status).or_insert(response);
    }
}
