//! One look at the whole account, for commands that judge it: token, groups, profiles, devices.
//!
//! **Invariant:** it only reads, and what Cloudflare refused is told as refused; what it did not
//! answer at all ends the look, because nothing can be judged by half an account.

use std::sync::atomic::{AtomicU32, Ordering};
use std::{collections::BTreeSet, sync::Arc};

use crate::cli::{CliError, ConnectionArgs, args::TOKEN_VARIABLE, transient};
use crate::cloudflare::{
    ApiError, CloudflareClient, ErrorClass, Operation, Priority, RequestObserver, TokenCheck, TokenState,
};
use crate::fleet::{Membership, SweepScope};
use crate::ids::{AccountId, UserGroupName};
use crate::rollout::world::{Observations, Observed};
use crate::time::{Clock, Timestamp};

/// What a look showed.
#[derive(Debug)]
pub(crate) struct AccountLook {
    /// When it began.
    pub(crate) at: Timestamp,
    /// What verification said of the token; `None`: refused.
    pub(crate) token: Option<TokenCheck>,
    /// Groups, profiles and devices, as far as they could be read.
    pub(crate) world: Observations,
    /// What Cloudflare refused.
    pub(crate) refused: Vec<ApiError>,
}

impl AccountLook {
    /// Whether groups, profiles and devices were all read.
    pub(crate) fn is_whole(&self) -> bool {
        self.world.groups.is_some() && self.world.profiles.is_some() && self.has_devices()
    }

    /// Whether the devices were read.
    pub(crate) fn has_devices(&self) -> bool {
        self.world.fleet.full_sweep_at().is_some()
    }
}

/// Looks at the account, and at these User Groups. With a token that is disabled or expired nothing else is asked.
///
/// # Errors
/// When Cloudflare cannot be reached, does not answer, or answers something that is no answer.
async fn look(
    client: &CloudflareClient,
    clock: Clock,
    approvers: &BTreeSet<UserGroupName>,
) -> Result<AccountLook, ApiError> {
    let at = clock.now();
    let mut look = AccountLook { at, token: None, world: Observations::default(), refused: Vec::new() };
    look.token = kept(client.verify_token().await, &mut look.refused)?;
    if look.token.is_some_and(|token| token.state != TokenState::Active) {
        return Ok(look);
    }
    let as_of = clock.now();
    let groups = kept(client.list_groups(Priority::Routine).await, &mut look.refused)?;
    look.world.groups = groups.map(|value| Observed { value, as_of });
    let as_of = clock.now();
    let profiles = kept(client.profiles().await, &mut look.refused)?;
    look.world.profiles = profiles.map(|value| Observed { value, as_of });
    if let Some(sweep) = kept(client.sweep(SweepScope::Full).await, &mut look.refused)? {
        look.world.fleet.observe(sweep, &Membership::default());
    }
    for group in approvers {
        let as_of = clock.now();
        if let Some(value) = kept(client.approvers(group, Priority::Routine).await, &mut look.refused)? {
            look.world.user_groups.insert(group.clone(), Observed { value, as_of });
        }
    }
    Ok(look)
}

/// One look at an account, with progress on a terminal; at these User Groups, too.
pub(crate) async fn look_at(
    connection: &ConnectionArgs,
    id: &AccountId,
    approvers: &BTreeSet<UserGroupName>,
) -> Result<AccountLook, CliError> {
    let watcher = Arc::new(Watcher::default());
    let client = connection.client(TOKEN_VARIABLE, id.clone(), watcher.clone())?;
    let outcome = look(&client, connection.clock, approvers).await;
    watcher.done();
    outcome.map_err(|error| {
        // A daemon tries again by itself; here a person does.
        let why = error.to_string().replace("it is tried again", "try it again");
        CliError::failed(format!("account {id} cannot be looked at: {why}"))
    })
}

/// What was answered; a refusal is kept, and silence ends the look.
fn kept<T>(outcome: Result<T, ApiError>, refused: &mut Vec<ApiError>) -> Result<Option<T>, ApiError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.class, ErrorClass::Refused { .. }) => {
            refused.push(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Shows on a terminal how far a look is; elsewhere it says nothing. Standard output is for the answer.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    requests: AtomicU32,
}

impl Watcher {
    /// Takes the line away again.
    pub(crate) fn done(&self) {
        transient("");
    }
}

impl RequestObserver for Watcher {
    fn finished(&self, operation: &'static str, _code: &str, _seconds: f64) {
        let count = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let words = Operation::ALL.iter().find(|known| known.as_str() == operation);
        let words = words.map_or(operation, |known| known.words());
        transient(&format!("{words} (request {count})"));
    }
}
