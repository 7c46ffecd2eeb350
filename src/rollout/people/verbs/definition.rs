//! What there is to say of a verb: one value, which page, API, command line and documents read.
//!
//! **Invariant:** none of them says of a verb what its definition does not.

use crate::rollout::people::verbs::columns::{Columns, Heading};
use crate::rollout::people::verbs::{arguments::ArgumentKey, table::Cell};
use crate::rollout::record::Role;

/// A verb.
pub struct Definition {
    /// The word of API and command line.
    pub word: &'static str,
    pub path: &'static str,
    pub aim: Aim,
    /// What it is, in half a sentence.
    pub about: &'static str,
    /// The same in a line, without a full stop.
    pub summary: &'static str,
    /// Command lines, as examples.
    pub example: &'static str,
    /// What it asks about.
    pub columns: &'static [Heading],
    /// What it comes to.
    pub cell: fn(&Columns) -> Cell,
    /// How the page asks for it; `None`: it does not.
    pub page: Option<Confirmation>,
    pub terms: Terms,
}

/// What most verbs have in common.
pub struct Terms {
    /// Whose role it takes.
    pub role: Role,
    /// Whether it must say why: what leaves no record needs no reason.
    pub needs_reason: bool,
    /// What it takes beside plan and reason, in the order of the command line.
    pub arguments: &'static [Argument],
    /// What the API says of a request that was carried out.
    pub done: &'static str,
    /// Whether it is a person's no: it takes effect whatever else is wrong, however often it is said.
    pub is_no: bool,
    /// Whether whoever asks for it says what they have read: it is carried out on that, or refused.
    pub rests_on_reading: bool,
    /// Whether it lets a plan go on, so that the answer names what holds the plan still.
    pub lets_go_on: bool,
    /// The line in the list of commands, where that says something else than the API's summary.
    pub command: Option<&'static str>,
    /// The words of the command line, where they are not `word`.
    pub words: Option<&'static str>,
    /// How it is asked for on the command line, where its arguments do not tell it.
    pub usage: Option<&'static str>,
    /// Where it stands in the list of commands: those of one number in the order of the documents.
    pub place: u8,
}

/// What a verb is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// All plans.
    Everything,
    /// A plan.
    Plan,
    /// A ring of it; without its name, the one that is under way.
    RingUnderWay,
    /// A ring of it, with a word on entering it.
    RingToEnter(Vote),
    /// What its rollout moved, from a ring on; without its name, all.
    RollbackTarget,
    /// The revision that waits, perhaps of a plan that has no rollout yet.
    Waiting,
}

/// Which word is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vote {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// An argument of a verb.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    pub key: ArgumentKey,
    /// The command line's help.
    pub help: &'static str,
    /// What to say, where it is missing; `None`: it may be.
    pub needed: Option<&'static str>,
}

/// How the page asks whether a verb is meant. What stands in braces is what it is about.
#[derive(Debug, Clone, Copy)]
pub struct Confirmation {
    /// What it does, in a word or two.
    pub label: &'static str,
    pub title: &'static str,
    /// The words of the button that confirms it, where they are not the label.
    pub button: Option<&'static str>,
    /// Whether that button warns.
    pub grave: bool,
    /// What the address names beside the plan, all of it needed.
    pub keys: &'static [ArgumentKey],
    pub promise: Promise,
    pub rests_on: RestsOn,
}

/// What a confirmation says that the verb will do.
#[derive(Debug, Clone, Copy)]
pub enum Promise {
    /// The same whatever there is.
    Said(&'static [&'static str]),
    /// What is lifted, and whom that accepts.
    Resumed,
    /// Which ring may be entered with what, and until when.
    Approved,
    /// Which ring is not entered.
    Rejected,
    /// What the revision changes and moves.
    Revision,
    /// Which plans go on.
    Started,
}

/// What must not change while somebody reads the confirmation, beside what every door asks of the verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestsOn {
    Nothing,
    /// The revision that waits.
    Revision,
    /// The stop.
    Stop,
}

impl Terms {
    pub(crate) const USUAL: Self = Self {
        role: Role::Operator,
        needs_reason: true,
        arguments: &[],
        done: "It was done, and recorded",
        is_no: false,
        rests_on_reading: false,
        lets_go_on: false,
        command: None,
        words: None,
        usage: None,
        place: 2,
    };
}

impl Aim {
    /// A person's word on entering a ring.
    pub const fn word(self) -> Option<Vote> {
        match self {
            Self::RingToEnter(word) => Some(word),
            Self::Everything | Self::Plan | Self::RingUnderWay | Self::RollbackTarget | Self::Waiting => None,
        }
    }
}

impl Argument {
    pub(crate) const fn new(key: ArgumentKey, help: &'static str) -> Self {
        Self { key, help, needed: None }
    }

    pub(crate) const fn needed(key: ArgumentKey, help: &'static str, say: &'static str) -> Self {
        Self { key, help, needed: Some(say) }
    }
}

impl Confirmation {
    /// Of a verb that rests on nothing and promises the same whatever there is.
    pub(crate) const fn new(label: &'static str, title: &'static str, promise: Promise) -> Self {
        Self { label, title, button: None, grave: false, keys: &[], promise, rests_on: RestsOn::Nothing }
    }
}
