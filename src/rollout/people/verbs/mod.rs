//! The verbs: for each situation what a verb does, or why it is refused.
//!
//! **Invariant:** a cell exists for each situation, and a refusal says what would work.

pub mod about;
pub mod arguments;
pub(crate) mod asked;
pub mod columns;
pub mod definition;
pub mod effect;
pub mod former;
pub mod refused;
pub mod rows;
pub mod situation;
pub mod table;
#[cfg(test)]
mod tests;
pub mod verb;
