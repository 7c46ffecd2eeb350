//! A good plan in words: its rings, what each is set to, and when it can be entered.
//!
//! **Invariant:** what it says of openings is what the gates will say at those instants.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use crate::cli::{Out, counted, moment, safe};
use crate::ids::{PlanName, RingName};
use crate::plan::model::{AllowDowngrade, ApprovalRule, DeviceLimit, PlanDigest, Revision, RingPlan};
use crate::rollout::judge::opening::LEFT_TO_ENTER;
use crate::schedule::{Freeze, Opening, Schedule};
use crate::time::{Span, Timestamp};
use crate::version::{ClientVersion, Environment};

/// So many openings of each ring are told.
const OPENINGS: usize = 2;

/// What fits beside the indentation on a terminal of 80 columns.
const LINE: usize = 75;

/// So many freezes of each ring are told to people; JSON has all.
const FREEZES_SHOWN: usize = 5;

/// A schedule of no more lines than this is told again for each ring that has it.
const FEW_LINES: usize = 3;

/// A good plan in short.
#[derive(Debug, Serialize)]
pub(crate) struct Summary<'a> {
    pub(super) name: &'a PlanName,
    pub(super) digest: &'a PlanDigest,
    pub(super) rings: Vec<RingSummary<'a>>,
    /// When the first ring can be entered; `None`: no opening within a year and a month.
    first_entry: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub(super) struct RingSummary<'a> {
    pub(super) name: &'a RingName,
    pub(super) profiles: Vec<String>,
    targets: &'a BTreeMap<Environment, ClientVersion>,
    /// In which openings and freezes are read.
    pub(super) timezone: &'a str,
    /// Each opening in words; none: it is open at all times.
    pub(super) opens: Vec<String>,
    /// Those that are not over, as the ring has them: its own and those of `defaults`.
    pub(super) freezes: Vec<&'a Freeze>,
    /// The next spans in which it can be entered.
    openings: Vec<OpeningSummary>,
    soak: Span,
    /// Who must approve; `null`: nobody is asked.
    approval: Option<&'a ApprovalRule>,
    /// `null`: no limit.
    max_devices: Option<DeviceLimit>,
    /// Which devices may be taken down, in words; `null`: none.
    allow_downgrade: Option<String>,
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
        writeln!(out, "{}", self.headline(file))?;
        let mut told: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for (index, ring) in self.rings.iter().enumerate() {
            let (number, name, profiles) =
                (index + 1, safe(ring.name.as_str()), safe(&ring.profiles.join(", ")));
            writeln!(out, "  {number}. {name} ({profiles}): {}", ring.versions())?;
            let lines = ring.schedule_lines(now);
            match told.get(&lines).filter(|_| lines.len() > FEW_LINES) {
                Some(first) => writeln!(out, "     opens and is frozen as ring {first} is")?,
                None => lines.iter().try_for_each(|line| writeln!(out, "     {line}"))?,
            }
            told.entry(lines).or_insert(number);
            writeln!(out, "     {}", ring.rules())?;
        }
        writeln!(out, "  {}", self.first_entry(now))
    }

    pub(super) fn headline(&self, file: &str) -> String {
        let rings = counted(self.rings.len(), "ring");
        format!("{}: plan {} is good: {rings}, digest {}", safe(file), self.name, self.digest.short())
    }

    pub(super) fn first_entry(&self, now: Timestamp) -> String {
        match self.first_entry {
            Some(at) if at <= now => "the first ring can be entered now".to_owned(),
            Some(at) => format!("the first ring can be entered at {}", moment(at, now)),
            None => "the first ring has no opening within 400 days".to_owned(),
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
        let down = &ring.allow_downgrade;
        Self {
            name: &ring.name,
            profiles: ring.profiles.iter().map(ToString::to_string).collect(),
            targets: &ring.targets,
            timezone: schedule.zone().name(),
            opens: schedule.openings().iter().map(Opening::words).collect(),
            freezes: schedule.freezes_after(now).collect(),
            openings: spans.take(OPENINGS).map(opening).collect(),
            soak: ring.soak,
            approval: ring.approval.as_ref(),
            max_devices: ring.max_devices,
            allow_downgrade: Some(down).filter(|down| !down.is_nothing()).map(AllowDowngrade::to_string),
            schedule,
        }
    }

    pub(super) fn versions(&self) -> String {
        let targets = self.targets.iter().map(|(on, version)| format!("{on} {version}"));
        targets.collect::<Vec<_>>().join(", ")
    }

    /// Openings in words, the next instants, and freezes.
    fn schedule_lines(&self, now: Timestamp) -> Vec<String> {
        let mut lines: Vec<String> = match self.opens.as_slice() {
            [] if self.freezes.is_empty() => return vec!["open at all times".to_owned()],
            [] => vec![format!("open at all times but in freezes, {}", self.timezone)],
            opens => opens.iter().map(|words| format!("opens {words} {}", self.timezone)).collect(),
        };
        let next = self.next(now, OPENINGS);
        match lines.as_mut_slice() {
            [only] if only.len() + next.len() + 2 <= LINE => *only += &format!("; {next}"),
            _ => lines.push(next),
        }
        let freezes = self.freezes.iter().take(FREEZES_SHOWN);
        lines.extend(freezes.map(|freeze| frozen(freeze)));
        match self.freezes.len().saturating_sub(FREEZES_SHOWN) {
            0 => {}
            more => lines.push(format!("and {}", counted(more, "more freeze"))),
        }
        lines
    }

    /// The next instants at which it can be entered, at most so many, by the ring's clocks first, then in UTC.
    pub(super) fn next(&self, now: Timestamp, most: usize) -> String {
        let (open, coming): (Vec<_>, Vec<_>) =
            self.openings.iter().take(most).partition(|span| span.opens_at <= now);
        let open = open.iter().map(|span| match span.closes_at {
            Some(closes) => format!("open now, until {}", self.local(closes, now)),
            None => "open now, without an end in sight".to_owned(),
        });
        let coming: Vec<String> = coming.iter().map(|span| self.local(span.opens_at, now)).collect();
        let next = (!coming.is_empty()).then(|| format!("next {}", coming.join(", ")));
        let told: Vec<String> = open.chain(next).collect();
        if told.is_empty() { "no opening within 400 days".to_owned() } else { told.join("; ") }
    }

    /// `Mon 12 Oct 09:00 (08:00 UTC)`, with the year where it is another one.
    fn local(&self, at: Timestamp, now: Timestamp) -> String {
        let zone = self.schedule.zone();
        let (local, present) = (zone.local(at), zone.local(now));
        let year = if local.year() == present.year() { "" } else { " %Y" };
        let shown = local.strftime(&format!("%a %-d %b{year} %H:%M")).to_string();
        let utc = at.to_zoned(jiff::tz::TimeZone::UTC);
        let day = if utc.date() == local.date() { "" } else { "%a " };
        match zone.name() {
            "UTC" => shown,
            _ => format!("{shown} ({} UTC)", utc.strftime(&format!("{day}%H:%M"))),
        }
    }

    /// What else a ring is set to: soak, who approves, limits.
    pub(super) fn rules(&self) -> String {
        let approval = match self.approval {
            None => "nobody is asked to approve".to_owned(),
            Some(ApprovalRule { user_group, count, expires }) => {
                format!("approval by {count} of {}, each counts {expires}", safe(user_group.as_str()))
            }
        };
        let limit = self.max_devices.map(|limit| format!("at most {} in one write", devices(limit)));
        let down = self.allow_downgrade.as_ref().map(|from| format!("may take devices down from {from}"));
        let soak = format!("soak {}", self.soak);
        let told: Vec<String> = [Some(soak), Some(approval), limit, down].into_iter().flatten().collect();
        told.join("; ")
    }
}

fn devices(limit: DeviceLimit) -> String {
    if limit.get() == 1 { "1 device".to_owned() } else { format!("{limit} devices") }
}

pub(super) fn frozen(freeze: &Freeze) -> String {
    format!("frozen {} to {}: {}", freeze.from(), freeze.until(), safe(freeze.reason()))
}
