//! The Unix socket beside the database, which the command line talks to.
//!
//! **Invariant:** whoever is served here is root or the user that the daemon runs as, and the
//! kernel says who; the socket file is only ever replaced by the owner of the database's lock.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::daemon::users::{ROOT, name_of};
use crate::failpoint::{self, Point};
use crate::store;
use crate::web::guard::Peer;
use crate::web::limits::ConnectionLimits;
use crate::web::serve::connections;
use crate::web::services::Services;

/// A socket that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Something that is no socket has the name.
    #[error(
        "{0} is in the way: the command line's socket goes there; move it, or name another file with --db"
    )]
    InTheWay(PathBuf),
    /// Anything else.
    #[error(
        "cannot listen on the socket {path}: {source}; its directory must be writable and its path shorter than 108 bytes"
    )]
    Failed {
        /// The path.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// A socket that nobody is served on yet. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct BoundSocket {
    listener: UnixListener,
    _file: SocketFile,
    /// The user that the daemon runs as.
    owner: u32,
}

#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that is left behind is replaced by the next daemon.
        let _ = fs::remove_file(&self.0);
    }
}

/// Where the socket of a database is: `<database>.sock`.
pub fn socket_path(database: &Path) -> PathBuf {
    store::beside(database, ".sock")
}

/// Takes the socket beside `database`. Only for the owner of the database's lock: a socket file
/// that is there was left by a daemon that died, and is replaced.
///
/// # Errors
/// When something else has the name, or the system refuses.
pub fn bind_socket(database: &Path) -> Result<BoundSocket, SocketError> {
    let path = socket_path(database);
    let failed = |source: io::Error| SocketError::Failed { path: path.clone(), source };
    match fs::symlink_metadata(&path) {
        Ok(there) if there.file_type().is_socket() => fs::remove_file(&path).map_err(failed)?,
        Ok(_) => return Err(SocketError::InTheWay(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    failpoint::reach(Point::SocketBound);
    let file = SocketFile(path.clone());
    // Who connects before this is still asked for their user.
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
    let owner = fs::symlink_metadata(&path).map_err(failed)?.uid();
    Ok(BoundSocket { listener, _file: file, owner })
}

/// Serves until `token` is cancelled, lets answers under way finish, and removes the socket file.
pub async fn serve_socket(bound: BoundSocket, services: Services, token: CancellationToken) {
    let next = || async {
        loop {
            let (stream, _) = bound.listener.accept().await?;
            if let Some(peer) = peer(&stream, bound.owner) {
                return Ok((stream, peer));
            }
        }
    };
    connections(next, services, ConnectionLimits::default(), token).await;
}

/// Who connected; `None`: nobody who may.
fn peer(stream: &UnixStream, owner: u32) -> Option<Peer> {
    match stream.peer_cred() {
        Ok(credentials) if may_connect(credentials.uid(), owner) => {
            Some(Peer::Local { user: name_of(credentials.uid()) })
        }
        Ok(credentials) => {
            tracing::warn!(uid = credentials.uid(), "a foreign user was turned away from the socket");
            None
        }
        Err(error) => {
            tracing::warn!(%error, "nobody can say who connected to the socket");
            None
        }
    }
}

const fn may_connect(uid: u32, owner: u32) -> bool {
    uid == ROOT || uid == owner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_and_the_owner_may_connect() {
        let rows = [("root", 0, 1000, true), ("the owner", 1000, 1000, true), ("another", 1001, 1000, false)];
        for (row, uid, owner, allowed) in rows {
            assert_eq!(may_connect(uid, owner), allowed, "{row}");
        }
    }

    #[test]
    fn the_socket_lies_beside_the_database() {
        assert_eq!(socket_path(Path::new("/var/lib/r.db")), Path::new("/var/lib/r.db.sock"));
    }
}
