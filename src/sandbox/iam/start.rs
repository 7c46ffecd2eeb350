//! What the account begins with: two User Groups, one made by hand, with a policy, and one that an identity provider
//! pushed, without.
//!
//! **Invariant:** it is a function of the seed.

use super::catalogue;
use super::directory::Iam;
use super::member::{Managed, MemberStatus, SimulatedMember};
use super::policy::{self, AllowOrDeny, DraftScope, PolicyDraft};
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
        for (name, managed, members) in
            [("Release Approvers", Managed::ByHand, CHOSEN), ("Endpoint Team", Managed::ByScim, PUSHED)]
        {
            let members: Vec<SimulatedMember> = members.iter().map(SimulatedMember::from).collect();
            iam.add(name, managed, &members, start);
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
}
