//! The demo's progress: a block that redraws itself on a terminal, plain lines elsewhere.
//!
//! **Invariant:** what it shows comes from the report; it keeps nothing but what it printed.

use std::{collections::BTreeMap, fmt::Write as _, io};

use crate::cli::{Out, Screen, Surface, Tint, cells, classes::bar, paragraphs::state_tint, safe};
use crate::fleet::{Class, Counts};
use crate::time::{Stopwatch, short};
use crate::{
    daemon::view::View, ids::RingName, rollout::tell::report::Report, rollout::tell::ring_report::RingReport,
};

/// Cells of a ring's name.
const NAME: usize = 16;
/// Cells of a ring's bar, where the window has them.
const BAR: usize = 24;
/// The block is redrawn at most this often, in wall seconds.
const REDRAW_EVERY: f64 = 0.1;

/// What was printed so far.
#[derive(Debug, Default)]
pub(super) struct DemoProgress {
    drawn_lines: usize,
    drawn: Option<Stopwatch>,
    /// The state of each ring.
    told: BTreeMap<RingName, &'static str>,
    told_waits: String,
}

impl DemoProgress {
    /// Shows the newest snapshot.
    pub(super) fn show(&mut self, view: &View, out: Out<'_>) -> io::Result<()> {
        let Some(report) = view.reports.first() else { return Ok(()) };
        let screen = Screen::of_stdout();
        if let Surface::Terminal { .. } = screen.surface {
            if self.drawn.is_none_or(|drawn| drawn.seconds() >= REDRAW_EVERY) {
                self.redraw(view, report, &screen, out)?;
            }
            return Ok(());
        }
        for ring in &report.rings {
            if self.told.insert(ring.name.clone(), ring.state) != Some(ring.state) {
                writeln!(out, "{}  {}", short(report.at), line_of(ring, &screen))?;
            }
        }
        self.tell_waits(report, out)
    }

    /// Pauses, halts and vetoes are told once each; gates are what a demo waits for all the time.
    fn tell_waits(&mut self, report: &Report, out: Out<'_>) -> io::Result<()> {
        let waits = report.halted.as_ref().map(|(cause, _)| format!("halted: {cause}")).unwrap_or_default();
        if waits != self.told_waits && !waits.is_empty() {
            writeln!(out, "{}  {}", short(report.at), safe(&waits))?;
        }
        self.told_waits = waits;
        Ok(())
    }

    /// Shows the last snapshot, and what happened to each ring.
    pub(super) fn finish(&mut self, view: &View, out: Out<'_>) -> io::Result<()> {
        let Some(report) = view.reports.first() else { return Ok(()) };
        let screen = Screen::of_stdout();
        if let Surface::Terminal { .. } = screen.surface {
            self.redraw(view, report, &screen, out)?;
        }
        writeln!(out, "\n{} is {} at {}:", report.id, report.phase.as_str(), short(report.at))?;
        for ring in &report.rings {
            let counts = totals(ring);
            let assigned = ring.assigned_at.map_or_else(|| "never".to_owned(), short);
            let (state, eligible) = (ring.state, counts.eligible());
            let Counts { arrived, too_old, untargeted, .. } = counts;
            let text = format!(
                "{state} assigned {assigned}; {arrived} of {eligible} devices on the target, {too_old} too old, {untargeted} on other systems"
            );
            screen.say(out, &format!("  {:<NAME$} ", safe(ring.name.as_str())), &text)?;
        }
        for blocker in &report.waiting_on {
            screen.say(out, "  waits: ", &safe(&report.explain(blocker).headline))?;
        }
        Ok(())
    }

    fn redraw(&mut self, view: &View, report: &Report, screen: &Screen, out: Out<'_>) -> io::Result<()> {
        let mut block = String::new();
        if self.drawn_lines > 0 {
            // Up to the block's first line, and clear from there.
            let _ = write!(block, "\x1b[{}A\x1b[J", self.drawn_lines);
        }
        let mut lines = vec![format!("{}  {}", short(view.at), report.phase.as_str())];
        lines.extend(report.rings.iter().map(|ring| line_of(ring, screen)));
        let wait = report.waiting_on.first().map(|blocker| report.explain(blocker).headline);
        // One line each, or the next block would not lie on this one.
        lines.push(screen.cut(&format!("  {}", safe(&wait.unwrap_or_default())), screen.columns));
        self.drawn_lines = lines.len();
        self.drawn = Some(Stopwatch::start());
        // Nor may the terminal wrap one, in a window that is very narrow.
        let _ = write!(block, "\x1b[?7l{}\x1b[?7h", lines.join("\n"));
        writeln!(out, "{block}")
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

fn line_of(ring: &RingReport, screen: &Screen) -> String {
    let counts = totals(ring);
    let name = screen.cut(&safe(ring.name.as_str()), NAME);
    let blank = " ".repeat(NAME - cells(&name));
    let movable @ [arrived, due, stalled, unseen] =
        [counts.arrived, counts.due, counts.stalled, counts.unseen];
    let told = format!("{arrived} arrived, {due} due, {stalled} stalled, {unseen} not seen");
    let state = screen.paint(state_tint(ring.state), &format!("{:<9}", ring.state));
    let start = format!("  {}{blank} {state} ", screen.paint(Tint::Strong, &name));
    let room = screen.columns.saturating_sub(cells(&start) + cells(&told) + 1).min(BAR);
    format!("{start}{} {told}", bar(screen, movable, room))
}
