//! `ringward status --watch`: the status, again whenever it changes, until Ctrl-C.
//!
//! **Invariant:** once it has begun it ends only by its reader's wish: a daemon that restarts or
//! hangs is told, and asked again.

use std::{collections::BTreeMap, io, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::cli::{CliError, Connection, Format, Out, Overview, Prose, Screen, Surface, Tint, safe, short};
use crate::{cli::status::text::text, ids::PlanName, text::visible_json, web::json::RolloutJson};

/// How often the daemon is asked, in wall time; it answers from memory.
pub const EVERY: Duration = Duration::from_secs(1);

/// What is watched, and how.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// Only this plan.
    pub plan: Option<&'a PlanName>,
    /// Text, or JSON Lines.
    pub format: Format,
    /// How often the daemon is asked.
    pub every: Duration,
}

/// Shows the status until `end` comes. `screen` is asked each time: windows change their size.
///
/// # Errors
/// When the first question fails, or the output cannot be written.
pub async fn watch(
    at: &Connection,
    watched: Watched<'_>,
    screen: impl Fn() -> Screen,
    end: impl Future<Output = Result<(), CliError>>,
    out: Out<'_>,
) -> Result<(), CliError> {
    let first = Overview::ask(at).await?;
    if let Some(plan) = watched.plan {
        first.rollout(plan)?;
    }
    let last = first.only(watched.plan);
    let mut shown =
        StatusWatch { format: watched.format, last, frame: String::new(), lines: BTreeMap::new() };
    shown.show(None, &screen(), out)?;
    let mut ticks = interval(watched.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watching = async {
        loop {
            ticks.tick().await;
            let lost = match Overview::ask(at).await {
                Ok(seen) => {
                    shown.last = seen.only(watched.plan);
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            shown.show(lost.as_deref(), &screen(), &mut *out)?;
        }
    };
    tokio::select! {
        ended = end => ended,
        failed = watching => failed,
    }
}

/// The last answer, and what the reader has before them already.
struct StatusWatch {
    format: Format,
    last: Overview,
    /// The last frame or JSON line.
    frame: String,
    /// The last line by subject: a plan's name, or one of [`STOP`] and [`DAEMON`].
    lines: BTreeMap<String, String>,
}

/// The subject of the line about the stop of all writes; no plan has such a name.
const STOP: &str = "(stop)";
/// The subject of the line about the daemon.
const DAEMON: &str = "(daemon)";

impl StatusWatch {
    fn show(&mut self, lost: Option<&str>, screen: &Screen, out: Out<'_>) -> Result<(), CliError> {
        match (self.format, screen.surface) {
            (Format::Json, _) => self.show_json(lost, out)?,
            (Format::Text, Surface::Terminal { rows }) => self.show_frame(lost, screen, rows, out)?,
            (Format::Text, Surface::Stream) => self.show_lines(lost, out)?,
        }
        Ok(out.flush()?)
    }

    fn show_json(&mut self, lost: Option<&str>, out: Out<'_>) -> io::Result<()> {
        // Without an answer there is nothing to put into JSON; a reader sees that lines stay away.
        if lost.is_some() {
            return Ok(());
        }
        let line = visible_json(&serde_json::to_string(&self.last.answer)?).into_owned();
        if line != self.frame {
            writeln!(out, "{line}")?;
            self.frame = line;
        }
        Ok(())
    }

    /// Draws the whole text in place, as far as the window reaches.
    fn show_frame(
        &mut self,
        lost: Option<&str>,
        screen: &Screen,
        rows: usize,
        out: Out<'_>,
    ) -> io::Result<()> {
        let mut text_bytes = Vec::new();
        if let Some(error) = lost {
            let lead = screen.paint(Tint::Bad, "The daemon does not answer; asked again every second.");
            let then = format!("{lead} What follows was true at {}. ({})", short(self.last.now), safe(error));
            text_bytes.extend_from_slice(screen.flow("", &then).as_bytes());
            text_bytes.push(b'\n');
        }
        text(&mut Prose { out: &mut text_bytes, screen, now: self.last.now }, &self.last.answer)?;
        let whole = String::from_utf8_lossy(&text_bytes);
        let lines: Vec<&str> = whole.lines().collect();
        let room = rows.saturating_sub(1).max(1);
        let mut kept: Vec<String> = lines.iter().take(room).map(|line| (*line).to_owned()).collect();
        if lines.len() > room
            && let Some(last) = kept.last_mut()
        {
            *last = format!("({} more lines; make the window taller)", lines.len() + 1 - room);
        }
        let frame = kept.join("\x1b[K\r\n");
        if frame == self.frame {
            return Ok(());
        }
        // The first frame gets a clean screen. Lines are not wrapped by the terminal, or the next
        // frame would not lie on this one.
        let begin = if self.frame.is_empty() { "\x1b[2J" } else { "" };
        write!(out, "{begin}\x1b[H\x1b[?7l{frame}\x1b[K\r\n\x1b[J\x1b[?7h")?;
        self.frame = frame;
        Ok(())
    }

    /// A line for each subject that changed.
    fn show_lines(&mut self, lost: Option<&str>, out: Out<'_>) -> io::Result<()> {
        let answer = &self.last.answer;
        let mut lines = BTreeMap::new();
        if let Some(error) = lost {
            // What is known of the plans stays as it was told.
            lines = self.lines.clone();
            lines.insert(DAEMON.to_owned(), format!("the daemon does not answer: {}", safe(error)));
        } else {
            if self.lines.contains_key(DAEMON) {
                lines.insert(DAEMON.to_owned(), "the daemon answers".to_owned());
            }
            if let Some(stop) = &answer.stopped {
                let text = format!("all writes are stopped by {}: {}", safe(&stop.actor), safe(&stop.reason));
                lines.insert(STOP.to_owned(), text);
            } else if self.lines.contains_key(STOP) {
                lines.insert(STOP.to_owned(), "writes are allowed".to_owned());
            }
            lines.extend(answer.rollouts.iter().map(|one| (one.plan.to_string(), summary(one))));
        }
        let at = short(self.last.now);
        for (subject, line) in &lines {
            if self.lines.get(subject) != Some(line) {
                writeln!(out, "{at}  {line}")?;
            }
        }
        self.lines = lines;
        Ok(())
    }
}

/// A rollout in one line, without values that change all the time.
fn summary(rollout: &RolloutJson) -> String {
    let mut parts = vec![format!("{} is {}", safe(&rollout.id), safe(&rollout.phase))];
    let current = rollout.rings.iter().enumerate().find(|(_, ring)| ring.state != "verified");
    if let Some((index, ring)) = current {
        let (name, state) = (safe(ring.name.as_str()), safe(&ring.state));
        parts.push(format!("ring {} of {}, {name}, is {state}", index + 1, rollout.rings.len()));
    }
    if let Some(first) = rollout.waiting_on.first() {
        parts.push(safe(&first.headline));
    }
    parts.join("; ")
}
