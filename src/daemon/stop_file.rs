//! The stop file beside the database: the brake that needs no daemon.
//!
//! **Invariant:** when it cannot be told whether the file is there, it counts as there; and a daemon that
//! was told to stop is stopped whether or not the file could be written. Whatever a file says, its owner is who
//! stopped; root alone speaks for others.

use std::fs;
use std::io::{ErrorKind, Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::daemon::users::{ROOT, name_of};
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

    /// What a file says that belongs to a user: whom it names beside them is a claim.
    fn of_file(self, uid: u32, owner: &str) -> Self {
        let is_owner = matches!(&self.actor, Actor::Local { user } if user == owner);
        if is_owner || uid == ROOT {
            return self;
        }
        let reason = format!("{} (the stop file names {})", self.reason.trim(), self.actor);
        Self { actor: Actor::Local { user: owner.to_owned() }, reason, ..self }
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
        // Opening a pipe would wait for whoever writes to it; a link may lead to what another user wrote.
        fs::symlink_metadata(&self.path).ok().filter(fs::Metadata::is_file)?;
        let file = fs::File::open(&self.path).ok()?;
        let data = file.metadata().ok().filter(|data| data.is_file() && data.len() <= MAX_BYTES)?;
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        let said: Stopping = serde_json::from_str(&text).ok()?;
        let reason = secrets::redact(&said.reason).into_owned();
        let said = Some(Stopping { reason, ..said }).filter(Stopping::can_be_recorded)?;
        Some(said.of_file(data.uid(), &name_of(data.uid())))
    }

    /// Puts it there, durably, for its owner and the database's to read. One that is there stays as it is: the
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
        self.show_to_owner(&file);
        file.write_all(secrets::redact(&serde_json::to_string(stopping)?).as_bytes())?;
        file.sync_all()?;
        if let Some(directory) = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    /// Root's file stays root's, who so is on record as the one that stopped; the group of the database's owner reads
    /// it, else the daemon could not tell who stopped it, and why. Without that right the file stays as it is: it stops
    /// whoever can read it.
    fn show_to_owner(&self, file: &fs::File) {
        let Ok(database) = fs::metadata(&self.database) else { return };
        let is_foreign = file.metadata().is_ok_and(|ours| ours.uid() != database.uid());
        if is_foreign && fchown(file, None, Some(database.gid())).is_ok() {
            let _ = file.set_permissions(fs::Permissions::from_mode(0o640));
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
    fn the_databases_owner_reads_it_and_it_stays_its_makers() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("ringward.db");
        fs::write(&database, "").unwrap();
        let given = std::os::unix::fs::chown(&database, Some(64_321), Some(64_322));
        let file = StopFile::beside(&database);
        let actor = Actor::Local { user: "root".to_owned() };
        file.put(&Stopping { actor, reason: "dns is down".to_owned(), at: Timestamp::UNIX_EPOCH }).unwrap();
        let (of, found) = (fs::metadata(&database).unwrap(), fs::metadata(file.path()).unwrap());
        let ours = fs::metadata(directory.path()).unwrap().uid();
        let expected = if given.is_ok() { (0, 64_322, 0o640) } else { (ours, of.gid(), 0o600) };
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), expected);
    }

    #[test]
    fn a_file_speaks_for_its_owner() {
        let local = |user: &str| Actor::Local { user: user.to_owned() };
        let access = || Actor::Access { email: "ana@example.com".parse().unwrap() };
        let claimed = |who: &str| format!("dns is down (the stop file names {who})");
        // Whom it names, whose file it is, and who is on record with which reason.
        let rows = [
            ("its owner", local("ana"), (1000, "ana"), local("ana"), "dns is down".to_owned()),
            ("another user", local("bob"), (1000, "ana"), local("ana"), claimed("local:bob")),
            ("root", local("root"), (1000, "ana"), local("ana"), claimed("local:root")),
            ("a person", access(), (1000, "ana"), local("ana"), claimed("access:ana@example.com")),
            ("somebody at the page", Actor::Loopback, (7, "uid 7"), local("uid 7"), claimed("loopback")),
            ("by root, a person", access(), (0, "root"), access(), "dns is down".to_owned()),
            ("by root, a user", local("bob"), (0, "root"), local("bob"), "dns is down".to_owned()),
        ];
        for (row, actor, (uid, owner), recorded, reason) in rows {
            let said = Stopping { actor, reason: "dns is down".to_owned(), at: Timestamp::UNIX_EPOCH };
            let kept = said.of_file(uid, owner);
            assert_eq!((kept.actor, kept.reason), (recorded, reason), "{row}");
        }
    }

    /// Root only can give a file to somebody else.
    #[test]
    fn the_owner_of_a_forged_file_is_on_record() {
        let directory = tempfile::tempdir().unwrap();
        let file = StopFile::beside(&directory.path().join("ringward.db"));
        let forged = serde_json::json!({"actor": "access:ana@example.com", "reason": "x", "at": "2026-01-01T00:00:00Z"});
        fs::write(file.path(), forged.to_string()).unwrap();
        let given = std::os::unix::fs::chown(file.path(), Some(64_321), None).is_ok();
        let uid = fs::metadata(file.path()).unwrap().uid();
        assert!(given == (uid == 64_321) && uid != ROOT, "{uid}");
        let said = file.said().unwrap();
        assert_eq!(said.actor, Actor::Local { user: name_of(uid) });
        assert_eq!(said.reason, "x (the stop file names access:ana@example.com)");
    }

    #[test]
    fn the_first_stop_counts_and_any_file_stops() {
        let directory = tempfile::tempdir().unwrap();
        let user = name_of(fs::metadata(directory.path()).unwrap().uid());
        let file = StopFile::beside(&directory.path().join("ringward.db"));
        assert!(!file.is_there() && file.read().is_none());
        let stop = |reason: &str| Stopping {
            actor: Actor::Local { user: user.clone() },
            reason: reason.to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        file.put(&stop("dns is down")).unwrap();
        file.put(&stop("no sound in calls")).unwrap();
        assert_eq!(file.read(), Some(stop("dns is down")));
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
