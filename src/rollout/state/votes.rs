//! What people said about entering a ring.
//!
//! **Invariant:** of each person the last word stands, and it stands for the revision that it was given
//! for: another revision voids it for good.

use std::collections::BTreeMap;

use crate::ids::{Email, UserGroupName};
use crate::plan::model::PlanDigest;
use crate::rollout::record::{Event, Recorded};
use crate::rollout::state::fold::Fits;
use crate::time::Timestamp;

/// What people said about entering a ring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Votes {
    /// When somebody was asked, and for which revision.
    pub asked: Option<(Timestamp, PlanDigest)>,
    pub approvals: BTreeMap<Email, Approval>,
    /// Who said no.
    pub rejections: BTreeMap<Email, Rejection>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The revision that it is for.
    pub digest: PlanDigest,
    /// When.
    pub given_at: Timestamp,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// What the person said.
    pub note: String,
    /// The groups that they were an accepted member of when they said it: it counts for these.
    pub groups: Vec<UserGroupName>,
    /// Whether another revision voided it since.
    pub standing: Validity,
}

/// Whether a word still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// It does.
    Stands,
    /// Another revision came in between, at this instant.
    Voided(Timestamp),
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The revision that it is about.
    pub digest: PlanDigest,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub note: String,
    /// The groups that they were an accepted member of when they said it.
    pub groups: Vec<UserGroupName>,
}

impl Votes {
    /// The approvals that count, should their givers still be members.
    pub fn counting(&self, digest: &PlanDigest, now: Timestamp) -> impl Iterator<Item = (&Email, &Approval)> {
        let digest = digest.clone();
        self.approvals.iter().filter(move |(_, approval)| {
            let stands = approval.standing == Validity::Stands && approval.digest == digest;
            stands && now < approval.expires_at
        })
    }

    /// Who refuses this revision.
    pub fn rejections(&self, digest: &PlanDigest) -> impl Iterator<Item = (&Email, &Rejection)> {
        let digest = digest.clone();
        self.rejections.iter().filter(move |(_, objection)| objection.digest == digest)
    }

    /// Somebody is asked, or speaks up.
    pub(crate) fn hear(&mut self, event: &Event, recorded: &Recorded) -> Fits {
        let at = recorded.at;
        let who = || recorded.entry.actor.email().cloned().ok_or("nobody is named who said it");
        let note = recorded.entry.reason.clone();
        match event {
            Event::ApprovalAsked { digest, .. } => self.asked = Some((at, digest.clone())),
            Event::ApprovalGiven { digest, expires_at, groups, set_aside, .. } => {
                let (by, digest, expires_at) = (who()?, digest.clone(), *expires_at);
                self.rejections.retain(|other, _| *other != by && !set_aside.contains(other));
                let (groups, standing) = (groups.clone(), Validity::Stands);
                let approval = Approval { digest, given_at: at, expires_at, note, groups, standing };
                self.approvals.insert(by, approval);
            }
            Event::ApprovalRefused { digest, groups, .. } => {
                let (by, digest, groups) = (who()?, digest.clone(), groups.clone());
                self.approvals.remove(&by);
                self.rejections.insert(by, Rejection { digest, at, note, groups });
            }
            _ => return Err("it neither approves nor rejects a ring's entry".to_owned()),
        }
        Ok(())
    }

    /// A revision is in force that only restricts: what was said of the one before is said of it.
    pub(crate) fn carry(&mut self, from: &PlanDigest, to: &PlanDigest) {
        if let Some((_, asked)) = self.asked.as_mut().filter(|(_, asked)| asked == from) {
            *asked = to.clone();
        }
        let approvals = self.approvals.values_mut().map(|approval| &mut approval.digest);
        let rejections = self.rejections.values_mut().map(|objection| &mut objection.digest);
        approvals.chain(rejections).filter(|digest| *digest == from).for_each(|digest| *digest = to.clone());
    }

    /// Who refused the ring under another plan's name refuses it under this one, for a revision; an approval of
    /// theirs was said before.
    pub(crate) fn refuse_as(&mut self, other: &Self, digest: &PlanDigest) {
        for (by, objection) in &other.rejections {
            self.approvals.remove(by);
            self.rejections.insert(by.clone(), Rejection { digest: digest.clone(), ..objection.clone() });
        }
    }

    /// Its ring has another name, or another way back: an approval was for what was read; a refusal stands.
    pub(crate) fn forget_approvals(&mut self, at: Timestamp) {
        self.asked = None;
        self.void_approvals(at, |_| true);
    }

    /// Another revision is in force.
    pub(crate) fn void(&mut self, digest: &PlanDigest, at: Timestamp) {
        self.void_approvals(at, |approval| approval.digest != *digest);
        self.rejections.retain(|_, objection| objection.digest == *digest);
    }

    fn void_approvals(&mut self, at: Timestamp, voids: impl Fn(&Approval) -> bool) {
        for approval in self.approvals.values_mut() {
            if approval.standing == Validity::Stands && voids(approval) {
                approval.standing = Validity::Voided(at);
            }
        }
    }
}
