//! The one place that writes policies.
//!
//! **Invariant:** nothing is sent to a group that has the policies already, and a group counts as changed
//! only when it was read back with them.

use super::compare::{Difference, Scopes, needs_scopes};
use crate::cli::exit::CliError;
use crate::cli::render::safe;
use crate::cloudflare::{ApiError, CloudflareClient, PolicedGroup, PolicyIntent, Priority, UserGroupLookup};
use crate::rollout::remote::UserGroup;

/// A change of a group's policies, as a person asked for it.
#[derive(Debug)]
pub(super) struct Change<'a> {
    /// The group, as it was found.
    pub(super) group: &'a UserGroup,
    /// All policies that it is to have.
    pub(super) policies: &'a [PolicyIntent],
    /// Why.
    pub(super) reason: &'a str,
}

/// What became of a change.
#[derive(Debug)]
pub(super) enum Done {
    /// The group had the policies already.
    Nothing,
    /// They were written and read back; this is what was changed.
    Written(Difference),
}

/// Reads the group afresh, writes where it differs, and reads it back.
pub(super) async fn carry_out(client: &CloudflareClient, change: &Change<'_>) -> Result<Done, CliError> {
    let before = fresh(client, change.group).await?;
    let difference = compared(client, &before, change).await?;
    if difference.is_none() {
        return Ok(Done::Nothing);
    }
    let outcome = client.update_user_group(&change.group.id, change.policies).await;
    if let Err(error) = outcome {
        return settled(client, change, difference, error).await;
    }
    let after = fresh(client, change.group).await?;
    let left = compared(client, &after, change).await?;
    if left.is_none() {
        return Ok(Done::Written(difference));
    }
    Err(CliError::failed(format!(
        "the write to group `{}` was answered, and read back it is not as written: {} policies are missing and {} \
         too many; somebody may have written at the same time, so look with `ringward access list` first",
        safe(&change.group.name),
        left.add.len(),
        left.remove.len(),
    )))
}

/// A write that was refused, or that nobody answered: then the group itself may tell.
async fn settled(
    client: &CloudflareClient,
    change: &Change<'_>,
    difference: Difference,
    error: ApiError,
) -> Result<Done, CliError> {
    let name = safe(&change.group.name);
    if !error.is_in_doubt() {
        return Err(CliError::failed(format!("group `{name}` was not changed: {error}")));
    }
    if let Ok(after) = fresh(client, change.group).await
        && compared(client, &after, change).await.is_ok_and(|left| left.is_none())
    {
        return Ok(Done::Written(difference));
    }
    Err(CliError::failed(format!(
        "whether group `{name}` was changed is not known: {error}; it may still change within a minute or so, then \
         look with `ringward access list`; to apply again does no harm, as it writes all policies anew"
    )))
}

/// The group as it is now, still of its name.
async fn fresh(client: &CloudflareClient, group: &UserGroup) -> Result<PolicedGroup, CliError> {
    let name = safe(&group.name);
    match client.user_group(&group.id, Priority::Routine).await.map_err(CliError::failed)? {
        UserGroupLookup::Missing => Err(CliError::refused(format!(
            "group `{name}` is gone since it was listed; look with `ringward access list`"
        ))),
        UserGroupLookup::Found(found) if found.group.name != group.name => Err(CliError::refused(format!(
            "group `{name}` was renamed to `{}` since it was listed; look with `ringward access list`",
            safe(&found.group.name)
        ))),
        UserGroupLookup::Found(found) => Ok(found),
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
