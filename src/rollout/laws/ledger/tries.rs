//! What became of the writes for one purpose.
//!
//! **Invariant:** which failures count is said here, and not asked of the log's own words.

use crate::rollout::record::{Cancelled, Event};
use crate::time::Timestamp;

#[derive(Clone, Default)]
pub(crate) struct Tries {
    /// Whether one was in doubt.
    pub(crate) doubted: bool,
    /// Those in a row that came to nothing.
    pub(crate) failures: u32,
    pub(crate) refused: Option<u16>,
    /// When the reads before them failed that no other outcome came after, nor a person's word.
    pub(crate) unread: Vec<Timestamp>,
    /// How many wrote a group back.
    pub(crate) done: u32,
}

impl Tries {
    /// What came to nothing counts no more.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { doubted: self.doubted, done: self.done, ..Self::default() };
    }

    /// Takes in what became of a write that is not on record as applied.
    pub(super) fn take(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::WriteDoubted { .. } => self.doubted = true,
            Event::WriteCancelled { why, .. } => {
                self.failures += u32::from(failed(why));
                match why {
                    Cancelled::ReadFailed { .. } => self.unread.push(at),
                    Cancelled::Ending => {}
                    _ => self.unread.clear(),
                }
            }
            Event::WriteRefused { status, .. } => {
                self.failures += 1;
                self.refused = Some(*status);
                self.unread.clear();
            }
            Event::WriteSettled { .. } => {
                self.failures += 1;
                self.unread.clear();
            }
            _ => {}
        }
    }
}

/// Whether a cancelled write counts towards those that came to nothing: what overtook it was not
/// of ringward's or a person's own making, and it was not only a read that failed.
fn failed(why: &Cancelled) -> bool {
    match why {
        Cancelled::Stopped
        | Cancelled::Held
        | Cancelled::OpeningClosed
        | Cancelled::FreezeBegun
        | Cancelled::PlanChanged
        | Cancelled::Blocked { .. }
        | Cancelled::Forbidden { .. }
        | Cancelled::RolledBack
        | Cancelled::HeldOut { .. }
        | Cancelled::ApprovalVoid { .. }
        | Cancelled::ReadFailed { .. }
        | Cancelled::ClockBehind
        | Cancelled::ClockDiffers { .. }
        | Cancelled::Ending => false,
        Cancelled::ConcurrentEdit
        | Cancelled::GroupGone
        | Cancelled::GroupInTheWay
        | Cancelled::TooManyDevices { .. }
        | Cancelled::TooManyToday { .. }
        | Cancelled::Unreadable { .. }
        | Cancelled::NotSent { .. }
        | Cancelled::RateLimited => true,
    }
}
