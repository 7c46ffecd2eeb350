//! Files that somebody else on the machine can change or read: what is said of them at the daemon's start.
//!
//! **Invariant:** each warning names the command that fixes it, and none keeps the daemon from starting: a brake that
//! works is worth more than a mode that is right.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::daemon::users::ROOT;
use crate::text::shell_word;

const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
const OTHERS_READ: u32 = 0o004;
const GROUP_READS: u32 = 0o040;

/// Whether others may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// Who is on the machine may know it.
    Public,
    /// It is for this process alone.
    Secret,
}

/// A user with their group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    user: u32,
    group: u32,
}

/// Says of each file that is there what is too open about it.
pub(super) fn warn(files: &[(&Path, Secrecy)]) {
    let Ok(ours) = fs::metadata("/proc/self") else { return };
    let ours = Owner { user: ours.uid(), group: ours.gid() };
    // The service manager keeps what it hands over, and shows it to us by an ACL, whose mask the mode tells.
    let handed_over = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let is_ours = |path: &Path| !handed_over.as_ref().is_some_and(|directory| path.starts_with(directory));
    for (path, secrecy) in files.iter().filter(|(path, _)| is_ours(path)) {
        // A pipe is what its maker gave us.
        let Some(data) = fs::metadata(path).ok().filter(fs::Metadata::is_file) else { continue };
        let of = Owner { user: data.uid(), group: data.gid() };
        for (why, command) in exposures(of, data.mode(), *secrecy, ours) {
            let shown = path.display().to_string();
            let fix = format!("{command} {}", shell_word(&shown));
            tracing::warn!(file = shown, fix, "{why}");
        }
    }
}

/// What is too open, each with the command that fixes it.
fn exposures(of: Owner, mode: u32, secrecy: Secrecy, ours: Owner) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if of.user != ours.user && of.user != ROOT {
        let why = "another user owns a file that the daemon goes by, and can change it";
        found.push((why, format!("chown {}", ours.user)));
    }
    if mode & (OTHERS_WRITE | GROUP_WRITES) != 0 {
        let why = "other users can change a file that the daemon goes by";
        found.push((why, "chmod go-w".to_owned()));
    }
    // The group that the daemon runs with is how root hands it a file.
    let readers = if of.group == ours.group { OTHERS_READ } else { OTHERS_READ | GROUP_READS };
    if secrecy == Secrecy::Secret && mode & readers != 0 {
        let rights = if readers & GROUP_READS == 0 { "chmod o-r" } else { "chmod go-r" };
        found.push(("other users can read a secret of the daemon", rights.to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_open_is_named_with_what_fixes_it() {
        let owner = |user, group| Owner { user, group };
        let (ours, roots, anas) = (owner(990, 990), owner(0, 0), owner(1000, 1000));
        let rows: [(&str, Owner, u32, Secrecy, &[&str]); 12] = [
            ("ours alone", ours, 0o600, Secrecy::Secret, &[]),
            ("root's alone", roots, 0o600, Secrecy::Secret, &[]),
            ("root's, shown to our group", owner(0, 990), 0o640, Secrecy::Secret, &[]),
            ("root's, shown to root's group", roots, 0o640, Secrecy::Secret, &["chmod go-r"]),
            ("ours, shown to all", ours, 0o644, Secrecy::Secret, &["chmod o-r"]),
            ("known, shown to all", roots, 0o644, Secrecy::Public, &[]),
            ("our group writes", ours, 0o660, Secrecy::Public, &["chmod go-w"]),
            ("all write", ours, 0o666, Secrecy::Public, &["chmod go-w"]),
            ("all write, none reads", ours, 0o602, Secrecy::Secret, &["chmod go-w"]),
            ("another user's", anas, 0o600, Secrecy::Public, &["chown 990"]),
            (
                "another user's, for all",
                anas,
                0o666,
                Secrecy::Secret,
                &["chown 990", "chmod go-w", "chmod go-r"],
            ),
            ("of another user, with our group", owner(1000, 990), 0o640, Secrecy::Secret, &["chown 990"]),
        ];
        for (row, of, mode, secrecy, expected) in rows {
            let found = exposures(of, 0o100_000 | mode, secrecy, ours);
            let commands: Vec<&str> = found.iter().map(|(_, command)| command.as_str()).collect();
            assert_eq!(commands, expected, "{row}");
        }
        assert!(
            exposures(ours, 0o600, Secrecy::Secret, roots).len() == 1,
            "root's daemon, another user's file"
        );
    }
}
