//! What the tables of verbs ask about, and all that they can be told.
//!
//! **Invariant:** a column is filled in by its kind alone, whichever verb asks for it: from state and world, from what
//! a page shows, or with each of its values for the documents.

use crate::rollout::people::verbs::situation::{
    Claim, ClockSight, IsBlocked, Named, Offered, PauseOrHalt, RingSituation, RollbackTargets, StartPlans,
    Waits, Waived, Writes,
};
use crate::rollout::record::Gate;
use crate::rollout::state::Phase;

/// One row for each column: its values with their words, the one where nothing is known yet, and what stands above it
/// in documents.
macro_rules! columns {
    ($($heading:ident $column:ident: $values:ident, $words:ident, $unasked:ident => $text:literal;)*) => {
        /// A column of a verb's table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Heading {
            $($heading,)*
        }

        /// A value for each column; a verb's table reads its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct Columns {
            $(pub $column: $values,)*
        }

        impl Columns {
            /// Where nothing is known yet; whoever asks fills in the columns of the verb.
            pub const UNASKED: Self = Self { $($column: $values::$unasked,)* };
        }

        impl Heading {
            /// What stands above the column in documents.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$heading => $text,)*
                }
            }

            /// The same with each value of the column, and the value's words.
            pub fn values(self, of: Columns) -> Vec<(&'static str, Columns)> {
                match self {
                    $(Self::$heading => {
                        $values::ALL.map(|$column| ($column.$words(), Columns { $column, ..of })).into()
                    })*
                }
            }
        }
    };
}

columns! {
    Phase phase: Phase, as_str, Running => "phase";
    PauseOrHalt holds: PauseOrHalt, words, Free => "paused, halted";
    Writes writes: Writes, words, Allowed => "writes";
    Offered offered: Offered, words, Sound => "group offers";
    RollbackTargets rollback_targets: RollbackTargets, words, NothingMoved => "rollback target";
    IsBlocked held_back: IsBlocked, words, No => "blocked";
    Gate gate: Gate, as_str, Soak => "gate";
    RingSituation place: RingSituation, words, Pending => "ring";
    Waived waived: Waived, words, No => "waived before";
    Named named: Named, words, Still => "in the file";
    Claim claim: Claim, words, NotAsked => "who";
    Waits waits: Waits, words, Nothing => "revision that waits";
    Clock clock: ClockSight, words, InOrder => "clock";
    Plans plans: StartPlans, words, GoOn => "--paused";
}
