//! What the table of verbs says of an act, as things are.
//!
//! **Invariant:** it is asked about the snapshot that is shown; whose word on a ring counts is decided by
//! [`Hearing::claim`], as the verbs have it. Only on which list of members can differ, for that is read anew
//! with the word.

use crate::rollout::people::hearing::{Hearing, Word};
use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::refused::Refused;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, Holds, Named, Place, Waits, Waived, Writes,
};
use crate::rollout::people::verbs::table;
use crate::rollout::people::verbs::table::{Cell, Effect};
use crate::rollout::tell::report::Report;
use crate::web::identity::Right;
use crate::web::page::act::Act;
use crate::web::page::viewer::Viewer;

/// The table's word; `None`: there is no such rollout or ring, or this reader may say nothing. Whether plans are
/// left paused is asked on the sheet, and changes nothing about whether it is refused.
fn cell(act: &Act, viewer: &Viewer) -> Option<Cell> {
    let view = &viewer.view;
    let writes = Writes::of(view.stop.is_some());
    let report = act.plan().and_then(|plan| viewer.report(plan));
    let ring = act.plan().zip(act.ring()).and_then(|(plan, ring)| viewer.ring(plan, ring));
    // A report has one word for both ways of deploying, which the table's rows have in common.
    let place = ring.and_then(|ring| Place::ALL.into_iter().find(|place| place.state() == ring.state));
    Some(match act {
        Act::Pause(_) => table::pause(report?.phase, holds(report?)),
        Act::Resume(_) => table::resume(holds(report?), writes, report?.offered),
        Act::Rollback(_) => table::rollback(report?.phase, holds(report?), report?.ways_back),
        Act::CheckNow(_) => table::check_now(report?.phase),
        Act::Waive { gate, .. } => {
            let waived = Waived::of(ring?.waived.contains_key(gate));
            table::waive(*gate, report?.phase, place?, waived, Named::of(ring?.dropped))
        }
        Act::Approve { .. } => table::approve(report?.phase, place?, claim(act, Word::Approve, viewer)?),
        Act::Refuse { .. } => table::refuse(report?.phase, place?, claim(act, Word::Refuse, viewer)?),
        Act::Confirm { plan, revision } => {
            let waits = view.waiting.get(plan).map(|waits| &waits.waiting);
            table::confirm(Waits::of(waits, revision, view.at))
        }
        Act::Stop => table::stop(writes),
        Act::Start => table::start(writes, StartPlans::GoOn),
        // Whether answers bear it out is asked of Cloudflare by the daemon.
        Act::ConfirmClock => table::confirm_clock(match view.clock_behind {
            Some(_) => ClockSight::BorneOut,
            None => ClockSight::InOrder,
        }),
    })
}

fn holds(report: &Report) -> Holds {
    Holds::of(report.paused.is_some(), report.halted.is_some())
}

fn claim(act: &Act, word: Word, viewer: &Viewer) -> Option<Claim> {
    let actor = viewer.actor(Right::Approve)?;
    Some(hearing(act, viewer).map_or(Claim::NotAsked, |hearing| hearing.claim(&actor, word).0))
}

/// What a word on the act's ring is judged by; `None`: nobody is asked.
pub(super) fn hearing<'a>(act: &Act, viewer: &'a Viewer) -> Option<&'a Hearing> {
    viewer.hearing(act.plan()?, act.ring()?)
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
    let mut about = About::anything();
    let mut hold = viewer.view.stop.as_ref();
    if let Some(report) = act.plan().and_then(|plan| viewer.report(plan)) {
        (about.plan, about.phase) = (report.id.plan.to_string(), report.phase.as_str().to_owned());
        hold = report.paused.as_ref();
    }
    if let Some(ring) = act.ring() {
        about.ring = ring.to_string();
    }
    if act.word().is_some() {
        about.asked = hearing(act, viewer).map(Hearing::asked).unwrap_or_default();
    }
    if let Act::Waive { gate, .. } = act {
        about.gate = gate.to_string();
    }
    if let Act::Confirm { plan, .. } = act {
        about.plan = plan.to_string();
        let waits = viewer.view.waiting.get(plan);
        about.revision = waits.map(|waits| waits.waiting.revision.to_string()).unwrap_or_default();
        hold = waits.and_then(|waits| waits.confirmed.as_ref());
    }
    if let Some(hold) = hold {
        about.held = About::held(hold);
    }
    about
}
