//! Time zones as people write them, and which one was probably meant.
//!
//! **Invariant:** a zone is one of the time zone database; a name that only looks like a place's time is
//! taken, and warned of.

use std::sync::LazyLock;

use crate::plan::{Advice, Node, Problems, either, near::slips, text};
use crate::schedule::Zone;

/// A time zone by its name.
pub(super) fn zone(node: &Node, what: &str, problems: &mut Problems) -> Option<Zone> {
    let name = text(node, what, problems)?;
    let Ok(zone) = Zone::new(name) else {
        let instead = match (fixed_offset(name), near_zones(name)) {
            (Some(zone), _) => Advice::write([zone])
                .and(", whose sign is turned round, or the zone of a place, such as Europe/Lisbon, which has its summer time"),
            (None, near) if near.is_empty() => PLACE.into(),
            (None, near) => {
                let words = format!("did you mean {}?", either(&near).unwrap_or_default());
                near.into_iter().fold(Advice::from(words), Advice::put)
            }
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

const PLACE: &str =
    "write the IANA name of a place's zone, such as Europe/Lisbon or America/New_York, or UTC";

/// `GMT+2`, `UTC-5`: hours ahead of UTC are told with a minus in the names of the database.
fn fixed_offset(name: &str) -> Option<String> {
    let hours = ["GMT", "UTC"].iter().find_map(|zone| name.strip_prefix(zone))?;
    let (turned, hours) = match hours.split_at_checked(1)? {
        ("+", hours) => ('-', hours),
        ("-", hours) => ('+', hours),
        _ => return None,
    };
    let hours = hours.strip_suffix(":00").unwrap_or(hours).trim_start_matches('0');
    let zone = format!("Etc/GMT{turned}{hours}");
    Zone::new(&zone).ok().map(|_| zone)
}

/// Zones that are called nearly so, or by a city: names of places that share a few letters are not near.
fn near_zones(name: &str) -> Vec<&'static str> {
    let known = ZONES.iter().map(String::as_str);
    let name = name.replace(' ', "_").to_lowercase();
    let is = |zone: &&str| zone.to_lowercase() == name;
    // `Lisbon` for `Europe/Lisbon`. No name of the database itself: `GMT+2` is not `Etc/GMT+2`.
    let is_city = |zone: &&str| {
        let city =
            zone.rsplit_once('/').filter(|(region, _)| *region != "Etc").map(|(_, city)| city.to_lowercase());
        city.as_ref() == Some(&name)
    };
    let mut found: Vec<&str> = known.clone().filter(|zone| is(zone) || is_city(zone)).collect();
    if found.is_empty() && name.contains('/') {
        // One slip: with more, the zone of another place is as near.
        found = known.filter(|zone| slips(&name, zone) == 1).collect();
    }
    // `Factory` is of the database, and no zone.
    found.retain(|zone| Zone::new(zone).is_ok());
    found.sort_unstable();
    found.truncate(3);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_guessed_only_where_it_is_that_of_the_place() {
        let rows: [(&str, &[&str]); 12] = [
            ("Lisbon", &["Europe/Lisbon"]),
            ("new york", &["America/New_York"]),
            ("Europe/Lisbn", &["Europe/Lisbon"]),
            ("europe/lisbon", &["Europe/Lisbon"]),
            ("Europe/Bern", &[]),
            ("Mumbai", &[]),
            ("Osaka", &[]),
            ("Boston", &[]),
            ("Pacific Time", &[]),
            ("CEST", &[]),
            ("PST", &[]),
            ("GMT+2", &[]),
        ];
        for (name, expected) in rows {
            assert_eq!(near_zones(name), expected, "{name}");
        }
        let offsets = [
            ("GMT+2", Some("Etc/GMT-2")),
            ("UTC-05:00", Some("Etc/GMT+5")),
            ("GMT+5:30", None),
            ("CET+1", None),
        ];
        for (name, expected) in offsets {
            assert_eq!(fixed_offset(name).as_deref(), expected, "{name}");
        }
    }
}
