//! What `check --online` says of the account, of each plan and of each ring.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ids::{AccountId, PlanName, RingName};
use crate::{
    cli::online::finding::CheckFinding, cli::online::groups::GroupOutlook, cli::online::power::Power,
    cli::online::profiles::NamedProfile, cli::online::sizes::RingSizes, time::Timestamp,
    version::Environment,
};

/// What the look says of the account.
#[derive(Debug, Serialize)]
pub(crate) struct AccountReport {
    /// Its ID.
    pub id: AccountId,
    /// When it was looked at.
    pub at: Timestamp,
    /// The token's state; `None`: not told.
    pub token: Option<&'static str>,
    /// When the token ends; `None`: never, or not told.
    pub token_expires_on: Option<Timestamp>,
    /// Devices; `None`: not read.
    pub devices: Option<usize>,
    /// Device settings profiles; `None`: not read.
    pub profiles: Option<usize>,
    /// Deployment groups; `None`: not read.
    pub groups: Option<usize>,
    /// What is worth saying, the worst first.
    pub findings: Vec<CheckFinding>,
}

/// What the look says of one plan.
#[derive(Debug, Serialize)]
pub(crate) struct PlanReport {
    /// Its file.
    pub file: String,
    /// Its name.
    pub plan: PlanName,
    /// Its rings, in order; empty where the profiles could not be read.
    pub rings: Vec<RingAssessment>,
    /// What is worth saying, in file order.
    pub findings: Vec<CheckFinding>,
}

/// What the look says of one ring.
#[derive(Debug, Serialize)]
pub(crate) struct RingAssessment {
    /// Its name.
    pub name: RingName,
    /// Its profiles, as written and as found.
    pub profiles: Vec<NamedProfile>,
    /// What becomes of its deployment group.
    pub group: GroupOutlook,
    /// Its devices; `None`: not read, or its profiles are not known.
    pub sizes: Option<RingSizes>,
    /// Of the devices that it can move, those that were seen in the last 7 days.
    pub active: usize,
    /// It shows faults that hit 1 device in so many, or more, with 95 % certainty.
    pub shows_one_in: Option<u64>,
    /// What the look for devices gone dark can find in each environment with a target.
    pub power: BTreeMap<Environment, Power>,
}
