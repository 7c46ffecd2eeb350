//! A person's word on the clock.

use super::*;
use crate::rollout::record::AgreedAnswer;
use crate::time::after;

/// The sound log, in which a person then confirms a clock that is 40 days behind.
fn confirmed(spoil: impl FnOnce(&mut Recorded)) -> Vec<Violation> {
    let mut log = sound();
    let last = log.0.last().unwrap().clone();
    let (was, now) =
        (after(last.at, SignedDuration::from_mins(1)), after(last.at, -SignedDuration::from_hours(960)));
    let answer =
        |minutes| AgreedAnswer { at: after(now, -SignedDuration::from_mins(minutes)), ahead_ms: -500 };
    let event = Event::ClockConfirmed { was, now, answers: [10, 1, 0].map(answer).to_vec() };
    let entry = Entry { actor: person(), reason: "NTP was off".to_owned(), rollout: None, event };
    let mut recorded = Recorded { seq: last.seq + 1, at: now, entry };
    spoil(&mut recorded);
    log.0.push(recorded);
    check(&log.0, &[])
}

fn answers(recorded: &mut Recorded) -> &mut Vec<AgreedAnswer> {
    match &mut recorded.entry.event {
        Event::ClockConfirmed { answers, .. } => answers,
        _ => panic!("it does not confirm the clock"),
    }
}

#[test]
fn time_goes_back_by_a_persons_word_that_answers_bear_out() {
    assert_eq!(confirmed(|_| {}), []);
    type Row = (&'static str, fn(&mut Recorded), Law, &'static str);
    let rows: [Row; 7] = [
        ("the engine", |word| word.entry.actor = Actor::Engine, Law::ActorAndReason, "the engine did"),
        ("two answers", |word| answers(word).truncate(2), Law::Grounded, "on 2 answers"),
        (
            "an old answer",
            |word| answers(word)[0].at = after(answers(word)[0].at, -SignedDuration::from_secs(1)),
            Law::Grounded,
            "on 2 answers",
        ),
        ("an answer to come", |word| answers(word)[2].at = at("30T00:00"), Law::Grounded, "on 2 answers"),
        ("an answer that is off", |word| answers(word)[1].ahead_ms = 120_001, Law::Grounded, "on 2 answers"),
        (
            "another instant than its own",
            |word| word.at = after(word.at, SignedDuration::from_mins(1)),
            Law::Grounded,
            "was not behind",
        ),
        (
            "a clock that is ahead",
            |word| {
                let now = word.at;
                if let Event::ClockConfirmed { was, .. } = &mut word.entry.event {
                    *was = now;
                }
            },
            Law::Grounded,
            "was not behind",
        ),
    ];
    for (row, spoil, law, text) in rows {
        let found = confirmed(spoil);
        let caught = found.iter().any(|violation| violation.law == law && violation.text.contains(text));
        assert!(caught, "{row}: expected {law} with `{text}`, found {found:#?}");
    }
}
