//! What the table of verbs says of an act, as things are.
//!
//! **Invariant:** it is asked about the snapshot that is shown; whose word on a ring counts is decided by
//! [`Hearing::claim`], as the verbs have it. Only on which list of members can differ, for that is read anew
//! with the word.

use crate::rollout::people::hearing::Hearing;
use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::columns::{Columns, Heading};
use crate::rollout::people::verbs::definition::Aim;
use crate::rollout::people::verbs::effect::Effect;
use crate::rollout::people::verbs::refused::Refused;
use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, Named, PauseOrHalt, RingSituation, StartPlans, Waits, Waived, Writes,
};
use crate::rollout::people::verbs::table::Cell;
use crate::web::identity::Right;
use crate::web::page::act::Act;
use crate::web::page::viewer::Viewer;

/// The table's word; `None`: there is no such rollout or ring, or this reader may say nothing. Whether plans are
/// left paused is asked on the confirmation, and changes nothing about whether it is refused.
fn cell(act: &Act, viewer: &Viewer) -> Option<Cell> {
    let heads = act.verb().definition().columns;
    let mut of = Columns::UNASKED;
    heads.iter().try_for_each(|head| fill(&mut of, *head, act, viewer))?;
    Some(act.verb().cell(&of))
}

/// A column as the snapshot has it; `None`: it has it not.
fn fill(of: &mut Columns, head: Heading, act: &Act, viewer: &Viewer) -> Option<()> {
    let (view, plan, gate) = (&viewer.view, act.command.plan(), act.command.arguments().gate);
    let report = || viewer.report(plan?);
    let ring = || viewer.ring(plan?, act.command.ring()?);
    match head {
        Heading::Phase => of.phase = report()?.phase,
        Heading::PauseOrHalt => {
            of.holds = PauseOrHalt::of(report()?.paused.is_some(), report()?.halted.is_some())
        }
        Heading::Writes => of.writes = Writes::of(view.stop.is_some()),
        Heading::Offered => of.offered = report()?.offered,
        Heading::RollbackTargets => of.rollback_targets = report()?.rollback_targets,
        // Of a version that nobody names here.
        Heading::IsBlocked => return None,
        Heading::Gate => of.gate = gate?,
        // A report has one word for both ways of deploying, which the table's rows have in common.
        Heading::RingSituation => {
            let ring = ring()?;
            of.place = RingSituation::ALL.into_iter().find(|place| place.as_str() == ring.state)?;
        }
        Heading::Waived => of.waived = Waived::of(ring()?.waived.contains_key(&gate?)),
        Heading::Named => of.named = Named::of(ring()?.dropped),
        Heading::Claim => {
            let (actor, word) = (viewer.actor(Right::Approve)?, act.word()?);
            of.claim = hearing(act, viewer).map_or(Claim::NotAsked, |hearing| hearing.claim(&actor, word).0);
        }
        Heading::Waits => {
            let waits = view.waiting.get(plan?).map(|waits| &waits.waiting);
            of.waits = Waits::of(waits, &act.command.arguments().revision?, view.at);
        }
        // Whether answers bear it out is asked of Cloudflare by the daemon.
        Heading::Clock if view.clock_behind.is_some() => of.clock = ClockSight::BorneOut,
        Heading::Clock => of.clock = ClockSight::InOrder,
        Heading::Plans => of.plans = StartPlans::GoOn,
    }
    Some(())
}

/// What a word on the act's ring is judged by; `None`: nobody is asked.
pub(super) fn hearing<'a>(act: &Act, viewer: &'a Viewer) -> Option<&'a Hearing> {
    Some(&viewer.ring(act.command.plan()?, act.command.ring()?)?.approval.as_ref()?.hearing)
}

/// Whether it would do something about what stands there.
pub(super) fn is_offered(act: &Act, viewer: &Viewer) -> bool {
    cell(act, viewer).and_then(Cell::effect).is_some_and(Effect::is_offered)
}

/// Why it would be refused as things are, where that can be known ahead: members that are not read yet are read
/// with the word.
pub(super) fn refusal(act: &Act, viewer: &Viewer) -> Option<(Refused, About)> {
    match cell(act, viewer)? {
        Cell::Done(_) | Cell::Refused(Refused::MembersUnread) => None,
        Cell::Refused(refused) => Some((refused, about(act, viewer))),
    }
}

/// What the words about a refusal are filled in with.
fn about(act: &Act, viewer: &Viewer) -> About {
    let mut about = act.about();
    let mut hold = viewer.view.stop.as_ref();
    if let Some(report) = act.command.plan().and_then(|plan| viewer.report(plan)) {
        report.phase.as_str().clone_into(&mut about.phase);
        hold = report.paused.as_ref();
    }
    if act.word().is_some() {
        about.asked = hearing(act, viewer).map(Hearing::asked).unwrap_or_default();
    }
    if let Some(plan) = act.command.plan().filter(|_| act.verb().aim() == Aim::Waiting) {
        let waits = viewer.view.waiting.get(plan);
        about.revision = waits.map(|waits| waits.waiting.revision.to_string()).unwrap_or_default();
        hold = waits.and_then(|waits| waits.confirmed.as_ref());
    }
    if let Some(hold) = hold {
        about.held = hold.to_string();
    }
    about
}
