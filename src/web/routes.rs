//! What each path answers. The router is one for TCP and the Unix socket.
//!
//! **Invariant:** a read never waits for the daemon's loop, except the list of devices, which only
//! the loop has; the log is read on its own connection.

use axum::Json;
use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::json::{DEFAULT_PAGE, DevicesAnswer, EventsAnswer, MAX_PAGE, RolloutJson, RolloutsAnswer};
use super::problem::{Failure, Kind, answer};
use super::{Services, metrics, page, present, stream, verbs};
use crate::daemon::view::{Readiness, View};
use crate::fleet::Class;
use crate::ids::{PlanName, RingName};
use crate::rollout::report::Report;
use crate::store::{Page, Reader, Seq, StoreError};

/// Longest body of a request, in bytes; a reason has at most a few thousand.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Answers of the API load nothing; the page has a policy of its own.
const CONTENT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// All paths. Each request carries a [`super::Peer`] as extension, which verbs need.
pub fn router(services: Services) -> Router {
    let fixed = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .merge(page::routes())
        .merge(stream::routes())
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .route("/api/v1/rollouts", get(rollouts))
        .route("/api/v1/rollouts/{plan}", get(rollout))
        .route("/api/v1/rollouts/{plan}/devices", get(devices))
        .route("/api/v1/rollouts/{plan}/events", get(events))
        .route("/api/v1/rollouts/{plan}/pause", post(verbs::pause))
        .route("/api/v1/rollouts/{plan}/resume", post(verbs::resume))
        .route("/api/v1/rollouts/{plan}/waive", post(verbs::waive))
        .route("/api/v1/stop", post(verbs::stop))
        .route("/api/v1/start", post(verbs::start))
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a request met a fault in ringward");
            Failure::new(Kind::Fault, "this is a fault in ringward; the daemon goes on; please report it")
                .into_response()
        }))
        .layer(middleware::from_fn(answer))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .layer(fixed(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::REFERRER_POLICY, "no-referrer"))
        .with_state(services)
}

async fn no_such_path(uri: Uri) -> Failure {
    let detail = format!("there is no {}; /api/v1/rollouts lists what ringward does", uri.path());
    Failure::new(Kind::NoSuchPath, detail)
}

async fn wrong_method(method: Method, uri: Uri) -> Failure {
    let detail = format!("{} has no {method}; `Allow` names what it has", uri.path());
    Failure::new(Kind::WrongMethod, detail)
}

/// Ready is a daemon that has decided at least once, and has not ended. One that hangs later shows
/// in `ringward_last_decision_timestamp_seconds`.
async fn ready(State(services): State<Services>) -> (StatusCode, &'static str) {
    match services.handle.readiness() {
        Readiness::Ready => (StatusCode::OK, "ready\n"),
        Readiness::Starting => (StatusCode::SERVICE_UNAVAILABLE, "not ready: nothing is decided yet\n"),
        Readiness::Ended => (StatusCode::SERVICE_UNAVAILABLE, "not ready: the daemon ended\n"),
    }
}

async fn scrape(State(services): State<Services>) -> Result<Response, Failure> {
    let view = services.handle.view();
    let text = metrics::exposition(&view, &services.metrics, view.clock.now());
    let text = text.map_err(|error| Failure::new(Kind::Fault, format!("no metrics: {error}")))?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

async fn rollouts(State(services): State<Services>) -> Json<RolloutsAnswer> {
    Json(present::rollouts(&services.handle.view()))
}

async fn rollout(
    State(services): State<Services>,
    plan: Result<Path<String>, PathRejection>,
) -> Result<Json<RolloutJson>, Failure> {
    let view = services.handle.view();
    let report = report(&services, &view, &plan_name(plan)?)?;
    Ok(Json(present::rollout(report, view.next_check)))
}

/// Which devices to list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DevicesQuery {
    ring: Option<RingName>,
    class: Option<Class>,
    limit: Option<u32>,
    #[serde(default)]
    offset: usize,
}

async fn devices(
    State(services): State<Services>,
    plan: Result<Path<String>, PathRejection>,
    query: Result<Query<DevicesQuery>, QueryRejection>,
) -> Result<Json<DevicesAnswer>, Failure> {
    let (plan, query) = (plan_name(plan)?, understood(query)?);
    let limit = page_size(query.limit)?;
    if let Some(ring) = &query.ring {
        let view = services.handle.view();
        let report = report(&services, &view, &plan)?;
        if !report.rings.iter().any(|one| one.name == *ring) {
            let known: Vec<&str> = report.rings.iter().map(|ring| ring.name.as_str()).collect();
            let detail = format!("plan {plan} has no ring `{ring}`; its rings are {}", known.join(", "));
            return Err(Failure::new(Kind::NoSuchPlan, detail));
        }
    }
    let rows = services.handle.devices(plan.clone(), query.ring, query.class).await?;
    let rows = rows.ok_or_else(|| no_such_plan(&services, &plan))?;
    let total = rows.len();
    let devices: Vec<_> =
        rows.into_iter().skip(query.offset).take(limit as usize).map(present::device).collect();
    let end = query.offset.saturating_add(devices.len());
    let next = (end < total && !devices.is_empty()).then_some(end);
    Ok(Json(DevicesAnswer { plan, total, devices, next }))
}

/// Which events to list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    after: Option<u64>,
    before: Option<u64>,
    limit: Option<u32>,
}

async fn events(
    State(services): State<Services>,
    plan: Result<Path<String>, PathRejection>,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Json<EventsAnswer>, Failure> {
    let (plan, query) = (plan_name(plan)?, understood(query)?);
    let limit = page_size(query.limit)?;
    let page = match (query.after, query.before) {
        (Some(_), Some(_)) => {
            return Err(Failure::new(Kind::Malformed, "name `after` or `before`, not both"));
        }
        (Some(seq), None) => Page::After(Seq::new(seq)),
        (None, Some(seq)) => Page::Before(Seq::new(seq)),
        (None, None) => Page::Newest,
    };
    known(&services, &plan)?;
    // One more than asked for tells whether there is a next page.
    let mut records =
        read_log(&services, move |reader| reader.view().history(&plan, page, limit + 1)).await?;
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let next = records.last().filter(|_| more).map(|record| record.seq.get());
    Ok(Json(EventsAnswer { events: records.iter().map(present::event).collect(), next }))
}

/// Reads the log on a connection of its own, off the async threads: SQLite blocks.
pub(super) async fn read_log<T: Send + 'static>(
    services: &Services,
    read: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    let database = services.database.clone();
    let unreadable = |why: String| Failure::new(Kind::Unavailable, format!("the log cannot be read: {why}"));
    let task = tokio::task::spawn_blocking(move || {
        let reader = Reader::open(&database).map_err(|error| error.to_string())?;
        read(&reader).map_err(|error| error.to_string())
    });
    match task.await {
        Ok(found) => found.map_err(unreadable),
        Err(error) => Err(unreadable(error.to_string())),
    }
}

/// The plan in the path.
pub(super) fn plan_name(plan: Result<Path<String>, PathRejection>) -> Result<PlanName, Failure> {
    let Path(text) = plan.map_err(|error| Failure::new(Kind::Malformed, error.body_text()))?;
    PlanName::new(text).map_err(|error| Failure::new(Kind::NoSuchPlan, error.to_string()))
}

fn understood<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Failure> {
    query.map(|Query(query)| query).map_err(|error| Failure::new(Kind::Malformed, error.body_text()))
}

fn page_size(limit: Option<u32>) -> Result<u32, Failure> {
    match limit.unwrap_or(DEFAULT_PAGE) {
        limit @ 1..=MAX_PAGE => Ok(limit),
        other => {
            let detail = format!("`limit` is {other}; it goes from 1 to {MAX_PAGE}, and `next` leads on");
            Err(Failure::new(Kind::Malformed, detail))
        }
    }
}

/// Whether there is such a plan, decided or not.
pub(super) fn known(services: &Services, plan: &PlanName) -> Result<(), Failure> {
    let view = services.handle.view();
    let reported = view.reports.iter().any(|report| report.id.plan == *plan);
    let faulty = view.faults.iter().any(|(of, _)| of == plan);
    if reported || faulty { Ok(()) } else { Err(no_such_plan(services, plan)) }
}

fn report<'a>(services: &Services, view: &'a View, plan: &PlanName) -> Result<&'a Report, Failure> {
    if let Some(report) = view.reports.iter().find(|report| report.id.plan == *plan) {
        return Ok(report);
    }
    match view.faults.iter().find(|(of, _)| of == plan) {
        Some((_, fault)) => {
            let detail = format!("plan {plan} cannot be decided: {fault}; nothing is written for it");
            Err(Failure::new(Kind::Fault, detail))
        }
        None => Err(no_such_plan(services, plan)),
    }
}

fn no_such_plan(services: &Services, plan: &PlanName) -> Failure {
    // Before the first decision no plan has a report yet.
    if services.handle.readiness() == Readiness::Starting {
        let detail = format!("nothing is decided yet, for plan `{plan}` or any other; ask again");
        return Failure::new(Kind::Unavailable, detail);
    }
    let view = services.handle.view();
    let known: Vec<&str> = view.reports.iter().map(|report| report.id.plan.as_str()).collect();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    Failure::new(Kind::NoSuchPlan, format!("there is no plan `{plan}`; ringward knows {known}"))
}
