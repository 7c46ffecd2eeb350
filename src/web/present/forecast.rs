//! A forecast as JSON.
//!
//! **Invariant:** everything is copied from one forecast.

use crate::ids::PlanName;
use crate::simulation::forecast::{Estimate, Forecast, RingForecast, When};
use crate::web::json::{AlternativeJson, ForecastJson, HaltShareJson, RingForecastJson, WhenJson};

/// A forecast for `plan`.
pub fn forecast(plan: &PlanName, told: Forecast) -> ForecastJson {
    let halt = |(halt, percent)| HaltShareJson { halt, percent };
    let alternatives = told.alternatives.into_iter().map(|one| AlternativeJson {
        change: one.change.to_owned(),
        done: when(one.done),
        sooner_seconds: one.sooner.as_secs(),
    });
    ForecastJson {
        plan: plan.clone(),
        at: told.at,
        held: told.held,
        done: when(told.done),
        rings: told.rings.into_iter().map(ring).collect(),
        halts: told.halts.into_iter().map(halt).collect(),
        alternatives: alternatives.collect(),
        runs: told.runs,
        devices: told.devices,
    }
}

fn ring(ring: RingForecast) -> RingForecastJson {
    RingForecastJson {
        name: ring.ring,
        entered: when(ring.entered),
        verified: when(ring.verified),
        mostly: ring.parts.map(|parts| parts.longest().to_owned()),
        entering_seconds: ring.parts.map(|parts| parts.entering.as_secs()),
        adopting_seconds: ring.parts.map(|parts| parts.adopting.as_secs()),
        soaking_seconds: ring.parts.map(|parts| parts.soaking.as_secs()),
        next_opening: ring.opening,
    }
}

fn when(when: When) -> WhenJson {
    let state = |state: &str| WhenJson { state: state.to_owned(), ..WhenJson::default() };
    match when {
        When::Was(at) => WhenJson { at: Some(at), ..state("was") },
        When::Open => state("open"),
        When::Expected(Estimate { earliest, from, middle, until, percent }) => {
            let [earliest, from, middle, until] = [earliest, from, middle, until].map(Some);
            WhenJson { earliest, from, middle, until, percent: Some(percent), ..state("expected") }
        }
    }
}
