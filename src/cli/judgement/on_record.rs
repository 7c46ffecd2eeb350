//! What a daemon's log says of the plans that `check` reads: which of them run, and by which files.
//!
//! **Invariant:** a file that is in force is not judged by the calendar, as the daemon does not judge it; and a
//! running plan is never passed over in silence.

use std::{collections::BTreeMap, path::Path};

use crate::cli::judgement::file::{FileErrors, JudgedFile};
use crate::plan::{GoodFile, PlanError};
use crate::{
    daemon::files::Yml, daemon::log::replay, ids::PlanName, plan::model::PlanDigest, plan::set::RunningPlans,
    rollout::record::RolloutId, rollout::state::State, store::Reader,
};

/// The plans of a log, as far as `check` asks.
#[derive(Debug, Default)]
pub struct OnRecord {
    plans: BTreeMap<PlanName, LoggedPlan>,
    yml: Yml,
}

#[derive(Debug)]
struct LoggedPlan {
    /// Its rollout, while that is on its way.
    running: Option<RolloutId>,
    in_force: PlanDigest,
    file: Option<String>,
}

impl OnRecord {
    /// By the log of a database; without one, nothing is on record.
    ///
    /// # Errors
    /// When there is a database that cannot be read.
    pub fn of(database: Option<&Path>) -> Result<Self, String> {
        let Some(path) = database.filter(|path| path.exists()) else { return Ok(Self::default()) };
        let reader = Reader::open(path).map_err(|error| error.to_string())?;
        Ok(Self::in_log(&replay(reader.view()).map_err(|error| error.to_string())?))
    }

    fn in_log(state: &State) -> Self {
        let known = state.plans.iter().map(|(name, plan)| {
            let over = plan.is_gone() || plan.rollout.phase.is_over();
            let known = LoggedPlan {
                running: (!over).then(|| plan.rollout.id.clone()),
                in_force: plan.rollout.revision.digest.clone(),
                file: plan.file.clone(),
            };
            (name.clone(), known)
        });
        Self { plans: known.collect(), yml: Yml::of(state) }
    }

    /// Whether files named `*.yml` are read.
    pub(super) const fn yml(&self) -> Yml {
        self.yml
    }

    /// The plans that keep their names and profiles, each with its file: all, as for the daemon.
    pub(super) fn known(&self) -> RunningPlans {
        self.plans.iter().map(|(name, known)| (name.clone(), known.file.clone())).collect()
    }

    /// A file by the calendar, unless it is in force.
    pub(super) fn judged(&self, good: GoodFile) -> Result<GoodFile, Vec<PlanError>> {
        match self.plans.get(&good.revision.plan.name) {
            Some(known) if known.in_force == good.revision.digest => Ok(good),
            _ => good.changed(),
        }
    }

    /// The rollout that a file which cannot be used holds up.
    pub(super) fn held_up(&self, file: &str, plan: Option<&PlanName>) -> Option<&RolloutId> {
        let name = Path::new(file).file_name().and_then(|name| name.to_str());
        let by_name = plan.and_then(|plan| self.plans.get(plan));
        let by_file =
            || self.plans.values().find(|known| known.file.is_some() && known.file.as_deref() == name);
        by_name.or_else(by_file)?.running.as_ref()
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
        let running = self.plans.values().filter_map(|known| Some((known.running.as_ref()?, &known.file)));
        let missing = running.filter(|(rollout, _)| !named(rollout)).map(|(rollout, file)| {
            let why = format!("no file here is of plan {}, and {rollout} runs", rollout.plan);
            let file = file.as_ref().map_or_else(|| directory.to_owned(), |file| directory.join(file));
            let outcome = Err(FileErrors::Path(why));
            JudgedFile { file: file.display().to_string(), outcome, holds_up: Some(rollout.clone()) }
        });
        missing.collect()
    }
}
