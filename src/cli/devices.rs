//! `ringward devices`: each device of a plan's rings and the class it is in.
//!
//! **Invariant:** the list is whole: every page is fetched, and one that does not add up to the
//! daemon's total is a failure.

use std::io;

use crate::cli::client::Connection;
use crate::cli::exit::CliError;
use crate::cli::render::{Column, Format, Out, json, safe, short, table};
use crate::fleet::Class;
use crate::ids::{PlanName, RingName};
use crate::web::json::{DeviceJson, DevicesAnswer, MAX_PAGE};

const COLUMNS: [Column; 7] = [
    Column::Left("RING"),
    Column::Left("CLASS"),
    Column::Left("NAME"),
    Column::Left("USER"),
    Column::Left("OS"),
    Column::Left("CLIENT"),
    Column::Left("LAST SEEN"),
];

/// Which devices to show; `None` shows all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Only this ring's.
    pub ring: Option<&'a RingName>,
    /// Only this class.
    pub class: Option<Class>,
}

/// Shows the devices of a plan's rings.
///
/// # Errors
/// When the daemon does not answer, or knows no such plan or ring.
pub async fn devices(
    at: &Connection,
    plan: &PlanName,
    filter: Filter<'_>,
    format: Format,
    out: Out<'_>,
) -> Result<(), CliError> {
    let answer = fetch(at, plan, filter).await?;
    match format {
        Format::Json => json(out, &answer)?,
        Format::Text => text(out, &answer)?,
    }
    Ok(())
}

/// All pages as one answer.
async fn fetch(at: &Connection, plan: &PlanName, filter: Filter<'_>) -> Result<DevicesAnswer, CliError> {
    let mut whole = page(at, plan, filter, 0).await?;
    while let Some(offset) = whole.next {
        // Each page must take us forward, or a confused daemon would hold us for ever.
        if offset != whole.devices.len() {
            return Err(CliError::failed(format!(
                "the daemon's pages do not fit together ({} devices came, and the next page is at {offset}); please report this",
                whole.devices.len()
            )));
        }
        let next = page(at, plan, filter, offset).await?;
        if next.devices.is_empty() {
            break;
        }
        whole.devices.extend(next.devices);
        (whole.total, whole.next) = (next.total, next.next);
    }
    if whole.devices.len() == whole.total {
        return Ok(whole);
    }
    Err(CliError::failed(format!(
        "the devices changed while they were listed ({} of {} came); ask again",
        whole.devices.len(),
        whole.total
    )))
}

async fn page(
    at: &Connection,
    plan: &PlanName,
    filter: Filter<'_>,
    offset: usize,
) -> Result<DevicesAnswer, CliError> {
    let mut query = vec![("limit", MAX_PAGE.to_string()), ("offset", offset.to_string())];
    query.extend(filter.ring.map(|ring| ("ring", ring.to_string())));
    query.extend(filter.class.map(|class| ("class", class.as_str().to_owned())));
    Ok(at.get(&["rollouts", plan.as_str(), "devices"], &query).await?)
}

fn text(out: Out<'_>, answer: &DevicesAnswer) -> io::Result<()> {
    if !answer.devices.is_empty() {
        let rows: Vec<_> = answer.devices.iter().map(row).collect();
        table(out, 0, &COLUMNS, &rows)?;
        writeln!(out)?;
    }
    match answer.total {
        1 => writeln!(out, "1 device"),
        total => writeln!(out, "{total} devices"),
    }
}

fn row(device: &DeviceJson) -> Vec<String> {
    let told =
        |text: Option<&str>| text.map(safe).filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    let system = match (&device.os, &device.os_version) {
        (Some(os), Some(version)) => Some(format!("{os} {version}")),
        (os, version) => os.clone().or_else(|| version.clone()),
    };
    vec![
        safe(device.ring.as_str()),
        device.class.as_str().to_owned(),
        told(Some(&device.name)),
        told(device.user.as_deref()),
        told(system.as_deref()),
        told(device.client.as_deref()),
        device.last_seen_at.map_or_else(|| "never".to_owned(), short),
    ]
}
