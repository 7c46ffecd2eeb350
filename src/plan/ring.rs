//! The keys that a ring and `defaults` share, and how they fill one another.
//!
//! **Invariant:** what a ring writes wins over `defaults`, which win over the plan's `versions`
//! and the values built in.
//!
//! `versions`, `schedule`, `adoption` and `health` fill key by key. Freezes add up: a ring's own are added to
//! those of `defaults`, and only `freeze: []` lifts them. A year-end freeze that a ring forgot to repeat must
//! not vanish under a local holiday.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::approval::ApprovalKeys;
use super::calendar;
use super::change::RingRestrictions;
use super::error::{Other, Problems};
use super::fields::{Fields, word};
use super::grammar::Mapping;
use super::keys::{ADOPTION, DARK, HEALTH, ON_FAILURE, ROLLBACK, ROLLBACK_TO, STALLED, VERSIONS};
use super::model::{
    Adoption, AllowDowngrade, DeviceLimit, Health, HealthLimit, OnFailure, Percent, RollbackRules,
};
use super::tree::Node;
use super::values::{allow_downgrade, count, share, span, target};
use crate::schedule::{Freeze, MAX_FREEZES, Schedule, Zone};
use crate::time::{Span, in_words};
use crate::version::{ClientVersion, Environment};

/// A soak is at least so much longer than `dark.after`: devices that went dark show only after
/// that, and the day on top leaves time for a look.
pub(super) const SIGHT_OF_DARK: Span = Span::hours(24);
/// A night and a late start are no sign of anything.
pub(super) const LEAST_HEALTH_AFTER: Span = Span::hours(12);
/// Twice this, with weekends and holidays in between, lies within what is remembered of a device.
pub(super) const MOST_HEALTH_AFTER: Span = Span::hours(5 * 24);
/// More devices than any account has.
pub(super) const MOST_DEVICES: u32 = 1_000_000;
/// Cloudflare takes up to 15 minutes to notify a device, which then downloads and installs.
pub(super) const LEAST_WITHIN: Span = Span::hours(1);
/// One answer that went missing is not a reason to halt.
pub(super) const LEAST_UNKNOWN_AFTER: Span = Span::minutes(15);

/// Cloudflare takes up to 15 minutes to notify a device, which then installs.
pub(super) const LEAST_STEP: Span = Span::minutes(30);

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

/// A length of time as written.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// `None`: refused, and noted.
    span: Option<Span>,
    at: Range<usize>,
}

impl Written {
    fn of(node: &Node, span: Option<Span>) -> Self {
        Self { span, at: node.at.clone() }
    }
}

/// The keys of `stalled` or `dark` as written.
#[derive(Debug, Default)]
struct LimitKeys {
    at_most: Option<Percent>,
    after: Option<Written>,
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
    soak: Option<Written>,
    stalled: LimitKeys,
    dark: LimitKeys,
    min_devices: Option<u32>,
    unknown_after: Option<Span>,
    on_failure: Option<OnFailure>,
    max_devices: Option<DeviceLimit>,
    allow_downgrade: Option<AllowDowngrade>,
    step: Option<Span>,
    pub(super) back_to: Targets,
    pub(super) approval: ApprovalKeys,
}

impl RingKeys {
    pub(super) fn of(fields: &Fields<'_>, problems: &mut Problems) -> Self {
        let mut keys = Self {
            versions: versions(fields, problems),
            back_to: targets(fields, "rollback_to", &ROLLBACK_TO, problems),
            approval: ApprovalKeys::of(fields, problems),
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
        // How long is long enough depends on `dark.after`, which may stand elsewhere.
        keys.soak = fields
            .get("soak")
            .map(|node| Written::of(node, span(node, "`soak`", Span::hours(0), "", problems)));
        if let Some(fields) = fields.get("health").and_then(|node| Fields::of(node, &HEALTH, problems)) {
            keys.health(&fields, problems);
        }
        keys.unknown_after = fields.get("unknown_after").and_then(|node| {
            let why = "a single missed answer would halt the rollout";
            span(node, "`unknown_after`", LEAST_UNKNOWN_AFTER, why, problems)
        });
        keys.on_failure = word(fields, "on_failure", ON_FAILURE, problems);
        keys.max_devices = fields
            .get("max_devices")
            .and_then(|node| count(node, "`max_devices`", MOST_DEVICES, problems))
            .and_then(DeviceLimit::new);
        keys.allow_downgrade = fields.get("allow_downgrade").and_then(|node| allow_downgrade(node, problems));
        if let Some(fields) = fields.get("rollback").and_then(|node| Fields::of(node, &ROLLBACK, problems)) {
            keys.step = fields.get("step").and_then(|node| {
                let why = "Cloudflare needs 15m to notify a device, which then installs";
                span(node, "`step`", LEAST_STEP, why, problems)
            });
        }
        keys
    }

    fn adoption(&mut self, fields: &Fields<'_>, problems: &mut Problems) {
        self.at_least = fields.get("at_least").and_then(|node| share(node, "`at_least`", NOBODY, problems));
        self.within = fields.get("within").and_then(|node| {
            let why = "Cloudflare needs 15m to notify a device, which then installs";
            span(node, "`within`", LEAST_WITHIN, why, problems)
        });
        self.seen_at_least =
            fields.get("seen_at_least").and_then(|node| share(node, "`seen_at_least`", NOBODY, problems));
    }

    fn health(&mut self, fields: &Fields<'_>, problems: &mut Problems) {
        let limit = |key, mapping, problems: &mut Problems| {
            let fields = fields.get(key).and_then(|node| Fields::of(node, mapping, problems));
            fields.map(|fields| LimitKeys::of(&fields, problems)).unwrap_or_default()
        };
        self.stalled = limit("stalled", &STALLED, problems);
        self.dark = limit("dark", &DARK, problems);
        self.min_devices =
            fields.get("min_devices").and_then(|node| count(node, "`min_devices`", MOST_DEVICES, problems));
    }

    pub(super) fn schedule(&self, defaults: &Self, problems: &mut Problems) -> Option<Schedule> {
        let zone = self.zone.clone().or_else(|| defaults.zone.clone()).unwrap_or_else(Zone::utc);
        let (own, shared) = (&self.schedule, &defaults.schedule);
        let open = own.open.clone().or_else(|| shared.open.clone()).unwrap_or_default();
        let mut freeze = shared.freeze.clone().unwrap_or_default();
        match &own.freeze {
            Some(added) if added.is_empty() => {
                if !freeze.is_empty() {
                    let lifted: Vec<&str> = freeze.iter().map(Freeze::reason).collect();
                    let problem =
                        format!("this lifts the freezes of `defaults` for this ring: {}", lifted.join(", "));
                    let instead =
                        "to keep them, leave `freeze` out, or write the ring's own, which are added";
                    problems.note(&own.freeze_at, problem, instead);
                }
                freeze.clear();
            }
            Some(added) => {
                let added = added
                    .iter()
                    .filter(|freeze| !shared.freeze.iter().flatten().any(|other| other == *freeze));
                freeze.extend(added.cloned());
            }
            None => {}
        }
        if freeze.len() > MAX_FREEZES {
            calendar::too_many_freezes(freeze.len(), &own.freeze_at, problems);
            return None;
        }
        // Both lists were bounded when they were read, the only way to fail.
        Schedule::new(zone, open, freeze).ok()
    }

    /// What of it may restrict a ring, as far as it can be read.
    pub(super) fn restrictions(&self, defaults: &Self, problems: &mut Problems) -> RingRestrictions {
        let freezes = |keys: &Self| keys.schedule.freeze.clone().unwrap_or_default();
        let lists = [&defaults.back_to, &self.back_to];
        let back_to = lists.into_iter().flat_map(|targets| &targets.written);
        RingRestrictions {
            zone: self.zone.clone().or_else(|| defaults.zone.clone()),
            open: self.schedule.open.clone().or_else(|| defaults.schedule.open.clone()),
            freeze: freezes(defaults).into_iter().chain(freezes(self)).collect(),
            soak: self.soak.as_ref().or(defaults.soak.as_ref()).and_then(|written| written.span),
            max_devices: self.max_devices_or(defaults),
            approval: self.approval.or(&defaults.approval, problems),
            back_to: back_to.filter_map(|target| Some((target.environment, target.version?))).collect(),
            allow_downgrade: Some(self.allow_downgrade_or(defaults)),
        }
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
        let written = self.soak.as_ref().or(defaults.soak.as_ref());
        written.and_then(|written| written.span).unwrap_or(BUILT_IN_SOAK)
    }

    pub(super) fn health_or(&self, defaults: &Self) -> Health {
        Health {
            stalled: self.stalled.or(&defaults.stalled, Health::BUILT_IN.stalled),
            dark: self.dark.or(&defaults.dark, Health::BUILT_IN.dark),
            min_devices: self.min_devices.or(defaults.min_devices).unwrap_or(Health::BUILT_IN.min_devices),
        }
    }

    /// Notes a soak that is over before a look for dark devices can have been taken, once for each
    /// pair of places that say so.
    pub(super) fn soak_long_enough(&self, defaults: &Self, noted: &mut Noted, problems: &mut Problems) {
        let soak = self.soak.as_ref().or(defaults.soak.as_ref());
        let dark = self.dark.after.as_ref().or(defaults.dark.after.as_ref());
        let (Some(length), Some(silence)) = (
            soak.map_or(Some(BUILT_IN_SOAK), |written| written.span),
            dark.map_or(Some(Health::BUILT_IN.dark.after), |written| written.span),
        ) else {
            return; // One of them was refused.
        };
        let least = silence.get() + SIGHT_OF_DARK.get();
        let place = |written: Option<&Written>| written.map(|written| written.at.start);
        if length.get() >= least || !noted.insert((place(soak), place(dark))) {
            return;
        }
        let least = in_words(least);
        let why =
            format!("devices that went dark show only after {silence}, and it takes a day more to be sure");
        match (soak, dark) {
            (Some(soak), Some(dark)) => {
                let what = format!("`dark.after` is {silence} here");
                let other = Other::Here { at: dark.at.clone(), what };
                problems.clash(
                    &soak.at,
                    format!("`soak` is too short: {why}"),
                    format!("write at least {least}"),
                    other,
                );
            }
            (Some(soak), None) => {
                problems.wrong(
                    &soak.at,
                    format!("`soak` is too short: {why}"),
                    format!("write at least {least}"),
                );
            }
            (None, dark) => {
                let problem = format!("`after` is too long for a soak of {length}, which is built in: {why}");
                let at = dark.map_or(0..0, |dark| dark.at.clone());
                problems.wrong(
                    &at,
                    problem,
                    format!("write a `soak` of at least {least}, or a shorter `after`"),
                );
            }
        }
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

    pub(super) fn allow_downgrade_or(&self, defaults: &Self) -> AllowDowngrade {
        self.allow_downgrade.as_ref().or(defaults.allow_downgrade.as_ref()).cloned().unwrap_or_default()
    }

    pub(super) fn rollback_or(&self, defaults: &Self) -> RollbackRules {
        let layers = [&defaults.back_to, &self.back_to];
        let written = layers.into_iter().flat_map(|targets| &targets.written);
        RollbackRules {
            step: self.step.or(defaults.step).unwrap_or(RollbackRules::BUILT_IN_STEP),
            to: written.filter_map(|target| Some((target.environment, target.version?))).collect(),
        }
    }
}

/// The places of soak and `dark.after` that were told already; `None`: built in.
pub(super) type Noted = BTreeSet<(Option<usize>, Option<usize>)>;

/// What a share of nothing would do.
const NOBODY: &str = "pass without a single device";

impl LimitKeys {
    fn of(fields: &Fields<'_>, problems: &mut Problems) -> Self {
        let at_most = fields
            .get("at_most")
            .and_then(|node| share(node, "`at_most`", "halt for a single device", problems));
        let after = fields.get("after").map(|node| Written::of(node, health_span(node, problems)));
        Self { at_most, after }
    }

    fn or(&self, defaults: &Self, built_in: HealthLimit) -> HealthLimit {
        let after = self.after.as_ref().or(defaults.after.as_ref()).and_then(|written| written.span);
        HealthLimit {
            at_most: self.at_most.or(defaults.at_most).unwrap_or(built_in.at_most),
            after: after.unwrap_or(built_in.after),
        }
    }
}

fn health_span(node: &Node, problems: &mut Problems) -> Option<Span> {
    let why = "a laptop that is off overnight would count";
    let length = span(node, "`after`", LEAST_HEALTH_AFTER, why, problems)?;
    if length > MOST_HEALTH_AFTER {
        let problem = "`after` is too long: what is remembered of a device would not reach back so far";
        problems.wrong(&node.at, problem, format!("write at most {MOST_HEALTH_AFTER}"));
        return None;
    }
    Some(length)
}

/// Reads the key `versions`.
pub(super) fn versions(fields: &Fields<'_>, problems: &mut Problems) -> Targets {
    targets(fields, "versions", &VERSIONS, problems)
}

/// Reads versions per environment; a refused version still says that its environment is written.
fn targets(
    fields: &Fields<'_>,
    key: &'static str,
    mapping: &'static Mapping,
    problems: &mut Problems,
) -> Targets {
    let before = problems.count();
    let read = fields.get(key).and_then(|node| Fields::of(node, mapping, problems));
    let target = |environment: Environment, fields: &Fields<'_>, problems: &mut Problems| {
        let node = fields.get(environment.as_str())?;
        Some(Target { environment, version: target(node, problems), at: node.at.clone() })
    };
    let written = read.iter().flat_map(|fields| Environment::ALL.map(|environment| (environment, fields)));
    let written = written.filter_map(|(environment, fields)| target(environment, fields, problems)).collect();
    Targets { written, doubtful: problems.count() > before || fields.is_misspelt(key) }
}

/// The targets of a ring: each list overlays those before it.
pub(super) fn overlaid(layers: [&[Target]; 3]) -> BTreeMap<Environment, Option<ClientVersion>> {
    layers.into_iter().flatten().map(|target| (target.environment, target.version)).collect()
}
