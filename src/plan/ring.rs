//! The keys that a ring and `defaults` share, and how they fill one another.
//!
//! **Invariant:** what a ring writes wins over `defaults`, which win over the plan's `versions`
//! and the values built in.
//!
//! `versions`, `schedule` and `adoption` fill key by key: a ring that writes its own openings
//! keeps the freezes of `defaults`, and lifts them only by saying `freeze: []`. A year-end
//! freeze that a ring forgot to repeat must not vanish.

use std::collections::BTreeMap;
use std::ops::Range;

use super::calendar;
use super::error::Problems;
use super::fields::{Fields, word};
use super::keys::{ADOPTION, ON_FAILURE, VERSIONS};
use super::model::{Adoption, DeviceLimit, OnFailure, Percent};
use super::values::{device_limit, share, span, target};
use crate::schedule::{Schedule, Zone};
use crate::time::Span;
use crate::version::{ClientVersion, Environment};

/// Devices that went dark are judged 24h after they should have been seen (`dark.after`); a day
/// on top leaves time to see it.
pub(super) const LEAST_SOAK: Span = Span::hours(24 + 24);
/// Cloudflare takes up to 15 minutes to notify a device, which then downloads and installs.
pub(super) const LEAST_WITHIN: Span = Span::hours(1);
/// One answer that went missing is not a reason to halt.
pub(super) const LEAST_UNKNOWN_AFTER: Span = Span::minutes(15);

pub(super) const BUILT_IN_ADOPTION: Adoption =
    Adoption { at_least: Percent::whole(90), within: Span::hours(7 * 24), seen_at_least: Percent::whole(60) };
pub(super) const BUILT_IN_SOAK: Span = Span::hours(72);
pub(super) const BUILT_IN_UNKNOWN_AFTER: Span = Span::hours(6);

/// A target as written.
#[derive(Debug)]
pub(super) struct Target {
    environment: Environment,
    /// `None`: refused, and noted.
    pub(super) version: Option<ClientVersion>,
    pub(super) at: Range<usize>,
}

/// A `versions` mapping as written.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) written: Vec<Target>,
    /// Whether a problem was noted in it, so that a target may be meant that is not `written`.
    pub(super) doubtful: bool,
}

/// The shared keys as written; `None` where a key is absent or refused.
#[derive(Debug, Default)]
pub(super) struct RingKeys {
    pub(super) versions: Targets,
    zone: Option<Zone>,
    schedule: calendar::Parts,
    at_least: Option<Percent>,
    within: Option<Span>,
    seen_at_least: Option<Percent>,
    soak: Option<Span>,
    unknown_after: Option<Span>,
    on_failure: Option<OnFailure>,
    max_devices: Option<DeviceLimit>,
}

impl RingKeys {
    pub(super) fn of(fields: &Fields<'_>, problems: &mut Problems) -> Self {
        let mut keys = Self {
            versions: versions(fields, problems),
            zone: fields.get("timezone").and_then(|node| calendar::zone(node, problems)),
            schedule: fields
                .get("schedule")
                .map(|node| calendar::schedule(node, problems))
                .unwrap_or_default(),
            ..Self::default()
        };
        if let Some(fields) = fields.get("adoption").and_then(|node| Fields::of(node, &ADOPTION, problems)) {
            keys.adoption(&fields, problems);
        }
        keys.soak = fields.get("soak").and_then(|node| {
            let why = "devices that went dark show only after 24h, and it takes a day more to be sure";
            span(node, "`soak`", LEAST_SOAK, why, problems)
        });
        keys.unknown_after = fields.get("unknown_after").and_then(|node| {
            let why = "a single missed answer would halt the rollout";
            span(node, "`unknown_after`", LEAST_UNKNOWN_AFTER, why, problems)
        });
        keys.on_failure = word(fields, "on_failure", ON_FAILURE, problems);
        keys.max_devices =
            fields.get("max_devices").and_then(|node| device_limit(node, "`max_devices`", problems));
        keys
    }

    fn adoption(&mut self, fields: &Fields<'_>, problems: &mut Problems) {
        self.at_least = fields.get("at_least").and_then(|node| share(node, "`at_least`", problems));
        self.within = fields.get("within").and_then(|node| {
            let why = "Cloudflare needs 15m to notify a device, which then installs";
            span(node, "`within`", LEAST_WITHIN, why, problems)
        });
        self.seen_at_least =
            fields.get("seen_at_least").and_then(|node| share(node, "`seen_at_least`", problems));
    }

    pub(super) fn schedule(&self, defaults: &Self) -> Option<Schedule> {
        let zone = self.zone.clone().or_else(|| defaults.zone.clone()).unwrap_or_else(Zone::utc);
        let written = |own: &calendar::Parts, shared: &calendar::Parts| {
            let open = own.open.clone().or_else(|| shared.open.clone()).unwrap_or_default();
            let freeze = own.freeze.clone().or_else(|| shared.freeze.clone()).unwrap_or_default();
            (open, freeze)
        };
        let (open, freeze) = written(&self.schedule, &defaults.schedule);
        // Both lists were bounded when they were read, the only way to fail.
        Schedule::new(zone, open, freeze).ok()
    }

    pub(super) fn adoption_or(&self, defaults: &Self) -> Adoption {
        Adoption {
            at_least: self.at_least.or(defaults.at_least).unwrap_or(BUILT_IN_ADOPTION.at_least),
            within: self.within.or(defaults.within).unwrap_or(BUILT_IN_ADOPTION.within),
            seen_at_least: self
                .seen_at_least
                .or(defaults.seen_at_least)
                .unwrap_or(BUILT_IN_ADOPTION.seen_at_least),
        }
    }

    pub(super) fn soak_or(&self, defaults: &Self) -> Span {
        self.soak.or(defaults.soak).unwrap_or(BUILT_IN_SOAK)
    }

    pub(super) fn unknown_after_or(&self, defaults: &Self) -> Span {
        self.unknown_after.or(defaults.unknown_after).unwrap_or(BUILT_IN_UNKNOWN_AFTER)
    }

    pub(super) fn on_failure_or(&self, defaults: &Self) -> OnFailure {
        self.on_failure.or(defaults.on_failure).unwrap_or(OnFailure::Halt)
    }

    pub(super) fn max_devices_or(&self, defaults: &Self) -> Option<DeviceLimit> {
        self.max_devices.or(defaults.max_devices)
    }
}

/// Reads the key `versions`; a refused version still says that its environment is written.
pub(super) fn versions(fields: &Fields<'_>, problems: &mut Problems) -> Targets {
    let before = problems.count();
    let read = fields.get("versions").and_then(|node| Fields::of(node, &VERSIONS, problems));
    let target = |environment: Environment, fields: &Fields<'_>, problems: &mut Problems| {
        let node = fields.get(environment.as_str())?;
        Some(Target { environment, version: target(node, problems), at: node.at.clone() })
    };
    let written = read.iter().flat_map(|fields| Environment::ALL.map(|environment| (environment, fields)));
    let written = written.filter_map(|(environment, fields)| target(environment, fields, problems)).collect();
    Targets { written, doubtful: problems.count() > before || fields.is_misspelt("versions") }
}

/// The targets of a ring: each list overlays those before it.
pub(super) fn overlaid(layers: [&[Target]; 3]) -> BTreeMap<Environment, Option<ClientVersion>> {
    layers.into_iter().flatten().map(|target| (target.environment, target.version)).collect()
}
