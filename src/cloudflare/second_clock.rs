//! Cloudflare's clock: the `Date` of each answer beside the machine's clock at that moment.
//!
//! One answer that is off may come from one edge or one proxy on the way, so it takes two, the second over
//! a connection of its own: while one answer contradicts what is known, requests share no connection. What
//! was found holds until the machine's clock steps away from the monotonic one, however long Cloudflare
//! cannot be reached.
//!
//! **Invariant:** pure; clocks that were not compared since the machine's clock stepped do not agree.

use std::{collections::VecDeque, time::Duration};

use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

use crate::rollout::record::{AgreedAnswer, CLOCKS_APART, ClockDoubt};
use crate::rollout::world::ANSWERS_TO_CONFIRM;
use crate::time::{Clock, SignedDuration, Timestamp, after, since};

/// One answer, as far as clocks go.
#[derive(Debug, Clone, Copy)]
pub(super) struct DatedAnswer {
    /// Its `Date`; `None`: it has none that can be read.
    pub(super) date: Option<Timestamp>,
    /// The machine's clock when it came.
    pub(super) machine: Timestamp,
    /// The monotonic clock when it came, since the client began.
    pub(super) monotonic: Duration,
    /// From the request to the answer.
    pub(super) round_trip: Duration,
    /// Whether no other answer came over its connection.
    pub(super) own_connection: bool,
}

/// The comparison.
#[derive(Debug)]
pub(super) struct Comparison {
    clock: Clock,
    /// What the answers so far come to; `None`: they agree.
    standing: Option<ClockDoubt>,
    /// Whether the last answer contradicts that.
    contradicted: bool,
    /// Both clocks at the last answer that agreed.
    anchor: Option<(Timestamp, Duration)>,
    agreed: VecDeque<AgreedAnswer>,
    /// Answers so far that did not agree, and what the last of them said.
    doubtful: (u64, Option<ClockDoubt>),
}

impl Comparison {
    pub(super) const fn new(clock: Clock) -> Self {
        Self {
            clock,
            standing: Some(ClockDoubt::NotCompared),
            contradicted: false,
            anchor: None,
            agreed: VecDeque::new(),
            doubtful: (0, None),
        }
    }

    /// Takes one answer in.
    pub(super) fn heard(&mut self, answer: DatedAnswer) {
        let Some(date) = answer.date else {
            self.doubt(ClockDoubt::NoDate);
            if !matches!(self.standing, Some(ClockDoubt::Differs { .. })) {
                self.standing = Some(ClockDoubt::NoDate);
            }
            self.contradicted = false;
            return;
        };
        let ahead = self.ahead(&answer, date);
        // A second opinion needs a connection of its own.
        let second = self.contradicted && answer.own_connection;
        if ahead.abs() > CLOCKS_APART {
            let differs = ClockDoubt::Differs { ahead: ahead.as_secs() };
            self.doubt(differs);
            match self.standing {
                Some(ClockDoubt::Differs { .. }) => {
                    (self.standing, self.contradicted) = (Some(differs), false);
                }
                _ if second => (self.standing, self.contradicted) = (Some(differs), false),
                _ => self.contradicted = true,
            }
            return;
        }
        if self.agreed.len() == ANSWERS_TO_CONFIRM {
            self.agreed.pop_front();
        }
        let ahead_ms = i64::try_from(ahead.as_millis()).unwrap_or(i64::MAX);
        self.agreed.push_back(AgreedAnswer { at: answer.machine, ahead_ms });
        self.anchor = Some((answer.machine, answer.monotonic));
        match self.standing {
            Some(ClockDoubt::Differs { .. }) if !second => self.contradicted = true,
            _ => (self.standing, self.contradicted) = (None, false),
        }
    }

    fn doubt(&mut self, doubt: ClockDoubt) {
        self.doubtful = (self.doubtful.0 + 1, Some(doubt));
        self.agreed.clear();
    }

    /// How far the machine's clock is ahead of an answer's `Date`: at half of the round trip, which is
    /// when it was written, and in wall time, where a fast clock's hours are moments.
    fn ahead(&self, answer: &DatedAnswer, date: Timestamp) -> SignedDuration {
        let half = SignedDuration::try_from(answer.round_trip / 2).unwrap_or_default();
        let written = after(answer.machine, -self.clock.from_wall(half));
        self.wall(since(date, written))
    }

    fn wall(&self, span: SignedDuration) -> SignedDuration {
        let length = SignedDuration::try_from(self.clock.wall_length(span.abs())).unwrap_or(span.abs());
        // Of a clock that is slower than the wall, the grain of a second would be minutes.
        let length = length.min(span.abs());
        if span.is_negative() { -length } else { length }
    }

    /// Why the machine's clock is in doubt now; `None`: it agrees, and did not step since.
    pub(super) fn in_doubt(&self, machine: Timestamp, monotonic: Duration) -> Option<ClockDoubt> {
        self.standing.or_else(|| self.stepped(machine, monotonic).then_some(ClockDoubt::NotCompared))
    }

    /// Whether the machine's clock went another way than the monotonic one since the last answer that
    /// agreed.
    fn stepped(&self, machine: Timestamp, monotonic: Duration) -> bool {
        let Some((at, passed)) = self.anchor else { return true };
        let by_machine = self.wall(since(at, machine));
        let by_monotonic = SignedDuration::try_from(monotonic.saturating_sub(passed)).unwrap_or_default();
        // A clock that is slower than the wall, or may be, has nothing to compare with.
        let slow = self.clock.from_wall(SignedDuration::from_secs(1)) < SignedDuration::from_secs(1);
        self.clock.can_be_set() && !slow && (by_machine - by_monotonic).abs() > CLOCKS_APART
    }

    /// The last answers that agreed, oldest first; none once the machine's clock stepped.
    pub(super) fn agreed(&self, machine: Timestamp, monotonic: Duration) -> Vec<AgreedAnswer> {
        if self.stepped(machine, monotonic) {
            return Vec::new();
        }
        self.agreed.iter().copied().collect()
    }

    /// Answers so far that did not agree, and what the last of them said.
    pub(super) const fn doubtful(&self) -> (u64, Option<ClockDoubt>) {
        self.doubtful
    }

    /// Whether the next requests need connections of their own.
    pub(super) const fn needs_own_connection(&self) -> bool {
        self.contradicted || matches!(self.standing, Some(ClockDoubt::Differs { .. }))
    }
}

/// A `Date` as HTTP has it (RFC 9110, IMF-fixdate), and in no other form: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    let read = DateTimeParser::new().parse_timestamp(text).ok()?;
    let written = DateTimePrinter::new().timestamp_to_rfc9110_string(&read).ok()?;
    (written == text).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_date_has_one_form() {
        let rows = [
            ("as in the RFC", "Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("the wrong weekday", "Mon, 06 Nov 1994 08:49:37 GMT", None),
            ("one digit", "Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("no weekday", "06 Nov 1994 08:49:37 GMT", None),
            ("another zone", "Sun, 06 Nov 1994 08:49:37 +0000", None),
            ("an hour off", "Sun, 06 Nov 1994 08:49:37 +0100", None),
            ("RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("asctime", "Sun Nov  6 08:49:37 1994", None),
            ("a day that is none", "Sun, 31 Feb 1994 08:49:37 GMT", None),
            ("a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", None),
            ("two", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", None),
            ("spaces", " Sun, 06 Nov 1994 08:49:37 GMT ", None),
            ("nothing", "", None),
        ];
        for (row, text, expected) in rows {
            assert_eq!(http_date(text).map(Timestamp::as_second), expected, "{row}");
        }
    }

    /// What is said after each answer: seconds that it is ahead (`None`: undated), and whether it came
    /// over a connection of its own.
    #[test]
    fn it_takes_two_answers_over_two_connections() {
        const AGREES: Option<&str> = None;
        const UNKNOWN: Option<&str> = Some("clock_unknown");
        const DIFFERS: Option<&str> = Some("clock_differs");
        type Answers = &'static [(Option<i64>, bool, Option<&'static str>)];
        let rows: [(&str, Answers); 13] = [
            ("nothing was heard", &[]),
            ("one that agrees", &[(Some(0), false, AGREES)]),
            ("just within", &[(Some(120), false, AGREES), (Some(-120), false, AGREES)]),
            ("the first differs", &[(Some(121), false, UNKNOWN)]),
            ("and the second", &[(Some(121), false, UNKNOWN), (Some(121), true, DIFFERS)]),
            ("over the same connection", &[(Some(121), false, UNKNOWN), (Some(121), false, UNKNOWN)]),
            ("behind", &[(Some(-121), false, UNKNOWN), (Some(-500), true, DIFFERS)]),
            (
                "one that differs among those that agree",
                &[(Some(0), false, AGREES), (Some(9_999), true, AGREES), (Some(0), true, AGREES)],
            ),
            (
                "two, with one that agrees between",
                &[
                    (Some(0), false, AGREES),
                    (Some(500), false, AGREES),
                    (Some(0), true, AGREES),
                    (Some(500), true, AGREES),
                    (Some(500), true, DIFFERS),
                ],
            ),
            (
                "it ends with two as well",
                &[
                    (Some(500), false, UNKNOWN),
                    (Some(500), true, DIFFERS),
                    (Some(0), true, DIFFERS),
                    (Some(500), true, DIFFERS),
                    (Some(0), false, DIFFERS),
                    (Some(0), false, DIFFERS),
                    (Some(0), true, AGREES),
                ],
            ),
            ("undated", &[(Some(0), false, AGREES), (None, false, UNKNOWN), (Some(0), false, AGREES)]),
            (
                "undated is no second opinion",
                &[(Some(0), false, AGREES), (Some(500), false, AGREES), (None, true, UNKNOWN)],
            ),
            (
                "undated ends nothing",
                &[(Some(500), false, UNKNOWN), (Some(500), true, DIFFERS), (None, true, DIFFERS)],
            ),
        ];
        for (row, answers) in rows {
            let mut comparison = Comparison::new(Clock::Real);
            assert_eq!(comparison.in_doubt(at(0), Duration::ZERO), Some(ClockDoubt::NotCompared));
            for (second, (ahead, own_connection, expected)) in (1..).zip(answers) {
                let (machine, monotonic) = (at(second), Duration::from_secs(second.unsigned_abs()));
                comparison.heard(DatedAnswer {
                    date: ahead.map(|ahead| at(second - ahead)),
                    machine,
                    monotonic,
                    round_trip: Duration::ZERO,
                    own_connection: *own_connection,
                });
                let found = comparison.in_doubt(machine, monotonic).map(|doubt| doubt.code());
                assert_eq!(found, *expected, "{row}, answer {second}");
            }
        }
    }

    #[test]
    fn what_was_compared_holds_until_the_machine_steps() {
        let waits = Clock::paced_from(at(0), 10_000.0);
        // (row, clock, seconds by the machine since the answer, by the monotonic clock, whether it holds)
        let rows = [
            ("at once", Clock::Real, 0, 0, true),
            ("a day without an answer", Clock::Real, 86_400, 86_400, true),
            ("time keeping at work", Clock::Real, 3_600, 3_550, true),
            ("34 hours forward", Clock::Real, 122_400, 0, false),
            ("two hours back", Clock::Real, -7_200, 1, false),
            ("the machine slept", Clock::Real, 3_600, 60, false),
            ("a fast clock that stood still", Clock::fast_from(at(0), 10_000.0), 0, 3_600, false),
            ("a clock that waited", waits, 0, 3_600, true),
        ];
        for (row, clock, machine, monotonic, holds) in rows {
            let mut comparison = Comparison::new(clock);
            let (begun, round_trip) = (Duration::from_secs(10), Duration::ZERO);
            let answer = DatedAnswer {
                date: Some(at(0)),
                machine: at(0),
                monotonic: begun,
                round_trip,
                own_connection: false,
            };
            comparison.heard(answer);
            let (machine, monotonic) = (at(machine), begun + Duration::from_secs(monotonic));
            assert_eq!(comparison.in_doubt(machine, monotonic).is_none(), holds, "{row}");
            assert_eq!(comparison.agreed(machine, monotonic).len(), usize::from(holds), "{row}");
        }
    }

    #[test]
    fn an_answer_is_compared_with_the_middle_of_its_round_trip_in_wall_time() {
        let fast = Clock::fast_from(at(0), 10_000.0);
        let slow = Clock::fast_from(at(0), 1e-3);
        // (row, clock, seconds ahead of the date when the answer came, wall seconds of the round trip, agrees)
        let rows = [
            ("a slow answer", Clock::Real, 149, 60, true),
            ("too slow for that", Clock::Real, 151, 60, false),
            ("a slow answer by a clock behind", Clock::Real, -91, 60, false),
            ("hours of a fast clock are moments", fast, 36_000, 0, true),
            ("two minutes of the wall", fast, 1_210_000, 0, false),
            ("an answer that takes hours of a fast clock", fast, 300_000, 60, true),
            ("the grain of a slow clock", slow, 1, 0, true),
            ("a slow clock that is wrong", slow, 121, 0, false),
        ];
        for (row, clock, ahead, round_trip, agrees) in rows {
            let mut comparison = Comparison::new(clock);
            let answer = DatedAnswer {
                date: Some(at(-ahead)),
                machine: at(0),
                monotonic: Duration::ZERO,
                round_trip: Duration::from_secs(round_trip),
                own_connection: false,
            };
            comparison.heard(answer);
            assert_eq!(comparison.in_doubt(at(0), Duration::ZERO).is_none(), agrees, "{row}");
            assert_eq!(comparison.doubtful().0, u64::from(!agrees), "{row}");
        }
    }
}
