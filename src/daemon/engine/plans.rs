//! Looks at the plan files, as the engine takes them in.
//!
//! **Invariant:** what cannot be used is in the daemon's log once, and again when it changes.

use crate::daemon::engine::ledger::DurableEngine;

use crate::daemon::files::{DirectoryLook, FileProblem, LoggedPlan, Yml};
impl DurableEngine {
    /// Whether plan files named `*.yml` are read.
    pub(crate) const fn yml(&self) -> Yml {
        Yml::of(&self.engine.state)
    }

    /// Takes in a look at the plan files; says whether anything changed, and in the log what cannot be used.
    pub(crate) fn take_look(&mut self, look: DirectoryLook) -> bool {
        let plans = self.engine.state.plans.iter();
        let known = plans.map(|(plan, known)| LoggedPlan {
            plan: plan.clone(),
            file: known.file.clone(),
            in_force: Some(known.rollout.revision.digest.clone()),
        });
        let known: Vec<LoggedPlan> = known.collect();
        let now = self.now();
        let before = (self.files.problems.clone(), self.files.warnings.clone());
        let changed = self.files.take(look, &known, now);
        tell_problems(&before.0, &self.files.problems);
        tell_warnings(&before.1, &self.files.warnings);
        changed
    }
}

/// Puts into the daemon's log which files cannot be used any more, or for another reason, and which can again.
fn tell_problems(before: &[FileProblem], now: &[FileProblem]) {
    for problem in now.iter().filter(|problem| !before.contains(problem)) {
        let (file, errors) = (&problem.file, problem.errors.join("; "));
        tracing::warn!(file, errors, "a plan file cannot be used; its plan enters nothing meanwhile");
    }
    for gone in before.iter().filter(|gone| now.iter().all(|problem| problem.file != gone.file)) {
        tracing::info!(file = gone.file, "nothing is wrong with this plan file any more, or it is gone");
    }
}

fn tell_warnings(before: &[FileProblem], now: &[FileProblem]) {
    for told in now.iter().filter(|told| !before.contains(told)) {
        let (file, warnings) = (&told.file, told.errors.join("; "));
        tracing::warn!(file, warnings, "this plan file holds, and may not say what is meant");
    }
}
