//! Users of this machine: their names.
//!
//! **Invariant:** a user without a name that can be shown is known by their number.

use std::fs;

/// The super-user.
pub(crate) const ROOT: u32 = 0;

/// The name of a user by `/etc/passwd`, else `uid N`. It is read anew each time: names change seldom, but a daemon
/// runs for months, and the file is small.
pub(crate) fn name_of(uid: u32) -> String {
    let passwd = fs::read("/etc/passwd").unwrap_or_default();
    user_name(&String::from_utf8_lossy(&passwd), uid)
}

/// The name of a user in the text of `/etc/passwd`, else `uid N`.
pub(crate) fn user_name(passwd: &str, uid: u32) -> String {
    let names = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then_some(name)
    });
    let plain = |name: &&str| !name.is_empty() && !name.chars().any(char::is_control);
    names.filter(plain).map(str::to_owned).next().unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_or_a_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\
                      # a comment\n\
                      +::::::\n\
                      ada:x:1000:1000:Ada:/home/ada:/bin/sh\n\
                      twin:x:1000:1000::/:/bin/sh\n\
                      :x:1001:1001::/:/bin/sh\n\
                      a\u{7}b:x:1002:1002::/:/bin/sh\n\
                      short:x\n\
                      odd:x:10x:0::/:\n";
        let rows = [
            (0, "root"),
            (1000, "ada"),
            (1001, "uid 1001"),
            (1002, "uid 1002"),
            (10, "uid 10"),
            (65534, "uid 65534"),
        ];
        for (uid, expected) in rows {
            assert_eq!(user_name(passwd, uid), expected, "{uid}");
        }
        assert_eq!(user_name("", 0), "uid 0");
    }
}
