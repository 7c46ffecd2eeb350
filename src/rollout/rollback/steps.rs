//! Which rings go back, and to what.
//!
//! **Invariant:** nothing goes back that the rollout did not move, nothing goes to a version that
//! ignores assignments, is forbidden or is held out there itself, and a ring that has nowhere to go
//! is named before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Ground, RollbackStep, WayBack};
use crate::ids::{PolicyId, RingName};
use crate::plan::model::{Plan, RingPlan};
use crate::rollout::state::{Moved, PlanState, State};
use crate::version::{ClientVersion, Environment};

/// How far a rollback goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// From this ring on: it and every ring after it; `None`: all.
    pub ring: Option<RingName>,
    /// This environment alone; `None`: both.
    pub environment: Option<Environment>,
}

/// Why a rollback cannot begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoWayBack {
    /// Nothing in the scope was moved by the rollout, or all of it goes back already.
    NothingMoved,
    /// Some of it has nowhere to go.
    Stuck(Vec<Stuck>),
}

/// An environment of a ring that has nowhere to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// The ring.
    pub ring: RingName,
    /// The environment.
    pub environment: Environment,
    /// What is on offer there.
    pub from: ClientVersion,
    /// What was looked at, and why it is no way back.
    pub tried: Vec<String>,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ring, environment, from, tried } = self;
        write!(
            f,
            "ring `{ring}` has nowhere to go back to on {environment} from {from}: {}",
            tried.join("; ")
        )
    }
}

/// The rings that go back, the latest first.
///
/// # Errors
/// When there is nothing to take back, or some of it has nowhere to go.
pub(in crate::rollout) fn steps(
    state: &State,
    plan: &PlanState,
    scope: &Scope,
) -> Result<Vec<RollbackStep>, NoWayBack> {
    let rollout = &plan.rollout;
    let before = |name: &RingName| scope.ring.as_ref().is_some_and(|from| from != name);
    let (mut steps, mut stuck) = (Vec::new(), Vec::new());
    for (ring, ring_plan) in rollout.rings_with_plans().skip_while(|(ring, _)| before(&ring.name)) {
        let going = |environment| {
            let under_way = rollout.rollback.as_ref();
            under_way.is_some_and(|rollback| rollback.is_to_go_back(&ring.name, environment))
        };
        let (mut back, mut policies) = (BTreeMap::new(), BTreeSet::new());
        for (&environment, moved) in &ring.moved {
            if going(environment) || scope.environment.is_some_and(|only| only != environment) {
                continue;
            }
            let from = moved.version;
            let place = Place { state, plan: &rollout.revision.plan, ring: ring_plan, environment, moved };
            match place.way_back() {
                Ok((to, ground)) => {
                    back.insert(environment, WayBack { from, to, ground });
                    policies.extend(moved.policies.iter().cloned());
                }
                Err(tried) => stuck.push(Stuck { ring: ring.name.clone(), environment, from, tried }),
            }
        }
        if !back.is_empty() {
            steps.push(RollbackStep { ring: ring.name.clone(), policies, back });
        }
    }
    if !stuck.is_empty() {
        return Err(NoWayBack::Stuck(stuck));
    }
    if steps.is_empty() {
        return Err(NoWayBack::NothingMoved);
    }
    steps.reverse();
    Ok(steps)
}

/// An environment of a ring, to go back.
struct Place<'a> {
    state: &'a State,
    plan: &'a Plan,
    ring: &'a RingPlan,
    environment: Environment,
    moved: &'a Moved,
}

impl Place<'_> {
    /// What it goes back to: what it was verified on last, else what was there before, else what the
    /// plan says.
    fn way_back(&self) -> Result<(ClientVersion, Ground), Vec<String>> {
        let Self { environment, moved, .. } = self;
        let mut tried = Vec::new();
        let mut verified: Vec<_> = self
            .state
            .soaks
            .iter()
            .filter(|soak| soak.policies == moved.policies)
            .filter_map(|soak| Some((soak.verified_at, *soak.targets.get(environment)?)))
            .collect();
        verified.sort_unstable();
        for (at, version) in verified.into_iter().rev() {
            match self.hindrance(version) {
                None => return Ok((version, Ground::Verified { at })),
                // What is taken away was verified as well, when the rollout was completed.
                Some(_) if version == moved.version => {}
                Some(why) => tried.push(format!("{version}, verified before, {why}")),
            }
        }
        if tried.is_empty() {
            tried.push("its profiles were never verified on another version".to_owned());
        }
        match &moved.was {
            None => tried.push(format!("{} found no version on offer", moved.write)),
            Some(was) => match was.parse::<ClientVersion>() {
                Err(_) => tried.push(format!("`{was}`, on offer before, is not a client version")),
                Ok(version) => match self.hindrance(version) {
                    None => return Ok((version, Ground::BeforeWrite { write: moved.write })),
                    Some(why) => tried.push(format!("{version}, on offer before {}, {why}", moved.write)),
                },
            },
        }
        match self.ring.rollback.to.get(environment) {
            None => tried.push("the plan has no `rollback_to` for it".to_owned()),
            Some(version) => match self.hindrance(*version) {
                None => return Ok((*version, Ground::Plan)),
                Some(why) => tried.push(format!("{version}, `rollback_to` of the plan, {why}")),
            },
        }
        Err(tried)
    }

    /// Why a version is none to go back to; `None`: it is one.
    fn hindrance(&self, version: ClientVersion) -> Option<String> {
        if version == self.moved.version {
            return Some("is what is to be taken back".to_owned());
        }
        if !version.follows_assignments() {
            return Some("ignores assignments: nobody could move its devices again".to_owned());
        }
        if let Some(forbid) =
            self.plan.forbid.iter().find(|forbid| forbid.versions.matches(&version.as_semver()))
        {
            return Some(format!("is forbidden by the plan ({})", forbid.reason));
        }
        let is_held = |policy: &PolicyId| self.state.is_held_out(policy, self.environment, version);
        self.moved.policies.iter().any(is_held).then(|| "is held out there itself".to_owned())
    }
}
