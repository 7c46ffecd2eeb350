//! The seeded share of fuzzing: files of the corpus, changed at random, never panic.
//!
//! `RINGWARD_FUZZ_CASES=N` asks for more cases, `RINGWARD_FUZZ_SEED=N` for others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::files;
use crate::judge::{Fate, judge};

const CASES: u64 = 3_000;

/// Pieces that mean something in YAML or in a plan.
const PIECES: [&str; 46] = [
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "  ",
    ": ",
    ":",
    "- ",
    "-",
    ", ",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "|",
    ">",
    "#",
    "%",
    "@",
    "`",
    "!",
    "!!str ",
    "&a ",
    "*a",
    "<<: ",
    "? ",
    "---\n",
    "...\n",
    "~",
    "null",
    "\u{feff}",
    "\0",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "99999999999999999999",
    "90%",
    "7d",
    "2026.8.2100.0",
    "0 9 31 2 *",
    "default",
    "\n  - name: A\n    profiles: [IT]\n",
    "\\x07",
];

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is at least 1 here.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }
}

fn change(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let to = (at + dice.below(12)).min(bytes.len());
    let lines: Vec<usize> =
        bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    match dice.below(9) {
        0 => drop(bytes.splice(at..to, PIECES[dice.below(PIECES.len())].bytes())),
        1 => bytes.insert(at, dice.roll() as u8),
        2 => drop(bytes.drain(at..to)),
        3 => bytes.truncate(at),
        4 => drop(bytes.splice(at..at, PIECES[dice.below(PIECES.len())].bytes())),
        // A piece of another file.
        5 => {
            let from = dice.below(other.len() + 1);
            let until = (from + dice.below(200)).min(other.len());
            drop(bytes.splice(at..at, other[from..until].iter().copied()));
        }
        // A line again, elsewhere.
        6 if lines.len() > 1 => {
            let index = dice.below(lines.len() - 1);
            let line = bytes[lines[index]..lines[index + 1]].to_vec();
            let place = lines[dice.below(lines.len())];
            drop(bytes.splice(place..place, line));
        }
        // A line less.
        7 if lines.len() > 1 => {
            let index = dice.below(lines.len() - 1);
            drop(bytes.drain(lines[index]..lines[index + 1]));
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
    }
}

pub(crate) fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn changed_files_never_panic() {
    let (cases, seed) = (number("RINGWARD_FUZZ_CASES", CASES), number("RINGWARD_FUZZ_SEED", 1));
    let corpus: Vec<Vec<u8>> =
        ["tests/plans/good", "tests/plans/bad", "tests/plans/warned", "rollouts/examples"]
            .into_iter()
            .flat_map(files)
            .map(|(_, bytes)| bytes)
            .filter(|bytes| bytes.len() < 8_000)
            .collect();
    let holding: Vec<Vec<u8>> = corpus.iter().filter(|bytes| judge(bytes) == Fate::Good).cloned().collect();
    let mut good = 0;
    for case in 0..cases {
        let mut dice = Dice(seed.wrapping_mul(1_000_000_007).wrapping_add(case));
        // Most of the cases begin with a file that holds: a file with errors hides the rest.
        let from = if dice.below(4) == 0 { &corpus } else { &holding };
        let mut bytes = from[dice.below(from.len())].clone();
        // A file that was changed often is refused for the first of the changes.
        let changes = 1 + dice.below(3);
        for _ in 0..changes {
            let other = &corpus[dice.below(corpus.len())];
            change(&mut bytes, other, &mut dice);
        }
        match catch_unwind(AssertUnwindSafe(|| judge(&bytes))) {
            Ok(fate) => good += u64::from(fate == Fate::Good),
            Err(_) => panic!(
                "seed {seed}, case {case}: see above; the file was:\n{}",
                String::from_utf8_lossy(&bytes).escape_debug()
            ),
        }
    }
    println!("seed {seed}: {cases} changed files, {good} still good");
    assert!(good * 50 > cases, "too few files stay good to test what holds of those: {good}");
}
