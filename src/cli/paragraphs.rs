//! What `status` and `explain` both say: of the daemon, of troubles, of new plans and superseded offers.
//!
//! **Invariant:** a thing is told in the same words by both.

use std::io;

use crate::cli::overview::Overview;
use crate::cli::render::{Out, distance, moment, safe, short};
use crate::cli::screen::{Screen, Tint};
use crate::rollout::event::Mode;
use crate::time::{Clock, Timestamp};
use crate::web::json::{NewPlanJson, SupersededJson};

/// A plan that is new, and what it waits for.
pub(super) fn new_plan(out: Out<'_>, new: &NewPlanJson, now: Timestamp, screen: &Screen) -> io::Result<()> {
    let lead = screen.paint(Tint::Waiting, "is new and waits");
    let (since, headline) = (moment(new.since, now), safe(&new.headline));
    write!(out, "{}", screen.flow("", &format!("{} {lead} since {since}: {headline}.", new.plan)))?;
    write!(out, "{}", screen.flow("  ", &safe(&new.detail)))?;
    write!(out, "{}", screen.flow("  ", &format!("What helps: {}", safe(&new.remedy))))
}

/// What is wrong beside the plans' own reasons: files with errors, faults, reads that fail.
pub(super) fn troubles(out: Out<'_>, seen: &Overview, screen: &Screen) -> io::Result<()> {
    let Overview { answer, now } = seen;
    let bad = |text: &str| screen.paint(Tint::Bad, text);
    if let Some(trouble) = &answer.log_unwritable {
        let lead = bad("The log cannot be written");
        let text = format!("{lead} since {}: {}", moment(trouble.since, *now), safe(&trouble.message));
        write!(out, "{}", screen.flow("", &text))?;
        let text = "nothing is decided or sent to Cloudflare; it goes on by itself once that is mended";
        write!(out, "{}", screen.flow("  ", text))?;
    }
    for trouble in &answer.clock_troubles {
        write!(out, "{}", screen.flow("", &bad(&safe(&trouble.message))))?;
        write!(out, "{}", screen.flow("  ", &safe(&trouble.remedy)))?;
    }
    if let Some(trust) = &answer.clock_trust {
        let lead = screen.paint(Tint::Waiting, "This machine's clock is believed");
        let (until, reason) = (moment(trust.until, *now), safe(&trust.reason));
        let text = format!("{lead} whatever Cloudflare's answers say, until {until}: {reason}");
        write!(out, "{}", screen.flow("", &text))?;
    }
    for problem in &answer.problems {
        let file = safe(&problem.file);
        let text = format!("{}: {file} (its plan enters nothing meanwhile)", bad("Not usable"));
        write!(out, "{}", screen.flow("", &text))?;
        for error in &problem.errors {
            write!(out, "{}", screen.flow("  ", &safe(error)))?;
        }
    }
    for fault in &answer.faults {
        let text = format!(
            "{} keeps plan {} still: {}",
            bad("A fault in ringward"),
            fault.plan,
            safe(&fault.message)
        );
        write!(out, "{}", screen.flow("", &text))?;
        write!(out, "{}", screen.flow("  ", "please report it; the other plans go on"))?;
    }
    for trouble in &answer.troubles {
        let (read, since) = (safe(&trouble.read), moment(trouble.since, *now));
        let text = format!("{} {read} since {since}: {}", bad("Cannot read"), safe(&trouble.message));
        write!(out, "{}", screen.flow("", &text))?;
    }
    let any = answer.log_unwritable.is_some()
        || answer.clock_trust.is_some()
        || !answer.clock_troubles.is_empty()
        || !(answer.problems.is_empty() && answer.faults.is_empty() && answer.troubles.is_empty());
    if any { writeln!(out) } else { Ok(()) }
}

/// What an earlier rollout left on offer, as `status` and `explain` tell it.
pub(super) fn superseded_offer(out: Out<'_>, offer: &SupersededJson, screen: &Screen) -> io::Result<()> {
    let lead = match offer.needs_you {
        true => screen.paint(Tint::Waiting, "Needs you"),
        false => screen.paint(Tint::Quiet, "Superseded"),
    };
    let text = format!("{lead}: ring {}: {}", safe(offer.ring.as_str()), safe(&offer.headline));
    write!(out, "{}", screen.flow("  ", &text))
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
pub(super) fn daemon_text(out: Out<'_>, seen: &Overview, screen: &Screen) -> io::Result<()> {
    let Overview { answer, now } = seen;
    let mode = match answer.mode {
        Mode::Write => "it writes at Cloudflare",
        Mode::Observe => "it observes and never writes at Cloudflare",
    };
    write!(out, "{}", screen.flow("", &format!("Daemon of account {}: {mode}", answer.account)))?;
    let next = match answer.next_check {
        Some(next) => format!("the next by {}", moment(next, *now)),
        None => "no next one is planned".to_owned(),
    };
    write!(out, "{}", screen.flow("  ", &format!("last decision {}, {next}", distance(answer.at, *now))))?;
    let swept = match (answer.full_sweep_at, answer.swept_at) {
        (Some(full), Some(any)) => {
            format!("all devices read {}, some {}", distance(full, *now), distance(any, *now))
        }
        (Some(full), None) => format!("all devices read {}", distance(full, *now)),
        (None, _) => "devices not read yet".to_owned(),
    };
    write!(out, "{}", screen.flow("  ", &format!("{swept}; the log ends at record {}", answer.head.seq)))?;
    // What `history --verify --head` asks for.
    write!(out, "{}", screen.flow("  log head ", &safe(&answer.head.hash)))?;
    if answer.clock != Clock::Real.to_string() {
        let text = format!("on a simulated clock, where it is {}", short(*now));
        write!(out, "{}", screen.flow("  ", &text))?;
    }
    Ok(())
}
