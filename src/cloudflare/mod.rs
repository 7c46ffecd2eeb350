//! The Cloudflare API client: one call is one request, and every failure says what may be
//! concluded from it.
//!
//! The calls are those of the contract (`tests/contract/openapi.yaml`) that ringward needs:
//! deployment groups, device settings profiles, physical devices, token verification, User Groups and their
//! permission policies. There is no retry of a write in here: whether a write took effect is for the caller
//! to settle, by reads. What the API does, and what nobody has verified, stands in
//! `docs/development/cloudflare.md`; `cloudflare.md#…` in a comment is a section there.
//!
//! **Invariant:** an error of class [`ErrorClass::NoAnswer`] leaves the outcome unknown; under
//! every other class nothing was applied. The token is in one request header and nowhere else.

pub mod budget;
mod client;
mod error;
mod people;
mod redact;
pub mod request;
mod second_clock;
mod setup;
mod sweep;
mod token;
mod transport;
mod wire;

pub use budget::{Budget, InvalidBudget, Priority};
pub use client::CloudflareClient;
pub use error::{ApiError, ApiResult, ErrorClass, Obstacle, Silence};
pub(crate) use request::Request;
pub use request::{GroupUpdate, InvalidContent, Operation};
pub(crate) use setup::MAX_CA_BYTES;
pub use setup::{ApiUrl, InvalidApiUrl, RequestObserver, Settings, SetupError, Timeouts, Unobserved};
pub use sweep::MAX_DEVICE_PAGES;
pub use token::{TokenCheck, TokenState};
pub(crate) use wire::Single;
