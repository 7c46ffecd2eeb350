//! How many devices the account has in each profile of a plan, by system.
//!
//! **Invariant:** it only reads; a profile that is not found exactly once is an error, never zero.

use std::collections::BTreeSet;

use crate::cli::online::{Meaning, meaning};
use crate::cli::{CliError, ConnectionArgs, account::look_at, safe};
use crate::plan::model::{Plan, ProfileRef};
use crate::{ids::PolicyId, rollout::world::Observations, synthetic::Headcount, version::Environment};

/// Counts the devices of each profile that the plan names.
pub(super) async fn heads(
    plan: &Plan,
    connection: &ConnectionArgs,
) -> Result<Vec<(ProfileRef, Headcount)>, CliError> {
    let id = connection.account(plan.account.as_ref())?;
    let look = look_at(connection, &id, &BTreeSet::new()).await?;
    if let Some(refused) = look.refused.first() {
        return Err(CliError::failed(format!("account {id} cannot be looked at: {refused}")));
    }
    let profiles = plan.rings.iter().flat_map(|ring| &ring.profiles);
    profiles.map(|profile| Ok((profile.clone(), count(&look.world, &found(&look.world, profile)?)))).collect()
}

fn found(world: &Observations, profile: &ProfileRef) -> Result<PolicyId, CliError> {
    let listed = world.profiles.as_ref().map_or(&[][..], |read| &read.value.listed);
    let found = match meaning(profile, listed, world) {
        Meaning::One(one) => return Ok(one.id.clone()),
        Meaning::Default(id) => return Ok(id.clone()),
        Meaning::Several(several) => several.len(),
        Meaning::None => 0,
    };
    let profile = safe(&profile.to_string());
    Err(CliError::usage(format!(
        "profile `{profile}` is found {found} times in the account; `ringward check --online` tells more"
    )))
}

fn count(world: &Observations, policy: &PolicyId) -> Headcount {
    let mut heads = Headcount::default();
    for device in world.fleet.devices() {
        let latest = &device.latest;
        if latest.policy.as_ref().is_none_or(|seen| seen.id != *policy) {
            continue;
        }
        match latest.environment() {
            Some(Environment::Windows) => heads.windows += 1,
            Some(Environment::Macos) => heads.macs += 1,
            None if latest.device_type.as_deref() == Some("ios") => heads.ios += 1,
            // Whatever else there is: assignments do not reach it either.
            None => heads.linux += 1,
        }
    }
    heads
}
