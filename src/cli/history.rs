//! `ringward history`: who did what to a plan, when and why, from the log itself.
//!
//! It reads the database, so it works with the daemon up or down.
//!
//! **Invariant:** records stand in the order of the log; one that this ringward cannot read is
//! shown by its kind, and those that a limit leaves out are counted.

use std::collections::{BTreeSet, VecDeque};
use std::{io, path::Path};

use clap::Args;

use crate::cli::render::json_line;
use crate::cli::{CliError, Format, Out, ReadArgs, Screen, Tint, safe};
use crate::rollout::record::{Actor, Eras};
use crate::store::{Reader, Record, RecordHash, Seq};
use crate::{
    cli::verify::verify, daemon::log::eras, ids::PlanName, rollout::people::refusal::Refusal,
    web::event_json, web::json::EventJson,
};

/// Arguments of `history`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/history.txt").trim_end())]
pub struct HistoryArgs {
    /// The plan; leave it out with --verify, which checks the log of all plans
    #[arg(value_name = "PLAN", required_unless_present = "verify")]
    pub plan: Option<PlanName>,
    /// Verify the whole log instead: the chain, each event, the replay and the laws
    #[arg(long)]
    pub verify: bool,
    /// With --verify: the head that you noted earlier, elsewhere; it shows whether records were cut from the end
    #[arg(long, value_name = "HASH", requires = "verify")]
    pub head: Option<RecordHash>,
    /// How much of it.
    #[command(flatten)]
    pub part: Part,
    /// How to answer, and which database.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// How much of a history to show; without either, all.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Part {
    /// Only the newest N records
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with = "verify")]
    pub limit: Option<usize>,
    /// Only records before this number, as the first column has it
    #[arg(long, value_name = "RECORD", conflicts_with = "verify")]
    pub before: Option<u64>,
}

/// A number of records.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("there is nothing to show then; name 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("name a whole number, such as 20".to_owned()),
    }
}

impl HistoryArgs {
    pub(super) fn run(&self, out: Out<'_>) -> Result<(), CliError> {
        let (database, format) = (&self.read.daemon.db, self.read.format());
        match &self.plan {
            Some(plan) if !self.verify => {
                history(database, plan, self.part, format, &Screen::of_stdout(), out)
            }
            // The chain is one for all plans.
            _ => verify(database, self.head, format, out),
        }
    }
}

/// Shows a plan's history, and from its first record on what concerned every plan: stops, starts
/// and restarts of the daemon. As text, or as JSON Lines.
///
/// # Errors
/// When the database cannot be read, a row is not as it was written, or there is no such plan.
pub fn history(
    database: &Path,
    plan: &PlanName,
    part: Part,
    format: Format,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    let reader = Reader::open(database).map_err(CliError::failed)?;
    let eras = eras(reader.view()).map_err(CliError::failed)?;
    let mut begun = false;
    let mut others: BTreeSet<PlanName> = BTreeSet::new();
    let mut newest: VecDeque<Record> = VecDeque::new();
    let mut left_out: u64 = 0;
    for record in reader.view().records(Seq::ZERO) {
        let record = record.map_err(CliError::failed)?;
        match &record.record.plan {
            Some(of) if of == plan => begun = true,
            None if begun => {}
            Some(of) => {
                others.insert(of.clone());
                continue;
            }
            None => continue,
        }
        if part.before.is_some_and(|before| record.seq.get() >= before) {
            continue;
        }
        let Some(limit) = part.limit else {
            show(out, &record, &eras, format, screen)?;
            continue;
        };
        newest.push_back(record);
        if newest.len() > limit {
            newest.pop_front();
            left_out += 1;
        }
    }
    if !begun {
        let known = others.into_iter().collect();
        return Err(CliError::refused(Refusal::NoSuchPlan { plan: plan.clone(), known }));
    }
    if let (Format::Text, Some(limit), Some(first), 1..) = (format, part.limit, newest.front(), left_out) {
        let before = first.seq.get();
        let text = format!(
            "({left_out} earlier; those before these: ringward history {plan} --limit {limit} --before {before})"
        );
        writeln!(out, "{}", screen.paint(Tint::Quiet, &text))?;
    }
    newest.iter().try_for_each(|record| show(out, record, &eras, format, screen))?;
    Ok(())
}

fn show(out: Out<'_>, record: &Record, eras: &Eras, format: Format, screen: &Screen) -> io::Result<()> {
    let event = event_json(record, eras);
    match format {
        Format::Text => text(out, &event, screen),
        Format::Json => json_line(out, &event),
    }
}

fn text(out: Out<'_>, event: &EventJson, screen: &Screen) -> io::Result<()> {
    let (actor, what, why) = (safe(&event.actor), safe(&event.text), safe(&event.reason));
    // What people did stands out among what ringward did.
    let tint = if actor == Actor::Engine.to_string() { Tint::Quiet } else { Tint::Strong };
    let dash = screen.glyph("—", "-");
    let actor = screen.paint(tint, &actor);
    let lead = format!("{:>5}  {}  ", event.seq, event.at.strftime("%Y-%m-%d %H:%M:%SZ"));
    let told = match what.contains(&why) {
        // A halt's cause is both.
        true => format!("{what} {dash} {actor}"),
        false => format!("{what} {dash} {actor}: {why}"),
    };
    screen.say(out, &lead, &told)
}
