//! A soak is long enough for a look for dark devices.
//!
//! **Invariant:** each pair of places that say otherwise is told once.

use std::collections::BTreeSet;

use crate::plan::keys::ring::{SIGHT_OF_DARK, SharedKeys};
use crate::plan::model::{Health, RingPlan};
use crate::plan::{Other, Problems, Written};
use crate::time::{Span, in_words};

/// The places of soak and `dark.after` that were told already; `None`: built in.
pub(super) type Noted = BTreeSet<(Option<usize>, Option<usize>)>;

/// Notes a soak that is over before a look for dark devices can have been taken, once for each
/// pair of places that say so.
pub(super) fn soak_long_enough(
    keys: &SharedKeys,
    defaults: &SharedKeys,
    noted: &mut Noted,
    problems: &mut Problems,
) {
    let after = |keys: &SharedKeys| keys.health.keys().dark.keys().after;
    let (soak, dark) = (keys.soak.or_there(&defaults.soak), after(keys).or_there(&after(defaults)).clone());
    let length = |written: &Written<Span>, built_in| match written.at {
        None => Some(built_in),
        Some(_) => written.value,
    };
    let (Some(length), Some(silence)) =
        (length(soak, RingPlan::BUILT_IN_SOAK), length(&dark, Health::BUILT_IN.dark.after))
    else {
        return; // One of them was refused.
    };
    let least = silence.get() + SIGHT_OF_DARK.get();
    let place = |written: &Written<Span>| written.at.as_ref().map(|at| at.start);
    if length.get() >= least || !noted.insert((place(soak), place(&dark))) {
        return;
    }
    let least = in_words(least);
    let why = format!("devices that went dark show only after {silence}, and it takes a day more to be sure");
    match (&soak.at, dark.at) {
        (Some(soak), Some(at)) => {
            let other = Other::Here { at, what: format!("`dark.after` is {silence} here") };
            problems.clash(
                soak,
                format!("`soak` is too short: {why}"),
                format!("write at least {least}"),
                other,
            );
        }
        (Some(soak), None) => {
            problems.wrong(soak, format!("`soak` is too short: {why}"), format!("write at least {least}"));
        }
        (None, dark) => {
            let problem = format!("`after` is too long for a soak of {length}, which is built in: {why}");
            let instead = format!("write a `soak` of at least {least}, or a shorter `after`");
            problems.wrong(&dark.unwrap_or(0..0), problem, instead);
        }
    }
}
