//! People over real sockets: who may let a ring be entered is read at a simulated account, by the real
//! binary, and each word comes from the command line with a token of ringward.

use std::path::Path;
use std::process::{Child, Command, Output};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ringward::plan::model::Percent;
use ringward::rollout::record::{Event, Recorded};
use ringward::rollout::state::{PlanState, State};
use ringward::rollout::world::ENTRY_MAX_AGE;
use ringward::sandbox::{Account, FaultScript, MemberStatus, SimulatedMember};
use ringward::time::{SignedDuration, Stopwatch, Timestamp, after, since};

use crate::kills::{read_log, ringward, state_of, terminate};
use crate::support::{Walk, as_read, read_body};
use crate::team::{self, KeyServer, Signer};
use crate::volume::Service;

const SPEED: f64 = 5_000.0;
/// A wall bound that only a hang reaches.
const HANG_SECONDS: f64 = 200.0;
const KEEPERS: &str = "Release Approvers";

const PLAN: &str = "\
plan: short
author: dana@example.com
versions: {windows: 2026.8.2100.0, macos: 2026.8.2100.0}
defaults: {soak: 48h, unknown_after: 5d, adoption: {at_least: 10%, within: 14d, seen_at_least: 10%}}
rings:
  - {name: First, profiles: [Engineering, IT], approval: {user_group: Release Approvers, count: 2, expires: 30d}}
";

/// A run of the real binary, and the tokens of the people in it.
struct Scene {
    walk: Arc<Walk>,
    daemon: Child,
}

impl Drop for Scene {
    /// A test that fails leaves no daemon behind.
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl Scene {
    /// A daemon whose first ring waits for people.
    fn waiting(walk: Arc<Walk>, flags: &[&str]) -> Self {
        let daemon = ringward(&walk, flags).spawn().unwrap();
        let mut scene = Self { walk, daemon };
        scene.until("people are asked", |state| {
            state.plans.values().any(|plan| plan.rollout.rings[0].words.asked.is_some())
        });
        scene
    }

    fn until(&mut self, what: &str, wanted: impl Fn(&State) -> bool) {
        let watch = Stopwatch::start();
        while !wanted(&state_of(&read_log(&self.walk))) {
            assert!(self.daemon.try_wait().unwrap().is_none(), "the daemon ended before: {what}");
            assert!(watch.seconds() < HANG_SECONDS, "never came: {what}");
            sleep(Duration::from_millis(10));
        }
    }

    fn entered(&mut self) {
        self.until("the ring is entered", |state| {
            state.plans.values().any(|plan| plan.rollout.rings[0].stage.is_entered())
        });
    }

    /// Not entered, though the daemon has looked at everything once more.
    fn stays_out(&mut self, why: &str) {
        let asked = || self.walk.sandbox.journal().requests.len();
        let before = asked();
        let watch = Stopwatch::start();
        while asked() < before + 20 {
            assert!(watch.seconds() < HANG_SECONDS, "it looks at nothing any more: {why}");
            sleep(Duration::from_millis(10));
        }
        assert!(self.walk.writes().is_empty(), "{why}: {:#?}", self.walk.writes());
    }

    fn members(&self, members: &[(&str, MemberStatus)]) {
        let of = |(email, status): &(&str, MemberStatus)| SimulatedMember {
            email: Some((*email).to_owned()),
            status: *status,
        };
        let members: Vec<_> = members.iter().map(of).collect();
        self.walk.sandbox.with_account(|account| account.set_members(KEEPERS, &members).unwrap());
    }

    fn account<T>(&self, deed: impl FnOnce(&mut Account) -> T) -> T {
        self.walk.sandbox.with_account(deed)
    }

    /// A verb of whoever is on the machine.
    fn verb(&self, words: &[&str]) {
        let done = said(&self.walk.database(), words, None);
        assert!(done.status.success(), "{words:?}: {done:?}");
    }

    /// Two people approve while the plan is paused; then something happens, and the pause is lifted when
    /// nothing that was read before it counts any more.
    fn approved_and_then(&mut self, change: impl FnOnce(&mut Account)) {
        self.verb(&["pause", "short", "--reason", "not yet"]);
        for email in ["ana@example.com", "bruno@example.com"] {
            assert!(self.approve(&self.token(email)).status.success());
        }
        self.account(change);
        self.until_it_is(after(self.now(), ENTRY_MAX_AGE));
        self.verb(&["resume", "short", "--reason", "now"]);
    }

    fn now(&self) -> Timestamp {
        self.walk.clock.now()
    }

    /// Waits until it is so late.
    fn until_it_is(&mut self, late: Timestamp) {
        let watch = Stopwatch::start();
        while self.now() < late {
            assert!(watch.seconds() < HANG_SECONDS, "time stands still");
            sleep(Duration::from_millis(10));
        }
    }

    /// `ringward approve`, in the name of a token's holder.
    fn approve(&self, token: &str) -> Output {
        said(
            &self.walk.database(),
            &["approve", "short", "--ring", "First", "--reason", "looks good"],
            Some(token),
        )
    }

    fn token(&self, email: &str) -> String {
        let name = email.split('@').next().unwrap().to_lowercase();
        let made = said(
            &self.walk.database(),
            &["token", "new", &name, "--email", email, "--role", "approver", "--reason", "for the walk"],
            None,
        );
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    fn end(mut self) {
        terminate(&mut self.daemon);
        self.walk.assert_lawful(|_| false);
    }
}

fn said(database: &Path, words: &[&str], token: Option<&str>) -> Output {
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
        command.args(words).arg("--db").arg(database).env_remove("RINGWARD_BEARER_TOKEN");
        if let Some(token) = token {
            command.env("RINGWARD_BEARER_TOKEN", token);
        }
        command.output().unwrap()
    };
    as_read(run, words)
}

fn refused(output: &Output, why: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && told.contains(why), "{why}: {output:?}");
}

async fn scene(seed: u64, play: impl FnOnce(Scene) + Send + 'static) {
    scene_of(PLAN, seed, None, play).await;
}

/// Another plan, or a daemon with a configuration.
async fn scene_of(
    plan: &str,
    seed: u64,
    config: Option<&'static str>,
    play: impl FnOnce(Scene) + Send + 'static,
) {
    let walk = Arc::new(Walk::new(plan, SPEED, seed, 30).await);
    let play = move || {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), config.unwrap_or_default()).unwrap();
        let flags = ["--config", file.path().to_str().unwrap()];
        play(Scene::waiting(walk, if config.is_some() { &flags } else { &[] }));
    };
    tokio::task::spawn_blocking(play).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_twice_is_one() {
    scene(31, |mut scene| {
        let (ana, bruno) = (scene.token("ana@example.com"), scene.token("bruno@example.com"));
        assert!(scene.approve(&ana).status.success());
        refused(&scene.approve(&ana), "one person counts once");
        scene.stays_out("one of two approved");
        assert!(scene.approve(&bruno).status.success());
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_e_mail_in_another_case_is_the_same_person() {
    scene(32, |mut scene| {
        assert!(scene.approve(&scene.token("ANA@Example.com")).status.success());
        scene.members(&[
            ("Ana@EXAMPLE.com", MemberStatus::Accepted),
            ("BRUNO@example.COM", MemberStatus::Accepted),
        ]);
        assert!(scene.approve(&scene.token("bruno@example.com")).status.success());
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_author_has_no_say() {
    scene(37, |mut scene| {
        scene.members(&[
            ("dana@example.com", MemberStatus::Accepted),
            ("ana@example.com", MemberStatus::Accepted),
            ("bruno@example.com", MemberStatus::Accepted),
        ]);
        assert!(scene.approve(&scene.token("ana@example.com")).status.success());
        refused(&scene.approve(&scene.token("dana@example.com")), "nobody approves their own");
        scene.stays_out("the author's word would be the second");
        assert!(scene.approve(&scene.token("bruno@example.com")).status.success());
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_and_the_socket_have_no_say() {
    scene(38, |mut scene| {
        refused(&scene.approve(&scene.token("eve@example.org")), "no accepted member");
        let by_the_socket =
            said(&scene.walk.database(), &["approve", "short", "--ring", "First", "--reason", "mine"], None);
        let told = String::from_utf8_lossy(&by_the_socket.stderr).into_owned();
        assert!(!by_the_socket.status.success() && told.contains("may not approve"), "{told}");
        scene.stays_out("nobody who counts approved");
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_member_has_no_say_until_the_invitation_is_taken() {
    scene(39, |mut scene| {
        let of = |status| [("ana@example.com", MemberStatus::Accepted), ("finn@example.com", status)];
        scene.members(&of(MemberStatus::Pending));
        let finn = scene.token("finn@example.com");
        assert!(scene.approve(&scene.token("ana@example.com")).status.success());
        refused(&scene.approve(&finn), "no accepted member");
        scene.stays_out("one is only invited");
        scene.members(&of(MemberStatus::Accepted));
        assert!(scene.approve(&finn).status.success());
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_an_e_mail_cannot_be_recognised() {
    scene(40, |mut scene| {
        let known = SimulatedMember::accepted;
        let members = [known("ana@example.com"), SimulatedMember::without_email()];
        scene.account(|account| account.set_members(KEEPERS, &members).unwrap());
        assert!(scene.approve(&scene.token("ana@example.com")).status.success());
        let finn = scene.token("finn@example.com");
        refused(&scene.approve(&finn), "no accepted member");
        scene.stays_out("nobody knows who the other member is");
        let members = [known("ana@example.com"), known("finn@example.com")];
        scene.account(|account| account.set_members(KEEPERS, &members).unwrap());
        assert!(scene.approve(&finn).status.success());
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_the_group_does_not_count_any_more() {
    scene(33, |mut scene| {
        assert!(scene.approve(&scene.token("ana@example.com")).status.success());
        scene.members(&[
            ("bruno@example.com", MemberStatus::Accepted),
            ("carl@example.com", MemberStatus::Accepted),
            ("ana@example.com", MemberStatus::Pending),
        ]);
        assert!(scene.approve(&scene.token("bruno@example.com")).status.success());
        scene.stays_out("one of the two is a member no more");
        assert!(scene.approve(&scene.token("carl@example.com")).status.success());
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_value_voids_it_and_a_comment_does_not() {
    scene(34, |mut scene| {
        let (ana, bruno) = (scene.token("ana@example.com"), scene.token("bruno@example.com"));
        assert!(scene.approve(&ana).status.success());
        scene.walk.write_plan(&format!("{PLAN}# case 4711\n"));
        refused(&scene.approve(&ana), "one person counts once");
        scene.walk.write_plan(&PLAN.replace("{at_least: 10%", "{at_least: 11%"));
        scene.until("the plan is revised", |state| {
            let asked = |plan: &PlanState| plan.rollout.revision.plan.rings[0].adoption.at_least;
            let revised = |plan: &PlanState| asked(plan) == Percent::whole(11);
            state.plans.values().any(|plan| revised(plan))
        });
        assert!(scene.approve(&bruno).status.success());
        scene.stays_out("the first word was for another revision");
        assert!(scene.approve(&ana).status.success(), "it is not the same word");
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_cannot_be_read_lets_nobody_in() {
    scene(35, |mut scene| {
        let scripts = serde_json::json!([
            {"operation": "account-user-group-list", "kind": "server_error", "times": 100_000},
        ]);
        let scripts: Vec<FaultScript> = serde_json::from_value(scripts).unwrap();
        let carl = scene.token("carl@example.com");
        scene.approved_and_then(|account| account.add_faults(&scripts).unwrap());
        refused(&scene.approve(&carl), "cannot be read now");
        scene.stays_out("nobody knows whether they are members still");
        scene.account(Account::clear_faults);
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_group_lets_nobody_in() {
    scene(41, |mut scene| {
        scene.approved_and_then(|account| account.rename_user_group(KEEPERS, "Old Approvers").unwrap());
        scene.stays_out("no group has the name");
        scene.account(|account| account.rename_user_group("Old Approvers", KEEPERS).unwrap());
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_groups_of_the_name_let_nobody_in() {
    scene(42, |mut scene| {
        let mut second = String::new();
        scene.approved_and_then(|account| {
            let everybody = ["ana@example.com", "bruno@example.com"].map(SimulatedMember::accepted);
            second = account.add_user_group(KEEPERS, &everybody);
        });
        scene.stays_out("nobody knows which of them is meant");
        scene.account(|account| account.remove_user_group(&second).unwrap());
        scene.entered();
        scene.end();
    })
    .await;
}

/// Between somebody's reading and their word the plan is another: nobody approves what they have not read.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_swapped_after_it_was_read_is_not_approved() {
    scene(45, |mut scene| {
        let ana = scene.token("ana@example.com");
        let database = scene.walk.database();
        let asked = ["approve", "short", "--ring", "First"];
        let look = said(&database, &[asked.as_slice(), ["--dry-run"].as_slice()].concat(), Some(&ana));
        let shown = String::from_utf8(look.stdout).unwrap();
        assert!(shown.contains("→ 2026.8.2100.0") && look.status.success(), "{shown}");
        let read = shown.split_once("revision ").unwrap().1.split_once(':').unwrap().0;
        scene.walk.write_plan(&PLAN.replace("macos: 2026.8.2100.0", "macos: 2026.9.100.0"));
        scene.until("the plan is swapped", |state| {
            let mut plans = state.plans.values();
            plans.any(|plan| plan.rollout.revision.digest.short() != read)
        });
        let words = ["--reason", "as I read it", "--yes", "--revision", read];
        let late = said(&database, &[asked.as_slice(), words.as_slice()].concat(), Some(&ana));
        refused(&late, "it is not what you have read: the plan's revision in force is");
        let given = |recorded: &Recorded| matches!(recorded.entry.event, Event::ApprovalGiven { .. });
        assert!(!read_log(&scene.walk).iter().any(given), "nothing is on record");
        assert!(scene.approve(&ana).status.success(), "what stands there now can be approved");
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_does_not_count() {
    let plan = PLAN.replace("expires: 30d", "expires: 12h");
    scene_of(&plan, 43, None, |mut scene| {
        let (ana, bruno) = (scene.token("ana@example.com"), scene.token("bruno@example.com"));
        let given = scene.now();
        assert!(scene.approve(&ana).status.success());
        scene.until_it_is(after(given, SignedDuration::from_hours(13)));
        assert!(scene.approve(&bruno).status.success());
        scene.stays_out("the first approval has run out");
        assert!(scene.approve(&ana).status.success(), "it is a word of its own");
        scene.entered();
        scene.end();
    })
    .await;
}

/// The week begins on a Monday; ana and bruno speak on Friday, and it opens on Monday.
#[tokio::test(flavor = "multi_thread")]
async fn given_on_friday_it_is_used_on_monday() {
    let open = "{timezone: Europe/Lisbon, schedule: {open: [{cron: '0 9 * * Mon', for: 7h}]}, soak";
    let plan = PLAN.replace("{soak", open);
    let walk = Walk::starting("2026-10-16T14:00:00Z", &plan, SPEED, 44, 30).await;
    let play = |walk| {
        let mut scene = Scene::waiting(walk, &[]);
        for email in ["ana@example.com", "bruno@example.com"] {
            assert!(scene.approve(&scene.token(email)).status.success());
        }
        let friday: Timestamp = "2026-10-16T20:00:00Z".parse().unwrap();
        assert!(scene.now() < friday, "it is Friday still: {}", scene.now());
        let monday: Timestamp = "2026-10-19T08:00:00Z".parse().unwrap();
        scene.entered();
        let planned = |recorded: &&Recorded| matches!(recorded.entry.event, Event::WritePlanned { .. });
        let log = read_log(&scene.walk);
        let write = log.iter().find(planned).unwrap();
        assert!(write.at >= monday, "{write:?}");
        assert!(since(monday, write.at) < SignedDuration::from_hours(7), "{write:?}");
        scene.end();
    };
    let walk = Arc::new(walk);
    tokio::task::spawn_blocking(move || play(walk)).await.unwrap();
}

/// The plan asks nobody, or fewer than the configuration does.
#[tokio::test(flavor = "multi_thread")]
async fn the_floor_is_asked_whatever_the_plan_says() {
    const FLOOR: &str = "approval_floor: {user_group: Release Approvers, count: 2, over_devices: 0}\n";
    let rows = [
        (45, PLAN.replace(", approval: {user_group: Release Approvers, count: 2, expires: 30d}", "")),
        (46, PLAN.replace("count: 2", "count: 1")),
    ];
    for (seed, plan) in rows {
        scene_of(&plan, seed, Some(FLOOR), |mut scene| {
            assert!(scene.approve(&scene.token("ana@example.com")).status.success());
            scene.stays_out("the floor asks two");
            assert!(scene.approve(&scene.token("bruno@example.com")).status.success());
            scene.entered();
            scene.end();
        })
        .await;
    }
}

/// A program that Access knows: it may ask for verbs, where the configuration lists it, and never approves.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_token_operates_and_never_approves() {
    let ours = Signer::new("ours");
    let keys = KeyServer::start(&[&ours]).await;
    let walk = Arc::new(Walk::new(PLAN, SPEED, 47, 30).await);
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), keys.config("  services: [ci.access]\n")).unwrap();
    let (path, here) = (config.path().to_owned(), Arc::clone(&walk));
    let start = move || {
        let mut service = Service::start_with(&here, &here.database(), |command| {
            command.arg("--config").arg(&path);
        });
        let asked = |recorded: &Recorded| matches!(recorded.entry.event, Event::ApprovalAsked { .. });
        service.wait("people are asked", || read_log(&here).iter().any(asked));
        service
    };
    let mut service = tokio::task::spawn_blocking(start).await.unwrap();
    let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
    let say = async |verb: &str, claims: &serde_json::Value| {
        let url = format!("http://{}/api/v1/rollouts/short/{verb}", service.door().address());
        let post = async |body: &serde_json::Value| {
            let request = http.post(&url).header("cf-access-jwt-assertion", ours.token(claims));
            let answer = request.header("host", "ringward.example.com").json(body).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let mut body = serde_json::json!({"reason": "as Access knows me"});
        if verb == "approve" {
            body["ring"] = "First".into();
        }
        if matches!(verb, "approve" | "resume") {
            let mut dry = body.clone();
            dry["dry_run"] = true.into();
            let (status, now) = post(&dry).await;
            if status != 200 {
                return (status, now);
            }
            body = read_body(body, &serde_json::from_str(&now).unwrap());
        }
        post(&body).await
    };
    let program = team::service("ci.access");
    let (status, told) = say("approve", &program).await;
    assert!(status == 403 && told.contains("may not approve"), "{status} {told}");
    for verb in ["pause", "resume"] {
        let (status, told) = say(verb, &program).await;
        assert_eq!(status, 200, "{verb}: {told}");
    }
    assert!(walk.writes().is_empty(), "nobody approved");
    for email in ["ana@example.com", "bruno@example.com"] {
        let (status, told) = say("approve", &team::person(email)).await;
        assert_eq!(status, 200, "{email}: {told}");
    }
    let there = Arc::clone(&walk);
    let entered = move || {
        service.wait("the ring is entered", || {
            state_of(&read_log(&there)).plans.values().any(|plan| plan.rollout.rings[0].stage.is_entered())
        });
    };
    tokio::task::spawn_blocking(entered).await.unwrap();
    let log = read_log(&walk);
    let said = log.iter().filter(|recorded| recorded.entry.reason == "as Access knows me");
    let actors: Vec<String> = said.map(|recorded| recorded.entry.actor.to_string()).collect();
    let expected =
        ["service:ci.access", "service:ci.access", "access:ana@example.com", "access:bruno@example.com"];
    assert_eq!(actors, expected);
    walk.assert_lawful(|_| false);
}

/// The log has all of it, and each word by its speaker.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_who_let_it_in() {
    scene(36, |mut scene| {
        for email in ["ana@example.com", "bruno@example.com"] {
            assert!(scene.approve(&scene.token(email)).status.success());
        }
        scene.entered();
        let log = read_log(&scene.walk);
        let words = log.iter().filter(|recorded| matches!(recorded.entry.event, Event::ApprovalGiven { .. }));
        let actors: Vec<String> = words.map(|recorded| recorded.entry.actor.to_string()).collect();
        assert_eq!(actors, ["token:ana/ana@example.com", "token:bruno/bruno@example.com"]);
        scene.end();
    })
    .await;
}
