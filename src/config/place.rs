//! Where a daemon listens, and the names that it is read under.
//!
//! **Invariant:** a name never holds a port, and an address always does.

use core::net::SocketAddr;
use std::str::FromStr;

use crate::text::text_types;

/// Longest name of a host (RFC 1035, 2.3.4).
const MAX_HOST_BYTES: usize = 253;

/// Where page, API and metrics are served over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere: only on the socket.
    Nowhere,
    /// At an address.
    At(SocketAddr),
}

/// A text that names no place to listen at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no address with a port, such as 127.0.0.1:8787, and not `none`")]
pub struct NoPlace;

impl FromStr for Listen {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text {
            "none" => Ok(Self::Nowhere),
            address => address.parse().map(Self::At).map_err(|_| NoPlace),
        }
    }
}

/// A text that is no host's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no name such as `ringward.example.test`: letters, digits, `-`, `_` and `.`, and no port")]
pub struct NoHostName;

text_types! {
    /// A host's name in `Host`, without port: letters, digits, `-`, `_` and `.`, in lower case.
    HostName or NoHostName: |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > MAX_HOST_BYTES || !text.chars().all(plain) {
            return Err(NoHostName);
        }
        Ok(text.to_ascii_lowercase())
    };
}
