//! The sandbox against the contract: what it answers, how its fleet lives, what its faults spoil.

#[cfg(test)]
mod api;
#[cfg(test)]
mod bench;
#[cfg(test)]
#[path = "../support/contract.rs"]
mod contract;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod people;
#[cfg(test)]
mod socket;
#[cfg(test)]
mod validator;
