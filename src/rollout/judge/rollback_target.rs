//! Which rings go back, and to what.
//!
//! **Invariant:** nothing goes back that neither the rollout nor an unfinished one before it moved;
//! nothing goes to a version that ignores assignments, is forbidden, is blocked there itself or was
//! brought by a rollout that was never completed; where an entry is approved, nothing goes to what came into the plan
//! after it and what nobody ran; and a ring that has nowhere to go is named before
//! anything is written.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::ids::{PolicyId, RingName};
use crate::plan::model::{Plan, RingPlan};
use crate::rollout::judge::revision::forbid;
use crate::rollout::record::{Ground, GroupContent, RollbackStep, RollbackTarget, WriteId};
use crate::rollout::state::{KnownWayBack, Phase, PlanState, State};
use crate::text::joined;
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
pub enum NoRollbackTarget {
    /// Nothing in the scope was moved by the rollout, or all of it goes back already.
    NothingMoved,
    /// Some of it has nowhere to go.
    Stuck(Vec<Stuck>),
}

/// Environments of a ring that have nowhere to go, for the same reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stuck {
    /// A preview tells it with the ring.
    #[serde(skip)]
    pub ring: RingName,
    /// What is on offer there; never empty.
    pub from: BTreeMap<Environment, ClientVersion>,
    /// What was looked at, and why it is no rollback target.
    pub tried: Vec<String>,
}

impl Stuck {
    /// Adds an environment to those that have nowhere to go.
    pub(crate) fn add(
        all: &mut Vec<Self>,
        ring: &RingName,
        (environment, from): (Environment, ClientVersion),
        tried: Vec<String>,
    ) {
        match all.iter_mut().find(|known| known.ring == *ring && known.tried == tried) {
            Some(known) => {
                known.from.insert(environment, from);
            }
            None => all.push(Self { ring: ring.clone(), from: [(environment, from)].into(), tried }),
        }
    }

    /// `windows` or `windows and macos`.
    pub fn environments(&self) -> String {
        joined(self.from.keys(), " and ")
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from.iter().map(|(environment, from)| format!("{environment} from {from}"));
        let (ring, from, tried) = (&self.ring, joined(from, " and "), self.tried.join("; "));
        write!(f, "ring `{ring}` has nowhere to go back to on {from}: {tried}")
    }
}

/// The rings that go back, the latest first.
///
/// # Errors
/// When there is nothing to take back, or some of it has nowhere to go.
pub(crate) fn steps(
    state: &State,
    plan: &PlanState,
    scope: &Scope,
) -> Result<Vec<RollbackStep>, NoRollbackTarget> {
    let rollout = &plan.rollout;
    let before = |name: &RingName| scope.ring.as_ref().is_some_and(|from| from != name);
    let (mut steps, mut stuck) = (Vec::new(), Vec::new());
    // A ring that the plan does not name any more goes back first: no later one depends on it.
    let gone = plan.of_gone_rings().map(|left| (&left.ring, &left.plan));
    let rings = rollout.rings_with_plans().chain(gone);
    for (ring, ring_plan) in rings.skip_while(|(ring, _)| before(&ring.name)) {
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
            let place = Place {
                state,
                plan: &rollout.revision.plan,
                ring: ring_plan,
                environment,
                from,
                policies: &moved.policies,
                was: moved.was.as_deref(),
                known: Some(&moved.known),
                write: moved.write,
                before: moved.write.to_string(),
            };
            match place.rollback_target() {
                Ok((to, ground)) => {
                    back.insert(environment, RollbackTarget { from, to, ground });
                    policies.extend(moved.policies.iter().cloned());
                }
                Err(tried) => Stuck::add(&mut stuck, &ring.name, (environment, from), tried),
            }
        }
        if !back.is_empty() {
            steps.push(RollbackStep { ring: ring.name.clone(), policies, back });
        }
    }
    if !stuck.is_empty() {
        return Err(NoRollbackTarget::Stuck(stuck));
    }
    if steps.is_empty() {
        return Err(NoRollbackTarget::NothingMoved);
    }
    steps.reverse();
    Ok(steps)
}

/// What of a ring could not go back any more, once its group, as it is now, was written for it: told
/// before anything is written, because at 03:00 it is too late for a word in the plan.
pub fn foreseen(
    state: &State,
    plan: &Plan,
    ring: &RingPlan,
    policies: &BTreeSet<PolicyId>,
    group: Option<&GroupContent>,
) -> Vec<Stuck> {
    let running = state.plans.get(&plan.name).filter(|known| known.rollout.phase != Phase::Completed);
    let moved = running.and_then(|known| known.rollout.ring(&ring.name)).map(|known| &known.moved);
    let mut stuck = Vec::new();
    for (&environment, &from) in &ring.targets {
        let offered = group.and_then(|group| group.target(environment));
        if offered == Some(from.to_string().as_str()) {
            continue;
        }
        let earlier = moved.and_then(|moved| moved.get(&environment));
        let place = Place {
            state,
            plan,
            ring,
            environment,
            from,
            policies,
            was: earlier.map_or(offered, |moved| moved.was.as_deref()),
            // It is entered by this very plan.
            known: None,
            write: earlier.map_or(WriteId(state.writes + 1), |moved| moved.write),
            before: earlier.map_or("its first write".to_owned(), |moved| moved.write.to_string()),
        };
        if let Err(tried) = place.rollback_target() {
            Stuck::add(&mut stuck, &ring.name, (environment, from), tried);
        }
    }
    stuck
}

/// An environment of a ring, to go back.
pub(crate) struct Place<'a> {
    state: &'a State,
    plan: &'a Plan,
    ring: &'a RingPlan,
    environment: Environment,
    /// What is taken back.
    from: ClientVersion,
    /// From these profiles.
    policies: &'a BTreeSet<PolicyId>,
    /// What was on offer before; `None`: nothing, or no single version.
    was: Option<&'a str>,
    /// What was known of the way back when the ring was entered; `None`: it is still to be.
    known: Option<&'a KnownWayBack>,
    /// The write that put it there; of one that is only foreseen, the next.
    write: WriteId,
    /// Before what that was, in words.
    before: String,
}

impl Place<'_> {
    /// What it goes back to: what it was verified on last, else what was there before, else what the
    /// plan says.
    fn rollback_target(&self) -> Result<(ClientVersion, Ground), Vec<String>> {
        let Self { environment, from, policies, was, before, .. } = self;
        let mut tried = Vec::new();
        let mut verified: Vec<_> = self
            .state
            .soaks
            .iter()
            .filter(|soak| soak.policies == **policies)
            .filter_map(|soak| Some((soak.verified_at, *soak.targets.get(environment)?)))
            .collect();
        verified.sort_unstable();
        for (at, version) in verified.into_iter().rev() {
            match self.hindrance(version) {
                None => return Ok((version, Ground::Verified { at })),
                // What is taken away was verified as well, when the rollout was completed.
                Some(_) if version == *from => {}
                Some(why) => tried.push(format!("{version}, verified before, {why}")),
            }
        }
        if tried.is_empty() {
            tried.push("its profiles were never verified on another version".to_owned());
        }
        match was {
            None => tried.push(format!("no version was on offer before {before}")),
            Some(was) => match was.parse::<ClientVersion>() {
                Err(_) => tried.push(format!("`{was}`, on offer before, is not a client version")),
                Ok(version) => match self.hindrance(version) {
                    None => return Ok((version, Ground::BeforeWrite { write: self.write })),
                    Some(why) => tried.push(format!("{version}, on offer before {before}, {why}")),
                },
            },
        }
        match self.ring.rollback.to.get(environment) {
            None => tried.push("the plan has no `rollback_to` for it".to_owned()),
            Some(version) => match self.hindrance(*version).or_else(|| self.why_unapproved(*version)) {
                None => return Ok((*version, Ground::Plan)),
                Some(why) => tried.push(format!("{version}, `rollback_to` of the plan, {why}")),
            },
        }
        Err(tried)
    }

    /// Why what the plan says now is nothing that anybody ran or approved; `None`: somebody did, or nobody is asked.
    fn why_unapproved(&self, version: ClientVersion) -> Option<String> {
        let known = self.known?;
        let is_asked = known.was_asked || self.ring.approval.is_some();
        let is_approved = known.rollback_to == Some(version) || known.ran.contains(&version);
        let of_plan = |group| self.state.groups.get(group).is_some_and(|owned| owned.plan == self.plan.name);
        let soaks = || self.state.soaks.iter().filter(|soak| of_plan(&soak.group));
        let is_verified = || soaks().any(|soak| soak.targets.get(&self.environment) == Some(&version));
        (is_asked && !is_approved && !is_verified()).then(|| {
            "came into the plan after the entry, and nobody approved it; no device of the ring ran it then, and no ring of the plan was verified on it"
                .to_owned()
        })
    }

    /// Why a version is none to go back to; `None`: it is one.
    fn hindrance(&self, version: ClientVersion) -> Option<String> {
        if version == self.from {
            return Some("is what is to be taken back".to_owned());
        }
        if !version.follows_assignments() {
            return Some("ignores assignments: nobody could move its devices again".to_owned());
        }
        if let Some(forbid) = forbid(self.plan, version) {
            return Some(format!("is forbidden by the plan ({})", forbid.reason));
        }
        let known = self.state.plans.get(&self.plan.name);
        let brought = known.and_then(|known| {
            let running = &known.rollout.id;
            known.brought.by(self.environment, version).filter(|by| *by != running)
        });
        if let Some(by) = brought {
            return Some(format!("is what rollout {} brought, which was never completed", by.number));
        }
        let is_held = |policy: &PolicyId| self.state.is_blocked(policy, self.environment, version);
        self.policies.iter().any(is_held).then(|| "is blocked there itself".to_owned())
    }
}
