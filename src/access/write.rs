//! The one place that writes policies, and tells the daemon's log of it: before anything is sent to Cloudflare, and
//! again after.
//!
//! **Invariant:** a change says all policies that the group is to have, never some of them. Nothing is sent to a
//! group that has them already, or before the daemon's log has it; and a group counts as changed only when it was
//! read back with them.

use super::compare::{Difference, Scopes, needs_scopes};
use super::policies::{PolicedGroup, PolicyIntent};
use super::words::{RoleNames, in_words};
use crate::cli::{CliError, Connection, safe};
use crate::cloudflare::{ApiError, CloudflareClient, Priority};
use crate::rollout::record::AccessOutcome;
use crate::web::json::{
    AccessIntentAnswer, AccessIntentJson, AccessOutcomeJson, MAX_REASON_CHARS, VerbAnswer,
};

/// A change of a User Group's policies, as a person asked for it.
pub(super) struct Change<'a> {
    pub(super) client: &'a CloudflareClient,
    /// The way to the log.
    pub(super) daemon: &'a Connection,
    /// What roles are called in it.
    pub(super) names: &'a RoleNames,
    /// The group, as it was found.
    pub(super) group: &'a PolicedGroup,
    /// All policies that it is to have.
    pub(super) policies: &'a [PolicyIntent],
    /// Why.
    pub(super) reason: &'a str,
}

/// A change that is on record.
#[must_use = "its outcome must be told"]
struct Intent(u64);

/// What became of a request: the word for the log, and what to tell.
type Became = (AccessOutcome, Result<(), CliError>);

impl Change<'_> {
    /// Reads the group afresh, writes where it differs, and reads it back; returned is what was changed. The
    /// daemon's log has it before and after.
    pub(super) async fn carry_out(&self) -> Result<Option<Difference>, CliError> {
        let difference = self.left().await?;
        if difference.is_none() {
            return Ok(None);
        }
        let intent = self.intend(&difference).await?;
        let (outcome, told) = self.write().await;
        let words = match &told {
            Ok(()) => "read back as written".to_owned(),
            Err(error) => error.to_string(),
        };
        let settled = self.settle(intent, outcome, &words).await;
        told.and(settled).map(|()| Some(difference))
    }

    /// Puts on record what is about to be written.
    async fn intend(&self, difference: &Difference) -> Result<Intent, CliError> {
        let words = |shapes: &[_]| shapes.iter().map(|shape| in_words(shape, self.names)).collect();
        let told = AccessIntentJson {
            group: self.group.id.clone(),
            name: safe(&self.group.name),
            remove: words(&difference.remove),
            add: words(&difference.add),
            reason: self.reason.to_owned(),
        };
        let answer: Result<AccessIntentAnswer, _> = self.daemon.post(&["access"], &told).await;
        answer.map(|answer| Intent(answer.intent)).map_err(|error| {
            let error = CliError::from(error);
            let text = format!(
                "group `{}` was not touched, because a change of access stands in the daemon's log before it is \
                 made: {error}",
                safe(&self.group.name)
            );
            error.with_message(text)
        })
    }

    /// Puts on record what became of it.
    async fn settle(&self, intent: Intent, outcome: AccessOutcome, words: &str) -> Result<(), CliError> {
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        let reason = words.chars().map(printable).take(MAX_REASON_CHARS).collect();
        let path = ["access", &intent.0.to_string(), "outcome"];
        let told = self.daemon.post::<VerbAnswer>(&path, &AccessOutcomeJson { outcome, reason }).await;
        told.map(|_| ()).map_err(|error| {
            let error = CliError::from(error);
            let text = format!(
                "the daemon's log has the change as record {}, and not what became of it ({}: {words}): {error}",
                intent.0,
                outcome.as_str()
            );
            error.with_message(text)
        })
    }

    /// Sends it and reads it back.
    async fn write(&self) -> Became {
        if let Err(error) = self.client.update_user_group(&self.group.id, self.policies).await {
            return self.settled(error).await;
        }
        let left = match self.left().await {
            Ok(left) if left.is_none() => return (AccessOutcome::Written, Ok(())),
            Ok(left) => left,
            Err(error) => return (AccessOutcome::Unknown, Err(error)),
        };
        let told = CliError::failed(format!(
            "the write to group `{}` was answered, and read back it is not as written: {} policies are missing and {} \
             too many; somebody may have written at the same time, so look with `ringward access list` first",
            safe(&self.group.name),
            left.add.len(),
            left.remove.len(),
        ));
        (AccessOutcome::Different, Err(told))
    }

    /// A write that was refused, or that nobody answered: then the group itself may tell.
    async fn settled(&self, error: ApiError) -> Became {
        let name = safe(&self.group.name);
        if !error.is_in_doubt() {
            let told = CliError::failed(format!("group `{name}` was not changed: {error}"));
            return (AccessOutcome::Refused, Err(told));
        }
        if self.left().await.is_ok_and(|left| left.is_none()) {
            return (AccessOutcome::Written, Ok(()));
        }
        let told = CliError::failed(format!(
            "whether group `{name}` was changed is not known: {error}; it may still change within a minute or so, then \
             look with `ringward access list`; to apply again does no harm, as it writes all policies anew"
        ));
        (AccessOutcome::Unknown, Err(told))
    }

    /// What is still to be changed, by the group as it is now.
    async fn left(&self) -> Result<Difference, CliError> {
        let group = self.fresh().await?;
        let scopes = scopes(self.client, std::slice::from_ref(&group)).await.map_err(CliError::failed)?;
        Ok(Difference::between(&group.policies, self.policies, &scopes))
    }

    /// The group as it is now, still of its name.
    async fn fresh(&self) -> Result<PolicedGroup, CliError> {
        let name = safe(&self.group.name);
        match self.client.user_group(&self.group.id, Priority::Routine).await.map_err(CliError::failed)? {
            None => Err(CliError::refused(format!(
                "group `{name}` is gone since it was listed; look with `ringward access list`"
            ))),
            Some(found) if found.name != self.group.name => Err(CliError::refused(format!(
                "group `{name}` was renamed to `{}` since it was listed; look with `ringward access list`",
                safe(&found.name)
            ))),
            Some(found) => Ok(found),
        }
    }
}

/// The scopes that policies name by ID alone; asked for only where there is such a policy.
pub(super) async fn scopes(client: &CloudflareClient, groups: &[PolicedGroup]) -> Result<Scopes, ApiError> {
    if !groups.iter().any(needs_scopes) {
        return Ok(Scopes::new());
    }
    let all = client.resource_groups().await?;
    Ok(all.into_iter().filter_map(|group| Some((group.id?, group.scope?))).collect())
}
