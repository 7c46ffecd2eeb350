//! The demo's progress: a block that redraws itself on a terminal, plain lines elsewhere.
//!
//! **Invariant:** what it shows comes from the report; it keeps nothing but what it printed.

use std::fmt::Write as _;

use crate::daemon::view::View;
use crate::fleet::{Class, Counts};
use crate::rollout::report::{Report, RingReport};
use crate::rollout::verdict::short;
use crate::time::Stopwatch;

/// Cells of a ring's bar.
const BAR: usize = 24;
/// The block is redrawn at most this often, in wall seconds.
const REDRAW_EVERY: f64 = 0.1;

/// What was printed so far.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    drawn_lines: usize,
    drawn: Option<Stopwatch>,
    told: Vec<(String, &'static str)>,
    told_waits: String,
}

impl Progress {
    /// Progress for a terminal, or for anything else.
    pub(super) fn new(terminal: bool) -> Self {
        Self { terminal, drawn_lines: 0, drawn: None, told: Vec::new(), told_waits: String::new() }
    }

    /// Shows the newest snapshot.
    pub(super) fn show(&mut self, view: &View) {
        let Some(report) = view.reports.first() else { return };
        if self.terminal {
            if self.drawn.is_none_or(|drawn| drawn.seconds() >= REDRAW_EVERY) {
                self.redraw(view, report);
            }
            return;
        }
        for ring in &report.rings {
            let name = ring.name.to_string();
            match self.told.iter_mut().find(|(known, _)| *known == name) {
                Some((_, state)) if *state == ring.state => continue,
                Some((_, state)) => *state = ring.state,
                None => self.told.push((name, ring.state)),
            }
            println!("{}  {:<16} {}", short(report.at), ring.name.to_string(), line_of(ring));
        }
        self.tell_waits(report);
    }

    /// Holds and vetoes are told once each; gates are what a demo waits for all the time.
    fn tell_waits(&mut self, report: &Report) {
        let waits = report.halted.as_ref().map(|(cause, _)| format!("halted: {cause}")).unwrap_or_default();
        if waits != self.told_waits && !waits.is_empty() {
            println!("{}  {waits}", short(report.at));
        }
        self.told_waits = waits;
    }

    /// Shows the last snapshot, and what happened to each ring.
    pub(super) fn finish(&mut self, view: &View) {
        let Some(report) = view.reports.first() else { return };
        if self.terminal {
            self.redraw(view, report);
        }
        println!("\n{} is {} at {}:", report.id, report.phase.as_str(), short(report.at));
        for ring in &report.rings {
            let counts = totals(ring);
            let assigned = ring.assigned_at.map_or_else(|| "never".to_owned(), short);
            println!(
                "  {:<16} {:<9} assigned {assigned}; {} of {} devices on the target, {} too old, {} on other systems",
                ring.name.to_string(),
                ring.state,
                counts.arrived,
                counts.eligible(),
                counts.too_old,
                counts.untargeted,
            );
        }
        for blocker in &report.waiting_on {
            println!("  waits: {blocker}");
        }
    }

    fn redraw(&mut self, view: &View, report: &Report) {
        let mut block = String::new();
        if self.drawn_lines > 0 {
            // Up to the block's first line, and clear from there.
            let _ = write!(block, "\x1b[{}A\x1b[J", self.drawn_lines);
        }
        let mut lines = vec![format!("{}  {}", short(view.at), report.phase.as_str())];
        lines.extend(
            report.rings.iter().map(|ring| format!("  {:<16} {}", ring.name.to_string(), line_of(ring))),
        );
        let wait = report.waiting_on.first().map(ToString::to_string).unwrap_or_default();
        lines.push(format!("  {}", wait.chars().take(110).collect::<String>()));
        self.drawn_lines = lines.len();
        self.drawn = Some(Stopwatch::start());
        block.push_str(&lines.join("\n"));
        println!("{block}");
    }
}

fn totals(ring: &RingReport) -> Counts {
    let mut counts = Counts::default();
    let Some(census) = &ring.census else { return counts };
    counts.untargeted += census.other.total();
    for environment in census.environments.values() {
        for class in Class::ALL {
            (0..environment.counts.of(class)).for_each(|_| counts.add(class));
        }
    }
    counts
}

fn line_of(ring: &RingReport) -> String {
    let counts = totals(ring);
    let share = |part: usize| if counts.eligible() == 0 { 0 } else { part * BAR / counts.eligible() };
    let arrived = share(counts.arrived);
    let moving = share(counts.due + counts.stalled);
    let bar = format!("{}{}", "#".repeat(arrived), "-".repeat(moving));
    format!(
        "{:<9} [{bar:<BAR$}] {:>4} arrived {:>4} due {:>4} stalled {:>4} unseen",
        ring.state, counts.arrived, counts.due, counts.stalled, counts.unseen
    )
}
