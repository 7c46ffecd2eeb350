//! The paths, and what the process answers of itself. The router is one for TCP and the Unix socket.
//!
//! **Invariant:** the paths of the API are routed and documented by the same line.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::daemon::view::Readiness;
use crate::rollout::people::verbs::former::called_before;
use crate::web::admission::admit;
use crate::web::cover::cover;
use crate::web::json::IndexAnswer;
use crate::web::openapi::{Document, OfARead, begun, finished};
use crate::web::problem::{Failure, Kind, answer};
use crate::web::services::Services;
use crate::web::{forecast, metrics, page, reads, socket_only, stream, verbs};

/// Answers of the API load nothing; the page has a policy of its own.
const CONTENT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// All paths. Each request carries a [`super::Peer`] as extension, which says who asks.
pub fn router(services: Services) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let (api, document) = api().split_for_parts();
    api.merge(page::routes())
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(Extension(Arc::new(finished(document))))
        .layer(Extension(forecast::Forecasts::default()))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a request met a fault in ringward");
            Failure::new(Kind::Fault, "this is a fault in ringward; the daemon goes on; please report it")
                .into_response()
        }))
        .layer(middleware::from_fn_with_state(services.clone(), admit))
        .layer(middleware::from_fn(answer))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .layer(middleware::from_fn(cover))
        .with_state(services)
}

/// The paths that are promises: each line routes one and documents it.
fn api() -> OpenApiRouter<Services> {
    OpenApiRouter::with_openapi(begun())
        .routes(routes!(index))
        .routes(routes!(openapi_json))
        .routes(routes!(reads::rollouts))
        .routes(routes!(reads::rollout))
        .routes(routes!(reads::plan))
        .routes(routes!(forecast::forecast))
        .merge(reads::devices_routes())
        .routes(routes!(reads::events))
        .merge(stream::routes())
        .merge(verbs::routes())
        .routes(routes!(socket_only::list, socket_only::make))
        .routes(routes!(socket_only::revoke))
        .routes(routes!(socket_only::intend))
        .routes(routes!(socket_only::settle))
        .routes(routes!(alive))
        .routes(routes!(ready))
        .routes(routes!(scrape))
}

/// The OpenAPI document that is served, as text.
///
/// # Errors
/// When it cannot be written as JSON: a defect of ringward.
pub fn openapi() -> Result<String, String> {
    let text = finished(api().split_for_parts().1).text?;
    String::from_utf8(text.to_vec()).map_err(|error| error.to_string())
}

/// Every path of the API, and where its description is.
#[utoipa::path(get, path = "/api/v1", tag = "process", operation_id = "get_index",
    responses((status = 200, description = "The paths", body = IndexAnswer), OfARead))]
async fn index(Extension(document): Extension<Arc<Document>>) -> Json<IndexAnswer> {
    Json(IndexAnswer {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        openapi: "/api/v1/openapi.json".to_owned(),
        paths: document.paths.clone(),
    })
}

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "process", operation_id = "get_openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value), OfARead))]
async fn openapi_json(Extension(document): Extension<Arc<Document>>) -> Result<Response, Failure> {
    let text = document.text.clone();
    let text: Bytes = text.map_err(|why| Failure::new(Kind::Fault, format!("no document: {why}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn no_such_path(uri: Uri) -> Failure {
    let path = uri.path();
    let of_a_plan = path.strip_prefix("/api/v1/rollouts/").and_then(|rest| rest.split_once('/'));
    let detail = match of_a_plan.and_then(|(_, verb)| called_before(verb)) {
        Some(verb) => {
            let (now, path) = (verb.as_str(), verb.path());
            format!("there is no {} any more: the verb is called {now} now, POST {path}", uri.path())
        }
        None => format!("there is no {path}; /api/v1 names every path"),
    };
    Failure::new(Kind::NoSuchPath, detail)
}

/// `Allow`, which the router adds, is the answer to OPTIONS, and the remedy for anything else.
async fn wrong_method(method: Method, uri: Uri) -> Result<StatusCode, Failure> {
    if method == Method::OPTIONS {
        return Ok(StatusCode::NO_CONTENT);
    }
    let detail = format!("{} has no {method}; `Allow` names what it has", uri.path());
    Err(Failure::new(Kind::WrongMethod, detail))
}

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", tag = "process", operation_id = "get_health",
    responses((status = 200, description = "It does", body = String)))]
async fn alive() -> &'static str {
    "alive\n"
}

/// Whether the daemon has decided at least once, has not ended, and can write its log.
///
/// One that hangs later shows in `ringward_last_decision_timestamp_seconds`.
#[utoipa::path(get, path = "/readyz", tag = "process", operation_id = "get_readiness", responses(
    (status = 200, description = "It has", body = String),
    (status = 503, description = "Not yet, or not any more", body = String)))]
async fn ready(State(services): State<Services>) -> (StatusCode, String) {
    let not = |why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n"));
    match (services.handle.readiness(), &services.handle.view().log_unwritable) {
        (Readiness::Starting, _) => not("nothing is decided yet"),
        (Readiness::Ended, _) => not("the daemon ended"),
        (Readiness::Ready, None) => (StatusCode::OK, "ready\n".to_owned()),
        (Readiness::Ready, Some(trouble)) => not(&format!("the log cannot be written: {}", trouble.message)),
    }
}

/// Metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "process", operation_id = "get_metrics", responses(
    (status = 200, description = "Metrics", body = String, content_type = "text/plain"), OfARead))]
async fn scrape(State(services): State<Services>) -> Result<Response, Failure> {
    let view = services.handle.view();
    let text = metrics::exposition(&view, &services.metrics, view.now());
    let text = text.map_err(|error| Failure::new(Kind::Fault, format!("no metrics: {error}")))?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}
