//! What the books and the numbers in an event bear out, by the checker's own arithmetic.
//!
//! **Invariant:** each answer is that something is so, or why it is not; what follows from that, a law says.

pub(super) mod adoption;
pub(super) mod content;
pub(super) mod drift;
pub(super) mod health;
pub(super) mod openings;

/// That something is so, or why it is not.
pub(crate) type Proof = Result<(), String>;

pub(crate) fn ensure<T: Into<String>>(holds: bool, why: impl FnOnce() -> T) -> Proof {
    if holds { Ok(()) } else { Err(why().into()) }
}
