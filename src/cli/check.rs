//! `ringward check`: plan files judged offline, as the daemon would judge them.
//!
//! **Invariant:** all errors of all files are shown; files of one directory are compared with
//! each other, because a daemon reads them together.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::exit::CliError;
use crate::cli::render::{Format, Out, json, moment, safe};
use crate::ids::{PlanName, RingName};
use crate::plan::model::{Plan, PlanDigest, RingPlan};
use crate::plan::set::{FileRead, Running, read_all};
use crate::rollout::gate::LEFT_TO_ENTER;
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

/// The most that is read of a file: one byte more than the largest plan file, so that the decoder
/// sees that it is too large.
const MAX_BYTES: u64 = 1024 * 1024 + 1;

/// What `check` says of one file.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    pub(super) file: String,
    errors: Vec<String>,
    plan: Option<Summary>,
    /// The plan itself and the bytes it was read from, for those who look further.
    #[serde(skip)]
    pub(super) good: Option<(Plan, Vec<u8>)>,
}

/// A good plan in short.
#[derive(Debug, Serialize)]
struct Summary {
    name: PlanName,
    digest: PlanDigest,
    rings: Vec<RingSummary>,
    /// When the first ring can be entered; `None`: no opening within a year and a month.
    first_entry: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct RingSummary {
    name: RingName,
    profiles: Vec<String>,
    targets: BTreeMap<Environment, ClientVersion>,
}

/// Checks files, and the files `*.yaml` of directories.
///
/// # Errors
/// When a plan is invalid, a path cannot be read, or there is no plan file at all.
pub fn check(paths: &[PathBuf], now: Timestamp, format: Format, out: Out<'_>) -> Result<(), CliError> {
    let checked = judge(paths, now);
    match format {
        Format::Json => json(out, &checked)?,
        Format::Text => checked.iter().try_for_each(|file| text(out, file, now))?,
    }
    let bad = checked.iter().filter(|file| file.good.is_none()).count();
    if bad == 0 {
        Ok(())
    } else {
        Err(CliError::usage(format!("{bad} of {} files cannot be used", checked.len())))
    }
}

/// Every file that the paths mean, judged, in the order of their names.
pub(super) fn judge(paths: &[PathBuf], now: Timestamp) -> Vec<Checked> {
    let mut checked: Vec<Checked> = Vec::new();
    let mut directories: BTreeMap<PathBuf, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for path in paths {
        for file in plan_files(path, &mut checked) {
            match read(&file) {
                Ok(bytes) => {
                    let directory = file.parent().unwrap_or(Path::new("")).to_owned();
                    let name = file.display().to_string();
                    directories.entry(directory).or_default().insert(name, bytes);
                }
                Err(error) => checked.push(unreadable(&file, &error)),
            }
        }
    }
    for mut files in directories.into_values() {
        let views = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let read = read_all(views, &Running::new());
        checked.extend(read.into_iter().map(|file| {
            let bytes = files.remove(&file.file).unwrap_or_default();
            judged(file, bytes, now)
        }));
    }
    checked.sort_by(|one, other| one.file.cmp(&other.file));
    checked
}

/// The plan files that a path means; what is wrong with the path itself goes to `checked`.
fn plan_files(path: &Path, checked: &mut Vec<Checked>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let listed = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
    match listed {
        Ok(mut files) => {
            files.retain(|file| {
                file.extension().is_some_and(|extension| extension == "yaml") && !file.is_dir()
            });
            if files.is_empty() {
                let errors = vec!["it holds no plan file; plans are files named *.yaml".to_owned()];
                checked.push(Checked { file: path.display().to_string(), errors, plan: None, good: None });
            }
            files
        }
        Err(error) => {
            checked.push(unreadable(path, &error));
            Vec::new()
        }
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> Checked {
    let errors = vec![format!("it cannot be read: {error}")];
    Checked { file: path.display().to_string(), errors, plan: None, good: None }
}

fn judged(read: FileRead, bytes: Vec<u8>, now: Timestamp) -> Checked {
    let FileRead { file, outcome } = read;
    match outcome {
        Ok(revision) => Checked {
            file,
            errors: Vec::new(),
            plan: Some(summary(revision.plan.clone(), revision.digest, now)),
            good: Some((revision.plan, bytes)),
        },
        Err(errors) => {
            let errors = errors.iter().map(ToString::to_string).collect();
            Checked { file, errors, plan: None, good: None }
        }
    }
}

fn summary(plan: Plan, digest: PlanDigest, now: Timestamp) -> Summary {
    let first_entry = plan.rings.first().and_then(|ring| ring.schedule.next_entry(now, LEFT_TO_ENTER));
    let ring = |ring: RingPlan| RingSummary {
        name: ring.name,
        profiles: ring.profiles.iter().map(ToString::to_string).collect(),
        targets: ring.targets,
    };
    Summary { name: plan.name, digest, rings: plan.rings.into_iter().map(ring).collect(), first_entry }
}

/// Says what is wrong with a file, or what is in it.
pub(super) fn text(out: Out<'_>, checked: &Checked, now: Timestamp) -> io::Result<()> {
    let file = safe(&checked.file);
    for error in &checked.errors {
        // A plan's error begins with its file and place.
        match error.starts_with(&checked.file) {
            true => writeln!(out, "{}", safe(error))?,
            false => writeln!(out, "{file}: {}", safe(error))?,
        }
    }
    let Some(plan) = &checked.plan else { return Ok(()) };
    let rings = if plan.rings.len() == 1 { "ring" } else { "rings" };
    writeln!(
        out,
        "{file}: plan {} is good: {} {rings}, digest {}",
        plan.name,
        plan.rings.len(),
        plan.digest.short()
    )?;
    for (index, ring) in plan.rings.iter().enumerate() {
        let targets: Vec<_> = ring.targets.iter().map(|(on, version)| format!("{on} {version}")).collect();
        let (name, profiles) = (safe(ring.name.as_str()), safe(&ring.profiles.join(", ")));
        writeln!(out, "  {}. {name} ({profiles}): {}", index + 1, targets.join(", "))?;
    }
    match plan.first_entry {
        Some(at) if at <= now => writeln!(out, "  the first ring can be entered now"),
        Some(at) => writeln!(out, "  the first ring can be entered at {}", moment(at, now)),
        None => writeln!(out, "  the first ring has no opening within 400 days"),
    }
}
