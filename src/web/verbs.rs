//! Verbs: what a person asks for, over the same paths from page, API and command line.
//!
//! **Invariant:** a verb reaches the daemon only with an actor, a reason, and nothing in its body
//! that was not understood.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::routing::post;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, Ref, Required, ResponseBuilder};
use utoipa::{IntoParams as _, IntoResponses as _, PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::arguments::{ArgumentKey, Arguments};
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Actor;
use crate::web::body::{check_reason, object};
use crate::web::identity::Asker;
use crate::web::json::{VerbAnswer, VerbRequest};
use crate::web::openapi::{OfACountedVerb, OfAPlansVerb, OfAVerb, comes_to};
use crate::web::problem::{Failure, Kind};
use crate::web::reads::{PlanInPath, plan_name};
use crate::web::schema::{verb_body, verb_body_name};
use crate::web::services::Services;

type VerbResult = Result<Json<VerbAnswer>, Failure>;
/// A request for a verb; of those about everything, the path has no plan.
type VerbCall = (State<Services>, Result<Path<String>, PathRejection>, Extension<Asker>, Request);

/// A path for each verb, with what it says of itself.
pub(super) fn routes() -> OpenApiRouter<Services> {
    Verb::ALL.into_iter().fold(OpenApiRouter::new(), |router, verb| {
        let schemas = [
            (verb_body_name(verb), verb_body(verb)),
            (VerbAnswer::name().into_owned(), VerbAnswer::schema()),
        ];
        let mut paths = Paths::new();
        paths.add_path_operation(verb.path(), vec![HttpMethod::Post], operation(verb));
        router.routes((schemas.into(), paths, post(move |call: VerbCall| asked(verb, call))))
    })
}

/// What a verb's path says of itself.
fn operation(verb: Verb) -> Operation {
    let json = |name: &str| ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build();
    let body = RequestBodyBuilder::new()
        .content("application/json", json(&verb_body_name(verb)))
        .required(Some(Required::True));
    let done = ResponseBuilder::new()
        .description(verb.definition().terms.done)
        .content("application/json", json(&VerbAnswer::name()));
    let params = verb.is_of_plan().then(|| PlanInPath::into_params(|| Some(ParameterIn::Path)));
    let failures = if verb.is_of_plan() { OfAPlansVerb::responses() } else { OfAVerb::responses() };
    let mut operation = OperationBuilder::new()
        .tag("verbs")
        .summary(Some(format!("{}.", verb.definition().summary)))
        .description(Some(comes_to(verb)))
        .operation_id(Some(verb.as_str().replace('-', "_")))
        .parameters(params)
        .request_body(Some(body.build()))
        .response("200", done)
        .build();
    operation.responses.responses.extend(failures);
    if verb.is_counted() {
        operation.responses.responses.extend(OfACountedVerb::responses());
    }
    operation
}

/// Carries out a verb.
async fn asked(
    verb: Verb,
    (State(services), plan, Extension(Asker(actor)), request): VerbCall,
) -> VerbResult {
    let asked: VerbRequest = object(request).await?;
    check_reason(verb, &asked.reason)?;
    let plan = verb.is_of_plan().then(|| plan_name(plan)).transpose()?;
    let (reason, given) = asked.parts(plan);
    let command = Command::of(verb, given.clone()).map_err(|key| missing(verb, key))?;
    only(verb, &given)?;
    carry_out(&services, actor, reason, command).await
}

fn missing(verb: Verb, key: ArgumentKey) -> Failure {
    let say = verb.arguments().iter().find(|argument| argument.key == key);
    let say = say.and_then(|argument| argument.needed).unwrap_or("say which");
    senseless(&format!("`{}` is missing; {say}", key.as_str()))
}

/// A key of another verb is a slip, and is told rather than dropped.
fn only(verb: Verb, given: &Arguments) -> Result<(), Failure> {
    let foreign =
        |key: &ArgumentKey| *key != ArgumentKey::Plan && !verb.takes(*key) && given.text(*key).is_some();
    let Some(key) = ArgumentKey::ALL.into_iter().find(foreign) else { return Ok(()) };
    let takers: Vec<&str> = Verb::ALL.into_iter().filter(|verb| verb.takes(key)).map(Verb::as_str).collect();
    let takers = match takers.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{}` and `{last}", before.join("`, `")),
        None => String::new(),
    };
    Err(senseless(&format!("`{}` belongs to `{takers}`; leave it out here", key.as_str())))
}

fn senseless(detail: &str) -> Failure {
    Failure::new(Kind::Senseless, detail)
}

pub(super) async fn carry_out(
    services: &Services,
    actor: Actor,
    reason: String,
    command: Command,
) -> VerbResult {
    let done = services.handle.command(actor, reason, command).await.map_err(Failure::from);
    if let Err(Failure { why: Some(why), .. }) = &done {
        services.metrics.refusals().count(*why);
    }
    Ok(Json(VerbAnswer { done: done? }))
}
