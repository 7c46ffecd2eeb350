//! Who is asked before a ring is entered, and what the log keeps of their words.
//!
//! **Invariant:** a tally names who is asked, how many, and whose approvals count.

use std::fmt;
use std::num::NonZeroU8;

use serde::{Deserialize, Serialize};

use crate::ids::{Email, UserGroupName};
use crate::rollout::record::verdict::{Unknown, Verdict};
use crate::text::{joined, worded};
use crate::time::Timestamp;

worded!(AskedBy);

/// So many different members of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub user_group: UserGroupName,
    /// How many.
    pub count: NonZeroU8,
    /// Who asks for them.
    pub by: AskedBy,
}

/// Who asks for approvals.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum AskedBy {
    Plan,
    /// The daemon's configuration, which no plan lowers.
    Floor,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of `{}`", self.count, self.user_group)?;
        match self.by {
            AskedBy::Plan => Ok(()),
            AskedBy::Floor => f.write_str(" (by the daemon's configuration)"),
        }
    }
}

/// How far one of the asks is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// What is asked.
    pub ask: Ask,
    /// Whose approval counts, the earliest first.
    pub approved: Vec<Given>,
    /// How many could approve: accepted members with an e-mail address, without the plan's authors.
    pub members: usize,
}

impl Tally {
    /// Whether that is enough.
    pub fn is_met(&self) -> bool {
        self.approved.len() >= usize::from(self.ask.count.get())
    }
}

/// An approval that counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub by: Email,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

/// What the gate of approvals saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// Each ask, the plan's own first.
    pub tallies: Vec<Tally>,
    /// Who said no, and has not taken it back.
    pub refused: Vec<Email>,
    /// Whose no does not count any more: they left the groups that they said it in the name of, and those
    /// that are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lapsed: Vec<Email>,
}

impl Approved {
    /// The value seen, for people.
    pub fn value(&self, verdict: &Verdict) -> String {
        if let Some(first) = self.refused.first() {
            return format!("{first} rejected it");
        }
        let one = |Tally { ask, approved, members }: &Tally| {
            let by = joined(approved.iter().map(|given| &given.by), ", ");
            let by = if by.is_empty() { by } else { format!(" ({by})") };
            match verdict {
                Verdict::Unknown(Unknown::ApproversUnread) => format!("`{}` is not read", ask.user_group),
                Verdict::Unknown(Unknown::NoUserGroup) => format!("`{}` is not there", ask.user_group),
                Verdict::Unknown(Unknown::UserGroupAmbiguous) => {
                    format!("`{}` is there more than once", ask.user_group)
                }
                _ => format!("{} of {members} members of `{}` approved{by}", approved.len(), ask.user_group),
            }
        };
        let left = self.lapsed.iter().map(|by| format!("{by} rejected it, and is in no group that is asked"));
        joined(self.tallies.iter().map(one).chain(left), "; ")
    }

    /// What would be enough, for people.
    pub fn threshold(&self) -> String {
        joined(self.tallies.iter().map(|tally| &tally.ask), ", and ")
    }
}
