//! A database open for reading, beside a daemon or without one.
//!
//! **Invariant:** a reader never writes to the database, and migrates nothing.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::store::connection::{FileOrigin, configure, origin};
use crate::store::refusal::{OpenError, failed};
use crate::{store::migrate::SCHEMA_VERSION, store::view::DatabaseView};

/// A database open for reading, beside a daemon or without one. Any number may be open.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

impl Reader {
    /// Opens an existing database, of the present schema or an older one. It never writes to it; SQLite makes its
    /// `-wal` and `-shm` files beside it where there are none.
    ///
    /// # Errors
    /// When it is missing, is not ours, has a newer schema, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let owned = || path.to_owned();
        if !path.exists() {
            return Err(OpenError::Missing(owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed(path))?;
        configure(&connection).map_err(failed(path))?;
        match origin(&connection).map_err(failed(path))? {
            FileOrigin::Empty => Err(OpenError::Missing(owned())),
            FileOrigin::Foreign => Err(OpenError::AnotherProgram(owned())),
            FileOrigin::Ours { schema: found } if found > SCHEMA_VERSION => {
                Err(OpenError::NewerSchema { path: owned(), found })
            }
            // What is read here stands in every schema so far: a backup of an older release tells its log.
            FileOrigin::Ours { .. } => Ok(Self { connection, path: owned() }),
        }
    }

    /// What can be read.
    pub fn view(&self) -> DatabaseView<'_> {
        DatabaseView { connection: &self.connection, path: &self.path }
    }
}
