//! The simulated account: requests in, outcomes out, on a clock that the caller holds.
//!
//! **Invariant:** time only goes forward, and a write that was scripted to be late takes effect at its own
//! instant, whenever somebody looks next.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::{Value, json};

use super::answer::{Answered, ApiRefusal, SandboxAnswer, SandboxOutcome};
use super::devices::{self, DeviceQuery};
use super::faults::{
    Fault, FaultScript, Faults, InvalidFault, LateAnswer, server_error, take_out, throttled,
};
use super::groups::DeploymentGroups;
use super::iam::Iam;
use super::journal::RequestJournal;
use super::limit::RateLimit;
use super::operation::SandboxOperation;
use super::profiles::{self, DefaultProfileForm};
use super::request::{Admitted, Arrival, HeldRequest, Route, SandboxRequest};
use super::settings::AccountSettings;
use super::token::{ApiToken, TokenStatus};
use crate::synthetic::{DeviceTruth, Dice, SyntheticDevice, SyntheticFleet};
use crate::time::{SignedDuration, Timestamp, after};

/// The simulated account.
#[derive(Debug)]
pub struct Account {
    id: String,
    token: ApiToken,
    default_profile: DefaultProfileForm,
    pub(super) now: Timestamp,
    fleet: SyntheticFleet,
    groups: DeploymentGroups,
    pub(super) iam: Iam,
    /// What the list of groups answers until an instant, while it is stale.
    stale: Option<(Timestamp, DeploymentGroups)>,
    /// Writes whose callers have given up and that take effect later: when, in the order of their rows.
    late: BTreeMap<(Timestamp, u64), Admitted>,
    writes: u64,
    limit: RateLimit,
    faults: Faults,
    journal: RequestJournal,
}

impl Account {
    /// The account as it is at `start`.
    ///
    /// # Errors
    /// When a scripted fault cannot be followed.
    pub fn new(settings: &AccountSettings, start: Timestamp) -> Result<Self, InvalidFault> {
        let dice = Dice::seeded(settings.seed);
        let mut faults = Faults::default();
        faults.add(&settings.faults)?;
        let id = settings.account_id.clone().unwrap_or_else(|| dice.of("account").hex(32));
        Ok(Self {
            iam: Iam::new(dice.of("iam"), &id, start),
            id,
            token: ApiToken::new(dice, settings.token.clone(), settings.token_expires_on),
            default_profile: settings.default_profile,
            now: start,
            fleet: SyntheticFleet::new(
                dice.of("fleet"),
                settings.devices,
                &settings.profiles,
                &settings.mix,
                start,
            ),
            groups: DeploymentGroups::new(dice.of("groups")),
            stale: None,
            late: BTreeMap::new(),
            writes: 0,
            limit: RateLimit::default(),
            faults,
            journal: RequestJournal::default(),
        })
    }

    /// The account's ID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The API token.
    pub fn token(&self) -> &SecretString {
        &self.token.secret
    }

    /// Every request so far.
    pub fn journal(&self) -> &RequestJournal {
        &self.journal
    }

    /// Moves on to `now`; an earlier instant changes nothing. Returns the account's own now.
    pub fn advance(&mut self, now: Timestamp) -> Timestamp {
        let now = now.max(self.now);
        while let Some(first) = self.late.first_entry().filter(|first| first.key().0 <= now) {
            let ((due, _), admitted) = first.remove_entry();
            self.now = due;
            // Whoever asked has gone: a refusal now has no reader, and the row stays `applied: false`.
            let _ = self.answer(&admitted, false);
        }
        self.now = now;
        now
    }

    /// Takes a request at `now`.
    pub fn arrive(&mut self, request: SandboxRequest, now: Timestamp) -> Arrival {
        let now = self.advance(now);
        let route = Route::of(&request);
        let seq = self.journal.arrived(now, &request, route.as_ref());
        let admitted = self.admit(&request, route).map_err(|refusal| refusal.answer());
        let admitted = admitted.and_then(|route| match self.limit.count(now) {
            Ok(()) => Ok(route),
            Err(seconds) => Err(throttled(seconds)),
        });
        let Route { operation, target, .. } = match admitted {
            Ok(route) => route,
            Err(answer) => return Arrival::Done(self.close(seq, answer)),
        };
        let (kind, fault) = self.faults.take(operation).unzip();
        if let Some(row) = self.journal.row(seq) {
            row.fault = kind;
        }
        let admitted = Admitted { seq, operation, target, request };
        if let Some(Fault::Delay { seconds, wall_ms }) = fault {
            return Arrival::Held(HeldRequest { until: later(now, seconds), wall_ms, admitted });
        }
        Arrival::Done(self.carry_out(admitted, fault))
    }

    /// Carries out a request whose delay is over.
    pub fn resume(&mut self, held: HeldRequest, now: Timestamp) -> SandboxOutcome {
        self.advance(now.max(held.until));
        self.carry_out(held.admitted, None)
    }

    /// [`Account::arrive`] and, where a delay holds the request, [`Account::resume`] at its end: for callers
    /// without sockets.
    pub fn handle(&mut self, request: SandboxRequest, now: Timestamp) -> SandboxOutcome {
        match self.arrive(request, now) {
            Arrival::Done(outcome) => outcome,
            Arrival::Held(held) => self.resume(held, now),
        }
    }

    /// Adds faults to the end of the list: all or none.
    ///
    /// # Errors
    /// When one of them cannot be followed.
    pub fn add_faults(&mut self, scripts: &[FaultScript]) -> Result<(), InvalidFault> {
        self.faults.add(scripts)
    }

    /// The faults that have not struck yet.
    pub fn faults_left(&self) -> Vec<FaultScript> {
        self.faults.left()
    }

    /// Forgets all faults to come. What a fault has set going (a late write, a stale list) goes on.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Revokes the token, or restores it.
    pub fn set_token_status(&mut self, status: TokenStatus) {
        self.token.status = status;
    }

    /// Gives the token an end, or none.
    pub fn set_token_end(&mut self, expires_on: Option<Timestamp>) {
        self.token.expires_on = expires_on;
    }

    /// Names and IDs of all profiles; the default profile is called `default`.
    pub fn profiles(&self) -> Vec<(String, String)> {
        self.fleet.profiles.iter().map(|profile| (profile.name.clone(), profile.id.clone())).collect()
    }

    /// Lets a device match another profile from `now` on, as when a directory group changes. It evaluates
    /// what its new group offers as after a notification. False: there is no such device or profile.
    pub fn change_profile(&mut self, device: &str, policy: &str, now: Timestamp) -> bool {
        let now = self.advance(now);
        let Some(profile) = self.fleet.profile(policy) else { return false };
        let SyntheticFleet { devices, calendar, .. } = &mut self.fleet;
        let Some(device) = devices.iter_mut().find(|candidate| candidate.id == device) else { return false };
        self.writes += 1;
        device.profile = profile;
        let target = device.os.environment().and_then(|environment| self.groups.target(policy, environment));
        device.assign(target, now, self.writes, calendar);
        true
    }

    /// What is true of every device, in the order of their IDs. Tests judge by it; the API never shows it.
    pub fn truths(&self) -> Vec<DeviceTruth> {
        let fleet = &self.fleet;
        let truth =
            |device: &SyntheticDevice| device.truth(fleet.profile_name(device), self.now, &fleet.calendar);
        fleet.devices.iter().map(truth).collect()
    }

    /// Counts by profile, device type and reported version.
    pub(super) fn fleet_summary(&self) -> Value {
        let mut profiles: BTreeMap<&str, BTreeMap<&str, BTreeMap<String, usize>>> = BTreeMap::new();
        for device in &self.fleet.devices {
            let profile = self.fleet.profile_name(device);
            let reported = device.reported(device.last_seen(self.now, &self.fleet.calendar));
            let types = profiles.entry(profile).or_default().entry(device.os.device_type()).or_default();
            *types.entry(reported.unwrap_or_else(|| "none".to_owned())).or_default() += 1;
        }
        json!({ "at": self.now.to_string(), "devices": self.fleet.devices.len(), "profiles": profiles })
    }

    fn admit(&self, request: &SandboxRequest, route: Option<Route>) -> Answered<Route> {
        if !self.token.is(request.token.as_ref()) {
            return Err(ApiRefusal::unauthenticated());
        }
        let route = route.ok_or_else(|| ApiRefusal::no_route(&request.path))?;
        if let Some(account) = route.account.as_ref().filter(|account| **account != self.id) {
            let possible = account.len() == 32 && account.chars().all(|c| c.is_ascii_hexdigit());
            let unknown =
                if possible { ApiRefusal::unauthenticated() } else { ApiRefusal::no_route(&request.path) };
            return Err(unknown);
        }
        if self.token.status_at(self.now) != TokenStatus::Active && !route.operation.verifies() {
            return Err(ApiRefusal::unauthenticated());
        }
        Ok(route)
    }

    /// Does what the request asks, spoilt by `fault`.
    fn carry_out(&mut self, admitted: Admitted, fault: Option<Fault>) -> SandboxOutcome {
        let seq = admitted.seq;
        let early = match &fault {
            Some(Fault::ServerError(status)) => Some(server_error(*status)),
            Some(Fault::ServerErrorHtml(status)) => Some(SandboxAnswer::html(*status)),
            Some(Fault::RateLimited { seconds }) => Some(throttled(i64::from(*seconds))),
            Some(Fault::Conflict) => Some(ApiRefusal::taken().answer()),
            Some(Fault::Forbidden) => Some(ApiRefusal::new(403, 10000, "Forbidden").answer()),
            Some(Fault::ResetBefore) => return SandboxOutcome::Reset,
            Some(Fault::AppliedLate { seconds, answer }) => {
                let due = later(self.now, *seconds);
                self.late.insert((due, seq), admitted);
                return match answer {
                    LateAnswer::Reset => SandboxOutcome::Reset,
                    LateAnswer::GatewayTimeout => self.close(seq, server_error(504)),
                };
            }
            _ => None,
        };
        if let Some(answer) = early {
            return self.close(seq, answer);
        }
        if let Some(Fault::StaleList { seconds }) = &fault {
            self.stale = Some((later(self.now, *seconds), self.groups.clone()));
        }
        let ignore_filters = fault == Some(Fault::FilterIgnored);
        let mut answer = self.answer(&admitted, ignore_filters).unwrap_or_else(|refusal| refusal.answer());
        match fault {
            Some(Fault::ResetAfter) => return SandboxOutcome::Reset,
            Some(Fault::Truncated(cut)) => answer.cut = Some(cut),
            Some(Fault::MissingField { pointer }) => take_out(&mut answer.body, &pointer),
            Some(Fault::WrongDate { seconds }) => answer.date = Some(seconds),
            Some(Fault::NoDate) => answer.date = None,
            _ => {}
        }
        self.close(seq, answer)
    }

    fn answer(&mut self, admitted: &Admitted, ignore_filters: bool) -> Answered {
        let Admitted { seq, operation, target, request } = admitted;
        let mut pairs = request.pairs()?;
        let answer = match *operation {
            SandboxOperation::ListGroups => match &self.stale {
                Some((until, before)) if self.now < *until => before.list(&pairs)?,
                _ => self.groups.list(&pairs)?,
            },
            SandboxOperation::GetGroup => self.groups.get(target)?,
            SandboxOperation::CreateGroup | SandboxOperation::UpdateGroup | SandboxOperation::DeleteGroup => {
                self.write(admitted)?
            }
            SandboxOperation::ListDevices => {
                let query = DeviceQuery::read(&pairs)?;
                let query = if ignore_filters { query.unfiltered() } else { query };
                query.page(&self.fleet, self.now)
            }
            SandboxOperation::GetDevice => devices::get(&self.fleet, target, &pairs, self.now)?,
            SandboxOperation::ListProfiles => profiles::list(&self.fleet, self.default_profile, &pairs)?,
            SandboxOperation::GetDefaultProfile => profiles::get_default(&self.fleet, self.default_profile),
            SandboxOperation::VerifyUserToken | SandboxOperation::VerifyAccountToken => {
                self.token.answer(self.now)
            }
            // About people, and what they may.
            _ => {
                if ignore_filters {
                    // As a server that knows pages and nothing else.
                    pairs.retain(|(key, _)| key == "page" || key == "per_page");
                }
                self.iam.answer(admitted, &pairs, self.now)?
            }
        };
        let now = self.now;
        if let Some(row) = self.journal.row(*seq).filter(|_| operation.writes()) {
            row.applied = Some(true);
            row.applied_at = Some(now);
        }
        Ok(answer)
    }

    /// Applies a write at the account's now, and tells the devices.
    fn write(&mut self, admitted: &Admitted) -> Answered {
        let Admitted { operation, target, request, .. } = admitted;
        let (answer, policies) = match operation {
            SandboxOperation::CreateGroup => self.groups.create(&request.body, self.now)?,
            SandboxOperation::UpdateGroup => self.groups.update(target, &request.body, self.now)?,
            _ => self.groups.delete(target)?,
        };
        self.writes += 1;
        let SyntheticFleet { profiles, devices, calendar } = &mut self.fleet;
        for device in devices {
            if let Some(profile) =
                profiles.get(device.profile).filter(|profile| policies.contains(&profile.id))
                && let Some(environment) = device.os.environment()
            {
                let offered = self.groups.target(&profile.id, environment);
                device.assign(offered, self.now, self.writes, calendar);
            }
        }
        Ok(answer)
    }

    fn close(&mut self, seq: u64, mut answer: SandboxAnswer) -> SandboxOutcome {
        if !answer.headers.iter().any(|(name, _)| *name == "ratelimit") {
            answer.headers.extend(self.limit.headers(self.now));
        }
        if let Some(row) = self.journal.row(seq) {
            row.status = Some(answer.status);
        }
        SandboxOutcome::Answer(answer)
    }
}

fn later(now: Timestamp, seconds: u32) -> Timestamp {
    after(now, SignedDuration::from_secs(i64::from(seconds)))
}
