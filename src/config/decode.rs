//! Tree to configuration, noting every problem on the way.
//!
//! **Invariant:** when nothing is returned, at least one problem was noted.

use std::collections::BTreeSet;
use std::num::{NonZeroU8, NonZeroU32};
use std::path::PathBuf;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::clock::ClockTrust;
use crate::config::keys::{ACCESS, CLOCK, CONFIG, FLOOR, GUARD, MOST, Trustee};
use crate::config::model::{AccessApplication, Config, Operators, RunSettings};
use crate::plan::error::Problems;
use crate::plan::fields::{Fields, items, text};
use crate::plan::model::{ApprovalFloor, DeviceLimit};
use crate::plan::tree::{Node, Value};
use crate::plan::typed_key::word_of;
use crate::plan::values::{account, date, read};
use crate::time::Timestamp;

/// The word that stands for whoever Access lets in.
const EVERYONE: &str = "everyone";

pub(super) fn config(root: &Node, problems: &mut Problems) -> Option<Config> {
    let fields = Fields::of(root, &CONFIG, problems)?;
    // A part that is refused has noted why.
    Some(Config {
        access: fields.mapping(&ACCESS, problems).and_then(|fields| access(&fields, problems)),
        reading: word_of(&fields, "reading", problems).unwrap_or_default(),
        revisions: word_of(&fields, "revisions", problems).unwrap_or_default(),
        approval_floor: fields.mapping(&FLOOR, problems).and_then(|fields| floor(&fields, problems)),
        devices_per_day: fields
            .mapping(&GUARD, problems)
            .and_then(|fields| devices_per_day(&fields, problems)),
        clock_trust: fields.mapping(&CLOCK, problems).and_then(|fields| clock(&fields, problems)),
        run: run(&fields, problems),
    })
}

fn run(fields: &Fields<'_>, problems: &mut Problems) -> RunSettings {
    let path = |key: &str, problems: &mut Problems| -> Option<PathBuf> {
        let node = fields.get(key)?;
        text(node, &format!("`{key}`"), problems).map(PathBuf::from)
    };
    let example = "a list of names, such as [ringward.example.com]";
    let hosts = fields.get("hosts").map(|node| list(node, "`hosts`", "a host's name", example, problems));
    RunSettings {
        plans: path("plans", problems),
        listen: fields.get("listen").and_then(|node| parsed(node, "`listen`", problems)),
        hosts: hosts.unwrap_or_default(),
        read_only: word_of(fields, "read_only", problems).unwrap_or_default(),
        observe: word_of(fields, "observe", problems).unwrap_or_default(),
        account: fields.get("account").and_then(|node| account(node, problems)),
        token_file: path("token_file", problems),
        ca_file: path("ca_file", problems),
    }
}

fn access(fields: &Fields<'_>, problems: &mut Problems) -> Option<AccessApplication> {
    let team = fields.require("team", "write NAME of https://NAME.cloudflareaccess.com", problems);
    let team = team.and_then(|node| parsed(node, "`team`", problems));
    let tags = "a list of AUD tags, of 64 digits each";
    let audience = fields.require("audience", &format!("write {tags}"), problems);
    let audience: Option<Vec<_>> =
        audience.map(|node| list(node, "`audience`", "an AUD tag", tags, problems));
    let certs_url = fields.get("certs_url").and_then(|node| parsed(node, "`certs_url`", problems));
    let operators = fields.get("operators").map(|node| operators(node, problems));
    let ids = "a list of client IDs, such as [88bf3b6d86161464f6509f7219099e57.access]";
    let services = fields.get("services");
    let services = services.map(|node| list(node, "`services`", "a client ID", ids, problems));
    Some(AccessApplication {
        team: team?,
        audience: BTreeSet::from_iter(audience?),
        certs_url,
        operators: operators.unwrap_or_default(),
        services: BTreeSet::from_iter(services.unwrap_or_default()),
    })
}

fn operators(node: &Node, problems: &mut Problems) -> Operators {
    if matches!(&node.value, Value::Scalar { text, .. } if text == EVERYONE) {
        return Operators::Everyone;
    }
    let example = "the word `everyone`, or a list of e-mails, such as [ana@example.com]";
    Operators::Only(BTreeSet::from_iter(list(node, "`operators`", "an e-mail", example, problems)))
}

fn floor(fields: &Fields<'_>, problems: &mut Problems) -> Option<ApprovalFloor> {
    let group = fields.require("user_group", "write a User Group's name", problems);
    let group = group.and_then(|node| parsed(node, "`user_group`", problems));
    let count = fields.require("count", "write how many must approve, such as count: 2", problems);
    let count = count.and_then(|node| whole::<NonZeroU8>(node, "`count`", "from 1 to 255", problems));
    let over = fields.require("over_devices", "write a number of devices, such as 1000", problems);
    let over = over.and_then(|node| whole::<u32>(node, "`over_devices`", "of devices", problems));
    Some(ApprovalFloor { user_group: group?, count: count?, over_devices: usize::try_from(over?).ok()? })
}

fn devices_per_day(fields: &Fields<'_>, problems: &mut Problems) -> Option<DeviceLimit> {
    let devices = fields.require("devices_per_day", "write a number of devices, such as 2000", problems)?;
    let devices = whole::<NonZeroU32>(devices, "`devices_per_day`", "of devices, at least 1", problems)?;
    DeviceLimit::new(devices.get())
}

fn clock(fields: &Fields<'_>, problems: &mut Problems) -> Option<ClockTrust> {
    fields.require("trust", "write `trust: machine`", problems);
    let trust = word_of::<Trustee>(fields, "trust", problems);
    let until = fields.require("until", "write its last day, such as until: 2026-12-18", problems);
    let last_day = until.and_then(|node| date(node, "`until`", problems));
    let reason = fields.require("reason", "write why, for those who read the status", problems);
    let reason = reason.and_then(|node| text(node, "`reason`", problems));
    trust?;
    Some(ClockTrust { until: end_of(last_day?)?, reason: reason?.to_owned() })
}

fn end_of(day: Date) -> Option<Timestamp> {
    day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok().map(|end| end.timestamp())
}

/// A value whose own type knows what is right.
fn parsed<T>(node: &Node, what: &str, problems: &mut Problems) -> Option<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    read(node, what, problems, |text| {
        text.parse().map_err(|error: T::Err| (format!("{what} cannot be used"), error.to_string()))
    })
}

/// A whole number in digits alone.
fn whole<T: FromStr>(node: &Node, what: &str, range: &str, problems: &mut Problems) -> Option<T> {
    read(node, what, problems, |text| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        number.ok_or_else(|| (format!("{what} cannot be read"), format!("write a whole number {range}")))
    })
}

/// A list of such values; an empty one is a slip.
fn list<T>(node: &Node, what: &str, item: &str, example: &str, problems: &mut Problems) -> Vec<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let Some(nodes) = items(node, what, example, problems) else { return Vec::new() };
    if nodes.is_empty() {
        problems.missing(&node.at, format!("{what} is empty"), format!("write {example}, or leave it out"));
    }
    if nodes.len() > MOST {
        let problem = format!("{} entries are too many", nodes.len());
        problems.missing(&node.at, problem, format!("write at most {MOST}"));
        return Vec::new();
    }
    nodes.iter().filter_map(|node| parsed(node, item, problems)).collect()
}
