//! Judged files for people: what is wrong with each, with excerpts, or what is in it.
//!
//! **Invariant:** whatever comes from a file passes [`safe`] or an excerpt.

use std::io;

use crate::cli::{
    Ink, Out, judgement::file::FileErrors, judgement::files::JudgedFiles, judgement::summary::Summary, safe,
};
use crate::config::{Config, MayRead};
use crate::plan::{GoodFile, PlanError, Severity};
use crate::time::Timestamp;

impl JudgedFiles {
    /// Says the same of each file on one screen.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn show_brief(&self, out: Out<'_>, now: Timestamp, ink: Ink) -> io::Result<()> {
        self.files.iter().try_for_each(|judged| judged.write_brief(out, now))?;
        self.show_others(out, ink)
    }

    /// Says what is wrong with each file, or what is in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn show(&self, out: Out<'_>, now: Timestamp, ink: Ink) -> io::Result<()> {
        let mut good_above = false;
        for judged in &self.files {
            match &judged.outcome {
                Ok(good) => {
                    Summary::of(&good.revision, now).write(out, &judged.file, now)?;
                    good_above = self.warn(out, good, ink)?;
                }
                Err(refused) => {
                    if good_above {
                        writeln!(out)?;
                    }
                    good_above = false;
                    self.complain_of(out, &judged.file, refused, ink)?;
                    if let Some(rollout) = &judged.holds_up {
                        writeln!(out, "{rollout} runs, and would enter nothing until this is fixed\n")?;
                    }
                }
            }
        }
        self.show_others(out, ink)
    }

    /// Files that are no plans.
    fn show_others(&self, out: Out<'_>, ink: Ink) -> io::Result<()> {
        for (file, why) in &self.passed_over {
            writeln!(out, "{}: note: {}", safe(file), safe(why))?;
        }
        for judged in &self.configurations {
            match &judged.outcome {
                Ok(config) => told(out, &judged.file, config)?,
                Err(refused) => self.complain_of(out, &judged.file, refused, ink)?,
            }
        }
        Ok(())
    }

    /// What is to be known of a good file; whether that is no warning, and ends without a blank line.
    fn warn(&self, out: Out<'_>, good: &GoodFile, ink: Ink) -> io::Result<bool> {
        let (notes, warnings): (Vec<_>, Vec<_>) =
            good.warnings.iter().partition(|told| told.severity == Severity::Note);
        for PlanError { line, problem, instead, .. } in notes {
            writeln!(out, "  note, line {line}: {}; {}", safe(problem), safe(instead))?;
        }
        for (index, warning) in warnings.iter().enumerate() {
            if index == 0 {
                writeln!(out)?;
            }
            writeln!(out, "{}", self.excerpt(warning, ink))?;
        }
        Ok(warnings.is_empty())
    }

    fn complain_of(&self, out: Out<'_>, file: &str, refused: &FileErrors, ink: Ink) -> io::Result<()> {
        self.complaints_of(file, refused, ink).iter().try_for_each(|complaint| writeln!(out, "{complaint}"))
    }
}

/// A good configuration in short.
fn told(out: Out<'_>, file: &str, config: &Config) -> io::Result<()> {
    let who = |may_read| match may_read {
        MayRead::Open => "open",
        MayRead::SignedIn => "for those who are signed in",
    };
    let (reading, metrics) = (who(config.may_read()), who(config.may_read_metrics()));
    let access = match &config.access {
        Some(access) => format!("Cloudflare Access of team {}", safe(&access.team.to_string())),
        None => "no Cloudflare Access".to_owned(),
    };
    writeln!(
        out,
        "{}: the configuration is good: {access}, reading is {reading}, metrics are {metrics}",
        safe(file)
    )
}
