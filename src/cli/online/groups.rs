//! What entering each ring would meet among the deployment groups. Pure.
//!
//! **Invariant:** every step comes from [`grouping::group_steps`], which the rollout itself goes by,
//! applied to the groups as the rings before would leave them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cli::online::finding::{CheckFinding, Code};
use crate::ids::{GroupId, PolicyId};
use crate::plan::model::{Plan, RingPlan};
use crate::rollout::judge::grouping::{GroupStep, Veto};
use crate::rollout::judge::rollback_target::{Stuck, foreseen};
use crate::rollout::record::{Group, GroupContent, Profile, Profiles, Purpose, VersionEntry};
use crate::rollout::state::{OwnedGroup, State};
use crate::rollout::world::{Known, Observations};
use crate::{rollout::judge::grouping, time::Timestamp};

/// What becomes of a ring's deployment group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GroupOutlook {
    /// It is made.
    Created,
    /// One that is there is changed.
    Changed,
    /// One that is there has everything already.
    InPlace,
    /// Something is in the way.
    InTheWay,
    /// The ring's profiles are not known.
    Unknown,
}

/// The groups of the account, as the rings so far would leave them.
pub(crate) struct Ahead {
    state: State,
    groups: Vec<Group>,
    /// Names of profiles, for people: messages of the rollout have IDs.
    names: BTreeMap<PolicyId, String>,
    made: usize,
}

impl Ahead {
    /// The groups as they are now; `state` knows which of them are ringward's.
    pub(crate) fn new(state: State, groups: Vec<Group>, profiles: &Profiles) -> Self {
        let named = |profile: &Profile| Some((profile.id.clone(), profile.name.clone()?));
        Self { state, groups, names: profiles.listed.iter().filter_map(named).collect(), made: 0 }
    }

    /// Enters a ring, and says what it meets.
    pub(crate) fn enter(
        &mut self,
        plan: &Plan,
        ring: &RingPlan,
        policies: &BTreeSet<PolicyId>,
        (world, now): (&Observations, Timestamp),
    ) -> (GroupOutlook, Vec<CheckFinding>) {
        let mut findings = Vec::new();
        // Each move takes the ring's profiles out of one group; then comes the ring's own.
        for _ in 0..=self.groups.len() {
            let known = Known { state: &self.state, world, now };
            let steps = grouping::group_steps(known, &plan.name, ring, policies, &self.groups);
            match steps.map(|steps| steps.next) {
                Err(veto) => {
                    findings.push(self.in_the_way(&veto));
                    return (GroupOutlook::InTheWay, findings);
                }
                Ok(GroupStep::InPlace(group)) => {
                    findings.extend(unmanaged(&group, ring));
                    self.own(plan, ring, group);
                    return (GroupOutlook::InPlace, findings);
                }
                Ok(GroupStep::Write { purpose: Purpose::MoveOut { from, .. }, before, after }) => {
                    let Some(before) = before else { break };
                    let out: Vec<&str> =
                        before.content.policies.difference(&after.policies).map(PolicyId::as_str).collect();
                    let problem = format!(
                        "profile {} leaves the group of ring `{from}` by a write of its own",
                        out.join(", ")
                    );
                    findings.push(CheckFinding::new(Code::ProfileMoves, self.with_names(problem)));
                    self.replace(Group { content: after, updated_at: now, ..before });
                }
                Ok(GroupStep::Write {
                    purpose:
                        Purpose::Target | Purpose::PutBack { .. } | Purpose::Restore | Purpose::Rollback { .. },
                    before,
                    after,
                }) => {
                    let outlook =
                        if before.is_some() { GroupOutlook::Changed } else { GroupOutlook::Created };
                    if let Some(before) = &before {
                        findings.extend(self.taken_over(before, &after));
                        findings.extend(unmanaged(before, ring));
                    }
                    let group = before.as_ref().map(|group| &group.content);
                    let stuck = foreseen(&self.state, plan, ring, policies, group);
                    findings.extend(stuck.iter().map(no_rollback_target));
                    let id = before.map(|group| group.id).or_else(|| {
                        self.made += 1;
                        GroupId::new(format!("(to be made, {})", self.made)).ok()
                    });
                    if let Some(id) = id {
                        let group = Group { id, content: after, updated_at: now };
                        self.replace(group.clone());
                        self.own(plan, ring, group);
                    }
                    return (outlook, findings);
                }
            }
        }
        (GroupOutlook::Unknown, findings)
    }

    /// Says that a group which is not ringward's yet would become so.
    fn taken_over(&self, group: &Group, after: &GroupContent) -> Option<CheckFinding> {
        if self.state.groups.contains_key(&group.id) {
            return None;
        }
        let (name, id) = (&group.content.name, &group.id);
        let change = group.content.difference(after);
        let problem =
            format!("deployment group `{name}` ({id}) is there already and is taken over: {change}");
        Some(CheckFinding::new(Code::GroupTakenOver, self.with_names(problem)))
    }

    /// A veto as a finding: its text says what and, behind the last semicolon, what to do.
    fn in_the_way(&self, veto: &Veto) -> CheckFinding {
        let text = self.with_names(veto.to_string());
        match text.rsplit_once("; ") {
            Some((problem, instead)) => CheckFinding::new(Code::GroupInTheWay, problem).instead(instead),
            None => CheckFinding::new(Code::GroupInTheWay, text),
        }
    }

    /// The same text with the name of each profile before its ID.
    fn with_names(&self, text: String) -> String {
        self.names.iter().fold(text, |text, (id, name)| {
            if text.contains(id.as_str()) {
                text.replace(id.as_str(), &format!("`{name}` ({id})"))
            } else {
                text
            }
        })
    }

    fn replace(&mut self, group: Group) {
        match self.groups.iter_mut().find(|known| known.id == group.id) {
            Some(known) => *known = group,
            None => self.groups.push(group),
        }
    }

    fn own(&mut self, plan: &Plan, ring: &RingPlan, group: Group) {
        let owned = OwnedGroup::of(&plan.name, &ring.name, &group);
        self.state.groups.insert(group.id, owned);
    }
}

/// Where the ring could not be rolled back: said now, because later is at 03:00.
fn no_rollback_target(stuck: &Stuck) -> CheckFinding {
    let (environments, tried) = (stuck.environments(), stuck.tried.join("; "));
    let problem = format!("the ring could not be rolled back on {environments}: {tried}");
    let to: Vec<String> = stuck.from.keys().map(|environment| format!("{environment}: VERSION")).collect();
    let instead = format!(
        "write `rollback_to: {{{}}}` into the plan, with the version that its devices run now",
        to.join(", ")
    );
    CheckFinding::new(Code::NoWayBack, problem).instead(instead)
}

/// What a group offers beside the ring's targets: it stays as it is.
fn unmanaged(group: &Group, ring: &RingPlan) -> Vec<CheckFinding> {
    let ours = |entry: &&VersionEntry| {
        ring.targets.keys().any(|target| entry.environment.as_deref() == Some(target.as_str()))
    };
    let others = group.content.versions.iter().filter(|entry| !ours(entry));
    others
        .map(|entry| {
            let name = &group.content.name;
            let problem = format!(
                "deployment group `{name}` goes on offering {entry}, as the ring has no target there"
            );
            CheckFinding::new(Code::GroupUnmanaged, problem)
        })
        .collect()
}
