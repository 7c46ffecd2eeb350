//! Following openings from one to the next, as far as they overlap or touch.
//!
//! **Invariant:** each day is looked at once per opening and direction, and there are at most
//! [`MOST_STEPS`] steps from touch to touch, so that the work is bounded whatever a schedule says.

use std::iter;

use crate::schedule::whole::Schedule;
use crate::time::{SignedDuration, Timestamp, after};

/// How far openings are sought ahead: a year and a month, so that a yearly one is found. One that
/// comes later counts as one that never comes.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How far openings that touch are followed: past a week, so that a weekly gap is seen. Each
/// opening followed costs a search, and nothing is decided more than a week ahead.
pub const SIGHT: SignedDuration = SignedDuration::from_hours(8 * 24);

/// How many openings that touch are followed one after the other: more than a week of hours.
const MOST_STEPS: usize = 400;

/// How many openings and freezes are passed in search of a span: more than twice the edges of as many
/// freezes as a schedule may have.
const MOST_TRIES: usize = 2_000;

/// Openings that come at all are sought in spans of this length first, then in four times as long ones.
const FIRST_SEARCH: SignedDuration = SignedDuration::from_hours(2 * 24);

/// The closing of what is open, followed forward in time.
#[derive(Debug)]
pub(super) struct Follow<'a> {
    schedule: &'a Schedule,
    /// What opened up to here is known.
    seen_to: Timestamp,
    /// The latest closing of what opened up to then; not after `seen_to` when that is closed.
    closes_at: Timestamp,
}

/// How far what is open reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It closes then.
    Closing(Timestamp),
    /// Up to then at least: what lies beyond was not looked at.
    Beyond(Timestamp),
}

impl Reach {
    /// Up to then at least it is open.
    pub(super) fn known(self) -> Timestamp {
        match self {
            Self::Closing(until) | Self::Beyond(until) => until,
        }
    }

    /// When it closes, where that is known.
    pub(super) fn closing(self) -> Option<Timestamp> {
        match self {
            Self::Closing(closing) => Some(closing),
            Self::Beyond(_) => None,
        }
    }

    /// When writing ends that a freeze may end first. One that begins later than what is known of the
    /// openings may come after a closing that is not seen.
    pub(super) fn end(self, freeze: Option<Timestamp>) -> Option<Timestamp> {
        earlier(self.closing(), freeze.filter(|begins| *begins <= self.known()))
    }
}

impl<'a> Follow<'a> {
    pub(super) fn from(schedule: &'a Schedule, at: Timestamp) -> Self {
        let closings = schedule.open.iter().filter_map(|opening| {
            let since = after(at, -opening.length().get());
            opening.last_closing(since, at, &schedule.zone)
        });
        Self { schedule, seen_to: at, closes_at: closings.max().unwrap_or(at).max(at) }
    }

    /// Goes on to a later instant.
    fn go_to(&mut self, at: Timestamp) {
        if at <= self.seen_to {
            return;
        }
        let schedule = self.schedule;
        let started = schedule.open.iter();
        let closings = started.filter_map(|opening| opening.last_closing(self.seen_to, at, &schedule.zone));
        self.closes_at = closings.max().map_or(self.closes_at, |closing| closing.max(self.closes_at));
        self.seen_to = at;
    }

    /// Up to when what is open at an instant reaches, those joined that overlap or touch, followed up to
    /// `sight`. `None`: it is closed. The instant is not before one that was asked for earlier.
    pub(super) fn reach(&mut self, at: Timestamp, sight: Timestamp) -> Option<Reach> {
        self.go_to(at);
        if self.closes_at <= at {
            return None;
        }
        for _ in 0..MOST_STEPS {
            let closing = self.closes_at;
            if closing > sight {
                return Some(Reach::Beyond(closing));
            }
            // One that opens as the others close goes on.
            self.go_to(closing);
            if self.closes_at <= closing {
                return Some(Reach::Closing(closing));
            }
        }
        Some(Reach::Beyond(self.closes_at))
    }
}

/// The spans in which nothing is frozen and an opening is on, in order: those that begin or are on from an
/// instant on, and begin no later than `last`. Each with its begin, and its end where that is in [`SIGHT`]. One
/// without an end is the last.
pub(super) fn spans(
    schedule: &Schedule,
    from: Timestamp,
    last: Timestamp,
) -> impl Iterator<Item = (Timestamp, Option<Timestamp>)> {
    // `None`: it is always open.
    let mut follow = (!schedule.open.is_empty()).then(|| Follow::from(schedule, from));
    let (mut next, mut tries) = (Some(from), MOST_TRIES);
    iter::from_fn(move || {
        while let Some(at) = next.take().filter(|at| *at <= last) {
            tries = tries.checked_sub(1)?;
            if let Some(ends_at) = schedule.frozen_until(at) {
                next = Some(ends_at).filter(|ends| *ends > at);
                continue;
            }
            let freeze = schedule.freezes_next(at);
            let ends = match &mut follow {
                None => freeze,
                Some(follow) => match follow.reach(at, after(at, SIGHT)) {
                    None => {
                        next = schedule.next_opening(at, last);
                        continue;
                    }
                    Some(reach) => reach.end(freeze),
                },
            };
            next = ends;
            return Some((at, ends));
        }
        None
    })
}

impl Schedule {
    /// The first opening after `at`, and not after `last`.
    pub(super) fn next_opening(&self, at: Timestamp, last: Timestamp) -> Option<Timestamp> {
        let mut length = FIRST_SEARCH;
        loop {
            let until = after(at, length).min(last);
            let starts = self.open.iter().filter_map(|opening| opening.next_start(at, until, &self.zone));
            let first = starts.min();
            if first.is_some() || until >= last {
                return first;
            }
            length = length.saturating_mul(4);
        }
    }
}

pub(super) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}
