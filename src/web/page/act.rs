//! A verb with what it is about, as an address of the page names it.
//!
//! **Invariant:** the address of a confirmation, its form's address, the command that is sent and the command line
//! beside it are of one value, so nobody confirms something else than what they read.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;

use crate::ids::{PlanName, RingName};
use crate::rollout::people::command::Command;
use crate::rollout::people::verbs::about::About;
use crate::rollout::people::verbs::arguments::{ArgumentKey, Arguments};
use crate::rollout::people::verbs::definition::{Confirmation, Vote};
use crate::rollout::people::verbs::former::called_before;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::record::Gate;
use crate::text::{joined, shell_word};
use crate::web::identity::{Right, needs};
use crate::web::page::html::encoded;
use crate::web::problem::{Failure, Kind};

/// What is asked for, as the address says it.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) command: Command,
    pub(super) page: &'static Confirmation,
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
    /// `None`: the page has no such verb.
    pub(super) fn of(command: Command) -> Option<Self> {
        let page = command.verb().definition().page.as_ref()?;
        Some(Self { command, page })
    }

    pub(super) fn read(verb: &str, query: Result<Query<ActQuery>, QueryRejection>) -> Result<Self, Failure> {
        let Query(query) = query.map_err(|error| malformed(error.body_text()))?;
        let known = Verb::of(verb).and_then(|verb| Some((verb, verb.definition().page.as_ref()?)));
        let Some((verb, page)) = known else {
            let known = Verb::ALL.map(Verb::as_str).join(", ");
            let detail = match called_before(verb) {
                Some(now) => format!("{verb} is called {} now", now.as_str()),
                None => format!("the page has no `{verb}`; what it has is {known}"),
            };
            return Err(Failure::new(Kind::NoSuchPath, detail));
        };
        let given = query.arguments(page.keys)?;
        if let Some(key) = page.keys.iter().find(|key| given.text(**key).is_none()) {
            return Err(missing(*key));
        }
        Ok(Self { command: Command::of(verb, given).map_err(missing)?, page })
    }

    pub(super) const fn verb(&self) -> Verb {
        self.command.verb()
    }

    /// What whoever asks must be allowed to.
    pub(super) const fn right(&self) -> Right {
        needs::of_verb(self.verb())
    }

    /// A person's word on entering a ring.
    pub(super) const fn word(&self) -> Option<Vote> {
        self.verb().aim().word()
    }

    pub(super) fn title(&self) -> String {
        self.about().fill(self.page.title)
    }

    /// What the words about it are filled in with.
    pub(super) fn about(&self) -> About {
        let (given, any) = (self.command.arguments(), About::anything());
        let named = |key, unnamed| given.text(key).unwrap_or(unnamed);
        About {
            plan: named(ArgumentKey::Plan, any.plan),
            ring: named(ArgumentKey::Ring, any.ring),
            gate: named(ArgumentKey::Gate, any.gate),
            revision: beginning(&named(ArgumentKey::Revision, any.revision)).to_owned(),
            ..any
        }
    }

    /// Where it is confirmed: `/act/waive?plan=…&ring=…&gate=…`.
    pub(super) fn address(&self) -> String {
        let given = self.command.arguments();
        let keys = [ArgumentKey::Plan].iter().chain(self.page.keys);
        let named = keys.filter_map(|key| Some(format!("{}={}", key.as_str(), encoded(&given.text(*key)?))));
        let query = joined(named, "&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/act/{}{mark}{query}", self.verb().as_str())
    }

    /// The command that does the same: `ringward waive PLAN --gate G --ring R --reason '…'`.
    pub(super) fn command_line(&self) -> String {
        let (verb, given) = (self.verb(), self.command.arguments());
        let mut line = format!("ringward {}", verb.words());
        if let Some(plan) = &given.plan {
            line.push_str(&format!(" {}", shell_word(plan.as_str())));
        }
        for key in verb.arguments().iter().map(|argument| argument.key) {
            let Some(text) = given.text(key).filter(|_| key.value_name().is_some()) else { continue };
            let shown = if key == ArgumentKey::Revision { beginning(&text) } else { &text };
            line.push_str(&format!(" --{} {}", key.as_str(), shell_word(shown)));
        }
        if verb.needs_reason() {
            line.push_str(" --reason '…'");
        }
        line
    }

    /// For people who may want every plan left paused.
    pub(super) fn command(&self, paused: bool) -> Command {
        match self.command.clone() {
            Command::Start { .. } if paused => Command::Start { plans: StartPlans::Pause },
            other => other,
        }
    }
}

fn malformed(why: String) -> Failure {
    Failure::new(Kind::Malformed, why)
}

fn missing(key: ArgumentKey) -> Failure {
    malformed(format!("`{}` is missing in the address of this page", key.as_str()))
}

impl ActQuery {
    /// What it says of these, and of the plan; the rest is left alone.
    fn arguments(self, keys: &[ArgumentKey]) -> Result<Arguments, Failure> {
        let of = |key, text: Option<String>| text.filter(|_| keys.contains(&key));
        let ring = of(ArgumentKey::Ring, self.ring).map(RingName::new).transpose();
        let gate = of(ArgumentKey::Gate, self.gate).map(|text| {
            let known = Gate::ALL.into_iter().find(|known| known.as_str() == text);
            known.ok_or_else(|| malformed(format!("there is no gate `{text}`")))
        });
        let plan = self.plan.map(PlanName::new).transpose();
        Ok(Arguments {
            plan: plan.map_err(|error| Failure::new(Kind::NoSuchPlan, error.to_string()))?,
            ring: ring.map_err(|error| malformed(error.to_string()))?,
            gate: gate.transpose()?,
            revision: of(ArgumentKey::Revision, self.revision),
            ..Arguments::default()
        })
    }
}

/// The digits of a digest that people read.
pub(super) fn beginning(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
