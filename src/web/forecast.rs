//! When a rollout will be where: `GET /api/v1/rollouts/{plan}/forecast`, and what the page shows of it.
//!
//! Looking ahead takes a second or two of one core, so it is done outside of the daemon's loop, one at
//! a time, and kept until the log or the hour has moved on.
//!
//! **Invariant:** at most one forecast is computed at a time; the page never waits for one, and has
//! one computed for at most a tenth of the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use tokio::sync::Semaphore;

use crate::daemon::Handle;
use crate::ids::PlanName;
use crate::simulation::forecast::{NoForecast, forecast as look_ahead};
use crate::time::Stopwatch;
use crate::web::json::ForecastJson;
use crate::web::openapi::OfAForecast;
use crate::web::present;
use crate::web::problem::{Failure, Kind};
use crate::web::reads::{PlanInPath, known, plan_name};
use crate::web::services::Services;

/// The page has a forecast computed again only after so many times as long as the last one took.
const PAGE_PATIENCE: f64 = 10.0;

/// A forecast that took longer is kept for as long as it took, whatever the log does meanwhile: else
/// whoever was told to ask again would wait in vain for ever.
const SLOW: f64 = 15.0;

/// Requests that may wait for a forecast at once.
const MAX_WAITING: usize = 8;

/// What a forecast rests on: the end of the log, and the hour.
type Basis = (u64, i64);

#[derive(Debug)]
struct KeptForecast {
    basis: Basis,
    told: Arc<ForecastJson>,
    /// How long it took, and since when it is there.
    took: f64,
    age: Stopwatch,
}

/// The forecasts that were made.
#[derive(Debug, Clone)]
pub(super) struct Forecasts {
    kept: Arc<Mutex<BTreeMap<PlanName, KeptForecast>>>,
    one: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

impl Default for Forecasts {
    fn default() -> Self {
        Self {
            kept: Arc::default(),
            one: Arc::new(Semaphore::new(1)),
            room: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }
}

impl Forecasts {
    fn basis(handle: &Handle) -> Basis {
        let view = handle.view();
        (view.head.seq.get(), view.at.as_second().div_euclid(3_600))
    }

    fn fresh(&self, plan: &PlanName, basis: Basis) -> Option<Arc<ForecastJson>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |kept: &&KeptForecast| kept.basis == basis || is_late(kept.took, kept.age.seconds());
        kept.get(plan).filter(is_fresh).map(|kept| kept.told.clone())
    }

    /// [`Forecasts::told`], to its end even if who asks does not wait: the next one finds it.
    async fn told_in_the_end(&self, handle: &Handle, plan: &PlanName) -> Result<Arc<ForecastJson>, Failure> {
        let (forecasts, handle, plan) = (self.clone(), handle.clone(), plan.clone());
        to_its_end(async move { forecasts.told(&handle, &plan).await }).await
    }

    /// The forecast as of now, computed if need be.
    async fn told(&self, handle: &Handle, plan: &PlanName) -> Result<Arc<ForecastJson>, Failure> {
        if let Some(told) = self.fresh(plan, Self::basis(handle)) {
            return Ok(told);
        }
        let busy = || Failure::new(Kind::Busy, "many wait for a forecast already; ask again in a moment");
        let _place = self.room.clone().try_acquire_owned().map_err(|_| busy())?;
        let turn = self.one.clone().acquire_owned().await.map_err(|_| busy())?;
        // Who waited before may have brought it.
        let basis = Self::basis(handle);
        if let Some(told) = self.fresh(plan, basis) {
            return Ok(told);
        }
        let situation = handle.situation(plan.clone()).await?.map_err(|why| nothing(&why))?;
        let watch = Stopwatch::start();
        let task = tokio::task::spawn_blocking(move || {
            let told = look_ahead(&situation);
            // A caller that goes away leaves the work running, and the turn with it.
            drop(turn);
            told
        });
        let told = match task.await {
            Ok(told) => told.map_err(|why| nothing(&why))?,
            Err(error) => return Err(Failure::new(Kind::Fault, format!("no forecast: {error}"))),
        };
        let told = Arc::new(present::forecast(plan, told));
        let kept = KeptForecast { basis, told: told.clone(), took: watch.seconds(), age: Stopwatch::start() };
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(plan.clone(), kept);
        Ok(told)
    }

    /// The last forecast, for the page. A newer one is made meanwhile, where it is time for one.
    pub(super) fn last(&self, handle: &Handle, plan: &PlanName) -> Option<Arc<ForecastJson>> {
        let basis = Self::basis(handle);
        let (last, is_time) = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let kept = kept.get(plan);
            let is_time = kept
                .is_none_or(|kept| kept.basis != basis && kept.age.seconds() >= kept.took * PAGE_PATIENCE);
            (kept.map(|kept| kept.told.clone()), is_time)
        };
        if is_time && self.one.available_permits() > 0 {
            let (forecasts, handle, plan) = (self.clone(), handle.clone(), plan.clone());
            tokio::spawn(async move {
                // Why there is none is told to who asks for it.
                let _ = forecasts.told(&handle, &plan).await;
            });
        }
        last
    }
}

/// Whether a forecast took so long that it is told although it is no longer the newest.
fn is_late(took: f64, age: f64) -> bool {
    took > SLOW && age < took
}

/// Does work that does not end with the request that it is for.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => Err(Failure::new(Kind::Fault, format!("no forecast: {error}"))),
    }
}

fn nothing(why: &NoForecast) -> Failure {
    let kind = match why {
        NoForecast::NoRollout(_) => Kind::NoSuchPlan,
        NoForecast::Over(_) => Kind::Refused,
        NoForecast::Unread => Kind::Unavailable,
        NoForecast::Fault(_) => Kind::Fault,
    };
    Failure::new(kind, why.to_string())
}

/// When a rollout will be where, from the same core run forward many times.
#[utoipa::path(get, path = "/api/v1/rollouts/{plan}/forecast", tag = "rollouts",
    operation_id = "get_forecast", params(PlanInPath),
    responses((status = 200, description = "The forecast as of now", body = ForecastJson), OfAForecast))]
pub(super) async fn forecast(
    State(services): State<Services>,
    Extension(forecasts): Extension<Forecasts>,
    plan: Result<Path<String>, PathRejection>,
) -> Result<Json<ForecastJson>, Failure> {
    let plan = plan_name(plan)?;
    known(&services, &plan)?;
    let told = forecasts.told_in_the_end(&services.handle, &plan).await?;
    Ok(Json((*told).clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_its_request_is_gone() {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = tokio::sync::oneshot::channel();
        let (done, is_done) = tokio::sync::oneshot::channel();
        let work = async move {
            begun.send(()).unwrap();
            may_go_on.await.unwrap();
            done.send("kept").unwrap();
            Ok(())
        };
        {
            let mut request = std::pin::pin!(to_its_end(work));
            tokio::select! {
                _ = &mut request => panic!("it cannot be over"),
                begun = has_begun => begun.unwrap(),
            }
        }
        go_on.send(()).unwrap();
        assert_eq!(is_done.await.unwrap(), "kept");
    }

    #[test]
    fn what_took_long_is_told_for_as_long_and_the_rest_only_while_it_is_new() {
        for (took, age, expected) in [(1.0, 0.0, false), (40.0, 39.0, true), (40.0, 41.0, false)] {
            assert_eq!(is_late(took, age), expected, "took {took} s, {age} s ago");
        }
    }
}
