//! What the books and the numbers in an event bear out, by the checker's own arithmetic.
//!
//! **Invariant:** each answer is why something is not so, or that it is; what follows from that, a law says.

pub(super) mod adoption;
pub(super) mod content;
pub(super) mod drift;
pub(super) mod health;
pub(super) mod openings;
