//! Approvals: who is asked to let a ring be entered, and whose word counts.
//!
//! | module | what it holds |
//! | --- | --- |
//! | here | what is asked, what is known of the people, and the gate's word |
//! | `claim` | whether somebody who speaks up is one who is asked |
//!
//! **Invariant:** a word counts only for the revision in force, until it expires, and while its giver
//! is known to be an accepted member; what cannot be read counts for nobody.

pub(crate) mod claim;

pub use claim::{Hearing, Word};

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::ids::{Email, UserGroupName};
use crate::plan::model::{ApprovalRule, Plan, PlanDigest, RingPlan};
use crate::rollout::decide::Context;
use crate::rollout::event::{Entry, Event};
use crate::rollout::gate::{LEFT_TO_ENTER, Subject};
use crate::rollout::remote::{Member, Standing};
use crate::rollout::state::{Approval, Stage, Validity, Words};
use crate::rollout::verdict::{Evidence, Gate, Judgement, Unknown, Verdict, Waiting};
use crate::rollout::world::{ENTRY_MAX_AGE, Observations, Observed, REST_MAX_AGE};
use crate::schedule::Writable;
use crate::time::Timestamp;

/// So many different members of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The group.
    pub user_group: UserGroupName,
    /// How many.
    pub count: NonZeroU8,
    /// Who asks for them.
    pub by: AskedBy,
}

/// Who asks for approvals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedBy {
    /// The plan.
    Plan,
    /// The daemon's configuration, which no plan lowers.
    Floor,
}

impl AskedBy {
    /// The word of API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Floor => "floor",
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of `{}`", self.count, self.user_group)?;
        match self.by {
            AskedBy::Plan => Ok(()),
            AskedBy::Floor => f.write_str(" (by the daemon's configuration)"),
        }
    }
}

/// What Cloudflare has of a User Group that a plan names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approvers {
    /// No group of that name.
    Missing,
    /// So many groups of that name.
    Several(usize),
    /// One, with these members.
    Members(Vec<Member>),
}

impl Approvers {
    /// The e-mail addresses of those who took the invitation; nobody while the group is not certain.
    #[must_use]
    pub fn accepted(&self) -> BTreeSet<&Email> {
        let Self::Members(members) = self else { return BTreeSet::new() };
        let accepted = members.iter().filter(|member| member.standing == Standing::Accepted);
        accepted.filter_map(|member| member.email.as_ref()).collect()
    }
}

/// How far one of the asks is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// What is asked.
    pub ask: Ask,
    /// Whose approval counts, the earliest first.
    pub approved: Vec<Given>,
    /// How many could approve: accepted members with an e-mail address, without the plan's author.
    pub members: usize,
}

impl Tally {
    /// Whether that is enough.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.approved.len() >= usize::from(self.ask.count.get())
    }
}

/// An approval that counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub by: Email,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

/// What the gate of approvals saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// Each ask, the plan's own first.
    pub tallies: Vec<Tally>,
    /// Who said no, and has not taken it back.
    pub refused: Vec<Email>,
}

impl Approved {
    /// The value seen, for people.
    #[must_use]
    pub fn value(&self, verdict: &Verdict) -> String {
        if let Some(first) = self.refused.first() {
            return format!("{first} refused");
        }
        let one = |Tally { ask, approved, members }: &Tally| {
            let by: Vec<&str> = approved.iter().map(|given| given.by.as_str()).collect();
            let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
            match verdict {
                Verdict::Unknown(Unknown::ApproversUnread) => format!("`{}` is not read", ask.user_group),
                Verdict::Unknown(Unknown::NoUserGroup) => format!("`{}` is not there", ask.user_group),
                Verdict::Unknown(Unknown::UserGroupAmbiguous) => {
                    format!("`{}` is there more than once", ask.user_group)
                }
                _ => format!("{} of {members} members of `{}` approved{by}", approved.len(), ask.user_group),
            }
        };
        self.tallies.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// What would be enough, for people.
    #[must_use]
    pub fn threshold(&self) -> String {
        let asks: Vec<String> = self.tallies.iter().map(|tally| tally.ask.to_string()).collect();
        asks.join(", and ")
    }
}

/// What is asked before a ring is entered, with so many devices to move (`None`: not known); empty:
/// nothing.
#[must_use]
pub fn asks(plan: &RingPlan, world: &Observations, devices: Option<usize>) -> Vec<Ask> {
    let of_plan = plan.approval.iter().map(|ApprovalRule { user_group, count, .. }| Ask {
        user_group: user_group.clone(),
        count: *count,
        by: AskedBy::Plan,
    });
    // Devices that nobody counted may be many.
    let floor =
        world.approval_floor.iter().filter(|floor| devices.is_none_or(|all| all > floor.over_devices));
    let of_floor = floor.map(|floor| Ask {
        user_group: floor.user_group.clone(),
        count: floor.count,
        by: AskedBy::Floor,
    });
    of_plan.chain(of_floor).collect()
}

/// What is asked before this ring is entered, by what is known of its devices.
#[must_use]
pub(super) fn asks_of(subject: Subject<'_>) -> Vec<Ask> {
    let Subject { rollout, plan, world, now, .. } = subject;
    if world.approval_floor.is_none() {
        return asks(plan, world, None);
    }
    let policies = world.resolve_within(&rollout.revision.plan, plan).ok();
    let known = policies.filter(|_| world.fleet.full_sweep_at().is_some());
    let devices = known.map(|policies| {
        let scope = crate::rollout::gate::planned_scope(plan, policies);
        world.fleet.census(&scope, now).eligible()
    });
    asks(plan, world, devices)
}

/// Until when a word counts that is given at an instant. The floor has no word of its own on that.
#[must_use]
pub fn expires_at(plan: &RingPlan, given_at: Timestamp) -> Timestamp {
    let expires = plan.approval.as_ref().map_or(ApprovalRule::BUILT_IN_EXPIRES, |rule| rule.expires);
    crate::time::after(given_at, expires.get())
}

/// The gate's word; `None`: nobody is asked.
pub(super) fn judge(subject: Subject<'_>) -> Option<Judgement> {
    let asks = asks_of(subject);
    if asks.is_empty() {
        return None;
    }
    let Subject { rollout, ring, plan, world, now, .. } = subject;
    // The schedule may keep a ring closed for days; only an entry needs a fresh look.
    let open = plan.schedule.writable(now) != Writable::NotNow;
    let fresh_since = crate::time::after(now, -(if open { ENTRY_MAX_AGE } else { REST_MAX_AGE }));
    let revision = &rollout.revision;
    let word = tallied(&asks, &ring.words, (&revision.plan, &revision.digest), world, fresh_since, now);
    let as_of = asks.iter().map(|ask| world.user_groups.get(&ask.user_group).map(|read| read.as_of));
    let (verdict, approved) = word;
    let evidence = Evidence::Approval(approved);
    let as_of = as_of.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().min());
    Some(Judgement { gate: Gate::Approval, environment: None, verdict, evidence, as_of })
}

/// From when on people are asked: a word that is given earlier has run out when the ring opens. `None`:
/// it never opens.
pub(super) fn ask_from(plan: &RingPlan, now: Timestamp) -> Option<Timestamp> {
    let opens_at = plan.schedule.next_entry(now, LEFT_TO_ENTER)?;
    let expires = plan.approval.as_ref().map_or(ApprovalRule::BUILT_IN_EXPIRES, |rule| rule.expires);
    Some(crate::time::after(opens_at, -expires.get()))
}

/// Whether an approval of this revision has run out since people were asked.
fn has_run_out(words: &Words, digest: &PlanDigest, asked: Timestamp, now: Timestamp) -> bool {
    let stands = |word: &&Approval| word.standing == Validity::Stands && word.digest == *digest;
    words.approvals.values().filter(stands).any(|word| asked < word.expires_at && word.expires_at <= now)
}

/// Asks people once all but the clock is ready, once for each revision, and again when an approval has
/// run out.
pub(super) fn ask(context: &Context<'_>) -> Vec<Entry> {
    let Some((ring, plan)) = context.current().filter(|_| !context.is_held()) else { return Vec::new() };
    let digest = &context.rollout.revision.digest;
    let asked = ring.words.asked.as_ref().filter(|(_, of)| of == digest).map(|(at, _)| *at);
    let asked = asked.filter(|asked| !has_run_out(&ring.words, digest, *asked, context.now));
    if asked.is_some() || !matches!(ring.stage, Stage::Entering(_)) {
        return Vec::new();
    }
    if ask_from(plan, context.now).is_none_or(|from| context.now < from) {
        return Vec::new();
    }
    let judgements = context.judged(ring);
    let by_the_clock = |word: &&Judgement| matches!(word.gate, Gate::Opening | Gate::Freeze);
    let (asking, others): (Vec<&Judgement>, Vec<&Judgement>) =
        judgements.iter().filter(|word| !by_the_clock(word)).partition(|word| word.gate == Gate::Approval);
    let missing = |word: &&&Judgement| word.verdict == Verdict::Wait(Waiting::ApprovalMissing);
    let Some(word) = asking.iter().find(missing) else { return Vec::new() };
    let Evidence::Approval(approved) = &word.evidence else { return Vec::new() };
    if !others.iter().all(|word| word.verdict.advances()) || context.ailing().next().is_some() {
        return Vec::new();
    }
    let asks = approved.tallies.iter().map(|tally| tally.ask.clone()).collect();
    let reason = format!("everything but the clock is ready, and {} are asked", approved.threshold());
    context.entry(reason, Event::ApprovalAsked { ring: ring.name.clone(), digest: digest.clone(), asks })
}

/// What the words so far come to, by groups that were read at `fresh_since` or later.
pub(super) fn tallied(
    asks: &[Ask],
    words: &Words,
    (plan, digest): (&Plan, &PlanDigest),
    world: &Observations,
    fresh_since: Timestamp,
    now: Timestamp,
) -> (Verdict, Approved) {
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
        members.retain(|email| plan.author.as_ref() != Some(*email));
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
    let refused: Vec<Email> = words.refusals(digest).cloned().collect();
    let verdict = match unknown {
        Some(why) => Verdict::Unknown(why),
        None if !refused.is_empty() => Verdict::Wait(Waiting::ApprovalRefused),
        None if !tallies.iter().all(Tally::is_met) => Verdict::Wait(Waiting::ApprovalMissing),
        None => Verdict::Pass,
    };
    (verdict, Approved { tallies, refused })
}

/// The User Groups that a rollout's rings are still to ask.
pub(super) fn groups_asked(subjects: impl Iterator<Item = Vec<Ask>>) -> BTreeSet<UserGroupName> {
    subjects.flatten().map(|ask| ask.user_group).collect()
}

/// User Groups as they were read.
pub type UserGroups = BTreeMap<UserGroupName, Observed<Approvers>>;
