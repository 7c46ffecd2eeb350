//! The stop file beside the database: the brake that needs no daemon.
//!
//! **Invariant:** when it cannot be told whether the file is there, it counts as there; and a daemon that
//! was told to stop is stopped whether or not the file could be written.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::failpoint::{self, Point};
use crate::rollout::record::Actor;
use crate::rollout::state::Attribution;
use crate::time::Timestamp;
use crate::{secrets, store};

/// The largest stop file that is read for its text.
const MAX_BYTES: u64 = 16 * 1024;

/// The user of a stop file that does not say who.
const NOBODY_KNOWN: &str = "unknown";

/// The stop file of a database.
#[derive(Debug, Clone)]
pub struct StopFile {
    path: PathBuf,
    database: PathBuf,
    /// What this process knows besides; shared by all its copies.
    told: Arc<AtomicBool>,
}

/// What a stop file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// When, by the clock of whoever wrote it.
    pub at: Timestamp,
}

impl Stopping {
    /// What a hold in the log says.
    pub fn of(hold: &Attribution) -> Self {
        Self { actor: hold.actor.clone(), reason: hold.reason.clone(), at: hold.since }
    }

    /// Whether it is told of a file that does not say who.
    pub fn is_by_nobody_known(&self) -> bool {
        matches!(&self.actor, Actor::Local { user } if user == NOBODY_KNOWN)
    }

    /// Whether the log can keep it as it stands: a person's, with a reason, in plain text.
    fn can_be_recorded(&self) -> bool {
        let plain = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
        let by_a_person = match &self.actor {
            Actor::Local { user } => !user.chars().any(char::is_control),
            Actor::Loopback | Actor::Access { .. } | Actor::Service { .. } | Actor::Token { .. } => true,
            Actor::Engine => false,
        };
        by_a_person && plain(&self.reason) && !self.reason.trim().is_empty()
    }
}

impl StopFile {
    /// The stop file beside a database: its path with `.stop` at the end.
    pub fn beside(database: &Path) -> Self {
        Self { path: store::beside(database, ".stop"), database: database.to_owned(), told: Arc::default() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether writes are stopped, by the file or by what this process was told. Looked at just before each
    /// changing request.
    pub fn stops(&self) -> bool {
        self.told.load(Ordering::SeqCst) || self.is_there()
    }

    /// Whether this process knows of a stop, also where no file could be written.
    pub fn remember(&self, is_stopped: bool) {
        self.told.store(is_stopped, Ordering::SeqCst);
    }

    /// Whether the file is there.
    pub fn is_there(&self) -> bool {
        match fs::symlink_metadata(&self.path) {
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }

    /// Whether it was found, for telling a person: here, not being able to tell is no stop.
    pub fn is_certainly_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// What it says; a file with any other content stops just as well.
    pub fn read(&self) -> Option<Stopping> {
        self.is_there().then(|| {
            self.said().unwrap_or_else(|| Stopping {
                actor: Actor::Local { user: NOBODY_KNOWN.to_owned() },
                reason: format!("the stop file {} is there", self.path.display()),
                at: Timestamp::UNIX_EPOCH,
            })
        })
    }

    /// What it says, where it says who and why.
    pub fn said(&self) -> Option<Stopping> {
        let small = fs::metadata(&self.path).is_ok_and(|data| data.is_file() && data.len() <= MAX_BYTES);
        let text = if small { fs::read_to_string(&self.path).ok() } else { None };
        let said = text.and_then(|text| serde_json::from_str::<Stopping>(&text).ok());
        let covered =
            |said: Stopping| Stopping { reason: secrets::redact(&said.reason).into_owned(), ..said };
        said.filter(Stopping::can_be_recorded).map(covered)
    }

    /// Puts it there, durably, private to the database's owner. One that is there stays as it is: the
    /// first stop counts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, stopping: &Stopping) -> std::io::Result<()> {
        let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path);
        let mut file = match created {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => return Err(error),
        };
        failpoint::reach(Point::StopFileCreated);
        self.give_to_owner(&file);
        file.write_all(secrets::redact(&serde_json::to_string(stopping)?).as_bytes())?;
        file.sync_all()?;
        if let Some(directory) = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    /// Root's file goes to the database's owner, else the daemon could not read who stopped it, and
    /// why. Without that right the file stays as it is: it stops whoever owns it.
    fn give_to_owner(&self, file: &fs::File) {
        let Ok(database) = fs::metadata(&self.database) else { return };
        if file.metadata().is_ok_and(|ours| ours.uid() != database.uid()) {
            let _ = fchown(file, Some(database.uid()), Some(database.gid()));
        }
    }

    /// Takes it away.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn take_away(&self) -> std::io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Root only can give a file away; for anybody else the two owners are the same from the start.
    #[test]
    fn the_file_belongs_to_the_databases_owner() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("ringward.db");
        fs::write(&database, "").unwrap();
        let given = std::os::unix::fs::chown(&database, Some(64_321), Some(64_322));
        let file = StopFile::beside(&database);
        let actor = Actor::Local { user: "root".to_owned() };
        file.put(&Stopping { actor, reason: "dns is down".to_owned(), at: Timestamp::UNIX_EPOCH }).unwrap();
        let (expected, found) = (fs::metadata(&database).unwrap(), fs::metadata(file.path()).unwrap());
        assert_eq!((found.uid(), found.gid()), (expected.uid(), expected.gid()));
        assert_eq!(found.mode() & 0o777, 0o600);
        assert!(given.is_err() || found.uid() == 64_321);
    }

    #[test]
    fn the_first_stop_counts_and_any_file_stops() {
        let directory = tempfile::tempdir().unwrap();
        let file = StopFile::beside(&directory.path().join("ringward.db"));
        assert!(!file.is_there() && file.read().is_none());
        let stop = |user: &str| Stopping {
            actor: Actor::Local { user: user.to_owned() },
            reason: "dns is down".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        file.put(&stop("ana")).unwrap();
        file.put(&stop("bob")).unwrap();
        assert_eq!(file.read(), Some(stop("ana")));
        file.take_away().unwrap();
        file.take_away().unwrap();
        assert!(!file.is_there());
        let said = |actor: &str, reason: &str| {
            serde_json::json!({"actor": actor, "reason": reason, "at": "2026-01-01T00:00:00Z"}).to_string()
        };
        let odd = [
            String::new(),
            "not json".to_owned(),
            said("local:x", " "),
            said("local:x", "a\0b"),
            said("local:x\u{7}", "why"),
            said("engine", "why"),
        ];
        for content in odd {
            fs::write(file.path(), &content).unwrap();
            let said = file.read().unwrap();
            assert!(said.reason.contains("stop file"), "{content:?} says {}", said.reason);
        }
        file.take_away().unwrap();
        fs::create_dir(file.path()).unwrap();
        assert!(file.is_there() && file.read().is_some());
    }
}
