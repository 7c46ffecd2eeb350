//! What a daemon's log says of the plans that `check` reads: which of them run, and by which files.
//!
//! **Invariant:** a file that is in force is not judged by the calendar, as the daemon does not judge it; and a
//! running plan is never passed over in silence.

use std::path::Path;

use crate::cli::judgement::file::{FileErrors, JudgedFile};
use crate::plan::{GoodFile, PlanError};
use crate::rollout::state::{PlanState, State};
use crate::{
    daemon::files::Yml, daemon::log::replay, ids::PlanName, plan::set::RunningPlans,
    rollout::record::RolloutId, store::Reader,
};

/// What a log says.
#[derive(Debug, Default)]
pub struct OnRecord {
    state: State,
}

impl OnRecord {
    /// By the log of a database; without one, nothing is on record.
    ///
    /// # Errors
    /// When there is a database that cannot be read.
    pub fn of(database: Option<&Path>) -> Result<Self, String> {
        let Some(path) = database.filter(|path| path.exists()) else { return Ok(Self::default()) };
        let reader = Reader::open(path).map_err(|error| error.to_string())?;
        Ok(Self { state: replay(reader.view()).map_err(|error| error.to_string())? })
    }

    /// The state that the log leads to.
    pub(crate) fn into_state(self) -> State {
        self.state
    }

    /// Whether files named `*.yml` are read.
    pub(super) const fn yml(&self) -> Yml {
        Yml::of(&self.state)
    }

    /// The plans that keep their names and profiles, each with its file: all, as for the daemon.
    pub(super) fn known(&self) -> RunningPlans {
        self.state.plans.iter().map(|(name, known)| (name.clone(), known.file.clone())).collect()
    }

    /// A file by the calendar, unless it is in force.
    pub(super) fn judged(&self, good: GoodFile) -> Result<GoodFile, Vec<PlanError>> {
        match self.state.plans.get(&good.revision.plan.name) {
            Some(known) if known.rollout.revision.digest == good.revision.digest => Ok(good),
            _ => good.changed(),
        }
    }

    /// The rollout that a file which cannot be used holds up.
    pub(super) fn held_up(&self, file: &str, plan: Option<&PlanName>) -> Option<&RolloutId> {
        let name = Path::new(file).file_name().and_then(|name| name.to_str());
        let plans = &self.state.plans;
        let by_name = plan.and_then(|plan| plans.get(plan));
        let by_file = || plans.values().find(|known| known.file.is_some() && known.file.as_deref() == name);
        running(by_name.or_else(by_file)?)
    }

    /// Each running plan that no file of a directory is of.
    pub(super) fn missing(&self, directory: &Path, files: &[JudgedFile]) -> Vec<JudgedFile> {
        let named = |rollout: &RolloutId| {
            files.iter().any(|judged| match &judged.outcome {
                Ok(good) => {
                    let plan = &good.revision.plan;
                    plan.name == rollout.plan || plan.was.as_ref() == Some(&rollout.plan)
                }
                Err(_) => judged.holds_up.as_ref() == Some(rollout),
            })
        };
        let running = self.state.plans.values().filter_map(|known| Some((running(known)?, &known.file)));
        let missing = running.filter(|(rollout, _)| !named(rollout)).map(|(rollout, file)| {
            let why = format!("no file here is of plan {}, and {rollout} runs", rollout.plan);
            let file = file.as_ref().map_or_else(|| directory.to_owned(), |file| directory.join(file));
            let outcome = Err(FileErrors::Path(why));
            JudgedFile { file: file.display().to_string(), outcome, holds_up: Some(rollout.clone()) }
        });
        missing.collect()
    }
}

/// A plan's rollout, while that is on its way.
fn running(plan: &PlanState) -> Option<&RolloutId> {
    let over = plan.is_gone() || plan.rollout.phase.is_over();
    (!over).then_some(&plan.rollout.id)
}
