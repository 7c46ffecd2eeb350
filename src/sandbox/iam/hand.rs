//! What the identity provider and other admins do: members come and go, groups are renamed, made, removed.
//!
//! **Invariant:** nothing here is a request: it is neither journaled nor refused for a SCIM-managed group.

use serde::{Deserialize, Serialize};

use super::super::account::Account;
use super::{Iam, Managed, Person, UserGroup};
/// Who is in the group made by hand, from the start: four accepted, one of them in capitals, one pending.
pub(super) const CHOSEN: &[(&str, MemberStatus)] = &[
    ("ana@example.com", MemberStatus::Accepted),
    ("bruno@example.com", MemberStatus::Accepted),
    ("Chen.Wei@Example.com", MemberStatus::Accepted),
    ("dana@example.com", MemberStatus::Accepted),
    ("erin@example.com", MemberStatus::Pending),
];
/// Who is in the pushed group; an empty e-mail is none.
pub(super) const PUSHED: &[(&str, MemberStatus)] = &[
    ("ana@example.com", MemberStatus::Accepted),
    ("fatima@example.com", MemberStatus::Accepted),
    ("goran@example.com", MemberStatus::Untold),
    ("hana@example.com", MemberStatus::Pending),
    ("", MemberStatus::Accepted),
];

/// A member of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedMember {
    /// The e-mail as it is answered; none where it is left out.
    #[serde(default)]
    pub email: Option<String>,
    /// The status in the account.
    #[serde(default)]
    pub status: MemberStatus,
}

/// A member's status in the account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// Took the invitation.
    #[default]
    Accepted,
    /// Did not yet.
    Pending,
    /// Accepted, and answered without a status, as older answers are.
    Untold,
}

/// What is true of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserGroupTruth {
    /// Its ID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether an identity provider pushes it.
    pub scim: bool,
    /// Its members.
    pub members: Vec<SimulatedMember>,
}

/// A group that was named and is not there, or not only once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoUserGroup {
    /// None.
    #[error("no User Group has the ID or name `{0}`")]
    Unknown(String),
    /// More than one of that name.
    #[error("more than one User Group is named `{0}`; give its ID")]
    Ambiguous(String),
}

impl SimulatedMember {
    /// Somebody who took the invitation.
    #[must_use]
    pub fn accepted(email: &str) -> Self {
        Self { email: Some(email.to_owned()), status: MemberStatus::Accepted }
    }

    /// Somebody who did not yet.
    #[must_use]
    pub fn pending(email: &str) -> Self {
        Self { email: Some(email.to_owned()), status: MemberStatus::Pending }
    }

    /// Somebody whose e-mail is not told.
    #[must_use]
    pub const fn without_email() -> Self {
        Self { email: None, status: MemberStatus::Accepted }
    }
}

impl From<&(&str, MemberStatus)> for SimulatedMember {
    fn from((email, status): &(&str, MemberStatus)) -> Self {
        Self { email: (!email.is_empty()).then(|| (*email).to_owned()), status: *status }
    }
}

impl MemberStatus {
    pub(super) const fn told(self) -> Option<&'static str> {
        match self {
            Self::Accepted => Some("accepted"),
            Self::Pending => Some("pending"),
            Self::Untold => None,
        }
    }
}

impl Account {
    /// The User Groups, in the order in which they were made.
    #[must_use]
    pub fn user_groups(&self) -> Vec<UserGroupTruth> {
        self.iam().groups.iter().map(|group| self.iam().truth(group)).collect()
    }

    /// Replaces the members of a User Group, named by its ID or its name. Somebody with an e-mail is one
    /// person in all groups, and has one status.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn set_members(&mut self, group: &str, members: &[SimulatedMember]) -> Result<(), NoUserGroup> {
        let (iam, now) = self.iam_mut();
        // First of all: a group that is not there changes nobody's status.
        iam.meant(group)?;
        let members = iam.admit(members);
        let group = iam.meant(group)?;
        group.members = members;
        group.modified_on = now;
        Ok(())
    }

    /// Gives a User Group another name, one that another group has included.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn rename_user_group(&mut self, group: &str, name: &str) -> Result<(), NoUserGroup> {
        let (iam, now) = self.iam_mut();
        let group = iam.meant(group)?;
        name.clone_into(&mut group.name);
        group.modified_on = now;
        Ok(())
    }

    /// Makes a User Group, of a name that another group may have; answers its ID.
    pub fn add_user_group(&mut self, name: &str, members: &[SimulatedMember]) -> String {
        let (iam, now) = self.iam_mut();
        iam.add(name, Managed::ByHand, members, now)
    }

    /// The same, pushed by an identity provider.
    pub fn push_user_group(&mut self, name: &str, members: &[SimulatedMember]) -> String {
        let (iam, now) = self.iam_mut();
        iam.add(name, Managed::ByScim, members, now)
    }

    /// Removes a User Group.
    ///
    /// # Errors
    /// When there is no such group, or more than one of that name.
    pub fn remove_user_group(&mut self, group: &str) -> Result<(), NoUserGroup> {
        let (iam, _) = self.iam_mut();
        let id = iam.meant(group)?.id.clone();
        iam.remove(&id);
        Ok(())
    }
}

impl Iam {
    /// The IDs of people, who become members of the account where they are not.
    pub(super) fn admit(&mut self, members: &[SimulatedMember]) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for SimulatedMember { email, status } in members {
            let known = self.people.iter_mut().find(|person| email.is_some() && person.email == *email);
            let id = if let Some(person) = known {
                person.status = *status;
                person.id.clone()
            } else {
                self.made += 1;
                let die = self.dice.of("person");
                let id = email.as_deref().map_or_else(|| die.nth(self.made), |email| die.of(email)).hex(32);
                self.people.push(Person { id: id.clone(), email: email.clone(), status: *status });
                id
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn meant(&mut self, group: &str) -> Result<&mut UserGroup, NoUserGroup> {
        let place = match self.groups.iter().position(|known| known.id == group) {
            Some(place) => place,
            None => {
                let mut named = self.groups.iter().enumerate().filter(|(_, known)| known.name == group);
                let (place, _) = named.next().ok_or_else(|| NoUserGroup::Unknown(group.to_owned()))?;
                if named.next().is_some() {
                    return Err(NoUserGroup::Ambiguous(group.to_owned()));
                }
                place
            }
        };
        self.groups.get_mut(place).ok_or_else(|| NoUserGroup::Unknown(group.to_owned()))
    }

    fn truth(&self, group: &UserGroup) -> UserGroupTruth {
        let member = |person: &Person| SimulatedMember { email: person.email.clone(), status: person.status };
        UserGroupTruth {
            id: group.id.clone(),
            name: group.name.clone(),
            scim: group.managed == Managed::ByScim,
            members: group.members.iter().filter_map(|id| self.person(id)).map(member).collect(),
        }
    }
}
