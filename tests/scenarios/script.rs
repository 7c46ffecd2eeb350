//! The lines of `== script`: what happens when. Instants are UTC.
//!
//! | line | meaning |
//! | --- | --- |
//! | `begin DAY TIME`, `until DAY TIME` | the scenario's span |
//! | `DAY TIME NAME: pause PLAN --reason "…"` | a person's request, in the command line's words |
//! | `DAY TIME stop file by NAME "…"` | a stop file put there without the daemon |
//! | `DAY TIME write plan LABEL`, `… without its last line end`, `remove plan NAME`, `break plan NAME` | the plan's file changes; a section whose label ends with `broken` has errors |
//! | `revisions person` | the daemon's configuration |
//! | `DAY TIME NAME: confirm PLAN --revision LABEL --reason "…"` | the revision of that section is confirmed |
//! | `DAY TIME plans directory unreadable`, `… readable` | the directory |
//! | `DAY TIME outsider sets windows VERSION in "GROUP"`, `… sets profiles A B in "GROUP"`, `… deletes "GROUP"`, `… deletes profile PROFILE`, `… renames "GROUP" "NAME"`, `… updates N devices of PROFILE VERSION`, `… creates "GROUP" windows VERSION profiles A B` | somebody else at Cloudflare |
//! | `DAY TIME reads of groups fail until DAY TIME` (also `profiles`, `devices`, `members`), `reads before writes fail until …`, `reads before writes meet 429 until …`, `profile filter ignored until …`, `list of groups lags 2m until …`, `list of groups lacks "GROUP" until …` | faults of reads |
//! | `DAY TIME EMAIL: approve PLAN [--ring R] --reason "…"`, `… reject …` | a person behind Cloudflare Access; `service/NAME:` is a service token |
//! | `DAY TIME outsider puts EMAIL EMAIL/pending - in group "GROUP"`, `… doubles group "GROUP"`, `… removes group "GROUP"` | User Groups; `-` is a member without an e-mail |
//! | `floor N of "GROUP" over N devices` | the daemon's configuration |
//! | `guard N devices per day` | the daemon's configuration |
//! | `DAY TIME budget spent until DAY TIME` | somebody else uses up the requests |
//! | `at write N: reset before applying` (also `reset after applying`, `applied 3m late`, `502 applied`, `502 not applied`, `429`, `429 retry after 5m`, `refused with 403`, `connection refused`, `answer differs`) | faults of the n-th write |
//! | `DAY TIME clock ahead 3m`, `… clock untold`, `… clock shows DAY TIME`, `… clock right` | the machine's clock beside Cloudflare's; one that shows an instant before the log's end is behind |
//! | `DAY TIME crash`, `… crash forgetting devices` | the daemon dies |
//! | `DAY TIME explain PLAN` | the report goes into the transcript |
//!
//! **Invariant:** the same lines give the same run.

use std::collections::BTreeMap;

use ringward::ids::PlanName;
use ringward::plan::model::{ApprovalFloor, AuthorRule, DeviceLimit, Revisions};
use ringward::rollout::judge::rollback_target::Scope;
use ringward::rollout::people::command::Command;
use ringward::rollout::people::verbs::situation::StartPlans;
use ringward::rollout::record::ClockDoubt;
use ringward::rollout::record::Gate;
use ringward::rollout::record::{Actor, Mode};
use ringward::rollout::record::{GroupContent, Member, Standing, VersionEntry};
use ringward::rollout::world::Approvers;
use ringward::time::{SignedDuration, Timestamp};
use ringward::version::Environment;

use super::file::{File, Read, read_plans, words};
use super::fleet::{account, instant, parse, profile_id, span};
use super::support::drive::upstream::{Misread, Outsider, ReadFault, WriteFault};
use super::support::drive::{Drive, Happening, OnDisk, Pace, Remembered};

/// A scenario that is ready to run.
pub(crate) struct Scenario {
    /// The drive at its begin.
    pub(crate) drive: Drive,
    /// When it ends.
    pub(crate) until: Timestamp,
}

struct Script {
    plans: BTreeMap<String, Vec<Read>>,
    happenings: Vec<(Timestamp, Happening)>,
    read_faults: Vec<ReadFault>,
    write_faults: BTreeMap<usize, WriteFault>,
    budget_spent: Vec<(Timestamp, Timestamp)>,
    begin: Option<Timestamp>,
    until: Option<Timestamp>,
    floor: Option<ApprovalFloor>,
    revisions: Revisions,
    guard: Option<DeviceLimit>,
}

/// Sets a scenario up.
pub(crate) fn scenario(file: &File) -> Scenario {
    let mut script = Script {
        plans: read_plans(&file.plans),
        happenings: Vec::new(),
        read_faults: Vec::new(),
        write_faults: BTreeMap::new(),
        budget_spent: Vec::new(),
        begin: None,
        until: None,
        floor: None,
        revisions: Revisions::File,
        guard: None,
    };
    for line in &file.script {
        script.line(line);
    }
    let (Some(begin), Some(until)) = (script.begin, script.until) else {
        panic!("a script has a line `begin DAY TIME` and a line `until DAY TIME`")
    };
    let mut upstream = account(&file.fleet, begin);
    upstream.read_faults = script.read_faults;
    upstream.write_faults = script.write_faults;
    upstream.budget_spent = script.budget_spent;
    let plans = script.plans.remove("").unwrap_or_default();
    let plans = plans.into_iter().map(|read| match read.file {
        OnDisk::Good(revision) => *revision,
        other => panic!("a plan is broken from the beginning: {other:?}"),
    });
    let plans = plans.collect();
    // Reads by the quarter of an hour: nothing here turns on fewer minutes, and runs are shorter.
    let pace = Pace { poll: SignedDuration::from_mins(15), ..Pace::default() };
    let mut drive = Drive::new(upstream, plans, pace, Mode::Write, begin);
    let world = &mut drive.daemon.engine.world;
    world.approval_floor = script.floor;
    world.revisions = script.revisions;
    world.devices_per_day = script.guard;
    for (at, happening) in script.happenings {
        drive.at(at, happening);
    }
    Scenario { drive, until }
}

impl Script {
    fn line(&mut self, line: &str) {
        let words = words(line);
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        match texts.as_slice() {
            ["floor", count, "of", group, "over", devices, "devices"] => {
                self.floor = Some(ApprovalFloor {
                    user_group: parse(group),
                    count: parse(count),
                    over_devices: parse(devices),
                    author: AuthorRule::Optional,
                });
            }
            ["floor", "author", "required"] => {
                if let Some(floor) = &mut self.floor {
                    floor.author = AuthorRule::Required;
                }
            }
            ["revisions", "person"] => self.revisions = Revisions::Person,
            ["guard", devices, "devices", "per", "day"] => self.guard = DeviceLimit::new(parse(devices)),
            ["begin", ..] => self.begin = Some(instant(&words[1..]).0),
            ["until", ..] => self.until = Some(instant(&words[1..]).0),
            ["at", "write", number, fault @ ..] => {
                let fault = write_fault(fault);
                self.write_faults.insert(parse(number.trim_end_matches(':')), fault);
            }
            _ => {
                let (at, taken) = instant(&words);
                self.dated(at, &words[taken..], line);
            }
        }
    }

    fn dated(&mut self, at: Timestamp, words: &[String], line: &str) {
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        let happening = match texts.as_slice() {
            [person, "confirm", plan, "--revision", label, "--reason", reason] => {
                let Some([Read { file: OnDisk::Good(read) | OnDisk::Cut(read), .. }]) =
                    self.plans.get(*label).map(Vec::as_slice)
                else {
                    panic!("no section `== plan {label}` that holds")
                };
                let revision = read.digest.short().to_owned();
                let confirm = Command::Confirm { plan: parse(plan), revision };
                Happening::Command(actor(person.trim_end_matches(':')), (*reason).to_owned(), confirm)
            }
            [person, verb @ ..] if person.ends_with(':') => {
                let (reason, command) = command(verb, line);
                Happening::Command(actor(person.trim_end_matches(':')), reason, command)
            }
            ["stop", "file", "by", user, reason] => {
                Happening::StopFile(Actor::Local { user: (*user).to_owned() }, (*reason).to_owned())
            }
            ["write", "plan", label] => {
                let Some([Read { name, file }]) = self.plans.get(*label).map(Vec::as_slice) else {
                    panic!("no section `== plan {label}`, or more than one")
                };
                Happening::Edit(name.clone(), Some(file.clone()))
            }
            ["write", "plan", label, "without", "its", "last", "line", "end"] => {
                let Some([Read { name, file: OnDisk::Good(revision) }]) =
                    self.plans.get(*label).map(Vec::as_slice)
                else {
                    panic!("no section `== plan {label}` that holds")
                };
                Happening::Edit(name.clone(), Some(OnDisk::Cut(revision.clone())))
            }
            ["remove", "plan", name] => Happening::Edit(parse(name), None),
            ["break", "plan", name] => Happening::Edit(parse(name), Some(OnDisk::Broken)),
            ["plans", "directory", word @ ("readable" | "unreadable")] => {
                Happening::Directory { is_readable: *word == "readable" }
            }
            ["outsider", verb @ ..] => Happening::Outside(outsider(verb, line)),
            ["clock", "ahead", by] => {
                Happening::Clock(Some(ClockDoubt::Differs { ahead: span(by).as_secs() }))
            }
            ["clock", "untold"] => Happening::Clock(Some(ClockDoubt::NoDate)),
            ["clock", "shows", ..] => Happening::ClockReset(Some(instant(&words[2..]).0)),
            ["clock", "right"] => Happening::ClockReset(None),
            ["crash"] => Happening::Crash(Remembered::Devices),
            ["crash", "forgetting", "devices"] => Happening::Crash(Remembered::Nothing),
            ["sleep", "until", ..] => Happening::Sleep(instant(&words[2..]).0),
            ["explain", plan] => Happening::Explain(parse(plan)),
            ["budget", "spent", "until", ..] => {
                self.budget_spent.push((at, instant(&words[3..]).0));
                return;
            }
            _ => return self.read_fault(at, words, line),
        };
        self.happenings.push((at, happening));
    }

    fn read_fault(&mut self, from: Timestamp, words: &[String], line: &str) {
        let Some(position) = words.iter().position(|word| word == "until") else {
            panic!("nothing happens by `{line}`")
        };
        let texts: Vec<&str> = words[..position].iter().map(String::as_str).collect();
        let what = match texts.as_slice() {
            ["reads", "of", "groups", "fail"] => Misread::Groups,
            ["reads", "of", "profiles", "fail"] => Misread::Profiles,
            ["reads", "of", "devices", "fail"] => Misread::Devices,
            ["reads", "of", "members", "fail"] => Misread::Approvers,
            ["reads", "before", "writes", "fail"] => Misread::BeforeWrite,
            ["reads", "before", "writes", "meet", "429"] => Misread::BeforeWriteLimited,
            ["profile", "filter", "ignored"] => Misread::FilterIgnored,
            ["list", "of", "groups", "lags", by] => Misread::ListLags(span(by)),
            ["list", "of", "groups", "lacks", group] => Misread::ListLacks((*group).to_owned()),
            _ => panic!("no such fault: `{line}`"),
        };
        let (until, _) = instant(&words[position + 1..]);
        self.read_faults.push(ReadFault { from, until, what });
    }
}

fn write_fault(words: &[&str]) -> WriteFault {
    match words {
        ["reset", "before", "applying"] => WriteFault::ResetBefore,
        ["reset", "after", "applying"] => WriteFault::ResetAfter,
        ["applied", late, "late"] => WriteFault::AppliedLate(span(late)),
        ["502", "applied"] => WriteFault::ServerError { applied: true },
        ["502", "not", "applied"] => WriteFault::ServerError { applied: false },
        ["429"] => WriteFault::RateLimited { retry_after: None },
        ["429", "retry", "after", wait] => WriteFault::RateLimited { retry_after: Some(span(wait)) },
        ["refused", "with", status] => WriteFault::Refused(parse(status)),
        ["connection", "refused"] => WriteFault::ConnectRefused,
        ["answer", "differs"] => WriteFault::AnswerDiffers,
        _ => panic!("no such fault of a write: {words:?}"),
    }
}

/// A request in the command line's words.
fn command(words: &[&str], line: &str) -> (String, Command) {
    let option = |name: &str| {
        let position = words.iter().position(|word| *word == name)?;
        words.get(position + 1).copied()
    };
    let ring = || parse(option("--ring").unwrap_or_else(|| panic!("no ring: `{line}`")));
    let reason = option("--reason").unwrap_or_default().to_owned();
    let command = match words {
        ["pause", plan, ..] => Command::Pause(parse::<PlanName>(plan)),
        ["resume", plan, ..] => Command::Resume(parse(plan)),
        ["waive", plan, ..] => {
            let gate = option("--gate").and_then(|word| Gate::ALL.into_iter().find(|g| g.as_str() == word));
            let Some(gate) = gate else { panic!("no such gate: `{line}`") };
            Command::Waive { plan: parse(plan), gate, ring: option("--ring").map(parse) }
        }
        ["rollback", plan, ..] => {
            let environment = option("--environment").map(|word| {
                let known = Environment::ALL.into_iter().find(|environment| environment.as_str() == word);
                known.unwrap_or_else(|| panic!("no such environment: `{line}`"))
            });
            let scope = Scope { ring: option("--ring").map(parse), environment };
            Command::Rollback { plan: parse(plan), scope }
        }
        ["unblock", plan, ..] => {
            let Some(version) = option("--version") else { panic!("no version: `{line}`") };
            Command::Unblock { plan: parse(plan), version: parse(version) }
        }
        ["approve", plan, ..] => Command::Approve { plan: parse(plan), ring: ring() },
        ["reject", plan, ..] => Command::Reject { plan: parse(plan), ring: ring() },
        ["check-now", plan, ..] => Command::CheckNow(parse(plan)),
        ["stop", ..] => Command::Stop,
        ["confirm", "clock", ..] => Command::ConfirmClock,
        ["start", "--paused", ..] => Command::Start { plans: StartPlans::Pause },
        ["start", ..] => Command::Start { plans: StartPlans::GoOn },
        _ => panic!("no such request: `{line}`"),
    };
    (reason, command)
}

/// Who asks: an e-mail address is somebody behind Cloudflare Access, `service/NAME` a service token, and
/// any other name a user of the machine.
fn actor(name: &str) -> Actor {
    match name.strip_prefix("service/") {
        Some(service) => Actor::Service { name: parse(service) },
        None if name.contains('@') => Actor::Access { email: parse(name) },
        None => Actor::Local { user: name.to_owned() },
    }
}

/// `EMAIL`, `EMAIL/pending`, `EMAIL/STATUS`, or `-` for one without an e-mail.
fn member(word: &str) -> Member {
    let (email, status) = word.split_once('/').unwrap_or((word, "accepted"));
    let standing = match status {
        "accepted" => Standing::Accepted,
        "pending" => Standing::Pending,
        other => Standing::Other(other.to_owned()),
    };
    Member { email: (email != "-").then(|| parse(email)), standing }
}

fn outsider(words: &[&str], line: &str) -> Outsider {
    let environment = |word: &str| {
        let known = Environment::ALL.into_iter().find(|environment| environment.as_str() == word);
        known.unwrap_or_else(|| panic!("no environment `{word}`: {line}"))
    };
    match words {
        ["sets", "profiles", profiles @ .., "in", group] => {
            let profiles = profiles.iter().map(|name| profile_id(name)).collect();
            Outsider::SetsProfiles((*group).to_owned(), profiles)
        }
        ["sets", word, version, "in", group] => {
            Outsider::SetsVersion((*group).to_owned(), environment(word), (*version).to_owned())
        }
        ["renames", group, new] => Outsider::Renames((*group).to_owned(), (*new).to_owned()),
        ["updates", devices, "devices", "of", profile, version] => Outsider::Updates {
            profile: profile_id(profile),
            devices: parse(devices),
            version: parse(version),
        },
        ["puts", members @ .., "in", "group", group] => {
            let members = members.iter().map(|word| member(word)).collect();
            Outsider::Regroups(parse(group), Approvers::Members(members))
        }
        ["doubles", "group", group] => Outsider::Regroups(parse(group), Approvers::Several(2)),
        ["removes", "group", group] => Outsider::Regroups(parse(group), Approvers::Missing),
        ["deletes", "profile", profile] => Outsider::DeletesProfile(profile_id(profile)),
        ["deletes", group] => Outsider::Deletes((*group).to_owned()),
        ["creates", group, word, version, "profiles", profiles @ ..] => Outsider::Creates(GroupContent {
            name: (*group).to_owned(),
            versions: vec![VersionEntry::of(environment(word), parse(version))],
            policies: profiles.iter().map(|name| profile_id(name)).collect(),
        }),
        _ => panic!("no such edit: `{line}`"),
    }
}
