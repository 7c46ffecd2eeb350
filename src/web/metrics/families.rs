//! What a metric is, and how its series are written.
//!
//! **Invariant:** every name begins with `ringward_`, and every instant is Unix seconds.

use std::borrow::Cow;

use prometheus::core::Collector;
use prometheus::{CounterVec, GaugeVec, Opts};

use crate::daemon::view::View;
use crate::rollout::record::Judgement;
use crate::rollout::state::Phase;
use crate::rollout::tell::report::Report;
use crate::rollout::tell::ring_report::RingReport;
use crate::text::visible;
use crate::time::Timestamp;

/// A metric: all that is said of it, and how it is read off a snapshot. It is a counter if its name ends in `_total`,
/// else a gauge.
pub struct Metric {
    /// Its name, without `ringward_`.
    pub name: &'static str,
    /// Its labels, beside those of what it is of.
    pub(super) own: Labels,
    /// A whole sentence.
    pub help: &'static str,
    pub(super) of: Of,
}

/// The metrics of a file, a row each: its name, its own labels, its help, and how it is read.
macro_rules! metric_table {
    ($($name:literal $own:tt $help:literal => $of:expr;)*) => {
        pub(super) const METRICS: &[Metric] = &[$(Metric { name: $name, own: &$own, help: $help, of: $of }),*];
    };
}
pub(super) use metric_table;

/// What a metric is of, and how it is read off that.
pub(super) enum Of {
    /// At an instant, by the daemon's clock.
    Daemon(fn(&View, Timestamp, &Series<'_>)),
    /// Each plan's latest rollout, but of plans whose file is gone.
    Rollout(fn(&Report, &View, &Series<'_>)),
    /// Each of its rings, at the instant of the report.
    Ring(fn(&RingReport, Timestamp, &Series<'_>)),
    /// Each gate of a ring that judges one environment.
    Gate(fn(&Judgement, &Series<'_>)),
}

/// The series of one metric about one thing.
pub(super) struct Series<'a> {
    family: &'a Family,
    /// The values of the first labels.
    place: &'a [&'a str],
}

enum Family {
    Gauge(GaugeVec),
    Counter(CounterVec),
}

type Labels = &'static [&'static str];

impl Metric {
    /// Its labels, in order.
    pub fn labels(&self) -> Vec<&'static str> {
        let place: Labels = match self.of {
            Of::Daemon(_) => &[],
            Of::Rollout(_) => &["plan"],
            Of::Ring(_) => &["plan", "ring"],
            Of::Gate(_) => &["plan", "ring", "environment"],
        };
        [place, self.own].concat()
    }

    /// Whether it only grows.
    pub fn is_counter(&self) -> bool {
        self.name.ends_with("_total")
    }

    /// Its series in a scrape.
    pub(super) fn read(&self, view: &View, now: Timestamp) -> Result<Box<dyn Collector>, prometheus::Error> {
        let opts = Opts::new(format!("ringward_{}", self.name), self.help);
        let family = match self.is_counter() {
            true => Family::Counter(CounterVec::new(opts, &self.labels())?),
            false => Family::Gauge(GaugeVec::new(opts, &self.labels())?),
        };
        // A plan whose file is gone keeps its phase, which says so, and nothing else.
        let live = view.reports.iter().filter(|report| report.phase != Phase::Withdrawn);
        let live = live.map(|report| (report.id.plan.as_str(), report));
        let rings = live.clone().flat_map(|(plan, report)| {
            report.rings.iter().map(move |ring| ([plan, ring.name.as_str()], report.at, ring))
        });
        match self.of {
            Of::Daemon(read) => read(view, now, &Series { family: &family, place: &[] }),
            Of::Rollout(read) => live
                .for_each(|(place, report)| read(report, view, &Series { family: &family, place: &[place] })),
            Of::Ring(read) => {
                rings.for_each(|(place, at, ring)| read(ring, at, &Series { family: &family, place: &place }))
            }
            Of::Gate(read) => rings.for_each(|([plan, name], _, ring)| {
                let judged = ring.gates.iter().filter_map(|one| Some((one, one.environment?)));
                judged.for_each(|(one, on)| {
                    read(one, &Series { family: &family, place: &[plan, name, on.as_str()] })
                });
            }),
        }
        Ok(match family {
            Family::Gauge(family) => Box::new(family),
            Family::Counter(family) => Box::new(family),
        })
    }
}

impl Series<'_> {
    /// Writes one, once.
    pub(super) fn set(&self, labels: &[&str], value: f64) {
        let labels = self.labels(labels);
        match self.family {
            Family::Gauge(family) => family.with_label_values(&labels).set(value),
            Family::Counter(family) => family.with_label_values(&labels).inc_by(value),
        }
    }

    /// The values of all labels. Nothing in a scrape is obeyed by whoever reads it on a terminal.
    fn labels<'l>(&self, own: &[&'l str]) -> Vec<Cow<'l, str>>
    where
        Self: 'l,
    {
        self.place.iter().chain(own).copied().map(visible).collect()
    }

    /// Writes one where there is a value: what has none has no series, rather than a zero that reads as one.
    pub(super) fn one(&self, value: Option<f64>) {
        if let Some(value) = value {
            self.set(&[], value);
        }
    }

    /// Writes one that two facts can share: one that is true counts.
    pub(super) fn any(&self, labels: &[&str], holds: bool) {
        if let Family::Gauge(family) = self.family {
            let series = family.with_label_values(&self.labels(labels));
            series.set(truth(holds).max(series.get()));
        }
    }

    /// Writes 1 for the word that holds, and 0 for all others.
    pub(super) fn state(&self, labels: &[&str], words: &[&str], holds: &str) {
        for word in words {
            self.set(&[labels, &[word]].concat(), truth(*word == holds));
        }
    }
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

#[expect(clippy::cast_precision_loss, reason = "a log has far fewer than 2^52 records")]
pub(super) fn total(number: u64) -> f64 {
    number as f64
}
