//! Where a ring goes back to, row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::{GroupId, PlanName, PolicyId, RingName};
use crate::plan;
use crate::rollout::judge::rollback_target::{NoRollbackTarget, Scope, steps};
use crate::rollout::record::{
    Actor, Entry, Event, Group, GroupContent, Recorded, RolloutId, SoakFact, WriteId,
};
use crate::rollout::record::{Ground, RollbackTarget};
use crate::rollout::state::{Attribution, BlockedVersion, KnownWayBack, Moved, OwnedGroup, State};
use crate::time::Timestamp;
use crate::version::{ClientVersion, Environment};

const NEW: ClientVersion = ClientVersion::new(2026, 8, 2100, 0);
const OLD: ClientVersion = ClientVersion::new(2026, 7, 1376, 0);
const OLDER: ClientVersion = ClientVersion::new(2026, 6, 880, 0);
/// It ignores assignments.
const ANCIENT: &str = "2025.10.186.0";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn policies(ids: &[&str]) -> BTreeSet<PolicyId> {
    ids.iter().map(|id| PolicyId::new(*id).unwrap()).collect()
}

/// A rollout of one ring that was moved to [`NEW`] by write 7.
fn moved(keys: &str, was: Option<&str>) -> State {
    let text = format!(
        "plan: client\nversions: {{windows: {NEW}}}\n{keys}rings:\n  - {{name: First, profiles: [default]}}\n"
    );
    let revision = plan::read("client.yaml", text.as_bytes()).unwrap();
    let name = PlanName::new("client").unwrap();
    let id = RolloutId { plan: name.clone(), number: 1 };
    let entry = Entry::engine(&id, "for a test", Event::PlanAccepted { revision: Box::new(revision) });
    let mut state = State::default();
    state.apply(&Recorded { seq: 1, at: at("2026-10-12T09:00:00Z"), entry }).unwrap();
    let ring = &mut Arc::make_mut(state.plans.get_mut(&name).unwrap()).rollout.rings[0];
    let was = was.map(str::to_owned);
    let one = Moved {
        write: WriteId(7),
        was,
        version: NEW,
        policies: policies(&["p1"]),
        known: KnownWayBack::default(),
    };
    ring.moved.insert(Environment::Windows, one);
    state
}

/// The same, with what its profiles soaked on, and when.
fn soaked(mut state: State, soaks: &[(&str, ClientVersion, &str)]) -> State {
    for (policy, version, verified_at) in soaks {
        state.soaks.push(SoakFact {
            group: GroupId::new("g1").unwrap(),
            policies: policies(&[policy]),
            targets: BTreeMap::from([(Environment::Windows, *version)]),
            verified_at: at(verified_at),
        });
    }
    state
}

fn held(mut state: State, version: ClientVersion) -> State {
    let actor = Actor::Local { user: "ada".to_owned() };
    state.blocked_versions.push(BlockedVersion {
        plan: PlanName::new("client").unwrap(),
        ring: RingName::new("First").unwrap(),
        policy: PolicyId::new("p1").unwrap(),
        environment: Environment::Windows,
        version,
        by: Attribution { actor, reason: "before".to_owned(), since: at("2026-10-01T00:00:00Z") },
    });
    state
}

/// Where the ring goes, and why; or what was tried, where there is no way.
type Goes = Result<(ClientVersion, Ground), Vec<String>>;

fn goes(state: &State) -> Goes {
    let plan = &state.plans[&PlanName::new("client").unwrap()];
    match steps(state, plan, &Scope::default()) {
        Ok(found) => {
            let RollbackTarget { from, to, ground } = found[0].back[&Environment::Windows].clone();
            assert_eq!((found.len(), from), (1, NEW));
            Ok((to, ground))
        }
        Err(NoRollbackTarget::Stuck(stuck)) => Err(stuck[0].tried.clone()),
        Err(NoRollbackTarget::NothingMoved) => panic!("it was moved"),
    }
}

#[test]
fn a_ring_goes_back_to_what_is_known_best() {
    let (early, late) = ("2026-09-01T10:00:00Z", "2026-10-01T10:00:00Z");
    let verified = |version, at_: &str| Ok((version, Ground::Verified { at: at(at_) }));
    let before = |version| Ok((version, Ground::BeforeWrite { write: WriteId(7) }));
    let said = "rollback_to: {windows: 2026.6.880.0}";
    let defaults = format!("defaults: {{{said}}}\n");
    let forbids = "forbid: [{versions: \"=2026.7.1376\", reason: breaks DNS}]\n";
    let old = OLD.to_string();
    let rows: Vec<(&str, State, Goes)> = vec![
        (
            "what it was verified on wins over what was on offer",
            soaked(moved("", Some(&OLDER.to_string())), &[("p1", OLD, early)]),
            verified(OLD, early),
        ),
        (
            "the newest of two",
            soaked(moved("", None), &[("p1", OLDER, late), ("p1", OLD, early)]),
            verified(OLDER, late),
        ),
        (
            "not what it is on, though that was verified last",
            soaked(moved("", None), &[("p1", OLD, early), ("p1", NEW, late)]),
            verified(OLD, early),
        ),
        (
            "what other profiles were verified on says nothing",
            soaked(moved("", Some(&old)), &[("p2", OLDER, late)]),
            before(OLD),
        ),
        ("what was on offer before", moved(&defaults, Some(&old)), before(OLD)),
        ("what the plan says, for a new group", moved(&defaults, None), Ok((OLDER, Ground::Plan))),
        (
            "what is blocked itself is passed over",
            held(soaked(moved(&defaults, Some(&old)), &[("p1", OLD, early)]), OLD),
            Ok((OLDER, Ground::Plan)),
        ),
        (
            "what the plan forbids by now, too",
            soaked(moved(forbids, Some(&OLDER.to_string())), &[("p1", OLD, early)]),
            before(OLDER),
        ),
        ("and what ignores assignments", moved(&defaults, Some(ANCIENT)), Ok((OLDER, Ground::Plan))),
        (
            "nowhere: all that was looked at is told",
            held(moved("", Some("latest")), OLD),
            Err(vec![
                "its profiles were never verified on another version".to_owned(),
                "`latest`, on offer before, is not a client version".to_owned(),
                "the plan has no `rollback_to` for it".to_owned(),
            ]),
        ),
        (
            "nowhere: what is known is of no use",
            held(soaked(moved(forbids, Some(ANCIENT)), &[("p1", OLD, early), ("p1", OLDER, late)]), OLDER),
            Err(vec![
                "2026.6.880.0, verified before, is blocked there itself".to_owned(),
                "2026.7.1376.0, verified before, is forbidden by the plan (breaks DNS)".to_owned(),
                format!(
                    "{ANCIENT}, on offer before write 7, ignores assignments: nobody could move its devices again"
                ),
                "the plan has no `rollback_to` for it".to_owned(),
            ]),
        ),
    ];
    for (row, state, expected) in rows {
        assert_eq!(goes(&state), expected, "{row}");
    }
}

/// Entered so.
fn entered(mut state: State, known: KnownWayBack) -> State {
    let plan = state.plans.get_mut(&PlanName::new("client").unwrap()).unwrap();
    let ring = &mut Arc::make_mut(plan).rollout.rings[0];
    ring.moved.get_mut(&Environment::Windows).unwrap().known = known;
    state
}

/// Its plan owns the group of the soaks.
fn owning(mut state: State, plan: &str) -> State {
    let content = GroupContent { name: "g".to_owned(), policies: policies(&["p2"]), versions: Vec::new() };
    let at = at("2026-10-01T00:00:00Z");
    let last = Group { id: GroupId::new("g1").unwrap(), content, updated_at: at };
    let owned = OwnedGroup::of(&PlanName::new(plan).unwrap(), &RingName::new("Other").unwrap(), &last);
    state.groups.insert(last.id, owned);
    state
}

#[test]
fn what_came_into_the_plan_after_the_entry_is_no_way_back_where_people_approve() {
    let says = format!("defaults: {{rollback_to: {{windows: {OLDER}}}}}\n");
    let asks =
        format!("defaults: {{rollback_to: {{windows: {OLDER}}}, approval: {{user_group: Approvers}}}}\n");
    let early = "2026-09-01T10:00:00Z";
    let asked = KnownWayBack { was_asked: true, ..KnownWayBack::default() };
    let ran = |version| KnownWayBack { ran: [version].into(), ..asked.clone() };
    let said = |version| KnownWayBack { rollback_to: Some(version), ..asked.clone() };
    let other = |state| soaked(state, &[("p2", OLDER, early)]);
    let goes_there = Ok((OLDER, Ground::Plan));
    let nowhere = Err(vec![
        "its profiles were never verified on another version".to_owned(),
        "no version was on offer before write 7".to_owned(),
        format!(
            "{OLDER}, `rollback_to` of the plan, came into the plan after the entry, and nobody approved it; no device of the ring ran it then, and no ring of the plan was verified on it"
        ),
    ]);
    let rows: Vec<(&str, State, &Goes)> = vec![
        ("nobody was asked, nobody is", entered(moved(&says, None), KnownWayBack::default()), &goes_there),
        ("people approved the entry, and nobody this", entered(moved(&says, None), asked.clone()), &nowhere),
        (
            "nobody was asked then, and somebody is now",
            entered(moved(&asks, None), KnownWayBack::default()),
            &nowhere,
        ),
        ("the plan said so when they approved", entered(moved(&says, None), said(OLDER)), &goes_there),
        ("it said something else", entered(moved(&says, None), said(OLD)), &nowhere),
        ("a device ran it", entered(moved(&says, None), ran(OLDER)), &goes_there),
        ("devices ran something else", entered(moved(&says, None), ran(OLD)), &nowhere),
        (
            "another ring of the plan was verified on it",
            owning(other(entered(moved(&says, None), asked.clone())), "client"),
            &goes_there,
        ),
        (
            "a ring of another plan was",
            owning(other(entered(moved(&says, None), asked.clone())), "other"),
            &nowhere,
        ),
    ];
    for (row, state, expected) in rows {
        assert_eq!(goes(&state), *expected, "{row}");
    }
}

#[test]
fn nothing_is_taken_back_that_was_not_moved() {
    let state = moved("", Some("2026.7.1376.0"));
    let plan = &state.plans[&PlanName::new("client").unwrap()];
    let scope = Scope { environment: Some(Environment::Macos), ring: None };
    assert_eq!(steps(&state, plan, &scope), Err(NoRollbackTarget::NothingMoved));
    let scope = Scope { environment: Some(Environment::Windows), ring: RingName::new("First").ok() };
    assert!(steps(&state, plan, &scope).is_ok());
}
