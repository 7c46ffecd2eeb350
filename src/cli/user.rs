//! Who types the command, for the stop file: the daemon learns it from the socket by itself.
//!
//! **Invariant:** it never fails; a user without a name is told by number.

use std::fs;

use crate::rollout::record::Actor;
use crate::web::user_name;

/// The user of this process: the effective user ID, as the daemon's socket would see it.
pub fn caller() -> Actor {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    Actor::Local { user: user_of(&status, &passwd) }
}

fn user_of(status: &str, passwd: &str) -> String {
    // `Uid:` real, effective, saved, file system (proc_pid_status(5)).
    let uid = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|ids| ids.split_whitespace().nth(1))
        .and_then(|uid| uid.parse::<u32>().ok());
    let Some(uid) = uid else { return "unknown".to_owned() };
    user_name(passwd, uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_or_a_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\nbroken\n:x:7:7::/:\nana:x:1000:1000::/home/ana:/bin/sh\n";
        let rows = [
            ("named", "Name:\tx\nUid:\t1000\t1000\t1000\t1000\n", "ana"),
            ("effective, not real", "Uid:\t1000\t0\t0\t0\n", "root"),
            ("no name", "Uid:\t4242\t4242\t4242\t4242\n", "uid 4242"),
            ("an empty name", "Uid:\t7\t7\t7\t7\n", "uid 7"),
            ("no proc", "", "unknown"),
        ];
        for (row, status, user) in rows {
            assert_eq!(user_of(status, passwd), user, "{row}");
        }
        assert_ne!(caller(), Actor::Engine);
    }
}
