//! A newer target that waits, in full sentences.
//!
//! **Invariant:** it says what keeps the target waiting and how a person lets it take over.

use std::collections::{BTreeMap, BTreeSet};

use crate::rollout::tell::explain::remedies::resume;
use crate::rollout::tell::explain::remedy::{Remedy, WaitExplained};
use crate::rollout::tell::report::{NewerTarget, Report};
use crate::text::joined;
use crate::version::{ClientVersion, Environment};

/// What lets a newer target take over, whatever the running rollout does.
const TAKE_OVER: &str = "to let it take over at once, write `on_new_target: replace` into the plan's file";

impl Report {
    /// Explains [`Report::newer`].
    pub fn explain_newer(&self, newer: &NewerTarget) -> WaitExplained {
        let mut detail = "The plan's file says `on_new_target: finish`. It waits as a whole, its gates and \
            schedule too: this rollout goes on under the plan that it has, and only the newest file begins \
            after it."
            .to_owned();
        let plan = &self.id.plan;
        let resume = || resume(plan.as_str());
        // Only a person lets a rollout that is held go on to its end. A stop or a pause would hold
        // the newer target as well.
        let stop = self.waiting_on.iter().any(|blocker| blocker.code() == "stopped");
        let (held, remedy) = if stop {
            let start = "ringward start --reason …".to_owned();
            ("All writes are stopped", Remedy::then("allow writes again when it is safe", start))
        } else if self.paused.is_some() {
            ("The plan is paused", Remedy::then("lift the pause when it is safe", resume()))
        } else if self.halted.is_some() {
            let words = format!("{TAKE_OVER}; to let this rollout go on to its end first");
            ("The rollout is halted", Remedy::then(words, resume()))
        } else {
            let words = format!("nothing: it begins by itself once every ring is verified; {TAKE_OVER}");
            ("", Remedy::words(words))
        };
        if !held.is_empty() {
            detail.push_str(&format!(" {held}, so it does not come to its end by itself."));
        }
        let headline =
            format!("a newer target waits until this rollout is completed: {}", targets(&newer.rings));
        WaitExplained { headline, detail, remedy }
    }
}

/// The targets of all rings by environment: most plans have one for all.
fn targets<R>(rings: &[(R, BTreeMap<Environment, ClientVersion>)]) -> String {
    let mut versions: BTreeMap<Environment, BTreeSet<ClientVersion>> = BTreeMap::new();
    for (environment, version) in rings.iter().flat_map(|(_, targets)| targets) {
        versions.entry(*environment).or_default().insert(*version);
    }
    let each = versions.iter().map(|(at, versions)| format!("{at} {}", joined(versions, " or ")));
    joined(each, ", ")
}
