//! Approvals on the page: what is asked before a ring is entered, what people said, who is missing, and
//! whether the reader has a say.
//!
//! **Invariant:** whether a word would be taken comes from the table of verbs and the claim that the verb
//! itself is judged by; only on which list of members can differ, for that is read anew with the word.

use super::super::identity::Need;
use super::super::json::{
    ApprovalJson, AskJson, AwaitedRing, RingJson, RolloutJson, RolloutsAnswer, WordJson,
};
use super::super::told_moves;
use super::acts::{Action, Viewer, word_address, word_cell, word_command};
use super::encoded;
use super::show::{Moment, Tone, sentence_case};
use crate::rollout::people::hearing::{Hearing, Word};
use crate::rollout::people::verbs::refused::Refused;
use crate::rollout::people::verbs::table::Cell;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::people::verbs::words::About;
use crate::time::Timestamp;
use crate::time::short;

/// Of more who could approve and have not, only so many are named.
const NAMED: usize = 12;

/// What people have to do with a ring's entry.
pub(super) struct Approval {
    /// Its name within the page.
    pub(super) id: String,
    pub(super) tone: Tone,
    pub(super) headline: String,
    pub(super) asks: Vec<String>,
    /// Since when people are asked.
    pub(super) since: Option<Moment>,
    pub(super) spoken: Vec<Spoken>,
    /// Who could approve and has not, in a sentence.
    pub(super) missing: Option<String>,
    /// Why this reader may not, or may not any more.
    pub(super) barred: Vec<String>,
    /// Whether somebody else could by the commands: nobody is known here who may approve.
    pub(super) unknown_here: bool,
    pub(super) actions: Vec<Action>,
}

/// What a person said.
pub(super) struct Spoken {
    pub(super) tone: Tone,
    pub(super) by: String,
    /// That they approved or refused, and whether that counts.
    pub(super) said: String,
    pub(super) at: Moment,
    pub(super) note: String,
}

/// A ring that waits for people.
pub(super) struct Waiting {
    /// Its name within the page.
    pub(super) id: String,
    pub(super) plan: String,
    pub(super) ring: String,
    pub(super) href: String,
    pub(super) so_far: String,
    pub(super) since: Moment,
}

/// Every ring that waits for people.
pub(super) fn waiting(answer: &RolloutsAnswer) -> Vec<Waiting> {
    let rings = answer.awaited_rings().into_iter();
    let of = |AwaitedRing { rollout, number, ring, approval, since }| {
        let section = id(rollout, number);
        Waiting {
            id: format!("to-{section}"),
            plan: rollout.plan.to_string(),
            ring: ring.name.to_string(),
            href: format!("#{}", encoded(&section)),
            so_far: approval.so_far(),
            since: Moment::new(since, rollout.at),
        }
    };
    rings.map(of).collect()
}

fn id(rollout: &RolloutJson, number: usize) -> String {
    format!("approval-{}-{number}", rollout.plan)
}

impl Approval {
    /// Of the ring at `index`; `None`: nobody is asked.
    pub(super) fn of(
        rollout: &RolloutJson,
        (index, ring): (usize, &RingJson),
        viewer: &Viewer,
    ) -> Option<Self> {
        let approval = ring.approval.as_ref()?;
        let now = rollout.at;
        let (tone, headline) = headline(approval);
        let hearing = viewer.hearing(&rollout.plan, &ring.name);
        let told = |cell: Cell| match cell {
            Cell::Refused(refused) if is_for_sure(&cell) => {
                let about = about(rollout, ring, hearing);
                Some(match refused {
                    Refused::ApprovedAlready | Refused::RefusedAlready => refused.why(&about),
                    _ => format!("{}; {}", refused.why(&about), refused.instead(&about)),
                })
            }
            Cell::Done(_) | Cell::Refused(_) => None,
        };
        let mut barred: Vec<String> = viewer.refused(Need::Approve).into_iter().collect();
        let unknown_here = !barred.is_empty();
        let mut actions = Vec::new();
        let words = [(Word::Approve, Verb::Approve, "Approve"), (Word::Refuse, Verb::Refuse, "Refuse")];
        for (word, verb, label) in words {
            let why = word_cell(word, rollout, ring, viewer).and_then(told);
            if why.is_none() {
                let href = word_address(verb, &rollout.plan, &ring.name);
                actions.push(Action {
                    id: format!("{}-{}-{}", verb.as_str(), rollout.plan, index + 1),
                    label,
                    href: Some(href).filter(|_| !unknown_here),
                    command: word_command(verb, &rollout.plan, &ring.name),
                });
            }
            barred.extend(why);
        }
        barred.dedup();
        Some(Self {
            id: id(rollout, index + 1),
            tone,
            headline,
            asks: approval.asks.iter().map(ask).collect(),
            since: approval.waited_for_since().map(|at| Moment::new(at, now)),
            spoken: approval.words.iter().map(|word| spoken(approval, word, now)).collect(),
            missing: missing(approval),
            barred: barred.iter().map(|why| sentence_case(why)).collect(),
            unknown_here,
            actions,
        })
    }
}

fn headline(approval: &ApprovalJson) -> (Tone, String) {
    let refused: Vec<&str> = approval.refused_by().collect();
    match approval.verdict.as_str() {
        "pass" => (Tone::Good, "Everybody who is needed approved".to_owned()),
        "unknown" => (Tone::Bad, sentence_case(&approval.reason.replace('_', " "))),
        _ if !refused.is_empty() => (Tone::Bad, format!("Refused by {}", refused.join(", "))),
        _ if approval.asked_at.is_some() => (Tone::Wait, "Waits for approval".to_owned()),
        _ => (Tone::Idle, "Will ask for approval once everything but the clock is ready".to_owned()),
    }
}

fn ask(ask: &AskJson) -> String {
    let AskJson { user_group, count, by, approved, members } = ask;
    let by = if by == "floor" { " (by the daemon’s configuration)" } else { "" };
    format!("{count} of `{user_group}`{by}: {} approved so far, of {members} who can", approved.len())
}

fn missing(approval: &ApprovalJson) -> Option<String> {
    // Whoever refused has answered.
    let silent = |by: &&str| approval.refused_by().all(|refused| refused != *by);
    let all: Vec<&str> = approval.missing.iter().map(String::as_str).filter(silent).collect();
    if all.is_empty() || approval.verdict == "pass" {
        return None;
    }
    let named = all.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = all.len().saturating_sub(NAMED);
    Some(if more == 0 { named } else { format!("{named} and {more} more") })
}

fn spoken(approval: &ApprovalJson, word: &WordJson, now: Timestamp) -> Spoken {
    let counts = approval.asks.iter().any(|ask| ask.approved.contains(&word.by));
    let ran_out = word.expires_at.is_some_and(|at| at <= now);
    let (tone, said) = match (word.word.as_str(), word.voided_at) {
        ("refused", _) => (Tone::Bad, "refused".to_owned()),
        (_, Some(at)) => {
            (Tone::Idle, format!("approved, voided on {} by other values of the plan", short(at)))
        }
        (_, None) if ran_out => (Tone::Idle, "approved, and it has run out".to_owned()),
        (_, None) if !counts => {
            (Tone::Idle, "approved, and is in no group that is asked, by its members read last".to_owned())
        }
        (_, None) => {
            let until = word.expires_at.map(|at| format!(", which counts until {}", short(at)));
            (Tone::Good, format!("approved{}", until.unwrap_or_default()))
        }
    };
    let (by, note) = (word.by.clone(), word.note.clone());
    Spoken { tone, by, said, at: Moment::new(word.at, now), note }
}

/// What the words about a refusal are filled in with.
pub(super) fn about(rollout: &RolloutJson, ring: &RingJson, hearing: Option<&Hearing>) -> About {
    About {
        plan: rollout.plan.to_string(),
        phase: rollout.phase.clone(),
        ring: ring.name.to_string(),
        asked: hearing.map(Hearing::asked).unwrap_or_default(),
        ..About::anything()
    }
}

/// Whether the answer can be known ahead: members that are not read yet are read with the word.
pub(super) fn is_for_sure(cell: &Cell) -> bool {
    *cell != Cell::Refused(Refused::MembersUnread)
}

/// `windows 2026.8.2100.0, macos 2026.8.2101.0`.
pub(super) fn versions(ring: &RingJson) -> String {
    let each: Vec<String> = ring.targets.iter().map(|(on, version)| format!("{on} {version}")).collect();
    each.join(", ")
}

/// What an approval does, in sentences.
pub(super) fn approves(ring: &RingJson, hearing: Option<&Hearing>) -> Vec<String> {
    let until = hearing.map(|hearing| {
        format!(
            "It counts until {}, unless you refuse, leave the group, or the plan’s values change.",
            short(hearing.expires_at)
        )
    });
    let (name, versions) = (&ring.name, versions(ring));
    let may = format!("As far as you are asked, ring {name} may be entered with {versions}.");
    let more = [
        "Its openings, freezes and all other gates still hold.",
        "One refusal outweighs any number of approvals, until whoever gave it approves.",
    ];
    [may].into_iter().chain(until).chain(more.map(str::to_owned)).collect()
}

/// What a refusal does, in sentences.
pub(super) fn refuses(ring: &RingJson) -> Vec<String> {
    let not = format!("Ring {} is not entered with {}, whoever approves it.", ring.name, versions(ring));
    let more = [
        "One refusal outweighs any number of approvals. Yours stands until you approve, or the plan’s values change.",
        "Nothing that is on offer already is taken back.",
    ];
    [not].into_iter().chain(more.map(str::to_owned)).collect()
}

/// Who approved, who is missing, who refused, in sentences.
pub(super) fn now(ring: &RingJson, at: Timestamp) -> Vec<String> {
    let Some(approval) = &ring.approval else { return vec!["Nobody is asked.".to_owned()] };
    let mut lines: Vec<String> = approval.asks.iter().map(|one| format!("{}.", ask(one))).collect();
    let moves = ring.moves.iter().map(|(environment, moves)| told_moves(*environment, moves));
    lines.extend(moves.map(|moves| format!("It moves {moves}.")));
    lines.extend(approval.words.iter().map(|word| {
        let Spoken { by, said, at, note, .. } = spoken(approval, word, at);
        format!("{by} on {}: {said}. Note: {note}", at.text)
    }));
    lines.extend(missing(approval).map(|names| format!("Missing: {names}.")));
    lines.push(match approval.asked_at {
        Some(at) => format!("People are asked since {}.", short(at)),
        None => "Nobody is asked yet. A word given now counts all the same.".to_owned(),
    });
    lines.push("Who is a member is read again when you confirm.".to_owned());
    lines
}
