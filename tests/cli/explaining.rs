//! A golden text for everything that can be in the way of a rollout: `explain` as it reads at night.
//!
//! The tables are made by a macro, so that a new variant does not compile until it has an example.

use std::collections::{BTreeMap, BTreeSet};

use ringward::cli::explain::{newer, why};
use ringward::cli::render::Prose;
use ringward::fleet::{Counts, EnvironmentCensus, PartsPerBillion, Share};
use ringward::ids::{DeviceId, Email, GroupId, PolicyId};
use ringward::plan::model::{DeviceLimit, Health, HealthLimit, Percent, PlanDigest};
use ringward::rollout::decide::blocker::{BlockReport, Blocker};
use ringward::rollout::decide::blocker::{TooMany, TooManyToday};
use ringward::rollout::judge::grouping::Veto;
use ringward::rollout::people::hearing::Hearing;
use ringward::rollout::people::verbs::situation::{Offered, RollbackTargets};
use ringward::rollout::record::ClockDoubt;
use ringward::rollout::record::{
    Actor, Block, BlockKind, Cancelled, Cause, Elsewhere, GroupDrift, MovedTo, Never, OtherUpdater, Purpose,
    RolloutId, WaitingRevision, WaitsFor, WriteId, WriteIntent,
};
use ringward::rollout::record::{Approved, Ask, AskedBy, Given, Tally};
use ringward::rollout::record::{Dark, Evaluation, Stalled};
use ringward::rollout::record::{Downgrade, Moves};
use ringward::rollout::record::{Evidence, Exempt, Failing, Gate, Judgement, Unknown, Verdict, Waiting};
use ringward::rollout::record::{Group, GroupContent, VersionEntry};
use ringward::rollout::state::{
    Approval, Assigned, Attempts, Attribution, Back, BlockedVersion, PendingWrite, Phase, RingState, Soak,
    Validity, Votes,
};
use ringward::rollout::tell::report::{NewerTarget, Report};
use ringward::rollout::tell::ring_report::meaning;
use ringward::rollout::tell::ring_report::{ApprovalReport, RingReport, Unsure};
use ringward::rollout::world::{Read, Trouble, Want};
use ringward::time::Timestamp;
use ringward::version::Environment;
use ringward::web::rollout_json;

use crate::{SCREEN, at, golden, plan, ring};

/// Examples of an enum, each behind the pattern of its variant. The match names every variant and
/// has no `_`, so it stops compiling when the enum gets a new one.
macro_rules! examples {
    ($name:ident: $kind:ty { $($pattern:pat => $example:expr),+ $(,)? }) => {
        fn $name() -> Vec<$kind> {
            fn is_listed(one: &$kind) {
                match one { $($pattern => {})+ }
            }
            let mut all = Vec::new();
            $({
                let one: $kind = $example;
                assert!(matches!(&one, $pattern), "an example stands behind another variant");
                is_listed(&one);
                all.push(one);
            })+
            all
        }
    };
}

const NOW: &str = "2026-10-13T08:00:00Z";

fn r() -> ringward::ids::RingName {
    ring("Early adopters")
}

fn hold(user: &str, reason: &str) -> Attribution {
    Attribution {
        actor: Actor::Local { user: user.to_owned() },
        reason: reason.to_owned(),
        since: at("2026-10-13T05:00:00Z"),
    }
}

fn group(name: &str, version: &str) -> Group {
    let entry = VersionEntry { environment: Some("windows".to_owned()), version: version.to_owned() };
    let content = GroupContent {
        name: name.to_owned(),
        versions: vec![entry],
        policies: BTreeSet::from([PolicyId::new("p-1").unwrap()]),
    };
    Group { id: GroupId::new("g-1").unwrap(), content, updated_at: at("2026-10-12T09:00:00Z") }
}

fn drift(seen: Option<&str>) -> GroupDrift {
    GroupDrift {
        ring: r(),
        expected: group("Early adopters", "2026.8.2100.0"),
        seen: seen.map(|version| group("Early adopters", version)),
        elsewhere: Vec::new(),
        never: None,
    }
}

fn intent() -> Box<WriteIntent> {
    let before = group("Early adopters", "2026.7.1376.0");
    let after = group("Early adopters", "2026.8.2100.0").content;
    Box::new(WriteIntent {
        id: WriteId(7),
        digest: PlanDigest::of_written("{}"),
        purpose: Purpose::Target,
        policies: before.content.policies.clone(),
        before: Some(before),
        after,
        judgements: Vec::new(),
        devices: 43,
        retargets: Some(43),
        after_doubt: false,
        moves: None,
        today: None,
    })
}

fn judged(gate: Gate, verdict: Verdict, evidence: Evidence) -> Judgement {
    let per_environment = matches!(gate, Gate::Adoption | Gate::Downgrade) || gate.is_of_health();
    let environment = per_environment.then_some(Environment::Windows);
    let as_of = match gate {
        Gate::Opening | Gate::Freeze | Gate::Ring => None,
        Gate::Fleet
        | Gate::Downgrade
        | Gate::Approval
        | Gate::Adoption
        | Gate::Soak
        | Gate::Stalled
        | Gate::Dark => Some(at("2026-10-13T07:55:00Z")),
    };
    Judgement { gate, environment, verdict, evidence, as_of }
}

fn adoption(verdict: Verdict) -> Judgement {
    let counts = Counts { arrived: 20, due: 10, stalled: 1, unseen: 9, ..Counts::default() };
    let census = EnvironmentCensus { counts, active: 40, active_sighted: 31, exercised: 3 };
    let evidence = Evidence::Adoption {
        census,
        at_least: Percent::whole(90),
        seen_at_least: Percent::whole(60),
        deadline_at: match verdict {
            Verdict::Fail(Failing::DeadlineMissed) => at("2026-10-13T07:30:00Z"),
            _ => at("2026-10-19T09:00:00Z"),
        },
    };
    judged(Gate::Adoption, verdict, evidence)
}

fn downgrade(verdict: Verdict) -> Judgement {
    let version = |text: &str| text.parse().unwrap();
    let from = BTreeMap::from([(version("2026.8.2100.0"), 1_484), (version("2026.6.822.0"), 52)]);
    let (to, taken_back) = (version("2026.6.880.0"), BTreeMap::new());
    let moves = Moves { to, seen: 1_585, from, taken_back };
    let evidence = Evidence::Downgrade(Downgrade { moves, allowed: "<2026.8.2100".to_owned() });
    judged(Gate::Downgrade, verdict, evidence)
}

fn soak(verdict: Verdict) -> Judgement {
    let evidence = Evidence::Soak {
        started_at: at("2026-10-12T12:00:00Z"),
        ends_at: match verdict {
            Verdict::Wait(Waiting::NotExercised) => at("2026-10-13T06:00:00Z"),
            _ => at("2026-10-15T12:00:00Z"),
        },
        arrived: 31,
        exercised: 9,
    };
    judged(Gate::Soak, verdict, evidence)
}

fn stalled(verdict: Verdict) -> Judgement {
    let counts = Counts { arrived: 20, due: 10, stalled: 13, unseen: 9, ..Counts::default() };
    let HealthLimit { at_most, after } = Health::BUILT_IN.stalled;
    let evidence = Stalled { counts, acknowledged: 2, at_most, after, min_devices: 30 };
    judged(Gate::Stalled, verdict, Evidence::Stalled(evidence))
}

fn dark(verdict: Verdict) -> Judgement {
    let look = |look, since, silent, p| Evaluation {
        look,
        at: at("2026-10-12T18:00:00Z"),
        since: at(since),
        day: 4,
        ring: Share { of: 384, silent },
        control: Share { of: 960, silent: 3 },
        p: PartsPerBillion(p),
        p_at_most: PartsPerBillion(50_000),
    };
    let HealthLimit { at_most, after } = Health::BUILT_IN.dark;
    let evidence = Dark {
        arrived: 391,
        control_active: 1_000,
        control_known: 1_000,
        acknowledged: 0,
        looks: match verdict {
            Verdict::Wait(Waiting::TooSoon) => Vec::new(),
            _ => vec![look(1, "2026-10-09T18:00:00Z", 20, 1), look(2, "2026-10-08T18:00:00Z", 6, 21_000_000)],
        },
        next_at: Some(at("2026-10-13T18:00:00Z")),
        at_most,
        after,
        min_devices: 30,
    };
    judged(Gate::Dark, verdict, Evidence::Dark(evidence))
}

fn opening(verdict: Verdict, closes_at: Option<Timestamp>) -> Judgement {
    let evidence = Evidence::Opening { closes_at, opens_at: Some(at("2026-10-13T09:00:00Z")) };
    judged(Gate::Opening, verdict, evidence)
}

fn fleet(why: Unknown, unresolved: &[&str]) -> Judgement {
    let unresolved = unresolved.iter().map(|name| (*name).to_owned()).collect();
    let evidence = Evidence::Fleet { eligible: 0, full_sweep_at: None, unresolved };
    judged(Gate::Fleet, Verdict::Unknown(why), evidence)
}

examples!(blockers: Blocker {
    Blocker::Stopped(_) => Blocker::Stopped(hold("ana", "dns is down")),
    Blocker::Paused(_) => Blocker::Paused(hold("bob", "help desk sees sign-in errors")),
    Blocker::Halted(_) => Blocker::Halted(causes().remove(0)),
    Blocker::Block(_) => Blocker::Block(Box::new(BlockReport {
        block: Block::FileMissing { file: Some("client.yaml".to_owned()) },
        since: at("2026-10-13T08:20:00Z"),
        until: None,
    })),
    Blocker::Forbidden(..) => Blocker::Forbidden(r(), "2026.8.2100.0".parse().unwrap()),
    Blocker::OffersForbidden(..) => Blocker::OffersForbidden(r(), "2026.8.2100.0".parse().unwrap()),
    Blocker::ClockBehind(_) => Blocker::ClockBehind(at("2026-10-13T08:20:00Z")),
    Blocker::ClockDoubted(_) => Blocker::ClockDoubted(ClockDoubt::Differs { ahead: 122_400 }),
    Blocker::LogUnwritable(_) => Blocker::LogUnwritable(Trouble {
        since: at("2026-10-13T07:50:00Z"),
        message: "could not write the log ringward.db: the disk is full (free some space on its volume)"
            .to_owned(),
    }),
    Blocker::Gate(..) => Blocker::Gate(r(), Box::new(adoption(Verdict::Wait(Waiting::TooFewArrived)))),
    Blocker::Veto(..) => Blocker::Veto(r(), vetoes().remove(0)),
    Blocker::BetweenGroups { .. } => Blocker::BetweenGroups {
        ring: r(),
        profiles: vec!["Support".to_owned()],
        from: ring("Everyone"),
        last: Some("refused with 403: no write permission".to_owned()),
    },
    Blocker::GroupsUnread(_) => Blocker::GroupsUnread(r()),
    Blocker::InFlight(..) => Blocker::InFlight(r(), WriteId(7)),
    Blocker::OutcomeUnknown { .. } => Blocker::OutcomeUnknown {
        ring: r(),
        write: WriteId(7),
        why: "the connection was reset".to_owned(),
        read_at: Some(at("2026-10-13T08:01:00Z")),
    },
    Blocker::OtherWrite { .. } => Blocker::OtherWrite { plan: "servers".to_owned(), write: WriteId(9) },
    Blocker::Backoff { .. } => Blocker::Backoff {
        ring: r(),
        until: at("2026-10-13T08:04:00Z"),
        last: Some("Cloudflare asked to slow down".to_owned()),
    },
    Blocker::BudgetSpent { .. } => Blocker::BudgetSpent { ring: r(), until: at("2026-10-13T08:03:00Z") },
    Blocker::Withdrawn(_) => Blocker::Withdrawn(at("2026-10-13T07:00:00Z")),
    Blocker::Drifted(_) => Blocker::Drifted(Box::new(drift(Some("2026.7.1376.0")))),
    Blocker::OtherRing { .. } => Blocker::OtherRing { ring: r(), other: ring("Everyone") },
    Blocker::LeftAdopts { .. } => {
        Blocker::LeftAdopts { ring: r(), other: ring("Everyone"), rollout: 3 }
    },
    Blocker::NotOffered { .. } => Blocker::NotOffered {
        ring: r(),
        lacks: "windows 2026.7.1376.0 instead of 2026.8.2100.0".to_owned(),
    },
    Blocker::Observing(..) => Blocker::Observing(r(), intent()),
    Blocker::BlastLimit(..) => {
        Blocker::BlastLimit(r(), TooMany { devices: 312, at_most: DeviceLimit::new(300).unwrap() })
    },
    Blocker::DevicesPerDay(..) => {
        let (at_most, until) = (DeviceLimit::new(2_000).unwrap(), Some(at("2026-10-14T07:00:00Z")));
        Blocker::DevicesPerDay(r(), TooManyToday { devices: 312, before: 1_900, at_most, until })
    },
    Blocker::BlockedVersion(..) => Blocker::BlockedVersion(r(), Box::new(blocked_version())),
    Blocker::Returning { .. } => Blocker::Returning {
        ring: r(),
        missing: vec![adoption(Verdict::Wait(Waiting::TooFewArrived))],
        until: at("2026-10-13T10:00:00Z"),
    },
    Blocker::RolledBack { .. } => Blocker::RolledBack {
        since: at("2026-10-13T07:00:00Z"),
        missing: vec![(r(), adoption(Verdict::Wait(Waiting::TooFewArrived)))],
    },
    Blocker::Moving => Blocker::Moving,
});

fn blocked_version() -> BlockedVersion {
    BlockedVersion {
        plan: plan("client"),
        ring: r(),
        policy: PolicyId::new("p-1").unwrap(),
        environment: Environment::Windows,
        version: "2026.8.2100.0".parse().unwrap(),
        by: hold("mia", "case 4711"),
    }
}

examples!(blocks: Block {
    Block::PlanInvalid { .. } => Block::PlanInvalid {
        file: "client.yaml".to_owned(),
        errors: vec![
            "client.yaml:9:41: this is not a date: `2026-10-1`; write year-month-day".to_owned(),
            "client.yaml:12:1: not a key of a plan: `sook`; did you mean `soak`?".to_owned(),
        ],
    },
    Block::FileMissing { .. } => Block::FileMissing { file: Some("client.yaml".to_owned()) },
    Block::FilesUnreadable { .. } => {
        Block::FilesUnreadable { why: "the plans directory plans cannot be read (permission denied)".to_owned() }
    },
    Block::RevisionWaits(_) => Block::RevisionWaits(waiting(WaitsFor::Time)),
});

examples!(waited_for: WaitsFor {
    WaitsFor::Time => WaitsFor::Time,
    WaitsFor::LineEnd => WaitsFor::LineEnd,
    WaitsFor::Person => WaitsFor::Person,
    WaitsFor::Stability => WaitsFor::Stability,
    WaitsFor::AnotherVersion => WaitsFor::AnotherVersion,
    WaitsFor::Predecessor => WaitsFor::Predecessor,
});

fn waiting(waits_for: WaitsFor) -> WaitingRevision {
    let digest = |text: &str| PlanDigest::of_written(text);
    let changes = vec![
        "ring `Ring 0`: freeze Year-end (2026-12-18 to 2027-01-04) removed".to_owned(),
        "ring `Ring 0`: max_devices 10 → none".to_owned(),
    ];
    WaitingRevision { digest: digest("new"), in_force: Some(digest("old")), changes, waits_for }
}

examples!(causes: Cause {
    Cause::AdoptionMissed { .. } => Cause::AdoptionMissed {
        ring: r(),
        judgement: Box::new(adoption(Verdict::Fail(Failing::DeadlineMissed))),
    },
    Cause::Unhealthy { .. } => Cause::Unhealthy {
        ring: r(),
        judgement: Box::new(stalled(Verdict::Fail(Failing::TooManyStalled))),
        devices: BTreeSet::from([DeviceId::new("d-1").unwrap()]),
    },
    Cause::UnknownTooLong { .. } => Cause::UnknownTooLong {
        ring: r(),
        gate: Gate::Adoption,
        environment: Some(Environment::Macos),
        why: Unknown::StaleSweep,
        since: at("2026-10-13T02:00:00Z"),
    },
    Cause::WriteRefused { .. } => Cause::WriteRefused {
        ring: r(),
        status: 403,
        message: "the token may not write deployment groups".to_owned(),
    },
    Cause::WritesKeepFailing { .. } => Cause::WritesKeepFailing {
        ring: r(),
        attempts: 6,
        last: "the group was edited by somebody else".to_owned(),
    },
    Cause::OtherUpdater(_) => Cause::OtherUpdater(Box::new(OtherUpdater {
        ring: r(),
        of: 40,
        moved: 7,
        versions: vec![MovedTo {
            environment: Environment::Windows,
            version: "2026.9.100.0".parse().unwrap(),
            devices: 7,
        }],
        since: at("2026-10-12T08:00:00Z"),
    })),
    Cause::Drift(_) => Cause::Drift(Box::new(drift(Some("2026.7.1376.0")))),
    Cause::Forbidden { .. } => Cause::Forbidden {
        ring: r(),
        version: "2026.8.2100.0".parse().unwrap(),
        reason: "recalled".to_owned(),
        offered: vec![(r(), 82), ("Everyone".parse().unwrap(), 0)],
    },
});

examples!(vetoes: Veto {
    Veto::AmbiguousName { .. } => Veto::AmbiguousName {
        name: "Early adopters".to_owned(),
        ids: vec![GroupId::new("g-1").unwrap(), GroupId::new("g-2").unwrap()],
    },
    Veto::ForeignProfiles { .. } => Veto::ForeignProfiles {
        name: "Early adopters".to_owned(),
        id: GroupId::new("g-1").unwrap(),
        policies: BTreeSet::from([PolicyId::new("p-8").unwrap()]),
    },
    Veto::OwnedElsewhere { .. } => {
        Veto::OwnedElsewhere { name: "Early adopters".to_owned(), plan: plan("servers"), ring: ring("Ring 1") }
    },
    Veto::ProfileTaken { .. } => Veto::ProfileTaken {
        policy: PolicyId::new("p-1").unwrap(),
        name: "Made by hand".to_owned(),
        id: GroupId::new("g-5").unwrap(),
        holder: None,
    },
    Veto::AmbiguousVersions { .. } => {
        Veto::AmbiguousVersions { name: "Early adopters".to_owned(), environment: Environment::Windows }
    },
});

// What was not sent and is tried again stands in a reason; the others leave no trace there.
examples!(cancellations: Cancelled {
    Cancelled::Stopped => Cancelled::Stopped,
    Cancelled::Held => Cancelled::Held,
    Cancelled::OpeningClosed => Cancelled::OpeningClosed,
    Cancelled::FreezeBegun => Cancelled::FreezeBegun,
    Cancelled::ClockBehind => Cancelled::ClockBehind,
    Cancelled::ClockDiffers { .. } => Cancelled::ClockDiffers { doubt: ClockDoubt::NoDate },
    Cancelled::PlanChanged => Cancelled::PlanChanged,
    Cancelled::Blocked { .. } => Cancelled::Blocked { block: BlockKind::PlanInvalid },
    Cancelled::Forbidden { .. } => Cancelled::Forbidden { version: "2026.8.2100.0".parse().unwrap() },
    Cancelled::RolledBack => Cancelled::RolledBack,
    Cancelled::BlockedVersion { .. } => Cancelled::BlockedVersion { version: "2026.8.2100.0".parse().unwrap() },
    Cancelled::ApprovalVoid { .. } => {
        Cancelled::ApprovalVoid { seen: "1 of 3 members of `Release Approvers` approved".to_owned() }
    },
    Cancelled::ConcurrentEdit => Cancelled::ConcurrentEdit,
    Cancelled::GroupGone => Cancelled::GroupGone,
    Cancelled::GroupInTheWay => Cancelled::GroupInTheWay,
    Cancelled::TooManyDevices { .. } => {
        Cancelled::TooManyDevices { counted: 312, at_most: DeviceLimit::new(300).unwrap() }
    },
    Cancelled::Unreadable { .. } => Cancelled::Unreadable { message: "503 Service Unavailable".to_owned() },
    Cancelled::TooManyToday { .. } => {
        let at_most = DeviceLimit::new(2_000).unwrap();
        Cancelled::TooManyToday { counted: 312, before: 1_900, at_most }
    },
    Cancelled::ReadFailed { .. } => Cancelled::ReadFailed { message: "503 Service Unavailable".to_owned() },
    Cancelled::Ending => Cancelled::Ending,
    Cancelled::NotSent { .. } => Cancelled::NotSent { message: "connection refused".to_owned() },
    Cancelled::RateLimited => Cancelled::RateLimited,
});

examples!(waitings: Waiting {
    Waiting::OpeningClosed => Waiting::OpeningClosed,
    Waiting::OpeningEndsSoon => Waiting::OpeningEndsSoon,
    Waiting::Frozen => Waiting::Frozen,
    Waiting::TooFewSeen => Waiting::TooFewSeen,
    Waiting::TooFewArrived => Waiting::TooFewArrived,
    Waiting::SoakRunning => Waiting::SoakRunning,
    Waiting::NotExercised => Waiting::NotExercised,
    Waiting::TooSoon => Waiting::TooSoon,
    Waiting::FleetAsleep => Waiting::FleetAsleep,
    Waiting::NotOffered => Waiting::NotOffered,
    Waiting::WouldDowngrade => Waiting::WouldDowngrade,
    Waiting::ApprovalMissing => Waiting::ApprovalMissing,
    Waiting::ApprovalRefused => Waiting::ApprovalRefused,
    Waiting::AuthorUnnamed => Waiting::AuthorUnnamed,
});

examples!(unknowns: Unknown {
    Unknown::NotSwept => Unknown::NotSwept,
    Unknown::StaleSweep => Unknown::StaleSweep,
    Unknown::ProfilesUnread => Unknown::ProfilesUnread,
    Unknown::ProfileUnresolved => Unknown::ProfileUnresolved,
    Unknown::NobodyToMove => Unknown::NobodyToMove,
    Unknown::OutageOrHoliday => Unknown::OutageOrHoliday,
    Unknown::ReadFails => Unknown::ReadFails,
    Unknown::ApproversUnread => Unknown::ApproversUnread,
    Unknown::NoUserGroup => Unknown::NoUserGroup,
    Unknown::UserGroupAmbiguous => Unknown::UserGroupAmbiguous,
});

examples!(failings: Failing {
    Failing::DeadlineMissed => Failing::DeadlineMissed,
    Failing::TooManyStalled => Failing::TooManyStalled,
    Failing::TooManyDark => Failing::TooManyDark,
});

// Neither passes nor exemptions are ever in the way.
examples!(verdicts: Verdict {
    Verdict::Pass => Verdict::Pass,
    Verdict::Wait(_) => Verdict::Wait(Waiting::Frozen),
    Verdict::Fail(_) => Verdict::Fail(Failing::DeadlineMissed),
    Verdict::Unknown(_) => Verdict::Unknown(Unknown::NotSwept),
    Verdict::Exempt(_) => Verdict::Exempt(Exempt::Waived),
});

examples!(stages: RingState {
    RingState::Pending => RingState::Pending,
    RingState::Entering(_) => RingState::Entering(Attempts::default()),
    RingState::Deploying(_) => RingState::Deploying(Box::new(PendingWrite {
        intent: *intent(),
        attempts: Attempts::default(),
        planned_at: at(NOW),
        doubt: None,
        origin: None,
        moved: BTreeMap::new(),
    })),
    RingState::Adopting(_) => RingState::Adopting(assigned()),
    RingState::Soaking(..) => RingState::Soaking(assigned(), Soak { started_at: at(NOW) }),
    RingState::Verified(_) => RingState::Verified(assigned()),
    RingState::RollingBack(..) => RingState::RollingBack(assigned(), Back { to: BTreeMap::new(), since: at(NOW) }),
    RingState::RolledBack(..) => RingState::RolledBack(None, Back { to: BTreeMap::new(), since: at(NOW) }),
});

fn assigned() -> Assigned {
    Assigned {
        group: GroupId::new("g-1").unwrap(),
        policies: BTreeSet::new(),
        at: at(NOW),
        deadline_from: at(NOW),
    }
}

fn approval(verdict: Verdict) -> Judgement {
    let ana: Email = "ana@example.com".parse().unwrap();
    let ask = Ask {
        user_group: "Release Approvers".parse().unwrap(),
        count: 2.try_into().unwrap(),
        by: AskedBy::Plan,
    };
    let given = Given { at: at(NOW), by: ana.clone(), expires_at: at("2026-10-18T08:00:00Z") };
    let refused = verdict == Verdict::Wait(Waiting::ApprovalRefused);
    let approved = if refused { Vec::new() } else { vec![given] };
    let tallies = vec![Tally { ask, approved, members: 3 }];
    let refused = if refused { vec![ana] } else { Vec::new() };
    judged(Gate::Approval, verdict, Evidence::Approval(Approved { tallies, refused, lapsed: Vec::new() }))
}

/// Somebody approved before the plan was edited.
fn voided() -> ApprovalReport {
    let word = Approval {
        digest: PlanDigest::of_written("{}"),
        given_at: at("2026-10-12T09:00:00Z"),
        expires_at: at("2026-10-17T09:00:00Z"),
        note: "no cases".to_owned(),
        groups: Vec::new(),
        standing: Validity::Voided(at("2026-10-12T15:00:00Z")),
    };
    let approvals = BTreeMap::from([("bo@example.com".parse().unwrap(), word)]);
    ApprovalReport {
        judgement: approval(Verdict::Wait(Waiting::ApprovalMissing)),
        asked_at: Some(at("2026-10-12T16:00:00Z")),
        missing: BTreeSet::new(),
        words: Votes { approvals, ..Votes::default() },
        hearing: Hearing {
            groups: Vec::new(),
            authors: BTreeSet::new(),
            approved: BTreeMap::new(),
            refused: BTreeSet::new(),
            sets_aside: Vec::new(),
            expires_at: at("2026-10-18T09:00:00Z"),
        },
    }
}

fn gates() -> Vec<Judgement> {
    let mut gates: Vec<Judgement> = waitings()
        .into_iter()
        .map(|waiting| match waiting {
            Waiting::OpeningClosed => opening(Verdict::Wait(waiting), None),
            Waiting::OpeningEndsSoon => opening(Verdict::Wait(waiting), Some(at("2026-10-13T08:10:00Z"))),
            Waiting::Frozen => {
                let evidence = Evidence::Freeze {
                    reason: Some("Year-end change freeze".to_owned()),
                    ends_at: Some(at("2027-01-05T00:00:00Z")),
                };
                judged(Gate::Freeze, Verdict::Wait(waiting), evidence)
            }
            Waiting::TooFewSeen | Waiting::TooFewArrived => adoption(Verdict::Wait(waiting)),
            Waiting::SoakRunning | Waiting::NotExercised => soak(Verdict::Wait(waiting)),
            Waiting::TooSoon | Waiting::FleetAsleep => dark(Verdict::Wait(waiting)),
            Waiting::NotOffered => stalled(Verdict::Wait(waiting)),
            Waiting::WouldDowngrade => downgrade(Verdict::Wait(waiting)),
            Waiting::ApprovalMissing | Waiting::ApprovalRefused | Waiting::AuthorUnnamed => {
                approval(Verdict::Wait(waiting))
            }
        })
        .collect();
    gates.push(dark(Verdict::Wait(Waiting::TooFewSeen)));
    gates.extend(failings().into_iter().map(|failing| match failing {
        Failing::DeadlineMissed => adoption(Verdict::Fail(failing)),
        Failing::TooManyStalled => stalled(Verdict::Fail(failing)),
        Failing::TooManyDark => dark(Verdict::Fail(failing)),
    }));
    gates.extend(unknowns().into_iter().map(|why| match why {
        Unknown::ProfileUnresolved => fleet(why, &["Enginering", "IT (also in ring `Everyone`)"]),
        Unknown::OutageOrHoliday => dark(Verdict::Unknown(why)),
        Unknown::ApproversUnread | Unknown::NoUserGroup | Unknown::UserGroupAmbiguous => {
            approval(Verdict::Unknown(why))
        }
        why => fleet(why, &[]),
    }));
    gates.push(adoption(Verdict::Unknown(Unknown::StaleSweep)));
    // A group with fewer people than are asked.
    let mut too_few = approval(Verdict::Wait(Waiting::ApprovalMissing));
    if let Evidence::Approval(Approved { tallies, .. }) = &mut too_few.evidence {
        tallies[0].members = 1;
    }
    gates.push(too_few);
    // A schedule whose openings are all over.
    let evidence = Evidence::Opening { closes_at: None, opens_at: None };
    gates.push(judged(Gate::Opening, Verdict::Wait(Waiting::OpeningClosed), evidence));
    gates
}

fn report(waiting_on: Vec<Blocker>) -> Report {
    let halted = waiting_on.iter().find_map(|blocker| match blocker {
        Blocker::Halted(cause) => Some((cause.clone(), at("2026-10-13T07:30:00Z"))),
        _ => None,
    });
    let unsure = Unsure { since: at("2026-10-13T06:00:00Z"), halts_at: at("2026-10-13T12:00:00Z") };
    let early = RingReport {
        name: r(),
        profiles: vec!["IT".to_owned()],
        targets: BTreeMap::new(),
        group: ("Early adopters".to_owned(), None),
        state: "adopting",
        meaning: "",
        since: at("2026-10-13T06:45:00Z"),
        assigned_at: Some(at("2026-10-13T06:45:00Z")),
        gates: Vec::new(),
        unsure: BTreeMap::from([
            ((Gate::Fleet, None), unsure),
            ((Gate::Adoption, Some(Environment::Windows)), unsure),
        ]),
        census: None,
        next_opening: None,
        schedule: None,
        dropped: false,
        waived: BTreeMap::new(),
        approval: Some(voided()),
        unmanaged: Vec::new(),
        moves: BTreeMap::new(),
    };
    let want = |read, instant| Want { read, at: at(instant) };
    Report {
        id: RolloutId { plan: plan("client"), number: 3 },
        digest: PlanDigest::of_written("{}"),
        description: None,
        at: at(NOW),
        phase: Phase::Running,
        phase_since: at("2026-10-12T06:00:00Z"),
        paused: None,
        halted,
        rings: vec![early],
        waiting_on,
        newer: None,
        earliest_move: None,
        troubles: Vec::new(),
        reads: vec![
            want(Read::Groups, "2026-10-13T08:05:00Z"),
            want(Read::Profiles, "2026-10-13T08:20:00Z"),
            want(Read::FullSweep, "2026-10-13T12:00:00Z"),
            // Due already: now.
            want(Read::IncrementalSweep, "2026-10-13T07:59:00Z"),
        ],
        drifts: Vec::new(),
        superseded: Vec::new(),
        rollback: None,
        blocked_versions: Vec::new(),
        rollback_targets: RollbackTargets::Known,
        offered: Offered::Sound,
    }
}

fn page(out: &mut Vec<u8>) -> Prose<'_> {
    Prose { out, screen: &SCREEN, now: at(NOW) }
}

/// Why a report does not move, as a person reads it.
fn explained(report: &Report) -> String {
    let mut out = Vec::new();
    why(&mut page(&mut out), &rollout_json(report, None)).unwrap();
    String::from_utf8(out).unwrap()
}

/// Rows under the names that the API has for them.
fn told(rows: Vec<Blocker>) -> String {
    let mut text = String::new();
    let mut names = BTreeSet::new();
    for blocker in rows {
        let report = report(vec![blocker.clone()]);
        let json = rollout_json(&report, None);
        let [one] = json.waiting_on.as_slice() else { panic!("one blocker") };
        assert!(!one.headline.is_empty() && !one.detail.is_empty() && !one.remedy.is_empty(), "{one:?}");
        assert!(!one.headline.ends_with('.'), "{one:?}");
        assert!(one.command.as_ref().is_none_or(|command| one.remedy.ends_with(command)), "{one:?}");
        names.insert(one.reason.clone());
        text.push_str(&format!("# {}, {}\n{}", one.code, one.reason, explained(&report)));
    }
    assert!(!names.contains(""), "every reason has a word: {names:?}");
    for line in text.lines() {
        // A command stays in one piece, so that it can be pasted.
        let pasted = line.trim_start().starts_with("ringward ");
        assert!(pasted || line.chars().count() <= 80, "wider than 80 columns: {line}");
    }
    text
}

#[test]
fn every_blocker_is_explained() {
    golden("explain_blockers.txt", &told(blockers()));
    let waits = waited_for().into_iter().map(|waits_for| Block::RevisionWaits(waiting(waits_for)));
    let file = blocks().into_iter().filter(|block| !matches!(block, Block::RevisionWaits(_)));
    let rows = file.chain(waits).map(|block| {
        let until = matches!(&block, Block::RevisionWaits(WaitingRevision { waits_for: WaitsFor::Time, .. }));
        let until = until.then(|| at("2026-10-13T08:00:12Z"));
        Blocker::Block(Box::new(BlockReport { block, since: at("2026-10-13T07:59:42Z"), until }))
    });
    golden("explain_blocks.txt", &told(rows.collect()));
}

#[test]
fn every_cause_of_a_halt_is_explained() {
    let mut rows = causes();
    let other = group("Made by hand", "2026.6.880.0");
    let held = |policies: &[&str]| Elsewhere {
        id: GroupId::new("g-5").unwrap(),
        name: other.content.name.clone(),
        policies: policies.iter().map(|id| PolicyId::new(*id).unwrap()).collect(),
    };
    let mut moved = drift(Some("2026.8.2100.0"));
    moved.seen.as_mut().unwrap().content.policies.clear();
    let mut held_back = moved.clone();
    held_back.elsewhere = vec![held(&["p-1"])];
    let mut name_taken = drift(None);
    name_taken.elsewhere = vec![held(&[])];
    let mut forbidden = drift(Some("2026.6.880.0"));
    let reason = "fails to connect after upgrade".to_owned();
    forbidden.never = Some(Never::Forbidden { version: "windows 2026.8.2100.0".to_owned(), reason });
    let mut too_often = drift(Some("2026.6.880.0"));
    too_often.never = Some(Never::TooOften { times: 3 });
    let drifts = [drift(None), moved, held_back, name_taken, forbidden, too_often];
    rows.extend(drifts.map(|drift| Cause::Drift(Box::new(drift))));
    let dark = Box::new(dark(Verdict::Fail(Failing::TooManyDark)));
    rows.push(Cause::Unhealthy { ring: r(), judgement: dark, devices: BTreeSet::new() });
    rows.extend(unknowns().into_iter().map(|why| Cause::UnknownTooLong {
        ring: r(),
        gate: Gate::Fleet,
        environment: None,
        why,
        since: at("2026-10-13T02:00:00Z"),
    }));
    golden("explain_causes.txt", &told(rows.into_iter().map(Blocker::Halted).collect()));
}

#[test]
fn every_gate_in_the_way_is_explained() {
    for verdict in verdicts() {
        let listed = gates().iter().any(|gate| gate.verdict.as_str() == verdict.as_str());
        assert_eq!(listed, !verdict.advances(), "{verdict:?}");
    }
    golden(
        "explain_gates.txt",
        &told(gates().into_iter().map(|gate| Blocker::Gate(r(), Box::new(gate))).collect()),
    );
}

/// In its soak a ring may fall below its adoption again: that waits, and halts nothing.
#[test]
fn a_deadline_is_told_only_where_it_halts() {
    for waiting in [Waiting::TooFewSeen, Waiting::TooFewArrived] {
        for stage in stages() {
            let mut report = report(vec![Blocker::Gate(r(), Box::new(adoption(Verdict::Wait(waiting))))]);
            report.rings[0].state = stage.as_str();
            let json = rollout_json(&report, None);
            let halts = json.waiting_on[0].detail.contains("the rollout halts");
            assert_eq!(halts, matches!(stage, RingState::Adopting(_)), "{waiting:?}, {}", stage.as_str());
        }
    }
}

#[test]
fn every_veto_is_explained() {
    golden("explain_vetoes.txt", &told(vetoes().into_iter().map(|veto| Blocker::Veto(r(), veto)).collect()));
}

#[test]
fn every_write_that_came_to_nothing_is_explained() {
    let failures = cancellations().into_iter().filter(Cancelled::is_a_failure);
    let mut rows: Vec<Blocker> = failures
        .map(|why| Blocker::Backoff {
            ring: r(),
            until: at("2026-10-13T08:04:00Z"),
            last: Some(why.to_string()),
        })
        .collect();
    rows.push(Blocker::Backoff { ring: r(), until: at("2026-10-13T08:04:00Z"), last: None });
    golden("explain_backoffs.txt", &told(rows));
}

#[test]
fn every_state_has_its_meaning() {
    let stages = stages();
    let names: Vec<&str> = stages.iter().map(RingState::as_str).collect();
    assert_eq!(names, RingState::NAMES);
    let lines: String =
        stages.iter().map(|stage| format!("{}: {}\n", stage.as_str(), meaning(stage))).collect();
    golden("explain_states.txt", &lines);
}

#[test]
fn several_reasons_stand_in_order_and_the_clock_is_told() {
    let mut report = report(vec![
        Blocker::Paused(hold("bob", "looking")),
        Blocker::Gate(r(), Box::new(soak(Verdict::Wait(Waiting::SoakRunning)))),
    ]);
    report.earliest_move = Some(at("2026-10-15T12:00:00Z"));
    golden("explain_several.txt", &explained(&report));
}

#[test]
fn a_newer_target_that_waits_is_told() {
    let targets = |windows: &str| {
        BTreeMap::from([
            (Environment::Windows, windows.parse().unwrap()),
            (Environment::Macos, "2026.8.2100.0".parse().unwrap()),
        ])
    };
    let waits = NewerTarget {
        digest: PlanDigest::of_written("[]"),
        since: at("2026-10-13T05:00:00Z"),
        rings: vec![(r(), targets("2026.8.2100.0")), (ring("Everyone"), targets("2026.7.1376.0"))],
    };
    let soaks = Blocker::Gate(r(), Box::new(soak(Verdict::Wait(Waiting::SoakRunning))));
    let halted = Blocker::Halted(causes().remove(0));
    let rows = [
        ("it runs", vec![soaks.clone()]),
        ("halted", vec![halted]),
        ("paused", vec![Blocker::Paused(hold("bob", "looking")), soaks.clone()]),
        ("stopped", vec![Blocker::Stopped(hold("ana", "dns is down")), soaks]),
    ];
    let mut text = String::new();
    for (row, waiting_on) in rows {
        let mut report = Report { newer: Some(waits.clone()), ..report(waiting_on) };
        report.paused = report.waiting_on.iter().find_map(|blocker| match blocker {
            Blocker::Paused(hold) => Some(hold.clone()),
            _ => None,
        });
        let mut out = Vec::new();
        newer(&mut page(&mut out), &rollout_json(&report, None)).unwrap();
        text.push_str(&format!("# {row}\n{}", String::from_utf8(out).unwrap()));
    }
    golden("explain_newer.txt", &text);
}

#[test]
fn a_rollout_that_is_over_is_told_as_such() {
    let mut text = String::new();
    for phase in Phase::ALL {
        let report = Report { phase, paused: Some(hold("bob", "year end")), ..report(Vec::new()) };
        text.push_str(&format!("# {}\n{}", phase.as_str(), explained(&report)));
    }
    golden("explain_phases.txt", &text);
}
