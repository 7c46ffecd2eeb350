//! What the simulated account is made of.
//!
//! **Invariant:** of the same settings comes the same account.

use secrecy::SecretString;

use super::faults::FaultScript;
use super::profiles::DefaultProfileForm;
use crate::synthetic::{Mix, ProfileSettings};
use crate::time::Timestamp;

/// What the account is made of.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// Seeds everything: IDs, the fleet, its days, its failures.
    pub seed: u64,
    /// How many devices there are.
    pub devices: usize,
    /// What kinds of devices there are.
    pub mix: Mix,
    /// The profiles besides the default one, the first with the highest precedence.
    pub profiles: Vec<ProfileSettings>,
    /// The API token; `None`: derived from the seed.
    pub token: Option<SecretString>,
    /// When the token ends, and is expired from then on.
    pub token_expires_on: Option<Timestamp>,
    /// The account ID, 32 hexadecimal digits; `None`: derived from the seed.
    pub account_id: Option<String>,
    /// How the default profile shows itself.
    pub default_profile: DefaultProfileForm,
    /// Faults to begin with.
    pub faults: Vec<FaultScript>,
}

impl Default for AccountSettings {
    fn default() -> Self {
        Self {
            seed: 1,
            devices: 600,
            mix: Mix::default(),
            profiles: ProfileSettings::usual(),
            token: None,
            token_expires_on: None,
            account_id: None,
            default_profile: DefaultProfileForm::WithId,
            faults: Vec::new(),
        }
    }
}
