//! What users of the machine put on record, by the Unix socket alone: bearer tokens, and changes of access.
//!
//! **Invariant:** a token's text is in one answer only, the one to whoever made it, and only once the log
//! knows the token; and nothing here reaches Cloudflare, for which the daemon has no token.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use secrecy::ExposeSecret as _;

use crate::daemon::view::Telling;
use crate::ids::TokenName;
use crate::rollout::people::access::AccessRequest;
use crate::rollout::people::tokens::TokenRequest;
use crate::rollout::record::{AccessChange, Role};
use crate::rollout::state::Token;
use crate::time::{Timestamp, after};
use crate::web::body::{is_fit_for_the_log, object};
use crate::web::identity::{Asker, bearer};
use crate::web::json::{
    AccessIntentAnswer, AccessIntentJson, AccessOutcomeJson, RevokeRequest, TokenJson, TokenMadeAnswer,
    TokenRequestJson, TokensAnswer, VerbAnswer,
};
use crate::web::openapi::{OfARead, OfAVerb};
use crate::web::problem::{Failure, Kind};
use crate::web::services::Services;

/// Every bearer token that was ever made, without its text. On the Unix socket alone.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens",
    responses((status = 200, description = "The tokens", body = TokensAnswer), OfARead))]
pub(super) async fn list(State(services): State<Services>, _: Extension<Asker>) -> Json<TokensAnswer> {
    let view = services.handle.view();
    let now = view.clock.now();
    Json(TokensAnswer { tokens: view.tokens.iter().map(|token| shown(token, now)).collect() })
}

/// Make a bearer token. Its text is in this answer and nowhere else. On the Unix socket alone.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", operation_id = "make_token",
    request_body = TokenRequestJson,
    responses((status = 200, description = "It was made, and recorded", body = TokenMadeAnswer), OfAVerb))]
pub(super) async fn make(
    State(services): State<Services>,
    Extension(Asker(actor)): Extension<Asker>,
    request: Request,
) -> Result<Json<TokenMadeAnswer>, Failure> {
    let TokenRequestJson { name, email, roles, expires, reason } = object(request).await?;
    is_fit_for_the_log(&reason)?;
    let now = services.handle.view().clock.now();
    let expires_at = expires.map(|span| after(now, span.get())).or_else(|| Role::usual_end(&roles, now));
    let made = bearer::make(name, email, roles, expires_at);
    let (grant, text) = made.map_err(|error| Failure::new(Kind::Fault, error.to_string()))?;
    let asked = TokenRequest::Make(Box::new(grant));
    services.handle.tell(actor, reason, Telling::Token(asked)).await?;
    Ok(Json(TokenMadeAnswer { token: text.expose_secret().to_owned(), expires_at }))
}

/// Let a bearer token be worth nothing from now on. On the Unix socket alone.
#[utoipa::path(post, path = "/api/v1/tokens/{name}/revoke", tag = "tokens", operation_id = "revoke_token",
    params(("name" = String, Path, description = "The token's name.", example = "ana-laptop")),
    request_body = RevokeRequest,
    responses((status = 200, description = "It was done, and recorded", body = VerbAnswer), OfAVerb))]
pub(super) async fn revoke(
    State(services): State<Services>,
    name: Result<Path<String>, PathRejection>,
    Extension(Asker(actor)): Extension<Asker>,
    request: Request,
) -> Result<Json<VerbAnswer>, Failure> {
    let Path(name) = name.map_err(|error| Failure::new(Kind::Malformed, error.body_text()))?;
    let name: TokenName = name
        .parse()
        .map_err(|error| Failure::new(Kind::Malformed, format!("no token has that name: {error}")))?;
    let RevokeRequest { reason } = object(request).await?;
    is_fit_for_the_log(&reason)?;
    let asked = TokenRequest::Revoke(name.clone());
    services.handle.tell(actor, reason, Telling::Token(asked)).await?;
    Ok(Json(VerbAnswer::done(format!("token `{name}` is revoked"))))
}

/// Put on record that a User Group's policies are about to change. On the Unix socket alone.
#[utoipa::path(post, path = "/api/v1/access", tag = "access", operation_id = "intend_access",
    request_body = AccessIntentJson,
    responses((status = 200, description = "It is on record", body = AccessIntentAnswer), OfAVerb))]
pub(super) async fn intend(
    State(services): State<Services>,
    Extension(Asker(actor)): Extension<Asker>,
    request: Request,
) -> Result<Json<AccessIntentAnswer>, Failure> {
    let AccessIntentJson { group, name, remove, add, reason } = object(request).await?;
    is_fit_for_the_log(&reason)?;
    let change = AccessRequest::Intend(Box::new(AccessChange { group, name, remove, add }));
    let intent = services.handle.tell(actor, reason, Telling::Access(change)).await?;
    Ok(Json(AccessIntentAnswer { intent }))
}

/// Put on record what became of a change. On the Unix socket alone.
#[utoipa::path(post, path = "/api/v1/access/{intent}/outcome", tag = "access", operation_id = "settle_access",
    params(("intent" = u64, Path, description = "The number of the change's record.", example = 42)),
    request_body = AccessOutcomeJson,
    responses((status = 200, description = "It is on record", body = VerbAnswer), OfAVerb))]
pub(super) async fn settle(
    State(services): State<Services>,
    intent: Result<Path<u64>, PathRejection>,
    Extension(Asker(actor)): Extension<Asker>,
    request: Request,
) -> Result<Json<VerbAnswer>, Failure> {
    let Path(intent) = intent.map_err(|error| Failure::new(Kind::Malformed, error.body_text()))?;
    let AccessOutcomeJson { outcome, reason } = object(request).await?;
    is_fit_for_the_log(&reason)?;
    let settled = AccessRequest::Settle { intent, outcome };
    services.handle.tell(actor, reason, Telling::Access(settled)).await?;
    let done = format!("the outcome of record {intent} is on record: {}", outcome.as_str());
    Ok(Json(VerbAnswer::done(done)))
}

fn shown(token: &Token, now: Timestamp) -> TokenJson {
    let (grant, last) = (&token.grant, token.revoked.as_ref().unwrap_or(&token.made));
    let state = match &token.revoked {
        Some(_) => "revoked",
        None if token.is_live(now) => "live",
        None => "expired",
    };
    TokenJson {
        name: grant.name.clone(),
        email: grant.email.clone(),
        roles: grant.roles.clone(),
        id: grant.id.as_str().to_owned(),
        state: state.to_owned(),
        made_at: token.made.since,
        made_by: token.made.actor.to_string(),
        expires_at: grant.expires_at,
        revoked_at: token.revoked.as_ref().map(|hold| hold.since),
        revoked_by: token.revoked.as_ref().map(|hold| hold.actor.to_string()),
        reason: last.reason.clone(),
    }
}
