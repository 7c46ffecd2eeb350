//! What is asked for, from the address of a sheet, and what it comes to in words.
//!
//! **Invariant:** the words of a sheet, its form's address and the command that is sent are of one
//! value, so nobody confirms something else than what they read.

use std::fmt;

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;

use super::super::identity::Need;
use super::super::json::{DarkJson, GateJson, RingJson, RolloutJson, RolloutsAnswer};
use super::super::problem::{Failure, Kind};
use super::acts::{
    CONFIRM_CLOCK, Viewer, confirm_address, confirm_command, of_all, of_plan, plan_cell, waive_cell,
    waive_command, word_address, word_cell, word_command,
};
use super::confirm::{confirm_cell, confirms, short, voids_approvals, waits_now};
use super::{approval, encoded, show};
use crate::ids::{PlanName, RingName};
use crate::plan::model::PlanDigest;
use crate::rollout::judge::way_back::Scope;
use crate::rollout::people::command::Command;
use crate::rollout::people::hearing::Word;
use crate::rollout::people::verbs::situation::StartPlans;
use crate::rollout::people::verbs::situation::{ClockSight, Writes};
use crate::rollout::people::verbs::table;
use crate::rollout::people::verbs::table::Cell;
use crate::rollout::people::verbs::verb::Verb;
use crate::rollout::people::verbs::words::About;
use crate::rollout::record::Gate;

/// What is asked for, as the address says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
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
pub(super) struct Of {
    plan: Option<String>,
    ring: Option<String>,
    gate: Option<String>,
    revision: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ticked {
    Yes,
}

impl Asked {
    pub(super) fn read(verb: &str, query: Result<Query<Of>, QueryRejection>) -> Result<Self, Failure> {
        let malformed = |why: String| Failure::new(Kind::Malformed, why);
        let Query(Of { plan, ring, gate, revision }) = query.map_err(|error| malformed(error.body_text()))?;
        let missing = |key: &str| malformed(format!("`{key}` is missing in the address of this page"));
        let plan = || -> Result<PlanName, Failure> {
            let text = plan.as_ref().ok_or_else(|| missing("plan"))?;
            PlanName::new(text).map_err(|error| Failure::new(Kind::NoSuchPlan, error.to_string()))
        };
        let ring = || -> Result<RingName, Failure> {
            let text = ring.as_ref().ok_or_else(|| missing("ring"))?;
            RingName::new(text).map_err(|error| malformed(error.to_string()))
        };
        match verb {
            "pause" => Ok(Self::Pause(plan()?)),
            "resume" => Ok(Self::Resume(plan()?)),
            "waive" => {
                let ring = ring()?;
                let gate = gate.as_ref().ok_or_else(|| missing("gate"))?;
                let known = Gate::ALL.into_iter().find(|known| known.as_str() == gate);
                Ok(Self::Waive {
                    plan: plan()?,
                    ring,
                    gate: known.ok_or_else(|| malformed(format!("there is no gate `{gate}`")))?,
                })
            }
            "approve" => Ok(Self::Approve { plan: plan()?, ring: ring()? }),
            "refuse" => Ok(Self::Refuse { plan: plan()?, ring: ring()? }),
            "rollback" => Ok(Self::Rollback(plan()?)),
            "check-now" => Ok(Self::CheckNow(plan()?)),
            "confirm" => {
                let revision = revision.as_ref().ok_or_else(|| missing("revision"))?;
                Ok(Self::Confirm { plan: plan()?, revision: revision.clone() })
            }
            "stop" => Ok(Self::Stop),
            "start" => Ok(Self::Start),
            "confirm-clock" => Ok(Self::ConfirmClock),
            other => {
                let known = Verb::ALL.map(Verb::as_str).join(", ");
                let detail = format!("the page has no `{other}`; what it has is {known}");
                Err(Failure::new(Kind::NoSuchPath, detail))
            }
        }
    }

    /// For people who have read this revision.
    pub(super) fn command(&self, paused: Option<Ticked>, revision: Option<PlanDigest>) -> Command {
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
            Self::Start => Command::Start {
                plans: match paused {
                    Some(Ticked::Yes) => StartPlans::Pause,
                    None => StartPlans::GoOn,
                },
            },
            Self::ConfirmClock => Command::ConfirmClock,
        }
    }

    /// What whoever asks must be allowed to.
    pub(super) const fn need(&self) -> Need {
        match self {
            Self::Pause(_)
            | Self::Resume(_)
            | Self::Waive { .. }
            | Self::Rollback(_)
            | Self::CheckNow(_)
            | Self::Confirm { .. }
            | Self::Stop
            | Self::Start
            | Self::ConfirmClock => Need::Operate,
            Self::Approve { .. } | Self::Refuse { .. } => Need::Approve,
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

    /// The table's word, as the snapshot has it. Whether plans are left paused is asked on the
    /// sheet, and changes nothing about whether it is refused.
    fn cell(&self, answer: &RolloutsAnswer, rollout: Option<&RolloutJson>, viewer: &Viewer) -> Option<Cell> {
        let writes = Writes::of(answer.stopped.is_some());
        match self {
            Self::Pause(_) | Self::Resume(_) | Self::Rollback(_) | Self::CheckNow(_) => {
                plan_cell(self.verb(), rollout?, writes)
            }
            Self::Waive { gate, .. } => waive_cell(rollout?, self.ring_of(rollout)?, *gate),
            Self::Approve { .. } | Self::Refuse { .. } => {
                word_cell(self.word()?, rollout?, self.ring_of(rollout)?, viewer)
            }
            Self::Confirm { plan, revision } => Some(confirm_cell(plan, revision, viewer)),
            Self::Stop => Some(table::stop(writes)),
            Self::Start => Some(table::start(writes, StartPlans::GoOn)),
            // Whether answers bear it out is asked of Cloudflare by the daemon.
            Self::ConfirmClock => Some(table::confirm_clock(match answer.is_clock_behind() {
                true => ClockSight::BorneOut,
                false => ClockSight::InOrder,
            })),
        }
    }

    /// That it would be refused as things are, and what would work.
    fn refusal(
        &self,
        answer: &RolloutsAnswer,
        rollout: Option<&RolloutJson>,
        viewer: &Viewer,
    ) -> Option<String> {
        let cell = self.cell(answer, rollout, viewer);
        let Some(Cell::Refused(refused)) = cell.filter(approval::is_for_sure) else { return None };
        let mut about = match (self.word(), rollout, self.ring_of(rollout)) {
            (Some(_), Some(rollout), Some(ring)) => {
                approval::about(rollout, ring, viewer.hearing(&rollout.plan, &ring.name))
            }
            _ => About::anything(),
        };
        let mut hold = answer.stopped.as_ref();
        if let Some(rollout) = rollout {
            (about.plan, about.phase) = (rollout.plan.to_string(), rollout.phase.clone());
            hold = rollout.paused.as_ref();
        }
        if let Self::Waive { ring, gate, .. } = self {
            (about.ring, about.gate) = (ring.to_string(), gate.to_string());
        }
        if let Self::Confirm { plan, .. } = self {
            about.plan = plan.to_string();
            let waiting = viewer.view.waiting.get(plan).map(|waits| waits.waiting.revision.to_string());
            about.revision = waiting.unwrap_or_default();
            hold = answer.revision_of(plan).and_then(|waiting| waiting.confirmed.as_ref());
        }
        if let Some(hold) = hold {
            about.held = format!("by {}", show::held(hold));
        }
        let (why, instead) = (refused.why(&about), refused.instead(&about));
        Some(format!("Nothing: asking for it will be refused, because {why}; {instead}."))
    }

    pub(super) fn plan(&self) -> Option<&PlanName> {
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
            Self::Pause(_)
            | Self::Resume(_)
            | Self::Rollback(_)
            | Self::CheckNow(_)
            | Self::Confirm { .. }
            | Self::Stop
            | Self::Start
            | Self::ConfirmClock => None,
        }
    }

    /// A person's word on entering a ring.
    const fn word(&self) -> Option<Word> {
        match self {
            Self::Approve { .. } => Some(Word::Approve),
            Self::Refuse { .. } => Some(Word::Refuse),
            Self::Pause(_)
            | Self::Resume(_)
            | Self::Waive { .. }
            | Self::Rollback(_)
            | Self::CheckNow(_)
            | Self::Confirm { .. }
            | Self::Stop
            | Self::Start
            | Self::ConfirmClock => None,
        }
    }

    pub(super) fn ring_of<'a>(&self, rollout: Option<&'a RolloutJson>) -> Option<&'a RingJson> {
        let ring = self.ring()?;
        rollout?.rings.iter().find(|one| one.name == *ring)
    }

    pub(super) fn rollout<'a>(&self, answer: &'a RolloutsAnswer) -> Option<&'a RolloutJson> {
        let plan = self.plan()?;
        answer.rollouts.iter().find(|rollout| rollout.plan == *plan)
    }

    /// The same of what there is now: another revision may wait than the one that was read.
    pub(super) fn renewed(self, answer: &RolloutsAnswer) -> Self {
        match self {
            Self::Confirm { plan, revision } => {
                let waiting = answer.revision_of(&plan).map(|waiting| waiting.digest.clone());
                Self::Confirm { revision: waiting.unwrap_or(revision), plan }
            }
            other => other,
        }
    }

    /// What must not change between sheet and form: the holds that are lifted, with their causes,
    /// the rollout whose gate is waived, what a ring is let in with, or the revision that waits.
    pub(super) fn seen(&self, answer: &RolloutsAnswer) -> String {
        let rollout = self.rollout(answer);
        match self {
            Self::Resume(_) => {
                let pause = rollout.and_then(|rollout| rollout.paused.as_ref()).map(|hold| hold.since);
                let halt = rollout.and_then(|rollout| rollout.halted.as_ref());
                let halt = halt.map(|halt| format!("{} {}", halt.cause, halt.since));
                format!("{}/{}", text_of(pause), text_of(halt))
            }
            Self::Waive { .. } => text_of(rollout.map(|rollout| &rollout.id)),
            Self::Approve { .. } | Self::Refuse { .. } => {
                let of = rollout.map(|rollout| format!("{} {}", rollout.id, rollout.digest));
                format!("{}/{}", text_of(of), text_of(self.ring_of(rollout).map(approval::versions)))
            }
            // What goes back is what stands there: another rollout, or another ring by now, is asked anew.
            Self::Rollback(_) => {
                let rings = rollout.into_iter().flat_map(|rollout| &rollout.rings);
                let rings: Vec<_> = rings.map(|ring| format!("{} {}", ring.state, ring.since)).collect();
                format!("{}/{}", text_of(rollout.map(|rollout| &rollout.id)), rings.join("/"))
            }
            Self::Confirm { plan, .. } => text_of(answer.revision_of(plan).map(|waiting| &waiting.digest)),
            Self::Start => text_of(answer.stopped.as_ref().map(|hold| hold.since)),
            Self::Pause(_) | Self::CheckNow(_) | Self::Stop | Self::ConfirmClock => String::new(),
        }
    }

    pub(super) fn title(&self) -> String {
        match self {
            Self::Pause(plan) => format!("Pause {plan}?"),
            Self::Resume(plan) => format!("Resume {plan}?"),
            Self::Waive { plan, ring, gate } => format!("Waive gate {gate} for {ring} in {plan}?"),
            Self::Approve { plan, ring } => format!("Approve {ring} in {plan}?"),
            Self::Refuse { plan, ring } => format!("Refuse {ring} in {plan}?"),
            Self::Rollback(plan) => format!("Roll {plan} back?"),
            Self::CheckNow(plan) => format!("Check {plan} now?"),
            Self::Confirm { plan, revision } => format!("Confirm revision {} of {plan}?", short(revision)),
            Self::Stop => "Stop all writes?".to_owned(),
            Self::Start => "Allow writes again?".to_owned(),
            Self::ConfirmClock => "Confirm this machine's clock?".to_owned(),
        }
    }

    pub(super) fn address(&self) -> String {
        match self {
            Self::Pause(plan) => format!("/act/pause?plan={}", encoded(plan.as_str())),
            Self::Resume(plan) => format!("/act/resume?plan={}", encoded(plan.as_str())),
            Self::Waive { plan, ring, gate } => {
                let (plan, ring) = (encoded(plan.as_str()), encoded(ring.as_str()));
                format!("/act/waive?plan={plan}&ring={ring}&gate={gate}")
            }
            Self::Approve { plan, ring } | Self::Refuse { plan, ring } => {
                word_address(self.verb(), plan, ring)
            }
            Self::Rollback(plan) => format!("/act/rollback?plan={}", encoded(plan.as_str())),
            Self::CheckNow(plan) => format!("/act/check-now?plan={}", encoded(plan.as_str())),
            Self::Confirm { plan, revision } => confirm_address(plan, revision),
            Self::Stop => "/act/stop".to_owned(),
            Self::Start => "/act/start".to_owned(),
            Self::ConfirmClock => "/act/confirm-clock".to_owned(),
        }
    }

    pub(super) fn command_line(&self) -> String {
        match self {
            Self::Pause(plan) | Self::Resume(plan) | Self::Rollback(plan) | Self::CheckNow(plan) => {
                of_plan(self.verb(), plan)
            }
            Self::Waive { plan, ring, gate } => waive_command(plan, ring, *gate),
            Self::Approve { plan, ring } | Self::Refuse { plan, ring } => {
                word_command(self.verb(), plan, ring)
            }
            Self::Confirm { plan, revision } => confirm_command(plan, revision),
            Self::Stop | Self::Start => of_all(self.verb()),
            Self::ConfirmClock => CONFIRM_CLOCK.to_owned(),
        }
    }

    /// What it will do, in sentences.
    pub(super) fn what(
        &self,
        answer: &RolloutsAnswer,
        rollout: Option<&RolloutJson>,
        viewer: &Viewer,
    ) -> Vec<String> {
        if let Some(refusal) = self.refusal(answer, rollout, viewer) {
            return vec![refusal];
        }
        let told = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        match self {
            Self::Pause(_) => told(&[
                "ringward writes nothing for this plan, and verifies no ring of it, until somebody resumes it.",
                "Devices that were offered a version already go on to it: an installation cannot be called back.",
                "Looking at the devices, the gates and the soak go on.",
            ]),
            Self::Resume(_) => resumed(rollout),
            Self::Waive { ring, gate, .. } => {
                let mut lines = vec![format!(
                    "Gate {gate} no longer holds ring {ring} up in this rollout; it reads `exempt`, with your reason. This cannot be taken back."
                )];
                lines.push("All other gates still hold.".to_owned());
                lines
            }
            Self::Approve { plan, ring } => {
                let heard = viewer.hearing(plan, ring);
                let approves = self.ring_of(rollout).map(|ring| approval::approves(ring, heard));
                let void = answer.revision_of(plan).map(voids_approvals);
                approves.into_iter().flatten().chain(void).collect()
            }
            Self::Refuse { .. } => self.ring_of(rollout).map(approval::refuses).unwrap_or_default(),
            Self::Rollback(_) => told(&[
                "Every ring that this rollout moved goes back to what it ran before, the latest first, one at a time.",
                "No opening, freeze or device limit is asked. A pause and a halt are lifted by this; a stop is not.",
                "What is taken back is held out of these rings until somebody releases it. Devices go up, down and up again only then: that way is known to break some.",
                "For one environment, or from a later ring on, use the command line.",
            ]),
            Self::CheckNow(_) => told(&[
                "ringward looks at the plan files, reads what this plan’s rollout wants to see, and decides.",
                "It records nothing and lifts no hold.",
            ]),
            Self::Confirm { plan, .. } => {
                answer.revision_of(plan).map(|waiting| confirms(waiting, rollout)).unwrap_or_default()
            }
            Self::Stop => told(&[
                "No plan writes anything at Cloudflare until somebody starts again.",
                "A request that is on its way already is not called back; its outcome is still read.",
                "Looking at the devices, the gates and the soak go on.",
            ]),
            Self::Start => {
                let held = |one: &&RolloutJson| one.paused.is_some() || one.halted.is_some();
                let running = answer.rollouts.iter().filter(|one| one.phase == "running");
                let (held, free): (Vec<_>, Vec<_>) = running.partition(held);
                let names = |of: &[&RolloutJson]| {
                    let names: Vec<&str> = of.iter().map(|one| one.plan.as_str()).collect();
                    names.join(", ")
                };
                let mut lines = vec!["Writes at Cloudflare are allowed again.".to_owned()];
                if !free.is_empty() {
                    lines.push(format!("These go on at once: {}.", names(&free)));
                }
                if !held.is_empty() {
                    lines.push(format!("These stay paused or halted: {}.", names(&held)));
                }
                lines
            }
            Self::ConfirmClock => told(&[
                "You say that this machine's clock is right, and that the log is dated ahead because the clock was. ringward asks Cloudflare for the time, three times, and refuses where that does not bear it out.",
                "Everything goes by the clock again. Soaks and deadlines that began later than now begin anew, approvals and waivers that were given later are void, and devices are seen anew.",
                "Nothing of the log is lost.",
            ]),
        }
    }

    /// How it is now, in sentences.
    pub(super) fn now(&self, answer: &RolloutsAnswer, rollout: Option<&RolloutJson>) -> Vec<String> {
        let mut lines = Vec::new();
        match &answer.stopped {
            Some(hold) => lines.push(format!("All writes are stopped by {}", show::held(hold))),
            None if self.plan().is_none() => lines.push("Writes are allowed.".to_owned()),
            None => {}
        }
        if let Self::Confirm { plan, .. } = self {
            lines.extend(waits_now(answer.revision_of(plan)));
        }
        let Some(rollout) = rollout else { return lines };
        let current = show::current_ring(rollout);
        lines.push(format!("{}.", show::headline(rollout, current)));
        if let Self::Waive { ring, gate, .. } = self {
            let rings = rollout.rings.iter().filter(|one| one.name == *ring);
            for gate in rings.flat_map(|one| &one.gates).filter(|one| one.gate == *gate) {
                let of = gate.environment.map(|environment| format!("/{environment}")).unwrap_or_default();
                let (value, threshold) = (&gate.value, &gate.threshold);
                lines.push(format!(
                    "{}{of} says {}: {value}. Asked for: {threshold}.",
                    gate.gate, gate.verdict
                ));
            }
        } else if self.word().is_some() {
            let ring = self.ring_of(Some(rollout));
            lines.extend(ring.into_iter().flat_map(|ring| approval::now(ring, rollout.at)));
        } else {
            let is_told = |code: &str| match self {
                Self::Confirm { .. } => matches!(code, "stopped" | "revision_waits" | "plan_unstable"),
                _ => code == "stopped",
            };
            let others = rollout.waiting_on.iter().filter(|blocker| !is_told(&blocker.code));
            lines.extend(others.map(|blocker| blocker.text.clone()));
        }
        lines
    }
}

fn resumed(rollout: Option<&RolloutJson>) -> Vec<String> {
    let mut lines = Vec::new();
    if rollout.is_some_and(|rollout| rollout.paused.is_some()) {
        lines.push("The pause is lifted.".to_owned());
    }
    if rollout.is_some_and(|rollout| rollout.halted.is_some()) {
        lines.push(
            "The halt is lifted, and its cause counts as seen by you; only something new halts it again."
                .to_owned(),
        );
        if rollout.and_then(|rollout| rollout.halted.as_ref()).is_some_and(|halt| halt.cause == "drift") {
            lines.push(
                "The group stays as it is now, and nothing is set back. While it does not offer its ring the new version, that ring is not verified, and none of its devices counts as accepted for standing still."
                    .to_owned(),
            );
        }
        lines.extend(rollout.into_iter().flat_map(accepted));
    }
    lines.push("ringward goes on by itself as soon as the gates allow it.".to_owned());
    lines
}

fn text_of(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

/// The devices that lifting a halt takes out of the health gates' counts, for each gate that finds some.
fn accepted(rollout: &RolloutJson) -> impl Iterator<Item = String> {
    let of_ring = |ring: &RingJson, gate: &GateJson| {
        let devices = gate.environment.map_or("devices".to_owned(), |on| format!("{on} devices"));
        let found = match (&gate.stalled, &gate.dark) {
            // Who is told to run something else does not stand still.
            (Some(_), _) if gate.reason.as_deref() == Some("not_offered") => return None,
            (Some(seen), _) if seen.stalled > 0 => format!("{} stalled {devices}", seen.stalled),
            (_, Some(seen)) if silent(seen) > 0 => format!("up to {} silent {devices}", silent(seen)),
            _ => return None,
        };
        let name = &ring.name;
        Some(format!("It accepts {found} of ring {name}; from then on only others count for that gate."))
    };
    rollout.rings.iter().flat_map(move |ring| ring.gates.iter().filter_map(move |gate| of_ring(ring, gate)))
}

/// The silent devices of the looks; one can be in both. Of a look that finds most silent nobody is
/// accepted: they come back.
fn silent(seen: &DarkJson) -> usize {
    let told = seen.looks.iter().filter(|look| look.ring.silent * 2 <= look.ring.of);
    told.map(|look| look.ring.silent).sum()
}
