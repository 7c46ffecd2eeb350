//! Counters of the requests to Cloudflare and of those that were refused here, and what the process uses.
//!
//! **Invariant:** labels are operations, answer codes and reasons, all closed sets; no ID is ever a label.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

use super::process;
use super::refused::Refusals;
use crate::cloudflare::RequestObserver;
use crate::time::{Clock, Timestamp};

/// Wall seconds; the client gives up after 30.
const REQUEST_SECONDS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Counters with a registry of their own, so that two in one process do not meet.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    refusals: Refusals,
    started_at: Timestamp,
}

impl Metrics {
    /// All at zero, in a process that starts now.
    ///
    /// # Errors
    /// When a name or label is not one that Prometheus takes; the names are constants.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new(
                "ringward_cloudflare_requests_total",
                "Requests to Cloudflare, by operation and HTTP status or kind of failure.",
            ),
            &["operation", "code"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "ringward_cloudflare_request_duration_seconds",
                "Wall time of a request to Cloudflare.",
            )
            .buckets(REQUEST_SECONDS.to_vec()),
            &["operation"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        let refusals = Refusals::new()?;
        registry.register(refusals.collector())?;
        Ok(Self { registry, requests, seconds, refusals, started_at: Clock::Real.now() })
    }

    /// Requests that were refused.
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Everything counted so far, and what the process uses now.
    pub fn gather(&self) -> Vec<prometheus::proto::MetricFamily> {
        let mut families = self.registry.gather();
        families.extend(process::families(self.started_at));
        families
    }
}

impl RequestObserver for Metrics {
    fn finished(&self, operation: &'static str, code: &str, seconds: f64) {
        self.requests.with_label_values(&[operation, code]).inc();
        self.seconds.with_label_values(&[operation]).observe(seconds);
    }
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn requests_are_counted_by_operation_and_code() {
        let metrics = Metrics::new().unwrap();
        metrics.finished("list_groups", "200", 0.2);
        metrics.finished("list_groups", "200", 40.0);
        metrics.finished("create_group", "timeout", 30.0);
        let text = TextEncoder::new().encode_to_string(&metrics.gather()).unwrap();
        for line in [
            r#"ringward_cloudflare_requests_total{code="200",operation="list_groups"} 2"#,
            r#"ringward_cloudflare_requests_total{code="timeout",operation="create_group"} 1"#,
            r#"ringward_cloudflare_request_duration_seconds_bucket{operation="list_groups",le="0.25"} 1"#,
            r#"ringward_cloudflare_request_duration_seconds_bucket{operation="list_groups",le="30"} 1"#,
            r#"ringward_cloudflare_request_duration_seconds_count{operation="list_groups"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
        }
    }
}
