//! Sweeps: every page of the account's devices, or nothing.
//!
//! **Invariant:** a [`Sweep`] is made only after its last cursor, and holds each device once.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ApiError, ApiResult, ErrorClass};
use super::request::{self, Operation};
use super::{budget::Priority, client::CloudflareClient, wire::DevicePage};
use crate::fleet::{ListedDevice, Sweep, SweepScope};
use crate::ids::DeviceId;

/// Pages that a sweep reads at most: 500,000 devices.
pub const MAX_DEVICE_PAGES: usize = 5_000;
/// How often a sweep goes on after a 429: some come without overuse (cloudflare.md#rate-limit), and a
/// sweep of hundreds of pages that starts again each time would never end.
const MAX_PAUSES: u32 = 3;
/// A device without a registration has no profile; so many without any are no coincidence.
const ENOUGH_TO_HAVE_PROFILES: usize = 10;

impl CloudflareClient {
    /// Reads the devices of a scope, page by page, as the budget allows. Devices are sorted by ID;
    /// of two sightings of one device the later page's stands.
    ///
    /// # Errors
    /// Any; also when a cursor comes back again, the listing does not end, or a full one of ten devices
    /// or more names no profile at all.
    pub async fn sweep(&self, scope: SweepScope) -> ApiResult<Sweep> {
        let inconsistent = |detail: &str| Err(self.inconsistent(Operation::ListDevices, detail));
        let started_at = self.clock.now();
        let mut devices: BTreeMap<DeviceId, ListedDevice> = BTreeMap::new();
        let mut cursors = BTreeSet::new();
        let mut cursor: Option<String> = None;
        let mut pauses = 0;
        loop {
            let request = request::list_devices(&self.account, &scope, cursor.as_deref());
            let page: DevicePage = match self.call(&request, Priority::Routine).await {
                // The budget keeps the silence before the page is asked for again.
                Err(ApiError { class: ErrorClass::RateLimited { .. }, .. }) if pauses < MAX_PAUSES => {
                    pauses += 1;
                    continue;
                }
                outcome => outcome?,
            };
            let next = page.next().map(str::to_owned);
            devices
                .extend(page.result.into_iter().map(ListedDevice::from).map(|seen| (seen.id.clone(), seen)));
            let Some(next) = next else { break };
            if !cursors.insert(next.clone()) {
                return inconsistent("a page names a cursor that was used already");
            }
            if cursors.len() >= MAX_DEVICE_PAGES {
                return inconsistent(&format!("it has not ended after {MAX_DEVICE_PAGES} pages"));
            }
            cursor = Some(next);
        }
        if let SweepScope::Profile(policy) = &scope {
            // The filter is new in the API, and a server that does not know it ignores it.
            devices.retain(|_, seen| seen.policy.as_ref().is_some_and(|seen| seen.id == *policy));
        }
        // Taken at its word, such a sweep would say that every device has left its ring.
        let profiles = devices.values().filter(|seen| seen.policy.is_some()).count();
        if scope == SweepScope::Full && devices.len() >= ENOUGH_TO_HAVE_PROFILES && profiles == 0 {
            let devices = devices.len();
            return inconsistent(&format!(
                "none of {devices} devices comes with its profile; the API seems to ignore `include`"
            ));
        }
        let finished_at = self.clock.now();
        Ok(Sweep { scope, started_at, finished_at, devices: devices.into_values().collect() })
    }
}
