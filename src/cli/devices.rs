//! `ringward devices`: each device of a plan's rings and the class it is in, what needs attention
//! first.
//!
//! **Invariant:** the list is whole: every page is fetched, and one that does not add up to the
//! daemon's total is a failure.

use std::{cmp::Reverse, collections::BTreeMap, io};

use clap::Args;

use crate::cli::Column::{Cut, Left};
use crate::cli::{
    CliError, Column, Connection, Format, Out, Overview, Prose, ReadArgs, Screen, Tint, counted, distance,
    json, safe, table,
};
use crate::ids::{PlanName, RingName};
use crate::time::{Timestamp, short};
use crate::web::json::{DeviceJson, DevicesAnswer, MAX_PAGE, RingJson, RolloutJson};
use crate::{cli::value_parsers::one_of, fleet::Class, rollout::record::Gate, version::Environment};

const COLUMNS: [Column; 5] = [Cut("NAME"), Cut("USER"), Left("OS"), Left("CLIENT"), Left("LAST SEEN")];

/// The classes, with what needs attention first.
const ORDER: [Class; 7] = [
    Class::Stalled,
    Class::Due,
    Class::Unseen,
    Class::TooOld,
    Class::Left,
    Class::Untargeted,
    Class::Arrived,
];

/// Arguments of `devices`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/devices.txt").trim_end())]
pub struct DevicesArgs {
    /// The plan
    #[arg(value_name = "PLAN")]
    pub plan: PlanName,
    /// Which of them.
    #[command(flatten)]
    pub filter: Filter,
    /// How to answer, and which daemon.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Which devices to show; without any of these, all.
#[derive(Debug, Clone, Default, Args)]
pub struct Filter {
    /// Only the devices of this ring
    #[arg(long, value_name = "RING")]
    pub ring: Option<RingName>,
    /// Only the devices of this class
    #[arg(long, value_name = "CLASS", value_parser = one_of(&Class::ALL, Class::as_str))]
    pub class: Option<Class>,
    /// Only the devices that fell silent after they arrived; all of them are of class arrived
    #[arg(long, conflicts_with = "class")]
    pub dark: bool,
}

/// Nobody silent is no proof that all is well.
const NOBODY_DARK: &str = "No device that arrived fell silent, by the newest evaluations. `ringward explain` says in \
    gate `dark` of each ring when it was looked for, or why it was not.";

/// Shows the devices of a plan's rings.
///
/// # Errors
/// When the daemon does not answer, or knows no such plan or ring.
pub async fn devices(
    at: &Connection,
    plan: &PlanName,
    filter: &Filter,
    format: Format,
    screen: &Screen,
    out: Out<'_>,
) -> Result<(), CliError> {
    if format == Format::Json {
        return Ok(json(out, &fetch(at, plan, filter).await?)?);
    }
    // The targets stand with the rings.
    let seen = Overview::ask(at).await?;
    let rollout = seen.rollout(plan)?;
    let answer = fetch(at, plan, filter).await?;
    let mut page = Prose { out, screen, now: seen.now };
    text(&mut page, &answer, rollout)?;
    if filter.dark && answer.total == 0 {
        page.say("", NOBODY_DARK)?;
    }
    Ok(())
}

/// All pages as one answer.
async fn fetch(at: &Connection, plan: &PlanName, filter: &Filter) -> Result<DevicesAnswer, CliError> {
    let mut whole = page(at, plan, filter, 0).await?;
    while let Some(offset) = whole.next {
        let came = whole.devices.len();
        // Each page must take us forward, or a confused daemon would hold us for ever.
        if offset != came {
            return Err(CliError::failed(format!(
                "the daemon's pages do not fit together ({came} devices came, and the next page is at {offset}); please report this"
            )));
        }
        let next = page(at, plan, filter, offset).await?;
        if next.devices.is_empty() {
            break;
        }
        whole.devices.extend(next.devices);
        (whole.total, whole.next) = (next.total, next.next);
    }
    let (came, total) = (whole.devices.len(), whole.total);
    if came == total {
        return Ok(whole);
    }
    let told = format!("the devices changed while they were listed ({came} of {total} came); ask again");
    Err(CliError::failed(told))
}

async fn page(
    at: &Connection,
    plan: &PlanName,
    filter: &Filter,
    offset: usize,
) -> Result<DevicesAnswer, CliError> {
    let mut query = vec![("limit", MAX_PAGE.to_string()), ("offset", offset.to_string())];
    query.extend(filter.ring.iter().map(|ring| ("ring", ring.to_string())));
    query.extend(filter.class.map(|class| ("class", class.as_str().to_owned())));
    query.extend(filter.dark.then(|| ("dark", "true".to_owned())));
    Ok(at.get(&["rollouts", plan.as_str(), "devices"], &query).await?)
}

/// Where a group of devices stands, by what they have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    /// Devices that fell silent, and that nobody has accepted, come first.
    dark: Reverse<bool>,
    /// By the place in the order.
    class: usize,
    /// By the place in the plan.
    ring: usize,
    environment: Option<Environment>,
    dark_since: Option<Timestamp>,
    acknowledged: Vec<Gate>,
}

fn text(page: &mut Prose<'_>, answer: &DevicesAnswer, rollout: &RolloutJson) -> io::Result<()> {
    let mut groups: BTreeMap<GroupKey, Vec<&DeviceJson>> = BTreeMap::new();
    for device in &answer.devices {
        let class = ORDER.iter().position(|class| *class == device.class).unwrap_or(ORDER.len());
        let ring = rollout.rings.iter().position(|ring| ring.name == device.ring);
        let place = GroupKey {
            dark: Reverse(device.dark_since.is_some() && device.acknowledged.is_empty()),
            class,
            ring: ring.unwrap_or(rollout.rings.len()),
            environment: device.environment,
            dark_since: device.dark_since,
            acknowledged: device.acknowledged.clone(),
        };
        groups.entry(place).or_default().push(device);
    }
    for (place, devices) in &mut groups {
        // Whoever was online last can be reached first.
        devices.sort_by(|one, other| {
            (other.last_seen_at, &one.name, &one.id).cmp(&(one.last_seen_at, &other.name, &other.id))
        });
        if let Some(first) = devices.first() {
            let heading = heading(first, devices.len(), rollout.rings.get(place.ring));
            let class = page.paint(class_tint(first.class), first.class.as_str());
            page.say("", format!("{class}: {heading}"))?;
        }
        let rows: Vec<_> = devices.iter().map(|device| row(device, page.now)).collect();
        table(page.out, page.screen, 2, &COLUMNS, &rows)?;
        page.gap()?;
    }
    page.say("", totals(answer))
}

const fn class_tint(class: Class) -> Tint {
    match class {
        Class::Stalled => Tint::Bad,
        Class::Due | Class::TooOld => Tint::Waiting,
        Class::Arrived => Tint::Good,
        Class::Unseen | Class::Left | Class::Untargeted => Tint::Quiet,
    }
}

/// Whose devices these are, what their class means there, and what a health gate makes of them.
fn heading(first: &DeviceJson, count: usize, ring: Option<&RingJson>) -> String {
    let environment = first.environment;
    let on = environment.map_or("other".to_owned(), |environment| environment.to_string());
    let devices = counted(count, &format!("{on} device"));
    let whose = format!("{devices} of ring {}", safe(first.ring.as_str()));
    let target = ring.zip(environment).and_then(|(ring, environment)| ring.targets.get(&environment));
    let target = target.map_or("its target".to_owned(), ToString::to_string);
    let meaning = match first.class {
        Class::Stalled => format!("still not on {target}, long after it was due"),
        Class::Due => format!("seen since {target} was due, and not on it yet"),
        Class::Unseen if ring.is_some_and(|ring| ring.assigned_at.is_none()) => {
            format!("to move to {target} once the ring is entered")
        }
        Class::Unseen => format!("not seen since {target} was due"),
        Class::TooOld => "a client below 2026.6 ignores assignments; update it by other means".to_owned(),
        Class::Left => "moved out of the ring's profiles, or gone".to_owned(),
        Class::Untargeted => "nothing is on offer for its system here".to_owned(),
        Class::Arrived => format!("on {target}"),
    };
    let dark = first.dark_since.map(|since| format!("; dark: not seen since {}", short(since)));
    let accepted: Vec<&str> = first.acknowledged.iter().map(|gate| gate.as_str()).collect();
    let accepted = match accepted.as_slice() {
        [] => String::new(),
        gates => format!("; accepted by a person, so not counted by gate {} any more", gates.join(" and ")),
    };
    format!("{whose}; {meaning}{}{accepted}", dark.unwrap_or_default())
}

fn row(device: &DeviceJson, now: Timestamp) -> Vec<String> {
    let told =
        |text: Option<&str>| text.map(safe).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    // The heading tells the environment; other systems are told here.
    let system = match (device.environment, &device.os, &device.os_version) {
        (None, Some(os), Some(version)) => Some(format!("{os} {version}")),
        (None, os, version) => os.clone().or_else(|| version.clone()),
        (Some(_), _, version) => version.clone(),
    };
    vec![
        told(Some(&device.name)),
        told(device.user.as_deref()),
        told(system.as_deref()),
        told(device.client.as_deref()),
        device.last_seen_at.map_or_else(|| "never".to_owned(), |at| distance(at, now)),
    ]
}

fn totals(answer: &DevicesAnswer) -> String {
    let count = |class| answer.devices.iter().filter(|device| device.class == class).count();
    let counts = ORDER.iter().map(|class| (class.as_str(), count(*class))).filter(|(_, count)| *count > 0);
    let told: Vec<_> = counts.map(|(class, count)| format!("{count} {class}")).collect();
    let told = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    let dark = answer.devices.iter().filter(|device| device.dark_since.is_some()).count();
    let dark = if dark == 0 { String::new() } else { format!("; {dark} dark") };
    format!("{}{told}{dark}", counted(answer.total, "device"))
}
