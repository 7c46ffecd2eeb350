//! Plan files judged as the daemon would judge them.
//!
//! **Invariant:** files of one directory are compared with each other, because a daemon reads them together; a
//! file that is named twice is one file.

use std::path::{Path, PathBuf};
use std::{collections::BTreeMap, io::Write as _};

use crate::cli::excerpt::{SourceFile, excerpt};
use crate::cli::judgement::file::{FileErrors, JudgedConfiguration, JudgedFile};
use crate::cli::judgement::paths::plan_files;
use crate::cli::{CliError, Ink, Screen, counted, safe};
use crate::config::{self, FILE_NAME};
use crate::plan::model::{DeviceLimit, Plan, Revision};
use crate::plan::{PlanError, Severity};
use crate::{cli::judgement::on_record::OnRecord, plan::set::read_all, secrets, time::Timestamp};

/// Plan files that were read and judged together, in the order of their names.
#[derive(Debug, Default)]
pub struct JudgedFiles {
    /// What is thought of each file.
    pub files: Vec<JudgedFile>,
    /// What is thought of each `ringward.yaml`, which holds no plan.
    pub(super) configurations: Vec<JudgedConfiguration>,
    /// Files of directories that are no plans, and why.
    pub(super) passed_over: BTreeMap<String, String>,
    /// The bytes of each file that could be read, by the name that errors show.
    bytes: BTreeMap<String, Vec<u8>>,
}

impl JudgedFiles {
    /// Reads and judges files, and the files `*.yaml` and `*.yml` of directories: by the calendar, too, where
    /// `now` is given.
    pub fn of(paths: &[PathBuf], now: Option<Timestamp>) -> Self {
        Self::beside(paths, now, &OnRecord::default())
    }

    /// The same beside a daemon's log.
    pub fn beside(paths: &[PathBuf], now: Option<Timestamp>, on_record: &OnRecord) -> Self {
        let mut judgement = Self::default();
        let mut directories: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
        for path in paths {
            if path.file_name().is_some_and(|name| name == FILE_NAME) && !path.is_dir() {
                judgement.configure(path);
                continue;
            }
            let beside = path.join(FILE_NAME);
            if beside.is_file() {
                judgement.configure(&beside);
            }
            let (files, passed_over) = plan_files(path, on_record.yml());
            let shown = |file: PathBuf| file.display().to_string();
            judgement.passed_over.extend(passed_over.into_iter().map(|(file, why)| (shown(file), why)));
            for (file, found) in files {
                let name = file.display().to_string();
                match found {
                    // A file that is named twice is one file.
                    Ok(_) if judgement.bytes.contains_key(&name) => {}
                    Ok(bytes) => {
                        let directory = file.parent().unwrap_or(Path::new("")).to_owned();
                        directories.entry(directory).or_default().push(name.clone());
                        judgement.bytes.insert(name, bytes);
                    }
                    Err(why) => {
                        let holds_up = on_record.held_up(&name, None).cloned();
                        let outcome = Err(FileErrors::Path(why));
                        judgement.files.push(JudgedFile { file: name, outcome, holds_up });
                    }
                }
            }
        }
        for names in directories.values() {
            let files =
                names.iter().filter_map(|name| Some((name.as_str(), judgement.bytes.get(name)?.as_slice())));
            let read = read_all(files, &on_record.known(), now).into_iter();
            judgement.files.extend(read.map(|read| {
                let outcome = read.outcome.and_then(|good| on_record.judged(good)).map_err(FileErrors::Plan);
                let holds_up = on_record.held_up(&read.file, read.name.as_ref());
                let holds_up = holds_up.filter(|_| outcome.is_err()).cloned();
                JudgedFile { file: read.file, outcome, holds_up }
            }));
        }
        for directory in paths.iter().filter(|path| path.is_dir()) {
            let missing = on_record.missing(directory, &judgement.files);
            judgement.files.extend(missing);
        }
        judgement.files.sort_by(|one, other| one.file.cmp(&other.file));
        judgement
    }

    /// The least guard that one of the configurations has.
    pub fn devices_per_day(&self) -> Option<DeviceLimit> {
        let good = self.configurations.iter().filter_map(|judged| judged.outcome.as_ref().ok());
        good.filter_map(|config| config.devices_per_day).min()
    }

    /// A configuration is judged by itself: no plan depends on it.
    fn configure(&mut self, path: &Path) {
        let file = path.display().to_string();
        if self.configurations.iter().any(|other| other.file == file) {
            return;
        }
        let outcome = match SourceFile::read(path) {
            Ok(source) => {
                let read = config::read(&file, &source.bytes).map_err(FileErrors::Plan);
                self.bytes.insert(file.clone(), source.bytes);
                read
            }
            Err(error) => Err(FileErrors::Path(format!("it cannot be read ({error})"))),
        };
        self.configurations.push(JudgedConfiguration { file, outcome });
    }

    /// Each file that is refused, and why.
    fn refused(&self) -> impl Iterator<Item = (&str, &FileErrors)> {
        let plans = self.files.iter().map(|judged| (judged.file.as_str(), judged.outcome.as_ref().err()));
        let others =
            self.configurations.iter().map(|judged| (judged.file.as_str(), judged.outcome.as_ref().err()));
        plans.chain(others).filter_map(|(file, refused)| Some((file, refused?)))
    }

    /// An error of one of the files as a compiler would show it.
    pub fn excerpt(&self, error: &PlanError, ink: Ink) -> String {
        excerpt(error, |file| self.bytes.get(file).map(Vec::as_slice), ink)
    }

    /// Shows on standard error all that is wrong. The exit code tells it where nobody reads this.
    pub(crate) fn complain(&self, ink: Ink) {
        for complaint in self.complaints(ink) {
            let _ = writeln!(secrets::stderr(), "{complaint}");
        }
    }

    /// All that is wrong, with excerpts, in the order of files.
    pub fn complaints(&self, ink: Ink) -> Vec<String> {
        self.refused().flat_map(|(file, refused)| self.complaints_of(file, refused, ink)).collect()
    }

    pub(super) fn complaints_of(&self, file: &str, refused: &FileErrors, ink: Ink) -> Vec<String> {
        match refused {
            FileErrors::Path(why) => vec![format!("error: {}: {}\n", safe(file), safe(why))],
            FileErrors::Plan(errors) => errors.iter().map(|error| self.excerpt(error, ink)).collect(),
        }
    }

    /// The warnings of files that can be used.
    pub fn warnings(&self) -> usize {
        let good = self.files.iter().filter_map(|judged| judged.outcome.as_ref().ok());
        good.flat_map(|good| &good.warnings).filter(|told| told.severity == Severity::Warning).count()
    }

    /// Why the files do not pass; `None`: they do. With `strict`, a warning is one error.
    pub fn refusal(&self, strict: bool) -> Option<String> {
        self.unusable().or_else(|| match self.warnings() {
            1 if strict => Some("1 warning, which --strict counts as an error".to_owned()),
            warnings if strict && warnings > 0 => {
                Some(format!("{warnings} warnings, which --strict counts as errors"))
            }
            _ => None,
        })
    }

    /// The plans without an error, each with its file and the bytes that it was read from.
    pub fn good(&self) -> impl Iterator<Item = (&str, &Plan, &[u8])> {
        self.files.iter().filter_map(|judged| {
            let plan = &judged.outcome.as_ref().ok()?.revision.plan;
            Some((judged.file.as_str(), plan, self.bytes.get(&judged.file)?.as_slice()))
        })
    }

    /// How many files cannot be used, in words; `None`: all can.
    pub fn unusable(&self) -> Option<String> {
        let refused: Vec<&FileErrors> = self.refused().map(|(_, refused)| refused).collect();
        if refused.is_empty() {
            return None;
        }
        let errors: usize = refused.iter().map(|refused| refused.count()).sum();
        let files = counted(self.files.len() + self.configurations.len(), "file");
        Some(format!("{} of {files} cannot be used: {}", refused.len(), counted(errors, "error")))
    }
}

/// The one plan of a file, judged by the calendar from an instant on. Its errors are shown as `check` shows them.
///
/// # Errors
/// When the file holds no plan that can be used.
pub(crate) fn one_plan(path: &PathBuf, from: Timestamp, screen: &Screen) -> Result<Revision, CliError> {
    let judgement = JudgedFiles::of(std::slice::from_ref(path), Some(from));
    judgement.complain(screen.ink);
    if let Some(why) = judgement.unusable() {
        return Err(CliError::usage(why));
    }
    let mut good = judgement.files.into_iter().filter_map(|judged| judged.outcome.ok());
    let shown = safe(&path.display().to_string());
    match (good.next(), good.next()) {
        (Some(good), None) => good
            .to_begin()
            .map_err(|why| CliError::usage(format!("{shown} would not be begun: {}", why.join("; ")))),
        (Some(_), Some(_)) => Err(CliError::usage(format!("{shown} holds several plans; name one file"))),
        (None, _) => Err(CliError::usage(format!("{shown} holds no plan"))),
    }
}
