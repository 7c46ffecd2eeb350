//! Whether somebody who speaks up is one who is asked.
//!
//! **Invariant:** whoever cannot be found among the accepted members of a group that is asked, in a
//! list that is fresh enough to enter a ring by, has no say. The daemon reads it when somebody speaks up.
//! What is told ahead of that is the same rule on the list that was read last.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Email, UserGroupName};
use crate::rollout::judge::approval::{asks, cannot_take_back, expires_at, groups_asked};
use crate::rollout::judge::subject::Subject;
use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::{definition::Vote, situation::Claim};
use crate::rollout::record::{Actor, Ask};
use crate::rollout::state::State;
use crate::rollout::world::Observations;
use crate::time::{SignedDuration, Timestamp, after, since};

/// The User Groups that must be read before a person's word can be judged; none for other verbs.
pub(crate) fn groups(state: &State, world: &Observations, command: &Command) -> BTreeSet<UserGroupName> {
    let Some(plan) = command.plan().filter(|_| command.verb().aim().word().is_some()) else {
        return BTreeSet::new();
    };
    let rings = state.plans.get(plan).into_iter().flat_map(|plan| &plan.rollout.revision.plan.rings);
    groups_asked(rings.map(|ring| asks(ring, world, None)))
}

/// All that a person's word on a ring is judged by, for the decision and for whoever tells of it ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearing {
    /// The groups that are asked, each once, with their accepted members; `None`: they are not read.
    pub groups: Vec<(UserGroupName, Option<BTreeSet<Email>>)>,
    /// Who wrote the plan, by any revision that the rollout followed.
    pub authors: BTreeSet<Email>,
    /// Whose approvals count, should they still be members, and in the name of which groups.
    pub approved: BTreeMap<Email, Vec<UserGroupName>>,
    /// Who refused.
    pub refused: BTreeSet<Email>,
    /// Whose rejections an approval sets aside.
    pub sets_aside: Vec<Email>,
    /// Until when an approval counts that is given now.
    pub expires_at: Timestamp,
}

impl Hearing {
    /// By members that were read no longer ago than `max_age`.
    pub(crate) fn of(subject: Subject<'_>, asks: &[Ask], max_age: SignedDuration) -> Self {
        let Subject { rollout, ring, plan, world, now, .. } = subject;
        let revision = &rollout.revision;
        let accepted = |group: &UserGroupName| {
            let read = world.user_groups.get(group).filter(|read| since(read.as_of, now) <= max_age)?;
            Some(read.value.accepted().into_iter().cloned().collect())
        };
        let mut groups: Vec<_> =
            asks.iter().map(|ask| (ask.user_group.clone(), accepted(&ask.user_group))).collect();
        groups.dedup();
        let approved = ring.words.counting(&revision.digest, now);
        Self {
            groups,
            authors: rollout.authors.clone(),
            approved: approved.map(|(by, approval)| (by.clone(), approval.groups.clone())).collect(),
            refused: ring.words.rejections(&revision.digest).map(|(by, _)| by.clone()).collect(),
            sets_aside: cannot_take_back(subject, asks, after(now, -max_age)),
            expires_at: expires_at(plan, now),
        }
    }

    /// What there is to a word, and the groups in whose name it is given.
    pub fn claim(&self, actor: &Actor, word: Vote) -> (Claim, Vec<UserGroupName>) {
        if self.groups.is_empty() {
            return (Claim::NotAsked, Vec::new());
        }
        let email = match (actor, actor.email()) {
            (Actor::Service { .. }, _) => return (Claim::Program, Vec::new()),
            (_, None) => return (Claim::Unnamed, Vec::new()),
            (_, Some(email)) => email,
        };
        if self.authors.contains(email) {
            return (Claim::Author, Vec::new());
        }
        let is_in =
            |members: &Option<BTreeSet<Email>>| members.as_ref().is_some_and(|all| all.contains(email));
        let of = self.groups.iter().filter(|(_, members)| is_in(members));
        let groups: Vec<UserGroupName> = of.map(|(group, _)| group.clone()).collect();
        // Whoever has become a member of another group that is asked may say so in its name, too.
        let said = || {
            let before = self.approved.get(email);
            before.is_some_and(|before| groups.iter().all(|group| before.contains(group)))
        };
        let claim = match groups.is_empty() {
            true if self.groups.iter().any(|(_, members)| members.is_none()) => Claim::Unread,
            true => Claim::Stranger,
            false => match word {
                Vote::Approve if said() && self.sets_aside.is_empty() => Claim::Again,
                Vote::Reject if self.refused.contains(email) => Claim::Again,
                Vote::Approve | Vote::Reject => Claim::Member,
            },
        };
        (claim, groups)
    }

    /// The groups that are asked, for people.
    pub fn asked(&self) -> String {
        let groups: Vec<String> = self.groups.iter().map(|(group, _)| format!("`{group}`")).collect();
        groups.join(" or ")
    }
}
