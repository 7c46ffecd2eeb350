//! The plans directory: what its files ask for, by content.
//!
//! **Invariant:** only a look at a readable directory can make a plan missing, and only two such
//! looks a minute apart can make it gone; an error in a file never does either.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::config::FILE_NAME;
use crate::ids::{AccountId, PlanName};
use crate::plan::model::Revision;
use crate::plan::set::{FileRead, Running, read_all};
use crate::plan::{GoodFile, MAX_BYTES};
use crate::rollout::world::Desired;
use crate::time::Stopwatch;

/// A plan missing for this long, in wall time and by at least two looks, is gone.
const GONE_AFTER_SECONDS: f64 = 60.0;

/// Plan files in one directory. Each plan holds profiles of its own, and an account has few.
const MAX_FILES: usize = 1_000;

/// One look at the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// The files `*.yaml`, by name: each its bytes, or why it cannot be read.
    Files(BTreeMap<String, Result<Vec<u8>, String>>),
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
        let readable =
            files.iter().filter_map(|(file, bytes)| Some((file.as_str(), bytes.as_ref().ok()?.as_slice())));
        let mut outcomes: Vec<(String, Result<Revision, Vec<String>>)> = read_all(readable, &running, None)
            .into_iter()
            .map(|FileRead { file, outcome }| {
                let outcome = outcome.map_err(|errors| errors.iter().map(ToString::to_string).collect());
                (file, outcome.and_then(GoodFile::to_begin).and_then(|revision| self.pinned_here(revision)))
            })
            .collect();
        let unreadable = files.iter().filter_map(|(file, bytes)| Some((file, bytes.as_ref().err()?)));
        outcomes.extend(unreadable.map(|(file, why)| (file.clone(), Err(vec![why.clone()]))));
        let before = std::mem::take(&mut self.present);
        self.problems.clear();
        for (file, outcome) in outcomes {
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

fn read_directory(directory: &Path) -> Result<BTreeMap<String, Result<Vec<u8>, String>>, String> {
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
        // As a shell's `*.yaml`: editors keep their locks and copies in dot files.
        if name.starts_with('.') {
            continue;
        }
        // The daemon's own may lie here; a plan of that name must not be passed over without a word.
        if name == FILE_NAME {
            if read_file(&path).is_ok_and(|bytes| holds_a_plan(&bytes)) {
                let why = "it holds a plan, and its name is that of the configuration; give it another";
                files.insert(name.to_owned(), Err(format!("{name}: {why}")));
            }
            continue;
        }
        if files.len() >= MAX_FILES {
            return Err(format!("{shown} has more than {MAX_FILES} plan files"));
        }
        let bytes = read_file(&path).map_err(|error| format!("{name}: it cannot be read ({error})"));
        files.insert(name.to_owned(), bytes);
    }
    Ok(files)
}

/// Whether a key `plan` begins a line.
fn holds_a_plan(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"plan:"))
}

/// Reads a regular file, and a little more than the most that a plan may have.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    // A pipe would keep the reader waiting for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = include_str!("../../rollouts/examples/three-rings.yaml");

    fn plan() -> PlanName {
        "cloudflare-one-client".parse().unwrap()
    }

    fn files(directory: &Path) -> PlanFiles {
        PlanFiles::new(directory.to_owned(), "023e105f4ecef8ad9ca31a8372d0c353".parse().unwrap())
    }

    #[test]
    fn one_bad_file_does_not_hide_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("good.yaml"), PLAN).unwrap();
        fs::create_dir(path("folder.yaml")).unwrap();
        std::os::unix::fs::symlink("nowhere", path("dangling.yaml")).unwrap();
        std::os::unix::fs::symlink("nowhere", path(".#good.yaml")).unwrap();
        fs::write(path("notes.txt"), "no plan").unwrap();
        fs::write(path("ringward.yaml"), "reading: signed_in\n").unwrap();
        let mut files = files(directory.path());
        assert!(files.take(look(directory.path()), &[plan()]));
        assert!(matches!(files.desired(&plan()), Desired::Present(_)));
        let bad: Vec<_> = files.problems().iter().map(|problem| problem.file.as_str()).collect();
        assert_eq!(bad, ["dangling.yaml", "folder.yaml"], "dot files are nobody's plans");
        assert!(!files.take(look(directory.path()), &[plan()]), "nothing changed");
        fs::write(path("ringward.yaml"), PLAN).unwrap();
        assert!(files.take(look(directory.path()), &[plan()]));
        let told: Vec<_> = files.problems().iter().flat_map(|problem| &problem.errors).collect();
        assert!(told.iter().any(|error| error.contains("name is that of the configuration")), "{told:?}");
    }

    #[test]
    fn errors_and_unreadable_directories_withdraw_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("plan.yaml");
        fs::write(&file, PLAN).unwrap();
        let mut files = files(directory.path());
        files.take(look(directory.path()), &[plan()]);
        fs::write(&file, "plan: [").unwrap();
        files.take(look(directory.path()), &[plan()]);
        assert_eq!(files.desired(&plan()), Desired::LastGood, "an error in its file");
        files.take(Look::Unreadable("gone".to_owned()), &[plan()]);
        files.take(Look::Unreadable("gone".to_owned()), &[plan()]);
        assert_eq!(files.desired(&plan()), Desired::LastGood, "no directory");
        // A file that cannot be read and held no known plan might hold the missing one.
        fs::rename(&file, directory.path().join("renamed.yaml")).unwrap();
        files.take(look(directory.path()), &[plan()]);
        assert_eq!(files.desired(&plan()), Desired::LastGood, "its file has another name and an error");
        fs::remove_file(directory.path().join("renamed.yaml")).unwrap();
        files.take(look(directory.path()), &[plan()]);
        files.take(look(directory.path()), &[plan()]);
        assert_eq!(files.desired(&plan()), Desired::Missing, "two looks, but no minute between them");
    }
}
