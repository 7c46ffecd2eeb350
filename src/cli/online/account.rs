//! What is worth saying of the account itself: its token, and what may not be read. Pure.
//!
//! **Invariant:** what Cloudflare refused is told once.

use crate::cli::online::finding::{CheckFinding, Code};
use crate::cli::{distance, short};
use crate::cloudflare::{ApiError, Operation, TokenState};
use crate::time::{SignedDuration, since};
use crate::{cli::account::AccountLook, cli::online::report::AccountReport, ids::AccountId};

/// A token that ends within this time is worth a warning: a rollout of four rings takes weeks.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Judges the account itself.
pub(crate) fn account(id: &AccountId, look: &AccountLook) -> AccountReport {
    let mut findings = token(look);
    findings.extend(refusals(id, look));
    if look.is_whole() {
        let problem = "whether the token may write was not tried, because only a write would show it";
        let instead = "a daemon needs the permission `Zero Trust Write` (`Edit` in the dashboard), and with --observe `Zero Trust Read`";
        findings.push(CheckFinding::new(Code::WriteNotTried, problem).instead(instead));
    }
    AccountReport {
        id: id.clone(),
        at: look.at,
        token: look.token.map(|token| token.state.into()),
        token_expires_on: look.token.and_then(|token| token.expires_on),
        devices: look.has_devices().then(|| look.world.fleet.devices().count()),
        profiles: look.world.profiles.as_ref().map(|profiles| profiles.value.listed.len()),
        groups: look.world.groups.as_ref().map(|groups| groups.value.len()),
        findings,
    }
}

/// What may not be read, once where nothing may.
fn refusals(id: &AccountId, look: &AccountLook) -> Vec<CheckFinding> {
    let told = |error: &ApiError| match error.to_string().split_once("; ") {
        Some((problem, instead)) => CheckFinding::new(Code::ReadRefused, problem).instead(instead),
        None => CheckFinding::new(Code::ReadRefused, error.to_string()),
    };
    let (verify, reads): (Vec<&ApiError>, Vec<&ApiError>) =
        look.refused.iter().partition(|error| error.operation == Operation::VerifyToken);
    let nothing_read = look.world.groups.is_none() && look.world.profiles.is_none() && !look.has_devices();
    match verify.first() {
        Some(error) if nothing_read => {
            let problem = format!("nothing of account {id} may be read: {}", told(error).problem);
            let instead =
                "check that the token is whole and of this account, the account ID, and the API URL";
            vec![CheckFinding::new(Code::ReadRefused, problem).instead(instead)]
        }
        // A token that was not verified and reads all the same is odd, and no obstacle.
        _ => reads.into_iter().map(told).collect(),
    }
}

fn token(look: &AccountLook) -> Vec<CheckFinding> {
    let another = "make a new token at Cloudflare and give it by CLOUDFLARE_API_TOKEN or --token-file";
    let Some(token) = look.token else {
        let reads = look.world.groups.is_some() || look.world.profiles.is_some() || look.has_devices();
        let problem = "Cloudflare did not tell the token's state, though the token can read";
        return reads.then(|| CheckFinding::new(Code::TokenNotVerified, problem)).into_iter().collect();
    };
    let ended = token.expires_on.map(|end| format!(" on {}", short(end))).unwrap_or_default();
    let found = match token.state {
        TokenState::Disabled => CheckFinding::new(Code::TokenDisabled, "the API token was switched off"),
        TokenState::Expired => CheckFinding::new(Code::TokenExpired, format!("the API token expired{ended}")),
        TokenState::Active => {
            let soon = token.expires_on.filter(|end| since(look.at, *end) < ENDS_SOON);
            let Some(end) = soon else { return Vec::new() };
            let problem = format!("the API token ends {}, on {}", distance(end, look.at), short(end));
            CheckFinding::new(Code::TokenExpiresSoon, problem)
        }
    };
    vec![found.instead(another)]
}
