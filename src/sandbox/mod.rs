//! A simulated Cloudflare account over HTTP: deployment groups, device settings profiles and a seeded fleet
//! of devices that follow them, and User Groups with their members and policies, with a journal of every
//! request and scripted faults.
//!
//! Two layers. [`Account`] is pure and synchronous: a request and an instant go in, an [`SandboxOutcome`] comes out.
//! [`start`] puts it behind a socket. What the account answers is written by hand here and never comes from
//! the client's types, so that a wrong field name cannot be wrong on both sides.
//!
//! Where the contract is silent the sandbox does this (what nobody knows stands in
//! cloudflare.md#not-known-decided-defensively):
//! - any policy ID and any version is accepted; a version that no one can read moves nobody;
//! - of two entries for one environment the first counts, and a null environment targets nobody;
//! - a device that was offline for a notification catches up when it wakes;
//! - both verify routes know the token, whatever its prefix; an account that the token does not cover is 403;
//! - `per_page` of the device list is 50 unless asked, and 100 at most (`result_info.per_page` says which);
//! - the limit of 200 requests a second per address is not simulated: on a fast clock it has no meaning.
//!
//! **Invariant:** the fleet at an instant is a function of the seed and of the writes with their instants;
//! reading it, however often, changes nothing. This module imports `crate::time`, `crate::version`
//! and `crate::synthetic`, and nothing else.

mod account;
mod answer;
mod control;
mod devices;
mod faults;
mod groups;
mod http;
mod iam;
mod journal;
mod limit;
mod operation;
mod profiles;
mod query;
mod request;
mod settings;
mod token;
mod user_groups;

pub use crate::synthetic::{DeviceStory, DeviceTruth, Mix, ProfileSettings};
pub use account::Account;
pub use answer::{Body, Cut, SandboxAnswer, SandboxOutcome};
pub use faults::{FaultScript, InvalidFault, LateAnswer};
pub use http::{RunningSandbox, SandboxError, SandboxSettings, start};
pub use iam::{MemberStatus, NoUserGroup, SimulatedMember, UserGroupTruth};
pub use journal::{JOURNAL_ROWS, JournalRow, RequestJournal};
pub use operation::SandboxOperation;
pub use profiles::DefaultProfileForm;
pub use request::{Arrival, HeldRequest, SandboxRequest};
pub use settings::AccountSettings;
pub use token::TokenStatus;
