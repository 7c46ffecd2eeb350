//! The client: deployment groups, device settings profiles, the token.
//!
//! **Invariant:** one call to a write sends at most one request; a listing is whole or an error.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{collections::BTreeMap, fmt, time::Duration};

use super::budget::{Budget, Priority};
use super::error::{ApiError, ApiResult, ErrorClass, Obstacle};
use super::redact::Redactor;
use super::request::{self, GroupUpdate, Operation};
use super::second_clock::{Comparison, DatedAnswer, http_date};
use super::setup::{ApiUrl, RequestObserver, Settings, SetupError, http_client};
use super::token::{TokenCheck, TokenOwner};
use super::wire::{GroupPage, WireGroup, WireProfile};
use crate::ids::{AccountId, GroupId, PolicyId};
use crate::rollout::record::{ClockDoubt, Group, GroupContent, Profile, Profiles};
use crate::rollout::world::SecondClock;
use crate::time::{Clock, Stopwatch, Timestamp};

/// Pages of deployment groups that are read at most: 10,000 groups, far above what an account
/// with one group per ring has.
const MAX_GROUP_PAGES: u32 = 100;

/// One account at Cloudflare, as far as ringward uses it.
pub struct CloudflareClient {
    pub(super) http: reqwest::Client,
    /// The same, with a connection of its own for each request.
    pub(super) unpooled: reqwest::Client,
    pub(super) api: ApiUrl,
    pub(super) account: AccountId,
    pub(super) clock: Clock,
    pub(super) redactor: Redactor,
    pub(super) observer: Arc<dyn RequestObserver>,
    budget: Mutex<Budget>,
    comparison: Mutex<Comparison>,
    began: Stopwatch,
    owner: TokenOwner,
}

impl CloudflareClient {
    /// A client for one account. Sends nothing.
    ///
    /// # Errors
    /// When the token, the budget, the CA file or the machine's CA bundle cannot be used.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        Ok(Self {
            http: http_client(&settings, true)?,
            unpooled: http_client(&settings, false)?,
            comparison: Mutex::new(Comparison::new(settings.clock)),
            began: Stopwatch::start(),
            budget: Mutex::new(Budget::new(settings.requests)?),
            owner: TokenOwner::of(&settings.token),
            redactor: Redactor::new(settings.token),
            api: settings.api,
            account: settings.account,
            clock: settings.clock,
            observer: settings.observer,
        })
    }

    /// The account that everything is asked about.
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Requests that could be sent now, for the metric.
    pub fn budget_remaining(&self) -> u32 {
        self.budget().remaining(self.clock.now())
    }

    /// Whether the budget has room for a whole write: the fresh read before it, the write, and the
    /// reads that settle it; and for so many requests before it, which count its devices. To be asked before the
    /// intent is recorded.
    ///
    /// # Errors
    /// The instant at which to ask again.
    pub fn room_for_write(&self, before: u32) -> Result<(), Timestamp> {
        self.budget().room_for_write(self.clock.now(), before)
    }

    /// All deployment groups, sorted by ID. [`Priority::Write`] is for the reads that settle a
    /// write in doubt.
    ///
    /// # Errors
    /// Any; the listing is whole or an error, also when groups come or go while it is read.
    pub async fn list_groups(&self, priority: Priority) -> ApiResult<Vec<Group>> {
        let inconsistent = |detail: String| Err(self.inconsistent(Operation::ListGroups, &detail));
        let mut groups: BTreeMap<GroupId, Group> = BTreeMap::new();
        let mut read = 0;
        let mut promised = None;
        for page in 1..=MAX_GROUP_PAGES {
            let answer: GroupPage = self.call(&request::list_groups(&self.account, page), priority).await?;
            let info = answer.result_info;
            if info.page != u64::from(page) {
                return inconsistent(format!("asked for page {page}, it says to be page {}", info.page));
            }
            if *promised.get_or_insert(info.total_count) != info.total_count {
                return inconsistent(format!("the number of groups changed while page {page} was read"));
            }
            let last = answer.result.is_empty();
            read += answer.result.len();
            groups.extend(answer.result.into_iter().map(Group::from).map(|group| (group.id.clone(), group)));
            if last && read < info.total_count {
                return inconsistent(format!("it lists {read} of {} groups", info.total_count));
            }
            // Counted by ID: a group that two pages both list has pushed another one off them.
            if last || groups.len() >= info.total_count {
                return Ok(groups.into_values().collect());
            }
        }
        inconsistent(format!("it has not ended after {MAX_GROUP_PAGES} pages"))
    }

    /// One deployment group, fresh.
    ///
    /// # Errors
    /// Any; a 404 of the API itself is `None`, one of a proxy is an error.
    pub async fn get_group(&self, id: &GroupId, priority: Priority) -> ApiResult<Option<Group>> {
        match self.one(&request::get_group(&self.account, id), priority).await {
            Ok(group) => self.same_group(Operation::GetGroup, id, group).map(Some),
            Err(error) if error.says_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a deployment group and answers it as Cloudflare has it. Whether that equals the
    /// intent is for the caller to compare.
    ///
    /// # Errors
    /// Any; see [`ApiError::is_in_doubt`] before sending it again.
    pub async fn create_group(&self, content: &GroupContent) -> ApiResult<Group> {
        let operation = Operation::CreateGroup;
        let request = request::create_group(&self.account, content)
            .map_err(|error| self.not_sent(operation, Obstacle::Unsendable, &error.to_string()))?;
        self.one::<WireGroup>(&request, Priority::Write).await.map(Group::from)
    }

    /// Changes a deployment group and answers it as Cloudflare has it.
    ///
    /// # Errors
    /// Any; see [`ApiError::is_in_doubt`] before sending it again.
    pub async fn update_group(&self, id: &GroupId, update: &GroupUpdate) -> ApiResult<Group> {
        let request = request::update_group(&self.account, id, update);
        let group = self.one(&request, Priority::Write).await?;
        self.same_group(Operation::UpdateGroup, id, group)
    }

    /// The account's default profile. Older forms of the answer have no ID; then a device seen with
    /// `default: true` tells it (cloudflare.md#default-profile).
    ///
    /// # Errors
    /// Any.
    pub async fn default_profile(&self) -> ApiResult<Option<Profile>> {
        let request = request::default_profile(&self.account);
        let answer: WireProfile = self.one(&request, Priority::Routine).await?;
        Ok(answer.named().map(|profile| Profile { is_default: true, ..profile }))
    }

    /// All device settings profiles with an ID, sorted by it; nothing can name one without. Whether the default
    /// profile is listed among them is not documented. When none of them is the default one, Cloudflare
    /// did not say which it is; a device seen with `default: true` may.
    ///
    /// # Errors
    /// Any; also when Cloudflare names two profiles as the default one.
    pub async fn profiles(&self) -> ApiResult<Profiles> {
        let request = request::list_profiles(&self.account);
        let answer: Option<Vec<WireProfile>> = self.one(&request, Priority::Routine).await?;
        let mut profiles: BTreeMap<PolicyId, Profile> = BTreeMap::new();
        for wire in answer.unwrap_or_default() {
            let is_default = wire.default;
            let Some(profile) = wire.named() else {
                tracing::warn!(is_default, "Cloudflare lists a device settings profile without an ID");
                continue;
            };
            profiles.insert(profile.id.clone(), profile);
        }
        if let Some(default) = self.default_profile().await? {
            profiles.entry(default.id.clone()).or_insert(default).is_default = true;
        }
        let defaults: Vec<&str> = profiles.values().filter(|p| p.is_default).map(|p| p.id.as_str()).collect();
        if defaults.len() > 1 {
            let detail = format!("it names more than one default profile: {}", defaults.join(", "));
            return Err(self.inconsistent(Operation::DefaultProfile, &detail));
        }
        Ok(Profiles { listed: profiles.into_values().collect() })
    }

    /// Whether the token is live. A token whose owner cannot be told by its prefix is tried as a
    /// user's, then as the account's.
    ///
    /// # Errors
    /// Any; [`ErrorClass::Refused`] says that the token is not known.
    pub async fn verify_token(&self) -> ApiResult<TokenCheck> {
        let as_user = request::verify_user_token();
        let as_account = request::verify_account_token(&self.account);
        match self.owner {
            TokenOwner::User => self.one(&as_user, Priority::Routine).await,
            TokenOwner::Account => self.one(&as_account, Priority::Routine).await,
            TokenOwner::Unknown => match self.one(&as_user, Priority::Routine).await {
                Err(ApiError { class: ErrorClass::Refused { .. }, .. }) => {
                    self.one(&as_account, Priority::Routine).await
                }
                outcome => outcome,
            },
        }
    }

    /// What the answers so far say of the machine's clock.
    pub fn second_clock(&self) -> SecondClock {
        let (machine, monotonic) = (self.clock.now(), self.began.passed());
        let comparison = self.comparison();
        let (doubt, agreed) =
            (comparison.in_doubt(machine, monotonic), comparison.agreed(machine, monotonic));
        SecondClock { doubt, machine: Some(machine), agreed, trust: None }
    }

    /// How many answers so far did not agree with the machine's clock, and what the last of them said.
    pub fn doubtful_answers(&self) -> (u64, Option<ClockDoubt>) {
        self.comparison().doubtful()
    }

    /// Compares the machine's clock with an answer that came just now.
    pub(super) fn compare(&self, date: Option<&str>, round_trip: Duration, own_connection: bool) {
        let (machine, monotonic) = (self.clock.now(), self.began.passed());
        let date = date.and_then(http_date);
        self.comparison().heard(DatedAnswer { date, machine, monotonic, round_trip, own_connection });
    }

    pub(super) fn comparison(&self) -> MutexGuard<'_, Comparison> {
        // As with the budget: each answer is taken in whole.
        self.comparison.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn budget(&self) -> MutexGuard<'_, Budget> {
        // No panic can leave a budget half changed: it is counters only.
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn same_group(&self, operation: Operation, asked: &GroupId, group: WireGroup) -> ApiResult<Group> {
        let group = Group::from(group);
        if group.id == *asked {
            return Ok(group);
        }
        Err(self.inconsistent(operation, &format!("asked for group {asked}, it is about group {}", group.id)))
    }
}

impl fmt::Debug for CloudflareClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudflareClient")
            .field("api", &self.api.to_string())
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}
