//! What the reader may ask for: links to the confirmation, or the command that does the same.
//!
//! **Invariant:** what is offered is what the table of verbs has for the situation that is shown.

use crate::ids::PlanName;
use crate::web::page::act::Act;
use crate::web::page::cell::is_offered;
use crate::web::page::viewer::Viewer;

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

impl Action {
    /// `of` tells it from the same verb elsewhere on the page.
    pub(super) fn new(act: &Act, of: &str, viewer: &Viewer) -> Self {
        Self {
            id: format!("{}{of}", act.verb().as_str()),
            label: act.label(),
            href: Some(act.address()).filter(|_| viewer.refused(act.right()).is_none()),
            command: act.command_line(),
        }
    }
}

/// The verbs that would do something about a plan as it is.
pub(super) fn of_plan(plan: &PlanName, viewer: &Viewer) -> Vec<Action> {
    let acts = [Act::Resume, Act::Pause, Act::Rollback, Act::CheckNow].map(|act| act(plan.clone()));
    let offered = acts.iter().filter(|act| is_offered(act, viewer));
    offered.map(|act| Action::new(act, &format!("-{plan}"), viewer)).collect()
}

/// `stop`, or `start` where all writes are stopped.
pub(super) fn brake(viewer: &Viewer) -> Action {
    let act = if is_offered(&Act::Stop, viewer) { Act::Stop } else { Act::Start };
    Action::new(&act, "", viewer)
}

/// `confirm clock`, where that would end a trouble.
pub(super) fn confirm_clock(viewer: &Viewer) -> Option<Action> {
    is_offered(&Act::ConfirmClock, viewer).then(|| Action::new(&Act::ConfirmClock, "", viewer))
}

/// `confirm` of the revision that waits, for whoever may give it here; others read the command in what helps.
pub(super) fn confirm(plan: &PlanName, viewer: &Viewer) -> Option<Action> {
    let waits = viewer.view.waiting.get(plan)?;
    let revision = waits.waiting.revision.digest.as_str().to_owned();
    let act = Act::Confirm { plan: plan.clone(), revision };
    let action = is_offered(&act, viewer).then(|| Action::new(&act, &format!("-{plan}"), viewer))?;
    Some(action).filter(|action| action.href.is_some())
}
