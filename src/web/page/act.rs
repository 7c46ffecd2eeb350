//! A verb with what it is about, as an address of the page names it.
//!
//! **Invariant:** the address of a sheet, its form's address, the command that is sent and the command line
//! beside it are of one value, so nobody confirms something else than what they read.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;

use crate::ids::{PlanName, RingName};
use crate::plan::model::PlanDigest;
use crate::rollout::judge::way_back::Scope;
use crate::rollout::people::command::Command;
use crate::rollout::people::hearing::Word;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Gate;
use crate::web::identity::{Right, needs};
use crate::web::page::html::encoded;
use crate::web::problem::{Failure, Kind};

/// What is asked for, as the address says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Pause(PlanName),
    Resume(PlanName),
    Waive { plan: PlanName, ring: RingName, gate: Gate },
    Approve { plan: PlanName, ring: RingName },
    Refuse { plan: PlanName, ring: RingName },
    Rollback(PlanName),
    CheckNow(PlanName),
    Confirm { plan: PlanName, revision: String },
    Stop,
    Start,
    ConfirmClock,
}

/// The rest of the address.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActQuery {
    plan: Option<String>,
    ring: Option<String>,
    gate: Option<String>,
    revision: Option<String>,
}

impl Act {
    pub(super) fn read(verb: &str, query: Result<Query<ActQuery>, QueryRejection>) -> Result<Self, Failure> {
        let malformed = |why: String| Failure::new(Kind::Malformed, why);
        let Query(ActQuery { plan, ring, gate, revision }) =
            query.map_err(|error| malformed(error.body_text()))?;
        let missing = |key: &str| malformed(format!("`{key}` is missing in the address of this page"));
        let plan = || -> Result<PlanName, Failure> {
            let text = plan.ok_or_else(|| missing("plan"))?;
            PlanName::new(text).map_err(|error| Failure::new(Kind::NoSuchPlan, error.to_string()))
        };
        let ring = || -> Result<RingName, Failure> {
            let text = ring.ok_or_else(|| missing("ring"))?;
            RingName::new(text).map_err(|error| malformed(error.to_string()))
        };
        match Verb::ALL.into_iter().find(|known| known.as_str() == verb) {
            Some(Verb::Pause) => Ok(Self::Pause(plan()?)),
            Some(Verb::Resume) => Ok(Self::Resume(plan()?)),
            Some(Verb::Waive) => {
                let ring = ring()?;
                let gate = gate.ok_or_else(|| missing("gate"))?;
                let known = Gate::ALL.into_iter().find(|known| known.as_str() == gate);
                Ok(Self::Waive {
                    plan: plan()?,
                    ring,
                    gate: known.ok_or_else(|| malformed(format!("there is no gate `{gate}`")))?,
                })
            }
            Some(Verb::Approve) => Ok(Self::Approve { plan: plan()?, ring: ring()? }),
            Some(Verb::Refuse) => Ok(Self::Refuse { plan: plan()?, ring: ring()? }),
            Some(Verb::Rollback) => Ok(Self::Rollback(plan()?)),
            Some(Verb::CheckNow) => Ok(Self::CheckNow(plan()?)),
            Some(Verb::Confirm) => {
                let revision = revision.ok_or_else(|| missing("revision"))?;
                Ok(Self::Confirm { plan: plan()?, revision })
            }
            Some(Verb::Stop) => Ok(Self::Stop),
            Some(Verb::Start) => Ok(Self::Start),
            Some(Verb::ConfirmClock) => Ok(Self::ConfirmClock),
            Some(Verb::ReleaseHold) | None => {
                let known = Verb::ALL.map(Verb::as_str).join(", ");
                let detail = format!("the page has no `{verb}`; what it has is {known}");
                Err(Failure::new(Kind::NoSuchPath, detail))
            }
        }
    }

    pub(super) const fn verb(&self) -> Verb {
        match self {
            Self::Pause(_) => Verb::Pause,
            Self::Resume(_) => Verb::Resume,
            Self::Waive { .. } => Verb::Waive,
            Self::Approve { .. } => Verb::Approve,
            Self::Refuse { .. } => Verb::Refuse,
            Self::Rollback(_) => Verb::Rollback,
            Self::CheckNow(_) => Verb::CheckNow,
            Self::Confirm { .. } => Verb::Confirm,
            Self::Stop => Verb::Stop,
            Self::Start => Verb::Start,
            Self::ConfirmClock => Verb::ConfirmClock,
        }
    }

    /// What whoever asks must be allowed to.
    pub(super) const fn right(&self) -> Right {
        needs::of_verb(self.verb())
    }

    pub(super) const fn plan(&self) -> Option<&PlanName> {
        match self {
            Self::Pause(plan)
            | Self::Resume(plan)
            | Self::Rollback(plan)
            | Self::CheckNow(plan)
            | Self::Approve { plan, .. }
            | Self::Refuse { plan, .. }
            | Self::Confirm { plan, .. }
            | Self::Waive { plan, .. } => Some(plan),
            Self::Stop | Self::Start | Self::ConfirmClock => None,
        }
    }

    pub(super) const fn ring(&self) -> Option<&RingName> {
        match self {
            Self::Waive { ring, .. } | Self::Approve { ring, .. } | Self::Refuse { ring, .. } => Some(ring),
            _ => None,
        }
    }

    const fn gate(&self) -> Option<Gate> {
        if let Self::Waive { gate, .. } = self { Some(*gate) } else { None }
    }

    fn revision(&self) -> Option<&str> {
        if let Self::Confirm { revision, .. } = self { Some(revision) } else { None }
    }

    /// A person's word on entering a ring.
    pub(super) const fn word(&self) -> Option<Word> {
        match self {
            Self::Approve { .. } => Some(Word::Approve),
            Self::Refuse { .. } => Some(Word::Refuse),
            _ => None,
        }
    }

    /// What it does, in a word or two.
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::Pause(_) => "Pause",
            Self::Resume(_) => "Resume",
            Self::Waive { .. } => "Waive",
            Self::Approve { .. } => "Approve",
            Self::Refuse { .. } => "Refuse",
            Self::Rollback(_) => "Roll back",
            Self::CheckNow(_) => "Check now",
            Self::Confirm { .. } => "Confirm",
            Self::Stop => "Stop all writes",
            Self::Start => "Start again",
            Self::ConfirmClock => "Confirm the clock",
        }
    }

    pub(super) fn title(&self) -> String {
        match self {
            Self::Pause(plan) | Self::Resume(plan) => format!("{} {plan}?", self.label()),
            Self::Waive { plan, ring, gate } => format!("Waive gate {gate} for {ring} in {plan}?"),
            Self::Approve { plan, ring } | Self::Refuse { plan, ring } => {
                format!("{} {ring} in {plan}?", self.label())
            }
            Self::Rollback(plan) => format!("Roll {plan} back?"),
            Self::CheckNow(plan) => format!("Check {plan} now?"),
            Self::Confirm { plan, revision } => {
                format!("Confirm revision {} of {plan}?", beginning(revision))
            }
            Self::Stop => "Stop all writes?".to_owned(),
            Self::Start => "Allow writes again?".to_owned(),
            Self::ConfirmClock => "Confirm this machine's clock?".to_owned(),
        }
    }

    /// Where it is confirmed: `/act/waive?plan=…&ring=…&gate=…`.
    pub(super) fn address(&self) -> String {
        let keys = [
            ("plan", self.plan().map(PlanName::as_str)),
            ("ring", self.ring().map(RingName::as_str)),
            ("gate", self.gate().map(Gate::as_str)),
            ("revision", self.revision()),
        ];
        let named = keys.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", encoded(value?))));
        let query = named.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/act/{}{mark}{query}", self.verb().as_str())
    }

    /// The command that does the same: `ringward waive PLAN --gate G --ring R --reason '…'`.
    pub(super) fn command_line(&self) -> String {
        let verb = match self {
            Self::ConfirmClock => "confirm clock",
            _ => self.verb().as_str(),
        };
        let named = [
            self.plan().map(|plan| format!(" {}", quoted(plan.as_str()))),
            self.revision().map(|revision| format!(" --revision {}", quoted(beginning(revision)))),
            self.gate().map(|gate| format!(" --gate {gate}")),
            self.ring().map(|ring| format!(" --ring {}", quoted(ring.as_str()))),
        ];
        let why = if self.verb().needs_reason() { " --reason '…'" } else { "" };
        format!("ringward {verb}{}{why}", named.into_iter().flatten().collect::<String>())
    }

    /// For people who have read this revision, and who may want every plan left paused.
    pub(super) fn command(&self, paused: bool, revision: Option<PlanDigest>) -> Command {
        match self.clone() {
            Self::Pause(plan) => Command::Pause(plan),
            Self::Resume(plan) => Command::Resume(plan),
            Self::Waive { plan, ring, gate } => Command::Waive { plan, gate, ring: Some(ring) },
            Self::Approve { plan, ring } => Command::Approve { plan, ring: Some(ring), revision },
            Self::Refuse { plan, ring } => Command::Refuse { plan, ring: Some(ring), revision },
            Self::Rollback(plan) => Command::Rollback { plan, scope: Scope::default() },
            Self::CheckNow(plan) => Command::CheckNow(plan),
            Self::Confirm { plan, revision } => Command::Confirm { plan, revision },
            Self::Stop => Command::Stop,
            Self::Start if paused => Command::Start { plans: StartPlans::Pause },
            Self::Start => Command::Start { plans: StartPlans::GoOn },
            Self::ConfirmClock => Command::ConfirmClock,
        }
    }
}

/// The digits of a digest that people read.
pub(super) fn beginning(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@');
    if text.chars().all(plain) && !text.starts_with('-') {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted() {
        let rows = [
            ("a plain name", "client-2026.8", "client-2026.8"),
            ("spaces", "Early adopters", "'Early adopters'"),
            ("a quote", "it's", r"'it'\''s'"),
            ("a command", "$(reboot);`x`", "'$(reboot);`x`'"),
            ("an option", "-x", "'-x'"),
            ("another script", "環", "'環'"),
        ];
        for (row, text, expected) in rows {
            assert_eq!(quoted(text), expected, "{row}");
        }
    }
}
