//! Random scenes: an account, a fleet of stories, faults, people, and a daemon among them.
//!
//! **Invariant:** a scene is a function of its seed.

use std::collections::BTreeSet;

use ringward::fleet::Reported;
use ringward::ids::{DeviceId, PlanName, RingName};
use ringward::plan::model::{Revision, RingPlan};
use ringward::rollout::people::command::Command;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::record::Gate;
use ringward::rollout::record::{Actor, Mode};
use ringward::rollout::record::{GroupContent, Profile, VersionEntry};
use ringward::schedule::Zone;
use ringward::time::{SignedDuration, Timestamp, after};
use ringward::version::{ClientVersion, Environment};

use super::crowd::Crowd;
use super::hotfix::Hotfix;
use super::meddler::Meddler;
use super::plans::{LATER, OLD, PROFILES, TARGET, Temper, edited, plans, policy, profiles_of, revised, span};
use super::retreat::Retreat;
use super::support::drive::devices::{DeviceScript, Devices, OnlineSpans, Reaction};
use super::support::drive::upstream::{Misread, Outsider, ReadFault, Upstream, WriteFault};
use super::support::drive::{Drive, Happening, OnDisk, Pace, Remembered, online_by_day};
use crate::support::dice::Dice;

/// A drive with everything scheduled.
pub(crate) struct Scene {
    /// The simulation.
    pub(crate) drive: Drive,
    /// When it ends.
    pub(crate) until: Timestamp,
    /// After this nothing is scheduled any more.
    pub(crate) quiet_from: Timestamp,
    /// Whether a crash may lose what was known of the devices: their clocks restart.
    pub(crate) forgets: bool,
    /// Who gets in between.
    pub(crate) meddler: Meddler,
    /// Who takes rollouts back.
    pub(crate) retreat: Retreat,
    /// Who replaces targets.
    pub(crate) hotfix: Hotfix,
    /// Who is asked to let rings be entered.
    pub(crate) crowd: Crowd,
}

/// The scene of a seed.
pub(crate) fn scene(seed: u64) -> Scene {
    let dice = &mut Dice::new(seed);
    let monday: Timestamp = "2026-10-12T00:00:00Z".parse().unwrap();
    let temper = match dice.below(100) {
        0..55 => Temper::Foul,
        55..97 => Temper::Fair,
        _ => Temper::Brink,
    };
    let days = SignedDuration::from_hours(24 * dice.below(7) as i64);
    let (from, within) = if temper == Temper::Foul { (0, 24) } else { (20, 4) };
    let from = after(after(monday, days), SignedDuration::from_hours(from));
    let start = dice.instant(from, SignedDuration::from_hours(within));
    let length = match temper {
        Temper::Foul => SignedDuration::from_hours(dice.pick(&[6, 10, 16, 30])),
        // Silent devices are looked for in the evening, and for days.
        Temper::Fair | Temper::Brink => SignedDuration::from_hours(dice.pick(&[12, 30, 30, 74])),
    };
    let mut plans = plans(dice, start, temper);
    let mut upstream = account(dice, start, length, temper);
    if length > LONG {
        if dice.chance(12) {
            latecomers(dice, &mut plans, &mut upstream, start);
        } else if dice.chance(50) {
            a_cold_goes_round(dice, &mut plans, &mut upstream, start);
        } else if dice.chance(70) {
            upstream.devices.retell(silence(dice, start));
        }
    }
    if dice.chance(if temper == Temper::Foul { 35 } else { 8 }) {
        found_groups(dice, &mut upstream, &plans, start);
    }
    let faulty = dice.chance(if temper == Temper::Fair { 30 } else { 60 });
    if faulty {
        faults(dice, &mut upstream, start, length);
    }
    let mut retreat = Retreat::new(seed);
    let plans = retreat.outfit(plans);
    let mut crowd = Crowd::new(seed);
    let plans = crowd.outfit(plans, &mut upstream);
    let mode = if dice.chance(3) { Mode::Observe } else { Mode::Write };
    let pace = pace(dice, temper);
    let mut scene = Scene {
        drive: Drive::new(upstream, plans.clone(), pace, mode, start),
        until: after(start, length),
        quiet_from: start,
        forgets: false,
        meddler: Meddler::new(seed, dice.pick(&[0, 0, 15, 40])),
        retreat,
        hotfix: Hotfix::new(seed),
        crowd,
    };
    scene.drive.daemon.engine.world.approval_floor = scene.crowd.floor();
    let people = dice.chance(70);
    if people {
        for _ in 0..dice.below(7) {
            let at = dice.instant(start, length);
            let happening = command(dice, &plans);
            scene.schedule(at, happening);
        }
    }
    if dice.chance(60) {
        attendant(dice, &mut scene, &plans, start, length);
    }
    if dice.chance(45) {
        edits(dice, &mut scene, &plans, (start, length), temper);
    }
    if dice.chance(25) {
        for _ in 0..=dice.below(3) {
            let at = dice.instant(start, length);
            let remembered = dice.pick(&[Remembered::Devices, Remembered::Devices, Remembered::Nothing]);
            scene.forgets |= remembered == Remembered::Nothing;
            scene.schedule(at, Happening::Crash(remembered));
        }
    }
    if length > LONG && dice.chance(25) {
        // It comes back to an account whose profiles it cannot read.
        let at = dice.instant(start, length);
        let fault = ReadFault { from: at, until: after(at, minutes(90)), what: Misread::Profiles };
        scene.drive.upstream.read_faults.push(fault);
        scene.schedule(after(at, minutes(1)), Happening::Crash(Remembered::Devices));
    }
    if dice.chance(15) {
        let at = dice.instant(start, length);
        let asleep = span(dice.pick(&["6m", "2h", "2h", "24h"])).get();
        scene.schedule(at, Happening::Sleep(after(at, asleep)));
    }
    if dice.chance(15) {
        scene.drive.crash_after(2 + dice.below(20));
    }
    if dice.chance(12) {
        for _ in 0..=dice.below(4) {
            let from = dice.instant(start, length);
            let until = after(from, span(dice.pick(&["5m", "20m", "2h"])).get());
            scene.drive.upstream.budget_spent.push((from, until));
        }
        // At the first entry, too.
        if dice.chance(50) {
            scene.drive.upstream.budget_spent.push((start, after(start, minutes(3))));
        }
    }
    if dice.chance(30) {
        for _ in 0..=dice.below(2) {
            let at = dice.instant(start, length);
            let edit = outsider(dice, &plans);
            scene.schedule(at, Happening::Outside(edit));
        }
    }
    scene
}

impl Scene {
    fn schedule(&mut self, at: Timestamp, happening: Happening) {
        self.quiet_from = self.quiet_from.max(at);
        self.drive.at(at, happening);
    }
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn pace(dice: &mut Dice, temper: Temper) -> Pace {
    let poll = minutes(dice.pick(&[5, 15, 15, 20, 20]));
    match dice.below(4) {
        _ if temper == Temper::Brink => Pace { clear: minutes(150), poll, ..Pace::default() },
        // No time passes between asking and hearing: instants meet exactly.
        0 => Pace {
            read: seconds(0),
            look: seconds(0),
            clear: seconds(0),
            apply: seconds(0),
            answer: seconds(0),
            poll,
            ..Pace::default()
        },
        1 => Pace {
            read: seconds(20),
            look: seconds(10),
            clear: minutes(dice.pick(&[1, 5, 20])),
            apply: seconds(10),
            answer: seconds(25),
            restart: minutes(dice.pick(&[1, 10, 120])),
            stop_file_seen: seconds(30),
            poll,
            ..Pace::default()
        },
        _ => Pace { poll, ..Pace::default() },
    }
}

fn account(dice: &mut Dice, start: Timestamp, length: SignedDuration, temper: Temper) -> Upstream {
    let sizes: &[usize] = if temper == Temper::Foul { &[0, 1, 3, 5, 8, 12, 20, 30] } else { &[12, 20, 30] };
    let count = dice.pick(sizes);
    let stories: Vec<DeviceScript> = (0..count).map(|n| story(dice, n, start, length)).collect();
    let profiles = PROFILES.iter().map(|id| Profile {
        id: policy(id),
        name: (*id != "everyone").then(|| format!("Profile {id}")),
        is_default: *id == "everyone",
        enabled: true,
    });
    let profiles = profiles.collect();
    Upstream::new(Devices::new(stories, Some(policy("everyone"))), profiles)
}

/// A run that sees evenings enough to look for silent devices.
const LONG: SignedDuration = SignedDuration::from_hours(48);

/// Most devices are away for a while from the second day on: those of the first ring, or all.
fn silence<'a>(dice: &'a mut Dice, start: Timestamp) -> impl FnMut(u64, &mut DeviceScript) + use<'a> {
    let hours = |dice: &mut Dice, least: usize, most: usize| {
        SignedDuration::from_hours((least + dice.below(most - least)) as i64)
    };
    let from = after(start, hours(dice, 20, 40));
    let until = after(from, hours(dice, 12, 34));
    let everywhere = dice.chance(35);
    move |_, story| {
        if (everywhere || story.profile == policy(PROFILES[0])) && dice.chance(85) {
            story.presence = story.presence.without(from, until);
        }
    }
}

/// Some devices are away from the night before the first looks, in the ring as in the control: nothing to
/// stop for.
fn a_cold_goes_round(dice: &mut Dice, plans: &mut [Revision], upstream: &mut Upstream, start: Timestamp) {
    for revision in plans {
        let mut plan = revision.plan.clone();
        for ring in &mut plan.rings {
            ring.health.min_devices = 2;
            ring.health.dark.after = span("6h");
        }
        *revision = revised(plan);
    }
    upstream.devices.retell(|_, story| {
        story.device_type = "windows".to_owned();
        let from = after(start, minutes(60 * (4 + dice.below(14) as i64)));
        if dice.chance(35) {
            let until = after(from, minutes(60 * (12 + dice.below(30) as i64)));
            story.presence = story.presence.without(from, until);
        }
    });
}

/// All but one of the first ring's devices come late: when it is looked for silent ones, too few were
/// there for long enough.
fn latecomers(dice: &mut Dice, plans: &mut [Revision], upstream: &mut Upstream, start: Timestamp) {
    for revision in plans {
        let mut plan = revision.plan.clone();
        for ring in &mut plan.rings {
            ring.health.min_devices = 3;
            ring.health.dark.after = span(dice.pick(&["12h", "24h"]));
        }
        *revision = revised(plan);
    }
    let from = after(start, minutes(60 * (20 + dice.below(30) as i64)));
    let mut first = true;
    upstream.devices.retell(|_, story| {
        story.device_type = "windows".to_owned();
        if story.profile == policy(PROFILES[0]) && !std::mem::take(&mut first) {
            story.presence = story.presence.from(from);
        }
    });
}

fn story(dice: &mut Dice, n: usize, start: Timestamp, length: SignedDuration) -> DeviceScript {
    // The first profiles are those of the first rings.
    let profile = policy(PROFILES[dice.below(PROFILES.len()).min(dice.below(PROFILES.len()))]);
    let os = dice.pick(&["windows", "windows", "windows", "mac", "mac", "linux"]);
    let id = DeviceId::new(format!("d{n:02}")).unwrap();
    let mut story = DeviceScript::new(id, os, OLD, profile);
    story.client = match dice.below(20) {
        0 => Reported::Null,
        1 => Reported::Unreadable("nightly".to_owned()),
        2 => Reported::Version(ClientVersion::new(2026, 5, 1155, 1)),
        3 | 4 => Reported::Version(TARGET),
        _ => Reported::Version(OLD),
    };
    let week_before = after(start, -SignedDuration::from_hours(9 * 24));
    let always = OnlineSpans::spans(vec![(week_before, Timestamp::MAX)]);
    story.presence = match dice.below(10) {
        0 => OnlineSpans::never(),
        1 | 2 => online_by_day(&Zone::utc(), (8, 18), week_before, 20, |_| true),
        3 => always.until(dice.instant(start, length)),
        4 => always.from(dice.instant(start, length)),
        _ => always,
    };
    story.heartbeat = dice.pick(&[seconds(1), minutes(1), minutes(10), minutes(60)]);
    let (notified_after, installs_in) =
        (minutes(dice.pick(&[0, 5, 15])), minutes(dice.pick(&[0, 5, 10, 90])));
    story.reaction = match dice.below(12) {
        0 => Reaction::Stays,
        1 => Reaction::Reverts { notified_after, installs_in, after: minutes(dice.pick(&[5, 60, 600])) },
        _ => Reaction::Arrives { notified_after, installs_in },
    };
    if dice.chance(6) {
        story.moves = vec![(dice.instant(start, length), policy(dice.pick(&PROFILES)))];
    }
    if dice.chance(4) {
        story.removed_at = Some(dice.instant(start, length));
    }
    story
}

fn some_ring(dice: &mut Dice, plans: &[Revision]) -> RingPlan {
    let plan = dice.pick(plans).plan;
    dice.pick(&plan.rings)
}

/// Groups that were there before ringward came.
fn found_groups(dice: &mut Dice, upstream: &mut Upstream, plans: &[Revision], start: Timestamp) {
    let long_ago = after(start, -SignedDuration::from_hours(1 + dice.below(200) as i64));
    let ring = some_ring(dice, plans);
    let own = profiles_of(&ring);
    let versions = |version: ClientVersion| -> Vec<VersionEntry> {
        let mut versions: Vec<_> =
            ring.targets.keys().map(|environment| VersionEntry::of(*environment, version)).collect();
        versions.sort();
        versions
    };
    let mut content = GroupContent { name: ring.group.clone(), versions: versions(OLD), policies: own };
    match dice.below(8) {
        0 => content.versions = versions(TARGET),
        1 => content.versions.push(VersionEntry { environment: None, version: "x".to_owned() }),
        2 => content.policies.clear(),
        3 => content.policies = [policy("p5"), policy("everyone")].into(),
        4 => content.name = "Somebody else's".to_owned(),
        5 => content.versions.extend(versions(LATER)),
        6 => {
            let twin = GroupContent { policies: BTreeSet::new(), ..content.clone() };
            upstream.outside(&Outsider::Creates(twin), long_ago);
        }
        _ => {}
    }
    content.versions.sort();
    upstream.outside(&Outsider::Creates(content), long_ago);
}

fn faults(dice: &mut Dice, upstream: &mut Upstream, start: Timestamp, length: SignedDuration) {
    let always_failing =
        dice.chance(6).then(|| dice.pick(&[WriteFault::ConnectRefused, WriteFault::ResetBefore]));
    for n in 1..=10 {
        if let Some(fault) = &always_failing {
            upstream.write_faults.insert(n, fault.clone());
        } else if dice.chance(35) {
            let retry_after = dice.chance(50).then(|| minutes(5));
            let fault = match dice.below(10) {
                0 => WriteFault::ResetBefore,
                1 | 2 => WriteFault::ResetAfter,
                3 => WriteFault::AppliedLate(dice.pick(&[seconds(40), minutes(3), minutes(20)])),
                4 => WriteFault::ServerError { applied: dice.chance(50) },
                5 => WriteFault::RateLimited { retry_after },
                6 => WriteFault::Refused(dice.pick(&[400, 403, 409])),
                7 => WriteFault::ConnectRefused,
                _ => WriteFault::AnswerDiffers,
            };
            upstream.write_faults.insert(n, fault);
        }
    }
    for _ in 0..dice.below(4) {
        let from = dice.instant(start, length);
        let until = after(from, span(dice.pick(&["5m", "1h", "4h", "9h"])).get());
        let what = match dice.below(8) {
            0 => Misread::Groups,
            1 | 2 => Misread::Profiles,
            3..=5 => Misread::Devices,
            6 => Misread::FilterIgnored,
            _ => Misread::ListLags(seconds(dice.pick(&[10, 45]))),
        };
        upstream.read_faults.push(ReadFault { from, until, what });
    }
    if dice.chance(15) {
        // From the very beginning: nothing was ever read.
        let what = dice.pick(&[Misread::Profiles, Misread::Devices]);
        let until = after(start, span(dice.pick(&["2h", "8h"])).get());
        upstream.read_faults.push(ReadFault { from: start, until, what });
    }
}

fn person(dice: &mut Dice) -> Actor {
    if dice.chance(80) { Actor::Local { user: "ann".to_owned() } } else { Actor::Loopback }
}

fn command(dice: &mut Dice, plans: &[Revision]) -> Happening {
    let plan = dice.pick(plans).plan.name;
    let reason = match dice.chance(4) {
        true => " ",
        false if dice.chance(4) => "by\u{7}the dice",
        false => "by the dice",
    }
    .to_owned();
    let actor = person(dice);
    let asked = match dice.below(18) {
        0..=2 => Command::Pause(plan),
        3..=5 => Command::Resume(plan),
        6..=9 => {
            let ring = match dice.below(6) {
                0 => Some(RingName::new("No such ring").unwrap()),
                1 | 2 => Some(some_ring(dice, plans).name),
                _ => None,
            };
            Command::Waive { plan, gate: dice.pick(&waivable_mostly()), ring }
        }
        10 | 11 => Command::Stop,
        12 | 13 => Command::Start { plans: dice.pick(&[StartPlans::GoOn, StartPlans::Pause]) },
        14 => Command::Pause(PlanName::new("nobodys").unwrap()),
        15 | 16 => Command::CheckNow(plan),
        _ => return Happening::StopFile(actor, "by the dice".to_owned()),
    };
    Happening::Command(actor, reason, asked)
}

fn waivable_mostly() -> Vec<Gate> {
    [Gate::ALL.as_slice(), &[Gate::Adoption, Gate::Soak, Gate::Soak, Gate::Dark, Gate::Stalled]].concat()
}

/// Somebody who comes by now and then, starts and resumes.
fn attendant(
    dice: &mut Dice,
    scene: &mut Scene,
    plans: &[Revision],
    start: Timestamp,
    length: SignedDuration,
) {
    let every = span(dice.pick(&["2h", "3h", "7h", "11h"])).get();
    let impatient = dice.chance(30);
    let mut at = after(start, every);
    while at < after(start, length) {
        let who = Actor::Local { user: "bob".to_owned() };
        let happening = |command| Happening::Command(who.clone(), "on rounds".to_owned(), command);
        scene.schedule(at, happening(Command::Start { plans: StartPlans::GoOn }));
        for plan in plans {
            scene.schedule(at, happening(Command::Resume(plan.plan.name.clone())));
            if impatient {
                let first = &plan.plan.rings[0].name;
                let plan = plan.plan.name.clone();
                let ring = dice.chance(30).then(|| first.clone());
                scene.schedule(at, happening(Command::Waive { plan, gate: Gate::Soak, ring }));
            }
        }
        at = after(at, every);
    }
}

fn edits(
    dice: &mut Dice,
    scene: &mut Scene,
    plans: &[Revision],
    (start, length): (Timestamp, SignedDuration),
    temper: Temper,
) {
    let mut plan = dice.pick(plans).plan;
    let name = plan.name.clone();
    for _ in 0..=dice.below(3) {
        let at = dice.instant(start, length);
        let good = |plan| Happening::Edit(name.clone(), Some(OnDisk::Good(Box::new(revised(plan)))));
        match dice.below(9) {
            0 => scene.schedule(at, Happening::Edit(name.clone(), Some(OnDisk::Broken))),
            1..=3 => {
                scene.schedule(at, Happening::Edit(name.clone(), None));
                let back = after(at, span(dice.pick(&["30s", "5m", "2h"])).get());
                if dice.chance(40) {
                    plan = edited(dice, &plan, start, temper);
                }
                scene.schedule(back, good(plan.clone()));
            }
            4 => {
                scene.schedule(at, Happening::Directory { is_readable: false });
                scene.schedule(after(at, minutes(30)), Happening::Directory { is_readable: true });
            }
            _ => {
                let old = plan.clone();
                plan = edited(dice, &plan, start, temper);
                scene.schedule(at, good(plan.clone()));
                if dice.chance(40) {
                    plan = old;
                    let back = after(at, span(dice.pick(&["10m", "3h", "12h"])).get());
                    scene.schedule(back, good(plan.clone()));
                }
            }
        }
    }
}

fn outsider(dice: &mut Dice, plans: &[Revision]) -> Outsider {
    let ring = some_ring(dice, plans);
    let own = profiles_of(&ring);
    match dice.below(10) {
        5..=7 => Outsider::Updates {
            profile: own.first().cloned().unwrap_or_else(|| policy("everyone")),
            devices: dice.pick(&[1, 3, 5]),
            version: LATER,
        },
        8 => Outsider::Renames(ring.group.clone(), format!("{} renamed", ring.group)),
        0 | 1 => Outsider::SetsVersion(ring.group, dice.pick(&Environment::ALL), OLD.to_string()),
        2 => Outsider::SetsProfiles(ring.group, BTreeSet::new()),
        3 => Outsider::Deletes(ring.group),
        4 => {
            let name = "Somebody else's".to_owned();
            Outsider::Creates(GroupContent { name, versions: Vec::new(), policies: own })
        }
        _ => {
            let versions = vec![VersionEntry::of(Environment::Windows, OLD)];
            Outsider::Creates(GroupContent { name: ring.group, versions, policies: BTreeSet::new() })
        }
    }
}
