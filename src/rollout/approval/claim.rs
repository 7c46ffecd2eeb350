//! Whether somebody who speaks up is one who is asked.
//!
//! **Invariant:** whoever cannot be found among the accepted members of a group that is asked, in a
//! list that is fresh enough to enter a ring by, has no say. The daemon reads it when somebody speaks up.

use super::{asks, asks_of, groups_asked};
use std::collections::BTreeSet;

use crate::ids::UserGroupName;
use crate::rollout::command::Command;
use crate::rollout::event::Actor;
use crate::rollout::gate::Subject;
use crate::rollout::state::State;
use crate::rollout::verbs::Claim;
use crate::rollout::world::{ENTRY_MAX_AGE, Observations};
use crate::time::since;

/// The User Groups that must be read before a person's word can be judged; none for other verbs.
#[must_use]
pub(crate) fn groups(state: &State, world: &Observations, command: &Command) -> BTreeSet<UserGroupName> {
    let (Command::Approve { plan, .. } | Command::Refuse { plan, .. }) = command else {
        return BTreeSet::new();
    };
    let rings = state.plans.get(plan).into_iter().flat_map(|plan| &plan.rollout.revision.plan.rings);
    groups_asked(rings.map(|ring| asks(ring, world, None)))
}

/// Which word is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rollout) enum Word {
    Approve,
    Refuse,
}

/// What there is to a word on a ring, and the groups in whose name it is given.
pub(in crate::rollout) fn claim(
    subject: Subject<'_>,
    actor: &Actor,
    word: Word,
) -> (Claim, Vec<UserGroupName>) {
    let asks = asks_of(subject);
    if asks.is_empty() {
        return (Claim::NotAsked, Vec::new());
    }
    let email = match (actor, actor.email()) {
        (Actor::Service { .. }, _) => return (Claim::Program, Vec::new()),
        (_, None) => return (Claim::Unnamed, Vec::new()),
        (_, Some(email)) => email,
    };
    let Subject { rollout, ring, world, now, .. } = subject;
    let revision = &rollout.revision;
    if revision.plan.author.as_ref() == Some(email) {
        return (Claim::Author, Vec::new());
    }
    let reads: Vec<_> = asks
        .iter()
        .map(|ask| (&ask.user_group, world.user_groups.get(&ask.user_group)))
        .map(|(group, read)| (group, read.filter(|read| since(read.as_of, now) <= ENTRY_MAX_AGE)))
        .collect();
    let mut groups: Vec<UserGroupName> = reads
        .iter()
        .filter(|(_, read)| read.is_some_and(|read| read.value.accepted().contains(email)))
        .map(|(group, _)| (*group).clone())
        .collect();
    groups.dedup();
    // Whoever has become a member of another group that is asked may say so in its name, too.
    let said = |groups: &[UserGroupName]| {
        let mut own = ring.words.counting(&revision.digest, now).filter(|(by, _)| *by == email);
        own.any(|(_, approval)| groups.iter().all(|group| approval.groups.contains(group)))
    };
    let claim = match groups.is_empty() {
        true if reads.iter().any(|(_, read)| read.is_none()) => Claim::Unread,
        true => Claim::Stranger,
        false => match word {
            Word::Approve if said(&groups) => Claim::Again,
            Word::Refuse if ring.words.refusals(&revision.digest).any(|by| by == email) => Claim::Again,
            Word::Approve | Word::Refuse => Claim::Member,
        },
    };
    (claim, groups)
}
