//! Done-when 3: what `diff` lists is what execution then does, over random plans and accounts.
//!
//! A plan is run to its end on an account with groups in its way; now and then somebody edits the
//! account, then the plan is changed and run again. Before each run a preview is taken from fresh
//! reads; afterwards its writes are compared with the journal of the account, one by one.
//! `RINGWARD_PREVIEWS` says how many plans (default 500), `RINGWARD_SEED` where they begin.
//!
//! **Invariant:** time and devices never stand in the way here, so whatever is not written is
//! blocked, and the report in the end has the preview's blockers.

use std::collections::{BTreeMap, BTreeSet};

use ringward::fleet::{Fleet, Membership, Sweep, SweepScope};
use ringward::ids::{DeviceId, GroupId, PlanName, RingName};
use ringward::plan::model::{
    Adoption, AllowDowngrade, DeviceLimit, Health, OnDrift, OnFailure, OnNewTarget, Percent, Plan,
    ProfileRef, Revision, RingPlan, RollbackRules,
};
use ringward::rollout::decide::blocker::Blocker;
use ringward::rollout::judge::grouping::Veto;
use ringward::rollout::people::command::Command;
use ringward::rollout::record::{Actor, Event, Mode, Purpose};
use ringward::rollout::record::{Gate, Unknown, Verdict};
use ringward::rollout::record::{Group, GroupContent, Profile, Profiles, VersionEntry};
use ringward::rollout::state::{Phase, State};
use ringward::rollout::tell::preview::{Course, Outcome, Preview, PreviewedWrite, preview};
use ringward::rollout::world::{Known, Observations, Observed};
use ringward::schedule::Schedule;
use ringward::time::{SignedDuration, Timestamp, after};
use ringward::version::{ClientVersion, Environment};

use super::number;
use super::plans::{LATER, OLD, PROFILES, TARGET, policy, profiles_of, revised, span};
use super::support::drive::devices::{DeviceScript, Devices, Reaction};
use super::support::drive::upstream::{Call, GroupWrite, JournalLine, Outsider, Upstream};
use super::support::drive::{Drive, Happening, OnDisk, Pace};
use crate::support::dice::Dice;

/// Nothing here takes longer than this between two events of a rollout that is not blocked.
const AT_REST: SignedDuration = SignedDuration::from_hours(3);

/// What a run must have met at least this often, or the dice are wrong.
const LEAST_MET: usize = 5;

const KINDS: [&str; 25] = [
    "group created",
    "group changed",
    "group adopted and changed",
    "group adopted in place",
    "own group in place",
    "profile moved between rings",
    "environment kept",
    "entry without an environment kept",
    "ring already entered",
    "rollout begun",
    "rollout superseded",
    "rollout revised",
    "rollout completed",
    "drift",
    "group written back",
    "targets not offered",
    "veto ambiguous_name",
    "veto foreign_profiles",
    "veto owned_elsewhere",
    "veto profile_taken",
    "veto ambiguous_versions",
    "blast limit",
    "profile unresolved",
    "nobody to move",
    "write before a block",
];

/// A write as the journal and the preview can both tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    of: Of,
    after: GroupContent,
}

/// Whose write it is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Of {
    /// The group is created by it.
    New,
    /// The group of this name is created by an earlier write: the preview cannot know its ID.
    Earlier(String),
    /// The group was there before.
    Known(GroupId),
}

#[derive(Default)]
struct Met(BTreeMap<&'static str, usize>);

impl Met {
    fn see(&mut self, kind: &'static str) {
        assert!(KINDS.contains(&kind), "{kind} is not in the list");
        *self.0.entry(kind).or_default() += 1;
    }
}

fn name() -> PlanName {
    PlanName::new("alpha").unwrap()
}

fn told(preview: &Preview) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut created: BTreeMap<GroupId, String> = BTreeMap::new();
    for write in preview.writes() {
        let of = match &write.before {
            None => Of::New,
            Some(group) => {
                let makes_it = |earlier: &Told| earlier.of == Of::New && earlier.after == group.content;
                let name = || Some(told.iter().find(|earlier| makes_it(earlier))?.after.name.clone());
                let earlier = created.get(&group.id).cloned().or_else(name);
                created.extend(earlier.clone().map(|earlier| (group.id.clone(), earlier)));
                earlier.map_or_else(|| Of::Known(group.id.clone()), Of::Earlier)
            }
        };
        told.push(Told { of, after: write.after.clone() });
    }
    told
}

fn journal<'a>(writes: impl Iterator<Item = &'a JournalLine>) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut created: BTreeMap<GroupId, String> = BTreeMap::new();
    for request in writes {
        let (of, after) = match &request.asked {
            Call::Write(GroupWrite { group: None, content: after }) => {
                created.extend(request.applied.as_ref().map(|group| (group.id.clone(), after.name.clone())));
                (Of::New, after)
            }
            Call::Write(GroupWrite { group: Some(id), content: after }) => {
                let earlier = created.get(id).cloned();
                (earlier.map_or_else(|| Of::Known(id.clone()), Of::Earlier), after)
            }
            Call::Read(_) => panic!("a read among the writes"),
        };
        told.push(Told { of, after: after.clone() });
    }
    told
}

/// What `diff` reads: everything, now.
fn fresh_world(drive: &mut Drive) -> Observations {
    let now = drive.now;
    let mut fleet = Fleet::remembered(drive.daemon.engine.world.fleet.devices().cloned());
    let devices = drive.upstream.devices.sweep(&SweepScope::Full, now);
    let sweep = Sweep { scope: SweepScope::Full, started_at: now, finished_at: now, devices };
    fleet.observe(sweep, &Membership::default());
    let groups: Vec<_> = drive.upstream.groups().cloned().collect();
    let mut world = Observations {
        profiles: Some(Observed { value: Profiles { listed: drive.upstream.profiles.clone() }, as_of: now }),
        fleet,
        ..Observations::default()
    };
    for id in drive.daemon.engine.state.groups.keys().filter(|id| groups.iter().all(|group| group.id != **id))
    {
        world.single_groups.insert(id.clone(), Observed { value: None, as_of: now });
    }
    world.groups = Some(Observed { value: groups, as_of: now });
    world
}

fn account(dice: &mut Dice) -> Upstream {
    let mut stories = Vec::new();
    for id in PROFILES {
        // A profile without devices that can be moved is nobody to move.
        let empty = dice.chance(5);
        for (n, os) in ["windows", "mac", "windows"].into_iter().enumerate() {
            let device = DeviceId::new(format!("{id}-{n}")).unwrap();
            let os = if empty { "linux" } else { os };
            let mut story = DeviceScript::new(device, os, OLD, policy(id));
            story.heartbeat = SignedDuration::from_mins(1);
            let minute = SignedDuration::from_mins(1);
            story.reaction = Reaction::Arrives { notified_after: minute, installs_in: minute };
            stories.push(story);
        }
    }
    let profiles = PROFILES.iter().map(|id| Profile {
        id: policy(id),
        name: (*id != "everyone").then(|| format!("Profile {id}")),
        is_default: *id == "everyone",
        enabled: true,
    });
    Upstream::new(Devices::new(stories, Some(policy("everyone"))), profiles.collect())
}

fn profile(dice: &mut Dice, id: &str) -> ProfileRef {
    match (id, dice.below(2)) {
        ("everyone", _) => ProfileRef::Default,
        (id, 0) => ProfileRef::Id(policy(id)),
        (id, _) => ProfileRef::Named(format!("Profile {id}")),
    }
}

fn targets(dice: &mut Dice, version: ClientVersion) -> BTreeMap<Environment, ClientVersion> {
    let environments: &[Environment] = match dice.below(4) {
        0 => &[Environment::Windows],
        1 => &[Environment::Macos],
        _ => &Environment::ALL,
    };
    environments.iter().map(|environment| (*environment, version)).collect()
}

fn plan(dice: &mut Dice) -> Plan {
    let mut free: Vec<&str> = PROFILES.to_vec();
    let rings = (0..=dice.below(4))
        .map(|n| {
            let count = 1 + dice.below(2).min(free.len() - 1).min(usize::from(free.len() > 4));
            let profiles: Vec<&str> = (0..count).map(|_| free.remove(dice.below(free.len()))).collect();
            RingPlan {
                name: RingName::new(format!("Ring {n}")).unwrap(),
                was: None,
                group: format!("Group {n}"),
                profiles: profiles.iter().map(|id| profile(dice, id)).collect(),
                targets: targets(dice, TARGET),
                schedule: Schedule::always(),
                adoption: Adoption {
                    at_least: Percent::whole(50),
                    within: span("30d"),
                    seen_at_least: Percent::whole(0),
                },
                soak: span("10m"),
                health: Health::default(),
                unknown_after: span("30d"),
                on_failure: OnFailure::Halt,
                rollback: RollbackRules::default(),
                approval: None,
                max_devices: None,
                allow_downgrade: AllowDowngrade::Nothing,
            }
        })
        .collect();
    Plan {
        name: name(),
        was: None,
        description: None,
        account: None,
        author: None,
        forbid: Vec::new(),
        on_new_target: OnNewTarget::Replace,
        on_drift: dice.pick(&[OnDrift::Halt, OnDrift::Restore]),
        rings,
    }
}

/// What an admin gets wrong, though no decoder can know.
fn blunder(dice: &mut Dice, plan: &mut Plan) {
    let n = dice.below(plan.rings.len());
    match dice.below(12) {
        0 => plan.rings[n].profiles.push(ProfileRef::Named("No such profile".to_owned())),
        1 if n > 0 => plan.rings[n].group = plan.rings[n - 1].group.clone(),
        2 => plan.rings[n].max_devices = DeviceLimit::new(1),
        _ => {}
    }
}

/// Groups that were there before, in the way or ready to be taken over.
fn found_groups(dice: &mut Dice, upstream: &mut Upstream, plan: &Plan, at: Timestamp) {
    for ring in &plan.rings {
        if !dice.chance(45) {
            continue;
        }
        let versions = |version: ClientVersion| -> Vec<VersionEntry> {
            ring.targets.keys().map(|environment| VersionEntry::of(*environment, version)).collect()
        };
        let mut content =
            GroupContent { name: ring.group.clone(), versions: versions(OLD), policies: profiles_of(ring) };
        match dice.below(16) {
            0..=2 => content.versions = versions(TARGET),
            3 => content.versions.push(VersionEntry { environment: None, version: "x".to_owned() }),
            4 => content.policies.clear(),
            5 => content.name = "Somebody else's".to_owned(),
            6 => content.versions.extend(versions(LATER)),
            7 => {
                let twin = GroupContent { policies: BTreeSet::new(), ..content.clone() };
                upstream.outside(&Outsider::Creates(twin), at);
            }
            8 => {
                content.policies.insert(policy(dice.pick(&PROFILES)));
            }
            9 | 10 => {
                content.versions =
                    Environment::ALL.map(|environment| VersionEntry::of(environment, OLD)).to_vec();
            }
            _ => {}
        }
        content.versions.sort();
        upstream.outside(&Outsider::Creates(content), at);
    }
}

/// The plan's next edit: of targets, of rings, or of whose profile is where.
fn edited(dice: &mut Dice, plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for _ in 0..=dice.below(3) {
        let n = dice.below(plan.rings.len());
        match dice.below(7) {
            0 => {
                for version in plan.rings.iter_mut().flat_map(|ring| ring.targets.values_mut()) {
                    *version = LATER;
                }
            }
            1 => {
                let targets = targets(dice, LATER);
                plan.rings[n].targets = targets;
            }
            2..=4 if plan.rings.len() > 1 => {
                let m = (n + 1 + dice.below(plan.rings.len() - 1)) % plan.rings.len();
                let moved = plan.rings[n].profiles.pop();
                plan.rings[m].profiles.extend(moved);
                if plan.rings[n].profiles.is_empty() {
                    let back = plan.rings[m].profiles.remove(0);
                    plan.rings[n].profiles.push(back);
                }
            }
            5 if plan.rings.len() > 1 => drop(plan.rings.remove(n)),
            _ => plan.rings[n].soak = span(dice.pick(&["10m", "20m"])),
        }
    }
    blunder(dice, &mut plan);
    plan
}

/// Somebody else's edit between two runs.
fn outsider(dice: &mut Dice, plan: &Plan) -> Outsider {
    let ring = dice.pick(&plan.rings);
    match dice.below(5) {
        0 => Outsider::SetsVersion(ring.group, dice.pick(&Environment::ALL), "2026.7.1.0".to_owned()),
        1 => Outsider::Deletes(ring.group),
        2 => {
            let name = "Somebody else's".to_owned();
            Outsider::Creates(GroupContent { name, versions: Vec::new(), policies: profiles_of(&ring) })
        }
        3 => Outsider::SetsProfiles(ring.group, BTreeSet::new()),
        _ => Outsider::Creates(GroupContent {
            name: ring.group,
            versions: vec![VersionEntry::of(Environment::Windows, OLD)],
            policies: BTreeSet::new(),
        }),
    }
}

/// Runs until nothing has happened for [`AT_REST`]. Soaks are waived as soon as they begin: days
/// change nothing about the writes.
fn run(drive: &mut Drive) {
    let mut seen = drive.daemon.log.len();
    let mut rest = after(drive.now, AT_REST);
    while drive.step(rest) {
        if drive.daemon.log.len() == seen {
            continue;
        }
        let fresh: Vec<Event> =
            drive.daemon.log[seen..].iter().map(|recorded| recorded.entry.event.clone()).collect();
        seen = drive.daemon.log.len();
        rest = after(drive.now, AT_REST);
        for event in fresh {
            if let Event::AdoptionReached { ring, .. } = event {
                ask(drive, Command::Waive { plan: name(), gate: Gate::Soak, ring: Some(ring) });
            }
        }
    }
    drive.run_until(rest);
}

fn ask(drive: &mut Drive, command: Command) {
    let ana = Actor::Local { user: "ana".to_owned() };
    drive.at(drive.now, Happening::Command(ana, "a test".to_owned(), command));
}

fn is_halted(drive: &Drive) -> bool {
    drive.daemon.engine.state.plans.get(&name()).is_some_and(|plan| plan.rollout.halted.is_some())
}

/// Whether these writes are the first of those foreseen. A group is written back once its drift is
/// read, which for a deleted one takes a read of its own: other writes may come before it.
fn are_first(done: &[Told], expected: &[Told], restores: usize) -> bool {
    let (back, others) = expected.split_at(restores);
    let (mut back, mut others) = (back.to_vec(), others.iter());
    done.iter().all(|write| {
        let known = back.iter().position(|known| known == write).map(|at| back.remove(at));
        known.is_some() || others.next() == Some(write)
    })
}

/// Takes a preview of a revision, has the daemon carry it out, and compares.
fn compare(drive: &mut Drive, revision: &Revision, met: &mut Met) -> Result<(), String> {
    let world = fresh_world(drive);
    let state = drive.daemon.engine.state.clone();
    let known = Known { state: &state, world: &world, now: drive.now };
    let foreseen = preview(&name(), revision, known).map_err(|error| error.to_string())?;
    let (written, logged) = (drive.upstream.writes().count(), drive.daemon.log.len());
    let asked_at = drive.now;
    drive.at(asked_at, Happening::Edit(name(), Some(OnDisk::Good(Box::new(revision.clone())))));
    run(drive);
    let expected = told(&foreseen);
    let halts = |blocker: &Blocker| matches!(blocker, Blocker::Halted(_));
    if foreseen.now.iter().any(halts) != is_halted(drive) {
        let (now, halted) = (&foreseen.now, is_halted(drive));
        return Err(format!("the preview says {now:?}, halted is {halted}\n{}", drive.tail()));
    }
    // A person looks at each drift and accepts it.
    for _ in 0..10 {
        let done = journal(drive.upstream.writes().skip(written));
        if !are_first(&done, &expected, foreseen.restores.len()) {
            return Err(format!("foreseen {expected:#?}, done {done:#?}"));
        }
        if !is_halted(drive) {
            break;
        }
        met.see("drift");
        ask(drive, Command::Resume(name()));
        run(drive);
    }
    let done = journal(drive.upstream.writes().skip(written));
    if expected.len() != done.len() || !are_first(&done, &expected, foreseen.restores.len()) {
        return Err(format!("foreseen {expected:#?}, done {done:#?}, {:#?}", foreseen.rings));
    }
    ended(drive, &foreseen)?;
    // Offers are counted from write to write, in the order foreseen.
    if expected.starts_with(&done) {
        moved(drive, &foreseen, (asked_at, written))?;
    }
    met.rings(&foreseen, &state);
    for recorded in &drive.daemon.log[logged..] {
        met.event(&recorded.entry.event);
    }
    Ok(())
}

/// Each ring's writes change the offers of as many devices as foreseen: by the account's history.
fn moved(drive: &Drive, foreseen: &Preview, (asked_at, written): (Timestamp, usize)) -> Result<(), String> {
    let mut writes = drive.upstream.writes().skip(written);
    let mut before = drive.upstream.groups_at(asked_at);
    let written_back = writes.by_ref().take(foreseen.restores.len()).last();
    if let Some(applied) = written_back.and_then(|request| request.applied.as_ref()) {
        before = drive.upstream.groups_at(applied.updated_at);
    }
    for ring in foreseen.reachable() {
        let last = writes.by_ref().take(ring.writes.len()).last();
        let Some(applied) = last.and_then(|request| request.applied.as_ref()) else { continue };
        let after = drive.upstream.groups_at(applied.updated_at);
        let (mut retargeted, mut released) = (BTreeMap::new(), BTreeMap::new());
        for story in drive.upstream.devices.stories() {
            let environment = match story.device_type.as_str() {
                "windows" => Environment::Windows,
                "mac" => Environment::Macos,
                _ => continue,
            };
            let offered = |groups: &BTreeMap<GroupId, Group>| {
                let group = groups.values().find(|group| group.content.policies.contains(&story.profile))?;
                group.content.target(environment).map(str::to_owned)
            };
            let offer = offered(&after);
            if offer != offered(&before) {
                let counts = if offer.is_some() { &mut retargeted } else { &mut released };
                *counts.entry(environment).or_insert(0) += 1;
            }
        }
        if (&ring.retargeted, &ring.released) != (&retargeted, &released) {
            return Err(format!("{ring:#?}: in truth {retargeted:?} and {released:?}"));
        }
        before = after;
    }
    Ok(())
}

/// A plan that the preview calls blocked waits for just that; any other is completed.
fn ended(drive: &Drive, foreseen: &Preview) -> Result<(), String> {
    let report = &drive.daemon.reports[&name()];
    let Some(Outcome::Blocked(blockers)) = foreseen.reachable().last().map(|ring| &ring.outcome) else {
        let over = report.phase == Phase::Completed;
        return if over {
            Ok(())
        } else {
            Err(format!("it waits for {:#?}\n{}", report.waiting_on, drive.tail()))
        };
    };
    let not_offered = |blocker: &Blocker| matches!(blocker, Blocker::NotOffered { .. });
    if foreseen.course == Course::Completed && blockers.iter().all(not_offered) {
        // What a completed rollout's groups lack is told, and waited for no more.
        let over = report.phase == Phase::Completed && report.waiting_on.is_empty();
        return if over { Ok(()) } else { Err(format!("{blockers:#?}, but it is {:?}", report.phase)) };
    }
    let same = |one: &Blocker, other: &Blocker| match (one, other) {
        // The evidence holds instants.
        (Blocker::Gate(one_ring, one), Blocker::Gate(other_ring, other)) => {
            one_ring == other_ring && one.gate == other.gate && one.verdict == other.verdict
        }
        (one, other) => one == other,
    };
    let found = |blocker: &Blocker| report.waiting_on.iter().any(|waits| same(blocker, waits));
    if !blockers.is_empty() && blockers.iter().all(found) {
        return Ok(());
    }
    Err(format!("foreseen {blockers:#?}, it waits for {:#?}", report.waiting_on))
}

impl Met {
    fn rings(&mut self, foreseen: &Preview, state: &State) {
        foreseen.restores.iter().for_each(|write| self.write(write, state));
        for ring in foreseen.reachable() {
            let own = state.group_of(&name(), &ring.name);
            match &ring.outcome {
                Outcome::Entered(_) => self.see("ring already entered"),
                Outcome::InPlace if own.is_some() => self.see("own group in place"),
                Outcome::InPlace => self.see("group adopted in place"),
                Outcome::Written => {}
                Outcome::Blocked(blockers) => {
                    blockers.iter().for_each(|blocker| self.blocker(blocker));
                    if foreseen.writes().next().is_some() {
                        self.see("write before a block");
                    }
                }
            }
            for write in &ring.writes {
                self.write(write, state);
            }
        }
    }

    fn write(&mut self, write: &PreviewedWrite, state: &State) {
        self.see(match (&write.purpose, &write.before) {
            (Purpose::Restore, _) => "group written back",
            (Purpose::Rollback { .. }, _) => "group taken back",
            (Purpose::MoveOut { .. }, _) => "profile moved between rings",
            (Purpose::PutBack { .. }, _) => "profile put back",
            (Purpose::Target, None) => "group created",
            (Purpose::Target, Some(group)) if state.groups.contains_key(&group.id) => "group changed",
            (Purpose::Target, Some(_)) => "group adopted and changed",
        });
        let Some(before) = &write.before else { return };
        let kept = |of: Option<Environment>| {
            let of = |entry: &&VersionEntry| entry.environment.as_deref() == of.map(Environment::as_str);
            before.content.versions.iter().filter(of).any(|entry| write.after.versions.contains(entry))
        };
        if write.purpose == Purpose::Target && Environment::ALL.into_iter().any(|of| kept(Some(of))) {
            self.see("environment kept");
        }
        if kept(None) {
            self.see("entry without an environment kept");
        }
    }

    fn blocker(&mut self, blocker: &Blocker) {
        match blocker {
            Blocker::Veto(_, veto) => self.see(match veto {
                Veto::AmbiguousName { .. } => "veto ambiguous_name",
                Veto::ForeignProfiles { .. } => "veto foreign_profiles",
                Veto::OwnedElsewhere { .. } => "veto owned_elsewhere",
                Veto::ProfileTaken { .. } => "veto profile_taken",
                Veto::AmbiguousVersions { .. } => "veto ambiguous_versions",
            }),
            Blocker::NotOffered { .. } => self.see("targets not offered"),
            Blocker::Gate(_, judgement) => match judgement.verdict {
                Verdict::Unknown(Unknown::ProfileUnresolved) => self.see("profile unresolved"),
                Verdict::Unknown(Unknown::NobodyToMove) => self.see("nobody to move"),
                _ => panic!("no gate but the fleet's blocks: {judgement:?}"),
            },
            Blocker::BlastLimit(..) => self.see("blast limit"),
            other => panic!("nothing else blocks a ring here: {other:?}"),
        }
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::PlanAccepted { .. } => self.see("rollout begun"),
            Event::PlanRevised { .. } => self.see("rollout revised"),
            Event::RolloutSuperseded { .. } => self.see("rollout superseded"),
            Event::RolloutCompleted {} => self.see("rollout completed"),
            _ => {}
        }
    }
}

/// One plan with its edits; what is wrong with it, in words.
fn story(seed: u64, met: &mut Met) -> Result<(), String> {
    let dice = &mut Dice::new(seed);
    let start: Timestamp = "2026-10-12T08:00:00Z".parse().unwrap();
    let mut plan = plan(dice);
    blunder(dice, &mut plan);
    let mut upstream = account(dice);
    found_groups(dice, &mut upstream, &plan, after(start, -SignedDuration::from_hours(100)));
    let pace = Pace { poll: SignedDuration::from_mins(15), ..Pace::default() };
    let mut drive = Drive::new(upstream, Vec::new(), pace, Mode::Write, start);
    drive.run_until(start);
    compare(&mut drive, &revised(plan.clone()), met)?;
    for _ in 0..dice.below(3) {
        if dice.chance(30) {
            let edit = outsider(dice, &plan);
            let now = drive.now;
            drive.upstream.outside(&edit, now);
            // It may lift a veto, too: then the plan goes on before the next preview is taken.
            run(&mut drive);
        }
        plan = edited(dice, &plan);
        compare(&mut drive, &revised(plan.clone()), met)?;
    }
    Ok(())
}

#[test]
fn execution_makes_the_writes_that_the_preview_lists() {
    let (plans, first) = (number("RINGWARD_PREVIEWS", 500), number("RINGWARD_SEED", 1));
    println!("seed {first}: previews of {plans} random plans");
    let mut met = Met::default();
    for seed in first..first + plans {
        if let Err(wrong) = story(seed, &mut met) {
            panic!("with seed {seed} (RINGWARD_SEED={seed} RINGWARD_PREVIEWS=1 repeats it): {wrong}");
        }
    }
    let line: Vec<String> = met.0.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    println!("coverage of previews: {}", line.join(" · "));
    let rare = KINDS.iter().filter(|kind| met.0.get(*kind).copied().unwrap_or(0) < LEAST_MET);
    let rare: Vec<_> = rare.collect();
    assert!(plans < 500 || rare.is_empty(), "met less than {LEAST_MET} times: {rare:?}");
}
