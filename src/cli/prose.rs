//! Text for people: wrapped to the screen, with ages counted to one instant.
//!
//! **Invariant:** what is said in one text is told as of one instant.

use std::io;

use crate::cli::{Out, Screen, Tint, moment};
use crate::time::Timestamp;

/// Where text goes, how wide it may be there, and the present.
pub struct Prose<'a> {
    /// Where it goes.
    pub out: Out<'a>,
    /// What that can show.
    pub screen: &'a Screen,
    /// The present instant.
    pub now: Timestamp,
}

impl Prose<'_> {
    /// Says `text` behind `lead`, wrapped.
    pub(super) fn say(&mut self, lead: &str, text: impl AsRef<str>) -> io::Result<()> {
        self.screen.say(self.out, lead, text.as_ref())
    }

    /// Leaves a line empty.
    pub(super) fn gap(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    pub(super) fn paint(&self, tint: Tint, text: &str) -> String {
        self.screen.paint(tint, text)
    }

    pub(super) fn moment(&self, then: Timestamp) -> String {
        moment(then, self.now)
    }
}
