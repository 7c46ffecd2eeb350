//! Shares, exactly.
//!
//! **Invariant:** a share is from 0.0 % to 100.0 %, in tenths, and compares with counts without rounding.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A share in tenths of a percent, 0.0 % to 100.0 %, so that thresholds compare exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Percent(u16);

impl Percent {
    /// A share of whole percents, for defaults in code; above 100 counts as 100.
    pub const fn whole(percent: u16) -> Self {
        Self(if percent > 100 { 1000 } else { percent * 10 })
    }

    /// A share from tenths of a percent.
    pub const fn from_tenths(tenths: u16) -> Option<Self> {
        if tenths <= 1000 { Some(Self(tenths)) } else { None }
    }

    /// Whether `part` of `whole` is at least this share. Of nothing, no share is reached.
    pub const fn reached_by(self, part: usize, whole: usize) -> bool {
        whole > 0 && part as u128 * 1000 >= whole as u128 * self.0 as u128
    }

    /// Whether `part` of `whole` is more than this share. Of nothing, no share is exceeded.
    pub const fn exceeded_by(self, part: usize, whole: usize) -> bool {
        part as u128 * 1000 > whole as u128 * self.0 as u128
    }

    /// What is left to all.
    pub const fn complement(self) -> Self {
        Self(1000 - self.0)
    }

    /// A hundred times as much; `None`: more than all.
    pub fn hundredfold(self) -> Option<Self> {
        self.0.checked_mul(100).and_then(Self::from_tenths)
    }

    /// The share as a number of a thousand.
    pub fn of_a_thousand(self) -> u64 {
        u64::from(self.0)
    }

    /// The share as a ratio from 0 to 1, for metrics.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 10, self.0 % 10) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, tenth) => write!(f, "{whole}.{tenth}%"),
        }
    }
}

impl TryFrom<u16> for Percent {
    type Error = &'static str;
    fn try_from(tenths: u16) -> Result<Self, Self::Error> {
        Self::from_tenths(tenths).ok_or("a share is at most 1000 tenths of a percent")
    }
}

impl From<Percent> for u16 {
    fn from(percent: Percent) -> u16 {
        percent.0
    }
}
