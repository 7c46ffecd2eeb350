//! What the random runs have seen: so that a suite that no longer reaches something says so.
//!
//! **Invariant:** every name that can be reached is listed in [`expected`]; one that is not
//! listed there and comes up fails the suite as well.

use std::collections::BTreeMap;

use ringward::plan::change::profile_set;
use ringward::rollout::decide::blocker::Blocker;
use ringward::rollout::judge::grouping::Veto;
use ringward::rollout::people::command::Command;
use ringward::rollout::people::refusal::Refusal;
use ringward::rollout::record::{Block, Cause, Drift, Event, Finding, Ground, GroupDrift, Purpose, Recorded};
use ringward::rollout::record::{Evidence, Gate, Judgement};
use ringward::rollout::state::State;
use ringward::rollout::tell::report::Report;

use super::support::drive::{Drive, Note};

/// How often each thing came up.
#[derive(Debug, Default, Clone)]
pub(crate) struct Coverage(BTreeMap<String, usize>);

impl Coverage {
    fn see(&mut self, name: String) {
        *self.0.entry(name).or_default() += 1;
    }

    /// Adds what another one saw.
    pub(crate) fn add(&mut self, other: Self) {
        for (name, count) in other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }

    /// What a report shows.
    pub(crate) fn report(&mut self, report: &Report) {
        for judgement in report.rings.iter().flat_map(|ring| &ring.gates) {
            self.judgement(judgement);
        }
        for blocker in &report.waiting_on {
            self.see(format!("blocker {}", blocker.code()));
            if let Blocker::Veto(_, veto) = blocker {
                self.see(format!("veto {}", word(veto)));
            }
        }
    }

    fn judgement(&mut self, judgement: &Judgement) {
        let (gate, verdict) = (judgement.gate, judgement.verdict.as_str());
        self.see(format!("verdict {gate} {verdict} {}", judgement.verdict.reason_code()).trim().to_owned());
    }

    /// What a whole run shows.
    pub(crate) fn run(&mut self, drive: &Drive) {
        let mut state = State::default();
        for recorded in &drive.daemon.log {
            let before = places(&state, recorded);
            if state.apply(recorded).is_err() {
                return;
            }
            let after = places(&state, recorded);
            for (of, to) in &after {
                match before.get(of) {
                    Some(from) if from != to => self.see(format!("transition {} to {to}", whence(from, to))),
                    Some(_) => {}
                    // One whose profiles changed while it waits is the same ring.
                    None if matches!(recorded.entry.event, Event::PlanAccepted { .. }) => {
                        self.see(format!("transition begun as {to}"));
                    }
                    None => {}
                }
            }
            self.event(&recorded.entry.event);
        }
        for (_, _, note) in &drive.notes {
            if let Note::Refused(_, command, refusal) = note {
                self.see(format!("refusal {}", refused(command, refusal)));
            }
        }
    }

    fn event(&mut self, event: &Event) {
        self.see(format!("event {}", event.kind()));
        match event {
            Event::WriteCancelled { why, .. } => {
                let debug = format!("{why:?}");
                let name = debug.split([' ', '{']).next().unwrap_or_default();
                self.see(format!("cancelled {name}"));
            }
            Event::Halted { cause } => {
                self.see(format!("cause {}", cause.as_str()));
                if let Cause::Drift(drift) = cause {
                    self.drift("halted", drift);
                }
            }
            Event::BlockBegun { block: Block::RevisionWaits(waiting) } => {
                self.see(format!("waits for {}", waiting.waits_for.as_str()));
            }
            Event::DriftFound { drift } => self.drift("found", drift),
            Event::DriftAdopted { drift: Drift::Group(drift) } => self.drift("adopted", drift),
            Event::DriftAdopted { drift: Drift::OtherUpdater(_) } => {
                self.see("adopted other_updater".to_owned());
            }
            Event::RingVerified { judgements, .. } if judgements.iter().any(beside_silence) => {
                self.see("verified beside a control with silent devices".to_owned());
            }
            Event::GateWaived { gate: Gate::Ring, .. } => self.see("let go by a person".to_owned()),
            Event::RollbackStarted { steps, .. } => {
                for way in steps.iter().flat_map(|step| step.back.values()) {
                    let ground = match way.ground {
                        Ground::Verified { .. } => "verified",
                        Ground::BeforeWrite { .. } => "before_write",
                        Ground::Plan => "plan",
                    };
                    self.see(format!("way back {ground}"));
                }
            }
            Event::RingRolledBack { how, .. } => self.see(format!("rolled back {}", how.as_str())),
            Event::HaltLifted { cause, .. } => self.see(format!("acknowledged {}", cause.as_str())),
            Event::WriteSettled { finding, .. } => self.see(format!("settled {}", found(finding))),
            Event::WritePlanned { intent, .. } => {
                let purpose = match intent.purpose {
                    Purpose::Restore if intent.before.is_none() => "restore_anew",
                    Purpose::Restore => "restore",
                    Purpose::Target if intent.before.is_none() => "create",
                    Purpose::Target => "update",
                    Purpose::MoveOut { .. } => "move_out",
                    Purpose::PutBack { .. } => "put_back",
                    Purpose::Rollback { .. } => "rollback",
                };
                self.see(format!("write {purpose}"));
            }
            _ => {}
        }
    }

    fn drift(&mut self, became: &str, drift: &GroupDrift) {
        for kind in drift.kinds() {
            self.see(format!("{became} {}", kind.as_str()));
        }
    }

    /// One line, and what is missing or unheard of.
    pub(crate) fn summary(&self, least: usize) -> (String, Vec<String>) {
        let line: Vec<String> = self.0.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let expected = expected();
        let seen = |name: &str| self.0.get(name).copied().unwrap_or(0);
        let rare = expected.iter().filter(|name| seen(name) < least);
        let rare = rare.map(|name| format!("{name} was seen {} times, not {least}", seen(name)));
        let known = |name: &&String| expected.contains(name) || ELSEWHERE.contains(&name.as_str());
        let unheard = self.0.keys().filter(|name| !known(name)).map(|name| format!("{name} is not expected"));
        let gaps = rare.chain(unheard).collect();
        (line.join(" · "), gaps)
    }
}

/// What random runs seldom come to, for few plans move a profile: transfer.rs has its own.
const ELSEWHERE: [&str; 2] = ["write put_back", "blocker between_groups"];

/// A rollout is taken back from wherever its rings are: of those ways each is rare, and all are one.
fn whence<'a>(from: &'a str, to: &str) -> &'a str {
    let back = |place: &str| matches!(place, "rolling_back" | "rolled_back");
    match from {
        "running" | "completed" => from,
        "rolling_back" if to == "rolled_back" => from,
        _ if back(to) => "anywhere",
        _ if back(from) => "a ring that went back",
        _ => from,
    }
}

fn places(state: &State, recorded: &Recorded) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    let plan = recorded.entry.rollout.as_ref().and_then(|id| state.plans.get(&id.plan));
    let Some(plan) = plan else { return places };
    let rollout = &plan.rollout;
    places.insert(format!("{}", rollout.id), rollout.phase.as_str().to_owned());
    // By its profiles: a name is a label.
    for (ring, plan) in rollout.rings_with_plans() {
        let key = format!("{} {:?}", rollout.id, profile_set(plan));
        places.insert(key, ring.stage.as_str().to_owned());
    }
    places
}

fn word(veto: &Veto) -> &'static str {
    match veto {
        Veto::AmbiguousName { .. } => "ambiguous_name",
        Veto::ForeignProfiles { .. } => "foreign_profiles",
        Veto::OwnedElsewhere { .. } => "owned_elsewhere",
        Veto::ProfileTaken { .. } => "profile_taken",
        Veto::AmbiguousVersions { .. } => "ambiguous_versions",
    }
}

fn found(finding: &Finding) -> &'static str {
    match finding {
        Finding::Applied { .. } => "applied",
        Finding::NotApplied {} => "not_applied",
        Finding::Overwritten { .. } => "overwritten",
    }
}

fn refused(command: &Command, refusal: &Refusal) -> String {
    let verb = command.verb().as_str();
    match refusal {
        Refusal::NoSuchPlan { .. } => "no_such_plan".to_owned(),
        Refusal::NoReason => "no_reason".to_owned(),
        Refusal::UnprintableReason => "unprintable_reason".to_owned(),
        Refusal::NotNow { why, .. } if why.contains("its file waits to take effect") => {
            "a_plan_that_waits".to_owned()
        }
        Refusal::NotNow { why, .. } => {
            let whys = [
                ("cannot be waived", " a_gate_that_cannot_be"),
                ("the rollout is", " a_rollout_that_is_over"),
                ("has no ring", " an_unknown_ring"),
                ("is verified", " a_verified_ring"),
                ("has not come", " a_pending_ring"),
                ("was waived already", " again"),
                ("file names ring", " a_ring_of_the_file"),
            ];
            let detail = whys.iter().find(|(text, _)| *verb == *"waive" && why.contains(text));
            format!("{verb}{}", detail.map_or("", |(_, detail)| detail))
        }
    }
}

/// Everything that random runs can reach.
fn expected() -> Vec<String> {
    // Tokens and changes of access are no business of a rollout; a log from the future is one of the clock,
    // which has tests of its own.
    let elsewhere = ["token_", "access_", "clock_confirmed"];
    let kinds = Event::KINDS.iter().filter(|kind| !elsewhere.iter().any(|other| kind.starts_with(other)));
    let events = kinds.map(|kind| format!("event {kind}"));
    let others = EXPECTED.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
    events.chain(others).collect()
}

const EXPECTED: &str = "
    waits for time
    waits for line_end
    waits for person
    waits for stability
    waits for another_version
    waits for predecessor
    transition begun as running
    transition begun as pending
    transition pending to entering
    transition entering to pending
    transition entering to deploying
    transition entering to adopting
    transition entering to verified
    transition deploying to entering
    transition deploying to adopting
    transition adopting to soaking
    transition soaking to verified
    transition pending to deploying
    transition adopting to deploying
    transition soaking to deploying
    transition verified to deploying
    transition deploying to pending
    transition deploying to soaking
    transition deploying to verified
    transition running to completed
    transition running to superseded
    transition running to withdrawn
    transition withdrawn to running
    transition withdrawn to superseded
    transition running to rolling_back
    transition completed to rolling_back
    transition rolling_back to rolled_back
    transition anywhere to rolling_back
    transition anywhere to rolled_back
    transition a ring that went back to deploying
    way back verified
    way back before_write
    way back plan
    rolled back adopted
    rolled back out_of_time
    rolled back no_group
    write rollback
    write create
    write update
    write move_out
    write restore
    write restore_anew
    cancelled Stopped
    cancelled Held
    cancelled OpeningClosed
    cancelled FreezeBegun
    cancelled PlanChanged
    cancelled RolledBack
    cancelled ConcurrentEdit
    cancelled GroupGone
    cancelled GroupInTheWay
    cancelled TooManyDevices
    cancelled ReadFailed
    cancelled NotSent
    cancelled RateLimited
    cancelled ApprovalVoid
    cancelled Blocked
    cancelled ClockDiffers
    cause adoption_missed
    cause unhealthy
    cause unknown_too_long
    cause write_refused
    cause writes_keep_failing
    cause drift
    cause other_updater
    cause forbidden
    halted version_changed
    halted policies_changed
    halted group_deleted
    halted profile_moved
    found version_changed
    found policies_changed
    found group_deleted
    adopted version_changed
    adopted policies_changed
    adopted group_deleted
    adopted profile_moved
    adopted other_updater
    acknowledged adoption_missed
    acknowledged unhealthy
    acknowledged unknown_too_long
    acknowledged write_refused
    acknowledged writes_keep_failing
    acknowledged drift
    acknowledged other_updater
    acknowledged forbidden
    settled applied
    settled not_applied
    settled overwritten
    veto ambiguous_name
    veto foreign_profiles
    veto owned_elsewhere
    veto profile_taken
    veto ambiguous_versions
    blocker stopped
    blocker paused
    blocker halted
    blocker file_missing
    blocker gate
    blocker group_in_the_way
    blocker groups_unread
    blocker write_in_flight
    blocker write_in_doubt
    blocker other_write
    blocker backoff
    blocker budget_spent
    blocker withdrawn
    blocker held_out
    blocker returning
    blocker rolled_back
    blocker drifted
    blocker other_ring
    blocker targets_not_offered
    blocker observing
    blocker blast_limit
    blocker plan_invalid
    blocker files_unreadable
    blocker revision_waits
    blocker plan_unstable
    blocker forbidden
    blocker offers_forbidden
    blocker clock_differs
    blocker clock_unknown
    blocker superseded_offer_adopts
    verified beside a control with silent devices
    verdict approval pass
    verdict approval wait approval_missing
    verdict approval wait approval_refused
    verdict approval unknown approvers_unread
    verdict approval unknown no_user_group
    verdict approval unknown user_group_ambiguous
    verdict opening pass
    verdict opening wait opening_closed
    verdict opening wait opening_ends_soon
    verdict freeze pass
    verdict freeze wait frozen
    verdict downgrade pass
    verdict downgrade wait would_downgrade
    verdict fleet pass
    verdict fleet unknown not_swept
    verdict fleet unknown stale_sweep
    verdict fleet unknown profiles_unread
    verdict fleet unknown profile_unresolved
    verdict fleet unknown nobody_to_move
    verdict adoption pass
    verdict adoption wait too_few_seen
    verdict adoption wait too_few_arrived
    verdict adoption fail deadline_missed
    verdict adoption unknown not_swept
    verdict adoption unknown stale_sweep
    verdict adoption unknown nobody_to_move
    verdict adoption exempt no_eligible_device
    verdict adoption exempt waived
    verdict soak pass
    verdict soak wait soak_running
    verdict soak wait not_exercised
    verdict soak unknown not_swept
    verdict soak unknown stale_sweep
    verdict soak exempt waived
    verdict stalled pass
    verdict stalled wait not_offered
    verdict stalled fail too_many_stalled
    verdict stalled unknown not_swept
    verdict stalled unknown stale_sweep
    verdict stalled exempt too_few_devices
    verdict stalled exempt waived
    verdict dark pass
    verdict dark wait too_soon
    verdict dark wait too_few_seen
    verdict dark wait fleet_asleep
    verdict dark unknown not_swept
    verdict dark unknown stale_sweep
    verdict dark unknown profiles_unread
    verdict dark unknown outage_or_holiday
    verdict dark exempt too_few_devices
    verdict dark exempt no_control
    verdict dark exempt waived
    refusal no_such_plan
    refusal a_plan_that_waits
    refusal no_reason
    refusal unprintable_reason
    refusal pause
    refusal rollback
    refusal approve
    refusal reject
    refusal unblock
    refusal confirm
    refusal resume
    refusal stop
    refusal start
    refusal waive a_gate_that_cannot_be
    refusal waive a_rollout_that_is_over
    refusal waive an_unknown_ring
    refusal waive a_verified_ring
    refusal waive a_pending_ring
    refusal waive again
    refusal waive a_ring_of_the_file
    let go by a person
";

/// Whether a word rests on a look that found silent devices in the ring and in the control.
fn beside_silence(judgement: &Judgement) -> bool {
    let Evidence::Dark(dark) = &judgement.evidence else { return false };
    dark.looks.iter().any(|look| look.ring.silent > 0 && look.control.silent > 0)
}
