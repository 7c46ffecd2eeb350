//! A good plan in short: its rings, and when each can be entered.
//!
//! **Invariant:** what it says of openings is what the gates will say at those instants.

use std::{collections::BTreeMap, io};

use serde::Serialize;

use crate::cli::{Out, counted, moment, safe};
use crate::ids::{PlanName, RingName};
use crate::plan::model::{PlanDigest, Revision, RingPlan};
use crate::rollout::judge::opening::LEFT_TO_ENTER;
use crate::schedule::{Freeze, Schedule};
use crate::time::{Timestamp, in_words, since};
use crate::version::{ClientVersion, Environment};

/// So many openings of each ring are told.
const OPENINGS: usize = 2;

/// So many freezes of each ring are told to people; JSON has all.
const FREEZES_SHOWN: usize = 5;

/// A good plan in short.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    name: &'a PlanName,
    digest: &'a PlanDigest,
    rings: Vec<RingSummary<'a>>,
    /// When the first ring can be entered; `None`: no opening within a year and a month.
    first_entry: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct RingSummary<'a> {
    name: &'a RingName,
    profiles: Vec<String>,
    targets: &'a BTreeMap<Environment, ClientVersion>,
    /// In which openings and freezes are read.
    timezone: &'a str,
    /// Those that are not over, as the ring has them: its own and those of `defaults`.
    freezes: Vec<&'a Freeze>,
    /// The next spans in which it can be entered.
    openings: Vec<OpeningSummary>,
    #[serde(skip)]
    schedule: &'a Schedule,
}

#[derive(Debug, Serialize)]
struct OpeningSummary {
    /// Not before the present instant.
    opens_at: Timestamp,
    /// `null`: out of sight.
    closes_at: Option<Timestamp>,
}

impl<'a> Summary<'a> {
    pub(super) fn of(revision: &'a Revision, now: Timestamp) -> Self {
        let plan = &revision.plan;
        Self {
            name: &plan.name,
            digest: &revision.digest,
            rings: plan.rings.iter().map(|ring| RingSummary::of(ring, now)).collect(),
            first_entry: plan.rings.first().and_then(|ring| ring.schedule.next_entry(now, LEFT_TO_ENTER)),
        }
    }

    /// For people.
    pub(super) fn write(&self, out: Out<'_>, file: &str, now: Timestamp) -> io::Result<()> {
        let rings = counted(self.rings.len(), "ring");
        let (file, digest) = (safe(file), self.digest.short());
        writeln!(out, "{file}: plan {} is good: {rings}, digest {digest}", self.name)?;
        for (index, ring) in self.rings.iter().enumerate() {
            ring.write(out, index + 1, now)?;
        }
        match self.first_entry {
            Some(at) if at <= now => writeln!(out, "  the first ring can be entered now"),
            Some(at) => writeln!(out, "  the first ring can be entered at {}", moment(at, now)),
            None => writeln!(out, "  the first ring has no opening within 400 days"),
        }
    }
}

impl<'a> RingSummary<'a> {
    fn of(ring: &'a RingPlan, now: Timestamp) -> Self {
        let schedule = &ring.schedule;
        let opening = |(opens_at, closes_at)| OpeningSummary { opens_at, closes_at };
        // What is too late to be entered by now is no opening any more.
        let first = schedule.next_entry(now, LEFT_TO_ENTER);
        let spans = first.into_iter().flat_map(|first| schedule.entries(first, LEFT_TO_ENTER));
        Self {
            name: &ring.name,
            profiles: ring.profiles.iter().map(ToString::to_string).collect(),
            targets: &ring.targets,
            timezone: schedule.zone().name(),
            freezes: schedule.freezes_after(now).collect(),
            openings: spans.take(OPENINGS).map(opening).collect(),
            schedule,
        }
    }

    fn write(&self, out: Out<'_>, number: usize, now: Timestamp) -> io::Result<()> {
        let targets: Vec<_> = self.targets.iter().map(|(on, version)| format!("{on} {version}")).collect();
        let (name, profiles) = (safe(self.name.as_str()), safe(&self.profiles.join(", ")));
        writeln!(out, "  {number}. {name} ({profiles}): {}", targets.join(", "))?;
        if self.schedule.openings().is_empty() && self.freezes.is_empty() {
            writeln!(out, "     open at all times")?;
        } else {
            for opening in &self.openings {
                writeln!(out, "     {}", self.told(opening, now))?;
            }
        }
        for freeze in self.freezes.iter().take(FREEZES_SHOWN) {
            writeln!(out, "     frozen {} to {}: {}", freeze.from(), freeze.until(), safe(freeze.reason()))?;
        }
        match self.freezes.len().saturating_sub(FREEZES_SHOWN) {
            0 => Ok(()),
            more => writeln!(out, "     and {}", counted(more, "more freeze")),
        }
    }

    /// By the ring's clocks first, then in UTC.
    fn told(&self, OpeningSummary { opens_at, closes_at }: &OpeningSummary, now: Timestamp) -> String {
        let zone = self.schedule.zone();
        let local = zone.local(*opens_at).strftime("%a %Y-%m-%d %H:%M").to_string();
        let utc = opens_at.strftime("%H:%M").to_string();
        let utc = if zone.name() == "UTC" { String::new() } else { format!(" ({utc} UTC)") };
        match *closes_at {
            Some(closes) if *opens_at <= now => {
                format!("open now, until {} {zone}", zone.local(closes).strftime("%a %Y-%m-%d %H:%M"))
            }
            None if *opens_at <= now => "open now, without an end in sight".to_owned(),
            Some(closes) => {
                format!("opens {local} {zone}{utc} for {}", in_words(since(*opens_at, closes)))
            }
            None => format!("opens {local} {zone}{utc}"),
        }
    }
}
