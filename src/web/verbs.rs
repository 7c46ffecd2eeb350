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
use crate::rollout::people::seen::ReadBefore;
use crate::rollout::people::verbs::arguments::{ArgumentKey, Arguments};
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Actor;
use crate::web::body::{check_reason, is_fit_for_the_log, object};
use crate::web::identity::Asker;
use crate::web::json::{SeenJson, VerbAnswer, VerbRequest};
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
    let is_dry = asked.dry_run == Some(true);
    // Nothing is recorded, so nothing has to be said.
    if is_dry { is_fit_for_the_log(&asked.reason) } else { check_reason(verb, &asked.reason) }?;
    let plan = verb.is_of_plan().then(|| plan_name(plan)).transpose()?;
    let read =
        ReadKeys { revision: asked.revision.clone(), seen: asked.seen.clone(), is_dry_run: asked.dry_run };
    let (reason, given) = asked.parts(plan);
    let command = Command::of(verb, given.clone()).map_err(|key| missing(verb, key))?;
    only(verb, &given)?;
    match read.of(verb)? {
        None if is_dry => look(&services, actor, command).await,
        read => carry_out(&services, actor, reason, command, read).await,
    }
}

/// What a body says of what was read.
struct ReadKeys {
    revision: Option<String>,
    seen: Option<SeenJson>,
    is_dry_run: Option<bool>,
}

impl ReadKeys {
    /// What was read before a verb that rests on it; `None`: it rests on nothing, or nothing is to be done.
    fn of(self, verb: Verb) -> Result<Option<ReadBefore>, Failure> {
        if !verb.rests_on_reading() {
            let foreign = [("seen", self.seen.is_some()), ("dry_run", self.is_dry_run.is_some())];
            return match foreign.into_iter().find(|(_, is_given)| *is_given) {
                Some((key, _)) => Err(senseless(&belongs(key, Verb::rests_on_reading))),
                None => Ok(None),
            };
        }
        if self.is_dry_run == Some(true) {
            return Ok(None);
        }
        // Who says nothing has read nothing: what there is differs from it.
        let seen = self.seen.unwrap_or_default().into();
        Ok(Some(ReadBefore { revision: self.revision.unwrap_or_default(), seen }))
    }
}

/// What a verb rests on; nothing is done.
async fn look(services: &Services, actor: Actor, command: Command) -> VerbResult {
    let look = services.handle.look(actor, command).await.map_err(Failure::from)?;
    let done = "nothing: this is what it rests on".to_owned();
    let Some(look) = look else { return Ok(Json(VerbAnswer::done(done))) };
    Ok(Json(VerbAnswer {
        done,
        revision: Some(look.revision.as_str().to_owned()),
        seen: Some((&look.seen).into()),
        lines: Some(look.lines()),
        devices: Some(look.devices),
    }))
}

fn missing(verb: Verb, key: ArgumentKey) -> Failure {
    let say = verb.arguments().iter().find(|argument| argument.key == key);
    let say = say.and_then(|argument| argument.needed).unwrap_or("say which");
    senseless(&format!("`{}` is missing; {say}", key.as_str()))
}

/// A key of another verb is a slip, and is told rather than dropped.
fn only(verb: Verb, given: &Arguments) -> Result<(), Failure> {
    let foreign =
        |key: &ArgumentKey| *key != ArgumentKey::Plan && !takes(verb, *key) && given.text(*key).is_some();
    let Some(key) = ArgumentKey::ALL.into_iter().find(foreign) else { return Ok(()) };
    Err(senseless(&belongs(key.as_str(), |verb| takes(verb, key))))
}

/// Whether a verb's body has a key for this.
pub(super) fn takes(verb: Verb, key: ArgumentKey) -> bool {
    verb.takes(key) || key == ArgumentKey::Revision && verb.rests_on_reading()
}

fn belongs(key: &str, is_taker: impl Fn(Verb) -> bool) -> String {
    let takers: Vec<&str> = Verb::ALL.into_iter().filter(|verb| is_taker(*verb)).map(Verb::as_str).collect();
    let takers = match takers.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{}` and `{last}", before.join("`, `")),
        None => String::new(),
    };
    format!("`{key}` belongs to `{takers}`; leave it out here")
}

fn senseless(detail: &str) -> Failure {
    Failure::new(Kind::Senseless, detail)
}

pub(super) async fn carry_out(
    services: &Services,
    actor: Actor,
    reason: String,
    command: Command,
    read: Option<ReadBefore>,
) -> VerbResult {
    let done = services.handle.decide(actor, reason, command, read).await.map_err(Failure::from);
    if let Err(Failure { why: Some(why), .. }) = &done {
        services.metrics.refusals().count(*why);
    }
    Ok(Json(VerbAnswer::done(done?)))
}
