//! Whether anybody can write a database: the proof that no daemon records anything in it.
//!
//! **Invariant:** it is a proof for every process: rights of this user alone prove nothing.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::{os::unix::fs::MetadataExt as _, path::Path};

/// `EIO`: the disk itself.
const IO_ERROR: i32 = 5;

/// Why nobody can write this database now; `None`: somebody may. A process that has it open already may go
/// on writing behind a read-only mount, so with one of those only a file system that is itself read-only
/// proves it.
pub fn sealed(database: &Path) -> Option<io::Error> {
    let error = OpenOptions::new().write(true).open(database).err()?;
    let for_everybody =
        error.kind() == ErrorKind::ReadOnlyFilesystem || error.raw_os_error() == Some(IO_ERROR);
    (for_everybody && is_read_only_itself(database)).then_some(error)
}

/// Whether the file system is read-only, and not only the way to it.
fn is_read_only_itself(database: &Path) -> bool {
    let (Ok(data), Ok(mounts)) = (fs::metadata(database), fs::read_to_string("/proc/self/mountinfo")) else {
        return false;
    };
    says_read_only(&mounts, data.dev())
}

/// What the kernel's list of mounts says of a device: the options behind the dash are the file system's.
fn says_read_only(mounts: &str, device: u64) -> bool {
    let (major, minor) = (device >> 8 & 0xfff, (device & 0xff) | (device >> 12 & 0xfff_ff00));
    let number = format!("{major}:{minor}");
    let of_device = mounts.lines().filter(|line| line.split(' ').nth(2) == Some(&number));
    let read_only = |line: &str| {
        let options = line.split_once(" - ").and_then(|(_, own)| own.split(' ').nth(2));
        options.is_some_and(|options| options.split(',').any(|option| option == "ro"))
    };
    let mut of_device = of_device.peekable();
    of_device.peek().is_some() && of_device.all(read_only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_system_itself_seals_it_for_who_has_it_open() {
        let rows = [
            ("writable", "29 1 8:1 / /data rw,noatime - ext4 /dev/sda1 rw,errors=remount-ro", false),
            ("behind a read-only mount", "29 1 8:1 / /data ro,noatime - ext4 /dev/sda1 rw", false),
            ("read-only itself", "29 1 8:1 / /data ro shared:3 - ext4 /dev/sda1 ro,errors=remount-ro", true),
            ("another device", "29 1 8:2 / /data ro - ext4 /dev/sda2 ro", false),
            ("nothing", "", false),
        ];
        for (row, mounts, expected) in rows {
            assert_eq!(says_read_only(mounts, 0x801), expected, "{row}");
        }
        let both = rows.map(|(_, mounts, _)| mounts).join("\n");
        assert!(!says_read_only(&both, 0x801), "one writable way is enough");
    }

    #[test]
    fn what_can_be_opened_or_only_this_user_may_not_open_is_not_sealed() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("ringward.db");
        assert!(sealed(&database).is_none(), "there is none");
        fs::write(&database, "").unwrap();
        assert!(sealed(&database).is_none());
    }
}
