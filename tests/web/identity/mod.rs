//! Who may ask for what: assertions of Access, tokens, the socket, bare loopback.

mod approving;
mod assertions;
pub(crate) mod credentials;
mod keys;
mod routes;
mod rules;
mod secrets;
