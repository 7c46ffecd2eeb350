//! What lies in the plans directory: each file read, and what is wrong with each that cannot be.
//!
//! The directory is often a Git checkout or a ConfigMap: links are swapped under the reader's hands,
//! other programs' files lie beside, and whoever may merge may put a link to anything there. So the
//! directory is resolved anew at each look, a file counts by where it really lies once it is open, and
//! nothing is kept of a file that is no plan.
//!
//! **Invariant:** no byte of a file that lies outside the directory, or that has no `plan` key, leaves
//! this module; and what is wrong with one file is said of that file alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

use crate::config::FILE_NAME;
use crate::plan::{Draft, MAX_BYTES};
use crate::rollout::state::State;
use crate::secrets;
use crate::store::FileIdentity;
use crate::time::Stopwatch;

/// Longest time for reading and judging one file.
pub(super) const FILE_WITHIN: Duration = Duration::from_secs(1);

/// Plan files in one directory. Each plan holds profiles of its own, and an account has few.
const MAX_FILES: usize = 1_000;

/// Why a file is passed over.
pub const NO_PLAN: &str = "it has no `plan` key, so it is no plan";

/// What is said of a file that takes longer than [`FILE_WITHIN`].
pub(super) const TOO_SLOW: &str = "reading and judging it takes longer than 1 s, so it is not used; make it simpler: fewer openings, freezes and rings";

/// One look at the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryLook {
    /// It was read.
    Files {
        /// The files that mean to be plans, by name: each read, or why it cannot be.
        files: BTreeMap<String, Result<Arc<Draft>, String>>,
        /// The files that are passed over, by name, and why. Nothing of them is shown anywhere.
        notes: BTreeMap<String, String>,
    },
    /// It cannot be read; withdraws nothing.
    Unreadable(String),
}

/// Whether files named `*.yml` are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Yml {
    /// As those named `*.yaml` are.
    #[default]
    Read,
    /// Plans among them are named and wait: earlier releases passed them over, so they may have lain there
    /// for years.
    Report,
}

impl Yml {
    /// By the daemons that wrote a log.
    pub const fn of(state: &State) -> Self {
        if state.read_yaml_alone { Self::Report } else { Self::Read }
    }
}

/// A file of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundFile {
    /// It means to be a plan.
    Plan(Arc<Draft>),
    /// It may mean to be one, and cannot be used.
    Unusable(String),
    /// It is none.
    PassedOver(String),
    /// It says what the daemon does; the daemon's own reader reads it.
    Configuration,
    /// It was there, and is not any more.
    Vanished,
}

/// The directory as it was when it was opened.
#[derive(Debug, Clone)]
pub(super) struct DirectoryListing {
    /// Where it really lies.
    base: PathBuf,
    identity: FileIdentity,
    pub(super) names: Vec<OsString>,
}

impl DirectoryListing {
    /// Resolves the directory and lists the files that may be plans.
    ///
    /// # Errors
    /// In words, when it cannot be read.
    pub(super) fn of(directory: &Path) -> Result<Self, String> {
        let shown = directory.display();
        let told = |error: io::Error| {
            format!(
                "the plans directory {shown} cannot be read ({error}); nothing is entered, written back or verified until it can be"
            )
        };
        let (base, identity) = resolve(directory).map_err(told)?;
        let mut names = Vec::new();
        for entry in fs::read_dir(&base).map_err(told)? {
            let name = entry.map_err(told)?.file_name();
            // As a shell's `*.yaml`: editors keep their locks and copies in dot files.
            if is_named_as_a_plan(Path::new(&name)) && !name.as_encoded_bytes().starts_with(b".") {
                names.push(name);
            }
            if names.len() > MAX_FILES {
                return Err(format!("{shown} has more than {MAX_FILES} plan files"));
            }
        }
        names.sort();
        Ok(Self { base, identity, names })
    }

    /// Whether the directory is still this one, and each file that was read as well. A link that was
    /// swapped in the middle of a look shows half of the old files.
    pub(super) fn holds(&self, directory: &Path, read: &[(String, FileIdentity)]) -> bool {
        let is_there = |(name, identity): &(String, FileIdentity)| {
            fs::metadata(self.base.join(name)).is_ok_and(|data| FileIdentity::of(&data) == *identity)
        };
        resolve(directory).is_ok_and(|(_, now)| now == self.identity) && read.iter().all(is_there)
    }

    /// Reads one of its files. `before` is what came of that name last, which holds where the content is
    /// the same; `judge` reads what is new.
    pub(super) fn read(
        &self,
        name: &str,
        yml: Yml,
        before: Option<JudgedContent>,
        judge: &DraftReader,
    ) -> FileLook {
        let opened = open_inside(&self.base, name);
        let (bytes, identity) = match opened.and_then(|(file, identity)| Ok((read(file)?, identity))) {
            Ok(read) => read,
            Err(_) if name == FILE_NAME => return FileLook { found: FoundFile::Configuration, read: None },
            Err(found) => return FileLook { found, read: None },
        };
        let kept = JudgedContent::of(&bytes, before, judge);
        let found = match (name, judged(&bytes, &kept)) {
            (FILE_NAME, FoundFile::Plan(_)) => {
                unusable("it holds a plan, and its name is that of the configuration; give it another")
            }
            (FILE_NAME, _) => FoundFile::Configuration,
            (_, FoundFile::Plan(_)) if yml == Yml::Report && name.ends_with(".yml") => unusable(
                "it holds a plan, which earlier releases did not read: they read *.yaml alone; rename it to *.yaml to have it read",
            ),
            (_, found) => found,
        };
        FileLook { found, read: Some((identity, kept)) }
    }
}

/// A file by its path, as a look at its directory would find it.
pub fn read_one(path: &Path) -> FoundFile {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let opened = match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if is_named_as_a_plan(path) => {
            resolve(parent).map_err(failed).and_then(|(base, _)| Ok(open_inside(&base, name)?.0))
        }
        // No look at a directory would find it, so it is only read because somebody names it.
        _ => File::open(path).map_err(failed),
    };
    match opened.and_then(read) {
        Ok(bytes) => judged(&bytes, &JudgedContent::of(&bytes, None, &Draft::read)),
        Err(found) => found,
    }
}

fn is_named_as_a_plan(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Reads bytes to a draft; tests put another in its place.
pub(super) type DraftReader = dyn Fn(&[u8]) -> Draft + Send + Sync;

/// What came of one file.
#[derive(Debug)]
pub(super) struct FileLook {
    pub(super) found: FoundFile,
    /// Which file was read, and what came of its content.
    pub(super) read: Option<(FileIdentity, JudgedContent)>,
}

/// What came of a content, so that it is not judged again at each look.
#[derive(Debug, Clone)]
pub(super) struct JudgedContent {
    content: Vec<u8>,
    /// `None`: it is no plan, and nothing of it is kept.
    draft: Option<Arc<Draft>>,
    is_slow: bool,
}

impl JudgedContent {
    fn of(bytes: &[u8], before: Option<Self>, judge: &DraftReader) -> Self {
        let content = digest(&SHA256, bytes).as_ref().to_vec();
        if let Some(before) = before.filter(|before| before.content == content) {
            return before;
        }
        let busy = Busy::start();
        let draft = judge(bytes);
        let is_slow = busy.seconds() > FILE_WITHIN.as_secs_f64();
        let draft = draft.names_a_plan().then(|| Arc::new(draft));
        Self { content, draft, is_slow }
    }
}

fn judged(bytes: &[u8], kept: &JudgedContent) -> FoundFile {
    match &kept.draft {
        _ if bytes.trim_ascii().is_empty() => unusable("it is empty"),
        None => FoundFile::PassedOver(format!("{NO_PLAN}, and is passed over")),
        // What is read goes into the log, where it would stay.
        Some(_) if secrets::is_in(bytes) => unusable(
            "it holds a secret of this process, such as its API token; take it out, and make a new one if others could read the file",
        ),
        Some(_) if kept.is_slow => unusable(TOO_SLOW),
        Some(draft) => FoundFile::Plan(Arc::clone(draft)),
    }
}

fn unusable(why: impl Into<String>) -> FoundFile {
    FoundFile::Unusable(why.into())
}

/// What is said of a file that was not opened, or not read.
fn failed(error: io::Error) -> FoundFile {
    unusable(format!("it cannot be read ({error})"))
}

/// Time on a processor: a machine that is busy with other things makes no file slow. Wall time where the
/// kernel does not count.
struct Busy {
    wall: Stopwatch,
    before: Option<f64>,
}

impl Busy {
    fn start() -> Self {
        Self { wall: Stopwatch::start(), before: Self::spent() }
    }

    fn seconds(&self) -> f64 {
        match (self.before, Self::spent()) {
            (Some(before), Some(now)) => now - before,
            _ => self.wall.seconds(),
        }
    }

    /// Of this thread.
    fn spent() -> Option<f64> {
        let counted = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let nanoseconds: f64 = counted.split_whitespace().next()?.parse().ok()?;
        Some(nanoseconds / 1e9)
    }
}

/// Opens a file of a directory, if what is open then lies inside: whatever the name led to before, and
/// whoever changes it meanwhile.
fn open_inside(base: &Path, name: &str) -> Result<(File, FileIdentity), FoundFile> {
    let path = base.join(name);
    let vanished = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => FoundFile::Vanished,
        _ => failed(error),
    };
    let is_link = fs::symlink_metadata(&path).map_err(vanished)?.is_symlink();
    let data = fs::metadata(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound if is_link => unusable("it is a link to a file that is not there"),
        _ => vanished(error),
    })?;
    // Before it is opened: a pipe would keep the reader waiting, and a device may do something.
    regular(&data)?;
    let file = File::open(&path).map_err(vanished)?;
    let data = file.metadata().map_err(failed)?;
    regular(&data)?;
    let lies_at = where_it_lies(&file, &data, &path).map_err(vanished)?;
    if !lies_at.starts_with(base) {
        return Err(unusable(
            "it is a link that leads out of the plans directory, which is not followed; put the file itself there",
        ));
    }
    Ok((file, FileIdentity::of(&data)))
}

fn regular(data: &Metadata) -> Result<(), FoundFile> {
    match (data.is_file(), data.is_dir()) {
        (true, _) => Ok(()),
        (false, true) => Err(unusable("it is a folder, and plans are files; folders are not looked into")),
        (false, false) => Err(unusable("it is no regular file")),
    }
}

/// Reads a little more than the most that a plan may have.
fn read(file: File) -> Result<Vec<u8>, FoundFile> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Where a directory really lies, and which it is.
fn resolve(directory: &Path) -> io::Result<(PathBuf, FileIdentity)> {
    let opened = File::open(directory)?;
    let data = opened.metadata()?;
    Ok((where_it_lies(&opened, &data, directory)?, FileIdentity::of(&data)))
}

/// Where something that is open lies, without any link: the kernel knows; where it does not say, the path
/// is resolved, and must lead to the same.
fn where_it_lies(opened: &File, data: &Metadata, path: &Path) -> io::Result<PathBuf> {
    let told = fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()));
    if let Some(told) = told.ok().filter(|told| told.is_absolute()) {
        return Ok(told);
    }
    let resolved = fs::canonicalize(path)?;
    if FileIdentity::of(&fs::metadata(&resolved)?) != FileIdentity::of(data) {
        return Err(ErrorKind::NotFound.into());
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests;
