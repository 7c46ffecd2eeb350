//! What a health gate saw of a ring's devices, in numbers: this is what the log keeps.
//!
//! **Invariant:** numbers and words only; what they come to is judged by `gate`, and again by
//! `laws`.

use serde::{Deserialize, Serialize};

use crate::fleet::{Counts, DarkEvaluation, PartsPerBillion, Share};
use crate::plan::model::{Health, Percent};
use crate::rollout::record::verdict::{Exempt, Unknown, Verdict};
use crate::text::joined;
use crate::time::{Span, Timestamp, short};

/// Devices of one environment that are seen and do not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stalled {
    /// The environment's devices by class.
    pub counts: Counts,
    /// Stalled devices that a person has seen and accepted: they count for nothing here.
    pub acknowledged: usize,
    /// The share that may be stalled.
    pub at_most: Percent,
    /// How long a device may take.
    pub after: Span,
    /// Fewer seen devices than this are not judged.
    pub min_devices: u32,
}

/// Devices of one environment that arrived and went silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dark {
    /// Devices that arrived.
    pub arrived: usize,
    /// Devices of the rings not entered that were seen in the last week.
    pub control_active: usize,
    /// Those of them that were seen at any time that is remembered, which is a month.
    pub control_known: usize,
    /// Devices whose silence a person has seen and accepted, not seen since: they count for
    /// nothing here.
    pub acknowledged: usize,
    /// The newest looks; none while nobody could be looked for yet.
    pub looks: Vec<Evaluation>,
    /// The next look by the calendar, should its day count.
    pub next_at: Option<Timestamp>,
    /// By how much the silent share may be above the control's.
    pub at_most: Percent,
    /// How long silence must last.
    pub after: Span,
    /// Fewer devices than this, here or in the control, are not judged.
    pub min_devices: u32,
}

/// One look for devices that went dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// How many spans of `after` it reaches back: 1 or 2.
    pub look: u8,
    /// The evening up to which it looks.
    pub at: Timestamp,
    /// From when on silence counts.
    pub since: Timestamp,
    /// The counted days since the assignment.
    pub day: u32,
    /// The ring's devices that were seen before `since`, and those of them not seen from then up
    /// to the look. Before is the day before, and for the second look all the time since the
    /// assignment.
    pub ring: Share,
    /// The same of the rings not entered.
    pub control: Share,
    /// How likely such a difference is by chance.
    pub p: PartsPerBillion,
    /// How unlikely it must be to count.
    pub p_at_most: PartsPerBillion,
}

impl From<&DarkEvaluation> for Evaluation {
    fn from(evaluation: &DarkEvaluation) -> Self {
        let &DarkEvaluation { look, at, taken_at: _, since, day, ring, control, p, p_at_most, silent: _ } =
            evaluation;
        Self { look, at, since, day, ring, control, p, p_at_most }
    }
}

impl Stalled {
    /// Stalled devices that nobody has accepted.
    pub const fn stalled(&self) -> usize {
        self.counts.stalled.saturating_sub(self.acknowledged)
    }

    /// The seen devices that count.
    pub const fn sighted(&self) -> usize {
        self.counts.sighted().saturating_sub(self.acknowledged)
    }

    /// The value seen, for people.
    pub fn value(&self) -> String {
        let (stalled, sighted) = (self.stalled(), self.sighted());
        format!("{stalled} of {sighted} seen devices stalled{}", accepted(self.acknowledged))
    }

    /// What would be enough, for people.
    pub fn threshold(&self) -> String {
        let Self { at_most, after, min_devices, .. } = self;
        format!("at most {at_most} after {after}, of at least {min_devices} devices")
    }
}

impl Dark {
    /// With fewer control devices nothing is acquitted: when a fifth of a ring is silent and nobody
    /// of thirty others, chance does not explain it, and when it is one of thirty, it does.
    pub fn least_control(min_devices: u32) -> usize {
        2 * Health::least_of(min_devices)
    }

    /// The value seen, for people.
    pub fn value(&self, verdict: &Verdict) -> String {
        let Self { arrived, control_active, control_known, acknowledged, .. } = self;
        if matches!(verdict, Verdict::Unknown(why) if *why != Unknown::OutageOrHoliday) {
            return "not read lately".to_owned();
        }
        if *arrived < Health::least_of(self.min_devices) {
            return format!("{arrived} devices arrived");
        }
        let of_the_others = "devices of rings not entered";
        match verdict {
            Verdict::Exempt(Exempt::NoControl) if *control_known == 0 => {
                return format!("0 {of_the_others}, to compare with");
            }
            Verdict::Exempt(Exempt::NoControl) => {
                let least = Self::least_control(self.min_devices);
                return format!("{control_known} {of_the_others}, to compare with; it takes {least}");
            }
            Verdict::Wait(_) if *control_active < Health::least_of(self.min_devices) => {
                return format!("{control_active} of {control_known} {of_the_others} seen in a week");
            }
            _ => {}
        }
        let accepted = accepted(*acknowledged);
        match self.looks.as_slice() {
            [] => format!("not evaluated yet{accepted}"),
            [first, ..] => {
                let looks = joined(self.looks.iter().map(Evaluation::words), ", ");
                format!("at {} {looks}{accepted}", short(first.at))
            }
        }
    }

    /// What would be enough, for people.
    pub fn threshold(&self) -> String {
        let Self { at_most, after, min_devices, .. } = self;
        let next = self.next_at.map(|at| format!("; next evaluation {}", short(at))).unwrap_or_default();
        format!("at most {at_most} above the control after {after}, of at least {min_devices} devices{next}")
    }
}

impl Evaluation {
    pub(crate) fn words(&self) -> String {
        let Self { since, ring, control, p, p_at_most, .. } = self;
        format!(
            "{} of {} silent since {} (control {} of {}, p {p}, threshold {p_at_most})",
            ring.silent,
            ring.of,
            short(*since),
            control.silent,
            control.of
        )
    }
}

fn accepted(acknowledged: usize) -> String {
    match acknowledged {
        0 => String::new(),
        count => format!("; {count} acknowledged"),
    }
}
