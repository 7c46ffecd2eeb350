//! `ringward access`: what User Groups may do in the account, written in a file and kept that way.
//!
//! It works beside the daemon, with a token of its own, tells the daemon's log of each change before and after,
//! and writes policies alone: it never changes who belongs to a group, and never touches a group that the file,
//! or the command, does not name.
//!
//! **Invariant:** a write is made only where policies differ, by [`Change::carry_out`], and is believed only
//! when it was read back.

mod api;
pub mod args;
mod compare;
mod file;
mod json;
pub mod policies;
mod resolve;
mod show;
mod words;
mod write;

use std::{path::Path, sync::Arc};

use self::args::{
    ACCESS_TOKEN_VARIABLE, AccessArgs, AccessConnection, AccessDiffArgs, AccessListArgs, AccessVerb,
    ApplyArgs, ResetArgs, RolesArgs,
};
use self::compare::{Difference, Listing};
use self::file::ValidFile;
use self::policies::{PermissionGroup, PolicedGroup};
use self::resolve::{WantedGroup, another_group, resolve};
use self::words::RoleNames;
use self::write::Change;
use crate::cli::{CliError, Ink, Out, Screen, safe};
use crate::cloudflare::{ApiError, CloudflareClient, Priority};
use crate::{cli::account::Watcher, cli::excerpt::SourceFile, ids::AccountId, plan::PlanError};

/// Does what was asked.
///
/// # Errors
/// When the file is invalid (exit 2), does not fit the account (exit 3), or the account cannot be read or
/// written (exit 1).
pub async fn access(args: &AccessArgs, screen: &Screen, out: Out<'_>) -> Result<(), CliError> {
    match &args.verb {
        AccessVerb::List(args) => list(args, screen, out).await,
        AccessVerb::Roles(args) => roles(args, screen, out).await,
        AccessVerb::Diff(args) => diff(args, screen, out).await,
        AccessVerb::Apply(args) => apply(args, screen, out).await,
        AccessVerb::Reset(args) => reset(args, screen, out).await,
    }
}

/// The account, and on a terminal a line that says how far reading it is.
struct Far {
    client: CloudflareClient,
    account: AccountId,
    watcher: Arc<Watcher>,
}

impl Far {
    fn reach(connection: &AccessConnection, pinned: Option<&AccountId>) -> Result<Self, CliError> {
        let account = connection.reach.account(pinned)?;
        if let Some(pinned) = pinned.filter(|pinned| **pinned != account) {
            return Err(CliError::usage(format!(
                "the file is for account {pinned}, and this is account {account}; name the right one with \
                 --account, or leave it out"
            )));
        }
        let watcher = Arc::new(Watcher::default());
        let observer = Arc::<Watcher>::clone(&watcher);
        let client = connection.reach.client(ACCESS_TOKEN_VARIABLE, account.clone(), observer)?;
        Ok(Self { client, account, watcher })
    }

    /// What was read, with the line taken away again.
    fn read<T>(&self, outcome: Result<T, ApiError>) -> Result<T, CliError> {
        self.watcher.done();
        outcome.map_err(CliError::failed)
    }

    /// What a file means here.
    async fn targets(
        &self,
        file: &SourceFile,
        written: &ValidFile<'_>,
        ink: Ink,
    ) -> Result<(Vec<WantedGroup>, Vec<PermissionGroup>), CliError> {
        let groups = self.read(self.client.user_groups().await)?;
        let roles = self.read(self.client.permission_groups().await)?;
        let targets = resolve(written, &self.account, &groups, &roles)
            .map_err(|errors| CliError::refused(told(file, "does not fit the account", &errors, ink)))?;
        Ok((targets, roles))
    }
}

async fn list(args: &AccessListArgs, screen: &Screen, out: Out<'_>) -> Result<(), CliError> {
    let far = Far::reach(&args.connection, None)?;
    let mut groups = far.read(far.client.user_groups().await)?;
    let mut members = None;
    if let Some(text) = &args.group {
        let group = one_group(&groups, text)?.clone();
        let id = &group.id;
        members = Some(far.read(far.client.user_group_members(id, Priority::Routine).await)?);
        groups = vec![group];
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let scopes = &far.read(write::scopes(&far.client, &groups).await)?;
    let found = Listing { account: &far.account, groups: &groups, members: members.as_deref(), scopes };
    Ok(args.json.format().answer(out, &json::groups(&found), |out| show::groups(out, screen, &found))?)
}

async fn roles(args: &RolesArgs, screen: &Screen, out: Out<'_>) -> Result<(), CliError> {
    let far = Far::reach(&args.connection, None)?;
    let mut roles = far.read(far.client.permission_groups().await)?;
    if let Some(part) = args.like.as_ref().map(|part| part.to_lowercase()) {
        roles.retain(|role| role.name.as_ref().is_some_and(|name| name.to_lowercase().contains(&part)));
    }
    roles.sort_by(|a, b| (&a.name, &a.scopes).cmp(&(&b.name, &b.scopes)));
    let found = json::Roles { account: &far.account, roles: &roles };
    Ok(args.json.format().answer(out, &found, |out| show::roles(out, screen, &roles))?)
}

async fn diff(args: &AccessDiffArgs, screen: &Screen, out: Out<'_>) -> Result<(), CliError> {
    let file = open(&args.file)?;
    let written = written(&file, screen.ink)?;
    let far = Far::reach(&args.connection, written.account.as_ref())?;
    let (targets, roles) = far.targets(&file, &written, screen.ink).await?;
    let found: Vec<PolicedGroup> = targets.iter().map(|target| target.found.clone()).collect();
    let scopes = far.read(write::scopes(&far.client, &found).await)?;
    let differences: Vec<(&PolicedGroup, Difference)> = targets
        .iter()
        .map(|target| (&target.found, Difference::between(&target.found.policies, &target.wanted, &scopes)))
        .collect();
    let names = RoleNames::of(&far.account, &roles, &found);
    Ok(args.json.format().answer(out, &json::differences(&far.account, &differences, &names), |out| {
        show::differences(out, screen, &differences, &names)
    })?)
}

async fn apply(args: &ApplyArgs, screen: &Screen, out: Out<'_>) -> Result<(), CliError> {
    let file = open(&args.file)?;
    let written = written(&file, screen.ink)?;
    let far = Far::reach(&args.connection, written.account.as_ref())?;
    let (targets, roles) = far.targets(&file, &written, screen.ink).await?;
    let (client, daemon, reason) = (&far.client, &args.daemon.connection(), &args.reason);
    let mut changed = 0;
    for WantedGroup { found: group, wanted: policies } in &targets {
        let names = &RoleNames::of(&far.account, &roles, std::slice::from_ref(group));
        let change = Change { client, daemon, names, group, policies, reason };
        let done = change.carry_out().await;
        far.watcher.done();
        let done = done.map_err(|error| stopped(error, changed, targets.len()))?;
        changed += usize::from(done.is_some());
        show::done(out, screen, &change, done.as_ref())?;
        out.flush()?;
    }
    Ok(show::applied(out, changed, targets.len())?)
}

async fn reset(args: &ResetArgs, screen: &Screen, out: Out<'_>) -> Result<(), CliError> {
    let far = Far::reach(&args.connection, None)?;
    let groups = far.read(far.client.user_groups().await)?;
    let group = one_group(&groups, &args.group)?;
    let (client, daemon, reason) = (&far.client, &args.daemon.connection(), &args.reason);
    let names = &RoleNames::of(&far.account, &[], std::slice::from_ref(group));
    let change = Change { client, daemon, names, group, policies: &[], reason };
    let done = change.carry_out().await;
    far.watcher.done();
    Ok(show::done(out, screen, &change, done?.as_ref())?)
}

/// An error of one of several groups, with what was done before it.
fn stopped(error: CliError, changed: usize, all: usize) -> CliError {
    if all == 1 {
        return error;
    }
    let text = format!(
        "{error}\n{changed} of {all} groups had been changed before; those after it were not touched"
    );
    error.with_message(text)
}

/// The group of a name, or of an ID.
fn one_group<'a>(groups: &'a [PolicedGroup], text: &str) -> Result<&'a PolicedGroup, CliError> {
    if let Some(group) = groups.iter().find(|known| known.id.as_str() == text) {
        return Ok(group);
    }
    let named: Vec<&PolicedGroup> = groups.iter().filter(|known| known.name == text).collect();
    match named.as_slice() {
        [one] => Ok(one),
        [] => {
            let (text, instead) = (safe(text), safe(&another_group(text, groups)));
            Err(CliError::refused(format!("the account has no User Group `{text}`; {instead}")))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|group| group.id.as_str()).collect();
            Err(CliError::refused(format!(
                "the account has {} User Groups named `{}`; name one by its ID: {}",
                several.len(),
                safe(text),
                ids.join(", ")
            )))
        }
    }
}

fn open(path: &Path) -> Result<SourceFile, CliError> {
    SourceFile::read(path).map_err(|error| {
        CliError::usage(format!("{} cannot be read: {error}; name an access file", path.display()))
    })
}

/// What a file says by itself.
fn written(file: &SourceFile, ink: Ink) -> Result<ValidFile<'_>, CliError> {
    file::read(&file.name, &file.bytes)
        .map_err(|errors| CliError::usage(told(file, "cannot be used", &errors, ink)))
}

fn told(file: &SourceFile, what: &str, errors: &[PlanError], ink: Ink) -> String {
    let shown: Vec<String> = errors.iter().map(|error| file.excerpt(error, ink)).collect();
    format!("{} {what}\n\n{}", file.name, shown.join("\n").trim_end())
}
