//! `ringward.yaml`: what a daemon is told beside its plans, above all who may ask it for what.
//!
//! It is written in the language of plan files and read with their tree, so a file with an error says
//! all of its errors at once, each with its place. Flags and the environment override it.
//!
//! **Invariant:** a file with an error gives no configuration, and no part of one.

mod access;
mod clock;
mod decode;
mod keys;
mod place;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::ids::{AccountId, Email, ServiceName};
use crate::plan::PlanError;
use crate::plan::error::Problems;
use crate::plan::model::{ApprovalFloor, DeviceLimit, Revisions};
use crate::plan::tree::{self, FileKind};

pub use access::{Audience, CertsUrl, InvalidAccess, TeamName};
pub use clock::ClockTrust;
pub use place::{HostName, Listen, NoHostName, NoPlace};

/// The name under which a daemon looks for it, beside its database.
pub const FILE_NAME: &str = "ringward.yaml";

/// What is said of a file that is none.
const CONFIG_FILE: FileKind = FileKind {
    what: "configuration",
    begin: "begin with a key, such as `reading: signed_in`, or name no file",
    instead_of_anchors: "",
};

/// What the file says. What it does not say is as if there were no file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Cloudflare Access in front.
    pub access: Option<Access>,
    /// Who may read.
    pub reading: Reading,
    /// Approvals that no plan may ask less than.
    pub approval_floor: Option<ApprovalFloor>,
    /// Who lets a revision of a plan take effect that does more than restrict.
    pub revisions: Revisions,
    /// The most devices that entries and restores of all plans may offer something else within 24 hours.
    pub devices_per_day: Option<DeviceLimit>,
    /// A person's word for the machine's clock, whatever Cloudflare's answers say of the time.
    pub clock_trust: Option<ClockTrust>,
    /// Whatever has a flag of `ringward run`.
    pub run: RunSettings,
}

/// Who may read over TCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reading {
    /// Whoever reaches the listener.
    #[default]
    Open,
    /// Those alone who say who they are.
    SignedIn,
}

/// An application of Cloudflare Access in front of ringward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The team, whose keys sign.
    pub team: TeamName,
    /// The tags of the applications that lead here; never empty.
    pub audience: BTreeSet<Audience>,
    /// Where the team's keys are, when not where Cloudflare has them.
    pub certs_url: Option<CertsUrl>,
    /// Who of those signed in may ask for verbs.
    pub operators: Operators,
    /// Service tokens that may ask for verbs.
    pub services: BTreeSet<ServiceName>,
}

/// Who of those whom Access lets in may ask for verbs. Whoever it lets in may read, and approve if a
/// member of the User Group that is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Operators {
    /// All of them.
    #[default]
    Everyone,
    /// These.
    Only(BTreeSet<Email>),
}

impl Operators {
    /// Whether a person is one of them.
    #[must_use]
    pub fn include(&self, email: &Email) -> bool {
        match self {
            Self::Everyone => true,
            Self::Only(emails) => emails.contains(email),
        }
    }
}

/// Settings that have a flag of `ringward run`, where the file has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunSettings {
    /// `--plans`.
    pub plans: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<Listen>,
    /// `--host`.
    pub hosts: Vec<HostName>,
    /// `--read-only`.
    pub read_only: bool,
    /// `--observe`.
    pub observe: bool,
    /// `--account`.
    pub account: Option<AccountId>,
    /// `--token-file`.
    pub token_file: Option<PathBuf>,
    /// `--ca-file`.
    pub ca_file: Option<PathBuf>,
}

impl RunSettings {
    /// With its paths, which are written from the file's own directory, as seen from here.
    #[must_use]
    pub fn from_directory(self, directory: &Path) -> Self {
        let seen = |path: Option<PathBuf>| path.map(|path| directory.join(path));
        Self {
            plans: seen(self.plans),
            token_file: seen(self.token_file),
            ca_file: seen(self.ca_file),
            ..self
        }
    }
}

/// Reads a configuration; `file` is the name that errors show.
///
/// # Errors
/// One syntax error, or all structural and semantic errors in file order.
pub fn read(file: &str, bytes: &[u8]) -> Result<Config, Vec<PlanError>> {
    let mut problems = Problems::default();
    let text = tree::text_of(bytes, &CONFIG_FILE, &mut problems);
    let root = if problems.is_empty() { tree::read(text.text, &CONFIG_FILE, &mut problems) } else { None };
    match root.and_then(|root| decode::config(&root, &mut problems)) {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems.into_errors(file, &text)),
    }
}
