//! The loop, without clock, disk or network: whoever drives it tells it what came (`handle_…`) and asks it
//! what is to be done (`poll_…`).
//!
//! | asked | for | and told by |
//! | --- | --- | --- |
//! | `poll_append` | what is to be recorded, of one plan after the other | `handle_appended` |
//! | `poll_reads` | what is to be read now | `handle_read` |
//! | `poll_look` | what is to be read before a write that the log announces | `handle_look` |
//! | `poll_send` | the write, once the last look agrees | `handle_outcome` |
//! | `wake_at` | when to ask again at the latest | |
//!
//! Simulation, tests and daemon drive this same loop. How long things take, who waits for an answer and where the log
//! lies is theirs to know.
//!
//! **Invariant:** state changes by what was acknowledged as recorded and by nothing else, so that nothing is
//! handed out before the events that announce it are in the log.

mod orders;
mod owner;
mod reads;
mod write;

pub use orders::{LookAnswer, LookOrder, Pass, ReadAnswer, ReadFailed, ReadOrder, Reports};
pub use owner::{DoesNotFold, Engine, Folded};
