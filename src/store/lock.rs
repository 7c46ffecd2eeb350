//! One daemon owns a database: an OS lock on a file beside it, which says who holds it.
//!
//! **Invariant:** a [`WriteLock`] exists only while this process holds the OS lock, and only a
//! holder can open the database for writing. The lock dies with its process, SIGKILL included. Asking who
//! holds it never keeps a daemon from taking it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failpoint::{self, Point};
use crate::store::files::{FileIdentity, beside, directory_of, resolved};
use crate::time::{Timestamp, in_words, since};

/// Whoever only asks who holds a lock has it for an instant ([`ownership`]): it is tried again so often.
const TRIES: u32 = 20;
const TRY_EVERY: Duration = Duration::from_millis(10);

/// The longest text read back from a lock file; ours has about 100 bytes.
const MAX_HOLDER_BYTES: u64 = 4096;

/// Who owns a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// The process.
    pub pid: u32,
    /// When it took the lock, by its own clock.
    pub since: Timestamp,
    /// Its machine.
    pub host: String,
}

/// The database cannot be owned.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process owns it.
    #[error("{}", held(database, holder.as_ref(), *now))]
    Held {
        /// The database.
        database: PathBuf,
        /// Who owns it; `None` in the instant in which that process has not yet written its name.
        holder: Option<LockHolder>,
        /// When we asked.
        now: Timestamp,
    },
    /// The lock file cannot be made or locked.
    #[error(
        "cannot own the database {database}: its directory {directory} must exist and be writable for this user (or name another file with --db)"
    )]
    Unusable {
        /// The database.
        database: PathBuf,
        /// Its directory.
        directory: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

fn held(database: &Path, holder: Option<&LockHolder>, now: Timestamp) -> String {
    let who = match holder {
        None => "another process that is just starting".to_owned(),
        Some(LockHolder { pid, since: start, host }) => {
            let age = since(*start, now);
            // Its clock need not be ours (a fast one, another machine's): then its age says nothing.
            let age = if age.is_negative() { String::new() } else { format!(", {} ago", in_words(age)) };
            format!("process {pid} on {host}, started {start}{age}")
        }
    };
    format!(
        "{} is in use by {who}; one daemon owns a database: stop that one, or name another file with --db",
        database.display()
    )
}

/// Whether a daemon owns a database.
#[derive(Debug)]
pub enum Ownership {
    /// Some process does.
    Held,
    /// None does.
    Free,
    /// This user cannot tell.
    Unknown(io::Error),
}

/// Whether a daemon owns the database at `path` now.
pub fn ownership(path: &Path) -> Ownership {
    let file = match File::open(beside(path, ".lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ownership::Free,
        Err(error) => return Ownership::Unknown(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ownership::Free,
        Err(TryLockError::WouldBlock) => Ownership::Held,
        Err(TryLockError::Error(error)) => Ownership::Unknown(error),
    }
}

/// The proof that this process owns a database. Keep it over a reopen ([`super::Store::into_lock`]),
/// so that nobody else gets in between.
#[derive(Debug)]
pub struct WriteLock {
    file: File,
    database: PathBuf,
}

impl WriteLock {
    /// Takes the lock of the database at `path`, which need not exist yet. Links are resolved
    /// first, so two names of one database have one lock.
    ///
    /// # Errors
    /// When another process holds it, or the directory is missing or not writable.
    pub fn acquire(path: &Path, now: Timestamp) -> Result<Self, LockError> {
        let unusable = |source: io::Error| LockError::Unusable {
            database: path.to_owned(),
            directory: directory_of(path).to_owned(),
            source,
        };
        let database = canonical(path).map_err(unusable)?;
        let mut file = open(&database).map_err(unusable)?;
        if !locked(&file).map_err(unusable)? {
            return Err(LockError::Held { database, holder: read_holder(&mut file), now });
        }
        failpoint::reach(Point::LockTaken);
        write_holder(&mut file, now).map_err(unusable)?;
        Ok(Self { file, database })
    }

    /// Whether the lock's file is still the one that is locked: with another in its place, or none, another
    /// daemon may take "the" lock.
    pub(super) fn is_in_place(&self) -> bool {
        let ours = self.file.metadata().map(|data| FileIdentity::of(&data));
        let there = FileIdentity::at(&beside(&self.database, ".lock"));
        matches!((ours, there), (Ok(ours), Ok(there)) if ours == there)
    }

    /// Takes the lock of the file that is in the place of the one that is locked.
    ///
    /// # Errors
    /// When another process was first, or no file can be made.
    pub(super) fn renew(&mut self, now: Timestamp) -> Result<(), LockError> {
        if !self.is_in_place() {
            *self = Self::acquire(&self.database, now)?;
        }
        Ok(())
    }

    /// The database, links resolved.
    pub fn database(&self) -> &Path {
        &self.database
    }
}

impl Drop for WriteLock {
    /// Takes our name off. The file stays: deleting a lock file lets two processes each lock "the"
    /// file. A failure leaves a stale name that nobody reads, because the lock is free.
    ///
    /// Unlocks by word: closing alone leaves the lock with a copy of the descriptor, and a child that
    /// this process is just starting has one until it becomes its own program.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn open(database: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Not truncated: another daemon's name may stand in it.
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(beside(database, ".lock"))
}

/// Takes the lock, unless another daemon has it.
fn locked(file: &File) -> io::Result<bool> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => thread::sleep(TRY_EVERY),
            Err(TryLockError::Error(source)) => return Err(source),
        }
    }
    Ok(false)
}

fn write_holder(file: &mut File, now: Timestamp) -> io::Result<()> {
    let holder = LockHolder { pid: std::process::id(), since: now, host: host_name() };
    let text = serde_json::to_string(&holder).map_err(io::Error::other)?;
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{text}")
}

fn read_holder(file: &mut File) -> Option<LockHolder> {
    let mut text = String::new();
    file.take(MAX_HOLDER_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The database's path without any link, so that whoever asks is told where it lies.
fn canonical(path: &Path) -> io::Result<PathBuf> {
    let path = resolved(path);
    match fs::canonicalize(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
            Ok(fs::canonicalize(directory_of(&path))?.join(name))
        }
        found => found,
    }
}

/// The machine's name, for people; not worth a failure.
fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an unnamed host".to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_second_opener_is_told_who_holds_the_lock_and_for_how_long() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("ringward.db");
        let first = WriteLock::acquire(&db, at("2026-10-12T06:00:00Z")).unwrap();
        let refusal = WriteLock::acquire(&db, at("2026-10-12T08:30:00Z")).unwrap_err();
        let text = refusal.to_string();
        let LockError::Held { holder: Some(holder), .. } = refusal else { panic!("{text}") };
        let since = at("2026-10-12T06:00:00Z");
        assert_eq!(holder, LockHolder { pid: std::process::id(), since, host: host_name() });
        assert!(text.contains(&format!("process {}", holder.pid)) && text.contains("2h 30m ago"), "{text}");

        let earlier = WriteLock::acquire(&db, at("2026-10-12T05:00:00Z")).unwrap_err().to_string();
        assert!(
            earlier.contains("started 2026-10-12T06:00:00Z;"),
            "no age without a common clock: {earlier}"
        );
        drop(first);
        WriteLock::acquire(&db, at("2026-10-12T09:00:00Z")).unwrap();
    }

    #[test]
    fn a_copy_of_the_descriptor_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("ringward.db");
        let now = at("2026-10-12T06:00:00Z");
        let held = WriteLock::acquire(&db, now).unwrap();
        let _as_a_child_has_it = held.file.try_clone().unwrap();
        drop(held);
        WriteLock::acquire(&db, now).unwrap();
    }

    #[test]
    fn two_names_of_one_database_have_one_lock() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.db"), dir.path().join("link.db"));
        fs::write(&real, "").unwrap();
        symlink(&real, &link).unwrap();
        let now = at("2026-10-12T06:00:00Z");
        let _held = WriteLock::acquire(&link, now).unwrap();
        assert!(matches!(WriteLock::acquire(&real, now), Err(LockError::Held { .. })));
        let mode = fs::metadata(beside(&real, ".lock")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_holder_without_a_name_yet_is_still_a_holder() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("ringward.db");
        let now = at("2026-10-12T06:00:00Z");
        let held = WriteLock::acquire(&db, now).unwrap();
        held.file.set_len(0).unwrap();
        let text = WriteLock::acquire(&db, now).unwrap_err().to_string();
        assert!(text.contains("just starting"), "{text}");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let text = WriteLock::acquire(&dir.path().join("none/ringward.db"), at("2026-10-12T06:00:00Z"))
            .unwrap_err()
            .to_string();
        assert!(text.contains("none") && text.contains("must exist") && text.contains("--db"), "{text}");
    }
}
