//! What a step comes to that may write: a write, a fact, or what is in its way.
//!
//! **Invariant:** the decision and its explanation read the same value, so nothing keeps a write back
//! that people are not told of.

use crate::rollout::decide::blocker::Blocker;
use crate::rollout::record::{BlockKind, Event, Mode, WriteIntent};
use crate::rollout::state::Ring;

/// What a step comes to that may write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PlannedStep {
    /// These are in the way.
    Blocked(Vec<WriteBlock>),
    /// Devices have time to follow what was written.
    Waits,
    /// Nothing is to be written: this is to be recorded, and why.
    Fact(&'static str, Box<Event>),
    /// This is to be written.
    Write(Box<WriteIntent>),
}

/// What is in the way of a write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WriteBlock {
    /// A gate does not advance.
    Gates,
    /// Something stands before every step.
    Block(BlockKind),
    /// A group of the plan drifted: first it is written back, or a person decides.
    Drifted,
    /// Anything else. Of those above the report has more to say.
    Other(Blocker),
}

impl PlannedStep {
    /// What of it people are told that nothing else tells.
    pub(crate) fn blockers(self, mode: Option<Mode>, ring: &Ring) -> Vec<Blocker> {
        match self {
            Self::Blocked(blocks) => {
                let told = |block| match block {
                    WriteBlock::Other(blocker) => Some(blocker),
                    WriteBlock::Gates | WriteBlock::Block(_) | WriteBlock::Drifted => None,
                };
                blocks.into_iter().filter_map(told).collect()
            }
            Self::Write(intent) if mode == Some(Mode::Observe) => {
                vec![Blocker::Observing(ring.name.clone(), intent)]
            }
            Self::Write(_) | Self::Fact(..) | Self::Waits => Vec::new(),
        }
    }

    /// Whether nothing is in the way but what `passes`.
    pub(crate) fn is_blocked_only_by(&self, passes: impl Fn(&WriteBlock) -> bool) -> bool {
        match self {
            Self::Blocked(blocks) => blocks.iter().all(passes),
            Self::Waits | Self::Fact(..) | Self::Write(_) => true,
        }
    }
}
