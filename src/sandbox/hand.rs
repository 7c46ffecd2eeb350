//! What the identity provider and other admins do: members come and go, groups are renamed, made, removed.
//!
//! **Invariant:** nothing here is a request: it is neither journaled nor refused for a SCIM-managed group.

use super::account::Account;
use super::iam::{Managed, NoUserGroup, SimulatedMember, UserGroupTruth};

impl Account {
    /// The User Groups, in the order in which they were made.
    pub fn user_groups(&self) -> Vec<UserGroupTruth> {
        self.iam.truths()
    }

    /// Replaces the members of a User Group, named by its ID or its name. Somebody with an e-mail is one
    /// person in all groups, and has one status.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn set_members(&mut self, group: &str, members: &[SimulatedMember]) -> Result<(), NoUserGroup> {
        // First of all: a group that is not there changes nobody's status.
        self.iam.meant(group)?;
        let members = self.iam.admit(members);
        let group = self.iam.meant(group)?;
        group.members = members;
        group.modified_on = self.now;
        Ok(())
    }

    /// Gives a User Group another name, one that another group has included.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn rename_user_group(&mut self, group: &str, name: &str) -> Result<(), NoUserGroup> {
        let group = self.iam.meant(group)?;
        name.clone_into(&mut group.name);
        group.modified_on = self.now;
        Ok(())
    }

    /// Makes a User Group, of a name that another group may have; answers its ID.
    pub fn add_user_group(&mut self, name: &str, members: &[SimulatedMember]) -> String {
        self.iam.add(name, Managed::ByHand, members, self.now)
    }

    /// The same, pushed by an identity provider.
    pub fn push_user_group(&mut self, name: &str, members: &[SimulatedMember]) -> String {
        self.iam.add(name, Managed::ByScim, members, self.now)
    }

    /// Removes a User Group.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn remove_user_group(&mut self, group: &str) -> Result<(), NoUserGroup> {
        let id = self.iam.meant(group)?.id.clone();
        self.iam.remove(&id);
        Ok(())
    }
}
