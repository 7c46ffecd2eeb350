//! `ringward check`: plan files judged offline, as the daemon would judge them.
//!
//! **Invariant:** all errors and warnings of all files are shown; files of one directory are compared with
//! each other, because a daemon reads them together.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::excerpt::excerpt;
use crate::cli::exit::CliError;
use crate::cli::render::{Format, Out, json, safe};
use crate::cli::screen::Ink;
use crate::config::{self, Config, FILE_NAME, Reading};
use crate::daemon::files::{DirectoryLook, Yml, look};
use crate::daemon::plans_dir::{FoundFile, NO_PLAN, read_one};
use crate::plan::model::{DeviceLimit, Plan};
use crate::plan::set::read_all;
use crate::plan::{GoodFile, MAX_BYTES, PlanError, Severity};
use crate::rollout::event::RolloutId;
use crate::secrets;
use crate::time::Timestamp;

mod in_json;
mod on_record;
mod summary;

pub(super) use in_json::FileJson;
pub use on_record::OnRecord;
use summary::Summary;

/// Plan files that were read and judged together, in the order of their names.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What is thought of each file.
    pub files: Vec<Judged>,
    /// What is thought of each `ringward.yaml`, which holds no plan.
    configurations: Vec<JudgedConfiguration>,
    /// Files of directories that are no plans, and why.
    passed_over: BTreeMap<String, String>,
    /// The bytes of each file that could be read, by the name that errors show.
    bytes: BTreeMap<String, Vec<u8>>,
}

/// One file, or a path that holds none.
#[derive(Debug)]
pub struct Judged {
    /// The path as given, or below the directory that was given.
    pub file: String,
    /// The plan and what is to be known of it, or why there is none.
    pub outcome: Result<GoodFile, Refused>,
    /// The rollout that runs and is held up by a file that cannot be used, by the daemon's log.
    pub holds_up: Option<RolloutId>,
}

/// A `ringward.yaml`.
#[derive(Debug)]
struct JudgedConfiguration {
    file: String,
    outcome: Result<Config, Refused>,
}

/// Why a file gives no plan.
#[derive(Debug)]
pub enum Refused {
    /// The path itself: what is wrong with it.
    Path(String),
    /// What is wrong in the file.
    Plan(Vec<PlanError>),
}

impl Refused {
    /// How many errors it is.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Path(_) => 1,
            Self::Plan(errors) => errors.len(),
        }
    }
}

impl Judgement {
    /// Reads and judges files, and the files `*.yaml` and `*.yml` of directories: by the calendar, too, where
    /// `now` is given.
    #[must_use]
    pub fn of(paths: &[PathBuf], now: Option<Timestamp>) -> Self {
        Self::beside(paths, now, &OnRecord::default())
    }

    /// The same beside a daemon's log.
    #[must_use]
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
            for (file, found) in plan_files(path, on_record.yml()) {
                let name = file.display().to_string();
                match found {
                    // A file that is named twice is one file.
                    Of::Plan(bytes) if !judgement.bytes.contains_key(&name) => {
                        let directory = file.parent().unwrap_or(Path::new("")).to_owned();
                        directories.entry(directory).or_default().push(name.clone());
                        judgement.bytes.insert(name, bytes);
                    }
                    Of::Plan(_) => {}
                    Of::Unusable(why) => {
                        let holds_up = on_record.held_up(&name, None).cloned();
                        let outcome = Err(Refused::Path(why));
                        judgement.files.push(Judged { file: name, outcome, holds_up });
                    }
                    Of::PassedOver(why) => {
                        judgement.passed_over.insert(name, why);
                    }
                }
            }
        }
        for names in directories.values() {
            let files =
                names.iter().filter_map(|name| Some((name.as_str(), judgement.bytes.get(name)?.as_slice())));
            let read = read_all(files, &on_record.known(), now).into_iter();
            judgement.files.extend(read.map(|read| {
                let outcome = read.outcome.and_then(|good| on_record.judged(good)).map_err(Refused::Plan);
                let holds_up = outcome
                    .as_ref()
                    .err()
                    .and_then(|_| on_record.held_up(&read.file, read.name.as_ref()).cloned());
                Judged { file: read.file, outcome, holds_up }
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
    #[must_use]
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
        let outcome = match read(path) {
            Ok(bytes) => {
                let read = config::read(&file, &bytes).map_err(Refused::Plan);
                self.bytes.insert(file.clone(), bytes);
                read
            }
            Err(error) => Err(Refused::Path(format!("it cannot be read ({error})"))),
        };
        self.configurations.push(JudgedConfiguration { file, outcome });
    }

    /// Each file that is refused, and why.
    fn refused(&self) -> impl Iterator<Item = (&str, &Refused)> {
        let plans = self.files.iter().map(|judged| (judged.file.as_str(), judged.outcome.as_ref().err()));
        let others =
            self.configurations.iter().map(|judged| (judged.file.as_str(), judged.outcome.as_ref().err()));
        plans.chain(others).filter_map(|(file, refused)| Some((file, refused?)))
    }

    /// An error of one of the files as a compiler would show it.
    #[must_use]
    pub fn excerpt(&self, error: &PlanError, ink: Ink) -> String {
        excerpt(error, |file| self.bytes.get(file).map(Vec::as_slice), ink)
    }

    /// All that is wrong, with excerpts, in the order of files.
    #[must_use]
    pub fn complaints(&self, ink: Ink) -> Vec<String> {
        self.refused().flat_map(|(file, refused)| self.complaints_of(file, refused, ink)).collect()
    }

    fn complaints_of(&self, file: &str, refused: &Refused, ink: Ink) -> Vec<String> {
        match refused {
            Refused::Path(why) => vec![format!("error: {}: {}\n", safe(file), safe(why))],
            Refused::Plan(errors) => errors.iter().map(|error| self.excerpt(error, ink)).collect(),
        }
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
                    self.complain(out, &judged.file, refused, ink)?;
                    if let Some(rollout) = &judged.holds_up {
                        writeln!(out, "{rollout} runs, and would enter nothing until this is mended\n")?;
                    }
                }
            }
        }
        for (file, why) in &self.passed_over {
            writeln!(out, "{}: note: {}", safe(file), safe(why))?;
        }
        for judged in &self.configurations {
            match &judged.outcome {
                Ok(config) => told(out, &judged.file, config)?,
                Err(refused) => self.complain(out, &judged.file, refused, ink)?,
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

    /// The warnings of files that can be used.
    #[must_use]
    pub fn warnings(&self) -> usize {
        let good = self.files.iter().filter_map(|judged| judged.outcome.as_ref().ok());
        good.flat_map(|good| &good.warnings).filter(|told| told.severity == Severity::Warning).count()
    }

    /// Why the files do not pass; `None`: they do. With `strict`, a warning is one error.
    #[must_use]
    pub fn refusal(&self, strict: bool) -> Option<String> {
        self.unusable().or_else(|| match self.warnings() {
            1 if strict => Some("1 warning, which --strict counts as an error".to_owned()),
            warnings if strict && warnings > 0 => {
                Some(format!("{warnings} warnings, which --strict counts as errors"))
            }
            _ => None,
        })
    }

    fn complain(&self, out: Out<'_>, file: &str, refused: &Refused, ink: Ink) -> io::Result<()> {
        self.complaints_of(file, refused, ink).iter().try_for_each(|complaint| writeln!(out, "{complaint}"))
    }

    /// The same for programs.
    pub(super) fn in_json(&self, now: Timestamp) -> Vec<FileJson<'_>> {
        let plans = self.files.iter().map(|judged| {
            let good = judged.outcome.as_ref().ok();
            let plan = good.map(|good| Summary::of(&good.revision, now));
            let warnings = good.map_or(&[][..], |good| &good.warnings);
            let told = FileJson::of(&judged.file, judged.outcome.as_ref().err(), plan).warned(warnings);
            told.holding_up(judged.holds_up.as_ref())
        });
        let others = self.configurations.iter();
        let others = others.map(|judged| FileJson::of(&judged.file, judged.outcome.as_ref().err(), None));
        let passed_over = self.passed_over.iter().map(|(file, why)| FileJson::passed_over(file, why));
        plans.chain(others).chain(passed_over).collect()
    }

    /// The plans without an error, each with its file and the bytes that it was read from.
    pub fn good(&self) -> impl Iterator<Item = (&str, &Plan, &[u8])> {
        self.files.iter().filter_map(|judged| {
            let plan = &judged.outcome.as_ref().ok()?.revision.plan;
            Some((judged.file.as_str(), plan, self.bytes.get(&judged.file)?.as_slice()))
        })
    }

    /// How many files cannot be used, in words; `None`: all can.
    #[must_use]
    pub fn unusable(&self) -> Option<String> {
        let refused: Vec<&Refused> = self.refused().map(|(_, refused)| refused).collect();
        if refused.is_empty() {
            return None;
        }
        let errors: usize = refused.iter().map(|refused| refused.count()).sum();
        let errors = if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") };
        let all = self.files.len() + self.configurations.len();
        let files = if all == 1 { "file" } else { "files" };
        Some(format!("{} of {all} {files} cannot be used: {errors}", refused.len()))
    }
}

/// What a look at a path found.
enum Of {
    /// A file that means to be a plan.
    Plan(Vec<u8>),
    /// What cannot be used, and why.
    Unusable(String),
    /// What is passed over, and why.
    PassedOver(String),
}

/// The files that a path means.
fn plan_files(path: &Path, yml: Yml) -> Vec<(PathBuf, Of)> {
    if !path.is_dir() {
        let found = match read_one(path) {
            FoundFile::Plan(draft) => Of::Plan(draft.bytes().to_vec()),
            // Somebody names it as a plan.
            FoundFile::PassedOver(_) | FoundFile::Configuration => {
                Of::Unusable(format!("{NO_PLAN}, and nothing of it is shown; begin it with `plan: NAME`"))
            }
            FoundFile::Unusable(why) => Of::Unusable(why),
            FoundFile::Vanished => {
                Of::Unusable("it is not there; name a plan file, or a directory of them".to_owned())
            }
        };
        return vec![(path.to_owned(), found)];
    }
    // As the daemon looks: the same files count, and the same are refused.
    match look(path, yml) {
        DirectoryLook::Files { files, notes } => {
            // The daemon's words begin with the bare name, which stands before them here as well.
            let alone = |name: &str, why: String| match why.strip_prefix(&format!("{name}: ")) {
                Some(why) => why.to_owned(),
                None => why,
            };
            let none = files.is_empty().then(|| {
                let why = "it holds no plan file; plans are files named *.yaml or *.yml with a key `plan`";
                (path.to_owned(), Of::Unusable(why.to_owned()))
            });
            let files = files.into_iter().map(|(name, read)| {
                let found = match read {
                    Ok(draft) => Of::Plan(draft.bytes().to_vec()),
                    Err(why) => Of::Unusable(alone(&name, why)),
                };
                (path.join(name), found)
            });
            let notes = notes.into_iter().map(|(name, why)| (path.join(name), Of::PassedOver(why)));
            none.into_iter().chain(files).chain(notes).collect()
        }
        DirectoryLook::Unreadable(why) => vec![(path.to_owned(), Of::Unusable(why))],
    }
}

/// One byte more than the largest plan file, so that the decoder sees that it is too large.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Checks files, and the files `*.yaml` and `*.yml` of directories.
///
/// # Errors
/// When a plan is invalid, a path cannot be read, or there is no plan file at all; with `strict`, at a warning.
pub fn check(
    paths: &[PathBuf],
    database: Option<&Path>,
    now: Timestamp,
    (format, strict): (Format, bool),
    ink: Ink,
    out: Out<'_>,
) -> Result<(), CliError> {
    let on_record = OnRecord::of(database).map_err(CliError::failed)?;
    let judgement = Judgement::beside(paths, Some(now), &on_record);
    match format {
        Format::Json => json(out, &judgement.in_json(now))?,
        Format::Text => judgement.show(out, now, ink)?,
    }
    judgement.refusal(strict).map_or(Ok(()), |why| Err(CliError::usage(why)))
}

/// Shows a person at a terminal, at the start of a daemon, what is wrong with its plans, with excerpts. The daemon
/// starts all the same, since the last good plans go on; its log, status and metrics tell the same at each look.
pub(super) fn show_errors(directory: &Path) {
    let stderr = io::stderr();
    if !stderr.is_terminal() {
        return;
    }
    // What was taken over before is not judged by the calendar.
    let judgement = Judgement::of(&[directory.to_owned()], None);
    for complaint in judgement.complaints(Ink::of(&stderr)) {
        // Nobody is there to be told when it cannot be written.
        let _ = writeln!(secrets::stderr(), "{complaint}");
    }
}

/// A good configuration in short.
fn told(out: Out<'_>, file: &str, config: &Config) -> io::Result<()> {
    let reading = match config.reading {
        Reading::Open => "open",
        Reading::SignedIn => "for those who are signed in",
    };
    let access = match &config.access {
        Some(access) => format!("Cloudflare Access of team {}", safe(&access.team.to_string())),
        None => "no Cloudflare Access".to_owned(),
    };
    writeln!(out, "{}: the configuration is good: {access}, reading is {reading}", safe(file))
}
