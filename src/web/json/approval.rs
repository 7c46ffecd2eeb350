//! The approvals of a ring that is not entered.
//!
//! **Invariant:** names and meanings of the fields are promises; they are added to, never changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RingJson, RolloutJson, RolloutsAnswer};
use crate::rollout::record::Evidence;
use crate::rollout::state::Validity;
use crate::rollout::tell::ring_report::ApprovalReport;
use crate::time::Timestamp;

/// Who is asked to let a ring be entered, and what they said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalJson {
    /// `pass`, `wait` or `unknown`.
    pub verdict: String,
    /// Why it waits or cannot tell, as a code; empty for `pass`.
    pub reason: String,
    /// Since when people are asked, because everything but the clock is ready; `null`: not yet.
    pub asked_at: Option<Timestamp>,
    /// What is asked, and how far it is.
    pub asks: Vec<AskJson>,
    /// Members who could approve and have not, by e-mail.
    pub missing: Vec<String>,
    /// What people said, by e-mail.
    pub words: Vec<WordJson>,
}

/// So many members of a User Group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskJson {
    /// The group, by name.
    pub user_group: String,
    /// How many.
    pub count: u8,
    /// Who asks: `plan`, or `floor` for the daemon's configuration.
    pub by: String,
    /// Whose approval counts, by e-mail, the earliest first.
    pub approved: Vec<String>,
    /// How many could approve.
    pub members: usize,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WordJson {
    /// Who, by e-mail.
    pub by: String,
    /// `approved` or `refused`.
    pub word: String,
    /// What they noted.
    pub note: String,
    /// When.
    pub at: Timestamp,
    /// Until when an approval counts.
    pub expires_at: Option<Timestamp>,
    /// When another revision of the plan voided it.
    pub voided_at: Option<Timestamp>,
}

/// A ring that waits for people.
#[derive(Debug, Clone, Copy)]
pub struct AwaitedRing<'a> {
    /// Its rollout.
    pub rollout: &'a RolloutJson,
    /// Its place, from 1.
    pub number: usize,
    /// The ring.
    pub ring: &'a RingJson,
    /// What it waits for.
    pub approval: &'a ApprovalJson,
    /// Since when.
    pub since: Timestamp,
}

impl RolloutsAnswer {
    /// The rings that wait for people, the longest wait first.
    #[must_use]
    pub fn awaited_rings(&self) -> Vec<AwaitedRing<'_>> {
        let rings = self.rollouts.iter().flat_map(|rollout| {
            rollout.rings.iter().enumerate().map(move |(index, ring)| (rollout, index + 1, ring))
        });
        let awaited = rings.filter_map(|(rollout, number, ring)| {
            let approval = ring.approval.as_ref()?;
            let since = approval.waited_for_since()?;
            Some(AwaitedRing { rollout, number, ring, approval, since })
        });
        let mut found: Vec<_> = awaited.collect();
        found.sort_by_key(|one| one.since);
        found
    }
}

impl ApprovalJson {
    /// Since when people are waited for; `None`: they are not, or not yet.
    #[must_use]
    pub fn waited_for_since(&self) -> Option<Timestamp> {
        self.asked_at.filter(|_| self.verdict != "pass")
    }

    /// Who has refused and not taken it back.
    pub fn refused_by(&self) -> impl Iterator<Item = &str> {
        self.words.iter().filter(|word| word.word == "refused").map(|word| word.by.as_str())
    }

    /// How far it is, for people: group by group, how many of how many.
    #[must_use]
    pub fn so_far(&self) -> String {
        let one = |ask: &AskJson| {
            format!("{} of {} of `{}` approved", ask.approved.len(), ask.count, ask.user_group)
        };
        let mut told: Vec<String> = self.asks.iter().map(one).collect();
        told.extend(self.refused_by().map(|by| format!("{by} refused")));
        if self.verdict == "unknown" {
            told.push(self.reason.replace('_', " "));
        }
        told.join(", ")
    }

    /// From the report.
    #[must_use]
    pub fn of(report: &ApprovalReport) -> Self {
        let ApprovalReport { judgement, asked_at, missing, words, hearing: _ } = report;
        let tallies = match &judgement.evidence {
            Evidence::Approval(approved) => approved.tallies.as_slice(),
            _ => &[],
        };
        let asks = tallies.iter().map(|tally| AskJson {
            user_group: tally.ask.user_group.to_string(),
            count: tally.ask.count.get(),
            by: tally.ask.by.as_str().to_owned(),
            approved: tally.approved.iter().map(|given| given.by.to_string()).collect(),
            members: tally.members,
        });
        let approvals = words.approvals.iter().map(|(by, approval)| WordJson {
            by: by.to_string(),
            word: "approved".to_owned(),
            note: approval.note.clone(),
            at: approval.given_at,
            expires_at: Some(approval.expires_at),
            voided_at: match approval.standing {
                Validity::Stands => None,
                Validity::Voided(at) => Some(at),
            },
        });
        let refusals = words.refusals.iter().map(|(by, objection)| WordJson {
            by: by.to_string(),
            word: "refused".to_owned(),
            note: objection.note.clone(),
            at: objection.at,
            expires_at: None,
            voided_at: None,
        });
        Self {
            verdict: judgement.verdict.as_str().to_owned(),
            reason: judgement.verdict.reason_code().to_owned(),
            asked_at: *asked_at,
            asks: asks.collect(),
            missing: missing.iter().map(ToString::to_string).collect(),
            words: approvals.chain(refusals).collect(),
        }
    }
}
