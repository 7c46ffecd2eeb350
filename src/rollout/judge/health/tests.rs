//! What looks for silent devices come to, at each boundary.

use crate::fleet::{PartsPerBillion, Share};
use crate::rollout::judge::health::*;

fn at(text: &str) -> Timestamp {
    format!("2026-10-{text}:00Z").parse().unwrap()
}

fn look(ring: (usize, usize), control: (usize, usize), p: u32) -> DarkEvaluation {
    DarkEvaluation {
        look: 1,
        at: at("14T20:00"),
        taken_at: at("14T20:00"),
        since: at("13T20:00"),
        day: 2,
        ring: Share { silent: ring.0, of: ring.1 },
        control: Share { silent: control.0, of: control.1 },
        p: PartsPerBillion(p),
        p_at_most: PartsPerBillion(166_667),
        silent: Vec::new(),
    }
}

#[test]
fn looks_say_one_word_together() {
    let fine = || look((2, 100), (20, 1_000), 600_000_000);
    let second = |ring| DarkEvaluation { look: 2, ..look(ring, (0, 1_000), 1) };
    let fails = Verdict::Fail(Failing::TooManyDark);
    let outage = Verdict::Unknown(Unknown::OutageOrHoliday);
    let asleep = Verdict::Wait(Waiting::FleetAsleep);
    let few = Verdict::Wait(Waiting::TooFewSeen);
    let rows = [
        ("no look", vec![], Verdict::Wait(Waiting::TooSoon)),
        ("one look", vec![fine()], Verdict::Wait(Waiting::TooSoon)),
        ("both fine", vec![fine(), fine()], Verdict::Pass),
        ("one fails", vec![fine(), look((5, 100), (20, 1_000), 166_667)], fails.clone()),
        ("the first alone fails", vec![look((5, 100), (20, 1_000), 1)], fails.clone()),
        ("above, and by chance", vec![fine(), look((5, 100), (20, 1_000), 166_668)], Verdict::Pass),
        ("no chance, and not above", vec![fine(), look((4, 100), (20, 1_000), 1)], Verdict::Pass),
        ("half is silent", vec![fine(), look((50, 100), (20, 1_000), 1)], fails.clone()),
        ("more than half", vec![fine(), look((51, 100), (20, 1_000), 1)], outage.clone()),
        ("more than half of both", vec![fine(), look((51, 100), (501, 1_000), 1)], asleep.clone()),
        ("more than half, and by chance", vec![fine(), look((51, 100), (45, 100), 166_668)], asleep.clone()),
        ("the same beside 29", vec![fine(), look((51, 100), (13, 29), 166_668)], outage.clone()),
        ("half of the control", vec![fine(), look((51, 100), (500, 1_000), 1)], outage.clone()),
        (
            "fifteen of a day before",
            vec![fine(), look((8, 15), (0, 1_000), 1)],
            Verdict::Unknown(Unknown::OutageOrHoliday),
        ),
        ("fourteen", vec![fine(), look((7, 14), (0, 1_000), 1)], few.clone()),
        ("beside fourteen others", vec![fine(), look((2, 100), (0, 14), 600_000_000)], few),
        ("beside fifteen", vec![fine(), look((2, 100), (0, 15), 600_000_000)], Verdict::Pass),
        ("a fault beside fourteen", vec![fine(), look((49, 100), (0, 14), 1)], fails.clone()),
        (
            "a fault on a day that is lost",
            vec![look((51, 100), (0, 10), 1), second((9, 100))],
            outage.clone(),
        ),
        ("a fault after one", vec![look((9, 100), (0, 1_000), 1), second((51, 100))], fails),
    ];
    for (row, looks, verdict) in rows {
        assert_eq!(by_looks(&looks, Health::BUILT_IN, None), verdict, "{row}");
    }
}

#[test]
fn a_control_that_sleeps_or_is_small_acquits_nobody() {
    let word = |word: Verdict, control_active, control_known| {
        let found =
            DarkEvaluations { control_active, control_known, acknowledged: 0, next_at: None, looks: vec![] };
        by_control(word, &found, Health::BUILT_IN)
    };
    let fails = Verdict::Fail(Failing::TooManyDark);
    let asleep = Verdict::Wait(Waiting::FleetAsleep);
    let soon = Verdict::Wait(Waiting::TooSoon);
    let rows = [
        ("awake", Verdict::Pass, 30, 60, Verdict::Pass),
        ("asleep", Verdict::Pass, 29, 60, asleep.clone()),
        ("asleep, and small", Verdict::Pass, 29, 59, asleep.clone()),
        ("awake, and small", Verdict::Pass, 59, 59, Verdict::Exempt(Exempt::NoControl)),
        ("small, and a look is missing", soon.clone(), 59, 59, soon.clone()),
        ("asleep, and a look is missing", soon, 0, 60, asleep),
        ("small, and a fault", fails.clone(), 30, 30, fails.clone()),
        ("asleep, and a fault", fails.clone(), 0, 60, fails),
    ];
    for (row, said, active, known, expected) in rows {
        assert_eq!(word(said, active, known), expected, "{row}");
    }
}

#[test]
fn a_silence_that_was_accepted_waits_for_the_next_look() {
    let silent = vec![look((90, 100), (20, 1_000), 1)];
    let word = |accepted: &str| by_looks(&silent, Health::BUILT_IN, Some(&at(accepted)));
    assert_eq!(word("14T19:59"), Verdict::Unknown(Unknown::OutageOrHoliday), "accepted before");
    assert_eq!(word("15T09:00"), Verdict::Wait(Waiting::TooSoon));
    // In the evening nobody could know of it: the control's had not come.
    let later = DarkEvaluation { taken_at: at("15T04:00"), ..look((90, 100), (20, 1_000), 1) };
    let word = |accepted: &str| by_looks(std::slice::from_ref(&later), Health::BUILT_IN, Some(&at(accepted)));
    assert_eq!(word("14T22:00"), Verdict::Unknown(Unknown::OutageOrHoliday), "accepted before it was taken");
    assert_eq!(word("15T09:00"), Verdict::Wait(Waiting::TooSoon));
}
