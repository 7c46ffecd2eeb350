//! Any bytes as a plan file: what holds of every file is judged as in `tests/plans/`.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/plans/judge.rs"]
mod judge;

fuzz_target!(|bytes: &[u8]| {
    judge::judge(bytes);
});
