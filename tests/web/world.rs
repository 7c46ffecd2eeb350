//! A daemon that is a script: fixed snapshots, and an answer to each request.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use ringward::daemon::Handle;
use ringward::daemon::files::FileProblem;
use ringward::daemon::log::to_record;
use ringward::daemon::view::{Asking, CommandError, DaemonRequest, DeviceFilter, RingDevice, View};
use ringward::fleet::{Census, Class, Counts, EnvironmentCensus, PartsPerBillion, Share};
use ringward::ids::{AccountId, DeviceId, Email, GroupId, PlanName, PolicyId, RingName};
use ringward::plan::model::{Percent, PlanDigest, Revisions};
use ringward::rollout::decide::blocker::{BlockReport, Blocker};
use ringward::rollout::people::command::Command;
use ringward::rollout::people::hearing::Hearing;
use ringward::rollout::people::look::is_as_read;
use ringward::rollout::people::seen::{FromTo, Look, Seen};
use ringward::rollout::people::verbs::situation::{Offered, RollbackTargets};
use ringward::rollout::record::Eras;
use ringward::rollout::record::{Actor, Cause, Entry, Event, GroupDrift, Mode, RolloutId, Trigger, WriteId};
use ringward::rollout::record::{AllMoves, Moves};
use ringward::rollout::record::{Approved, Ask, AskedBy, Given, Tally};
use ringward::rollout::record::{Block, WaitingRevision, WaitsFor};
use ringward::rollout::record::{Dark, Evaluation, Stalled};
use ringward::rollout::record::{DriftFinding, DriftKind, DriftStanding};
use ringward::rollout::record::{Evidence, Exempt, Failing, Gate, Judgement, Verdict, Waiting};
use ringward::rollout::state::PendingRevision;
use ringward::rollout::state::{
    Approval, Attribution, BlockedVersion, Phase, Tallies, Tokens, Validity, Votes,
};
use ringward::rollout::tell::report::Report;
use ringward::rollout::tell::revision_waits::RevisionWaits;
use ringward::rollout::tell::ring_report::{ApprovalReport, RingReport, ScheduleReport};
use ringward::rollout::tell::superseded::SupersededOffer;
use ringward::rollout::tell::waits::Waits;
use ringward::rollout::world::SecondClock;
use ringward::rollout::world::{Read, Trouble, Want};
use ringward::simulation::forecast::NoForecast;
use ringward::store::{Head, Seq, Store};
use ringward::telemetry::Metrics;
use ringward::time::{Clock, Span, Stopwatch, Timestamp};
use ringward::version::{ClientVersion, Environment};
use ringward::web::{Services, router};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

/// A text that would run if a page took it as it is.
pub(super) const HOSTILE: &str = r#"<script>alert("1")</script>&'x'"#;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn plan(name: &str) -> PlanName {
    PlanName::new(name).unwrap()
}

pub(super) fn ring(name: &str) -> RingName {
    RingName::new(name).unwrap()
}

fn hold(actor: Actor, reason: &str, since: &str) -> Attribution {
    Attribution { actor, reason: reason.to_owned(), since: at(since) }
}

fn counts() -> Counts {
    Counts { arrived: 30, due: 8, stalled: 2, unseen: 5, too_old: 1, untargeted: 0, left: 4 }
}

fn adoption(arrived: Counts) -> Judgement {
    Judgement {
        gate: Gate::Adoption,
        environment: Some(Environment::Windows),
        verdict: Verdict::Wait(Waiting::TooFewArrived),
        evidence: Evidence::Adoption {
            census: EnvironmentCensus { counts: arrived, active: 44, active_sighted: 40, exercised: 3 },
            at_least: Percent::whole(95),
            seen_at_least: Percent::whole(50),
            deadline_at: at("2026-10-19T09:00:00Z"),
        },
        as_of: Some(at("2026-10-12T09:50:00Z")),
    }
}

fn adopting_ring() -> RingReport {
    let windows = EnvironmentCensus { counts: counts(), active: 44, active_sighted: 40, exercised: 3 };
    let census = Census {
        environments: BTreeMap::from([
            (Environment::Windows, windows),
            (Environment::Macos, EnvironmentCensus::default()),
        ]),
        other: Counts { untargeted: 7, ..Counts::default() },
    };
    RingReport {
        name: ring("Engineering Ring 0"),
        profiles: vec!["Engineering".to_owned(), "default".to_owned()],
        targets: BTreeMap::from([
            (Environment::Windows, "2026.8.2100.0".parse().unwrap()),
            (Environment::Macos, "2026.8.2101.0".parse().unwrap()),
        ]),
        group: ("Engineering Ring 0".to_owned(), Some(GroupId::new("g-1").unwrap())),
        state: "adopting",
        meaning: "its versions are on offer",
        since: at("2026-10-12T09:00:00Z"),
        assigned_at: Some(at("2026-10-12T09:00:02Z")),
        gates: vec![
            adoption(counts()),
            Judgement {
                gate: Gate::Adoption,
                environment: Some(Environment::Macos),
                verdict: Verdict::Exempt(Exempt::NoEligibleDevice),
                ..adoption(Counts::default())
            },
        ],
        unsure: BTreeMap::new(),
        census: Some(census),
        next_opening: None,
        schedule: None,
        dropped: false,
        waived: BTreeMap::from([(
            Gate::Soak,
            hold(Actor::Local { user: "ada".to_owned() }, "urgent fix", "2026-10-12T09:30:00Z"),
        )]),
        approval: None,
        unmanaged: vec!["linux 2026.7.1.0".to_owned()],
        moves: BTreeMap::new(),
    }
}

/// Windows devices that do not move, and more of them silent than of the rings not entered.
fn of_health() -> [Judgement; 2] {
    let stalled = Stalled {
        counts: counts(),
        acknowledged: 1,
        at_most: Percent::whole(10),
        after: Span::hours(24),
        min_devices: 30,
    };
    let look = |look: u8, silent: usize, p: u32| Evaluation {
        look,
        at: at("2026-10-11T18:00:00Z"),
        since: at(if look == 1 { "2026-10-10T18:00:00Z" } else { "2026-10-09T18:00:00Z" }),
        day: 4,
        ring: Share { of: 40, silent },
        control: Share { of: 100, silent: 5 },
        p: PartsPerBillion(p),
        p_at_most: PartsPerBillion(50_000),
    };
    let dark = Dark {
        arrived: 30,
        control_active: 110,
        control_known: 112,
        acknowledged: 3,
        looks: vec![look(1, 3, 420_000_000), look(2, 14, 4_000)],
        next_at: Some(at("2026-10-12T18:00:00Z")),
        at_most: Percent::whole(2),
        after: Span::hours(24),
        min_devices: 30,
    };
    let judgement = |gate, verdict, evidence| Judgement {
        gate,
        environment: Some(Environment::Windows),
        verdict,
        evidence,
        as_of: Some(at("2026-10-12T09:50:00Z")),
    };
    [
        judgement(Gate::Stalled, Verdict::Pass, Evidence::Stalled(stalled)),
        judgement(Gate::Dark, Verdict::Fail(Failing::TooManyDark), Evidence::Dark(dark)),
    ]
}

/// A rollout that was halted because devices went silent.
pub(super) fn ailing(name: &str) -> Report {
    let [stalled, dark] = of_health();
    let cause = Cause::Unhealthy {
        ring: ring("Engineering Ring 0"),
        judgement: Box::new(dark.clone()),
        devices: (0..14).map(|number| DeviceId::new(format!("d-{number:02}")).unwrap()).collect(),
    };
    Report {
        halted: Some((cause.clone(), at("2026-10-11T18:01:00Z"))),
        waiting_on: vec![Blocker::Halted(cause)],
        rings: vec![
            RingReport { state: "soaking", gates: vec![stalled, dark], ..adopting_ring() },
            pending_ring(),
        ],
        ..report(name)
    }
}

fn pending_ring() -> RingReport {
    RingReport {
        name: ring("Everyone"),
        profiles: vec!["Staff".to_owned()],
        targets: BTreeMap::from([(Environment::Windows, "2026.8.2100.0".parse().unwrap())]),
        group: ("Everyone".to_owned(), None),
        state: "pending",
        meaning: "its turn comes later",
        since: at("2026-10-12T08:00:00Z"),
        assigned_at: None,
        gates: Vec::new(),
        unsure: BTreeMap::new(),
        census: None,
        next_opening: Some(at("2026-10-13T09:00:00Z")),
        schedule: Some(ScheduleReport {
            state: "outside_openings",
            because: "closed, outside its openings".to_owned(),
            next_open: Some(at("2026-10-13T09:00:00Z")),
            next_close: Some(at("2026-10-13T16:00:00Z")),
        }),
        dropped: false,
        waived: BTreeMap::new(),
        approval: Some(asked()),
        unmanaged: Vec::new(),
        moves: BTreeMap::new(),
    }
}

/// Two people are asked since half an hour, and one has answered.
fn asked() -> ApprovalReport {
    let (ana, bo): (Email, Email) = ("ana@example.com".parse().unwrap(), "bo@example.com".parse().unwrap());
    let ask = Ask { user_group: "Keepers".parse().unwrap(), count: 2.try_into().unwrap(), by: AskedBy::Plan };
    let (given_at, expires_at) = (at("2026-10-12T09:40:00Z"), at("2026-10-17T09:40:00Z"));
    let given = Given { at: given_at, by: ana.clone(), expires_at };
    let tallies = vec![Tally { ask, approved: vec![given], members: 2 }];
    let approval = Approval {
        digest: PlanDigest::of_written("{}"),
        given_at,
        expires_at,
        note: "no cases".to_owned(),
        groups: vec!["Keepers".parse().unwrap()],
        standing: Validity::Stands,
    };
    ApprovalReport {
        judgement: Judgement {
            gate: Gate::Approval,
            environment: None,
            verdict: Verdict::Wait(Waiting::ApprovalMissing),
            evidence: Evidence::Approval(Approved { tallies, refused: Vec::new(), lapsed: Vec::new() }),
            as_of: Some(given_at),
        },
        asked_at: Some(at("2026-10-12T09:30:00Z")),
        missing: [bo.clone()].into(),
        hearing: Hearing {
            groups: vec![("Keepers".parse().unwrap(), Some([ana.clone(), bo].into()))],
            authors: BTreeSet::new(),
            approved: [(ana.clone(), approval.groups.clone())].into(),
            refused: BTreeSet::new(),
            sets_aside: Vec::new(),
            expires_at: at("2026-10-17T10:00:00Z"),
        },
        words: Votes { approvals: [(ana, approval)].into(), ..Votes::default() },
    }
}

/// A rollout half way, on its first ring.
pub(super) fn report(name: &str) -> Report {
    Report {
        id: RolloutId { plan: plan(name), number: 3 },
        digest: PlanDigest::of_written("{}"),
        description: Some("Client for all staff".to_owned()),
        at: at("2026-10-12T10:00:00Z"),
        phase: Phase::Running,
        phase_since: at("2026-10-12T08:00:00Z"),
        paused: None,
        halted: None,
        rings: vec![adopting_ring(), pending_ring()],
        waiting_on: vec![Blocker::Gate(ring("Engineering Ring 0"), Box::new(adoption(counts())))],
        newer: None,
        earliest_move: None,
        troubles: Vec::new(),
        reads: vec![Want { read: Read::FullSweep, at: at("2026-10-12T12:00:00Z") }],
        drifts: Vec::new(),
        superseded: Vec::new(),
        rollback: None,
        blocked_versions: vec![blocked_version()],
        rollback_targets: RollbackTargets::Known,
        offered: Offered::Sound,
    }
}

/// A version that an earlier rollback blocks.
fn blocked_version() -> BlockedVersion {
    BlockedVersion {
        plan: plan("client"),
        ring: ring("Early adopters"),
        policy: PolicyId::new("p-2").unwrap(),
        environment: Environment::Windows,
        version: "2026.7.1343.0".parse().unwrap(),
        by: hold(Actor::Local { user: "mia".to_owned() }, "case 4711", "2026-10-02T03:00:00Z"),
    }
}

/// A rollout with everything in its way.
pub(super) fn troubled(name: &str) -> Report {
    let cause = Cause::Drift(Box::new(GroupDrift {
        ring: ring("Engineering Ring 0"),
        expected: serde_json::from_value(group_json()).unwrap(),
        seen: None,
        elsewhere: Vec::new(),
        never: None,
    }));
    let found = |kind, standing| DriftFinding {
        ring: ring("Engineering Ring 0"),
        kind,
        standing,
        text: format!("{HOSTILE} did it"),
    };
    let pause = hold(Actor::Loopback, HOSTILE, "2026-10-12T09:40:00Z");
    Report {
        description: Some(HOSTILE.to_owned()),
        paused: Some(pause.clone()),
        halted: Some((cause.clone(), at("2026-10-12T09:45:00Z"))),
        waiting_on: vec![
            Blocker::Paused(pause),
            Blocker::Halted(cause),
            Blocker::OutcomeUnknown {
                ring: ring("Engineering Ring 0"),
                write: WriteId(7),
                why: HOSTILE.to_owned(),
                read_at: None,
            },
        ],
        rings: vec![RingReport {
            name: ring(HOSTILE),
            profiles: vec![HOSTILE.to_owned()],
            group: (HOSTILE.to_owned(), Some(GroupId::new(HOSTILE).unwrap())),
            unmanaged: vec![HOSTILE.to_owned()],
            moves: BTreeMap::new(),
            ..adopting_ring()
        }],
        drifts: vec![
            found(DriftKind::GroupDeleted, DriftStanding::Halts),
            found(DriftKind::GroupRenamed, DriftStanding::Noted),
            found(DriftKind::ProfileMoved, DriftStanding::Accepted),
            found(DriftKind::ProfileMoved, DriftStanding::ToRestore),
            found(DriftKind::ProfileMoved, DriftStanding::Noted),
        ],
        superseded: vec![SupersededOffer {
            ring: ring(HOSTILE),
            rollout: RolloutId { plan: PlanName::new(name).unwrap(), number: 1 },
            group: (HOSTILE.to_owned(), GroupId::new(HOSTILE).unwrap()),
            since: at("2026-10-12T09:00:00Z"),
            versions: BTreeMap::from([(Environment::Windows, "2026.7.1343.0".parse().unwrap())]),
            asked_again: false,
            gates: Vec::new(),
            census: None,
            devices: BTreeMap::from([(
                Environment::Windows,
                BTreeMap::from([("2026.6.880.0".to_owned(), 3)]),
            )]),
        }],
        ..report(name)
    }
}

fn group_json() -> serde_json::Value {
    serde_json::json!({
        "id": "g-1",
        "content": {"name": "Engineering Ring 0", "versions": [], "policies": []},
        "updated_at": "2026-10-12T09:00:02Z",
    })
}

/// A daemon at one instant, with `reports`.
pub(super) fn view(reports: Vec<Report>) -> View {
    View {
        at: at("2026-10-12T10:00:00Z"),
        clock: Clock::Real,
        account: AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap(),
        mode: Mode::Write,
        stop: None,
        reports,
        revisions: Revisions::Person,
        waiting: BTreeMap::new(),
        problems: vec![FileProblem {
            file: "broken.yaml".to_owned(),
            errors: vec!["broken.yaml:1:1: unknown key".to_owned(), "broken.yaml:2:1: no rings".to_owned()],
        }],
        faults: vec![(plan("faulty"), "a fault in the test".to_owned())],
        troubles: vec![(
            Read::Groups,
            Trouble { since: at("2026-10-12T09:55:00Z"), message: "status 503".to_owned() },
        )],
        head: Head { seq: Seq::new(41), ..Head::EMPTY },
        eras: Eras::default(),
        budget_remaining: 587,
        full_sweep_at: Some(at("2026-10-12T08:50:00Z")),
        swept_at: Some(at("2026-10-12T09:50:00Z")),
        next_check: Some(at("2026-10-12T10:05:00Z")),
        tallies: Tallies {
            halts: BTreeMap::from([((plan("client"), "drift"), 2)]),
            rollbacks: BTreeMap::from([((plan("client"), Trigger::Person), 1)]),
        },
        tokens: Tokens::default(),
        waits: Waits::default(),
        log_unwritable: None,
        clock_behind: None,
        second_clock: SecondClock::default(),
        taken: Stopwatch::start(),
        ticked_at: Some(at("2026-10-12T09:59:59Z")),
    }
}

/// The same daemon, beside its plans one that is new and waits for a person.
pub(super) fn with_newcomer(mut view: View) -> View {
    let revision = WaitingRevision {
        digest: PlanDigest::of_written("new"),
        in_force: None,
        changes: vec!["a new plan with 1 ring".to_owned()],
        waits_for: WaitsFor::Person,
    };
    let to = "2026.9.100.0".parse().unwrap();
    let moves = Moves { to, seen: 4, from: BTreeMap::new(), taken_back: BTreeMap::new() };
    let moves = vec![(ring("First"), BTreeMap::from([(Environment::Windows, moves)]))];
    view.waiting.insert(plan("newcomer"), waits(revision, moves));
    view
}

fn waits(revision: WaitingRevision, moves: Vec<(RingName, AllMoves)>) -> RevisionWaits {
    let since = at("2026-10-12T09:58:00Z");
    let waiting = PendingRevision { revision, since, confirmed: None };
    RevisionWaits { waiting, confirmed: None, moves }
}

/// The digest of the revision that waits in [`waiting`].
pub(super) fn waiting_digest() -> PlanDigest {
    PlanDigest::of_written("later")
}

/// The same daemon, with a revision of `client` that waits for a person.
pub(super) fn waiting(mut view: View) -> View {
    let revision = WaitingRevision {
        digest: waiting_digest(),
        in_force: Some(report("client").digest),
        changes: vec![
            "windows of ring `Early adopters`: 2026.8.2100.0 → 2026.9.100.0".to_owned(),
            "soak of ring `Everyone`: 72h → 24h".to_owned(),
        ],
        waits_for: WaitsFor::Person,
    };
    let version = |text: &str| text.parse().unwrap();
    let from = BTreeMap::from([(version("2026.8.2100.0"), 30), (version("2026.10.7.0"), 3)]);
    let moves = Moves { to: version("2026.9.100.0"), seen: 40, from, taken_back: BTreeMap::new() };
    let moves = vec![
        (ring("Early adopters"), BTreeMap::from([(Environment::Windows, moves)])),
        (ring("Everyone"), BTreeMap::new()),
    ];
    let waits = waits(revision, moves);
    let block = Block::RevisionWaits(waits.waiting.revision.clone());
    let block = BlockReport { block, since: waits.waiting.since, until: None };
    for report in view.reports.iter_mut().filter(|report| report.id.plan == plan("client")) {
        report.waiting_on.insert(0, Blocker::Block(Box::new(block.clone())));
    }
    view.waiting.insert(plan("client"), waits);
    view
}

/// The same daemon, after ana confirmed what waits of `client`.
pub(super) fn by_ana(mut view: View) -> View {
    let word = hold(Actor::Local { user: "ana".to_owned() }, "change 4711", "2026-10-12T09:59:00Z");
    let waits = view.waiting.get_mut(&plan("client")).unwrap();
    (waits.waiting.confirmed, waits.confirmed) = (Some(word.clone()), Some(word));
    view
}

/// The same daemon, stopped.
pub(super) fn stopped(mut view: View) -> View {
    view.stop =
        Some(hold(Actor::Local { user: "ada".to_owned() }, "call from the desk", "2026-10-12T09:58:00Z"));
    view
}

/// What a verb of a scripted daemon rests on, by its snapshot.
pub(super) fn look(view: &View, command: &Command) -> Option<Look> {
    let report = view.reports.iter().find(|report| Some(&report.id.plan) == command.plan())?;
    let is_meant = |name: &RingName| command.ring().is_none_or(|ring| ring == name);
    let rings = report.rings.iter().filter(|ring| is_meant(&ring.name));
    let to = |to: &ClientVersion| FromTo { from: Some("2026.7.1376.0".to_owned()), to: *to };
    let rings: BTreeMap<RingName, BTreeMap<Environment, FromTo>> = rings
        .map(|ring| {
            (ring.name.clone(), ring.targets.iter().map(|(on, version)| (*on, to(version))).collect())
        })
        .collect();
    let pause = report.paused.iter().map(|pause| format!("paused since {}", pause.since));
    let halt = report.halted.iter().map(|(cause, since)| format!("halted since {since}: {cause}"));
    let findings = pause.chain(halt).chain([format!("rollout {}", report.id)]).collect();
    let windows = |_: &BTreeMap<_, _>| [(Environment::Windows, 12)].into();
    let devices = rings.iter().map(|(name, ways)| (name.clone(), windows(ways))).collect();
    command.verb().rests_on_reading().then(|| Look {
        revision: report.digest.clone(),
        seen: Seen { rings, findings },
        devices,
    })
}

/// A verb that arrived.
pub(super) type Arrived = (Actor, String, Command);

/// A scripted daemon behind a router.
pub(super) struct World {
    pub(super) app: Router,
    pub(super) services: Services,
    pub(super) views: watch::Sender<Arc<View>>,
    pub(super) arrived: Arc<Mutex<Vec<Arrived>>>,
    pub(super) directory: TempDir,
}

impl World {
    /// A daemon that has decided, and answers every verb with `verdict`.
    pub(super) fn new(view: View, verdict: Result<&'static str, CommandError>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (requests_in, mut requests) = mpsc::channel(8);
        let (views, receiver) = watch::channel(Arc::new(self::view(Vec::new())));
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let seen = Arc::clone(&arrived);
        let shown = views.subscribe();
        tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                match request {
                    DaemonRequest::Look { command, reply, .. } => {
                        let now = look(&shown.borrow(), &command);
                        reply.send(verdict.clone().map(|_| now)).unwrap();
                    }
                    DaemonRequest::Command(Asking { actor, reason, command, read, reply }) => {
                        let now = look(&shown.borrow(), &command);
                        let differs =
                            read.zip(now).map(|(read, now)| is_as_read(command.verb(), &read, &now));
                        if let Some(Err(refusal)) = differs {
                            reply.send(Err(refusal.into())).unwrap();
                            continue;
                        }
                        seen.lock().unwrap().push((actor, reason, command));
                        reply.send(verdict.clone().map(str::to_owned)).unwrap();
                    }
                    DaemonRequest::Devices { plan, listing, reply } => {
                        reply.send(devices(&plan, &listing)).unwrap();
                    }
                    DaemonRequest::Situation { reply, .. } => {
                        let _ = reply.send(Err(NoForecast::Unread));
                    }
                    DaemonRequest::Tell { reply, .. } => {
                        reply.send(Ok(42)).unwrap();
                    }
                    DaemonRequest::LookNow => {}
                }
            }
        });
        let services = Services {
            handle: Handle::new(requests_in, receiver),
            database: directory.path().join("ringward.db"),
            identities: Arc::default(),
            metrics: Arc::new(Metrics::new().unwrap()),
        };
        views.send_replace(Arc::new(view));
        Self { app: router(services.clone()), services, views, arrived, directory }
    }

    /// With a running rollout of `client`, and verbs that are carried out.
    pub(super) fn usual() -> Self {
        Self::new(view(vec![report("client")]), Ok("done as asked"))
    }

    pub(super) fn database(&self) -> PathBuf {
        self.services.database.clone()
    }
}

/// 25 devices of `client`, every fifth of them in the second ring.
fn devices(of: &PlanName, listing: &DeviceFilter) -> Option<Vec<RingDevice>> {
    let row = |number: usize| RingDevice {
        ring: ring(if number.is_multiple_of(5) { "Everyone" } else { "Engineering Ring 0" }),
        class: if number.is_multiple_of(2) { Class::Arrived } else { Class::TooOld },
        id: DeviceId::new(format!("device-{number:02}")).unwrap(),
        name: HOSTILE.to_owned(),
        user: None,
        os: Some("windows".to_owned()),
        os_version: None,
        environment: Some(Environment::Windows),
        client: Some("2026.8.2100.0".to_owned()),
        last_seen_at: Some(at("2026-10-12T09:00:00Z")),
        dark_since: number.is_multiple_of(10).then(|| at("2026-10-12T10:00:00Z")),
        acknowledged: if number.is_multiple_of(20) { vec![Gate::Dark] } else { Vec::new() },
    };
    let wanted = |row: &RingDevice| {
        listing.ring.as_ref().is_none_or(|ring| row.ring == *ring)
            && listing.class.is_none_or(|class| row.class == class)
            && listing.dark.is_none_or(|dark| row.dark_since.is_some() == dark)
    };
    (of.as_str() == "client").then(|| (0..25).map(row).filter(wanted).collect())
}

/// Appends `events` of `client` to the log after one of the account, each a second after the last.
pub(super) fn write_log(database: &Path, events: &[Event]) {
    let begun = at("2026-10-12T06:00:00Z");
    let account = AccountId::new("023e105f4ecef8ad9ca31a8372d0c353").unwrap();
    let mut store = Store::open_for_writing(database, &account, &Clock::Real, begun).unwrap();
    let started =
        Event::DaemonStarted { version: "0.1.0".to_owned(), mode: Mode::Write, settles_seconds: None };
    let rollout = RolloutId { plan: plan("client"), number: 1 };
    let end = store.view().head().unwrap().seq;
    let of_the_account = (None, started);
    let of_the_plan = events.iter().map(|event| (Some(rollout.clone()), event.clone()));
    let records: Vec<_> = [of_the_account]
        .into_iter()
        .chain(of_the_plan)
        .enumerate()
        .map(|(index, (rollout, event))| {
            let entry = Entry { actor: Actor::Engine, reason: HOSTILE.to_owned(), rollout, event };
            let second =
                begun.as_second() + i64::try_from(end.get()).unwrap() + i64::try_from(index).unwrap();
            to_record(&entry, Timestamp::from_second(second).unwrap())
        })
        .collect();
    store.append(end, &records).unwrap();
    store.close().unwrap();
}

/// `view` of a log that ends with record `seq`.
pub(super) fn ending_at(seq: u64, view: View) -> View {
    View { head: Head { seq: Seq::new(seq), ..Head::EMPTY }, ..view }
}
