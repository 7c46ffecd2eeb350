//! Time zones as people write them, and which one was probably meant.
//!
//! **Invariant:** a zone is one of the time zone database; a name that only looks like a place's time is
//! taken, and warned of.

use std::sync::LazyLock;

use crate::plan::{Node, Problems, either, nearest, text};
use crate::schedule::Zone;

/// A time zone by its name.
pub(super) fn zone(node: &Node, what: &str, problems: &mut Problems) -> Option<Zone> {
    let name = text(node, what, problems)?;
    let Ok(zone) = Zone::new(name) else {
        let instead = match near_zones(name) {
            Some(near) => format!("did you mean {near}?"),
            None => "write an IANA name, such as Europe/Lisbon, America/New_York or UTC".to_owned(),
        };
        problems.wrong(&node.at, "not a time zone", instead);
        return None;
    };
    if let Some((problem, instead)) = without_summer(zone.name()) {
        problems.warn(&node.at, problem, instead, None);
    }
    Some(zone)
}

/// Names that look like a place's time and stay the same all year.
fn without_summer(name: &str) -> Option<(String, String)> {
    let places = [("EST", "America/New_York"), ("MST", "America/Denver"), ("HST", "Pacific/Honolulu")];
    if let Some((_, place)) = places.iter().find(|(zone, _)| *zone == name) {
        let problem = "this zone has no summer time: its clocks are the same all year".to_owned();
        return Some((problem, format!("write the zone of a place, such as {place}")));
    }
    let hours = name.strip_prefix("Etc/GMT")?;
    let (side, turned) = match hours.chars().next()? {
        '+' => ("behind", '-'),
        '-' => ("ahead of", '+'),
        _ => return None,
    };
    let hours = hours.get(1..).filter(|hours| *hours != "0")?;
    let problem = format!("this zone is {hours}h {side} UTC (UTC{turned}{hours}), and has no summer time");
    let instead = "write the zone of a place, such as Europe/Lisbon; the sign of these names is turned round";
    Some((problem, instead.to_owned()))
}

/// The names of the time zone database, which may lie on disk; asked for once.
static ZONES: LazyLock<Vec<String>> =
    LazyLock::new(|| jiff::tz::db().available().map(|zone| zone.as_str().to_owned()).collect());

fn near_zones(name: &str) -> Option<String> {
    let known = &*ZONES;
    // `CEST` is near to `EST`, and `GMT+2` to `GMT+0`; they mean other places.
    let abbreviation = name.len() <= 4 && name.bytes().all(|byte| byte.is_ascii_uppercase());
    let abbreviation = abbreviation || name.bytes().any(|byte| byte.is_ascii_digit());
    let name = name.replace(' ', "_");
    let whole = nearest(&name, known.iter().map(String::as_str));
    if !whole.is_empty() && !abbreviation {
        return either(&whole);
    }
    // `Lisbon` for `Europe/Lisbon`.
    let city = name.to_lowercase();
    let mut same_city: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|zone| zone.rsplit_once('/').is_some_and(|(_, last)| last.to_lowercase() == city))
        .collect();
    same_city.sort_unstable();
    same_city.truncate(3);
    either(&same_city)
}
