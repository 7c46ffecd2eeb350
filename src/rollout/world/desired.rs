//! What a plan's file asks for.
//!
//! **Invariant:** a file that cannot be read, or is not there, asks for nothing; it never means consent.

use crate::plan::change::Restrictions;
use crate::plan::model::Revision;
use crate::time::Timestamp;

/// What the plan's file asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Desired<'a> {
    /// A plan that holds, in a file that was unchanged for long enough.
    Present(&'a Revision),
    /// A plan that holds, in a file that has to wait.
    Unsettled(&'a Revision, Unsettled),
    /// A file that cannot be used.
    Invalid(&'a InvalidFile),
    /// The plans directory cannot be read: why.
    Unreadable(&'a str),
    /// No readable file names the plan: nothing is written until one does.
    Missing,
    /// The file is gone, by two looks a minute apart, with every file of the directory accounted for.
    Gone,
    /// What is in force already: for questions in which no file has a say.
    InForce,
}

impl<'a> Desired<'a> {
    /// The revision in the file, if it holds.
    pub const fn revision(self) -> Option<&'a Revision> {
        match self {
            Self::Present(revision) | Self::Unsettled(revision, _) => Some(revision),
            Self::Invalid(_) | Self::Unreadable(_) | Self::Missing | Self::Gone | Self::InForce => None,
        }
    }
}

/// Why what is in a file does not take effect yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// It has not been unchanged for long enough: it will have been at this instant, by the daemon's clock.
    Until(Timestamp),
    /// Its last byte is no line end: it may have been cut off.
    LineEnd,
}

/// A file that holds a plan and cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct InvalidFile {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub errors: Vec<String>,
    /// What only restricts in it, as far as it can be read.
    pub restrictions: Restrictions,
}
