//! The plans directory: what its files ask for, by content.
//!
//! **Invariant:** a plan that no file names is missing at the next look, whatever else lies in the
//! directory; it is gone only by two looks a minute apart that account for every file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::daemon::plans_dir::{DirectoryLook, Yml};
pub use crate::daemon::plans_reader::look;
use crate::ids::{AccountId, PlanName};
use crate::plan::change::Restrictions;
use crate::plan::model::{PlanDigest, Revision};
use crate::plan::set::{FileRead, RunningPlans, compare};
use crate::plan::{Draft, GoodFile, PlanError, Severity};
use crate::rollout::world::{Desired, InvalidFile, Unsettled};
use crate::time::{Clock, SignedDuration, Stopwatch, Timestamp, after};

/// A plan missing for this long, in wall time and by at least two looks, is gone.
const GONE_AFTER_SECONDS: f64 = 60.0;

/// Something wrong with a file or the directory, for status, page and metrics.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FileProblem {
    /// The file, or the directory.
    pub file: String,
    /// Each error, with its place.
    pub errors: Vec<String>,
}

/// What the directory asks for.
#[derive(Debug)]
pub struct PlanFiles {
    /// The directory.
    pub(in crate::daemon) directory: PathBuf,
    account: AccountId,
    /// How long a file must have been unchanged.
    pub(in crate::daemon) settles: Settles,
    last: Option<DirectoryLook>,
    /// Why the directory could not be read at the last look.
    unreadable: Option<String>,
    held: BTreeMap<PlanName, FileContent>,
    /// Each file since when it has been as it is.
    unchanged: BTreeMap<String, Unchanged>,
    missing: BTreeMap<PlanName, Missing>,
    /// Files that hold no plan that is known of.
    unaccounted: usize,
    /// What is wrong with files, or with the directory.
    pub(in crate::daemon) problems: Vec<FileProblem>,
    /// What `check` warns of in files that hold.
    pub(in crate::daemon) warnings: Vec<FileProblem>,
}

/// How long a file must have been unchanged before what is in it takes effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settles {
    /// In wall seconds.
    pub seconds: f64,
    /// The same by the daemon's clock, for people.
    pub shown: SignedDuration,
}

impl Settles {
    /// So many wall seconds, as a daemon's clock has them.
    pub fn of(seconds: f64, clock: &Clock) -> Self {
        Self { seconds, shown: clock.length_of(seconds) }
    }

    /// What users have: long enough for a copy that breaks off to be seen, and for a slip to be taken back.
    pub const SECONDS: f64 = 30.0;
}

/// A plan that the log knows, and the file that held it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedPlan {
    /// Its name.
    pub plan: PlanName,
    /// The file.
    pub file: Option<String>,
    /// The revision that is in force.
    pub in_force: Option<PlanDigest>,
}

/// A file that holds, by the calendar too: one that changed. What is in force stays so, however time passes.
fn judged(good: GoodFile, known: &[LoggedPlan]) -> Result<Revision, Vec<String>> {
    let is_in_force = |known: &LoggedPlan| known.in_force.as_ref() == Some(&good.revision.digest);
    if good.closed.is_empty() || known.iter().any(is_in_force) {
        return Ok(good.revision);
    }
    Err(good.closed.iter().map(ToString::to_string).collect())
}

/// What a file holds of a plan.
#[derive(Debug, Clone)]
enum FileContent {
    Good { file: String, revision: Box<Revision> },
    Invalid(Box<InvalidFile>),
}

impl FileContent {
    fn file(&self) -> &str {
        match self {
            Self::Good { file, .. } => file,
            Self::Invalid(invalid) => &invalid.file,
        }
    }
}

/// A file's content over looks.
#[derive(Debug, Clone)]
struct Unchanged {
    draft: Arc<Draft>,
    since: Stopwatch,
    looks: u32,
    /// When it will have been unchanged for long enough, by the daemon's clock.
    until: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    since: Stopwatch,
    looks: u32,
}

impl PlanFiles {
    /// Nothing looked at yet.
    pub fn new(directory: PathBuf, account: AccountId, settles: Settles) -> Self {
        Self {
            directory,
            account,
            settles,
            last: None,
            unreadable: Some("the plans directory was not read yet".to_owned()),
            held: BTreeMap::new(),
            unchanged: BTreeMap::new(),
            missing: BTreeMap::new(),
            unaccounted: 0,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Takes in a look of the instant `now`. `known` are the plans of the log. Returns whether anything
    /// changed.
    pub fn take(&mut self, look: DirectoryLook, known: &[LoggedPlan], now: Timestamp) -> bool {
        let settled_before = self.settled();
        let changed = self.last.as_ref() != Some(&look);
        self.note_unchanged(&look, now);
        if changed {
            self.read(&look, known, now);
            self.last = Some(look);
        }
        let mut moved = changed || self.settled() != settled_before;
        self.missing.retain(|plan, _| known.iter().any(|known| known.plan == *plan));
        for LoggedPlan { plan, .. } in known {
            if self.held.contains_key(plan) || self.unreadable.is_some() {
                moved |= self.missing.remove(plan).is_some();
                continue;
            }
            let missing =
                self.missing.entry(plan.clone()).or_insert(Missing { since: Stopwatch::start(), looks: 0 });
            // Only looks that account for every file count towards its being gone.
            if self.unaccounted > 0 {
                moved |= missing.looks > 0;
                *missing = Missing { since: Stopwatch::start(), looks: 0 };
                continue;
            }
            let was_gone = missing.is_gone();
            missing.looks = missing.looks.saturating_add(1);
            moved |= missing.looks == 1 || missing.is_gone() != was_gone;
        }
        moved
    }

    fn settled(&self) -> Vec<String> {
        let settled = self.unchanged.iter().filter(|(_, file)| file.is_settled(self.settles));
        settled.map(|(name, _)| name.clone()).collect()
    }

    /// Whether a look now may find that a file has been unchanged for long enough.
    pub fn is_look_due(&self) -> bool {
        let due = |file: &Unchanged| file.looks == 1 && file.since.seconds() >= self.settles.seconds;
        self.unchanged.values().any(due)
    }

    fn note_unchanged(&mut self, look: &DirectoryLook, now: Timestamp) {
        let DirectoryLook::Files { files, .. } = look else { return };
        let mut before = std::mem::take(&mut self.unchanged);
        for (name, draft) in files.iter().filter_map(|(name, read)| Some((name, read.as_ref().ok()?))) {
            let file = match before.remove(name).filter(|known| known.draft == *draft) {
                // The look that ends the wait is not the one that began it.
                Some(known) if known.since.seconds() >= self.settles.seconds => {
                    Unchanged { looks: known.looks.saturating_add(1), ..known }
                }
                Some(known) => known,
                None => Unchanged {
                    draft: Arc::clone(draft),
                    since: Stopwatch::start(),
                    looks: 1,
                    until: after(now, self.settles.shown),
                },
            };
            self.unchanged.insert(name.clone(), file);
        }
    }

    fn read(&mut self, look: &DirectoryLook, known: &[LoggedPlan], now: Timestamp) {
        let (files, notes) = match look {
            DirectoryLook::Unreadable(why) => {
                let file = self.directory.display().to_string();
                self.problems = vec![FileProblem { file, errors: vec![why.clone()] }];
                self.unreadable = Some(why.clone());
                return;
            }
            DirectoryLook::Files { files, notes } => (files, notes),
        };
        self.unreadable = None;
        let before = std::mem::take(&mut self.held);
        let by_log = known.iter().filter_map(|known| Some((known.plan.clone(), known.file.clone()?)));
        let mut held_by: BTreeMap<PlanName, String> = by_log.collect();
        held_by.extend(before.iter().map(|(plan, held)| (plan.clone(), held.file().to_owned())));
        let plans = known.iter().map(|known| &known.plan).chain(before.keys());
        let running: RunningPlans = plans.map(|plan| (plan.clone(), held_by.get(plan).cloned())).collect();
        let readable = files.iter().filter_map(|(file, read)| Some((file.as_str(), read.as_deref().ok()?)));
        let mut broken: Vec<(Option<PlanName>, InvalidFile)> = Vec::new();
        self.warnings.clear();
        for FileRead { file, name, outcome, restrictions } in compare(readable, &running, Some(now)) {
            let errors = |errors: Vec<PlanError>| errors.iter().map(ToString::to_string).collect();
            let warnings = outcome.iter().flat_map(|good| &good.warnings);
            let warnings = warnings.filter(|told| told.severity == Severity::Warning);
            let warnings: Vec<String> = warnings.map(ToString::to_string).collect();
            if !warnings.is_empty() {
                self.warnings.push(FileProblem { file: file.clone(), errors: warnings });
            }
            // What is refused by the calendar alone can be read whole, and what it forbids counts.
            let restrictions = match &outcome {
                Ok(good) => Restrictions::of(&good.revision.plan),
                Err(_) => restrictions,
            };
            match outcome.map_err(errors).and_then(|good| self.pinned_here(judged(good, known)?)) {
                Ok(revision) => {
                    let name = revision.plan.name.clone();
                    self.held.insert(name, FileContent::Good { file, revision: Box::new(revision) });
                }
                Err(errors) => broken.push((name, InvalidFile { file, errors, restrictions })),
            }
        }
        let unreadable = files.iter().filter_map(|(file, read)| Some((file, read.as_ref().err()?)));
        broken.extend(unreadable.map(|(file, why)| {
            let (errors, restrictions) = (vec![why.clone()], Restrictions::default());
            (None, InvalidFile { file: file.clone(), errors, restrictions })
        }));
        broken.sort_by(|(_, one), (_, other)| one.file.cmp(&other.file));
        self.problems.clear();
        // What is passed over might have been the plan's file before.
        self.unaccounted = notes.len();
        for (name, invalid) in broken {
            self.problems.push(FileProblem { file: invalid.file.clone(), errors: invalid.errors.clone() });
            // Whose it is: by the name in it, else by what it held last.
            let by_file =
                || held_by.iter().find(|(_, file)| **file == invalid.file).map(|(plan, _)| plan.clone());
            match name.filter(|name| running.contains_key(name)).or_else(by_file) {
                Some(plan) => {
                    self.held.entry(plan).or_insert_with(|| FileContent::Invalid(Box::new(invalid)));
                }
                None => self.unaccounted += 1,
            }
        }
    }

    fn pinned_here(&self, revision: Revision) -> Result<Revision, Vec<String>> {
        match &revision.plan.account {
            Some(pinned) if *pinned != self.account => Err(vec![format!(
                "the plan is for account {pinned}, and this daemon serves {}; run it with a daemon of that account, or correct `account`",
                self.account
            )]),
            _ => Ok(revision),
        }
    }

    /// What the directory asks of one plan.
    pub fn desired(&self, plan: &PlanName) -> Desired<'_> {
        if let Some(why) = &self.unreadable {
            return Desired::Unreadable(why);
        }
        match (self.held.get(plan), self.missing.get(plan)) {
            (Some(FileContent::Good { file, revision }), _) => match self.unchanged.get(file) {
                Some(known) if known.draft.bytes().last() != Some(&b'\n') => {
                    Desired::Unsettled(revision, Unsettled::LineEnd)
                }
                Some(known) if known.is_settled(self.settles) => Desired::Present(revision),
                known => {
                    let until = known.map_or(Timestamp::MAX, |known| known.until);
                    Desired::Unsettled(revision, Unsettled::Until(until))
                }
            },
            (Some(FileContent::Invalid(invalid)), _) => Desired::Invalid(invalid),
            (None, Some(missing)) if missing.is_gone() => Desired::Gone,
            (None, _) => Desired::Missing,
        }
    }

    /// The plans that files name.
    pub fn plans(&self) -> impl Iterator<Item = &PlanName> {
        self.held.keys()
    }

    /// The files that hold plans.
    pub fn names(&self) -> BTreeMap<PlanName, String> {
        self.held.iter().map(|(plan, held)| (plan.clone(), held.file().to_owned())).collect()
    }
}

impl Unchanged {
    fn is_settled(&self, settles: Settles) -> bool {
        settles.seconds <= 0.0 || self.looks > 1
    }
}

impl Missing {
    fn is_gone(self) -> bool {
        self.looks >= 2 && self.since.seconds() >= GONE_AFTER_SECONDS
    }
}

#[cfg(test)]
mod tests;
