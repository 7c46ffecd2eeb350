//! What `status` and `explain` both say: of the daemon, of troubles, of new plans and superseded offers.
//!
//! **Invariant:** a thing is told in the same words by both.

use std::io;

use crate::cli::{Prose, Tint, distance, safe, short};
use crate::web::json::{NewPlanJson, RolloutsAnswer, SupersededJson};
use crate::{rollout::record::Mode, time::Clock};

/// A plan that is new, and what it waits for.
pub(super) fn new_plan(page: &mut Prose<'_>, new: &NewPlanJson) -> io::Result<()> {
    let lead = page.paint(Tint::Waiting, "is new and waits");
    let (since, headline) = (page.moment(new.since), safe(&new.headline));
    page.say("", format!("{} {lead} since {since}: {headline}.", new.plan))?;
    page.say("  ", safe(&new.detail))?;
    page.say("  ", format!("What to do: {}", safe(&new.remedy)))
}

/// What is wrong beside the plans' own reasons: files with errors, faults, reads that fail.
pub(super) fn troubles(page: &mut Prose<'_>, answer: &RolloutsAnswer) -> io::Result<()> {
    let screen = page.screen;
    let bad = |text: &str| screen.paint(Tint::Bad, text);
    if let Some(trouble) = &answer.log_unwritable {
        let lead = bad("The log cannot be written");
        page.say("", format!("{lead} since {}: {}", page.moment(trouble.since), safe(&trouble.message)))?;
        let text = "nothing is decided or sent to Cloudflare; it goes on by itself once that is fixed";
        page.say("  ", text)?;
    }
    for trouble in &answer.clock_troubles {
        page.say("", bad(&safe(&trouble.message)))?;
        page.say("  ", safe(&trouble.remedy))?;
    }
    if let Some(trust) = &answer.clock_trust {
        let lead = page.paint(Tint::Waiting, "This machine's clock is believed");
        let (until, reason) = (page.moment(trust.until), safe(&trust.reason));
        page.say("", format!("{lead} whatever Cloudflare's answers say, until {until}: {reason}"))?;
    }
    for problem in &answer.problems {
        let file = safe(&problem.file);
        page.say("", format!("{}: {file} (its plan enters nothing meanwhile)", bad("Not usable")))?;
        for error in &problem.errors {
            page.say("  ", safe(error))?;
        }
    }
    for fault in &answer.faults {
        let (lead, message) = (bad("A fault in ringward"), safe(&fault.message));
        page.say("", format!("{lead} keeps plan {} still: {message}", fault.plan))?;
        page.say("  ", "please report it; the other plans go on")?;
    }
    for trouble in &answer.troubles {
        let (read, since) = (safe(&trouble.read), page.moment(trouble.since));
        page.say("", format!("{} {read} since {since}: {}", bad("Cannot read"), safe(&trouble.message)))?;
    }
    let any = answer.log_unwritable.is_some()
        || answer.clock_trust.is_some()
        || !answer.clock_troubles.is_empty()
        || !(answer.problems.is_empty() && answer.faults.is_empty() && answer.troubles.is_empty());
    if any { page.gap() } else { Ok(()) }
}

/// What an earlier rollout left on offer, as `status` and `explain` tell it.
pub(super) fn superseded_offer(page: &mut Prose<'_>, offer: &SupersededJson) -> io::Result<()> {
    let lead = match offer.needs_you {
        true => page.paint(Tint::Waiting, "Needs you"),
        false => page.paint(Tint::Quiet, "Superseded"),
    };
    page.say("  ", format!("{lead}: ring {}: {}", safe(offer.ring.as_str()), safe(&offer.headline)))
}

/// The colour of a ring's state.
pub(super) fn state_tint(state: &str) -> Tint {
    match state {
        "verified" => Tint::Good,
        "pending" => Tint::Quiet,
        "entering" => Tint::Waiting,
        _ => Tint::Moving,
    }
}

/// The daemon itself.
pub(super) fn daemon_text(page: &mut Prose<'_>, answer: &RolloutsAnswer) -> io::Result<()> {
    let mode = match answer.mode {
        Mode::Write => "it writes at Cloudflare",
        Mode::Observe => "it is in read-only mode (--observe), and never writes at Cloudflare",
    };
    page.say("", format!("Daemon of account {}: {mode}", answer.account))?;
    let next = match answer.next_check {
        Some(next) => format!("the next by {}", page.moment(next)),
        None => "no next one is planned".to_owned(),
    };
    page.say("  ", format!("last decision {}, {next}", distance(answer.at, page.now)))?;
    let swept = match (answer.full_sweep_at, answer.swept_at) {
        (Some(full), Some(any)) => {
            format!("all devices read {}, some {}", distance(full, page.now), distance(any, page.now))
        }
        (Some(full), None) => format!("all devices read {}", distance(full, page.now)),
        (None, _) => "devices not read yet".to_owned(),
    };
    page.say("  ", format!("{swept}; the log ends at record {}", answer.head.seq))?;
    // What `history --verify --head` asks for.
    page.say("  log head ", safe(&answer.head.hash))?;
    if answer.clock != Clock::Real.to_string() {
        page.say("  ", format!("on a simulated clock, where it is {}", short(page.now)))?;
    }
    Ok(())
}
