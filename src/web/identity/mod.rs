//! Who asks, and for what they may.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `identities` | from a request to its identity |
//! | `asker` | an identity, and whether it may |
//! | [`needs`] | the rights there are, and what each path needs |
//! | `bearer` | tokens of ringward: made, and known again |
//! | `assertion`, `certs` | what Cloudflare Access vouches for, and the keys that it signs with |
//! | `credential` | what both read of a request, and say of one that does not verify |
//!
//! **Invariant:** a request has one identity, decided before any path looks at it; a credential that
//! does not verify is refused and never passed over, and whoever shows none gets no right by it.

mod asker;
mod assertion;
pub(super) mod bearer;
mod certs;
mod credential;
mod identities;
pub mod needs;
#[cfg(test)]
mod tests;

pub(super) use asker::{Asker, Denied, Identity};
pub use identities::{Identities, NoIdentities};
pub use needs::Right;
