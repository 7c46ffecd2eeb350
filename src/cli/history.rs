//! `ringward history`: who did what to a plan, when and why, from the log itself.
//!
//! It reads the database, so it works with the daemon up or down.
//!
//! **Invariant:** one line for each record, in the order of the log; a record that this ringward
//! cannot read is shown by its kind and never left out.

use std::io;
use std::path::Path;

use crate::cli::exit::CliError;
use crate::cli::render::{Format, Out, safe};
use crate::ids::PlanName;
use crate::rollout::command::Refusal;
use crate::store::{Reader, Seq};
use crate::web::event_json;
use crate::web::json::EventJson;

/// Shows a plan's history, and from its first record on what concerned every plan: stops, starts
/// and restarts of the daemon. As text, or as JSON Lines.
///
/// # Errors
/// When the database cannot be read, a row is not as it was written, or there is no such plan.
pub fn history(database: &Path, plan: &PlanName, format: Format, out: Out<'_>) -> Result<(), CliError> {
    let reader = Reader::open(database).map_err(CliError::failed)?;
    let mut begun = false;
    let mut others: Vec<PlanName> = Vec::new();
    for record in reader.view().records(Seq::ZERO) {
        let record = record.map_err(CliError::failed)?;
        match &record.record.plan {
            Some(of) if of == plan => begun = true,
            None if begun => {}
            Some(of) => {
                if !others.contains(of) {
                    others.push(of.clone());
                }
                continue;
            }
            None => continue,
        }
        match format {
            Format::Text => line(out, &event_json(&record))?,
            Format::Json => json_line(out, &event_json(&record))?,
        }
    }
    if begun {
        return Ok(());
    }
    others.sort();
    Err(CliError::refused(Refusal::NoSuchPlan { plan: plan.clone(), known: others }))
}

fn line(out: Out<'_>, event: &EventJson) -> io::Result<()> {
    let (what, why) = (safe(&event.text), safe(&event.reason));
    write!(out, "{}  {}  {what}", event.at.strftime("%Y-%m-%d %H:%M:%SZ"), safe(&event.actor))?;
    // A halt's cause is both.
    if what.contains(&why) { writeln!(out) } else { writeln!(out, ": {why}") }
}

fn json_line(out: Out<'_>, event: &EventJson) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    writeln!(out)
}
