//! People over real sockets: who may let a ring be entered is read at a simulated account, by the real
//! binary, and each word comes from the command line with a token of ringward.

use std::path::Path;
use std::process::{Child, Command, Output};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use ringward::rollout::event::Event;
use ringward::rollout::state::State;
use ringward::sandbox::{FaultScript, MemberStatus, SimulatedMember};
use ringward::time::Stopwatch;

use crate::kills::{read_log, ringward, state_of, terminate};
use crate::support::Walk;

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
    fn waiting(walk: Arc<Walk>) -> Self {
        let daemon = ringward(&walk, &[]).spawn().unwrap();
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

    /// `ringward approve`, in the name of a token's holder.
    fn approve(&self, token: &str) -> Output {
        said(&self.walk.database(), &["approve", "short", "--reason", "looks good"], Some(token))
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
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringward"));
    command.args(words).arg("--db").arg(database).env_remove("RINGWARD_BEARER_TOKEN");
    if let Some(token) = token {
        command.env("RINGWARD_BEARER_TOKEN", token);
    }
    command.output().unwrap()
}

fn refused(output: &Output, why: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && told.contains(why), "{why}: {output:?}");
}

async fn scene(seed: u64, play: impl FnOnce(Scene) + Send + 'static) {
    let walk = Arc::new(Walk::new(PLAN, SPEED, seed, 30).await);
    tokio::task::spawn_blocking(move || play(Scene::waiting(walk))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_let_it_be_entered_and_nobody_counts_twice() {
    scene(31, |mut scene| {
        let (ana, bruno) = (scene.token("ana@example.com"), scene.token("Bruno@Example.com"));
        assert!(scene.approve(&ana).status.success());
        refused(&scene.approve(&ana), "one person counts once");
        scene.stays_out("one of two approved");
        assert!(scene.approve(&bruno).status.success(), "in any case of its e-mail");
        scene.entered();
        scene.end();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_author_a_stranger_and_the_invited_have_no_say() {
    scene(32, |mut scene| {
        refused(&scene.approve(&scene.token("dana@example.com")), "nobody approves their own");
        refused(&scene.approve(&scene.token("eve@example.org")), "no accepted member");
        refused(&scene.approve(&scene.token("erin@example.com")), "no accepted member");
        let by_the_socket = said(&scene.walk.database(), &["approve", "short", "--reason", "mine"], None);
        let told = String::from_utf8_lossy(&by_the_socket.stderr).into_owned();
        assert!(!by_the_socket.status.success() && told.contains("may not approve"), "{told}");
        scene.stays_out("nobody who counts approved");
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
        scene.walk.write_plan(&PLAN.replace("soak: 48h", "soak: 49h"));
        scene.until("the plan is revised", |state| {
            let words = |plan: &ringward::rollout::state::PlanState| plan.rollout.rings[0].words.clone();
            let digests =
                state.plans.values().map(|plan| (words(plan), plan.rollout.revision.digest.clone()));
            digests
                .into_iter()
                .any(|(words, digest)| words.approvals.values().any(|word| word.digest != digest))
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
async fn a_group_that_is_unreadable_renamed_or_there_twice_lets_nobody_in() {
    scene(35, |mut scene| {
        let (ana, bruno) = (scene.token("ana@example.com"), scene.token("bruno@example.com"));
        assert!(scene.approve(&ana).status.success());
        let scripts = serde_json::json!([
            {"operation": "account-user-group-list", "kind": "server_error", "times": 100_000},
        ]);
        let scripts: Vec<FaultScript> = serde_json::from_value(scripts).unwrap();
        scene.walk.sandbox.with_account(|account| account.add_faults(&scripts).unwrap());
        refused(&scene.approve(&bruno), "cannot be read now");
        scene.walk.sandbox.with_account(ringward::sandbox::Account::clear_faults);
        assert!(scene.walk.sandbox.with_account(|account| {
            account.add_user_group(KEEPERS, &[]);
            account.user_groups().len() > 2
        }));
        refused(&scene.approve(&bruno), "no accepted member");
        scene.stays_out("two groups have the name");
        scene.end();
    })
    .await;
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
