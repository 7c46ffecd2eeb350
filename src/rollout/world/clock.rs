//! Cloudflare's clock beside the machine's, as it was compared last.
//!
//! **Invariant:** a clock that was not compared is in doubt; only a person's word, which ends at a date,
//! lets anything be entered on a clock in doubt.

use crate::config::ClockTrust;
use crate::rollout::record::{AgreedAnswer, ClockDoubt};
use crate::time::{SignedDuration, Timestamp, since};

/// So many answers must agree before a person's word on the clock counts.
pub const ANSWERS_TO_CONFIRM: usize = 3;

/// And none of them may be older.
pub const CONFIRM_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// What is known of the machine's clock beside Cloudflare's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecondClock {
    /// Set while the machine's clock is in doubt.
    pub doubt: Option<ClockDoubt>,
    /// The machine's clock when they were compared last.
    pub machine: Option<Timestamp>,
    /// The last answers that agreed, oldest first, since one did not.
    pub agreed: Vec<AgreedAnswer>,
    /// What a person said of it.
    pub trust: Option<ClockTrust>,
}

impl SecondClock {
    /// The doubt that stands in the way at `now`; a person's word for the machine ends with its date.
    pub fn in_the_way(&self, now: Timestamp) -> Option<ClockDoubt> {
        self.doubt.filter(|_| self.trusted(now).is_none())
    }

    /// The word of a person that counts at `now`.
    pub fn trusted(&self, now: Timestamp) -> Option<&ClockTrust> {
        self.trust.as_ref().filter(|trust| now < trust.until)
    }

    /// The answers that a person's word on the clock may rest on at `now`, by the machine's clock.
    pub fn answers_to_confirm(&self, now: Timestamp) -> Vec<AgreedAnswer> {
        let fresh = |answer: &&AgreedAnswer| {
            let age = since(answer.at, now);
            !age.is_negative() && age <= CONFIRM_WITHIN
        };
        self.agreed.iter().filter(fresh).copied().collect()
    }
}
