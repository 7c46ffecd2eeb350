//! Gate `fleet`: the ring's profiles are known, and a fresh sweep lists devices that can be moved.
//!
//! **Invariant:** what cannot be seen is `unknown`.

use std::collections::BTreeSet;

use crate::ids::PolicyId;
use crate::rollout::judge::subject::{Subject, planned_scope};
use crate::rollout::record::{Evidence, Gate, Judgement, Unknown, Verdict};
use crate::rollout::world::{ENTRY_MAX_AGE, REST_MAX_AGE, Unresolved};
use crate::schedule::Writable;
use crate::time::{Timestamp, since};

/// Whether the devices of these profiles are known, and an assignment can move at least so many.
pub(crate) fn fleet(
    subject: Subject<'_>,
    resolved: Result<BTreeSet<PolicyId>, Unresolved>,
    at_least: usize,
) -> Judgement {
    let Subject { plan, world, now, .. } = subject;
    let full_sweep_at = world.fleet.full_sweep_at();
    // The schedule may keep a ring closed for days; only an entry needs a fresh look.
    let open = plan.schedule.writable(now) != Writable::NotNow;
    let max_age = if open { ENTRY_MAX_AGE } else { REST_MAX_AGE };
    let stale = |at: Timestamp| since(at, now) > max_age;
    let mut unresolved = Vec::new();
    let mut eligible = 0;
    let verdict = match (resolved, full_sweep_at) {
        (Err(Unresolved::Unread), _) => Verdict::Unknown(Unknown::ProfilesUnread),
        (Err(Unresolved::Names(names)), _) => {
            unresolved = names;
            Verdict::Unknown(Unknown::ProfileUnresolved)
        }
        (Ok(_), None) => Verdict::Unknown(Unknown::NotSwept),
        (Ok(policies), Some(swept_at)) => {
            eligible = world.fleet.census(&planned_scope(plan, policies), now).eligible();
            let profiles_stale = world.profiles.as_ref().is_none_or(|profiles| stale(profiles.as_of));
            if stale(swept_at) || profiles_stale {
                Verdict::Unknown(Unknown::StaleSweep)
            } else if eligible < at_least {
                Verdict::Unknown(Unknown::NobodyToMove)
            } else {
                Verdict::Pass
            }
        }
    };
    let evidence = Evidence::Fleet { eligible, full_sweep_at, unresolved };
    Judgement { gate: Gate::Fleet, environment: None, verdict, evidence, as_of: full_sweep_at }
}
