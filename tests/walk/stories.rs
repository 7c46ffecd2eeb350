//! What happens to a rollout besides its daemon: a plan, faults of the account, and a person who
//! looks at the log and does what is due, again where a dying daemon swallowed it.

use std::process::{Child, Command};

use ringward::cli::client::Connection;
use ringward::daemon::stop_file::StopFile;
use ringward::ids::PlanName;
use ringward::rollout::people::verbs::verb::Verb;
use ringward::rollout::record::Gate;
use ringward::rollout::record::{Event, Recorded};
use ringward::rollout::state::{Phase, Rollout, State};
use ringward::sandbox::{FaultScript, SandboxOperation, SandboxRequest};
use ringward::time::{SignedDuration, Timestamp, since};
use ringward::web::json::{VerbAnswer, VerbRequest};
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;

use crate::kills::{read_log, state_of, unanswered};
use crate::support::{Walk, count};

/// Two rings; a person waives their soaks, so that a run takes half a day.
pub(crate) const SHORT: &str = "\
plan: short
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults: {soak: 48h, unknown_after: 5d, adoption: {at_least: 10%, within: 14d, seen_at_least: 10%}}
rings:
  - {name: First, profiles: [Engineering, IT]}
  - {name: Second, profiles: [Support, Sales]}
";

/// How long a person leaves a stop or a pause in force.
const LOOKED_INTO: SignedDuration = SignedDuration::from_hours(3);

/// What happens in a run. Each is run once without a kill, too: that is how the others must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Story {
    /// Nothing else.
    Plain,
    /// Nobody waives the one ring's soak.
    Soaked,
    /// The groups are there: the first with the targets, the second with older ones.
    Groups,
    /// The account takes its time over each create: hours on this clock, so that what was held is
    /// applied long after two reads could not find it. An update that late could be sent twice.
    Slow,
    /// The first create is cut off after it was applied, the second before.
    Doubts,
    /// The first create is refused with 403; a person resumes.
    Refused,
    /// The first create is answered with 429.
    Throttled,
    /// A person stops all writes, and starts them hours later.
    Stopped,
    /// A person pauses the plan, and resumes it hours later.
    Paused,
    /// The plan is revised, then gets newer targets for the second ring alone.
    Edited,
    /// The daemon is asked to end in the middle.
    Ended,
    /// The daemon is asked to end while a write has no answer.
    EndedInFlight,
    /// A backup is made in the middle.
    CopiedOut,
    /// While the second ring soaks, a person takes the rollout back.
    RolledBack,
}

/// What a person sees.
pub(crate) struct Seen {
    pub(crate) log: Vec<Recorded>,
    pub(crate) state: State,
    now: Timestamp,
    stop_file: bool,
}

impl Seen {
    pub(crate) fn of(walk: &Walk) -> Self {
        // The file first: `start` records, and then takes it away.
        let stop_file = StopFile::beside(&walk.database()).is_there();
        let log = read_log(walk);
        Self { state: state_of(&log), log, now: walk.clock.now(), stop_file }
    }

    fn rollout(&self) -> Option<&Rollout> {
        self.state.plans.values().next().map(|plan| &plan.rollout)
    }

    fn ring_is(&self, ring: &str, stage: &str) -> bool {
        let rings = self.rollout().into_iter().flat_map(|rollout| &rollout.rings);
        rings.into_iter().any(|found| found.name.as_str() == ring && found.stage.as_str() == stage)
    }

    /// Whether anything stops all writes.
    pub(crate) fn stopped(&self) -> bool {
        self.stop_file || self.state.stop.is_some()
    }

    pub(crate) fn has(&self, kind: &str) -> bool {
        count(&self.log, |event| event.kind() == kind) > 0
    }

    pub(crate) fn lives(&self) -> usize {
        count(&self.log, |event| matches!(event, Event::DaemonStarted { .. }))
    }

    fn waived(&self, ring: &str) -> bool {
        let rollout = self.rollout().map(|rollout| &rollout.id);
        self.log.iter().any(|recorded| {
            let event = &recorded.entry.event;
            let here = recorded.entry.rollout.as_ref() == rollout;
            here && matches!(event, Event::GateWaived { ring: found, .. } if found.as_str() == ring)
        })
    }

    /// Every ring of the newest rollout is verified, or all of it went back; and nothing holds it.
    pub(crate) fn completed(&self) -> bool {
        let over = |phase| matches!(phase, Phase::Completed | Phase::RolledBack);
        self.rollout().is_some_and(|rollout| over(rollout.phase))
    }
}

/// What a person does.
#[derive(Debug)]
enum Deed {
    /// `ringward VERB`, of all plans.
    Verb(&'static str),
    /// `ringward VERB short`.
    PlanVerb(&'static str),
    /// `ringward waive short --gate soak --ring RING`.
    Waive(&'static str),
    /// The plan's file is written anew.
    Write(String),
    /// SIGTERM.
    End,
}

impl Story {
    pub(crate) fn plan(self) -> String {
        match self {
            Self::Soaked => SHORT
                .lines()
                .filter(|line| !line.contains("Second"))
                .fold(String::new(), |text, line| text + line + "\n"),
            Self::RolledBack => {
                let there = "rollback_to: {windows: 2026.7.1376.0, macos: 2026.7.1376.0}, soak: 48h";
                SHORT.replace("soak: 48h", there)
            }
            _ => SHORT.to_owned(),
        }
    }

    /// What the account holds and will do wrong.
    pub(crate) fn prepare(self, walk: &Walk) {
        let create = "create-deployment-group";
        let faults = match self {
            Self::Slow | Self::EndedInFlight => serde_json::json!([
                {"operation": create, "kind": "delay", "hold_wall_ms": 300, "times": 9},
            ]),
            Self::Doubts => serde_json::json!([
                {"operation": create, "kind": "reset_after"},
                {"operation": create, "kind": "server_error"},
            ]),
            Self::Refused => serde_json::json!([{"operation": create, "kind": "forbidden"}]),
            Self::Throttled => {
                serde_json::json!([{"operation": create, "kind": "rate_limited", "seconds": 600}])
            }
            _ => serde_json::json!([]),
        };
        let scripts: Vec<FaultScript> = serde_json::from_value(faults).unwrap();
        if self == Self::Groups {
            outsider_creates(walk, "First", &["Engineering", "IT"], "2026.8.2100.0");
            outsider_creates(walk, "Second", &["Support"], "2026.7.1376.0");
        }
        walk.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
    }

    /// What is due now. A deed shows in what is seen, so one that was swallowed is due again.
    fn due(self, seen: &Seen, walk: &Walk) -> Vec<Deed> {
        let first_soaks = seen.ring_is("First", "soaking");
        let long_ago = |then: Timestamp| since(then, seen.now) >= LOOKED_INTO;
        let mut due = Vec::new();
        let mut wait = false;
        match self {
            Self::Stopped => {
                // The soak is waived meanwhile: then nothing but the stop is in the way.
                wait = !seen.has("stopped");
                if first_soaks && !seen.has("stopped") && !seen.stopped() {
                    due.push(Deed::Verb("stop"));
                }
                if seen.state.stop.as_ref().is_some_and(|stop| long_ago(stop.since)) {
                    due.push(Deed::Verb("start"));
                }
            }
            Self::Paused => {
                wait = !seen.has("paused");
                if first_soaks && !seen.has("paused") {
                    due.push(Deed::PlanVerb("pause"));
                }
                let mut paused = seen.state.plans.values().filter_map(|plan| plan.paused.as_ref());
                if paused.any(|hold| long_ago(hold.since)) {
                    due.push(Deed::PlanVerb("resume"));
                }
            }
            Self::Refused => {
                let mut halted = seen.rollout().into_iter().filter_map(|rollout| rollout.halted.as_ref());
                if halted.any(|halt| long_ago(halt.since)) {
                    due.push(Deed::PlanVerb("resume"));
                }
            }
            Self::Edited => {
                wait = !seen.has("plan_revised");
                let revised = SHORT.replace("soak: 48h", "soak: 50h");
                let newer =
                    revised.replace("Second, profiles", "Second, versions: {macos: 2026.9.100.0}, profiles");
                if first_soaks {
                    due.push(Deed::Write(revised));
                }
                if seen.ring_is("Second", "soaking") && !seen.has("rollout_superseded") {
                    wait = true;
                    due.push(Deed::Write(newer));
                }
            }
            Self::Ended if first_soaks && seen.lives() == 1 => due.push(Deed::End),
            Self::EndedInFlight if unanswered(&seen.state) && seen.lives() == 1 && is_held(walk) => {
                due.push(Deed::End);
            }
            Self::RolledBack => {
                // Its soak is left to run: it goes back from there.
                wait = seen.ring_is("Second", "soaking");
                if wait && !seen.has("rollback_started") {
                    due.push(Deed::PlanVerb("rollback"));
                }
            }
            Self::CopiedOut => wait = !walk.database().with_file_name("copied").exists(),
            _ => {}
        }
        let waivable = ["First", "Second"].into_iter().filter(|ring| {
            // What is to be recognised later has soaked in earnest.
            let soaks = self == Self::Soaked || (self, *ring) == (Self::Edited, "First");
            !soaks && !wait && seen.ring_is(ring, "soaking") && !seen.waived(ring)
        });
        due.extend(waivable.map(Deed::Waive));
        due
    }

    /// Does what is due. Whether it worked shows in the log, and nowhere else.
    pub(crate) fn act(self, walk: &Walk, seen: &Seen, child: &Child) {
        let at = Connection::beside(&walk.database());
        let plan: PlanName = "short".parse().unwrap();
        let because = || VerbRequest { reason: "told in the story".to_owned(), ..VerbRequest::default() };
        let ask = |path: &[&str], request: &VerbRequest| {
            // Nobody answers where the daemon dies of it, and it refuses what it has done already.
            let post =
                |request: &VerbRequest| Handle::current().block_on(at.post::<VerbAnswer>(path, request));
            let mut request = request.clone();
            if path.last().and_then(|word| Verb::of(word)).is_some_and(Verb::rests_on_reading) {
                let Ok(now) = post(&VerbRequest { dry_run: Some(true), ..request.clone() }) else { return };
                (request.revision, request.seen) = (now.revision, now.seen);
            }
            let _ = post(&request);
        };
        for deed in self.due(seen, walk) {
            match deed {
                Deed::Verb(verb) => ask(&[verb], &because()),
                Deed::PlanVerb(verb) => ask(&["rollouts", plan.as_str(), verb], &because()),
                Deed::Waive(ring) => {
                    let ring = Some(ring.parse().unwrap());
                    let request = VerbRequest { gate: Some(Gate::Soak), ring, ..because() };
                    ask(&["rollouts", plan.as_str(), "waive"], &request);
                }
                Deed::Write(text) => {
                    let file = walk.plans().join("plan.yaml");
                    if std::fs::read_to_string(&file).unwrap() != text {
                        walk.write_plan(&text);
                        signal(child, "-HUP");
                    }
                }
                Deed::End => signal(child, "-TERM"),
            }
        }
    }

    /// Each hold was recorded once and lifted once, and nothing was verified in between.
    pub(crate) fn assert_told_once(self, walk: &Walk) {
        assert!(!StopFile::beside(&walk.database()).is_there(), "the stop file is gone");
        let log = walk.log();
        let kinds: Vec<&str> = log.iter().map(|recorded| recorded.entry.event.kind()).collect();
        let times = |wanted: &str| kinds.iter().filter(|kind| **kind == wanted).count();
        let first = |wanted: &str| kinds.iter().position(|kind| *kind == wanted);
        let holds = [("stopped", "started"), ("paused", "pause_lifted"), ("halted", "halt_lifted")];
        for (hold, lift) in holds {
            assert_eq!(times(hold), times(lift), "{hold} and {lift}");
            // A `start` that dies before the stop file is gone does not count, and is given again.
            assert!(times(hold) <= if hold == "stopped" { 2 } else { 1 }, "{hold} {} times", times(hold));
            assert!(first(lift) < first("ring_verified"), "{hold} and yet verified");
        }
        let held = match self {
            Self::Stopped => Some("stopped"),
            Self::Paused => Some("paused"),
            _ => None,
        };
        assert!(held.is_none_or(|held| times(held) > 0), "{held:?} is in the log");
    }
}

/// A create has arrived at the account and is held there.
pub(crate) fn is_held(walk: &Walk) -> bool {
    let journal = walk.sandbox.journal();
    let mut creates =
        journal.requests.iter().filter(|row| row.operation == Some(SandboxOperation::CreateGroup));
    creates.any(|row| row.actor.is_none() && row.status.is_none())
}

/// Sends a signal; a process that has just died takes none.
pub(crate) fn signal(child: &Child, signal: &str) {
    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
}

fn outsider_creates(walk: &Walk, name: &str, profiles: &[&str], version: &str) {
    let now = walk.clock.now();
    walk.sandbox.with_account(|account| {
        let known = account.profiles();
        let ids: Vec<&String> =
            known.iter().filter(|(name, _)| profiles.contains(&name.as_str())).map(|(_, id)| id).collect();
        let path = format!("/client/v4/accounts/{}/devices/deployment-groups", account.id());
        let versions = ["windows", "macos"]
            .map(|system| serde_json::json!({"target_environment": system, "version": version}));
        let body = serde_json::json!({"name": name, "policy_ids": ids, "version_config": versions});
        let token = account.token().expose_secret().to_owned();
        let mut request = SandboxRequest::new("POST", &path).with_token(&token).with_json(&body);
        request.actor = Some("outsider".to_owned());
        let outcome = account.handle(request, now);
        assert!(format!("{outcome:?}").contains("200"), "{outcome:?}");
    });
}
