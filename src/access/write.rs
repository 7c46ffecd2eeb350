//! The one place that writes policies.
//!
//! **Invariant:** nothing is sent to a group that has the policies already, or before the daemon's log has it;
//! and a group counts as changed only when it was read back with them.

use super::compare::{Difference, Scopes, needs_scopes};
use super::policies::PolicedGroup;
use super::{change::Change, journal::AccessJournal};
use crate::cli::{CliError, safe};
use crate::cloudflare::{ApiError, CloudflareClient, Priority};
use crate::rollout::record::{AccessOutcome, UserGroup};

/// What became of a request: the word for the log, and what to tell.
type Became = (AccessOutcome, Result<(), CliError>);

/// Reads the group afresh, writes where it differs, and reads it back; returned is what was changed. The daemon's log has it before and
/// after.
pub(super) async fn carry_out(
    client: &CloudflareClient,
    journal: &AccessJournal<'_>,
    change: &Change<'_>,
) -> Result<Option<Difference>, CliError> {
    let before = fresh(client, change.group).await?;
    let difference = compared(client, &before, change).await?;
    if difference.is_none() {
        return Ok(None);
    }
    let intent = journal.intend(change, &difference).await?;
    let (outcome, told) = write(client, change).await;
    let words = match &told {
        Ok(()) => "read back as written".to_owned(),
        Err(error) => error.to_string(),
    };
    let settled = journal.settle(intent, outcome, &words).await;
    told.and(settled).map(|()| Some(difference))
}

/// Sends it and reads it back.
async fn write(client: &CloudflareClient, change: &Change<'_>) -> Became {
    let outcome = client.update_user_group(&change.group.id, change.policies).await;
    if let Err(error) = outcome {
        return settled(client, change, error).await;
    }
    let left = match left(client, change).await {
        Ok(left) if left.is_none() => return (AccessOutcome::Written, Ok(())),
        Ok(left) => left,
        Err(error) => return (AccessOutcome::Unknown, Err(error)),
    };
    let told = CliError::failed(format!(
        "the write to group `{}` was answered, and read back it is not as written: {} policies are missing and {} \
         too many; somebody may have written at the same time, so look with `ringward access list` first",
        safe(&change.group.name),
        left.add.len(),
        left.remove.len(),
    ));
    (AccessOutcome::Different, Err(told))
}

/// A write that was refused, or that nobody answered: then the group itself may tell.
async fn settled(client: &CloudflareClient, change: &Change<'_>, error: ApiError) -> Became {
    let name = safe(&change.group.name);
    if !error.is_in_doubt() {
        let told = CliError::failed(format!("group `{name}` was not changed: {error}"));
        return (AccessOutcome::Refused, Err(told));
    }
    if left(client, change).await.is_ok_and(|left| left.is_none()) {
        return (AccessOutcome::Written, Ok(()));
    }
    let told = CliError::failed(format!(
        "whether group `{name}` was changed is not known: {error}; it may still change within a minute or so, then \
         look with `ringward access list`; to apply again does no harm, as it writes all policies anew"
    ));
    (AccessOutcome::Unknown, Err(told))
}

/// What is still to be changed, by the group as it is now.
async fn left(client: &CloudflareClient, change: &Change<'_>) -> Result<Difference, CliError> {
    let after = fresh(client, change.group).await?;
    compared(client, &after, change).await
}

/// The group as it is now, still of its name.
async fn fresh(client: &CloudflareClient, group: &UserGroup) -> Result<PolicedGroup, CliError> {
    let name = safe(&group.name);
    match client.user_group(&group.id, Priority::Routine).await.map_err(CliError::failed)? {
        None => Err(CliError::refused(format!(
            "group `{name}` is gone since it was listed; look with `ringward access list`"
        ))),
        Some(found) if found.group.name != group.name => Err(CliError::refused(format!(
            "group `{name}` was renamed to `{}` since it was listed; look with `ringward access list`",
            safe(&found.group.name)
        ))),
        Some(found) => Ok(found),
    }
}

async fn compared(
    client: &CloudflareClient,
    group: &PolicedGroup,
    change: &Change<'_>,
) -> Result<Difference, CliError> {
    let scopes = scopes(client, std::slice::from_ref(group)).await.map_err(CliError::failed)?;
    Ok(Difference::between(&group.policies, change.policies, &scopes))
}

/// The scopes that policies name by ID alone; asked for only where there is such a policy.
pub(super) async fn scopes(client: &CloudflareClient, groups: &[PolicedGroup]) -> Result<Scopes, ApiError> {
    if !groups.iter().any(needs_scopes) {
        return Ok(Scopes::new());
    }
    let all = client.resource_groups().await?;
    Ok(all.into_iter().filter_map(|group| Some((group.id?, group.scope?))).collect())
}
