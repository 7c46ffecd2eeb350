//! Values of a plan compared with each other: where a ring goes back to, and what it may take down, with its targets.
//!
//! **Invariant:** what one place says, in `defaults` too, is told once; a value that was refused is compared with nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::keys::ring::SharedKeys;
use crate::plan::model::AllowDowngrade;
use crate::plan::{Problems, Written, ranges::Stretch};
use crate::version::{ClientVersion, Environment};

/// Compares the values of rings, one ring after another.
#[derive(Debug, Default)]
pub(super) struct AgainstTargets {
    /// The places that were told of, with what was told.
    told: BTreeSet<(usize, String)>,
    /// What `defaults` say of environments, by the place, and whether any ring has a target for it.
    shared: BTreeMap<usize, (Environment, Written<ClientVersion>, bool)>,
}

impl AgainstTargets {
    /// A ring that has these targets.
    pub(super) fn ring(
        &mut self,
        keys: &SharedKeys,
        defaults: &SharedKeys,
        targets: &BTreeMap<Environment, ClientVersion>,
        problems: &mut Problems,
    ) {
        for (environment, back) in keys.rollback_to.each() {
            match targets.get(environment) {
                Some(target) => self.goes_back(*target, back, problems),
                None => without_target(*environment, back, "this ring has", problems),
            }
        }
        let own: BTreeSet<Environment> =
            keys.rollback_to.each().map(|(environment, _)| *environment).collect();
        for (environment, back) in
            defaults.rollback_to.each().filter(|(environment, _)| !own.contains(environment))
        {
            let Some(at) = &back.at else { continue };
            let target = targets.get(environment);
            let known = self.shared.entry(at.start).or_insert_with(|| (*environment, back.clone(), false));
            known.2 |= target.is_some();
            if let Some(target) = target {
                self.goes_back(*target, back, problems);
            }
        }
        self.takes_down(keys.allow_downgrade.or_there(&defaults.allow_downgrade), targets, problems);
    }

    /// After the last ring: what `defaults` say in vain.
    pub(super) fn finish(self, problems: &mut Problems) {
        for (environment, back, _) in self.shared.into_values().filter(|(_, _, is_used)| !is_used) {
            without_target(environment, &back, "any ring has", problems);
        }
    }

    fn goes_back(&mut self, target: ClientVersion, back: &Written<ClientVersion>, problems: &mut Problems) {
        let Some((version, at)) = back.placed() else { return };
        let told = |this: &mut Self, problem: &str| this.told.insert((at.start, problem.to_owned()));
        if version > target {
            let problem =
                format!("newer than the target {target}: a rollback would go forward, to what nobody ran");
            if told(self, &problem) {
                problems.wrong(&at, problem, "write the version that the devices run before this rollout");
            }
        } else if version == target {
            let problem = format!("this is the target, {target}: nothing would be rolled back");
            if told(self, &problem) {
                let instead = "write the version that the devices run before this rollout";
                problems.warn(&at, problem, instead, None);
            }
        }
    }

    fn takes_down(
        &mut self,
        allowed: &Written<AllowDowngrade>,
        targets: &BTreeMap<Environment, ClientVersion>,
        problems: &mut Problems,
    ) {
        let Some((AllowDowngrade::From(range), at)) = allowed.placed() else { return };
        let covers =
            |target: &ClientVersion| Stretch::of(&range).is_some_and(|range| range.reaches_above(*target));
        let Some(highest) = targets.values().max() else { return };
        if targets.values().any(covers) {
            return;
        }
        let problem =
            format!("no build above the target {highest} is covered, so no device may be taken down");
        if self.told.insert((at.start, String::new())) {
            let instead =
                "write a range of what devices run today, above the target; without it the ring waits";
            problems.warn(&at, problem, instead, None);
        }
    }
}

fn without_target(
    environment: Environment,
    back: &Written<ClientVersion>,
    whose: &str,
    problems: &mut Problems,
) {
    let Some(at) = &back.at else { return };
    let problem = format!("there is no target for {environment} that {whose}, so this has no effect");
    problems.wrong(at, problem, "leave it out, or write the target under `versions`");
}
