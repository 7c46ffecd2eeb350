//! The files of a database: where those lie that belong to it, and whether one is still the same.
//!
//! **Invariant:** lock, socket, stop file and configuration lie beside the database itself, whatever link
//! leads to it; so whoever asks by a link and the daemon look at the same ones.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// Of the file with this metadata.
    pub fn of(data: &Metadata) -> Self {
        Self { device: data.dev(), inode: data.ino() }
    }

    /// Of the file that has this name now. A link that leads to it is another: whoever goes by it looks for the
    /// neighbours elsewhere.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|data| Self::of(&data))
    }
}

/// Where the file lies that a path leads to: links to the file are followed, those to its directory lead to
/// the same neighbours anyway. A link to nothing is no database, and stays as it is.
pub fn resolved(database: &Path) -> PathBuf {
    let is_link = fs::symlink_metadata(database).is_ok_and(|data| data.file_type().is_symlink());
    let found = if is_link { fs::canonicalize(database).ok() } else { None };
    found.unwrap_or_else(|| database.to_owned())
}

/// The file beside a database whose name is the database's with something added.
pub fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = resolved(database).into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// The directory that a file lies in; never empty.
pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn all_names_of_a_database_have_the_same_neighbours() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let (real, far) = (root.join("real"), root.join("far"));
        fs::create_dir(&real).unwrap();
        fs::create_dir(&far).unwrap();
        let database = real.join("r.db");
        fs::write(&database, "").unwrap();
        symlink(&database, far.join("link.db")).unwrap();
        symlink("link.db", far.join("link-to-link.db")).unwrap();
        symlink("../real/r.db", far.join("relative.db")).unwrap();
        symlink(&real, far.join("directory")).unwrap();
        symlink(root.join("nothing.db"), far.join("dangling.db")).unwrap();
        let stop = real.join("r.db.stop");
        let rows = [
            ("itself", database.clone(), stop.clone()),
            ("a link", far.join("link.db"), stop.clone()),
            ("a link to a link", far.join("link-to-link.db"), stop.clone()),
            ("a relative link", far.join("relative.db"), stop),
            ("by a link to its directory", far.join("directory/r.db"), far.join("directory/r.db.stop")),
            ("a link to nothing", far.join("dangling.db"), far.join("dangling.db.stop")),
            ("not there", real.join("none.db"), real.join("none.db.stop")),
        ];
        for (row, path, expected) in rows {
            assert_eq!(beside(&path, ".stop"), expected, "{row}");
        }
    }

    #[test]
    fn a_file_in_the_place_of_another_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&path, "").unwrap();
        fs::write(&other, "").unwrap();
        let before = FileIdentity::at(&path).unwrap();
        fs::write(&path, "more").unwrap();
        assert_eq!(FileIdentity::at(&path).unwrap(), before, "written to");
        fs::rename(&other, &path).unwrap();
        assert_ne!(FileIdentity::at(&path).unwrap(), before, "replaced");
        fs::rename(&path, dir.path().join("c")).unwrap();
        assert!(FileIdentity::at(&path).is_err(), "moved");
        symlink("c", &path).unwrap();
        let moved = FileIdentity::at(&dir.path().join("c")).unwrap();
        assert_ne!(FileIdentity::at(&path).unwrap(), moved, "a link in its place");
    }
}
