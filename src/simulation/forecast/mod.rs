//! When a rollout will be where: the core run forward many times from where it is now, each time with
//! other drawings of what devices do.
//!
//! **Invariant:** a forecast is a function of its situation: the same one gives the same dates. Dates
//! are told to the hour, the earlier bound rounded down and the later one up.

mod habits;
mod once;
mod situation;

use std::collections::BTreeMap;

use habits::LearnedHabits;
use once::Once;
pub use situation::{MOST_DEVICES, NoForecast, Situation};

use crate::ids::RingName;
use crate::plan::model::{PlanDigest, Revision};
use crate::rollout::judge::opening::LEFT_TO_ENTER;
use crate::rollout::state::RingState;
use crate::schedule::Schedule;
use crate::time::{SignedDuration, Timestamp, after, since};

/// How many times the rollout is run forward.
const RUNS: u64 = 40;

/// How many times for each "what if".
const RUNS_IF: u64 = 9;

/// How far ahead it looks at most.
pub const HORIZON_DAYS: i64 = 200;

/// A ring that takes longer than its soak and so many days, and the whole so many more, has no date.
const DAYS_OF_A_RING: i64 = 7;
const DAYS_MORE: i64 = 21;

/// Silent devices are looked for once a day: a rollout that is late by a little is late by a day. The runs
/// agree with one another on the day more than with the truth, since all of them rest on the same habits.
const A_LOOK: SignedDuration = SignedDuration::from_hours(24);

/// When something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It has happened.
    Was(Timestamp),
    /// It is expected.
    Expected(Estimate),
    /// In fewer than half of the runs it happened at all.
    Open,
}

/// The range in which something is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// In no run it came earlier.
    pub earliest: Timestamp,
    /// One run of ten had it before this.
    pub from: Timestamp,
    /// Half of the runs had it before this.
    pub middle: Timestamp,
    /// Nine runs of ten had it a day before this.
    pub until: Timestamp,
    /// Of a hundred runs, so many had it at all within the horizon.
    pub percent: u8,
}

impl When {
    /// The same, but expected no earlier than an instant that is known.
    fn not_before(self, known: Option<Timestamp>) -> Self {
        match (self, known) {
            (Self::Expected(estimate), Some(known)) => Self::Expected(Estimate {
                earliest: estimate.earliest.max(known),
                from: estimate.from.max(known),
                ..estimate
            }),
            (when, _) => when,
        }
    }
}

/// What takes the time of a ring that is not verified: the middle of all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeParts {
    /// From its turn to its write: openings, freezes, reads.
    pub entering: SignedDuration,
    /// From its write to adoption.
    pub adopting: SignedDuration,
    /// From adoption to verified.
    pub soaking: SignedDuration,
}

impl TimeParts {
    /// The word for the longest part.
    pub fn longest(&self) -> &'static str {
        let parts = [(self.entering, "schedule"), (self.adopting, "adoption"), (self.soaking, "soak")];
        parts.into_iter().max_by_key(|(length, _)| *length).map_or("soak", |(_, word)| word)
    }
}

/// A ring's dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingForecast {
    /// The ring.
    pub ring: RingName,
    /// When its targets are on offer.
    pub entered: When,
    /// When it is verified.
    pub verified: When,
    /// What takes its time; `None` once it is verified.
    pub parts: Option<TimeParts>,
    /// The opening that it can be entered in next, as the schedule alone has it; `None` once entered.
    pub opening: Option<Timestamp>,
}

/// A change that would move the end, and what it would make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// What would be otherwise.
    pub change: &'static str,
    /// When the rollout would be done then.
    pub done: When,
    /// By how much that is earlier, middle against middle.
    pub sooner: SignedDuration,
}

/// When a rollout will be where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// When it was made.
    pub at: Timestamp,
    /// The rollout stands still because of this, and no date holds until somebody lifts it. The dates
    /// are those of lifting it at once.
    pub held: Option<String>,
    /// Its rings, in order.
    pub rings: Vec<RingForecast>,
    /// When every ring is verified.
    pub done: When,
    /// The halts that came up, as `cause (ring)`, with the percent of runs that ended in them.
    pub halts: Vec<(String, u8)>,
    /// What would move the end.
    pub alternatives: Vec<Alternative>,
    /// How many runs it rests on.
    pub runs: u64,
    /// How many devices were followed in each.
    pub devices: usize,
}

/// Looks ahead.
///
/// # Errors
/// At a fault of ringward itself.
pub fn forecast(situation: &Situation) -> Result<Forecast, NoForecast> {
    let habits = LearnedHabits::learn(situation, situation.horizon_days());
    let runs = runs(situation, &habits, &situation.revision, RUNS)?;
    let done = when(runs.iter().map(|run| run.done_at), situation.now);
    let mut rings = Vec::new();
    for ring in &situation.revision.plan.rings {
        let of = |pick: fn(&once::RingTimes) -> Option<Timestamp>| {
            when(runs.iter().map(|run| run.rings.get(&ring.name).and_then(pick)), situation.now)
        };
        let verified = situation.verified(&ring.name).map_or_else(|| of(|times| times.verified), When::Was);
        let entered = situation.entered(&ring.name).map_or_else(|| of(|times| times.entered), When::Was);
        let opening = ring.schedule.next_entry(situation.now, LEFT_TO_ENTER);
        let entered = entered.not_before(opening);
        let is_over = matches!(verified, When::Was(_));
        rings.push(RingForecast {
            ring: ring.name.clone(),
            entered,
            verified,
            parts: (!is_over).then(|| parts(&runs, &ring.name)),
            opening: opening.filter(|_| !matches!(entered, When::Was(_))),
        });
    }
    Ok(Forecast {
        at: situation.now,
        held: situation.held(),
        rings,
        done,
        halts: halts(&runs),
        alternatives: alternatives(situation, &habits, done)?,
        runs: RUNS,
        devices: situation.followed(),
    })
}

fn runs(
    situation: &Situation,
    habits: &LearnedHabits,
    revision: &Revision,
    times: u64,
) -> Result<Vec<Once>, NoForecast> {
    let runs = (1..=times).map(|seed| once::run(situation, habits, revision, seed));
    runs.collect::<Result<_, _>>().map_err(|fault| NoForecast::Fault(fault.to_string()))
}

impl Situation {
    /// How far ahead it is looked.
    fn horizon_days(&self) -> i64 {
        let plan = &self.revision.plan;
        let left = || plan.rings.iter().filter(|ring| self.verified(&ring.name).is_none());
        let rings: i64 = left().map(|ring| ring.soak.get().as_hours() / 24 + DAYS_OF_A_RING).sum();
        let farthest = after(self.now, SignedDuration::from_hours(24 * HORIZON_DAYS));
        let frozen = left().map(|ring| ring.schedule.frozen_between(self.now, farthest)).max();
        let frozen = frozen.unwrap_or_default().as_hours() / 24;
        (rings + frozen + DAYS_MORE).min(HORIZON_DAYS)
    }

    /// When a ring's targets were offered, if they are.
    fn entered(&self, ring: &RingName) -> Option<Timestamp> {
        let known = self.rollout()?.rings.iter().find(|known| known.name == *ring)?;
        match &known.stage {
            RingState::Pending | RingState::Entering(_) | RingState::Deploying(_) => None,
            stage => stage.assigned().map(|assigned| assigned.at),
        }
    }
}

/// What the instants of all runs come to.
fn when(instants: impl Iterator<Item = Option<Timestamp>>, now: Timestamp) -> When {
    let instants: Vec<Option<Timestamp>> = instants.collect();
    let mut reached: Vec<Timestamp> = instants.iter().copied().flatten().collect();
    let all = instants.len();
    if reached.len() * 2 < all || reached.is_empty() {
        return When::Open;
    }
    reached.sort_unstable();
    // A tenth of the runs lies outside on each side.
    let at = |per_mille: usize| reached.get((reached.len() - 1) * per_mille / 1_000).copied().unwrap_or(now);
    let last = |per_mille: usize| {
        reached.get(((reached.len() - 1) * per_mille).div_ceil(1_000)).copied().unwrap_or(now)
    };
    When::Expected(Estimate {
        earliest: after(hour(at(0)), -SignedDuration::from_hours(1)).max(now),
        // What came up at a look happened within the hour before it.
        from: after(hour(at(100)), -SignedDuration::from_hours(1)).max(now),
        middle: at(500),
        until: after(hour(last(900)), SignedDuration::from_hours(1) + A_LOOK),
        percent: u8::try_from(reached.len() * 100 / all).unwrap_or(100),
    })
}

/// The whole hour that an instant lies in.
fn hour(instant: Timestamp) -> Timestamp {
    let seconds = instant.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(3_600)).unwrap_or(instant)
}

fn parts(runs: &[Once], ring: &RingName) -> TimeParts {
    let middle = |pick: fn(&once::RingTimes) -> Option<SignedDuration>| {
        let mut lengths: Vec<SignedDuration> =
            runs.iter().filter_map(|run| pick(run.rings.get(ring)?)).collect();
        lengths.sort_unstable();
        lengths.get(lengths.len() / 2).copied().unwrap_or_default()
    };
    TimeParts {
        entering: middle(|times| Some(since(times.reached?, times.entered?))),
        adopting: middle(|times| Some(since(times.entered?, times.adopted?))),
        soaking: middle(|times| Some(since(times.adopted?, times.verified?))),
    }
}

fn halts(runs: &[Once]) -> Vec<(String, u8)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for halt in runs.iter().filter_map(|run| run.halted.as_deref()) {
        *counts.entry(halt).or_default() += 1;
    }
    let percent = |count: usize| u8::try_from(count * 100 / runs.len().max(1)).unwrap_or(100);
    counts.into_iter().map(|(halt, count)| (halt.to_owned(), percent(count))).collect()
}

/// Another schedule.
type Edit = fn(&Schedule) -> Option<Schedule>;

/// What a plan's own schedule costs, where it costs anything.
fn alternatives(
    situation: &Situation,
    habits: &LearnedHabits,
    done: When,
) -> Result<Vec<Alternative>, NoForecast> {
    let When::Expected(expected) = done else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let changes: [(&'static str, Edit); 2] =
        [("without freezes", without_freezes), ("with no openings, and open at all times", without_openings)];
    for (change, edit) in changes {
        let Some(revision) = revised(&situation.revision, edit) else { continue };
        let runs = runs(situation, habits, &revision, RUNS_IF)?;
        let done = when(runs.iter().map(|run| run.done_at), situation.now);
        let When::Expected(then) = done else { continue };
        let sooner = since(then.middle, expected.middle);
        // Less lies within what the drawings differ by.
        if sooner >= SignedDuration::from_hours(6) {
            found.push(Alternative { change, done, sooner });
        }
    }
    Ok(found)
}

fn without_freezes(schedule: &Schedule) -> Option<Schedule> {
    Schedule::new(schedule.zone().clone(), schedule.openings().to_vec(), Vec::new()).ok()
}

fn without_openings(schedule: &Schedule) -> Option<Schedule> {
    Schedule::new(schedule.zone().clone(), Vec::new(), schedule.freezes().to_vec()).ok()
}

/// The plan with other schedules; `None` where that changes nothing.
fn revised(revision: &Revision, edit: Edit) -> Option<Revision> {
    let mut revised = revision.clone();
    let mut changed = false;
    for ring in &mut revised.plan.rings {
        if let Some(schedule) = edit(&ring.schedule).filter(|edited| *edited != ring.schedule) {
            ring.schedule = schedule;
            changed = true;
        }
    }
    revised.written.push('#');
    revised.digest = PlanDigest::of_written(&revised.written);
    changed.then_some(revised)
}
