//! What the reader may ask for: links to the confirmation, or the command that does the same.
//!
//! **Invariant:** who may act is decided by [`Identity::may`], the rule that the verbs themselves keep;
//! what is offered is what the table of verbs has for the situation that is shown. Whose word on a ring
//! counts is decided by [`Hearing::claim`], as the verbs have it.

use std::sync::Arc;

use axum::http::header;
use axum::http::request::Parts;

use super::super::Peer;
use super::super::identity::{Denied, Identity, Need};
use super::super::json::{RevisionWaitsJson, RingJson, RolloutJson};
use super::confirm::{confirm_cell, short};
use super::encoded;
use crate::daemon::view::View;
use crate::ids::{PlanName, RingName};
use crate::rollout::people::hearing::{Hearing, Word};
use crate::rollout::people::verbs::situation::{
    Claim, Holds, Named, Offered, Place, Waived, WaysBack, Writes,
};
use crate::rollout::people::verbs::table;
use crate::rollout::people::verbs::table::Cell;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Actor;
use crate::rollout::record::Gate;
use crate::rollout::state::Phase;

/// Who reads the page, and what they see.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    identity: Identity,
    peer: Peer,
    head: Parts,
    pub(super) view: Arc<View>,
}

impl Viewer {
    /// Whoever asks for a page, as if they sent a form on it.
    pub(super) fn new(identity: &Identity, peer: &Peer, head: &Parts, view: Arc<View>) -> Self {
        // These tell where the reader comes from, such as a link in a chat; the form comes from here.
        let mut head = head.clone();
        head.headers.remove("sec-fetch-site");
        head.headers.remove(header::ORIGIN);
        Self { identity: identity.clone(), peer: peer.clone(), head, view }
    }

    fn may(&self, need: Need) -> Result<Option<Actor>, Denied> {
        self.identity.may(need, &self.peer, &self.head)
    }

    /// The rule that keeps them from what needs this; `None`: they may.
    pub(super) fn refused(&self, need: Need) -> Option<String> {
        self.may(need).err().map(|denied| denied.why())
    }

    /// Whom the log names for what needs this; `None`: they may not.
    pub(super) fn actor(&self, need: Need) -> Option<Actor> {
        self.may(need).ok().flatten()
    }

    /// What a word on a ring is judged by; `None`: nobody is asked.
    pub(super) fn hearing(&self, plan: &PlanName, ring: &RingName) -> Option<&Hearing> {
        let report = self.view.reports.iter().find(|report| report.id.plan == *plan)?;
        let ring = report.rings.iter().find(|one| one.name == *ring)?;
        Some(&ring.approval.as_ref()?.hearing)
    }
}

/// Something to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    /// Its name within the page.
    pub(super) id: String,
    /// What it does, in a word or two.
    pub(super) label: &'static str,
    /// Where it is confirmed; `None`: not by this reader.
    pub(super) href: Option<String>,
    /// The command that does the same.
    pub(super) command: String,
}

fn action(id: String, label: &'static str, href: String, command: String, viewer: &Viewer) -> Action {
    Action { id, label, href: Some(href).filter(|_| viewer.may(Need::Operate).is_ok()), command }
}

/// What the table has for a plan as it is: the verbs that would do something about it.
pub(super) fn of_rollout(rollout: &RolloutJson, writes: Writes, viewer: &Viewer) -> Vec<Action> {
    let offered = |(verb, label): (Verb, &'static str)| {
        plan_cell(verb, rollout, writes)?.effect().filter(|effect| effect.is_offered())?;
        let (plan, word) = (&rollout.plan, verb.as_str());
        let href = format!("/act/{word}?plan={}", encoded(plan.as_str()));
        Some(action(format!("{word}-{plan}"), label, href, of_plan(verb, plan), viewer))
    };
    let labels = [
        (Verb::Resume, "Resume"),
        (Verb::Pause, "Pause"),
        (Verb::Rollback, "Roll back"),
        (Verb::CheckNow, "Check now"),
    ];
    labels.into_iter().filter_map(offered).collect()
}

/// The table's word on a verb about a whole plan, as a snapshot has it; `None`: it is no such verb.
pub(super) fn plan_cell(verb: Verb, rollout: &RolloutJson, writes: Writes) -> Option<Cell> {
    let phase = phase_of(rollout)?;
    let holds = Holds::of(rollout.paused.is_some(), rollout.halted.is_some());
    match verb {
        Verb::Pause => Some(table::pause(phase, holds)),
        Verb::Resume => Some(table::resume(holds, writes, offered_of(rollout))),
        Verb::Rollback => {
            let ways = WaysBack::ALL.into_iter().find(|ways| ways.as_str() == rollout.way_back)?;
            Some(table::rollback(phase, holds, ways))
        }
        Verb::CheckNow => Some(table::check_now(phase)),
        Verb::Waive
        | Verb::ReleaseHold
        | Verb::Approve
        | Verb::Refuse
        | Verb::Confirm
        | Verb::Stop
        | Verb::Start
        | Verb::ConfirmClock => None,
    }
}

/// What the group offers that it is halted for, as a snapshot has it.
fn offered_of(rollout: &RolloutJson) -> Offered {
    match &rollout.halted {
        Some(halt) if halt.offers_forbidden => Offered::Forbidden,
        Some(halt) if halt.offers_held_out => Offered::HeldOut,
        Some(_) | None => Offered::Sound,
    }
}

/// The table's word on a waiver, as a snapshot has it.
pub(super) fn waive_cell(rollout: &RolloutJson, ring: &RingJson, gate: Gate) -> Option<Cell> {
    let place = place_of(ring)?;
    let waived = Waived::of(ring.waived.iter().any(|waiver| waiver.gate == gate));
    let named = Named::of(ring.dropped);
    Some(table::waive(gate, phase_of(rollout)?, place, waived, named))
}

/// The table's word on what this reader says about entering a ring, as a snapshot has it; `None`: they
/// may say nothing.
pub(super) fn word_cell(word: Word, rollout: &RolloutJson, ring: &RingJson, viewer: &Viewer) -> Option<Cell> {
    let (phase, place) = (phase_of(rollout)?, place_of(ring)?);
    let actor = viewer.actor(Need::Approve)?;
    let hearing = viewer.hearing(&rollout.plan, &ring.name);
    let claim = hearing.map_or(Claim::NotAsked, |hearing| hearing.claim(&actor, word).0);
    Some(match word {
        Word::Approve => table::approve(phase, place, claim),
        Word::Refuse => table::refuse(phase, place, claim),
    })
}

/// A snapshot has one word for both ways of deploying, which the table's rows have in common.
fn place_of(ring: &RingJson) -> Option<Place> {
    Place::ALL.into_iter().find(|place| place.state() == ring.state)
}

fn phase_of(rollout: &RolloutJson) -> Option<Phase> {
    Phase::ALL.into_iter().find(|phase| phase.as_str() == rollout.phase)
}

pub(super) fn waive(id: String, plan: &PlanName, ring: &RingName, gate: Gate, viewer: &Viewer) -> Action {
    let (of, at) = (encoded(plan.as_str()), encoded(ring.as_str()));
    let href = format!("/act/waive?plan={of}&ring={at}&gate={gate}");
    action(id, "Waive", href, waive_command(plan, ring, gate), viewer)
}

/// `stop`, or `start` where all writes are stopped.
pub(super) fn brake(writes: Writes, viewer: &Viewer) -> Action {
    match table::stop(writes) {
        Cell::Done(_) => {
            action("stop".to_owned(), "Stop all writes", "/act/stop".to_owned(), of_all(Verb::Stop), viewer)
        }
        Cell::Refused(_) => {
            action("start".to_owned(), "Start again", "/act/start".to_owned(), of_all(Verb::Start), viewer)
        }
    }
}

/// `confirm clock`.
pub(super) fn confirm_clock(viewer: &Viewer) -> Action {
    let (id, href) = ("confirm-clock".to_owned(), "/act/confirm-clock".to_owned());
    action(id, "Confirm the clock", href, CONFIRM_CLOCK.to_owned(), viewer)
}

/// `confirm` of the revision that waits; `None`: the table refuses it.
pub(super) fn confirm(plan: &PlanName, waiting: &RevisionWaitsJson, viewer: &Viewer) -> Option<Action> {
    confirm_cell(plan, &waiting.digest, viewer).effect().filter(|effect| effect.is_offered())?;
    let href = confirm_address(plan, &waiting.digest);
    let command = confirm_command(plan, &waiting.digest);
    Some(action(format!("confirm-{plan}"), "Confirm", href, command, viewer))
}

/// `/act/confirm?plan=…&revision=…`.
pub(super) fn confirm_address(plan: &PlanName, revision: &str) -> String {
    format!("/act/confirm?plan={}&revision={}", encoded(plan.as_str()), encoded(revision))
}

/// `ringward confirm PLAN --revision DIGEST --reason '…'`.
pub(super) fn confirm_command(plan: &PlanName, revision: &str) -> String {
    let (plan, revision) = (quoted(plan.as_str()), quoted(short(revision)));
    format!("ringward confirm {plan} --revision {revision}{}", why(Verb::Confirm))
}

/// `ringward pause PLAN --reason '…'`.
pub(super) fn of_plan(verb: Verb, plan: &PlanName) -> String {
    format!("ringward {} {}{}", verb.as_str(), quoted(plan.as_str()), why(verb))
}

/// `ringward stop --reason '…'`.
pub(super) fn of_all(verb: Verb) -> String {
    format!("ringward {}{}", verb.as_str(), why(verb))
}

/// `confirm clock` on the command line.
pub(super) const CONFIRM_CLOCK: &str = "ringward confirm clock --reason '…'";

const fn why(verb: Verb) -> &'static str {
    if verb.needs_reason() { " --reason '…'" } else { "" }
}

/// `ringward waive PLAN --gate G --ring R --reason '…'`.
pub(super) fn waive_command(plan: &PlanName, ring: &RingName, gate: Gate) -> String {
    let (plan, ring) = (quoted(plan.as_str()), quoted(ring.as_str()));
    format!("ringward waive {plan} --gate {gate} --ring {ring} --reason '…'")
}

/// `ringward approve PLAN --ring R --reason '…'`, or `refuse`.
pub(super) fn word_command(verb: Verb, plan: &PlanName, ring: &RingName) -> String {
    let (plan, ring) = (quoted(plan.as_str()), quoted(ring.as_str()));
    format!("ringward {} {plan} --ring {ring}{}", verb.as_str(), why(verb))
}

/// `/act/approve?plan=…&ring=…`, or `refuse`.
pub(super) fn word_address(verb: Verb, plan: &PlanName, ring: &RingName) -> String {
    format!("/act/{}?plan={}&ring={}", verb.as_str(), encoded(plan.as_str()), encoded(ring.as_str()))
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@');
    if text.chars().all(plain) && !text.starts_with('-') {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted() {
        let rows = [
            ("a plain name", "client-2026.8", "client-2026.8"),
            ("spaces", "Early adopters", "'Early adopters'"),
            ("a quote", "it's", r"'it'\''s'"),
            ("a command", "$(reboot);`x`", "'$(reboot);`x`'"),
            ("an option", "-x", "'-x'"),
            ("another script", "環", "'環'"),
        ];
        for (row, text, expected) in rows {
            assert_eq!(quoted(text), expected, "{row}");
        }
    }
}
