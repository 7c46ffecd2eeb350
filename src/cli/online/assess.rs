//! Plans judged by what the account has. Pure.
//!
//! **Invariant:** what was not read is not judged: a finding never rests on something missing from
//! the look.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cli::account::Look;
use crate::cli::online::approvers;
use crate::cli::online::finding::{Code, Finding, Severity};
use crate::cli::online::groups::{Ahead, Outlook};
use crate::cli::online::power::{Power, power};
use crate::cli::online::profiles::{Named, look_up};
use crate::cli::online::shares;
use crate::cli::online::sizes::{RingSizes, Sizes, one_in};
use crate::cli::render::{distance, short};
use crate::cloudflare::{ApiError, Operation, TokenState};
use crate::ids::{AccountId, PlanName, PolicyId, RingName};
use crate::plan::model::{DeviceLimit, Plan, ProfileRef, RingPlan};
use crate::plan::{PathStep, Spots};
use crate::rollout::state::State;
use crate::rollout::world::Observations;
use crate::time::{SignedDuration, Timestamp, since};
use crate::version::{ClientVersion, Environment};

/// A token that ends within this time is worth a warning: a rollout of four rings takes weeks.
const ENDS_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A first ring above this share of the fleet is no first ring.
const FIRST_RING_PER_CENT: usize = 10;
/// A fleet below this cannot be divided much finer.
const SMALL_FLEET: usize = 100;
/// A ring with this many times the devices of a later one stands in the wrong place.
const FAR_LARGER: usize = 2;

/// What the look says of the account.
#[derive(Debug, Serialize)]
pub(crate) struct AccountReport {
    /// Its ID.
    pub id: AccountId,
    /// When it was looked at.
    pub at: Timestamp,
    /// The token's state; `None`: not told.
    pub token: Option<&'static str>,
    /// When the token ends; `None`: never, or not told.
    pub token_expires_on: Option<Timestamp>,
    /// Devices; `None`: not read.
    pub devices: Option<usize>,
    /// Device settings profiles; `None`: not read.
    pub profiles: Option<usize>,
    /// Deployment groups; `None`: not read.
    pub groups: Option<usize>,
    /// What is worth saying, the worst first.
    pub findings: Vec<Finding>,
}

/// What the look says of one plan.
#[derive(Debug, Serialize)]
pub(crate) struct PlanReport {
    /// Its file.
    pub file: String,
    /// Its name.
    pub plan: PlanName,
    /// Its rings, in order; empty where the profiles could not be read.
    pub rings: Vec<RingReport>,
    /// What is worth saying, in file order.
    pub findings: Vec<Finding>,
}

/// What the look says of one ring.
#[derive(Debug, Serialize)]
pub(crate) struct RingReport {
    /// Its name.
    pub name: RingName,
    /// Its profiles, as written and as found.
    pub profiles: Vec<Named>,
    /// What becomes of its deployment group.
    pub group: Outlook,
    /// Its devices; `None`: not read, or its profiles are not known.
    pub sizes: Option<RingSizes>,
    /// Of the devices that it can move, those that were seen in the last 7 days.
    pub active: usize,
    /// It shows faults that hit 1 device in so many, or more, with 95 % certainty.
    pub shows_one_in: Option<u64>,
    /// What the look for devices gone dark can find in each environment with a target.
    pub power: BTreeMap<Environment, Power>,
}

/// Judges the account itself.
#[must_use]
pub(crate) fn account(id: &AccountId, look: &Look) -> AccountReport {
    let mut findings = token(look);
    findings.extend(refusals(id, look));
    if look.is_whole() {
        let problem = "whether the token may write was not tried, because only a write would show it";
        let instead = "a daemon needs the permission `Zero Trust Write` (`Edit` in the dashboard), and with --observe `Zero Trust Read`";
        findings.push(Finding::new(Code::WriteNotTried, problem).instead(instead));
    }
    AccountReport {
        id: id.clone(),
        at: look.at,
        token: look.token.map(|token| word(token.state)),
        token_expires_on: look.token.and_then(|token| token.expires_on),
        devices: look.has_devices().then(|| look.world.fleet.devices().count()),
        profiles: look.world.profiles.as_ref().map(|profiles| profiles.value.listed.len()),
        groups: look.world.groups.as_ref().map(|groups| groups.value.len()),
        findings,
    }
}

const fn word(state: TokenState) -> &'static str {
    match state {
        TokenState::Active => "active",
        TokenState::Disabled => "disabled",
        TokenState::Expired => "expired",
    }
}

/// What may not be read, once where nothing may.
fn refusals(id: &AccountId, look: &Look) -> Vec<Finding> {
    let told = |error: &ApiError| match error.to_string().split_once("; ") {
        Some((problem, instead)) => Finding::new(Code::ReadRefused, problem).instead(instead),
        None => Finding::new(Code::ReadRefused, error.to_string()),
    };
    let (verify, reads): (Vec<&ApiError>, Vec<&ApiError>) =
        look.refused.iter().partition(|error| error.operation == Operation::VerifyToken);
    let nothing_read = look.world.groups.is_none() && look.world.profiles.is_none() && !look.has_devices();
    match verify.first() {
        Some(error) if nothing_read => {
            let problem = format!("nothing of account {id} may be read: {}", told(error).problem);
            let instead =
                "check that the token is whole and of this account, the account ID, and the API URL";
            vec![Finding::new(Code::ReadRefused, problem).instead(instead)]
        }
        // A token that was not verified and reads all the same is odd, and no obstacle.
        _ => reads.into_iter().map(told).collect(),
    }
}

fn token(look: &Look) -> Vec<Finding> {
    let another = "make a new token at Cloudflare and give it by CLOUDFLARE_API_TOKEN or --token-file";
    let Some(token) = look.token else {
        let reads = look.world.groups.is_some() || look.world.profiles.is_some() || look.has_devices();
        let problem = "Cloudflare did not tell the token's state, though the token can read";
        return reads.then(|| Finding::new(Code::TokenNotVerified, problem)).into_iter().collect();
    };
    let ended = token.expires_on.map(|end| format!(" on {}", short(end))).unwrap_or_default();
    let found = match token.state {
        TokenState::Disabled => Finding::new(Code::TokenDisabled, "the API token was switched off"),
        TokenState::Expired => Finding::new(Code::TokenExpired, format!("the API token expired{ended}")),
        TokenState::Active => {
            let soon = token.expires_on.filter(|end| since(look.at, *end) < ENDS_SOON);
            let Some(end) = soon else { return Vec::new() };
            let problem = format!("the API token ends {}, on {}", distance(end, look.at), short(end));
            Finding::new(Code::TokenExpiresSoon, problem)
        }
    };
    vec![found.instead(another)]
}

/// Judges plans, in the order in which a daemon would come to them.
pub(crate) struct Judge<'a> {
    account: &'a AccountId,
    look: &'a Look,
    ahead: Option<Ahead>,
    planned: BTreeSet<PolicyId>,
    /// `guard.devices_per_day` of the configuration beside the plans.
    guard: Option<DeviceLimit>,
}

impl<'a> Judge<'a> {
    /// A judge of plans for an account; `state` knows which groups are ringward's.
    #[must_use]
    pub(crate) fn new(account: &'a AccountId, look: &'a Look, state: State) -> Self {
        let world = &look.world;
        let ahead = match (&world.groups, &world.profiles) {
            (Some(groups), Some(profiles)) => Some(Ahead::new(state, groups.value.clone(), &profiles.value)),
            _ => None,
        };
        Self { account, look, ahead, planned: BTreeSet::new(), guard: None }
    }

    /// With the most devices that all plans may move in a day.
    #[must_use]
    pub(crate) fn guarded_by(self, guard: Option<DeviceLimit>) -> Self {
        Self { guard, ..self }
    }

    /// Judges a plan.
    pub(crate) fn plan(&mut self, file: &str, plan: &Plan, bytes: &[u8]) -> PlanReport {
        let spots = Spots::of(bytes);
        let mut findings = Vec::new();
        if let Some(pin) = plan.account.as_ref().filter(|pin| *pin != self.account) {
            let problem = format!("the plan is for account {pin}, and this is {}", self.account);
            let instead = "look at that account, or change the plan's `account`";
            let finding = Finding::new(Code::OtherAccount, problem).instead(instead);
            findings.push(finding.at(spots.spot(&[PathStep::Key("account")])));
        }
        let (named, found) = look_up(plan, &spots, &self.look.world);
        findings.extend(found);
        let rings = self.rings(plan, named, &spots, &mut findings);
        if self.look.has_devices() {
            findings.extend(order(plan, &rings, &self.look.world, self.look.at, &spots));
            findings.extend(unseen_versions(plan, &self.look.world, self.look.at, &spots));
            findings.extend(too_old(&rings));
        }
        // Stable: what is about one place stays in the order in which it was found.
        findings.sort_by_key(|finding| (finding.line.is_none(), finding.line, finding.column));
        PlanReport { file: file.to_owned(), plan: plan.name.clone(), rings, findings }
    }

    fn rings(
        &mut self,
        plan: &Plan,
        named: Vec<Vec<Named>>,
        spots: &Spots<'_>,
        findings: &mut Vec<Finding>,
    ) -> Vec<RingReport> {
        let mut rings = Vec::new();
        for (index, (ring, profiles)) in plan.rings.iter().zip(named).enumerate() {
            let name_spot =
                spots.spot(&[PathStep::Key("rings"), PathStep::Item(index), PathStep::Key("name")]);
            let resolved = self.look.world.resolve_within(plan, ring).ok();
            self.planned.extend(profiles.iter().filter_map(|profile| profile.id.clone()));
            let (group, of_group) = match (&resolved, &mut self.ahead) {
                (Some(policies), Some(ahead)) => {
                    ahead.enter(plan, ring, policies, (&self.look.world, self.look.at))
                }
                _ => (Outlook::Unknown, Vec::new()),
            };
            let mut told: Vec<(Finding, _)> =
                of_group.into_iter().map(|finding| (finding, name_spot.clone())).collect();
            let asked = approvers::of_ring(plan, ring, &self.look.world);
            told.extend(asked.map(|finding| (finding, approvers::spot(spots, index))));
            let sizes = resolved.as_ref().filter(|_| self.look.has_devices());
            let sizes = sizes
                .map(|policies| RingSizes::of(&self.look.world.fleet, policies, &ring.targets, self.look.at));
            if let Some(sizes) = &sizes {
                let share = shares::of_ring(ring, &profiles, &self.look.world.fleet, self.look.at);
                let of_all = of_ring(sizes)
                    .into_iter()
                    .chain(too_many(ring, sizes))
                    .chain(too_many_a_day(self.guard, sizes))
                    .chain(share);
                told.extend(of_all.map(|finding| (finding, name_spot.clone())));
                for (environment, of_one) in sizes.targeted() {
                    let spot = target_spot(spots, index, environment);
                    let found = of_environment(&ring.name, environment, of_one, sizes.movable());
                    told.extend(found.into_iter().map(|finding| (finding.on(environment), spot.clone())));
                }
            }
            findings.extend(told.into_iter().map(|(finding, spot)| finding.of_ring(&ring.name).at(spot)));
            let active = sizes.as_ref().map_or(0, RingSizes::active);
            rings.push(RingReport {
                power: BTreeMap::new(),
                name: ring.name.clone(),
                profiles,
                group,
                sizes,
                active,
                shows_one_in: one_in(active),
            });
        }
        compare(plan, &mut rings);
        rings
    }

    /// Profiles with devices that none of the plans names.
    #[must_use]
    pub(crate) fn unplanned(&self) -> Option<Finding> {
        let profiles = &self.look.world.profiles.as_ref()?.value;
        let mut words = Vec::new();
        let mut total = 0;
        for profile in profiles.listed.iter().filter(|profile| !self.planned.contains(&profile.id)) {
            let only: BTreeSet<PolicyId> = [profile.id.clone()].into();
            let devices =
                RingSizes::of(&self.look.world.fleet, &only, &BTreeMap::new(), self.look.at).devices();
            total += devices;
            let name = profile.name.as_deref().unwrap_or(if profile.is_default { "default" } else { "-" });
            if devices > 0 {
                words.push(format!("`{name}` ({devices})"));
            }
        }
        let problem =
            format!("{total} devices are in profiles that no plan here names: {}", words.join(", "));
        (total > 0).then(|| Finding::new(Code::ProfileUnplanned, problem))
    }
}

/// What each ring can show of devices gone dark, beside the rings that come after it.
fn compare(plan: &Plan, rings: &mut [RingReport]) {
    let active = |ring: &RingReport, environment: Environment| {
        let sizes = ring.sizes.as_ref().and_then(|sizes| sizes.environments.get(&environment));
        sizes.map_or(0, |sizes| sizes.movable - sizes.away)
    };
    for (index, of) in plan.rings.iter().enumerate() {
        let (before, after) = rings.split_at_mut((index + 1).min(rings.len()));
        let Some(ring) = before.last_mut().filter(|ring| ring.sizes.is_some()) else { continue };
        let control = |environment| after.iter().map(|later| active(later, environment)).sum();
        let judged = |environment| power(active(ring, environment), control(environment), of.health);
        ring.power = of.targets.keys().map(|environment| (*environment, judged(*environment))).collect();
    }
}

/// Where the target of a ring is written: in the ring, in `defaults`, or at the top.
fn target_spot(spots: &Spots<'_>, ring: usize, environment: Environment) -> Option<crate::plan::Spot> {
    let last = [PathStep::Key("versions"), PathStep::Key(environment.as_str())];
    let own = [&[PathStep::Key("rings"), PathStep::Item(ring)][..], &last].concat();
    let shared = [&[PathStep::Key("defaults")][..], &last].concat();
    spots.spot(&own).or_else(|| spots.spot(&shared)).or_else(|| spots.spot(&last))
}

/// What is worth saying of a ring as a whole.
fn of_ring(sizes: &RingSizes) -> Option<Finding> {
    let (movable, active) = (sizes.movable(), sizes.active());
    if movable == 0 {
        let problem = match sizes.devices() {
            0 => "nobody to move: the ring has no devices".to_owned(),
            devices => format!("nobody to move: none of the ring's {devices} devices can follow its targets"),
        };
        let instead =
            "give the ring a profile with Windows or macOS devices on 2026.6 or newer, or leave the ring out";
        return Some(Finding::new(Code::NobodyToMove, problem).instead(instead));
    }
    if active == 0 {
        let problem = format!("none of the ring's {movable} devices was seen in the last 7 days");
        let instead = "choose a profile whose devices are in use; a ring is adopted by devices that are seen";
        return Some(Finding::new(Code::NobodySeen, problem).instead(instead));
    }
    None
}

/// Whether a write for the whole ring would be more than its limit allows.
fn too_many(ring: &RingPlan, sizes: &RingSizes) -> Option<Finding> {
    let movable = sizes.movable();
    let limit = ring.max_devices.filter(|limit| limit.is_exceeded_by(movable))?;
    let problem = format!(
        "{movable} devices can be moved, and `max_devices` is {limit}: a write that reaches all of them is not sent"
    );
    let instead = "raise it if that many are meant, or move profiles into a ring of their own";
    Some(Finding::new(Code::BlastLimit, problem).instead(instead))
}

/// Whether a write for the whole ring would be more than all plans may move in a day: it is never sent.
fn too_many_a_day(guard: Option<DeviceLimit>, sizes: &RingSizes) -> Option<Finding> {
    let movable = sizes.movable();
    let guard = guard.filter(|guard| guard.is_exceeded_by(movable))?;
    let problem = format!(
        "{movable} devices can be moved, and `guard: {{devices_per_day: {guard}}}` of ringward.yaml lets fewer in a day: a write that reaches all of them is never sent"
    );
    let instead = "raise it if that many are meant, or move profiles into a ring of their own";
    Some(Finding::new(Code::DevicesPerDay, problem).instead(instead))
}

/// What is worth saying of one environment of a ring.
fn of_environment(ring: &RingName, environment: Environment, sizes: &Sizes, of_ring: usize) -> Vec<Finding> {
    let Some(target) = sizes.target else { return Vec::new() };
    let mut findings = Vec::new();
    let Sizes { movable, there, newer, .. } = *sizes;
    if movable == 0 {
        if of_ring > 0 {
            let problem =
                format!("ring `{ring}` has no {environment} device to move and is judged by its others");
            findings.push(Finding::new(Code::EnvironmentEmpty, problem));
        }
        return findings;
    }
    if there == movable {
        let problem = format!("ring `{ring}`: all {movable} {environment} devices run {target} already");
        findings.push(Finding::new(Code::TargetMet, problem));
    }
    if newer > 0 {
        let newest = sizes.versions.0.keys().flatten().filter(|version| **version > target).max();
        let newest = newest.map(ToString::to_string).unwrap_or_default();
        let problem = format!(
            "ring `{ring}`: {newer} of {movable} {environment} devices run something newer than {target} (up to {newest}) and would be moved back"
        );
        let instead = format!(
            "raise the target to {newest} or newer; where so many shall go down, the plan must say so by `allow_downgrade`"
        );
        findings.push(Finding::new(Code::Downgrade, problem).instead(instead));
    }
    findings
}

/// Whether the rings grow.
fn order(
    plan: &Plan,
    rings: &[RingReport],
    world: &Observations,
    now: Timestamp,
    spots: &Spots<'_>,
) -> Vec<Finding> {
    let spot =
        |index: usize| spots.spot(&[PathStep::Key("rings"), PathStep::Item(index), PathStep::Key("name")]);
    let movable = |ring: &RingReport| ring.sizes.as_ref().map(RingSizes::movable).filter(|count| *count > 0);
    let mut findings = Vec::new();
    let first = plan.rings.first().zip(rings.first());
    if let Some((plan_ring, ring)) = first.filter(|_| rings.len() > 1)
        && let Some(count) = movable(ring)
    {
        let all = RingSizes::of_all(&world.fleet, &plan_ring.targets, now).movable();
        if all >= SMALL_FLEET && count * 100 > all * FIRST_RING_PER_CENT {
            let problem = format!(
                "the first ring has {count} of the {all} devices that can be moved, more than {FIRST_RING_PER_CENT} %"
            );
            let instead = "begin with a smaller ring: its devices meet a fault before anybody knows of it";
            let finding = Finding::new(Code::FirstRingLarge, problem).instead(instead);
            findings.push(finding.of_ring(&ring.name).at(spot(0)));
        }
    }
    for (index, ring) in rings.iter().enumerate() {
        // The default profile comes last, however small it is.
        let Some(count) = movable(ring).filter(|_| !has_default(plan, index)) else { continue };
        let earlier = rings.iter().take(index).filter_map(|ring| Some((&ring.name, movable(ring)?)));
        let largest = earlier.max_by_key(|(_, count)| *count);
        if let Some((name, larger)) = largest.filter(|(_, larger)| *larger >= count * FAR_LARGER) {
            let problem = format!(
                "ring `{name}` comes earlier and has {larger} devices to move, this one only {count}"
            );
            let finding =
                Finding::new(Code::RingOutOfOrder, problem).instead("let the smaller ring come first");
            findings.push(finding.of_ring(&ring.name).at(spot(index)));
        }
    }
    findings
}

fn has_default(plan: &Plan, index: usize) -> bool {
    plan.rings.get(index).is_some_and(|ring| ring.profiles.contains(&ProfileRef::Default))
}

/// Devices in the plan's rings that follow no assignment.
fn too_old(rings: &[RingReport]) -> Option<Finding> {
    let sizes = rings.iter().filter_map(|ring| ring.sizes.as_ref());
    let count: usize = sizes.flat_map(RingSizes::targeted).map(|(_, sizes)| sizes.too_old).sum();
    let (are, stay) = if count == 1 { ("device runs", "it stays") } else { ("devices run", "they stay") };
    let problem = format!("{count} {are} a client below 2026.6, which ignores assignments: {stay} as now");
    let instead = "update by other means first, such as the MDM or the installer";
    (count > 0).then(|| Finding::new(Code::TooOld, problem).instead(instead))
}

/// Targets that no device of the account runs: that they exist cannot be seen here.
fn unseen_versions(plan: &Plan, world: &Observations, now: Timestamp, spots: &Spots<'_>) -> Vec<Finding> {
    let all = RingSizes::of_all(&world.fleet, &BTreeMap::new(), now);
    let runs = |environment: Environment, version: ClientVersion| {
        let sizes = all.environments.get(&environment);
        sizes.is_some_and(|sizes| sizes.versions.0.contains_key(&Some(version)))
    };
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    let targets = |(index, ring): (usize, &'_ RingPlan)| {
        let pairs: Vec<_> =
            ring.targets.iter().map(|(environment, version)| (*environment, *version)).collect();
        pairs.into_iter().map(move |(environment, version)| (index, environment, version))
    };
    for (index, environment, version) in plan.rings.iter().enumerate().flat_map(targets) {
        if runs(environment, version) || !told.insert((environment, version)) {
            continue;
        }
        let problem = format!("no {environment} device of the account runs {version} yet");
        let instead = "that it exists cannot be seen from here: compare it with Cloudflare's release notes";
        let finding = Finding::new(Code::VersionUnseen, problem).instead(instead).on(environment);
        findings.push(finding.at(target_spot(spots, index, environment)));
    }
    findings
}

/// How many findings of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

impl Tally {
    /// Counts findings.
    pub(crate) fn of<'a>(findings: impl Iterator<Item = &'a Finding>) -> Self {
        findings.fold(Self::default(), |mut tally, finding| {
            match finding.severity {
                Severity::Error => tally.errors += 1,
                Severity::Warning => tally.warnings += 1,
                Severity::Note => tally.notes += 1,
            }
            tally
        })
    }
}
