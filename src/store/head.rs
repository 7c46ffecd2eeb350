//! Where a log ends: the number and the hash of its last record.
//!
//! **Invariant:** a number fits SQLite's integers, and a hash has 32 bytes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::text::kept_as_text;
use crate::time::Timestamp;

/// The number of a record in the log, from 1 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before the first record: the head of an empty log.
    pub const ZERO: Self = Self(0);

    /// The record with this number, which need not exist.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// For SQLite, whose integers end at `i64::MAX`; no log gets there.
    pub(super) fn to_sql(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    pub(super) fn from_sql(number: i64) -> Option<Self> {
        u64::try_from(number).ok().map(Self)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The SHA-256 of a record; written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordHash([u8; 32]);

kept_as_text!(RecordHash);

impl RecordHash {
    /// What stands in for the hash before the first record: 32 zero bytes.
    pub const GENESIS: Self = Self([0; 32]);

    /// The bytes as they are stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn of(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no record's hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a record's hash has 64 digits 0-9 and a-f, as `history --verify` prints it")]
pub struct InvalidHash;

impl FromStr for RecordHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidHash);
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| InvalidHash)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidHash)?;
        }
        Ok(Self(bytes))
    }
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The last record; [`Seq::ZERO`] when there is none.
    pub seq: Seq,
    /// Its hash; [`RecordHash::GENESIS`] when there is none.
    pub hash: RecordHash,
    /// When it was recorded; the next record cannot be dated earlier. `None` when there is none.
    pub at: Option<Timestamp>,
}

impl Head {
    /// The head of an empty log.
    pub const EMPTY: Self = Self { seq: Seq::ZERO, hash: RecordHash::GENESIS, at: None };
}
