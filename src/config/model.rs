//! What a configuration says, once it holds: what the decoder hands to everything else.
//!
//! **Invariant:** what is not written is as if there were no file. Trust in the machine's clock ends; the day that it
//! names is its last.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::config::values::{Audience, CertsUrl, HostName, Listen, TeamName};
use crate::ids::{AccountId, Email, ServiceName};
use crate::plan::model::{ApprovalFloor, DeviceLimit, Revisions};
use crate::time::Timestamp;

/// What the file says. What it does not say is as if there were no file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Cloudflare Access in front.
    pub access: Option<AccessApplication>,
    /// Who may read, where that is written.
    pub reading: Option<MayRead>,
    /// Who may read the metrics, where that is written.
    pub metrics: Option<MayRead>,
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

impl Config {
    /// Who may read over TCP. Whoever configures Access wants to know who reads.
    pub fn may_read(&self) -> MayRead {
        let unwritten = if self.access.is_some() { MayRead::SignedIn } else { MayRead::Open };
        self.reading.unwrap_or(unwritten)
    }

    /// Who may read the metrics over TCP: what scrapes them is no person, so only what is written closes them.
    pub fn may_read_metrics(&self) -> MayRead {
        self.metrics.or(self.reading).unwrap_or(MayRead::Open)
    }
}

/// Who may read over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayRead {
    /// Whoever reaches the listener.
    Open,
    /// Those alone who say who they are.
    SignedIn,
}

/// An application of Cloudflare Access in front of ringward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessApplication {
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
    #[must_use = "it returns the changed one"]
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

/// A person's word that the machine's clock is right: for a proxy in front whose clock is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockTrust {
    /// The first instant at which it does not count any more: the end of its last day, UTC.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}
