//! The plans directory: what its files ask for, by content.
//!
//! **Invariant:** only a look at a readable directory can make a plan missing, and only two such
//! looks a minute apart can make it gone; an error in a file never does either.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::ids::{AccountId, PlanName};
use crate::plan::model::Revision;
use crate::plan::set::{FileRead, Running, read_all};
use crate::rollout::world::Desired;
use crate::time::Stopwatch;

/// A plan missing for this long, in wall time and by at least two looks, is gone.
const GONE_AFTER_SECONDS: f64 = 60.0;

/// The largest plan file; the decoder refuses larger ones, so one byte more is read to tell.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Plan files in one directory. Each plan holds profiles of its own, and an account has few.
const MAX_FILES: usize = 1_000;

/// One look at the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The files `*.yaml`, by name.
    Files(BTreeMap<String, Vec<u8>>),
    /// It cannot be read; withdraws nothing.
    Unreadable(String),
}

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
    directory: PathBuf,
    account: AccountId,
    last: Option<Look>,
    present: BTreeMap<PlanName, Present>,
    missing: BTreeMap<PlanName, Missing>,
    problems: Vec<FileProblem>,
}

#[derive(Debug, Clone)]
struct Present {
    file: String,
    /// `None`: the file has errors now, and the last good revision goes on.
    revision: Option<Box<Revision>>,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    since: Stopwatch,
    looks: u32,
}

impl PlanFiles {
    /// Nothing looked at yet.
    #[must_use]
    pub fn new(directory: PathBuf, account: AccountId) -> Self {
        Self {
            directory,
            account,
            last: None,
            present: BTreeMap::new(),
            missing: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Takes in a look. `known` are the plans of the log. Returns whether anything changed.
    pub fn take(&mut self, look: Look, known: &[PlanName]) -> bool {
        let changed = self.last.as_ref() != Some(&look);
        if changed {
            self.read(&look);
            self.last = Some(look);
        }
        let count_missing = matches!(self.last, Some(Look::Files(_))) && !self.has_unnamed_problem();
        let mut moved = changed;
        for plan in known {
            if self.present.contains_key(plan) || !count_missing {
                moved |= self.missing.remove(plan).is_some();
                continue;
            }
            let missing =
                self.missing.entry(plan.clone()).or_insert(Missing { since: Stopwatch::start(), looks: 0 });
            let was_gone = missing.is_gone();
            missing.looks = missing.looks.saturating_add(1);
            moved |= missing.looks == 1 || missing.is_gone() != was_gone;
        }
        moved
    }

    fn read(&mut self, look: &Look) {
        let files = match look {
            Look::Unreadable(why) => {
                self.problems = vec![FileProblem {
                    file: self.directory.display().to_string(),
                    errors: vec![why.clone()],
                }];
                return;
            }
            Look::Files(files) => files,
        };
        let running: Running =
            self.present.iter().map(|(plan, present)| (plan.clone(), Some(present.file.clone()))).collect();
        let reads = read_all(files.iter().map(|(file, bytes)| (file.as_str(), bytes.as_slice())), &running);
        let before = std::mem::take(&mut self.present);
        self.problems.clear();
        for FileRead { file, outcome } in reads {
            let outcome = outcome
                .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())
                .and_then(|revision| self.pinned_here(revision));
            match outcome {
                Ok(revision) => {
                    let name = revision.plan.name.clone();
                    self.present.insert(name, Present { file, revision: Some(Box::new(revision)) });
                }
                Err(errors) => {
                    // The plan that this file held goes on as it was.
                    if let Some((name, _)) = before.iter().find(|(_, present)| present.file == file) {
                        let kept = Present { file: file.clone(), revision: None };
                        self.present.entry(name.clone()).or_insert(kept);
                    }
                    self.problems.push(FileProblem { file, errors });
                }
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

    /// A file with errors that held no known plan might hold any of those that are missing.
    fn has_unnamed_problem(&self) -> bool {
        let held = |file: &str| self.present.values().any(|present| present.file == file);
        self.problems.iter().any(|problem| !held(&problem.file))
    }

    /// What the directory asks of one plan.
    #[must_use]
    pub fn desired(&self, plan: &PlanName) -> Desired<'_> {
        match (self.present.get(plan), self.missing.get(plan)) {
            (Some(Present { revision: Some(revision), .. }), _) => Desired::Present(revision),
            (Some(Present { revision: None, .. }), _) | (None, None) => Desired::LastGood,
            (None, Some(missing)) if missing.is_gone() => Desired::Gone,
            (None, Some(_)) => Desired::Missing,
        }
    }

    /// The plans that files name.
    pub fn plans(&self) -> impl Iterator<Item = &PlanName> {
        self.present.keys()
    }

    /// What is wrong with files, or with the directory.
    #[must_use]
    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }
}

impl Missing {
    fn is_gone(self) -> bool {
        self.looks >= 2 && self.since.seconds() >= GONE_AFTER_SECONDS
    }
}

/// Reads the files `*.yaml` of a directory, not recursively.
#[must_use]
pub fn look(directory: &Path) -> Look {
    match read_directory(directory) {
        Ok(files) => Look::Files(files),
        Err(why) => Look::Unreadable(why),
    }
}

fn read_directory(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let shown = directory.display();
    let told = |error: std::io::Error| {
        format!(
            "the plans directory {shown} cannot be read ({error}); running rollouts go on with their last good plans"
        )
    };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(format!("a file in {shown} has a name that is not UTF-8: {}", path.display()));
        };
        if files.len() >= MAX_FILES {
            return Err(format!("{shown} has more than {MAX_FILES} plan files"));
        }
        // A link that leads nowhere or a vanished file is a passing state of an atomic save.
        let mut bytes = Vec::new();
        let read =
            fs::File::open(&path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(|error| format!("{} cannot be read ({error})", path.display()))?;
        files.insert(name.to_owned(), bytes);
    }
    Ok(files)
}
