//! `physical-devices`: filters, order, cursor pages.
//!
//! **Invariant:** pages in the order of device IDs, which is the default, show every device once, however the
//! fleet moves between two of them. Under any other order a device can be missed or come twice, as at
//! Cloudflare.

use serde_json::{Value, json};

use super::answer::{Answered, ApiRefusal, SandboxAnswer};
use super::query::{Pairs, asked, is_desc, is_extension, number};
use crate::synthetic::{Os, SyntheticDevice, SyntheticFleet};
use crate::time::Timestamp;
use crate::version::ClientVersion;

/// Devices on a page unless the request says otherwise, and at most. The contract gives neither; public code
/// asks for 100. More is answered with 100, and `result_info.per_page` says so.
const PER_PAGE: (usize, usize) = (50, 100);
/// The one extra that `include` knows.
const INCLUDE_POLICY: &str = "last_seen_registration.policy";

/// What `active_registrations` selects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
enum Registered {
    #[default]
    Include,
    Only,
    Exclude,
}

/// The keys of `sort_by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
enum SortKey {
    Name,
    Id,
    ClientVersion,
    #[strum(serialize = "last_seen_user.email")]
    Email,
    LastSeenAt,
    ActiveRegistrations,
    CreatedAt,
}

impl SortKey {
    /// A text that sorts like the key. An unreadable version sorts before every version.
    fn of(self, device: &SyntheticDevice, last_seen: Option<Timestamp>) -> String {
        let instant = |instant: Timestamp| format!("{:020}", instant.as_millisecond());
        match self {
            Self::Name => device.name.clone(),
            Self::Id => device.id.clone(),
            Self::ClientVersion => {
                let version = device.reported(last_seen).and_then(|text| text.parse::<ClientVersion>().ok());
                version.map(sortable).unwrap_or_default()
            }
            Self::Email => device.email(),
            Self::LastSeenAt => last_seen.map(instant).unwrap_or_default(),
            Self::ActiveRegistrations => format!("{:010}", device.registrations),
            Self::CreatedAt => instant(device.created_at),
        }
    }
}

fn sortable(version: ClientVersion) -> String {
    version.to_string().split('.').map(|number| format!("{number:0>10}")).collect()
}

/// A device, and when it was last seen.
type SightedDevice<'a> = (&'a SyntheticDevice, Option<Timestamp>);

/// A request for devices, read.
pub(super) struct DeviceQuery {
    per_page: usize,
    sort_by: SortKey,
    descending: bool,
    /// The last row of the page before: its sort key and ID.
    after: Option<(String, String)>,
    include_policy: bool,
    filters: DeviceFilters,
}

/// Which devices are asked for; by default all.
#[derive(Default)]
struct DeviceFilters {
    registered: Registered,
    seen_after: Option<Timestamp>,
    seen_before: Option<Timestamp>,
    email: Option<String>,
    search: Option<String>,
    ids: Vec<String>,
    tags: Vec<String>,
    browser_extension: bool,
    policy: Option<String>,
}

impl DeviceQuery {
    /// Reads the query. Unknown parameters are ignored, as servers do.
    pub(super) fn read(pairs: &Pairs) -> Answered<Self> {
        let last =
            |name: &str| pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let all = |name: &str| -> Vec<String> {
            pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
        };
        let sort_by = last("sort_by").unwrap_or("id").parse();
        let sort_by = sort_by.map_err(|_| ApiRefusal::bad("sort_by must be one of the documented keys"))?;
        let descending = is_desc("sort_order", last("sort_order"))?;
        let registered = last("active_registrations").unwrap_or("only").parse();
        let registered = registered
            .map_err(|_| ApiRefusal::bad("active_registrations must be include, only or exclude"))?;
        let browser_extension = is_extension("has_registration_type", last("has_registration_type"))?;
        Ok(Self {
            per_page: number(pairs, "per_page", PER_PAGE.0, usize::MAX)?.min(PER_PAGE.1),
            sort_by,
            descending,
            after: last("cursor").filter(|cursor| !cursor.is_empty()).map(decode_cursor).transpose()?,
            include_policy: include(last("include"))?,
            filters: DeviceFilters {
                registered,
                seen_after: last("seen_after").map(instant).transpose()?,
                seen_before: last("seen_before").map(instant).transpose()?,
                email: last("last_seen_user.email").map(str::to_lowercase),
                search: last("search").map(str::to_lowercase),
                ids: all("id"),
                tags: all("tag"),
                browser_extension,
                policy: last("last_seen_registration.policy.id").map(uuid).transpose()?,
            },
        })
    }

    /// The same without its filters; paging and order stay.
    pub(super) fn unfiltered(self) -> Self {
        Self { filters: DeviceFilters::default(), ..self }
    }

    /// The page.
    pub(super) fn page(&self, fleet: &SyntheticFleet, now: Timestamp) -> SandboxAnswer {
        let by_id = self.sort_by == SortKey::Id && !self.descending;
        let begin = match &self.after {
            Some((_, id)) if by_id => fleet.devices.partition_point(|device| device.id <= *id),
            _ => 0,
        };
        let fitting = fleet.devices.iter().skip(begin).filter_map(|device| {
            let last_seen = device.last_seen(now, &fleet.calendar);
            self.filters.take(device, last_seen, fleet).then_some((device, last_seen))
        });
        // One more than the page holds tells whether there is another page. Only a foreign order needs all
        // devices.
        let rows: Vec<SightedDevice<'_>> =
            if by_id { fitting.take(self.per_page + 1).collect() } else { self.sorted(fitting.collect()) };
        let shown: Vec<Value> =
            rows.iter().take(self.per_page).map(|row| body(*row, fleet, self.include_policy)).collect();
        let cursor = match rows.get(self.per_page - 1) {
            Some((device, last_seen)) if rows.len() > self.per_page => {
                encode_cursor(&self.sort_by.of(device, *last_seen), &device.id)
            }
            _ => String::new(),
        };
        let info = json!({
            "count": shown.len(),
            "cursor": cursor,
            "per_page": self.per_page,
            "total_count": null,
        });
        SandboxAnswer::listed(&shown, &info)
    }

    fn sorted<'a>(&self, rows: Vec<SightedDevice<'a>>) -> Vec<SightedDevice<'a>> {
        let mut keyed: Vec<_> = rows
            .into_iter()
            .map(|row| ((self.sort_by.of(row.0, row.1), row.0.id.clone()), row))
            .filter(|(key, _)| match &self.after {
                None => true,
                Some(last) if self.descending => key < last,
                Some(last) => key > last,
            })
            .collect();
        keyed.sort_by(|(a, _), (b, _)| if self.descending { b.cmp(a) } else { a.cmp(b) });
        keyed.into_iter().map(|(_, row)| row).take(self.per_page + 1).collect()
    }
}

impl DeviceFilters {
    fn take(&self, device: &SyntheticDevice, last_seen: Option<Timestamp>, fleet: &SyntheticFleet) -> bool {
        let registered = match self.registered {
            Registered::Include => true,
            Registered::Only => device.registrations > 0,
            Registered::Exclude => device.registrations == 0,
        };
        let found = self.search.as_ref().is_none_or(|text| {
            [&device.name, &device.id, &device.email()]
                .iter()
                .any(|field| field.to_lowercase().contains(text))
        });
        let policy = self.policy.as_ref().is_none_or(|id| {
            last_seen.is_some() && fleet.profiles.get(device.profile).is_some_and(|profile| profile.id == *id)
        });
        registered
            && found
            && policy
            && self.email.as_ref().is_none_or(|email| device.email() == *email)
            && self.seen_after.is_none_or(|bound| last_seen.is_some_and(|seen| seen > bound))
            && self.seen_before.is_none_or(|bound| last_seen.is_some_and(|seen| seen < bound))
            && (self.ids.is_empty() || self.ids.contains(&device.id))
            // No device of the fleet has tags, nor a browser extension's registration.
            && self.tags.is_empty()
            && !self.browser_extension
    }
}

/// One device.
pub(super) fn get(fleet: &SyntheticFleet, id: &str, pairs: &Pairs, now: Timestamp) -> Answered {
    let with_policy = include(asked(pairs, "include"))?;
    let device = fleet.device(id).ok_or_else(|| ApiRefusal::new(404, 1000, "device not found"))?;
    let last_seen = device.last_seen(now, &fleet.calendar);
    Ok(SandboxAnswer::found(&body((device, last_seen), fleet, with_policy)))
}

/// The device as `physical-devices` lists it, without its registration.
fn inventory(device: &SyntheticDevice, last_seen: Option<Timestamp>) -> Value {
    let die = device.dice().of("inventory");
    let (os_version, maker, model) = match device.os {
        Os::Windows => ("10.0.22631", "Dell Inc.", "Latitude 7450"),
        Os::Mac => ("26.0.1", "Apple Inc.", "Mac16,1"),
        Os::Linux => ("6.12.48", "LENOVO", "21CB"),
        Os::Ios => ("26.0.1", "Apple Inc.", "iPhone17,1"),
    };
    json!({
        "id": device.id,
        "name": device.name,
        "active_registrations": device.registrations,
        "client_version": device.reported(last_seen),
        "created_at": device.created_at.to_string(),
        "updated_at": last_seen.unwrap_or(device.created_at).to_string(),
        "last_seen_at": last_seen.map(|instant| instant.to_string()),
        "deleted_at": null,
        "device_type": device.os.device_type(),
        "hardware_id": die.of("hardware").uuid(),
        "serial_number": die.of("serial").alphanumeric(10).to_uppercase(),
        "manufacturer": maker,
        "model": model,
        "os_version": os_version,
        "os_version_extra": null,
        "tags": {},
        "last_seen_user": {
            "id": die.of("user").uuid(),
            "name": device.user,
            "email": device.email(),
        },
    })
}

fn body((device, last_seen): SightedDevice<'_>, fleet: &SyntheticFleet, with_policy: bool) -> Value {
    let mut body = inventory(device, last_seen);
    let policy = fleet.profiles.get(device.profile).filter(|_| with_policy).map(|profile| {
        json!({
            "id": profile.id,
            "name": profile.name,
            "default": profile.is_default(),
            "deleted": false,
            "updated_at": profile.updated_at.to_string(),
        })
    });
    body["last_seen_registration"] = match (last_seen, policy) {
        // A device that was never seen has no last seen registration.
        (None, _) => Value::Null,
        (Some(_), Some(policy)) => json!({ "policy": policy }),
        (Some(_), None) => json!({}),
    };
    body
}

fn include(text: Option<&str>) -> Answered<bool> {
    let mut asked = false;
    for extra in text.unwrap_or_default().split(',').filter(|extra| !extra.is_empty()) {
        if extra != INCLUDE_POLICY {
            return Err(ApiRefusal::bad(format!("include knows only {INCLUDE_POLICY}")));
        }
        asked = true;
    }
    Ok(asked)
}

fn instant(text: &str) -> Answered<Timestamp> {
    text.parse().map_err(|_| ApiRefusal::bad("seen_after and seen_before must be RFC 3339 timestamps"))
}

fn uuid(text: &str) -> Answered<String> {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let digits = text.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if lengths == [8, 4, 4, 4, 12] && digits {
        Ok(text.to_lowercase())
    } else {
        Err(ApiRefusal::bad("last_seen_registration.policy.id must be a UUID"))
    }
}

/// Hexadecimal, so that nobody is tempted to read it.
fn encode_cursor(key: &str, id: &str) -> String {
    format!("{id}/{key}").bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode_cursor(cursor: &str) -> Answered<(String, String)> {
    let bytes: Option<Vec<u8>> = cursor
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| pair.len() == 2))
        .collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let parts = text.as_deref().and_then(|text| text.split_once('/'));
    parts
        .map(|(id, key)| (key.to_owned(), id.to_owned()))
        .ok_or_else(|| ApiRefusal::bad("the cursor is not one that this API gave"))
}
