//! The keys that a ring and `defaults` share, and how they fill one another.
//!
//! **Invariant:** what a ring writes wins over `defaults`, which win over the plan's `versions`
//! and the values built in.
//!
//! `versions`, `schedule`, `adoption` and `health` fill key by key. Freezes add up: a ring's own are added to
//! those of `defaults`, and only `freeze: []` lifts them. A year-end freeze that a ring forgot to repeat must
//! not vanish under a local holiday.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::approval::ApprovalKeys;
use crate::plan::calendar::{self, ScheduleKeys};
use crate::plan::change::RingRestrictions;
use crate::plan::error::{Other, Problems};
use crate::plan::fields::Fields;
use crate::plan::grammar::Mapping;
use crate::plan::keys::adoption::{ADOPTION, AT_LEAST, SEEN_AT_LEAST, WITHIN};
use crate::plan::keys::health::{
    DARK, DARK_AFTER, DARK_AT_MOST, HEALTH, MIN_DEVICES, STALLED, STALLED_AFTER, STALLED_AT_MOST,
};
use crate::plan::keys::ring::{
    ALLOW_DOWNGRADE, MAX_DEVICES, ON_FAILURE, SIGHT_OF_DARK, SOAK, TIMEZONE, UNKNOWN_AFTER,
};
use crate::plan::keys::rollback::{ROLLBACK, STEP};
use crate::plan::keys::versions::{ROLLBACK_TO, VERSIONS};
use crate::plan::model::{
    Adoption, AllowDowngrade, DeviceLimit, Health, HealthLimit, OnFailure, Percent, RingPlan, RollbackRules,
};
use crate::plan::typed_key::{Placed, TypedKey};
use crate::plan::values::target;
use crate::schedule::{Freeze, MAX_FREEZES, Schedule, Zone};
use crate::time::{Span, in_words};
use crate::version::{ClientVersion, Environment};

/// A `versions` mapping as written.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) written: Vec<(Environment, Placed<ClientVersion>)>,
    /// Whether a problem was noted in it, so that a target may be meant that is not `written`.
    pub(super) doubtful: bool,
}

/// The keys of `stalled` or `dark` as written.
#[derive(Debug, Default)]
struct LimitKeys {
    at_most: Option<Percent>,
    after: Option<Placed<Span>>,
}

/// The shared keys as written; `None` where a key is absent or refused.
#[derive(Debug, Default)]
pub(super) struct RingKeys {
    pub(super) versions: Targets,
    zone: Option<Zone>,
    schedule: ScheduleKeys,
    at_least: Option<Percent>,
    within: Option<Span>,
    seen_at_least: Option<Percent>,
    soak: Option<Placed<Span>>,
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
            versions: Targets::of(fields, &VERSIONS, problems),
            back_to: Targets::of(fields, &ROLLBACK_TO, problems),
            approval: ApprovalKeys::of(fields, problems),
            zone: TIMEZONE.of(fields, problems),
            schedule: calendar::schedule(fields, problems),
            soak: SOAK.placed(fields, problems),
            unknown_after: UNKNOWN_AFTER.of(fields, problems),
            on_failure: ON_FAILURE.of(fields, problems),
            max_devices: MAX_DEVICES.of(fields, problems),
            allow_downgrade: ALLOW_DOWNGRADE.of(fields, problems),
            ..Self::default()
        };
        if let Some(fields) = fields.mapping(&ADOPTION, problems) {
            keys.at_least = AT_LEAST.of(&fields, problems);
            keys.within = WITHIN.of(&fields, problems);
            keys.seen_at_least = SEEN_AT_LEAST.of(&fields, problems);
        }
        if let Some(fields) = fields.mapping(&HEALTH, problems) {
            keys.stalled = LimitKeys::of(&fields, &STALLED, (&STALLED_AT_MOST, &STALLED_AFTER), problems);
            keys.dark = LimitKeys::of(&fields, &DARK, (&DARK_AT_MOST, &DARK_AFTER), problems);
            keys.min_devices = MIN_DEVICES.of(&fields, problems);
        }
        if let Some(fields) = fields.mapping(&ROLLBACK, problems) {
            keys.step = STEP.of(&fields, problems);
        }
        keys
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
            soak: self.soak.as_ref().or(defaults.soak.as_ref()).and_then(|written| written.value),
            max_devices: self.max_devices_or(defaults),
            approval: self.approval.or(&defaults.approval, problems),
            back_to: back_to
                .filter_map(|(environment, target)| Some((*environment, target.value?)))
                .collect(),
            allow_downgrade: Some(self.allow_downgrade_or(defaults)),
        }
    }

    pub(super) fn adoption_or(&self, defaults: &Self) -> Adoption {
        Adoption {
            at_least: self.at_least.or(defaults.at_least).unwrap_or(Adoption::BUILT_IN.at_least),
            within: self.within.or(defaults.within).unwrap_or(Adoption::BUILT_IN.within),
            seen_at_least: self
                .seen_at_least
                .or(defaults.seen_at_least)
                .unwrap_or(Adoption::BUILT_IN.seen_at_least),
        }
    }

    pub(super) fn soak_or(&self, defaults: &Self) -> Span {
        let written = self.soak.as_ref().or(defaults.soak.as_ref());
        written.and_then(|written| written.value).unwrap_or(RingPlan::BUILT_IN_SOAK)
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
            soak.map_or(Some(RingPlan::BUILT_IN_SOAK), |written| written.value),
            dark.map_or(Some(Health::BUILT_IN.dark.after), |written| written.value),
        ) else {
            return; // One of them was refused.
        };
        let least = silence.get() + SIGHT_OF_DARK.get();
        let place = |written: Option<&Placed<Span>>| written.map(|written| written.at.start);
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
        self.unknown_after.or(defaults.unknown_after).unwrap_or(RingPlan::BUILT_IN_UNKNOWN_AFTER)
    }

    pub(super) fn on_failure_or(&self, defaults: &Self) -> OnFailure {
        self.on_failure.or(defaults.on_failure).unwrap_or_default()
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
            to: written.filter_map(|(environment, target)| Some((*environment, target.value?))).collect(),
        }
    }
}

/// The places of soak and `dark.after` that were told already; `None`: built in.
pub(super) type Noted = BTreeSet<(Option<usize>, Option<usize>)>;

impl LimitKeys {
    fn of(
        fields: &Fields<'_>,
        below: &'static Mapping,
        (at_most, after): (&TypedKey<Percent>, &TypedKey<Span>),
        problems: &mut Problems,
    ) -> Self {
        let Some(fields) = fields.mapping(below, problems) else { return Self::default() };
        Self { at_most: at_most.of(&fields, problems), after: after.placed(&fields, problems) }
    }

    fn or(&self, defaults: &Self, built_in: HealthLimit) -> HealthLimit {
        let after = self.after.as_ref().or(defaults.after.as_ref()).and_then(|placed| placed.value);
        HealthLimit {
            at_most: self.at_most.or(defaults.at_most).unwrap_or(built_in.at_most),
            after: after.unwrap_or(built_in.after),
        }
    }
}

impl Targets {
    /// Reads versions per environment; a refused version still says that its environment is written.
    pub(super) fn of(fields: &Fields<'_>, below: &'static Mapping, problems: &mut Problems) -> Self {
        let before = problems.count();
        let read = fields.mapping(below, problems);
        let target = |environment: Environment| {
            let node = read.as_ref()?.get(environment.as_str())?;
            Some((environment, Placed { value: target(node, problems), at: node.at.clone() }))
        };
        let written = Environment::ALL.into_iter().filter_map(target).collect();
        Self { written, doubtful: problems.count() > before || fields.is_misspelt(below.name) }
    }

    /// The targets of a ring: each list overlays those before it.
    pub(super) fn overlaid(layers: [&Self; 3]) -> BTreeMap<Environment, Option<ClientVersion>> {
        let written = layers.into_iter().flat_map(|targets| &targets.written);
        written.map(|(environment, target)| (*environment, target.value)).collect()
    }
}
