//! User Groups: members, permission policies, and what a policy can name.
//!
//! Where the contract is silent the sandbox does this (cloudflare.md#scim,
//! cloudflare.md#permission-policies): a SCIM-managed group refuses a new name, new members and its deletion
//! with 400; names are not unique; a policy in the spec's form must name an ID that the group has; an inline
//! scope makes an anonymous resource group, which is gone with the last policy that is about it; the roles of
//! a policy come back sorted, whatever their order was.
//!
//! **Invariant:** a policy names permission groups and resource groups that exist, and a group's members are
//! members of the account.

mod catalogue;
mod directory;
mod member;
mod policies;
mod policy;
mod requests;

pub(super) use directory::Iam;
pub use member::{MemberStatus, NoUserGroup, SimulatedMember, UserGroupTruth};
