//! A sound log by hand, in small parts, and ways to spoil it.
pub(super) use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
pub(super) use crate::fleet::{Counts, EnvironmentCensus, PartsPerBillion, Share};
pub(super) use crate::ids::{DeviceId, GroupId, PlanName, PolicyId, RingName};
pub(super) use crate::plan::model::{
    Adoption, AllowDowngrade, DeviceLimit, Health, OnDrift, OnFailure, OnNewTarget, Percent, Plan,
    PlanDigest, ProfileRef, Revision, RingPlan, RollbackRules,
};
use crate::rollout::record::{AccessChange, AccessOutcome, AccessPolicy};
pub(super) use crate::rollout::record::{
    Acknowledged, Actor, Cancelled, Cause, Drift, Entry, Event, Finding, GroupDrift, Mode, MovedTo,
    OtherUpdater, Purpose, RolloutId, SoakFact, WriteId, WriteIntent,
};
pub(super) use crate::rollout::record::{Dark, Evaluation, Stalled};
pub(super) use crate::rollout::record::{
    Evidence, Exempt, Failing, Gate, Judgement, Unknown, Verdict, Waiting,
};
pub(super) use crate::rollout::record::{Group, GroupContent, VersionEntry};
use crate::rollout::record::{Role, TokenDigest, TokenGrant, TokenId};
pub(super) use crate::schedule::{Freeze, Opening, Schedule, Zone};
pub(super) use crate::time::{SignedDuration, Timestamp};
pub(super) use crate::version::{ClientVersion, Environment};

pub(super) const TARGET: ClientVersion = ClientVersion::new(2026, 8, 2100, 0);

pub(super) fn at(text: &str) -> Timestamp {
    format!("2026-10-{text}:00Z").parse().unwrap()
}

pub(super) fn ring_name(name: &str) -> RingName {
    RingName::new(name).unwrap()
}

pub(super) fn policies(ids: &[&str]) -> BTreeSet<PolicyId> {
    ids.iter().map(|id| PolicyId::new(*id).unwrap()).collect()
}

pub(super) fn targets(environments: &[Environment]) -> BTreeMap<Environment, ClientVersion> {
    environments.iter().map(|environment| (*environment, TARGET)).collect()
}

/// Open on weekdays from 9:00 to 16:00 UTC; frozen on the 20th.
pub(super) fn schedule() -> Schedule {
    let open = Opening::new("0 9 * * Mon-Fri", "7h".parse().unwrap()).unwrap();
    let day = "2026-10-20".parse().unwrap();
    Schedule::new(Zone::utc(), vec![open], vec![Freeze::new(day, day, "Audit").unwrap()]).unwrap()
}

pub(super) fn ring(name: &str, policy: &str, environments: &[Environment]) -> RingPlan {
    RingPlan {
        name: ring_name(name),
        was: None,
        group: name.to_owned(),
        profiles: vec![ProfileRef::Id(PolicyId::new(policy).unwrap())],
        targets: targets(environments),
        schedule: schedule(),
        adoption: Adoption {
            at_least: Percent::whole(90),
            within: "7d".parse().unwrap(),
            seen_at_least: Percent::whole(60),
        },
        soak: "24h".parse().unwrap(),
        health: Health { min_devices: 5, ..Health::BUILT_IN },
        unknown_after: "6h".parse().unwrap(),
        on_failure: OnFailure::Halt,
        rollback: RollbackRules::default(),
        approval: None,
        max_devices: None,
        allow_downgrade: AllowDowngrade::Nothing,
    }
}

pub(super) fn revision(written: &str) -> Box<Revision> {
    let rings = vec![
        ring("First", "p1", &[Environment::Windows, Environment::Macos]),
        ring("Second", "p2", &[Environment::Windows]),
    ];
    let plan = Plan {
        name: PlanName::new("client").unwrap(),
        was: None,
        description: None,
        account: None,
        author: None,
        forbid: Vec::new(),
        on_new_target: OnNewTarget::Replace,
        on_drift: OnDrift::Halt,
        rings,
    };
    Box::new(Revision { digest: PlanDigest::of_written(written), written: written.to_owned(), plan })
}

pub(super) fn content(name: &str, policy: &str, environments: &[Environment]) -> GroupContent {
    let mut versions: Vec<VersionEntry> =
        environments.iter().map(|environment| VersionEntry::of(*environment, TARGET)).collect();
    versions.sort();
    GroupContent { name: name.to_owned(), versions, policies: policies(&[policy]) }
}

pub(super) fn group(id: &str, content: GroupContent, updated_at: Timestamp) -> Group {
    Group { id: GroupId::new(id).unwrap(), content, updated_at }
}

pub(super) fn entry_judgements(swept_at: Timestamp) -> Vec<Judgement> {
    let judgement = |gate, evidence, as_of| Judgement {
        gate,
        environment: None,
        verdict: Verdict::Pass,
        evidence,
        as_of,
    };
    let full_sweep_at = Some(swept_at);
    vec![
        judgement(Gate::Opening, Evidence::Opening { closes_at: None, opens_at: None }, None),
        judgement(Gate::Freeze, Evidence::Freeze { reason: None, ends_at: None }, None),
        judgement(
            Gate::Fleet,
            Evidence::Fleet { eligible: 20, full_sweep_at, unresolved: Vec::new() },
            full_sweep_at,
        ),
    ]
}

pub(super) fn adopted(environment: Environment, as_of: Timestamp) -> Judgement {
    let counts = Counts { arrived: 9, due: 1, unseen: 2, ..Counts::default() };
    let census = EnvironmentCensus { counts, active: 10, active_sighted: 8, exercised: 5 };
    let evidence = Evidence::Adoption {
        census,
        at_least: Percent::whole(90),
        seen_at_least: Percent::whole(60),
        deadline_at: at("19T09:06"),
    };
    let (gate, environment) = (Gate::Adoption, Some(environment));
    Judgement { gate, environment, verdict: Verdict::Pass, evidence, as_of: Some(as_of) }
}

/// The health of the devices that `adopted` counts: nobody is stalled, and by the looks at an instant
/// nobody is dark. `None`: there is no control left.
pub(super) fn healthy(
    environment: Environment,
    as_of: Timestamp,
    look_at: Option<Timestamp>,
) -> Vec<Judgement> {
    let counts = Counts { arrived: 9, due: 1, unseen: 2, ..Counts::default() };
    let Health { stalled, dark, .. } = Health::BUILT_IN;
    let (at_most, after) = (stalled.at_most, stalled.after);
    let stalled = Stalled { counts, acknowledged: 0, at_most, after, min_devices: 5 };
    let look = |at, look: u8| Evaluation {
        look,
        at,
        since: crate::time::after(at, -SignedDuration::from_hours(24 * i64::from(look))),
        day: 1,
        ring: Share { of: 9, silent: 0 },
        control: Share { of: 20, silent: 1 },
        p: PartsPerBillion(1_000_000_000),
        p_at_most: PartsPerBillion(250_000),
    };
    let looks = look_at.into_iter().flat_map(|at| [look(at, 1), look(at, 2)]);
    let seen = Dark {
        arrived: 9,
        control_active: if look_at.is_some() { 20 } else { 0 },
        control_known: if look_at.is_some() { 20 } else { 0 },
        acknowledged: 0,
        looks: looks.collect(),
        next_at: None,
        at_most: dark.at_most,
        after: dark.after,
        min_devices: 5,
    };
    let word = |gate, verdict, evidence| Judgement {
        gate,
        environment: Some(environment),
        verdict,
        evidence,
        as_of: Some(as_of),
    };
    let verdict = if look_at.is_some() { Verdict::Pass } else { Verdict::Exempt(Exempt::NoControl) };
    vec![
        word(Gate::Stalled, Verdict::Pass, Evidence::Stalled(stalled)),
        word(Gate::Dark, verdict, Evidence::Dark(seen)),
    ]
}

pub(super) fn soaked(
    started: Timestamp,
    ends: Timestamp,
    environments: usize,
    as_of: Timestamp,
) -> Judgement {
    Judgement {
        gate: Gate::Soak,
        environment: None,
        verdict: Verdict::Pass,
        evidence: Evidence::Soak {
            started_at: started,
            ends_at: ends,
            arrived: 9 * environments,
            exercised: 5 * environments,
        },
        as_of: Some(as_of),
    }
}

pub(super) fn intent(
    id: u64,
    name: &str,
    policy: &str,
    environments: &[Environment],
    swept: Timestamp,
) -> WriteIntent {
    WriteIntent {
        id: WriteId(id),
        digest: PlanDigest::of_written("v1"),
        purpose: Purpose::Target,
        before: None,
        after: content(name, policy, environments),
        policies: policies(&[policy]),
        judgements: entry_judgements(swept),
        devices: 20,
        retargets: Some(20),
        after_doubt: false,
        moves: None,
        today: None,
    }
}

pub(super) fn token_made() -> Event {
    let token = TokenGrant {
        name: "ana-laptop".parse().unwrap(),
        email: "ana@example.com".parse().unwrap(),
        roles: BTreeSet::from([Role::Approver]),
        id: TokenId::new("07".repeat(8)).unwrap(),
        digest: TokenDigest::new("09".repeat(32)).unwrap(),
        expires_at: None,
    };
    Event::TokenMade { token: Box::new(token) }
}

pub(super) fn token_revoked() -> Event {
    Event::TokenRevoked { name: "ana-laptop".parse().unwrap() }
}

pub(super) fn access_intended() -> Event {
    let (group, name) = ("g-1".parse().unwrap(), "Endpoint Team".to_owned());
    let add =
        vec![AccessPolicy { access: "allow".to_owned(), roles: vec!["DNS".to_owned()], on: Vec::new() }];
    Event::AccessIntended { change: Box::new(AccessChange { group, name, remove: Vec::new(), add }) }
}

pub(super) fn access_settled() -> Event {
    Event::AccessSettled { intent: 1, outcome: AccessOutcome::Written }
}

/// A log under construction.
pub(super) struct Log(pub(super) Vec<Recorded>);

impl Log {
    pub(super) fn add(&mut self, when: &str, actor: &Actor, event: Event) {
        let account = matches!(
            event,
            Event::DaemonStarted { .. }
                | Event::Stopped {}
                | Event::Started {}
                | Event::TokenMade { .. }
                | Event::TokenRevoked { .. }
                | Event::AccessIntended { .. }
                | Event::AccessSettled { .. }
        );
        let rollout = RolloutId { plan: PlanName::new("client").unwrap(), number: 1 };
        let rollout = (!account).then_some(rollout);
        let entry = Entry { actor: actor.clone(), reason: "for a test".to_owned(), rollout, event };
        self.0.push(Recorded { seq: self.0.len() as u64 + 1, at: at(when), entry });
    }

    pub(super) fn engine(&mut self, when: &str, event: Event) {
        self.add(when, &Actor::Engine, event);
    }

    pub(super) fn person(&mut self, when: &str, event: Event) {
        self.add(when, &Actor::Local { user: "ann".to_owned() }, event);
    }

    /// The place of the n-th event of a kind, from 0.
    pub(super) fn place(&self, kind: &str, n: usize) -> usize {
        let mut places =
            self.0.iter().enumerate().filter(|(_, recorded)| recorded.entry.event.kind() == kind);
        places.nth(n).unwrap_or_else(|| panic!("no {kind} number {n}")).0
    }

    pub(super) fn get(&mut self, kind: &str, n: usize) -> &mut Recorded {
        let place = self.place(kind, n);
        &mut self.0[place]
    }

    pub(super) fn event(&mut self, kind: &str, n: usize) -> &mut Event {
        &mut self.get(kind, n).entry.event
    }

    /// Puts an event of the engine just before another one, at its time.
    pub(super) fn insert(&mut self, kind: &str, n: usize, actor: &Actor, event: Event) {
        let place = self.place(kind, n);
        let when = self.0[place].at;
        self.add("12T09:00", actor, event);
        let mut added = self.0.pop().unwrap();
        added.at = when;
        self.0.insert(place, added);
        self.renumber();
    }

    pub(super) fn remove(&mut self, kind: &str, n: usize) {
        let place = self.place(kind, n);
        self.0.remove(place);
        self.renumber();
    }

    pub(super) fn renumber(&mut self) {
        for (place, recorded) in self.0.iter_mut().enumerate() {
            recorded.seq = place as u64 + 1;
        }
    }

    pub(super) fn intent(&mut self, n: usize) -> &mut WriteIntent {
        match self.event("write_planned", n) {
            Event::WritePlanned { intent, .. } => intent,
            _ => unreachable!(),
        }
    }

    pub(super) fn judgements(&mut self, kind: &str, n: usize) -> &mut Vec<Judgement> {
        match self.event(kind, n) {
            Event::AdoptionReached { judgements, .. } | Event::RingVerified { judgements, .. } => judgements,
            Event::WritePlanned { intent, .. } => &mut intent.judgements,
            _ => unreachable!(),
        }
    }

    pub(super) fn census(&mut self, kind: &str, n: usize) -> &mut EnvironmentCensus {
        match &mut self.judgements(kind, n)[0].evidence {
            Evidence::Adoption { census, .. } => census,
            _ => unreachable!(),
        }
    }
}

/// Two rings to their end: one written with a clear answer and paused on the way, one settled
/// after a doubt.
pub(super) fn sound() -> Log {
    use Environment::{Macos, Windows};
    let (first, second) = (ring_name("First"), ring_name("Second"));
    let mut log = Log(Vec::new());
    log.engine(
        "12T08:00",
        Event::DaemonStarted { version: "0.1.0".to_owned(), mode: Mode::Write, settles_seconds: None },
    );
    log.engine("12T08:00", Event::PlanAccepted { revision: revision("v1") });
    log.engine("12T08:00", Event::RingReached { ring: first.clone() });
    let write = intent(1, "First", "p1", &[Windows, Macos], at("12T08:50"));
    let given = group("g1", write.after.clone(), at("12T09:06"));
    log.engine("12T09:05", Event::WritePlanned { ring: first.clone(), intent: Box::new(write) });
    log.engine(
        "12T09:06",
        Event::WriteConfirmed { ring: first.clone(), write: WriteId(1), group: given, counted: None },
    );
    let judgements = vec![adopted(Windows, at("13T10:00")), adopted(Macos, at("13T10:00"))];
    log.engine("13T10:10", Event::AdoptionReached { ring: first.clone(), judgements });
    log.person("13T11:00", Event::Paused {});
    log.person("13T12:00", Event::PauseLifted {});
    let soak = soaked(at("13T10:10"), at("14T10:10"), 2, at("14T10:00"));
    let mut judgements = vec![adopted(Windows, at("14T10:00")), adopted(Macos, at("14T10:00"))];
    for environment in [Windows, Macos] {
        judgements.extend(healthy(environment, at("14T10:00"), Some(at("13T20:00"))));
    }
    judgements.push(soak);
    log.engine("14T10:10", Event::RingVerified { ring: first, judgements });
    log.engine("14T10:10", Event::RingReached { ring: second.clone() });
    let write = intent(2, "Second", "p2", &[Windows], at("14T10:00"));
    let given = group("g2", write.after.clone(), at("14T10:16"));
    log.engine("14T10:15", Event::WritePlanned { ring: second.clone(), intent: Box::new(write) });
    let (ring, why) = (second.clone(), "reset".to_owned());
    log.engine("14T10:17", Event::WriteDoubted { ring, write: WriteId(2), why, counted: None });
    let (finding, first_read_at) = (Finding::Applied { group: given }, at("14T10:18"));
    let (ring, write) = (second.clone(), WriteId(2));
    let read = Event::DoubtRead { ring, write, finding: finding.clone(), read_at: first_read_at };
    log.engine("14T10:18", read);
    let (ring, write, second_read_at) = (second.clone(), WriteId(2), at("14T10:19"));
    log.engine("14T10:19", Event::WriteSettled { ring, write, finding, first_read_at, second_read_at });
    let (ring, gate, environment) = (second.clone(), Gate::Adoption, Some(Windows));
    let unknown = Event::GateUnknown { ring: ring.clone(), gate, environment, why: Unknown::StaleSweep };
    log.engine("14T12:00", unknown);
    log.engine("14T13:00", Event::GateKnown { ring, gate, environment });
    let judgements = vec![adopted(Windows, at("15T10:00"))];
    log.engine("15T10:10", Event::AdoptionReached { ring: second.clone(), judgements });
    let soak = soaked(at("15T10:10"), at("16T10:10"), 1, at("16T10:00"));
    let mut judgements = vec![adopted(Windows, at("16T10:00"))];
    judgements.extend(healthy(Windows, at("16T10:00"), None));
    judgements.push(soak);
    log.engine("16T10:30", Event::RingVerified { ring: second, judgements });
    log.engine("16T10:30", Event::RolloutCompleted {});
    log
}

pub(super) fn journal() -> Vec<UpstreamWrite> {
    use Environment::{Macos, Windows};
    let write = |when: &str, body| UpstreamWrite {
        received_at: at(when),
        group: None,
        body,
        applied_at: Some(at(when)),
        held_back: false,
        retargeted: None,
    };
    vec![
        write("12T09:06", content("First", "p1", &[Windows, Macos])),
        write("14T10:16", content("Second", "p2", &[Windows])),
    ]
}

pub(super) type Row = (&'static str, fn(&mut Log), Law, &'static str);

pub(super) fn assert_rows(rows: &[Row]) {
    for (row, spoil, law, text) in rows {
        let mut log = sound();
        spoil(&mut log);
        let found = check(&log.0, &[]);
        let caught = found.iter().any(|violation| violation.law == *law && violation.text.contains(text));
        assert!(caught, "{row}: expected {law} with `{text}`, found {found:#?}");
    }
}

pub(super) fn engine() -> Actor {
    Actor::Engine
}

pub(super) fn person() -> Actor {
    Actor::Local { user: "ann".to_owned() }
}
