//! The families of one scrape, and how values are written into them.
//!
//! **Invariant:** every name begins with `ringward_`, and every instant is Unix seconds.

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, Opts, Registry};

use crate::time::Timestamp;

/// The families of one scrape.
#[derive(Default)]
pub(super) struct Families {
    pub(super) registry: Registry,
}

impl Families {
    pub(super) fn add<C: Collector + Clone + 'static>(&self, family: C) -> Result<C, prometheus::Error> {
        self.registry.register(Box::new(family.clone()))?;
        Ok(family)
    }

    pub(super) fn gauge(&self, name: &str, help: &str, value: f64) -> Result<(), prometheus::Error> {
        self.add(Gauge::with_opts(opts(name, help))?)?.set(value);
        Ok(())
    }

    pub(super) fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<GaugeVec, prometheus::Error> {
        self.add(GaugeVec::new(opts(name, help), labels)?)
    }

    /// A family of which each series is set once.
    pub(super) fn each<'a, const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&str; N],
        series: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) -> Result<(), prometheus::Error> {
        let family = self.gauges(name, help, &labels)?;
        series.into_iter().for_each(|(values, value)| family.with_label_values(&values).set(value));
        Ok(())
    }
}

pub(super) fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("ringward_{name}"), help)
}

pub(super) fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// An instant as Prometheus has it: Unix seconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^52 for millennia")]
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a fleet has far fewer than 2^52 devices")]
pub(super) fn count(number: usize) -> f64 {
    number as f64
}
