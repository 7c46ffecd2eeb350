//! `ringward devices`: each device of a plan's rings and the class it is in.
//!
//! **Invariant:** the list is whole: every page is fetched, and a list that changed its length
//! between two pages is told as such.

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
    let mut whole: Option<DevicesAnswer> = None;
    let mut offset = 0;
    loop {
        let mut query = vec![("limit", MAX_PAGE.to_string()), ("offset", offset.to_string())];
        query.extend(filter.ring.map(|ring| ("ring", ring.to_string())));
        query.extend(filter.class.map(|class| ("class", class.as_str().to_owned())));
        let page: DevicesAnswer = at.get(&["rollouts", plan.as_str(), "devices"], &query).await?;
        let next = page.next;
        let whole = match &mut whole {
            None => whole.insert(page),
            Some(whole) => {
                whole.devices.extend(page.devices);
                whole
            }
        };
        match next {
            // Each page must take us forward, or a confused daemon would hold us for ever.
            Some(next) if next > offset && next <= whole.devices.len() => offset = next,
            Some(next) => {
                return Err(CliError::failed(format!(
                    "the daemon's pages do not fit together (page at {offset} leads to {next}); ask again"
                )));
            }
            None if whole.devices.len() == whole.total => break,
            None => {
                return Err(CliError::failed(format!(
                    "the daemon read devices while its list was fetched ({} of {} came); ask again",
                    whole.devices.len(),
                    whole.total
                )));
            }
        }
    }
    whole.ok_or_else(|| CliError::failed("the daemon gave no page; ask again"))
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
