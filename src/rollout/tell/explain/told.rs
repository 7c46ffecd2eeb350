//! What is told of one thing in the way: sentences, since when, until when, and what could change it.
//!
//! **Invariant:** without an instant there is none, and not one that is guessed.

use crate::rollout::tell::report::Report;
use crate::rollout::world::{Read, Want};
use crate::time::Timestamp;

/// What is told of one thing in the way.
pub(crate) struct ToldBlocker {
    pub(crate) headline: String,
    pub(crate) detail: String,
    pub(crate) since: Option<Timestamp>,
    /// When the clock alone takes it away.
    pub(crate) until: Option<Timestamp>,
    read_at: Option<Timestamp>,
    /// The reads that can change it.
    reads: fn(&Read) -> bool,
}

/// What is the case, and what follows from it; no read changes it, and the clock does not either.
pub(crate) fn told(headline: impl Into<String>, detail: impl Into<String>) -> ToldBlocker {
    let (headline, detail) = (headline.into(), detail.into());
    ToldBlocker { headline, detail, since: None, until: None, read_at: None, reads: |_| false }
}

impl ToldBlocker {
    pub(crate) fn since(self, since: impl Into<Option<Timestamp>>) -> Self {
        Self { since: since.into(), ..self }
    }

    pub(crate) fn until(self, until: impl Into<Option<Timestamp>>) -> Self {
        Self { until: until.into(), ..self }
    }

    pub(crate) fn read_at(self, read_at: Option<Timestamp>) -> Self {
        Self { read_at, ..self }
    }

    pub(crate) fn reads(self, reads: fn(&Read) -> bool) -> Self {
        Self { reads, ..self }
    }

    /// When what it depends on is read next; `None`: no read can change it.
    pub(crate) fn next_read(&self, report: &Report) -> Option<Timestamp> {
        let reads = report.reads.iter().filter(|Want { read, .. }| (self.reads)(read)).map(|want| want.at);
        self.read_at.or_else(|| reads.min().map(|at| at.max(report.at)))
    }
}

pub(crate) const fn of_devices(read: &Read) -> bool {
    matches!(read, Read::FullSweep | Read::IncrementalSweep | Read::ProfileSweep(_))
}

pub(crate) const fn of_full_sweep(read: &Read) -> bool {
    matches!(read, Read::FullSweep)
}

pub(crate) const fn of_groups(read: &Read) -> bool {
    matches!(read, Read::Groups | Read::Group(_) | Read::Profiles)
}
