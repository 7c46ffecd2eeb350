//! Client versions and the environments that a deployment group can target.
//!
//! **Invariant:** versions are compared as four numbers, never as text, and an environment is
//! one of those that Cloudflare assigns versions to.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::text::kept_as_text;

/// A Cloudflare One Client version: `YYYY.M.BUILD.C` (C is 0 for GA and 1 for beta).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientVersion([u32; 4]);
kept_as_text!(ClientVersion);

/// A text that is not a client version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a client version; write four numbers, such as 2026.8.2100.0")]
pub struct InvalidVersion {
    found: String,
}

impl ClientVersion {
    /// The first client that follows assignments: older ones ignore them, so a device below it
    /// can never be moved (client-version-assignments.mdx: "2026.6.x.0").
    pub const FIRST_ASSIGNABLE: Self = Self([2026, 6, 0, 0]);

    /// A version from its four numbers.
    pub const fn new(year: u32, month: u32, build: u32, channel: u32) -> Self {
        Self([year, month, build, channel])
    }

    /// Whether a device on this version follows assignments at all.
    pub fn follows_assignments(self) -> bool {
        self >= Self::FIRST_ASSIGNABLE
    }

    /// Whether year and month are some: a client is called by the month that it was built in.
    pub const fn may_exist(self) -> bool {
        let [year, month, _, _] = self.0;
        matches!(year, 2000..2100) && matches!(month, 1..=12)
    }

    /// Whether it is a release and no beta: its last number is 0.
    pub const fn is_release(self) -> bool {
        let [_, _, _, channel] = self.0;
        channel == 0
    }

    /// The first three numbers, which `semver` ranges in `forbid` read.
    pub fn as_semver(self) -> semver::Version {
        let [year, month, build, _] = self.0;
        semver::Version::new(year.into(), month.into(), build.into())
    }
}

impl fmt::Display for ClientVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

impl FromStr for ClientVersion {
    type Err = InvalidVersion;

    /// Reads `2026.8.2100.0`. A two-digit year is taken as 20xx: the Windows installer registers
    /// itself as 26.x (winget-pkgs#373076), so a device list might too.
    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let invalid = || InvalidVersion { found: text.chars().take(40).collect() };
        let number = |part: &str| {
            let plain = part.bytes().all(|b| b.is_ascii_digit());
            let no_leading_zero = part.len() == 1 || !part.starts_with('0');
            part.parse().ok().filter(|_| plain && no_leading_zero)
        };
        // Four of them; no more than five parts are looked at.
        let numbers: Option<Vec<u32>> = text.splitn(5, '.').map(number).collect();
        let numbers: Option<[u32; 4]> = numbers.and_then(|numbers| numbers.try_into().ok());
        let mut numbers = numbers.ok_or_else(invalid)?;
        if (20..100).contains(&numbers[0]) {
            numbers[0] += 2000;
        }
        Ok(Self(numbers))
    }
}

/// Every environment that a deployment group can target, once: its variant, its spelling in `target_environment`, plan
/// files and metric labels, its name for people, and how devices call themselves. Calls a macro with all of them.
macro_rules! each_environment {
    ($then:ident) => {
        $then! {
            /// `windows`
            Windows "windows" "Windows" ["windows"];
            /// `macos` in an assignment; a device calls itself `mac`.
            Macos "macos" "macOS" ["mac", "macos", "darwin"];
        }
    };
}
pub(crate) use each_environment;

macro_rules! environments {
    ($($(#[$doc:meta])* $environment:ident $name:literal $shown:literal [$($spelling:literal),+];)+) => {
        /// What a deployment group can target: Cloudflare's `target_environment`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Environment {
            $($(#[$doc])* $environment,)+
        }

        impl Environment {
            /// All, in the order in which reports list them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$environment),+];

            /// The spelling of `target_environment`, plan files and metric labels.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$environment => $name,)+
                }
            }

            /// The environment of a `device_type`, which is free text in the API. Mac spellings are
            /// inferred (cloudflare.md#device-type), so several are taken. `None`: an OS that has no assignments.
            pub fn of_device_type(device_type: &str) -> Option<Self> {
                // Of every device, many times a decision: the usual spellings first, and no copy in lower case.
                match device_type {
                    $($($spelling)|+ => return Some(Self::$environment),)+
                    _ => {}
                }
                let is = |name: &str| device_type.eq_ignore_ascii_case(name);
                $(if [$($spelling),+].into_iter().any(is) {
                    return Some(Self::$environment);
                })+
                None
            }
        }
    };
}
each_environment!(environments);

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_written() {
        let rows = [
            ("four numbers", "2026.8.2100.0", Some("2026.8.2100.0")),
            ("the Windows installer's spelling", "26.4.1350.0", Some("2026.4.1350.0")),
            ("an old four-part version", "1.6.28.0", Some("1.6.28.0")),
            ("three numbers", "2026.8.2100", None),
            ("five numbers", "2026.8.2100.0.1", None),
            ("a leading zero", "2026.08.2100.0", None),
            ("a sign", "2026.8.+210.0", None),
            ("beyond 32 bits", "2026.8.4294967296.0", None),
            ("empty", "", None),
            ("a v", "v2026.8.2100.0", None),
        ];
        for (row, text, expected) in rows {
            let read = text.parse::<ClientVersion>().ok().map(|v| v.to_string());
            assert_eq!(read.as_deref(), expected, "{row}");
        }
    }

    #[test]
    fn versions_compare_as_numbers() {
        let hotfix: ClientVersion = "2026.6.905.0".parse().unwrap();
        let beta: ClientVersion = "2026.7.1210.1".parse().unwrap();
        let tenth: ClientVersion = "2026.10.1.0".parse().unwrap();
        assert!(hotfix < beta && beta < tenth);
        assert!(hotfix.is_release() && !beta.is_release());
        assert!(hotfix.follows_assignments());
        assert!(!ClientVersion::new(2026, 5, 1155, 1).follows_assignments());
    }

    #[test]
    fn a_mac_is_macos_in_any_spelling() {
        let rows = [
            ("mac", Some(Environment::Macos)),
            ("macOS", Some(Environment::Macos)),
            ("Darwin", Some(Environment::Macos)),
            ("windows", Some(Environment::Windows)),
            ("linux", None),
            ("chromeos", None),
            ("", None),
        ];
        for (device_type, expected) in rows {
            assert_eq!(Environment::of_device_type(device_type), expected, "{device_type}");
        }
    }
}
