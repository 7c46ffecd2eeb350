//! What the reader may ask for: links to the confirmation, or the command that does the same.
//!
//! **Invariant:** who may act is decided by [`Peer::actor`], the rule that the verbs themselves keep.

use axum::http::header;
use axum::http::request::Parts;

use super::super::Peer;
use super::encoded;
use crate::ids::{PlanName, RingName};
use crate::rollout::verdict::Gate;

/// Who reads the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Viewer {
    /// The rule that keeps them from acting here; `None`: they may.
    pub(super) refused: Option<String>,
}

impl Viewer {
    /// Whether a form on the page that this request asks for would be taken.
    pub(super) fn new(peer: &Peer, head: &Parts) -> Self {
        // These tell where the reader comes from, such as a link in a chat; the form comes from here.
        let mut head = head.clone();
        head.headers.remove("sec-fetch-site");
        head.headers.remove(header::ORIGIN);
        Self { refused: peer.actor(&head).err().map(|broken| broken.to_string()) }
    }

    fn may_act(&self) -> bool {
        self.refused.is_none()
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
    Action { id, label, href: Some(href).filter(|_| viewer.may_act()), command }
}

pub(super) fn pause(plan: &PlanName, viewer: &Viewer) -> Action {
    let href = format!("/act/pause?plan={}", encoded(plan.as_str()));
    action(format!("pause-{plan}"), "Pause", href, of_plan("pause", plan), viewer)
}

pub(super) fn resume(plan: &PlanName, viewer: &Viewer) -> Action {
    let href = format!("/act/resume?plan={}", encoded(plan.as_str()));
    action(format!("resume-{plan}"), "Resume", href, of_plan("resume", plan), viewer)
}

pub(super) fn waive(id: String, plan: &PlanName, ring: &RingName, gate: Gate, viewer: &Viewer) -> Action {
    let (of, at) = (encoded(plan.as_str()), encoded(ring.as_str()));
    let href = format!("/act/waive?plan={of}&ring={at}&gate={gate}");
    action(id, "Waive", href, waive_command(plan, ring, gate), viewer)
}

pub(super) fn stop(viewer: &Viewer) -> Action {
    action("stop".to_owned(), "Stop all writes", "/act/stop".to_owned(), of_all("stop"), viewer)
}

pub(super) fn start(viewer: &Viewer) -> Action {
    action("start".to_owned(), "Start again", "/act/start".to_owned(), of_all("start"), viewer)
}

/// `ringward pause PLAN --reason '…'`.
pub(super) fn of_plan(verb: &str, plan: &PlanName) -> String {
    format!("ringward {verb} {} --reason '…'", quoted(plan.as_str()))
}

/// `ringward stop --reason '…'`.
pub(super) fn of_all(verb: &str) -> String {
    format!("ringward {verb} --reason '…'")
}

/// `ringward waive PLAN --gate G --ring R --reason '…'`.
pub(super) fn waive_command(plan: &PlanName, ring: &RingName, gate: Gate) -> String {
    let (plan, ring) = (quoted(plan.as_str()), quoted(ring.as_str()));
    format!("ringward waive {plan} --gate {gate} --ring {ring} --reason '…'")
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
