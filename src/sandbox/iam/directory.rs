//! Who belongs to the account: its members, User Groups, roles and resource groups, and what it begins with.
//!
//! **Invariant:** a group's members are members of the account, and an anonymous resource group has a policy that
//! is about it. What it begins with is a function of the seed.

use super::catalogue::{self, IamRole};
use super::member::{IamGroup, MemberStatus, NoUserGroup, Person, SimulatedMember, UserGroupTruth};
use super::policy::{self, AllowOrDeny, DraftScope, IamResourceGroup, PolicyDraft, PolicyScope};
use crate::sandbox::answer::{Answered, ApiRefusal};
use crate::synthetic::Dice;
use crate::time::Timestamp;

/// The role that the group made by hand has from the start.
const USUAL_ROLE: &str = "Cloudflare Zero Trust Read Only";

/// Who is in the group made by hand, from the start: four accepted, one of them in capitals, one pending.
const CHOSEN: &[(&str, MemberStatus)] = &[
    ("ana@example.com", MemberStatus::Accepted),
    ("bruno@example.com", MemberStatus::Accepted),
    ("Chen.Wei@Example.com", MemberStatus::Accepted),
    ("dana@example.com", MemberStatus::Accepted),
    ("erin@example.com", MemberStatus::Pending),
];
/// Who is in the pushed group; an empty e-mail is none.
const PUSHED: &[(&str, MemberStatus)] = &[
    ("ana@example.com", MemberStatus::Accepted),
    ("fatima@example.com", MemberStatus::Accepted),
    ("goran@example.com", MemberStatus::Untold),
    ("hana@example.com", MemberStatus::Pending),
    ("", MemberStatus::Accepted),
];

/// Members, groups, roles.
#[derive(Debug)]
pub(crate) struct Iam {
    pub(super) dice: Dice,
    /// What the account is called in a scope.
    pub(super) scope_key: String,
    pub(super) people: Vec<Person>,
    pub(super) groups: Vec<IamGroup>,
    pub(super) roles: Vec<IamRole>,
    pub(super) resources: Vec<IamResourceGroup>,
    pub(super) made: u64,
}

impl Iam {
    /// Two groups: one made by hand, with a policy, and one that an identity provider pushed, without.
    pub(crate) fn new(dice: Dice, account: &str, start: Timestamp) -> Self {
        let mut iam = Self {
            dice,
            scope_key: format!("com.cloudflare.api.account.{account}"),
            people: Vec::new(),
            groups: Vec::new(),
            roles: catalogue::permission_groups(dice.of("role")),
            resources: Vec::new(),
            made: 0,
        };
        iam.resources = policy::named(dice.of("resource"), &iam.scope_key);
        for (name, scim, members) in [("Release Approvers", false, CHOSEN), ("Endpoint Team", true, PUSHED)] {
            let member = |(email, status): &(&str, MemberStatus)| SimulatedMember {
                email: (!email.is_empty()).then(|| (*email).to_owned()),
                status: *status,
            };
            let members: Vec<SimulatedMember> = members.iter().map(member).collect();
            iam.add(name, scim, &members, start);
        }
        iam.give_the_usual_policy();
        iam
    }

    fn give_the_usual_policy(&mut self) {
        let role = self.roles.iter().find(|role| role.name == USUAL_ROLE).map(|role| role.id.clone());
        let whole = self.resources.first().map(|resource| DraftScope::Named(resource.id.clone()));
        let draft = PolicyDraft {
            id: None,
            access: AllowOrDeny::Allow,
            roles: role.into_iter().collect(),
            on: whole.into_iter().collect(),
        };
        if let Some(group) = self.groups.first().map(|group| group.id.clone()) {
            self.give(&group, vec![draft]);
        }
    }

    pub(crate) fn add(
        &mut self,
        name: &str,
        scim: bool,
        members: &[SimulatedMember],
        now: Timestamp,
    ) -> String {
        let id = self.new_id("group");
        let members = self.admit(members);
        let (name, policies) = (name.to_owned(), Vec::new());
        let group =
            IamGroup { id: id.clone(), name, scim, created_on: now, modified_on: now, members, policies };
        self.groups.push(group);
        id
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.groups.retain(|group| group.id != id);
        self.forget_unused_scopes();
    }

    pub(super) fn person(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.id == id)
    }

    pub(super) fn group(&self, id: &str) -> Answered<&IamGroup> {
        self.groups.iter().find(|group| group.id == id).ok_or_else(|| missing("user group"))
    }

    pub(super) fn group_mut(&mut self, id: &str) -> Answered<&mut IamGroup> {
        self.groups.iter_mut().find(|group| group.id == id).ok_or_else(|| missing("user group"))
    }

    /// A group whose name and members the API may change.
    pub(super) fn editable(&mut self, id: &str) -> Answered<&mut IamGroup> {
        let group = self.group_mut(id)?;
        if group.scim { Err(by_scim()) } else { Ok(group) }
    }

    /// The IDs of people, who become members of the account where they are not.
    pub(crate) fn admit(&mut self, members: &[SimulatedMember]) -> Vec<String> {
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

    pub(crate) fn meant(&mut self, group: &str) -> Result<&mut IamGroup, NoUserGroup> {
        let by_id = self.groups.iter().any(|known| known.id == group);
        let is_meant = |known: &&mut IamGroup| if by_id { known.id == group } else { known.name == group };
        let mut meant = self.groups.iter_mut().filter(is_meant);
        let first = meant.next().ok_or_else(|| NoUserGroup::Unknown(group.to_owned()))?;
        if meant.next().is_some() {
            return Err(NoUserGroup::Ambiguous(group.to_owned()));
        }
        Ok(first)
    }

    pub(crate) fn truths(&self) -> Vec<UserGroupTruth> {
        self.groups.iter().map(|group| self.truth(group)).collect()
    }

    fn truth(&self, group: &IamGroup) -> UserGroupTruth {
        let member = |person: &Person| SimulatedMember { email: person.email.clone(), status: person.status };
        UserGroupTruth {
            id: group.id.clone(),
            name: group.name.clone(),
            scim: group.scim,
            members: group.members.iter().filter_map(|id| self.person(id)).map(member).collect(),
        }
    }

    pub(super) fn new_id(&mut self, purpose: &str) -> String {
        self.made += 1;
        self.dice.of(purpose).nth(self.made).hex(32)
    }

    /// Takes away anonymous resource groups that no policy is about.
    pub(super) fn forget_unused_scopes(&mut self) {
        let groups = &self.groups;
        let used = |id: &str| {
            let policies = groups.iter().flat_map(|group| &group.policies);
            policies.flat_map(|policy| &policy.on).any(|on| match on {
                PolicyScope::Named(known) | PolicyScope::Inline(known) => known == id,
            })
        };
        self.resources.retain(|resource| resource.name.is_some() || used(&resource.id));
    }
}

pub(super) fn missing(what: &str) -> ApiRefusal {
    ApiRefusal::new(404, 1000, format!("{what} not found"))
}

pub(super) fn by_scim() -> ApiRefusal {
    ApiRefusal::bad(
        "this user group is managed by SCIM: change its name and members at the identity provider",
    )
}
