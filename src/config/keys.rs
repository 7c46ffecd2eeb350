//! The keys of `ringward.yaml`, and how they are read, noting every problem on the way.
//!
//! **Invariant:** a key that stands here is read, and no other is; when nothing is returned, at least one problem
//! was noted.

use std::num::{NonZeroU8, NonZeroU32};
use std::{collections::BTreeSet, fmt::Display, path::PathBuf, str::FromStr};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::model::{AccessApplication, ClockTrust, Config, MayRead, Operators, RunSettings};
use crate::config::values::{Audience, CertsUrl, HostName, Listen, TeamName};
use crate::ids::{AccountId, ServiceName, UserGroupName};
use crate::plan::fields::too_many;
use crate::plan::model::{ApprovalFloor, AuthorRule, DeviceLimit, Revisions};
use crate::plan::typed_key::{Keys as _, key, keys, needed, word};
use crate::plan::values::{account, date, owned_text, read, whole};
use crate::plan::{Node, Problems, Value, WordValue, items, text};
use crate::time::Timestamp;

/// The most entries of a list.
const MOST: usize = 1_000;
/// The word that stands for whoever Access lets in.
const EVERYONE: &str = "everyone";

impl WordValue for MayRead {
    const WORDS: &'static [(&'static str, Self)] = &[("open", Self::Open), ("signed_in", Self::SignedIn)];
}

impl WordValue for Revisions {
    const WORDS: &'static [(&'static str, Self)] = &[("file", Self::File), ("person", Self::Person)];
}

impl WordValue for AuthorRule {
    const WORDS: &'static [(&'static str, Self)] =
        &[("optional", Self::Optional), ("required", Self::Required)];
}

impl WordValue for bool {
    const WORDS: &'static [(&'static str, Self)] = &[("true", true), ("false", false)];
}

/// Whose clock is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trustee {
    Machine,
}

impl WordValue for Trustee {
    const WORDS: &'static [(&'static str, Self)] = &[("machine", Self::Machine)];
}

keys! {
    /// What a daemon is told beside its plans.
    ConfigKeys("the configuration", "configuration") {
        access: AccessKeys = key(AccessKeys::read),
        reading: MayRead = key(word),
        metrics: MayRead = key(word),
        revisions: Revisions = key(word),
        approval_floor: FloorKeys = key(FloorKeys::read),
        guard: GuardKeys = key(GuardKeys::read),
        clock: ClockKeys = key(ClockKeys::read),
        plans: PathBuf = key(path),
        listen: Listen = key(parsed),
        hosts: Vec<HostName> = key(|node, what, problems| {
            list(node, what, "a host's name", "a list of names, such as [ringward.example.com]", problems)
        }),
        read_only: bool = key(word),
        observe: bool = key(word),
        account: AccountId = key(|node, _, problems| account(node, problems)),
        token_file: PathBuf = key(path),
        ca_file: PathBuf = key(path),
    }
    elsewhere |key| match key {
        "api_url" => Some("give --api-url or RINGWARD_API_URL"),
        "devices_per_day" => Some("write it under `guard`"),
        "db" => Some("give --db or RINGWARD_DB; this file is looked for beside the database"),
        "host" => Some("write `hosts`, a list of names"),
        "requests" => Some("give --requests or RINGWARD_REQUESTS"),
        "token" => Some("write `token_file`: this file holds no secret"),
        "plan" => Some("this is no plan; a plan is a file of its own"),
        "rings" => Some("rings stand in a plan, which is a file of its own"),
        _ => None,
    }
}

keys! {
    /// An application of Cloudflare Access.
    AccessKeys("`access`", "access") {
        team: TeamName = needed("NAME of https://NAME.cloudflareaccess.com", parsed),
        audience: Vec<Audience> = needed(TAGS, |node, what, problems| list(node, what, "an AUD tag", TAGS, problems)),
        certs_url: CertsUrl = key(parsed),
        operators: Operators = key(operators),
        services: Vec<ServiceName> = key(|node, what, problems| {
            let ids = "a list of client IDs, such as [88bf3b6d86161464f6509f7219099e57.access]";
            list(node, what, "a client ID", ids, problems)
        }),
    }
    elsewhere |key| (key == "aud").then_some("write `audience`, a list of AUD tags")
}

const TAGS: &str = "a list of AUD tags, of 64 digits each";

keys! {
    /// What no plan may do more of.
    GuardKeys("`guard`", "guard") {
        devices_per_day: DeviceLimit = needed("a number of devices, such as 2000", |node, what, problems| {
            DeviceLimit::new(whole::<NonZeroU32>(node, what, "of devices, at least 1", |_| true, problems)?.get())
        }),
    }
}

keys! {
    /// What every ring needs from so many devices on.
    FloorKeys("`approval_floor`", "approval_floor") {
        user_group: UserGroupName = needed("a User Group's name", parsed),
        count: NonZeroU8 = needed("how many must approve, such as count: 2", |node, what, problems| {
            whole(node, what, "from 1 to 255", |_| true, problems)
        }),
        author: AuthorRule = key(word),
        over_devices: u32 = needed("a number of devices, such as 1000", |node, what, problems| {
            whole(node, what, "of devices", |_| true, problems)
        }),
    }
}

keys! {
    /// That this machine's clock is right whatever Cloudflare's answers say.
    ClockKeys("`clock`", "clock") {
        trust: Trustee = needed("`trust: machine`", word),
        until: Date = needed("its last day, such as until: 2026-12-18", date),
        reason: String = needed("why, for those who read the status", owned_text),
    }
}

pub(super) fn config(root: &Node, problems: &mut Problems) -> Option<Config> {
    let keys = ConfigKeys::read(root, "", problems)?;
    // A part that is refused has noted why.
    Some(Config {
        access: keys.access.value.and_then(access),
        reading: keys.reading.value,
        metrics: keys.metrics.value,
        revisions: keys.revisions.value.unwrap_or_default(),
        approval_floor: keys.approval_floor.value.and_then(
            |FloorKeys { user_group, count, over_devices, author }| {
                let over_devices = usize::try_from(over_devices.value?).ok()?;
                let author = author.value.unwrap_or_default();
                Some(ApprovalFloor {
                    user_group: user_group.value?,
                    count: count.value?,
                    over_devices,
                    author,
                })
            },
        ),
        devices_per_day: keys.guard.value.and_then(|guard| guard.devices_per_day.value),
        clock_trust: keys.clock.value.and_then(|ClockKeys { trust, until, reason }| {
            trust.value?;
            Some(ClockTrust { until: end_of(until.value?)?, reason: reason.value? })
        }),
        run: RunSettings {
            plans: keys.plans.value,
            listen: keys.listen.value,
            hosts: keys.hosts.value.unwrap_or_default(),
            read_only: keys.read_only.value.unwrap_or_default(),
            observe: keys.observe.value.unwrap_or_default(),
            account: keys.account.value,
            token_file: keys.token_file.value,
            ca_file: keys.ca_file.value,
        },
    })
}

fn access(keys: AccessKeys) -> Option<AccessApplication> {
    Some(AccessApplication {
        team: keys.team.value?,
        audience: BTreeSet::from_iter(keys.audience.value?),
        certs_url: keys.certs_url.value,
        operators: keys.operators.value.unwrap_or_default(),
        services: BTreeSet::from_iter(keys.services.value.unwrap_or_default()),
    })
}

fn operators(node: &Node, what: &str, problems: &mut Problems) -> Option<Operators> {
    if matches!(&node.value, Value::Scalar { text, .. } if text == EVERYONE) {
        return Some(Operators::Everyone);
    }
    let example = "the word `everyone`, or a list of e-mails, such as [ana@example.com]";
    list(node, what, "an e-mail", example, problems)
        .map(|emails| Operators::Only(BTreeSet::from_iter(emails)))
}

fn end_of(day: Date) -> Option<Timestamp> {
    day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok().map(|end| end.timestamp())
}

fn path(node: &Node, what: &str, problems: &mut Problems) -> Option<PathBuf> {
    text(node, what, problems).map(PathBuf::from)
}

/// A value whose own type knows what is right.
fn parsed<T: FromStr<Err: Display>>(node: &Node, what: &str, problems: &mut Problems) -> Option<T> {
    read(node, what, problems, |text| {
        text.parse().map_err(|error: T::Err| (format!("{what} cannot be used"), error.to_string()))
    })
}

/// A list of such values; an empty one is a slip.
fn list<T>(node: &Node, what: &str, item: &str, example: &str, problems: &mut Problems) -> Option<Vec<T>>
where
    T: FromStr<Err: Display>,
{
    let nodes = items(node, what, example, problems)?;
    if nodes.is_empty() {
        problems.missing(&node.at, format!("{what} is empty"), format!("write {example}, or leave it out"));
    }
    if too_many(&node.at, nodes.len(), MOST, "entries", "", problems) {
        return None;
    }
    Some(nodes.iter().filter_map(|node| parsed(node, item, problems)).collect())
}
