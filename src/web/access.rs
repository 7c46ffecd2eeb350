//! Changes of access, told by `ringward access` before and after it writes them, over the Unix socket alone.
//!
//! **Invariant:** nothing here reaches Cloudflare: the daemon has no token for that.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};

use crate::daemon::view::Telling;
use crate::rollout::people::access::AccessRequest;
use crate::rollout::record::AccessChange;
use crate::web::body::{is_fit_for_the_log, object};
use crate::web::identity::Asker;
use crate::web::json::{AccessIntentAnswer, AccessIntentJson, AccessOutcomeJson, VerbAnswer};
use crate::web::openapi::OfAVerb;
use crate::web::problem::{Failure, Kind};
use crate::web::services::Services;

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
    Ok(Json(VerbAnswer {
        done: format!("the outcome of record {intent} is on record: {}", outcome.as_str()),
    }))
}
