//! `clock`: a person's word that the machine's clock is right, whatever Cloudflare's answers say.
//!
//! **Invariant:** it ends; the day that it names is its last.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::keys::CLOCK;
use crate::plan::calendar::date;
use crate::plan::error::Problems;
use crate::plan::fields::{Fields, text, word};
use crate::plan::tree::Node;
use crate::time::Timestamp;

/// A person's word that the machine's clock is right: for a proxy in front whose clock is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockTrust {
    /// The first instant at which it does not count any more: the end of its last day, UTC.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

const TRUST: &[(&str, ())] = &[("machine", ())];

pub(super) fn clock(node: &Node, problems: &mut Problems) -> Option<ClockTrust> {
    let fields = Fields::of(node, &CLOCK, problems)?;
    fields.require("trust", "write `trust: machine`", problems);
    let trust = word(&fields, "trust", TRUST, problems);
    let until = fields.require("until", "write its last day, such as until: 2026-12-18", problems);
    let last_day = until.and_then(|node| date(node, "`until`", problems));
    let reason = fields.require("reason", "write why, for those who read the status", problems);
    let reason = reason.and_then(|node| text(node, "`reason`", problems));
    trust?;
    Some(ClockTrust { until: end_of(last_day?)?, reason: reason?.to_owned() })
}

fn end_of(day: Date) -> Option<Timestamp> {
    day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok().map(|end| end.timestamp())
}
