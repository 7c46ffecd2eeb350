//! What the reader may ask for: links to the confirmation, or the command that does the same.
//!
//! **Invariant:** what is offered is what the table of verbs has for the situation that is shown.

use crate::ids::PlanName;
use crate::rollout::judge::rollback_target::Scope;
use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::situation::StartPlans;
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
            label: act.page.label,
            href: Some(act.address()).filter(|_| viewer.refused(act.right()).is_none()),
            command: act.command_line(),
        }
    }
}

/// The verbs that would do something about a plan as it is.
pub(super) fn of_plan(plan: &PlanName, viewer: &Viewer) -> Vec<Action> {
    let commands: [fn(PlanName) -> Command; 4] = [
        Command::Resume,
        Command::Pause,
        |plan| Command::Rollback { plan, scope: Scope::default() },
        Command::CheckNow,
    ];
    let of = format!("-{plan}");
    commands.into_iter().filter_map(|command| offered(command(plan.clone()), &of, viewer)).collect()
}

/// `stop`, or `start` where all writes are stopped.
pub(super) fn brake(viewer: &Viewer) -> Option<Action> {
    let start = || Act::of(Command::Start { plans: StartPlans::GoOn });
    offered(Command::Stop, "", viewer).or_else(|| Some(Action::new(&start()?, "", viewer)))
}

/// `confirm clock`, where that would end a trouble.
pub(super) fn confirm_clock(viewer: &Viewer) -> Option<Action> {
    offered(Command::ConfirmClock, "", viewer)
}

/// `confirm` of the revision that waits, for whoever may give it here; others read the command in what helps.
pub(super) fn confirm(plan: &PlanName, viewer: &Viewer) -> Option<Action> {
    let waits = viewer.view.waiting.get(plan)?;
    let revision = waits.waiting.revision.digest.as_str().to_owned();
    let command = Command::Confirm { plan: plan.clone(), revision };
    offered(command, &format!("-{plan}"), viewer).filter(|action| action.href.is_some())
}

/// What would do something as things are.
pub(super) fn offered(command: Command, of: &str, viewer: &Viewer) -> Option<Action> {
    Act::of(command).filter(|act| is_offered(act, viewer)).map(|act| Action::new(&act, of, viewer))
}
