//! Looks at the plans directory, away from the thread that decides.
//!
//! A look has steps: the directory, each file, and at last whether all of it is still there. Each runs in
//! a thread of its own and has its time. A step that does not end is left to itself, and is not tried
//! again before it has: a file system that hangs costs one thread.
//!
//! **Invariant:** a look ends, whatever lies in the directory and whatever becomes of its disk; and the
//! daemon's loop never waits for one.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::Duration;

use crate::daemon::plans_dir::{
    DirectoryListing, DirectoryLook, DraftReader, FILE_WITHIN, FileIdentity, FileLook, FoundFile,
    JudgedContent, TOO_SLOW, Yml,
};
use crate::plan::Draft;
use crate::time::Stopwatch;

/// Longest time for the directory itself.
pub(super) const DIRECTORY_WITHIN: Duration = Duration::from_secs(5);

/// Looks at a directory once.
pub fn look(directory: &Path, yml: Yml) -> DirectoryLook {
    DirectoryReader::new(Arc::new(Draft::read)).look(directory, yml)
}

/// Looks at one directory again and again.
struct DirectoryReader {
    judge: Arc<DraftReader>,
    /// What came of each file's content.
    kept: BTreeMap<String, JudgedContent>,
    /// Files that are still being read since an earlier look.
    files: BTreeMap<String, Receiver<FileLook>>,
    /// The directory, likewise.
    listing: Option<Receiver<Result<DirectoryListing, String>>>,
    holding: Option<Receiver<bool>>,
}

/// How a step ended.
enum StepEnd<T> {
    Done(T),
    Late(Receiver<T>),
    Died,
}

fn within<T: Send + 'static>(limit: Duration, step: impl FnOnce() -> T + Send + 'static) -> StepEnd<T> {
    let (done, result) = mpsc::sync_channel(1);
    let body = move || {
        // Nobody may wait any more.
        let _ = done.send(step());
    };
    if thread::Builder::new().name("plans step".to_owned()).spawn(body).is_err() {
        return StepEnd::Died;
    }
    match result.recv_timeout(limit) {
        Ok(result) => StepEnd::Done(result),
        Err(RecvTimeoutError::Timeout) => StepEnd::Late(result),
        Err(RecvTimeoutError::Disconnected) => StepEnd::Died,
    }
}

/// A step that was late at an earlier look, if it still is.
fn still_late<T>(late: Option<Receiver<T>>) -> Result<Option<T>, Receiver<T>> {
    let Some(late) = late else { return Ok(None) };
    match late.try_recv() {
        Ok(result) => Ok(Some(result)),
        Err(TryRecvError::Empty) => Err(late),
        Err(TryRecvError::Disconnected) => Ok(None),
    }
}

impl DirectoryReader {
    fn new(judge: Arc<DraftReader>) -> Self {
        Self { judge, kept: BTreeMap::new(), files: BTreeMap::new(), listing: None, holding: None }
    }

    /// One look; a second one where the directory was changed in the middle of the first.
    fn look(&mut self, directory: &Path, yml: Yml) -> DirectoryLook {
        match self.once(directory, yml) {
            (_, DirectoryMoved::Yes) => self.once(directory, yml).0,
            (look, DirectoryMoved::No) => look,
        }
    }

    fn once(&mut self, directory: &Path, yml: Yml) -> (DirectoryLook, DirectoryMoved) {
        let listing = match self.list(directory) {
            Ok(listing) => Arc::new(listing),
            Err(why) => return (DirectoryLook::Unreadable(why), DirectoryMoved::No),
        };
        let (mut files, mut notes) = (BTreeMap::new(), BTreeMap::new());
        let mut read = Vec::new();
        let mut moved = DirectoryMoved::No;
        for name in &listing.names {
            let Some(name) = name.to_str() else {
                // One that is readable and shown alike goes first.
                let shown = name.to_string_lossy().into_owned();
                let why = format!("{shown}: its name is not UTF-8, so no message can name it; rename it");
                files.entry(shown).or_insert(Err(why));
                continue;
            };
            let (found, identity) = self.file(&listing, name, yml);
            read.extend(identity.map(|identity| (name.to_owned(), identity)));
            let entry = match found {
                FoundFile::Plan(draft) => Ok(draft),
                FoundFile::Unusable(why) => Err(why),
                FoundFile::PassedOver(why) => {
                    notes.insert(name.to_owned(), why);
                    continue;
                }
                FoundFile::Configuration => continue,
                FoundFile::Vanished => {
                    moved = DirectoryMoved::Yes;
                    Err("it went away while ringward read it; ringward reads it again in a few seconds"
                        .to_owned())
                }
            };
            files.insert(name.to_owned(), entry.map_err(|why| format!("{name}: {why}")));
        }
        self.kept.retain(|name, _| listing.names.iter().any(|listed| listed == name.as_str()));
        if !self.holds(directory, listing, read) {
            moved = DirectoryMoved::Yes;
        }
        (DirectoryLook::Files { files, notes }, moved)
    }

    fn list(&mut self, directory: &Path) -> Result<DirectoryListing, String> {
        let late = |within: Duration| {
            format!(
                "the plans directory {} did not answer within {} s; nothing is entered, written back or verified until it can be",
                directory.display(),
                within.as_secs()
            )
        };
        if let Err(still) = still_late(self.listing.take()) {
            self.listing = Some(still);
            return Err(late(DIRECTORY_WITHIN));
        }
        let path = directory.to_owned();
        match within(DIRECTORY_WITHIN, move || DirectoryListing::of(&path)) {
            StepEnd::Done(listing) => listing,
            StepEnd::Late(still) => {
                self.listing = Some(still);
                Err(late(DIRECTORY_WITHIN))
            }
            StepEnd::Died => Err(format!(
                "the plans directory {} cannot be read: no thread could do it",
                directory.display()
            )),
        }
    }

    fn file(
        &mut self,
        listing: &Arc<DirectoryListing>,
        name: &str,
        yml: Yml,
    ) -> (FoundFile, Option<FileIdentity>) {
        match still_late(self.files.remove(name)) {
            Err(still) => {
                self.files.insert(name.to_owned(), still);
                return (FoundFile::Unusable(TOO_SLOW.to_owned()), None);
            }
            // What came of it late is known now, should the content be the same.
            Ok(Some(late)) => self.keep(name, late.read).map_or((), drop),
            Ok(None) => {}
        }
        let step = {
            let (listing, name, judge) = (Arc::clone(listing), name.to_owned(), Arc::clone(&self.judge));
            let before = self.kept.get(&name).cloned();
            within(FILE_WITHIN, move || listing.read(&name, yml, before, &*judge))
        };
        match step {
            StepEnd::Done(FileLook { found, read }) => (found, self.keep(name, read)),
            StepEnd::Late(still) => {
                self.files.insert(name.to_owned(), still);
                (FoundFile::Unusable(TOO_SLOW.to_owned()), None)
            }
            StepEnd::Died => {
                (FoundFile::Unusable("reading it met a fault in ringward; please report it".to_owned()), None)
            }
        }
    }

    fn keep(&mut self, name: &str, read: Option<(FileIdentity, JudgedContent)>) -> Option<FileIdentity> {
        let (identity, kept) = read?;
        self.kept.insert(name.to_owned(), kept);
        Some(identity)
    }

    fn holds(
        &mut self,
        directory: &Path,
        listing: Arc<DirectoryListing>,
        read: Vec<(String, FileIdentity)>,
    ) -> bool {
        if let Err(still) = still_late(self.holding.take()) {
            self.holding = Some(still);
            return true;
        }
        let directory = directory.to_owned();
        match within(DIRECTORY_WITHIN, move || listing.holds(&directory, &read)) {
            StepEnd::Done(holds) => holds,
            // The next look says what is the matter with the directory.
            StepEnd::Late(still) => {
                self.holding = Some(still);
                true
            }
            StepEnd::Died => true,
        }
    }
}

/// Whether the directory was changed in the middle of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DirectoryMoved {
    Yes,
    No,
}

/// A look that was asked for.
#[derive(Debug)]
pub(super) struct Looked {
    /// Which: they are counted from 1.
    pub(super) number: u64,
    /// When it began. It shows nothing that is older.
    pub(super) began: Stopwatch,
    pub(super) look: DirectoryLook,
}

/// The thread that looks, one look at a time.
#[derive(Debug)]
pub(super) struct PlansReader {
    jobs: mpsc::Sender<u64>,
    begun: u64,
    /// Whether the look that was begun last has not arrived.
    is_looking: bool,
    /// Whether another one was asked for meanwhile.
    again: bool,
}

impl PlansReader {
    /// Starts the thread. Each look goes to `looks`, from where it must be handed to
    /// [`PlansReader::arrived`].
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(super) fn start(
        directory: PathBuf,
        yml: Yml,
        looks: tokio::sync::mpsc::Sender<Looked>,
    ) -> io::Result<Self> {
        let (jobs, asked) = mpsc::channel();
        let body = move || {
            let mut reader = DirectoryReader::new(Arc::new(Draft::read));
            let mut noted = BTreeMap::new();
            for number in asked {
                let began = Stopwatch::start();
                let look = reader.look(&directory, yml);
                tell_new_notes(&mut noted, &look);
                if looks.blocking_send(Looked { number, began, look }).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("plans".to_owned()).spawn(body)?;
        Ok(Self { jobs, begun: 0, is_looking: false, again: false })
    }

    /// Asks for a look that begins from now on, and says which it is. One that is under way began before,
    /// so another follows it.
    pub(super) fn ask(&mut self) -> u64 {
        if self.is_looking {
            self.again = true;
            return self.begun + 1;
        }
        self.begun += 1;
        // A thread that is gone has ended with the daemon.
        self.is_looking = self.jobs.send(self.begun).is_ok();
        self.begun
    }

    /// A look has arrived: the next one begins where one was asked for.
    pub(super) fn arrived(&mut self) {
        self.is_looking = false;
        if std::mem::take(&mut self.again) {
            self.ask();
        }
    }
}

/// Says once of each file that it is passed over: whoever misses a plan looks here.
fn tell_new_notes(noted: &mut BTreeMap<String, String>, look: &DirectoryLook) {
    let DirectoryLook::Files { notes, .. } = look else { return };
    for (file, why) in notes {
        if noted.get(file) != Some(why) {
            tracing::info!(%file, "{why}");
        }
    }
    noted.clone_from(notes);
}

#[cfg(test)]
mod tests;
