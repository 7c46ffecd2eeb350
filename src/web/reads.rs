//! What the reads of the API answer.
//!
//! **Invariant:** a read never waits for the daemon's loop, except the list of devices, which only
//! the loop has; the log is read on its own connection.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::daemon::view::{DeviceFilter, Readiness, RingDevice, View};
use crate::fleet::Class;
use crate::ids::{PlanName, RingName};
use crate::rollout::tell::explain::blocks::explain_new;
use crate::rollout::tell::report::Report;
use crate::store::{Page, Reader, Record, Seq, StoreError};
use crate::web::json::{
    DEFAULT_PAGE, DevicesAnswer, EventsAnswer, MAX_PAGE, PlanAnswer, RolloutJson, RolloutsAnswer,
};
use crate::web::openapi::{OfAPlan, OfARead};
use crate::web::present;
use crate::web::problem::{Failure, Kind};
use crate::web::services::Services;

/// Largest number in a query: what JSON carries exactly.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The plan in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "documents the path; `plan_name` reads it")]
pub(super) struct PlanInPath {
    /// The plan's name.
    #[param(example = "cloudflare-one-client")]
    plan: PlanName,
}

/// The daemon, and each plan's latest rollout.
#[utoipa::path(get, path = "/api/v1/rollouts", tag = "rollouts", operation_id = "list_rollouts", responses(
    (status = 200, description = "One snapshot", body = RolloutsAnswer, links(
        ("rollout" = (operation_id = "get_rollout", parameters(("plan" = "$response.body#/rollouts/0/plan")))),
        ("plan" = (operation_id = "get_plan", parameters(("plan" = "$response.body#/rollouts/0/plan")))),
        ("events" = (operation_id = "list_events", parameters(("plan" = "$response.body#/rollouts/0/plan"))))
    )), OfARead))]
pub(super) async fn rollouts(State(services): State<Services>) -> Json<RolloutsAnswer> {
    Json(present::rollouts(&services.handle.view()))
}

/// One rollout and all its reasons.
#[utoipa::path(get, path = "/api/v1/rollouts/{plan}", tag = "rollouts", operation_id = "get_rollout",
    params(PlanInPath),
    responses((status = 200, description = "The plan's latest rollout", body = RolloutJson), OfAPlan))]
pub(super) async fn rollout(
    State(services): State<Services>,
    plan: Result<Path<String>, PathRejection>,
) -> Result<Json<RolloutJson>, Failure> {
    let view = services.handle.view();
    let report = report(&services, &view, &plan_name(plan)?)?;
    Ok(Json(present::of_view(report, &view)))
}

/// Lists of devices that may be under way at once: they wait in the daemon's queue beside the verbs,
/// which must find room.
const MAX_DEVICE_LISTS: usize = 8;

/// How many more lists of devices may be asked for.
#[derive(Debug, Clone)]
struct DeviceListRoom(Arc<Semaphore>);

/// The path of the devices.
pub(super) fn devices_routes() -> OpenApiRouter<Services> {
    let room = DeviceListRoom(Arc::new(Semaphore::new(MAX_DEVICE_LISTS)));
    OpenApiRouter::new().routes(routes!(devices)).layer(Extension(room))
}

/// Which devices to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DevicesQuery {
    /// Only those of this ring.
    ring: Option<RingName>,
    /// Only those of this class.
    class: Option<Class>,
    /// `true`: only those that fell silent after they arrived, by the newest looks; `false`: only the others.
    dark: Option<bool>,
    /// Devices on a page; 100 where it is not named.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Devices to pass over: `next` of the page before.
    #[param(maximum = 9_007_199_254_740_991_u64)]
    offset: Option<u64>,
}

/// The devices of a plan's rings, by ring and device ID.
#[utoipa::path(get, path = "/api/v1/rollouts/{plan}/devices", tag = "rollouts", operation_id = "list_devices",
    params(PlanInPath, DevicesQuery),
    responses((status = 200, description = "One page", body = DevicesAnswer, links(
        ("next" = (operation_id = "list_devices", parameters(
            ("plan" = "$request.path.plan"), ("offset" = "$response.body#/next"))))
    )), OfAPlan))]
async fn devices(
    State(services): State<Services>,
    Extension(room): Extension<DeviceListRoom>,
    plan: Result<Path<String>, PathRejection>,
    query: Result<Query<DevicesQuery>, QueryRejection>,
) -> Result<Json<DevicesAnswer>, Failure> {
    let (plan, query) = (plan_name(plan)?, understood(query)?);
    let limit = page_size(query.limit)?;
    let offset = usize::try_from(number("offset", query.offset.unwrap_or(0))?).unwrap_or(usize::MAX);
    if let Some(ring) = &query.ring {
        let view = services.handle.view();
        let report = report(&services, &view, &plan)?;
        if !report.rings.iter().any(|one| one.name == *ring) {
            let known: Vec<&str> = report.rings.iter().map(|ring| ring.name.as_str()).collect();
            let detail = format!("plan {plan} has no ring `{ring}`; its rings are {}", known.join(", "));
            return Err(Failure::new(Kind::NoSuchPlan, detail));
        }
    }
    let rows = listed(&services, room, plan.clone(), query).await?;
    let rows = rows.ok_or_else(|| no_such_plan(&services, &plan))?;
    let total = rows.len();
    let devices: Vec<_> = rows.into_iter().skip(offset).take(limit as usize).collect();
    let end = offset.saturating_add(devices.len());
    let next = (end < total && !devices.is_empty()).then_some(end);
    Ok(Json(DevicesAnswer { plan, total, devices, next }))
}

/// Asks the daemon, if not too many do.
async fn listed(
    services: &Services,
    room: DeviceListRoom,
    plan: PlanName,
    query: DevicesQuery,
) -> Result<Option<Vec<RingDevice>>, Failure> {
    let place = room.0.try_acquire_owned().map_err(|_| {
        let detail = format!("{MAX_DEVICE_LISTS} lists of devices are under way; ask again in a moment");
        Failure::new(Kind::Busy, detail)
    })?;
    let handle = services.handle.clone();
    let listing = DeviceFilter { ring: query.ring, class: query.class, dark: query.dark };
    // A client that goes away leaves its question in the queue; the place is free when it is answered.
    let asked = tokio::spawn(async move {
        let rows = handle.devices(plan, listing).await;
        drop(place);
        rows
    });
    match asked.await {
        Ok(rows) => Ok(rows?),
        Err(error) => Err(Failure::new(Kind::Fault, format!("the devices cannot be listed: {error}"))),
    }
}

/// Which events to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Only later ones than this place in the log, oldest first.
    #[param(maximum = 9_007_199_254_740_991_u64)]
    after: Option<u64>,
    /// Only earlier ones than this place in the log; newest first, unless `after` is named too.
    #[param(maximum = 9_007_199_254_740_991_u64)]
    before: Option<u64>,
    /// Events on a page; 100 where it is not named.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// What happened to a plan: newest first, or oldest first with `after`.
#[utoipa::path(get, path = "/api/v1/rollouts/{plan}/events", tag = "rollouts", operation_id = "list_events",
    params(PlanInPath, EventsQuery),
    responses((status = 200, description = "One page", body = EventsAnswer, links(
        ("next" = (operation_id = "list_events", parameters(
            ("plan" = "$request.path.plan"), ("before" = "$response.body#/next"))))
    )), OfAPlan))]
pub(super) async fn events(
    State(services): State<Services>,
    plan: Result<Path<String>, PathRejection>,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Json<EventsAnswer>, Failure> {
    let (plan, query) = (plan_name(plan)?, understood(query)?);
    let limit = page_size(query.limit)?;
    let after = query.after.map(|seq| number("after", seq)).transpose()?;
    let before = query.before.map(|seq| number("before", seq)).transpose()?;
    let page = match (after, before) {
        (Some(seq), _) => Page::After(Seq::new(seq)),
        (None, Some(seq)) => Page::Before(Seq::new(seq)),
        (None, None) => Page::Newest,
    };
    known(&services, &plan)?;
    // One more than asked for tells whether there is a next page.
    let mut records =
        read_log(&services, move |reader| reader.view().history(&plan, page, limit + 1)).await?;
    if let (Some(_), Some(end)) = (after, before) {
        records.retain(|record| record.seq.get() < end);
    }
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let next = records.last().filter(|_| more).map(|record| record.seq.get());
    let eras = &services.handle.view().eras;
    Ok(Json(EventsAnswer { events: records.iter().map(|one| present::event(one, eras)).collect(), next }))
}

/// The plan that the latest rollout follows, as the log keeps it.
#[utoipa::path(get, path = "/api/v1/rollouts/{plan}/plan", tag = "rollouts", operation_id = "get_plan",
    params(PlanInPath),
    responses((status = 200, description = "The newest accepted revision", body = PlanAnswer), OfAPlan))]
pub(super) async fn plan(
    State(services): State<Services>,
    plan: Result<Path<String>, PathRejection>,
) -> Result<Json<PlanAnswer>, Failure> {
    let plan = plan_name(plan)?;
    known(&services, &plan)?;
    let of = plan.clone();
    let found = read_log(&services, move |reader| newest_revision(reader, &of)).await?;
    let eras = &services.handle.view().eras;
    let answer = found.first().and_then(|record| present::plan(record, eras));
    let missing = || Failure::new(Kind::Fault, format!("the log has no revision of plan {plan}"));
    answer.map(Json).ok_or_else(missing)
}

/// The newest record that holds a revision, or none; page by page, for a log can be long. Where the rollout goes on
/// under this name and has none under it yet, that of the name before.
fn newest_revision(reader: &Reader, plan: &PlanName) -> Result<Vec<Record>, StoreError> {
    let (mut plan, mut page) = (plan.clone(), Page::Newest);
    loop {
        let records = reader.view().history(&plan, page, MAX_PAGE)?;
        let Some(oldest) = records.last().map(|record| record.seq) else { return Ok(Vec::new()) };
        page = Page::Before(oldest);
        for record in records {
            if present::holds_a_revision(&record) {
                return Ok(vec![record]);
            }
            if let Some(from) = present::name_before(&record) {
                (plan, page) = (from, Page::Before(record.seq));
                break;
            }
        }
    }
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

fn number(name: &str, number: u64) -> Result<u64, Failure> {
    if number <= MAX_NUMBER {
        return Ok(number);
    }
    Err(Failure::new(Kind::Malformed, format!("`{name}` is {number}; it goes from 0 to {MAX_NUMBER}")))
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
    unknown_plan(&services.handle.view(), plan)
}

/// Says which plans there are; one that is new and waits has no rollout to speak of.
pub(super) fn unknown_plan(view: &View, plan: &PlanName) -> Failure {
    if let Some((_, waits)) = view.new_plans().find(|(new, _)| *new == plan) {
        let said = explain_new(plan, &waits.waiting.revision);
        let detail = format!(
            "plan `{plan}` is new and has no rollout yet: {}. {} {}",
            said.headline, said.detail, said.remedy
        );
        return Failure::new(Kind::NoSuchPlan, detail);
    }
    let known: Vec<&str> = view.reports.iter().map(|report| report.id.plan.as_str()).collect();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    Failure::new(Kind::NoSuchPlan, format!("there is no plan `{plan}`; ringward knows {known}"))
}
