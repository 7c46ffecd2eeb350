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
    DirectoryListing, DirectoryLook, DraftReader, FILE_WITHIN, FileLook, FoundFile, JudgedContent, TOO_SLOW,
    Yml,
};
use crate::plan::Draft;
use crate::store::FileIdentity;
use crate::time::{Clock, Stopwatch};

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

/// Why there is nothing of a step.
enum NoAnswer {
    /// It takes longer than it may: at this look, or since an earlier one.
    Late,
    Died,
}

/// Runs a step in a thread of its own, unless the one before is still `late`.
fn within<T: Send + 'static>(
    limit: Duration,
    late: &mut Option<Receiver<T>>,
    step: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoAnswer> {
    if late.as_ref().is_some_and(|late| matches!(late.try_recv(), Err(TryRecvError::Empty))) {
        return Err(NoAnswer::Late);
    }
    let (done, result) = mpsc::sync_channel(1);
    let body = move || {
        // Nobody may wait any more.
        let _ = done.send(step());
    };
    *late = None;
    thread::Builder::new().name("plans step".to_owned()).spawn(body).map_err(|_| NoAnswer::Died)?;
    result.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => {
            *late = Some(result);
            NoAnswer::Late
        }
        RecvTimeoutError::Disconnected => NoAnswer::Died,
    })
}

impl DirectoryReader {
    fn new(judge: Arc<DraftReader>) -> Self {
        Self { judge, kept: BTreeMap::new(), files: BTreeMap::new(), listing: None, holding: None }
    }

    /// One look; a second one where the directory was changed in the middle of the first.
    fn look(&mut self, directory: &Path, yml: Yml) -> DirectoryLook {
        let (look, moved) = self.once(directory, yml);
        if moved { self.once(directory, yml).0 } else { look }
    }

    /// One look, and whether the directory was changed in the middle of it.
    fn once(&mut self, directory: &Path, yml: Yml) -> (DirectoryLook, bool) {
        let listing = match self.list(directory) {
            Ok(listing) => Arc::new(listing),
            Err(why) => return (DirectoryLook::Unreadable(why), false),
        };
        let (mut files, mut notes) = (BTreeMap::new(), BTreeMap::new());
        let mut read = Vec::new();
        let mut moved = false;
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
                    moved = true;
                    Err("it went away while ringward read it; ringward reads it again in a few seconds"
                        .to_owned())
                }
            };
            files.insert(name.to_owned(), entry.map_err(|why| format!("{name}: {why}")));
        }
        self.kept.retain(|name, _| listing.names.iter().any(|listed| listed == name.as_str()));
        moved |= !self.holds(directory, listing, read);
        (DirectoryLook::Files { files, notes }, moved)
    }

    fn list(&mut self, directory: &Path) -> Result<DirectoryListing, String> {
        let path = directory.to_owned();
        let listing = within(DIRECTORY_WITHIN, &mut self.listing, move || DirectoryListing::of(&path));
        let shown = directory.display();
        listing.unwrap_or_else(|why| match why {
            NoAnswer::Late => Err(format!(
                "the plans directory {shown} did not answer within {} s; nothing is entered, written back or verified until it can be",
                DIRECTORY_WITHIN.as_secs()
            )),
            NoAnswer::Died => {
                Err(format!("the plans directory {shown} cannot be read: no thread could do it"))
            }
        })
    }

    fn file(
        &mut self,
        listing: &Arc<DirectoryListing>,
        name: &str,
        yml: Yml,
    ) -> (FoundFile, Option<FileIdentity>) {
        let mut late = self.files.remove(name);
        // What came of it late is known now, should the content be the same.
        match late.as_ref().map(Receiver::try_recv) {
            Some(Ok(done)) => {
                self.keep(name, done.read);
                late = None;
            }
            // It goes on, whatever comes of it after this look.
            Some(Err(TryRecvError::Empty)) => {
                self.files.extend(late.map(|late| (name.to_owned(), late)));
                return (FoundFile::Unusable(TOO_SLOW.to_owned()), None);
            }
            Some(Err(TryRecvError::Disconnected)) | None => late = None,
        }
        let step = {
            let (listing, name, judge) = (Arc::clone(listing), name.to_owned(), Arc::clone(&self.judge));
            let before = self.kept.get(&name).cloned();
            within(FILE_WITHIN, &mut late, move || listing.read(&name, yml, before, &*judge))
        };
        self.files.extend(late.map(|late| (name.to_owned(), late)));
        let why = match step {
            Ok(FileLook { found, read }) => return (found, self.keep(name, read)),
            Err(NoAnswer::Late) => TOO_SLOW,
            Err(NoAnswer::Died) => "reading it met a fault in ringward; please report it",
        };
        (FoundFile::Unusable(why.to_owned()), None)
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
        let directory = directory.to_owned();
        let holds = within(DIRECTORY_WITHIN, &mut self.holding, move || listing.holds(&directory, &read));
        // The next look says what is the matter with the directory.
        holds.unwrap_or(true)
    }
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
        clock: Clock,
        looks: tokio::sync::mpsc::Sender<Looked>,
    ) -> io::Result<Self> {
        let (jobs, asked) = mpsc::channel();
        let body = move || {
            // By the calendar too: the loop that compares the files must not search it.
            let judge = move |bytes: &[u8]| Draft::read_at(bytes, clock.now());
            let mut reader = DirectoryReader::new(Arc::new(judge));
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
