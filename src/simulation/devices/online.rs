//! When a device is switched on and connected.
//!
//! **Invariant:** spans are in order and none is empty, so that an instant lies in one of them at most.

use std::sync::Arc;

use crate::time::{SignedDuration, Timestamp, after, since};

/// When a device is switched on and connected: spans in order, begins included, ends not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineSpans(Arc<[(Timestamp, Timestamp)]>);

impl OnlineSpans {
    /// The union of spans; empty ones count for nothing.
    pub fn spans(mut spans: Vec<(Timestamp, Timestamp)>) -> Self {
        spans.retain(|(from, until)| from < until);
        spans.sort_unstable();
        spans.dedup_by(|next, kept| {
            let joins = next.0 < kept.1;
            if joins {
                kept.1 = kept.1.max(next.1);
            }
            joins
        });
        Self(spans.into())
    }

    /// At all times.
    pub fn always() -> Self {
        Self::spans(vec![(Timestamp::UNIX_EPOCH, Timestamp::MAX)])
    }

    /// At no time.
    pub fn never() -> Self {
        Self::spans(Vec::new())
    }

    /// The same, but absent before `instant`.
    pub fn from(&self, instant: Timestamp) -> Self {
        let kept = self.0.iter().filter(|(_, until)| *until > instant);
        Self::spans(kept.map(|(from, until)| ((*from).max(instant), *until)).collect())
    }

    /// The same, but absent from `instant` on.
    pub fn until(&self, instant: Timestamp) -> Self {
        let kept = self.0.iter().filter(|(from, _)| *from < instant);
        Self::spans(kept.map(|(from, until)| (*from, (*until).min(instant))).collect())
    }

    /// The same, but absent between two instants.
    pub fn without(&self, from: Timestamp, until: Timestamp) -> Self {
        Self::spans(self.until(from).0.iter().chain(self.from(until).0.iter()).copied().collect())
    }

    /// The first instant from `from` on at which the device is present.
    pub fn first_from(&self, from: Timestamp) -> Option<Timestamp> {
        let next = self.0.partition_point(|(_, until)| *until <= from);
        self.0.get(next).map(|(begin, _)| (*begin).max(from))
    }

    /// The spans from `from` on; the first one begins no earlier.
    pub(super) fn spans_from(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let next = self.0.partition_point(|(_, until)| *until <= from);
        self.0.iter().skip(next).map(move |(begin, until)| ((*begin).max(from), *until))
    }

    /// When the span that holds `at` ends.
    pub(super) fn end_of(&self, at: Timestamp) -> Option<Timestamp> {
        self.spans_from(at).next().filter(|(begin, _)| *begin <= at).map(|(_, until)| until)
    }

    /// The last heartbeat up to `at`: one at each span's begin and `every` so long after it.
    pub fn last_heartbeat(&self, every: SignedDuration, at: Timestamp) -> Option<Timestamp> {
        let begun = self.0.partition_point(|(begin, _)| *begin <= at);
        let (begin, until) = self.0.get(begun.checked_sub(1)?)?;
        // The end is not part of the span.
        let last = at.min(after(*until, -SignedDuration::from_millis(1)));
        let beats = since(*begin, last).as_millis() / every.as_millis();
        let elapsed = SignedDuration::from_millis(i64::try_from(beats * every.as_millis()).unwrap_or(0));
        Some(after(*begin, elapsed))
    }
}
