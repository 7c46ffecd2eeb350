//! Access as code: what the log keeps of a change of a User Group's permission policies.
//!
//! The daemon makes none of these changes, and could not: it holds no token for that. `ringward access` tells
//! it what it is about to write, and then what became of it.
//!
//! **Invariant:** an outcome belongs to one change on record, and each change has at most one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::UserGroupId;
use crate::text::worded;

worded!(AccessOutcome;);

/// The longest name of a group, a role or a place.
pub const MAX_TEXT_CHARS: usize = 512;

/// A change of a User Group's permission policies, as it is about to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessChange {
    pub group: UserGroupId,
    /// What it is called.
    pub name: String,
    /// Policies that it has and is to lose.
    pub remove: Vec<AccessPolicy>,
    /// Policies that it is to have as well.
    pub add: Vec<AccessPolicy>,
}

/// A permission policy, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessPolicy {
    /// `allow`, `deny`, or another word of Cloudflare's.
    pub access: String,
    /// Roles, by name where one is known.
    pub roles: Vec<String>,
    /// Where: parts of an account.
    pub on: Vec<String>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(strum::EnumCount, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum AccessOutcome {
    /// The policies were read back as they were written.
    Written,
    /// Cloudflare refused it; nothing changed.
    Refused,
    /// It was answered, and read back the policies are others.
    Different,
    /// Nobody knows.
    Unknown,
}

impl AccessChange {
    /// `2 policies more, 1 less`.
    pub fn extent(&self) -> String {
        let policies = |count: usize| if count == 1 { "policy" } else { "policies" };
        match (self.add.len(), self.remove.len()) {
            (more, 0) => format!("{more} {} more", policies(more)),
            (0, less) => format!("{less} {} less", policies(less)),
            (more, less) => format!("{more} {} more, {less} less", policies(more)),
        }
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        let policies = self.add.iter().chain(&self.remove);
        let of_policies =
            policies.flat_map(|policy| policy.roles.iter().chain(&policy.on).chain([&policy.access]));
        of_policies.chain([&self.name])
    }
}

impl fmt::Display for AccessPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} on {}", self.access, self.roles.join(", "), self.on.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use crate::rollout::people::access::*;
    use crate::rollout::record::Actor;
    use crate::rollout::record::access::*;
    use crate::rollout::record::event::Recorded;
    use crate::rollout::state::State;

    fn policy(role: &str) -> AccessPolicy {
        AccessPolicy {
            access: "allow".to_owned(),
            roles: vec![role.to_owned()],
            on: vec!["account".to_owned()],
        }
    }

    fn change(add: &[&str], remove: &[&str]) -> AccessChange {
        AccessChange {
            group: "g-1".parse().unwrap(),
            name: "Endpoint Team".to_owned(),
            remove: remove.iter().copied().map(policy).collect(),
            add: add.iter().copied().map(policy).collect(),
        }
    }

    fn intend(change: AccessChange) -> AccessRequest {
        AccessRequest::Intend(Box::new(change))
    }

    #[test]
    fn what_is_told_is_put_on_record_or_refused() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let actor = Actor::Local { user: "ada".to_owned() };
        let mut state = State::default();
        for asked in [intend(change(&["DNS"], &[])), intend(change(&["DNS"], &[]))] {
            let entry = request(&state, &actor, "why", asked).unwrap();
            state.apply(&Recorded { seq: state.seq + 1, at: now, entry }).unwrap();
        }
        let settle = |intent| AccessRequest::Settle { intent, outcome: AccessOutcome::Written };
        let entry = request(&state, &actor, "why", settle(1)).unwrap();
        state.apply(&Recorded { seq: state.seq + 1, at: now, entry }).unwrap();

        let unnamed = AccessChange { name: " ".to_owned(), ..change(&["DNS"], &[]) };
        let long = "x".repeat(MAX_TEXT_CHARS + 1);
        // (row, reason, what is asked, a word of the refusal)
        let rows = [
            ("a change", "why", intend(change(&["DNS"], &["Zaraz"])), None),
            ("no reason", " ", intend(change(&["DNS"], &[])), Some("a reason is needed")),
            ("nothing", "why", intend(change(&[], &[])), Some("changes nothing")),
            ("no name", "why", intend(unnamed), Some("empty, too long or not printable")),
            ("a role without end", "why", intend(change(&[], &[&long])), Some("too long")),
            ("a role for a terminal", "why", intend(change(&["\u{1b}[2J"], &[])), Some("not printable")),
            ("an outcome", "why", settle(2), None),
            (
                "an outcome twice",
                "why",
                settle(1),
                Some("record 1 is no change of access that is still open"),
            ),
            ("an outcome of something else", "why", settle(3), Some("record 3")),
        ];
        for (row, reason, asked, refused) in rows {
            match (request(&state, &actor, reason, asked), refused) {
                (Ok(entry), None) => {
                    let recorded = Recorded { seq: state.seq + 1, at: now, entry };
                    assert!(state.clone().apply(&recorded).is_ok(), "{row}");
                }
                (Err(why), Some(word)) => assert!(why.to_string().contains(word), "{row}: {why}"),
                (found, _) => panic!("{row}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_extent_is_told() {
        let rows = [
            (change(&["a"], &[]), "1 policy more"),
            (change(&["a", "b"], &[]), "2 policies more"),
            (change(&[], &["a"]), "1 policy less"),
            (change(&["a", "b"], &["c"]), "2 policies more, 1 less"),
        ];
        for (change, expected) in rows {
            assert_eq!(change.extent(), expected);
        }
    }
}
