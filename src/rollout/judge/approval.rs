//! Gate `approval`: enough of the people who are asked let the ring be entered.
//!
//! **Invariant:** an approval counts for the revision that was read, and while its giver is a member. So does a
//! rejection; where nobody can tell whether its giver is one, it counts.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::ids::{Email, UserGroupName};
use crate::plan::model::{ApprovalRule, AuthorRule, Revision, RingPlan};
use crate::rollout::judge::opening::LEFT_TO_ENTER;
use crate::rollout::judge::subject::{Subject, planned_scope};
use crate::rollout::record::{
    Approved, Ask, AskedBy, Evidence, Gate, Given, Judgement, Member, Standing, Tally, Unknown, Verdict,
    Waiting,
};
use crate::rollout::state::{Approval, Rejection};
use crate::rollout::world::{Approvers, ENTRY_MAX_AGE, Observations, REST_MAX_AGE};
use crate::schedule::Writable;
use crate::time::{SignedDuration, Timestamp, after};

/// What is asked before a ring is entered, with so many devices to move (`None`: not known); empty:
/// nothing.
pub fn asks(plan: &RingPlan, world: &Observations, devices: Option<usize>) -> Vec<Ask> {
    let ask = |user_group: &UserGroupName, count, by| Ask { user_group: user_group.clone(), count, by };
    let of_plan = plan.approval.iter().map(|rule| ask(&rule.user_group, rule.count, AskedBy::Plan));
    // Devices that nobody counted may be many.
    let floor =
        world.approval_floor.iter().filter(|floor| devices.is_none_or(|all| all > floor.over_devices));
    let of_floor = floor.map(|floor| ask(&floor.user_group, floor.count, AskedBy::Floor));
    of_plan.chain(of_floor).collect()
}

/// What is asked before this ring is entered, by what is known of its devices.
pub(crate) fn asks_of(subject: Subject<'_>) -> Vec<Ask> {
    let Subject { rollout, plan, world, now, .. } = subject;
    if world.approval_floor.is_none() {
        return asks(plan, world, None);
    }
    let policies = world.resolve_within(&rollout.revision.plan, plan).ok();
    let known = policies.filter(|_| world.fleet.full_sweep_at().is_some());
    let scope = known.map(|policies| planned_scope(plan, policies));
    asks(plan, world, scope.map(|scope| world.fleet.census(&scope, now).eligible()))
}

/// Until when a word counts that is given at an instant. The floor has no word of its own on that.
pub fn expires_at(plan: &RingPlan, given_at: Timestamp) -> Timestamp {
    after(given_at, expires_after(plan))
}

fn expires_after(plan: &RingPlan) -> SignedDuration {
    plan.approval.as_ref().map_or(ApprovalRule::BUILT_IN_EXPIRES, |rule| rule.expires).get()
}

/// The gate's word; `None`: nobody is asked.
pub(crate) fn judge(subject: Subject<'_>) -> Option<Judgement> {
    let asks = asks_of(subject);
    if asks.is_empty() {
        return None;
    }
    let Subject { plan, world, now, .. } = subject;
    // The schedule may keep a ring closed for days; only an entry needs a fresh look.
    let open = plan.schedule.writable(now) != Writable::NotNow;
    let fresh_since = after(now, -(if open { ENTRY_MAX_AGE } else { REST_MAX_AGE }));
    let (verdict, approved) = tallied(subject, &asks, fresh_since);
    let evidence = Evidence::Approval(approved);
    let as_of = asks.iter().map(|ask| world.user_groups.get(&ask.user_group).map(|read| read.as_of));
    let as_of = as_of.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().min());
    Some(Judgement { gate: Gate::Approval, environment: None, verdict, evidence, as_of })
}

/// From when on people are asked: a word that is given earlier has run out when the ring opens. `None`:
/// it never opens.
pub(crate) fn ask_from(plan: &RingPlan, now: Timestamp) -> Option<Timestamp> {
    let opens_at = plan.schedule.next_entry(now, LEFT_TO_ENTER)?;
    Some(after(opens_at, -expires_after(plan)))
}

/// What the words so far come to, by groups that were read at `fresh_since` or later.
pub(crate) fn tallied(subject: Subject<'_>, asks: &[Ask], fresh_since: Timestamp) -> (Verdict, Approved) {
    let Subject { rollout, ring, world, now, .. } = subject;
    let (words, Revision { plan, digest, .. }) = (&ring.words, &*rollout.revision);
    let mut unknown = None;
    let mut tallies = Vec::new();
    for ask in asks {
        let read = world.user_groups.get(&ask.user_group).filter(|read| read.as_of >= fresh_since);
        let why = match read.map(|read| &read.value) {
            None => Some(Unknown::ApproversUnread),
            Some(Approvers::Missing) => Some(Unknown::NoUserGroup),
            Some(Approvers::Several(_)) => Some(Unknown::UserGroupAmbiguous),
            Some(Approvers::Members(_)) => None,
        };
        unknown = unknown.or(why);
        let mut members = read.map(|read| read.value.accepted()).unwrap_or_default();
        members.retain(|email| !rollout.authors.contains(*email));
        let mut approved: Vec<Given> = words
            .counting(digest, now)
            // A member when it was given, and one now.
            .filter(|(by, approval)| approval.groups.contains(&ask.user_group) && members.contains(by))
            .map(|(by, Approval { given_at, expires_at, .. })| Given {
                at: *given_at,
                by: by.clone(),
                expires_at: *expires_at,
            })
            .collect();
        approved.sort_unstable();
        tallies.push(Tally { ask: ask.clone(), approved, members: members.len() });
    }
    let asked: Vec<&UserGroupName> = asks.iter().map(|ask| &ask.user_group).collect();
    let (lapsed, refused): (Vec<Rejected<'_>>, Vec<_>) =
        words.rejections(digest).partition(|(by, rejection)| {
            let groups = rejection.groups.iter().chain(asked.iter().copied());
            has_left(world, groups, by, fresh_since)
        });
    let emails = |of: Vec<Rejected<'_>>| -> Vec<Email> { of.into_iter().map(|(by, _)| by.clone()).collect() };
    let (lapsed, refused) = (emails(lapsed), emails(refused));
    let is_unsigned = plan.author.is_none() && asks.iter().any(|ask| ask.by == AskedBy::Floor);
    let needs_author =
        world.approval_floor.as_ref().is_some_and(|floor| floor.author == AuthorRule::Required);
    let verdict = match unknown {
        _ if is_unsigned && needs_author => Verdict::Wait(Waiting::AuthorUnnamed),
        Some(why) => Verdict::Unknown(why),
        None if !refused.is_empty() => Verdict::Wait(Waiting::ApprovalRefused),
        None if !tallies.iter().all(Tally::is_met) => Verdict::Wait(Waiting::ApprovalMissing),
        None => Verdict::Pass,
    };
    (verdict, Approved { tallies, refused, lapsed })
}

type Rejected<'a> = (&'a Email, &'a Rejection);

/// The accepted members of a group, where there is one of that name and it was read at `since` or later.
fn members<'a>(
    world: &'a Observations,
    group: &UserGroupName,
    since: Timestamp,
) -> Option<impl Iterator<Item = &'a Member>> {
    let read = world.user_groups.get(group).filter(|read| read.as_of >= since)?;
    let Approvers::Members(members) = &read.value else { return None };
    Some(members.iter().filter(|member| member.standing == Standing::Accepted))
}

/// Whether somebody is known to be in none of these groups. A member whose address Cloudflare leaves out may be they.
fn has_left<'a>(
    world: &Observations,
    mut groups: impl Iterator<Item = &'a UserGroupName>,
    by: &Email,
    since: Timestamp,
) -> bool {
    let is_another = |member: &Member| member.email.as_ref().is_some_and(|email| email != by);
    groups.all(|group| members(world, group, since).is_some_and(|mut all| all.all(is_another)))
}

/// Whose rejections a member sets aside who approves: those of people whom no group lists that is asked, and who so
/// cannot take them back.
pub(crate) fn cannot_take_back(subject: Subject<'_>, asks: &[Ask], since: Timestamp) -> Vec<Email> {
    let Subject { rollout, ring, world, .. } = subject;
    let lacks = |ask: &Ask, by: &Email| {
        let is_they = |member: &Member| member.email.as_ref() == Some(by);
        members(world, &ask.user_group, since).is_some_and(|mut all| !all.any(is_they))
    };
    let rejections = ring.words.rejections(&rollout.revision.digest);
    let left = rejections.filter(|(by, _)| asks.iter().all(|ask| lacks(ask, by)));
    left.map(|(by, _)| by.clone()).collect()
}

/// The User Groups that a rollout's rings are still to ask.
pub(crate) fn groups_asked(subjects: impl Iterator<Item = Vec<Ask>>) -> BTreeSet<UserGroupName> {
    subjects.flatten().map(|ask| ask.user_group).collect()
}
