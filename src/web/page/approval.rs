//! Approvals on the page: what is asked before a ring is entered, what people said, who is missing, and
//! whether the reader has a say.
//!
//! **Invariant:** whether a word would be taken comes from the table of verbs and the claim that the verb
//! itself is judged by; only on which list of members can differ, for that is read anew with the word.

use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::refused::Refused;
use crate::text::joined;
use crate::time::{Timestamp, short};
use crate::web::identity::Right;
use crate::web::json::{ApprovalJson, AskJson, AwaitedRing, RingJson, RolloutJson, RolloutsAnswer, VoteJson};
use crate::web::page::act::Act;
use crate::web::page::action::Action;
use crate::web::page::cell::refusal;
use crate::web::page::html::{Moment, encoded, sentence_case};
use crate::web::page::tone::Tone;
use crate::web::page::viewer::Viewer;

/// Of more who could approve and have not, only so many are named.
const NAMED: usize = 12;

/// What people have to do with a ring's entry.
pub(super) struct ApprovalCard {
    /// Its name within the page.
    pub(super) id: String,
    pub(super) tone: Tone,
    pub(super) headline: String,
    pub(super) asks: Vec<String>,
    /// Since when people are asked.
    pub(super) since: Option<Moment>,
    pub(super) spoken: Vec<VoteRow>,
    /// Who could approve and has not, in a sentence.
    pub(super) missing: Option<String>,
    /// Why this reader may not, or may not any more.
    pub(super) barred: Vec<String>,
    /// Whether somebody else could by the commands: nobody is known here who may approve.
    pub(super) unknown_here: bool,
    pub(super) actions: Vec<Action>,
}

/// What a person said.
pub(super) struct VoteRow {
    pub(super) tone: Tone,
    pub(super) by: String,
    /// That they approved or rejected it, and whether that counts.
    pub(super) said: String,
    pub(super) at: Moment,
    pub(super) note: String,
}

/// A ring that waits for people.
pub(super) struct AwaitedRow<'a> {
    pub(super) waits: AwaitedRing<'a>,
    /// Its name within the page.
    pub(super) id: String,
    pub(super) href: String,
    pub(super) since: Moment,
}

/// Every ring that waits for people.
pub(super) fn waiting(answer: &RolloutsAnswer) -> Vec<AwaitedRow<'_>> {
    let rings = answer.awaited_rings().into_iter();
    let rows = rings.map(|waits| {
        let section = id(waits.rollout, waits.number);
        let (id, href) = (format!("to-{section}"), format!("#{}", encoded(&section)));
        AwaitedRow { waits, id, href, since: Moment::new(waits.since, waits.rollout.at) }
    });
    rows.collect()
}

fn id(rollout: &RolloutJson, number: usize) -> String {
    format!("approval-{}-{number}", rollout.plan)
}

impl ApprovalCard {
    /// Of the ring at `index`; `None`: nobody is asked.
    pub(super) fn of(
        rollout: &RolloutJson,
        (index, ring): (usize, &RingJson),
        viewer: &Viewer,
    ) -> Option<Self> {
        let approval = ring.approval.as_ref()?;
        let now = rollout.at;
        let (tone, headline) = headline(approval);
        let mut barred: Vec<String> = viewer.refused(Right::Approve).into_iter().collect();
        let unknown_here = !barred.is_empty();
        let mut actions = Vec::new();
        let (plan, name) = (&rollout.plan, &ring.name);
        let approve = Command::Approve { plan: plan.clone(), ring: name.clone() };
        let reject = Command::Reject { plan: plan.clone(), ring: name.clone() };
        for act in [approve, reject].into_iter().filter_map(Act::of) {
            match refusal(&act, viewer) {
                None => actions.push(Action::new(&act, &format!("-{plan}-{}", index + 1), viewer)),
                Some((refused @ (Refused::ApprovedAlready | Refused::RejectedAlready), about)) => {
                    barred.push(refused.why(&about));
                }
                Some((refused, about)) => barred.push(refused.told(&about)),
            }
        }
        barred.dedup();
        Some(Self {
            id: id(rollout, index + 1),
            tone,
            headline,
            asks: approval.asks.iter().map(ask).collect(),
            since: approval.waited_for_since().map(|at| Moment::new(at, now)),
            spoken: approval.words.iter().map(|word| VoteRow::of(approval, word, now)).collect(),
            missing: missing(approval),
            barred: barred.iter().map(|why| sentence_case(why)).collect(),
            unknown_here,
            actions,
        })
    }
}

fn headline(approval: &ApprovalJson) -> (Tone, String) {
    let refused = joined(approval.refused_by(), ", ");
    match approval.verdict.as_str() {
        "pass" => (Tone::Good, "Everybody who is needed approved".to_owned()),
        "unknown" => (Tone::Bad, sentence_case(&approval.reason.replace('_', " "))),
        _ if !refused.is_empty() => (Tone::Bad, format!("Rejected by {refused}")),
        _ if approval.asked_at.is_some() => (Tone::Wait, "Waits for approval".to_owned()),
        _ => (Tone::Idle, "Will ask for approval once everything but the clock is ready".to_owned()),
    }
}

pub(super) fn ask(ask: &AskJson) -> String {
    let AskJson { user_group, count, by, approved, members } = ask;
    let by = if by == "floor" { " (by the daemon’s configuration)" } else { "" };
    format!("{count} of `{user_group}`{by}: {} approved so far, of {members} who can", approved.len())
}

pub(super) fn missing(approval: &ApprovalJson) -> Option<String> {
    // Whoever rejected it has answered.
    let silent = |by: &&str| approval.refused_by().all(|refused| refused != *by);
    let all: Vec<&str> = approval.missing.iter().map(String::as_str).filter(silent).collect();
    if all.is_empty() || approval.verdict == "pass" {
        return None;
    }
    let named = joined(all.iter().take(NAMED), ", ");
    let more = all.len().saturating_sub(NAMED);
    Some(if more == 0 { named } else { format!("{named} and {more} more") })
}

impl VoteRow {
    pub(super) fn of(approval: &ApprovalJson, word: &VoteJson, now: Timestamp) -> Self {
        let counts = approval.asks.iter().any(|ask| ask.approved.contains(&word.by));
        let ran_out = word.expires_at.is_some_and(|at| at <= now);
        let (tone, said) = match (word.word.as_str(), word.voided_at) {
            ("refused", _) if word.lapsed => {
                (Tone::Idle, "rejected, which does not count: they are in no group that is asked".to_owned())
            }
            ("refused", _) => (Tone::Bad, "rejected".to_owned()),
            (_, Some(at)) => {
                (Tone::Idle, format!("approved, voided on {} by other values of the plan", short(at)))
            }
            (_, None) if ran_out => (Tone::Idle, "approved, and it has run out".to_owned()),
            (_, None) if !counts => (
                Tone::Idle,
                "approved, and is in no group that is asked, by its members read last".to_owned(),
            ),
            (_, None) => {
                let until = word.expires_at.map(|at| format!(", which counts until {}", short(at)));
                (Tone::Good, format!("approved{}", until.unwrap_or_default()))
            }
        };
        let (by, note) = (word.by.clone(), word.note.clone());
        Self { tone, by, said, at: Moment::new(word.at, now), note }
    }
}

/// `windows 2026.8.2100.0, macos 2026.8.2101.0`.
pub(super) fn versions(ring: &RingJson) -> String {
    joined(ring.targets.iter().map(|(on, version)| format!("{on} {version}")), ", ")
}
